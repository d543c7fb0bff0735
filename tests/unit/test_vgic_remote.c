/* SPDX-License-Identifier: MIT */
/* unit-sources: vdev/vgic/vgic.c vdev/vgic/lr.c vdev/vgic/inject.c vdev/vgic/switch.c vdev/vgic/regs.c */
/* unit-sources: vdev/vgic/irqregs.c vdev/vgic/v2.c vdev/vgic/v3.c vdev/mmio.c */
/* The vGIC: state of a vCPU that runs on another CPU, read and changed. */
#include "vgic_v3.h"

/* The vCPU asked for runs on CPU 1: do there what its exit path would. */
static void run_other(struct vcpu *v)
{
    if (v->arch.vgic.live == 2) {
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

/* It runs on CPU 1, and so do we. */
static void load_there(struct vcpu *v)
{
    unit_set_cpu(1);
    load(v);
}

/* And no more. */
static void unload_there(struct vcpu *v)
{
    unit_set_cpu(1);
    unload(v);
    unit_set_cpu(0);
}

static void other_cpu(void **state)
{
    struct vcpu *b = d->vcpu[1];

    (void)state;
    enable_ppi(1, 30, 0x80);
    load_there(b);
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
    unload_there(b);
}

static void other_cpu_does_not_answer(void **state)
{
    struct vcpu *b = d->vcpu[1];

    (void)state;
    load_there(b);
    vgic_sgi1r_write(b, 5UL << 24 | 2);
    unit_set_cpu(0);
    /* Bounded: what was last written is read. */
    assert_int_equal(rd(SGIF(1) + 0x200), BIT32(5));
    unload_there(b);
}

/* About to sleep when another CPU has just pended what the guest had ended: the list register does not show it yet. */
static void no_sleep_on_a_change_under_way(void **state)
{
    struct vcpu *b = d->vcpu[1];

    (void)state;
    load_there(b);
    vgic_sgi1r_write(b, 5UL << 24 | 2);
    assert_int_equal(guest_ack(), 5);
    guest_eoi(5);
    assert_false(vgic_irq_deliverable(b));
    unit_set_cpu(0);
    vgic_sgi1r_write(d->vcpu[0], 5UL << 24 | 2);
    unit_set_cpu(1);
    assert_int_equal(fake.cpu[1].lr[0] & LR_STATE, 0);
    assert_true(vgic_irq_deliverable(b));
    unit_set_cpu(0);
    run_other(b);
    unit_set_cpu(1);
    assert_int_equal(guest_ack(), 5);
    guest_eoi(5);
    assert_false(vgic_irq_deliverable(b));
    unload_there(b);
}

static void unpend_races_with_a_new_edge(void **state)
{
    struct vcpu *b = d->vcpu[1];

    (void)state;
    load_there(b);
    vgic_sgi1r_write(b, 5UL << 24 | 2);
    unit_set_cpu(0);
    wr(SGIF(1) + 0x280, BIT32(5));                       /* not yet seen there */
    vgic_sgi1r_write(d->vcpu[0], 5UL << 24 | 2);         /* newer than the clear: must survive it */
    run_other(b);
    assert_int_equal(fake.cpu[1].lr[0] & LR_STATE, LR_PENDING);
    unload_there(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        vcase(other_cpu), vcase(other_cpu_does_not_answer), vcase(unpend_races_with_a_new_edge),
        vcase(no_sleep_on_a_change_under_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
