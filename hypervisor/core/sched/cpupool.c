/* SPDX-License-Identifier: MIT */
/*
 * Cpupools: sets of pCPUs, each with its policy, and the domains that run there (public sysctl.h,
 * XEN_SYSCTL_cpupool_op).
 */
#include "internal.h"

#include <argon/errno.h>
#include <argon/hypercall.h>
#include <argon/param.h>
#include <argon/xen.h>

#define NR_CPUPOOLS 32

struct cpupool cpupools[NR_CPUPOOLS];
static struct spinlock cpupool_lock = SPINLOCK_INIT(RANK_CPUPOOL);

static void pool_setup(struct cpupool *pool, u32 id, const struct sched_ops *ops)
{
    *pool = (struct cpupool){ .id = id, .in_use = true, .ops = ops };
    pool->tslice_ns = ops->tslice_ms * NS_PER_MS;
    pool->ratelimit_us = opt.sched_ratelimit_us;
    if (ops->id == XEN_SCHEDULER_CREDIT) {
        pool->ratelimit_us = MIN(pool->ratelimit_us, ops->tslice_ms * 1000);    /* the ABI allows it no more */
    }
}

/* NULL: in none. */
static void set_pool(u32 cpu, struct cpupool *pool)
{
    struct sched_pcpu *sp = sched_of(cpu);

    WRITE_ONCE(sp->pool, pool);
    sp->tslice_ns = pool != NULL ? READ_ONCE(pool->tslice_ns) : 0;
}

void cpupool_set_tslice(struct cpupool *pool, u64 ns)
{
    WRITE_ONCE(pool->tslice_ns, ns);     /* before the locks: a CPU that joins meanwhile has it, or gets it below */
    for_each_cpu (cpu) {
        struct sched_pcpu *sp = sched_of(cpu);

        spin_lock(&sp->lock);
        if (sp->pool == pool) {
            sp->tslice_ns = ns;
        }
        spin_unlock(&sp->lock);
    }
}

void cpupool_init(const struct sched_ops *ops)
{
    pool_setup(&cpupools[0], 0, ops);
}

void cpupool_join_boot(u32 cpu)
{
    cpumask_set(&cpupools[0].cpus, cpu);
    set_pool(cpu, &cpupools[0]);
}

void cpupool_leave_boot(u32 cpu)
{
    cpumask_clear(&cpupools[0].cpus, cpu);
}

struct cpupool *cpupool_find(u32 id)
{
    for (u32 i = 0; i < NR_CPUPOOLS; i++) {
        if (cpupools[i].in_use && cpupools[i].id == id) {
            return &cpupools[i];
        }
    }
    return NULL;
}

/* The pool with the lowest id at or above `id`. */
static struct cpupool *pool_from(u32 id)
{
    struct cpupool *found = NULL;

    for (u32 i = 0; i < NR_CPUPOOLS; i++) {
        struct cpupool *p = &cpupools[i];

        if (p->in_use && p->id >= id && (found == NULL || p->id < found->id)) {
            found = p;
        }
    }
    return found;
}

bool cpupool_next(u32 id, u32 *found)
{
    const struct cpupool *p = pool_from(id);

    if (p == NULL) {
        return false;
    }
    *found = p->id;
    return true;
}

static int pool_create(struct xen_sysctl_cpupool_op *op, struct cpumask *map)
{
    const struct sched_ops *ops = sched_ops_by_id(op->sched_id);
    struct cpupool *slot = NULL;
    u32 id = op->cpupool_id;

    (void)map;
    if (ops == NULL) {
        return -EINVAL;
    }
    if (id == XEN_SYSCTL_CPUPOOL_PAR_ANY) {
        for (id = 0; cpupool_find(id) != NULL; id++) {
        }
    } else if (cpupool_find(id) != NULL) {
        return -EEXIST;
    }
    for (u32 i = 0; i < NR_CPUPOOLS && slot == NULL; i++) {
        slot = cpupools[i].in_use ? NULL : &cpupools[i];
    }
    if (slot == NULL) {
        return -ENOMEM;
    }
    pool_setup(slot, id, ops);
    op->cpupool_id = id;
    return 0;
}

static int pool_destroy(struct xen_sysctl_cpupool_op *op, struct cpumask *map)
{
    struct cpupool *pool = cpupool_find(op->cpupool_id);

    (void)map;
    if (pool == NULL) {
        return -ENOENT;
    }
    if (pool->nr_domains != 0 || pool == &cpupools[0]) {
        return -EBUSY;
    }
    for_each_cpu (cpu) {
        if (cpumask_test(&pool->cpus, cpu)) {
            spin_lock(&sched_of(cpu)->lock);
            set_pool(cpu, NULL);
            spin_unlock(&sched_of(cpu)->lock);
        }
    }
    pool->in_use = false;
    return 0;
}

static struct cpumask free_cpus(void)
{
    struct cpumask m = cpus_online;

    for_each_cpu (cpu) {
        if (sched_of(cpu)->pool != NULL) {
            cpumask_clear(&m, cpu);
        }
    }
    return m;
}

static int pool_info(struct xen_sysctl_cpupool_op *op, struct cpumask *map)
{
    const struct cpupool *pool = pool_from(op->cpupool_id);

    if (pool == NULL) {
        return -ENOENT;
    }
    op->cpupool_id = pool->id;
    op->sched_id = pool->ops->id;
    op->n_dom = pool->nr_domains;
    *map = pool->cpus;
    return 0;
}

/* Every vCPU of every domain of the pool may have to move. */
static void pool_update_vcpus(const struct cpupool *pool)
{
    for_each_domain (d) {
        if (d->cpupool != pool) {
            continue;
        }
        for_each_vcpu (d, v) {
            sched_update_allowed(v);
        }
    }
}

static u32 first_cpu(const struct cpumask *m)
{
    for_each_cpu (cpu) {
        if (cpumask_test(m, cpu)) {
            return cpu;
        }
    }
    return CPU_NONE;
}

static u32 last_cpu(const struct cpumask *m)
{
    u32 last = CPU_NONE;

    for_each_cpu (cpu) {
        last = cpumask_test(m, cpu) ? cpu : last;
    }
    return last;
}

static int pool_add_cpu(struct xen_sysctl_cpupool_op *op, struct cpumask *map)
{
    struct cpupool *pool = cpupool_find(op->cpupool_id);
    struct cpumask avail = free_cpus();
    u32 cpu = op->cpu == XEN_SYSCTL_CPUPOOL_PAR_ANY ? first_cpu(&avail) : op->cpu;

    (void)map;
    if (op->cpu != XEN_SYSCTL_CPUPOOL_PAR_ANY && cpu >= nr_cpus) {
        return -EINVAL;
    }
    if (pool == NULL) {
        return -ENOENT;
    }
    if (cpu == CPU_NONE || !cpumask_test(&avail, cpu)) {
        return -ENODEV;
    }
    spin_lock(&sched_of(cpu)->lock);
    set_pool(cpu, pool);
    WRITE_ONCE(pool->cpus.w[cpu / 64], pool->cpus.w[cpu / 64] | BIT(cpu % 64));
    spin_unlock(&sched_of(cpu)->lock);
    pool_update_vcpus(pool);
    sched_release_claim(cpu);    /* it may pull work now */
    return 0;
}

static int pool_remove_cpu(struct xen_sysctl_cpupool_op *op, struct cpumask *map)
{
    struct cpupool *pool = cpupool_find(op->cpupool_id);
    struct cpumask rest;
    u32 cpu = op->cpu;

    (void)map;
    if (cpu != XEN_SYSCTL_CPUPOOL_PAR_ANY && cpu >= nr_cpus) {
        return -EINVAL;
    }
    if (pool == NULL) {
        return -ENOENT;
    }
    cpu = cpu == XEN_SYSCTL_CPUPOOL_PAR_ANY ? last_cpu(&pool->cpus) : cpu;
    if (cpu == CPU_NONE || !cpumask_test(&pool->cpus, cpu)) {
        return -ENODEV;
    }
    rest = pool->cpus;
    cpumask_clear(&rest, cpu);
    if (cpumask_empty(&rest) && pool->nr_domains != 0) {
        return -EBUSY;
    }
    for_each_domain (d) {
        for_each_vcpu (d, v) {
            if (d->cpupool == pool && v->sched.pinned && cpumask_test(&v->sched.hard, cpu)) {
                return -EADDRINUSE;
            }
        }
    }
    spin_lock(&sched_of(cpu)->lock);
    cpumask_store(&pool->cpus, &rest);
    set_pool(cpu, NULL);
    spin_unlock(&sched_of(cpu)->lock);
    pool_update_vcpus(pool);
    return 0;
}

static int pool_move_domain(struct xen_sysctl_cpupool_op *op, struct cpumask *map)
{
    struct domain *d = op->domid < DOMID_FIRST_RESERVED ? domain_lookup((u16)op->domid) : NULL;
    struct cpupool *pool = cpupool_find(op->cpupool_id);

    (void)map;
    if (d == NULL || d->dying != DOMAIN_ALIVE) {
        return -EINVAL;
    }
    if (pool == NULL) {
        return -ENOENT;
    }
    if (cpumask_empty(&pool->cpus)) {
        return -EINVAL;
    }
    if (pool == d->cpupool) {
        return 0;
    }
    d->cpupool->nr_domains--;
    pool->nr_domains++;
    d->cpupool = pool;
    sched_set_weight(d, 256);    /* parameters belong to the policy */
    cap_set(d, 0);
    for_each_vcpu (d, v) {
        sched_update_allowed(v);
    }
    return 0;
}

static int pool_free_info(struct xen_sysctl_cpupool_op *op, struct cpumask *map)
{
    (void)op;
    *map = free_cpus();
    return 0;
}

/* map: the CPU map that goes to the caller, for the two operations that have one. */
typedef int pool_fn(struct xen_sysctl_cpupool_op *op, struct cpumask *map);
static pool_fn *const pool_ops[] = {
    [XEN_SYSCTL_CPUPOOL_OP_CREATE] = pool_create,
    [XEN_SYSCTL_CPUPOOL_OP_DESTROY] = pool_destroy,
    [XEN_SYSCTL_CPUPOOL_OP_INFO] = pool_info,
    [XEN_SYSCTL_CPUPOOL_OP_ADDCPU] = pool_add_cpu,
    [XEN_SYSCTL_CPUPOOL_OP_RMCPU] = pool_remove_cpu,
    [XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN] = pool_move_domain,
    [XEN_SYSCTL_CPUPOOL_OP_FREEINFO] = pool_free_info,
};

int cpupool_op(struct xen_sysctl_cpupool_op *op)
{
    bool has_map = op->op == XEN_SYSCTL_CPUPOOL_OP_INFO || op->op == XEN_SYSCTL_CPUPOOL_OP_FREEINFO;
    struct cpumask map;
    int rc;

    if (op->op >= ARRAY_SIZE(pool_ops) || pool_ops[op->op] == NULL) {
        return -ENOSYS;
    }
    if (!spin_trylock(&cpupool_lock)) {
        return -ERESTART;
    }
    rc = pool_ops[op->op](op, &map);
    spin_unlock(&cpupool_lock);
    return rc == 0 && has_map ? bitmap_to_guest(&op->cpumap, map.w, NR_CPUS) : rc;
}

int sched_init_domain(struct domain *d, u32 pool_id)
{
    struct cpupool *pool;
    int rc = 0;

    d->sched.weight = 256;
    cap_init(d);
    spin_lock(&cpupool_lock);
    pool = cpupool_find(pool_id);
    if (pool == NULL) {
        rc = -ENOENT;
    } else if (cpumask_empty(&pool->cpus)) {
        rc = -EINVAL;
    } else {
        pool->nr_domains++;
        d->cpupool = pool;
    }
    spin_unlock(&cpupool_lock);
    return rc;
}

void sched_quiesce_domain(struct domain *d)
{
    cap_destroy(d);
}

void sched_destroy_domain(struct domain *d)
{
    spin_lock(&cpupool_lock);
    if (d->cpupool != NULL) {
        d->cpupool->nr_domains--;
        d->cpupool = NULL;
    }
    spin_unlock(&cpupool_lock);
}
