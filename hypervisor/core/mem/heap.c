/* SPDX-License-Identifier: MIT */
/*
 * Small objects. A size class is a power of two from 32 to 2048 bytes; a slab is one page of objects of a class. Its
 * page struct says which (order), holds the first free object and the number in use (owner), and links the slabs of a
 * class that have room. A free object's first byte is the number of the next one. Larger requests get whole pages, of
 * which `next` of the head says how many.
 *
 * Each node has its own slabs, made of its memory: an object is of the CPU's node while that has memory, and goes back
 * to where it came from whoever frees it.
 */
#include <argon/arch.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <argon/string.h>
#include "internal.h"

#define MIN_SHIFT 5
#define MAX_SHIFT 11
#define NR_CLASSES (MAX_SHIFT - MIN_SHIFT + 1)
#define NO_OBJECT 0xff

static struct slab_class {
    struct spinlock lock;        /* RANK_HEAP; no other lock is taken under it */
    u32 partial;                 /* slabs with a free object: mfn of the first */
    u64 slabs;
} classes[MEM_MAX_NODES][NR_CLASSES];
static u64 bulk;                 /* whole pages in use, atomic */

static u8 slab_free_head(const struct page *pg) { return (u8)(pg->owner & 0xff); }
static u8 slab_in_use(const struct page *pg) { return (u8)(pg->owner >> 8); }

static void slab_set(struct page *pg, unsigned int head, unsigned int in_use)
{
    atomic_store(&pg->owner, (u16)(head | in_use << 8));
}

static unsigned int class_of(size_t size)
{
    return size <= BIT(MIN_SHIFT) ? 0 : 64U - (unsigned int)__builtin_clzll(size - 1) - MIN_SHIFT;
}

static u8 *object(const struct page *pg, unsigned int cls, unsigned int n)
{
    return (u8 *)page_to_virt(pg) + ((size_t)n << (cls + MIN_SHIFT));
}

static void link_partial(struct slab_class *c, struct page *pg)
{
    u32 m = (u32)page_to_mfn(pg).m;

    pg->next = c->partial;
    pg->prev = PAGE_NIL;
    if (c->partial != PAGE_NIL) {
        mfn_to_page(mfn(c->partial))->prev = m;
    }
    c->partial = m;
}

static void unlink_partial(struct slab_class *c, struct page *pg)
{
    if (pg->next != PAGE_NIL) {
        mfn_to_page(mfn(pg->next))->prev = pg->prev;
    }
    if (pg->prev != PAGE_NIL) {
        mfn_to_page(mfn(pg->prev))->next = pg->next;
    } else {
        c->partial = pg->next;
    }
}

/* A page of the node's cut into objects, all of them free, not yet on the class's list. */
static struct page *new_slab(u32 node, unsigned int cls)
{
    struct page *pg = mem_alloc_frames(0, mem_nr_nodes == 1 ? 0 : MEMF_NODE(node) | MEMF_EXACT_NODE, 0);
    unsigned int nr = (unsigned int)(PAGE_SIZE >> (cls + MIN_SHIFT));

    if (pg == NULL) {
        return NULL;
    }
    page_mark(pg, PAGE_HYP, PAGE_ORDER_SLAB | cls);
    slab_set(pg, 0, 0);
    for (unsigned int i = 0; i < nr; i++) {
        *object(pg, cls, i) = (u8)(i + 1 < nr ? i + 1 : NO_OBJECT);
    }
    return pg;
}

/* An object of the class's first slab with room, which there is. Caller holds the lock. */
static u8 *take_object(struct slab_class *c, unsigned int cls)
{
    struct page *pg = mfn_to_page(mfn(c->partial));
    u8 *p = object(pg, cls, slab_free_head(pg));

    slab_set(pg, *p, slab_in_use(pg) + 1U);
    if (*p == NO_OBJECT) {
        unlink_partial(c, pg);
    }
    return p;
}

static u8 *node_alloc(u32 node, unsigned int cls)
{
    struct slab_class *c = &classes[node][cls];
    u8 *p;

    spin_lock(&c->lock);
    if (unlikely(c->partial == PAGE_NIL)) {
        struct page *pg;

        /* The buddy lists' lock has the same rank: fetch the page without ours. */
        spin_unlock(&c->lock);
        pg = new_slab(node, cls);
        if (pg == NULL) {
            return NULL;
        }
        spin_lock(&c->lock);
        link_partial(c, pg);
        c->slabs++;
    }
    p = take_object(c, cls);
    spin_unlock(&c->lock);
    return p;
}

static void *slab_alloc(u32 from, unsigned int cls)
{
    const struct mem_near *near = &mem_near[from];

    for (u32 i = 0; i < near->nr; i++) {
        u8 *p = node_alloc(near->node[i], cls);

        if (likely(p != NULL)) {
            return memset(p, 0, (size_t)BIT(cls + MIN_SHIFT));
        }
    }
    return NULL;
}

static void slab_free(struct page *pg, u8 *p)
{
    unsigned int cls = pg->order & 0x7fU;
    struct slab_class *c = &classes[mem_node_of(page_to_mfn(pg).m)][cls];
    u64 offset = (u64)(p - (u8 *)page_to_virt(pg));
    bool was_full, empty;

    ASSERT_ALWAYS(cls < NR_CLASSES && IS_ALIGNED(offset, BIT(cls + MIN_SHIFT)));
    spin_lock(&c->lock);
    ASSERT_ALWAYS(slab_in_use(pg) > 0);
    was_full = slab_free_head(pg) == NO_OBJECT;
    *p = slab_free_head(pg);
    slab_set(pg, (unsigned int)(offset >> (cls + MIN_SHIFT)), slab_in_use(pg) - 1U);
    empty = slab_in_use(pg) == 0;
    if (was_full && !empty) {
        link_partial(c, pg);
    } else if (empty && !was_full) {
        unlink_partial(c, pg);
    }
    c->slabs -= empty;
    spin_unlock(&c->lock);
    if (empty) {
        page_clear(pg);
        mem_free_frame(pg);
    }
}

/* Whole pages: the power of two above, less the tail that is not needed. */
static void *bulk_alloc(u32 node, size_t size)
{
    u64 nr = ROUND_UP(size, PAGE_SIZE) >> PAGE_SHIFT;
    unsigned int order = nr == 1 ? 0 : 64U - (unsigned int)__builtin_clzll(nr - 1);
    struct page *pg;

    if (size > PAGE_SIZE << MAX_ORDER) {
        return NULL;
    }
    pg = mem_alloc_frames(order, mem_nr_nodes == 1 ? 0 : MEMF_NODE(node), 0);
    if (pg == NULL) {
        return NULL;
    }
    page_mark(pg, PAGE_HYP, PAGE_ORDER_BULK);
    pg->next = (u32)nr;
    if (nr < BIT(order)) {
        buddy_free_run(page_to_mfn(pg).m + nr, BIT(order) - nr);
    }
    atomic_fetch_add(&bulk, nr);
    arch_zero_pages(page_to_virt(pg), nr);
    return page_to_virt(pg);
}

void *xzalloc_bytes_near(size_t size, u32 node)
{
    ASSERT(node < MEM_MAX_NODES);
    if (size == 0) {
        return NULL;
    }
    return size <= BIT(MAX_SHIFT) ? slab_alloc(node, class_of(size)) : bulk_alloc(node, size);
}

void *xzalloc_bytes(size_t size)
{
    return xzalloc_bytes_near(size, this_cpu()->node);
}

void *xzalloc_array_bytes(size_t n, size_t size)
{
    size_t bytes;

    return __builtin_mul_overflow(n, size, &bytes) ? NULL : xzalloc_bytes(bytes);
}

void xfree(void *p)
{
    struct page *pg;
    u64 nr;

    if (p == NULL) {
        return;
    }
    pg = virt_to_page(p);
    ASSERT_ALWAYS(pg->use == PAGE_HYP);
    if (pg->order & PAGE_ORDER_SLAB) {
        slab_free(pg, p);
        return;
    }
    ASSERT_ALWAYS(pg->order == PAGE_ORDER_BULK && IS_ALIGNED((uintptr_t)p, PAGE_SIZE));
    nr = pg->next;
    page_clear(pg);
    atomic_fetch_sub(&bulk, nr);
    if (nr == 1) {
        mem_free_frame(pg);
    } else {
        buddy_free_run(page_to_mfn(pg).m, nr);
    }
}

u64 mem_object_bytes(const void *p)
{
    const struct page *pg;

    if (p == NULL) {
        return 0;
    }
    pg = virt_to_page(p);
    if (pg->order & PAGE_ORDER_SLAB) {
        return BIT((pg->order & 0x7fU) + MIN_SHIFT);
    }
    return pg->order == PAGE_ORDER_BULK ? (u64)pg->next << PAGE_SHIFT : PAGE_SIZE << pg->order;
}

void slab_usage(u64 *slab_pages, u64 *bulk_pages)
{
    *slab_pages = 0;
    for (u32 n = 0; n < mem_nr_nodes; n++) {
        for (unsigned int i = 0; i < NR_CLASSES; i++) {
            *slab_pages += READ_ONCE(classes[n][i].slabs);
        }
    }
    *bulk_pages = atomic_load(&bulk);
}

void slab_init_node(u32 node)
{
    for (unsigned int i = 0; i < NR_CLASSES; i++) {
        classes[node][i] = (struct slab_class){ .lock = SPINLOCK_INIT(RANK_HEAP), .partial = PAGE_NIL };
    }
}

void slab_reset(void)
{
    bulk = 0;
}
