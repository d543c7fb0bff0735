/* SPDX-License-Identifier: MIT */
/*
 * Physical memory: the frame table and a buddy allocator per node with per-CPU caches of single pages.
 *
 * All RAM is mapped in the hypervisor's direct map, so a page's address is arithmetic. `struct page` memory is never
 * freed, so a stale lookup is safe: page_get() re-checks owner and count.
 */
#ifndef ARGON_MEM_H
#define ARGON_MEM_H

#include <argon/spinlock.h>
#include <asm/directmap.h>

struct domain;
struct vcpu;

#define MAX_ORDER 18             /* 1 GiB */
#define ORDER_2M  9
#define ORDER_1G  18

/* What a frame is used for. */
enum page_use {
    PAGE_FREE = 0,               /* in the buddy lists */
    PAGE_HYP,                    /* hypervisor's own: heap, tables, stacks */
    PAGE_GUEST,                  /* RAM of its owner; on the owner's page list, counted in tot_pages */
    PAGE_SHARED_HYP,             /* hypervisor page that its owner's guest may map: shared info, grant table */
};

/*
 * One frame: 16 bytes, indexed by mfn in a virtually mapped table. The first eight are one word, so that owner, use and
 * count change together (page_get() takes a reference only of what it has checked). PAGE_HYP is recorded at the head of
 * an allocation only.
 */
struct page {
    union {
        struct {
            u32 count;           /* references; atomic. The owner's own is the first. 0: free or hypervisor-private */
            u16 owner;           /* domid while use is GUEST or SHARED_HYP; slab pages: free object and number in use */
            u8 use;              /* enum page_use */
            /*
             * PAGE_FREE: order + 1 at a free chunk's head, else 0. PAGE_HYP: PAGE_ORDER_* | order or class.
             * GUEST, SHARED_HYP: PAGE_OWNED while the owner's own reference stands.
             */
            u8 order;
        };
        u64 word;
    };
    union {
        struct {
            u32 next, prev;      /* list links as mfns (~0 = none): owner's page list, buddy list or slab list */
        };
        u64 links;
    };
};

#define PAGE_NIL 0xffffffffu
#define PAGE_OWNED 1             /* page.order of a guest's page */
#define PAGE_ORDER_SLAB  0x80    /* page.order of a PAGE_HYP head: a slab of class (order & 0x7f) */
#define PAGE_ORDER_BULK  0x40    /* ... or `next` whole pages (xzalloc_bytes above a page) */

#define MEM_MAX_NODES 16
#define MEM_CACHE_PAGES 32
#define MEM_CACHE_BATCH 16

struct mem_pcpu {
    u32 nr_cached;
    u32 cache[MEM_CACHE_PAGES];  /* mfns of free single pages of this CPU's node */
};

/* Allocation flags. */
#define MEMF_ZERO   BIT32(0)     /* contents zeroed */
#define MEMF_SCRUB  BIT32(3)     /* that, and cleaned to the point of coherency: fit for a guest with its caches off */
/*
 * Prefer node n, before what the domain that it is for prefers, before this CPU's own. Then the others, by distance from it, unless the
 * request is exact.
 */
#define MEMF_NODE(n) (BIT32(31) | ((u32)(n) << 16))
#define MEMF_EXACT_NODE BIT32(1)
#define MEMF_LOW32  BIT32(2)     /* below 4 GiB */

/* ---- set-up (boot) ---- */
/*
 * Give [start, end) RAM to the allocator of `node`. The frame table for it is mapped, with any contents. Page aligned.
 */
void mem_add_range(paddr_t start, paddr_t end, u32 node);
/*
 * The frame table is mapped for all of [start, end): frames there that are not the allocator's get page structs too, as
 * nobody's, so that lookups need not tell holes from RAM (mem_hot_range). Boot, once, for the run with most memory,
 * after the mem_add_range() of what is free; more may be added later.
 */
void mem_fill_holes(paddr_t start, paddr_t end);
/* Frame table limits, set by arch boot code before mem_add_range. */
extern struct page *frame_table;       /* indexed by mfn - frame_base */
extern u64 frame_base, frame_end;      /* first and one past the last mfn that may have an entry */

/* Unit tests: forget all ranges and caches. */
void mem_reset(void);

/* ---- frames ---- */
static inline struct page *mfn_to_page(mfn_t m) { return &frame_table[m.m - frame_base]; }
static inline mfn_t page_to_mfn(const struct page *pg) { return mfn((u64)(pg - frame_table) + frame_base); }
/*
 * Most of the frames that have page structs, in one run, and the first one's: most lookups end here. Only grows once guests
 * run. Holes in RAM belong to it: their page structs are nobody's.
 */
extern struct mem_hot_range {
    u64 first, nr;
    struct page *page;
} mem_hot_range;
bool mem_is_ram_elsewhere(mfn_t m);
/*
 * Has m a page struct, which says whose it is? Any input. RAM that nobody has used since boot may have none yet; a hole
 * in RAM may have one: either is nobody's.
 */
static inline bool mfn_is_ram(mfn_t m)
{
    return likely(m.m - mem_hot_range.first < mem_hot_range.nr) || mem_is_ram_elsewhere(m);
}
/*
 * Direct map: mfn_to_virt() and virt_to_mfn() in <asm/directmap.h>. It always has what the allocator has given to the hypervisor itself,
 * and the two below are for that alone. Where addresses are few it has no guest's memory and none that is free: that is reached through
 *   frames_map(m, nr), frames_unmap(va, nr)      up to FRAMES_MAP_MAX in a row, by and for this CPU, until it unmaps them: before it returns to
 *                                                its guest. Two may be mapped at a time
 *   frame_map_at(m, addr)                        one, at the offset into it that `addr` has; frame_unmap() of any address in it
 *   frame_map_lasting(m)                         one, for all CPUs and until frame_unmap_lasting() of any address in it, which returns the frame
 *   frames_scrub(m, nr)                          arch_scrub_pages(), any number
 * all in that header, too. Where the direct map has all RAM they are its arithmetic, or nothing.
 */
#define FRAMES_MAP_MAX 64
static always_inline void *frame_map(mfn_t m) { return frames_map(m, 1); }
static always_inline void frame_unmap(const void *va) { frames_unmap(va, 1); }
static inline void *page_to_virt(const struct page *pg) { return mfn_to_virt(page_to_mfn(pg)); }
static inline struct page *virt_to_page(const void *va) { return mfn_to_page(virt_to_mfn(va)); }

/*
 * Take a reference if the page is alive and belongs to d (any m, from a guest too). False: not RAM, not d's, or going
 * away. Each success is paired with one page_put().
 */
must_check bool page_get(mfn_t m, const struct domain *d);
/* Owner and use as they stand in a page's word, 32 bits up: whose page is wanted (want_id below). */
#define PAGE_WORD_ID(owner, use) ((u64)(owner) | (u64)(use) << 16)
/* PAGE_GUEST or PAGE_SHARED_HYP of the owner's, and 0 < count < 2^31: beyond, references are refused. */
static always_inline bool page_word_is_of(u64 w, u64 want_id)
{
    return likely((w >> 32 & PAGE_WORD_ID(0xffff, 0xfe)) == want_id) && likely((s32)w > 0);
}

/* One try of page_take_reference(); also false if another CPU changes the word at the same time. */
must_check static always_inline bool page_try_reference(struct page *pg, u64 want_id)
{
    return likely(arch_page_word_get(&pg->word, PAGE_WORD_ID(0xffff, 0xfe), want_id));
}

/*
 * As page_get(), inline, of a page struct that there is; want_id: PAGE_WORD_ID(d->id, PAGE_GUEST), which PAGE_SHARED_HYP passes,
 * too. For the copies of hypercall arguments.
 */
must_check static always_inline bool page_take_reference(struct page *pg, u64 want_id)
{
    u64 w = atomic_load(&pg->word);

    /* A failed exchange means that another CPU changed the word: each turn is someone's progress. */
    do {
        if (unlikely(!page_word_is_of(w, want_id))) {
            return false;
        }
    } while (unlikely(!atomic_cmpxchg(&pg->word, &w, w + 1)));
    return true;
}
/*
 * *value = the word at `from`, which is in pg's frame, if the page is want_id's (PAGE_WORD_ID()). False: it is not, or its word has
 * changed meanwhile. `from` is not looked at before it is known whose the frame is: one that is nobody's may be in no direct map.
 *
 * Without a reference: one load needs none, if the page is found to have been its owner's before and after it with nothing changed in
 * between. (For a page to have been another's meanwhile it would have to be cleared twice and come back with the same count, while this
 * CPU executes four instructions that nothing interrupts but firmware at EL3: so not for what a guest is told, only for what it asks, as
 * the port of its own that it wants to send to.)
 */
must_check static always_inline bool page_load_u32(const struct page *pg, u64 want_id, const u32 *from, u32 *value)
{
    u64 w = atomic_load_acquire(&pg->word);

    if (unlikely(!page_word_is_of(w, want_id))) {
        return false;
    }
    *value = atomic_load_acquire(from);
    return likely(atomic_load(&pg->word) == w);
}
/* page_put() of the last one; the word as it was. */
void page_last_put(struct page *pg, u64 old);
/*
 * Drop a reference; the last one frees the page (scrubbed before it is handed out again). When that was the last GUEST
 * or the last SHARED_HYP page of a dying domain, domain_maybe_complete_destroy() is called: the caller may hold locks.
 */
static inline void page_put(struct page *pg)
{
    /* The count is the low half; it is not 0, so nothing is borrowed from the other. */
    u64 old = atomic_fetch_sub(&pg->word, 1);

    if (unlikely((u32)old <= 1)) {
        page_last_put(pg, old);
    }
}
/*
 * Is m RAM that d has been given (any m)? Without a reference: the answer holds while d cannot give it back, as 1:1
 * domains cannot.
 */
bool page_is_ram_of(mfn_t m, const struct domain *d);
/*
 * Drop the owner's own reference of a GUEST page of d, once: false if pg is not d's or it was dropped before. The
 * caller has removed the page from d's stage 2. The page stays d's, and counted, until others have dropped theirs.
 */
must_check bool page_release(struct page *pg, struct domain *d);

/* ---- hypervisor's own pages: no owner, no reference count ---- */
/* 2^order pages, aligned to their size; NULL when out of memory. */
void *pages_alloc(unsigned int order, u32 memf);
/* The same of the nodes that d's memory comes from: for what is looked at while d runs, such as its tables. */
void *pages_alloc_for(const struct domain *d, unsigned int order, u32 memf);
void pages_free(void *va, unsigned int order);
/*
 * Small objects: power-of-two slabs up to a page, whole pages above. Zeroed. NULL when out of memory or size is 0. Of this CPU's node,
 * or the one that is named, or the nearest to it with memory left.
 */
void *xzalloc_bytes(size_t size);
void *xzalloc_bytes_near(size_t size, u32 node);
void *xzalloc_array_bytes(size_t n, size_t size); /* NULL on overflow */
void xfree(void *p);                              /* NULL allowed */
/* Memory that an object of either kind takes, which is more than was asked for; NULL: 0. */
u64 mem_object_bytes(const void *p);
#define xzalloc(type) ((type *)xzalloc_bytes(sizeof(type)))
#define xzalloc_near(type, node) ((type *)xzalloc_bytes_near(sizeof(type), (node)))
#define xzalloc_array(type, n) ((type *)xzalloc_array_bytes((n), sizeof(type)))

/* ---- guest memory ---- */
/*
 * Allocate 2^order frames for d: zeroed, cleaned, owner set, count 1 each, on d's page list, counted against
 * d->max_pages. NULL: over the limit or out of memory (state unchanged). d must not be dying.
 */
struct page *page_alloc_guest(struct domain *d, unsigned int order, u32 memf);
/* Make 2^order specific, hypervisor-owned frames (1:1 dom0 boot) d's, as page_alloc_guest does, without zeroing. */
must_check int page_assign(struct domain *d, mfn_t first, u64 nr);
/*
 * Take chunks that make up exactly [first, first+nr) out of the free lists (boot, 1:1 dom0); -ENOMEM if any of it is
 * not free.
 */
must_check int mem_claim(mfn_t first, u64 nr);
/* Is all of [first, first+nr) in the free lists, and in one range of RAM? For mem_claim()'s callers. */
bool mem_is_free(mfn_t first, u64 nr);
/* One zeroed page that d's guest may map (PAGE_SHARED_HYP), count 1; page_free_shared drops that count. */
void *page_alloc_shared(struct domain *d);
void page_free_shared(void *va);
/* Drop the owner's reference of every page of a dying d; -ERESTART when it should be called again. */
must_check int domain_relinquish_pages(struct domain *d);
/*
 * Unmap what a dying d has mapped of other domains (P2M_FOREIGN_*) and drop those references; -ERESTART: call again.
 * Before p2m_teardown(). d->nr_foreign counts them, so that a domain without any costs nothing.
 */
must_check int physmap_relinquish(struct domain *d);

/* ---- while idle ---- */
/* From now on idle CPUs work for the allocator; zero: they zero free memory, too. */
void mem_idle_start(bool zero);
/*
 * A CPU has nothing else to do: work until an interrupt waits, at most on 2 MiB. True: look for other work (a grace
 * period to answer, too) and come again. False: nothing was to be done, or an interrupt waits. No locks held.
 */
bool mem_idle(void);
/* Zero all free memory (boot). */
void mem_scrub_all(void);

/* ---- figures ---- */
/* All RAM counts, what boot took for the frame table too: the toolstack's total is the machine's. */
struct mem_stats { u64 total, free, scrub; };     /* pages */
void mem_stats(struct mem_stats *s);              /* whole machine */
void mem_node_stats(u32 node, struct mem_stats *s);
/* Free bytes at addresses of min_bits to max_bits bits (sysctl availheap); node ~0: all; max_bits 0: no limit. */
u64 mem_free_between(u32 node, unsigned int min_bits, unsigned int max_bits);
u64 mem_max_mfn(void);
/*
 * RAM that boot code took before the allocator had any: frame table, first page tables, per-CPU data of the boot CPU.
 * For mem_dump().
 */
extern u64 mem_boot_bytes, mem_boot_node_bytes[MEM_MAX_NODES];    /* of which node: they add up */
extern u64 mem_image_released;                    /* bytes of the image that boot gave to the allocator at its end */
void mem_dump(void);                              /* debug key m */

#endif
