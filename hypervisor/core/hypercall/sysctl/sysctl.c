/* SPDX-License-Identifier: MIT */
/* sysctl (public sysctl.h): dispatch. Those not in the table answer -ENOSYS; docs/abi.md lists them. */
#include "sysctl.h"

#include <argon/guest_access.h>

static int sysctl_coverage(struct vcpu *v, struct xen_sysctl *op)
{
    (void)v;
    (void)op;
    return -EOPNOTSUPP;
}

static sysctl_fn *const sysctl_table[] = {
    [XEN_SYSCTL_readconsole] = sysctl_readconsole,
    [XEN_SYSCTL_physinfo] = sysctl_physinfo,
    [XEN_SYSCTL_sched_id] = sysctl_sched_id,
    [XEN_SYSCTL_getdomaininfolist] = sysctl_getdomaininfolist,
    [XEN_SYSCTL_debug_keys] = sysctl_debug_keys,
    [XEN_SYSCTL_getcpuinfo] = sysctl_getcpuinfo,
    [XEN_SYSCTL_availheap] = sysctl_availheap,
    [XEN_SYSCTL_cputopoinfo] = sysctl_cputopoinfo,
    [XEN_SYSCTL_numainfo] = sysctl_numainfo,
    [XEN_SYSCTL_cpupool_op] = sysctl_cpupool_op,
    [XEN_SYSCTL_scheduler_op] = sysctl_scheduler_op,
    [XEN_SYSCTL_coverage_op] = sysctl_coverage,
};

/* args: op. */
long do_sysctl(struct vcpu *v, u64 *args)
{
    struct xen_sysctl op;
    int rc;

    if (copy_from_guest(&op, args[0], sizeof(op)) != 0) {
        return -EFAULT;
    }
    if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION) {
        return -EACCES;
    }
    rc = permit_sysctl(v->domain, op.cmd);
    if (rc != 0) {
        return rc;
    }
    if (op.cmd >= ARRAY_SIZE(sysctl_table) || sysctl_table[op.cmd] == NULL) {
        return -ENOSYS;
    }
    rc = sysctl_table[op.cmd](v, &op);
    if (rc == 0 && copy_to_guest(args[0], &op, sizeof(op)) != 0) {
        return -EFAULT;
    }
    return rc;
}
