/* SPDX-License-Identifier: MIT */
/* unit-sources: core/time/time.c core/time/timer.c */
#include "unit.h"
#include <argon/smp.h>
#include <argon/timer.h>

#define HZ 62500000UL            /* 16 ns a tick */

static int setup(void **state)
{
    unit_setup(state);
    host_counter = 0;
    time_init(HZ);
    for_each_cpu(cpu) {
        timer_init_cpu(&pcpus[cpu]->timers);
    }
    host_timer_compare = ~0UL;
    return 0;
}

static int teardown(void **state)
{
    time_init(NS_PER_SEC);       /* as the fake machine has it */
    return unit_teardown(state);
}

/* The counter moves on to a time in ns, and the hardware interrupts if its compare value is reached. */
static bool advance_to(u64 ns)
{
    host_counter = ns_to_ticks(ns);
    if (host_counter >= host_timer_compare) {
        timer_interrupt();
        return true;
    }
    return false;
}

static char order[16];

static void note(void *data)
{
    size_t n = strlen(order);

    order[n] = *(char *)data;
    order[n + 1] = 0;
}

/* ---- conversions ---- */

static void test_conversions(void **state)
{
    static const u64 hz[] = { 1000000, 19200000, 24000000, 25000000, 54000000, 62500000, 100000000, 1000000000, 32768,
                              999999937 };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(hz); i++) {
        u64 seed = 1,
        top = (u64)((unsigned __int128)290 * 366 * 86400 * hz[i] > ~0UL ? ~0UL : 290UL * 366 * 86400 * hz[i]);

        time_init(hz[i]);
        assert_int_equal(time_counter_hz(), hz[i]);
        assert_int_equal(ticks_to_ns(0), 0);
        assert_int_equal(ns_to_ticks(0), 0);
        assert_int_equal(ticks_to_ns(hz[i]), NS_PER_SEC);
        assert_int_equal(ns_to_ticks(NS_PER_SEC), hz[i]);
        for (u32 k = 0; k < 20000; k++) {
            u64 ticks, ns, exact, tick_ns = NS_PER_SEC / hz[i] + 1;

            seed = seed * 6364136223846793005UL + 1442695040888963407UL;
            ticks = (seed >> (k % 60)) % top;
            exact = (u64)((unsigned __int128)ticks * NS_PER_SEC / hz[i]);
            ns = ticks_to_ns(ticks);
            assert_true(ns >= exact && ns - exact <= tick_ns);
            if (ticks < (1UL << 52)) {
                assert_true(ns - exact <= 1);
            }
            /* A deadline never fires early, and at most a tick late. */
            ns = seed >> (k % 60);
            ns %= 290UL * 365 * 86400 * NS_PER_SEC;
            ticks = ns_to_ticks(ns);
            assert_true(ticks_to_ns(ticks) >= ns);
            if (ticks > 0) {
                assert_true(ticks_to_ns(ticks - 1) < ns || ticks_to_ns(ticks) - ns <= tick_ns);
            }
        }
    }
}

static void test_saturation(void **state)
{
    static const u64 hz[] = { 1000, 32768, 19200000, 62500000, 1000000000 };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(hz); i++) {
        time_init(hz[i]);
        assert_int_equal(ticks_to_ns(~0UL), ~0UL);       /* CNTV_CVAL = ~0: never */
        assert_int_equal(ticks_to_ns(1UL << 63), ~0UL);
        assert_true(ticks_to_ns(291UL * 365 * 86400 * hz[i]) != ~0UL);
        assert_true(ns_to_ticks(~0UL) >= 584UL * 365 * 86400 * hz[i]);   /* ends, and is far away */
    }
}

static void test_now(void **state)
{
    (void)state;
    host_counter = 3;
    assert_int_equal(now_ns(), 48);
    host_counter = HZ * 86400 * 365 * 200;
    assert_int_equal(now_ns(), 86400UL * 365 * 200 * NS_PER_SEC);
}

static void test_bad_frequency(void **state)
{
    (void)state;
    unit_expect_panic(time_init(0));
    unit_expect_panic(time_init(~0UL));
}

static void test_wallclock(void **state)
{
    u64 secs;
    u32 nsecs;

    (void)state;
    wallclock_set(1700000000, 5, 10 * NS_PER_SEC);
    wallclock_get(&secs, &nsecs);
    assert_int_equal(secs, 1699999990);
    assert_int_equal(nsecs, 5);
    wallclock_set(1700000000, 0, 1);
    wallclock_get(&secs, &nsecs);
    assert_int_equal(secs, 1699999999);
    assert_int_equal(nsecs, 999999999);
    wallclock_set(3, 0, 10 * NS_PER_SEC);                /* before 1970 at system time 0 */
    wallclock_get(&secs, &nsecs);
    assert_int_equal(secs, 0);
    assert_int_equal(nsecs, 0);
    wallclock_set(~0UL, ~0U, 0);                         /* what dom0 gives may be anything */
    wallclock_get(&secs, &nsecs);
    assert_int_equal(secs, ~0UL / NS_PER_SEC);
    assert_true(nsecs < NS_PER_SEC);
}

/* ---- queue ---- */

static void test_fire_in_order(void **state)
{
    struct timer a, b, c, d;

    (void)state;
    order[0] = 0;
    timer_setup(&a, note, "a", 0);
    timer_setup(&b, note, "b", 0);
    timer_setup(&c, note, "c", 0);
    timer_setup(&d, note, "d", 0);
    timer_set(&c, 3000);
    timer_set(&a, 1000);
    timer_set(&b, 2000);
    timer_set(&d, 2000);
    assert_int_equal(host_timer_compare, ns_to_ticks(1000));
    assert_false(advance_to(999 - 16));
    assert_true(advance_to(1000));
    assert_string_equal(order, "a");
    assert_int_equal(host_timer_compare, ns_to_ticks(2000));
    assert_true(advance_to(5000));
    assert_string_equal(order, "abdc");
    assert_int_equal(host_timer_compare, ~0UL);
    assert_false(a.queued);
    assert_int_equal(a.deadline, ~0UL);
}

static u64 programmed;

static void test_program_only_for_the_head(void **state)
{
    struct timer a, b;

    (void)state;
    timer_setup(&a, note, "a", 0);
    timer_setup(&b, note, "b", 0);
    timer_set(&a, 1000);
    host_timer_compare = programmed = 12345;             /* would be overwritten */
    timer_set(&b, 2000);
    timer_set(&b, 3000);
    timer_stop(&b);
    timer_stop(&b);
    timer_set(&a, 1000);
    assert_int_equal(host_timer_compare, programmed);
    timer_set(&a, 500);
    assert_int_equal(host_timer_compare, ns_to_ticks(500));
    timer_set(&b, 700);
    timer_stop(&a);
    assert_int_equal(host_timer_compare, ns_to_ticks(700));
    timer_set(&b, ~0UL);
    assert_false(b.queued);
    assert_int_equal(host_timer_compare, ~0UL);
}

static void test_past_deadline(void **state)
{
    struct timer a;

    (void)state;
    order[0] = 0;
    advance_to(10000);
    timer_setup(&a, note, "a", 0);
    timer_set(&a, 100);
    assert_string_equal(order, "");                      /* not from here, but by the interrupt that is due now */
    assert_true(host_timer_compare <= host_counter);
    assert_true(advance_to(10000));
    assert_string_equal(order, "a");
}

static struct timer periodic, victim;
static u32 runs;

static void rearm(void *data)
{
    (void)data;
    runs++;
    timer_set(&periodic, 0);                             /* always due */
}

static void test_handler_that_rearms_does_not_hang(void **state)
{
    (void)state;
    runs = 0;
    timer_setup(&periodic, rearm, NULL, 0);
    timer_set(&periodic, 0);
    timer_interrupt();
    assert_true(runs > 0 && runs < 1000);
    assert_true(host_timer_compare <= host_counter);     /* goes on with the next interrupt */
    timer_stop(&periodic);
    assert_int_equal(host_timer_compare, ~0UL);
}

static void stop_victim(void *data)
{
    (void)data;
    timer_stop(&victim);
    timer_set(&periodic, now_ns() + 100);
}

static void test_handler_stops_another(void **state)
{
    (void)state;
    order[0] = 0;
    timer_setup(&periodic, stop_victim, NULL, 0);
    timer_setup(&victim, note, "v", 0);
    timer_set(&periodic, 100);
    timer_set(&victim, 100);
    advance_to(200);
    assert_string_equal(order, "");
    assert_int_equal(host_timer_compare, ns_to_ticks(now_ns() + 100));
    timer_stop(&periodic);
}

static void test_stop_never_set_up(void **state)
{
    struct timer zero = { 0 };

    (void)state;
    zero.cpu = NR_CPUS;                                  /* must not be looked at */
    timer_stop(&zero);
    assert_int_equal(host_timer_compare, ~0UL);
}

/* ---- other CPUs ---- */

static struct timer ended;
static u32 ended_runs;

/* Another CPU ends the timer while its handler runs, which then moves it and arms it again. */
static void ended_fn(void *data)
{
    ended_runs++;
    timer_end(data);
    timer_migrate(data, 1);
    timer_set(data, now_ns() + 1600);
}

static void test_ended_is_not_armed_again(void **state)
{
    (void)state;
    ended_runs = 0;
    timer_setup(&ended, ended_fn, &ended, 0);
    timer_set(&ended, 1600);
    advance_to(3200);
    assert_int_equal(ended_runs, 1);
    timer_set(&ended, 4800);
    timer_stop(&ended);
    timer_end(&ended);
    assert_null(rb_first(&pcpus[0]->timers.queue));
    assert_null(rb_first(&pcpus[1]->timers.queue));
    /* One that was armed is taken off. */
    timer_setup(&ended, ended_fn, &ended, 0);
    timer_set(&ended, 320000);
    timer_end(&ended);
    assert_null(rb_first(&pcpus[0]->timers.queue));
    assert_true(pcpus[0]->timers.programmed == ~0UL);
}

static void test_remote(void **state)
{
    struct timer a, b;

    (void)state;
    order[0] = 0;
    timer_setup(&a, note, "a", 2);
    timer_setup(&b, note, "b", 2);
    timer_set(&a, 1000);
    assert_int_equal(host_calls("smp_kick"), 1);
    assert_int_equal(host_last("smp_kick")->a[0], 2);
    assert_int_equal(host_last("smp_kick")->a[1], IPI_TIMER);
    assert_int_equal(host_timer_compare, ~0UL);          /* not this CPU's hardware */

    unit_set_cpu(2);
    timer_reprogram();
    assert_int_equal(host_timer_compare, ns_to_ticks(1000));
    unit_set_cpu(0);
    timer_set(&b, 2000);                                 /* behind the head: no kick */
    timer_set(&a, 1500);                                 /* later than programmed: fires too early once, no kick */
    timer_stop(&a);
    assert_int_equal(host_calls("smp_kick"), 1);
    timer_set(&b, 400);
    assert_int_equal(host_calls("smp_kick"), 2);

    unit_set_cpu(2);
    host_counter = ns_to_ticks(400);
    timer_interrupt();
    assert_string_equal(order, "b");
    assert_int_equal(host_timer_compare, ~0UL);
}

static void test_migrate(void **state)
{
    struct timer a;

    (void)state;
    order[0] = 0;
    timer_setup(&a, note, "a", 0);
    timer_migrate(&a, 3);                                /* idle */
    assert_int_equal(a.cpu, 3);
    timer_migrate(&a, 0);
    timer_set(&a, 1000);
    assert_int_equal(host_timer_compare, ns_to_ticks(1000));
    timer_migrate(&a, 1);
    assert_int_equal(host_timer_compare, ~0UL);
    assert_int_equal(host_calls("smp_kick"), 1);
    assert_int_equal(host_last("smp_kick")->a[0], 1);
    assert_true(a.queued);
    assert_int_equal(a.deadline, 1000);
    timer_migrate(&a, 1);
    assert_int_equal(host_calls("smp_kick"), 1);
    timer_migrate(&a, 0);
    assert_int_equal(host_timer_compare, ns_to_ticks(1000));
    advance_to(1000);
    assert_string_equal(order, "a");
}

/* Without a 128-bit type, as with one. */
static void test_mul_high(void **state)
{
    static const u64 v[] = {
        0, 1, 2, 0xffffffff, 0x100000000, 0x100000001, 0xfffffffffffffffe, UINT64_MAX, 0x8000000000000000,
        0x123456789abcdef0, 0xfedcba9876543210, 0xffffffff00000000,
    };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(v); i++) {
        for (u32 k = 0; k < ARRAY_SIZE(v); k++) {
            assert_int_equal(mul_high_of_halves(v[i], v[k]), mul_high(v[i], v[k]));
        }
    }
    assert_int_equal(mul_high_of_halves(UINT64_MAX, UINT64_MAX), UINT64_MAX - 1);
}

static void test_dump(void **state)
{
    struct timer a, b;

    (void)state;
    timer_setup(&a, note, "a", 0);
    timer_setup(&b, note, "b", 1);
    timer_set(&a, 5000);
    timer_set(&b, 7000);
    timer_dump();
    assert_non_null(strstr(unit_log(), "CPU00:\n  ex=       5us"));
    assert_non_null(strstr(unit_log(), "CPU01:\n  ex=       7us"));
    timer_stop(&a);
    timer_stop(&b);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_conversions), CASE(test_saturation), CASE(test_now), CASE(test_bad_frequency), CASE(test_wallclock),
        CASE(test_fire_in_order),
        CASE(test_program_only_for_the_head), CASE(test_past_deadline), CASE(test_handler_that_rearms_does_not_hang),
        CASE(test_handler_stops_another), CASE(test_stop_never_set_up), CASE(test_ended_is_not_armed_again),
        CASE(test_remote), CASE(test_migrate), CASE(test_dump), CASE(test_mul_high),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
