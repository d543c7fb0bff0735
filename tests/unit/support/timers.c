/* SPDX-License-Identifier: MIT */
/* Virtual time, with a plain list of timers where core/time is not linked. */
#include "support.h"
#include <argon/arch.h>
#include <argon/timer.h>

#define MAX_TIMERS 256
static struct timer *timers[MAX_TIMERS];
static u32 nr_timers;

void unit_timers_reset(void)
{
    nr_timers = 0;
}

u64 unit_next_timer(void)
{
    u64 next = ~0UL;

    for (u32 i = 0; i < nr_timers; i++) {
        next = MIN(next, timers[i]->deadline);
    }
    return next;
}

/* 1:1 */
weak struct time_scale time_to_ns = { .mult = 1UL << 63, .pre = 1 };

weak u64 time_counter_hz(void)
{
    return NS_PER_SEC;
}

weak u64 ticks_to_ns(u64 ticks)
{
    return ticks;
}

weak u64 ns_to_ticks(u64 ns)
{
    return ns;
}

weak void timer_setup(struct timer *t, void (*fn)(void *), void *data, u32 cpu)
{
    *t = (struct timer){ .deadline = ~0UL, .fn = fn, .data = data, .cpu = cpu };
}

weak void timer_stop_queued(struct timer *t)
{
    for (u32 i = 0; i < nr_timers; i++) {
        if (timers[i] == t) {
            timers[i] = timers[--nr_timers];
        }
    }
    t->queued = false;
    t->deadline = ~0UL;
}

weak void timer_end(struct timer *t)
{
    timer_stop(t);
    t->cpu = NR_CPUS;            /* never armed again */
}

weak void timer_set(struct timer *t, u64 deadline)
{
    timer_stop(t);
    if (t->cpu == NR_CPUS) {
        return;                  /* ended */
    }
    assert_true(nr_timers < MAX_TIMERS);
    timers[nr_timers++] = t;
    t->queued = true;
    t->deadline = deadline;
}

weak void timer_migrate(struct timer *t, u32 cpu)
{
    t->cpu = t->cpu == NR_CPUS ? NR_CPUS : cpu;
}

weak void timer_interrupt(void)
{
    for (u32 i = 0; i < nr_timers;) {
        struct timer *t = timers[i];

        if (t->deadline > host_counter) {
            i++;
            continue;
        }
        timer_stop(t);
        t->fn(t->data);
        i = 0;
    }
}

void unit_advance(u64 ns)
{
    u64 end = host_counter + ns;

    /* Stop at each deadline, so that handlers see the time they asked for. */
    for (u32 i = 0; i < 100000; i++) {
        u64 next = MIN(unit_next_timer(), host_timer_compare);

        if (next > end) {
            break;
        }
        host_counter = MAX(host_counter, next);
        host_timer_compare = ~0UL;
        timer_interrupt();
    }
    host_counter = end;
}
