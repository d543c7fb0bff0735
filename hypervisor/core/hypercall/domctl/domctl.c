/* SPDX-License-Identifier: MIT */
/* domctl (public domctl.h): dispatch. Those not in the table answer -ENOSYS; docs/abi.md lists them. */
#include "domctl.h"

#include <argon/guest_access.h>

enum domctl_flags {
    DOMCTL_COPYBACK = 1u << 0,   /* the operation is output too */
    DOMCTL_NO_DOMAIN = 1u << 1,  /* the domain field is not an existing domain, or not necessarily */
    DOMCTL_NO_LOCK = 1u << 2,    /* reads only */
    DOMCTL_PROGRESS = 1u << 3,   /* -ERESTART goes on from values in the operation */
    DOMCTL_ALIVE = 1u << 4,      /* not for a domain that is being destroyed */
};

/* right: for the domain that is named, before anything else is said of it. */
static const struct { domctl_fn *fn; u8 right; u32 flags; } domctl_table[] = {
    [XEN_DOMCTL_createdomain] = { domctl_createdomain, RIGHT_CONTROL, DOMCTL_COPYBACK | DOMCTL_NO_DOMAIN },
    [XEN_DOMCTL_destroydomain] = { domctl_destroydomain, RIGHT_CONTROL, 0 },
    [XEN_DOMCTL_pausedomain] = { domctl_pausedomain, RIGHT_CONTROL, 0 },
    [XEN_DOMCTL_unpausedomain] = { domctl_unpausedomain, RIGHT_CONTROL, 0 },
    [XEN_DOMCTL_getdomaininfo] = { domctl_getdomaininfo, RIGHT_LOOK, DOMCTL_COPYBACK | DOMCTL_NO_DOMAIN },
    [XEN_DOMCTL_setvcpuaffinity] = { domctl_setvcpuaffinity, RIGHT_CONTROL, DOMCTL_ALIVE },
    [XEN_DOMCTL_max_mem] = { domctl_max_mem, RIGHT_CONTROL, DOMCTL_ALIVE },
    [XEN_DOMCTL_setvcpucontext] = { domctl_setvcpucontext, RIGHT_CONTROL, DOMCTL_ALIVE },
    [XEN_DOMCTL_getvcpucontext] = { domctl_getvcpucontext, RIGHT_CONTROL, DOMCTL_ALIVE },
    [XEN_DOMCTL_getvcpuinfo] = { domctl_getvcpuinfo, RIGHT_CONTROL, DOMCTL_COPYBACK | DOMCTL_NO_LOCK },
    [XEN_DOMCTL_max_vcpus] = { domctl_max_vcpus, RIGHT_CONTROL, DOMCTL_ALIVE },
    [XEN_DOMCTL_scheduler_op] = { domctl_scheduler_op, RIGHT_CONTROL, DOMCTL_COPYBACK | DOMCTL_ALIVE },
    [XEN_DOMCTL_setdomainhandle] = { domctl_setdomainhandle, RIGHT_CONTROL, 0 },
    [XEN_DOMCTL_setdebugging] = { domctl_setdebugging, RIGHT_CONTROL, 0 },
    [XEN_DOMCTL_irq_permission] = { domctl_irq_permission, RIGHT_CONTROL, DOMCTL_ALIVE },
    [XEN_DOMCTL_iomem_permission] = { domctl_iomem_permission, RIGHT_CONTROL, DOMCTL_ALIVE },
    [XEN_DOMCTL_settimeoffset] = { domctl_settimeoffset, RIGHT_CONTROL, DOMCTL_ALIVE },
    [XEN_DOMCTL_getvcpuaffinity] = { domctl_getvcpuaffinity, RIGHT_CONTROL, DOMCTL_NO_LOCK },
    [XEN_DOMCTL_resumedomain] = { domctl_resumedomain, RIGHT_CONTROL, DOMCTL_ALIVE },
    [XEN_DOMCTL_subscribe] = { domctl_subscribe, RIGHT_CONTROL, DOMCTL_ALIVE },
    [XEN_DOMCTL_set_address_size] = { domctl_set_address_size, RIGHT_CONTROL, DOMCTL_ALIVE },
    [XEN_DOMCTL_assign_device] = { domctl_no_device, RIGHT_CONTROL, 0 },
    [XEN_DOMCTL_bind_pt_irq] = { domctl_bind_pt_irq, RIGHT_MODEL, DOMCTL_ALIVE },
    [XEN_DOMCTL_memory_mapping] = { domctl_memory_mapping, RIGHT_MODEL, DOMCTL_ALIVE },
    [XEN_DOMCTL_test_assign_device] = { domctl_no_device, RIGHT_CONTROL, DOMCTL_NO_DOMAIN },
    [XEN_DOMCTL_set_target] = { domctl_set_target, RIGHT_CONTROL, DOMCTL_ALIVE },
    [XEN_DOMCTL_deassign_device] = { domctl_no_device, RIGHT_CONTROL, 0 },
    [XEN_DOMCTL_unbind_pt_irq] = { domctl_unbind_pt_irq, RIGHT_MODEL, 0 },
    [XEN_DOMCTL_set_virq_handler] = { domctl_set_virq_handler, RIGHT_CONTROL, DOMCTL_ALIVE },
    [XEN_DOMCTL_setnodeaffinity] = { domctl_setnodeaffinity, RIGHT_CONTROL, DOMCTL_ALIVE },
    [XEN_DOMCTL_getnodeaffinity] = { domctl_getnodeaffinity, RIGHT_CONTROL, DOMCTL_NO_LOCK },
    [XEN_DOMCTL_cacheflush] = { domctl_cacheflush, RIGHT_CONTROL, DOMCTL_PROGRESS | DOMCTL_ALIVE },
    [XEN_DOMCTL_soft_reset] = { domctl_soft_reset, RIGHT_CONTROL, 0 },
    [XEN_DOMCTL_vuart_op] = { domctl_vuart_op, RIGHT_CONTROL, 0 },
    [XEN_DOMCTL_get_paging_mempool_size] = { domctl_get_paging_mempool, RIGHT_CONTROL, DOMCTL_COPYBACK | DOMCTL_NO_LOCK },
    [XEN_DOMCTL_set_paging_mempool_size] = { domctl_set_paging_mempool, RIGHT_CONTROL, DOMCTL_ALIVE },
};

/* One operation at a time on a domain; a second caller comes back later rather than wait with interrupts masked. */
static int run_locked(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    int rc;

    if (d == NULL || (domctl_table[op->cmd].flags & DOMCTL_NO_LOCK) != 0) {
        return domctl_table[op->cmd].fn(v, d, op);
    }
    if (!spin_trylock(&d->domctl_lock)) {
        return -ERESTART;
    }
    if ((domctl_table[op->cmd].flags & DOMCTL_ALIVE) != 0 && d->dying != DOMAIN_ALIVE) {
        rc = -EINVAL;
    } else {
        rc = domctl_table[op->cmd].fn(v, d, op);
    }
    spin_unlock(&d->domctl_lock);
    return rc;
}

/* args: op. */
long do_domctl(struct vcpu *v, u64 *args)
{
    struct xen_domctl op;
    struct domain *d = NULL;
    u32 flags;
    int rc;

    if (copy_from_guest(&op, args[0], sizeof(op)) != 0) {
        return -EFAULT;
    }
    if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION) {
        return -EACCES;
    }
    if (op.cmd >= ARRAY_SIZE(domctl_table) || domctl_table[index_nospec(op.cmd, ARRAY_SIZE(domctl_table))].fn == NULL) {
        rc = permit_call(hypercall_right[__HYPERVISOR_domctl], v->domain);
        return rc != 0 ? rc : -ENOSYS;
    }
    op.cmd = (u32)index_nospec(op.cmd, ARRAY_SIZE(domctl_table));
    flags = domctl_table[op.cmd].flags;
    if ((flags & DOMCTL_NO_DOMAIN) == 0) {
        d = domain_lookup(op.domain);
    }
    rc = permit(domctl_table[op.cmd].right, v->domain, d);
    if (rc != 0) {
        return rc;
    }
    if (d == NULL && (flags & DOMCTL_NO_DOMAIN) == 0) {
        return -ESRCH;
    }
    rc = run_locked(v, d, &op);
    if ((rc == 0 && (flags & DOMCTL_COPYBACK) != 0) || (rc == -ERESTART && (flags & DOMCTL_PROGRESS) != 0)) {
        if (copy_to_guest(args[0], &op, sizeof(op)) != 0) {
            return -EFAULT;
        }
    }
    return rc;
}
