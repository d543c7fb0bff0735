/* SPDX-License-Identifier: MIT */
/* The hypervisor's own address space (EL2 stage 1). Layout: asm/layout.h. Boot CPU only until secondaries start; then mmu_lock. */
#ifndef ASM_MMU_H
#define ASM_MMU_H

#include <argon/types.h>

/* Symbols of the linker script. */
extern char image_start[], text_end[], rodata_start[], rodata_end[], ro_after_boot_start[], ro_after_boot_end[];
extern char boot_start[], boot_text_end[], boot_end[], image_end[];

extern paddr_t image_pa;                 /* where the image was loaded */

/* The last three are for firmware's own ranges only. */
enum mmu_kind { MMU_RW, MMU_RO, MMU_DEVICE, MMU_RX, MMU_RWX, MMU_NC };

/* Boot: note where the image is; after this mmu_map works from a static pool of tables. */
void mmu_init(paddr_t image);
must_check int mmu_map(u64 va, paddr_t pa, u64 size, enum mmu_kind kind);
/*
 * Device or boot-time windows: page-rounded. NULL when the window or memory is used up. The addresses of one that is closed are used again
 * if it was the latest of those that are open.
 */
void *mmu_window(paddr_t pa, u64 size, enum mmu_kind kind);
void mmu_window_close(const void *va, u64 size);         /* one of them, of less than a block: nothing is mapped there any more */
/* Map RAM into the direct map. */
must_check int mmu_direct_map(paddr_t start, paddr_t end);
/* Boot: when the static pool is used up, tables come from more(): a page in the direct map, 0 if there is none. */
void mmu_use_tables(paddr_t (*more)(void));
/* From here tables come from pages_alloc(). */
void mmu_use_heap(void);
/* What is constant after boot becomes read-only; boot code and data are unmapped (the caller returns their pages to the heap). */
void mmu_seal(void);
/* Stack of a CPU of that NUMA node, with its guards; top address, 0 when out of memory. */
u64 mmu_map_stack(u32 cpu, u32 node, bool emergency);
paddr_t mmu_va_to_pa(const void *va);
/*
 * The translation that a CPU has while it is in firmware: what the hypervisor has itself, and firmware's ranges at their physical
 * addresses. Boot, once tables come from the heap. -EADDRINUSE: the hypervisor has something at that address; -ENOMEM, -EINVAL.
 */
must_check int mmu_firmware_map(paddr_t pa, u64 size, enum mmu_kind kind);
/* Its root, for TTBR0_EL2; 0: out of memory. From here on the hypervisor's part of it follows by itself. */
paddr_t mmu_firmware_root(void);

#endif
