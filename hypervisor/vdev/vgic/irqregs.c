/* SPDX-License-Identifier: MIT */
/*
 * One interrupt's fields as the registers of all GIC versions show them (IHI0048 4.3, IHI0069 12.9, 12.11).
 *
 * A write that changes nothing takes no lock: guests initialise whole register arrays, on all vCPUs at once. What
 * another vCPU changes at the same time counts as before or after.
 */
#include "internal.h"

u8 vgic_prio_mask;

/*
 * Functions that read fields without the lock: each field is a naturally aligned byte, word or pointer, so a read is
 * single-copy atomic (Arm ARM B2.2.1) and gives a value the field had. Not inlined: ThreadSanitizer checks their
 * callers.
 */
#define unlocked noinline __attribute__((no_sanitize("thread")))

/*
 * In no list register, and neither latched nor active: nothing to be cleared. One that moves between memory and a list
 * register meanwhile is seen at one of the two ends, as each end is written before the other is given up (lr.c).
 */
static unlocked bool is_quiet(const struct vgic_irq *irq)
{
    for (u32 look = 0; look < 2; look++) {
        if (atomic_load_acquire(&irq->latch) || atomic_load_acquire(&irq->active) ||
            atomic_load_acquire(&irq->lr) != 0) {
            return false;
        }
    }
    return true;
}

static unlocked bool line_of(const struct vgic_irq *irq)
{
    return READ_ONCE(irq->line);
}

static unlocked bool is_routed(const struct vgic_irq *irq, const struct vcpu *target, u64 route)
{
    return READ_ONCE(irq->target) == target && READ_ONCE(irq->route) == route;
}

unlocked u64 vgic_get_group(struct vgic_access *c, struct vgic_irq *irq)
{
    (void)c;
    return irq->group1;
}

void vgic_set_group(struct vgic_access *c, struct vgic_irq *irq, u64 value)
{
    struct vcpu *v;

    if (vgic_get_group(c, irq) == (value != 0)) {
        return;
    }
    v = vgic_irq_lock(irq);
    vgic_lr_pull(v, irq);
    irq->group1 = value != 0;
    vgic_irq_commit(v, irq);
}

unlocked u64 vgic_get_enable(struct vgic_access *c, struct vgic_irq *irq)
{
    (void)c;
    return irq->enabled;
}

/* A host interrupt is enabled and disabled with its virtual one; it is taken where the vCPU runs. */
static void host_enable(const struct vgic_irq *irq, const struct vcpu *home, bool on)
{
    if (on) {
        irqchip->set_type(irq->host_irq, irq->is_level ? IRQ_TYPE_LEVEL : IRQ_TYPE_EDGE);
        irqchip->set_target(irq->host_irq, READ_ONCE((irq->target != NULL ? irq->target : home)->cpu));
        irqchip->enable(irq->host_irq);
    } else {
        irqchip->disable(irq->host_irq);
    }
}

static void change_enable(struct vgic_access *c, struct vgic_irq *irq, bool on)
{
    struct vcpu *v;

    if (vgic_get_enable(c, irq) == on) {
        return;
    }
    v = vgic_irq_lock(irq);
    vgic_lr_pull(v, irq);
    if (irq->enabled != on) {
        irq->enabled = on;
        if (irq->host_irq != 0 && vgic_is_spi(irq)) {
            host_enable(irq, v, on);
            irq->good = (u8)MIN(irq->good, VGIC_HOST_TRUSTED - VGIC_HOST_AGAIN);
        }
    }
    vgic_irq_commit(v, irq);
}

void vgic_set_enable(struct vgic_access *c, struct vgic_irq *irq, u64 value)
{
    (void)value;
    change_enable(c, irq, true);
}

void vgic_clear_enable(struct vgic_access *c, struct vgic_irq *irq, u64 value)
{
    (void)value;
    change_enable(c, irq, false);
}

/*
 * Lock irq with a list register that is up to date, in hardware here or in memory: where its vCPU runs elsewhere,
 * that CPU is asked first, once per access.
 */
static struct vcpu *lock_synced(struct vgic_access *c, struct vgic_irq *irq)
{
    struct vcpu *v = vgic_irq_lock(irq);

    if (irq->lr != 0 && !vgic_reachable(v) && c->synced != v) {
        spin_unlock(&v->arch.vgic.lock);
        vgic_sync_remote(v, &c->deadline);
        c->synced = v;
        v = vgic_irq_lock(irq);
    }
    return v;
}

u64 vgic_get_pending(struct vgic_access *c, struct vgic_irq *irq)
{
    struct vcpu *v;
    bool pending;

    /* SGIs have no line, and SPIs none that must be looked at; only host interrupts may be pending elsewhere. */
    if (is_quiet(irq) && irq->host_irq == 0 && (irq->intid < 16 || (vgic_is_spi(irq) && !line_of(irq)))) {
        return 0;
    }
    v = lock_synced(c, irq);
    if (vgic_reachable(v)) {
        /* All the way: a line that has dropped since is seen. */
        vgic_lr_pull(v, irq);
        pending = vgic_pending(irq);
        if (irq->host_irq != 0 && vgic_is_spi(irq)) {
            pending = pending || irqchip->is_pending(irq->host_irq);
        }
        vgic_irq_commit(v, irq);
    } else {
        pending = vgic_pending(irq) || (irq->lr != 0 && !irq->want_unpend && (vgic_lr_peek(v, irq) & LR_PENDING));
        spin_unlock(&v->arch.vgic.lock);
    }
    return pending;
}

u64 vgic_get_active(struct vgic_access *c, struct vgic_irq *irq)
{
    struct vcpu *v;
    bool active;

    if (is_quiet(irq)) {
        return 0;
    }
    v = lock_synced(c, irq);
    active = irq->lr != 0 ? vgic_lr_peek(v, irq) & LR_ACTIVE : irq->active;
    active = (active && !irq->want_inactive) || irq->want_active;
    spin_unlock(&v->arch.vgic.lock);
    return active;
}

void vgic_set_pending(struct vgic_access *c, struct vgic_irq *irq, u64 value)
{
    struct vcpu *v;

    (void)c;
    (void)value;
    if (irq->host_irq != 0 && vgic_is_spi(irq)) {
        irqchip->set_pending(irq->host_irq, true);   /* it arrives as the device's would */
        return;
    }
    v = vgic_irq_lock(irq);
    vgic_lr_pull(v, irq);
    irq->latch = true;
    vgic_irq_commit(v, irq);
}

void vgic_clear_pending(struct vgic_access *c, struct vgic_irq *irq, u64 value)
{
    struct vcpu *v;

    (void)c;
    (void)value;
    if (irq->host_irq != 0 && vgic_is_spi(irq)) {
        irqchip->set_pending(irq->host_irq, false);
    }
    if (is_quiet(irq)) {
        return;
    }
    v = vgic_irq_lock(irq);
    vgic_lr_pull(v, irq);
    irq->latch = false;
    irq->sgi_sources = 0;
    if (vgic_is_elsewhere(v, irq)) {
        irq->want_unpend = irq->lr != 0 || !irq->active;
    } else if (irq->phys_active && !irq->active) {
        vgic_phys_deactivate(irq);                   /* a level that is still high arrives again */
    }
    vgic_irq_commit(v, irq);
}

void vgic_set_active(struct vgic_access *c, struct vgic_irq *irq, u64 value)
{
    struct vcpu *v = vgic_irq_lock(irq);

    (void)c;
    (void)value;
    vgic_lr_pull(v, irq);
    if (irq->lr != 0 && !vgic_reachable(v)) {
        irq->want_active = true;
        irq->want_inactive = false;
    } else {
        irq->active = true;
    }
    vgic_irq_commit(v, irq);
}

void vgic_clear_active(struct vgic_access *c, struct vgic_irq *irq, u64 value)
{
    struct vcpu *v;

    (void)c;
    (void)value;
    if (is_quiet(irq)) {
        return;
    }
    v = vgic_irq_lock(irq);
    vgic_lr_pull(v, irq);
    if (vgic_is_elsewhere(v, irq)) {
        irq->want_inactive = irq->lr != 0 || irq->active;
        irq->want_active = false;
    } else if (irq->active) {
        irq->active = false;
        if (irq->phys_active) {
            vgic_phys_deactivate(irq);
        }
    }
    vgic_irq_commit(v, irq);
}

unlocked u64 vgic_get_priority(struct vgic_access *c, struct vgic_irq *irq)
{
    (void)c;
    return irq->priority;
}

void vgic_set_priority(struct vgic_access *c, struct vgic_irq *irq, u64 value)
{
    u8 priority = (u8)value & vgic_prio_mask;
    struct vcpu *v;

    if (vgic_get_priority(c, irq) == priority) {
        return;
    }
    v = vgic_irq_lock(irq);
    vgic_lr_pull(v, irq);
    irq->priority = priority;
    vgic_irq_commit(v, irq);
}

/* Two bits: the upper one is set for edge-triggered, the lower one is reserved (IHI0069 12.9.9). */
unlocked u64 vgic_get_config(struct vgic_access *c, struct vgic_irq *irq)
{
    (void)c;
    return irq->is_level ? 0 : 2;
}

/* SGIs are edge-triggered; PPIs' configuration is fixed, as the architecture allows. */
void vgic_set_config(struct vgic_access *c, struct vgic_irq *irq, u64 value)
{
    struct vcpu *v;

    if (!vgic_is_spi(irq) || vgic_get_config(c, irq) == (value & 2)) {
        return;
    }
    v = vgic_irq_lock(irq);
    vgic_lr_pull(v, irq);
    irq->is_level = !(value & 2);
    if (irq->host_irq != 0 && irq->enabled) {
        irqchip->set_type(irq->host_irq, irq->is_level ? IRQ_TYPE_LEVEL : IRQ_TYPE_EDGE);
    }
    vgic_irq_commit(v, irq);
}

void vgic_route_spi(struct vgic_irq *irq, struct vcpu *target, u64 route)
{
    struct vcpu *v;

    if (is_routed(irq, target, route)) {
        return;
    }
    v = vgic_irq_lock(irq);
    vgic_lr_pull(v, irq);
    irq->route = route;
    if (irq->target != target) {
        WRITE_ONCE(irq->target, target);
        if (target != NULL && irq->host_irq != 0 && irq->enabled) {
            irqchip->set_target(irq->host_irq, READ_ONCE(target->cpu));
        }
    }
    vgic_irq_commit(v, irq);
}

static void refresh(struct vgic_irq *irq)
{
    struct vcpu *v = vgic_irq_lock(irq);

    vgic_lr_pull(v, irq);
    vgic_irq_commit(v, irq);
}

void vgic_settle(struct domain *d)
{
    for_each_vcpu (d, v) {
        spin_lock(&v->arch.vgic.lock);
        spin_unlock(&v->arch.vgic.lock);
    }
}

/*
 * Rare; bounded by the numbers of vCPUs, SPIs and LPIs. Of the latter, which are many, those count that are pending or
 * in a list register: a lock each. docs/design/its.md has figures.
 */
void vgic_write_ctlr(struct domain *d, u32 enables)
{
    struct vgic_irq *irq;
    bool changed;

    spin_lock(&d->arch.vgic.lock);
    changed = d->arch.vgic.ctlr != enables;
    atomic_store(&d->arch.vgic.ctlr, enables);
    spin_unlock(&d->arch.vgic.lock);
    if (!changed) {
        return;
    }
    for_each_vcpu (d, v) {
        for (u32 i = 0; i < VGIC_NR_PRIVATE; i++) {
            refresh(&v->arch.vgic.priv[i]);
        }
    }
    vgic_settle(d);                      /* what is quiet now has not been kept back by what the register was before */
    for (u32 i = 0; (irq = vgic_next_shared(d, &i)) != NULL; i++) {
        if (!is_quiet(irq) || line_of(irq)) {
            refresh(irq);
        }
    }
}
