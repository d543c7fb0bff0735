/* SPDX-License-Identifier: MIT */
/*
 * Caps: a token bucket per domain. It fills with cap percent of real time, holds at most one period's worth, and pays
 * for what the domain's vCPUs run. When it is empty they are stopped by VPF_CAPPED as they come up for the CPU, until
 * the domain's timer.
 */
#include "internal.h"

static s64 bucket_size(const struct domain *d)
{
    return (s64)(SCHED_CAP_PERIOD_NS / 100 * d->sched.cap);
}

static void cap_refill(struct domain *d, u64 now)
{
    u64 from = atomic_load(&d->sched.cap_filled), units = now > from ? (now - from) / 100 : 0;
    s64 grant, old, want;

    /* What is less than a unit is granted with the next. */
    if (units == 0 || !atomic_cmpxchg(&d->sched.cap_filled, &from, from + units * 100)) {
        return;                  /* another CPU grants this interval */
    }
    grant = (s64)(MIN(units, NS_PER_SEC / 100) * d->sched.cap);
    old = atomic_load(&d->sched.cap_tokens);
    do {
        want = MIN(old + grant, bucket_size(d));
    } while (!atomic_cmpxchg(&d->sched.cap_tokens, &old, want));
}

/*
 * Time until the bucket is half full: later and what flows in would be lost, sooner and the vCPUs would hardly get
 * going.
 */
static u64 cap_wait(const struct domain *d)
{
    s64 missing = bucket_size(d) / 2 - atomic_load(&d->sched.cap_tokens);
    u32 percent = d->sched.cap != 0 ? d->sched.cap : 1;

    return missing > 0 ? MIN((u64)missing, NS_PER_SEC) / percent * 100 : 0;
}

static void cap_timer_fn(void *data)
{
    struct domain *d = data;

    cap_refill(d, now_ns());
    if (d->sched.cap != 0 && atomic_load(&d->sched.cap_tokens) <= 0) {
        timer_set(&d->sched.cap_timer, now_ns() + cap_wait(d));
        return;
    }
    for_each_vcpu (d, v) {
        vcpu_unblock(v, VPF_CAPPED);
    }
}

void cap_init(struct domain *d)
{
    d->sched.cap = 0;
    timer_setup(&d->sched.cap_timer, cap_timer_fn, d, 0);
}

void cap_destroy(struct domain *d)
{
    timer_end(&d->sched.cap_timer);
}

void cap_charge(struct vcpu *v, u64 ns, u64 now)
{
    cap_refill(v->domain, now);
    atomic_fetch_sub(&v->domain->sched.cap_tokens, (s64)ns);
}

bool cap_stops(struct vcpu *v, u64 now)
{
    struct domain *d = v->domain;

    cap_refill(d, now);
    if (atomic_load(&d->sched.cap_tokens) > 0) {
        return false;
    }
    /* Flag first: a timer that is seen queued has yet to look at the flags. */
    atomic_fetch_or(&v->pause_flags, VPF_CAPPED);
    cpu_barrier();
    if (!READ_ONCE(d->sched.cap_timer.queued)) {
        timer_set(&d->sched.cap_timer, now + cap_wait(d));
    }
    return true;
}

u64 cap_left(const struct vcpu *v)
{
    s64 left = atomic_load(&v->domain->sched.cap_tokens);

    return left > 0 ? (u64)left : 0;
}

void cap_set(struct domain *d, u16 percent)
{
    atomic_store(&d->sched.cap_filled, now_ns());
    WRITE_ONCE(d->sched.cap, percent);
    atomic_store(&d->sched.cap_tokens, bucket_size(d));
    for_each_vcpu (d, v) {
        vcpu_unblock(v, VPF_CAPPED);
        /* Whoever runs now gets its slice timer at the next switch; make that soon. */
        u32 cpu = rq_lock_of(v);

        if (sched_of(cpu)->curr == v) {
            rq_resched(cpu);
        }
        spin_unlock(&sched_of(cpu)->lock);
    }
}
