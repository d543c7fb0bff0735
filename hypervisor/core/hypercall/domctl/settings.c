/* SPDX-License-Identifier: MIT */
/* Small settings of a domain. */
#include "domctl.h"

#include <argon/arch.h>
#include <argon/string.h>

int domctl_setdomainhandle(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    (void)v;
    memcpy(d->handle, op->u.setdomainhandle.handle, sizeof(d->handle));
    return 0;
}

int domctl_setdebugging(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    if (d == v->domain) {
        return -EINVAL;
    }
    d->debugger_attached = op->u.setdebugging.enable != 0;
    return 0;
}

int domctl_settimeoffset(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    (void)v;
    d->time_offset = op->u.settimeoffset.time_offset_seconds;
    domain_update_wallclock(d);
    return 0;
}

/* d becomes the device model of `target`. Once. */
int domctl_set_target(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    const struct domain *target = domain_lookup(op->u.set_target.target);

    (void)v;
    if (target == NULL) {
        return -ESRCH;
    }
    if (target == d || d->target != 0) {
        return -EINVAL;
    }
    d->target = target->serial;
    return 0;
}

int domctl_subscribe(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    (void)v;
    d->suspend_port = op->u.subscribe.port;
    return 0;
}

int domctl_set_virq_handler(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    (void)v;
    return event_set_global_virq_handler(d, op->u.set_virq_handler.virq);
}

int domctl_scheduler_op(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    (void)v;
    return sched_domctl(d, &op->u.scheduler_op);
}

/* Only while the domain has no memory: what it runs is decided before anything is loaded. */
int domctl_set_address_size(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    u32 bits = op->u.address_size.size;
    int rc;

    (void)v;
    if (bits != 32 && bits != 64) {
        return -EINVAL;
    }
    if (d->tot_pages != 0) {
        return -EBUSY;
    }
    rc = arch_set_address_size(d, bits);
    if (rc == 0) {
        d->is_32bit = bits == 32;
    }
    return rc;
}

/* No emulated UART in this build: the guest has the PV console. */
int domctl_vuart_op(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    (void)v;
    (void)op;
    return d->was_unpaused ? -EPERM : -EOPNOTSUPP;
}
