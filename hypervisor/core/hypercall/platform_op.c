/* SPDX-License-Identifier: MIT */
/* platform_op (public platform.h): on ARM dom0 sets the wall clock, and nothing else. */
#include <argon/hypercall.h>

#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/guest_access.h>
#include <argon/panic.h>
#include <argon/percpu.h>

/* dom0's system time began at its creation, ours at boot. */
static long settime64(struct vcpu *v, const struct xenpf_settime64 *t)
{
    if (t->mbz != 0 || t->nsecs >= NS_PER_SEC) {
        return -EINVAL;
    }
    wallclock_set(t->secs, t->nsecs, t->system_time + v->domain->created_ns);
    for_each_domain (d) {
        domain_update_wallclock(d);
    }
    return 0;
}

/* args: op. */
long do_platform_op(struct vcpu *v, u64 *args)
{
    const size_t head = offsetof(struct xen_platform_op, u);
    struct xen_platform_op op;
    int rc = permit_call(hypercall_right[__HYPERVISOR_platform_op], v->domain);

    ASSERT(v == current_vcpu());
    if (rc != 0) {
        return rc;
    }
    if (copy_from_guest(&op, args[0], head) != 0) {
        return -EFAULT;
    }
    if (op.interface_version != XENPF_INTERFACE_VERSION) {
        return -EACCES;
    }
    if (op.cmd != XENPF_settime64) {
        return -ENOSYS;
    }
    if (copy_from_guest(&op.u.settime64, args[0] + head, sizeof(op.u.settime64)) != 0) {
        return -EFAULT;
    }
    return settime64(v, &op.u.settime64);
}
