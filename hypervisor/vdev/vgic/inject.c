/* SPDX-License-Identifier: MIT */
/*
 * Interrupts towards a guest: edges, level lines, host interrupts, software-generated interrupts. The hot part of the
 * vGIC.
 */
#include "its.h"

#include <argon/console.h>

/*
 * Pend irq, whose home is locked, in the list register that it has had since last time, if that can be used as it
 * stands: the hardware's if its vCPU is on this CPU, the saved one if it is on none. True: done, and unlocked. False:
 * nothing done.
 */
static always_inline bool pend_sticky_unlock(struct vcpu *v, struct vgic_irq *irq)
{
    u64 *lr;

    if (unlikely(irq->sticky != VGIC_STICKY_PLAIN)) {
        return false;
    }
    lr = &v->arch.vgic.lr[irq->lr - 1u];
    if (v->arch.vgic.live == vgic_here()) {
        vgic_host->lr_pend(irq->lr - 1u, *lr);
        spin_unlock(&v->arch.vgic.lock);
        if (unlikely(atomic_load(&v->pause_flags) != 0)) {
            vcpu_kick(v, PEND_VGIC);
        }
        return true;
    }
    if (v->arch.vgic.live == 0) {
        *lr |= LR_PENDING;
        spin_unlock(&v->arch.vgic.lock);
        vcpu_kick(v, 0);
        return true;
    }
    return false;
}

/* An edge on irq, whose home is locked; unlocks. */
static always_inline void edge_unlock(struct vcpu *v, struct vgic_irq *irq)
{
    bool was = irq->lr_latch;

    irq->lr_latch = true;
    if (likely(pend_sticky_unlock(v, irq))) {
        return;
    }
    irq->lr_latch = was;
    vgic_lr_pull(v, irq);
    irq->latch = true;
    vgic_irq_commit(v, irq);
}

bool vgic_inject_lpi(u32 intid)
{
    struct domain *d = vgic_lpi_domain();
    struct vgic_lpi *lpi = d != NULL ? vgic_lpi_of(d->arch.vgic.lpis, intid) : NULL;
    struct vcpu *v;
    bool elsewhere;

    if (unlikely(lpi == NULL)) {
        return false;
    }
    v = vgic_irq_lock(&lpi->irq);
    /* Not mapped any more, or to a redistributor that has LPIs off: it is not kept (12.11, GICR_CTLR.EnableLPIs). */
    if (unlikely(lpi->irq.target == NULL || !atomic_load(&lpi->irq.target->arch.vgic.lpis_on))) {
        spin_unlock(&v->arch.vgic.lock);
        return true;
    }
    elsewhere = !vgic_reachable(v);
    edge_unlock(v, &lpi->irq);
    if (unlikely(elsewhere)) {
        vgic_lpi_follow(d, intid);
    }
    return true;
}

void vgic_set_level(struct domain *d, struct vcpu *v, u32 intid, bool level)
{
    struct vgic_irq *irq = vgic_irq_of(d, v, intid);

    if (unlikely(irq == NULL)) {
        return;
    }
    v = vgic_irq_lock(irq);
    if (likely(level && intid == d->arch.event_ppi)) {
        irq->line = true;
        if (likely(pend_sticky_unlock(v, irq))) {
            return;
        }
    }
    vgic_lr_pull(v, irq);
    if (!irq->is_level && level && !irq->line) {
        irq->latch = true;
    }
    irq->line = level;
    vgic_irq_commit(v, irq);
}

void vgic_inject_host(struct domain *d, struct vcpu *v, u32 intid, u32 host_irq)
{
    struct vgic_irq *irq = vgic_irq_of(d, v, intid);

    if (unlikely(irq == NULL || irq->host_irq != host_irq)) {
        irqchip->set_active(host_irq, false);    /* no longer connected: nobody else would end it */
        return;
    }
    v = vgic_irq_lock(irq);
    irq->phys_active = true;
    if (likely(v->arch.vgic.live == vgic_here() && irq->sticky == VGIC_STICKY_HW)) {
        /* It could arrive only because the guest has ended the one before: the register is inactive. */
        irq->lr_latch = true;
        irq->active = false;
        vgic_host->lr_write(irq->lr - 1u, (v->arch.vgic.lr[irq->lr - 1u] & ~LR_STATE) | LR_PENDING);
        spin_unlock(&v->arch.vgic.lock);
        if (unlikely(atomic_load(&v->pause_flags) != 0)) {
            vcpu_kick(v, PEND_VGIC);
        }
        return;
    }
    if (vgic_is_spi(irq) && unlikely(READ_ONCE(v->cpu) != cpu_id())) {
        irqchip->set_target(host_irq, READ_ONCE(v->cpu));    /* the next one where its vCPU now is */
    }
    vgic_lr_pull(v, irq);
    irq->latch = true;
    irq->phys_active = true;         /* pulled what was ended before, */
    irq->phys_fresh = irq->lr != 0 && !vgic_reachable(v);    /* or its list register is still to be pulled there */
    vgic_irq_commit(v, irq);
}

bool vgic_inject_timer(struct vcpu *v, u32 intid)
{
    struct vgic_irq *irq = &v->arch.vgic.priv[intid];

    spin_lock(&v->arch.vgic.lock);
    if (v->arch.vgic.live != 0) {
        spin_unlock(&v->arch.vgic.lock);
        return false;
    }
    if (likely(irq->sticky == VGIC_STICKY_HW)) {
        u64 *lr = &v->arch.vgic.lr[irq->lr - 1u];

        if (!(*lr & LR_STATE)) {
            irq->active = false;
            irq->lr_latch = irq->phys_active = true;
            *lr |= LR_PENDING;
        }
        spin_unlock(&v->arch.vgic.lock);
        vcpu_kick(v, 0);
        return true;
    }
    vgic_lr_pull(v, irq);
    if (!irq->active && !irq->latch) {
        irq->latch = true;
        irq->phys_active = irq->host_irq != 0;   /* vgic_restore() makes it so */
    }
    vgic_irq_commit(v, irq);
    return true;
}

/* ---- software-generated interrupts ---- */

#define SGI1R_INTID(v)  ((u32)((v) >> 24) & 15)
#define SGI1R_IRM       BIT(40)
/* Aff3, Aff2 and range selector: our affinities have zero there (IHI0069 12.2.19). */
#define SGI1R_NO_VCPU   (GENMASK(55, 48) | GENMASK(47, 44) | GENMASK(39, 32))

static always_inline void sgi_to(struct vcpu *t, u32 intid, bool group0_only)
{
    struct vgic_irq *irq = &t->arch.vgic.priv[intid];

    if (group0_only && irq->group1) {
        return;
    }
    spin_lock(&t->arch.vgic.lock);
    edge_unlock(t, irq);
}

static void sgi_to_others(struct vcpu *v, u32 intid, bool group0_only)
{
    struct domain *d = v->domain;

    for_each_vcpu (d, t) {
        if (t != v) {
            sgi_to(t, intid, group0_only);
        }
    }
}

/* The target list names affinities 0.0.Aff1.0..15, which is vCPU Aff1 * 16 + n. */
static always_inline void sgi_write(struct vcpu *v, u64 value, bool group0_only)
{
    const struct domain *d = v->domain;
    u32 intid = SGI1R_INTID(value);
    u32 list = value & 0xffff;
    u32 base = ((u32)value >> 16 & 0xff) * 16;

    if (unlikely(value & SGI1R_IRM)) {
        sgi_to_others(v, intid, group0_only);
        return;
    }
    if (unlikely(value & SGI1R_NO_VCPU)) {
        return;
    }
    for (; list != 0; list &= list - 1) {
        u32 id = base + (u32)__builtin_ctz(list);
        struct vcpu *t = domain_vcpu(d, id);

        if (likely(t != NULL)) {
            sgi_to(t, intid, group0_only);
        }
    }
}

/*
 * Group 1 SGIs; one that its target has in group 0 is generated too, there being one security state (GICD_CTLR.DS,
 * IHI0069 12.2.19).
 */
void vgic_sgi1r_write(struct vcpu *v, u64 value)
{
    sgi_write(v, value, false);
}

void vgic_sgi0r_write(struct vcpu *v, u64 value)
{
    sgi_write(v, value, true);
}

/*
 * An SGI from `source` into the list register it has had since last time, locked; as pend_sticky_unlock(). The register
 * holds one sender at a time: it must be inactive, or have this very SGI pending.
 */
static always_inline bool pend_sgi_v2_unlock(struct vcpu *v, struct vgic_irq *irq, u32 source)
{
    u64 *saved, lr;

    if (unlikely(irq->sticky != VGIC_STICKY_SGI)) {
        return false;
    }
    saved = &v->arch.vgic.lr[irq->lr - 1u];
    lr = (*saved & ~(LR_STATE | LR_SOURCE_MASK)) | LR_PENDING | (u64)source << LR_SOURCE_SHIFT;
    if (v->arch.vgic.live == vgic_here()) {
        if (unlikely(!vgic_host->lr_pend_same(irq->lr - 1u, lr))) {
            return false;
        }
        spin_unlock(&v->arch.vgic.lock);
        if (unlikely(atomic_load(&v->pause_flags) != 0)) {
            vcpu_kick(v, PEND_VGIC);
        }
        return true;
    }
    if (v->arch.vgic.live == 0 && likely(!(*saved & LR_STATE) || *saved == lr)) {
        *saved = lr;
        spin_unlock(&v->arch.vgic.lock);
        vcpu_kick(v, 0);
        return true;
    }
    return false;
}

void vgic_inject_sgi_v2(struct vcpu *v, u32 intid, u32 source)
{
    struct vgic_irq *irq = &v->arch.vgic.priv[intid];

    spin_lock(&v->arch.vgic.lock);
    if (likely(pend_sgi_v2_unlock(v, irq, source))) {
        return;
    }
    vgic_lr_pull(v, irq);
    irq->sgi_sources |= (u8)BIT32(source);
    irq->latch = true;
    vgic_irq_commit(v, irq);
}
