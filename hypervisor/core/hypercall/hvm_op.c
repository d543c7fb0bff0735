/* SPDX-License-Identifier: MIT */
/* hvm_op (public hvm/hvm_op.h, hvm/params.h): parameters through which toolstack and guest meet. */
#include <argon/hypercall.h>

#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/guest_access.h>
#include <argon/nospec.h>

/*
 * Which parameters exist on ARM, and whether the guest itself may read them. The toolstack reads and writes all of
 * them.
 */
static const struct { u8 index; bool guest_reads; } params[] = {
    { HVM_PARAM_CALLBACK_IRQ, true },
    { HVM_PARAM_STORE_PFN, true },
    { HVM_PARAM_STORE_EVTCHN, true },
    { HVM_PARAM_CONSOLE_PFN, true },
    { HVM_PARAM_CONSOLE_EVTCHN, true },
    { HVM_PARAM_MONITOR_RING_PFN, false },
};

static int param_find(u32 index)
{
    for (u32 i = 0; i < ARRAY_SIZE(params); i++) {
        if (params[i].index == index) {
            return (int)i;
        }
    }
    return -EINVAL;
}

static long op_set_param(struct vcpu *v, u64 gva)
{
    struct xen_hvm_param p;
    struct domain *d;
    int i;

    if (copy_from_guest(&p, gva, sizeof(p)) != 0) {
        return -EFAULT;
    }
    if (p.index >= HVM_NR_PARAMS) {
        return -EINVAL;
    }
    p.index = (u32)index_nospec(p.index, HVM_NR_PARAMS);
    d = domain_by_arg(v, p.domid);
    if (!domain_is_privileged(v->domain)) {
        return -EPERM;
    }
    if (d == NULL) {
        return -ESRCH;
    }
    i = param_find(p.index);
    if (i < 0) {
        return i;
    }
    spin_lock(&d->lock);
    d->hvm_params[p.index] = p.value;
    spin_unlock(&d->lock);
    return 0;
}

static long op_get_param(struct vcpu *v, u64 gva)
{
    struct xen_hvm_param p;
    struct domain *d;
    int i;

    if (copy_from_guest(&p, gva, sizeof(p)) != 0) {
        return -EFAULT;
    }
    if (p.index >= HVM_NR_PARAMS) {
        return -EINVAL;
    }
    p.index = (u32)index_nospec(p.index, HVM_NR_PARAMS);
    d = domain_by_arg(v, p.domid);
    if (d != v->domain && !domain_is_privileged(v->domain)) {
        return -EPERM;
    }
    if (d == NULL) {
        return -ESRCH;
    }
    i = param_find(p.index);
    if (i < 0) {
        return i;
    }
    if (!params[i].guest_reads && !domain_is_privileged(v->domain)) {
        return -EPERM;
    }
    spin_lock(&d->lock);
    p.value = d->hvm_params[p.index];
    spin_unlock(&d->lock);
    return copy_to_guest(gva, &p, sizeof(p));
}

/* args: op, arg. The request for a VM event is granted and has no listener. */
long do_hvm_op(struct vcpu *v, u64 *args)
{
    switch ((u32)args[0]) {
    case HVMOP_set_param:
        return op_set_param(v, args[1]);
    case HVMOP_get_param:
        return op_get_param(v, args[1]);
    case HVMOP_guest_request_vm_event:
        return args[1] == 0 ? 0 : -EINVAL;
    default:
        return -ENOSYS;
    }
}
