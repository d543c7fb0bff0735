/* SPDX-License-Identifier: MIT */
/* unit-sources: vdev/vgic/vgic.c vdev/vgic/lr.c vdev/vgic/inject.c vdev/vgic/switch.c vdev/vgic/regs.c */
/* unit-sources: vdev/vgic/check.c vdev/vgic/host.c vdev/vgic/irqregs.c vdev/vgic/v2.c vdev/vgic/v3.c vdev/mmio.c */
/*
 * GIC registers as a guest reads and writes them: GICv3 frames, and the whole of a GICv2 distributor with its
 * per-sender SGIs.
 */
#include "vgic_common.h"

static const struct irqchip_ops v3_ops = FAKE_OPS(3);
static const struct irqchip_ops v2_ops = FAKE_OPS(2);

bool vtimer_virt_line(const struct vcpu *v)
{
    (void)v;
    return true;
}

static int setup_v3(void **state)
{
    unit_setup(state);
    make_domain(&v3_ops, 3, 18, 40);                     /* rounded up to 64 SPIs */
    load(d->vcpu[0]);
    return 0;
}

static int setup_v2(void **state)
{
    unit_setup(state);
    make_domain(&v2_ops, 2, 3, 32);
    load(d->vcpu[0]);
    return 0;
}

static int setup_v2_up(void **state)
{
    unit_setup(state);
    make_domain(&v2_ops, 2, 1, 32);
    load(d->vcpu[0]);
    return 0;
}

static int teardown(void **state)
{
    unload(current_vcpu());
    vgic_destroy_domain(d);
    return unit_teardown(state);
}

#define v3case(fn) cmocka_unit_test_setup_teardown(fn, setup_v3, teardown)
#define v2case(fn) cmocka_unit_test_setup_teardown(fn, setup_v2, teardown)

static void v3_distributor_identity(void **state)
{
    (void)state;
    assert_int_equal(rd(GICD), 0x50);                    /* DS, ARE */
    wr(GICD, 0xffffffff);
    assert_int_equal(rd(GICD), 0x53);
    assert_int_equal(rd(GICD + 4) & 31, 2);              /* 96 interrupts */
    assert_int_equal(rd(GICD + 4) >> 19 & 31, 9);
    assert_int_equal(rd(GICD + 4) >> 25 & 1, 1);
    wr(GICD + 4, 0);
    assert_int_equal(rd(GICD + 4) & 31, 2);
    assert_int_equal(rd(GICD + 8) & 0xfff, 0x43b);
    assert_int_equal(rd(GICD + 0xffe8) & 0xf0, 0x30);
    assert_int_equal(rd(GICD + 0xffe0), 0x92);
    assert_int_equal(rd(GICD + 0xfff0), 0x0d);
    assert_int_equal(rd(GICD + 0xfffc), 0xb1);
}

static void v3_sizes(void **state)
{
    (void)state;
    /* Only the sizes the register has: others read as zero and write nothing (12.1.3). */
    assert_int_equal(mmio(GICD + 4, 1, false, 0), 0);
    assert_int_equal(mmio(GICD + 4, 2, false, 0), 0);
    assert_int_equal(mmio(GICD, 8, false, 0), 0);
    mmio(GICD, 1, true, 3);
    assert_int_equal(rd(GICD), 0x50);
    mmio(GICD + 0x421, 1, true, 0xff);
    assert_int_equal(mmio(GICD + 0x421, 1, false, 0), 0xf8);     /* five bits */
    assert_int_equal(rd(GICD + 0x420), 0xf800);
    mmio(GICD + 0x420, 2, true, 0xffff);
    assert_int_equal(rd(GICD + 0x420), 0xf800);
    wr(GICD + 0x420, 0x11223344);
    assert_int_equal(rd(GICD + 0x420), 0x10203040);
    assert_int_equal(mmio(GICR(3) + 8, 8, false, 0), 3UL << 32 | 3 << 8);
    assert_int_equal(rd(GICR(3) + 12), 3);
    assert_int_equal(mmio(GICD + 0x6002, 2, false, 0), 0);
    /* Misaligned, and between registers. */
    assert_int_equal(mmio(GICD + 0x106, 4, false, 0), 0);
    assert_int_equal(rd(GICD + 0x20), 0);
    assert_int_equal(rd(GICD + 0xe00), 0);
    assert_int_equal(rd(GICD + 0x8000), 0);
}

static void v3_private_part_of_distributor_is_reserved(void **state)
{
    (void)state;
    wr(GICD + 0x100, 0xffff0000);
    assert_int_equal(rd(GICD + 0x100), 0);
    assert_int_equal(rd(SGIF(0) + 0x100), 0xffff);
    assert_int_equal(rd(GICD + 0x80), 0);
    assert_int_equal(rd(GICD + 0x400), 0);
    assert_int_equal(rd(GICD + 0x820), 0);               /* ITARGETSR */
    wr(GICD + 0xf00, 0x02000003);                        /* SGIR */
    assert_int_equal(guest_ack(), FAKE_NONE);
}

static void v3_beyond_the_spis(void **state)
{
    (void)state;
    wr(GICD + 0x10c, 0xffffffff);
    assert_int_equal(rd(GICD + 0x10c), 0);
    assert_int_equal(rd(GICD + 0x108), 0);
    wr(GICD + 0x108, 0xffffffff);
    assert_int_equal(rd(GICD + 0x108), 0xffffffff);      /* 64..95 */
    mmio(GICD + 0x6000 + 96 * 8, 8, true, 1);
    assert_int_equal(mmio(GICD + 0x6000 + 96 * 8, 8, false, 0), 0);
    mmio(GICD + 0x7fd8, 8, true, 1);
    mmio(GICD + 0x7fb, 1, true, 1);
}

static void v3_arrays(void **state)
{
    (void)state;
    assert_int_equal(rd(GICD + 0x84), 0xffffffff);
    wr(GICD + 0x84, 0xffff0000);
    assert_int_equal(rd(GICD + 0x84), 0xffff0000);
    wr(GICD + 0x104, 0x00000101);
    assert_int_equal(rd(GICD + 0x104), 0x101);
    assert_int_equal(rd(GICD + 0x184), 0x101);
    wr(GICD + 0x184, 0x1);
    assert_int_equal(rd(GICD + 0x104), 0x100);
    wr(GICD + 0xc08, 0xffffffff);
    assert_int_equal(rd(GICD + 0xc08), 0xaaaaaaaa);      /* lower bits reserved */
    wr(GICD + 0xc08, 0x00000002);
    assert_int_equal(rd(GICD + 0xc08), 2);
}

static void v3_redistributors(void **state)
{
    (void)state;
    assert_int_equal(mmio(GICR(0) + 8, 8, false, 0), 0);
    assert_int_equal(mmio(GICR(16) + 8, 8, false, 0), 1UL << 40 | 16 << 8);
    assert_int_equal(mmio(GICR(17) + 8, 8, false, 0), 1UL << 40 | 1UL << 32 | 17 << 8 | 16);
    assert_int_equal(mmio(GICR(18) + 8, 8, false, 0), 0);        /* no more vCPUs: nothing there */
    wr(GICR(18) + 0x10100, 0xffffffff);
    assert_int_equal(rd(GICR(0)), 0);
    assert_int_equal(rd(GICR(0) + 0x14), 0);             /* awake, as guests written for Xen expect */
    wr(GICR(0) + 0x14, 2);
    assert_int_equal(rd(GICR(0) + 0x14), 6);
    assert_int_equal(rd(GICR(5) + 0xffe8) & 0xf0, 0x30);
    assert_int_equal(rd(GICR(5) + 0xffe0), 0x93);
    assert_int_equal(rd(SGIF(2) + 0x80), 0xffffffff);
    wr(SGIF(2) + 0x100, BIT32(27));
    assert_int_equal(rd(SGIF(2) + 0x100), 0xffff | BIT32(27));
    assert_int_equal(rd(SGIF(1) + 0x100), 0xffff);       /* banked */
    assert_int_equal(rd(SGIF(0) + 0xc00), 0xaaaaaaaa);
    assert_int_equal(rd(SGIF(0) + 0xc04), 0);
    wr(SGIF(0) + 0xc00, 0);
    wr(SGIF(0) + 0xc04, 0xffffffff);
    assert_int_equal(rd(SGIF(0) + 0xc00), 0xaaaaaaaa);
    assert_int_equal(rd(SGIF(0) + 0xc04), 0);
    mmio(SGIF(0) + 0x41b, 1, true, 0x87);
    assert_int_equal(rd(SGIF(0) + 0x418), 0x80000000);
}

/*
 * Any address in the frames, any size, read and write: no harm (the sanitizers watch), and nothing beyond the
 * registers answers.
 */
static void v3_every_offset(void **state)
{
    (void)state;
    for (u64 off = 0; off < 0x10000; off += 4) {
        for (u32 size = 1; size <= 8; size *= 2) {
            mmio(GICD + off, size, false, 0);
            mmio(GICD + off, size, true, ~0UL >> (64 - 8 * size));
        }
    }
    for (u64 off = 0; off < 0x20000; off += 4) {
        for (u32 size = 1; size <= 8; size *= 2) {
            mmio(GICR(1) + off, size, false, 0);
            mmio(GICR(1) + off, size, true, ~0UL >> (64 - 8 * size));
        }
    }
    mmio(GUEST_GICV3_GICR_BASE + GUEST_GICV3_GICR_SIZE - 8, 8, false, 0);
}

static void v2_distributor(void **state)
{
    (void)state;
    assert_int_equal(rd(GICD), 0);
    wr(GICD, 0xffffffff);
    assert_int_equal(rd(GICD), 3);
    assert_int_equal(rd(GICD + 4), 1 | 2 << 5);
    assert_int_equal(rd(GICD + 8) & 0xfff, 0x43b);
    assert_int_equal(rd(GICD + 0xfe8) & 0xf0, 0x20);
    assert_int_equal(rd(GICD + 0xfd0), 0x04);
    assert_int_equal(rd(GICD + 0x80), 0);                /* group 0 */
    /* Private registers are the reader's own. */
    wr(GICD + 0x100, BIT32(30));
    assert_int_equal(rd(GICD + 0x100), 0xffff | BIT32(30));
    assert_int_equal(rd(GICD + 0x800), 0x01010101);
    unload(d->vcpu[0]);
    load(d->vcpu[2]);
    assert_int_equal(rd(GICD + 0x100), 0xffff);
    assert_int_equal(rd(GICD + 0x800), 0x04040404);
    wr(GICD + 0x800, 0);
    assert_int_equal(rd(GICD + 0x81c), 0x04040404);
    assert_null(mmio_find(&d->arch.mmio, GUEST_GICC_BASE));          /* the hardware's own, mapped */
}

static void v2_targets(void **state)
{
    (void)state;
    wr(GICD, 1);
    wr(GICD + 0x104, 1);
    assert_int_equal(rd(GICD + 0x820), 0);
    pend_spi(32);
    assert_int_equal(guest_ack(), FAKE_NONE);            /* to nobody yet */
    mmio(GICD + 0x820, 1, true, 0xfe);
    assert_int_equal(mmio(GICD + 0x820, 1, false, 0), 6);        /* CPUs 1 and 2 exist */
    assert_true(vgic_irq_deliverable(d->vcpu[1]));
    assert_int_equal(kicks[1], 1);
    mmio(GICD + 0x820, 1, true, 1);
    assert_int_equal(guest_ack(), 32);
    guest_eoi(32);
}

static void v2_one_cpu(void **state)
{
    (void)state;
    wr(GICD, 1);
    wr(GICD + 0x104, 1);
    wr(GICD + 0x820, 0x01010101);
    assert_int_equal(rd(GICD + 0x820), 0);               /* reserved on a uniprocessor */
    assert_int_equal(rd(GICD + 0x800), 0);
    pend_spi(32);
    assert_int_equal(guest_ack(), 32);
    guest_eoi(32);
    wr(GICD + 0xf00, 0xfeu << 16 | 4);                   /* to those that are not there */
    assert_int_equal(guest_ack(), FAKE_NONE);
}

static void v2_sgi_senders(void **state)
{
    struct vcpu *v = d->vcpu[0];

    (void)state;
    wr(GICD, 1);
    unload(v);
    load(d->vcpu[1]);
    wr(GICD + 0xf00, 1u << 16 | 4);                      /* from 1 to 0 */
    unload(d->vcpu[1]);
    load(d->vcpu[2]);
    wr(GICD + 0xf00, 1u << 24 | 4);                      /* from 2 to all others */
    assert_int_equal(guest_ack(), FAKE_NONE);
    unload(d->vcpu[2]);
    load(v);
    wr(GICD + 0xf00, 2u << 24 | 4);                      /* from 0 to itself */
    wr(GICD + 0xf00, 3u << 24 | 5);                      /* reserved filter */
    assert_int_equal(rd(GICD + 0xf24), 7);
    assert_int_equal(rd(GICD + 0xf14), 7);
    assert_int_equal(rd(GICD + 0x200), BIT32(4));
    wr(GICD + 0x280, BIT32(4));                          /* not by this register */
    assert_int_equal(rd(GICD + 0xf24), 7);
    assert_int_equal(guest_ack(), 4 | 0 << 10);
    assert_int_equal(rd(GICD + 0x300), BIT32(4));
    assert_int_equal(rd(GICD + 0xf24), 6);
    assert_int_equal(guest_ack(), FAKE_NONE);
    guest_eoi(4);
    assert_true(fake_maintenance());
    vgic_maintenance();
    assert_int_equal(guest_ack(), 4 | 1 << 10);
    wr(GICD + 0xf00, 2u << 24 | 4);                      /* one more while active */
    guest_eoi(4 | 1 << 10);
    vgic_maintenance();
    assert_int_equal(guest_ack(), 4 | 0 << 10);
    guest_eoi(4);
    vgic_maintenance();
    assert_int_equal(guest_ack(), 4 | 2 << 10);
    guest_eoi(4 | 2 << 10);
    assert_int_equal(guest_ack(), FAKE_NONE);
    assert_false(fake_maintenance());
}

/* Once one has been in a list register, the next is a write of it; but not over another sender's, here or saved. */
static void v2_sgi_short_way(void **state)
{
    struct vcpu *v = d->vcpu[0], *w = d->vcpu[1];
    u32 reads;

    (void)state;
    wr(GICD, 1);
    wr(GICD + 0xf00, 2u << 24 | 4);
    assert_int_equal(guest_ack(), 4);
    guest_eoi(4);
    reads = fake.lr_reads;
    wr(GICD + 0xf00, 2u << 24 | 4);
    assert_int_equal(fake.lr_reads, reads);
    assert_int_equal(guest_ack(), 4);
    guest_eoi(4);
    unload(v);
    load(w);
    wr(GICD + 0xf00, 1u << 16 | 4);                      /* from 1 to 0, asleep, who is inactive */
    wr(GICD + 0xf00, 1u << 16 | 4);
    assert_int_equal(fake.lr_reads, reads);
    assert_int_equal(kicks[0], 2);
    unload(w);
    load(d->vcpu[2]);
    wr(GICD + 0xf00, 1u << 16 | 4);                      /* from 2: both wait */
    unload(d->vcpu[2]);
    load(v);
    assert_int_equal(rd(GICD + 0xf24), 6);
    assert_int_equal(guest_ack(), 4 | 1 << 10);
    wr(GICD + 0x180, BIT32(4));
    guest_eoi(4 | 1 << 10);
    vgic_maintenance();
    wr(GICD + 0xf00, 2u << 24 | 4);                      /* disabled */
    assert_int_equal(guest_ack(), FAKE_NONE);
    assert_int_equal(rd(GICD + 0xf24), 5);
    wr(GICD + 0x100, BIT32(4));
    assert_int_equal(guest_ack(), 4 | 0 << 10);
    guest_eoi(4);
    vgic_maintenance();
    assert_int_equal(guest_ack(), 4 | 2 << 10);
    guest_eoi(4 | 2 << 10);
    /* Asked for by a vCPU that is on another CPU. */
    unit_set_cpu(1);
    load(w);
    wr(GICD + 0xf00, 1u << 16 | 4);
    assert_true(v->pending & PEND_VGIC);
    unload(w);
    unit_set_cpu(0);
    vgic_flush(v);
    assert_int_equal(guest_ack(), 4 | 1 << 10);
    guest_eoi(4 | 1 << 10);
    assert_int_equal(guest_ack(), FAKE_NONE);
}

static void v2_sgi_pending_registers(void **state)
{
    (void)state;
    wr(GICD, 1);
    mmio(GICD + 0xf23, 1, true, 0xff);
    assert_int_equal(rd(GICD + 0xf20), 0x07000000);      /* three CPUs */
    mmio(GICD + 0xf13, 1, true, 0x02);
    assert_int_equal(mmio(GICD + 0xf13, 1, false, 0), 5);
    assert_int_equal(guest_ack(), 3 | 0 << 10);
    guest_eoi(3);
    vgic_maintenance();
    mmio(GICD + 0xf13, 1, true, 0xff);
    assert_int_equal(guest_ack(), FAKE_NONE);
    wr(GICD + 0x200, BIT32(3));
    assert_int_equal(rd(GICD + 0x200), 0);
}

static void v2_every_offset(void **state)
{
    (void)state;
    for (u64 off = 0; off < 0x1000; off++) {
        for (u32 size = 1; size <= 8 && off + size <= 0x1000; size *= 2) {
            mmio(GICD + off, size, false, 0);
            mmio(GICD + off, size, true, ~0UL >> (64 - 8 * size));
        }
    }
}

static void v2_limits(void **state)
{
    struct domain *e;

    (void)state;
    unit_setup(state);
    irqchip = &v2_ops;
    vgic_host = irqchip->virt;
    e = unit_domain(3, 9);
    assert_int_equal(vgic_init_domain(e, 2, 32), -EINVAL);
    assert_int_equal(vgic_host_versions(), BIT32(2));
    unit_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        v3case(v3_distributor_identity), v3case(v3_sizes), v3case(v3_private_part_of_distributor_is_reserved),
        v3case(v3_beyond_the_spis), v3case(v3_arrays), v3case(v3_redistributors), v3case(v3_every_offset),
        v2case(v2_distributor), v2case(v2_targets), cmocka_unit_test_setup_teardown(v2_one_cpu, setup_v2_up, teardown),
        v2case(v2_sgi_senders), v2case(v2_sgi_short_way), v2case(v2_sgi_pending_registers), v2case(v2_every_offset),
        cmocka_unit_test(v2_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
