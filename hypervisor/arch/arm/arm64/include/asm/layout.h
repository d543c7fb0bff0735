/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's virtual addresses (EL2 stage 1: TTBR0_EL2, 48 bits, 4 KiB granule). Level-0 entries span 512 GiB; each region
 * starts on one, so no region shares a table with another.
 */
#ifndef ASM_LAYOUT_H
#define ASM_LAYOUT_H

#define HYP_IMAGE_VA      0x00000a0000000000   /* the image, wherever it was loaded */
#define HYP_IOREMAP_VA    0x00000b0000000000   /* device registers and early mappings */
#define HYP_IOREMAP_SIZE  0x0000000040000000
#define HYP_STACK_VA      0x00000c0000000000   /* one slot per CPU: guard, stack, guard, emergency stack */
#define HYP_STACK_SLOT    0x0000000000020000
#define HYP_STACK_SIZE    0x0000000000004000
#define HYP_FRAMETABLE_VA 0x00000d0000000000   /* struct page, 16 bytes each, indexed by mfn - frame_base */
#define HYP_DIRECTMAP_VA  0x0000800000000000   /* all RAM, at its physical address plus this */
#define HYP_DIRECTMAP_BITS 47

/* Memory attribute indices in MAIR_EL2. */
#define MAIR_IDX_NORMAL   0                    /* write-back, read and write allocate */
#define MAIR_IDX_DEVICE   1                    /* Device-nGnRE */
#define MAIR_IDX_NC       2                    /* Normal non-cacheable */
#define MAIR_EL2_VALUE    0x4404ff

#endif
