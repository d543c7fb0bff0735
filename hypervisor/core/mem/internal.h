/* SPDX-License-Identifier: MIT */
/* Between the files of core/mem only. */
#ifndef CORE_MEM_INTERNAL_H
#define CORE_MEM_INTERNAL_H

#include <argon/atomic.h>
#include <argon/mem.h>
#include <argon/percpu.h>
#include <argon/spinlock.h>

/*
 * A node's free memory is kept in two zones, below and above 4 GiB, so that a request for low memory finds it at once
 * and others leave it alone while they can. Chunks never straddle the boundary: it is a multiple of the largest chunk.
 */
enum { ZONE_LOW, ZONE_HIGH, NR_ZONES };
#define ZONE_SPLIT_MFN BIT(32 - PAGE_SHIFT)

/*
 * Free memory is known to be zero and clean (to the point of coherency), or it is not. Each frame's word says so;
 * chunks all of whose frames are have lists of their own. See docs/design/memory.md.
 */
#define FREE_ZERO       BIT(32)  /* in the word of a free frame, by itself or with the next: this frame */
#define FREE_CHUNK_ZERO BIT(33)  /* in that of a free chunk's head: all its frames */
/* Chunks from this order up are merged with their like only: what has been zeroed is found without a search. */
#define SCRUB_ORDER     ORDER_2M

struct buddy_list {
    u32 orders;                  /* bit per order whose list is not empty */
    u32 head[MAX_ORDER + 1];     /* first chunk's mfn */
};

struct buddy_zone {
    struct buddy_list list[2];   /* by whether a chunk is zero */
    u64 nr[MAX_ORDER + 1];       /* chunks */
    u64 free;                    /* pages, with those of the blocks below */
    u32 nr_untouched;            /* blocks of 1 GiB whose page structs are not written yet (lazy.c) */
};

struct buddy_node {
    struct spinlock lock;        /* RANK_HEAP: zones, in_work */
    struct buddy_zone zone[NR_ZONES];
    u64 in_work;                 /* free pages that are being zeroed, or get page structs, off the lists */
    u64 total;                   /* pages ever given; boot only */
} aligned_to(64);

extern struct buddy_node buddy_nodes[MEM_MAX_NODES];
extern u32 mem_nr_nodes;         /* highest node with memory + 1; constant after boot */

/* A run of RAM of one node. */
struct mem_range {
    u64 first, end;              /* mfns */
    u32 node;
};

/* ---- nodes (node.c) ---- */
/*
 * For requests from node n: the nodes with memory, by distance (machine_distance()), n itself first if it has some.
 * Constant after boot.
 */
extern struct mem_near { u32 nr; u8 node[MEM_MAX_NODES]; } mem_near[MEM_MAX_NODES];
/* Node n has its first memory: lists, slabs, and everybody's order. Boot, one CPU. */
void mem_node_add(u32 n);
void mem_nodes_reset(void);

/* The node whose memory a CPU's cache holds: its own or, where that has none, the nearest that has. */
static inline u32 mem_local_node(const struct pcpu *p)
{
    return mem_near[p->node].node[0];
}

/* The range that holds m, NULL if m is no RAM of ours. */
const struct mem_range *mem_range_find(u64 m);
/* The node of a frame that is RAM of ours. */
static inline u32 mem_node_of(u64 m)
{
    return likely(mem_nr_nodes == 1) ? 0 : mem_range_find(m)->node;
}

/*
 * mem_hot_range: the part of mem_fill_holes()'s run, or before that of the largest range, that has page structs, from
 * its start. Chosen anew at boot; later it only grows, by mem_hot_grow(), and only when every CPU has seen the page
 * structs written: to what mem_hot_could_be() said before a grace period began. Who finds a frame below the new end may
 * have loaded its word before the end, as a branch orders no loads (Arm ARM B2.3); blocks that are written during the
 * period wait for the next one.
 */
u64 mem_hot_could_be(void);
void mem_hot_grow(u64 nr);

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
struct buddy_zone *buddy_zone_of(struct buddy_node *n, u64 m);
/*
 * Put one naturally aligned chunk of r's memory on its list, merging; zero: all its frames have FREE_ZERO. Caller holds
 * the node's lock.
 */
void buddy_free_locked(const struct mem_range *r, u64 m, unsigned int order, bool zero);
/*
 * Take a chunk out of node n (low: below 4 GiB only): its first mfn, or PAGE_NIL. Its frames' words have FREE_ZERO or
 * nothing; zero: those that have it are preferred, else the others. Caller holds the lock, which may be given up for a
 * while (lazy.c).
 */
u32 buddy_alloc_locked(struct buddy_node *n, unsigned int order, bool low, bool zero);
/* Take a chunk that is not zero, of at most SCRUB_ORDER (*order). Caller holds the lock. */
u32 buddy_take_dirty_locked(struct buddy_node *n, unsigned int *order);
/*
 * [first, first + nr) in as few chunks as alignment allows; a domain's run of pages may go over from one node's memory
 * to another's. Takes the locks.
 */
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

/* ---- blocks of 1 GiB that nobody has used yet (lazy.c) ---- */
#define BLOCK_FRAMES BIT(MAX_ORDER)
/* Page structs of [first, first + nr) become zero. */
void frames_clear(u64 first, u64 nr);
/* Note whole blocks of [first, end), new memory of `node`, as untouched; the rest gets page structs and is freed. */
void lazy_add(u64 first, u64 end, u32 node);
/* Is frame m in a block without page structs? */
bool lazy_untouched(u64 m);
/*
 * Put one such block of the zone (or all that [first, end) touches) on the lists. Caller holds the node's lock, which
 * is given up for a while.
 */
bool lazy_use_locked(u32 node, struct buddy_zone *z);
void lazy_use_range_locked(struct buddy_node *n, u64 first, u64 end);
/* The same for an idle CPU, a block at a time, without the lock. False: there is none. */
bool lazy_idle(u32 node);
/* Has a block been used since lazy_seen()? */
bool lazy_changed(void);
void lazy_seen(void);
u64 lazy_count_between(u32 node, u64 first, u64 end);
void lazy_reset(void);

/* ---- zeroing while idle (scrub.c) ---- */
/*
 * What idle CPUs are working on is free memory too: wait until they have let go, each after a page at most, and do not
 * let them begin again before scrub_resume(). False: nobody can have been at work.
 */
bool scrub_interrupt(void);
void scrub_resume(void);
void scrub_reset(void);

/* ---- slabs ---- */
void slab_init_node(u32 node);
void slab_reset(void);
void slab_usage(u64 *slab_pages, u64 *bulk_pages);

#endif
