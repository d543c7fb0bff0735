/* SPDX-License-Identifier: MIT */
/* unit-sources: core/sched/runqueue.c core/sched/wake.c core/sched/balance.c core/sched/cap.c core/sched/switch.c */
/* unit-sources: core/sched/pause.c core/sched/cpupool.c core/sched/affinity.c core/sched/control.c core/sched/fair.c */
/* unit-sources: core/sched/credit.c core/sched/null.c */
/* unit-sources: core/vcpu/vcpu.c core/vcpu/runstate.c core/vcpu/info.c core/hypercall/bitmap.c */
/* unit-sources: core/domain/nodes.c */
/* unit-libs: -lm */
/*
 * The scheduler over virtual time: vCPUs that compute, sleep, yield and wake each other at random, with weights from
 * one end to the other, caps, changes of affinity and weight, pauses, and CPUs and domains that go from pool to pool.
 * After each step, for every vCPU that may run:
 *
 *  - it is current or queued, on a CPU where it may be;
 *  - it does not wait for longer than a slice while a CPU idles where it may run;
 *  - it has not waited for longer than wait_bound();
 *  - whoever shared its CPU since it was runnable last, sleeping or not, did not get more than its share by weight and
 *    the slack of excess().
 *
 * docs/design/scheduling.md tells where the two bounds come from.
 */
#include "test_sched_common.h"
#include <math.h>

enum { MAX_ACTORS = 16, POOL_CREDIT = 1, POOL_NULL = 2 };
enum kind { HOG, SLEEPER, YIELDER, WAKER };

struct scenario {
    const char *name;
    u32 cpus, domains, seeds;
    u64 length;                  /* ns */
    u32 max_weight;              /* from 65536 / max_weight on, evenly by logarithm; 256: all are equal */
    bool controlled;             /* affinity, pauses, weights and caps change */
    bool pools;                  /* CPUs and domains change pools */
    bool yields;
    bool sleepy;                 /* nobody runs for ever: often one is alone for long before another wakes */
};

struct actor {
    struct vcpu *v;
    enum kind kind;
    u64 burst, sleep;            /* means, ns */
    u64 until;                   /* run time at which its burst ends */
    u64 wakes;                   /* when it sleeps: until */
    bool asleep;
    u32 pauses;
    /* what the checks remember */
    u64 run_time, since, idle_since;
    double served;               /* run time by weight, ns at 256 */
    u32 cpu, least_weight, most_weight;
    bool up, runnable;           /* now; now and since the last check */
    bool ran, disturbed;         /* since the last check */
};

static struct actor actors[MAX_ACTORS];
static u32 nr_actors;
static double base[MAX_ACTORS][MAX_ACTORS];
static bool irq_on[NR_CPUS];
static u64 rng;
static const struct scenario *now_playing;
static double worst_wait, worst_excess;          /* of what is allowed */

static u32 rnd(u32 n)
{
    rng = rng * 6364136223846793005UL + 1442695040888963407UL;
    return (u32)((rng >> 33) % n);
}

/* Around the mean: a tenth of it to nearly twice. */
static u64 about(u64 mean)
{
    return mean / 10 + mean * rnd(1000) * 18 / 10000 + 1;
}

static u16 random_weight(void)
{
    double most = now_playing->max_weight, least = fmax(1, 65536 / most);

    return (u16)fmin(65535, most <= 256 ? 256 : least * pow(most / least, rnd(10001) / 10000.0));
}

static u32 weight_of(const struct actor *a)
{
    return a->v->domain->sched.weight;
}

static void set_params(struct domain *d, u16 weight, u16 cap)
{
    struct xen_domctl_scheduler_op op = { .sched_id = d->cpupool->ops->id, .cmd = XEN_DOMCTL_SCHEDOP_putinfo };

    op.u.credit2.weight = weight;
    op.u.credit2.cap = cap;
    if (op.sched_id != XEN_SCHEDULER_NULL) {
        assert_int_equal(sched_domctl(d, &op), 0);
    }
}

static int pool_op(u32 op, u32 pool, u32 sched, u32 cpu, u32 domid)
{
    struct xen_sysctl_cpupool_op c = { .op = op, .cpupool_id = pool, .sched_id = sched, .cpu = cpu, .domid = domid };

    return cpupool_op(&c);
}

/* ---- what the vCPUs do ---- */

static void wake(struct actor *a, u32 cpu, bool irq)
{
    unit_set_cpu(cpu);
    irq_on[cpu] |= irq;
    this_cpu()->in_irq = irq;
    a->asleep = false;
    a->until = vcpu_cpu_time(a->v) + about(a->burst);
    vcpu_kick(a->v, 0);
    this_cpu()->in_irq = false;
}

/* a runs and its burst is over. */
static void turn(struct actor *a)
{
    struct actor *other = &actors[rnd(nr_actors)];

    unit_set_cpu(a->v->cpu);
    a->until = vcpu_cpu_time(a->v) + about(a->burst);
    if (a->kind == WAKER && other->asleep) {
        wake(other, a->v->cpu, false);
    }
    if (a->kind == YIELDER) {
        a->disturbed = true;
        vcpu_yield_current();
    } else if (a->kind != HOG) {
        a->asleep = true;
        a->wakes = host_counter + about(a->sleep);
        vcpu_block_current();
    }
}

static void make_actor(struct vcpu *v)
{
    static const u64 bursts[] = {
        3 * NS_PER_US, 40 * NS_PER_US, 700 * NS_PER_US, 6 * NS_PER_MS, 50 * NS_PER_MS, 800 * NS_PER_MS,
    };
    static const u64 sleeps[] = {
        5 * NS_PER_US, 90 * NS_PER_US, 2 * NS_PER_MS, 30 * NS_PER_MS, 900 * NS_PER_MS, 2 * NS_PER_SEC,
    };
    struct actor *a = &actors[nr_actors++];

    *a = (struct actor){ .v = v, .burst = bursts[rnd(6)], .sleep = sleeps[rnd(6)] };
    a->kind = now_playing->sleepy ? SLEEPER : nr_actors == 1 ? HOG : (enum kind)rnd(now_playing->yields ? 4 : 2);
    if (a->kind >= YIELDER) {
        a->kind = a->kind == YIELDER ? YIELDER : WAKER;
        a->burst = MAX(a->burst, 40 * NS_PER_US);
    }
    if (a->kind == HOG) {
        a->burst = NS_PER_SEC;
    }
    /* A pair that does next to nothing but switch makes steps and tells nothing. */
    if (a->burst + a->sleep < 400 * NS_PER_US) {
        a->sleep = 400 * NS_PER_US;
    }
    a->least_weight = a->most_weight = v->domain->sched.weight;
    a->cpu = v->cpu;
    vcpu_unblock(v, VPF_DOWN);
}

/* ---- what the toolstack does ---- */

static void control_vcpu(struct actor *a)
{
    struct cpumask m = { { 0 } };

    switch (rnd(3)) {
    case 0:
        for (u32 c = 0; c < nr_cpus; c++) {
            if (rnd(2) != 0) {
                cpumask_set(&m, c);
            }
        }
        if (sched_set_affinity(a->v, &m, rnd(2) != 0 ? &m : NULL) != 0) {
            break;               /* nothing of the pool is left */
        }
        break;
    case 1:
        a->pauses++;
        vcpu_pause(a->v);
        break;
    default:
        while (a->pauses > 0) {
            a->pauses--;
            vcpu_unpause(a->v);
        }
        break;
    }
}

static void control_domain(struct domain *d)
{
    u16 weight = random_weight();

    set_params(d, weight, rnd(4) != 0 ? 0 : (u16)(20 + rnd(150)));
    for (u32 i = 0; i < nr_actors; i++) {
        if (actors[i].v->domain == d) {
            actors[i].disturbed = true;
        }
    }
}

static void control_pools(void)
{
    u32 cpu = rnd(nr_cpus), pool = rnd(3);
    struct domain *d = made[rnd(nr_made)];

    if (rnd(2) != 0) {
        for (u32 from = 0; from < 3; from++) {
            if (pool_op(XEN_SYSCTL_CPUPOOL_OP_RMCPU, from, 0, cpu, 0) == 0) {
                assert_int_equal(pool_op(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, pool, 0, cpu, 0), 0);
            }
        }
    } else {
        (void)pool_op(XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN, pool, 0, 0, d->id);
    }
    for (u32 i = 0; i < nr_actors; i++) {
        actors[i].disturbed = true;
        actors[i].since = actors[i].idle_since = host_counter;
    }
}

static void control(void)
{
    unit_set_cpu(rnd(nr_cpus));
    if (now_playing->pools && rnd(6) == 0) {
        control_pools();
    } else if (rnd(2) != 0) {
        control_vcpu(&actors[rnd(nr_actors)]);
    } else {
        control_domain(made[rnd(nr_made)]);
    }
}

/* ---- the bounds ---- */

/* The longest that a vCPU runs while another waits. */
static double longest_slice(void)
{
    u64 most = 0;

    for (u32 i = 0; i < 3; i++) {
        most = cpupools[i].in_use && i != POOL_NULL ? MAX(most, cpupools[i].tslice_ns) : most;
    }
    return (double)most / 2;
}

/*
 * v is ahead of the others by a slice of its own at most. Each of them may catch up with that, from where a sleeper
 * starts, and then end its slice. Several CPUs share that work.
 */
static double wait_bound(const struct actor *a)
{
    double sum = 0;

    for (u32 i = 0; i < nr_actors; i++) {
        if (&actors[i] != a) {
            sum += longest_slice() * (1 + (double)actors[i].most_weight / a->least_weight) + SCHED_WAKE_BONUS_NS;
        }
    }
    return sum;
}

/* What `other` may have got more than a, which was always runnable: a slice of each, and where a sleeper starts. */
static double excess(const struct actor *a, const struct actor *other)
{
    double others = longest_slice() + SCHED_WAKE_BONUS_NS;

    return longest_slice() * 256 / a->least_weight + others * 256 / other->least_weight + NS_PER_US;
}

static bool is_fair(const struct actor *a)
{
    return a->v->domain->cpupool->id != POOL_NULL;
}

static void check_place(const struct actor *a)
{
    const struct vcpu *v = a->v;
    bool current = sched_of(v->cpu)->curr == v;

    if (v->pause_flags != 0) {
        assert_false(v->sched.queued || current);
    } else {
        assert_true(v->sched.queued != current);
        assert_true(cpumask_test(&v->sched.allowed, v->cpu));
        assert_ptr_equal(sched_of(v->cpu)->pool, v->domain->cpupool);
    }
}

/* What wakers and CPUs about to idle go by. */
static void check_offers(void)
{
    for_each_cpu (c) {
        const struct sched_pcpu *sp = sched_of(c);

        assert_int_equal(sp->tslice_ns, sp->pool != NULL ? sp->pool->tslice_ns : 0);
        assert_true(nr_cpus == 1 || cpumask_test(&sched_idle_cpus, c) == sp->curr->is_idle);
        assert_true(nr_cpus == 1 || cpumask_test(&sched_busy_cpus, c) == (!sp->curr->is_idle && sp->nr_runnable > 0));
    }
}

static bool idles_for(const struct vcpu *v)
{
    for_each_cpu (c) {
        if (sched_of(c)->curr->is_idle && cpumask_test(&v->sched.allowed, c)) {
            return true;
        }
    }
    return false;
}

static void check_wait(struct actor *a)
{
    if (a->v->sched.running || a->ran || !a->runnable || !is_fair(a)) {
        a->since = a->idle_since = host_counter;
        return;
    }
    worst_wait = fmax(worst_wait, (double)(host_counter - a->since) / wait_bound(a));
    if ((double)(host_counter - a->since) > wait_bound(a)) {
        fail_msg("%s: d%dv%d, weight %u, waits for %.3f ms, allowed are %.3f ms", now_playing->name, a->v->domain->id,
                 a->v->id, weight_of(a), (double)(host_counter - a->since) / 1e6, wait_bound(a) / 1e6);
    }
    if (!idles_for(a->v)) {
        a->idle_since = host_counter;
    }
    assert_true((double)(host_counter - a->idle_since) <= longest_slice());
}

static void check_share(u32 i)
{
    struct actor *a = &actors[i];

    for (u32 k = 0; k < nr_actors; k++) {
        const struct actor *other = &actors[k];
        double ahead = other->served - a->served;

        if (!a->runnable || a->disturbed || other->disturbed || other->v->cpu != a->v->cpu || !is_fair(a)) {
            base[i][k] = ahead;
        }
        worst_excess = fmax(worst_excess, (ahead - base[i][k]) / excess(a, other));
        if (k != i && ahead - base[i][k] > excess(a, other)) {
            fail_msg("%s: d%dv%d, weight %u, got %.3f ms more than its share beside d%dv%d, weight %u",
                     now_playing->name, other->v->domain->id, other->v->id, weight_of(other),
                     (ahead - base[i][k]) / 1e6 * weight_of(other) / 256, a->v->domain->id, a->v->id, weight_of(a));
        }
    }
}

static void check_all(void)
{
    for (u32 i = 0; i < nr_actors; i++) {
        struct actor *a = &actors[i];
        u64 t = vcpu_cpu_time(a->v);

        check_place(a);
        a->ran = t != a->run_time;
        a->served += (double)(t - a->run_time) * 256 / weight_of(a);
        a->run_time = t;
        a->disturbed |= a->cpu != a->v->cpu;
        a->cpu = a->v->cpu;
        a->runnable = a->up && a->v->pause_flags == 0;
        a->up = a->v->pause_flags == 0;
        a->least_weight = MIN(a->least_weight, weight_of(a));
        a->most_weight = MAX(a->most_weight, weight_of(a));
        check_wait(a);
    }
    check_offers();
    for (u32 i = 0; i < nr_actors; i++) {
        check_share(i);
    }
    for (u32 i = 0; i < nr_actors; i++) {
        actors[i].disturbed = false;
    }
}

/* ---- time ---- */

static void run_schedulers(void)
{
    bool again = true;

    while (again) {
        again = false;
        for_each_cpu (c) {
            unit_set_cpu(c);
            if ((current_vcpu()->pending & PEND_RESCHED) != 0 || (irq_on[c] && current_vcpu()->is_idle)) {
                irq_on[c] = false;
                sched_switch();
                again = true;
            }
            irq_on[c] = false;
        }
    }
}

static u64 next_event(u64 next)
{
    for (u32 i = 0; i < nr_actors; i++) {
        const struct actor *a = &actors[i];

        if (a->asleep) {
            next = MIN(next, a->wakes);
        } else if (a->v->sched.running) {
            u64 t = vcpu_cpu_time(a->v);

            next = MIN(next, host_counter + (a->until > t ? a->until - t : 0));
        }
    }
    return MAX(MIN(next, host_timer_compare), host_counter);
}

static void pass_time(u64 to)
{
    for_each_cpu (c) {
        pcpus[c]->in_irq = true;
    }
    for (u32 i = 0; i < nr_armed; i++) {
        irq_on[armed[i]->cpu] |= armed[i]->deadline <= to;
    }
    unit_advance(to - host_counter);
    for_each_cpu (c) {
        pcpus[c]->in_irq = false;
    }
    run_schedulers();
}

static void step(u64 next_control)
{
    pass_time(next_event(next_control));
    for (u32 i = 0; i < nr_actors; i++) {
        struct actor *a = &actors[i];

        if (a->asleep && host_counter >= a->wakes) {
            wake(a, rnd(nr_cpus), true);
        } else if (!a->asleep && a->v->sched.running && vcpu_cpu_time(a->v) >= a->until) {
            turn(a);
        }
        run_schedulers();
    }
}

static void set_up(const struct scenario *s, u64 seed)
{
    rng = seed * 77777777;
    now_playing = s;
    nr_actors = 0;
    sched_machine(s->cpus, "credit2");
    memset(irq_on, 0, sizeof(irq_on));
    memset(base, 0, sizeof(base));
    all_idle();
    if (s->pools) {
        assert_int_equal(pool_op(XEN_SYSCTL_CPUPOOL_OP_CREATE, POOL_CREDIT, XEN_SCHEDULER_CREDIT, 0, 0), 0);
        assert_int_equal(pool_op(XEN_SYSCTL_CPUPOOL_OP_CREATE, POOL_NULL, XEN_SCHEDULER_NULL, 0, 0), 0);
    }
    for (u16 i = 0; i < s->domains; i++) {
        struct domain *d = sched_domain(i + 1, 1 + (s->cpus > 1 && rnd(2) != 0));

        set_params(d, random_weight(), 0);
        for_each_vcpu (d, v) {
            make_actor(v);
        }
    }
    run_schedulers();
}

static void play(const struct scenario *s)
{
    void *state = NULL;

    for (u64 seed = 1; seed <= s->seeds; seed++) {
        u64 next_control;

        if (seed > 1) {
            sched_teardown(&state);
        }
        set_up(s, seed);
        next_control = s->controlled ? about(20 * NS_PER_MS) : ~0UL;
        while (host_counter < s->length) {
            step(next_control);
            if (host_counter >= next_control) {
                control();
                next_control = host_counter + about(20 * NS_PER_MS);
                run_schedulers();
            }
            check_all();
        }
    }
    print_message("# %s: longest wait %.0f %% of what is allowed, greatest excess %.0f %%\n", s->name, worst_wait * 100,
                  worst_excess * 100);
    worst_wait = worst_excess = 0;
}

#define scenario_test(fn, ...)                                                    \
    static void fn(void **state)                                                  \
    {                                                                             \
        static const struct scenario s = { .name = #fn, __VA_ARGS__ };            \
                                                                                  \
        (void)state;                                                              \
        play(&s);                                                                 \
    }

scenario_test(test_equal_weights, .cpus = 1, .domains = 5, .seeds = 5, .length = 6 * NS_PER_SEC, .max_weight = 256)
scenario_test(test_long_alone, .cpus = 1, .domains = 3, .seeds = 8, .length = 30 * NS_PER_SEC, .max_weight = 256,
              .sleepy = true)
scenario_test(test_near_weights, .cpus = 1, .domains = 5, .seeds = 5, .length = 6 * NS_PER_SEC, .max_weight = 2048)
scenario_test(test_any_weights, .cpus = 1, .domains = 4, .seeds = 5, .length = 25 * NS_PER_SEC, .max_weight = 65536)
scenario_test(test_with_yields, .cpus = 1, .domains = 5, .seeds = 5, .length = 6 * NS_PER_SEC, .max_weight = 1024,
              .yields = true)
scenario_test(test_controlled, .cpus = 1, .domains = 5, .seeds = 5, .length = 6 * NS_PER_SEC, .max_weight = 4096,
              .yields = true, .controlled = true)
scenario_test(test_several_cpus, .cpus = 3, .domains = 6, .seeds = 4, .length = 6 * NS_PER_SEC, .max_weight = 1024)
scenario_test(test_several_cpus_controlled, .cpus = 4, .domains = 7, .seeds = 4, .length = 6 * NS_PER_SEC,
              .max_weight = 4096, .yields = true, .controlled = true)
scenario_test(test_pools, .cpus = 4, .domains = 7, .seeds = 4, .length = 6 * NS_PER_SEC, .max_weight = 65536,
              .yields = true, .controlled = true, .pools = true)

int main(void)
{
    const struct CMUnitTest tests[] = {
        sched_case(test_equal_weights),
        sched_case(test_long_alone),
        sched_case(test_near_weights),
        sched_case(test_any_weights),
        sched_case(test_with_yields),
        sched_case(test_controlled),
        sched_case(test_several_cpus),
        sched_case(test_several_cpus_controlled),
        sched_case(test_pools),
    };

    return cmocka_run_group_tests_name("sched over virtual time", tests, NULL, NULL);
}
