/* SPDX-License-Identifier: MIT */
/*
 * vCPU scheduling. There is one hypervisor stack per physical CPU and none per vCPU: blocking or yielding only changes
 * state and sets PEND_RESCHED; the switch happens on the way back to the guest, in sched_switch().
 */
#ifndef ARGON_SCHED_H
#define ARGON_SCHED_H

#include <argon/list.h>
#include <argon/rbtree.h>
#include <argon/spinlock.h>
#include <argon/timer.h>

struct vcpu;
struct domain;
struct sched_ops;                /* core/sched/: const table, what a policy does */
struct xen_domctl_scheduler_op;
struct xen_sysctl_scheduler_op;

#define CPUMASK_WORDS (NR_CPUS / 64)
struct cpumask { u64 w[CPUMASK_WORDS]; };

/* Words are read once each: masks may be looked at while another CPU changes them (cpumask_store()). */
static inline bool cpumask_test(const struct cpumask *m, u32 c)
{
    return c < NR_CPUS && (READ_ONCE(m->w[c / 64]) >> (c % 64) & 1);
}

/* As cpumask_test(); c: the id of a CPU. */
static inline bool cpumask_has(const struct cpumask *m, u32 c)
{
    return READ_ONCE(m->w[c / 64]) >> (c % 64) & 1;
}

static inline void cpumask_set(struct cpumask *m, u32 c) { m->w[c / 64] |= BIT(c % 64); }
static inline void cpumask_clear(struct cpumask *m, u32 c) { m->w[c / 64] &= ~BIT(c % 64); }

static inline bool cpumask_empty(const struct cpumask *m)
{
    for (u32 i = 0; i < CPUMASK_WORDS; i++) {
        if (READ_ONCE(m->w[i]) != 0) {
            return false;
        }
    }
    return true;
}

static inline struct cpumask cpumask_and(const struct cpumask *a, const struct cpumask *b)
{
    struct cpumask r;

    for (u32 i = 0; i < CPUMASK_WORDS; i++) {
        r.w[i] = READ_ONCE(a->w[i]) & READ_ONCE(b->w[i]);
    }
    return r;
}

static inline void cpumask_store(struct cpumask *to, const struct cpumask *from)
{
    for (u32 i = 0; i < CPUMASK_WORDS; i++) {
        WRITE_ONCE(to->w[i], from->w[i]);
    }
}

/* Per-vCPU part, embedded in struct vcpu. All fields under the run queue lock of v->cpu unless said. */
struct sched_vcpu {
    struct rb_node node;         /* in the run queue, when runnable and not current */
    bool queued;
    bool running;                /* its state is in v->cpu's registers, or on the way; cleared (release) when saved */
    bool yielded;
    bool pinned;                 /* sched_op(pin_override) is in force; saved_hard is what to go back to */
    u32 rate;                    /* virtual time per run time, by its policy and its domain's weight; 0: none */
    u64 vruntime;                /* weighted virtual time, 1/256 ns at weight 256; compared by difference */
    u64 start;                   /* system time at which its present slice began */
    u64 charged;                 /* system time up to which its run time is in vruntime */
    struct cpumask hard, soft, saved_hard;   /* as asked for */
    struct cpumask allowed;      /* hard & pool, or the pool when that is empty: where it may run */
};

struct sched_dom {
    u16 weight;                  /* 256 = one share, for each vCPU */
    u32 cap;                     /* percent of a pCPU for all vCPUs together, 0 = none */
    s64 cap_tokens;              /* ns that may still be run; atomic */
    u64 cap_filled;              /* system time up to which tokens were granted; atomic */
    struct timer cap_timer;      /* lets the vCPUs stopped by VPF_CAPPED go on */
};

#define SCHED_RATELIMIT_DEFAULT_US 1000U

/* A set of pCPUs with one policy. Members change under the cpupool lock; masks are read without it. */
struct cpupool {
    u32 id;
    bool in_use;
    const struct sched_ops *ops;
    struct cpumask cpus;
    u32 nr_domains;
    u32 ratelimit_us;            /* a vCPU is not preempted by another domain's that it wakes before it ran so long */
    u64 tslice_ns;               /* time in which each runnable vCPU of a CPU gets its turn; 0: turns do not end */
    u32 migr_delay_us;           /* a vCPU is not pulled to another CPU so soon after it ran */
};

struct sched_pcpu {
    struct spinlock lock;        /* RANK_SCHED */
    struct rb_root_cached queue; /* runnable vCPUs by vruntime, without curr */
    struct vcpu *curr;           /* chosen last; pcpu->current follows when the registers have moved */
    u32 nr_runnable;             /* in the queue */
    u32 nr_homed;                /* vCPUs whose v->cpu is this one; atomic */
    u32 slices;                  /* slices that ended, for balancing */
    u64 min_vruntime;            /* the queue's virtual time: what sleepers and newcomers are measured by */
    struct cpupool *pool;        /* NULL: CPU in no pool */
    u64 tslice_ns;               /* the pool's; 0 also in none */
    struct timer slice;          /* armed only while somebody waits, or a cap applies */
};

/* Why a vCPU may not run (vcpu->pause_flags, atomic); 0 = runnable. */
enum vcpu_pause {
    VPF_BLOCKED   = 1u << 0,     /* WFI or sched_op(block): until an event */
    VPF_DOWN      = 1u << 1,     /* not brought up (PSCI CPU_ON) */
    VPF_PAUSED    = 1u << 2,     /* vcpu pause count > 0 or domain pause count > 0 */
    VPF_POLL      = 1u << 3,     /* sched_op(poll) */
    VPF_SHUTDOWN  = 1u << 4,     /* domain is shut down */
    VPF_CAPPED    = 1u << 5,     /* domain used up its cap: until cap_timer */
};

/* ---- set-up ---- */
void sched_init(const char *policy);     /* "credit2" (default), "credit", "null": option sched= */
void sched_init_cpu(u32 cpu);            /* of pcpus[cpu]: run queue; idle vCPU, current; joins Pool-0 */
void sched_abandon_cpu(u32 cpu);         /* boot: it did not come up after sched_init_cpu() */
must_check int sched_init_domain(struct domain *d, u32 pool_id);
void sched_quiesce_domain(struct domain *d);  /* its vCPUs are stopped for good: no timer fires for it any more */
void sched_destroy_domain(struct domain *d);
void sched_init_vcpu(struct vcpu *v);    /* affinity all (option dom0_vcpus_pin: pinned), first CPU chosen */
/* v is in its domain's table now: what its pool was meanwhile given, or its domain moved to, holds for it too. Takes SCHED. */
void sched_vcpu_published(struct vcpu *v);
void sched_destroy_vcpu(struct vcpu *v);

/* ---- state changes; any context, any CPU ---- */
/* Clear pause flags; if none is left the vCPU becomes runnable and the best CPU is kicked. */
void vcpu_unblock(struct vcpu *v, u32 flags);
/* Set pause flags; if v runs, its CPU is kicked. Asynchronous: see vcpu_is_descheduled(). */
void vcpu_stop(struct vcpu *v, u32 flags);
/* Has v left every CPU (its register state is in memory)? */
bool vcpu_is_descheduled(const struct vcpu *v);
/* Current vCPU waits for an event, unless one is pending already (vcpu_event_pending). */
void vcpu_block_current(void);
void vcpu_yield_current(void);
/* Counted pauses. */
void vcpu_pause(struct vcpu *v);
void vcpu_unpause(struct vcpu *v);
void domain_pause(struct domain *d);
void domain_unpause(struct domain *d);
/* Is everything of d off the CPUs? */
bool domain_is_descheduled(const struct domain *d);

/* On the way to the guest with PEND_RESCHED: choose and switch. Returns the vCPU that is current now. */
struct vcpu *sched_switch(void);
/* IPI_RESCHED arrived. */
void sched_kicked(void);

/* ---- control ---- */
/* NULL: leave as it is. -EINVAL: no CPU of the pool in the hard one, or the soft one empty. */
must_check int sched_set_affinity(struct vcpu *v, const struct cpumask *hard, const struct cpumask *soft);
u32 sched_id(void);                                                     /* ABI id: 5 credit, 6 credit2, ... */
must_check int sched_domctl(struct domain *d, struct xen_domctl_scheduler_op *op);
must_check int sched_sysctl(struct xen_sysctl_scheduler_op *op);
u64 vcpu_cpu_time(const struct vcpu *v);                                /* ns in state running */
u64 cpu_idle_time(u32 cpu);                                             /* ns */
void sched_dump(void);                                                  /* debug key r */
/*
 * sched_op(pin_override): run on `cpu` only, < 0: undo. -EBUSY: pinned already; -EINVAL: nothing to undo, no such CPU.
 */
must_check int sched_pin_override(struct vcpu *v, s32 cpu);

/* ---- cpupools (core/sched/cpupool.c) ---- */
struct xen_sysctl_cpupool_op;
must_check int cpupool_op(struct xen_sysctl_cpupool_op *op);            /* sysctl; copies the CPU map itself */
/* Pool ids at or above `id`; false at the end. For iteration (hypfs). */
bool cpupool_next(u32 id, u32 *found);
extern struct cpumask cpus_online;                                      /* constant after boot */

#endif
