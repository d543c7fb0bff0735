/* SPDX-License-Identifier: MIT */
/*
 * Grace periods. One period is open at a time: it has a number, and each CPU answers it once, at a moment when it holds
 * no pointer from before. The last to answer runs the period's callbacks and opens the next period if more were
 * deferred meanwhile.
 *
 * Ordering: the number is published (release) after the object was unpublished by the deferring CPU; a CPU that sees
 * the number (acquire) sees that too. Each answer is a read-modify-write of one word, acquire and release, so the last
 * one happens after all accesses before the others.
 */
#include <argon/atomic.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <argon/smp.h>
#include <argon/spinlock.h>
#include <argon/vcpu.h>

static struct spinlock quiesce_lock = SPINLOCK_INIT(RANK_QUIESCE);
static struct list_head open_list = LIST_HEAD_INIT(open_list);       /* wait for the open period; lock */
static struct list_head next_list = LIST_HEAD_INIT(next_list);       /* deferred since; lock */
static bool period_open;         /* lock */
static u64 period;               /* number of the open or last period; written under lock, read without */
static u32 unanswered;           /* CPUs that the open period waits for; atomic */

/* Lock held, no period open, next_list not empty. The caller kicks the other CPUs after it has dropped the lock. */
static void open_period(void)
{
    struct list_head *first = next_list.next, *last = next_list.prev;

    ASSERT(spin_is_locked(&quiesce_lock) && !period_open && !list_empty(&next_list));
    open_list.next = first;
    open_list.prev = last;
    first->prev = &open_list;
    last->next = &open_list;
    list_init(&next_list);
    period_open = true;
    atomic_store(&unanswered, nr_cpus);
    atomic_store_release(&period, period + 1);
}

/* Every CPU is to answer: this one on its way to the guest or idle. */
static void ask_all(void)
{
    struct vcpu *v = current_vcpu();

    if (v != NULL) {
        atomic_fetch_or(&v->pending, PEND_QUIESCE);
    }
    for_each_cpu(cpu) {
        if (cpu != cpu_id()) {
            smp_kick(cpu, IPI_QUIESCE);
        }
    }
}

void quiesce_defer(struct quiesce_head *head, void (*fn)(struct quiesce_head *))
{
    bool opened = false;

    ASSERT(fn != NULL);
    head->fn = fn;
    spin_lock(&quiesce_lock);
    list_add_tail(&head->link, &next_list);
    if (!period_open) {
        open_period();
        opened = true;
    }
    spin_unlock(&quiesce_lock);
    if (opened) {
        ask_all();
    }
}

/* All have answered the open period: run what waited for it. */
static void complete_period(void)
{
    struct list_head *link;
    bool opened = false;

    spin_lock(&quiesce_lock);
    link = open_list.next;
    open_list.prev->next = NULL;         /* a plain chain from here, which no one else sees */
    list_init(&open_list);
    period_open = false;
    if (!list_empty(&next_list)) {
        open_period();
        opened = true;
    }
    spin_unlock(&quiesce_lock);
    if (opened) {
        ask_all();
    }
    while (link != NULL) {
        struct quiesce_head *head = list_entry(link, struct quiesce_head, link);

        link = link->next;               /* the callback frees it */
        head->fn(head);
    }
}

void quiesce_poll(void)
{
    struct pcpu *p = this_cpu();
    u64 seq = atomic_load_acquire(&period);

    if (p->quiesce_seq == seq) {
        return;
    }
    p->quiesce_seq = seq;
    if (atomic_fetch_sub(&unanswered, 1) == 1) {
        complete_period();
    }
}
