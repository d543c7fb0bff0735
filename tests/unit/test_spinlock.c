/* SPDX-License-Identifier: MIT */
/* The order checks of debug builds; test_smp_threads.c has the contention. */
#include "unit.h"
#include <argon/spinlock.h>

static struct spinlock low = SPINLOCK_INIT(RANK_DOMAIN), high = SPINLOCK_INIT(RANK_SCHED),
high2 = SPINLOCK_INIT(RANK_SCHED);

static int setup(void **state)
{
    spin_lock_init(&low, RANK_DOMAIN);
    spin_lock_init(&high, RANK_SCHED);
    spin_lock_init(&high2, RANK_SCHED);
    return unit_setup(state);
}

static void test_lock_and_unlock(void **state)
{
    (void)state;
    assert_false(spin_is_locked(&low));
    spin_lock(&low);
    assert_true(spin_is_locked(&low));
    assert_int_equal(this_cpu()->lock_depth, 1);
    assert_false(spin_trylock(&low));
    spin_unlock(&low);
    assert_false(spin_is_locked(&low));
    assert_true(spin_trylock(&low));
    spin_unlock(&low);
    assert_int_equal(this_cpu()->lock_depth, 0);
}

/* It may fail for no reason, and leaves no trace of it: neither in the lock nor in what this CPU is thought to hold. */
static void test_trylock_fails_for_no_reason(void **state)
{
    (void)state;
    host_exclusive_fail_in = 1;
    assert_false(spin_trylock(&low));
    assert_int_equal(host_exclusive_fail_in, 0);
    assert_false(spin_is_locked(&low));
    assert_int_equal(this_cpu()->lock_depth, 0);
    assert_true(spin_trylock(&low));
    spin_unlock(&low);
}

static void test_ticket_wraps(void **state)
{
    (void)state;
    for (u32 i = 0; i < 70000; i++) {
        spin_lock(&low);
        spin_unlock(&low);
    }
    assert_false(spin_is_locked(&low));
    assert_true(spin_trylock(&low));
    spin_unlock(&low);
}

static void test_rising_order_and_free_release(void **state)
{
    (void)state;
    spin_lock(&low);
    spin_lock(&high);
    spin_lock_nested(&high2);
    spin_unlock(&low);                       /* not the reverse order */
    spin_unlock(&high2);
    assert_int_equal(this_cpu()->lock_depth, 1);
    assert_int_equal(this_cpu()->lock_ranks[0], RANK_SCHED);
    spin_unlock(&high);
    assert_int_equal(this_cpu()->lock_depth, 0);
}

static void test_falling_order_panics(void **state)
{
    (void)state;
    spin_lock(&high);
    unit_expect_panic(spin_lock(&low));
    spin_unlock(&high);
}

static void test_equal_rank_panics(void **state)
{
    (void)state;
    spin_lock(&high);
    unit_expect_panic(spin_lock(&high2));
    spin_unlock(&high);
}

static void test_taken_twice_panics(void **state)
{
    (void)state;
    spin_lock(&low);
    unit_expect_panic(spin_lock(&low));
    unit_expect_panic(spin_lock_nested(&low));
    spin_unlock(&low);
}

static void test_foreign_release_panics(void **state)
{
    (void)state;
    unit_expect_panic(spin_unlock(&low));
    spin_lock(&low);
    unit_set_cpu(1);
    unit_expect_panic(spin_unlock(&low));
    unit_set_cpu(0);
    spin_unlock(&low);
}

/* A trylock cannot deadlock, so it may go against the order; the order counts again for what follows. */
static void test_trylock_any_order(void **state)
{
    (void)state;
    spin_lock(&high);
    assert_true(spin_trylock(&low));
    unit_expect_panic(spin_lock(&high2));
    spin_unlock(&low);
    spin_unlock(&high);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_lock_and_unlock), CASE(test_trylock_fails_for_no_reason), CASE(test_ticket_wraps),
        CASE(test_rising_order_and_free_release), CASE(test_falling_order_panics),
        CASE(test_equal_rank_panics), CASE(test_taken_twice_panics), CASE(test_foreign_release_panics),
        CASE(test_trylock_any_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
