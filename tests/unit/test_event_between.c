/* SPDX-License-Identifier: MIT */
/*
 * A guest that acts in the middle of what is done for it: on its FIFO words between two tries, on its ports between two
 * looks.
 */
/* unit-sources: core/event/event.c core/event/table.c core/event/bind.c core/event/two_level.c */
/* unit-sources: core/event/fifo_setup.c core/event/dump.c core/event/guest_atomic.c lib/bitmap.c */
#include "test_event_common.h"

/*
 * The tries of set_link(), which are the only ones in fifo.c that are not in an inline function: the guest has a turn
 * before each.
 */
static void (*guest_turn)(u32 *word);
static u32 turns;

static bool try_after_guest(u32 *word, u32 *seen, u32 value)
{
    turns++;
    if (guest_turn != NULL) {
        guest_turn(word);
    }
    return __atomic_compare_exchange_n(word, seen, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

#undef guest_try_cmpxchg
#define guest_try_cmpxchg(dom, p, seen, v) try_after_guest((p), (seen), (v))
#include "../../hypervisor/core/event/fifo.c"

/* A domain that uses FIFO, with two IPI ports to its vCPU 0, of which the first is linked. */
static struct domain *d;
static u32 *words, p, q;
static struct evtchn_fifo_control_block *cb;

static void fifo_domain(void)
{
    u64 control, array;

    d = make(1, 1);
    control = unit_guest_alloc(d, PAGE_SIZE);
    array = unit_guest_alloc(d, PAGE_SIZE);
    assert_int_equal(event_init_control(d, 0, control >> PAGE_SHIFT, 0), 0);
    assert_int_equal(event_expand_array(d, array >> PAGE_SHIFT), 0);
    cb = unit_guest_ptr(d, control);
    words = unit_guest_ptr(d, array);
    p = (u32)event_bind_ipi(d, 0);
    q = (u32)event_bind_ipi(d, 0);
    turns = 0;
    guest_turn = NULL;
    assert_int_equal(event_send(d, p), 0);
    assert_int_equal(words[p], PENDING | LINKED);
}

static void toggles_until_busy(u32 *word)
{
    if (!(*word & BUSY)) {
        *word ^= MASKED;
    }
}

/* BUSY asks the guest to keep off; it goes with the link. */
static void test_busy_is_heeded(void **state)
{
    (void)state;
    fifo_domain();
    guest_turn = toggles_until_busy;
    assert_int_equal(event_send(d, q), 0);
    assert_true(turns > 1 && turns < 10);
    assert_int_equal(words[p] & ~MASKED, PENDING | LINKED | q);
    assert_int_equal(cb->head[7], p);
}

static void toggles_for_ever(u32 *word)
{
    *word ^= MASKED;
}

/* The queue is taken for empty after so many tries, and BUSY does not stay: the guest would wait for ever. */
static void test_busy_is_ignored(void **state)
{
    (void)state;
    fifo_domain();
    guest_turn = toggles_for_ever;
    assert_int_equal(event_send(d, q), 0);
    assert_true(turns > 10 && turns <= 64);
    assert_int_equal(words[p] & ~MASKED, PENDING | LINKED);
    assert_int_equal(cb->head[7], q);
}

static void takes_when_busy(u32 *word)
{
    *word = *word & BUSY ? *word & ~(LINKED | PENDING) : *word ^ MASKED;
}

/* Taken off the queue meanwhile by a guest that leaves BUSY to us. */
static void test_taken_while_busy(void **state)
{
    (void)state;
    fifo_domain();
    guest_turn = takes_when_busy;
    assert_int_equal(event_send(d, q), 0);
    assert_int_equal(words[p] & ~MASKED, 0);
    assert_int_equal(cb->head[7], q);
}

/* ---- reset ---- */

static u32 to_open, opened;

/* Called between two closings: another vCPU opens a port, lower than where the reset is. */
bool hypercall_preempt_check(void)
{
    if (to_open > 0) {
        to_open--;
        opened = (u32)event_bind_ipi(d, 0);
    }
    return false;
}

/* As long as a port is open, its word may be written: the FIFO pages stay. */
static void test_reset_while_ports_are_opened(void **state)
{
    (void)state;
    to_open = 0;
    fifo_domain();
    while (d->event.active < 16) {
        assert_true(event_bind_ipi(d, 0) > 0);
    }
    to_open = 1;
    assert_int_equal(event_reset(d), -EAGAIN);
    assert_int_equal(to_open, 0);
    assert_int_equal(d->event.active, 1);
    assert_ptr_equal(d->event.ops, &event_fifo_ops);
    assert_non_null(d->event.fifo);
    assert_true(opened < 4);
    assert_int_equal(event_send(d, opened), 0);
    assert_int_equal(words[opened] & PENDING, PENDING);
    assert_int_equal(event_reset(d), 0);
    assert_null(d->event.fifo);
}

/* ---- the first number that is none ---- */

static void test_first_port_without_struct(void **state)
{
    struct evtchn_status st;
    u32 none;

    (void)state;
    d = make_max(1, 1, 2 * EVENT_BUCKET_PORTS - 1);
    for (u32 bucket = 1; bucket <= 2; bucket++) {        /* then there is no bucket, then not even a place for one */
        while (d->event.valid_ports < bucket * EVENT_BUCKET_PORTS) {
            assert_true(event_bind_ipi(d, 0) > 0);
        }
        none = d->event.valid_ports;
        assert_int_equal(event_send(d, none - 1), -EINVAL);      /* has a struct, and is closed */
        assert_int_equal(event_send(d, none), -EINVAL);
        assert_int_equal(event_close(d, none), -EINVAL);
        assert_int_equal(event_status(d, none, &st), -EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        event_test(test_busy_is_heeded), event_test(test_busy_is_ignored), event_test(test_taken_while_busy),
        event_test(test_reset_while_ports_are_opened), event_test(test_first_port_without_struct),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
