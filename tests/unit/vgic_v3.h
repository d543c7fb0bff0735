/* SPDX-License-Identifier: MIT */
/* The vGIC's tests with a GICv3 guest of four vCPUs, 64 SPIs, group 1 on, vCPU 0 loaded on CPU 0. */
#ifndef VGIC_V3_H
#define VGIC_V3_H

#include "vgic_common.h"

static const struct irqchip_ops ops = FAKE_OPS(3);
static bool timer_line;

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

u64 arch_counter(void)
{
    return host_counter += 1000;
}

/* The invariants of all that the domain has. Returns how many interrupts are not idle. */
static unused u32 check_all(void)
{
    u32 busy = 0;

    for_each_vcpu (d, v) {
        spin_lock(&v->arch.vgic.lock);
        busy += vgic_check_all(v);
        spin_unlock(&v->arch.vgic.lock);
    }
    return busy;
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

static unused int teardown(void **state)
{
    (void)check_all();
    if (current_vcpu() != NULL && !current_vcpu()->is_idle) {
        unload(current_vcpu());
    }
    (void)check_all();
    vgic_destroy_domain(d);
    return unit_teardown(state);
}

#define vcase(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static unused void enable_spi(u32 intid, u32 prio, bool edge)
{
    mmio(GICD + 0x400 + intid, 1, true, prio);
    wr(GICD + 0xc00 + intid / 16 * 4, edge ? 2u << intid % 16 * 2 : 0);
    wr(GICD + 0x100 + intid / 32 * 4, BIT32(intid % 32));
}

static unused void enable_ppi(u32 vcpu, u32 intid, u32 prio)
{
    mmio(SGIF(vcpu) + 0x400 + intid, 1, true, prio);
    wr(SGIF(vcpu) + 0x100, BIT32(intid));
}

static unused void raise_event(struct vcpu *v)
{
    v->info->evtchn_upcall_pending = 1;
    vgic_set_level(d, v, 31, true);
}

#endif
