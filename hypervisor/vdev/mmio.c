/* SPDX-License-Identifier: MIT */
/* Which emulated device is at a guest-physical address. */
#include <vdev/mmio.h>

#include <argon/domain.h>
#include <argon/errno.h>

int mmio_register_at(struct domain *d, u64 base, u64 size, u32 first, mmio_read_fn *read, mmio_write_fn *write)
{
    struct mmio_table *t = &d->arch.mmio;
    u32 at = 0;

    if (size == 0 || size > UINT32_MAX || base + size - 1 < base) {
        return -EINVAL;
    }
    if (t->nr == MMIO_MAX_REGIONS) {
        return -ENOSPC;
    }
    while (at < t->nr && t->region[at].base < base) {
        at++;
    }
    if ((at > 0 && base - t->region[at - 1].base < t->region[at - 1].size) ||
        (at < t->nr && t->region[at].base - base < size)) {
        return -EEXIST;
    }
    for (u32 i = t->nr; i > at; i--) {
        t->region[i] = t->region[i - 1];
    }
    t->region[at] = (struct mmio_region){
        .base = base, .size = (u32)size, .first = first, .read = read, .write = write
    };
    t->nr++;
    return 0;
}

int mmio_register(struct domain *d, u64 base, u64 size, mmio_read_fn *read, mmio_write_fn *write)
{
    return mmio_register_at(d, base, size, 0, read, write);
}
