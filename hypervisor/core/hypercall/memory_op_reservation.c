/* SPDX-License-Identifier: MIT */
/*
 * memory_op: populate_physmap, increase_reservation, decrease_reservation. They return how many extents are done, never
 * an error; with arguments that make no sense, as many as were done before.
 *
 * A domain that is mapped 1:1 keeps the frames it gives back: decrease only unmaps them, and populate maps frame g at g
 * again.
 */
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/guest_access.h>
#include <argon/machine.h>
#include <argon/mem.h>
#include "memory_op.h"

/* Larger extents would be cleared in one go, with interrupts waiting; libxc falls back to this one. */
#define MAX_EXTENT_ORDER ORDER_2M
#define MAX_EXTENTS      BIT(32)
/* Order-0 extents between two looks at waiting work. */
#define PREEMPT_EVERY    16

struct reservation {
    struct domain *d;
    u64 list;                    /* gva of the frame numbers */
    u64 nr, done;                /* extents */
    u32 order;
    u32 memf;
};

/* One extent: true when it is done. */
typedef bool extent_fn(const struct reservation *r, u64 frame);

/* XENMEMF_* to MEMF_*; false: cannot be satisfied. */
static bool convert_flags(u32 flags, u32 *memf)
{
    u32 bits = XENMEMF_get_address_bits(flags), node = XENMEMF_get_node(flags);

    *memf = 0;
    if (flags == 0) {
        return true;
    }
    /* Neither populate-on-demand nor virtual nodes exist here. */
    if (flags & (XENMEMF_populate_on_demand | XENMEMF_vnode)) {
        return false;
    }
    if (bits != 0 && bits < 64 && (bits <= PAGE_SHIFT || mem_max_mfn() >> (bits - PAGE_SHIFT) != 0)) {
        if (bits < 32) {
            return false;
        }
        *memf |= MEMF_LOW32;
    }
    if (node != 0xff) {
        if (!machine_has_node(&machine, node)) {
            return false;
        }
        *memf |= MEMF_NODE(node);
    }
    *memf |= flags & XENMEMF_exact_node_request ? MEMF_EXACT_NODE : 0;
    return true;
}

/* Fetch and check the arguments. False: the answer is the progress as given. */
static bool get_arguments(struct vcpu *v, const u64 *args, enum right right, struct reservation *r)
{
    struct xen_memory_reservation arg;

    r->done = memop_start(args);
    if (copy_from_guest(&arg, args[1], sizeof(arg)) != 0) {
        return false;
    }
    r->d = domain_by_arg(v, arg.domid);
    r->list = handle_gva(arg.extent_start);
    r->nr = arg.nr_extents;
    r->order = arg.extent_order;
    return r->nr < MAX_EXTENTS && r->done < r->nr && r->order <= MAX_EXTENT_ORDER && r->d != NULL &&
           permit(right, v->domain, r->d) == 0 && convert_flags(arg.mem_flags, &r->memf);
}

static bool time_to_stop(const struct reservation *r)
{
    return (r->order > 0 || r->done % PREEMPT_EVERY == 0) && hypercall_preempt_check();
}

/* Do extents named by the guest's list from r->done on. Inline, so that a page costs no call by pointer. */
static always_inline long run(struct reservation *r, u64 *args, extent_fn *fn)
{
    u64 frames[MEMOP_CHUNK];

    while (r->done < r->nr) {
        u64 n = MIN(r->nr - r->done, (u64)MEMOP_CHUNK);

        if (copy_from_guest(frames, r->list + r->done * sizeof(u64), (size_t)n * sizeof(u64)) != 0) {
            break;
        }
        for (u64 i = 0; i < n; i++) {
            if (!fn(r, frames[i])) {
                return (long)r->done;
            }
            r->done++;
            if (r->done < r->nr && time_to_stop(r)) {
                return memop_restart(args, r->done);
            }
        }
    }
    return (long)r->done;
}

/* ---- populate ---- */

static void release_pages(struct domain *d, struct page *pg, u64 nr)
{
    for (u64 i = 0; i < nr; i++) {
        /* False where the domain was torn down meanwhile: then the page is gone already. */
        bool released = page_release(&pg[i], d);

        (void)released;
    }
}

/* Map frames [g, g + nr) of a 1:1 domain at their own number, if they are its RAM. */
static bool populate_direct(struct domain *d, u64 g, u64 nr)
{
    /* It keeps them until it dies, and p2m_map() refuses a dying domain: no references are needed. */
    for (u64 i = 0; i < nr; i++) {
        if (!page_is_ram_of(mfn(g + i), d)) {
            return false;
        }
    }
    return p2m_map(d, gfn(g), mfn(g), nr, P2M_RAM_RW) == 0;
}

static bool populate_extent(const struct reservation *r, u64 g)
{
    u64 nr = BIT(r->order);
    struct page *pg;

    if (unlikely(r->d->direct_mapped)) {
        return populate_direct(r->d, g, nr);
    }
    pg = page_alloc_guest(r->d, r->order, r->memf);
    if (unlikely(pg == NULL)) {
        return false;
    }
    if (unlikely(p2m_map(r->d, gfn(g), page_to_mfn(pg), nr, P2M_RAM_RW) != 0)) {
        release_pages(r->d, pg, nr);
        return false;
    }
    return true;
}

long memop_populate_physmap(struct vcpu *v, u64 *args)
{
    struct reservation r;

    return get_arguments(v, args, memop_right[XENMEM_populate_physmap], &r) ? run(&r, args, populate_extent)
           : (long)r.done;
}

/*
 * ---- increase: frames that are the domain's, mapped nowhere (a translated guest has no use for machine addresses)
 * ----
 */

long memop_increase_reservation(struct vcpu *v, u64 *args)
{
    struct reservation r;

    if (!get_arguments(v, args, memop_right[XENMEM_increase_reservation], &r)) {
        return (long)r.done;
    }
    while (r.done < r.nr) {
        if (page_alloc_guest(r.d, r.order, r.memf) == NULL) {
            break;
        }
        r.done++;
        if (r.done < r.nr && time_to_stop(&r)) {
            return memop_restart(args, r.done);
        }
    }
    return (long)r.done;
}

/* ---- decrease ---- */

static always_inline bool decrease_page(struct domain *d, gfn_t g)
{
    struct p2m_old old;

    if (unlikely(p2m_remove(d, g, P2M_RAM, &old) != 0)) {
        return false;
    }
    physmap_drop(d, g, old);
    return true;
}

/* With one flush for all of it: at most 512 pages, in less time than clearing them takes. */
static noinline bool decrease_pages(struct domain *d, gfn_t g, u32 nr)
{
    u32 frames[BIT(MAX_EXTENT_ORDER)];
    u32 n = p2m_remove_many(d, g, nr, P2M_RAM, frames);

    for (u32 i = 0; i < n; i++) {
        physmap_drop(d, gfn_add(g, i), (struct p2m_old){ mfn(frames[i]), P2M_RAM_RW });
    }
    return n == nr;
}

/*
 * Take RAM from d: it is freed, or kept aside where d is mapped 1:1. A page that d shares with the hypervisor is only
 * unmapped. False: there is no RAM at one of the frames; those before it are taken.
 */
static bool decrease_extent(const struct reservation *r, u64 g)
{
    return likely(r->order == 0) ? decrease_page(r->d, gfn(g)) : decrease_pages(r->d, gfn(g), BIT32(r->order));
}

long memop_decrease_reservation(struct vcpu *v, u64 *args)
{
    struct reservation r;

    return get_arguments(v, args, memop_right[XENMEM_decrease_reservation], &r) ? run(&r, args, decrease_extent)
           : (long)r.done;
}
