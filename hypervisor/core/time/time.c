/* SPDX-License-Identifier: MIT */
/*
 * System time from the generic counter. System time 0 is counter 0, so that the conversions hold for instants as for
 * durations.
 */
#include <argon/arch.h>
#include <argon/atomic.h>
#include <argon/panic.h>
#include <argon/timer.h>

#define MIN_HZ UINT64_C(1000)
#define MAX_HZ NS_PER_SEC        /* the architecture's: 1 GHz from Armv8.6 on (Arm ARM D12.1), tens of MHz before */

/* y = x * mult / 2^shift, with mult normalised to its top bit. */
struct scale {
    u64 mult;
    u32 shift;
};

/*
 * The factors in the form that takes the fewest instructions, the high half of a product and one shift:
 *   ns = (ticks << pre) * mult / 2^64                    mult rounded up: exact instants do not come out one short
 *   ticks = ns * to_ticks_mult / 2^64 >> to_ticks_post   mult rounded down, then corrected
 */
struct time_scale time_to_ns;
static struct {
    u64 hz;
    u64 to_ns_limit;             /* the last number of ticks whose shift does not overflow, 292 years or more */
    u64 to_ticks_mult;
    u32 to_ticks_post;
} factors;

static u64 wallclock_base;       /* UTC in ns at system time 0; atomic */

/*
 * to / from as a scale. The quotient's digits are made one by one: a 128-bit division would need the compiler's
 * library.
 */
static struct scale make_scale(u64 from, u64 to, bool round_up)
{
    struct scale s = { .mult = to / from };
    u64 rem = to % from;

    while (!(s.mult & BIT(63)) && s.shift < 127) {
        rem <<= 1;               /* from < 2^63 */
        s.mult = s.mult << 1 | (rem >= from);
        rem -= rem >= from ? from : 0;
        s.shift++;
    }
    if (round_up && rem != 0 && s.mult != UINT64_MAX) {
        s.mult++;
    }
    return s;
}

void time_init(u64 hz)
{
    struct scale up, down;

    ASSERT_ALWAYS(hz >= MIN_HZ && hz <= MAX_HZ);
    up = make_scale(hz, NS_PER_SEC, true);               /* factor 1 to 10^6: shift 63 down to 44 */
    time_to_ns = (struct time_scale){ .mult = up.mult, .pre = 64 - up.shift };
    factors.to_ns_limit = UINT64_MAX >> time_to_ns.pre;
    down = make_scale(NS_PER_SEC, hz, false);            /* factor 10^-6 to 1: shift 63 and up */
    factors.to_ticks_mult = down.shift < 64 ? UINT64_MAX : down.mult;   /* 1 itself: the next lower factor */
    factors.to_ticks_post = down.shift < 64 ? 0 : down.shift - 64;
    factors.hz = hz;
}

u64 time_counter_hz(void)
{
    return factors.hz;
}

u64 ticks_to_ns(u64 ticks)
{
    u64 ns = mul_high(ticks << time_to_ns.pre, time_to_ns.mult);

    /* A guest's compare value may be as far away as ~0 ticks: that is never, not soon. */
    return likely(ticks <= factors.to_ns_limit) ? ns : UINT64_MAX;
}

u64 ns_to_ticks(u64 ns)
{
    u64 ticks = mul_high(ns, factors.to_ticks_mult) >> factors.to_ticks_post;

    /* Twice at most: the estimate is less than two ticks low. */
    while (unlikely(ticks_to_ns(ticks) < ns)) {
        ticks++;
    }
    return ticks;
}

void wallclock_set(u64 secs, u32 nsecs, u64 system_time)
{
    u64 utc;

    /* Beyond the year 2554, or before 1970 at system time 0: the nearest that can be represented. */
    if (__builtin_mul_overflow(secs, NS_PER_SEC, &utc) || __builtin_add_overflow(utc, (u64)nsecs, &utc)) {
        utc = UINT64_MAX;
    }
    atomic_store(&wallclock_base, utc > system_time ? utc - system_time : 0);
}

void wallclock_get(u64 *secs, u32 *nsecs)
{
    u64 base = atomic_load(&wallclock_base);

    *secs = base / NS_PER_SEC;
    *nsecs = (u32)(base % NS_PER_SEC);
}
