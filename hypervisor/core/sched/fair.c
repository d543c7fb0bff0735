/* SPDX-License-Identifier: MIT */
/*
 * The fair policy: who has the least run time by weight runs next, a slice at a time. It answers as `credit2`, the
 * default; `credit` is the same with another name and other parameters: what differs between Xen's two is how they
 * reach fairness, which no interface shows. docs/design/scheduling.md tells what it bounds.
 */
#include "internal.h"

#include <argon/errno.h>
#include <argon/xen.h>

u32 fair_rate(u32 weight)
{
    return 256 * SCHED_RATE_ONE / weight;
}

/*
 * Is v so far behind curr, which is charged, that it should have its CPU? By anything, if curr is of the same domain:
 * it most often waits for what it has asked v to do.
 */
static bool outranks(const struct vcpu *v, const struct vcpu *curr)
{
    u64 margin = v->domain != curr->domain ? sched_weigh(v, SCHED_WAKE_GRAN_NS) : 0;

    return vruntime_before(v->sched.vruntime + margin, curr->sched.vruntime);
}

/* A vCPU on a CPU has been in the state running since it was switched in, however many slices it had. */
static u64 limit_end(const struct sched_pcpu *sp)
{
    return sp->curr->runstate.state_entry_time + READ_ONCE(sp->pool->ratelimit_us) * NS_PER_US;
}

/*
 * The vCPU that runs here has woken v, one of another domain, by an event it sent: more such will follow, and soon it
 * will sleep by itself. A switch for each makes small batches for both. Not so for one of its own domain, whose answer
 * to an IPI it may be spinning for, nor for what an interrupt wakes.
 */
static bool woken_by_curr(const struct sched_pcpu *sp, const struct vcpu *v)
{
    const struct pcpu *p = this_cpu();

    return sp == &p->sched && !p->in_irq && v->domain != sp->curr->domain;
}

void fair_woken(u32 cpu, struct vcpu *v, u64 now)
{
    struct sched_pcpu *sp = sched_of(cpu);
    const struct vcpu *curr = sp->curr;

    if (!outranks(v, curr)) {
        rq_arm_slice(sp, curr, now);
    } else if (woken_by_curr(sp, v) && now < limit_end(sp)) {
        rq_arm_by(sp, MIN(limit_end(sp), curr->sched.start + rq_slice_ns(sp)));     /* fair_turn_over() looks again */
    } else {
        rq_resched(cpu);
    }
}

bool fair_keeps_turn(const struct sched_pcpu *sp, struct vcpu *prev, const struct vcpu *first, u64 now)
{
    if (now - prev->sched.start >= rq_slice_ns(sp)) {
        if (vruntime_before(first->sched.vruntime, prev->sched.vruntime)) {
            return false;
        }
        prev->sched.start = now;
        return true;
    }
    return !outranks(first, prev);
}

/* It has had its slice, or `first`, which it woke, has waited for the rate limit and still outranks it. */
bool fair_turn_over(const struct sched_pcpu *sp, const struct vcpu *curr, const struct vcpu *first, u64 now)
{
    return now - curr->sched.start >= rq_slice_ns(sp) || (now >= limit_end(sp) && outranks(first, curr));
}

/* credit and credit2 have the same two fields at the same place. Weight 0 and cap 0xffff: leave as it is. */
int fair_domain_params(struct domain *d, struct xen_domctl_scheduler_op *op, bool put)
{
    struct xen_domctl_sched_credit *p = &op->u.credit;

    if (!put) {
        p->weight = d->sched.weight;
        p->cap = (u16)d->sched.cap;
        return 0;
    }
    if (p->weight != 0) {
        sched_set_weight(d, p->weight);
    }
    if (p->cap != 0xffff && p->cap != d->sched.cap) {
        cap_set(d, p->cap);
    }
    return 0;
}

bool fair_ratelimit_valid(u32 us)
{
    return us == 0 || (us >= XEN_SYSCTL_SCHED_RATELIMIT_MIN && us <= XEN_SYSCTL_SCHED_RATELIMIT_MAX);
}

static int credit2_pool_params(struct cpupool *pool, struct xen_sysctl_scheduler_op *op, bool put)
{
    struct xen_sysctl_credit2_schedule *p = &op->u.sched_credit2;

    if (put) {
        if (!fair_ratelimit_valid(p->ratelimit_us)) {
            return -EINVAL;
        }
        WRITE_ONCE(pool->ratelimit_us, p->ratelimit_us);
    }
    p->ratelimit_us = pool->ratelimit_us;
    return 0;
}

const struct sched_ops sched_credit2 = {
    .name = "credit2",
    .id = XEN_SCHEDULER_CREDIT2,
    .tslice_ms = 10,
    .balances = true,
    .rate = fair_rate,
    .woken = fair_woken,
    .keeps_turn = fair_keeps_turn,
    .turn_over = fair_turn_over,
    .domain_params = fair_domain_params,
    .pool_params = credit2_pool_params,
};
