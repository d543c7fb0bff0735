/* SPDX-License-Identifier: MIT */
/*
 * Several CPUs in event channels at once, under ThreadSanitizer: sends against close and bind anew, against moving a
 * port between queues, and a guest that takes events from its FIFO queues meanwhile and loses none.
 */
/* unit-sources: core/event/event.c core/event/table.c core/event/bind.c core/event/two_level.c core/event/fifo.c */
/* unit-sources: core/event/fifo_setup.c core/event/dump.c core/event/guest_atomic.c lib/bitmap.c core/smp/spinlock.c */
/* unit-sanitize: thread */
#include "test_event_common.h"
#include <sched.h>

#define ROUNDS 3000
#define PORTS  8

static struct domain *d0, *d1;
static u32 local[PORTS];                 /* dom0's ends */
static u32 remote[PORTS];                /* d1's ends */
static u32 stop;
static u32 sent[PORTS], taken;

/* Recorders of the support library are not made for threads. */
void vgic_set_level(struct domain *d, struct vcpu *v, u32 intid, bool level)
{
    (void)d;
    (void)v;
    (void)intid;
    (void)level;
}

void vcpu_kick(struct vcpu *v, u32 pending)
{
    (void)v;
    (void)pending;
}

static void sender(void)
{
    for (u32 i = 0; i < ROUNDS; i++) {
        for (u32 p = 0; p < PORTS; p++) {
            int rc = event_send(d0, local[p]);

            assert_true(rc == 0 || rc == -EINVAL);
        }
        sched_yield();
    }
}

/* Close either end, and connect again. */
static void closer(void)
{
    for (u32 i = 0; !atomic_load(&stop); i++) {
        u32 p = i % PORTS;

        if (i % 2 == 0) {
            assert_int_equal(event_close(d0, local[p]), 0);
            assert_int_equal(event_bind_interdomain(d0, d1, remote[p]), local[p]);
        } else {
            assert_int_equal(event_close(d1, remote[p]), 0);
            assert_int_equal(event_close(d0, local[p]), 0);
            assert_int_equal(unit_unbound(d1, 0), remote[p]);
            assert_int_equal(event_bind_interdomain(d0, d1, remote[p]), local[p]);
        }
        sched_yield();
    }
}

static void test_send_against_close(void **state)
{
    (void)state;
    d0 = make(0, 1);
    d1 = make(1, 2);
    for (u32 p = 0; p < PORTS; p++) {
        connect_pair(d0, &local[p], d1, &remote[p]);
    }
    stop = 0;
    unit_thread_start(1, sender);
    unit_thread_start(2, sender);
    unit_thread_start(3, closer);
    unit_thread_join(1);
    unit_thread_join(2);
    atomic_store(&stop, 1);
    unit_thread_join(3);
    assert_int_equal(d0->event.active, PORTS);
    assert_int_equal(d1->event.active, PORTS);
}

/* ---- FIFO: the guest's side with real atomic operations ---- */
static u32 *words;
static struct evtchn_fifo_control_block *control;
static u32 got[PORTS + 1];

#define LINKED (1u << EVTCHN_FIFO_LINKED)
#define WORD_PENDING (1u << EVTCHN_FIFO_PENDING)

static void consume(u32 *head, u32 *ready, u32 q)
{
    u32 port = head[q] != 0 ? head[q] : atomic_load_acquire(&control->head[q]);
    u32 w = atomic_fetch_and(&words[port], ~(LINKED | (u32)EVTCHN_FIFO_LINK_MASK));

    head[q] = w & EVTCHN_FIFO_LINK_MASK;
    if (head[q] == 0) {
        *ready &= ~BIT32(q);
    }
    if (atomic_fetch_and(&words[port], ~WORD_PENDING) & WORD_PENDING) {
        assert_true(port >= 1 && port <= PORTS);
        got[port]++;
        atomic_store_release(&taken, taken + 1);
    }
}

static void guest(void)
{
    u32 head[EVTCHN_FIFO_MAX_QUEUES] = { 0 }, ready = 0;

    for (;;) {
        bool last = atomic_load_acquire(&stop);

        atomic_store_release(&d1->vcpu[0]->info->evtchn_upcall_pending, 0);
        ready |= atomic_exchange(&control->ready, 0);
        while (ready != 0) {
            consume(head, &ready, (u32)__builtin_ctz(ready));
            ready |= atomic_exchange(&control->ready, 0);
        }
        if (last) {
            return;
        }
        sched_yield();
    }
}

/* Sends its own port only when the guest has taken the last one: then no event may be missing in the end. */
static void counting_sender(void)
{
    for (u32 i = 0; i < ROUNDS; i++) {
        for (u32 p = cpu_id(); p < PORTS; p += 2) {
            while (atomic_load(&words[remote[p]]) & WORD_PENDING) {
                sched_yield();
            }
            assert_int_equal(event_send(d0, local[p]), 0);
            sent[p]++;
        }
    }
}

static void mover(void)
{
    for (u32 i = 0; !atomic_load(&stop); i++) {
        assert_int_equal(event_set_priority(d1, remote[i % PORTS], i % 3), 0);
        assert_int_equal(event_unmask(d1, remote[(i + 1) % PORTS]), 0);
        sched_yield();
    }
}

static void test_fifo_loses_nothing(void **state)
{
    u64 gpa;

    (void)state;
    d0 = make(0, 1);
    d1 = make(1, 1);
    gpa = unit_guest_alloc(d1, PAGE_SIZE);
    assert_int_equal(event_init_control(d1, 0, gpa >> PAGE_SHIFT, 0), 0);
    control = unit_guest_ptr(d1, gpa);
    gpa = unit_guest_alloc(d1, PAGE_SIZE);
    assert_int_equal(event_expand_array(d1, gpa >> PAGE_SHIFT), 0);
    words = unit_guest_ptr(d1, gpa);
    memset(got, 0, sizeof(got));
    memset(sent, 0, sizeof(sent));
    taken = 0;
    stop = 0;
    for (u32 p = 0; p < PORTS; p++) {
        connect_pair(d0, &local[p], d1, &remote[p]);
    }
    unit_thread_start(2, guest);
    unit_thread_start(3, mover);
    unit_thread_start(0, counting_sender);
    unit_thread_start(1, counting_sender);
    unit_thread_join(0);
    unit_thread_join(1);
    for (u32 p = 0; p < PORTS; p++) {
        while (atomic_load(&words[remote[p]]) & WORD_PENDING) {
            sched_yield();
        }
    }
    atomic_store_release(&stop, 1);
    unit_thread_join(2);
    unit_thread_join(3);
    for (u32 p = 0; p < PORTS; p++) {
        assert_int_equal(got[remote[p]], sent[p]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { event_test(test_send_against_close), event_test(test_fifo_loses_nothing) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
