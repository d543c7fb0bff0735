/* SPDX-License-Identifier: MIT */
/* The scheduler on one CPU: run queue, blocking and waking, slices and fairness, pauses, parameters. */
/* unit-sources: core/sched/runqueue.c core/sched/wake.c core/sched/balance.c core/sched/cap.c core/sched/switch.c */
/* unit-sources: core/sched/pause.c core/sched/cpupool.c core/sched/affinity.c core/sched/control.c core/sched/fair.c */
/* unit-sources: core/sched/credit.c core/sched/null.c */
/* unit-sources: core/vcpu/vcpu.c core/vcpu/runstate.c core/vcpu/info.c core/hypercall/bitmap.c */
/* unit-sources: core/domain/nodes.c */
#include "test_sched_common.h"

/* ---- choosing ---- */

static void test_idle_when_nothing_to_run(void **state)
{
    (void)state;
    sched_machine(1, "credit2");
    assert_true(sched_switch()->is_idle);
    assert_int_equal(host_calls("arch_context_switch"), 0);
}

static void test_wake_and_block(void **state)
{
    struct vcpu *v = sched_vcpu(1);

    (void)state;
    assert_int_equal(v->runstate.state, RUNSTATE_offline);
    vcpu_unblock(v, VPF_DOWN);
    assert_true(v->sched.queued);
    assert_int_equal(v->runstate.state, RUNSTATE_runnable);
    assert_true(pcpus[0]->idle->pending & PEND_RESCHED);
    assert_ptr_equal(sched_switch(), v);
    assert_ptr_equal(current_vcpu(), v);
    assert_false(v->sched.queued);
    assert_true(v->sched.running);
    assert_int_equal(v->runstate.state, RUNSTATE_running);

    vcpu_block_current();
    assert_true(v->pending & PEND_RESCHED);
    assert_int_equal(v->pause_flags, VPF_BLOCKED);
    unit_advance(1000);
    assert_true(sched_switch()->is_idle);
    assert_false(v->pending & PEND_RESCHED);
    assert_true(vcpu_is_descheduled(v));
    assert_int_equal(v->runstate.state, RUNSTATE_blocked);
    assert_int_equal(v->runstate.time[RUNSTATE_running], 1000);

    unit_advance(500);
    vcpu_kick(v, PEND_VGIC);
    assert_true(v->pending & PEND_VGIC);
    assert_int_equal(v->pause_flags, 0);
    assert_ptr_equal(sched_switch(), v);
    assert_int_equal(v->runstate.time[RUNSTATE_blocked], 500);
    assert_int_equal(cpu_idle_time(0), 500);
}

static void test_block_with_event_pending_does_not_sleep(void **state)
{
    struct vcpu *v = sched_runnable(1);

    (void)state;
    sched_switch();
    v->info->evtchn_upcall_pending = 1;
    vcpu_block_current();
    assert_int_equal(v->pause_flags, 0);
    assert_false(v->pending & PEND_RESCHED);
    v->info->evtchn_upcall_pending = 0;
    irq_deliverable = true;
    vcpu_block_current();
    assert_int_equal(v->pause_flags, 0);
    irq_deliverable = false;
    /* What it has asked for and is still to be done may be an interrupt, too: nobody else would go on with it. */
    v->pending |= PEND_ITS;
    vcpu_block_current();
    assert_int_equal(v->pause_flags, 0);
    assert_int_equal(v->pending, PEND_ITS);
}

/* Between setting the flag and the switch an event comes: the switch finds the vCPU runnable. */
static void test_wake_before_the_switch_is_not_lost(void **state)
{
    struct vcpu *v = sched_runnable(2);

    (void)state;
    unit_set_cpu(v->cpu);
    sched_switch();
    vcpu_block_current();
    unit_set_cpu(1 - v->cpu);
    vcpu_unblock(v, VPF_BLOCKED);
    assert_false(v->sched.queued);
    unit_set_cpu(v->cpu);
    assert_ptr_equal(sched_switch(), v);
    assert_int_equal(v->runstate.state, RUNSTATE_running);
}

static void test_yield_alone_costs_nothing(void **state)
{
    struct domain *d = sched_machine_with(1, 1);

    (void)state;
    vcpu_unblock(d->vcpu[0], VPF_DOWN);
    sched_switch();
    vcpu_yield_current();
    assert_int_equal(d->vcpu[0]->pending, 0);
    assert_false(d->vcpu[0]->sched.yielded);
}

static void test_yield_alternates(void **state)
{
    struct domain *d = sched_machine_with(1, 2);
    struct vcpu *first, *other;

    (void)state;
    vcpu_unblock(d->vcpu[0], VPF_DOWN);
    vcpu_unblock(d->vcpu[1], VPF_DOWN);
    first = sched_switch();
    for (u32 i = 0; i < 10; i++) {
        unit_advance(100);
        vcpu_yield_current();
        other = sched_switch();
        assert_ptr_not_equal(other, first);
        assert_true(first->sched.queued);
        first = other;
    }
    assert_int_equal(host_calls("arch_context_switch"), 11);
}

/* ---- slices and fairness ---- */

static void test_no_timer_when_alone(void **state)
{
    struct domain *d = sched_machine_with(1, 2);

    (void)state;
    vcpu_unblock(d->vcpu[0], VPF_DOWN);
    sched_switch();
    assert_false(pcpus[0]->sched.slice.queued);
    vcpu_unblock(d->vcpu[1], VPF_DOWN);
    assert_true(pcpus[0]->sched.slice.queued);
}

static void test_a_sleeper_preempts_at_once(void **state)
{
    struct domain *d = sched_machine_with(1, 2);
    struct vcpu *hog, *io;

    (void)state;
    hog = d->vcpu[0];
    io = d->vcpu[1];
    vcpu_unblock(io, VPF_DOWN);
    sched_switch();
    vcpu_block_current();
    sched_switch();
    vcpu_unblock(hog, VPF_DOWN);
    sched_switch();
    unit_advance(50 * NS_PER_MS);
    vcpu_kick(io, 0);
    assert_true(hog->pending & PEND_RESCHED);
    assert_ptr_equal(sched_switch(), io);
    assert_true(hog->sched.queued);
}

/* One CPU with limit `us`: dom `d1` runs, far ahead of `io`, d2's only vCPU, which sleeps. d1 runs for 300 us now. */
static void limited_machine(u32 us, struct domain **d1, struct domain **d2)
{
    sched_machine(1, "credit2");
    cpupools[0].ratelimit_us = us;
    *d1 = sched_domain(1, 2);
    *d2 = sched_domain(2, 1);
    vcpu_unblock((*d2)->vcpu[0], VPF_DOWN);
    sched_switch();
    vcpu_block_current();
    sched_switch();
    vcpu_unblock((*d1)->vcpu[0], VPF_DOWN);
    assert_ptr_equal(sched_switch(), (*d1)->vcpu[0]);
    unit_advance(50 * NS_PER_MS);
    vcpu_kick((*d2)->vcpu[0], 0);                    /* long past the limit: at once */
    assert_ptr_equal(sched_switch(), (*d2)->vcpu[0]);
    vcpu_block_current();
    assert_ptr_equal(sched_switch(), (*d1)->vcpu[0]);
    (*d1)->vcpu[0]->sched.vruntime += sched_weigh((*d1)->vcpu[0], 20 * NS_PER_MS);
    unit_advance(300 * NS_PER_US);
}

static void test_ratelimit_delays_the_woken(void **state)
{
    struct domain *d1, *d2;
    struct vcpu *hog;

    (void)state;
    limited_machine(1000, &d1, &d2);
    hog = d1->vcpu[0];
    vcpu_kick(d2->vcpu[0], 0);
    assert_false(hog->pending & PEND_RESCHED);
    unit_advance(690 * NS_PER_US);
    assert_false(hog->pending & PEND_RESCHED);
    unit_advance(20 * NS_PER_US);                    /* its 1000 us are over, though not its slice of 5 ms */
    assert_true(hog->pending & PEND_RESCHED);
    assert_ptr_equal(sched_switch(), d2->vcpu[0]);
}

static void test_ratelimit_ends_when_the_waker_sleeps(void **state)
{
    struct domain *d1, *d2;

    (void)state;
    limited_machine(1000, &d1, &d2);
    vcpu_kick(d2->vcpu[0], 0);
    vcpu_block_current();
    assert_ptr_equal(sched_switch(), d2->vcpu[0]);
    unit_advance(2 * NS_PER_MS);                     /* the timer that is armed still changes nothing */
    assert_false(d2->vcpu[0]->pending & PEND_RESCHED);
    assert_ptr_equal(current_vcpu(), d2->vcpu[0]);
}

/* The slice begins again for one that keeps its turn; the limit does not. */
static void test_ratelimit_counts_from_the_switch(void **state)
{
    struct domain *d1, *d2;

    (void)state;
    limited_machine(1000, &d1, &d2);
    unit_advance(5 * NS_PER_MS);
    d1->vcpu[0]->sched.start = now_ns();
    vcpu_kick(d2->vcpu[0], 0);
    assert_true(d1->vcpu[0]->pending & PEND_RESCHED);
}

static void test_ratelimit_spares_interrupts_and_ipis(void **state)
{
    struct domain *d1, *d2;

    (void)state;
    limited_machine(1000, &d1, &d2);
    this_cpu()->in_irq = true;                       /* a device's interrupt */
    vcpu_kick(d2->vcpu[0], 0);
    this_cpu()->in_irq = false;
    assert_true(d1->vcpu[0]->pending & PEND_RESCHED);
    sched_teardown(state);
    limited_machine(1000, &d1, &d2);
    d1->vcpu[1]->pause_flags = VPF_BLOCKED;          /* its own sibling: it may spin for the answer */
    d1->vcpu[1]->sched.vruntime = d1->vcpu[0]->sched.vruntime - sched_weigh(d1->vcpu[0], 20 * NS_PER_MS);
    vcpu_kick(d1->vcpu[1], 0);
    assert_true(d1->vcpu[0]->pending & PEND_RESCHED);
}

static void test_ratelimit_off(void **state)
{
    struct domain *d1, *d2;

    (void)state;
    limited_machine(0, &d1, &d2);
    vcpu_kick(d2->vcpu[0], 0);
    assert_true(d1->vcpu[0]->pending & PEND_RESCHED);
}

/* A vCPU on another CPU is not what runs here: the limit is the waker's. */
static void test_ratelimit_is_the_wakers(void **state)
{
    struct domain *d1, *d2;

    (void)state;
    sched_machine(2, "credit2");
    cpupools[0].ratelimit_us = 1000;
    d1 = sched_domain(1, 1);
    d2 = sched_domain(2, 2);
    pin_all(d1, 0);
    pin_all(d2, 1);
    vcpu_unblock(d1->vcpu[0], VPF_DOWN);
    run_on(0);
    vcpu_unblock(d2->vcpu[0], VPF_DOWN);
    run_on(1);
    d2->vcpu[0]->sched.vruntime += sched_weigh(d2->vcpu[0], 20 * NS_PER_MS);
    unit_set_cpu(0);
    vcpu_unblock(d2->vcpu[1], VPF_DOWN);
    assert_true(d2->vcpu[0]->pending & PEND_RESCHED);
}

static void test_ratelimit_option(void **state)
{
    (void)state;
    opt.sched_ratelimit_us = 50000;
    cpupool_init(sched_ops_by_id(XEN_SCHEDULER_CREDIT2));
    assert_int_equal(cpupools[0].ratelimit_us, 50000);
    cpupool_init(sched_ops_by_id(XEN_SCHEDULER_CREDIT));
    assert_int_equal(cpupools[0].ratelimit_us, 30000);       /* its slice */
}

static void test_null_policy_runs_to_block(void **state)
{
    struct domain *d;

    (void)state;
    sched_machine(1, "null");
    assert_int_equal(sched_id(), XEN_SCHEDULER_NULL);
    d = sched_domain(1, 2);
    vcpu_unblock(d->vcpu[0], VPF_DOWN);
    sched_switch();
    vcpu_unblock(d->vcpu[1], VPF_DOWN);
    run_cpu0(100);
    assert_int_equal(vcpu_cpu_time(d->vcpu[1]), 0);
    assert_false(pcpus[0]->sched.slice.queued);
    vcpu_block_current();
    assert_ptr_equal(sched_switch(), d->vcpu[1]);
}

/* ---- pauses ---- */

static void test_pauses_are_counted(void **state)
{
    struct vcpu *v = sched_runnable(1);
    struct domain *d = v->domain;

    (void)state;
    sched_switch();
    vcpu_pause(v);
    assert_true(v->pending & PEND_RESCHED);
    assert_false(vcpu_is_descheduled(v));
    assert_true(sched_switch()->is_idle);
    assert_true(vcpu_is_descheduled(v));
    assert_int_equal(v->runstate.state, RUNSTATE_offline);
    domain_pause(d);
    vcpu_unpause(v);
    assert_int_equal(v->pause_flags, VPF_PAUSED);
    assert_false(v->sched.queued);
    domain_unpause(d);
    assert_int_equal(v->pause_flags, 0);
    assert_true(v->sched.queued);
    assert_ptr_equal(sched_switch(), v);
}

static void test_pausing_a_waiting_vcpu_takes_it_off_the_queue(void **state)
{
    struct domain *d = sched_machine_with(1, 2);

    (void)state;
    vcpu_unblock(d->vcpu[0], VPF_DOWN);
    sched_switch();
    vcpu_unblock(d->vcpu[1], VPF_DOWN);
    assert_int_equal(pcpus[0]->sched.nr_runnable, 1);
    vcpu_pause(d->vcpu[1]);
    assert_int_equal(pcpus[0]->sched.nr_runnable, 0);
    assert_false(d->vcpu[1]->sched.queued);
    assert_true(domain_is_descheduled(d) == false);
    vcpu_unpause(d->vcpu[1]);
    assert_int_equal(pcpus[0]->sched.nr_runnable, 1);
}

static void test_blocked_shows_through_a_pause(void **state)
{
    struct vcpu *v = sched_runnable(1);

    (void)state;
    sched_switch();
    vcpu_block_current();
    vcpu_pause(v);
    sched_switch();
    assert_int_equal(v->runstate.state, RUNSTATE_blocked);
    vcpu_unblock(v, VPF_BLOCKED);
    assert_int_equal(v->runstate.state, RUNSTATE_offline);
    vcpu_unpause(v);
    assert_int_equal(v->runstate.state, RUNSTATE_runnable);
}

static void test_a_vcpu_made_in_a_paused_domain_is_paused(void **state)
{
    struct domain *d;

    (void)state;
    sched_machine(1, "credit2");
    d = sched_domain_without_vcpus(1, 1);
    domain_pause(d);
    domain_pause(d);
    assert_int_equal(vcpu_create(d, 0), 0);
    assert_int_equal(d->vcpu[0]->pause_count, 2);
    vcpu_unblock(d->vcpu[0], VPF_DOWN);
    domain_unpause(d);
    assert_false(d->vcpu[0]->sched.queued);
    domain_unpause(d);
    assert_true(d->vcpu[0]->sched.queued);
}

/* ---- parameters ---- */

static void test_unknown_policy_is_named(void **state)
{
    (void)state;
    sched_machine(1, "rtds");
    assert_non_null(strstr(unit_log(), "sched=rtds"));
    assert_int_equal(sched_id(), XEN_SCHEDULER_CREDIT2);
}

static void test_domctl_parameters(void **state)
{
    struct domain *d = sched_machine_with(1, 1);
    struct xen_domctl_scheduler_op op = { .sched_id = XEN_SCHEDULER_CREDIT2, .cmd = XEN_DOMCTL_SCHEDOP_getinfo };

    (void)state;
    assert_int_equal(sched_domctl(d, &op), 0);
    assert_int_equal(op.u.credit2.weight, 256);
    assert_int_equal(op.u.credit2.cap, 0);
    op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
    op.u.credit2.weight = 512;
    op.u.credit2.cap = 50;
    assert_int_equal(sched_domctl(d, &op), 0);
    op.u.credit2.weight = 0;
    op.u.credit2.cap = 0xffff;
    assert_int_equal(sched_domctl(d, &op), 0);
    op.cmd = XEN_DOMCTL_SCHEDOP_getinfo;
    assert_int_equal(sched_domctl(d, &op), 0);
    assert_int_equal(op.u.credit2.weight, 512);
    assert_int_equal(op.u.credit2.cap, 50);
    op.sched_id = XEN_SCHEDULER_CREDIT;
    assert_int_equal(sched_domctl(d, &op), -EINVAL);
    op.sched_id = XEN_SCHEDULER_CREDIT2;
    op.cmd = XEN_DOMCTL_SCHEDOP_putvcpuinfo;
    assert_int_equal(sched_domctl(d, &op), -EINVAL);
}

static void test_sysctl_parameters(void **state)
{
    struct xen_sysctl_scheduler_op op = { .sched_id = XEN_SCHEDULER_CREDIT, .cmd = XEN_SYSCTL_SCHEDOP_getinfo };

    (void)state;
    sched_machine(1, "credit");
    assert_int_equal(sched_sysctl(&op), 0);
    assert_int_equal(op.u.sched_credit.tslice_ms, 30);
    op.cmd = XEN_SYSCTL_SCHEDOP_putinfo;
    op.u.sched_credit.tslice_ms = 0;
    assert_int_equal(sched_sysctl(&op), -EINVAL);
    op.u.sched_credit.tslice_ms = 20;
    op.u.sched_credit.ratelimit_us = 99;
    assert_int_equal(sched_sysctl(&op), -EINVAL);
    op.u.sched_credit.ratelimit_us = 100;
    assert_int_equal(sched_of(0)->tslice_ns, 30 * NS_PER_MS);
    assert_int_equal(sched_sysctl(&op), 0);
    assert_int_equal(sched_of(0)->tslice_ns, 20 * NS_PER_MS);    /* what the switch goes by */
    op.cpupool_id = 7;
    assert_int_equal(sched_sysctl(&op), -ESRCH);
    op.cpupool_id = 0;
    op.cmd = 5;
    assert_int_equal(sched_sysctl(&op), -EINVAL);
    op.cmd = XEN_SYSCTL_SCHEDOP_getinfo;
    op.sched_id = XEN_SCHEDULER_CREDIT2;
    assert_int_equal(sched_sysctl(&op), -EINVAL);
}

static void test_dump_names_the_waiting(void **state)
{
    struct domain *d;

    (void)state;
    sched_machine(1, "credit2");
    d = sched_domain(3, 2);
    vcpu_unblock(d->vcpu[0], VPF_DOWN);
    sched_switch();
    vcpu_unblock(d->vcpu[1], VPF_DOWN);
    unit_log_clear();
    sched_dump();
    assert_non_null(strstr(unit_log(), "runs  d3v0"));
    assert_non_null(strstr(unit_log(), "waits d3v1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        sched_case(test_idle_when_nothing_to_run),
        sched_case(test_wake_and_block),
        sched_case(test_block_with_event_pending_does_not_sleep),
        sched_case(test_wake_before_the_switch_is_not_lost),
        sched_case(test_yield_alone_costs_nothing),
        sched_case(test_yield_alternates),
        sched_case(test_no_timer_when_alone),
        sched_case(test_a_sleeper_preempts_at_once),
        sched_case(test_ratelimit_delays_the_woken),
        sched_case(test_ratelimit_ends_when_the_waker_sleeps),
        sched_case(test_ratelimit_counts_from_the_switch),
        sched_case(test_ratelimit_spares_interrupts_and_ipis),
        sched_case(test_ratelimit_off),
        sched_case(test_ratelimit_is_the_wakers),
        cmocka_unit_test(test_ratelimit_option),
        sched_case(test_null_policy_runs_to_block),
        sched_case(test_pauses_are_counted),
        sched_case(test_pausing_a_waiting_vcpu_takes_it_off_the_queue),
        sched_case(test_blocked_shows_through_a_pause),
        sched_case(test_a_vcpu_made_in_a_paused_domain_is_paused),
        sched_case(test_unknown_policy_is_named),
        sched_case(test_domctl_parameters),
        sched_case(test_sysctl_parameters),
        sched_case(test_dump_names_the_waiting),
    };

    return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}
