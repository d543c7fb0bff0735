/* SPDX-License-Identifier: MIT */
/*
 * What holds of every interrupt whenever its lock is free (docs/design/vgic.md). Debug builds check as much as costs
 * little where state changes; the tests check all of it after each step.
 */
#include "its.h"

void vgic_check_irq(const struct vcpu *v, const struct vgic_irq *irq)
{
    bool listed = irq->place == VGIC_STALE || irq->place == VGIC_READY;
    bool in_lr = irq->lr != 0;

    vgic_assert_locked(v);
    ASSERT(irq->vcpu == v && irq->place <= VGIC_EVICTED);
    ASSERT(list_empty(&irq->link) == !listed);
    ASSERT(irq->place == VGIC_STALE || in_lr == (irq->place == VGIC_IN_LR));
    ASSERT(!in_lr || ((v->arch.vgic.lr_used & BIT32(irq->lr - 1u)) && v->arch.vgic.lr_irq[irq->lr - 1u] == irq));
    ASSERT(irq->place != VGIC_IDLE || !irq->active);
    ASSERT(irq->place != VGIC_EVICTED || (irq->active && !vgic_is_lpi(irq)));
    ASSERT(irq->place != VGIC_READY || (!irq->active && irq->enabled && irq->target == v && vgic_pending(irq)));
    ASSERT(irq->place == VGIC_STALE || !(irq->want_unpend || irq->want_active || irq->want_inactive));
    /* May be used as it stands: nothing else is known of it than what is in its list register. */
    ASSERT(irq->sticky == VGIC_STICKY_NO || (irq->place == VGIC_IN_LR && irq->enabled && irq->target == v));
    ASSERT(!irq->phys_active || irq->host_irq != 0);
    ASSERT(!irq->phys_fresh || !vgic_reachable(v) || irq->place == VGIC_STALE);
    /* One that is routed elsewhere goes there before it pends, but while it is active or that CPU is told. */
    ASSERT(irq->target == v || irq->target == NULL || irq->active || irq->place == VGIC_STALE || in_lr ||
           !vgic_pending(irq));
}

/* A GICv2 guest's has an SGI's sender above it. */
static u64 lr_vintid_mask(const struct vcpu *v)
{
    return v->domain->arch.vgic.version == 2 ? LR_VINTID_MASK : UINT32_MAX;
}

void vgic_check_lrs(const struct vcpu *v)
{
    const struct vgic_vcpu *g = &v->arch.vgic;

    vgic_assert_locked(v);
    ASSERT(!(g->lr_used & ~vgic_lr_all) && !(g->lr_eoi & ~g->lr_used));
    ASSERT(!(g->hcr & (VHCR_TALL0 | VHCR_TALL1)) || g->doubtful != NULL);
    for (u32 n = 0; n < vgic_nr_lrs; n++) {
        const struct vgic_irq *irq = g->lr_irq[n];

        ASSERT((irq != NULL) == ((g->lr_used & BIT32(n)) != 0));
        if (irq != NULL) {
            ASSERT(irq->lr == n + 1 && (g->lr[n] & lr_vintid_mask(v)) == irq->intid);
            vgic_check_irq(v, irq);
        }
    }
}

static u32 list_length(const struct list_head *list)
{
    u32 n = 0;

    for (const struct list_head *i = list->next; i != list; i = i->next) {
        ASSERT(i->next->prev == i && n < VGIC_NR_PRIVATE + VGIC_MAX_SPIS + LPI_MAX);
        n++;
    }
    return n;
}

static void check_one(const struct vcpu *v, const struct vgic_irq *irq, u32 *places)
{
    if (irq->vcpu == v) {
        vgic_check_irq(v, irq);
        places[irq->place]++;
        /* Nothing that could be delivered is forgotten. */
        ASSERT(irq->place != VGIC_IDLE || !vgic_forwardable(v, irq) || !vgic_pending(irq));
    }
}

u32 vgic_check_all(const struct vcpu *v)
{
    const struct vgic_vcpu *g = &v->arch.vgic;
    u32 places[VGIC_EVICTED + 1] = { 0 }, busy = 0, priority = 0;
    u64 levels = 0;
    const struct vgic_irq *irq;

    vgic_check_lrs(v);
    for (u32 n = 0; n < VGIC_NR_PRIVATE; n++) {
        check_one(v, &g->priv[n], places);
    }
    for (u32 n = 0; (irq = vgic_next_shared(v->domain, &n)) != NULL; n++) {
        check_one(v, irq, places);
    }
    for (u32 place = 0; place < ARRAY_SIZE(places); place++) {
        busy += place != VGIC_IDLE ? places[place] : 0;
    }
    ASSERT(places[VGIC_STALE] == list_length(&g->stale) && places[VGIC_READY] == list_length(&g->ready));
    ASSERT(places[VGIC_EVICTED] == g->nr_evicted);
    list_for_each_entry (irq, &g->ready, link) {
        ASSERT(irq->priority >= priority);
        priority = irq->priority;
        levels |= BIT(irq->level);
        ASSERT((v->arch_far.vgic.ready_last[irq->level] == irq) ==
               (irq->link.next == &g->ready || list_entry(irq->link.next, struct vgic_irq, link)->level != irq->level));
    }
    ASSERT(g->ready_levels == levels);
    return busy;
}
