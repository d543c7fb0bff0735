/* SPDX-License-Identifier: MIT */
/* domctl (public domctl.h): dispatch. Those not in the table answer -ENOSYS; docs/abi.md lists them. */
#include "domctl.h"

#include <argon/guest_access.h>
#include <argon/nospec.h>
#include <argon/panic.h>
#include <argon/percpu.h>

enum domctl_flags {
    DOMCTL_COPYBACK = 1u << 0,   /* the operation is output too */
    DOMCTL_NO_DOMAIN = 1u << 1,  /* the domain field is not an existing domain, or not necessarily */
    DOMCTL_NO_LOCK = 1u << 2,    /* reads only */
    DOMCTL_PROGRESS = 1u << 3,   /* -ERESTART goes on from values in the operation */
    DOMCTL_ALIVE = 1u << 4,      /* not for a domain that is being destroyed */
};

#define ROW(nr, handler, right, flags) [nr] = { (handler), (right), (flags) },
static const struct { domctl_fn *fn; u8 right; u32 flags; } domctl_table[] = { DOMCTL_OPS(ROW) };

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

    ASSERT(v == current_vcpu());
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
