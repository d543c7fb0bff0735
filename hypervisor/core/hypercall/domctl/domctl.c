/* SPDX-License-Identifier: MIT */
/* domctl (public domctl.h): dispatch. Those not in the table answer -ENOSYS; docs/abi.md lists them. */
#include "domctl.h"

#include <argon/guest_access.h>
#include <argon/nospec.h>

enum domctl_flags {
    DOMCTL_COPYBACK = 1u << 0,   /* the operation is output too */
    DOMCTL_NO_DOMAIN = 1u << 1,  /* the domain field is not an existing domain, or not necessarily */
    DOMCTL_NO_LOCK = 1u << 2,    /* reads only */
    DOMCTL_PROGRESS = 1u << 3,   /* -ERESTART goes on from values in the operation */
    DOMCTL_ALIVE = 1u << 4,      /* not for a domain that is being destroyed */
};

static const struct { domctl_fn *fn; u32 flags; } domctl_table[] = {
    [XEN_DOMCTL_createdomain] = { domctl_createdomain, DOMCTL_COPYBACK | DOMCTL_NO_DOMAIN },
    [XEN_DOMCTL_destroydomain] = { domctl_destroydomain, 0 },
    [XEN_DOMCTL_pausedomain] = { domctl_pausedomain, 0 },
    [XEN_DOMCTL_unpausedomain] = { domctl_unpausedomain, 0 },
    [XEN_DOMCTL_getdomaininfo] = { domctl_getdomaininfo, DOMCTL_COPYBACK | DOMCTL_NO_DOMAIN },
    [XEN_DOMCTL_setvcpuaffinity] = { domctl_setvcpuaffinity, DOMCTL_ALIVE },
    [XEN_DOMCTL_max_mem] = { domctl_max_mem, DOMCTL_ALIVE },
    [XEN_DOMCTL_setvcpucontext] = { domctl_setvcpucontext, DOMCTL_ALIVE },
    [XEN_DOMCTL_getvcpucontext] = { domctl_getvcpucontext, DOMCTL_ALIVE },
    [XEN_DOMCTL_getvcpuinfo] = { domctl_getvcpuinfo, DOMCTL_COPYBACK | DOMCTL_NO_LOCK },
    [XEN_DOMCTL_max_vcpus] = { domctl_max_vcpus, DOMCTL_ALIVE },
    [XEN_DOMCTL_scheduler_op] = { domctl_scheduler_op, DOMCTL_COPYBACK | DOMCTL_ALIVE },
    [XEN_DOMCTL_setdomainhandle] = { domctl_setdomainhandle, 0 },
    [XEN_DOMCTL_setdebugging] = { domctl_setdebugging, 0 },
    [XEN_DOMCTL_irq_permission] = { domctl_irq_permission, DOMCTL_ALIVE },
    [XEN_DOMCTL_iomem_permission] = { domctl_iomem_permission, DOMCTL_ALIVE },
    [XEN_DOMCTL_settimeoffset] = { domctl_settimeoffset, DOMCTL_ALIVE },
    [XEN_DOMCTL_getvcpuaffinity] = { domctl_getvcpuaffinity, DOMCTL_NO_LOCK },
    [XEN_DOMCTL_resumedomain] = { domctl_resumedomain, DOMCTL_ALIVE },
    [XEN_DOMCTL_subscribe] = { domctl_subscribe, DOMCTL_ALIVE },
    [XEN_DOMCTL_set_address_size] = { domctl_set_address_size, DOMCTL_ALIVE },
    [XEN_DOMCTL_assign_device] = { domctl_no_device, 0 },
    [XEN_DOMCTL_bind_pt_irq] = { domctl_bind_pt_irq, DOMCTL_ALIVE },
    [XEN_DOMCTL_memory_mapping] = { domctl_memory_mapping, DOMCTL_ALIVE },
    [XEN_DOMCTL_test_assign_device] = { domctl_no_device, DOMCTL_NO_DOMAIN },
    [XEN_DOMCTL_set_target] = { domctl_set_target, DOMCTL_ALIVE },
    [XEN_DOMCTL_deassign_device] = { domctl_no_device, 0 },
    [XEN_DOMCTL_unbind_pt_irq] = { domctl_unbind_pt_irq, 0 },
    [XEN_DOMCTL_set_virq_handler] = { domctl_set_virq_handler, DOMCTL_ALIVE },
    [XEN_DOMCTL_setnodeaffinity] = { domctl_setnodeaffinity, DOMCTL_ALIVE },
    [XEN_DOMCTL_getnodeaffinity] = { domctl_getnodeaffinity, DOMCTL_NO_LOCK },
    [XEN_DOMCTL_cacheflush] = { domctl_cacheflush, DOMCTL_PROGRESS | DOMCTL_ALIVE },
    [XEN_DOMCTL_soft_reset] = { domctl_soft_reset, 0 },
    [XEN_DOMCTL_vuart_op] = { domctl_vuart_op, 0 },
    [XEN_DOMCTL_get_paging_mempool_size] = { domctl_get_paging_mempool, DOMCTL_COPYBACK | DOMCTL_NO_LOCK },
    [XEN_DOMCTL_set_paging_mempool_size] = { domctl_set_paging_mempool, DOMCTL_ALIVE },
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
        return domain_is_privileged(v->domain) ? -ENOSYS : -EPERM;
    }
    op.cmd = (u32)index_nospec(op.cmd, ARRAY_SIZE(domctl_table));
    flags = domctl_table[op.cmd].flags;
    if ((flags & DOMCTL_NO_DOMAIN) == 0) {
        d = domain_lookup(op.domain);
    }
    rc = permit_domctl(v->domain, op.cmd, d);
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
