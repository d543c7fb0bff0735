/* SPDX-License-Identifier: MIT */
/* hvm_op (public hvm/hvm_op.h, hvm/params.h): parameters through which toolstack and guest meet. */
#include <argon/hypercall.h>

#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/guest_access.h>
#include <argon/nospec.h>
#include <argon/panic.h>
#include <argon/percpu.h>

/* The parameters that exist on ARM, and who may read each. */
static const struct { u8 index; u8 read_right; } params[] = {
    { HVM_PARAM_CALLBACK_IRQ, RIGHT_SELF },
    { HVM_PARAM_STORE_PFN, RIGHT_SELF },
    { HVM_PARAM_STORE_EVTCHN, RIGHT_SELF },
    { HVM_PARAM_CONSOLE_PFN, RIGHT_SELF },
    { HVM_PARAM_CONSOLE_EVTCHN, RIGHT_SELF },
    { HVM_PARAM_MONITOR_RING_PFN, RIGHT_CONTROL },
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

static long op_set_param(struct vcpu *v, u64 gva, enum right right)
{
    struct xen_hvm_param p;
    struct domain *d;
    int rc, i;

    if (copy_from_guest(&p, gva, sizeof(p)) != 0) {
        return -EFAULT;
    }
    if (p.index >= HVM_NR_PARAMS) {
        return -EINVAL;
    }
    p.index = (u32)index_nospec(p.index, HVM_NR_PARAMS);
    d = domain_by_arg(v, p.domid);
    rc = permit(right, v->domain, d);
    if (rc != 0) {
        return rc;
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

static long op_get_param(struct vcpu *v, u64 gva, enum right right)
{
    struct xen_hvm_param p;
    struct domain *d;
    int rc, i;

    if (copy_from_guest(&p, gva, sizeof(p)) != 0) {
        return -EFAULT;
    }
    if (p.index >= HVM_NR_PARAMS) {
        return -EINVAL;
    }
    p.index = (u32)index_nospec(p.index, HVM_NR_PARAMS);
    d = domain_by_arg(v, p.domid);
    rc = permit(right, v->domain, d);
    if (rc != 0) {
        return rc;
    }
    if (d == NULL) {
        return -ESRCH;
    }
    i = param_find(p.index);
    if (i < 0) {
        return i;
    }
    rc = permit(params[i].read_right, v->domain, d);
    if (rc != 0) {
        return rc;
    }
    spin_lock(&d->lock);
    p.value = d->hvm_params[p.index];
    spin_unlock(&d->lock);
    return copy_to_guest(gva, &p, sizeof(p));
}

/* There is no listener. */
static long op_guest_request_vm_event(struct vcpu *v, u64 gva, enum right right)
{
    (void)v;
    (void)right;
    return gva == 0 ? 0 : -EINVAL;
}

#define ROW(nr, handler, right) [nr] = { (handler), (right) },
static const struct { long (*fn)(struct vcpu *v, u64 gva, enum right right); u8 right; } hvm_ops[] = { HVM_OPS(ROW) };

/* args: op, arg. */
long do_hvm_op(struct vcpu *v, u64 *args)
{
    u32 op = (u32)args[0];

    ASSERT(v == current_vcpu());
    if (op >= ARRAY_SIZE(hvm_ops)) {
        return -ENOSYS;
    }
    op = (u32)index_nospec(op, ARRAY_SIZE(hvm_ops));
    return hvm_ops[op].fn != NULL ? hvm_ops[op].fn(v, args[1], hvm_ops[op].right) : -ENOSYS;
}
