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

static const struct { sysctl_fn *fn; u8 right; } sysctl_table[] = {
    [XEN_SYSCTL_readconsole] = { sysctl_readconsole, RIGHT_CONTROL },
    [XEN_SYSCTL_physinfo] = { sysctl_physinfo, RIGHT_CONTROL },
    [XEN_SYSCTL_sched_id] = { sysctl_sched_id, RIGHT_CONTROL },
    [XEN_SYSCTL_getdomaininfolist] = { sysctl_getdomaininfolist, RIGHT_LOOK },
    [XEN_SYSCTL_debug_keys] = { sysctl_debug_keys, RIGHT_CONTROL },
    [XEN_SYSCTL_getcpuinfo] = { sysctl_getcpuinfo, RIGHT_CONTROL },
    [XEN_SYSCTL_availheap] = { sysctl_availheap, RIGHT_CONTROL },
    [XEN_SYSCTL_cputopoinfo] = { sysctl_cputopoinfo, RIGHT_CONTROL },
    [XEN_SYSCTL_numainfo] = { sysctl_numainfo, RIGHT_CONTROL },
    [XEN_SYSCTL_cpupool_op] = { sysctl_cpupool_op, RIGHT_CONTROL },
    [XEN_SYSCTL_scheduler_op] = { sysctl_scheduler_op, RIGHT_CONTROL },
    [XEN_SYSCTL_coverage_op] = { sysctl_coverage, RIGHT_CONTROL },
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
