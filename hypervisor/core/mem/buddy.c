/* SPDX-License-Identifier: MIT */
/*
 * The buddy lists. A free chunk of 2^k frames is aligned to its size and linked through the page struct of its first
 * frame, which says k; of the words of its other frames only FREE_ZERO may be set.
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
            n->zone[z].list[false].head[k] = PAGE_NIL;
            n->zone[z].list[true].head[k] = PAGE_NIL;
        }
    }
}

struct buddy_zone *buddy_zone_of(struct buddy_node *n, u64 m)
{
    return &n->zone[m < ZONE_SPLIT_MFN ? ZONE_LOW : ZONE_HIGH];
}

/* Any frame with a page struct: another CPU may be taking references of it meanwhile. */
static bool is_free_head(const struct page *pg, unsigned int order)
{
    return atomic_load(&pg->word) >> 48 == ((u64)PAGE_FREE | (u64)(order + 1) << 8);
}

static void list_insert(struct buddy_zone *z, u64 m, unsigned int order, bool zero)
{
    struct buddy_list *l = &z->list[zero];
    struct page *pg = mfn_to_page(mfn(m));
    u32 head = l->head[order];

    atomic_store(&pg->word, (atomic_load(&pg->word) & FREE_ZERO) | (zero ? FREE_CHUNK_ZERO : 0) | (u64)PAGE_FREE << 48 |
                 (u64)(order + 1) << 56);
    pg->next = head;
    pg->prev = PAGE_NIL;
    if (head != PAGE_NIL) {
        mfn_to_page(mfn(head))->prev = (u32)m;
    }
    l->head[order] = (u32)m;
    atomic_store(&l->orders, l->orders | BIT32(order));
    z->nr[order]++;
    z->free += BIT(order);
}

/* Unlink a chunk; of its head's page struct only FREE_ZERO is left. Was it zero? */
static bool list_remove(struct buddy_zone *z, u64 m, unsigned int order)
{
    struct page *pg = mfn_to_page(mfn(m));
    bool zero = (atomic_load(&pg->word) & FREE_CHUNK_ZERO) != 0;
    struct buddy_list *l = &z->list[zero];

    if (pg->next != PAGE_NIL) {
        mfn_to_page(mfn(pg->next))->prev = pg->prev;
    }
    if (pg->prev != PAGE_NIL) {
        mfn_to_page(mfn(pg->prev))->next = pg->next;
    } else {
        l->head[order] = pg->next;
        if (pg->next == PAGE_NIL) {
            atomic_store(&l->orders, l->orders & ~BIT32(order));
        }
    }
    atomic_store(&pg->word, atomic_load(&pg->word) & FREE_ZERO);
    pg->next = 0;
    pg->prev = 0;
    z->nr[order]--;
    z->free -= BIT(order);
    return zero;
}

void buddy_free_locked(const struct mem_range *r, u64 m, unsigned int order, bool zero)
{
    struct buddy_zone *z = buddy_zone_of(&buddy_nodes[r->node], m);

    ASSERT(spin_is_locked(&buddy_nodes[r->node].lock));
    ASSERT(IS_ALIGNED(m, BIT(order)) && m >= r->first && m + BIT(order) <= r->end);
    ASSERT((atomic_load(&mfn_to_page(mfn(m))->word) & ~FREE_ZERO) == 0);
    while (order < MAX_ORDER) {
        u64 other = m ^ BIT(order);
        const struct page *pg = mfn_to_page(mfn(other));

        /* A buddy outside the range may have no page struct at all. */
        if (other < r->first || other + BIT(order) > r->end || !is_free_head(pg, order)) {
            break;
        }
        if (order >= SCRUB_ORDER && zero != ((atomic_load(&pg->word) & FREE_CHUNK_ZERO) != 0)) {
            break;
        }
        zero &= list_remove(z, other, order);
        m &= ~BIT(order);
        order++;
    }
    list_insert(z, m, order, zero);
}

/* Split the free chunk at m of size `from` until a chunk of size `to` that holds `want` remains, which is taken. */
static void split(struct buddy_zone *z, u64 m, unsigned int from, unsigned int to, u64 want)
{
    bool zero = list_remove(z, m, from);

    ASSERT(from >= to && IS_ALIGNED(m, BIT(from)));
    while (from > to) {
        u64 half;

        from--;
        half = m + BIT(from);
        if (want >= half) {
            list_insert(z, m, from, zero);
            m = half;
        } else {
            list_insert(z, half, from, zero);
        }
    }
}

static u32 list_alloc(struct buddy_zone *z, unsigned int order, bool zero)
{
    u32 fit = z->list[zero].orders >> order;
    unsigned int from;
    u32 m;

    if (fit == 0) {
        return PAGE_NIL;
    }
    from = order + (unsigned int)__builtin_ctz(fit);
    m = z->list[zero].head[from];
    split(z, m, from, order, m);
    return m;
}

static u32 zone_alloc(struct buddy_node *n, struct buddy_zone *z, unsigned int order, bool zero)
{
    u32 m = list_alloc(z, order, zero);

    if (m == PAGE_NIL) {
        m = list_alloc(z, order, !zero);
    }
    if (unlikely(m == PAGE_NIL) && z->nr_untouched > 0 && lazy_use_locked((u32)(n - buddy_nodes), z)) {
        m = list_alloc(z, order, false);
    }
    return m;
}

u32 buddy_alloc_locked(struct buddy_node *n, unsigned int order, bool low, bool zero)
{
    u32 m = PAGE_NIL;

    ASSERT(spin_is_locked(&n->lock) && order <= MAX_ORDER);
    if (!low) {
        m = zone_alloc(n, &n->zone[ZONE_HIGH], order, zero);
    }
    return m != PAGE_NIL ? m : zone_alloc(n, &n->zone[ZONE_LOW], order, zero);
}

u32 buddy_take_dirty_locked(struct buddy_node *n, unsigned int *order)
{
    ASSERT(spin_is_locked(&n->lock));
    /* Where allocations go first. Small ones before large: they may join what is zero already. */
    for (int i = ZONE_HIGH; i >= ZONE_LOW; i--) {
        struct buddy_zone *z = &n->zone[i];
        u32 orders = z->list[false].orders;

        if (orders != 0) {
            unsigned int from = (unsigned int)__builtin_ctz(orders);
            u32 m = z->list[false].head[from];

            *order = MIN(from, (unsigned int)SCRUB_ORDER);
            split(z, m, from, *order, m);
            return m;
        }
    }
    return PAGE_NIL;
}

/* Largest order that m is aligned to and nr frames hold. */
static unsigned int chunk_order(u64 m, u64 nr)
{
    unsigned int size = 63 - (unsigned int)__builtin_clzll(nr);
    unsigned int align = m == 0 ? MAX_ORDER : (unsigned int)__builtin_ctzll(m);

    return MIN(MIN(size, align), (unsigned int)MAX_ORDER);
}

static void free_run_of(const struct mem_range *r, u64 first, u64 nr)
{
    struct buddy_node *n = &buddy_nodes[r->node];

    spin_lock(&n->lock);
    while (nr > 0) {
        unsigned int k = chunk_order(first, nr);

        buddy_free_locked(r, first, k, false);
        first += BIT(k);
        nr -= BIT(k);
    }
    spin_unlock(&n->lock);
}

void buddy_free_run(u64 first, u64 nr)
{
    while (nr > 0) {
        const struct mem_range *r = mem_range_find(first);
        u64 part;

        ASSERT_ALWAYS(r != NULL);
        part = MIN(nr, r->end - first);
        free_run_of(r, first, part);
        first += part;
        nr -= part;
    }
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
    lazy_use_range_locked(&buddy_nodes[r->node], start.m, start.m + nr);
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
    lazy_use_range_locked(n, m, end);
    if (is_all_free(r, m, end)) {
        while (m < end) {
            unsigned int k = chunk_order(m, end - m);
            u64 head = 0;
            int from = find_free_chunk(r, m, &head);

            /* A free chunk smaller than our step lies wholly inside it. */
            k = MIN(k, (unsigned int)from);
            split(buddy_zone_of(n, m), head, (unsigned int)from, k, m);
            page_mark(mfn_to_page(mfn(m)), PAGE_HYP, k);
            m += BIT(k);
        }
        ret = 0;
    }
    spin_unlock(&n->lock);
    return ret;
}
