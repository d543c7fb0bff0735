/* SPDX-License-Identifier: MIT */
/* Load balancing: an idle CPU pulls waiting work; a CPU where vCPUs share slices pushes to one with less to do. */
#include "internal.h"

/* May v, queued elsewhere, move to `cpu` now? Its registers must be in memory. */
static bool can_take(const struct vcpu *v, u32 cpu, u64 now)
{
    return cpumask_test(&v->sched.allowed, cpu) && !atomic_load_acquire(&v->sched.running) &&
           now - v->sched.charged >= READ_ONCE(v->domain->cpupool->migr_delay_us) * NS_PER_US;
}

/* Both locked. Move one waiting vCPU; those whose soft affinity has `to` first. */
static bool move_one(u32 from, u32 to, u64 now)
{
    struct sched_pcpu *src = sched_of(from), *dst = sched_of(to);
    struct vcpu *found = NULL;
    struct rb_node *n = rb_first(&src->queue);

    for (u32 scanned = 0; n != NULL && scanned < SCHED_STEAL_SCAN; n = rb_next(n), scanned++) {
        struct vcpu *v = container_of(n, struct vcpu, sched.node);

        if (can_take(v, to, now)) {
            if (cpumask_test(&v->sched.soft, to)) {
                found = v;
                break;
            }
            found = found != NULL ? found : v;
        }
    }
    if (found == NULL) {
        return false;
    }
    rq_charge_curr(src, now);    /* before it leaves: it may be the least, by which the queue's time goes */
    rq_dequeue(src, found);
    rq_rehome(found, from, to, now);
    rq_enqueue(dst, found);
    rq_update_busy(from);
    return true;
}

static bool pull_from(u32 from, u32 to, u64 now)
{
    bool moved = false;

    rq_lock_two(from, to);
    if (sched_balances(sched_of(from))) {
        moved = move_one(from, to, now);
    }
    rq_unlock_two(from, to);
    return moved;
}

/* Busy CPUs of our pool, those of our node (local) or of the others. */
static bool pull_pass(u32 cpu, const struct cpupool *pool, bool local, u64 now)
{
    for (u32 i = 0; i < CPUMASK_WORDS; i++) {
        u64 m = atomic_load(&sched_busy_cpus.w[i]) & READ_ONCE(pool->cpus.w[i]);

        while (m != 0) {
            u32 from = i * 64 + (u32)__builtin_ctzll(m);

            m &= m - 1;
            if (from != cpu && (pcpus[from]->node == pcpus[cpu]->node) == local && pull_from(from, cpu, now)) {
                return true;
            }
        }
    }
    return false;
}

void sched_pull(u32 cpu, u64 now)
{
    const struct cpupool *pool = READ_ONCE(sched_of(cpu)->pool);

    if (pool == NULL || !pool->ops->balances || cpumask_empty(&sched_busy_cpus)) {
        return;
    }
    if (!pull_pass(cpu, pool, true, now)) {
        (void)pull_pass(cpu, pool, false, now);
    }
}

void sched_push(u32 cpu, u64 now)
{
    struct sched_pcpu *sp = sched_of(cpu);
    const struct cpupool *pool = READ_ONCE(sp->pool);
    u32 to, mine, theirs;
    u32 least_gain = ++sp->slices % SCHED_ROTATE_SLICES == 0 ? 1 : 2;

    if (nr_cpus == 1 || pool == NULL || !pool->ops->balances) {
        return;
    }
    to = sched_least_loaded(&pool->cpus);
    if (to == CPU_NONE || to == cpu) {
        return;
    }
    mine = READ_ONCE(sp->nr_runnable) + 1;
    theirs = READ_ONCE(sched_of(to)->nr_runnable) + (READ_ONCE(sched_of(to)->curr)->is_idle ? 0 : 1);
    if (mine < theirs + least_gain) {
        return;
    }
    rq_lock_two(cpu, to);
    if (move_one(cpu, to, now)) {
        if (sched_of(to)->curr->is_idle) {
            rq_resched(to);
        } else {
            rq_arm_slice(sched_of(to), sched_of(to)->curr, now);
        }
        rq_update_busy(to);
    }
    rq_unlock_two(cpu, to);
}
