/* SPDX-License-Identifier: MIT */
/*
 * Exception vectors of EL2 (Arm ARM D1.3) and the way into the guest.
 *
 * While a guest runs, SP_EL2 points at its struct vcpu, whose first member is the general registers: an exit stores them with no
 * register to spare and nothing to look up. The hypervisor then runs on its CPU's one stack. Nothing else is saved here: system
 * registers, timers, list registers and FP/SIMD stay in the CPU until another vCPU is switched in (docs/design/exits.md).
 */
#include <asm/offsets.h>

        .macro  save_guest
        stp     x0, x1, [sp, #VCPU_X0]
        stp     x2, x3, [sp, #VCPU_X0 + 16]
        stp     x4, x5, [sp, #VCPU_X0 + 32]
        stp     x6, x7, [sp, #VCPU_X0 + 48]
        stp     x8, x9, [sp, #VCPU_X0 + 64]
        stp     x10, x11, [sp, #VCPU_X0 + 80]
        stp     x12, x13, [sp, #VCPU_X0 + 96]
        stp     x14, x15, [sp, #VCPU_X0 + 112]
        stp     x16, x17, [sp, #VCPU_X0 + 128]
        stp     x18, x19, [sp, #VCPU_X0 + 144]
        stp     x20, x21, [sp, #VCPU_X0 + 160]
        stp     x22, x23, [sp, #VCPU_X0 + 176]
        stp     x24, x25, [sp, #VCPU_X0 + 192]
        stp     x26, x27, [sp, #VCPU_X0 + 208]
        stp     x28, x29, [sp, #VCPU_X0 + 224]
        mrs     x21, elr_el2
        mrs     x22, spsr_el2
        stp     x30, x21, [sp, #VCPU_X0 + 240]
        str     x22, [sp, #VCPU_PC + 8]
        mov     x19, sp                  // struct vcpu, kept in x19 for the way back
        mrs     x20, tpidr_el2
        ldr     x21, [x20, #PCPU_STACK_TOP]
        mov     sp, x21
        mov     x29, xzr                 // end of the frame chain
        mov     x0, x19
        .endm

        .section .text.entry, "ax"
        .balign 2048
        .global hyp_vectors
hyp_vectors:
        // EL2 itself with SP_EL0: not used.
        .balign 128
        mov     x0, #0
        b       hyp_fault_entry
        .balign 128
        mov     x0, #1
        b       hyp_fault_entry
        .balign 128
        mov     x0, #2
        b       hyp_fault_entry
        .balign 128
        mov     x0, #3
        b       hyp_fault_entry
        // EL2 itself: interrupts are masked and code does not fault, so each of these is a bug or broken hardware.
        .balign 128
        b       hyp_sync
        .balign 128
        b       hyp_irq
        .balign 128
        b       hyp_fiq
        .balign 128
        b       hyp_serror
        // Guest, AArch64.
        .balign 128
guest_sync:
        save_guest
        bl      trap_guest_sync
        b       guest_return
        .balign 128
guest_irq:
        save_guest
        bl      irq_handle
        b       guest_return
        .balign 128
guest_fiq:
        save_guest
        bl      irq_handle
        b       guest_return
        .balign 128
guest_serror:
        save_guest
        bl      trap_guest_serror
        b       guest_return
        // Guest, AArch32: EL0 of a 64-bit guest, or a 32-bit guest.
        .balign 128
        save_guest
        bl      trap_guest_sync
        b       guest_return
        .balign 128
        save_guest
        bl      irq_handle
        b       guest_return
        .balign 128
        save_guest
        bl      irq_handle
        b       guest_return
        .balign 128
        save_guest
        bl      trap_guest_serror
        b       guest_return

        .balign 64
/* x19 = the vCPU that exited. The one test of pending work; exit_work() returns the vCPU to run, maybe another. */
guest_return:
        ldr     w9, [x19, #VCPU_PENDING]
        cbnz    w9, 1f
        .global guest_restore
guest_restore:
        mov     sp, x19
        ldp     x30, x21, [sp, #VCPU_X0 + 240]
        ldr     x22, [sp, #VCPU_PC + 8]
        msr     elr_el2, x21
        msr     spsr_el2, x22
        ldp     x0, x1, [sp, #VCPU_X0]
        ldp     x2, x3, [sp, #VCPU_X0 + 16]
        ldp     x4, x5, [sp, #VCPU_X0 + 32]
        ldp     x6, x7, [sp, #VCPU_X0 + 48]
        ldp     x8, x9, [sp, #VCPU_X0 + 64]
        ldp     x10, x11, [sp, #VCPU_X0 + 80]
        ldp     x12, x13, [sp, #VCPU_X0 + 96]
        ldp     x14, x15, [sp, #VCPU_X0 + 112]
        ldp     x16, x17, [sp, #VCPU_X0 + 128]
        ldp     x18, x19, [sp, #VCPU_X0 + 144]
        ldp     x20, x21, [sp, #VCPU_X0 + 160]
        ldp     x22, x23, [sp, #VCPU_X0 + 176]
        ldp     x24, x25, [sp, #VCPU_X0 + 192]
        ldp     x26, x27, [sp, #VCPU_X0 + 208]
        ldp     x28, x29, [sp, #VCPU_X0 + 224]
        eret
        dsb     nsh                      // no speculation past the return
        isb
1:
        mov     x0, x19
        bl      exit_work
        mov     x19, x0
        b       guest_restore

/* First entry of this CPU into a guest or idle: void guest_enter(void). Abandons the caller's stack. */
        .global guest_enter
guest_enter:
        mrs     x20, tpidr_el2
        ldr     x21, [x20, #PCPU_STACK_TOP]
        mov     sp, x21
        mov     x29, xzr
        ldr     x0, [x20, #PCPU_CURRENT]
        bl      exit_work
        mov     x19, x0
        b       guest_restore

/*
 * A fault of the hypervisor. Guest state no longer matters: TPIDRRO_EL0 serves as scratch, so that even a stack overflow is reported,
 * from the emergency stack.
 */
        .macro  hyp_fault_vector name, kind
\name:
        msr     tpidrro_el0, x0
        mov     x0, #\kind
        b       hyp_fault_entry
        .endm
        hyp_fault_vector hyp_sync, 4
        hyp_fault_vector hyp_irq, 5
        hyp_fault_vector hyp_fiq, 6
        hyp_fault_vector hyp_serror, 7

hyp_fault_entry:
        msr     contextidr_el1, x1       // second scratch
        mov     x1, sp
        msr     tpidr_el1, x1            // the stack pointer at the fault
        mrs     x1, tpidr_el2
        ldr     x1, [x1, #PCPU_EMERGENCY_TOP]
        mov     sp, x1
        sub     sp, sp, #288
        stp     x2, x3, [sp, #16]
        stp     x4, x5, [sp, #32]
        stp     x6, x7, [sp, #48]
        stp     x8, x9, [sp, #64]
        stp     x10, x11, [sp, #80]
        stp     x12, x13, [sp, #96]
        stp     x14, x15, [sp, #112]
        stp     x16, x17, [sp, #128]
        stp     x18, x19, [sp, #144]
        stp     x20, x21, [sp, #160]
        stp     x22, x23, [sp, #176]
        stp     x24, x25, [sp, #192]
        stp     x26, x27, [sp, #208]
        stp     x28, x29, [sp, #224]
        mrs     x2, tpidrro_el0
        mrs     x3, contextidr_el1
        stp     x2, x3, [sp]
        mrs     x2, elr_el2
        mrs     x3, spsr_el2
        stp     x30, x2, [sp, #240]
        mrs     x2, esr_el2
        stp     x3, x2, [sp, #256]
        mov     x1, sp
        mrs     x2, tpidr_el1
        bl      trap_hyp_fault           // does not return
        b       .
