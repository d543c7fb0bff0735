/* SPDX-License-Identifier: MIT */
/* The fair policy on one CPU: shares by weight, what sleeping, yielding and being alone do to them, caps. */
/* unit-sources: core/sched/runqueue.c core/sched/wake.c core/sched/balance.c core/sched/cap.c core/sched/switch.c */
/* unit-sources: core/sched/pause.c core/sched/cpupool.c core/sched/affinity.c core/sched/control.c core/sched/fair.c */
/* unit-sources: core/sched/credit.c core/sched/null.c */
/* unit-sources: core/vcpu/vcpu.c core/vcpu/runstate.c core/vcpu/info.c core/hypercall/bitmap.c */
/* unit-sources: core/domain/nodes.c */
#include "test_sched_common.h"

static void test_equal_weights_share_equally(void **state)
{
    struct domain *d = sched_machine_with(1, 3);

    (void)state;
    for_each_vcpu (d, v) {
        vcpu_unblock(v, VPF_DOWN);
    }
    sched_switch();
    run_cpu0(1200);
    for_each_vcpu (d, v) {
        u64 ms = vcpu_cpu_time(v) / NS_PER_MS;

        assert_in_range(ms, 390, 410);
    }
}

static void test_weights_are_honoured(void **state)
{
    struct domain *a, *b;
    struct xen_domctl_scheduler_op op = { .sched_id = XEN_SCHEDULER_CREDIT2, .cmd = XEN_DOMCTL_SCHEDOP_putinfo };

    (void)state;
    sched_machine(1, "credit2");
    a = sched_domain(1, 1);
    b = sched_domain(2, 1);
    op.u.credit2.weight = 768;
    op.u.credit2.cap = 0xffff;
    assert_int_equal(sched_domctl(b, &op), 0);
    vcpu_unblock(a->vcpu[0], VPF_DOWN);
    vcpu_unblock(b->vcpu[0], VPF_DOWN);
    sched_switch();
    run_cpu0(2000);
    assert_in_range(vcpu_cpu_time(a->vcpu[0]) / NS_PER_MS, 480, 520);
    assert_in_range(vcpu_cpu_time(b->vcpu[0]) / NS_PER_MS, 1480, 1520);
}

/* Run time of v, in ms, until `other` runs. */
static u32 ms_until_runs(const struct vcpu *other)
{
    u32 n = 0;

    while (current_vcpu() != other && n < 20000) {
        unit_advance(NS_PER_MS);
        n++;
        if (current_vcpu()->pending & PEND_RESCHED) {
            sched_switch();
        }
    }
    return n;
}

/* Ten seconds alone are not owed to whoever comes then; the next slice is. */
static void test_who_ran_alone_is_not_locked_out(void **state)
{
    struct domain *d = sched_machine_with(1, 2);

    (void)state;
    vcpu_unblock(d->vcpu[0], VPF_DOWN);
    sched_switch();
    unit_advance(10 * NS_PER_SEC);
    vcpu_unblock(d->vcpu[1], VPF_DOWN);
    assert_in_range(ms_until_runs(d->vcpu[1]), 0, 5);
    assert_in_range(ms_until_runs(d->vcpu[0]), 1, 7);
}

static struct domain *weighted_domain(u16 id, u16 weight)
{
    struct xen_domctl_scheduler_op op = { .sched_id = XEN_SCHEDULER_CREDIT2, .cmd = XEN_DOMCTL_SCHEDOP_putinfo };
    struct domain *d = sched_domain(id, 1);

    op.u.credit2.weight = weight;
    op.u.credit2.cap = 0xffff;
    assert_int_equal(sched_domctl(d, &op), 0);
    vcpu_unblock(d->vcpu[0], VPF_DOWN);
    return d;
}

/* It sleeps for 20 us whenever it has run for `burst`: its share is that of its weight all the same. */
static void share_with_naps(u64 burst)
{
    struct domain *a, *b;
    u64 ran = 0, ta, tb;

    sched_machine(1, "credit2");
    a = weighted_domain(1, 16);
    b = weighted_domain(2, 512);
    sched_switch();
    for (u32 i = 0; i < 400000; i++) {
        unit_advance(10 * NS_PER_US);
        ran = current_vcpu() == a->vcpu[0] ? ran + 10 * NS_PER_US : 0;
        if (ran >= burst) {
            ran = 0;
            vcpu_block_current();
            sched_switch();
            unit_advance(20 * NS_PER_US);
            vcpu_kick(a->vcpu[0], 0);
        }
        if (current_vcpu()->pending & PEND_RESCHED) {
            sched_switch();
        }
    }
    ta = vcpu_cpu_time(a->vcpu[0]);
    tb = vcpu_cpu_time(b->vcpu[0]);
    assert_in_range(ta * 1000 / (ta + tb), 20, 38);  /* 30, that is 16 of 528 */
}

static void test_naps_do_not_evade_a_weight(void **state)
{
    static const u64 bursts[] = { 20, 200, 500, 1000, 2000, 4000 };

    for (u32 i = 0; i < ARRAY_SIZE(bursts); i++) {
        share_with_naps(bursts[i] * NS_PER_US);
        if (i + 1 < ARRAY_SIZE(bursts)) {
            sched_teardown(state);
        }
    }
}

/* Who gives way a thousand times cannot come back and run for as long at once. */
static void test_what_was_yielded_is_not_claimed_later(void **state)
{
    struct domain *d = sched_machine_with(1, 2);
    struct vcpu *hog = d->vcpu[1];

    (void)state;
    vcpu_unblock(d->vcpu[0], VPF_DOWN);
    sched_switch();
    vcpu_unblock(hog, VPF_DOWN);
    for (u32 i = 0; i < 1000; i++) {
        if (current_vcpu() != hog) {
            vcpu_yield_current();
        }
        if (current_vcpu()->pending & PEND_RESCHED) {
            sched_switch();
        }
        unit_advance(NS_PER_MS);
    }
    assert_true(vcpu_cpu_time(hog) > 800 * NS_PER_MS);
    assert_in_range(ms_until_runs(d->vcpu[0]), 0, 6);
    assert_in_range(ms_until_runs(hog), 1, 11);
}

/* Nine minutes and more alone, at the least weight: no product overflows, nobody is locked out. */
static void test_hours_alone(void **state)
{
    struct domain *a, *b;

    (void)state;
    sched_machine(1, "credit2");
    a = weighted_domain(1, 1);
    assert_ptr_equal(sched_switch(), a->vcpu[0]);
    unit_advance(7200 * NS_PER_SEC + 12345);
    b = weighted_domain(2, 256);
    if (current_vcpu()->pending & PEND_RESCHED) {
        sched_switch();
    }
    assert_in_range(ms_until_runs(b->vcpu[0]), 0, 5);
    unit_advance(500 * NS_PER_MS);
    sched_switch();
    vcpu_pause(b->vcpu[0]);
    sched_switch();
    b->vcpu[0]->sched.vruntime = pcpus[0]->sched.min_vruntime + BIT(62);     /* slept until the difference wrapped */
    vcpu_unpause(b->vcpu[0]);
    assert_in_range(ms_until_runs(b->vcpu[0]), 0, 5);
}

/* Another weight: what it was ahead in run time stays, and does not become a debt of minutes. */
static void test_a_new_weight_keeps_what_it_is_ahead(void **state)
{
    struct xen_domctl_scheduler_op op = { .sched_id = XEN_SCHEDULER_CREDIT2, .cmd = XEN_DOMCTL_SCHEDOP_putinfo };
    struct domain *a, *b;

    (void)state;
    sched_machine(1, "credit2");
    a = weighted_domain(1, 1);
    sched_switch();
    b = weighted_domain(2, 256);
    assert_in_range(ms_until_runs(b->vcpu[0]), 0, 6);
    op.u.credit2.weight = 256;
    op.u.credit2.cap = 0xffff;
    assert_int_equal(sched_domctl(a, &op), 0);       /* it waits, 5 ms of its own ahead: 1.3 s of the other's */
    assert_in_range(ms_until_runs(a->vcpu[0]), 1, 12);
}

static void test_a_cap_is_kept(void **state)
{
    struct domain *d = sched_machine_with(1, 1);
    struct xen_domctl_scheduler_op op = { .sched_id = XEN_SCHEDULER_CREDIT2, .cmd = XEN_DOMCTL_SCHEDOP_putinfo };

    (void)state;
    op.u.credit2.cap = 25;
    assert_int_equal(sched_domctl(d, &op), 0);
    vcpu_unblock(d->vcpu[0], VPF_DOWN);
    sched_switch();
    run_cpu0(1000);
    assert_in_range(vcpu_cpu_time(d->vcpu[0]) / NS_PER_MS, 230, 270);
    op.u.credit2.cap = 0;
    assert_int_equal(sched_domctl(d, &op), 0);
    run_cpu0(100);
    assert_in_range(vcpu_cpu_time(d->vcpu[0]) / NS_PER_MS, 325, 372);
}

/* A second of sleep fills the bucket, not more: what it may run at once then is a period's worth. */
static void test_a_cap_does_not_save_up(void **state)
{
    struct domain *d = sched_machine_with(1, 1);
    struct xen_domctl_scheduler_op op = { .sched_id = XEN_SCHEDULER_CREDIT2, .cmd = XEN_DOMCTL_SCHEDOP_putinfo };

    (void)state;
    op.u.credit2.cap = 25;
    assert_int_equal(sched_domctl(d, &op), 0);
    unit_advance(NS_PER_SEC);
    vcpu_unblock(d->vcpu[0], VPF_DOWN);
    sched_switch();
    run_cpu0(100);
    assert_in_range(vcpu_cpu_time(d->vcpu[0]) / NS_PER_US, 24000, 28500);
}

/* Charged every 150 ns, by whoever wakes there: the odd ns of each are not lost to the bucket. */
static void test_a_cap_counts_short_times(void **state)
{
    struct domain *d = sched_machine_with(1, 1);

    (void)state;
    cap_set(d, 50);
    atomic_store(&d->sched.cap_tokens, 0);
    for (u64 t = 0; t < NS_PER_MS; t += 150) {
        unit_advance(150);
        cap_charge(d->vcpu[0], 0, now_ns());
    }
    assert_in_range(d->sched.cap_tokens, 499000, 501000);
}

/* The domain is destroyed while its timer's handler is under way on another CPU: nothing is armed after the end. */
static void test_a_cap_ends_with_its_domain(void **state)
{
    struct domain *d = sched_machine_with(1, 1);
    void (*handler)(void *data);

    (void)state;
    cap_set(d, 10);
    atomic_store(&d->sched.cap_tokens, -(s64)NS_PER_SEC);
    handler = d->sched.cap_timer.fn;
    handler(d);
    assert_true(d->sched.cap_timer.queued);
    sched_quiesce_domain(d);
    assert_int_equal(nr_armed, 0);
    handler(d);
    assert_true(cap_stops(d->vcpu[0], now_ns()));
    assert_int_equal(nr_armed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        sched_case(test_equal_weights_share_equally),
        sched_case(test_weights_are_honoured),
        sched_case(test_who_ran_alone_is_not_locked_out),
        sched_case(test_naps_do_not_evade_a_weight),
        sched_case(test_what_was_yielded_is_not_claimed_later),
        sched_case(test_hours_alone),
        sched_case(test_a_new_weight_keeps_what_it_is_ahead),
        sched_case(test_a_cap_is_kept),
        sched_case(test_a_cap_does_not_save_up),
        sched_case(test_a_cap_counts_short_times),
        sched_case(test_a_cap_ends_with_its_domain),
    };

    return cmocka_run_group_tests_name("shares of a CPU", tests, NULL, NULL);
}
