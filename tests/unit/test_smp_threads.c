/* SPDX-License-Identifier: MIT */
/* Locks and grace periods between threads that play CPUs, under ThreadSanitizer. */
/* unit-sanitize: thread */
/* unit-sources: core/smp/smp.c core/smp/quiesce.c */
#include <sched.h>
#include "unit.h"
#include <argon/console.h>
#include <argon/sched.h>
#include <argon/smp.h>
#include <argon/spinlock.h>
#include <argon/timer.h>

/* The fakes' records are not made for several threads. */
void arch_send_ipi(u32 cpu) { (void)cpu; }
void sched_kicked(void) { }
void debug_dump_cpu(void) { }
void console_notify(void) { }

static struct spinlock low = SPINLOCK_INIT(RANK_DOMAIN);

/* ---- mutual exclusion; TSan sees a race if the lock does not order the accesses ---- */

#define THREADS 4
#define ROUNDS  3000
static u64 counter, tried;

static void contend(void)
{
    for (u32 i = 0; i < ROUNDS; i++) {
        spin_lock(&low);
        counter++;
        spin_unlock(&low);
        if (spin_trylock(&low)) {
            counter++;
            tried++;
            spin_unlock(&low);
        }
    }
}

static void test_contention(void **state)
{
    (void)state;
    counter = 0;
    tried = 0;
    for (u32 cpu = 0; cpu < THREADS; cpu++) {
        unit_thread_start(cpu, contend);
    }
    for (u32 cpu = 0; cpu < THREADS; cpu++) {
        unit_thread_join(cpu);
    }
    assert_int_equal(counter, THREADS * ROUNDS + tried);
    assert_false(spin_is_locked(&low));
}

/* ---- readers and a reclaimer as threads ---- */

#define READERS 3
static u32 stop;
static u64 reclaimed;

struct cell {
    struct quiesce_head head;
    u64 value;
};

static struct cell *published;

static void reclaim(struct quiesce_head *head)
{
    struct cell *c = container_of(head, struct cell, head);

    c->value = 0;
    free(c);
    atomic_fetch_add(&reclaimed, 1);
}

/* The exit path: interrupts, then what is pending. */
static void leave_hypervisor(void)
{
    smp_handle_ipi();
    if (atomic_fetch_and(&current_vcpu()->pending, ~(u32)PEND_QUIESCE) & PEND_QUIESCE) {
        quiesce_poll();
    }
}

static void reader(void)
{
    while (!atomic_load(&stop)) {
        struct cell *c = atomic_load_acquire(&published);

        assert_int_equal(c->value, 42);                  /* ASan sees it if it was freed */
        leave_hypervisor();
    }
}

static struct cell *new_cell(void)
{
    struct cell *c = calloc(1, sizeof(*c));

    c->value = 42;
    return c;
}

static void test_grace_periods(void **state)
{
    u64 want = 0;

    (void)state;
    stop = 0;
    reclaimed = 0;
    published = new_cell();
    for (u32 cpu = 1; cpu <= READERS; cpu++) {
        unit_thread_start(cpu, reader);
    }
    for (u32 i = 0; i < 200; i++) {
        struct cell *old = published;

        atomic_store_release(&published, new_cell());
        quiesce_defer(&old->head, reclaim);
        want++;
        leave_hypervisor();
        sched_yield();
    }
    for (u32 i = 0; i < 1000000 && atomic_load(&reclaimed) < want; i++) {
        leave_hypervisor();
        sched_yield();
    }
    atomic_store(&stop, 1);
    for (u32 cpu = 1; cpu <= READERS; cpu++) {
        unit_thread_join(cpu);
    }
    assert_int_equal(reclaimed, want);
    free(published);
    for_each_cpu(cpu) {                                  /* all have answered the last period */
        assert_int_equal(pcpus[cpu]->quiesce_seq, pcpus[0]->quiesce_seq);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { unit_case(test_contention), unit_case(test_grace_periods) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
