/* SPDX-License-Identifier: MIT */
/*
 * System time from the generic counter. System time 0 is counter 0, so that the conversions hold for instants as for durations.
 */
#include <argon/arch.h>
#include <argon/atomic.h>
#include <argon/panic.h>
#include <argon/timer.h>

typedef unsigned __int128 u128_t;

/* A fixed-point factor: y = x * mult >> shift, with mult normalised to its top bit. */
struct scale {
    u64 mult;
    u32 shift;
};

static u64 counter_hz;
static struct scale to_ns;       /* mult rounded up: exact instants do not come out one short */
static struct scale to_ticks;    /* mult rounded down */
static u64 wallclock_base;       /* UTC in ns at system time 0; atomic */

/* to / from as a scale. The quotient's digits are made one by one: a 128-bit division would need the compiler's library. */
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
    if (round_up && rem != 0 && s.mult != ~0UL) {
        s.mult++;
    }
    return s;
}

/* Saturates: a guest's compare value may be as far away as ~0 ticks, which is "never", not soon. */
static always_inline u64 apply_scale(u64 x, const struct scale *s)
{
    u128_t y = (u128_t)x * s->mult >> s->shift;

    return likely(y >> 64 == 0) ? (u64)y : ~0UL;
}

void time_init(u64 hz)
{
    ASSERT_ALWAYS(hz >= 1000 && hz <= 100 * NS_PER_SEC);
    to_ns = make_scale(hz, NS_PER_SEC, true);
    to_ticks = make_scale(NS_PER_SEC, hz, false);
    counter_hz = hz;
}

u64 time_counter_hz(void)
{
    return counter_hz;
}

u64 ticks_to_ns(u64 ticks)
{
    return apply_scale(ticks, &to_ns);
}

u64 ns_to_ticks(u64 ns)
{
    u64 ticks = apply_scale(ns, &to_ticks);

    /* Twice at most: the estimate is less than two ticks low. */
    while (unlikely(ticks_to_ns(ticks) < ns) && ticks != ~0UL) {
        ticks++;
    }
    return ticks;
}

u64 now_ns(void)
{
    return ticks_to_ns(arch_counter());
}

void wallclock_set(u64 secs, u32 nsecs, u64 system_time)
{
    u64 utc;

    /* Beyond the year 2554, or before 1970 at system time 0: the nearest that can be represented. */
    if (__builtin_mul_overflow(secs, NS_PER_SEC, &utc) || __builtin_add_overflow(utc, (u64)nsecs, &utc)) {
        utc = ~0UL;
    }
    atomic_store(&wallclock_base, utc > system_time ? utc - system_time : 0);
}

void wallclock_get(u64 *secs, u32 *nsecs)
{
    u64 base = atomic_load(&wallclock_base);

    *secs = base / NS_PER_SEC;
    *nsecs = (u32)(base % NS_PER_SEC);
}
