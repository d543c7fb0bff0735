/* SPDX-License-Identifier: MIT */
/*
 * Who may call what. Each operation's row names the right that it takes (argon/operations.h); permit() decides, with
 * the domain that the operation acts on, as soon as that is known. Nothing else asks what a domain is
 * (scripts/lint.py); tests/unit/test_permissions.c holds what must come of it for every operation.
 *
 * dom0 may do everything; a guest acts on itself; two guests have nothing to do with each other (Xen's SILO mode,
 * Debian's default); the xenstore domain sees who exists; a device model acts for the domain it was set to serve.
 */
#ifndef ARGON_PERMISSION_H
#define ARGON_PERMISSION_H

#include <argon/domain.h>
#include <argon/errno.h>

enum right {
    RIGHT_NOBODY,                /* of a row that does not say */
    RIGHT_ANYBODY,               /* acts on its caller, or tells what all may know */
    RIGHT_SELF,                  /* the target itself; the control domain */
    RIGHT_TARGET,                /* the target itself, and its device model; the control domain */
    RIGHT_MODEL,                 /* the target's device model; the control domain */
    RIGHT_LOOK,                  /* the xenstore domain; the control domain */
    RIGHT_CONTROL,               /* the control domain (dom0) */
    RIGHT_CONSOLE,               /* who was given the console (dom0) */
    RIGHT_PAIR,                  /* SILO: both ends are one domain, or one of them is the control domain */
    NR_RIGHTS
};

/* The rest of permit(). target: NULL where the domain that was named is not there. */
must_check int permit_other(enum right right, const struct domain *caller, const struct domain *target);

/* 0 or -EPERM. Inline, so that with a constant the usual answers cost data paths no call, and ANYBODY nothing at all. */
must_check static always_inline int permit(enum right right, const struct domain *caller, const struct domain *target)
{
    if (right == RIGHT_ANYBODY) {
        return 0;
    }
    if (right == RIGHT_PAIR) {
        return caller == target || caller->is_privileged || target->is_privileged ? 0 : -EPERM;
    }
    return right == RIGHT_TARGET && likely(caller == target) ? 0 : permit_other(right, caller, target);
}

/* For operations that name no other domain. */
must_check static always_inline int permit_call(enum right right, const struct domain *caller)
{
    return permit(right, caller, caller);
}

#endif
