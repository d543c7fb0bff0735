/* SPDX-License-Identifier: MIT */
/* Timers: a queue per CPU, ordered by deadline; its head is in the CPU's hardware timer. */
#include <argon/arch.h>
#include <argon/console.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <argon/smp.h>
#include <argon/timer.h>

#define TIMER_OFF UINT64_MAX

/* Handlers run in one interrupt at most; what is due still is taken by the next, after a look at other interrupts. */
#define TIMER_BATCH 64

static bool timer_less(const struct rb_node *a, const struct rb_node *b)
{
    return container_of(a, const struct timer, node)->deadline < container_of(b, const struct timer, node)->deadline;
}

static struct timer *queue_head(const struct timer_pcpu *tp)
{
    struct rb_node *n = rb_first(&tp->queue);

    return n != NULL ? container_of(n, struct timer, node) : NULL;
}

static u64 head_deadline(const struct timer_pcpu *tp)
{
    const struct timer *t = queue_head(tp);

    return t != NULL ? t->deadline : TIMER_OFF;
}

/* Give this CPU's hardware the head of its queue. Lock held. */
static void program(struct timer_pcpu *tp)
{
    u64 deadline = head_deadline(tp);

    ASSERT(spin_is_locked(&tp->lock));
    WRITE_ONCE(tp->programmed, deadline);
    arch_timer_program(deadline == TIMER_OFF ? TIMER_OFF : ns_to_ticks(deadline));
}

void timer_init_cpu(struct timer_pcpu *tp)
{
    *tp = (struct timer_pcpu){ .programmed = TIMER_OFF };
    spin_lock_init(&tp->lock, RANK_TIMER);
}

void timer_setup(struct timer *t, void (*fn)(void *), void *data, u32 cpu)
{
    *t = (struct timer){ .deadline = TIMER_OFF, .fn = fn, .data = data, .cpu = cpu };
}

/* Lock the queue the timer belongs to; timer_migrate() may change it until the lock is held. */
static always_inline struct timer_pcpu *lock_queue_of(const struct timer *t)
{
    for (;;) {
        u32 cpu = READ_ONCE(t->cpu);
        struct timer_pcpu *tp = &pcpus[cpu]->timers;

        spin_lock(&tp->lock);
        if (likely(READ_ONCE(t->cpu) == cpu)) {
            return tp;
        }
        spin_unlock(&tp->lock);
    }
}

static always_inline void enqueue(struct timer_pcpu *tp, struct timer *t, u64 deadline)
{
    ASSERT(spin_is_locked(&tp->lock) && !t->queued);
    t->deadline = deadline;
    t->queued = true;
    rb_insert(&tp->queue, &t->node, timer_less);
}

static always_inline void dequeue(struct timer_pcpu *tp, struct timer *t)
{
    ASSERT(spin_is_locked(&tp->lock) && t->queued);
    rb_remove(&tp->queue, &t->node);
    t->queued = false;
    t->deadline = TIMER_OFF;
}

/*
 * The queue of `cpu` has changed; lock held. Here: program the hardware if its deadline is no longer the head's.
 * Elsewhere: true if that CPU must be kicked, which is when the head has become earlier (one that fires too early only
 * costs an interrupt).
 */
static always_inline bool head_changed(struct timer_pcpu *tp, u32 cpu)
{
    u64 deadline = head_deadline(tp);

    if (cpu != cpu_id()) {
        return deadline < READ_ONCE(tp->programmed);
    }
    if (deadline != tp->programmed) {
        program(tp);
    }
    return false;
}

void timer_set(struct timer *t, u64 deadline)
{
    struct timer_pcpu *tp = lock_queue_of(t);
    u32 cpu = t->cpu;
    bool kick;

    if (t->queued) {
        if (unlikely(t->fn == NULL)) {
            spin_unlock(&tp->lock);
            return;              /* ended */
        }
        dequeue(tp, t);
    }
    if (deadline != TIMER_OFF) {
        enqueue(tp, t, deadline);
    }
    kick = head_changed(tp, cpu);
    spin_unlock(&tp->lock);
    if (kick) {
        smp_kick(cpu, IPI_TIMER);
    }
}

static void stop_locked(struct timer_pcpu *tp, struct timer *t)
{
    if (t->queued && t->fn != NULL) {
        dequeue(tp, t);
        (void)head_changed(tp, t->cpu);      /* a head that went away elsewhere needs no kick */
    }
}

/* A timer that was never set up, as after a failed creation, does not get here: it is not queued. */
void timer_stop_queued(struct timer *t)
{
    struct timer_pcpu *tp = lock_queue_of(t);

    stop_locked(tp, t);
    spin_unlock(&tp->lock);
}

/* The two fields change under the lock, for timer_set() and timer_migrate(); who only looks at `queued` asks again. */
void timer_end(struct timer *t)
{
    struct timer_pcpu *tp = lock_queue_of(t);

    stop_locked(tp, t);
    WRITE_ONCE(t->fn, NULL);
    WRITE_ONCE(t->queued, true);
    spin_unlock(&tp->lock);
}

/* Both queues, the lower CPU's first, so that the timer is never seen on neither. */
static void lock_two_queues(u32 a, u32 b)
{
    spin_lock(&pcpus[MIN(a, b)]->timers.lock);
    if (a != b) {
        spin_lock_nested(&pcpus[MAX(a, b)]->timers.lock);
    }
}

static void unlock_two_queues(u32 a, u32 b)
{
    if (a != b) {
        spin_unlock(&pcpus[MAX(a, b)]->timers.lock);
    }
    spin_unlock(&pcpus[MIN(a, b)]->timers.lock);
}

void timer_migrate(struct timer *t, u32 cpu)
{
    u32 old;
    bool kick = false;

    for (;;) {
        old = READ_ONCE(t->cpu);
        if (old == cpu) {
            return;
        }
        lock_two_queues(old, cpu);
        if (t->cpu == old) {
            break;
        }
        unlock_two_queues(old, cpu);
    }
    WRITE_ONCE(t->cpu, cpu);
    if (t->queued && t->fn != NULL) {
        u64 deadline = t->deadline;

        dequeue(&pcpus[old]->timers, t);
        (void)head_changed(&pcpus[old]->timers, old);
        enqueue(&pcpus[cpu]->timers, t, deadline);
        kick = head_changed(&pcpus[cpu]->timers, cpu);
    }
    unlock_two_queues(old, cpu);
    if (kick) {
        smp_kick(cpu, IPI_TIMER);
    }
}

void timer_interrupt(void)
{
    struct timer_pcpu *tp = &this_cpu()->timers;
    u64 now = now_ns();

    spin_lock(&tp->lock);
    for (u32 n = 0; n < TIMER_BATCH; n++) {
        struct timer *t = queue_head(tp);
        void (*fn)(void *);
        void *data;

        if (t == NULL || t->deadline > now) {
            break;
        }
        fn = t->fn;
        data = t->data;
        dequeue(tp, t);
        spin_unlock(&tp->lock);
        fn(data);                /* t may be gone when it returns */
        spin_lock(&tp->lock);
    }
    /* Always: the compare value that fired holds the interrupt line up. */
    program(tp);
    spin_unlock(&tp->lock);
}

void timer_reprogram(void)
{
    struct timer_pcpu *tp = &this_cpu()->timers;

    spin_lock(&tp->lock);
    program(tp);
    spin_unlock(&tp->lock);
}

/* One line of the queue of `cpu`: the first timer due after `from`. False at the end. */
static bool dump_next(u32 cpu, u64 now, struct timer **prev)
{
    struct timer_pcpu *tp = &pcpus[cpu]->timers;
    void *fn = NULL, *data = NULL;
    u64 deadline = 0;
    struct rb_node *n;

    spin_lock(&tp->lock);
    n = rb_first(&tp->queue);
    /* The one shown last may be gone by now; then the walk ends. */
    for (; *prev != NULL && n != NULL; n = rb_next(n)) {
        if (container_of(n, struct timer, node) == *prev) {
            n = rb_next(n);
            break;
        }
    }
    if (n != NULL) {
        struct timer *t = container_of(n, struct timer, node);

        *prev = t;
        fn = (void *)(uintptr_t)t->fn;
        data = t->data;
        deadline = t->deadline;
    }
    spin_unlock(&tp->lock);
    if (n == NULL) {
        return false;
    }
    con_printf("  ex=%8" PRId64 "us timer fn=%p data=%p\n", ((s64)(deadline - now)) / 1000, fn, data);
    return true;
}

void timer_dump(void)
{
    for_each_cpu(cpu) {
        struct timer *prev = NULL;

        con_printf("CPU%02u:\n", cpu);
        for (u32 n = 0; n < 64 && dump_next(cpu, now_ns(), &prev); n++) {
        }
    }
}
