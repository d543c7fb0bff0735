/* SPDX-License-Identifier: MIT */
/* A FIFO port that is sent, moved and unmasked at once: wherever the other CPU comes in between, no event is lost. */
/* unit-sources: core/event/event.c core/event/table.c core/event/bind.c core/event/two_level.c */
/* unit-sources: core/event/fifo_setup.c core/event/dump.c core/event/guest_atomic.c lib/bitmap.c */
#define UNIT_INTERLEAVE 1
#include "test_event_common.h"
#include "../../hypervisor/core/event/fifo.c"

static struct domain *a, *d;
static u32 moves;
static u32 pa, p, other;                 /* pa is connected to p; other: an IPI to vCPU 0 */
static u32 *words;
static struct evtchn_fifo_control_block *cb[2];

static void start(void)
{
    u64 gpa;

    a = make(0, 1);
    d = make(1, 2);
    for (u32 n = 0; n < 2; n++) {
        gpa = unit_guest_alloc(d, PAGE_SIZE);
        assert_int_equal(event_init_control(d, n, gpa >> PAGE_SHIFT, 0), 0);
        cb[n] = unit_guest_ptr(d, gpa);
    }
    gpa = unit_guest_alloc(d, PAGE_SIZE);
    assert_int_equal(event_expand_array(d, gpa >> PAGE_SHIFT), 0);
    words = unit_guest_ptr(d, gpa);
    connect_pair(a, &pa, d, &p);
    other = (u32)event_bind_ipi(d, 0);
    /* p was on vCPU 0's queue, and is its tail. */
    assert_int_equal(event_send(a, pa), 0);
    assert_int_equal(cb[0]->head[7], p);
    words[p] = 0;
    cb[0]->ready = 0;
}

/* How many times are the two ports on vCPU n's queue? As the guest takes them, from its head on. */
static void take_all(u32 n, u32 *seen_p, u32 *seen_other)
{
    u32 port = cb[n]->ready & BIT32(7) ? cb[n]->head[7] : 0;

    while (port != 0) {
        u32 w = words[port];

        words[port] = w & ~(PENDING | LINKED | (u32)EVTCHN_FIFO_LINK_MASK);
        *seen_p += port == p && (w & PENDING);
        *seen_other += port == other && (w & PENDING);
        port = w & EVTCHN_FIFO_LINK_MASK;
    }
}

/* Still bound to vCPU 0 it is unmasked, and put on the queue there; now it is vCPU 1's. */
static void unmasked_and_moved(void)
{
    if (spin_is_locked(&d->vcpu[0]->event.fifo->queue[7].lock) ||
        spin_is_locked(&d->vcpu[1]->event.fifo->queue[7].lock)) {
        return;                          /* the other CPU would wait */
    }
    unit_set_cpu(1);
    assert_int_equal(event_bind_vcpu(d, p, 0), 0);
    assert_int_equal(event_unmask(d, p), 0);
    assert_int_equal(event_bind_vcpu(d, p, 1), 0);
    unit_set_cpu(0);
    moves++;
}

static void test_linked_where_it_was(void **state)
{
    bool more = true;

    moves = 0;
    for (u32 at = 1; more; at++) {
        u32 seen_p = 0, seen_other = 0;

        start();
        assert_int_equal(event_bind_vcpu(d, p, 1), 0);
        interleave_begin(at, unmasked_and_moved, 0, NULL);
        assert_int_equal(event_send(a, pa), 0);
        more = !interleave_end();
        assert_int_equal(event_send(d, other), 0);
        take_all(0, &seen_p, &seen_other);
        take_all(1, &seen_p, &seen_other);
        assert_int_equal(seen_p, 1);
        assert_int_equal(seen_other, 1);
        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
        assert_true(at < 100);
    }
    assert_true(moves > 3);
}

static u32 unmasks;

static void unmasked(void)
{
    if (!spin_is_locked(&d->vcpu[0]->event.fifo->queue[7].lock)) {
        unit_set_cpu(1);
        assert_int_equal(event_unmask(d, p), 0);
        unit_set_cpu(0);
        unmasks++;
    }
}

/* Sent and unmasked at once, both find it pending and not linked: the first links it, the second sees that. */
static void test_linked_once(void **state)
{
    bool more = true;

    unmasks = 0;
    for (u32 at = 1; more; at++) {
        u32 port, visits = 0, entries = 0;

        start();
        assert_int_equal(event_send(d, other), 0);
        interleave_begin(at, unmasked, 0, NULL);
        assert_int_equal(event_send(a, pa), 0);
        more = !interleave_end();
        for (port = cb[0]->head[7]; port != 0 && entries < 4; port = words[port] & EVTCHN_FIFO_LINK_MASK) {
            visits += port == p;
            entries++;
        }
        assert_int_equal(visits, 1);
        assert_int_equal(entries, 2);
        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
        assert_true(at < 100);
    }
    assert_true(unmasks > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = { event_test(test_linked_where_it_was), event_test(test_linked_once) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
