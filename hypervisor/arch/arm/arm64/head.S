/* SPDX-License-Identifier: MIT */
/*
 * Reset to C. Entered by the arm64 Image boot protocol (Linux Documentation/arm64/booting.rst): EL2, MMU and data cache off, x0 =
 * physical address of the device tree, image loaded anywhere in RAM, page aligned. UEFI enters elsewhere (efi.S, by the header in
 * pe.S), and comes here when it has ended.
 *
 * The code makes a map at the link address, with 4 KiB pages and final permissions, and a second root that has the page of this code
 * where it runs, too (identity). It turns the MMU on with that one, jumps to the link address and changes to the first. The second stays
 * for secondary CPUs, whenever they come; no CPU has it for longer than that.
 */
#include <asm/layout.h>
#include <asm/offsets.h>

#define PTE_TABLE       0x3
#define PTE_AF_ISH      0x700                    /* AF, inner shareable */
#define PTE_XN          (1 << 54)
#define PTE_NORMAL_RX   (0x3 | PTE_AF_ISH | 0x80 | 0x40)        /* AP[2]=1 read-only, AP[1] RES1 at EL2 */

/* SCTLR_EL2: RES1 bits, M, C, I, SA, WXN off (text is mapped read-only). D17.2.118 */
#define SCTLR_EL2_VALUE 0x30c5183d & ~0x2
/* TCR_EL2: RES1 bits 31 and 23, T0SZ=16, inner shareable write-back walks, 4 KiB granule; PS filled in from ID_AA64MMFR0. D17.2.131 */
#define TCR_EL2_BASE    0x80803510

        .section .entry.text, "ax"       // one page, so that one entry of the identity map does
        .global entry
entry:
        mrs     x9, CurrentEL
        cmp     x9, #(2 << 2)
        b.ne    stop                     // without EL2 there is nothing a hypervisor can do
        msr     daifset, #0xf
        mov     x20, x0                  // device tree
        adrp    x21, image_start         // where we are: physical
        bl      leave_vhe
        bl      make_boot_tables
        adrp    x22, boot_l0
        adrp    x0, entry_l0
        bl      mmu_on
        ldr     x9, =primary_at_va
        br      x9

stop:   wfe
        b       stop

/* Secondary CPUs: by PSCI CPU_ON, MMU off. x0 = virtual address of this CPU's struct pcpu. */
        .global secondary_entry
secondary_entry:
        msr     daifset, #0xf
        mov     x20, x0
        bl      leave_vhe
        adrp    x22, boot_l0
        adrp    x0, entry_l0
        bl      mmu_on
        ldr     x9, =secondary_at_va
        br      x9

/*
 * HCR_EL2 decides what TCR_EL2, CPTR_EL2 and others mean, and a VHE kernel that has started us, or firmware, may have E2H and TGE set:
 * known before anything else (D17.2.48). Where E2H is RES1 (FEAT_E2H0 is absent) it stays, and boot_main() says so. Clobbers x9.
 */
leave_vhe:
        mov     x9, #(1 << 31)           // RW
        msr     hcr_el2, x9
        isb
        ret

/* x0 = physical address of the root table. Clobbers x9..x12. */
mmu_on:
        ldr     x9, =MAIR_EL2_VALUE
        msr     mair_el2, x9
        ldr     x9, =TCR_EL2_BASE
        mrs     x10, id_aa64mmfr0_el1
        and     x10, x10, #0xf           // PARange
        cmp     x10, #5
        mov     x11, #5
        csel    x10, x11, x10, hi        // at most 48 bits without FEAT_LPA2
        bfi     x9, x10, #16, #3
        mrs     x11, hcr_el2
        tbz     x11, #34, 1f             // E2H
        bfi     x9, x10, #32, #3         // IPS; PS is T1SZ there, of no use with EPD1, which is one of the RES1 bits
        .inst   0xd500409f               // MSR PAN, #0: pages have AP[1] set
1:      msr     tcr_el2, x9
        msr     ttbr0_el2, x0
        dsb     nshst
        tlbi    alle2                    // whatever was there before us
        dsb     nsh
        isb                              // system registers seen before the MMU is on
        ldr     x9, =SCTLR_EL2_VALUE
        ic      iallu
        dsb     nsh
        msr     sctlr_el2, x9
        isb
        ret
        .ltorg

/* Write [x9] entry covering attributes x12 for physical x10 page by page to x11 (exclusive). Clobbers x10, x13. */
        .macro  fill_pages
1:      cmp     x10, x11
        b.hs    2f
        orr     x13, x10, x12
        str     x13, [x9], #8
        add     x10, x10, #4096
        b       1b
2:
        .endm

/* x21 = image's physical address. */
make_boot_tables:
        // Lines that the boot loader wrote there would be evicted onto our stores, which go to memory with the cache off. B2.8, D7.5
        mov     x15, x30
        bl      inval_boot_tables
        // Clear the tables.
        adrp    x9, boot_l0
        adrp    x10, boot_tables_end
1:      stp     xzr, xzr, [x9], #16
        cmp     x9, x10
        b.lo    1b
        // Link address: l0 -> l1 -> l2 -> l3, all index 0 below l0.
        adrp    x9, boot_l0
        adrp    x10, boot_image_l1
        orr     x11, x10, #PTE_TABLE
        str     x11, [x9, #((HYP_IMAGE_VA >> 39) * 8)]
        adrp    x9, entry_l0
        str     x11, [x9, #((HYP_IMAGE_VA >> 39) * 8)]
        adrp    x11, boot_image_l2
        orr     x11, x11, #PTE_TABLE
        str     x11, [x10]
        adrp    x10, boot_image_l2
        adrp    x11, boot_image_l3
        orr     x11, x11, #PTE_TABLE
        str     x11, [x10]
        // Pages, with final permissions.
        adrp    x9, boot_image_l3
        adrp    x10, image_start
        adrp    x11, text_end
        mov     x12, #PTE_NORMAL_RX
        fill_pages
        adrp    x11, rodata_end
        mov     x14, #PTE_XN
        orr     x12, x12, x14            // read-only, not executable
        fill_pages
        bic     x12, x12, #0x80          // writable, not executable
        adrp    x11, boot_start
        fill_pages
        adrp    x11, boot_text_end
        mov     x12, #PTE_NORMAL_RX      // boot code
        fill_pages
        orr     x12, x12, x14
        bic     x12, x12, #0x80
        adrp    x11, image_end
        fill_pages
        // Identity: the page with this code. A table that is there already is used: RAM may be where the link address is (10 TiB).
        adrp    x9, entry_l0
        adrp    x10, entry
        adrp    x14, boot_id_l1          // the next that is to be linked
        mov     x11, #39
3:      lsr     x12, x10, x11
        and     x12, x12, #0x1ff
        ldr     x13, [x9, x12, lsl #3]
        cbnz    x13, 4f
        orr     x13, x14, #PTE_TABLE
        str     x13, [x9, x12, lsl #3]
        add     x14, x14, #4096
4:      and     x9, x13, #0xfffffffff000
        sub     x11, x11, #9
        cmp     x11, #12
        b.ne    3b
        ubfx    x12, x10, #12, #9
        mov     x13, #PTE_NORMAL_RX
        orr     x13, x10, x13
        str     x13, [x9, x12, lsl #3]
        mov     x30, x15                 // and once more: lines that speculation may have brought in meanwhile
inval_boot_tables:
        dmb     sy
        adrp    x9, boot_l0
        adrp    x10, boot_tables_end
2:      dc      ivac, x9
        add     x9, x9, #16              // CTR_EL0.DminLine is at least 16 bytes
        cmp     x9, x10
        b.lo    2b
        dsb     sy
        ret

        .section .text.entry, "ax"
/* x22 = physical address of the root to use from here on; it maps this code as the present one does. */
        .macro  change_root
        msr     ttbr0_el2, x22
        isb
        tlbi    alle2                    // the identity map
        dsb     nsh
        isb
        .endm

primary_at_va:
        change_root
        ldr     x9, =boot_stack_top
        mov     sp, x9
        mov     x29, xzr
        ldr     x9, =bss_start
        ldr     x10, =bss_end
1:      stp     xzr, xzr, [x9], #16
        cmp     x9, x10
        b.lo    1b
        ldr     x9, =hyp_vectors
        msr     vbar_el2, x9
        ldr     x9, =boot_pcpu
        msr     tpidr_el2, x9
        isb
        mov     x0, x20
        mov     x1, x21
        bl      boot_main
        b       .

secondary_at_va:
        change_root
        msr     tpidr_el2, x20
        ldr     x9, [x20, #PCPU_STACK_TOP]
        mov     sp, x9
        mov     x29, xzr
        ldr     x9, =hyp_vectors
        msr     vbar_el2, x9
        isb
        bl      secondary_main
        b       .
        .ltorg

        .section .boot.tables, "aw", %nobits
        .balign 4096
        .global boot_l0
boot_l0:        .space 4096
entry_l0:       .space 4096
boot_image_l1:  .space 4096
boot_image_l2:  .space 4096
boot_image_l3:  .space 4096
        // In this order: make_boot_tables links them one after the other.
boot_id_l1:     .space 4096
boot_id_l2:     .space 4096
boot_id_l3:     .space 4096
boot_tables_end:

        .section .bss
        .balign 4096
boot_stack:     .space 16384
        .global boot_stack_top
boot_stack_top:
