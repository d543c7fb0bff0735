/* SPDX-License-Identifier: MIT */
/* unit-sources: vdev/vgic/vgic.c vdev/vgic/lr.c vdev/vgic/inject.c vdev/vgic/switch.c vdev/vgic/regs.c */
/* unit-sources: vdev/vgic/check.c vdev/vgic/host.c vdev/vgic/irqregs.c vdev/vgic/v2.c vdev/vgic/v3.c vdev/mmio.c */
/* The vGIC with more interrupts than list registers: who waits, who is pushed out, what comes back. */
#include "vgic_v3.h"

static void priorities_and_pressure(void **state)
{
    u32 taken[12], n = 0;

    (void)state;
    for (u32 i = 0; i < 12; i++) {
        enable_spi(40 + i, 0xe0 - i * 8, true);          /* later ones are more urgent */
        pend_spi(40 + i);
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
        pend_spi(40 + i);
        if (fake_maintenance()) {
            vgic_maintenance();
        }
        order[i] = guest_ack();
        assert_int_equal(order[i], 40 + i);
    }
    assert_int_equal(d->vcpu[0]->arch.vgic.nr_evicted, 3);
    assert_int_equal(rd(GICD + 0x304), 0x7f << 8);       /* all seven read as active */
    for (u32 i = 7; i-- > 0; ) {
        guest_eoi(order[i]);
        if (fake_maintenance()) {
            vgic_maintenance();
        }
    }
    assert_int_equal(d->vcpu[0]->arch.vgic.nr_evicted, 0);
    assert_int_equal(rd(GICD + 0x304), 0);
    assert_false(fake_maintenance());
    pend_spi(40);
    assert_int_equal(guest_ack(), 40);
    guest_eoi(40);
}

/* What is in no list register ends in the order in which the guest ends it: the most urgent first. */
static void ends_of_evicted(void **state)
{
    (void)state;
    for (u32 i = 0; i < 7; i++) {
        enable_spi(40 + i, 0xe0 - i * 8, true);
        pend_spi(40 + i);
        assert_int_equal(guest_ack(), 40 + i);
    }
    for (u32 i = 7; i-- > 0; ) {
        guest_eoi(40 + i);
        if (fake_maintenance()) {
            vgic_maintenance();
        }
        assert_int_equal(rd(GICD + 0x304) >> 8, BIT32(i) - 1);
        check_all();
    }
    /* Several at once, and before the maintenance interrupt is taken. */
    for (u32 i = 0; i < 7; i++) {
        pend_spi(40 + i);
        assert_int_equal(guest_ack(), 40 + i);
    }
    for (u32 i = 7; i-- > 1; ) {
        guest_eoi(40 + i);
    }
    pend_spi(42);
    assert_int_equal(guest_ack(), 42);
    assert_int_equal(rd(GICD + 0x304) >> 8, 5);
    guest_eoi(42);
    guest_eoi(40);
    if (fake_maintenance()) {
        vgic_maintenance();
    }
    assert_int_equal(rd(GICD + 0x304) >> 8, 0);
}

/* An end is counted, and before anyone has looked the maintenance interrupts that are wanted change. */
static void end_counted_meanwhile(void **state)
{
    (void)state;
    for (u32 i = 0; i < 5; i++) {
        enable_spi(40 + i, 0xe0 - i * 8, true);
        pend_spi(40 + i);
        assert_int_equal(guest_ack(), 40 + i);
    }
    enable_spi(50, 0x80, true);
    enable_spi(51, 0x80, true);
    for (u32 i = 5; i-- > 0; ) {
        guest_eoi(40 + i);
    }
    assert_int_equal(fake_here()->hcr >> VHCR_EOICOUNT_SHIFT, 1);
    for (u32 i = 0; i < 5; i++) {
        enable_spi(52 + i, 0x88, true);
        pend_spi(52 + i);
    }
    assert_int_equal(rd(GICD + 0x304), 0);
    for (u32 i = 0; i < 5; i++) {
        if (fake_maintenance()) {
            vgic_maintenance();
        }
        guest_eoi(guest_ack());
    }
}

/*
 * Five SGIs nested in four list registers: the first is in none. It pends again while active, its active state is
 * cleared by register, and something is ended that is not in a list register either.
 */
static void evicted_and_cleared(void **state)
{
    (void)state;
    for (u32 i = 0; i < 5; i++) {
        mmio(SGIF(0) + 0x401 + i, 1, true, 0xc0 - i * 0x20);
    }
    for (u32 i = 0; i < 5; i++) {
        vgic_sgi1r_write(d->vcpu[0], (u64)(1 + i) << 24 | 1);
        if (fake_maintenance()) {
            vgic_maintenance();
        }
        if (i < 4) {
            assert_int_equal(guest_ack(), 1 + i);
        }
    }
    assert_int_equal(d->vcpu[0]->arch.vgic.priv[1].place, VGIC_EVICTED);
    vgic_sgi1r_write(d->vcpu[0], 1UL << 24 | 1);
    check_all();
    wr(SGIF(0) + 0x380, BIT32(1));
    assert_int_equal(d->vcpu[0]->arch.vgic.priv[1].place, VGIC_READY);
    check_all();
    guest_eoi(1);                                        /* ends 4's priority, and nothing's activity */
    if (fake_maintenance()) {
        vgic_maintenance();
    }
    check_all();
    wr(SGIF(0) + 0x380, 0x1e);
    fake_here()->apr[4] = 0;
    assert_int_equal(guest_ack(), 5);
    guest_eoi(5);
    if (fake_maintenance()) {
        vgic_maintenance();
    }
    assert_int_equal(guest_ack(), 1);
    guest_eoi(1);
    check_all();
}

/* Its end is found when its list register is wanted for another one, before the maintenance interrupt is taken. */
static void level_again_at_reclaim(void **state)
{
    (void)state;
    enable_ppi(0, 30, 0x40);
    vgic_set_level(d, d->vcpu[0], 30, true);
    assert_int_equal(guest_ack(), 30);
    guest_eoi(30);
    for (u32 i = 0; i < FAKE_LRS; i++) {
        enable_spi(40 + i, 0x80, true);
        pend_spi(40 + i);
    }
    assert_int_equal(guest_ack(), 30);
    vgic_set_level(d, d->vcpu[0], 30, false);
    guest_eoi(30);
    for (u32 i = 0; i < FAKE_LRS; i++) {
        if (fake_maintenance()) {
            vgic_maintenance();
        }
        assert_int_equal(guest_ack(), 40 + i);
        guest_eoi(40 + i);
    }
}

/* Of equal urgency whoever came first is first, though all list registers are full. */
static void equals_in_order(void **state)
{
    (void)state;
    for (u32 i = 0; i < 10; i++) {
        enable_spi(40 + i, 0x80, true);
        pend_spi(40 + i);
    }
    for (u32 i = 0; i < 10; i++) {
        if (fake_maintenance()) {
            vgic_maintenance();
        }
        assert_int_equal(guest_ack(), 40 + i);
        guest_eoi(40 + i);
    }
}

/* An urgent one takes the register of the least urgent that is pending; what is active keeps its own. */
static void active_is_not_evicted(void **state)
{
    (void)state;
    enable_spi(40, 0xe0, true);
    pend_spi(40);
    assert_int_equal(guest_ack(), 40);
    for (u32 i = 1; i < FAKE_LRS; i++) {
        enable_spi(40 + i, 0x80 + i * 8, true);
        pend_spi(40 + i);
    }
    enable_spi(60, 0x20, true);
    pend_spi(60);
    assert_int_equal(d->vcpu[0]->arch.vgic.nr_evicted, 0);
    assert_int_equal(d->arch.vgic.spis[40 - 32].place, VGIC_IN_LR);
    assert_int_equal(d->arch.vgic.spis[43 - 32].place, VGIC_READY);
    assert_int_equal(guest_ack(), 60);
    guest_eoi(60);
    for (u32 i = 1; i < FAKE_LRS; i++) {
        if (fake_maintenance()) {
            vgic_maintenance();
        }
        assert_int_equal(guest_ack(), 40 + i);
        guest_eoi(40 + i);
    }
    guest_eoi(40);
    assert_int_equal(fake_here()->hcr >> VHCR_EOICOUNT_SHIFT, 0);
    assert_int_equal(rd(GICD + 0x304), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        vcase(priorities_and_pressure), vcase(more_active_than_list_registers), vcase(ends_of_evicted),
        vcase(end_counted_meanwhile), vcase(evicted_and_cleared), vcase(level_again_at_reclaim),
        vcase(equals_in_order), vcase(active_is_not_evicted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
