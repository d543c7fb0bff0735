/* SPDX-License-Identifier: MIT */
/* unit-sources: vdev/vgic/vgic.c vdev/vgic/lr.c vdev/vgic/inject.c vdev/vgic/switch.c vdev/vgic/regs.c */
/* unit-sources: vdev/vgic/check.c vdev/vgic/host.c vdev/vgic/irqregs.c vdev/vgic/v2.c vdev/vgic/v3.c vdev/mmio.c */
/* The vGIC: delivery, levels, list register pressure, vCPU switches, reset. */
#include "vgic_v3.h"

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
    fake_here()->vmcr = 0xf0u << VMCR_PMR_SHIFT | VMCR_VENG1;    /* it is one of group 0 */
    assert_int_equal(guest_ack(), FAKE_NONE);
    guest_on(0);
    assert_int_equal(guest_ack(), 3);
    guest_eoi(3);
}

static void edge_spi(void **state)
{
    (void)state;
    pend_spi(40);                                    /* disabled: latched */
    assert_int_equal(guest_ack(), FAKE_NONE);
    assert_int_equal(rd(GICD + 0x204) & BIT32(8), BIT32(8));
    enable_spi(40, 0x80, true);
    assert_int_equal(guest_ack(), 40);
    assert_int_equal(rd(GICD + 0x204) & BIT32(8), 0);
    assert_int_equal(rd(GICD + 0x304) & BIT32(8), BIT32(8));
    pend_spi(40);
    assert_int_equal(rd(GICD + 0x204) & BIT32(8), BIT32(8));
    guest_eoi(40);
    assert_int_equal(guest_ack(), 40);
    guest_eoi(40);
    assert_int_equal(rd(GICD + 0x304), 0);
    pend_spi(32 + 64);                               /* not there: nothing */
    pend_spi(1019);
}

static void disable_takes_it_out(void **state)
{
    (void)state;
    enable_spi(41, 0x80, true);
    pend_spi(41);
    wr(GICD + 0x184, BIT32(9));
    assert_int_equal(guest_ack(), FAKE_NONE);
    assert_int_equal(rd(GICD + 0x204), BIT32(9));        /* still pending */
    wr(GICD + 0x104, BIT32(9));
    assert_int_equal(guest_ack(), 41);
    /* Disabled while active: stays active, ends normally, a new edge waits. */
    wr(GICD + 0x184, BIT32(9));
    pend_spi(41);
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
    pend_spi(41);
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
    pend_spi(42);
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

/* Active, and pending once more: it stays both while its list register is taken back and written anew. */
static void active_and_pending_survives_a_pull(void **state)
{
    (void)state;
    vgic_sgi1r_write(d->vcpu[0], 3UL << 24 | 1);
    assert_int_equal(guest_ack(), 3);
    vgic_sgi1r_write(d->vcpu[0], 3UL << 24 | 1);
    mmio(SGIF(0) + 0x403, 1, true, 0x40);
    assert_int_equal(rd(SGIF(0) + 0x300), BIT32(3));
    assert_int_equal(rd(SGIF(0) + 0x200), BIT32(3));
    assert_int_equal(guest_ack(), FAKE_NONE);
    guest_eoi(3);
    assert_int_equal(guest_ack(), 3);
    guest_eoi(3);
    assert_int_equal(rd(SGIF(0) + 0x300) | rd(SGIF(0) + 0x200), 0);
}

/* Routed elsewhere and pended while active: it is for the new vCPU once it has ended. */
static void routed_while_active(void **state)
{
    (void)state;
    enable_spi(40, 0x80, true);
    pend_spi(40);
    assert_int_equal(guest_ack(), 40);
    mmio(GICD + 0x6000 + 40 * 8, 8, true, 1);
    pend_spi(40);
    assert_int_equal(guest_ack(), FAKE_NONE);
    guest_eoi(40);
    assert_true(fake_maintenance());
    vgic_maintenance();
    assert_int_equal(guest_ack(), FAKE_NONE);
    unload(d->vcpu[0]);
    load(d->vcpu[1]);
    assert_int_equal(guest_ack(), 40);
    guest_eoi(40);
}

static void deliverable(void **state)
{
    struct vcpu *v = d->vcpu[0];

    (void)state;
    assert_false(vgic_irq_deliverable(v));
    enable_spi(40, 0x80, true);
    pend_spi(40);
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
    pend_spi(40);
    pend_spi(41);
    assert_int_equal(guest_ack(), 41);
    pend_spi(41);
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
    pend_spi(40);
    vgic_set_level(d, v, 30, true);
    unload(v);
    vgic_reset_vcpu(v);
    assert_int_equal(v->arch.vgic.vmcr, VMCR_VFIQEN);
    assert_false(v->arch.vgic.priv[30].enabled);
    assert_int_equal(v->arch.vgic.priv[30].priority, 0);
    assert_true(v->arch.vgic.priv[0].enabled);
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
        vcase(sgi_to_self), vcase(sgi_while_active_comes_again), vcase(sgi_targets), vcase(sgi0_is_for_group0_only),
        vcase(edge_spi), vcase(disable_takes_it_out), vcase(group_disable_takes_all_out),
        vcase(pending_and_active_registers), vcase(level_line), vcase(level_pended_by_software),
        vcase(active_and_pending_survives_a_pull), vcase(routed_while_active), vcase(deliverable),
        vcase(blocked_vcpu_is_kicked), vcase(save_keeps_everything), vcase(reset), vcase(creation_errors),
        vcase(dump_prints),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
