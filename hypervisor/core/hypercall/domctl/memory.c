/* SPDX-License-Identifier: MIT */
/* Limits and placement of a domain's memory. */
#include "domctl.h"

#include <argon/machine.h>
#include <argon/mem.h>
#include <argon/p2m.h>

#define CACHEFLUSH_MAX_FRAMES BIT(MAX_ORDER)

/* Below what the domain has is fine: it gets no more until it is below the limit. */
int domctl_max_mem(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    u64 pages = op->u.max_mem.max_memkb >> (PAGE_SHIFT - 10);

    (void)v;
    spin_lock(&d->page_lock);
    d->max_pages = (u32)MIN(pages, (u64)~0U);
    spin_unlock(&d->page_lock);
    return 0;
}

static u64 all_nodes(void)
{
    return machine.nodes != 0 ? machine.nodes : 1;
}

/* All nodes: as a domain starts, by where its vCPUs may run. */
int domctl_setnodeaffinity(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    u64 mask;

    (void)v;
    if (bitmap_from_guest(&mask, 64, &op->u.nodeaffinity.nodemap) != 0) {
        return -EFAULT;
    }
    mask &= all_nodes();
    if (mask == 0) {
        return -EINVAL;
    }
    d->auto_node_affinity = mask == all_nodes();
    WRITE_ONCE(d->node_affinity, d->auto_node_affinity ? UINT64_MAX : mask);
    domain_update_nodes(d);
    return 0;
}

int domctl_getnodeaffinity(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    u64 mask = READ_ONCE(d->node_affinity) & all_nodes();

    (void)v;
    return bitmap_to_guest(&op->u.nodeaffinity.nodemap, &mask, 64);
}

/* The builder wrote guest memory through a cacheable mapping; the guest starts with its caches off. */
int domctl_cacheflush(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    u64 start = op->u.cacheflush.start_pfn, nr = op->u.cacheflush.nr_pfns;
    gfn_t g = gfn(start);
    int rc;

    (void)v;
    if (nr > CACHEFLUSH_MAX_FRAMES || start + nr < start) {
        return -EINVAL;
    }
    if (nr == 0) {
        return 0;
    }
    rc = p2m_cache_flush(d, &g, &nr);
    op->u.cacheflush.start_pfn = g.g;
    op->u.cacheflush.nr_pfns = nr;
    return rc;
}

int domctl_get_paging_mempool(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    (void)v;
    op->u.paging_mempool.size = p2m_pool_get(d);
    return 0;
}

int domctl_set_paging_mempool(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    u64 size = op->u.paging_mempool.size;

    (void)v;
    return !IS_ALIGNED(size, PAGE_SIZE) ? -EINVAL : p2m_pool_set(d, size);
}
