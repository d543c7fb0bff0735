/* SPDX-License-Identifier: MIT */
/* Shared by the files of core/sched; docs/design/scheduling.md explains. */
#ifndef SCHED_INTERNAL_H
#define SCHED_INTERNAL_H

#include <argon/arch.h>
#include <argon/domain.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <argon/sched.h>
#include <argon/vcpu.h>

/*
 * What a policy does. The run queue, a tree ordered by `vruntime`, and the switch are common to all; a policy says how
 * fast the order moves (`rate`), and is asked where somebody waits. What the switch itself needs is data: a vCPU alone,
 * a yield and a wake-up on an idle CPU call nothing here.
 */
struct sched_ops {
    const char *name;            /* option sched= */
    u32 id;                      /* XEN_SCHEDULER_* */
    u32 tslice_ms;               /* default of a pool's time slice; 0: a turn ends when the vCPU blocks or yields */
    bool balances;               /* vCPUs that wait go to CPUs with less to do */
    /* Virtual time per run time; 0: vCPUs take turns in the order in which they came. */
    u32 (*rate)(u32 weight);
    /* Locked. v was queued on cpu, where not the idle vCPU runs, charged: preempt it, or limit its turn. */
    void (*woken)(u32 cpu, struct vcpu *v, u64 now);
    /* Locked. prev may stay and is charged, `first` waits: is it still prev's turn? A slice may begin. */
    bool (*keeps_turn)(const struct sched_pcpu *sp, struct vcpu *prev, const struct vcpu *first, u64 now);
    /* Locked, in the slice timer, where there are slices. curr is charged, `first` waits: is curr's turn over? */
    bool (*turn_over)(const struct sched_pcpu *sp, const struct vcpu *curr, const struct vcpu *first, u64 now);
    /* domctl and sysctl scheduler_op, `put` or get; NULL: there is nothing to set. -EINVAL: out of range. */
    int (*domain_params)(struct domain *d, struct xen_domctl_scheduler_op *op, bool put);
    int (*pool_params)(struct cpupool *pool, struct xen_sysctl_scheduler_op *op, bool put);
};

extern const struct sched_ops sched_credit2, sched_credit, sched_null;

#define SCHED_MIN_SLICE_NS   NS_PER_MS
/* Run time of the vCPU that wakes: so far behind the others it may start, so far behind it must be to preempt. */
#define SCHED_WAKE_BONUS_NS  (2 * NS_PER_MS)
#define SCHED_WAKE_GRAN_NS   (250 * NS_PER_US)
#define SCHED_RATE_ONE       BIT32(16)          /* the rate of weight 256 */
#define SCHED_VT_PER_NS      256                /* virtual time per ns at that rate */
#define SCHED_CHARGE_MAX_NS  BIT(39)            /* charged at once at most, so that no product overflows: 9 minutes */
/*
 * No vCPU is further ahead of its queue than this power of two: half of the longest slice that the ABI allows, at
 * weight 1, is less.
 */
#define SCHED_AHEAD_BITS     46
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

/* Virtual time of `ns` run time of v; at most SCHED_CHARGE_MAX_NS. */
static inline u64 sched_weigh(const struct vcpu *v, u64 ns)
{
    return ns * v->sched.rate / (SCHED_RATE_ONE / SCHED_VT_PER_NS);
}

/* Do vCPUs that wait on this CPU go to others, and those of others come? */
static inline bool sched_balances(const struct sched_pcpu *sp)
{
    const struct cpupool *pool = READ_ONCE(sp->pool);

    return pool != NULL && pool->ops->balances;
}

/* ---- cap.c ---- */
void cap_init(struct domain *d);
void cap_destroy(struct domain *d);
/* v ran for ns. */
void cap_charge(struct vcpu *v, u64 ns, u64 now);
bool cap_stops(struct vcpu *v, u64 now);
/* Time that v's domain, which has a cap, may still run. */
u64 cap_left(const struct vcpu *v);
static inline bool cap_applies(const struct vcpu *v)
{
    return READ_ONCE(v->domain->sched.cap) != 0;
}
/* Has v's domain used up its cap? Then VPF_CAPPED is set and a timer will clear it. Run queue lock held. */
static inline bool cap_exhausted(struct vcpu *v, u64 now)
{
    return unlikely(cap_applies(v)) && cap_stops(v, now);
}
void cap_set(struct domain *d, u16 percent);

/* ---- runqueue.c and what is short enough to be here: the caller holds sp->lock unless said ---- */
/* Debug builds: sp's lock is held, and v is one of its vCPUs, whose state it protects. */
static inline void rq_assert_owns(struct sched_pcpu *sp, const struct vcpu *v)
{
    ASSERT(spin_is_locked(&sp->lock));
    ASSERT(sched_of(v->cpu) == sp && !v->is_idle);
}

static inline bool rq_less(const struct rb_node *a, const struct rb_node *b)
{
    return vruntime_before(vcpu_of_node(a)->sched.vruntime, vcpu_of_node(b)->sched.vruntime);
}

static inline void rq_enqueue(struct sched_pcpu *sp, struct vcpu *v)
{
    rq_assert_owns(sp, v);
    /* Whoever stops a vCPU takes it off the queue under the same lock. */
    ASSERT(!v->sched.queued && sp->curr != v && atomic_load(&v->pause_flags) == 0);
    rb_insert(&sp->queue, &v->sched.node, rq_less);
    WRITE_ONCE(v->sched.queued, true);
    WRITE_ONCE(sp->nr_runnable, sp->nr_runnable + 1);
}

static inline void rq_dequeue(struct sched_pcpu *sp, struct vcpu *v)
{
    rq_assert_owns(sp, v);
    ASSERT(v->sched.queued && sp->nr_runnable > 0);
    rb_remove(&sp->queue, &v->sched.node);
    WRITE_ONCE(v->sched.queued, false);
    WRITE_ONCE(sp->nr_runnable, sp->nr_runnable - 1);
}

/* Make `cpu` run its scheduler: curr gets PEND_RESCHED; an IPI if it is another CPU. */
void rq_resched(u32 cpu);
/* Arm the slice timer for `deadline` if it is not due earlier; one that is not armed is due never (timer.h). */
static inline void rq_arm_by(struct sched_pcpu *sp, u64 deadline)
{
    if (unlikely(READ_ONCE(sp->slice.deadline) > deadline)) {
        timer_set(&sp->slice, deadline);
    }
}

void rq_set_busy(u32 cpu);
/* Move v, neither queued nor current, from one CPU to another: both locks held. */
void rq_move_home(struct vcpu *v, u32 from, u32 to, u64 now);

static inline void rq_rehome(struct vcpu *v, u32 from, u32 to, u64 now)
{
    if (unlikely(from != to)) {
        rq_move_home(v, from, to, now);
    }
}

/* Another weight or policy: what v is ahead or behind, in its run time, stays. */
void rq_set_rate(struct vcpu *v, u32 rate);

/* Is somebody waiting for curr's slice to end? */
static inline bool rq_is_shared(const struct sched_pcpu *sp)
{
    return sp->nr_runnable > 0 && sp->tslice_ns != 0;
}

/* With n waiting each gets its turn within the pool's time slice, but none runs for less than SCHED_MIN_SLICE_NS. */
static inline u64 rq_slice_ns(const struct sched_pcpu *sp)
{
    u64 slice = sp->tslice_ns / (sp->nr_runnable + 1);

    return MAX(slice, SCHED_MIN_SLICE_NS);
}

/*
 * Arm the slice timer for v, curr, if anything limits it. It is left armed when its reason goes: it then fires once for
 * nothing, which costs less than reprogramming it at each switch. So it may be early, never late.
 */
static inline void rq_arm_slice(struct sched_pcpu *sp, const struct vcpu *v, u64 now)
{
    ASSERT(v == sp->curr);
    if (v->is_idle) {
        return;
    }
    if (rq_is_shared(sp)) {
        rq_arm_by(sp, v->sched.start + rq_slice_ns(sp));
    }
    if (unlikely(cap_applies(v))) {
        rq_arm_by(sp, now + MAX(cap_left(v), 100 * NS_PER_US));
    }
}

/*
 * min_vruntime follows the least of curr and the queue, and never goes back: what sleepers and newcomers are measured
 * by.
 */
static inline void rq_advance_min(struct sched_pcpu *sp, u64 curr_vruntime)
{
    const struct rb_node *first = rb_first(&sp->queue);
    u64 least = curr_vruntime;

    if (first != NULL) {
        u64 vr = vcpu_of_node(first)->sched.vruntime;

        least = vruntime_before(vr, least) ? vr : least;
    }
    if (vruntime_before(sp->min_vruntime, least)) {
        sp->min_vruntime = least;
    }
}

/*
 * Bring v's virtual time, the queue's, and the account of v's cap up to now. v is sp->curr, not the idle vCPU. Whoever
 * compares with either time, from whatever CPU, does this first: a vCPU that runs alone is charged by nobody else.
 */
static inline void rq_charge(struct sched_pcpu *sp, struct vcpu *v, u64 now)
{
    u64 ran;

    rq_assert_owns(sp, v);
    ASSERT(v == sp->curr);
    if (now <= v->sched.charged) {
        return;
    }
    ran = now - v->sched.charged;
    v->sched.charged = now;
    /* More than the most at once has run alone, and the queue's virtual time goes with it: nothing is lost. */
    v->sched.vruntime += sched_weigh(v, likely(ran < SCHED_CHARGE_MAX_NS) ? ran : SCHED_CHARGE_MAX_NS);
    rq_advance_min(sp, v->sched.vruntime);
    if (unlikely(cap_applies(v))) {
        cap_charge(v, ran, now);
    }
}

static inline void rq_charge_curr(struct sched_pcpu *sp, u64 now)
{
    if (!sp->curr->is_idle) {
        rq_charge(sp, sp->curr, now);
    }
}

/*
 * v, which slept, is about to be queued; the queue's time is up to now. v's never goes back: what it has run too much
 * it pays for, however it sleeps. It goes forward if v slept long, to a little behind the others: v runs soon, and
 * cannot keep the CPU for long.
 */
void rq_place_sleeper(const struct sched_pcpu *sp, struct vcpu *v);

static inline void rq_place(const struct sched_pcpu *sp, struct vcpu *v)
{
    if (unlikely((v->sched.vruntime - sp->min_vruntime) >> SCHED_AHEAD_BITS != 0)) {
        rq_place_sleeper(sp, v);
    }
}

/* The bit in sched_busy_cpus, which tells idle CPUs where work waits. */
static inline void rq_update_busy(u32 cpu)
{
    if (nr_cpus > 1) {
        rq_set_busy(cpu);
    }
}

/* No locks held. Lock v's run queue; returns its CPU. */
u32 rq_lock_of(struct vcpu *v);
void rq_lock_pair(u32 a, u32 b);
/* No locks held. Lock two run queues, lower CPU first; they may be the same. */
static inline void rq_lock_two(u32 a, u32 b)
{
    if (likely(a == b)) {
        spin_lock(&sched_of(a)->lock);
    } else {
        rq_lock_pair(a, b);
    }
}

static inline void rq_unlock_two(u32 a, u32 b)
{
    if (unlikely(a != b)) {
        spin_unlock(&sched_of(MAX(a, b))->lock);
    }
    spin_unlock(&sched_of(MIN(a, b))->lock);
}

/* The runstate of a vCPU that is not on a CPU, from its pause flags. */
static inline int rq_off_state(const struct vcpu *v)
{
    u32 flags = atomic_load(&v->pause_flags);

    if ((flags & ~VPF_CAPPED) == 0) {
        return RUNSTATE_runnable;
    }
    return (flags & (VPF_BLOCKED | VPF_POLL)) != 0 ? RUNSTATE_blocked : RUNSTATE_offline;
}

/* ---- wake.c: no locks held ---- */
/* v has no pause flag, or had none when we looked: queue it on the best CPU unless it is queued or current already. */
void sched_wake(struct vcpu *v);
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

/* ---- cpupool.c ---- */
extern struct cpupool cpupools[];
void cpupool_init(const struct sched_ops *ops);
void cpupool_join_boot(u32 cpu);                /* a CPU comes up: into Pool-0 */
void cpupool_leave_boot(u32 cpu);
struct cpupool *cpupool_find(u32 id);           /* exact; NULL if none */
void cpupool_set_tslice(struct cpupool *pool, u64 ns);  /* of all its CPUs. No run queue locked. */
/* Recompute v->sched.allowed; if v must leave its CPU, see to it. No locks held. */
void sched_update_allowed(struct vcpu *v);

/* ---- control.c ---- */
const struct sched_ops *sched_ops_by_id(u32 id);
/* Of all its vCPUs, as its pool's policy has it. */
void sched_set_weight(struct domain *d, u16 weight);

/* ---- fair.c: what `credit` shares with `credit2` ---- */
u32 fair_rate(u32 weight);
void fair_woken(u32 cpu, struct vcpu *v, u64 now);
bool fair_keeps_turn(const struct sched_pcpu *sp, struct vcpu *prev, const struct vcpu *first, u64 now);
bool fair_turn_over(const struct sched_pcpu *sp, const struct vcpu *curr, const struct vcpu *first, u64 now);
int fair_domain_params(struct domain *d, struct xen_domctl_scheduler_op *op, bool put);
bool fair_ratelimit_valid(u32 us);

#endif
