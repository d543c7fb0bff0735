/* SPDX-License-Identifier: MIT */
/*
 * Mapping granted frames into the mapper's guest-physical space, and the handles by which it unmaps them.
 *
 * What may be at the frame it is to be mapped at: nothing (the normal case: a hole made by ballooning), or the mapper's
 * own RAM, which goes the way of all that is displaced (physmap_drop()). Anything else, a second grant above all, is
 * refused, because its user would lose it.
 */
#include "internal.h"

#include <argon/hypercall.h>
#include <argon/panic.h>

#define RELEASE_BATCH 16
#define MAY_COVER     (BIT32(P2M_INVALID) | P2M_RAM)

/* ---- handles ---- */

/* A handle known to exist. */
static always_inline struct grant_map *map_of(const struct grant_table *gt, u32 handle)
{
    return &gt->maptrack[handle / MAPS_PER_FRAME][handle % MAPS_PER_FRAME];
}

/* An existing handle (any number from a guest), or NULL. */
static always_inline struct grant_map *map_by_handle(const struct grant_table *gt, u32 handle)
{
    u32 nr = atomic_load_acquire(&gt->nr_handles);

    return likely(handle < nr) ? map_of(gt, (u32)index_nospec(handle, nr)) : NULL;
}

/* Another page of handles on the free list. maptrack_lock held, free list empty. */
static bool maptrack_grow(struct grant_table *gt)
{
    u32 frame = gt->nr_handles / MAPS_PER_FRAME;
    struct grant_map *maps;

    ASSERT(spin_is_locked(&gt->maptrack_lock) && gt->free_handle == GRANT_NO_HANDLE);
    if (frame >= gt->max_maptrack_frames) {
        return false;
    }
    if (gt->maptrack == NULL) {
        gt->maptrack = xzalloc_array(struct grant_map *, gt->max_maptrack_frames);
        if (gt->maptrack == NULL) {
            return false;
        }
    }
    maps = pages_alloc(0, MEMF_ZERO);
    if (maps == NULL) {
        return false;
    }
    for (u32 i = 0; i < MAPS_PER_FRAME; i++) {
        maps[i].gfn = i + 1 < MAPS_PER_FRAME ? gt->nr_handles + i + 1 : GRANT_NO_HANDLE;
    }
    gt->maptrack[frame] = maps;
    gt->free_handle = gt->nr_handles;
    atomic_store_release(&gt->nr_handles, gt->nr_handles + MAPS_PER_FRAME);
    return true;
}

/* A free handle of ld, or GRANT_NO_HANDLE. None is given to a dying domain once grant_release_mappings() has begun. */
static u32 handle_get(struct domain *ld)
{
    struct grant_table *gt = ld->grant;
    u32 handle = GRANT_NO_HANDLE;

    spin_lock(&gt->maptrack_lock);
    if (likely(!READ_ONCE(ld->dying)) && (likely(gt->free_handle != GRANT_NO_HANDLE) || maptrack_grow(gt))) {
        handle = gt->free_handle;
        gt->free_handle = (u32)map_of(gt, handle)->gfn;
        gt->nr_maps++;
    }
    spin_unlock(&gt->maptrack_lock);
    return handle;
}

static void handle_put(struct grant_table *gt, u32 handle)
{
    spin_lock(&gt->maptrack_lock);
    ASSERT(gt->nr_maps != 0 && atomic_load(&map_of(gt, handle)->flags) == 0);
    atomic_store(&map_of(gt, handle)->gfn, gt->free_handle);
    gt->free_handle = handle;
    gt->nr_maps--;
    spin_unlock(&gt->maptrack_lock);
}

void grant_maptrack_free(struct grant_table *gt)
{
    ASSERT(gt->nr_maps == 0);
    for (u32 i = 0; i < gt->nr_handles / MAPS_PER_FRAME; i++) {
        pages_free(gt->maptrack[i], 0);
    }
    xfree(gt->maptrack);
}

/* ---- map ---- */

/* g of ld becomes the granted frame; *old: what was displaced. */
static always_inline int place(struct domain *ld, gfn_t g, mfn_t m, enum p2m_type t, struct p2m_old *old)
{
    int rc = p2m_map(ld, g, m, 1, t);    /* the usual case, and the shorter */

    return likely(rc != -EEXIST) ? rc : p2m_replace(ld, g, m, t, MAY_COVER, old);
}

s16 grant_map(struct domain *ld, struct domain *rd, struct gnttab_map_grant_ref *op)
{
    bool readonly = op->flags & GNTMAP_readonly;
    enum p2m_type t = readonly ? P2M_GRANT_RO : P2M_GRANT_RW;
    gfn_t g = gpa_to_gfn(op->host_addr);
    struct grant_table *gt = grant_live_table(rd);
    struct p2m_old old = { .t = P2M_INVALID };
    struct page *unused_page = NULL;
    struct grant_active *act;
    struct grant_map *map;
    u32 handle;
    s16 status;

    if (unlikely((op->flags & ~(u32)GNTMAP_readonly) != GNTMAP_host_map)) {
        return GNTST_general_error;
    }
    act = likely(gt != NULL) ? grant_active(gt, op->ref) : NULL;
    if (unlikely(act == NULL)) {
        return gt == NULL ? GNTST_bad_domain : GNTST_bad_gntref;
    }
    handle = handle_get(ld);
    if (unlikely(handle == GRANT_NO_HANDLE)) {
        return GNTST_no_space;
    }
    spin_lock(&act->lock);
    status = grant_pin(rd, act, op->ref, ld->id, readonly);
    if (likely(status == GNTST_okay) && unlikely(place(ld, g, mfn(act->mfn), t, &old) != 0)) {
        unused_page = mfn_to_page(mfn(act->mfn));
        grant_unpin(rd, act, op->ref, readonly);
        status = GNTST_general_error;
    }
    if (likely(status == GNTST_okay)) {
        map = map_of(ld->grant, handle);
        atomic_store(&map->ref, op->ref);
        atomic_store(&map->domid, rd->id);
        atomic_store(&map->gfn, g.g);
        atomic_store_release(&map->flags, (u16)(GRANT_MAP_USED | (readonly ? GRANT_MAP_READONLY : 0)));
        op->handle = handle;
        op->dev_bus_addr = mfn_to_paddr(mfn(act->mfn));
    }
    spin_unlock(&act->lock);
    if (unlikely(status != GNTST_okay)) {
        handle_put(ld->grant, handle);
        if (unused_page != NULL) {
            page_put(unused_page);
        }
    } else if (unlikely(old.t != P2M_INVALID)) {
        physmap_drop(ld, g, old);
    }
    return status;
}

/* ---- unmap ---- */

/*
 * Entry lock held, the map is rd's and in use: take the mapping out of stage 2 and the pin back. 0 or an error of stage
 * 2.
 */
static int take_back(struct domain *ld, struct domain *rd, struct grant_active *act, struct grant_map *map)
{
    bool readonly = map->flags & GRANT_MAP_READONLY;
    int rc = p2m_remove_exact(ld, gfn(map->gfn), mfn(act->mfn), P2M_GRANT);

    ASSERT(spin_is_locked(&act->lock) && (map->flags & GRANT_MAP_USED) != 0);
    /* Not there: nothing else removes it, but nothing of ours would be left behind then either. */
    if (unlikely(rc != 0 && rc != -ENOENT)) {
        return rc;
    }
    grant_unpin(rd, act, map->ref, readonly);
    atomic_store_release(&map->flags, (u16)0);
    return 0;
}

/* Undo the mapping of a handle, which must be at host_addr; 0: wherever it is. */
static s16 unmap_handle(struct domain *ld, u64 host_addr, u32 handle)
{
    struct grant_map *map = map_by_handle(ld->grant, handle);
    s16 status = GNTST_okay;
    struct grant_active *act;
    struct grant_table *gt;
    struct domain *rd;
    u16 domid;
    u32 ref;
    mfn_t m;

    if (unlikely(map == NULL || !(atomic_load_acquire(&map->flags) & GRANT_MAP_USED))) {
        return GNTST_bad_handle;
    }
    ref = atomic_load(&map->ref);
    domid = atomic_load(&map->domid);
    rd = domain_lookup(domid);
    gt = rd != NULL ? READ_ONCE(rd->grant) : NULL;
    act = likely(gt != NULL) ? grant_active(gt, ref) : NULL;
    if (unlikely(act == NULL)) {
        return GNTST_bad_handle;         /* changed while we looked */
    }
    spin_lock(&act->lock);
    /*
     * A map's ref and domid change only while it is not in use, and under the lock of the entry they then name: if it
     * is in use now and names this entry, it stays so while we hold this lock.
     */
    if (unlikely(!(atomic_load_acquire(&map->flags) & GRANT_MAP_USED) || atomic_load(&map->ref) != ref ||
                 atomic_load(&map->domid) != domid)) {
        status = GNTST_bad_handle;       /* another vCPU was faster */
    } else if (unlikely(host_addr != 0 && host_addr >> PAGE_SHIFT != map->gfn)) {
        status = GNTST_general_error;
    } else if (unlikely(take_back(ld, rd, act, map) != 0)) {
        status = GNTST_general_error;
    }
    m = mfn(act->mfn);
    spin_unlock(&act->lock);
    if (likely(status == GNTST_okay)) {
        handle_put(ld->grant, handle);
        page_put(mfn_to_page(m));
    }
    return status;
}

s16 grant_unmap(struct domain *ld, u64 host_addr, u32 handle)
{
    const struct grant_map *map;

    if (unlikely(host_addr == 0)) {
        /* Nothing asked for, but the handle must be one. */
        map = map_by_handle(ld->grant, handle);
        return map != NULL && atomic_load(&map->flags) != 0 ? GNTST_okay : GNTST_bad_handle;
    }
    return unmap_handle(ld, host_addr, handle);
}

int grant_unmap_all(struct domain *d)
{
    struct grant_table *gt = d->grant;
    u32 n = 0;

    /* Handles are given out under this lock, after a look at d->dying: none is after we have held it. */
    spin_lock(&gt->maptrack_lock);
    spin_unlock(&gt->maptrack_lock);
    for (; gt->release_handle < gt->nr_handles; gt->release_handle++) {
        if (atomic_load(&map_by_handle(gt, gt->release_handle)->flags) == 0) {
            continue;
        }
        if (n++ == RELEASE_BATCH) {
            n = 0;
            if (hypercall_preempt_check()) {
                return -ERESTART;
            }
        }
        if (unmap_handle(d, 0, gt->release_handle) != GNTST_okay) {
            return -ERESTART;            /* stage 2 could not split a block for want of memory: later */
        }
    }
    return 0;
}
