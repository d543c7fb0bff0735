/* SPDX-License-Identifier: MIT */
/* unit-sources: core/sched/runqueue.c core/sched/wake.c core/sched/balance.c core/sched/cap.c core/sched/switch.c */
/* unit-sources: core/sched/pause.c core/sched/cpupool.c core/sched/affinity.c core/sched/control.c core/sched/fair.c */
/* unit-sources: core/sched/credit.c core/sched/null.c */
/* unit-sources: core/vcpu/vcpu.c core/vcpu/runstate.c core/vcpu/info.c core/hypercall/bitmap.c */
/* unit-sources: core/domain/nodes.c */
/* unit-sanitize: thread */
/*
 * CPUs that block, wake, pause and move the same few vCPUs at the same time. A vCPU's registers are plain memory here,
 * written by each CPU that has it: ThreadSanitizer objects if two CPUs have it at once, or if one picks it up before
 * the other has saved it. In the end every vCPU that may run does run: no wake-up is lost.
 */
#include "unit.h"
#include <unistd.h>
#include "core/sched/internal.h"

enum { CPUS = 4, VCPUS = 7, STEPS = 20000 };

static struct domain idle_dom, dom;
static struct vcpu *idle_array[NR_CPUS], *vcpu_array[VCPUS];
static struct shared_info shared;
static u64 clock_ns;

/* ---- surroundings, safe with threads ---- */
u64 arch_counter(void)
{
    return atomic_fetch_add(&clock_ns, 1000);
}

void timer_setup(struct timer *t, void (*fn)(void *), void *data, u32 cpu)
{
    *t = (struct timer){ .deadline = ~0UL, .fn = fn, .data = data, .cpu = cpu };
}

void timer_set(struct timer *t, u64 deadline)
{
    atomic_store(&t->deadline, deadline);
    atomic_store(&t->queued, true);
}

void timer_stop_queued(struct timer *t)
{
    atomic_store(&t->queued, false);
    atomic_store(&t->deadline, ~0UL);
}

void smp_kick(u32 cpu, u32 work)
{
    (void)cpu;
    (void)work;
}

int event_init_vcpu(struct vcpu *v)
{
    (void)v;
    return 0;
}

int arch_vcpu_create(struct vcpu *v)
{
    (void)v;
    return 0;
}

bool vgic_irq_deliverable(struct vcpu *v)
{
    return (atomic_load(&v->pending) & PEND_VGIC) != 0;
}

/* Saving and loading: plain accesses to what belongs to whoever has the vCPU. */
void arch_context_switch(struct vcpu *prev, struct vcpu *next)
{
    if (now_ns() / 1000 % 8 == 0) {
        usleep(30);              /* let others in where it hurts */
    }
    if (!prev->is_idle) {
        prev->arch.regs.x[1]++;
        prev->arch.regs.pc = 0;
    }
    if (!next->is_idle) {
        if (next->arch.regs.pc != 0) {
            abort();             /* somebody else has it */
        }
        next->arch.regs.pc = cpu_id() + 1;
        next->arch.regs.x[0]++;
    }
    this_cpu()->current = next;
}

/* ---- the storm ---- */
static u64 next_random(u64 *x)
{
    *x = *x * 6364136223846793005UL + 1442695040888963407UL;
    return *x >> 33;
}

/* As the exit path does it. */
static void enter(void)
{
    struct vcpu *v = current_vcpu();

    while (v->is_idle || (atomic_load_acquire(&v->pending) & PEND_RESCHED) != 0) {
        v = sched_switch();
        if (v->is_idle) {
            return;
        }
    }
    atomic_fetch_and(&v->pending, ~(u32)PEND_VGIC);
}

static void fire_slice(void)
{
    struct timer *t = &this_cpu()->sched.slice;

    if (atomic_exchange(&t->queued, false)) {
        atomic_store(&t->deadline, ~0UL);            /* before the handler, as timer_interrupt() */
        t->fn(t->data);
    }
}

static void act(struct vcpu *v, u64 what, u64 *x, u32 *pauses)
{
    struct cpumask m = { { 0 } };
    u32 i = v->id;

    switch (what) {
    case 0:
        vcpu_pause(v);
        pauses[i]++;
        break;
    case 1:
        if (pauses[i] > 0) {
            pauses[i]--;
            vcpu_unpause(v);
        }
        break;
    case 2:
        cpumask_set(&m, (u32)(next_random(x) % CPUS));
        cpumask_set(&m, (u32)(next_random(x) % CPUS));
        if (sched_set_affinity(v, &m, NULL) != 0) {
            abort();
        }
        break;
    case 3:
        vcpu_stop(v, VPF_DOWN);
        vcpu_unblock(v, VPF_DOWN);
        break;
    default:
        vcpu_kick(v, PEND_VGIC);
        break;
    }
}

static void cpu_thread(void)
{
    u32 pauses[VCPUS] = { 0 };
    u64 x = cpu_id() + 7;

    for (u32 i = 0; i < STEPS; i++) {
        u64 what = next_random(&x) % 12;

        enter();
        for (u32 k = 0; i == STEPS / 2 && k < VCPUS; k++) {
            while (pauses[k] > 0) {
                pauses[k]--;
                vcpu_unpause(vcpu_array[k]);
            }
        }
        if (!current_vcpu()->is_idle && what < 4) {
            vcpu_block_current();
        } else if (!current_vcpu()->is_idle && what == 4) {
            vcpu_yield_current();
        } else if (what == 5) {
            fire_slice();
        } else {
            /* Only kicks in the second half: they do not heal what was lost. */
            act(vcpu_array[next_random(&x) % VCPUS], i < STEPS / 2 ? next_random(&x) % 8 : 7, &x, pauses);
        }
    }
}

static void make_domain(void)
{
    dom.id = 1;
    dom.max_vcpus = VCPUS;
    dom.vcpu = vcpu_array;
    dom.shared_info = &shared;
    spin_lock_init(&dom.lock, RANK_DOMAIN);
    assert_int_equal(sched_init_domain(&dom, 0), 0);
    for (u16 i = 0; i < VCPUS; i++) {
        assert_int_equal(vcpu_create(&dom, i), 0);
        vcpu_unblock(vcpu_array[i], VPF_DOWN);
    }
}

/* Single-threaded from here: whoever may run is queued or current on a CPU, and gets its turn. */
static void check_all_run(void)
{
    for (u32 i = 0; i < VCPUS; i++) {
        vcpu_unblock(vcpu_array[i], VPF_BLOCKED | VPF_DOWN);
        assert_int_equal(vcpu_array[i]->pause_flags, 0);
        assert_int_equal(vcpu_array[i]->pause_count, 0);
        assert_true(vcpu_array[i]->sched.queued || sched_of(vcpu_array[i]->cpu)->curr == vcpu_array[i]);
        vcpu_array[i]->arch.regs.x[0] = sched_of(vcpu_array[i]->cpu)->curr == vcpu_array[i];
    }
    for (u32 round = 0; round < 200; round++) {
        for_each_cpu (c) {
            unit_set_cpu(c);
            clock_ns += 5 * NS_PER_MS;
            fire_slice();
            if (current_vcpu()->is_idle || (current_vcpu()->pending & PEND_RESCHED) != 0) {
                sched_switch();
            }
        }
    }
    for (u32 i = 0; i < VCPUS; i++) {
        assert_true(vcpu_array[i]->arch.regs.x[0] > 0);
    }
}

static void test_storm(void **state)
{
    (void)state;
    idle_dom = (struct domain){ .id = DOMID_IDLE, .vcpu = idle_array, .max_vcpus = NR_CPUS };
    dom_idle = &idle_dom;
    sched_init("credit2");
    for (u32 c = 0; c < CPUS; c++) {
        sched_init_cpu(c);
    }
    make_domain();
    for (u32 c = 0; c < CPUS; c++) {
        unit_thread_start(c, cpu_thread);
    }
    for (u32 c = 0; c < CPUS; c++) {
        unit_thread_join(c);
    }
    check_all_run();
    for (u32 i = 0; i < VCPUS; i++) {
        xfree(vcpu_array[i]);
    }
    for (u32 c = 0; c < CPUS; c++) {
        xfree(idle_array[c]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { unit_case(test_storm) };

    return cmocka_run_group_tests_name("sched_race", tests, NULL, NULL);
}
