/* SPDX-License-Identifier: MIT */
/* Debug key g: what a domain grants that is in use, and what it has mapped. */
#include "internal.h"

#include <argon/console.h>

static void dump_entry(struct domain *d, struct grant_table *gt, u32 ref)
{
    struct grant_active *act = grant_active(gt, ref);

    spin_lock(&act->lock);
    if (act->readers != 0 || act->writers != 0) {
        con_printf("  ref %5u  mfn %#x  used by d%u: %u read-only, %u read-write", ref, act->mfn, act->domid,
                   act->readers, act->writers);
        if (!READ_ONCE(d->dying)) {
            const struct grant_entry_v1 *e = grant_shared(gt, ref);

            con_printf("  (gfn %#x flags %#x for d%u)", atomic_load(&e->frame), atomic_load(&e->flags),
                       atomic_load(&e->domid));
        }
        con_printf("\n");
    }
    spin_unlock(&act->lock);
}

void grant_dump(struct domain *d)
{
    struct grant_table *gt = d->grant;

    /* The table of a dying domain lives as long as others use its pages. */
    if (gt == NULL || (READ_ONCE(d->dying) && atomic_load(&d->tot_pages) == 0)) {
        return;
    }
    con_printf("Grant table of d%u: version 1, %u of %u frames; %u mappings of others, handles for %u (of %u)\n", d->id,
               gt->nr_frames, gt->max_frames, gt->nr_maps, gt->nr_handles, gt->max_maptrack_frames * MAPS_PER_FRAME);
    for (u32 ref = 0; ref < gt->nr_entries; ref++) {
        dump_entry(d, gt, ref);
    }
}
