/* SPDX-License-Identifier: MIT */
/* Stage 1: 1:1 in 1 GiB blocks, and a window of single pages that tests map as they like. */
#ifndef RT_MMU_H
#define RT_MMU_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE_SIZE 4096ul

/* Page descriptors: or a physical address with these. */
#define PTE_NORMAL (3ul | 0ul << 2 | 3ul << 8 | 1ul << 10)      /* write-back, inner shareable, AF */
#define PTE_DEVICE (3ul | 1ul << 2 | 1ul << 10 | 1ul << 53 | 1ul << 54)
#define PTE_UNCACHED (3ul | 2ul << 2 | 3ul << 8 | 1ul << 10)    /* Normal, non-cacheable */
#define PTE_READ_ONLY (1ul << 7)
#define PTE_USER (1ul << 6)
#define PTE_TABLE 3ul

#define WINDOW_BASE (0x1fful << 30) /* the last GiB of the 512 GiB */
#define WINDOW_PAGES 64u

void mmu_init(void);        /* tables; vCPU 0, before any other starts */
void mmu_enable(void);      /* nothing without mmu_init() */
void mmu_disable(void);
bool mmu_enabled(void);

/* Put a descriptor at window page n and return its address. 0 unmaps. */
uintptr_t mmu_window(unsigned page, uint64_t descriptor);
/* The raw level-1 entry of the GiB below the window, for walks that are to fail. */
uintptr_t mmu_broken_walk(uint64_t descriptor);

#endif
