/* SPDX-License-Identifier: MIT */
/* unit-sources: vdev/vgic/vgic.c vdev/vgic/lr.c vdev/vgic/inject.c vdev/vgic/switch.c vdev/vgic/regs.c */
/* unit-sources: vdev/vgic/check.c vdev/vgic/host.c vdev/vgic/irqregs.c vdev/vgic/v2.c vdev/vgic/v3.c vdev/mmio.c */
/* unit-sources: vdev/vgic/its.c vdev/vgic/its_commands.c vdev/vgic/lpi.c lib/rbtree.c */
/*
 * The vGIC under random operations of guests, devices and other CPUs, with both front ends. After each operation the
 * invariants of check.c hold, and what vgic_model.h says of deliveries; now and then all is let run down, after which
 * everything that was due has been delivered.
 *
 * The seeds are fixed. VGIC_FUZZ_SEED=n plays one seed, as printed of a run that fails; VGIC_FUZZ_OPS is for how long
 * (or up to where); VGIC_FUZZ_RUNS=n plays so many further seeds. VGIC_FUZZ_TRACE=1 names each operation.
 */
#include "vgic_fuzz_its.h"

#define RUNS 8u                  /* by front end; every fourth is wild */
#define OPS  70000u

static const struct irqchip_ops fake_v2 = FAKE_OPS(2), fake_v3 = FAKE_OPS(3);
static struct irqchip_ops ops;
static bool trace;

/* ---- the run ---- */

static const struct op {
    const char *name;
    void (*fn)(struct vcpu *v);
    u32 weight;
    bool guest, wild, its;       /* by a vCPU that is on this CPU; in wild runs only; of a domain that has LPIs */
} table[] = {
    { "acknowledge", op_acknowledge, 24, true, false, false }, { "end", op_end, 20, true, false, false },
    { "sgi", op_sgi, 12, true, false, false }, { "enable", op_enable, 8, true, false, false },
    { "priority", op_priority, 4, true, false, false }, { "pend", op_pend, 6, true, false, false },
    { "clear-pending", op_clear_pending, 3, true, false, false }, { "read", op_read, 4, true, false, false },
    { "route", op_route, 5, true, false, false }, { "group", op_group, 1, true, false, false },
    { "ctlr", op_ctlr, 1, true, false, false },
    { "mask", op_mask, 3, true, false, false }, { "interface", op_interface, 2, true, false, false },
    { "timer", op_timer, 6, true, false, false }, { "level", op_level, 4, true, false, false },
    { "event-clear", op_event_clear, 4, true, false, false }, { "exit", op_exit, 12, true, false, false },
    { "leave", op_leave, 3, true, false, false }, { "sleep", op_sleep, 3, true, false, false },
    { "event", op_event, 4, false, false, false }, { "device", op_device, 6, false, false, false },
    { "line", op_line, 8, false, false, false }, { "timer-expires", op_timer_expires, 2, false, false, false },
    { "wild-register", op_wild_register, 16, true, true, false }, { "wild-end", op_wild_end, 4, true, true, false },
    { "wild-reset", op_wild_reset, 2, false, true, false }, { "wild-connect", op_wild_connect, 2, false, true, false },
    { "message", op_message, 12, false, false, true }, { "command", op_command, 12, true, false, true },
    { "wild-command", op_wild_command, 6, true, true, true }, { "wild-its", op_wild_its, 4, true, true, true },
    { "wild-late", op_wild_late, 2, false, true, true }, { "wild-on", op_wild_on, 2, false, true, true },
};

static const struct op *some_op(void)
{
    static u32 total;
    u32 n;

    if (total == 0) {
        for (u32 i = 0; i < ARRAY_SIZE(table); i++) {
            total += table[i].weight;
        }
    }
    n = rnd(total);
    for (u32 i = 0; ; i++) {
        if (n < table[i].weight) {
            return &table[i];
        }
        n -= table[i].weight;
    }
}

/* Some vCPU that can run gets on this CPU. */
static void enter_some(u32 c)
{
    struct vcpu *v = d->vcpu[rnd(VCPUS)];

    if (where(v) == CPUS && !(v->pause_flags & VPF_BLOCKED)) {
        model_load(c, v);
    }
}

static void step(void)
{
    const struct op *op = some_op();
    u32 c = rnd(CPUS);

    unit_set_cpu(c);
    if (m.on[c] == NULL) {
        enter_some(c);
    }
    if (rnd(4) != 0) {
        run_exits();
    }
    if ((!op->guest || m.on[c] != NULL) && (!op->wild || m.wild) && (!op->its || m.version == 3)) {
        if (trace) {
            print_message("%u: cpu %u vcpu %d %s\n", m.op, c, m.on[c] != NULL ? m.on[c]->id : -1, op->name);
        }
        op->fn(m.on[c]);
    }
    check_step();
}

/* ---- letting it run down ---- */

/* What the handler does before the end: the device is quiet. */
static void serve(struct vcpu *v, u32 intid)
{
    if (intid == PPI_TIMER) {
        m.timer_line[v->id] = false;
    } else if (intid == PPI_EVENT) {
        v->info->evtchn_upcall_pending = 0;
    } else if (intid == PPI_LEVEL || (intid >= SPI_LEVEL && intid < LEVEL_END)) {
        vgic_set_level(d, v, intid, false);
    } else if (intid >= HOST_LEVEL && intid < HOST_EDGE) {
        m.dev_line[intid] = false;
    }
}

/* The guest on this CPU takes and ends all there is. */
static bool take_all(struct vcpu *v)
{
    bool any = false;

    for (;;) {
        run_exits();
        if (acknowledge()) {
            serve(v, taken_intid(m.stack[v->id][m.depth[v->id] - 1]));
        } else if (m.depth[v->id] != 0) {
            end_top(v);
        } else {
            return any;
        }
        any = true;
        check_step();
    }
}

static bool run_each(void)
{
    bool any = false;

    for_each_vcpu (d, v) {
        timer_expires(v);
        unit_set_cpu(v->id % CPUS);
        v->arch.vgic.vmcr = 0xf8u << VMCR_PMR_SHIFT | VMCR_VENG0 | VMCR_VENG1;
        v->pause_flags = 0;
        v->arch.regs.pstate = 0;
        model_load(cpu_id(), v);
        any = take_all(v) || any;
        model_unload(cpu_id());
        for (u32 c = 0; c < CPUS; c++) {
            unit_set_cpu(c);
            any = take_irqs() || any;
        }
    }
    return any;
}

/* Nothing that the guest wants to have is due. */
static void check_nothing_due(struct vcpu *v, u32 intid)
{
    const struct vgic_irq *irq = irq_of(v, intid);

    if (!irq->enabled || irq->target == NULL || irq->priority >= 0xf8) {
        return;
    }
    for (u32 s = 0; s < VCPUS; s++) {
        assert_true(is_level(intid) || !owed_of(v, intid, s)->must);
    }
    assert_false(irq->is_level && irq->line);
    assert_false(intid == PPI_TIMER && m.timer_line[v->id]);
    assert_false(intid == PPI_EVENT && v->info->evtchn_upcall_pending);
    assert_false(intid >= HOST_LEVEL && intid < HOST_END && (m.dev_line[intid] || m.dev_latch[intid]));
    if (intid >= LPI_FIRST) {
        u32 n = (intid - LPI_FIRST) / LPI_STEP;

        assert_false(m.host_lpi[n].mapped && m.host_lpi[n].pending);
    }
}

static void all_off(void)
{
    for (u32 c = 0; c < CPUS; c++) {
        if (m.on[c] != NULL) {
            unit_set_cpu(c);
            run_exits();
            model_unload(c);
        }
    }
}

/* As a guest would set things right: by v, on. */
static void write_all(struct vcpu *v, u32 at)
{
    for (u32 i = 0; i < 32 + SPIS; i += 32) {
        wr(reg(v, i, at), 0xffffffff);
    }
}

static void run_down(bool enable_all)
{
    u32 rounds = 0;

    m.nested = true;
    all_off();
    for_each_vcpu (d, v) {
        unit_set_cpu(0);
        model_load(0, v);
        write_ctlr(true);
        if (enable_all) {
            write_all(v, 0x100);
            for (u32 i = 32; i < 32 + SPIS; i++) {
                write_route(i, rnd(VCPUS));
            }
        }
        if (m.version == 3) {
            finish_commands(v);
            enable_all && v->id == 0 ? all_lpis(v) : (void)0;
        }
        model_unload(0);
    }
    while (run_each()) {
        assert_true(rounds++ < 100);
    }
    for_each_vcpu (d, v) {
        for (u32 i = 0; i < NR_ALL; i++) {
            check_nothing_due(v, nth_intid(i));
        }
    }
    m.nested = false;
}

/* After whatever the guest did: it clears all of its interrupts, and they work. */
static void recover(void)
{
    m.nested = true;
    all_off();
    m.wild = false;
    memset(m.depth, 0, sizeof(m.depth));
    memset(m.timer_line, 0, sizeof(m.timer_line));
    memset(m.dev_line, 0, sizeof(m.dev_line));
    memset(m.dev_latch, 0, sizeof(m.dev_latch));
    for_each_vcpu (d, v) {
        unit_set_cpu(0);
        v->arch.vgic.vmcr = 0;
        memset(v->arch.vgic.apr, 0, sizeof(v->arch.vgic.apr));
        v->info->evtchn_upcall_pending = 0;
        vgic_set_level(d, v, PPI_LEVEL, false);
        model_load(0, v);
        for (u32 i = 32; i < 32 + SPIS; i++) {
            vgic_set_level(d, v, i, false);
        }
        write_all(v, 0x180);
        if (m.version == 2) {
            for (u32 i = 0; i < 16; i += 4) {
                wr(GICD + 0xf10 + i, 0xffffffff);
            }
        }
        write_all(v, 0x280);
        write_all(v, 0x380);
        if (m.version == 3 && v->id == 0) {
            recover_lpis(v);
        }
        model_unload(0);
        for (u32 s = 0; s < VCPUS; s++) {
            memset(m.sgi[v->id][s], 0, sizeof(m.sgi[v->id][s]));
            owe(&m.sgi[v->id][m.version == 2 ? v->id : 0][9]);
        }
        model_load(0, v);
        write_bit(v, 9, 0x100);
        wr(GICD, 3);
        if (m.version == 3) {
            vgic_sgi1r_write(v, 9UL << 24 | BIT32(v->id));
        } else {
            wr(GICD + 0xf00, 2u << 24 | 9);
        }
        model_unload(0);
    }
    memset(m.ppi, 0, sizeof(m.ppi));
    memset(m.spi, 0, sizeof(m.spi));
    memset(m.lpi, 0, sizeof(m.lpi));
    memset(m.host_lpi, 0, sizeof(m.host_lpi));
    m.nested = false;
    run_down(false);
    for_each_vcpu (d, v) {
        assert_false(m.sgi[v->id][m.version == 2 ? v->id : 0][9].must);
    }
}

static void begin(u8 version, u64 seed)
{
    memset(&m, 0, sizeof(m));
    m.seed = seed;
    m.random = seed * 0x9e3779b97f4a7c15UL | 1;
    m.version = version;
    m.wild = seed % 4 == 3;
    ops = version == 3 ? fake_v3 : fake_v2;
    ops.is_pending = model_is_pending;
    ops.set_pending = model_set_pending;
    ops.its = version == 3 ? &model_its : NULL;
    make_domain(&ops, version, VCPUS, SPIS);
    if (version == 3) {
        assert_int_equal(vgic_create_lpis(d, &(const struct machine_its){ .base = ITS_BASE }, 1), 0);
    }
    on_kick = model_kick;
    for_each_vcpu (d, v) {
        v->cpu = v->id % CPUS;
    }
    for (u32 i = HOST_LEVEL; i < HOST_END; i++) {
        assert_int_equal(vgic_connect_host(d, i, i), 0);
    }
    unit_set_cpu(0);
    load(d->vcpu[0]);
    if (version == 3) {
        begin_lpis(d->vcpu[0]);
    }
    unload(d->vcpu[0]);
    model_load(0, d->vcpu[0]);
    for (u32 i = 32; i < 32 + SPIS; i += 16) {
        wr(GICD + 0xc00 + i / 4, i == 32 ? 0xaa00aaaa : 0xaaaaaa00);
    }
    for (u32 i = 32; i < 32 + SPIS; i++) {
        write_route(i, rnd(VCPUS));
        write_priority(d->vcpu[0], i, rnd(32) * 8);
    }
    write_ctlr(true);
    model_unload(0);
}

static void play(u8 version, u64 seed, u32 nr_ops)
{
    print_message("# GICv%u seed %lu (VGIC_FUZZ_SEED=%lu)\n", version, seed, seed);
    begin(version, seed);
    for (m.op = 0; m.op < nr_ops; m.op++) {
        step();
        if (!m.wild && rnd(500) == 0) {
            run_down(rnd(2));
        }
    }
    if (m.wild) {
        recover();
    } else {
        run_down(true);
        assert_true(m.delivered > nr_ops / 50 && (version == 2 || m.lpis > nr_ops / 200));
    }
    m.done = true;
}

static void fuzz(u8 version)
{
    const char *one = getenv("VGIC_FUZZ_SEED"), *more = getenv("VGIC_FUZZ_RUNS"), *len = getenv("VGIC_FUZZ_OPS");
    u64 first = one != NULL ? strtoul(one, NULL, 0) : more != NULL ? 1000 : 0;
    u64 runs = one != NULL ? 1 : more != NULL ? strtoul(more, NULL, 0) : RUNS;

    trace = getenv("VGIC_FUZZ_TRACE") != NULL;
    for (u64 seed = first; seed < first + runs; seed++) {
        unit_setup(NULL);
        play(version, seed, len != NULL ? (u32)strtoul(len, NULL, 0) : OPS);
        if (version == 3) {
            free_lpis();
        }
        vgic_destroy_domain(d);
        unit_teardown(NULL);
    }
}

static void v3(void **state)
{
    (void)state;
    fuzz(3);
}

static void v2(void **state)
{
    (void)state;
    fuzz(2);
}

/* After a failure: where it was. */
static int report(void **state)
{
    (void)state;
    if (!m.done) {
        print_message("# failed: GICv%u, VGIC_FUZZ_SEED=%lu, operation %u\n", m.version, m.seed, m.op);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test_teardown(v3, report), cmocka_unit_test_teardown(v2, report) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
