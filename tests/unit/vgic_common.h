/* SPDX-License-Identifier: MIT */
/*
 * Set-up shared by the vGIC's tests: a domain with vCPUs, loaded and unloaded on fake CPUs, and register access as a
 * guest has it.
 */
#ifndef VGIC_COMMON_H
#define VGIC_COMMON_H

#include "unit.h"

#include "fake_irqchip.h"

#include <argon/machine.h>
#include <vdev/mmio.h>
#include <vdev/vtimer.h>

#include "vdev/vgic/internal.h"

#define GICD GUEST_GICD_BASE
#define GICR(n) (GUEST_GICV3_GICR_BASE + (n) * 0x20000UL)
#define SGIF(n) (GICR(n) + 0x10000)

static struct domain *d;
static u32 kicks[8], kick_bits[8];
static void (*on_kick)(struct vcpu *v);

/* As core/vcpu does, without a scheduler. */
void vcpu_kick(struct vcpu *v, u32 pending)
{
    if (v->id < 8) {
        kicks[v->id]++;
        kick_bits[v->id] |= pending;
    }
    atomic_fetch_or(&v->pending, pending);
    v->pause_flags &= ~(u32)(VPF_BLOCKED | VPF_POLL);
    if (on_kick != NULL) {
        on_kick(v);
    }
}

/* v gets on the CPU this thread plays. */
static void load(struct vcpu *v)
{
    unit_set_current(v);
    v->cpu = cpu_id();
    vgic_restore(v);
}

static void unload(struct vcpu *v)
{
    vgic_save(v);
    unit_set_current(pcpus[cpu_id()]->idle);
}

static unused u64 mmio(u64 gpa, u32 size, bool write, u64 value)
{
    const struct mmio_region *r = mmio_find(&d->arch.mmio, gpa);

    assert_non_null(r);
    if (write) {
        r->write(current_vcpu(), gpa - r->base + r->first, size, value);
        return 0;
    }
    value = r->read(current_vcpu(), gpa - r->base + r->first, size);
    assert_true(size == 8 || value >> size * 8 == 0);
    return value;
}

static unused u32 rd(u64 gpa) { return (u32)mmio(gpa, 4, false, 0); }
static unused void wr(u64 gpa, u32 value) { mmio(gpa, 4, true, value); }
/* Pend an SPI that is of no device's, as the guest does it: GICD_ISPENDR. */
static unused void pend_spi(u32 intid) { wr(GICD + 0x200 + intid / 32 * 4, BIT32(intid % 32)); }

static unused void guest_on(u32 cpu)
{
    fake.cpu[cpu].vmcr = 0xf0u << VMCR_PMR_SHIFT | VMCR_VENG0 | VMCR_VENG1;
}

static void make_domain(const struct irqchip_ops *ops, u8 version, u32 vcpus, u32 spis)
{
    memset(&fake, 0, sizeof(fake));
    memset(kicks, 0, sizeof(kicks));
    memset(kick_bits, 0, sizeof(kick_bits));
    on_kick = NULL;
    irqchip = ops;
    vgic_host = irqchip->virt;
    d = unit_domain(1, vcpus);
    d->arch.event_ppi = 31;
    assert_int_equal(vgic_init_domain(d, version, spis), 0);
    for_each_vcpu (d, v) {
        vgic_init_vcpu(v);
        v->arch.vtimer.virt_irq = 27;
        vgic_connect_timer(v, 27, 27);
        v->arch.vgic.vmcr = 0xf0u << VMCR_PMR_SHIFT | VMCR_VENG0 | VMCR_VENG1;
    }
}

#endif
