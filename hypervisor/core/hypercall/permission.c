/* SPDX-License-Identifier: MIT */
/* What each right means: the one place where a caller is looked at (argon/permission.h). */
#include <argon/permission.h>

#include <argon/hypercall.h>
#include <argon/panic.h>

static_assert(NR_RIGHTS <= 256, "rights stand in bytes");

const u8 hypercall_right[NR_HYPERCALLS] = { HYPERCALLS(ROW_RIGHT) };

static bool is_xenstore(const struct domain *d)
{
    return (d->creation_flags & XEN_DOMCTL_CDF_xs_domain) != 0;
}

static bool is_device_model_of(const struct domain *caller, const struct domain *target)
{
    return target != NULL && caller->target == target->serial;
}

static bool may(enum right right, const struct domain *caller, const struct domain *target)
{
    switch (right) {
    case RIGHT_ANYBODY:
        return true;
    case RIGHT_SELF:
        return caller == target || caller->is_privileged;
    case RIGHT_TARGET:
        return caller == target || caller->is_privileged || is_device_model_of(caller, target);
    case RIGHT_MODEL:
        return caller->is_privileged || is_device_model_of(caller, target);
    case RIGHT_LOOK:
        return caller->is_privileged || is_xenstore(caller);
    case RIGHT_CONTROL:
        return caller->is_privileged;
    case RIGHT_CONSOLE:
        return caller->is_console;
    case RIGHT_PAIR:
        return caller == target || caller->is_privileged || (target != NULL && target->is_privileged);
    default:
        return false;
    }
}

int permit_other(enum right right, const struct domain *caller, const struct domain *target)
{
    ASSERT(right < NR_RIGHTS);
    return may(right, caller, target) ? 0 : -EPERM;
}
