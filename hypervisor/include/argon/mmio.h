/* SPDX-License-Identifier: MIT */
/*
 * Emulated MMIO: each domain has a small sorted table of regions, looked up on a stage-2 data abort with valid
 * syndrome.
 */
#ifndef ARGON_MMIO_H
#define ARGON_MMIO_H

#include <argon/types.h>

struct domain;
struct vcpu;

struct mmio_access {
    u64 gpa;
    u64 value;                   /* write: the data, zero-extended from size; read: filled by the handler */
    u8 size;                     /* 1, 2, 4, 8 bytes */
    bool write;
};

/* offset = gpa - region base. Returns false when there is nothing there: the guest gets a data abort. */
typedef bool mmio_fn(struct vcpu *v, struct mmio_access *a, u64 offset);

struct mmio_region {
    u64 base, size;
    mmio_fn *fn;
};

#define MMIO_MAX_REGIONS 8
struct mmio_table {
    u32 nr;
    struct mmio_region region[MMIO_MAX_REGIONS];   /* by base; constant once the domain has run */
};

/* Domain not yet running. -EINVAL: empty or wrapping; -EEXIST: overlaps another; -ENOSPC: table full. */
must_check int mmio_register(struct domain *d, u64 base, u64 size, mmio_fn *fn);
/* NULL: no emulated device there. */
static inline const struct mmio_region *mmio_table_find(const struct mmio_table *t, u64 gpa)
{
    for (const struct mmio_region *r = t->region, *end = r + t->nr; r < end; r++) {
        if (gpa - r->base < r->size) {
            return r;
        }
    }
    return NULL;
}
const struct mmio_region *mmio_find(const struct domain *d, u64 gpa);

#endif
