/* SPDX-License-Identifier: MIT */
/*
 * Emulated MMIO: each domain has a small sorted table of regions, looked up on a stage-2 data abort with valid
 * syndrome.
 */
#ifndef VDEV_MMIO_H
#define VDEV_MMIO_H

#include <argon/types.h>

struct domain;
struct vcpu;

/*
 * Handlers: v is current, offset = gpa - region base (+ first), size 1, 2, 4 or 8 bytes, values zero-extended from size (what a read returns too).
 * Any offset, aligned or not: where a device has nothing, it reads as zero and ignores writes.
 */
typedef u64 mmio_read_fn(struct vcpu *v, u64 offset, u64 size);
typedef void mmio_write_fn(struct vcpu *v, u64 offset, u64 size, u64 value);

struct mmio_region {
    u64 base;
    u32 size;
    u32 first;                   /* its offset in a device of several regions */
    mmio_read_fn *read;
    mmio_write_fn *write;
};

#define MMIO_MAX_REGIONS 24      /* a GIC's two, and dom0's interrupt translation services */
struct mmio_table {
    u32 nr;
    struct mmio_region region[MMIO_MAX_REGIONS];   /* by base; constant once the domain has run */
};

/* Domain not yet running. -EINVAL: empty, wrapping or of 4 GiB; -EEXIST: overlaps another; -ENOSPC: table full. */
must_check int mmio_register(struct domain *d, u64 base, u64 size, mmio_read_fn *read, mmio_write_fn *write);
/* The same, of one of a device's regions: its handlers see offsets from `first` on. */
must_check int mmio_register_at(struct domain *d, u64 base, u64 size, u32 first, mmio_read_fn *read, mmio_write_fn *write);
/* NULL: no emulated device there. */
static always_inline const struct mmio_region *mmio_find(const struct mmio_table *t, u64 gpa)
{
    for (const struct mmio_region *r = t->region, *end = r + t->nr; r < end; r++) {
        if (gpa - r->base < r->size) {
            return r;
        }
    }
    return NULL;
}

#endif
