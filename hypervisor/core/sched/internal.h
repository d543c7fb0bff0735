/* SPDX-License-Identifier: MIT */
/* Shared by the files of core/sched; docs/design/scheduling.md explains. */
#ifndef SCHED_INTERNAL_H
#define SCHED_INTERNAL_H

#include <argon/arch.h>
#include <argon/domain.h>
#include <argon/percpu.h>
#include <argon/sched.h>
#include <argon/vcpu.h>

/*
 * What a policy does. `fair` false: a vCPU keeps its CPU until it blocks or yields, and is not moved to balance load.
 */
struct sched_policy {
    const char *name;            /* option sched= */
    u32 id;                      /* XEN_SCHEDULER_* */
    bool fair;
    u32 default_tslice_ms;
};

#define SCHED_MIN_SLICE_NS   NS_PER_MS
#define SCHED_WAKE_GRAN_NS   (250 * NS_PER_US)  /* a waking vCPU preempts when it is behind by more */
#define SCHED_WAKE_BONUS_NS  (2 * NS_PER_MS)    /* how far behind the others a sleeper may start */
#define SCHED_CAP_PERIOD_NS  (10 * NS_PER_MS)
#define SCHED_STEAL_SCAN     8                  /* candidates looked at in another CPU's queue */
#define SCHED_ROTATE_SLICES  8                  /* every so many slices a load difference of one is evened out too */
#define CPU_NONE             (~0U)

extern struct cpumask sched_idle_cpus;          /* idle and not yet claimed by a waker; atomic words */
extern struct cpumask sched_busy_cpus;          /* somebody waits in the queue there while another runs; atomic words */

static inline struct sched_pcpu *sched_of(u32 cpu)
{
    return &pcpus[cpu]->sched;
}

static inline const struct vcpu *vcpu_of_node(const struct rb_node *n)
{
    return (const struct vcpu *)(const void *)((const char *)n - offsetof(struct vcpu, sched.node));
}

static inline bool vruntime_before(u64 a, u64 b)
{
    return (s64)(a - b) < 0;
}

/* Virtual time of `ns` real time for a vCPU of d. */
static inline u64 sched_weigh(const struct domain *d, u64 ns)
{
    return (ns * READ_ONCE(d->sched.inv_weight)) >> 16;
}

static inline bool sched_is_fair(const struct sched_pcpu *sp)
{
    const struct cpupool *pool = READ_ONCE(sp->pool);

    return pool != NULL && pool->policy->fair;
}

/* ---- runqueue.c: the caller holds sp->lock unless said ---- */
void rq_enqueue(struct sched_pcpu *sp, struct vcpu *v);
void rq_dequeue(struct sched_pcpu *sp, struct vcpu *v);
/* Bring v's virtual time, and its domain's cap account, up to now. v is sp->curr. */
void rq_charge(struct sched_pcpu *sp, struct vcpu *v, u64 now);
/* Make `cpu` run its scheduler: curr gets PEND_RESCHED; an IPI if it is another CPU. */
void rq_resched(u32 cpu);
/* Would curr be preempted if the first in the queue woke now, whatever the rate limit? */
bool rq_outranked(const struct sched_pcpu *sp, u64 now);
/* System time from which curr may be preempted by a vCPU that it wakes itself. */
u64 rq_limit_end(const struct sched_pcpu *sp);
/* v was queued on cpu: preempt what runs there, or see to it that its turn ends. */
void rq_check_preempt(u32 cpu, struct vcpu *v, u64 now);
/* Arm the slice timer for curr if anything limits it. */
void rq_arm_slice(struct sched_pcpu *sp, u64 now);
u64 rq_slice_ns(const struct sched_pcpu *sp);
void rq_update_busy(u32 cpu);
/* Move v, neither queued nor current, from one CPU to another: both locks held. */
void rq_rehome(struct vcpu *v, u32 from, u32 to);
/* No locks held. Lock v's run queue; returns its CPU. */
u32 rq_lock_of(struct vcpu *v);
/* No locks held. Lock two run queues, lower CPU first; they may be the same. */
void rq_lock_two(u32 a, u32 b);
void rq_unlock_two(u32 a, u32 b);
/* The runstate of a vCPU that is not on a CPU, from its pause flags. */
int rq_off_state(const struct vcpu *v);

/* ---- wake.c: no locks held ---- */
/* v has no pause flag, or had none when we looked: queue it on the best CPU unless it is queued or current already. */
void sched_wake(struct vcpu *v);
/* A CPU for v, which is off the CPUs: an idle one claimed for it, else its last, else the least loaded. */
u32 sched_place(struct vcpu *v);
u32 sched_least_loaded(const struct cpumask *allowed);
/* Clear an idle CPU's bit in sched_idle_cpus: true for the one who did. */
bool sched_claim_idle(u32 cpu);
/*
 * A CPU was claimed in vain, or has work to pull: it runs its scheduler, and if it idles on offers itself again. Any
 * locks.
 */
void sched_release_claim(u32 cpu);
/* Claim an idle CPU that is in both masks, of `node` only unless that is ~0. CPU_NONE if there is none. */
u32 sched_claim_any(const struct cpumask *a, const struct cpumask *b, u32 node);

/* ---- balance.c: no locks held ---- */
/* `cpu` is about to idle: take a waiting vCPU from elsewhere into its queue. */
void sched_pull(u32 cpu, u64 now);
/* A slice ended on `cpu` with others waiting: give one to a CPU with less to do. */
void sched_push(u32 cpu, u64 now);

/* ---- cap.c ---- */
void cap_init(struct domain *d);
void cap_destroy(struct domain *d);
/* v ran for ns. */
void cap_charge(struct vcpu *v, u64 ns, u64 now);
/* Has v's domain used up its cap? Then VPF_CAPPED is set and a timer will clear it. Run queue lock held. */
bool cap_exhausted(struct vcpu *v, u64 now);
/* Time its domain may still run, ~0 without a cap. */
u64 cap_left(const struct vcpu *v);
void cap_set(struct domain *d, u16 percent);

/* ---- cpupool.c ---- */
extern struct cpupool cpupools[];
void cpupool_init(const struct sched_policy *policy);
void cpupool_join_boot(u32 cpu);                /* a CPU comes up: into Pool-0 */
void cpupool_leave_boot(u32 cpu);
struct cpupool *cpupool_find(u32 id);           /* exact; NULL if none */
/* Recompute v->sched.allowed; if v must leave its CPU, see to it. No locks held. */
void sched_update_allowed(struct vcpu *v);
const struct sched_policy *sched_policy_by_id(u32 id);

#endif
