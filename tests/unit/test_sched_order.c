/* SPDX-License-Identifier: MIT */
/*
 * Where two CPUs each store one word and then look at the other's, a full barrier stands between the two (atomic.h):
 * here is the one side of each such pair, with what must have been stored at its barrier, and not yet looked at.
 */
/* unit-sources: core/sched/runqueue.c core/sched/balance.c core/sched/cap.c core/sched/cpupool.c */
/* unit-sources: core/sched/affinity.c core/sched/control.c core/sched/fair.c core/sched/credit.c core/sched/null.c */
/* unit-sources: core/vcpu/runstate.c core/vcpu/info.c core/hypercall/bitmap.c core/domain/nodes.c */
#include "test_sched_common.h"

static void (*at_barrier)(void);
static u32 barriers;

static void order_barrier(void)
{
    barriers++;
    if (at_barrier != NULL) {
        at_barrier();
    }
}

#define cpu_barrier order_barrier
#include "../../hypervisor/core/sched/pause.c"
#include "../../hypervisor/core/sched/switch.c"
#include "../../hypervisor/core/sched/wake.c"
#include "../../hypervisor/core/vcpu/vcpu.c"
#undef cpu_barrier

void arch_context_switch(struct vcpu *prev, struct vcpu *next)
{
    (void)prev;
    this_cpu()->current = next;
}

int arch_vcpu_create(struct vcpu *v)
{
    (void)v;
    return 0;
}

static struct vcpu *v;

static void watch(void (*fn)(void))
{
    barriers = 0;
    at_barrier = fn;
}

static void watched(void)
{
    at_barrier = NULL;
    assert_int_equal(barriers, 1);
}

/* Who gives a vCPU work: the bits, then whether it sleeps or runs. It: that it runs, then the bits (below). */
static void kicked(void)
{
    assert_int_equal(v->pending, PEND_VGIC);
    v->pause_flags |= VPF_BLOCKED;       /* it goes to sleep now: seen */
}

static void test_kick(void **state)
{
    (void)state;
    v = sched_runnable(1);
    assert_ptr_equal(run_on(0), v);
    vcpu_stop(v, VPF_BLOCKED);
    assert_true(run_on(0)->is_idle);
    v->pause_flags = 0;
    watch(kicked);
    vcpu_kick(v, PEND_VGIC);
    watched();
    assert_int_equal(v->pause_flags, 0);
    assert_true(v->sched.queued);
}

/* Who goes to sleep: the flag, then events. */
static void goes_to_sleep(void)
{
    assert_true((v->pause_flags & VPF_BLOCKED) != 0);
    v->info->evtchn_upcall_pending = 1;
}

static void test_block(void **state)
{
    (void)state;
    v = sched_runnable(1);
    assert_ptr_equal(run_on(0), v);
    watch(goes_to_sleep);
    vcpu_block_current();
    watched();
    assert_int_equal(v->pause_flags, 0);
}

/* The switch: who comes runs, then its pending word is read; who leaves does not, then its pause flags are. */
static void switched(void)
{
    assert_false(v->sched.running);
    assert_true(this_cpu()->current->sched.running);
    v->pause_flags = 0;                  /* woken now, by who has found it running and left it to this CPU */
}

static void test_switch(void **state)
{
    (void)state;
    v = sched_runnable(1);
    assert_ptr_equal(run_on(0), v);
    vcpu_stop(v, VPF_BLOCKED);
    watch(switched);
    assert_true(run_on(0)->is_idle);
    watched();
    assert_true(v->sched.queued);
}

/* Who idles: offers the CPU, then looks for work elsewhere. */
static void offered(void)
{
    assert_true(cpumask_test(&sched_idle_cpus, 1));
    at_barrier = NULL;
}

static void test_idle(void **state)
{
    (void)state;
    sched_machine(2, "credit2");
    watch(offered);
    assert_true(run_on(1)->is_idle);
    assert_true(barriers > 0);
    assert_null(at_barrier);
}

/* Who waits where another runs: that CPU is busy, then idle ones are looked for. */
static void waits(void)
{
    assert_true(cpumask_test(&sched_busy_cpus, 0));
    cpumask_set(&sched_idle_cpus, 1);    /* goes idle now: claimed */
}

static void test_wait(void **state)
{
    struct domain *d = sched_machine_with(2, 2);

    (void)state;
    pin_all(d, 0);
    v = d->vcpu[1];
    vcpu_unblock(d->vcpu[0], VPF_DOWN);
    assert_ptr_equal(run_on(0), d->vcpu[0]);
    memset(&sched_idle_cpus, 0, sizeof(sched_idle_cpus));
    cpumask_set(&v->sched.allowed, 1);
    watch(waits);
    vcpu_unblock(v, VPF_DOWN);
    watched();
    assert_false(cpumask_test(&sched_idle_cpus, 1));
    assert_true((pcpus[1]->idle->pending & PEND_RESCHED) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        sched_case(test_kick), sched_case(test_block), sched_case(test_switch), sched_case(test_idle),
        sched_case(test_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
