/* SPDX-License-Identifier: MIT */
/* A machine with run queues and domains whose vCPUs the scheduler manages. Timers fire on their own CPU. */
#ifndef TEST_SCHED_COMMON_H
#define TEST_SCHED_COMMON_H

#include "unit.h"
#include "support.h"
#include <argon/param.h>
#include <argon/smp.h>
#include "core/sched/internal.h"

static struct domain idle_dom;
static struct vcpu *idle_array[NR_CPUS];
static struct domain *made[16];
static u32 nr_made;

/* ---- timers ---- */
static struct timer *armed[64];
static u32 nr_armed;

static void reprogram(void)
{
    host_timer_compare = ~0UL;
    for (u32 i = 0; i < nr_armed; i++) {
        host_timer_compare = MIN(host_timer_compare, armed[i]->deadline);
    }
}

void timer_setup(struct timer *t, void (*fn)(void *), void *data, u32 cpu)
{
    *t = (struct timer){ .deadline = ~0UL, .fn = fn, .data = data, .cpu = cpu };
}

void timer_stop_queued(struct timer *t)
{
    for (u32 i = 0; i < nr_armed; i++) {
        if (armed[i] == t) {
            armed[i] = armed[--nr_armed];
        }
    }
    t->queued = false;
    t->deadline = ~0UL;
    reprogram();
}

void timer_end(struct timer *t)
{
    timer_stop(t);
    t->fn = NULL;
}

void timer_set(struct timer *t, u64 deadline)
{
    timer_stop(t);
    if (t->fn == NULL) {
        return;                  /* ended */
    }
    assert_true(nr_armed < ARRAY_SIZE(armed));
    armed[nr_armed++] = t;
    t->queued = true;
    t->deadline = deadline;
    reprogram();
}

void timer_interrupt(void)
{
    u32 cpu = cpu_id();

    for (u32 i = 0; i < nr_armed;) {
        struct timer *t = armed[i];

        if (t->deadline > host_counter) {
            i++;
            continue;
        }
        timer_stop(t);
        unit_set_cpu(t->cpu);
        t->fn(t->data);
        i = 0;
    }
    unit_set_cpu(cpu);
    reprogram();
}

int event_init_vcpu(struct vcpu *v)
{
    (void)v;
    return 0;
}

/* What vCPUs that are about to sleep find. */
unused static bool irq_deliverable;

bool vgic_irq_deliverable(struct vcpu *v)
{
    (void)v;
    return irq_deliverable;
}

/* ---- machine and domains ---- */
unused static void sched_machine(u32 cpus, const char *policy)
{
    unit_machine(cpus);
    nr_armed = 0;
    reprogram();
    memset(cpupools, 0, 32 * sizeof(cpupools[0]));
    memset(&cpus_online, 0, sizeof(cpus_online));
    memset(&sched_idle_cpus, 0, sizeof(sched_idle_cpus));
    memset(&sched_busy_cpus, 0, sizeof(sched_busy_cpus));
    memset(&opt, 0, sizeof(opt));
    memset(&idle_dom, 0, sizeof(idle_dom));
    idle_dom.id = DOMID_IDLE;
    idle_dom.vcpu = idle_array;
    idle_dom.max_vcpus = NR_CPUS;
    dom_idle = &idle_dom;
    sched_init(policy);
    for (u32 c = 0; c < cpus; c++) {
        sched_init_cpu(c);
    }
    nr_made = 0;
}

unused static struct domain *sched_domain_in(u16 id, u32 nr_vcpus, u32 pool)
{
    struct domain *d = calloc(1, sizeof(*d));

    d->id = id;
    d->serial = 1000u + id;
    d->is_privileged = id == 0;
    d->max_vcpus = nr_vcpus;
    d->vcpu = calloc(nr_vcpus, sizeof(*d->vcpu));
    d->shared_info = calloc(1, sizeof(struct shared_info));
    spin_lock_init(&d->lock, RANK_DOMAIN);
    assert_int_equal(sched_init_domain(d, pool), 0);
    unit_domain_add(d);
    made[nr_made++] = d;
    return d;
}

unused static struct domain *sched_domain_without_vcpus(u16 id, u32 nr_vcpus)
{
    return sched_domain_in(id, nr_vcpus, 0);
}

unused static struct domain *sched_domain(u16 id, u32 nr_vcpus)
{
    struct domain *d = sched_domain_in(id, nr_vcpus, 0);

    for (u16 i = 0; i < nr_vcpus; i++) {
        assert_int_equal(vcpu_create(d, i), 0);
    }
    return d;
}

/* The default policy, and domain 1 on it. */
unused static struct domain *sched_machine_with(u32 cpus, u32 nr_vcpus)
{
    sched_machine(cpus, "credit2");
    return sched_domain(1, nr_vcpus);
}

/* Its one vCPU, which has not started; and started. */
unused static struct vcpu *sched_vcpu(u32 cpus)
{
    return sched_machine_with(cpus, 1)->vcpu[0];
}

unused static struct vcpu *sched_runnable(u32 cpus)
{
    struct vcpu *v = sched_vcpu(cpus);

    vcpu_unblock(v, VPF_DOWN);
    return v;
}

unused static int sched_teardown(void **state)
{
    (void)state;
    for (u32 i = 0; i < nr_made; i++) {
        for_each_vcpu (made[i], v) {
            xfree(v);
        }
        unit_domain_remove(made[i]);
        free(made[i]->shared_info);
        free(made[i]->vcpu);
        free(made[i]);
    }
    for (u32 c = 0; c < NR_CPUS; c++) {
        xfree(idle_array[c]);
        idle_array[c] = NULL;
    }
    nr_made = 0;
    unit_machine_free();
    return 0;
}
#define sched_case(fn) cmocka_unit_test_teardown(fn, sched_teardown)

/* ---- driving it ---- */
/* The scheduler runs on this CPU, as on its way to the guest; the calling thread stays there. */
unused static struct vcpu *run_on(u32 cpu)
{
    unit_set_cpu(cpu);
    return sched_switch();
}

unused static void all_idle(void)
{
    for_each_cpu (c) {
        run_on(c);
    }
    unit_set_cpu(0);
}

unused static void pin_all(struct domain *d, u32 cpu)
{
    struct cpumask m = { { 0 } };

    cpumask_set(&m, cpu);
    for_each_vcpu (d, v) {
        assert_int_equal(sched_set_affinity(v, &m, NULL), 0);
        if (!v->sched.queued && !v->sched.running) {
            v->cpu = cpu;
        }
    }
}

unused static void unpin_all(struct domain *d)
{
    struct cpumask m;

    memset(&m, 0xff, sizeof(m));
    for_each_vcpu (d, v) {
        assert_int_equal(sched_set_affinity(v, &m, NULL), 0);
    }
}

/* Run `ms` of virtual time on CPU 0 in steps of 100 us; the scheduler is called when it asks to be. */
unused static void run_cpu0(u32 ms)
{
    for (u32 i = 0; i < ms * 10; i++) {
        unit_advance(100 * NS_PER_US);
        if (current_vcpu()->pending & PEND_RESCHED) {
            sched_switch();
        }
    }
}

#endif
