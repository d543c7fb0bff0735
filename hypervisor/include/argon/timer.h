/* SPDX-License-Identifier: MIT */
/*
 * Time and timers. System time is nanoseconds since boot, from the generic counter (CNTPCT_EL0); the same on all CPUs.
 * System time 0 is counter 0, so the conversions serve instants (compare values) and durations alike. Each CPU has a
 * queue of timers ordered by deadline; the earliest is programmed into CNTHP.
 */
#ifndef ARGON_TIMER_H
#define ARGON_TIMER_H

#include <argon/arch.h>
#include <argon/rbtree.h>
#include <argon/spinlock.h>

struct timer {
    struct rb_node node;
    u64 deadline;                /* ns; ~0 when not queued */
    void (*fn)(void *data);      /* runs on the timer's CPU, interrupts masked, timer lock not held; NULL: ended */
    void *data;
    u32 cpu;                     /* whose queue it is on (or will be) */
    bool queued;                 /* on the queue; true also when ended: whoever arms it must look again */
};

struct timer_pcpu {
    struct spinlock lock;        /* RANK_TIMER */
    struct rb_root_cached queue; /* by deadline */
    u64 programmed;              /* deadline in the hardware, ~0 when off */
};

/* Boot: counter frequency in Hz (CNTFRQ_EL0 or the device tree's clock-frequency). */
void time_init(u64 counter_hz);
void timer_init_cpu(struct timer_pcpu *t);
u64 time_counter_hz(void);
/*
 * Conversions between counter ticks and ns; exact to a tick for 292 years; beyond, ticks_to_ns() is ~0. 0 before
 * time_init().
 */
u64 ticks_to_ns(u64 ticks);
u64 ns_to_ticks(u64 ns);        /* rounds up: a deadline never fires early */

/* From ticks to ns in the form that takes the fewest instructions: the high half of (ticks << pre) * mult. */
struct time_scale {
    u64 mult;
    u32 pre;
};
extern struct time_scale time_to_ns;     /* constant after time_init() */

/* Current system time, ns since boot. The counter does not get to where the shift would overflow, 292 years or more. */
static always_inline u64 now_ns(void)
{
    return mul_high(arch_counter() << time_to_ns.pre, time_to_ns.mult);
}

/* Not armed yet. fn(data) will be called on `cpu`, from its timer's interrupt, no lock held. Before anybody else has t. */
void timer_setup(struct timer *t, void (*fn)(void *), void *data, u32 cpu);
/*
 * (Re)arm for an absolute deadline in ns (~0: never, as timer_stop()); a deadline in the past fires at once (at the
 * next interrupt window). Any CPU.
 */
void timer_set(struct timer *t, u64 deadline);
void timer_stop_queued(struct timer *t);
/*
 * Disarm (also a timer that is all zero). A handler that already runs on another CPU may still finish after this
 * returns. Whoever armed it ordered that before this call.
 */
static always_inline void timer_stop(struct timer *t)
{
    if (unlikely(READ_ONCE(t->queued))) {
        timer_stop_queued(t);
    }
}
/*
 * Disarm for good (also a timer that is all zero): timer_set() does nothing from now on, in a handler that already runs
 * elsewhere either. What it is part of may be freed once such a handler is over: after a grace period (smp.h).
 */
void timer_end(struct timer *t);
/* Move an armed or idle timer to another CPU's queue. */
void timer_migrate(struct timer *t, u32 cpu);
/* The hardware timer interrupt of this CPU: run what is due, program the next. */
void timer_interrupt(void);
/* Program the hardware from the queue's head (IPI_TIMER, start of a CPU). */
void timer_reprogram(void);
/* Debug key a: the queues. */
void timer_dump(void);

/* Wall clock: UTC seconds and ns at system time 0. Set from what it is at system_time; cut to 1970..2554. */
void wallclock_set(u64 secs, u32 nsecs, u64 system_time);
void wallclock_get(u64 *secs, u32 *nsecs);

#endif
