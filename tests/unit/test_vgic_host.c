/* SPDX-License-Identifier: MIT */
/* unit-sources: vdev/vgic/vgic.c vdev/vgic/lr.c vdev/vgic/inject.c vdev/vgic/switch.c vdev/vgic/regs.c */
/* unit-sources: vdev/vgic/check.c vdev/vgic/host.c vdev/vgic/irqregs.c vdev/vgic/v2.c vdev/vgic/v3.c vdev/mmio.c */
/* The vGIC: hardware links of timer and host interrupts, routing of SPIs. */
#include "vgic_v3.h"

/* The GIC has given this CPU the device's interrupt, SPI 50, which stays active until the guest has ended it. */
static void device_interrupts(void)
{
    fake.active[50] = true;
    vgic_inject_host(d, NULL, 50, 50);
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
    assert_false(a->arch.vgic.priv[27].phys_active);
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
    for (u32 i = 0; i < VGIC_HOST_TRUSTED + 3; i++) {
        device_interrupts();
        assert_int_equal(guest_ack(), 50);
        assert_true(fake.active[50]);
        guest_eoi(50);
        /* Once the guest has been seen to quiet the device first, its end is not reported any more. */
        assert_int_equal(fake_maintenance(), i < VGIC_HOST_TRUSTED);
        if (fake_maintenance()) {
            vgic_maintenance();
        }
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
    device_interrupts();
    vgic_disconnect_host(d, 50);
    assert_false(fake.active[50]);
    assert_int_equal(guest_ack(), 50);
    guest_eoi(50);
    /* A late one is ended at once. */
    device_interrupts();
    assert_false(fake.active[50]);
    assert_int_equal(guest_ack(), FAKE_NONE);
}

/* The guest on this CPU ends 50 with the device's line still high. */
static void end_early(void)
{
    fake.pending[50] = true;
    device_interrupts();
    assert_int_equal(guest_ack(), 50);
    guest_eoi(50);
    assert_true(fake_maintenance());
    vgic_maintenance();
}

/* It arrives again at once, but is not taken if the device is quiet by the time at which the guest could take it. */
static void level_ended_early(void **state)
{
    struct vcpu *v = d->vcpu[0];

    (void)state;
    assert_int_equal(vgic_connect_host(d, 50, 50), 0);
    enable_spi(50, 0x80, false);
    for (u32 i = 0; i < 2 * VGIC_HOST_TRUSTED; i++) {
        v->arch.regs.pstate |= PSTATE_I;
        v->pending = 0;
        end_early();
        assert_int_equal(v->pending, PEND_LINE);
        assert_true(vgic_check_lines(v));
        assert_false(fake.active[50]);
        device_interrupts();
        assert_true(vgic_check_lines(v));
        check_all();
        if (i % 4 == 1) {
            /* Switched away and back, still high: it is taken. */
            unload(v);
            load(v);
            assert_true(fake_here()->hcr & VHCR_TALL1);
            assert_true(vgic_acknowledge_trapped(v));
            assert_false(vgic_acknowledge_trapped(v));
            assert_int_equal(guest_ack(), 50);
            fake.pending[50] = false;
            guest_eoi(50);
            vgic_maintenance();
            continue;
        }
        fake.pending[50] = false;
        if (i % 2) {
            assert_true(fake_here()->hcr & VHCR_TALL1);
            assert_true(vgic_acknowledge_trapped(v));
        } else {
            assert_false(vgic_check_lines(v));
        }
        assert_false(fake.active[50]);
        assert_int_equal(fake_here()->hcr, VHCR_EN);
        assert_int_equal(guest_ack(), FAKE_NONE);
        check_all();
    }
    /* With interrupts unmasked it is taken at once, as by a physical CPU. */
    v->arch.regs.pstate &= ~(u64)PSTATE_I;
    end_early();
    assert_int_equal(fake_here()->hcr, VHCR_EN);
    /* Routed to another vCPU while in doubt. */
    v->arch.regs.pstate |= PSTATE_I;
    end_early();
    mmio(GICD + 0x6000 + 50 * 8, 8, true, 1);
    assert_true(vgic_acknowledge_trapped(v));
    assert_int_equal(fake_here()->hcr, VHCR_EN);
    v->arch.regs.pstate &= ~(u64)PSTATE_I;
}

/*
 * The next one arrives at another CPU while the list register, still showing the one before as ended, is live on its
 * own.
 */
static void host_spi_arrives_elsewhere(void **state)
{
    (void)state;
    assert_int_equal(vgic_connect_host(d, 50, 50), 0);
    enable_spi(50, 0x80, true);
    device_interrupts();
    assert_int_equal(guest_ack(), 50);
    guest_eoi(50);
    assert_false(fake.active[50]);
    for (u32 i = 0; i < 3; i++) {
        unit_set_cpu(1);
        device_interrupts();
        unit_set_cpu(0);
        vgic_flush(d->vcpu[0]);
        assert_int_equal(guest_ack(), 50);
        assert_true(fake.active[50]);
        guest_eoi(50);
        assert_false(fake.active[50]);                   /* through the hardware link: the device is heard again */
    }
}

/* A linked interrupt that the guest pends while it is active cannot stay linked. */
static void timer_active_and_pending(void **state)
{
    struct vcpu *v = d->vcpu[0];

    (void)state;
    enable_ppi(0, 27, 0x40);
    *fake_active(27) = true;
    vgic_inject_host(d, v, 27, 27);
    assert_int_equal(guest_ack(), 27);
    wr(SGIF(0) + 0x200, BIT32(27));
    assert_int_equal(fake_here()->lr[0] & (LR_HW | LR_STATE), LR_STATE);
    guest_eoi(27);
    assert_int_equal(guest_ack(), 27);
    guest_eoi(27);
    assert_true(fake_maintenance());
    vgic_maintenance();
    assert_false(fake_maintenance());
    assert_false(*fake_active(27));
}

/* Ended through the link: what is done to the virtual one afterwards does nothing to the next physical one. */
static void ended_through_the_link(void **state)
{
    (void)state;
    assert_int_equal(vgic_connect_host(d, 50, 50), 0);
    enable_spi(50, 0x80, true);
    device_interrupts();
    assert_int_equal(guest_ack(), 50);
    assert_true(fake_here()->lr[0] & LR_HW);
    guest_eoi(50);
    assert_int_equal(rd(GICD + 0x204), 0);
    fake.active[50] = true;              /* the next one, on its way here by another CPU */
    pend_spi(50);
    wr(GICD + 0x284, BIT32(18));
    assert_true(fake.active[50]);
    assert_int_equal(guest_ack(), FAKE_NONE);
    fake.active[50] = false;
    /* One that the guest then pends itself has no physical one to be linked to. */
    enable_ppi(0, 27, 0x80);
    *fake_active(27) = true;
    vgic_inject_host(d, d->vcpu[0], 27, 27);
    assert_int_equal(guest_ack(), 27);
    guest_eoi(27);
    wr(SGIF(0) + 0x200, BIT32(27));
    assert_int_equal(fake_here()->lr[d->vcpu[0]->arch.vgic.priv[27].lr - 1] & (LR_HW | LR_STATE), LR_PENDING);
    assert_int_equal(guest_ack(), 27);
    guest_eoi(27);
}

/* Of an SPI it is the device's state, and arrives as that does. */
static void host_spi_active_and_pending(void **state)
{
    (void)state;
    assert_int_equal(vgic_connect_host(d, 50, 50), 0);
    enable_spi(50, 0x80, true);
    device_interrupts();
    assert_int_equal(guest_ack(), 50);
    pend_spi(50);
    assert_true(fake.pending[50]);
    assert_int_equal(guest_ack(), FAKE_NONE);
    guest_eoi(50);
    assert_false(fake.active[50]);
    device_interrupts();
    assert_int_equal(guest_ack(), 50);
    guest_eoi(50);
    assert_false(fake.active[50]);
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
    vgic_inject_host(d, NULL, 50, 50);
    assert_int_equal(guest_ack(), FAKE_NONE);
    assert_int_equal(kicks[2], 1);
    assert_true(vgic_irq_deliverable(d->vcpu[2]));
    /* Pending at one vCPU, routed to another: goes along. */
    mmio(GICD + 0x6000 + 50 * 8, 8, true, 0);
    assert_false(vgic_irq_deliverable(d->vcpu[2]));
    assert_int_equal(guest_ack(), 50);
    /* Active here while routed away: the next one goes there, after the EOI. */
    mmio(GICD + 0x6000 + 50 * 8, 4, true, 3);
    vgic_inject_host(d, NULL, 50, 50);
    assert_ptr_equal(d->arch.vgic.spis[18].vcpu, d->vcpu[0]);
    guest_eoi(50);
    vgic_inject_host(d, NULL, 50, 50);
    assert_int_equal(guest_ack(), FAKE_NONE);
    assert_ptr_equal(d->arch.vgic.spis[18].vcpu, d->vcpu[3]);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        vcase(timer_hardware_link), vcase(timer_line_drops_before_it_is_taken), vcase(timer_retracted_while_masked),
        vcase(timer_disabled_by_the_guest), vcase(timer_in_flight_goes_with_its_vcpu), vcase(timer_expires_off_cpu),
        vcase(host_spi), vcase(level_ended_early), vcase(host_spi_arrives_elsewhere),
        vcase(host_spi_active_and_pending), vcase(timer_active_and_pending),
        vcase(ended_through_the_link),
        vcase(routing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
