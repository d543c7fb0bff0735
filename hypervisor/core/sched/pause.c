/* SPDX-License-Identifier: MIT */
/* Reasons why a vCPU may not run: set and cleared from any CPU, counted pauses, blocking and yielding. */
#include "internal.h"

#include <argon/panic.h>

/* Run queue of v locked: after its pause flags grew, take it out of the queue or off its CPU. */
static void stop_locked(struct vcpu *v, u32 cpu)
{
    struct sched_pcpu *sp = sched_of(cpu);

    rq_assert_owns(sp, v);
    ASSERT(atomic_load(&v->pause_flags) != 0);
    if (sp->curr == v) {
        rq_resched(cpu);
        return;
    }
    if (v->sched.queued) {
        rq_dequeue(sp, v);
        rq_update_busy(cpu);
    }
    vcpu_runstate_change(v, rq_off_state(v), now_ns());
}

void vcpu_stop(struct vcpu *v, u32 flags)
{
    u32 cpu = rq_lock_of(v);

    atomic_fetch_or(&v->pause_flags, flags);
    stop_locked(v, cpu);
    spin_unlock(&sched_of(cpu)->lock);
}

/* v stays stopped for another reason: its runstate may change between blocked and offline. */
static void still_stopped(struct vcpu *v)
{
    u32 cpu = rq_lock_of(v);

    if (sched_of(cpu)->curr != v && !v->sched.queued) {
        vcpu_runstate_change(v, rq_off_state(v), now_ns());
    }
    spin_unlock(&sched_of(cpu)->lock);
}

void vcpu_unblock(struct vcpu *v, u32 flags)
{
    u32 old = atomic_fetch_and(&v->pause_flags, ~flags);

    if ((old & flags) == 0) {
        return;
    }
    if ((old & ~flags) == 0) {
        sched_wake(v);
    } else {
        still_stopped(v);
    }
}

bool vcpu_is_descheduled(const struct vcpu *v)
{
    return !atomic_load_acquire(&v->sched.running);
}

/*
 * The flag is set before events are looked for, and whoever makes an event pending looks at the flag afterwards
 * (vcpu_kick): one of the two sees the other, so no wake-up is lost.
 */
void vcpu_block_current(void)
{
    struct vcpu *v = current_vcpu();

    ASSERT(!v->is_idle);
    atomic_fetch_or(&v->pause_flags, VPF_BLOCKED);
    cpu_barrier();
    if (vcpu_event_pending(v)) {
        atomic_fetch_and(&v->pause_flags, ~(u32)VPF_BLOCKED);
        return;
    }
    atomic_fetch_or(&v->pending, PEND_RESCHED);
}

void vcpu_yield_current(void)
{
    struct pcpu *p = this_cpu();
    struct vcpu *v = p->current;

    if (READ_ONCE(p->sched.nr_runnable) == 0) {
        return;
    }
    v->sched.yielded = true;
    atomic_fetch_or(&v->pending, PEND_RESCHED);
}

void vcpu_pause(struct vcpu *v)
{
    u32 cpu = rq_lock_of(v);

    if (v->pause_count++ == 0) {
        atomic_fetch_or(&v->pause_flags, VPF_PAUSED);
        stop_locked(v, cpu);
    }
    spin_unlock(&sched_of(cpu)->lock);
}

void vcpu_unpause(struct vcpu *v)
{
    u32 cpu = rq_lock_of(v);
    u32 old = VPF_PAUSED | VPF_DOWN;

    ASSERT(v->pause_count > 0);
    if (--v->pause_count == 0) {
        old = atomic_fetch_and(&v->pause_flags, ~(u32)VPF_PAUSED);
        if ((old & ~(u32)VPF_PAUSED) != 0 && sched_of(cpu)->curr != v && !v->sched.queued) {
            vcpu_runstate_change(v, rq_off_state(v), now_ns());
        }
    }
    spin_unlock(&sched_of(cpu)->lock);
    if ((old & ~(u32)VPF_PAUSED) == 0) {
        sched_wake(v);
    }
}

void domain_pause(struct domain *d)
{
    spin_lock(&d->lock);
    d->pause_count++;
    for_each_vcpu (d, v) {
        vcpu_pause(v);
    }
    spin_unlock(&d->lock);
}

void domain_unpause(struct domain *d)
{
    spin_lock(&d->lock);
    ASSERT(d->pause_count > 0);
    d->pause_count--;
    for_each_vcpu (d, v) {
        vcpu_unpause(v);
    }
    spin_unlock(&d->lock);
}

bool domain_is_descheduled(const struct domain *d)
{
    for_each_vcpu (d, v) {
        if (!vcpu_is_descheduled(v)) {
            return false;
        }
    }
    return true;
}
