/* SPDX-License-Identifier: MIT */
/* Two ports locked at once, lower address first, while another CPU may close one; and how the table of ports grows. */
/* unit-sources: core/event/event.c core/event/bind.c core/event/two_level.c core/event/fifo.c */
/* unit-sources: core/event/fifo_setup.c core/event/dump.c core/event/guest_atomic.c lib/bitmap.c */
#include "test_event_common.h"

/* table.c's locks, in the order in which they are taken; another CPU has a turn before the turn_at-th. */
static struct spinlock *taken[8];
static u32 nr_taken, turn_at;
static void (*other_cpu)(void);
static bool noting;

static void note(struct spinlock *l)
{
    if (!noting) {
        return;
    }
    if (other_cpu != NULL && nr_taken + 1 == turn_at) {
        void (*fn)(void) = other_cpu;
        u32 nr = nr_taken;

        other_cpu = NULL;
        fn();
        nr_taken = nr;
    }
    assert_true(nr_taken < ARRAY_SIZE(taken));
    taken[nr_taken++] = l;
}

static void take(struct spinlock *l)
{
    note(l);
    spin_lock(l);
}

static void take_nested(struct spinlock *l)
{
    note(l);
    spin_lock_nested(l);
}

/* Whoever sees the limit of the ports sees their bucket. */
static struct event_domain *grows;

static void limit_told(u32 *limit, u32 v)
{
    __atomic_store_n(limit, v, __ATOMIC_RELEASE);
    grows = container_of(limit, struct event_domain, valid_ports);
    assert_non_null(grows->buckets[(v - 1) >> EVENT_BUCKET_SHIFT]);
}

#define spin_lock        take
#define spin_lock_nested take_nested
#undef atomic_store_release
#define atomic_store_release limit_told
#include "../../hypervisor/core/event/table.c"
#undef spin_lock
#undef spin_lock_nested

static struct domain *a, *b;
static u32 pa, pb;
static struct evtchn *low, *high;        /* two connected ports by address */

static void two_ports(void)
{
    a = make(0, 1);
    b = make(1, 1);
    connect_pair(a, &pa, b, &pb);
    low = event_known_port(a, pa);
    high = event_known_port(b, pb);
    if (low > high) {
        low = high;
        high = event_known_port(a, pa);
    }
    nr_taken = turn_at = 0;
    other_cpu = NULL;
    noting = true;
}

static void test_lower_address_first(void **state)
{
    (void)state;
    two_ports();
    assert_ptr_equal(event_lock_pair(low), high);
    assert_int_equal(nr_taken, 2);
    assert_ptr_equal(taken[0], &low->lock);
    assert_ptr_equal(taken[1], &high->lock);
    event_unlock_pair(low, high);
    nr_taken = 0;
    assert_ptr_equal(event_lock_pair(high), low);
    assert_int_equal(nr_taken, 3);
    assert_ptr_equal(taken[0], &high->lock);
    assert_ptr_equal(taken[1], &low->lock);
    assert_ptr_equal(taken[2], &high->lock);
    event_unlock_pair(high, low);
    assert_false(spin_is_locked(&low->lock) || spin_is_locked(&high->lock));
}

static struct domain *closer;
static u32 closed;

static void closes(void)
{
    assert_int_equal(event_close(closer, closed), 0);
}

/* Between the lock of the higher one and those of both its remote end is closed: it is alone then. */
static void test_closed_between_the_locks(void **state)
{
    (void)state;
    two_ports();
    closer = low == event_known_port(a, pa) ? a : b;
    closed = closer == a ? pa : pb;
    turn_at = 2;
    other_cpu = closes;
    assert_null(event_lock_pair(high));
    assert_null(other_cpu);
    assert_int_equal(high->state, EVENT_UNBOUND);
    assert_true(spin_is_locked(&high->lock));
    assert_false(spin_is_locked(&low->lock));
    event_unlock_pair(high, NULL);
}

static void test_bucket_before_the_limit(void **state)
{
    (void)state;
    noting = false;
    a = make(0, 1);
    grows = NULL;
    for (u32 i = 1; i < 3 * EVENT_BUCKET_PORTS; i++) {
        assert_int_equal(unit_unbound(a, 0), i);
    }
    assert_ptr_equal(grows, &a->event);
    assert_int_equal(a->event.valid_ports, 3 * EVENT_BUCKET_PORTS);
}

/* However many locks the end takes. */
static int pair_teardown(void **state)
{
    noting = false;
    return teardown(state);
}
#define pair_test(fn) cmocka_unit_test_setup_teardown(fn, setup, pair_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        pair_test(test_lower_address_first), pair_test(test_closed_between_the_locks),
        pair_test(test_bucket_before_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
