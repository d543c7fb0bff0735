/* SPDX-License-Identifier: MIT */
/* GNTTABOP_cache_flush: cache maintenance by machine address, for devices that do not snoop (public grant_table.h). */
#include "internal.h"

#include <argon/arch.h>

/* Has d pinned frame m of this table? Entries are looked at without their locks; a hit is looked at again with it. */
static bool granted_to(struct grant_table *gt, const struct domain *d, u64 m)
{
    u32 nr = atomic_load_acquire(&gt->nr_entries);

    for (u32 ref = 0; ref < nr; ref++) {
        struct grant_active *act = grant_active(gt, ref);
        bool hit;

        if (atomic_load(&act->mfn) != m) {
            continue;
        }
        spin_lock(&act->lock);
        hit = act->mfn == m && act->domid == d->id && (act->readers != 0 || act->writers != 0);
        spin_unlock(&act->lock);
        if (hit) {
            return true;
        }
    }
    return false;
}

int grant_cache_flush(struct domain *d, const struct gnttab_cache_flush *op)
{
    mfn_t m = paddr_to_mfn(op->a.dev_bus_addr);
    struct domain *owner;
    const u8 *va;
    int rc = 0;

    if ((op->op & ~(GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL)) != 0 || op->offset >= PAGE_SIZE ||
        (u32)op->offset + op->length > PAGE_SIZE) {
        return -EINVAL;
    }
    if (op->length == 0 || op->op == 0) {
        return 0;
    }
    if (!mfn_is_ram(m)) {
        return -EINVAL;
    }
    owner = domain_lookup(atomic_load(&mfn_to_page(m)->owner));
    if (owner == NULL || !page_get(m, owner)) {
        return -EPERM;
    }
    /*
     * A reference on guest RAM keeps its owner's table; on other pages it does not, and those are nobody's to flush but
     * the owner's.
     */
    if (owner != d && (mfn_to_page(m)->use != PAGE_GUEST || owner->grant == NULL ||
                       !granted_to(owner->grant, d, m.m))) {
        rc = -EINVAL;
    } else {
        va = frame_map_at(m, op->offset);
        /*
         * To invalidate without cleaning could uncover what other data of the line, or older data of the page, was in
         * memory; cleaning first is as good for the caller, whose device does not write during the call.
         */
        if (op->op & GNTTAB_CACHE_INVAL) {
            arch_clean_inval_dcache(va, op->length);
        } else {
            arch_clean_dcache(va, op->length);
        }
        frame_unmap(va);
    }
    page_put(mfn_to_page(m));
    return rc;
}
