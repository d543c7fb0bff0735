/* SPDX-License-Identifier: MIT */
/* A vCPU becomes runnable: which CPU, and what happens there. */
#include "internal.h"

#include <argon/smp.h>

/*
 * Wakers claim an idle CPU by clearing its bit, so that two do not choose the same one. It sets the bit again when it
 * idles next.
 */
bool sched_claim_idle(u32 cpu)
{
    u64 *word = &sched_idle_cpus.w[cpu / 64];
    u64 bit = BIT(cpu % 64);

    return (atomic_load(word) & bit) != 0 && (atomic_fetch_and(word, ~bit) & bit) != 0;
}

void sched_release_claim(u32 cpu)
{
    atomic_fetch_or(&pcpus[cpu]->idle->pending, PEND_RESCHED);
    if (cpu != cpu_id()) {
        smp_kick(cpu, IPI_RESCHED);
    }
}

u32 sched_claim_any(const struct cpumask *a, const struct cpumask *b, u32 node)
{
    for (u32 i = 0; i < CPUMASK_WORDS; i++) {
        u64 m = atomic_load(&sched_idle_cpus.w[i]) & READ_ONCE(a->w[i]) & READ_ONCE(b->w[i]);

        while (m != 0) {
            u32 cpu = i * 64 + (u32)__builtin_ctzll(m);

            m &= m - 1;
            if ((node == ~0U || pcpus[cpu]->node == node) && sched_claim_idle(cpu)) {
                return cpu;
            }
        }
    }
    return CPU_NONE;
}

/* Load of a CPU: who waits and who runs there, then who lives there. */
static u64 load_of(u32 cpu)
{
    const struct sched_pcpu *sp = sched_of(cpu);
    u64 runnable = READ_ONCE(sp->nr_runnable) + (READ_ONCE(sp->curr)->is_idle ? 0 : 1);

    return runnable << 32 | atomic_load(&sp->nr_homed);
}

u32 sched_least_loaded(const struct cpumask *allowed)
{
    u32 best = CPU_NONE;
    u64 best_load = UINT64_MAX;

    for_each_cpu (cpu) {
        if (cpumask_test(allowed, cpu) && READ_ONCE(pcpus[cpu]->sched.curr) != NULL) {
            u64 load = load_of(cpu);

            if (load < best_load) {
                best_load = load;
                best = cpu;
            }
        }
    }
    return best;
}

/* A CPU for v, which is off the CPUs: an idle one claimed for it, else its last, else the least loaded. */
static u32 place(struct vcpu *v)
{
    u32 last = READ_ONCE(v->cpu);
    const struct cpumask *allowed = &v->sched.allowed;
    bool last_ok = cpumask_test(allowed, last);
    u32 cpu;

    if (last_ok && sched_claim_idle(last)) {
        return last;
    }
    if (last_ok && !sched_balances(sched_of(last))) {
        return last;
    }
    if (!cpumask_empty(&sched_idle_cpus)) {
        cpu = sched_claim_any(allowed, &v->sched.soft, pcpus[last]->node);
        cpu = cpu != CPU_NONE ? cpu : sched_claim_any(allowed, &v->sched.soft, ~0U);
        cpu = cpu != CPU_NONE ? cpu : sched_claim_any(allowed, allowed, ~0U);
        if (cpu != CPU_NONE) {
            return cpu;
        }
    }
    if (last_ok) {
        return last;
    }
    cpu = sched_least_loaded(allowed);
    return cpu != CPU_NONE ? cpu : last;
}

/* A CPU that has just left its pool runs its scheduler anyway. */
static inline void preempt_for(struct vcpu *v, u32 cpu, u64 now)
{
    const struct cpupool *pool = READ_ONCE(sched_of(cpu)->pool);

    if (likely(pool != NULL)) {
        pool->ops->woken(cpu, v, now);
    }
}

/* Both run queues locked. False: nothing to do, somebody else did it or v was stopped again. */
static bool wake_locked(struct vcpu *v, u32 from, u32 to, u64 now)
{
    struct sched_pcpu *sp = sched_of(to);
    bool idle;

    if (atomic_load(&v->pause_flags) != 0 || v->sched.queued || sched_of(from)->curr == v) {
        return false;
    }
    idle = sp->curr->is_idle;
    if (!idle) {
        rq_charge(sp, sp->curr, now);
    }
    rq_rehome(v, from, to, now);
    rq_place(sp, v);
    vcpu_runstate_change(v, RUNSTATE_runnable, now);
    rq_enqueue(sp, v);
    if (idle) {
        /* An interrupt has woken this CPU: from there it goes to its scheduler anyway (exit_work()). */
        if (to != cpu_id() || !this_cpu()->in_irq) {
            rq_resched(to);
        }
    } else {
        preempt_for(v, to, now);
    }
    rq_update_busy(to);
    return true;
}

/*
 * v waits behind another vCPU on `cpu`. A CPU that went idle meanwhile has set its idle bit before it looked for
 * waiting work, and our busy bit is set before we look for idle CPUs: one of the two sees the other.
 */
static void offer_to_idle(struct vcpu *v, u32 cpu)
{
    u32 other;

    if ((atomic_load(&sched_busy_cpus.w[cpu / 64]) & BIT(cpu % 64)) == 0 || !sched_balances(sched_of(cpu))) {
        return;
    }
    cpu_barrier();
    if (cpumask_empty(&sched_idle_cpus)) {
        return;
    }
    other = sched_claim_any(&v->sched.allowed, &v->sched.allowed, ~0U);
    if (other != CPU_NONE) {
        sched_release_claim(other);
    }
}

void sched_wake(struct vcpu *v)
{
    u64 now;
    u32 from, claimed, to;
    bool woken;

    if (v == this_cpu()->sched.curr) {
        return;                  /* still here: sched_switch() will find it runnable */
    }
    now = now_ns();
    for (;;) {
        from = READ_ONCE(v->cpu);
        claimed = nr_cpus > 1 ? place(v) : from;
        rq_lock_two(from, claimed);
        if (likely(READ_ONCE(v->cpu) == from)) {
            break;
        }
        rq_unlock_two(from, claimed);
        sched_release_claim(claimed);
    }
    to = claimed;
    if (to != from && atomic_load_acquire(&v->sched.running)) {
        /*
         * Its registers are still being saved: it waits in that CPU's queue, or, if it must leave, that CPU sends it
         * on: it looks at the pause flags after `running` is cleared, and we have cleared them before we looked at that
         * (put_prev()).
         */
        to = cpumask_test(&v->sched.allowed, from) ? from : CPU_NONE;
    }
    woken = to != CPU_NONE && wake_locked(v, from, to, now);
    if ((!woken || to != claimed) && sched_of(claimed)->curr->is_idle) {
        sched_release_claim(claimed);
    }
    rq_unlock_two(from, claimed);
    if (woken && nr_cpus > 1) {
        offer_to_idle(v, to);
    }
}
