/* SPDX-License-Identifier: MIT */
/* Between the files of core/mem only. */
#ifndef CORE_MEM_INTERNAL_H
#define CORE_MEM_INTERNAL_H

#include <argon/atomic.h>
#include <argon/mem.h>
#include <argon/spinlock.h>

/*
 * A node's free memory is kept in two zones, below and above 4 GiB, so that a request for low memory finds it at once
 * and others leave it alone while they can. Chunks never straddle the boundary: it is a multiple of the largest chunk.
 */
enum { ZONE_LOW, ZONE_HIGH, NR_ZONES };
#define ZONE_SPLIT_MFN (1UL << (32 - PAGE_SHIFT))

struct buddy_zone {
    u32 orders;                  /* bit per order whose list is not empty */
    u32 head[MAX_ORDER + 1];     /* first chunk's mfn */
    u64 nr[MAX_ORDER + 1];       /* chunks */
    u64 free;                    /* pages */
};

struct buddy_node {
    struct spinlock lock;        /* RANK_HEAP: zones */
    struct buddy_zone zone[NR_ZONES];
    u64 total;                   /* pages ever given; boot only */
} aligned_to(64);

extern struct buddy_node buddy_nodes[MEM_MAX_NODES];
extern u32 mem_nr_nodes;         /* highest node with memory + 1; constant after boot */

/* A run of RAM of one node. */
struct mem_range {
    u64 first, end;              /* mfns */
    u32 node;
};

/* The range that holds m, NULL if m is no RAM of ours. */
const struct mem_range *mem_range_find(u64 m);
/* Add a range, merged with neighbours of the same node. Panics when there are too many (boot). */
void mem_range_add(u64 first, u64 end, u32 node);

/*
 * page_get() may look at any frame at any time: words are written whole. A private frame is marked with what it is used
 * for; a frame given up becomes all zero.
 */
static inline void page_mark(struct page *pg, enum page_use use, unsigned int order)
{
    atomic_store(&pg->word, (u64)use << 48 | (u64)order << 56);
}

static inline void page_clear(struct page *pg)
{
    atomic_store(&pg->word, 0);
    pg->next = 0;
    pg->prev = 0;
}

/* ---- buddy lists ---- */
void buddy_init(struct buddy_node *n);
/* Put one naturally aligned chunk of r's memory on its list, merging. Caller holds the node's lock. */
void buddy_free_locked(const struct mem_range *r, u64 m, unsigned int order);
/* Take a chunk out of node n (low: below 4 GiB only): its first mfn, or PAGE_NIL. Caller holds the lock. */
u32 buddy_alloc_locked(struct buddy_node *n, unsigned int order, bool low);
/* [first, first + nr) of one range in as few chunks as alignment allows. Takes the lock. */
void buddy_free_run(u64 first, u64 nr);

/* ---- single pages ---- */
/*
 * 2^order frames whose page structs are all zero; NULL when there are none. nodes: bit per node to prefer, 0 = this
 * CPU's.
 */
struct page *mem_alloc_frames(unsigned int order, u32 memf, u64 nodes);
/* Free one frame whose page struct is zero: to this CPU's cache where it fits. */
void mem_free_frame(struct page *pg);
/* Give this CPU's cached pages back to the buddy lists. */
void mem_flush_cache(void);
/* Free pages cached by CPUs of a node. Approximate while they run. */
u64 mem_cached_pages(u32 node);

/* ---- slabs ---- */
void slab_reset(void);
void slab_usage(u64 *slab_pages, u64 *bulk_pages);

#endif
