/* SPDX-License-Identifier: MIT */
/* Where a vCPU may run, and its first and last CPU. */
#include "internal.h"

#include <argon/errno.h>
#include <argon/panic.h>
#include <argon/param.h>

static void mask_all(struct cpumask *m)
{
    for (u32 i = 0; i < CPUMASK_WORDS; i++) {
        m->w[i] = UINT64_MAX;
    }
}

static struct cpumask compute_allowed(const struct vcpu *v)
{
    struct cpumask m = cpumask_and(&v->sched.hard, &v->domain->cpupool->cpus);

    return cpumask_empty(&m) ? v->domain->cpupool->cpus : m;
}

void sched_init_vcpu(struct vcpu *v)
{
    u32 cpu;

    mask_all(&v->sched.hard);
    mask_all(&v->sched.soft);
    if (v->domain->is_privileged && opt.dom0_vcpus_pin) {
        v->sched.hard = (struct cpumask){ { 0 } };
        cpumask_set(&v->sched.hard, v->id % nr_cpus);
    }
    v->sched.allowed = compute_allowed(v);
    cpu = sched_least_loaded(&v->sched.allowed);
    v->cpu = cpu != CPU_NONE ? cpu : cpu_id();
    v->sched.rate = v->domain->cpupool->ops->rate(v->domain->sched.weight);
    v->sched.vruntime = READ_ONCE(sched_of(v->cpu)->min_vruntime);   /* of the past: its first wake-up places it */
    atomic_fetch_add(&sched_of(v->cpu)->nr_homed, 1);
}

void sched_destroy_vcpu(struct vcpu *v)
{
    ASSERT(!v->sched.queued && !v->sched.running);
    atomic_fetch_sub(&sched_of(v->cpu)->nr_homed, 1);
}

void sched_update_allowed(struct vcpu *v)
{
    struct cpumask want;
    bool move = false;
    u32 cpu;

    /* Queued while its registers are still being saved: that ends without any help of ours, and soon. */
    while (atomic_load_acquire(&v->sched.running) && READ_ONCE(sched_of(READ_ONCE(v->cpu))->curr) != v) {
        cpu_relax();
    }
    cpu = rq_lock_of(v);
    want = compute_allowed(v);
    cpumask_store(&v->sched.allowed, &want);
    if (!cpumask_test(&want, cpu)) {
        if (sched_of(cpu)->curr == v) {
            rq_resched(cpu);
        } else if (v->sched.queued) {
            rq_dequeue(sched_of(cpu), v);
            rq_update_busy(cpu);
            move = true;
        }
    }
    spin_unlock(&sched_of(cpu)->lock);
    if (move) {
        sched_wake(v);
    }
    domain_update_nodes(v->domain);
}

void sched_vcpu_published(struct vcpu *v)
{
    rq_set_rate(v, v->domain->cpupool->ops->rate(v->domain->sched.weight));
    sched_update_allowed(v);
}

int sched_set_affinity(struct vcpu *v, const struct cpumask *hard, const struct cpumask *soft)
{
    struct cpumask m;
    u32 cpu;

    if (hard != NULL) {
        m = cpumask_and(hard, &v->domain->cpupool->cpus);
        if (cpumask_empty(&m)) {
            return -EINVAL;
        }
    }
    if (soft != NULL && cpumask_empty(soft)) {
        return -EINVAL;
    }
    cpu = rq_lock_of(v);
    if (hard != NULL) {
        cpumask_store(&v->sched.hard, hard);
    }
    if (soft != NULL) {
        cpumask_store(&v->sched.soft, soft);
    }
    spin_unlock(&sched_of(cpu)->lock);
    sched_update_allowed(v);
    return 0;
}

int sched_pin_override(struct vcpu *v, s32 cpu)
{
    struct cpumask m = { { 0 } };
    int rc;

    if (cpu < 0) {
        if (!v->sched.pinned) {
            return -EINVAL;
        }
        v->sched.pinned = false;
        m = v->sched.saved_hard;
        rc = sched_set_affinity(v, &m, NULL);
        return rc;
    }
    if (v->sched.pinned) {
        return -EBUSY;
    }
    if ((u32)cpu >= nr_cpus || !cpumask_test(&v->domain->cpupool->cpus, (u32)cpu)) {
        return -EINVAL;
    }
    v->sched.saved_hard = v->sched.hard;
    cpumask_set(&m, (u32)cpu);
    rc = sched_set_affinity(v, &m, NULL);
    v->sched.pinned = rc == 0;
    return rc;
}
