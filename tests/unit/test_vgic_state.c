/* SPDX-License-Identifier: MIT */
/* unit-sources: vdev/vgic/vgic.c vdev/vgic/lr.c vdev/vgic/inject.c vdev/vgic/switch.c vdev/vgic/regs.c */
/* unit-sources: vdev/vgic/check.c vdev/vgic/host.c vdev/vgic/irqregs.c vdev/vgic/v2.c vdev/vgic/v3.c vdev/mmio.c */
/* The vGIC: state that must not be lost, or come twice, over edges, switches, sleep and writes by other CPUs. */
#include "vgic_v3.h"

/* An edge is the line's rise: once for each, however often it is reported high. */
static void edges_of_a_line(void **state)
{
    (void)state;
    enable_spi(41, 0x80, true);
    vgic_set_level(d, NULL, 41, true);
    assert_int_equal(guest_ack(), 41);
    guest_eoi(41);
    vgic_set_level(d, NULL, 41, true);
    assert_int_equal(guest_ack(), FAKE_NONE);
    vgic_set_level(d, NULL, 41, false);
    vgic_set_level(d, NULL, 41, true);
    assert_int_equal(guest_ack(), 41);
    guest_eoi(41);
    assert_int_equal(guest_ack(), FAKE_NONE);
}

/* What the guest has ended does not come again when its vCPU does. */
static void ended_before_the_switch(void **state)
{
    (void)state;
    vgic_sgi1r_write(d->vcpu[0], 5UL << 24 | 1);
    assert_int_equal(guest_ack(), 5);
    guest_eoi(5);
    unload(d->vcpu[0]);
    load(d->vcpu[0]);
    assert_int_equal(guest_ack(), FAKE_NONE);
}

/* The list register of last time is used again, and its vCPU, which runs nowhere, is woken. */
static void second_one_for_a_sleeper(void **state)
{
    struct vcpu *b = d->vcpu[1];

    (void)state;
    unload(d->vcpu[0]);
    load(b);
    vgic_sgi1r_write(b, 5UL << 24 | 2);
    assert_int_equal(guest_ack(), 5);
    guest_eoi(5);
    unload(b);
    load(d->vcpu[0]);
    kicks[1] = 0;
    vgic_sgi1r_write(d->vcpu[0], 5UL << 24 | 2);
    assert_int_equal(kicks[1], 1);
    assert_true(vgic_irq_deliverable(b));
}

/* On its way to sleep: woken by one that needs a list register, too. */
static void blocked_vcpu_is_kicked_by_the_first(void **state)
{
    (void)state;
    enable_spi(45, 0x80, true);
    d->vcpu[0]->pause_flags = VPF_BLOCKED;
    pend_spi(45);
    assert_int_equal(kicks[0], 1);
    assert_int_equal(guest_ack(), 45);
    guest_eoi(45);
}

/* Aff1 counts sixteens, for SGIs and for routes; Aff0 beyond them and Aff2 name nobody. */
static void second_cluster(void **state)
{
    struct domain *e = unit_domain(2, 18);
    static const struct { u64 route; int id; } routes[] = {
        { 0x101, 17 }, { 0x10, -1 }, { 1, 1 }, { 0x10001, -1 }, { 0x100, 16 }, { BIT(32) | 1, -1 }, { 0x102, -1 },
    };

    (void)state;
    assert_int_equal(vgic_init_domain(e, 3, 32), 0);
    for_each_vcpu (e, v) {
        vgic_init_vcpu(v);
    }
    vgic_sgi1r_write(e->vcpu[0], 5UL << 24 | 1UL << 16 | 2);
    for_each_vcpu (e, v) {
        assert_int_equal(v->arch.vgic.priv[5].latch, v->id == 17);
    }
    for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
        const struct vcpu *target;

        vgic_v3_dist_write(e->vcpu[0], 0x6000 + 40 * 8, 8, routes[i].route);
        target = e->arch.vgic.spis[40 - 32].target;
        assert_int_equal(target != NULL ? target->id : -1, routes[i].id);
        assert_int_equal(vgic_v3_dist_read(e->vcpu[0], 0x6000 + 40 * 8, 8), routes[i].route);
    }
    vgic_destroy_domain(e);
}

/* Priority dropped, not deactivated (EOImode 1): active, but nothing to wake for. */
static void no_wake_for_the_active(void **state)
{
    (void)state;
    enable_spi(40, 0x80, true);
    pend_spi(40);
    assert_int_equal(guest_ack(), 40);
    fake_here()->apr[4] = 0;
    assert_false(vgic_irq_deliverable(d->vcpu[0]));
    guest_eoi(40);
}

/* All list registers are of a group that the guest has off: one that waits for a register wakes it. */
static void wake_for_the_ready(void **state)
{
    (void)state;
    wr(GICD, 0x13);
    for (u32 i = 0; i <= FAKE_LRS; i++) {
        enable_spi(40 + i, 0x20 + 8 * i, true);
    }
    wr(GICD + 0x84, ~0xf00u);            /* 40 to 43 are of group 0 */
    for (u32 i = 0; i <= FAKE_LRS; i++) {
        pend_spi(40 + i);
    }
    assert_int_equal(d->arch.vgic.spis[44 - 32].place, VGIC_READY);
    fake_here()->vmcr = 0xf0u << VMCR_PMR_SHIFT | VMCR_VENG1;
    assert_true(vgic_irq_deliverable(d->vcpu[0]));
    fake_here()->vmcr = 0x40u << VMCR_PMR_SHIFT | VMCR_VENG1;
    assert_false(vgic_irq_deliverable(d->vcpu[0]));
}

static u32 seven(void) { return 7; }

/* With more preemption levels than one register of active priorities holds: 32 to each. */
static void running_priority_of_the_second_register(void **state)
{
    struct vgic_host_ops more = *vgic_host;

    (void)state;
    more.nr_preempt_bits = seven;
    vgic_host = &more;
    enable_spi(40, 0x30, true);
    enable_spi(41, 0x50, true);
    fake_here()->apr[5] = BIT32(0);      /* 0x40 */
    pend_spi(41);
    assert_false(vgic_irq_deliverable(d->vcpu[0]));
    pend_spi(40);
    assert_true(vgic_irq_deliverable(d->vcpu[0]));
    fake_here()->apr[5] = 0;
    vgic_host = ops.virt;
}

/* Two lines are looked at on an exit: that the one still waits says nothing of the other. */
static void both_lines_are_looked_at(void **state)
{
    struct vcpu *v = d->vcpu[0];

    (void)state;
    enable_ppi(0, 27, 0x80);
    enable_ppi(0, 31, 0x40);
    fake_here()->ppi_active[27] = true;
    vgic_inject_host(d, v, 27, 27);
    raise_event(v);
    v->arch.vgic.watch_new = false;
    v->info->evtchn_upcall_pending = 0;
    assert_true(vgic_check_lines(v));
    assert_int_equal(guest_ack(), 27);
    guest_eoi(27);
}

/* The guest is in the timer's handler while its vCPU sleeps: an expiry is not another one. */
static void timer_while_active_off_cpu(void **state)
{
    struct vcpu *v = d->vcpu[0];

    (void)state;
    enable_ppi(0, 27, 0x80);
    fake_here()->ppi_active[27] = true;
    vgic_inject_host(d, v, 27, 27);
    assert_int_equal(guest_ack(), 27);
    unload(v);
    assert_true(vgic_inject_timer(v, 27));
    load(v);
    assert_int_equal(fake_here()->lr[0] & LR_STATE, LR_ACTIVE);
    guest_eoi(27);
    assert_int_equal(guest_ack(), FAKE_NONE);
}

/* A host interrupt that has come to another CPU than its vCPU's goes there from then on, as does an enabled one. */
static void host_interrupt_follows(void **state)
{
    (void)state;
    assert_int_equal(vgic_connect_host(d, 50, 50), 0);
    d->vcpu[2]->cpu = 3;
    mmio(GICD + 0x6000 + 50 * 8, 8, true, 2);
    fake.target[50] = 1;
    enable_spi(50, 0x80, false);
    assert_int_equal(fake.target[50], 3);
    mmio(GICD + 0x6000 + 50 * 8, 8, true, 0);
    fake.target[50] = 1;
    fake.active[50] = true;
    unit_set_cpu(1);
    vgic_inject_host(d, NULL, 50, 50);
    unit_set_cpu(0);
    assert_int_equal(fake.target[50], 0);
    vgic_flush(d->vcpu[0]);
    /* GICD_ICPENDR and ICACTIVER: while active it is the guest's to end; made inactive, the physical one ends. */
    assert_int_equal(guest_ack(), 50);
    /* Active it stays where it is; its next one is for whom it has been routed to. */
    mmio(GICD + 0x6000 + 50 * 8, 8, true, 2);
    wr(GICD + 0x184, BIT32(18));
    fake.target[50] = 1;
    wr(GICD + 0x104, BIT32(18));
    assert_int_equal(fake.target[50], 3);
    mmio(GICD + 0x6000 + 50 * 8, 8, true, 0);
    wr(GICD + 0x284, BIT32(18));
    assert_true(fake.active[50]);
    wr(GICD + 0x384, BIT32(18));
    assert_false(fake.active[50]);
    fake_here()->apr[4] = 0;
}

/* Of two wishes for an interrupt on another CPU the later one counts, and is what is read meanwhile. */
static void later_wish_counts(void **state)
{
    struct vcpu *b = d->vcpu[1];
    const struct vgic_irq *irq = &b->arch.vgic.priv[5];

    (void)state;
    unit_set_cpu(1);
    guest_on(1);
    load(b);
    vgic_sgi1r_write(b, 5UL << 24 | 2);
    unit_set_cpu(0);
    wr(SGIF(1) + 0x300, BIT32(5));
    assert_true(irq->want_active && !irq->want_inactive);
    assert_int_equal(rd(SGIF(1) + 0x300), BIT32(5));
    wr(SGIF(1) + 0x380, BIT32(5));
    assert_true(irq->want_inactive && !irq->want_active);
    assert_int_equal(rd(SGIF(1) + 0x300), 0);
    wr(SGIF(1) + 0x300, BIT32(5));
    assert_true(irq->want_active && !irq->want_inactive);
    unit_set_cpu(1);
    vgic_flush(b);
    assert_true(fake_here()->lr[0] & LR_ACTIVE);
    unload(b);
    unit_set_cpu(0);
}

/* Half of a 64-bit register leaves the other half; an access that is not aligned finds nothing. */
static void parts_of_registers(void **state)
{
    u64 router = GICD + 0x6000 + 50 * 8;

    (void)state;
    mmio(router, 8, true, BIT(32) | 2);
    wr(router, 1);
    assert_int_equal(mmio(router, 8, false, 0), BIT(32) | 1);
    wr(router + 4, 0);
    assert_int_equal(mmio(router, 8, false, 0), 1);
    for (u32 i = 0; i < 8; i++) {
        mmio(GICD + 0x428 + i, 1, true, 0x80);
    }
    assert_int_equal(rd(GICD + 0x428), 0x80808080);
    assert_int_equal(rd(GICD + 0x42a), 0);
}

/* A vCPU that is reset has nothing active, of the private ones or of those that it had taken. */
static void reset_ends_all(void **state)
{
    struct vcpu *v = d->vcpu[0];

    (void)state;
    enable_spi(40, 0x80, true);
    pend_spi(40);
    assert_int_equal(guest_ack(), 40);
    unload(v);
    assert_int_equal(d->arch.vgic.spis[40 - 32].lr != 0, true);
    vgic_reset_vcpu(v);
    load(v);
    assert_int_equal(rd(GICD + 0x304), 0);
}

/* In doubt is only what v still has, and is still connected. */
static void doubt(void **state)
{
    struct vcpu *v = d->vcpu[0];
    struct vgic_irq *irq = &d->arch.vgic.spis[50 - 32];

    (void)state;
    assert_int_equal(vgic_connect_host(d, 50, 50), 0);
    assert_false(vgic_is_doubtful(v));
    v->arch.vgic.doubtful = irq;
    assert_true(vgic_is_doubtful(v));
    irq->vcpu = d->vcpu[1];
    assert_false(vgic_is_doubtful(v));
    irq->vcpu = v;
    vgic_disconnect_host(d, 50);
    assert_false(vgic_is_doubtful(v));
    v->arch.vgic.doubtful = NULL;
}

static u32 asked;

/* Its CPU asks us at the same time, and answers at once. */
static void asks_back(struct vcpu *v)
{
    asked++;
    atomic_fetch_or(&d->vcpu[0]->pending, PEND_SYNC);
    unit_set_cpu(1);
    if (asked == 2) {
        vgic_sync(v);
    }
    unit_set_cpu(0);
}

static void two_ask_each_other(void **state)
{
    struct vcpu *a = d->vcpu[0], *b = d->vcpu[1];
    u64 begin;
    u32 seq;

    (void)state;
    unit_set_cpu(1);
    guest_on(1);
    load(b);
    vgic_sgi1r_write(b, 5UL << 24 | 2);
    unit_set_cpu(0);
    asked = 0;
    on_kick = asks_back;
    seq = a->arch.vgic.sync_seq;
    assert_int_equal(rd(SGIF(1) + 0x200), BIT32(5));     /* no answer: but b's CPU has had one of us */
    assert_int_equal(a->arch.vgic.sync_seq, seq + 1);
    assert_int_equal(a->pending & PEND_SYNC, 0);
    /* With an answer nobody waits for the time-out. */
    begin = host_counter;
    assert_int_equal(rd(SGIF(1) + 0x200), BIT32(5));
    assert_int_equal(asked, 2);
    assert_true(host_counter - begin < ns_to_ticks(NS_PER_MS) / 2);
    on_kick = NULL;
    unit_set_cpu(1);
    unload(b);
    unit_set_cpu(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        vcase(edges_of_a_line), vcase(ended_before_the_switch), vcase(second_one_for_a_sleeper),
        vcase(blocked_vcpu_is_kicked_by_the_first), vcase(second_cluster), vcase(no_wake_for_the_active),
        vcase(wake_for_the_ready), vcase(running_priority_of_the_second_register), vcase(both_lines_are_looked_at),
        vcase(timer_while_active_off_cpu), vcase(host_interrupt_follows), vcase(later_wish_counts),
        vcase(two_ask_each_other), vcase(parts_of_registers), vcase(reset_ends_all), vcase(doubt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
