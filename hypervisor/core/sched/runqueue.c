/* SPDX-License-Identifier: MIT */
/* One CPU's run queue: runnable vCPUs by virtual time, accounting, preemption and the slice timer. */
#include "internal.h"

#include <argon/panic.h>
#include <argon/smp.h>

struct cpumask sched_idle_cpus;
struct cpumask sched_busy_cpus;
struct cpumask cpus_online;

void rq_resched(u32 cpu)
{
    atomic_fetch_or(&sched_of(cpu)->curr->pending, PEND_RESCHED);
    if (cpu != cpu_id()) {
        smp_kick(cpu, IPI_RESCHED);
    }
}

/* A vCPU on a CPU has been in the state running since it was switched in, however many slices it had. */
u64 rq_limit_end(const struct sched_pcpu *sp)
{
    return sp->curr->runstate.state_entry_time + READ_ONCE(sp->pool->ratelimit_us) * NS_PER_US;
}

/*
 * The vCPU that runs here has woken v, one of another domain, by an event it sent: more such will follow, and soon it
 * will sleep by itself. A switch for each makes small batches for both. Not so for one of its own domain, whose answer
 * to an IPI it may be spinning for, nor for what an interrupt wakes.
 */
static bool woken_by_curr(const struct sched_pcpu *sp, const struct vcpu *v)
{
    const struct pcpu *p = this_cpu();

    return sp == &p->sched && !p->in_irq && v->domain != sp->curr->domain;
}

void rq_check_preempt(u32 cpu, struct vcpu *v, u64 now)
{
    struct sched_pcpu *sp = sched_of(cpu);
    const struct vcpu *curr = sp->curr;

    if (!sched_is_fair(sp)) {
        return;
    }
    if (!rq_outranks(v, curr)) {
        rq_arm_slice(sp, now);
    } else if (woken_by_curr(sp, v) && now < rq_limit_end(sp)) {
        rq_arm_by(sp, MIN(rq_limit_end(sp), curr->sched.start + rq_slice_ns(sp)));      /* slice_fn() compares again */
    } else {
        rq_resched(cpu);
    }
}

/* Atomic only when it changes. */
void rq_set_busy(u32 cpu)
{
    const struct sched_pcpu *sp = sched_of(cpu);
    u64 *word = &sched_busy_cpus.w[cpu / 64];
    bool busy = sp->nr_runnable > 0 && !sp->curr->is_idle;

    if (busy == ((atomic_load(word) & BIT(cpu % 64)) != 0)) {
        return;
    }
    if (busy) {
        atomic_fetch_or(word, BIT(cpu % 64));
    } else {
        atomic_fetch_and(word, ~BIT(cpu % 64));
    }
}

/* v is behind its queue, by however much, or so far ahead that the difference has wrapped since it fell asleep. */
void rq_place_sleeper(const struct sched_pcpu *sp, struct vcpu *v)
{
    u64 bonus = sched_weigh(v, SCHED_WAKE_BONUS_NS), floor = sp->min_vruntime - bonus;

    if (v->sched.vruntime - floor >= bonus) {
        v->sched.vruntime = floor;
    }
}

/* How far v is ahead of its queue, or behind, goes with it: both must be up to now. */
void rq_move_home(struct vcpu *v, u32 from, u32 to, u64 now)
{
    ASSERT(!v->sched.queued);
    rq_charge_curr(sched_of(from), now);
    rq_charge_curr(sched_of(to), now);
    v->sched.vruntime += sched_of(to)->min_vruntime - sched_of(from)->min_vruntime;
    atomic_fetch_sub(&sched_of(from)->nr_homed, 1);
    atomic_fetch_add(&sched_of(to)->nr_homed, 1);
    WRITE_ONCE(v->cpu, to);
}

void rq_set_weight(struct vcpu *v, u32 weight)
{
    u32 cpu = rq_lock_of(v), rate = SCHED_RATE(weight);
    struct sched_pcpu *sp = sched_of(cpu);
    bool queued = v->sched.queued;

    rq_charge_curr(sp, now_ns());
    if (queued) {
        rq_dequeue(sp, v);
    }
    rq_place(sp, v);
    v->sched.vruntime = sp->min_vruntime + (u64)((s64)(v->sched.vruntime - sp->min_vruntime) / v->sched.rate * rate);
    v->sched.rate = rate;
    if (queued) {
        rq_enqueue(sp, v);
    }
    spin_unlock(&sp->lock);
}

u32 rq_lock_of(struct vcpu *v)
{
    u32 cpu = READ_ONCE(v->cpu);

    spin_lock(&sched_of(cpu)->lock);
    while (unlikely(READ_ONCE(v->cpu) != cpu)) {
        spin_unlock(&sched_of(cpu)->lock);
        cpu = READ_ONCE(v->cpu);
        spin_lock(&sched_of(cpu)->lock);
    }
    return cpu;
}

void rq_lock_pair(u32 a, u32 b)
{
    spin_lock(&sched_of(MIN(a, b))->lock);
    spin_lock_nested(&sched_of(MAX(a, b))->lock);
}
