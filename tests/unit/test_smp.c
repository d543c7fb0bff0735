/* SPDX-License-Identifier: MIT */
/* unit-sources: core/smp/smp.c core/smp/quiesce.c */
#include "unit.h"
#include <argon/console.h>
#include <argon/sched.h>
#include <argon/smp.h>
#include <argon/timer.h>

void sched_kicked(void) { host_record(__func__, cpu_id(), 0, 0, 0); }
void timer_reprogram(void) { host_record(__func__, cpu_id(), 0, 0, 0); }
void debug_dump_cpu(void) { host_record(__func__, cpu_id(), 0, 0, 0); }
void console_notify(void) { host_record(__func__, cpu_id(), 0, 0, 0); }

static u64 known_period;         /* the module counts on through all tests */

static int setup(void **state)
{
    unit_setup(state);
    for_each_cpu(cpu) {
        pcpus[cpu]->quiesce_seq = known_period;
    }
    return 0;
}

static int teardown(void **state)
{
    known_period = pcpus[0]->quiesce_seq;
    return unit_teardown(state);
}

/* ---- kicks ---- */

static void test_one_interrupt_until_answered(void **state)
{
    (void)state;
    smp_kick(2, IPI_RESCHED);
    smp_kick(2, IPI_RESCHED);
    smp_kick(2, IPI_TIMER);
    assert_int_equal(host_calls("arch_send_ipi"), 1);
    assert_int_equal(host_last("arch_send_ipi")->a[0], 2);
    smp_kick(1, IPI_RESCHED);
    assert_int_equal(host_calls("arch_send_ipi"), 2);

    unit_set_cpu(2);
    smp_handle_ipi();
    assert_int_equal(host_calls("sched_kicked"), 1);
    assert_int_equal(host_last("sched_kicked")->a[0], 2);
    assert_int_equal(host_calls("timer_reprogram"), 1);
    assert_int_equal(pcpus[2]->ipi_work, 0);
    smp_handle_ipi();                                    /* spurious */
    assert_int_equal(host_calls("sched_kicked"), 1);
    unit_set_cpu(0);
    smp_kick(2, IPI_RESCHED);
    assert_int_equal(host_calls("arch_send_ipi"), 3);
}

static void test_each_work(void **state)
{
    (void)state;
    smp_kick(0, IPI_DUMP);                               /* a CPU may kick itself */
    smp_kick(0, IPI_CONSOLE);
    smp_handle_ipi();
    assert_int_equal(host_calls("debug_dump_cpu"), 1);
    assert_int_equal(host_calls("console_notify"), 1);
    assert_int_equal(host_calls("sched_kicked"), 0);
    assert_int_equal(host_calls("timer_reprogram"), 0);
    smp_kick(0, IPI_STOP | IPI_RESCHED);
    unit_expect_panic(smp_handle_ipi());                 /* the fake arch_stop_cpu() */
}

static void test_stop_others(void **state)
{
    (void)state;
    unit_set_cpu(1);
    smp_stop_others();
    assert_int_equal(host_calls("arch_send_ipi"), 3);
    assert_int_equal(pcpus[1]->ipi_work, 0);
    assert_int_equal(pcpus[0]->ipi_work, IPI_STOP);
    assert_int_equal(pcpus[3]->ipi_work, IPI_STOP);
}

/* ---- grace periods ---- */

struct object {
    struct quiesce_head head;
    u32 freed;
};

static void free_object(struct quiesce_head *head)
{
    container_of(head, struct object, head)->freed++;
}

/* CPU `cpu` takes its interrupt, if one is on the way. */
static void take_ipi(u32 cpu)
{
    unit_set_cpu(cpu);
    smp_handle_ipi();
    unit_set_cpu(0);
}

static void test_waits_for_all(void **state)
{
    struct object o = { .freed = 0 };

    (void)state;
    quiesce_defer(&o.head, free_object);
    assert_int_equal(host_calls("arch_send_ipi"), 3);
    assert_true(pcpus[0]->current->pending & PEND_QUIESCE);
    take_ipi(1);
    take_ipi(1);                                         /* twice is once */
    quiesce_poll();
    quiesce_poll();
    take_ipi(3);
    assert_int_equal(o.freed, 0);
    take_ipi(2);
    assert_int_equal(o.freed, 1);
    assert_int_equal(host_calls("arch_send_ipi"), 3);    /* nothing more to wait for */
}

/*
 * What is deferred while a period is open needs a period of its own: a CPU that has answered may have found it since.
 */
static void test_second_period(void **state)
{
    struct object a = { .freed = 0 }, b = { .freed = 0 }, c = { .freed = 0 };

    (void)state;
    quiesce_defer(&a.head, free_object);
    take_ipi(1);
    take_ipi(2);
    quiesce_defer(&b.head, free_object);
    quiesce_defer(&c.head, free_object);
    assert_int_equal(host_calls("arch_send_ipi"), 3);
    quiesce_poll();
    take_ipi(3);                                         /* last of the first period: opens the second */
    assert_int_equal(a.freed, 1);
    assert_int_equal(b.freed, 0);
    assert_int_equal(host_calls("arch_send_ipi"), 6);
    take_ipi(1);
    take_ipi(2);
    quiesce_poll();
    assert_int_equal(b.freed, 0);
    take_ipi(3);
    quiesce_poll();
    unit_set_cpu(3);
    quiesce_poll();
    assert_int_equal(b.freed, 1);
    assert_int_equal(c.freed, 1);
    assert_int_equal(a.freed, 1);
}

static struct object again;
static u32 rounds;

static void defer_again(struct quiesce_head *head)
{
    if (++rounds < 3) {
        quiesce_defer(head, defer_again);
    }
}

static void test_callback_defers_itself(void **state)
{
    (void)state;
    rounds = 0;
    quiesce_defer(&again.head, defer_again);
    for (u32 i = 0; i < 12; i++) {
        unit_set_cpu(i % 4);
        quiesce_poll();
    }
    assert_int_equal(rounds, 3);
}

static void test_single_cpu(void **state)
{
    struct object o = { .freed = 0 };

    (void)state;
    unit_machine(1);
    pcpus[0]->quiesce_seq = known_period;
    quiesce_poll();                                      /* nothing open */
    quiesce_defer(&o.head, free_object);
    assert_int_equal(o.freed, 0);                        /* not before the caller has left */
    assert_int_equal(host_calls("arch_send_ipi"), 0);
    assert_true(pcpus[0]->current->pending & PEND_QUIESCE);
    quiesce_poll();
    assert_int_equal(o.freed, 1);
    quiesce_poll();
    assert_int_equal(o.freed, 1);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_one_interrupt_until_answered), CASE(test_each_work), CASE(test_stop_others), CASE(test_waits_for_all),
        CASE(test_second_period), CASE(test_callback_defers_itself), CASE(test_single_cpu),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
