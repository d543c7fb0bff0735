/* SPDX-License-Identifier: MIT */
/* The scheduler on several CPUs: placement, balancing, kicks, affinity. */
/* unit-sources: core/sched/runqueue.c core/sched/wake.c core/sched/balance.c core/sched/cap.c core/sched/switch.c */
/* unit-sources: core/sched/pause.c core/sched/cpupool.c core/sched/affinity.c core/sched/control.c core/sched/fair.c */
/* unit-sources: core/sched/credit.c core/sched/null.c */
/* unit-sources: core/vcpu/vcpu.c core/vcpu/runstate.c core/vcpu/info.c core/hypercall/bitmap.c */
/* unit-sources: core/domain/nodes.c */
#include "test_sched_common.h"
#include <argon/machine.h>

/* Called in the middle of a switch, when prev has given up the CPU and its registers are being saved. */
static void (*while_saving)(struct vcpu *prev);

void arch_context_switch(struct vcpu *prev, struct vcpu *next)
{
    void (*fn)(struct vcpu *v) = while_saving;

    while_saving = NULL;
    if (fn != NULL) {
        fn(prev);
    }
    this_cpu()->current = next;
}

/* Called in the middle of a vCPU's creation, before anybody can find it. */
static void (*while_created)(struct vcpu *v);

int arch_vcpu_create(struct vcpu *v)
{
    void (*fn)(struct vcpu *v) = while_created;

    while_created = NULL;
    if (fn != NULL) {
        fn(v);
    }
    return 0;
}

static void test_wake_prefers_the_last_cpu_when_idle(void **state)
{
    struct domain *d;
    struct vcpu *v;
    u32 last;

    (void)state;
    sched_machine(4, "credit2");
    all_idle();
    d = sched_domain(1, 1);
    v = d->vcpu[0];
    last = v->cpu;
    vcpu_unblock(v, VPF_DOWN);
    assert_int_equal(v->cpu, last);
    assert_true(pcpus[last]->sched.curr->pending & PEND_RESCHED);
}

static void test_wake_takes_an_idle_cpu_when_the_last_is_busy(void **state)
{
    struct domain *d;
    u32 busy, other;

    (void)state;
    sched_machine(2, "credit2");
    all_idle();
    d = sched_domain(1, 2);
    pin_all(d, 0);
    vcpu_unblock(d->vcpu[0], VPF_DOWN);
    busy = d->vcpu[0]->cpu;
    run_on(busy);
    unpin_all(d);
    other = 1 - busy;
    host_record_reset();
    unit_set_cpu(busy);
    vcpu_unblock(d->vcpu[1], VPF_DOWN);
    assert_int_equal(d->vcpu[1]->cpu, other);
    assert_true(d->vcpu[1]->sched.queued);
    assert_int_equal(host_last("smp_kick")->a[0], other);
    assert_int_equal(host_last("smp_kick")->a[1], IPI_RESCHED);
    assert_ptr_equal(run_on(other), d->vcpu[1]);
}

static void test_idle_cpu_pulls_waiting_work(void **state)
{
    struct domain *d = sched_machine_with(2, 3);

    (void)state;
    pin_all(d, 0);
    for_each_vcpu (d, v) {
        vcpu_unblock(v, VPF_DOWN);
    }
    run_on(0);
    assert_int_equal(pcpus[0]->sched.nr_runnable, 2);
    assert_true(run_on(1)->is_idle);                 /* pinned: nothing to take */
    unpin_all(d);
    assert_false(run_on(1)->is_idle);
    assert_int_equal(pcpus[0]->sched.nr_runnable, 1);
    assert_int_equal(pcpus[1]->current->cpu, 1);
}

/* Three that never sleep on two CPUs: nobody may be left behind. */
static void test_three_on_two_cpus_share(void **state)
{
    struct domain *d;

    (void)state;
    sched_machine(2, "credit2");
    all_idle();
    d = sched_domain(1, 3);
    for_each_vcpu (d, v) {
        vcpu_unblock(v, VPF_DOWN);
    }
    for (u32 i = 0; i < 30000; i++) {
        for_each_cpu (c) {
            unit_set_cpu(c);
            if (current_vcpu()->is_idle || (current_vcpu()->pending & PEND_RESCHED)) {
                sched_switch();
            }
        }
        unit_advance(100 * NS_PER_US);
    }
    for_each_vcpu (d, v) {
        assert_in_range(vcpu_cpu_time(v) / NS_PER_MS, 1700, 2300);
    }
}

static void test_kick_of_a_running_vcpu_sends_an_ipi(void **state)
{
    struct vcpu *v = sched_runnable(2);

    (void)state;
    run_on(v->cpu);
    host_record_reset();
    vcpu_kick(v, PEND_VGIC);                         /* on its own CPU: it is on its way out anyway */
    assert_int_equal(host_calls("smp_kick"), 0);
    unit_set_cpu(1 - v->cpu);
    vcpu_kick(v, PEND_SYNC);
    assert_int_equal(host_calls("smp_kick"), 1);
    assert_int_equal(host_last("smp_kick")->a[0], v->cpu);
    assert_int_equal(v->pending & (PEND_VGIC | PEND_SYNC), PEND_VGIC | PEND_SYNC);
}

static void test_affinity_moves_a_running_vcpu(void **state)
{
    struct vcpu *v = sched_runnable(2);
    struct cpumask m = { { 0 } };
    u32 from;

    (void)state;
    from = v->cpu;
    run_on(from);
    cpumask_set(&m, 1 - from);
    assert_int_equal(sched_set_affinity(v, &m, NULL), 0);
    assert_true(v->pending & PEND_RESCHED);
    assert_true(run_on(from)->is_idle);
    assert_int_equal(v->cpu, 1 - from);
    assert_true(v->sched.queued);
    assert_ptr_equal(run_on(1 - from), v);
}

static void test_affinity_moves_a_waiting_vcpu(void **state)
{
    struct domain *d = sched_machine_with(2, 2);
    struct cpumask m = { { 0 } };

    (void)state;
    pin_all(d, 0);
    vcpu_unblock(d->vcpu[0], VPF_DOWN);
    run_on(0);
    vcpu_unblock(d->vcpu[1], VPF_DOWN);
    assert_int_equal(d->vcpu[1]->cpu, 0);
    cpumask_set(&m, 1);
    assert_int_equal(sched_set_affinity(d->vcpu[1], &m, NULL), 0);
    assert_int_equal(d->vcpu[1]->cpu, 1);
    assert_int_equal(pcpus[0]->sched.nr_runnable, 0);
    assert_int_equal(pcpus[1]->sched.nr_runnable, 1);
    cpumask_clear(&m, 1);
    assert_int_equal(sched_set_affinity(d->vcpu[1], &m, NULL), -EINVAL);
    assert_int_equal(sched_set_affinity(d->vcpu[1], NULL, &m), -EINVAL);
}

static void wake_from_cpu_0(struct vcpu *v)
{
    unit_set_cpu(0);
    vcpu_unblock(v, VPF_BLOCKED);
    assert_false(v->sched.queued);       /* its registers are on the way */
    unit_set_cpu(1);
}

/*
 * It blocks, must leave this CPU, and is woken before its registers are in memory: the CPU that saves them sends it
 * on.
 */
static void test_woken_while_saved_and_moved(void **state)
{
    struct domain *d = sched_machine_with(2, 1);
    struct vcpu *v = d->vcpu[0];
    struct cpumask m = { { 0 } };

    (void)state;
    pin_all(d, 1);
    vcpu_unblock(v, VPF_DOWN);
    assert_ptr_equal(run_on(1), v);
    vcpu_block_current();
    unit_set_cpu(0);
    cpumask_set(&m, 0);
    assert_int_equal(sched_set_affinity(v, &m, NULL), 0);
    while_saving = wake_from_cpu_0;
    assert_true(run_on(1)->is_idle);
    assert_null(while_saving);
    assert_true(v->sched.queued);
    assert_int_equal(v->cpu, 0);
    assert_ptr_equal(run_on(0), v);
}

static void give_cap(struct domain *d, u16 cap)
{
    struct xen_domctl_scheduler_op op = { .sched_id = XEN_SCHEDULER_CREDIT2, .cmd = XEN_DOMCTL_SCHEDOP_putinfo };

    op.u.credit2.cap = cap;
    assert_int_equal(sched_domctl(d, &op), 0);
}

/* What ran here, or waited here alone, may not for its cap: the CPU idles, and wakers must learn of it. */
static void test_a_cpu_that_a_cap_empties_is_offered(void **state)
{
    struct domain *d = sched_machine_with(2, 1);
    struct vcpu *v = d->vcpu[0];

    (void)state;
    all_idle();
    give_cap(d, 10);
    vcpu_unblock(v, VPF_DOWN);
    run_on(v->cpu);
    unit_advance(5 * NS_PER_MS);
    assert_true(run_on(v->cpu)->is_idle);
    assert_int_equal(v->pause_flags, VPF_CAPPED);
    assert_true(current_vcpu()->pending & PEND_RESCHED);
    run_on(v->cpu);
    assert_true(cpumask_test(&sched_idle_cpus, v->cpu));
    give_cap(d, 11);                                 /* runs; and once more, as it waits */
    atomic_store(&d->sched.cap_tokens, -1);
    assert_true(v->sched.queued);
    assert_true(run_on(v->cpu)->is_idle);
    assert_true(current_vcpu()->pending & PEND_RESCHED);
    run_on(v->cpu);
    assert_true(cpumask_test(&sched_idle_cpus, v->cpu));
}

/* A vCPU that is moved is as far ahead of the others there as it was here, whatever the times of the two queues. */
static void test_moving_keeps_what_it_is_ahead(void **state)
{
    struct domain *a, *b;
    struct vcpu *v;
    struct cpumask m = { { 0 } };
    u64 ahead;

    (void)state;
    sched_machine(2, "credit2");
    a = sched_domain(1, 2);
    b = sched_domain(2, 1);
    pin_all(a, 0);
    pin_all(b, 1);
    vcpu_unblock(b->vcpu[0], VPF_DOWN);
    run_on(1);
    vcpu_unblock(a->vcpu[0], VPF_DOWN);
    run_on(0);
    unit_advance(900 * NS_PER_MS);                   /* both alone: neither queue's time has been looked at since */
    vcpu_unblock(a->vcpu[1], VPF_DOWN);
    v = run_on(0);
    assert_ptr_equal(v, a->vcpu[1]);
    unit_advance(7 * NS_PER_MS);
    assert_ptr_equal(run_on(0), a->vcpu[0]);
    ahead = v->sched.vruntime - pcpus[0]->sched.min_vruntime;
    assert_true(ahead / SCHED_VT_PER_NS > NS_PER_MS && ahead / SCHED_VT_PER_NS < 8 * NS_PER_MS);
    cpumask_set(&m, 1);
    assert_int_equal(sched_set_affinity(v, &m, NULL), 0);
    assert_int_equal(v->cpu, 1);
    assert_true(v->sched.vruntime - pcpus[1]->sched.min_vruntime == ahead);
    assert_true(pcpus[1]->sched.min_vruntime / SCHED_VT_PER_NS > 900 * NS_PER_MS);
}

/* Two CPUs idle: the one that its soft affinity names, though the other comes first. */
static void test_soft_affinity_chooses_among_idle_cpus(void **state)
{
    struct domain *d;
    struct cpumask last = { { 0 } }, all = { { 7 } }, soft = { { 0 } };
    struct vcpu *v;

    (void)state;
    sched_machine(3, "credit2");
    d = sched_domain(1, 2);
    v = d->vcpu[1];
    pin_all(d, 0);
    all_idle();
    vcpu_unblock(d->vcpu[0], VPF_DOWN);
    assert_false(run_on(0)->is_idle);
    cpumask_set(&last, 0);
    cpumask_set(&soft, 2);
    assert_int_equal(sched_set_affinity(v, &all, &soft), 0);
    vcpu_unblock(v, VPF_DOWN);
    assert_int_equal(v->cpu, 2);
}

/* One idle CPU, two that wait elsewhere: it takes the one whose soft affinity names it, though it is second. */
static void test_soft_affinity_chooses_what_is_pulled(void **state)
{
    struct domain *d = sched_machine_with(2, 3);
    struct cpumask all = { { 3 } }, first = { { 1 } };

    (void)state;
    pin_all(d, 0);
    for_each_vcpu (d, v) {
        vcpu_unblock(v, VPF_DOWN);
    }
    assert_ptr_equal(run_on(0), d->vcpu[0]);
    assert_int_equal(sched_set_affinity(d->vcpu[1], &all, &first), 0);
    assert_int_equal(sched_set_affinity(d->vcpu[2], &all, &all), 0);
    assert_ptr_equal(run_on(1), d->vcpu[2]);
}

static void test_pin_override(void **state)
{
    struct vcpu *v = sched_vcpu(2);

    (void)state;
    assert_int_equal(sched_pin_override(v, -1), -EINVAL);
    assert_int_equal(sched_pin_override(v, 2), -EINVAL);
    assert_int_equal(sched_pin_override(v, 1), 0);
    assert_false(cpumask_test(&v->sched.allowed, 0));
    assert_int_equal(sched_pin_override(v, 0), -EBUSY);
    assert_int_equal(sched_pin_override(v, -1), 0);
    assert_true(cpumask_test(&v->sched.allowed, 0));
}

static void pool_op(u32 op, u32 pool, u32 domid, u32 cpu)
{
    struct xen_sysctl_cpupool_op c = { .op = op, .cpupool_id = pool, .domid = domid, .cpu = cpu,
                                       .sched_id = XEN_SCHEDULER_CREDIT2 };

    assert_int_equal(cpupool_op(&c), 0);
}

static void move_to_pool_1(struct vcpu *v)
{
    pool_op(XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN, 1, v->domain->id, 0);
}

static void take_cpu_0(struct vcpu *v)
{
    (void)v;
    pool_op(XEN_SYSCTL_CPUPOOL_OP_RMCPU, 0, 0, 0);
}

/* cpupool operations go by the domain's table of vCPUs, in which one that is being made does not stand yet. */
static void test_created_while_its_pool_changes(void **state)
{
    struct domain *d;

    (void)state;
    sched_machine(4, "credit2");
    all_idle();
    pool_op(XEN_SYSCTL_CPUPOOL_OP_RMCPU, 0, 0, 3);
    pool_op(XEN_SYSCTL_CPUPOOL_OP_CREATE, 1, 0, 0);
    pool_op(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, 1, 0, 3);
    d = sched_domain_without_vcpus(1, 2);
    while_created = take_cpu_0;
    assert_int_equal(vcpu_create(d, 0), 0);
    assert_int_equal(d->vcpu[0]->sched.allowed.w[0], 6);
    while_created = move_to_pool_1;
    assert_int_equal(vcpu_create(d, 1), 0);
    assert_int_equal(d->vcpu[0]->sched.allowed.w[0], 8);
    assert_int_equal(d->vcpu[1]->sched.allowed.w[0], 8);
    vcpu_unblock(d->vcpu[1], VPF_DOWN);
    assert_int_equal(d->vcpu[1]->cpu, 3);
}

/* A domain's memory is to come from where it may run, unless the toolstack has said from where. */
static void test_nodes_of_affinity(void **state)
{
    struct domain *d = sched_machine_with(4, 2);
    struct cpumask m = { { 0xc } }, one = { { 0x2 } }, all = { { ~0UL } };

    (void)state;
    d->auto_node_affinity = true;
    d->node_affinity = ~0UL;
    assert_int_equal(sched_set_affinity(d->vcpu[0], &m, NULL), 0);
    assert_int_equal(d->node_affinity, ~0UL);            /* there is one node */
    machine.nodes = 7;
    pcpus[2]->node = 1;
    pcpus[3]->node = 2;
    assert_int_equal(sched_set_affinity(d->vcpu[0], &m, NULL), 0);
    assert_int_equal(d->node_affinity, ~0UL);            /* the other vCPU may run anywhere */
    assert_int_equal(sched_set_affinity(d->vcpu[1], &m, NULL), 0);
    assert_int_equal(d->node_affinity, 6);
    m.w[0] = 4;
    assert_int_equal(sched_set_affinity(d->vcpu[0], NULL, &m), 0);
    assert_int_equal(sched_set_affinity(d->vcpu[1], NULL, &m), 0);
    assert_int_equal(d->node_affinity, 2);               /* where it would rather run */
    assert_int_equal(sched_set_affinity(d->vcpu[1], &one, NULL), 0);
    assert_int_equal(d->node_affinity, 3);               /* where it cannot run does not count */
    d->auto_node_affinity = false;
    assert_int_equal(sched_set_affinity(d->vcpu[1], &all, &all), 0);
    assert_int_equal(d->node_affinity, 3);
    d->auto_node_affinity = true;
    domain_update_nodes(d);
    assert_int_equal(d->node_affinity, ~0UL);
    machine.nodes = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        sched_case(test_nodes_of_affinity),
        sched_case(test_wake_prefers_the_last_cpu_when_idle),
        sched_case(test_wake_takes_an_idle_cpu_when_the_last_is_busy),
        sched_case(test_idle_cpu_pulls_waiting_work),
        sched_case(test_three_on_two_cpus_share),
        sched_case(test_kick_of_a_running_vcpu_sends_an_ipi),
        sched_case(test_affinity_moves_a_running_vcpu),
        sched_case(test_affinity_moves_a_waiting_vcpu),
        sched_case(test_woken_while_saved_and_moved),
        sched_case(test_a_cpu_that_a_cap_empties_is_offered),
        sched_case(test_moving_keeps_what_it_is_ahead),
        sched_case(test_soft_affinity_chooses_among_idle_cpus),
        sched_case(test_soft_affinity_chooses_what_is_pulled),
        sched_case(test_pin_override),
        sched_case(test_created_while_its_pool_changes),
    };

    return cmocka_run_group_tests_name("sched on several CPUs", tests, NULL, NULL);
}
