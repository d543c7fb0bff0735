/* SPDX-License-Identifier: MIT */
/* unit-sources: vdev/vgic/vgic.c vdev/vgic/lr.c vdev/vgic/inject.c vdev/vgic/switch.c vdev/vgic/regs.c vdev/vgic/irqregs.c */
/* unit-sources: vdev/vgic/v2.c vdev/vgic/v3.c vdev/mmio.c */
/* The vGIC with a GICv3 guest: delivery, levels, hardware links, list register pressure, vCPUs that move, remote state. */
#include "vgic_common.h"

static const struct irqchip_ops ops = FAKE_OPS(3);
static bool timer_line;
extern bool vgic_hw_link;

bool vtimer_virt_line(const struct vcpu *v)
{
    (void)v;
    return timer_line;
}

int irq_release_from_guest(u32 host_irq, struct domain *dom)
{
    vgic_disconnect_host(dom, host_irq);
    fake.enabled[host_irq] = false;
    return 0;
}

static int setup(void **state)
{
    unit_setup(state);
    make_domain(&ops, 3, 4, 64);
    timer_line = true;
    load(d->vcpu[0]);
    wr(GICD, 0x12);                      /* group 1 on */
    memset(kicks, 0, sizeof(kicks));
    return 0;
}

static int teardown(void **state)
{
    if (current_vcpu() != NULL && !current_vcpu()->is_idle) {
        unload(current_vcpu());
    }
    vgic_destroy_domain(d);
    return unit_teardown(state);
}

#define vcase(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static void enable_spi(u32 intid, u32 prio, bool edge)
{
    mmio(GICD + 0x400 + intid, 1, true, prio);
    wr(GICD + 0xc00 + intid / 16 * 4, edge ? 2u << intid % 16 * 2 : 0);
    wr(GICD + 0x100 + intid / 32 * 4, BIT32(intid % 32));
}

static void enable_ppi(u32 vcpu, u32 intid, u32 prio)
{
    mmio(SGIF(vcpu) + 0x400 + intid, 1, true, prio);
    wr(SGIF(vcpu) + 0x100, BIT32(intid));
}

static void sgi_to_self(void **state)
{
    (void)state;
    for (u32 i = 0; i < 5; i++) {
        u32 writes = fake.lr_writes;

        vgic_sgi1r_write(d->vcpu[0], 3UL << 24 | 1);
        assert_int_equal(fake.lr_writes, writes + 1);
        assert_int_equal(guest_ack(), 3);
        assert_int_equal(guest_ack(), FAKE_NONE);
        guest_eoi(3);
    }
    assert_int_equal(kicks[0], 0);
}

static void sgi_while_active_comes_again(void **state)
{
    (void)state;
    vgic_sgi1r_write(d->vcpu[0], 3UL << 24 | 1);
    assert_int_equal(guest_ack(), 3);
    vgic_sgi1r_write(d->vcpu[0], 3UL << 24 | 1);
    assert_int_equal(guest_ack(), FAKE_NONE);
    guest_eoi(3);
    assert_int_equal(guest_ack(), 3);
    guest_eoi(3);
    assert_int_equal(guest_ack(), FAKE_NONE);
}

static void sgi_targets(void **state)
{
    (void)state;
    /* Not running: into saved list registers, and a kick. */
    vgic_sgi1r_write(d->vcpu[0], 5UL << 24 | 0xa);
    assert_int_equal(kicks[1], 1);
    assert_int_equal(kicks[2], 0);
    assert_int_equal(kicks[3], 1);
    assert_true(vgic_irq_deliverable(d->vcpu[1]));
    assert_false(vgic_irq_deliverable(d->vcpu[2]));
    /* All but self. */
    vgic_sgi1r_write(d->vcpu[0], 6UL << 24 | BIT(40));
    assert_int_equal(guest_ack(), FAKE_NONE);
    assert_int_equal(kicks[2], 1);
    /* Affinities that no vCPU has: 0.0.1.x, 0.1.0.x, range 1, and a target beyond the domain. */
    vgic_sgi1r_write(d->vcpu[0], 7UL << 24 | 1UL << 16 | 1);
    vgic_sgi1r_write(d->vcpu[0], 7UL << 24 | 1UL << 32 | 1);
    vgic_sgi1r_write(d->vcpu[0], 7UL << 24 | 1UL << 44 | 1);
    vgic_sgi1r_write(d->vcpu[0], 7UL << 24 | 0xfff0);
    assert_int_equal(guest_ack(), FAKE_NONE);
    unload(d->vcpu[0]);
    load(d->vcpu[1]);
    assert_int_equal(guest_ack(), 5);
    assert_int_equal(guest_ack(), FAKE_NONE);            /* same priority: not preempted */
    guest_eoi(5);
    assert_int_equal(guest_ack(), 6);
    guest_eoi(6);
}

static void sgi0_is_for_group0_only(void **state)
{
    (void)state;
    vgic_sgi0r_write(d->vcpu[0], 3UL << 24 | 1);
    assert_int_equal(guest_ack(), FAKE_NONE);
    wr(SGIF(0) + 0x80, ~BIT32(3));
    wr(GICD, 0x13);
    vgic_sgi0r_write(d->vcpu[0], 3UL << 24 | 1);
    assert_int_equal(guest_ack(), 3);
    guest_eoi(3);
}

static void edge_spi(void **state)
{
    (void)state;
    vgic_inject(d, NULL, 40);                            /* disabled: latched */
    assert_int_equal(guest_ack(), FAKE_NONE);
    assert_int_equal(rd(GICD + 0x204) & BIT32(8), BIT32(8));
    enable_spi(40, 0x80, true);
    assert_int_equal(guest_ack(), 40);
    assert_int_equal(rd(GICD + 0x204) & BIT32(8), 0);
    assert_int_equal(rd(GICD + 0x304) & BIT32(8), BIT32(8));
    vgic_inject(d, NULL, 40);
    assert_int_equal(rd(GICD + 0x204) & BIT32(8), BIT32(8));
    guest_eoi(40);
    assert_int_equal(guest_ack(), 40);
    guest_eoi(40);
    assert_int_equal(rd(GICD + 0x304), 0);
    vgic_inject(d, NULL, 32 + 64);                       /* not there: nothing */
    vgic_inject(d, NULL, 1019);
}

static void disable_takes_it_out(void **state)
{
    (void)state;
    enable_spi(41, 0x80, true);
    vgic_inject(d, NULL, 41);
    wr(GICD + 0x184, BIT32(9));
    assert_int_equal(guest_ack(), FAKE_NONE);
    assert_int_equal(rd(GICD + 0x204), BIT32(9));        /* still pending */
    wr(GICD + 0x104, BIT32(9));
    assert_int_equal(guest_ack(), 41);
    /* Disabled while active: stays active, ends normally, a new edge waits. */
    wr(GICD + 0x184, BIT32(9));
    vgic_inject(d, NULL, 41);
    guest_eoi(41);
    assert_int_equal(guest_ack(), FAKE_NONE);
    assert_int_equal(rd(GICD + 0x304), 0);
    wr(GICD + 0x104, BIT32(9));
    assert_int_equal(guest_ack(), 41);
    guest_eoi(41);
}

static void group_disable_takes_all_out(void **state)
{
    (void)state;
    enable_spi(41, 0x80, true);
    vgic_inject(d, NULL, 41);
    vgic_sgi1r_write(d->vcpu[0], 3UL << 24 | 1);
    wr(GICD, 0x10);
    assert_int_equal(guest_ack(), FAKE_NONE);
    wr(GICD, 0x12);
    assert_int_equal(guest_ack(), 3);
    guest_eoi(3);
    assert_int_equal(guest_ack(), 41);
    guest_eoi(41);
}

static void pending_and_active_registers(void **state)
{
    (void)state;
    enable_spi(42, 0x80, true);
    wr(GICD + 0x204, BIT32(10));
    assert_int_equal(rd(GICD + 0x284), BIT32(10));
    wr(GICD + 0x284, BIT32(10));
    assert_int_equal(rd(GICD + 0x204), 0);
    assert_int_equal(guest_ack(), FAKE_NONE);
    wr(GICD + 0x204, BIT32(10));
    assert_int_equal(guest_ack(), 42);
    wr(GICD + 0x384, BIT32(10));                         /* deactivated behind the CPU interface's back */
    assert_int_equal(rd(GICD + 0x304), 0);
    fake_here()->apr[4] = 0;
    wr(GICD + 0x304, BIT32(10));
    assert_int_equal(rd(GICD + 0x384), BIT32(10));
    vgic_inject(d, NULL, 42);
    assert_int_equal(guest_ack(), FAKE_NONE);            /* active and pending */
    guest_eoi(42);
    assert_int_equal(guest_ack(), 42);
    guest_eoi(42);
    /* A private one through the redistributor. */
    wr(SGIF(0) + 0x200, BIT32(2));
    assert_int_equal(rd(SGIF(0) + 0x280), BIT32(2));
    assert_int_equal(guest_ack(), 2);
    assert_int_equal(rd(SGIF(0) + 0x300), BIT32(2));
    guest_eoi(2);
}

static void level_line(void **state)
{
    (void)state;
    enable_ppi(0, 30, 0x80);
    vgic_set_level(d, d->vcpu[0], 30, true);
    assert_int_equal(rd(SGIF(0) + 0x200), BIT32(30));
    wr(SGIF(0) + 0x280, BIT32(30));                      /* a line is not cleared by software */
    assert_int_equal(rd(SGIF(0) + 0x200), BIT32(30));
    assert_int_equal(guest_ack(), 30);
    assert_false(fake_maintenance());
    guest_eoi(30);
    assert_true(fake_maintenance());                     /* the line is high: pends again */
    vgic_maintenance();
    assert_false(fake_maintenance());
    assert_int_equal(guest_ack(), 30);
    vgic_set_level(d, d->vcpu[0], 30, false);
    guest_eoi(30);
    if (fake_maintenance()) {
        vgic_maintenance();
    }
    assert_int_equal(guest_ack(), FAKE_NONE);
    /* Raised and lowered before it is taken. */
    vgic_set_level(d, d->vcpu[0], 30, true);
    vgic_set_level(d, d->vcpu[0], 30, false);
    assert_int_equal(guest_ack(), FAKE_NONE);
    assert_int_equal(rd(SGIF(0) + 0x200), 0);
}

static void level_pended_by_software(void **state)
{
    (void)state;
    enable_ppi(0, 30, 0x80);
    wr(SGIF(0) + 0x200, BIT32(30));
    vgic_set_level(d, d->vcpu[0], 30, true);
    vgic_set_level(d, d->vcpu[0], 30, false);
    assert_int_equal(rd(SGIF(0) + 0x200), BIT32(30));    /* the latch stays */
    assert_int_equal(guest_ack(), 30);
    guest_eoi(30);
    assert_int_equal(rd(SGIF(0) + 0x200), 0);
}

static void raise_event(struct vcpu *v)
{
    v->info->evtchn_upcall_pending = 1;
    vgic_set_level(d, v, 31, true);
}

static void event_upcall(void **state)
{
    struct vcpu *v = d->vcpu[0];

    (void)state;
    enable_ppi(0, 31, 0xa0);
    for (u32 i = 0; i < 3; i++) {
        u32 reads = fake.lr_reads;

        raise_event(v);
        if (i > 0) {
            assert_int_equal(fake.lr_reads, reads);      /* one write, nothing read back */
        }
        assert_int_equal(guest_ack(), 31);
        v->info->evtchn_upcall_pending = 0;
        guest_eoi(31);
        assert_true(fake_maintenance());
        vgic_maintenance();
        assert_false(fake_maintenance());
        assert_int_equal(guest_ack(), FAKE_NONE);
    }
    /* Ended with the byte still set: a level, it comes again. */
    raise_event(v);
    assert_int_equal(guest_ack(), 31);
    guest_eoi(31);
    v->pending = 0;
    vgic_maintenance();
    assert_int_equal(v->pending, PEND_LINE);
    assert_true(vgic_check_lines(v));
    assert_true(vgic_check_lines(v));
    assert_int_equal(guest_ack(), 31);
    guest_eoi(31);
    vgic_maintenance();
    assert_true(vgic_check_lines(v));
    v->info->evtchn_upcall_pending = 0;                  /* cleared before it is taken again */
    assert_false(vgic_check_lines(v));
    assert_int_equal(guest_ack(), FAKE_NONE);
    assert_false(fake_maintenance());
    /* Raised again after the guest has cleared the byte and before its EOI: not lost. */
    raise_event(v);
    assert_int_equal(guest_ack(), 31);
    v->info->evtchn_upcall_pending = 0;
    raise_event(v);
    guest_eoi(31);
    assert_int_equal(guest_ack(), 31);
    v->info->evtchn_upcall_pending = 0;
    guest_eoi(31);
    vgic_maintenance();
    /* The guest polls the byte instead: the line is seen to be low when the state is looked at. */
    raise_event(v);
    v->info->evtchn_upcall_pending = 0;
    assert_int_equal(rd(SGIF(0) + 0x200), 0);
    assert_int_equal(guest_ack(), FAKE_NONE);
}

/* A guest that always clears the byte is spared the report of each end; one that stops doing so loses that. */
static void event_trust(void **state)
{
    struct vcpu *v = d->vcpu[0];
    u32 reports = 0;

    (void)state;
    enable_ppi(0, 31, 0xa0);
    for (u32 i = 0; i < 300; i++) {
        raise_event(v);
        assert_int_equal(guest_ack(), 31);
        v->info->evtchn_upcall_pending = 0;
        guest_eoi(31);
        if (fake_maintenance()) {
            reports++;
            vgic_maintenance();
        }
    }
    assert_int_equal(reports, 100);
    assert_int_equal(guest_ack(), FAKE_NONE);
    /* Ended with the byte set: comes again when the vCPU's interrupts are looked at, and is reported from then on. */
    raise_event(v);
    assert_int_equal(guest_ack(), 31);
    guest_eoi(31);
    assert_false(fake_maintenance());
    assert_true(vgic_irq_deliverable(v));
    assert_int_equal(guest_ack(), 31);
    guest_eoi(31);
    assert_true(fake_maintenance());
    vgic_maintenance();
    assert_int_equal(guest_ack(), 31);
    v->info->evtchn_upcall_pending = 0;
    guest_eoi(31);
    vgic_maintenance();
    /* The same over a change of CPUs. */
    for (u32 i = 0; i < 110; i++) {
        raise_event(v);
        assert_int_equal(guest_ack(), 31);
        v->info->evtchn_upcall_pending = 0;
        guest_eoi(31);
        vgic_maintenance();
    }
    raise_event(v);
    assert_int_equal(guest_ack(), 31);
    guest_eoi(31);
    unload(v);
    load(v);
    assert_int_equal(guest_ack(), 31);
    v->info->evtchn_upcall_pending = 0;
    guest_eoi(31);
}

static void event_trust_and_remote_senders(void **state)
{
    struct vcpu *b = d->vcpu[1];

    (void)state;
    enable_ppi(1, 31, 0xa0);
    unit_set_cpu(1);
    load(b);
    for (u32 i = 0; i < 200; i++) {
        unit_set_cpu(0);
        raise_event(b);
        unit_set_cpu(1);
        if (b->pending & PEND_VGIC) {
            b->pending = 0;
            vgic_flush(b);
        }
        assert_int_equal(guest_ack(), 31);
        b->info->evtchn_upcall_pending = 0;
        guest_eoi(31);
        assert_int_equal(fake_maintenance(), i < 100);
        if (i < 100) {
            vgic_maintenance();
        }
    }
    unload(b);
    unit_set_cpu(0);
}

static void event_while_off_cpu(void **state)
{
    struct vcpu *v = d->vcpu[1];

    (void)state;
    enable_ppi(1, 31, 0xa0);
    v->pause_flags = VPF_BLOCKED;
    raise_event(v);
    assert_int_equal(kicks[1], 1);
    assert_int_equal(v->pause_flags, 0);
    assert_true(vgic_irq_deliverable(v));
    unload(d->vcpu[0]);
    load(v);
    assert_int_equal(guest_ack(), 31);
    v->info->evtchn_upcall_pending = 0;
    guest_eoi(31);
}

static void priorities_and_pressure(void **state)
{
    u32 taken[12], n = 0;

    (void)state;
    for (u32 i = 0; i < 12; i++) {
        enable_spi(40 + i, 0xe0 - i * 8, true);          /* later ones are more urgent */
        vgic_inject(d, NULL, 40 + i);
    }
    assert_true(fake_here()->hcr & VHCR_NPIE);
    while (n < 12) {
        u32 irq = guest_ack();

        if (irq == FAKE_NONE) {
            assert_true(fake_maintenance());
            vgic_maintenance();
            irq = guest_ack();
        }
        assert_int_not_equal(irq, FAKE_NONE);
        taken[n++] = irq;
        guest_eoi(irq);
    }
    for (u32 i = 0; i < 12; i++) {
        assert_int_equal(taken[i], 51 - i);
    }
    if (fake_maintenance()) {
        vgic_maintenance();
    }
    assert_false(fake_maintenance());
    assert_false(fake_here()->hcr & VHCR_NPIE);
}

static void more_active_than_list_registers(void **state)
{
    u32 order[8];

    (void)state;
    for (u32 i = 0; i < 7; i++) {
        enable_spi(40 + i, 0xe0 - i * 8, true);
    }
    for (u32 i = 0; i < 7; i++) {                        /* nested: each preempts the one before */
        vgic_inject(d, NULL, 40 + i);
        if (fake_maintenance()) {
            vgic_maintenance();
        }
        order[i] = guest_ack();
        assert_int_equal(order[i], 40 + i);
    }
    assert_int_equal(d->vcpu[0]->vgic.nr_evicted, 3);
    assert_int_equal(rd(GICD + 0x304), 0x7f << 8);       /* all seven read as active */
    for (u32 i = 7; i-- > 0; ) {
        guest_eoi(order[i]);
        if (fake_maintenance()) {
            vgic_maintenance();
        }
    }
    assert_int_equal(d->vcpu[0]->vgic.nr_evicted, 0);
    assert_int_equal(rd(GICD + 0x304), 0);
    assert_false(fake_maintenance());
    vgic_inject(d, NULL, 40);
    assert_int_equal(guest_ack(), 40);
    guest_eoi(40);
}

static void timer_hardware_link(void **state)
{
    struct vcpu *v = d->vcpu[0];

    (void)state;
    enable_ppi(0, 27, 0x80);
    for (u32 i = 0; i < 4; i++) {
        u32 reads = fake.lr_reads, writes = fake.lr_writes;

        fake_here()->ppi_active[27] = true;
        vgic_inject_host(d, v, 27, 27);
        if (i > 0) {
            assert_int_equal(fake.lr_reads, reads);
            assert_int_equal(fake.lr_writes, writes + 1);
        }
        assert_int_equal(guest_ack(), 27);
        assert_true(fake_here()->ppi_active[27]);
        guest_eoi(27);
        assert_false(fake_here()->ppi_active[27]);
    }
    assert_false(fake_maintenance());
}

static void timer_line_drops_before_it_is_taken(void **state)
{
    (void)state;
    enable_ppi(0, 27, 0x80);
    fake_here()->ppi_active[27] = true;
    vgic_inject_host(d, d->vcpu[0], 27, 27);
    assert_int_equal(rd(SGIF(0) + 0x200), BIT32(27));
    timer_line = false;
    assert_int_equal(rd(SGIF(0) + 0x200), 0);
    assert_false(fake_here()->ppi_active[27]);
    assert_int_equal(guest_ack(), FAKE_NONE);
}

static void timer_retracted_while_masked(void **state)
{
    struct vcpu *v = d->vcpu[0];

    (void)state;
    enable_ppi(0, 27, 0x80);
    fake_here()->ppi_active[27] = true;
    vgic_inject_host(d, v, 27, 27);
    vgic_watch_lines(v);
    assert_int_equal(v->pending, PEND_LINE);
    assert_true(vgic_check_lines(v));                    /* the exit that delivered it */
    assert_true(vgic_check_lines(v));
    timer_line = false;
    assert_false(vgic_check_lines(v));
    assert_int_equal(guest_ack(), FAKE_NONE);
    assert_false(fake_here()->ppi_active[27]);
    timer_line = true;
    fake_here()->ppi_active[27] = true;
    vgic_inject_host(d, v, 27, 27);
    assert_int_equal(guest_ack(), 27);
    timer_line = false;
    assert_false(vgic_check_lines(v));                   /* acknowledged: the guest's to end */
    assert_true(fake_here()->ppi_active[27]);
    guest_eoi(27);
    assert_false(fake_here()->ppi_active[27]);
}

static void timer_disabled_by_the_guest(void **state)
{
    (void)state;
    wr(SGIF(0) + 0x180, BIT32(27));
    fake_here()->ppi_active[27] = true;
    vgic_inject_host(d, d->vcpu[0], 27, 27);
    assert_int_equal(guest_ack(), FAKE_NONE);
    assert_true(fake_here()->ppi_active[27]);            /* does not arrive again until then */
    enable_ppi(0, 27, 0x80);
    assert_int_equal(guest_ack(), 27);
    guest_eoi(27);
    assert_false(fake_here()->ppi_active[27]);
}

static void timer_in_flight_goes_with_its_vcpu(void **state)
{
    struct vcpu *a = d->vcpu[0], *b = d->vcpu[1];

    (void)state;
    enable_ppi(0, 27, 0x80);
    enable_ppi(1, 27, 0x80);
    fake_here()->ppi_active[27] = true;
    vgic_inject_host(d, a, 27, 27);
    assert_int_equal(guest_ack(), 27);                   /* a has it active */
    unload(a);
    assert_false(fake_here()->ppi_active[27]);
    load(b);
    assert_int_equal(fake_here()->lr[0] & LR_STATE, 0);  /* nothing of a's is left */
    assert_int_equal(fake_here()->apr[4], 0);
    fake_here()->ppi_active[27] = true;
    vgic_inject_host(d, b, 27, 27);
    assert_int_equal(guest_ack(), 27);
    guest_eoi(27);
    assert_false(fake_here()->ppi_active[27]);
    unload(b);
    assert_false(fake_here()->ppi_active[27]);
    unit_set_cpu(1);
    guest_on(1);
    load(a);
    assert_true(fake.cpu[1].ppi_active[27]);
    assert_false(fake.cpu[0].ppi_active[27]);
    assert_int_equal(guest_ack(), FAKE_NONE);
    guest_eoi(27);
    assert_false(fake.cpu[1].ppi_active[27]);
    unload(a);
    assert_false(fake.cpu[1].ppi_active[27]);
    assert_false(a->vgic.priv[27].phys_active);
}

static void timer_expires_off_cpu(void **state)
{
    struct vcpu *v = d->vcpu[1];

    (void)state;
    enable_ppi(1, 27, 0x80);
    v->pause_flags = VPF_BLOCKED;
    assert_true(vgic_inject_timer(v, 27));
    assert_int_equal(v->pause_flags, 0);
    assert_true(vgic_irq_deliverable(v));
    assert_true(vgic_inject_timer(v, 27));               /* once is enough */
    assert_false(vgic_inject_timer(d->vcpu[0], 27));     /* loaded: the hardware does it */
    unload(d->vcpu[0]);
    load(v);
    assert_true(fake_here()->ppi_active[27]);            /* the hardware's own, still high, does not arrive too */
    assert_int_equal(guest_ack(), 27);
    assert_true(vgic_timer_in_flight(v, 27));
    guest_eoi(27);
    assert_false(vgic_timer_in_flight(v, 27));
    assert_false(fake_here()->ppi_active[27]);
    assert_int_equal(guest_ack(), FAKE_NONE);
}

static void host_spi(void **state)
{
    (void)state;
    assert_int_equal(vgic_connect_host(d, 50, 50), 0);
    assert_int_equal(vgic_connect_host(d, 50, 51), -EBUSY);
    assert_int_equal(vgic_connect_host(d, 31, 51), -EINVAL);
    assert_int_equal(vgic_connect_host(d, 96, 51), -EINVAL);
    enable_spi(50, 0x80, false);
    assert_true(fake.enabled[50]);
    assert_int_equal(fake.type[50], IRQ_TYPE_LEVEL);
    assert_int_equal(fake.target[50], 0);
    for (u32 i = 0; i < 3; i++) {
        fake.active[50] = true;
        vgic_inject_host(d, NULL, 50, 50);
        assert_int_equal(guest_ack(), 50);
        assert_true(fake.active[50]);
        guest_eoi(50);
        assert_false(fake.active[50]);
    }
    /* Software pending goes to the hardware, and shows. */
    wr(GICD + 0x204, BIT32(18));
    assert_true(fake.pending[50]);
    assert_int_equal(rd(GICD + 0x204), BIT32(18));
    wr(GICD + 0x284, BIT32(18));
    assert_false(fake.pending[50]);
    /* Cleared while it waits: the physical one is ended, so that a level comes again. */
    fake.active[50] = true;
    wr(GICD + 0x184, BIT32(18));
    assert_false(fake.enabled[50]);
    vgic_inject_host(d, NULL, 50, 50);
    wr(GICD + 0x284, BIT32(18));
    assert_false(fake.active[50]);
    wr(GICD + 0x104, BIT32(18));
    assert_int_equal(guest_ack(), FAKE_NONE);
    /* Taken away while pending: the guest still gets it, the hardware is free. */
    fake.active[50] = true;
    vgic_inject_host(d, NULL, 50, 50);
    vgic_disconnect_host(d, 50);
    assert_false(fake.active[50]);
    assert_int_equal(guest_ack(), 50);
    guest_eoi(50);
    /* A late one is ended at once. */
    fake.active[50] = true;
    vgic_inject_host(d, NULL, 50, 50);
    assert_false(fake.active[50]);
    assert_int_equal(guest_ack(), FAKE_NONE);
}

static void host_spi_active_and_pending(void **state)
{
    (void)state;
    assert_int_equal(vgic_connect_host(d, 50, 50), 0);
    enable_spi(50, 0x80, true);
    fake.active[50] = true;
    vgic_inject_host(d, NULL, 50, 50);
    assert_int_equal(guest_ack(), 50);
    vgic_inject(d, NULL, 50);                            /* pending as well: cannot stay linked */
    assert_int_equal(fake_here()->lr[0] & (LR_HW | LR_STATE), LR_STATE);
    guest_eoi(50);
    assert_int_equal(guest_ack(), 50);
    guest_eoi(50);
    assert_true(fake_maintenance());
    vgic_maintenance();
    assert_false(fake_maintenance());
    assert_false(fake.active[50]);
}

/* A host whose list registers are not to be linked: the hypervisor hears of each end and ends the physical one. */
static void no_hardware_link(void **state)
{
    struct vcpu *v = d->vcpu[0], *b = d->vcpu[1];

    (void)state;
    fake.no_link = true;
    vgic_destroy_domain(d);
    make_domain(&ops, 3, 2, 64);
    fake.no_link = true;
    vgic_hw_link = false;
    v = d->vcpu[0];
    b = d->vcpu[1];
    load(v);
    wr(GICD, 0x12);
    enable_ppi(0, 27, 0x80);
    enable_ppi(1, 27, 0x80);
    assert_int_equal(vgic_connect_host(d, 50, 50), 0);
    enable_spi(50, 0x80, false);
    for (u32 i = 0; i < 3; i++) {
        fake_here()->ppi_active[27] = true;
        fake.active[50] = true;
        vgic_inject_host(d, v, 27, 27);
        vgic_inject_host(d, NULL, 50, 50);
        assert_int_equal(guest_ack(), 27);
        guest_eoi(27);
        assert_int_equal(guest_ack(), 50);
        guest_eoi(50);
        assert_true(fake_here()->ppi_active[27]);
        vgic_maintenance();
        assert_false(fake_here()->ppi_active[27]);
        assert_false(fake.active[50]);
        assert_false(fake_maintenance());
    }
    /* In flight over a change of vCPUs. */
    fake_here()->ppi_active[27] = true;
    vgic_inject_host(d, v, 27, 27);
    assert_int_equal(guest_ack(), 27);
    unload(v);
    assert_false(fake_here()->ppi_active[27]);
    load(b);
    unload(b);
    load(v);
    assert_true(fake_here()->ppi_active[27]);
    guest_eoi(27);
    unload(v);                                           /* ended just before */
    assert_false(fake_here()->ppi_active[27]);
    assert_false(v->vgic.priv[27].phys_active);
    load(v);
    assert_int_equal(guest_ack(), FAKE_NONE);
}

static void routing(void **state)
{
    (void)state;
    assert_int_equal(vgic_connect_host(d, 50, 50), 0);
    enable_spi(50, 0x80, true);
    d->vcpu[2]->cpu = 2;
    mmio(GICD + 0x6000 + 50 * 8, 8, true, 2);
    assert_int_equal(fake.target[50], 2);
    assert_int_equal(mmio(GICD + 0x6000 + 50 * 8, 8, false, 0), 2);
    vgic_inject(d, NULL, 50);
    assert_int_equal(guest_ack(), FAKE_NONE);
    assert_int_equal(kicks[2], 1);
    assert_true(vgic_irq_deliverable(d->vcpu[2]));
    /* Pending at one vCPU, routed to another: goes along. */
    mmio(GICD + 0x6000 + 50 * 8, 8, true, 0);
    assert_false(vgic_irq_deliverable(d->vcpu[2]));
    assert_int_equal(guest_ack(), 50);
    /* Active here while routed away: the next one goes there, after the EOI. */
    mmio(GICD + 0x6000 + 50 * 8, 4, true, 3);
    vgic_inject(d, NULL, 50);
    assert_ptr_equal(d->vgic.spis[18].vcpu, d->vcpu[0]);
    guest_eoi(50);
    vgic_inject(d, NULL, 50);
    assert_int_equal(guest_ack(), FAKE_NONE);
    assert_ptr_equal(d->vgic.spis[18].vcpu, d->vcpu[3]);
    assert_true(vgic_irq_deliverable(d->vcpu[3]));
    /* To nobody. */
    mmio(GICD + 0x6000 + 50 * 8, 8, true, 0x0100000000);
    assert_int_equal(mmio(GICD + 0x6000 + 50 * 8, 8, false, 0), 0x0100000000);
    assert_false(vgic_irq_deliverable(d->vcpu[3]));
    assert_int_equal(mmio(GICD + 0x6000 + 50 * 8 + 4, 4, false, 0), 1);
    mmio(GICD + 0x6000 + 50 * 8 + 4, 4, true, 0);
    mmio(GICD + 0x6000 + 50 * 8, 8, true, BIT(31));      /* 1-of-N is not offered: the bit reads as zero */
    assert_int_equal(mmio(GICD + 0x6000 + 50 * 8, 8, false, 0), 0);
    assert_int_equal(guest_ack(), 50);
    guest_eoi(50);
}

/* The vCPU asked for runs on CPU 1: do there what its exit path would. */
static void run_other(struct vcpu *v)
{
    if (v->vgic.live == 2) {
        unit_set_cpu(1);
        if (v->pending & PEND_SYNC) {
            vgic_sync(v);
        }
        if (v->pending & PEND_VGIC) {
            vgic_flush(v);
        }
        v->pending = 0;
        unit_set_cpu(0);
    }
}

static void other_cpu(void **state)
{
    struct vcpu *b = d->vcpu[1];

    (void)state;
    enable_ppi(1, 30, 0x80);
    unit_set_cpu(1);
    load(b);
    unit_set_cpu(0);
    /* To a vCPU that runs elsewhere: waits for its CPU. */
    vgic_sgi1r_write(d->vcpu[0], 5UL << 24 | 2);
    assert_int_equal(kick_bits[1], PEND_VGIC);
    assert_int_equal(fake.cpu[1].lr[0] & LR_STATE, 0);
    on_kick = run_other;
    run_other(b);
    assert_int_equal(fake.cpu[1].lr[0] & LR_STATE, LR_PENDING);
    /* State there is asked for, as the guest there changes it. */
    assert_int_equal(rd(SGIF(1) + 0x200), BIT32(5));
    unit_set_cpu(1);
    assert_int_equal(guest_ack(), 5);
    unit_set_cpu(0);
    assert_int_equal(rd(SGIF(1) + 0x200), 0);
    assert_int_equal(rd(SGIF(1) + 0x300), BIT32(5));
    /* Changes: pending again, cleared, deactivated, disabled, by another CPU. */
    wr(SGIF(1) + 0x200, BIT32(5));
    assert_int_equal(rd(SGIF(1) + 0x200), BIT32(5));
    assert_int_equal(fake.cpu[1].lr[0] & LR_STATE, LR_STATE);
    wr(SGIF(1) + 0x280, BIT32(5));
    assert_int_equal(rd(SGIF(1) + 0x200), 0);
    assert_int_equal(fake.cpu[1].lr[0] & LR_STATE, LR_ACTIVE);
    wr(SGIF(1) + 0x380, BIT32(5));
    assert_int_equal(rd(SGIF(1) + 0x300), 0);
    assert_int_equal(fake.cpu[1].lr[0] & LR_STATE, 0);
    fake.cpu[1].apr[4] = 0;
    wr(SGIF(1) + 0x300, BIT32(5));
    assert_int_equal(rd(SGIF(1) + 0x300), BIT32(5));
    wr(SGIF(1) + 0x380, BIT32(5));
    vgic_set_level(d, b, 30, true);
    assert_true(rd(SGIF(1) + 0x200) & BIT32(30));
    wr(SGIF(1) + 0x180, BIT32(30));
    unit_set_cpu(1);
    assert_int_equal(guest_ack(), FAKE_NONE);
    unload(b);
    unit_set_cpu(0);
}

static void other_cpu_does_not_answer(void **state)
{
    struct vcpu *b = d->vcpu[1];

    (void)state;
    unit_set_cpu(1);
    load(b);
    vgic_sgi1r_write(b, 5UL << 24 | 2);
    unit_set_cpu(0);
    /* Bounded: what was last written is read. */
    assert_int_equal(rd(SGIF(1) + 0x200), BIT32(5));
    unit_set_cpu(1);
    unload(b);
    unit_set_cpu(0);
}

u64 arch_counter(void)
{
    return host_counter += 1000;
}

static void unpend_races_with_a_new_edge(void **state)
{
    struct vcpu *b = d->vcpu[1];

    (void)state;
    unit_set_cpu(1);
    load(b);
    vgic_sgi1r_write(b, 5UL << 24 | 2);
    unit_set_cpu(0);
    wr(SGIF(1) + 0x280, BIT32(5));                       /* not yet seen there */
    vgic_sgi1r_write(d->vcpu[0], 5UL << 24 | 2);         /* newer than the clear: must survive it */
    run_other(b);
    assert_int_equal(fake.cpu[1].lr[0] & LR_STATE, LR_PENDING);
    unit_set_cpu(1);
    unload(b);
    unit_set_cpu(0);
}

static void deliverable(void **state)
{
    struct vcpu *v = d->vcpu[0];

    (void)state;
    assert_false(vgic_irq_deliverable(v));
    enable_spi(40, 0x80, true);
    vgic_inject(d, NULL, 40);
    assert_true(vgic_irq_deliverable(v));
    fake_here()->vmcr = 0x80u << VMCR_PMR_SHIFT | VMCR_VENG1;    /* masked */
    assert_false(vgic_irq_deliverable(v));
    fake_here()->vmcr = 0xf0u << VMCR_PMR_SHIFT | VMCR_VENG0;    /* other group only */
    assert_false(vgic_irq_deliverable(v));
    guest_on(0);
    fake_here()->apr[4] = BIT32(0x40 >> 3);              /* runs at a more urgent one */
    assert_false(vgic_irq_deliverable(v));
    fake_here()->apr[4] = 0;
    assert_true(vgic_irq_deliverable(v));
    assert_int_equal(guest_ack(), 40);
    assert_false(vgic_irq_deliverable(v));
    guest_eoi(40);
    /* A level whose EOI has just been made counts: its maintenance interrupt is still to come. */
    enable_ppi(0, 30, 0x80);
    vgic_set_level(d, v, 30, true);
    assert_int_equal(guest_ack(), 30);
    assert_false(vgic_irq_deliverable(v));
    guest_eoi(30);
    assert_true(vgic_irq_deliverable(v));
    assert_int_equal(guest_ack(), 30);
    vgic_set_level(d, v, 30, false);
    guest_eoi(30);
}

static void blocked_vcpu_is_kicked(void **state)
{
    struct vcpu *v = d->vcpu[0];

    (void)state;
    vgic_sgi1r_write(v, 3UL << 24 | 1);
    assert_int_equal(guest_ack(), 3);
    guest_eoi(3);
    v->pause_flags = VPF_BLOCKED;                        /* on its way off */
    vgic_sgi1r_write(v, 3UL << 24 | 1);
    assert_int_equal(kicks[0], 1);
    assert_int_equal(v->pause_flags, 0);
}

static void save_keeps_everything(void **state)
{
    struct vcpu *v = d->vcpu[0];

    (void)state;
    enable_spi(40, 0x80, true);
    enable_spi(41, 0x60, true);
    vgic_inject(d, NULL, 40);
    vgic_inject(d, NULL, 41);
    assert_int_equal(guest_ack(), 41);
    vgic_inject(d, NULL, 41);
    unload(v);
    assert_int_equal(fake_here()->hcr, 0);
    assert_false(vgic_irq_deliverable(v));               /* 40 is below what it runs */
    vgic_sgi1r_write(v, 1UL << 24 | 1);                  /* priority 0 */
    assert_true(vgic_irq_deliverable(v));
    unit_set_cpu(1);
    load(v);
    assert_int_equal(guest_ack(), 1);
    guest_eoi(1);
    assert_int_equal(guest_ack(), FAKE_NONE);
    guest_eoi(41);
    assert_int_equal(guest_ack(), 41);
    guest_eoi(41);
    assert_int_equal(guest_ack(), 40);
    guest_eoi(40);
    assert_int_equal(guest_ack(), FAKE_NONE);
    unload(v);
    unit_set_cpu(0);
}

static void reset(void **state)
{
    struct vcpu *v = d->vcpu[0];

    (void)state;
    enable_spi(40, 0x80, true);
    enable_ppi(0, 30, 0x40);
    vgic_inject(d, NULL, 40);
    vgic_set_level(d, v, 30, true);
    unload(v);
    vgic_reset_vcpu(v);
    assert_int_equal(v->vgic.vmcr, VMCR_VFIQEN);
    assert_false(v->vgic.priv[30].enabled);
    assert_int_equal(v->vgic.priv[30].priority, 0);
    assert_true(v->vgic.priv[0].enabled);
    load(v);
    guest_on(0);
    assert_int_equal(guest_ack(), 40);                   /* the distributor's is still there */
    guest_eoi(40);
    assert_int_equal(guest_ack(), FAKE_NONE);
}

static void creation_errors(void **state)
{
    struct domain *e = unit_domain(2, 2);

    (void)state;
    assert_int_equal(vgic_init_domain(e, 4, 0), -EINVAL);
    assert_int_equal(vgic_init_domain(e, 2, 0), -ENODEV);
    assert_int_equal(vgic_init_domain(e, 3, 989), -EINVAL);
    unit_alloc_fail_after = 0;
    assert_int_equal(vgic_init_domain(e, 3, 32), -ENOMEM);
    unit_alloc_fail_after = ~0UL;
    assert_int_equal(vgic_init_domain(e, 3, 960), 0);
    assert_int_equal(vgic_init_domain(e, 3, 0), -EINVAL);
    assert_int_equal(vgic_host_versions(), BIT32(3));
    vgic_destroy_domain(e);
}

static void dump_prints(void **state)
{
    (void)state;
    vgic_sgi1r_write(d->vcpu[0], 3UL << 24 | 1);
    unit_log_clear();
    vgic_dump(d);
    assert_non_null(strstr(unit_log(), "irq    3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        vcase(sgi_to_self), vcase(sgi_while_active_comes_again), vcase(sgi_targets), vcase(sgi0_is_for_group0_only), vcase(edge_spi),
        vcase(disable_takes_it_out), vcase(group_disable_takes_all_out), vcase(pending_and_active_registers), vcase(level_line),
        vcase(level_pended_by_software), vcase(event_upcall), vcase(event_trust), vcase(event_trust_and_remote_senders), vcase(event_while_off_cpu), vcase(priorities_and_pressure),
        vcase(more_active_than_list_registers), vcase(timer_hardware_link), vcase(timer_line_drops_before_it_is_taken),
        vcase(timer_retracted_while_masked), vcase(timer_disabled_by_the_guest), vcase(timer_in_flight_goes_with_its_vcpu), vcase(timer_expires_off_cpu), vcase(host_spi),
        vcase(host_spi_active_and_pending), vcase(no_hardware_link), vcase(routing), vcase(other_cpu), vcase(other_cpu_does_not_answer),
        vcase(unpend_races_with_a_new_edge), vcase(deliverable), vcase(blocked_vcpu_is_kicked), vcase(save_keeps_everything),
        vcase(reset), vcase(creation_errors), vcase(dump_prints),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
