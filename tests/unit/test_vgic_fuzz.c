/* SPDX-License-Identifier: MIT */
/* unit-sources: vdev/vgic/vgic.c vdev/vgic/lr.c vdev/vgic/inject.c vdev/vgic/switch.c vdev/vgic/regs.c */
/* unit-sources: vdev/vgic/check.c vdev/vgic/host.c vdev/vgic/irqregs.c vdev/vgic/v2.c vdev/vgic/v3.c vdev/mmio.c */
/*
 * The vGIC under random operations of guests, devices and other CPUs, with both front ends. After each operation the
 * invariants of check.c hold, and what vgic_model.h says of deliveries; now and then all is let run down, after which
 * everything that was due has been delivered.
 *
 * The seeds are fixed. VGIC_FUZZ_SEED=n plays one seed, as printed of a run that fails; VGIC_FUZZ_OPS is for how long
 * (or up to where); VGIC_FUZZ_RUNS=n plays so many further seeds. VGIC_FUZZ_TRACE=1 names each operation.
 */
#include "vgic_model.h"

#define RUNS 8u                  /* by front end; every fourth is wild */
#define OPS  70000u

static const struct irqchip_ops fake_v2 = FAKE_OPS(2), fake_v3 = FAKE_OPS(3);
static struct irqchip_ops ops;
static bool trace;

/* ---- registers ---- */

/* Of an interrupt: v's bank of it, accessed by whoever is on this CPU (v2: its own bank only). */
static u64 reg(const struct vcpu *v, u32 intid, u32 at)
{
    return (intid < 32 && m.version == 3 ? SGIF(v->id) : GICD) + at + intid / 32 * 4;
}

static void write_bit(const struct vcpu *v, u32 intid, u32 at)
{
    wr(reg(v, intid, at), BIT32(intid % 32));
}

static void write_priority(const struct vcpu *v, u32 intid, u32 value)
{
    mmio((intid < 32 && m.version == 3 ? SGIF(v->id) : GICD) + 0x400 + intid, 1, true, value);
}

static void write_route(u32 intid, u32 target)
{
    if (m.version == 3) {
        mmio(GICD + 0x6000 + intid * 8, 8, true, target < VCPUS ? target : 0x50);
    } else {
        mmio(GICD + 0x800 + intid, 1, true, target < VCPUS ? BIT32(target) : 0);
    }
}

static void write_ctlr(bool on)
{
    wr(GICD, on ? 3 : rnd(4));
}

/* ---- operations: the guest on this CPU ---- */

/* Whose private interrupts self may reach by register. */
static struct vcpu *some_bank(struct vcpu *self)
{
    return m.version == 3 ? d->vcpu[rnd(VCPUS)] : self;
}

static u32 some_irq(void)
{
    static const u8 private[] = { 1, 2, 3, 5, 8, 15, PPI_SOFT, PPI_TIMER, PPI_LEVEL, PPI_EVENT };

    return rnd(2) ? private[rnd(ARRAY_SIZE(private))] : 32 + rnd(SPIS);
}

/* Only by its owner: sender and interrupt. */
static void op_sgi(struct vcpu *v)
{
    u32 intid = 1 + rnd(6), targets = 1 + rnd((1 << VCPUS) - 1);

    for (u32 t = 0; t < VCPUS; t++) {
        if (targets & BIT32(t)) {
            owe(&m.sgi[t][m.version == 2 ? v->id : 0][intid]);
        }
    }
    if (m.version == 3) {
        vgic_sgi1r_write(v, (u64)intid << 24 | targets);
    } else {
        wr(GICD + 0xf00, targets << 16 | intid);
    }
}

static void op_enable(struct vcpu *v)
{
    write_bit(some_bank(v), some_irq(), rnd(3) ? 0x100 : 0x180);
}

static bool in_stack(const struct vcpu *v, u32 intid)
{
    for (u32 i = 0; i < m.depth[v->id]; i++) {
        if ((m.stack[v->id][i] & 0x3ff) == intid) {
            return true;
        }
    }
    return false;
}

/* Not of what is active: the guest would end it out of order. */
static void op_priority(struct vcpu *v)
{
    struct vcpu *bank = some_bank(v);
    u32 intid = some_irq();

    for_each_vcpu (d, t) {
        if (!m.wild && in_stack(t, intid) && (intid >= 32 || t == bank)) {
            return;
        }
    }
    write_priority(bank, intid, rnd(32) * 8);
}

/* By ISPENDR: of those that are owed for it (v2: not SGIs). */
static void op_pend(struct vcpu *v)
{
    struct vcpu *bank = some_bank(v);
    u32 intid = some_irq();

    if (is_level(intid) || (m.version == 2 && intid < 16) || (intid >= HOST_LEVEL && intid < HOST_END)) {
        return;
    }
    owe(owed_of(bank, intid, 0));
    write_bit(bank, intid, 0x200);
}

static void op_clear_pending(struct vcpu *v)
{
    struct vcpu *bank = some_bank(v);
    u32 intid = some_irq();
    struct owed *o = owed_of(bank, intid, 0);

    if (m.version == 2 && intid < 16) {
        return;
    }
    o->must = false;
    o->cleared = !is_level(intid);
    write_bit(bank, intid, 0x280);
}

static void op_read(struct vcpu *v)
{
    (void)rd(reg(some_bank(v), some_irq(), rnd(2) ? 0x200 : 0x300));
}

static void op_route(struct vcpu *v)
{
    (void)v;
    write_route(32 + rnd(SPIS), rnd(VCPUS + 1));
}

static void op_group(struct vcpu *v)
{
    wr(reg(some_bank(v), some_irq(), 0x80), (u32)m.random);
}

static void op_ctlr(struct vcpu *v)
{
    (void)v;
    write_ctlr(rnd(4) != 0);
}

static void op_acknowledge(struct vcpu *v)
{
    (void)v;
    (void)acknowledge();
}

static void op_end(struct vcpu *v)
{
    if (m.depth[v->id] != 0) {
        end_top(v);
    }
}

static void op_mask(struct vcpu *v)
{
    v->arch.regs.pstate ^= PSTATE_I;
}

static void op_interface(struct vcpu *v)
{
    (void)v;
    fake_here()->vmcr = (rnd(4) ? 0xf8 : rnd(32) * 8) << VMCR_PMR_SHIFT | (rnd(8) ? VMCR_VENG0 | VMCR_VENG1 : rnd(4));
}

static void op_timer(struct vcpu *v)
{
    m.timer_line[v->id] = rnd(2);
}

static void op_level(struct vcpu *v)
{
    vgic_set_level(d, v, PPI_LEVEL, rnd(2));
}

/* Clears its upcall byte, as a handler does. */
static void op_event_clear(struct vcpu *v)
{
    v->info->evtchn_upcall_pending = 0;
}

static void op_exit(struct vcpu *v)
{
    (void)v;
    run_exits();
}

static void op_leave(struct vcpu *v)
{
    (void)v;
    model_unload(cpu_id());
}

/* WFI, as vcpu_block_current() does it. */
static void op_sleep(struct vcpu *v)
{
    v->pause_flags |= VPF_BLOCKED;
    if (vgic_irq_deliverable(v) || v->info->evtchn_upcall_pending) {
        v->pause_flags &= ~(u32)VPF_BLOCKED;
    } else {
        model_unload(cpu_id());
    }
}

/* ---- operations: devices and other domains ---- */

static void op_event(struct vcpu *v)
{
    struct vcpu *t = d->vcpu[rnd(VCPUS)];

    (void)v;
    if (!t->info->evtchn_upcall_pending) {
        t->info->evtchn_upcall_pending = 1;
        vgic_set_level(d, t, PPI_EVENT, true);
    }
}

static void op_device(struct vcpu *v)
{
    u32 intid = HOST_LEVEL + rnd(HOST_END - HOST_LEVEL);

    (void)v;
    if (intid < HOST_EDGE) {
        m.dev_line[intid] = rnd(2);
    } else {
        m.dev_latch[intid] = true;
    }
}

static void op_inject(struct vcpu *v)
{
    u32 intid = 32 + rnd(SPIS);

    if (intid >= SPI_LEVEL && intid < LEVEL_END) {
        vgic_set_level(d, NULL, intid, rnd(2));
    } else if (intid < HOST_LEVEL || intid >= LEVEL_END) {
        owe(&m.spi[intid]);
        vgic_inject(d, v, intid);
    }
}

static void op_timer_expires(struct vcpu *v)
{
    struct vcpu *t = d->vcpu[rnd(VCPUS)];

    (void)v;
    if (where(t) == CPUS) {
        m.timer_line[t->id] = true;
        timer_expires(t);
    }
}

/* ---- wild ones ---- */

static void op_wild_register(struct vcpu *v)
{
    u64 frame = m.version == 3 && rnd(2) ? SGIF(rnd(VCPUS)) : GICD;
    u64 at = frame + (rnd(4) ? rnd(7) * 0x80 + 0x80 + rnd(2) * 4 : rnd(0x400) * 4);

    (void)v;
    if (rnd(2)) {
        wr(at, (u32)m.random & (u32)(m.random >> 32));
    } else {
        (void)rd(at);
    }
}

static void op_wild_end(struct vcpu *v)
{
    (void)v;
    guest_eoi(some_irq());
}

static void op_wild_reset(struct vcpu *v)
{
    struct vcpu *t = d->vcpu[rnd(VCPUS)];

    (void)v;
    if (where(t) == CPUS && rnd(8) == 0) {
        vgic_reset_vcpu(t);
        m.depth[t->id] = 0;
    }
}

static void op_wild_connect(struct vcpu *v)
{
    u32 intid = HOST_LEVEL + rnd(HOST_END - HOST_LEVEL);

    (void)v;
    if (vgic_spi(d, intid)->host_irq != 0) {
        fake.enabled[intid] = false;
        vgic_disconnect_host(d, intid);
        fake.active[intid] = false;
    } else {
        assert_int_equal(vgic_connect_host(d, intid, intid), 0);
    }
}

/* ---- the run ---- */

static const struct op {
    const char *name;
    void (*fn)(struct vcpu *v);
    u32 weight;
    bool guest, wild;            /* by a vCPU that is on this CPU; in wild runs only */
} table[] = {
    { "acknowledge", op_acknowledge, 24, true, false }, { "end", op_end, 20, true, false },
    { "sgi", op_sgi, 12, true, false }, { "enable", op_enable, 8, true, false },
    { "priority", op_priority, 4, true, false }, { "pend", op_pend, 6, true, false },
    { "clear-pending", op_clear_pending, 3, true, false }, { "read", op_read, 4, true, false },
    { "route", op_route, 5, true, false }, { "group", op_group, 1, true, false }, { "ctlr", op_ctlr, 1, true, false },
    { "mask", op_mask, 3, true, false }, { "interface", op_interface, 2, true, false },
    { "timer", op_timer, 6, true, false }, { "level", op_level, 4, true, false },
    { "event-clear", op_event_clear, 4, true, false }, { "exit", op_exit, 12, true, false },
    { "leave", op_leave, 3, true, false }, { "sleep", op_sleep, 3, true, false },
    { "event", op_event, 4, false, false }, { "device", op_device, 6, false, false },
    { "inject", op_inject, 8, false, false }, { "timer-expires", op_timer_expires, 2, false, false },
    { "wild-register", op_wild_register, 16, true, true }, { "wild-end", op_wild_end, 4, true, true },
    { "wild-reset", op_wild_reset, 2, false, true }, { "wild-connect", op_wild_connect, 2, false, true },
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
    if ((!op->guest || m.on[c] != NULL) && (!op->wild || m.wild)) {
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
            serve(v, m.stack[v->id][m.depth[v->id] - 1] & 0x3ff);
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
        model_unload(0);
    }
    while (run_each()) {
        assert_true(rounds++ < 100);
    }
    for_each_vcpu (d, v) {
        for (u32 i = 0; i < 32 + SPIS; i++) {
            check_nothing_due(v, i);
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
    make_domain(&ops, version, VCPUS, SPIS);
    on_kick = model_kick;
    for (u32 i = HOST_LEVEL; i < HOST_END; i++) {
        assert_int_equal(vgic_connect_host(d, i, i), 0);
    }
    unit_set_cpu(0);
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
        assert_true(m.delivered > nr_ops / 50);
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
