/* SPDX-License-Identifier: MIT */
/* The virtual GIC of a domain: creation, links to host interrupts, reset, destruction, debug key. */
#include "internal.h"

#include <argon/console.h>
#include <argon/mem.h>
#include <argon/panic.h>
#include <argon/string.h>

const struct vgic_host_ops *vgic_host ro_after_boot;

#define V2_FRAME_SIZE UINT64_C(0x1000)
#define V3_DIST_SIZE  UINT64_C(0x10000)

u32 vgic_host_versions(void)
{
    /*
     * Neither version's virtual interface serves guests of the other one: GICv3 would need legacy operation, which no
     * known host has.
     */
    return BIT32(vgic_host->gic_version);
}

/* From the driver, on first use; the same on every CPU. */
static void host_limits(void)
{
    vgic_nr_lrs = MIN(vgic_host->nr_lrs(), (u32)VGIC_MAX_LRS);
    vgic_lr_all = (u32)(BIT(vgic_nr_lrs) - 1);
    vgic_prio_mask = (u8)(0xff << (8 - vgic_host->nr_prio_bits()));
}

/*
 * As after reset. Group: Linux and others leave GICv2's group 0 as it is and find group 1 set or set it on a GICv3
 * (both are allowed: GICR_IGROUPR0 resets to an UNKNOWN value). SGIs are enabled, which GICv2 allows to be permanent
 * (IHI0048 4.3.5).
 */
static void irq_reset(struct vgic_irq *irq, const struct domain *d)
{
    irq->priority = 0;
    irq->sgi_sources = irq->sgi_active = 0;
    irq->enabled = irq->intid < 16;
    irq->group1 = d->arch.vgic.version == 3;
    irq->is_level = irq->intid >= 16;
    irq->latch = irq->active = irq->lr_latch = irq->phys_active = irq->phys_fresh = false;
    irq->want_unpend = irq->want_active = irq->want_inactive = false;
}

static void vcpu_reset_private(struct vcpu *v)
{
    for (u32 i = 0; i < VGIC_NR_PRIVATE; i++) {
        struct vgic_irq *irq = &v->arch.vgic.priv[i];

        vgic_irq_place(v, irq, VGIC_IDLE);
        irq_reset(irq, v->domain);
    }
}

/* The home of SPIs that have none: the first vCPU. */
static void spis_find_home(struct domain *d, struct vcpu *v)
{
    for (u32 i = 0; v != NULL && i < d->arch.vgic.nr_spis; i++) {
        struct vgic_irq *irq = &d->arch.vgic.spis[i];

        if (irq->vcpu == NULL) {
            irq->vcpu = v;
            /* v3: IROUTER 0 is vCPU 0. v2: no target until one is set, but for a single CPU (IHI0048 4.3.12). */
            irq->target = d->arch.vgic.version == 3 || d->max_vcpus == 1 ? v : NULL;
        }
    }
}

int vgic_init_domain(struct domain *d, u8 version, u32 nr_spis)
{
    struct vgic_domain *g = &d->arch.vgic;

    if ((version != 2 && version != 3) || nr_spis > VGIC_MAX_SPIS || g->version != 0 ||
        (version == 2 && d->max_vcpus > 8)) {
        return -EINVAL;
    }
    if (!(vgic_host_versions() & BIT32(version))) {
        return -ENODEV;
    }
    host_limits();
    spin_lock_init(&g->lock, RANK_VGIC);
    nr_spis = MIN(ROUND_UP(nr_spis, 32u), (u32)VGIC_MAX_SPIS);
    if (nr_spis != 0) {
        g->spis = xzalloc_array(struct vgic_irq, nr_spis);
        if (g->spis == NULL) {
            return -ENOMEM;
        }
    }
    g->version = version;
    g->nr_spis = nr_spis;
    g->ctlr = 0;
    vgic_v3_set_typer(d);
    for (u32 i = 0; i < nr_spis; i++) {
        list_init(&g->spis[i].link);
        g->spis[i].intid = (u16)(VGIC_NR_PRIVATE + i);
        irq_reset(&g->spis[i], d);
    }
    if (d->vcpu != NULL) {
        for_each_vcpu (d, v) {
            if (v->arch.vgic.priv[0].vcpu != NULL) {
                spin_lock(&v->arch.vgic.lock);
                vcpu_reset_private(v);       /* created before the version was known */
                spin_unlock(&v->arch.vgic.lock);
            }
        }
    }
    spis_find_home(d, d->vcpu != NULL && d->max_vcpus != 0 ? d->vcpu[0] : NULL);
    if (d->is_privileged) {
        return 0;
    }
    if (version == 3) {
        return vgic_set_layout(d, GUEST_GICD_BASE, GUEST_GICV3_GICR_BASE, GUEST_GICV3_GICR_SIZE);
    }
    return vgic_set_layout(d, GUEST_GICD_BASE, GUEST_GICC_BASE, 0);
}

int vgic_set_layout(struct domain *d, u64 gicd, u64 gicr_or_gicc, u64 gicr_size)
{
    struct vgic_domain *g = &d->arch.vgic;
    int rc;

    g->gicd_base = gicd;
    if (g->version == 2) {
        g->gicc_base = gicr_or_gicc;
        return mmio_register(d, gicd, V2_FRAME_SIZE, vgic_v2_dist_read, vgic_v2_dist_write);
    }
    g->gicr_base = gicr_or_gicc;
    g->gicr_size = gicr_size;
    rc = mmio_register(d, gicd, V3_DIST_SIZE, vgic_v3_dist_read, vgic_v3_dist_write);
    return rc != 0 ? rc : mmio_register(d, gicr_or_gicc, gicr_size, vgic_v3_redist_read, vgic_v3_redist_write);
}

void vgic_destroy_domain(struct domain *d)
{
    struct vgic_domain *g = &d->arch.vgic;

    for (u32 i = 0; i < g->nr_spis; i++) {
        g->spis[i].vcpu = NULL;              /* its home may have been freed */
        if (g->spis[i].host_irq != 0) {
            int rc = irq_release_from_guest(g->spis[i].host_irq, d);

            ASSERT(rc == 0);
            (void)rc;
        }
    }
    g->nr_spis = 0;
    xfree(g->spis);
    g->spis = NULL;
    if (g->lpis != NULL) {
        vgic_destroy_lpis(d);
    }
}

static void cpu_interface_reset(struct vgic_vcpu *g)
{
    memset(g->apr, 0, sizeof(g->apr));
    g->hcr = VHCR_EN;
    g->asleep = false;
    g->doubtful = NULL;
    /* Masked and disabled. With system registers VFIQEn is fixed (IHI0069 12.4.8, ICH_VMCR_EL2). */
    g->vmcr = vgic_host->gic_version == 3 ? VMCR_VFIQEN : 0;
}

void vgic_init_vcpu(struct vcpu *v)
{
    struct vgic_vcpu *g = &v->arch.vgic;

    spin_lock_init(&g->lock, RANK_VGIC);
    g->live = 0;
    g->lr_used = 0;
    g->nr_evicted = 0;
    list_init(&g->ready);
    g->ready_levels = 0;
    list_init(&g->stale);
    cpu_interface_reset(g);
    for (u32 i = 0; i < VGIC_NR_PRIVATE; i++) {
        struct vgic_irq *irq = &g->priv[i];

        list_init(&irq->link);
        irq->intid = (u16)i;
        irq->vcpu = irq->target = v;
        irq_reset(irq, v->domain);
    }
    if (v->id == 0) {
        spis_find_home(v->domain, v);        /* not yet in domain->vcpu[] */
    }
}

void vgic_reset_vcpu(struct vcpu *v)
{
    struct domain *d = v->domain;
    struct vgic_irq *irq;

    spin_lock(&v->arch.vgic.lock);
    ASSERT(v->arch.vgic.live == 0);
    vcpu_reset_private(v);
    cpu_interface_reset(&v->arch.vgic);
    spin_unlock(&v->arch.vgic.lock);
    /* SPIs and LPIs that it has: none is active any more, what is pending remains so. */
    for (u32 i = 0; (irq = vgic_next_shared(d, &i)) != NULL; i++) {
        if (atomic_load(&irq->vcpu) == v) {
            struct vcpu *home = vgic_irq_lock(irq);

            vgic_lr_pull(home, irq);
            if (home == v) {
                irq->active = false;
                if (irq->phys_active && !irq->latch) {
                    vgic_phys_deactivate(irq);
                }
            }
            vgic_irq_commit(home, irq);
        }
    }
}

/*
 * Active LPIs: those that were taken and will not be ended. The guest has no register to clear that, as where it is no
 * state of theirs.
 */
static void lpis_inactive(struct vcpu *v)
{
    for (u32 n = 0; n < vgic_nr_lrs; n++) {
        struct vgic_irq *irq;

        spin_lock(&v->arch.vgic.lock);
        irq = v->arch.vgic.lr_irq[n];
        if (irq == NULL || !vgic_is_lpi(irq)) {
            spin_unlock(&v->arch.vgic.lock);
            continue;
        }
        vgic_lr_pull(v, irq);
        irq->active = false;
        vgic_irq_commit(v, irq);
    }
}

void vgic_reset_cpu_interface(struct vcpu *v)
{
    spin_lock(&v->arch.vgic.lock);
    memset(v->arch.vgic.apr, 0, sizeof(v->arch.vgic.apr));
    v->arch.vgic.vmcr = vgic_host->gic_version == 3 ? VMCR_VFIQEN : 0;
    spin_unlock(&v->arch.vgic.lock);
    if (v->domain->arch.vgic.lpis != NULL) {
        lpis_inactive(v);
    }
}

int vgic_connect_host(struct domain *d, u32 intid, u32 host_irq)
{
    struct vgic_irq *irq = intid >= VGIC_NR_PRIVATE ? vgic_spi(d, intid) : NULL;
    struct vcpu *v;

    if (irq == NULL) {
        return -EINVAL;
    }
    if (irq->vcpu == NULL) {
        irq->host_irq = (u16)host_irq;       /* the domain is being built: nobody else has it, nothing is enabled */
        return 0;
    }
    v = vgic_irq_lock(irq);
    if (irq->host_irq != 0) {
        spin_unlock(&v->arch.vgic.lock);
        return -EBUSY;
    }
    irq->host_irq = (u16)host_irq;
    if (irq->enabled) {
        irqchip->set_type(host_irq, irq->is_level ? IRQ_TYPE_LEVEL : IRQ_TYPE_EDGE);
        irqchip->set_target(host_irq, READ_ONCE(v->cpu));
        irqchip->enable(host_irq);
    }
    spin_unlock(&v->arch.vgic.lock);
    return 0;
}

/*
 * The physical interrupt is disabled by the caller. In a list register elsewhere it loses its link within an
 * interrupt's time.
 */
void vgic_disconnect_host(struct domain *d, u32 intid)
{
    struct vgic_irq *irq = intid >= VGIC_NR_PRIVATE ? vgic_spi(d, intid) : NULL;
    struct vcpu *v;

    if (irq == NULL || irq->host_irq == 0) {
        return;
    }
    if (irq->vcpu == NULL) {
        irq->host_irq = 0;
        return;
    }
    v = vgic_irq_lock(irq);
    vgic_lr_pull(v, irq);
    if (irq->phys_active) {
        vgic_phys_deactivate(irq);
    }
    irq->host_irq = 0;
    vgic_irq_commit(v, irq);
}

void vgic_connect_timer(struct vcpu *v, u32 intid, u32 host_irq)
{
    v->arch.vgic.priv[intid].host_irq = (u16)host_irq;
}

static bool is_interesting(const struct vgic_irq *irq)
{
    return irq->lr != 0 || irq->latch || irq->active || irq->line || irq->phys_active || irq->place != VGIC_IDLE;
}

/* One line; unlocked, as a debug key may find CPUs stuck: it reads plain fields only. */
static void dump_irq(const struct vgic_irq *irq)
{
    u64 lr = irq->lr != 0 ? irq->vcpu->arch.vgic.lr[irq->lr - 1u] : 0;

    con_printf("    irq %4u: prio %02x %s%s%s%s%s%s host %u lr %d %016" PRIx64 " home %d\n", irq->intid, irq->priority,
               irq->enabled ? "enabled" : "disabled", irq->is_level ? " level" : " edge", irq->latch ? " pending" : "",
               irq->line ? " line" : "", irq->active ? " active" : "", irq->phys_active ? " phys-active" : "",
               irq->host_irq, (int)irq->lr - 1, lr, irq->vcpu != NULL ? irq->vcpu->id : -1);
}

void vgic_dump(struct domain *d)
{
    const struct vgic_irq *irq;

    con_printf("d%u: vGICv%u, %u SPIs, CTLR %x\n", d->id, d->arch.vgic.version, d->arch.vgic.nr_spis,
               d->arch.vgic.ctlr);
    for_each_vcpu (d, v) {
        con_printf("  v%u: %s, hcr %08x vmcr %08x, list registers used %x%s\n", v->id,
                   v->arch.vgic.live != 0 ? "loaded" : "in memory", v->arch.vgic.hcr, v->arch.vgic.vmcr,
                   v->arch.vgic.lr_used, list_empty(&v->arch.vgic.ready) ? "" : ", interrupts waiting");
        for (u32 i = 0; i < VGIC_NR_PRIVATE; i++) {
            if (is_interesting(&v->arch.vgic.priv[i])) {
                dump_irq(&v->arch.vgic.priv[i]);
            }
        }
    }
    for (u32 i = 0; (irq = vgic_next_shared(d, &i)) != NULL; i++) {
        if (is_interesting(irq)) {
            dump_irq(irq);
        }
    }
}
