/* SPDX-License-Identifier: MIT */
/* Scheduling parameters for the toolstack, figures, and the debug key. */
#include "internal.h"

#include <argon/console.h>
#include <argon/errno.h>
#include <argon/string.h>
#include <argon/xen.h>

/*
 * `credit` and `credit2` are two names of the one fair policy, with the parameters of each: what differs between Xen's
 * is how they reach fairness, which no interface shows.
 */
static const struct sched_policy policies[] = {
    { "credit2", XEN_SCHEDULER_CREDIT2, true, 10 },
    { "credit", XEN_SCHEDULER_CREDIT, true, 30 },
    { "null", XEN_SCHEDULER_NULL, false, 10 },
};

const struct sched_policy *sched_policy_by_id(u32 id)
{
    for (u32 i = 0; i < ARRAY_SIZE(policies); i++) {
        if (policies[i].id == id) {
            return &policies[i];
        }
    }
    return NULL;
}

void sched_init(const char *policy)
{
    const struct sched_policy *found = NULL;

    for (u32 i = 0; i < ARRAY_SIZE(policies); i++) {
        if (strcmp(policies[i].name, policy) == 0) {
            found = &policies[i];
        }
    }
    if (found == NULL) {
        if (policy[0] != '\0') {
            log_warn("sched=%s: no such scheduler; using %s", policy, policies[0].name);
        }
        found = &policies[0];
    }
    cpupool_init(found);
}

u32 sched_id(void)
{
    return cpupools[0].policy->id;
}

const char *sched_policy_name(const struct cpupool *pool)
{
    return pool->policy->name;
}

void sched_set_weight(struct domain *d, u16 weight)
{
    WRITE_ONCE(d->sched.weight, weight);
    for_each_vcpu (d, v) {
        rq_set_weight(v, weight);
    }
}

static int params_get(const struct domain *d, struct xen_domctl_sched_credit *p)
{
    p->weight = d->sched.weight;
    p->cap = (u16)d->sched.cap;
    return 0;
}

/* Weight 0 and cap 0xffff: leave as it is. */
static int params_put(struct domain *d, const struct xen_domctl_sched_credit *p)
{
    if (p->weight != 0) {
        sched_set_weight(d, p->weight);
    }
    if (p->cap != 0xffff && p->cap != d->sched.cap) {
        cap_set(d, p->cap);
    }
    return 0;
}

/* credit and credit2 have the same two fields at the same place. */
int sched_domctl(struct domain *d, struct xen_domctl_scheduler_op *op)
{
    if (d->cpupool == NULL || op->sched_id != d->cpupool->policy->id) {
        return -EINVAL;
    }
    if (!d->cpupool->policy->fair) {
        return -EOPNOTSUPP;      /* nothing to set */
    }
    switch (op->cmd) {
    case XEN_DOMCTL_SCHEDOP_getinfo:
        return params_get(d, &op->u.credit);
    case XEN_DOMCTL_SCHEDOP_putinfo:
        return params_put(d, &op->u.credit);
    default:
        return -EINVAL;
    }
}

static bool ratelimit_valid(u32 us)
{
    return us == 0 || (us >= XEN_SYSCTL_SCHED_RATELIMIT_MIN && us <= XEN_SYSCTL_SCHED_RATELIMIT_MAX);
}

static int credit_schedule(struct cpupool *pool, struct xen_sysctl_credit_schedule *p, bool put)
{
    if (put) {
        if (p->tslice_ms < XEN_SYSCTL_CSCHED_TSLICE_MIN || p->tslice_ms > XEN_SYSCTL_CSCHED_TSLICE_MAX ||
            !ratelimit_valid(p->ratelimit_us) || p->ratelimit_us > p->tslice_ms * 1000 ||
            p->vcpu_migr_delay_us > XEN_SYSCTL_CSCHED_MGR_DLY_MAX_US) {
            return -EINVAL;
        }
        WRITE_ONCE(pool->tslice_ns, p->tslice_ms * NS_PER_MS);
        pool->ratelimit_us = p->ratelimit_us;
        pool->migr_delay_us = p->vcpu_migr_delay_us;
    }
    p->tslice_ms = (u32)(pool->tslice_ns / NS_PER_MS);
    p->ratelimit_us = pool->ratelimit_us;
    p->vcpu_migr_delay_us = pool->migr_delay_us;
    return 0;
}

static int credit2_schedule(struct cpupool *pool, struct xen_sysctl_credit2_schedule *p, bool put)
{
    if (put) {
        if (!ratelimit_valid(p->ratelimit_us)) {
            return -EINVAL;
        }
        pool->ratelimit_us = p->ratelimit_us;
    }
    p->ratelimit_us = pool->ratelimit_us;
    return 0;
}

int sched_sysctl(struct xen_sysctl_scheduler_op *op)
{
    struct cpupool *pool = cpupool_find(op->cpupool_id);
    bool put = op->cmd == XEN_SYSCTL_SCHEDOP_putinfo;

    if (pool == NULL) {
        return -ESRCH;
    }
    if (op->sched_id != pool->policy->id || (!put && op->cmd != XEN_SYSCTL_SCHEDOP_getinfo)) {
        return -EINVAL;
    }
    switch (op->sched_id) {
    case XEN_SCHEDULER_CREDIT:
        return credit_schedule(pool, &op->u.sched_credit, put);
    case XEN_SCHEDULER_CREDIT2:
        return credit2_schedule(pool, &op->u.sched_credit2, put);
    default:
        return -ENOSYS;
    }
}

u64 vcpu_cpu_time(const struct vcpu *v)
{
    u64 t = READ_ONCE(v->runstate.time[RUNSTATE_running]);

    /* Unlocked: off by one interval at worst, when the state changes right now. */
    if (READ_ONCE(v->runstate.state) == RUNSTATE_running) {
        u64 now = now_ns(), since = READ_ONCE(v->runstate.state_entry_time);

        t += now > since ? now - since : 0;
    }
    return t;
}

u64 cpu_idle_time(u32 cpu)
{
    return pcpus[cpu] != NULL && pcpus[cpu]->idle != NULL ? vcpu_cpu_time(pcpus[cpu]->idle) : 0;
}

static void dump_vcpu(const char *what, const struct vcpu *v, u64 min)
{
    con_printf("    %s d%dv%d vruntime %+ld us, flags 0x%x, weight %u\n", what, v->domain->id, v->id,
               (long)(v->sched.vruntime - min) / (1000 * SCHED_VT_PER_NS), v->pause_flags, v->domain->sched.weight);
}

static void dump_cpu(u32 cpu)
{
    struct sched_pcpu *sp = sched_of(cpu);

    spin_lock(&sp->lock);
    con_printf("  CPU%u pool %d waiting %u homed %u idle %lu ms\n", cpu, sp->pool != NULL ? (int)sp->pool->id : -1,
               sp->nr_runnable, sp->nr_homed, (unsigned long)(cpu_idle_time(cpu) / NS_PER_MS));
    if (!sp->curr->is_idle) {
        dump_vcpu("runs ", sp->curr, sp->min_vruntime);
    }
    for (const struct rb_node *n = rb_first(&sp->queue); n != NULL; n = rb_next(n)) {
        dump_vcpu("waits", vcpu_of_node(n), sp->min_vruntime);
    }
    spin_unlock(&sp->lock);
}

void sched_dump(void)
{
    u32 id = 0;

    con_printf("Scheduler: %s\n", cpupools[0].policy->name);
    for (bool more = cpupool_next(0, &id); more; more = cpupool_next(id + 1, &id)) {
        const struct cpupool *pool = cpupool_find(id);

        if (pool != NULL) {
            con_printf("  Pool %u: %s, %u domains, slice %u ms, ratelimit %u us\n", id, pool->policy->name,
                       pool->nr_domains, (u32)(pool->tslice_ns / NS_PER_MS), pool->ratelimit_us);
        }
    }
    for_each_cpu (cpu) {
        dump_cpu(cpu);
    }
}
