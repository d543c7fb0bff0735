/* SPDX-License-Identifier: MIT */
/* GNTTABOP_copy: between two pages, each either granted to the caller or its own. */
#include "internal.h"

#include <argon/guest_write.h>

/* One end of a copy: a page with a reference, and the pin behind it if it is a grant's. */
struct copy_end {
    struct page *page;
    struct domain *granter;      /* NULL: a frame of the caller's own */
    struct grant_active *act;
    u32 ref;
    bool readonly;
};

static always_inline s16 get_granted(struct copy_end *e, struct domain *ld, struct domain *rd, u32 ref)
{
    struct grant_table *gt = grant_live_table(rd);
    struct grant_active *act;
    s16 status;

    if (unlikely(gt == NULL)) {
        return GNTST_bad_domain;
    }
    act = grant_active(gt, ref);
    if (unlikely(act == NULL)) {
        return GNTST_bad_gntref;
    }
    spin_lock(&act->lock);
    status = grant_pin(rd, act, ref, ld->id, e->readonly);
    if (likely(status == GNTST_okay)) {
        e->page = mfn_to_page(mfn(act->mfn));
        e->granter = rd;
        e->act = act;
        e->ref = ref;
    }
    spin_unlock(&act->lock);
    return status;
}

/* A frame in the caller's guest-physical space: whatever it may read, or write, there. */
static always_inline s16 get_own(struct copy_end *e, struct domain *ld, u64 g)
{
    enum p2m_type t;

    e->page = p2m_get_page(ld, gfn(g), &t);
    if (e->page == NULL) {
        return GNTST_bad_page;
    }
    if (!e->readonly && !p2m_is_writable(t)) {
        page_put(e->page);
        e->page = NULL;
        return GNTST_bad_page;
    }
    return GNTST_okay;
}

static always_inline void put_end(struct copy_end *e)
{
    if (e->granter != NULL) {
        spin_lock(&e->act->lock);
        grant_unpin(e->granter, e->act, e->ref, e->readonly);
        spin_unlock(&e->act->lock);
    }
    if (e->page != NULL) {
        page_put(e->page);
    }
}

s16 grant_copy(struct domain *ld, struct domain *sd, struct domain *dd, const struct gnttab_copy *op)
{
    struct copy_end src = { .readonly = true };
    struct copy_end dst = { .readonly = false };
    s16 status;

    if ((u32)op->source.offset + op->len > PAGE_SIZE || (u32)op->dest.offset + op->len > PAGE_SIZE) {
        return GNTST_bad_copy_arg;
    }
    status = op->flags & GNTCOPY_source_gref ? get_granted(&src, ld, sd, op->source.u.ref)
                                             : get_own(&src, ld, op->source.u.gmfn);
    if (status == GNTST_okay) {
        status = op->flags & GNTCOPY_dest_gref ? get_granted(&dst, ld, dd, op->dest.u.ref)
                                               : get_own(&dst, ld, op->dest.u.gmfn);
    }
    if (status == GNTST_okay) {
        u8 *to = frame_map_at(page_to_mfn(dst.page), op->dest.offset);
        const u8 *from = frame_map_at(page_to_mfn(src.page), op->source.offset);

        /* Both ends may be one page. */
        guest_fill(dst.granter != NULL ? dst.granter : ld, to, from, op->len);
        frame_unmap(from);
        frame_unmap(to);
    }
    put_end(&dst);
    put_end(&src);
    return status;
}
