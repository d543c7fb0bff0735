/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* unit-sources: arch/arm/trap.c */
/* exit_work(): what is done before a guest is entered; others who add to it keep the CPU for a while at most. */
#include "sysreg.h"
#include <argon/smp.h>
#include <asm/irq.h>
#include <asm/smp.h>
#include <asm/trap.h>
#include <vdev/vgic.h>

#define MANY 1000u
#define FEW  16u                 /* no more than this at once */

u32 errata_word;

static struct vcpu *a, *b, *idle;
static struct vcpu *next;        /* what the scheduler chooses; NULL: who ran */
static u32 scheduled, flushed, synced, published, long_work, answered, kicks, idled, taken, looked, dumped;
static u32 at_once, most_at_once;/* turns since interrupts were let in */
static u32 again;                /* bits that another CPU sets as soon as they are gone ... */
static u32 left;                 /* ... so often */
static u32 arrives;              /* what the idle vCPU has to do when it wakes */
static bool lines_wait;

/* A turn of work is over: the other CPU. */
static void turn(struct vcpu *v)
{
    at_once++;
    most_at_once = MAX(most_at_once, at_once);
    if (left > 0) {
        left--;
        v->pending |= again;
    }
}

static void let_in(void)
{
    at_once = 0;
}

struct vcpu *sched_switch(void)
{
    struct pcpu *p = this_cpu();

    scheduled++;
    p->current->pending &= ~(u32)PEND_RESCHED;
    p->current = next != NULL ? next : p->current;
    p->current->pending &= ~(u32)PEND_RESCHED;
    turn(p->current);
    return p->current;
}

/* Something wakes b. */
void cpu_idle(void)
{
    assert_ptr_equal(current_vcpu(), idle);
    assert_int_equal(idle->pending, 0);
    idled++;
    idle->pending |= arrives;
    next = b;
    let_in();
}

void irq_handle(void)
{
    taken++;
    let_in();
}

void vgic_flush(struct vcpu *v) { flushed++; turn(v); }
void vgic_sync(struct vcpu *v) { synced++; turn(v); }
void vgic_its_work(struct vcpu *v) { long_work++; turn(v); }
void vcpu_runstate_publish(struct vcpu *v) { published++; turn(v); }
void quiesce_poll(void) { answered++; turn(current_vcpu()); }

void debug_dump_vcpu(struct vcpu *v)
{
    assert_ptr_equal(v, a);
    dumped++;
}

bool vgic_check_lines(struct vcpu *v)
{
    (void)v;
    looked++;
    return lines_wait;
}

void smp_kick(u32 cpu, u32 work)
{
    assert_int_equal(cpu, cpu_id());
    assert_int_equal(work, IPI_RESCHED);
    kicks++;
}

static int setup(void **state)
{
    int rc = sysreg_setup(state);
    struct domain *d = unit_domain(1, 2);

    a = d->vcpu[0];
    b = d->vcpu[1];
    idle = this_cpu()->idle;
    idle->pending = 0;
    unit_set_current(a);
    next = NULL;
    scheduled = flushed = synced = published = long_work = answered = kicks = idled = taken = looked = dumped = 0;
    at_once = most_at_once = again = left = arrives = 0;
    lines_wait = false;
    return rc;
}

static struct vcpu *work(u32 pending)
{
    a->pending = pending;
    at_once = 0;
    return exit_work(a);
}

static void test_each_once(void **state)
{
    (void)state;
    assert_ptr_equal(work(PEND_VGIC | PEND_SYNC | PEND_RUNSTATE | PEND_QUIESCE), a);
    assert_true(flushed == 1 && synced == 1 && published == 1 && answered == 1 && scheduled == 0);
    assert_int_equal(a->pending, 0);
    assert_ptr_equal(work(PEND_RESCHED), a);
    assert_int_equal(scheduled, 1);
    assert_int_equal(kicks + taken + looked, 0);
    assert_ptr_equal(work(PEND_DUMP | PEND_VGIC), a);
    assert_true(dumped == 1 && flushed == 2 && answered == 1);
    assert_int_equal(a->pending, 0);
}

/* What the next vCPU has waiting is done before it is entered. */
static void test_switch(void **state)
{
    (void)state;
    next = b;
    assert_ptr_equal(work(PEND_RESCHED), b);
    assert_int_equal(scheduled, 1);
    assert_int_equal(flushed, 0);
    unit_set_current(a);
    b->pending = PEND_VGIC | PEND_QUIESCE;
    assert_ptr_equal(work(PEND_RESCHED | PEND_VGIC), b);
    assert_true(flushed == 1 && answered == 1);
    assert_int_equal(a->pending, PEND_VGIC);             /* a's waits for a */
    assert_int_equal(b->pending, 0);
}

/* A line is looked at on each exit while there is one. */
static void test_lines(void **state)
{
    (void)state;
    lines_wait = true;
    assert_ptr_equal(work(PEND_LINE), a);
    assert_int_equal(a->pending, PEND_LINE);
    assert_ptr_equal(work(PEND_LINE | PEND_VGIC), a);
    assert_int_equal(a->pending, PEND_LINE);
    assert_true(looked == 2 && flushed == 1);
    lines_wait = false;
    assert_ptr_equal(work(PEND_LINE), a);
    assert_int_equal(a->pending, 0);
    assert_int_equal(looked, 3);
}

static void test_idle(void **state)
{
    (void)state;
    next = idle;
    assert_ptr_equal(work(PEND_RESCHED), b);
    assert_true(idled == 1 && scheduled == 2);
    /* It does not sleep over work of its own. */
    unit_set_current(a);
    next = idle;
    idle->pending = PEND_QUIESCE;
    assert_ptr_equal(work(PEND_RESCHED), b);
    assert_int_equal(answered, 1);
    assert_true(idled == 2 && scheduled == 5);
    /* Nor leaves undone what has woken it, whoever is next. */
    unit_set_current(a);
    next = idle;
    arrives = PEND_QUIESCE | PEND_RESCHED;
    assert_ptr_equal(work(PEND_RESCHED), b);
    assert_int_equal(answered, 2);
    assert_int_equal(idle->pending, 0);
}

/* Others give the vCPU work as fast as it is done: it goes on all the same, and comes back at once. */
static void test_work_without_end(void **state)
{
    static const u32 kinds[] = {
        PEND_VGIC, PEND_SYNC, PEND_QUIESCE, PEND_VGIC | PEND_QUIESCE, PEND_RUNSTATE | PEND_LINE,
    };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
        again = kinds[i];
        left = MANY;
        kicks = 0;
        assert_ptr_equal(work(kinds[i]), a);
        assert_in_range(most_at_once, 1, FEW);
        assert_int_equal(kicks, 1);
        assert_int_equal(a->pending & again, again);
    }
    assert_int_equal(taken, 0);
}

/* A turn that takes long is the only one: interrupts come next, and what is left after that. */
static void test_long_work(void **state)
{
    (void)state;
    again = PEND_ITS;
    left = MANY;
    assert_ptr_equal(work(PEND_ITS | PEND_VGIC), a);
    assert_true(long_work == 1 && flushed == 1 && kicks == 1);
    assert_int_equal(a->pending, PEND_ITS);
    left = 0;
    assert_ptr_equal(work(PEND_ITS), a);
    assert_true(long_work == 2 && kicks == 1);
    assert_int_equal(a->pending, 0);
}

/*
 * Or have the scheduler run as often. It must, for the vCPU may not be allowed to run; but interrupts, the CPU's timer
 * among them, have their turn.
 */
static void test_scheduler_without_end(void **state)
{
    (void)state;
    again = PEND_RESCHED;
    left = MANY;
    reg_set("isr_el1", BIT(7));
    assert_ptr_equal(work(PEND_RESCHED), a);
    assert_int_equal(scheduled, MANY + 1);
    assert_in_range(most_at_once, 1, FEW);
    assert_in_range(taken, MANY / FEW, MANY);
    /* Where none waits none is acknowledged. */
    left = MANY;
    taken = 0;
    reg_set("isr_el1", 0);
    assert_ptr_equal(work(PEND_RESCHED), a);
    assert_int_equal(taken, 0);
}

/* An idle CPU that is told of work again and again, which others then take. */
static void test_idle_without_end(void **state)
{
    (void)state;
    next = idle;
    again = PEND_RESCHED;
    left = MANY;
    reg_set("isr_el1", BIT(7));
    assert_ptr_equal(work(PEND_RESCHED), b);
    assert_int_equal(idled, 1);
    assert_in_range(most_at_once, 1, FEW);
    assert_in_range(taken, MANY / FEW, MANY);
}

#define work_case(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        work_case(test_each_once), work_case(test_switch), work_case(test_lines), work_case(test_idle),
        work_case(test_work_without_end), work_case(test_long_work),
        work_case(test_scheduler_without_end), work_case(test_idle_without_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
