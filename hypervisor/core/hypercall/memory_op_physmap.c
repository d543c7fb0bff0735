/* SPDX-License-Identifier: MIT */
/*
 * memory_op: pages other than plain RAM in a domain's stage 2: add_to_physmap and its batch form, remove_from_physmap,
 * acquire_resource.
 */
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/grant.h>
#include <argon/guest_access.h>
#include <argon/mem.h>
#include "memory_op.h"

/*
 * What a page may be mapped over; what is displaced is dropped by physmap_drop() once no lock is held. Device memory
 * and grant mappings are not (-EBUSY): whoever made them undoes them.
 */
#define MAY_COVER (BIT32(P2M_INVALID) | P2M_RAM | P2M_FOREIGN)

/* ---- pages of the hypervisor's that d may map: each at one place ---- */

static int map_shared_info(struct domain *d, u64 idx, gfn_t g, struct p2m_old *old)
{
    int rc;

    if (idx != 0) {
        return -EINVAL;
    }
    if (d->shared_info == NULL) {
        return -ESRCH;                   /* dead */
    }
    if (gfn_is_valid(d->shared_info_gfn)) {
        return -EBUSY;
    }
    rc = p2m_replace(d, g, virt_to_mfn(d->shared_info), P2M_RAM_RW, MAY_COVER, old);
    if (rc == 0) {
        d->shared_info_gfn = g;
    }
    return rc;
}

static int map_grant_frame(struct domain *d, u64 idx, gfn_t g, struct p2m_old *old)
{
    mfn_t m;
    int rc;

    /* Status frames (XENMAPIDX_grant_table_status) exist at version 2 only. */
    if (idx >= grant_max_frames(d)) {
        return -EINVAL;
    }
    if (gfn_is_valid(grant_frame_gfn(d, (u32)idx))) {
        return -EBUSY;
    }
    rc = grant_frame_mfn(d, (u32)idx, &m);
    if (rc == 0) {
        rc = p2m_replace(d, g, m, P2M_RAM_RW, MAY_COVER, old);
    }
    if (rc == 0) {
        grant_frame_set_gfn(d, (u32)idx, g);
    }
    return rc;
}

static int map_own(struct domain *d, u32 space, u64 idx, gfn_t g)
{
    struct p2m_old old = { .t = P2M_INVALID };
    int rc;

    /* d->lock: two vCPUs must not map one page twice. */
    spin_lock(&d->lock);
    rc = space == XENMAPSPACE_shared_info ? map_shared_info(d, idx, g, &old) : map_grant_frame(d, idx, g, &old);
    spin_unlock(&d->lock);
    if (rc == 0) {
        physmap_drop(d, g, old);
    }
    return rc;
}

/*
 * Device memory that d may have (XENMAPSPACE_dev_mmio: idx is its machine frame). Write-back in stage 2, as public
 * memory.h says: which kind of memory it is, d says in its own tables.
 */
static int map_device(struct domain *d, u64 idx, gfn_t g)
{
    enum p2m_type t;
    int rc;

    if (!domain_may_iomem(d, idx, idx)) {
        return -EPERM;
    }
    rc = p2m_map(d, g, mfn(idx), 1, P2M_MMIO_WB);
    /* dom0 has most devices mapped from the start. */
    return rc == -EEXIST && mfn_eq(p2m_lookup(d, g, &t, NULL), mfn(idx)) && p2m_is_mmio(t) ? 0 : rc;
}

/* One page of a space that does not involve another domain. */
static int map_space(struct domain *d, u32 space, u64 idx, gfn_t g)
{
    if (space == XENMAPSPACE_dev_mmio) {
        return map_device(d, idx, g);
    }
    return space == XENMAPSPACE_shared_info || space == XENMAPSPACE_grant_table ? map_own(d, space, idx, g) : -ENOSYS;
}

/* ---- pages of another domain ---- */

/* Map a page, of which the caller gives its reference up, as foreign. */
static int map_referenced(struct domain *d, gfn_t g, struct page *pg, enum p2m_type t)
{
    struct p2m_old old;
    int rc;

    /* Counted first: physmap_relinquish() may not overlook it. */
    atomic_fetch_add(&d->nr_foreign, 1);
    rc = p2m_replace(d, g, page_to_mfn(pg), t, MAY_COVER, &old);
    if (unlikely(rc != 0)) {
        atomic_fetch_sub(&d->nr_foreign, 1);
        page_put(pg);
        return rc;
    }
    physmap_drop(d, g, old);
    return 0;
}

/* idx: a gfn of `from`; of DOMID_XEN, which has no stage 2, a machine frame. */
static int map_foreign(struct domain *d, struct domain *from, u64 idx, gfn_t g)
{
    enum p2m_type t = P2M_RAM_RW;
    struct page *pg;

    if (unlikely(from == dom_xen)) {
        pg = page_get(mfn(idx), from) ? mfn_to_page(mfn(idx)) : NULL;
    } else {
        pg = p2m_get_page(from, gfn(idx), &t);
    }
    if (unlikely(pg == NULL)) {
        return -EINVAL;
    }
    /* Only what `from` owns: what it has mapped of others is not its to show. */
    if (unlikely(!p2m_is_ram(t))) {
        page_put(pg);
        return -EINVAL;
    }
    return map_referenced(d, g, pg, t == P2M_RAM_RO ? P2M_FOREIGN_RO : P2M_FOREIGN_RW);
}

/* Whose pages are mapped into a domain: what that must have over the owner, besides the caller's right over it. */
enum { OWNER_HYPERVISOR, OWNER_DOMAIN };
static const u8 owner_right[] = { [OWNER_HYPERVISOR] = RIGHT_CONTROL, [OWNER_DOMAIN] = RIGHT_TARGET };

/* The domain whose pages are to be mapped into d. */
static int foreign_domain(struct vcpu *v, struct domain *d, u16 domid, struct domain **from)
{
    if (domid == DOMID_XEN && dom_xen != NULL) {
        *from = dom_xen;
        return d == v->domain ? permit(owner_right[OWNER_HYPERVISOR], d, dom_xen) : -EPERM;
    }
    *from = domain_lookup(domid);
    if (*from == NULL) {
        return -ESRCH;
    }
    /* A domain's own pages would hold references of themselves. */
    return *from == d ? -EINVAL : permit(owner_right[OWNER_DOMAIN], d, *from);
}

/* ---- add_to_physmap ---- */

/* The domain whose stage 2 is changed; NULL with *rc set. */
static struct domain *changed_domain(struct vcpu *v, u16 domid, enum right right, int *rc)
{
    struct domain *d = domain_by_arg(v, domid);

    if (d == NULL) {
        *rc = -ESRCH;
        return NULL;
    }
    *rc = permit(right, v->domain, d);
    return *rc == 0 ? d : NULL;
}

long memop_add_to_physmap(struct vcpu *v, u64 *args)
{
    struct xen_add_to_physmap arg;
    struct domain *d;
    int rc;

    if (copy_from_guest(&arg, args[1], sizeof(arg)) != 0) {
        return -EFAULT;
    }
    d = changed_domain(v, arg.domid, memop_right[XENMEM_add_to_physmap], &rc);
    if (d == NULL) {
        return rc;
    }
    return map_space(d, arg.space, arg.idx, gfn(arg.gpfn));
}

/* Entries [done, done + n) of a batch. refused: why none of them can be mapped, 0 otherwise. */
static int batch_chunk(struct domain *d, struct domain *from, const struct xen_add_to_physmap_batch *b, u64 done,
                       u32 n, int refused)
{
    u64 idxs[MEMOP_CHUNK], gpfns[MEMOP_CHUNK];
    s32 errs[MEMOP_CHUNK];

    if (copy_from_guest(idxs, handle_gva(b->idxs) + done * sizeof(u64), n * sizeof(u64)) != 0 ||
        copy_from_guest(gpfns, handle_gva(b->gpfns) + done * sizeof(u64), n * sizeof(u64)) != 0) {
        return -EFAULT;
    }
    for (u32 i = 0; i < n; i++) {
        if (unlikely(refused != 0)) {
            errs[i] = refused;
        } else {
            errs[i] = from != NULL ? map_foreign(d, from, idxs[i], gfn(gpfns[i]))
                                   : map_space(d, b->space, idxs[i], gfn(gpfns[i]));
        }
    }
    return copy_to_guest(handle_gva(b->errs) + done * sizeof(s32), errs, n * sizeof(s32));
}

long memop_add_to_physmap_batch(struct vcpu *v, u64 *args)
{
    struct xen_add_to_physmap_batch b;
    struct domain *d, *from = NULL;
    u64 done = memop_start(args);
    int rc, refused = 0;

    if (copy_from_guest(&b, args[1], sizeof(b)) != 0) {
        return -EFAULT;
    }
    if (done > b.size) {
        return -EINVAL;
    }
    d = changed_domain(v, b.domid, memop_right[XENMEM_add_to_physmap_batch], &rc);
    if (d == NULL) {
        return rc;
    }
    if (b.space == XENMAPSPACE_gmfn_foreign) {
        rc = foreign_domain(v, d, b.u.foreign_domid, &from);
        if (rc == -ESRCH || rc == -EINVAL) {
            refused = rc;                /* told entry by entry, as privcmd passes it on */
            rc = 0;
        }
    } else if (b.space == XENMAPSPACE_dev_mmio && b.u.res0 != 0) {
        rc = -EOPNOTSUPP;
    }
    while (rc == 0 && done < b.size) {
        u32 n = MIN((u32)(b.size - done), (u32)MEMOP_CHUNK);

        rc = batch_chunk(d, from, &b, done, n, refused);
        done += n;
        if (rc == 0 && done < b.size && hypercall_preempt_check()) {
            return memop_restart(args, done);
        }
    }
    return rc;
}

/* ---- remove_from_physmap ---- */

long memop_remove_from_physmap(struct vcpu *v, u64 *args)
{
    struct xen_remove_from_physmap arg;
    struct domain *d;
    struct p2m_old old;
    int rc;

    if (copy_from_guest(&arg, args[1], sizeof(arg)) != 0) {
        return -EFAULT;
    }
    d = changed_domain(v, arg.domid, memop_right[XENMEM_remove_from_physmap], &rc);
    if (d == NULL) {
        return rc;
    }
    /* A grant mapping is undone by who made it. */
    rc = p2m_remove(d, gfn(arg.gpfn), P2M_RAM | P2M_FOREIGN | P2M_MMIO_TYPES, &old);
    if (rc == 0 && !p2m_is_mmio(old.t)) {
        physmap_drop(d, gfn(arg.gpfn), old);
    }
    return rc;
}

/* ---- acquire_resource ---- */

/* How many frames the resource has; 0 with *rc set when there is no such resource. */
static u32 resource_frames(const struct domain *d, const struct xen_mem_acquire_resource *r, int *rc)
{
    *rc = r->type == XENMEM_resource_grant_table ? -EINVAL : -EOPNOTSUPP;
    if (r->type == XENMEM_resource_grant_table && r->id == XENMEM_resource_grant_table_id_shared) {
        *rc = 0;
        return grant_max_frames(d);
    }
    return 0;
}

/* Map frames [first, first + n) of d's grant table at the caller's gfns; *done counts up. */
static int acquire_frames(struct vcpu *v, struct domain *d, u64 first, const u64 *gfns, u32 n, u64 *done)
{
    for (u32 i = 0; i < n; i++) {
        mfn_t m;
        int rc = grant_frame_mfn(d, (u32)(first + i), &m);

        if (rc == 0 && !page_get(m, d)) {
            rc = -EINVAL;
        }
        if (rc == 0) {
            rc = map_referenced(v->domain, gfn(gfns[i]), mfn_to_page(m), P2M_FOREIGN_RW);
        }
        if (rc != 0) {
            return rc;
        }
        (*done)++;
    }
    return 0;
}

static long acquire_map(struct vcpu *v, u64 *args, struct domain *d, const struct xen_mem_acquire_resource *r)
{
    u64 done = memop_start(args);

    while (done < r->nr_frames) {
        u32 n = MIN((u32)(r->nr_frames - done), (u32)MEMOP_CHUNK);
        u64 gfns[MEMOP_CHUNK];
        int rc = copy_from_guest(gfns, handle_gva(r->frame_list) + done * sizeof(u64), n * sizeof(u64));

        if (rc == 0) {
            rc = acquire_frames(v, d, r->frame + done, gfns, n, &done);
        }
        if (rc != 0) {
            /* -EIO tells that some are mapped, which the caller has to undo. */
            return done > 0 ? -EIO : rc;
        }
        if (done < r->nr_frames && hypercall_preempt_check()) {
            return memop_restart(args, done);
        }
    }
    return 0;
}

long memop_acquire_resource(struct vcpu *v, u64 *args)
{
    struct xen_mem_acquire_resource r;
    struct domain *d;
    u32 frames;
    int rc;

    if (copy_from_guest(&r, args[1], sizeof(r)) != 0) {
        return -EFAULT;
    }
    if (r.pad != 0) {
        return -EINVAL;
    }
    d = domain_by_arg(v, r.domid);
    if (d == NULL) {
        return -ESRCH;
    }
    rc = permit(memop_right[XENMEM_acquire_resource], v->domain, d);
    if (rc != 0) {
        return rc;
    }
    frames = resource_frames(d, &r, &rc);
    if (rc != 0) {
        return rc;
    }
    if (handle_gva(r.frame_list) == 0) {
        if (r.nr_frames != 0) {
            return -EINVAL;
        }
        return copy_to_guest(args[1] + offsetof(struct xen_mem_acquire_resource, nr_frames), &frames, sizeof(frames));
    }
    if (memop_start(args) > r.nr_frames || r.frame > frames || r.nr_frames > frames - r.frame) {
        return -EINVAL;
    }
    return acquire_map(v, args, d, &r);
}
