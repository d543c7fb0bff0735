/* SPDX-License-Identifier: MIT */
/*
 * Frames from node to node, and the per-CPU caches: single pages are allocated from and freed to the CPU's own cache
 * without a lock; it is filled and drained MEM_CACHE_BATCH pages at a time. A cache holds pages of its CPU's node only.
 */
#include <argon/arch.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include "internal.h"

static u32 alloc_from_node(u32 node, unsigned int order, u32 memf)
{
    struct buddy_node *n = &buddy_nodes[node];
    u32 m;

    spin_lock(&n->lock);
    m = buddy_alloc_locked(n, order, (memf & MEMF_LOW32) != 0, (memf & (MEMF_ZERO | MEMF_SCRUB)) != 0);
    spin_unlock(&n->lock);
    return m;
}

/*
 * Fill an empty cache: one chunk of a batch where there is one, which keeps a run of pages together. False: node is
 * empty.
 */
static bool refill(struct mem_pcpu *c, u32 node)
{
    struct buddy_node *n = &buddy_nodes[node];
    unsigned int order = (unsigned int)__builtin_ctz(MEM_CACHE_BATCH);
    u32 m;

    spin_lock(&n->lock);
    m = buddy_alloc_locked(n, order, false, true);
    if (m != PAGE_NIL) {
        /* Popped from the end: lowest address last. */
        for (u32 i = 0; i < MEM_CACHE_BATCH; i++) {
            c->cache[i] = m + MEM_CACHE_BATCH - 1 - i;
        }
        c->nr_cached = MEM_CACHE_BATCH;
    } else {
        while (c->nr_cached < MEM_CACHE_BATCH && (m = buddy_alloc_locked(n, 0, false, true)) != PAGE_NIL) {
            c->cache[c->nr_cached++] = m;
        }
    }
    spin_unlock(&n->lock);
    return c->nr_cached > 0;
}

/* Give the `nr` pages longest in the cache back. */
static void drain(struct mem_pcpu *c, u32 node, u32 nr)
{
    struct buddy_node *n = &buddy_nodes[node];

    spin_lock(&n->lock);
    for (u32 i = 0; i < nr; i++) {
        u64 m = c->cache[i];

        buddy_free_locked(mem_range_find(m), m, 0, (atomic_load(&mfn_to_page(mfn(m))->word) & FREE_ZERO) != 0);
    }
    spin_unlock(&n->lock);
    c->nr_cached -= nr;
    for (u32 i = 0; i < c->nr_cached; i++) {
        c->cache[i] = c->cache[i + nr];
    }
}

void mem_flush_cache(void)
{
    struct pcpu *p = this_cpu();

    if (p->mem.nr_cached > 0) {
        drain(&p->mem, mem_local_node(p), p->mem.nr_cached);
    }
}

u64 mem_cached_pages(u32 node)
{
    u64 nr = 0;

    for_each_cpu(c) {
        if (pcpus[c] != NULL && mem_local_node(pcpus[c]) == node) {
            nr += READ_ONCE(pcpus[c]->mem.nr_cached);
        }
    }
    return nr;
}

/* Nodes of the mask first, by distance from `start`, then the others unless `exact`. */
static u32 alloc_by_node(unsigned int order, u32 memf, u32 start, u64 mask)
{
    bool exact = (memf & MEMF_EXACT_NODE) != 0;

    for (u32 pass = 0; pass < (exact ? 1U : 2U); pass++) {
        for (u32 i = 0; i < mem_near[start].nr; i++) {
            u32 node = mem_near[start].node[i];
            u32 m;

            if ((mask >> node & 1) != (pass == 0)) {
                continue;
            }
            m = alloc_from_node(node, order, memf);
            if (m != PAGE_NIL) {
                return m;
            }
        }
    }
    return PAGE_NIL;
}

/* Where a search begins that prefers the nodes of a mask: at the nearest; the others follow by distance from it. */
static u32 nearest_of(u32 from, u64 mask)
{
    for (u32 i = 0; i < mem_near[from].nr; i++) {
        if (mask >> mem_near[from].node[i] & 1) {
            return mem_near[from].node[i];
        }
    }
    /* None of them has memory: from the lowest, where that is a node. */
    return MIN((u32)__builtin_ctzll(mask), MEM_MAX_NODES - 1U);
}

static noinline struct page *alloc_slow(unsigned int order, u32 memf, u64 nodes)
{
    struct pcpu *p = this_cpu();
    u32 local = mem_local_node(p), start = local;
    u32 m;

    if (order > MAX_ORDER || mem_nr_nodes == 0) {
        return NULL;
    }
    if (memf & BIT32(31)) {
        start = memf >> 16 & 0x7fff;
        if (start >= MEM_MAX_NODES) {
            return NULL;
        }
        nodes = BIT(start);
    } else if (nodes == 0) {
        nodes = BIT(start);
    } else if ((nodes >> start & 1) == 0) {
        start = nearest_of(start, nodes);
    }
    if (order == 0 && !(memf & MEMF_LOW32) && start == local && (nodes >> start & 1) &&
        (p->mem.nr_cached > 0 || refill(&p->mem, start))) {
        return mfn_to_page(mfn(p->mem.cache[--p->mem.nr_cached]));
    }
    m = alloc_by_node(order, memf, start, nodes);
    if (m == PAGE_NIL && order > 0 && p->mem.nr_cached > 0) {
        /* What this CPU holds back may be what is missing. */
        mem_flush_cache();
        m = alloc_by_node(order, memf, start, nodes);
    }
    if (m == PAGE_NIL && scrub_interrupt()) {
        m = alloc_by_node(order, memf, start, nodes);
        scrub_resume();
    }
    return m == PAGE_NIL ? NULL : mfn_to_page(mfn(m));
}

static void make_zero(struct page *pg, u64 nr, u32 memf)
{
    if (memf & MEMF_SCRUB) {
        frames_scrub(page_to_mfn(pg), nr);
    } else if (memf & MEMF_ZERO) {
        arch_zero_pages(page_to_virt(pg), nr);
    }
}

/* Frames leave the allocator: what is asked to be zero and is not becomes so, and no word keeps saying that it is. */
static void hand_out(struct page *pg, u64 nr, u32 memf)
{
    struct page *end = pg + nr;
    bool scrubbed = false;

    while (pg < end) {
        struct page *dirty = pg;

        while (pg < end && atomic_load(&pg->word) == 0) {
            pg++;
        }
        if (dirty < pg) {
            make_zero(dirty, (u64)(pg - dirty), memf);
            scrubbed = (memf & MEMF_SCRUB) != 0;
        }
        for (; pg < end && atomic_load(&pg->word) != 0; pg++) {
            atomic_store(&pg->word, 0);
        }
    }
    if (scrubbed) {
        arch_forget_code();
    }
}

struct page *mem_alloc_frames(unsigned int order, u32 memf, u64 nodes)
{
    struct pcpu *p = this_cpu();
    struct page *pg;

    /* nodes: none or all. */
    if (likely(order == 0 && p->mem.nr_cached > 0 && (memf & ~(MEMF_ZERO | MEMF_SCRUB)) == 0 &&
               (nodes + 1 <= 1 || mem_nr_nodes == 1))) {
        pg = mfn_to_page(mfn(p->mem.cache[--p->mem.nr_cached]));
    } else {
        pg = alloc_slow(order, memf, nodes);
    }
    if (likely(pg != NULL)) {
        hand_out(pg, BIT(order), memf);
    }
    return pg;
}

void mem_free_frame(struct page *pg)
{
    struct pcpu *p = this_cpu();
    mfn_t m = page_to_mfn(pg);

    if (unlikely(mem_nr_nodes > 1 && mem_node_of(m.m) != mem_local_node(p))) {
        buddy_free_run(m.m, 1);
        return;
    }
    if (unlikely(p->mem.nr_cached == MEM_CACHE_PAGES)) {
        drain(&p->mem, mem_local_node(p), MEM_CACHE_BATCH);
    }
    p->mem.cache[p->mem.nr_cached++] = (u32)m.m;
}

void *pages_alloc(unsigned int order, u32 memf)
{
    struct page *pg = mem_alloc_frames(order, memf, 0);

    if (pg == NULL) {
        return NULL;
    }
    page_mark(pg, PAGE_HYP, order);
    return page_to_virt(pg);
}

void pages_free(void *va, unsigned int order)
{
    struct page *pg = virt_to_page(va);

    /* Ours, and not freed before: a frame of a free chunk has another use. */
    ASSERT_ALWAYS(pg->use == PAGE_HYP && pg->order == order && pg->count == 0);
    page_clear(pg);
    if (order == 0) {
        mem_free_frame(pg);
    } else {
        buddy_free_run(page_to_mfn(pg).m, BIT(order));
    }
}
