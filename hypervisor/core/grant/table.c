/* SPDX-License-Identifier: MIT */
/* A domain's grant table: its frames, their growth, and their end. */
#include "internal.h"

#include <argon/hypercall.h>
#include <argon/panic.h>

#define MAX_FRAMES          65536u
#define MAX_MAPTRACK_FRAMES (1u << 20)

/* Add one frame. Table lock held (or nobody knows the table yet). */
static int grow_one(struct domain *d, struct grant_table *gt)
{
    struct grant_active *active = xzalloc_array(struct grant_active, GRANTS_PER_FRAME);
    struct grant_entry_v1 *shared = active != NULL ? page_alloc_shared(d) : NULL;

    ASSERT(gt->nr_frames < gt->max_frames);
    if (shared == NULL) {
        xfree(active);
        return -ENOMEM;
    }
    for (u32 i = 0; i < GRANTS_PER_FRAME; i++) {
        spin_lock_init(&active[i].lock, RANK_GRANT_ENTRY);
    }
    gt->active[gt->nr_frames] = active;
    gt->shared[gt->nr_frames] = shared;
    gt->frame_gfn[gt->nr_frames] = INVALID_GFN;
    gt->nr_frames++;
    /* Lookups without a lock: whoever sees the limit sees the frame. */
    atomic_store_release(&gt->nr_entries, gt->nr_frames * GRANTS_PER_FRAME);
    return 0;
}

/* Table lock held. */
static int grow_to(struct domain *d, struct grant_table *gt, u32 nr)
{
    int rc = 0;

    ASSERT(spin_is_locked(&gt->lock));
    if (nr > gt->max_frames || READ_ONCE(d->dying)) {
        return -EINVAL;
    }
    while (rc == 0 && gt->nr_frames < nr) {
        rc = grow_one(d, gt);
    }
    return rc;
}

int grant_init(struct domain *d, u32 max_frames, u32 max_maptrack_frames, u32 max_version)
{
    struct grant_table *gt;
    int rc;

    (void)max_version;
    if (max_frames == 0 || max_frames > MAX_FRAMES || max_maptrack_frames > MAX_MAPTRACK_FRAMES) {
        return -EINVAL;
    }
    gt = xzalloc(struct grant_table);
    if (gt == NULL) {
        return -ENOMEM;
    }
    d->grant = gt;
    spin_lock_init(&gt->lock, RANK_GRANT_TABLE);
    spin_lock_init(&gt->maptrack_lock, RANK_GRANT_MAPTRACK);
    gt->max_frames = max_frames;
    gt->max_maptrack_frames = max_maptrack_frames;
    gt->free_handle = GRANT_NO_HANDLE;
    gt->shared = xzalloc_array(struct grant_entry_v1 *, max_frames);
    gt->active = xzalloc_array(struct grant_active *, max_frames);
    gt->frame_gfn = xzalloc_array(gfn_t, max_frames);
    rc = gt->shared == NULL || gt->active == NULL || gt->frame_gfn == NULL ? -ENOMEM : grow_one(d, gt);
    if (rc != 0) {
        grant_destroy(d);
    }
    return rc;
}

u64 grant_bytes(const struct domain *d)
{
    const struct grant_table *gt = d->grant;
    u64 entries, handles;

    if (gt == NULL) {
        return 0;
    }
    entries = atomic_load(&gt->nr_entries);
    handles = atomic_load(&gt->nr_handles);
    return mem_object_bytes(gt) + mem_object_bytes(gt->shared) + mem_object_bytes(gt->active) +
           mem_object_bytes(gt->frame_gfn) + mem_object_bytes(READ_ONCE(gt->maptrack)) +
           entries / GRANTS_PER_FRAME * mem_object_bytes(gt->active[0]) + (handles / MAPS_PER_FRAME << PAGE_SHIFT);
}

static void release_frame(struct grant_table *gt, u32 i)
{
    struct grant_entry_v1 *shared = gt->shared[i];

    gt->shared[i] = NULL;
    gt->frame_gfn[i] = INVALID_GFN;
    if (shared != NULL) {
        page_free_shared(shared);
    }
}

/*
 * d is dying. Nobody enters a critical section that touches the shared entry any more; wait for those who are in one.
 */
static int release_frames(struct grant_table *gt)
{
    spin_lock(&gt->lock);                /* no growth and no new mapping of a frame after this */
    spin_unlock(&gt->lock);
    for (; gt->release_frame < gt->nr_frames; gt->release_frame++) {
        struct grant_active *active = gt->active[gt->release_frame];

        for (u32 i = 0; i < GRANTS_PER_FRAME; i++) {
            spin_lock(&active[i].lock);
            spin_unlock(&active[i].lock);
        }
        release_frame(gt, gt->release_frame);
        if (hypercall_preempt_check()) {
            gt->release_frame++;
            return -ERESTART;
        }
    }
    return 0;
}

int grant_release_mappings(struct domain *d)
{
    int rc;

    if (d->grant == NULL) {
        return 0;
    }
    rc = grant_unmap_all(d);
    return rc != 0 ? rc : release_frames(d->grant);
}

/* Pins hold pages of the granter's, so none is left when all of these have gone. */
static void assert_unused(const struct grant_active *active)
{
    for (u32 i = 0; CONFIG_DEBUG && i < GRANTS_PER_FRAME; i++) {
        ASSERT(active[i].readers == 0 && active[i].writers == 0);
    }
}

void grant_destroy(struct domain *d)
{
    struct grant_table *gt = d->grant;

    if (gt == NULL) {
        return;
    }
    for (u32 i = 0; i < gt->nr_frames; i++) {
        release_frame(gt, i);
        assert_unused(gt->active[i]);
        xfree(gt->active[i]);
    }
    grant_maptrack_free(gt);
    xfree(gt->shared);
    xfree(gt->active);
    xfree(gt->frame_gfn);
    xfree(gt);
    d->grant = NULL;
}

int grant_frame_mfn(struct domain *d, u32 idx, mfn_t *out)
{
    struct grant_table *gt = grant_live_table(d);
    int rc;

    if (gt == NULL || idx >= gt->max_frames) {
        return -EINVAL;
    }
    spin_lock(&gt->lock);
    rc = grow_to(d, gt, idx + 1);
    if (rc == 0) {
        *out = virt_to_mfn(gt->shared[index_nospec(idx, gt->max_frames)]);
    }
    spin_unlock(&gt->lock);
    return rc;
}

u32 grant_max_frames(const struct domain *d)
{
    const struct grant_table *gt = grant_live_table(d);

    return gt != NULL ? gt->max_frames : 0;
}

gfn_t grant_frame_gfn(struct domain *d, u32 idx)
{
    struct grant_table *gt = grant_live_table(d);
    gfn_t g = INVALID_GFN;

    if (gt != NULL) {
        spin_lock(&gt->lock);
        if (idx < gt->nr_frames) {
            g = gt->frame_gfn[idx];
        }
        spin_unlock(&gt->lock);
    }
    return g;
}

void grant_frame_set_gfn(struct domain *d, u32 idx, gfn_t g)
{
    struct grant_table *gt = grant_live_table(d);

    if (gt != NULL) {
        spin_lock(&gt->lock);
        if (idx < gt->nr_frames) {
            gt->frame_gfn[idx] = g;
        }
        spin_unlock(&gt->lock);
    }
}

s16 grant_setup(struct domain *d, u32 nr)
{
    struct grant_table *gt = grant_live_table(d);
    int rc;

    if (gt == NULL) {
        return GNTST_bad_domain;
    }
    spin_lock(&gt->lock);
    rc = grow_to(d, gt, nr);
    spin_unlock(&gt->lock);
    return rc == 0 ? GNTST_okay : GNTST_general_error;
}

s16 grant_sizes(struct domain *d, u32 *nr_frames, u32 *max_frames)
{
    struct grant_table *gt = grant_live_table(d);

    if (gt == NULL) {
        return GNTST_bad_domain;
    }
    spin_lock(&gt->lock);
    *nr_frames = gt->nr_frames;
    *max_frames = gt->max_frames;
    spin_unlock(&gt->lock);
    return GNTST_okay;
}

/* Is a reference of d unused, so that its shared entry may be changed? Its lock held. */
static bool swappable(struct domain *d, const struct grant_active *act)
{
    ASSERT(spin_is_locked(&act->lock));
    return act->readers == 0 && act->writers == 0 && !READ_ONCE(d->dying);
}

s16 grant_swap(struct domain *d, u32 ref_a, u32 ref_b)
{
    struct grant_table *gt = grant_live_table(d);
    struct grant_active *low, *high;
    s16 status = GNTST_eagain;

    if (gt == NULL) {
        return GNTST_bad_domain;
    }
    low = grant_active(gt, MIN(ref_a, ref_b));
    high = grant_active(gt, MAX(ref_a, ref_b));
    if (low == NULL || high == NULL) {
        return GNTST_bad_gntref;
    }
    if (low == high) {
        return GNTST_okay;
    }
    spin_lock(&low->lock);
    spin_lock_nested(&high->lock);
    if (swappable(d, low) && swappable(d, high)) {
        u64 *a = (void *)grant_shared(gt, ref_a);
        u64 *b = (void *)grant_shared(gt, ref_b);
        u64 was_a = atomic_load(a);

        atomic_store(a, atomic_load(b));
        atomic_store_release(b, was_a);
        status = GNTST_okay;
    }
    spin_unlock(&high->lock);
    spin_unlock(&low->lock);
    return status;
}
