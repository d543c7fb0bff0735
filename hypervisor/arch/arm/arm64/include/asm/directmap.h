/* SPDX-License-Identifier: MIT */
/* Addresses in the direct map: the physical one and an offset. */
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

#endif
