/* SPDX-License-Identifier: MIT */
/*
 * Into firmware and back: u64 firmware_enter(u64 fn, const u64 args[5], u64 stack_top, u64 *status).
 *
 * Firmware is C by AAPCS64 that may change x18, and anything else where it is bad, so that nothing is counted on but TPIDR_EL2: what is to be
 * kept is on the hypervisor's stack, and where that is in struct pcpu. While it is there (firmware_sp), exceptions of EL2 are
 * firmware's (entry.S): one that it cannot go on after ends the call at firmware_fault.
 */
#include <asm/offsets.h>

        .section .text.firmware_enter, "ax"
        .global firmware_enter
firmware_enter:
        stp     x29, x30, [sp, #-112]!
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        stp     x18, x3, [sp, #96]
        mov     x9, x0
        mov     x10, x1
        ldp     x0, x1, [x10]
        mov     x11, x2
        ldp     x2, x3, [x10, #16]
        ldr     x4, [x10, #32]
        mov     x12, sp
        mrs     x13, tpidr_el2
        str     x12, [x13, #PCPU_FIRMWARE_SP]
        mov     sp, x11
        mov     x29, xzr                 // end of the frame chain
        blr     x9
        msr     daifset, #0xf            // as it was, whatever firmware has made of it
        msr     spsel, #1
        mrs     x13, tpidr_el2
        ldr     x12, [x13, #PCPU_FIRMWARE_SP]
        mov     sp, x12
        ldr     x3, [sp, #104]
        str     x0, [x3]                 // *status
        mov     x0, xzr
back:
        mrs     x13, tpidr_el2
        str     xzr, [x13, #PCPU_FIRMWARE_SP]
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldr     x18, [sp, #96]
        ldp     x29, x30, [sp], #112
        ret

/* From the vectors, x18 = firmware_sp: an exception has set PSTATE as the hypervisor has it (D1.3.1). ESR_EL2 and others say why. */
        .global firmware_fault
firmware_fault:
        mov     sp, x18
        mov     x0, #1
        b       back
