/* SPDX-License-Identifier: MIT */
/* unit-sources: vdev/vgic/vgic.c vdev/vgic/lr.c vdev/vgic/inject.c vdev/vgic/switch.c vdev/vgic/regs.c */
/* unit-sources: vdev/vgic/check.c vdev/vgic/host.c vdev/vgic/irqregs.c vdev/vgic/v2.c vdev/vgic/v3.c vdev/mmio.c */
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

static u32 nr_stale(const struct vcpu *v)
{
    u32 n = 0;

    for (const struct list_head *i = v->arch.vgic.stale.next; i != &v->arch.vgic.stale; i = i->next) {
        n++;
    }
    return n;
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

/* A private physical interrupt is another one on each CPU: what is to be done about b's is done on b's CPU. */
static void private_of_another_cpu(void **state)
{
    struct vcpu *b = d->vcpu[1];

    (void)state;
    for (u32 enabled = 0; enabled < 2; enabled++) {
        if (enabled) {
            enable_ppi(1, 27, 0x80);
        }
        load_there(b);
        fake.cpu[1].ppi_active[27] = true;
        vgic_inject_host(d, b, 27, 27);
        unit_set_cpu(0);
        fake.cpu[0].ppi_active[27] = true;               /* ours, which has nothing to do with it */
        wr(SGIF(1) + 0x280, BIT32(27));                  /* cleared by another vCPU while it waits */
        assert_true(fake.cpu[1].ppi_active[27]);
        run_other(b);
        assert_false(fake.cpu[1].ppi_active[27]);
        /* While active: its active state cleared. */
        unit_set_cpu(1);
        wr(SGIF(1) + 0x100, BIT32(27));
        fake.cpu[1].ppi_active[27] = true;
        vgic_inject_host(d, b, 27, 27);
        assert_int_equal(guest_ack(), 27);
        unit_set_cpu(0);
        wr(SGIF(1) + 0x280, BIT32(27));
        run_other(b);
        assert_true(fake.cpu[1].ppi_active[27]);
        wr(SGIF(1) + 0x380, BIT32(27));
        assert_true(fake.cpu[1].ppi_active[27]);
        run_other(b);
        assert_false(fake.cpu[1].ppi_active[27]);
        fake.cpu[1].apr[4] = 0;
        assert_true(fake.cpu[0].ppi_active[27]);
        wr(SGIF(1) + 0x180, BIT32(27));
        run_other(b);
        check_all();
        unload_there(b);
        assert_false(fake.cpu[1].ppi_active[27]);
    }
    fake.cpu[0].ppi_active[27] = false;
}

/* The same of one that is in no list register, active or waiting, and its vCPU gone before it heard of it. */
static void private_without_list_register(void **state)
{
    struct vcpu *b = d->vcpu[1];

    (void)state;
    enable_ppi(1, 27, 0xe0);
    for (u32 i = 0; i < FAKE_LRS; i++) {
        mmio(SGIF(1) + 0x401 + i, 1, true, 0x80 - i * 8);
    }
    for (u32 active = 0; active < 2; active++) {
        load_there(b);
        guest_on(1);
        fake.cpu[1].ppi_active[27] = true;
        if (active) {
            vgic_inject_host(d, b, 27, 27);
            assert_int_equal(guest_ack(), 27);
        }
        for (u32 i = 0; i < FAKE_LRS; i++) {
            vgic_sgi1r_write(b, (u64)(1 + i) << 24 | 2);
            assert_true(!active || guest_ack() == 1 + i);
        }
        if (!active) {
            vgic_inject_host(d, b, 27, 27);
        }
        assert_int_equal(b->arch.vgic.priv[27].place, active ? VGIC_EVICTED : VGIC_READY);
        unit_set_cpu(0);
        wr(SGIF(1) + (active ? 0x380 : 0x280), BIT32(27));
        assert_true(fake.cpu[1].ppi_active[27]);
        check_all();
        unload_there(b);
        check_all();
        assert_false(fake.cpu[1].ppi_active[27]);
        b->arch.vgic.apr[4] = 0;
        for (u32 i = 0; i < FAKE_LRS; i++) {
            wr(SGIF(1) + 0x280, BIT32(1 + i));
            wr(SGIF(1) + 0x380, BIT32(1 + i));
        }
    }
    b->pending = 0;
}

/* Made active by another vCPU while in no list register: its end must be seen all the same. */
static void made_active_elsewhere(void **state)
{
    struct vcpu *b = d->vcpu[1];

    (void)state;
    load_there(b);
    unit_set_cpu(0);
    wr(SGIF(1) + 0x300, BIT32(6));
    assert_int_equal(kick_bits[1], PEND_VGIC);
    run_other(b);
    assert_int_equal(rd(SGIF(1) + 0x300), BIT32(6));
    unit_set_cpu(1);
    guest_eoi(6);
    assert_int_equal(rd(SGIF(1) + 0x300), 0);
    check_all();
    unload_there(b);
}

/* b's SGI to itself after another vCPU's clear, which its CPU has yet to see to, is newer than that. */
static void own_edge_after_a_remote_clear(void **state)
{
    struct vcpu *b = d->vcpu[1];

    (void)state;
    load_there(b);
    vgic_sgi1r_write(b, 5UL << 24 | 2);
    unit_set_cpu(0);
    wr(SGIF(1) + 0x280, BIT32(5));
    unit_set_cpu(1);
    vgic_sgi1r_write(b, 5UL << 24 | 2);
    unit_set_cpu(0);
    run_other(b);
    assert_int_equal(fake.cpu[1].lr[0] & LR_STATE, LR_PENDING);
    unload_there(b);
}

/*
 * A list register whose interrupt has ended is not loaded with its vCPU: what another CPU then reads must not become
 * what the next injection writes.
 */
static void synced_with_an_ended_register(void **state)
{
    struct vcpu *b = d->vcpu[1];

    (void)state;
    on_kick = run_other;
    load_there(b);
    for (u32 i = 5; i < 7; i++) {
        vgic_sgi1r_write(b, (u64)i << 24 | 2);
        assert_int_equal(guest_ack(), i);
        guest_eoi(i);
    }
    unload_there(b);
    unit_set_cpu(1);
    fake.cpu[1].lr[0] = 14 | LR_GROUP1;                  /* as another vCPU has left it */
    load(b);
    unit_set_cpu(0);
    assert_int_equal(rd(SGIF(1) + 0x300), 0);
    unit_set_cpu(1);
    vgic_sgi1r_write(b, 5UL << 24 | 2);
    assert_int_equal(guest_ack(), 5);
    guest_eoi(5);
    unload_there(b);
}

/* More has been changed than is seen to at a time: the rest is pending work again, and no vCPU sleeps on it. */
static void flush_ends(void **state)
{
    struct vcpu *b = d->vcpu[1];
    u32 turns = 0, left, all = 64;

    (void)state;
    for (u32 i = 32; i < 96; i++) {
        enable_spi(i, 0x80, true);
        mmio(GICD + 0x6000 + i * 8, 8, true, 1);
    }
    load_there(b);
    unit_set_cpu(0);
    for (u32 i = 32; i < 96; i++) {
        pend_spi(i);
    }
    assert_int_equal(kick_bits[1], PEND_VGIC);
    unit_set_cpu(1);
    do {
        b->pending = 0;
        vgic_flush(b);
        left = nr_stale(b);
        assert_true(all - left <= 32);
        assert_int_equal(b->pending, left != 0 ? PEND_VGIC : 0);
        assert_true(vgic_irq_deliverable(b));
        all = left;
        turns++;
    } while (left != 0);
    assert_true(turns > 1);
    check_all();
    /* It leaves its CPU, perhaps for good: all are seen to. */
    unit_set_cpu(0);
    for (u32 i = 32; i < 96; i++) {
        pend_spi(i);
    }
    unload_there(b);
    check_all();
    assert_int_equal(nr_stale(b), 0);
    assert_int_equal(check_all(), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        vcase(other_cpu), vcase(other_cpu_does_not_answer), vcase(unpend_races_with_a_new_edge),
        vcase(no_sleep_on_a_change_under_way), vcase(private_of_another_cpu), vcase(private_without_list_register),
        vcase(made_active_elsewhere), vcase(own_edge_after_a_remote_clear), vcase(flush_ends),
        vcase(synced_with_an_ended_register),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
