/* SPDX-License-Identifier: MIT */
/* Into the EFI application (boot/efi/) and out of it: what cannot be written in C. Runs at EL2 or EL1 in firmware's map, an identity map. */
#include <asm/layout.h>

        .section .boot.text, "ax"
/*
 * Add x9 to each address in the global offset table. Code of Argon's own needs none, but Debian's libfdt was compiled for shared
 * libraries and reaches the guard of its stack protector by one. Clobbers x10..x12.
 */
        .macro  move_got
        adrp    x10, got_start
        add     x10, x10, #:lo12:got_start
        adrp    x11, got_end
        add     x11, x11, #:lo12:got_end
1:      cmp     x10, x11
        b.hs    3f
        ldr     x12, [x10], #8
        cbz     x12, 1b
        add     x12, x12, x9
        str     x12, [x10, #-8]
        b       1b
3:
        .endm

/* The entry of the PE header: x0 = image handle, x1 = system table (UEFI 2.3.6.4). */
        .global efi_entry
efi_entry:
        adrp    x9, image_start
        ldr     x10, =HYP_IMAGE_VA
        sub     x9, x9, x10
        move_got
        mrs     x2, CurrentEL
        lsr     x2, x2, #2
        b       efi_main

/*
 * void efi_hand_over(paddr_t tree), after ExitBootServices. What this image's bytes are must be in memory before instructions and
 * tables are read with the MMU off: code that firmware's loader stored, and zeroes that would be evicted over what is stored then. By
 * address to the point of coherency (Arm ARM B2.8, D7.5.9).
 */
        .global efi_hand_over
efi_hand_over:
        msr     daifset, #0xf
        ldr     x9, =HYP_IMAGE_VA
        adrp    x10, image_start
        sub     x9, x9, x10
        move_got
        mrs     x9, ctr_el0
        ubfx    x9, x9, #16, #4          // DminLine: log2 of words
        mov     x10, #4
        lsl     x9, x10, x9
        adrp    x10, image_start
        adrp    x11, image_end
1:      dc      civac, x10
        add     x10, x10, x9
        cmp     x10, x11
        b.lo    1b
        dsb     sy
        mrs     x9, sctlr_el2
        bic     x9, x9, #1               // M
        bic     x9, x9, #4               // C. I may stay: what is fetched is as in memory now
        isb                              // nothing of before is under way when the MMU goes off (Falkor erratum 1041)
        msr     sctlr_el2, x9
        isb
        ic      iallu
        dsb     nsh
        isb
        b       entry
        .ltorg
