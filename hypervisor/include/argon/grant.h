/* SPDX-License-Identifier: MIT */
/*
 * Grant tables (public grant_table.h), version 1. One lock per active entry; the table lock only for its size. Design,
 * lock order and the differences from Xen: docs/design/grants.md.
 */
#ifndef ARGON_GRANT_H
#define ARGON_GRANT_H

#include <argon/domain.h>
#include <argon/xen.h>

/*
 * The first frame exists at once. -EINVAL: max_frames is 0 or absurd; -ENOMEM. max_version: 1 is what there is,
 * whatever is allowed.
 */
must_check int grant_init(struct domain *d, u32 max_frames, u32 max_maptrack_frames, u32 max_version);
/*
 * Of a dying domain whose vCPUs are off the CPUs: unmap everything it had mapped of others, then give up the frames of
 * its own table (page_free_shared; mappings that others hold of its pages stay, and go one by one). -ERESTART: call
 * again.
 */
must_check int grant_release_mappings(struct domain *d);
/*
 * Last, when no one can look anything up and none of the domain's pages is alive; also after a failed grant_init or
 * without one.
 */
void grant_destroy(struct domain *d);
/*
 * add_to_physmap(XENMAPSPACE_grant_table): the machine frame of shared frame idx, growing the table; -EINVAL beyond the
 * limit.
 */
must_check int grant_frame_mfn(struct domain *d, u32 idx, mfn_t *out);
/* acquire_resource(grant_table): frames of the shared (id 0) table; -EINVAL for status frames at version 1. */
u32 grant_max_frames(const struct domain *d);
/* Which gfn does this frame have in d (INVALID_GFN if not mapped); a frame has one place. */
gfn_t grant_frame_gfn(struct domain *d, u32 idx);
void grant_frame_set_gfn(struct domain *d, u32 idx, gfn_t g);
void grant_dump(struct domain *d);             /* debug key g */
u64 grant_bytes(const struct domain *d);       /* memory of its entries' and handles' other side; not the shared frames */

/*
 * ---- operations on already chosen and permitted domains (core/hypercall/grant_table.c). Results: GNTST_*, unless
 * said. ----
 */
/* Has d a table that may be used: it exists, and d is not dying. */
static inline bool grant_usable(const struct domain *d)
{
    return likely(!READ_ONCE(d->dying)) && d->grant != NULL;
}
/* Map rd's grant op->ref into ld. On success fills handle and dev_bus_addr. */
s16 grant_map(struct domain *ld, struct domain *rd, struct gnttab_map_grant_ref *op);
/* Undo a mapping; host_addr 0: nothing asked for, GNTST_okay. */
s16 grant_unmap(struct domain *ld, u64 host_addr, u32 handle);
/* Copy. sd, dd: the domain named by each end that is a grant reference, ld itself for a frame of its own. */
s16 grant_copy(struct domain *ld, struct domain *sd, struct domain *dd, const struct gnttab_copy *op);
s16 grant_swap(struct domain *d, u32 ref_a, u32 ref_b);
/* Table of at least nr frames. GNTST_general_error: beyond the limit, or no memory. */
s16 grant_setup(struct domain *d, u32 nr);
s16 grant_sizes(struct domain *d, u32 *nr_frames, u32 *max_frames);
/* 0, -EINVAL, -EPERM. */
must_check int grant_cache_flush(struct domain *d, const struct gnttab_cache_flush *op);

#endif
