/* SPDX-License-Identifier: MIT */
/* memory_op (public memory.h): dispatch, and the operations that only answer. */
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/guest_access.h>
#include <argon/mem.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include "memory_op.h"

/* The domain that an operation with nothing but a domid asks about; NULL with *ret set. */
static struct domain *queried_domain(struct vcpu *v, const u64 *args, enum right right, long *ret)
{
    struct xen_memory_domain arg;
    struct domain *d;

    if (copy_from_guest(&arg, args[1], sizeof(arg)) != 0) {
        *ret = -EFAULT;
        return NULL;
    }
    d = domain_by_arg(v, arg.domid);
    if (d == NULL) {
        *ret = -ESRCH;
        return NULL;
    }
    *ret = permit(right, v->domain, d);
    return *ret == 0 ? d : NULL;
}

static long memop_current_reservation(struct vcpu *v, u64 *args)
{
    long ret;
    struct domain *d = queried_domain(v, args, memop_right[XENMEM_current_reservation], &ret);

    return d == NULL ? ret : (long)READ_ONCE(d->tot_pages);
}

static long memop_maximum_reservation(struct vcpu *v, u64 *args)
{
    long ret;
    struct domain *d = queried_domain(v, args, memop_right[XENMEM_maximum_reservation], &ret);

    return d == NULL ? ret : (long)READ_ONCE(d->max_pages);
}

static long memop_maximum_gpfn(struct vcpu *v, u64 *args)
{
    long ret;
    struct domain *d = queried_domain(v, args, memop_right[XENMEM_maximum_gpfn], &ret);

    return d == NULL ? ret : (long)p2m_max_gfn(d).g;
}

static long memop_maximum_ram_page(struct vcpu *v, u64 *args)
{
    (void)v;
    (void)args;
    return (long)mem_max_mfn();
}

/* Pages saved by sharing: there is no sharing on ARM. */
static long memop_sharing_pages(struct vcpu *v, u64 *args)
{
    (void)v;
    (void)args;
    return 0;
}

/* No domain has a virtual NUMA topology. */
static long memop_get_vnumainfo(struct vcpu *v, u64 *args)
{
    struct xen_vnuma_topology_info arg;
    struct domain *d;
    int rc;

    if (copy_from_guest(&arg, args[1], sizeof(arg)) != 0) {
        return -EFAULT;
    }
    d = domain_by_arg(v, arg.domid);
    if (d == NULL) {
        return -ESRCH;
    }
    rc = permit(memop_right[XENMEM_get_vnumainfo], v->domain, d);
    return rc != 0 ? rc : -EOPNOTSUPP;
}

/* Only the empty claim, which is always granted: nothing is set aside for a domain ahead of populate_physmap. */
static long memop_claim_pages(struct vcpu *v, u64 *args)
{
    struct xen_memory_reservation r;
    struct domain *d;
    int rc = permit_call(memop_right[XENMEM_claim_pages], v->domain);

    if (rc != 0) {
        return rc;
    }
    if (copy_from_guest(&r, args[1], sizeof(r)) != 0) {
        return -EFAULT;
    }
    if (handle_gva(r.extent_start) != 0 || r.extent_order != 0 || r.mem_flags != 0) {
        return -EINVAL;
    }
    d = domain_by_arg(v, r.domid);
    if (d == NULL) {
        return -ESRCH;
    }
    return r.nr_extents == 0 ? 0 : -ENOSYS;
}

/* The same for every width of guest (public memory.h). */
static_assert(sizeof(struct xen_memory_reservation) == 32, "ABI");
static_assert(offsetof(struct xen_memory_reservation, domid) == 24, "ABI");
static_assert(sizeof(struct xen_add_to_physmap) == 24 && offsetof(struct xen_add_to_physmap, gpfn) == 16, "ABI");
static_assert(sizeof(struct xen_add_to_physmap_batch) == 32, "ABI");
static_assert(offsetof(struct xen_add_to_physmap_batch, errs) == 24, "ABI");
static_assert(sizeof(struct xen_remove_from_physmap) == 16, "ABI");
static_assert(sizeof(struct xen_mem_acquire_resource) == 32, "ABI");
static_assert(offsetof(struct xen_mem_acquire_resource, nr_frames) == 8, "acquire_resource answers there");

#define ROW(nr, handler, right, takes_progress) [nr] = { .fn = (handler), .resumes = (takes_progress) },
static const struct {
    hypercall_fn *fn;            /* NULL: -ENOSYS */
    bool resumes;                /* takes the progress in the command word */
} ops[BIT(MEMOP_BITS)] = { MEMORY_OPS(ROW) };

long do_memory_op(struct vcpu *v, u64 *args)
{
    u32 cmd = memop_cmd(args);

    ASSERT(v == current_vcpu());
    if (unlikely(ops[cmd].fn == NULL)) {
        return -ENOSYS;
    }
    if (unlikely(memop_start(args) != 0 && !ops[cmd].resumes)) {
        return -EINVAL;
    }
    return ops[cmd].fn(v, args);
}
