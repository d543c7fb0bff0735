/* SPDX-License-Identifier: MIT */
/*
 * Inside grant tables.
 *
 * Lock order: table lock, maptrack lock, entry locks (two of one table: lower reference first), then stage 2.
 * page_put() only after all of them are released: dropping the last page of a dying domain takes locks of lower rank.
 *
 * A dying granter: d->dying is looked at under the entry's lock before the shared entry is touched.
 * grant_release_mappings() takes every entry's lock once after dying was set, and only then gives up the shared frames.
 */
#ifndef CORE_GRANT_INTERNAL_H
#define CORE_GRANT_INTERNAL_H

#include <argon/atomic.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/grant.h>
#include <argon/mem.h>
#include <argon/nospec.h>
#include <argon/p2m.h>
#include <argon/xen.h>

#define GRANTS_PER_FRAME ((u32)(PAGE_SIZE / sizeof(struct grant_entry_v1)))
#define MAPS_PER_FRAME   ((u32)(PAGE_SIZE / sizeof(struct grant_map)))

/* The hypervisor's side of a grant entry: who uses it now. All under lock. */
struct grant_active {
    struct spinlock lock;        /* RANK_GRANT_ENTRY */
    u32 mfn;                     /* the frame, fixed while pinned */
    u16 domid;                   /* who pins; one domain at a time */
    bool readonly_page;          /* the frame is not writable for its owner either */
    u16 readers, writers;        /* mappings and copies in progress */
};

/*
 * A mapping that a domain made: the index is its handle. Filled and cleared under the lock of the entry it names; flags
 * last and first.
 */
struct grant_map {
    u32 ref;                     /* entry of the granter; of a free one what it was last */
    u16 domid;                   /* granter */
    u16 flags;                   /* GRANT_MAP_*; 0 = free (atomic) */
    u64 gfn;                     /* where it is in the mapper; free: handle of the next free one */
};
#define GRANT_MAP_USED     BIT32(0)
#define GRANT_MAP_READONLY BIT32(1)
#define GRANT_NO_HANDLE    0xffffffffu
_Static_assert(sizeof(struct grant_map) == 16, "256 to a page, as large as Xen's");

struct grant_table {
    struct spinlock lock;        /* RANK_GRANT_TABLE: growth, places of frames */
    u32 nr_entries;              /* references below this exist (release store); only grows */
    u32 nr_frames, max_frames;
    struct grant_entry_v1 **shared;      /* [max_frames]; a frame is NULL again once given up */
    struct grant_active **active;        /* [max_frames] */
    gfn_t *frame_gfn;                    /* [max_frames] */

    struct spinlock maptrack_lock;       /* RANK_GRANT_MAPTRACK: free list, growth */
    u32 nr_handles;              /* handles below this exist (release store); only grows */
    u32 max_maptrack_frames;
    u32 free_handle;             /* head of the free list, GRANT_NO_HANDLE at its end */
    u32 nr_maps;                 /* handles in use */
    struct grant_map **maptrack; /* [max_maptrack_frames], NULL before the first mapping */

    u32 release_handle, release_frame;   /* progress of grant_release_mappings() */
};

_Static_assert(sizeof(struct grant_entry_v1) == 8 && offsetof(struct grant_entry_v1, domid) == 2 &&
               offsetof(struct grant_entry_v1, frame) == 4, "flags and domid change as one word, entries as another");

/* ---- table.c ---- */
/*
 * The table of a domain that is not dying, else NULL. The table is freed a grace period (smp.h) after the domain began
 * to die and its last page went: whoever saw it alive has left the hypervisor by then. Pins hold pages, so who has one
 * may use d->grant too.
 */
static always_inline struct grant_table *grant_live_table(const struct domain *d)
{
    return likely(!READ_ONCE(d->dying)) ? d->grant : NULL;
}

/* The active entry of a reference (any number from a guest), or NULL. */
static always_inline struct grant_active *grant_active(const struct grant_table *gt, u32 ref)
{
    u32 nr = atomic_load_acquire(&gt->nr_entries);

    if (unlikely(ref >= nr)) {
        return NULL;
    }
    ref = (u32)index_nospec(ref, nr);
    return &gt->active[ref / GRANTS_PER_FRAME][ref % GRANTS_PER_FRAME];
}

/* The shared entry of an existing reference; entry lock held, owner not dying. */
static always_inline struct grant_entry_v1 *grant_shared(const struct grant_table *gt, u32 ref)
{
    return &gt->shared[ref / GRANTS_PER_FRAME][ref % GRANTS_PER_FRAME];
}

/* ---- pin.c ---- */
/*
 * Entry lock held: user is about to read, and unless readonly write, the frame that rd grants it by ref. On GNTST_okay
 * the entry is marked in use, a reference is held on the page, act->mfn is the frame.
 */
s16 grant_pin(struct domain *rd, struct grant_active *act, u32 ref, u16 user, bool readonly);
/* Entry lock held: take one pin back. The caller drops the page's reference after the lock. */
void grant_unpin(struct domain *rd, struct grant_active *act, u32 ref, bool readonly);

/* ---- map.c ---- */
/* Unmap what d has mapped of others. -ERESTART. */
must_check int grant_unmap_all(struct domain *d);
void grant_maptrack_free(struct grant_table *gt);

#endif
