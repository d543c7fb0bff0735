/* SPDX-License-Identifier: MIT */
/* Addresses in the direct map, which has all RAM: the physical one and an offset. argon/mem.h has the contract of frame_map() and its like. */
#ifndef ASM_DIRECTMAP_H
#define ASM_DIRECTMAP_H

#include <argon/types.h>
#include <asm/layout.h>

static inline void *mfn_to_virt(mfn_t m)
{
    return (void *)(mfn_to_paddr(m) + HYP_DIRECTMAP_VA);
}

/* Of an address in it. */
mfn_t virt_to_mfn(const void *va);

static always_inline void *frames_map(mfn_t m, u64 nr)
{
    (void)nr;
    return mfn_to_virt(m);
}

static always_inline void frames_unmap(const void *va, u64 nr)
{
    (void)va;
    (void)nr;
}

static always_inline void *frame_map_at(mfn_t m, u64 addr)
{
    return (void *)((m.m | HYP_DIRECTMAP_VA >> PAGE_SHIFT) << PAGE_SHIFT | (addr & ~PAGE_MASK));
}

static always_inline void *frame_map_lasting(mfn_t m)
{
    return mfn_to_virt(m);
}

static always_inline mfn_t frame_unmap_lasting(const void *va)
{
    return virt_to_mfn(va);
}

void arch_scrub_pages(void *va, u64 nr_pages);   /* argon/arch.h */

static always_inline void frames_scrub(mfn_t m, u64 nr)
{
    arch_scrub_pages(mfn_to_virt(m), nr);
}

#endif
