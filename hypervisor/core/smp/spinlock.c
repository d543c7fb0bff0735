/* SPDX-License-Identifier: MIT */
#include <argon/arch.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <argon/spinlock.h>

/*
 * Wait for our ticket. Plain loads and YIELD, not WFE: the owner's release store is no event for a CPU whose exclusive
 * monitor is not armed on the line (Arm ARM D1.6.1), and critical sections are short.
 */
noinline void spin_lock_contended(struct spinlock *l, u16 ticket)
{
    do {
        cpu_relax();
    } while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != ticket);
}

#if CONFIG_LOCK_DEBUG

/* Before per-CPU data exists (first boot code, unit tests that have none) nothing is recorded. */
static bool is_tracked(const struct pcpu *p)
{
    return p != NULL;
}

static void push_rank(struct pcpu *p, const struct spinlock *l)
{
    ASSERT_ALWAYS(p->lock_depth < ARRAY_SIZE(p->lock_ranks));
    p->lock_ranks[p->lock_depth++] = l->rank;
}

void lock_debug_acquire(struct spinlock *l, bool nested)
{
    struct pcpu *p = this_cpu();

    if (!is_tracked(p)) {
        return;
    }
    if (READ_ONCE(l->holder) == p->id + 1) {
        panic("lock %s: taken twice by CPU %u", l->name, p->id);
    }
    for (u32 i = 0; i < p->lock_depth; i++) {
        if (p->lock_ranks[i] > l->rank || (p->lock_ranks[i] == l->rank && !nested)) {
            panic("lock order: %s (rank %u) taken with rank %u held", l->name, l->rank, p->lock_ranks[i]);
        }
    }
    push_rank(p, l);
}

void lock_debug_acquired(struct spinlock *l)
{
    struct pcpu *p = this_cpu();

    if (is_tracked(p)) {
        WRITE_ONCE(l->holder, (u16)(p->id + 1));
    }
}

void lock_debug_tried(struct spinlock *l)
{
    struct pcpu *p = this_cpu();

    if (is_tracked(p)) {
        push_rank(p, l);
        WRITE_ONCE(l->holder, (u16)(p->id + 1));
    }
}

void lock_debug_release(struct spinlock *l)
{
    struct pcpu *p = this_cpu();
    u32 i;

    if (!is_tracked(p)) {
        return;
    }
    if (READ_ONCE(l->holder) != p->id + 1) {
        panic("lock %s: released by CPU %u, holder %d", l->name, p->id, l->holder - 1);
    }
    WRITE_ONCE(l->holder, 0);
    for (i = p->lock_depth; i > 0 && p->lock_ranks[i - 1] != l->rank; i--) {
    }
    ASSERT_ALWAYS(i > 0);
    for (; i < p->lock_depth; i++) {
        p->lock_ranks[i - 1] = p->lock_ranks[i];
    }
    p->lock_depth--;
}

#endif
