/* SPDX-License-Identifier: MIT */
/*
 * What a CPU does for memory while it has no guest to run: page structs of untouched blocks, then zeroing free memory,
 * 2 MiB at a time, off the lists and without a lock, with a look for interrupts after each page. Nothing of this is
 * needed for correctness: what is not zero when it is handed out is made so then.
 */
#include <argon/arch.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <argon/smp.h>
#include "internal.h"

static bool running;             /* mem_idle_start() was called; written once after boot */
static bool zeroing;             /* ... to zero memory too */
static u32 interrupted;          /* allocations that want back what is being worked on; atomic */
static bool growing;             /* a grace period for the hot range is under way; atomic */
static u64 grow_to;              /* ... and what it will then have: who has set `growing` */
static struct quiesce_head grow_head;

void mem_idle_start(bool zero)
{
    zeroing = zero;
    atomic_store_release(&running, true);
}

static bool may_run(void)
{
    return !arch_irq_waiting() && atomic_load(&interrupted) == 0;
}

static bool in_work(void)
{
    for (u32 i = 0; i < mem_nr_nodes; i++) {
        bool busy;

        /* Who has looked at `interrupted` before we set it has taken its chunk when we get the lock. */
        spin_lock(&buddy_nodes[i].lock);
        busy = buddy_nodes[i].in_work != 0;
        spin_unlock(&buddy_nodes[i].lock);
        if (busy) {
            return true;
        }
    }
    return false;
}

bool scrub_interrupt(void)
{
    if (!atomic_load(&running)) {
        return false;
    }
    atomic_fetch_add(&interrupted, 1);
    while (in_work()) {
        cpu_relax();
    }
    return true;
}

void scrub_resume(void)
{
    atomic_fetch_sub(&interrupted, 1);
}

/* Zero what is not zero of a chunk that nobody else has. False: interrupted (if `yielding`). */
static bool scrub_chunk(u64 m, unsigned int order, bool yielding)
{
    struct page *pg = mfn_to_page(mfn(m)), *end = pg + BIT(order);

    for (; pg < end; pg++) {
        if (atomic_load(&pg->word) == 0) {
            if (yielding && !may_run()) {
                return false;
            }
            frames_scrub(page_to_mfn(pg), 1);
            atomic_store(&pg->word, FREE_ZERO);
        }
    }
    return true;
}

static bool scrub_node(u32 node, bool yielding)
{
    struct buddy_node *n = &buddy_nodes[node];
    unsigned int order = 0;
    u32 m = PAGE_NIL;
    bool zero;

    if (!READ_ONCE(n->zone[ZONE_HIGH].list[false].orders) && !READ_ONCE(n->zone[ZONE_LOW].list[false].orders)) {
        return false;
    }
    spin_lock(&n->lock);
    if (atomic_load(&interrupted) == 0) {
        m = buddy_take_dirty_locked(n, &order);
        n->in_work += m != PAGE_NIL ? BIT(order) : 0;
    }
    spin_unlock(&n->lock);
    if (m == PAGE_NIL) {
        return false;
    }
    zero = scrub_chunk(m, order, yielding);
    arch_forget_code();                  /* once for all of it, before anybody else can have it */
    spin_lock(&n->lock);
    buddy_free_locked(mem_range_find(m), m, order, zero);
    n->in_work -= BIT(order);
    spin_unlock(&n->lock);
    return true;
}

static void grown(struct quiesce_head *head)
{
    (void)head;
    mem_hot_grow(grow_to);
    atomic_store_release(&growing, false);
}

/* True: a grace period was asked for, and this CPU has yet to answer it. */
static bool grow_hot_range(void)
{
    bool no = false;

    if (!lazy_changed() || !atomic_cmpxchg(&growing, &no, true)) {
        return false;
    }
    lazy_seen();
    grow_to = mem_hot_could_be();
    quiesce_defer(&grow_head, grown);
    return true;
}

bool mem_idle(void)
{
    const struct mem_near *near = &mem_near[this_cpu()->node];

    if (!atomic_load_acquire(&running) || !may_run()) {
        return false;
    }
    for (u32 i = 0; i < near->nr; i++) {
        if (lazy_idle(near->node[i])) {
            return true;
        }
    }
    if (grow_hot_range()) {
        return true;
    }
    for (u32 i = 0; zeroing && i < near->nr; i++) {
        if (scrub_node(near->node[i], true)) {
            return true;
        }
    }
    return false;
}

void mem_scrub_all(void)
{
    for (u32 i = 0; i < mem_nr_nodes; i++) {
        while (lazy_idle(i) || scrub_node(i, false)) {
            continue;
        }
    }
}

void scrub_reset(void)
{
    running = false;
    zeroing = false;
    interrupted = 0;
    growing = false;
}
