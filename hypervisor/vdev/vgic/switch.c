/* SPDX-License-Identifier: MIT */
/*
 * The vGIC on the exit path and when vCPUs change: list registers between memory and hardware, and what another CPU
 * asks of them.
 */
#include "internal.h"

#include <argon/timer.h>
#include <vdev/vtimer.h>

/*
 * How long to wait for another CPU's list registers before what is known is used. It answers on its next exit, an
 * interrupt away.
 */
#define SYNC_TIMEOUT_NS NS_PER_MS

/* So many interrupts that others have changed are seen to at a time: they may change more as fast as this goes. */
#define FLUSH_TURNS 32u

/*
 * Interrupts that another CPU has changed, and those waiting; v is live here and locked. What is left is pending work
 * of v's again: exit_work() bounds how often it comes back, and no vCPU sleeps on it (vgic_irq_deliverable()).
 */
static void flush_locked(struct vcpu *v, u32 turns)
{
    for (; turns != 0 && !list_empty(&v->arch.vgic.stale); turns--) {
        struct vgic_irq *irq = list_first_entry(&v->arch.vgic.stale, struct vgic_irq, link);

        vgic_lr_pull(v, irq);
        vgic_irq_commit(v, irq);         /* it may move to another vCPU: unlocks */
        spin_lock(&v->arch.vgic.lock);
    }
    vgic_lr_fill(v);
    if (unlikely(!list_empty(&v->arch.vgic.stale))) {
        atomic_fetch_or(&v->pending, PEND_VGIC);
    }
}

void vgic_flush(struct vcpu *v)
{
    spin_lock(&v->arch.vgic.lock);
    if (likely(v->arch.vgic.live == vgic_here())) {
        flush_locked(v, FLUSH_TURNS);
        vgic_upcall_resample(v);
    }
    spin_unlock(&v->arch.vgic.lock);
}

void vgic_sync(struct vcpu *v)
{
    spin_lock(&v->arch.vgic.lock);
    if (v->arch.vgic.live == vgic_here()) {
        for (u32 used = v->arch.vgic.lr_used; used != 0; used &= used - 1) {
            u32 n = (u32)__builtin_ctz(used);

            v->arch.vgic.lr[n] = vgic_lr_peek(v, v->arch.vgic.lr_irq[n]);
        }
    }
    atomic_store_release(&v->arch.vgic.sync_seq, v->arch.vgic.sync_seq + 1);
    spin_unlock(&v->arch.vgic.lock);
}

/*
 * No lock is held while waiting, and requests made to this CPU meanwhile are answered here, so that two CPUs may wait
 * for each other. The bound is for a CPU that is in a long hypercall or stopped: then what it last wrote is taken.
 */
void vgic_sync_remote(struct vcpu *v, u64 *deadline)
{
    struct vcpu *self = current_vcpu();
    u32 seq = atomic_load_acquire(&v->arch.vgic.sync_seq);

    if (*deadline == 0) {
        *deadline = arch_counter() + ns_to_ticks(SYNC_TIMEOUT_NS);
    }
    vcpu_kick(v, PEND_SYNC);
    while (atomic_load_acquire(&v->arch.vgic.sync_seq) == seq && atomic_load(&v->arch.vgic.live) != 0 &&
           arch_counter() < *deadline) {
        if (atomic_load(&self->pending) & PEND_SYNC) {
            atomic_fetch_and(&self->pending, ~(u32)PEND_SYNC);
            vgic_sync(self);
        }
        cpu_relax();
    }
}

/*
 * The guest's timer interrupt is linked to this CPU's physical one, which the next vCPU needs: while it is in flight,
 * its active state goes and comes with the vCPU.
 */
static always_inline void timer_handover(struct vcpu *v, bool enter)
{
    struct vgic_irq *irq = &v->arch.vgic.priv[v->arch.vtimer.virt_irq];
    bool in_flight = irq->phys_active;

    if (irq->lr != 0 && (v->arch.vgic.lr[irq->lr - 1u] & LR_HW)) {
        in_flight = in_flight && (v->arch.vgic.lr[irq->lr - 1u] & LR_STATE);
        irq->phys_active = in_flight;            /* not active any more: ended through the hardware link */
    }
    if (unlikely(in_flight)) {
        if (enter) {
            irqchip->set_active(irq->host_irq, true);
        } else {
            irqchip->deactivate(irq->host_irq);
        }
    }
}

/*
 * The event interrupt keeps its list register: its line still high it pends again, else the register is only made to
 * stop asking.
 */
static void end_of_upcall(struct vcpu *v, struct vgic_irq *irq, u32 n)
{
    u64 lr = v->arch.vgic.lr[n] & ~LR_STATE;

    irq->active = false;
    irq->line = atomic_load(&v->info->evtchn_upcall_pending) != 0;
    if (unlikely(irq->line)) {
        v->arch.vgic.upcall_good = 0;
        vgic_host->lr_write(n, lr | LR_PENDING);
        vgic_watch_lines(v);
        return;
    }
    vgic_host->lr_write(n, lr & ~LR_EOI);
    if (++v->arch.vgic.upcall_good == VGIC_UPCALL_TRUSTED) {
        v->arch.vgic.lr[n] = lr & ~LR_EOI;
        v->arch.vgic.lr_eoi &= ~BIT32(n);
    }
}

/*
 * Interrupts whose end is to be acted on, by vgic_host->lr_ended(); each may leave v: unlocks and locks again. v is
 * live here.
 */
static void end_of_interrupts(struct vcpu *v, u32 lrs)
{
    for (; lrs != 0; lrs &= lrs - 1) {
        u32 n = (u32)__builtin_ctz(lrs);
        struct vgic_irq *irq = v->arch.vgic.lr_irq[n];

        if (unlikely(irq == NULL)) {
            continue;
        }
        if (likely(irq->intid == v->domain->arch.event_ppi && irq->sticky == VGIC_STICKY_PLAIN)) {
            end_of_upcall(v, irq, n);
            continue;
        }
        vgic_lr_pull(v, irq);
        vgic_irq_commit(v, irq);
        spin_lock(&v->arch.vgic.lock);
    }
}

/* All that a maintenance interrupt can ask for; v is live here. turns: as flush_locked(). */
static void maintain(struct vcpu *v, u32 turns)
{
    if (unlikely(v->arch.vgic.nr_evicted != 0)) {
        vgic_count_ends(v);
    }
    if (v->arch.vgic.lr_eoi != 0) {
        end_of_interrupts(v, (u32)vgic_host->lr_ended());
    }
    if (unlikely(v->arch.vgic.hcr != VHCR_EN || !list_empty(&v->arch.vgic.stale))) {
        flush_locked(v, turns);
    }
}

void vgic_save(struct vcpu *v)
{
    struct vgic_vcpu *g = &v->arch.vgic;
    u32 valid;

    spin_lock(&g->lock);
    vgic_upcall_resample(v);
    if (unlikely(g->lr_eoi != 0 || g->hcr != VHCR_EN || !list_empty(&g->stale))) {
        /* What the guest has ended since its last exit, and what is new: all, as v may never come back. */
        maintain(v, VGIC_NR_PRIVATE + vgic_nr_shared(v->domain));
    }
    valid = g->lr_used & ~(u32)vgic_host->lr_empty();
    vgic_host->virt_save(g, valid);
    for (u32 ended = g->lr_used & ~valid; ended != 0; ended &= ended - 1) {
        g->lr[__builtin_ctz(ended)] &= ~LR_STATE;
    }
    this_cpu()->arch.lr_used = valid;
    timer_handover(v, false);
    if (CONFIG_DEBUG) {
        vgic_check_lrs(v);
    }
    atomic_store_release(&g->live, 0);
    spin_unlock(&g->lock);
}

void vgic_restore(struct vcpu *v)
{
    struct vgic_vcpu *g = &v->arch.vgic;
    u32 valid = 0;

    spin_lock(&g->lock);
    for (u32 used = g->lr_used; used != 0; used &= used - 1) {
        u32 n = (u32)__builtin_ctz(used);

        if (g->lr[n] & LR_STATE) {
            valid |= BIT32(n);
        }
    }
    timer_handover(v, true);
    vgic_host->virt_restore(g, valid, (u32)this_cpu()->arch.lr_used & ~valid);
    atomic_store(&g->live, vgic_here());
    if (unlikely(!list_empty(&g->stale) || !list_empty(&g->ready))) {
        flush_locked(v, FLUSH_TURNS);
    }
    spin_unlock(&g->lock);
}

/* Priority that the guest is running at: the lowest bit of its active priorities; 256 when idle. */
static u32 running_priority(const struct vgic_vcpu *g)
{
    u32 shift = 8 - vgic_host->nr_preempt_bits();
    u32 best = 256;

    for (u32 i = 0; i < ARRAY_SIZE(g->apr); i++) {
        if (g->apr[i] != 0) {
            best = MIN(best, ((i & 3) * 32 + (u32)__builtin_ctz(g->apr[i])) << shift);
        }
    }
    return best;
}

/* Priority below which an interrupt must be to be taken: mask and running priority. */
static u32 threshold(const struct vgic_vcpu *g)
{
    return MIN(g->vmcr >> VMCR_PMR_SHIFT, running_priority(g));
}

static bool lr_deliverable(const struct vgic_vcpu *g, u64 lr)
{
    u32 enable = lr & LR_GROUP1 ? VMCR_VENG1 : VMCR_VENG0;

    return (lr & LR_STATE) == LR_PENDING && (lr >> LR_PRIO_SHIFT & 0xff) < threshold(g) && (g->vmcr & enable);
}

/* The most urgent one decides, unless the guest has its group off. */
static bool ready_deliverable(const struct vgic_vcpu *g)
{
    const struct vgic_irq *irq;

    list_for_each_entry (irq, &g->ready, link) {
        if (irq->priority >= threshold(g)) {
            break;
        }
        if (g->vmcr & (irq->group1 ? VMCR_VENG1 : VMCR_VENG0)) {
            return true;
        }
    }
    return false;
}

bool vgic_irq_deliverable(struct vcpu *v)
{
    struct vgic_vcpu *g = &v->arch.vgic;
    bool found, here;
    u32 used;

    spin_lock(&g->lock);
    here = g->live == vgic_here();
    if (unlikely(g->nr_evicted != 0) && here) {
        vgic_count_ends(v);
    }
    /* Changed by another CPU and still to be looked at (PEND_VGIC is on its way): no sleep before that. */
    found = !list_empty(&g->stale);
    used = g->lr_used;
    if (here && used != 0) {
        vgic_upcall_resample(v);
        if (unlikely(g->lr_eoi != 0)) {
            end_of_interrupts(v, (u32)vgic_host->lr_ended());
        }
        used = g->lr_used & ~(u32)vgic_host->lr_empty();
    }
    if (used != 0 || !list_empty(&g->ready)) {
        if (here) {
            vgic_host->virt_read(g);
        }
        for (; used != 0 && !found; used &= used - 1) {
            u32 n = (u32)__builtin_ctz(used);

            found = lr_deliverable(g, here ? vgic_host->lr_read(n) : g->lr[n]);
        }
        found = found || ready_deliverable(g);
    }
    spin_unlock(&g->lock);
    return found;
}

void vgic_maintenance(void)
{
    struct vcpu *v = current_vcpu();

    if (v->is_idle) {
        return;
    }
    spin_lock(&v->arch.vgic.lock);
    if (v->arch.vgic.live == vgic_here()) {
        maintain(v, FLUSH_TURNS);
    }
    spin_unlock(&v->arch.vgic.lock);
}

void vgic_watch_lines(struct vcpu *v)
{
    v->arch.vgic.watch_new = true;
    atomic_fetch_or(&v->pending, PEND_LINE);
}

bool vgic_line_waits(struct vcpu *v, struct vgic_irq *irq)
{
    if (irq->lr == 0 || (vgic_lr_peek(v, irq) & LR_STATE) != LR_PENDING) {
        return false;
    }
    if (vgic_line(v, irq)) {
        return true;
    }
    vgic_lr_pull(v, irq);
    vgic_irq_commit(v, irq);
    spin_lock(&v->arch.vgic.lock);
    return false;
}

bool vgic_check_lines(struct vcpu *v)
{
    bool waits;

    if (v->arch.vgic.watch_new) {
        v->arch.vgic.watch_new = false;       /* the exit on which it was delivered */
        return true;
    }
    spin_lock(&v->arch.vgic.lock);
    waits = vgic_line_waits(v, &v->arch.vgic.priv[v->arch.vtimer.virt_irq]);
    waits = vgic_line_waits(v, &v->arch.vgic.priv[v->domain->arch.event_ppi]) || waits;
    if (unlikely(v->arch.vgic.doubtful != NULL)) {
        if (vgic_is_doubtful(v) && vgic_line_waits(v, v->arch.vgic.doubtful)) {
            waits = true;
        } else {
            vgic_end_doubt(v);
        }
    }
    spin_unlock(&v->arch.vgic.lock);
    return waits;
}

bool vgic_timer_in_flight(struct vcpu *v, u32 intid)
{
    struct vgic_irq *irq = &v->arch.vgic.priv[intid];
    bool in_flight;

    spin_lock(&v->arch.vgic.lock);
    in_flight = irq->lr != 0 ? (vgic_lr_peek(v, irq) & LR_STATE) != 0 || irq->latch : irq->latch || irq->active;
    spin_unlock(&v->arch.vgic.lock);
    return in_flight;
}
