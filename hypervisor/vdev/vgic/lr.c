/* SPDX-License-Identifier: MIT */
/*
 * List registers: which interrupt is in which, and the way of an interrupt's state into one and back (IHI0069 11.2.2,
 * 12.4.6; IHI0048 5.3.8).
 *
 * A list register stays with its interrupt after the guest has ended it, until another one needs it: the next
 * injection then is one register write. All functions: the vCPU's lock is held; "reachable" as vgic_reachable().
 */
#include "internal.h"

#include <vdev/vtimer.h>

u32 vgic_nr_lrs, vgic_lr_all;

/* One that has ended may not be in the hardware at all (vgic_restore()): but for its state it is as last written. */
static always_inline u64 lr_get(const struct vcpu *v, u32 n)
{
    u64 lr = v->arch.vgic.live != 0 ? vgic_host->lr_read(n) : v->arch.vgic.lr[n];

    return lr & LR_STATE ? lr : v->arch.vgic.lr[n] & ~LR_STATE;
}

static void lr_put(struct vcpu *v, u32 n, u64 lr)
{
    v->arch.vgic.lr[n] = lr;
    if (v->arch.vgic.live != 0) {
        vgic_host->lr_write(n, lr);
    }
}

u64 vgic_lr_peek(const struct vcpu *v, const struct vgic_irq *irq)
{
    u32 n = irq->lr - 1u;

    return vgic_reachable(v) ? lr_get(v, n) : v->arch.vgic.lr[n];
}

bool vgic_line(const struct vcpu *v, const struct vgic_irq *irq)
{
    if (irq->intid == v->domain->arch.event_ppi) {
        return atomic_load(&v->info->evtchn_upcall_pending) != 0;
    }
    return vgic_is_spi(irq) ? irqchip->is_pending(irq->host_irq) : vtimer_virt_line(v);
}

/* Lines that are looked at rather than reported: see vgic_set_level(), vtimer.h, host.c. */
static void sample(struct vcpu *v, struct vgic_irq *irq)
{
    if (irq->intid == v->domain->arch.event_ppi) {
        irq->line = vgic_line(v, irq);
    } else if ((irq->intid == v->arch.vtimer.virt_irq || vgic_is_spi(irq)) && irq->phys_active && irq->latch &&
               !irq->active && !vgic_line(v, irq)) {
        /* Level-sensitive, and its line has dropped before the guest took it (IHI0069 4.1.2). */
        irq->latch = false;
        vgic_phys_deactivate(irq);
    }
}

/* What the guest did to the interrupt since its list register was written. */
static void fold(struct vcpu *v, struct vgic_irq *irq)
{
    u64 lr = lr_get(v, irq->lr - 1u);
    bool pending = lr & LR_PENDING;
    bool was_active = irq->active;

    irq->active = lr & LR_ACTIVE;
    if (vgic_v2_sgi(v, irq)) {
        u32 source = lr >> LR_SOURCE_SHIFT & 7;

        if (pending && !irq->want_unpend) {
            irq->sgi_sources |= (u8)BIT32(source);
        } else if (irq->active) {
            irq->sgi_active = (u8)source;
        }
        irq->latch = irq->sgi_sources != 0;
    } else if (pending && irq->lr_latch && !irq->want_unpend) {
        irq->latch = true;
    }
    irq->lr_latch = false;
    if (irq->phys_active && !irq->phys_fresh && !irq->active) {
        if (!(lr & LR_HW)) {
            if (was_active || !pending) {
                vgic_phys_ended(v, irq);             /* the EOI did not reach the physical one */
            }
        } else if (!pending) {
            irq->phys_active = false;                /* ended by the guest's EOI through the hardware link */
        }
    }
}

/* What was asked for by those who could not do it themselves. */
static void grant_wants(struct vgic_irq *irq)
{
    if (irq->want_inactive && irq->active) {
        irq->active = false;
        if (irq->phys_active) {
            vgic_phys_deactivate(irq);
        }
    }
    if (irq->want_unpend && irq->phys_active && !irq->active && !irq->latch) {
        vgic_phys_deactivate(irq);                   /* a level that is still high arrives again */
    }
    irq->active = irq->active || irq->want_active;
    irq->want_unpend = irq->want_active = irq->want_inactive = false;
}

void vgic_lr_pull(struct vcpu *v, struct vgic_irq *irq)
{
    vgic_assert_locked(v);
    if (!vgic_reachable(v)) {
        return;
    }
    if (irq->lr != 0) {
        fold(v, irq);
    } else if (unlikely(irq->place == VGIC_EVICTED) && v->arch.vgic.live != 0) {
        vgic_count_ends(v);              /* it may have ended */
    }
    irq->phys_fresh = false;
    if (unlikely(irq->want_unpend || irq->want_active || irq->want_inactive)) {
        grant_wants(irq);
    }
    if (!vgic_is_spi(irq) || unlikely(irq == v->arch.vgic.doubtful)) {
        sample(v, irq);
    }
}

static void lr_assign(struct vcpu *v, struct vgic_irq *irq)
{
    u32 n = (u32)__builtin_ctz(~v->arch.vgic.lr_used);

    ASSERT(n < vgic_nr_lrs && v->arch.vgic.lr_irq[n] == NULL);
    v->arch.vgic.lr_used |= BIT32(n);
    v->arch.vgic.lr_irq[n] = irq;
    irq->lr = (u8)(n + 1);
}

static void lr_release(struct vcpu *v, struct vgic_irq *irq)
{
    u32 n = irq->lr - 1u;

    ASSERT(vgic_reachable(v) && v->arch.vgic.lr_irq[n] == irq);
    v->arch.vgic.lr_used &= ~BIT32(n);
    v->arch.vgic.lr_eoi &= ~BIT32(n);
    v->arch.vgic.lr_irq[n] = NULL;
    lr_put(v, n, 0);
    atomic_store_release(&irq->lr, 0);               /* after latch and active: see is_quiet() */
}

/*
 * Behind the last one that is as urgent or more so. That is found by ready_last[], not by a walk over all that wait,
 * which may be thousands. Priorities that share a level, where more bits are implemented than levels tell apart, are of
 * SPIs alone: an LPI has none of the lower two bits.
 */
static void ready_insert(struct vcpu *v, struct vgic_irq *irq)
{
    struct vgic_vcpu *g = &v->arch.vgic;
    struct vgic_irq **last_of = v->arch_far.vgic.ready_last;
    u32 level = irq->priority / (256 / VGIC_READY_LEVELS);
    u64 before = g->ready_levels & (UINT64_MAX >> (63 - level));
    struct list_head *pos = before != 0 ? &last_of[63 - __builtin_clzll(before)]->link : &g->ready;
    bool last = true;

    ASSERT(!irq->active);
    while (pos != &g->ready && list_entry(pos, struct vgic_irq, link)->priority > irq->priority) {
        pos = pos->prev;
        last = false;
    }
    list_add(&irq->link, pos);
    irq->level = (u8)level;
    if (last) {
        last_of[level] = irq;
        g->ready_levels |= BIT(level);
    }
}

/* It is about to leave the list. Its priority may have changed since it came. */
static void ready_remove(struct vcpu *v, const struct vgic_irq *irq)
{
    struct vgic_vcpu *g = &v->arch.vgic;
    struct vgic_irq **last = &v->arch_far.vgic.ready_last[irq->level];
    struct vgic_irq *prev = list_entry(irq->link.prev, struct vgic_irq, link);

    if (*last != irq) {
        return;
    }
    if (irq->link.prev != &g->ready && prev->level == irq->level) {
        *last = prev;
    } else {
        g->ready_levels &= ~BIT(irq->level);
    }
}

void vgic_irq_place(struct vcpu *v, struct vgic_irq *irq, enum vgic_place to)
{
    vgic_assert_locked(v);
    ASSERT(irq->vcpu == v);
    if (irq->place == VGIC_READY) {
        ready_remove(v, irq);
    }
    list_del(&irq->link);
    if (irq->place == VGIC_EVICTED) {
        v->arch.vgic.nr_evicted--;
    }
    irq->place = (u8)to;
    if (to == VGIC_IN_LR) {
        if (irq->lr == 0) {
            lr_assign(v, irq);
        }
        return;
    }
    irq->sticky = VGIC_STICKY_NO;                    /* what others want of a stale one comes first */
    if (to == VGIC_STALE) {
        list_add_tail(&irq->link, &v->arch.vgic.stale);
        return;
    }
    if (irq->lr != 0) {
        lr_release(v, irq);
    }
    if (to == VGIC_READY) {
        ready_insert(v, irq);
    } else if (to == VGIC_EVICTED) {
        ASSERT(irq->active);
        v->arch.vgic.nr_evicted++;
    }
}

/* Is irq, here because it is or was active here, pending for another vCPU? */
static bool waits_elsewhere(const struct vcpu *v, const struct vgic_irq *irq)
{
    return unlikely(irq->target != v) && irq->target != NULL && vgic_pending(irq);
}

/* What may make irq another vCPU's is left to vgic_flush(), which can unlock. */
static void later(struct vcpu *v, struct vgic_irq *irq)
{
    vgic_irq_place(v, irq, VGIC_STALE);
    atomic_fetch_or(&v->pending, PEND_VGIC);
}

/* A pulled interrupt gives up its list register, or gets none. */
static void put_aside(struct vcpu *v, struct vgic_irq *irq)
{
    if (unlikely(vgic_is_lpi(irq))) {
        irq->active = false;             /* out of its list register: its end drops the priority, and is not counted */
    }
    if (irq->active) {
        vgic_irq_place(v, irq, VGIC_EVICTED);        /* pending again only after its end */
    } else if (vgic_forwardable(v, irq) && vgic_pending(irq)) {
        vgic_irq_place(v, irq, VGIC_READY);
    } else {
        vgic_irq_place(v, irq, VGIC_IDLE);
        if (waits_elsewhere(v, irq)) {
            later(v, irq);
        }
    }
}

/*
 * Source and state of a v2 SGI: one sender at a time is in the list register; while it is active the others wait (the
 * active state belongs to a sender, IHI0048 3.2.6), and its end is to be reported.
 */
static u64 sgi_v2_bits(struct vgic_irq *irq, bool *pending)
{
    u64 source = irq->sgi_active;

    if (irq->active) {
        *pending = false;
    } else {
        source = (u64)__builtin_ctz(irq->sgi_sources);
        irq->sgi_sources &= (u8)(irq->sgi_sources - 1);
        irq->latch = irq->sgi_sources != 0;
    }
    return source << LR_SOURCE_SHIFT | (irq->sgi_sources != 0 ? LR_EOI : 0);
}

/* Write the list register that irq has. `pending`: forwardable and pending. */
static void lr_write_state(struct vcpu *v, struct vgic_irq *irq, bool pending)
{
    u64 lr = irq->intid | (u64)irq->priority << LR_PRIO_SHIFT | (irq->group1 ? LR_GROUP1 : 0);
    bool sgi_v2 = vgic_v2_sgi(v, irq);

    irq->sticky = VGIC_STICKY_NO;
    irq->lr_latch = false;
    if (sgi_v2) {
        lr |= pending || irq->active ? sgi_v2_bits(irq, &pending) : 0;
        if (!(lr & LR_EOI) && vgic_forwardable(v, irq)) {
            irq->sticky = VGIC_STICKY_SGI;           /* nothing of it is kept elsewhere */
        }
    } else {
        bool again = irq->active && (pending || waits_elsewhere(v, irq));

        if (irq->phys_active && !again && vgic_end_may_be_silent(irq)) {
            lr |= LR_HW | (u64)irq->host_irq << LR_HOST_SHIFT;
            irq->sticky = VGIC_STICKY_HW;
        } else if (irq->intid == v->domain->arch.event_ppi) {
            /* As below, until the guest is trusted; what is to be done at its end does not depend on the state now. */
            lr |= v->arch.vgic.upcall_good < VGIC_UPCALL_TRUSTED ? LR_EOI : 0;
            irq->sticky = VGIC_STICKY_PLAIN;
            if (pending && v->arch.vgic.live != 0) {
                vgic_watch_if_masked(v);
            }
        } else if (irq->phys_active || (irq->is_level && irq->line) || (again && !pending)) {
            /*
             * Active and pending cannot be linked to hardware, nor is one that the guest may end early (host.c); a line
             * still high at EOI pends again; what has been routed to another vCPU goes there. All need to hear of the
             * EOI.
             */
            lr |= LR_EOI;
        } else {
            irq->sticky = VGIC_STICKY_PLAIN;
        }
        if (pending) {
            irq->lr_latch = irq->latch;
            atomic_store_release(&irq->latch, false);    /* after irq->lr: see is_quiet() */
        }
        if (!vgic_forwardable(v, irq)) {
            irq->sticky = VGIC_STICKY_NO;
        }
    }
    if ((lr & (LR_HW | LR_EOI)) == LR_EOI) {
        v->arch.vgic.lr_eoi |= BIT32(irq->lr - 1u);
    } else {
        v->arch.vgic.lr_eoi &= ~BIT32(irq->lr - 1u);
    }
    lr_put(v, irq->lr - 1u, lr | (pending ? LR_PENDING : 0) | (irq->active ? LR_ACTIVE : 0));
}

void vgic_upcall_resample(struct vcpu *v)
{
    struct vgic_irq *irq = &v->arch.vgic.priv[v->domain->arch.event_ppi];

    /* An upcall that another CPU has raised just now is on the list: that is not the guest's doing. */
    if (unlikely(v->arch.vgic.upcall_good >= VGIC_UPCALL_TRUSTED && irq->sticky == VGIC_STICKY_PLAIN &&
                 list_empty(&v->arch.vgic.stale) && atomic_load(&v->info->evtchn_upcall_pending) != 0 &&
                 !(lr_get(v, irq->lr - 1u) & LR_STATE))) {
        v->arch.vgic.upcall_good = 0;
        irq->line = true;
        irq->active = false;
        lr_write_state(v, irq, true);
    }
}

/*
 * Free the list registers of interrupts that the guest has ended. A level line that is still high pends again. Stale
 * ones are not touched: what is wanted of them may move them to another vCPU.
 */
static void lr_reclaim(struct vcpu *v)
{
    for (u32 used = v->arch.vgic.lr_used; used != 0; used &= used - 1) {
        struct vgic_irq *irq = v->arch.vgic.lr_irq[__builtin_ctz(used)];

        if (irq->place == VGIC_IN_LR && !(lr_get(v, irq->lr - 1u) & LR_STATE)) {
            vgic_lr_pull(v, irq);
            put_aside(v, irq);
        }
    }
}

/*
 * Make room for an interrupt of `priority`: push out the least urgent pending one if that is less urgent; or, when
 * the guest has as many active as there are list registers, the least urgent active one, whose EOI is then counted by
 * the hardware. False: neither; stale ones stay until vgic_flush() has seen to them.
 */
static bool lr_evict(struct vcpu *v, u8 priority)
{
    struct vgic_irq *pending = NULL, *active = NULL;

    for (u32 used = v->arch.vgic.lr_used; used != 0; used &= used - 1) {
        struct vgic_irq *irq = v->arch.vgic.lr_irq[__builtin_ctz(used)];
        struct vgic_irq **worst = (lr_get(v, irq->lr - 1u) & LR_ACTIVE) ? &active : &pending;

        if (irq->place == VGIC_IN_LR && (*worst == NULL || irq->priority > (*worst)->priority)) {
            *worst = irq;
        }
    }
    if (pending != NULL ? pending->priority <= priority : active == NULL) {
        return false;
    }
    if (pending == NULL) {
        pending = active;
    }
    vgic_lr_pull(v, pending);
    put_aside(v, pending);
    return true;
}

void vgic_hcr_update(struct vcpu *v)
{
    u32 hcr = VHCR_EN | (list_empty(&v->arch.vgic.ready) ? 0 : VHCR_NPIE) |
              (v->arch.vgic.nr_evicted != 0 ? VHCR_LRENPIE : 0);

    if (unlikely(v->arch.vgic.doubtful != NULL) && v->domain->arch.vgic.version == 3) {
        hcr |= v->arch.vgic.doubtful->group1 ? VHCR_TALL1 : VHCR_TALL0;
    }
    if (v->arch.vgic.hcr != hcr) {
        v->arch.vgic.hcr = hcr;
        if (v->arch.vgic.live != 0) {
            vgic_host->hcr_write(hcr);
        }
    }
}

static struct vgic_irq *most_urgent_evicted(struct vcpu *v)
{
    struct domain *d = v->domain;
    struct vgic_irq *best = NULL;

    for (u32 n = 0; n < VGIC_NR_PRIVATE + d->arch.vgic.nr_spis; n++) {
        struct vgic_irq *irq = vgic_irq_of(d, v, n);

        if (atomic_load(&irq->vcpu) == v && irq->place == VGIC_EVICTED &&
            (best == NULL || irq->priority < best->priority)) {
            best = irq;
        }
    }
    ASSERT(best != NULL);
    return best;
}

/*
 * The guest has ended as many interrupts that were in no list register as EOIcount says: the most urgent active ones,
 * as it ends them in that order. What is pending again of them vgic_flush() sees to: it may be another vCPU's by now.
 */
void vgic_count_ends(struct vcpu *v)
{
    u32 count = vgic_host->hcr_read() >> VHCR_EOICOUNT_SHIFT;

    if (count == 0) {
        return;
    }
    vgic_host->hcr_write(v->arch.vgic.hcr);                 /* the count restarts at 0 */
    for (; count != 0 && v->arch.vgic.nr_evicted != 0; count--) {
        struct vgic_irq *best = most_urgent_evicted(v);

        if (best == NULL) {
            break;
        }
        best->active = false;
        if (best->phys_active) {
            vgic_phys_deactivate(best);
        }
        if (vgic_pending(best)) {
            later(v, best);
        } else {
            vgic_irq_place(v, best, VGIC_IDLE);
        }
    }
    vgic_hcr_update(v);
}

/*
 * Ready interrupts into list registers, most urgent first, while there is room. Each eviction makes the next one less
 * urgent: it ends.
 */
void vgic_lr_fill(struct vcpu *v)
{
    if (unlikely(v->arch.vgic.nr_evicted != 0) && v->arch.vgic.live != 0) {
        vgic_count_ends(v);              /* vgic_hcr_update() clears the count */
    }
    while (!list_empty(&v->arch.vgic.ready)) {
        struct vgic_irq *irq;

        if (v->arch.vgic.lr_used == vgic_lr_all) {
            lr_reclaim(v);
        }
        irq = list_first_entry(&v->arch.vgic.ready, struct vgic_irq, link);
        if (v->arch.vgic.lr_used == vgic_lr_all && !lr_evict(v, irq->priority)) {
            break;
        }
        vgic_lr_pull(v, irq);
        if (vgic_forwardable(v, irq) && vgic_pending(irq)) {
            vgic_irq_place(v, irq, VGIC_IN_LR);
            lr_write_state(v, irq, true);
        } else {
            vgic_irq_place(v, irq, VGIC_IDLE);
        }
    }
    vgic_hcr_update(v);
}

/*
 * Bring the list register of a pulled interrupt up to date, or find it one. Returns whether the guest has it pending.
 */
static bool lr_push(struct vcpu *v, struct vgic_irq *irq)
{
    bool pending = vgic_forwardable(v, irq) && vgic_pending(irq);

    if ((pending || irq->active) &&
        (irq->lr != 0 || (v->arch.vgic.lr_used != vgic_lr_all && list_empty(&v->arch.vgic.ready)))) {
        vgic_irq_place(v, irq, VGIC_IN_LR);
        lr_write_state(v, irq, pending);
    } else {
        put_aside(v, irq);
    }
    if (unlikely(irq->place > VGIC_IN_LR || v->arch.vgic.hcr != VHCR_EN)) {
        vgic_lr_fill(v);
    }
    return pending;
}

/* As lr_push(), where v's list registers are another CPU's: that one is told to look if there is anything to do. */
static bool tell(struct vcpu *v, struct vgic_irq *irq)
{
    bool wanted = irq->lr != 0 || irq->want_unpend || irq->want_active || irq->want_inactive;

    if (wanted || (irq->active ? irq->place != VGIC_EVICTED : vgic_forwardable(v, irq) && vgic_pending(irq))) {
        vgic_irq_place(v, irq, VGIC_STALE);
        return true;
    }
    if (!irq->active) {
        vgic_irq_place(v, irq, VGIC_IDLE);
    }
    return false;
}

static bool must_move(const struct vgic_irq *irq)
{
    return irq->target != irq->vcpu && irq->target != NULL && !irq->active;
}

void vgic_irq_commit(struct vcpu *v, struct vgic_irq *irq)
{
    bool kick, off, here = false;

    vgic_assert_locked(v);
    /* Each further turn takes another vCPU that has routed this very interrupt elsewhere between two locks of ours. */
    while (unlikely(must_move(irq)) && !vgic_is_elsewhere(v, irq)) {
        /* Its state is all in *irq: it goes to its new home, whose lock guards it from here. */
        vgic_irq_place(v, irq, VGIC_IDLE);
        atomic_store(&irq->vcpu, irq->target);
        spin_unlock(&v->arch.vgic.lock);
        v = vgic_irq_lock(irq);
        vgic_lr_pull(v, irq);
    }
    if (vgic_reachable(v)) {
        kick = lr_push(v, irq);
        here = v->arch.vgic.live != 0;
    } else {
        kick = tell(v, irq);
    }
    if (CONFIG_DEBUG) {
        vgic_check_irq(v, irq);
    }
    off = v->arch.vgic.live == 0;
    spin_unlock(&v->arch.vgic.lock);
    if (kick && (!here || atomic_load(&v->pause_flags) != 0)) {
        vcpu_kick(v, off ? 0 : PEND_VGIC);           /* off the CPU, its list registers are in order already */
    }
}
