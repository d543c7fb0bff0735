/* SPDX-License-Identifier: MIT */
/* Scheduling parameters for the toolstack, figures, and the debug key. */
#include "internal.h"

#include <argon/console.h>
#include <argon/errno.h>
#include <argon/string.h>
#include <argon/xen.h>

static const struct sched_ops *const policies[] = { &sched_credit2, &sched_credit, &sched_null };

const struct sched_ops *sched_ops_by_id(u32 id)
{
    for (u32 i = 0; i < ARRAY_SIZE(policies); i++) {
        if (policies[i]->id == id) {
            return policies[i];
        }
    }
    return NULL;
}

void sched_init(const char *policy)
{
    const struct sched_ops *found = NULL;

    for (u32 i = 0; i < ARRAY_SIZE(policies); i++) {
        if (strcmp(policies[i]->name, policy) == 0) {
            found = policies[i];
        }
    }
    if (found == NULL) {
        if (policy[0] != '\0') {
            log_warn("sched=%s: no such scheduler; using %s", policy, policies[0]->name);
        }
        found = policies[0];
    }
    cpupool_init(found);
}

u32 sched_id(void)
{
    return cpupools[0].ops->id;
}

void sched_set_weight(struct domain *d, u16 weight)
{
    WRITE_ONCE(d->sched.weight, weight);
    for_each_vcpu (d, v) {
        rq_set_rate(v, d->cpupool->ops->rate(weight));
    }
}

int sched_domctl(struct domain *d, struct xen_domctl_scheduler_op *op)
{
    bool put = op->cmd == XEN_DOMCTL_SCHEDOP_putinfo;
    const struct sched_ops *ops;

    if (d->cpupool == NULL || op->sched_id != d->cpupool->ops->id) {
        return -EINVAL;
    }
    ops = d->cpupool->ops;
    if (ops->domain_params == NULL) {
        return -EOPNOTSUPP;
    }
    return put || op->cmd == XEN_DOMCTL_SCHEDOP_getinfo ? ops->domain_params(d, op, put) : -EINVAL;
}

int sched_sysctl(struct xen_sysctl_scheduler_op *op)
{
    struct cpupool *pool = cpupool_find(op->cpupool_id);
    bool put = op->cmd == XEN_SYSCTL_SCHEDOP_putinfo;

    if (pool == NULL) {
        return -ESRCH;
    }
    if (op->sched_id != pool->ops->id || (!put && op->cmd != XEN_SYSCTL_SCHEDOP_getinfo)) {
        return -EINVAL;
    }
    return pool->ops->pool_params != NULL ? pool->ops->pool_params(pool, op, put) : -ENOSYS;
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
    con_printf("    %s d%dv%d vruntime %+" PRId64 " us, flags 0x%x, weight %u\n", what, v->domain->id, v->id,
               (s64)(v->sched.vruntime - min) / (1000 * SCHED_VT_PER_NS), v->pause_flags, v->domain->sched.weight);
}

static void dump_cpu(u32 cpu)
{
    struct sched_pcpu *sp = sched_of(cpu);

    spin_lock(&sp->lock);
    con_printf("  CPU%u pool %d waiting %u homed %u idle %" PRIu64 " ms\n", cpu,
               sp->pool != NULL ? (int)sp->pool->id : -1, sp->nr_runnable, sp->nr_homed,
               cpu_idle_time(cpu) / NS_PER_MS);
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

    con_printf("Scheduler: %s\n", cpupools[0].ops->name);
    for (bool more = cpupool_next(0, &id); more; more = cpupool_next(id + 1, &id)) {
        const struct cpupool *pool = cpupool_find(id);

        if (pool != NULL) {
            con_printf("  Pool %u: %s, %u domains, slice %u ms, ratelimit %u us\n", id, pool->ops->name,
                       pool->nr_domains, (u32)(pool->tslice_ns / NS_PER_MS), pool->ratelimit_us);
        }
    }
    for_each_cpu (cpu) {
        dump_cpu(cpu);
    }
}
