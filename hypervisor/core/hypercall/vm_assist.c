/* SPDX-License-Identifier: MIT */
/* vm_assist (public xen.h, VMASST_*): on ARM only the update flag of the runstate area. */
#include <argon/hypercall.h>

#include <argon/domain.h>
#include <argon/errno.h>

/* args: cmd, type. */
long do_vm_assist(struct vcpu *v, u64 *args)
{
    struct domain *d = v->domain;

    if (args[1] != VMASST_TYPE_runstate_update_flag) {
        return -EINVAL;
    }
    switch ((u32)args[0]) {
    case VMASST_CMD_enable:
        atomic_fetch_or(&d->vm_assist, BIT32(VMASST_TYPE_runstate_update_flag));
        return 0;
    case VMASST_CMD_disable:
        atomic_fetch_and(&d->vm_assist, ~BIT32(VMASST_TYPE_runstate_update_flag));
        return 0;
    default:
        return -ENOSYS;
    }
}
