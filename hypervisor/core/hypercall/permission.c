/* SPDX-License-Identifier: MIT */
/*
 * Who may do what to whom: the one place. dom0 may do everything; a guest acts on itself; two guests have nothing to do
 * with each other (Xen's SILO mode, Debian's default); the xenstore domain sees who exists; a device model acts for the
 * domain it was set to serve.
 */
#include <argon/hypercall.h>

#include <argon/domain.h>
#include <argon/errno.h>

bool domain_is_privileged(const struct domain *d)
{
    return d->is_privileged;
}

static bool is_xenstore(const struct domain *d)
{
    return (d->creation_flags & XEN_DOMCTL_CDF_xs_domain) != 0;
}

static bool is_device_model_of(const struct domain *caller, const struct domain *target)
{
    return target != NULL && caller->target == target->serial;
}

int permit_other(const struct domain *caller, const struct domain *target)
{
    return caller->is_privileged || is_device_model_of(caller, target) ? 0 : -EPERM;
}

int permit_domctl(const struct domain *caller, u32 cmd, const struct domain *target)
{
    if (caller->is_privileged) {
        return 0;
    }
    switch (cmd) {
    case XEN_DOMCTL_getdomaininfo:
        return is_xenstore(caller) ? 0 : -EPERM;
    case XEN_DOMCTL_bind_pt_irq:
    case XEN_DOMCTL_unbind_pt_irq:
    case XEN_DOMCTL_memory_mapping:
        return is_device_model_of(caller, target) ? 0 : -EPERM;
    default:
        return -EPERM;
    }
}

int permit_sysctl(const struct domain *caller, u32 cmd)
{
    return caller->is_privileged || (cmd == XEN_SYSCTL_getdomaininfolist && is_xenstore(caller)) ? 0 : -EPERM;
}

int permit_remote_shutdown(const struct domain *caller, const struct domain *target)
{
    return caller->is_privileged || is_device_model_of(caller, target) ? 0 : -EPERM;
}

bool permit_info(const struct domain *caller, const struct domain *target)
{
    return permit_domctl(caller, XEN_DOMCTL_getdomaininfo, target) == 0;
}
