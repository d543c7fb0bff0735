/* SPDX-License-Identifier: MIT */
/* platform_op (public platform.h): on ARM dom0 sets the wall clock, and calls UEFI. */
#include "platform_op.h"

#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/guest_access.h>
#include <argon/nospec.h>
#include <argon/panic.h>
#include <argon/percpu.h>

/* dom0's system time began at its creation, ours at boot. */
static long settime64(struct vcpu *v, struct xen_platform_op *op)
{
    const struct xenpf_settime64 *t = &op->u.settime64;

    if (t->mbz != 0 || t->nsecs >= NS_PER_SEC) {
        return -EINVAL;
    }
    wallclock_set(t->secs, t->nsecs, t->system_time + v->domain->created_ns);
    for_each_domain (d) {
        domain_update_wallclock(d);
    }
    return 0;
}

#define MEMBER_SIZE(member) sizeof(((struct xen_platform_op *)0)->u.member)
#define ROW(nr, handler, right, member, back) [nr] = { (handler), MEMBER_SIZE(member), (back) },
static const struct { platform_op_fn *fn; u16 size; bool back; } platform_ops[] = { PLATFORM_OPS(ROW) };
static const u8 platform_right[] = { PLATFORM_OPS(ROW_RIGHT) };

static long platform_op_run(struct vcpu *v, u64 gva, struct xen_platform_op *op)
{
    const size_t head = offsetof(struct xen_platform_op, u);
    u32 cmd = (u32)index_nospec(op->cmd, ARRAY_SIZE(platform_ops));
    long rc = permit_call(platform_right[cmd], v->domain);

    if (rc != 0) {
        return rc;
    }
    if (copy_from_guest(&op->u, gva + head, platform_ops[cmd].size) != 0) {
        return -EFAULT;
    }
    rc = platform_ops[cmd].fn(v, op);
    if (rc == 0 && platform_ops[cmd].back && copy_to_guest(gva, op, head + platform_ops[cmd].size) != 0) {
        rc = -EFAULT;
    }
    return rc;
}

/* args: op. */
long do_platform_op(struct vcpu *v, u64 *args)
{
    struct xen_platform_op op;
    int rc = permit_call(hypercall_right[__HYPERVISOR_platform_op], v->domain);

    ASSERT(v == current_vcpu());
    if (rc != 0) {
        return rc;
    }
    if (copy_from_guest(&op, args[0], offsetof(struct xen_platform_op, u)) != 0) {
        return -EFAULT;
    }
    if (op.interface_version != XENPF_INTERFACE_VERSION) {
        return -EACCES;
    }
    if (op.cmd >= ARRAY_SIZE(platform_ops) || platform_ops[index_nospec(op.cmd, ARRAY_SIZE(platform_ops))].fn == NULL) {
        return -ENOSYS;
    }
    return platform_op_run(v, args[0], &op);
}
