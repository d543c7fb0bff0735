/* SPDX-License-Identifier: MIT */
/*
 * The switch itself, on the way back to the guest. There is one hypervisor stack per CPU: sched_switch() returns to its
 * caller as it was called, only the vCPU whose registers are loaded is another.
 */
#include "internal.h"

#include <argon/panic.h>

/* May prev stay on this CPU? Takes it off (VPF_CAPPED) if its domain has used up its cap. */
static bool may_stay(const struct sched_pcpu *sp, u32 cpu, struct vcpu *prev, u64 now)
{
    if (atomic_load(&prev->pause_flags) != 0 || unlikely(READ_ONCE(sp->pool) == NULL)) {
        return false;
    }
    return likely(cpumask_has(&prev->sched.allowed, cpu)) && !cap_exhausted(prev, now);
}

/* The vCPU to run next, taken out of the queue; prev or the idle vCPU are not in it. */
static always_inline struct vcpu *pick_next(struct sched_pcpu *sp, const struct pcpu *p, struct vcpu *prev, bool stay,
                                            u64 now)
{
    struct rb_node *n;

    while ((n = rb_first(&sp->queue)) != NULL) {
        struct vcpu *v = container_of(n, struct vcpu, sched.node);

        if (stay && !prev->sched.yielded && sp->pool->ops->keeps_turn(sp, prev, v, now)) {
            return prev;
        }
        rq_dequeue(sp, v);
        ASSERT(atomic_load(&v->pause_flags) == 0);
        /* One that its cap stops stays out: the cap's timer queues it again. */
        if (likely(!cap_exhausted(v, now))) {
            return v;
        }
    }
    return stay ? prev : p->idle;
}

/* An idle CPU may take v, which waits here. */
static noinline void offer(const struct vcpu *v)
{
    u32 idle = sched_claim_any(&v->sched.allowed, &v->sched.allowed, ~0U);

    if (idle != CPU_NONE) {
        sched_release_claim(idle);
    }
}

/*
 * prev's registers are in memory now, and seen to be. If it waits here it may go elsewhere. If it is runnable and waits
 * nowhere it may not stay here: whoever woke it while its registers were being saved has left it to us (sched_wake()).
 */
static void put_prev(struct vcpu *prev)
{
    if (READ_ONCE(prev->sched.queued)) {
        if (nr_cpus > 1 && !cpumask_empty(&sched_idle_cpus)) {
            offer(prev);
        }
    } else if (unlikely(atomic_load(&prev->pause_flags) == 0)) {
        sched_wake(prev);
    }
}

/*
 * Nothing to run here: offer this CPU to wakers first, then look for work that waits elsewhere (see offer_to_idle()).
 */
static void about_to_idle(struct pcpu *p, u64 now)
{
    atomic_fetch_or(&sched_idle_cpus.w[p->id / 64], BIT(p->id % 64));
    cpu_barrier();
    sched_pull(p->id, now);
}

/*
 * The CPU idles though it did not look so: what ran or waited here may not, for its cap or its affinity. The idle vCPU
 * then runs the scheduler at once, and offers the CPU.
 */
static inline void idle_unoffered(struct vcpu *next, bool unoffered)
{
    if (unlikely(unoffered && next->is_idle)) {
        atomic_fetch_or(&next->pending, PEND_RESCHED);
    }
}

/* Locked. Bookkeeping for `next` in place of `prev`. */
static void account_switch(struct sched_pcpu *sp, struct vcpu *prev, struct vcpu *next, bool requeue, u64 now)
{
    WRITE_ONCE(sp->curr, next);
    if (requeue) {
        /* Who yields lets the next one overtake: what it gives away now it cannot claim later, all at once. */
        if (prev->sched.yielded && vruntime_before(prev->sched.vruntime, next->sched.vruntime)) {
            prev->sched.vruntime = next->sched.vruntime;
        }
        rq_enqueue(sp, prev);
    }
    prev->sched.yielded = false;
    vcpu_runstate_change(prev, requeue || prev->is_idle ? RUNSTATE_runnable : rq_off_state(prev), now);
    WRITE_ONCE(next->sched.running, true);
    next->sched.yielded = false;
    next->sched.start = now;
    next->sched.charged = now;
    if (atomic_load(&next->pending) & PEND_RESCHED) {
        atomic_fetch_and(&next->pending, ~(u32)PEND_RESCHED);
    }
    vcpu_runstate_change(next, RUNSTATE_running, now);
    if (next->runstate_gva != 0) {
        atomic_fetch_or(&next->pending, PEND_RUNSTATE);
    }
}

struct vcpu *sched_switch(void)
{
    struct pcpu *p = this_cpu();
    struct sched_pcpu *sp = &p->sched;
    struct vcpu *prev = p->current, *next;
    u64 now = now_ns();
    bool several = nr_cpus > 1, was_idle = prev->is_idle, stay = false, offered = false;

    if (several && READ_ONCE(sp->nr_runnable) == 0 && (was_idle || atomic_load(&prev->pause_flags) != 0)) {
        about_to_idle(p, now);
        offered = true;
    }
    spin_lock(&sp->lock);
    ASSERT(prev == sp->curr && prev->sched.running && !prev->sched.queued);
    atomic_fetch_and(&prev->pending, ~(u32)PEND_RESCHED);
    if (!was_idle) {
        rq_charge(sp, prev, now);
        stay = may_stay(sp, p->id, prev, now);
    }
    next = pick_next(sp, p, prev, stay, now);
    if (several && !next->is_idle) {
        (void)sched_claim_idle(p->id);
    }
    if (next == prev) {
        prev->sched.yielded = false;
        rq_update_busy(p->id);
        idle_unoffered(next, several && !offered);
        rq_arm_slice(sp, prev, now);
        spin_unlock(&sp->lock);
        return prev;
    }
    account_switch(sp, prev, next, stay, now);
    if (several) {
        rq_set_busy(p->id);
        idle_unoffered(next, !offered);
    }
    rq_arm_slice(sp, next, now);
    spin_unlock(&sp->lock);

    arch_context_switch(prev, next);
    ASSERT(p->current == next);
    if (!was_idle) {
        atomic_store_release(&prev->sched.running, false);
    }
    /*
     * next->sched.running must be seen before its pending word is read: vcpu_kick() writes and reads them in the other
     * order. Likewise prev->sched.running before its pause flags: sched_wake().
     */
    cpu_barrier();
    if (!was_idle) {
        put_prev(prev);
    }
    return next;
}

/*
 * Whoever sent the IPI has set PEND_RESCHED in the vCPU that was current, or other bits of it; the exit path looks at
 * them. Nothing else is needed.
 */
void sched_kicked(void)
{
}

/* The slice timer of this CPU. */
static void slice_fn(void *data)
{
    struct pcpu *p = this_cpu();
    struct sched_pcpu *sp = data;
    u64 now = now_ns();
    struct vcpu *curr;
    bool ended = false;

    ASSERT(sp == &p->sched);
    spin_lock(&sp->lock);
    curr = sp->curr;
    if (!curr->is_idle) {
        rq_charge(sp, curr, now);
        ended = rq_is_shared(sp) && sp->pool->ops->turn_over(sp, curr, vcpu_of_node(rb_first(&sp->queue)), now);
        if (ended || curr->domain->sched.cap != 0) {
            rq_resched(p->id);
        } else {
            rq_arm_slice(sp, curr, now);
        }
    }
    spin_unlock(&sp->lock);
    if (ended) {
        sched_push(p->id, now);
    }
}

void sched_init_cpu(u32 cpu)
{
    struct pcpu *p = pcpus[cpu];
    struct sched_pcpu *sp = &p->sched;

    spin_lock_init(&sp->lock, RANK_SCHED);
    sp->queue = (struct rb_root_cached)RB_ROOT_INIT;
    timer_setup(&sp->slice, slice_fn, sp, cpu);
    p->idle = vcpu_create_idle(cpu);
    p->current = p->idle;
    sp->curr = p->idle;
    cpumask_set(&cpus_online, cpu);
    cpupool_join_boot(cpu);
}

void sched_abandon_cpu(u32 cpu)
{
    cpumask_clear(&cpus_online, cpu);
    cpupool_leave_boot(cpu);
}
