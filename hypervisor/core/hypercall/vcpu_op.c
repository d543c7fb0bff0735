/* SPDX-License-Identifier: MIT */
/* vcpu_op (public vcpu.h): on ARM only the two registrations; vCPUs go up and down by PSCI. */
#include <argon/hypercall.h>

#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/guest_access.h>
#include <argon/panic.h>
#include <argon/percpu.h>

static long register_info(struct vcpu *v, u64 gva)
{
    struct vcpu_register_vcpu_info r;

    if (copy_from_guest(&r, gva, sizeof(r)) != 0) {
        return -EFAULT;
    }
    return vcpu_register_info(v, gfn(r.mfn), r.offset);
}

/* The area need not be mapped now: it is written at each switch, as far as that can be done. */
static long register_runstate(struct vcpu *v, u64 gva)
{
    struct vcpu_register_runstate_memory_area area;

    if (copy_from_guest(&area, gva, sizeof(area)) != 0) {
        return -EFAULT;
    }
    WRITE_ONCE(v->runstate_gva, area.addr.p);
    if (v == current_vcpu()) {
        vcpu_runstate_publish(v);
    }
    return 0;
}

/* args: cmd, vcpu id, arg. */
long do_vcpu_op(struct vcpu *v, u64 *args)
{
    struct domain *d = v->domain;
    struct vcpu *target = domain_vcpu(d, args[1]);

    ASSERT(v == current_vcpu());
    if (target == NULL) {
        return -ENOENT;
    }
    switch ((u32)args[0]) {
    case VCPUOP_register_vcpu_info:
        return register_info(target, args[2]);
    case VCPUOP_register_runstate_memory_area:
        return register_runstate(target, args[2]);
    default:
        return -EINVAL;
    }
}
