/* SPDX-License-Identifier: MIT */
/* The log, and debug keys pressed from dom0. */
#include "sysctl.h"

#include <argon/console.h>
#include <argon/guest_access.h>

#define MAX_KEYS 64

int sysctl_readconsole(struct vcpu *v, struct xen_sysctl *op)
{
    struct xen_sysctl_readconsole *r = &op->u.readconsole;

    (void)v;
    return console_read_ring(r->clear != 0, r->incremental != 0, &r->index, handle_gva(r->buffer), &r->count);
}

/* Each key may print long tables: not more than a person would press. */
int sysctl_debug_keys(struct vcpu *v, struct xen_sysctl *op)
{
    const struct xen_sysctl_debug_keys *k = &op->u.debug_keys;
    u8 keys[MAX_KEYS];

    (void)v;
    if (k->nr_keys > sizeof(keys)) {
        return -EINVAL;
    }
    if (copy_from_guest(keys, handle_gva(k->keys), k->nr_keys) != 0) {
        return -EFAULT;
    }
    for (u32 i = 0; i < k->nr_keys; i++) {
        debug_key(keys[i]);
    }
    return 0;
}
