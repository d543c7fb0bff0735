/* SPDX-License-Identifier: MIT */
/* What a domain and its vCPUs have of ARM: stage 2, the virtual interrupt controller and timers. */
#include <argon/arch.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/machine.h>
#include <argon/p2m.h>
#include <argon/panic.h>
#include <asm/vcpu_regs.h>
#include <vdev/vgic.h>
#include <vdev/vgic_host.h>
#include <vdev/vtimer.h>

/*
 * The CPU interface of a GICv2 guest is the hardware's virtual one (IHI0048 5.5). No more of it than there is, nor than the guest
 * has room for: behind either is something else.
 */
static int gicv_map(struct domain *d, u64 gicc, u64 room)
{
    u64 nr = DIV_ROUND_UP(MIN(room, machine.gic.gicv_size), PAGE_SIZE);

    return p2m_map(d, gpa_to_gfn(gicc), paddr_to_mfn(machine.gic.gicv), nr, P2M_MMIO);
}

/* dom0's device tree is the host's, and its GIC is where that says; others have it where the ABI does. */
static int gic_create(struct domain *d, u8 version, u32 nr_spis)
{
    const struct machine_gic *g = &machine.gic;
    const struct machine_range *redist = machine_redist(g);
    int rc = vgic_init_domain(d, version, nr_spis);

    if (rc != 0) {
        return rc;
    }
    if (!d->is_privileged) {             /* vgic_init_domain() has put it there */
        return version == 2 ? gicv_map(d, GUEST_GICC_BASE, GUEST_GICC_SIZE) : 0;
    }
    ASSERT(version == g->version);
    if (version == 3) {
        rc = vgic_set_layout(d, g->gicd, redist->start, redist->size);
        return rc != 0 || g->nr_its == 0 ? rc : vgic_create_lpis(d, g->its, g->nr_its);
    }
    rc = vgic_set_layout(d, g->gicd, g->gicc, 0);
    return rc != 0 ? rc : gicv_map(d, g->gicc, g->gicc_size);
}

void arch_domain_init_clock(struct domain *d)
{
    d->arch.vcounter_offset = arch_counter();
}

int arch_domain_create(struct domain *d, struct domain_config *cfg)
{
    u32 hosts = vgic_host_versions();
    u8 version;
    int rc;

    if (cfg->gic_version > XEN_DOMCTL_CONFIG_GIC_V3) {
        return -EINVAL;
    }
    version = cfg->gic_version == XEN_DOMCTL_CONFIG_GIC_NATIVE ? (u8)vgic_host->gic_version : (u8)(cfg->gic_version + 1);
    if (!(hosts & BIT32(version))) {
        return -ENODEV;
    }
    if (version == 2 && d->max_vcpus > 8) {
        return -EINVAL;
    }
    cfg->gic_version = (u8)(version - 1);
    d->arch.event_ppi = 31;
    d->paging_pool_bytes = 0x10000;      /* until the toolstack sets its own */
    rc = p2m_init(d);
    if (rc != 0) {
        return rc;
    }
    rc = gic_create(d, version, cfg->nr_spis);
    if (rc != 0) {
        arch_domain_destroy(d);
    }
    return rc;
}

int arch_domain_relinquish(struct domain *d)
{
    return p2m_teardown(d);
}

void arch_domain_destroy(struct domain *d)
{
    /* The tables of a domain that never ran are few: one pass. */
    while (p2m_teardown(d) == -ERESTART) {
    }
    vgic_destroy_domain(d);
}

/* ---- vCPUs: what is not registers ---- */
int arch_vcpu_create(struct vcpu *v)
{
    const struct domain *d = v->domain;

    vcpu_regs_reset(v);
    if (v->is_idle) {
        return 0;
    }
    vgic_init_vcpu(v);
    /* dom0's device tree names the host's timer interrupts, other guests' the ABI's. */
    vtimer_init_vcpu(v, d->is_privileged ? machine.timer_irq_virt : 27, d->is_privileged ? machine.timer_irq_phys_ns : 30);
    return 0;
}

void arch_vcpu_quiesce(struct vcpu *v)
{
    vtimer_destroy_vcpu(v);
}

void arch_vcpu_destroy(struct vcpu *v)
{
    if (!v->is_idle) {
        vtimer_destroy_vcpu(v);
    }
}

void arch_vcpu_reset(struct vcpu *v)
{
    vcpu_regs_reset(v);
    vgic_reset_vcpu(v);
    vtimer_reset_vcpu(v);
}
