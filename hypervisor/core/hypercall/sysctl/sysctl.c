/* SPDX-License-Identifier: MIT */
/* sysctl (public sysctl.h): dispatch. Those not in the table answer -ENOSYS; docs/abi.md lists them. */
#include "sysctl.h"

#include <argon/guest_access.h>
#include <argon/panic.h>
#include <argon/percpu.h>

static int sysctl_coverage(struct vcpu *v, struct xen_sysctl *op)
{
    (void)v;
    (void)op;
    return -EOPNOTSUPP;
}

#define ROW(nr, handler, right) [nr] = { (handler), (right) },
static const struct { sysctl_fn *fn; u8 right; } sysctl_table[] = { SYSCTL_OPS(ROW) };

/* args: op. */
long do_sysctl(struct vcpu *v, u64 *args)
{
    struct xen_sysctl op;
    int rc;

    ASSERT(v == current_vcpu());
    if (copy_from_guest(&op, args[0], sizeof(op)) != 0) {
        return -EFAULT;
    }
    if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION) {
        return -EACCES;
    }
    if (op.cmd >= ARRAY_SIZE(sysctl_table) || sysctl_table[index_nospec(op.cmd, ARRAY_SIZE(sysctl_table))].fn == NULL) {
        rc = permit_call(hypercall_right[__HYPERVISOR_sysctl], v->domain);
        return rc != 0 ? rc : -ENOSYS;
    }
    op.cmd = (u32)index_nospec(op.cmd, ARRAY_SIZE(sysctl_table));
    rc = permit_call(sysctl_table[op.cmd].right, v->domain);
    if (rc != 0) {
        return rc;
    }
    rc = sysctl_table[op.cmd].fn(v, &op);
    if (rc == 0 && copy_to_guest(args[0], &op, sizeof(op)) != 0) {
        return -EFAULT;
    }
    return rc;
}
