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

/* Is v so far behind curr that it should have its CPU? */
static bool outranks(const struct vcpu *v, const struct vcpu *curr, u64 now)
{
    u64 vruntime = curr->sched.vruntime;

    if (now > curr->sched.charged) {
        vruntime += sched_weigh(curr->domain, now - curr->sched.charged);
    }
    return vruntime_before(v->sched.vruntime + SCHED_WAKE_GRAN_NS, vruntime);
}

bool rq_outranked(const struct sched_pcpu *sp, u64 now)
{
    const struct rb_node *n = rb_first(&sp->queue);

    return n != NULL && outranks(vcpu_of_node(n), sp->curr, now);
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
    if (!outranks(v, curr, now)) {
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

void rq_move_home(struct vcpu *v, u32 from, u32 to)
{
    ASSERT(!v->sched.queued);
    v->sched.vruntime += sched_of(to)->min_vruntime - sched_of(from)->min_vruntime;
    atomic_fetch_sub(&sched_of(from)->nr_homed, 1);
    atomic_fetch_add(&sched_of(to)->nr_homed, 1);
    WRITE_ONCE(v->cpu, to);
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
