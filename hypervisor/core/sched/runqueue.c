/* SPDX-License-Identifier: MIT */
/* One CPU's run queue: runnable vCPUs by virtual time, and what happens to that when they move. */
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

void rq_set_rate(struct vcpu *v, u32 rate)
{
    u32 cpu = rq_lock_of(v), old = v->sched.rate;
    struct sched_pcpu *sp = sched_of(cpu);
    bool queued = v->sched.queued;
    s64 ahead;

    rq_charge_curr(sp, now_ns());
    if (queued) {
        rq_dequeue(sp, v);
    }
    rq_place(sp, v);
    ahead = (s64)(v->sched.vruntime - sp->min_vruntime);
    v->sched.vruntime = sp->min_vruntime + (u64)(old != 0 ? ahead / old * rate : 0);
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
