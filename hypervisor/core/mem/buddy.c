/* SPDX-License-Identifier: MIT */
/*
 * The buddy lists. A free chunk of 2^k frames is aligned to its size and linked through the page struct of its first
 * frame, which says k; the structs of its other frames are zero. So memory never touched needs no initialisation beyond
 * its largest chunks' heads.
 */
#include <argon/errno.h>
#include <argon/panic.h>
#include "internal.h"

struct buddy_node buddy_nodes[MEM_MAX_NODES];
u32 mem_nr_nodes;

void buddy_init(struct buddy_node *n)
{
    *n = (struct buddy_node){ .total = 0 };
    spin_lock_init(&n->lock, RANK_HEAP);
    for (unsigned int z = 0; z < NR_ZONES; z++) {
        for (unsigned int k = 0; k <= MAX_ORDER; k++) {
            n->zone[z].head[k] = PAGE_NIL;
        }
    }
}

static struct buddy_zone *zone_of(struct buddy_node *n, u64 m)
{
    return &n->zone[m < ZONE_SPLIT_MFN ? ZONE_LOW : ZONE_HIGH];
}

/* Any frame with a page struct: another CPU may be taking references of it meanwhile. */
static bool is_free_head(const struct page *pg, unsigned int order)
{
    return atomic_load(&pg->word) >> 48 == ((u64)PAGE_FREE | (u64)(order + 1) << 8);
}

static void list_insert(struct buddy_zone *z, u64 m, unsigned int order)
{
    struct page *pg = mfn_to_page(mfn(m));
    u32 head = z->head[order];

    page_mark(pg, PAGE_FREE, order + 1);
    pg->next = head;
    pg->prev = PAGE_NIL;
    if (head != PAGE_NIL) {
        mfn_to_page(mfn(head))->prev = (u32)m;
    }
    z->head[order] = (u32)m;
    z->orders |= BIT32(order);
    z->nr[order]++;
    z->free += BIT(order);
}

/* Unlink a chunk; its head's page struct becomes zero. */
static void list_remove(struct buddy_zone *z, u64 m, unsigned int order)
{
    struct page *pg = mfn_to_page(mfn(m));

    if (pg->next != PAGE_NIL) {
        mfn_to_page(mfn(pg->next))->prev = pg->prev;
    }
    if (pg->prev != PAGE_NIL) {
        mfn_to_page(mfn(pg->prev))->next = pg->next;
    } else {
        z->head[order] = pg->next;
        if (pg->next == PAGE_NIL) {
            z->orders &= ~BIT32(order);
        }
    }
    page_clear(pg);
    z->nr[order]--;
    z->free -= BIT(order);
}

void buddy_free_locked(const struct mem_range *r, u64 m, unsigned int order)
{
    struct buddy_zone *z = zone_of(&buddy_nodes[r->node], m);

    ASSERT(IS_ALIGNED(m, BIT(order)) && m >= r->first && m + BIT(order) <= r->end);
    ASSERT(atomic_load(&mfn_to_page(mfn(m))->word) == 0);
    while (order < MAX_ORDER) {
        u64 other = m ^ BIT(order);

        /* A buddy outside the range may have no page struct at all. */
        if (other < r->first || other + BIT(order) > r->end || !is_free_head(mfn_to_page(mfn(other)), order)) {
            break;
        }
        list_remove(z, other, order);
        m &= ~BIT(order);
        order++;
    }
    list_insert(z, m, order);
}

/* Split the free chunk at m of size `from` until a chunk of size `to` that holds `want` remains, which is taken. */
static void split(struct buddy_zone *z, u64 m, unsigned int from, unsigned int to, u64 want)
{
    list_remove(z, m, from);
    while (from > to) {
        u64 half;

        from--;
        half = m + BIT(from);
        if (want >= half) {
            list_insert(z, m, from);
            m = half;
        } else {
            list_insert(z, half, from);
        }
    }
}

static u32 zone_alloc(struct buddy_zone *z, unsigned int order)
{
    u32 fit = z->orders >> order;
    unsigned int from;
    u32 m;

    if (fit == 0) {
        return PAGE_NIL;
    }
    from = order + (unsigned int)__builtin_ctz(fit);
    m = z->head[from];
    split(z, m, from, order, m);
    return m;
}

u32 buddy_alloc_locked(struct buddy_node *n, unsigned int order, bool low)
{
    u32 m = PAGE_NIL;

    if (!low) {
        m = zone_alloc(&n->zone[ZONE_HIGH], order);
    }
    return m != PAGE_NIL ? m : zone_alloc(&n->zone[ZONE_LOW], order);
}

/* Largest order that m is aligned to and nr frames hold. */
static unsigned int chunk_order(u64 m, u64 nr)
{
    unsigned int size = 63 - (unsigned int)__builtin_clzll(nr);
    unsigned int align = m == 0 ? MAX_ORDER : (unsigned int)__builtin_ctzll(m);

    return MIN(MIN(size, align), (unsigned int)MAX_ORDER);
}

void buddy_free_run(u64 first, u64 nr)
{
    const struct mem_range *r = mem_range_find(first);
    struct buddy_node *n;

    ASSERT_ALWAYS(r != NULL);
    n = &buddy_nodes[r->node];
    spin_lock(&n->lock);
    while (nr > 0) {
        unsigned int k = chunk_order(first, nr);

        buddy_free_locked(r, first, k);
        first += BIT(k);
        nr -= BIT(k);
    }
    spin_unlock(&n->lock);
}

/*
 * The free chunk that holds frame m: its order, and first frame in *head; -1 if m is not free. Caller holds the lock.
 */
static int find_free_chunk(const struct mem_range *r, u64 m, u64 *head)
{
    for (unsigned int k = 0; k <= MAX_ORDER; k++) {
        u64 h = ROUND_DOWN(m, BIT(k));

        if (h < r->first) {
            break;
        }
        if (is_free_head(mfn_to_page(mfn(h)), k)) {
            *head = h;
            return (int)k;
        }
    }
    return -1;
}

static bool is_all_free(const struct mem_range *r, u64 first, u64 end)
{
    while (first < end) {
        u64 head;
        int k = find_free_chunk(r, first, &head);

        if (k < 0) {
            return false;
        }
        first = head + BIT(k);
    }
    return true;
}

bool mem_is_free(mfn_t start, u64 nr)
{
    const struct mem_range *r = mem_range_find(start.m);
    bool all;

    if (r == NULL || nr > r->end - start.m) {
        return false;
    }
    mem_flush_cache();
    spin_lock(&buddy_nodes[r->node].lock);
    all = is_all_free(r, start.m, start.m + nr);
    spin_unlock(&buddy_nodes[r->node].lock);
    return all;
}

int mem_claim(mfn_t start, u64 nr)
{
    const struct mem_range *r = mem_range_find(start.m);
    u64 m = start.m, end = start.m + nr;
    struct buddy_node *n;
    int ret = -ENOMEM;

    if (r == NULL || nr == 0 || end < m || end > r->end) {
        return -ENOMEM;
    }
    mem_flush_cache();
    n = &buddy_nodes[r->node];
    spin_lock(&n->lock);
    if (is_all_free(r, m, end)) {
        while (m < end) {
            unsigned int k = chunk_order(m, end - m);
            u64 head;
            int from = find_free_chunk(r, m, &head);

            /* A free chunk smaller than our step lies wholly inside it. */
            k = MIN(k, (unsigned int)from);
            split(zone_of(n, m), head, (unsigned int)from, k, m);
            page_mark(mfn_to_page(mfn(m)), PAGE_HYP, k);
            m += BIT(k);
        }
        ret = 0;
    }
    spin_unlock(&n->lock);
    return ret;
}
