/* SPDX-License-Identifier: MIT */
/* dom0, which alone has translation services, is never destroyed: a test's domain is. */
#ifndef ITS_FREE_H
#define ITS_FREE_H

#include "vdev/vgic/its.h"

#include <argon/mem.h>

static inline void its_free_devices(struct vgic_lpis *l)
{
    for (u32 i = 0; i < l->nr_its; i++) {
        struct rb_node *n;

        while ((n = rb_first(&l->its[i].devices)) != NULL) {
            rb_remove(&l->its[i].devices, n);
            xfree(container_of(n, struct vits_device, node));
        }
    }
}

/* When no interrupt of them is looked at any more. */
static inline void its_free_lpis(struct vgic_lpis *l)
{
    for (u32 i = 0; i < ARRAY_SIZE(l->chunk); i++) {
        xfree(l->chunk[i]);
    }
}

#endif
