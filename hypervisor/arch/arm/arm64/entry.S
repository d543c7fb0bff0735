/* SPDX-License-Identifier: MIT */
/*
 * Exception vectors of EL2 (Arm ARM D1.3) and the way into the guest.
 *
 * While a guest runs, SP_EL2 points at its struct vcpu, whose first member is the general registers: an exit stores them with no
 * register to spare and nothing to look up. The hypervisor then runs on its CPU's one stack. System registers, timers, list
 * registers and FP/SIMD stay in the CPU until another vCPU is switched in (docs/design/exits.md).
 *
 * Hypercalls, PSCI calls and interrupts store only what C may change: x20..x28 are callee-saved (AAPCS64 6.1.1), so a handler that
 * returns leaves the guest's values in them, and they are in memory only once save_high has run: before exit_work(), which may switch
 * to another vCPU, and before all handlers of other exits, which look at any register. x19 holds the vCPU meanwhile. The return address
 * and state stay in ELR_EL2 and SPSR_EL2, which always are the current vCPU's: handlers find them there (asm/trap.h). They are in
 * memory only for exit_work().
 */
#include <asm/offsets.h>

#define HVC_XEN 0xea1
#define ESR_EC_SHIFT 26
#define ESR_CM_BIT 8
#define EC_HVC64 0x16
#define EC_DABT_CUR 0x25
#define AT_CRN_CRM 0x78

        /* What C changes. */
        .macro  save_volatile
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
        stp     x29, x30, [sp, #VCPU_X0 + 232]
        .endm

        /* The other general registers: before C code that uses them has begun or after it has returned. */
        .macro  save_high
        stp     x20, x21, [x19, #VCPU_X0 + 160]
        stp     x22, x23, [x19, #VCPU_X0 + 176]
        stp     x24, x25, [x19, #VCPU_X0 + 192]
        stp     x26, x27, [x19, #VCPU_X0 + 208]
        str     x28, [x19, #VCPU_X0 + 224]
        .endm

        /* sp = the vCPU. */
        .macro  restore_high
        ldp     x20, x21, [sp, #VCPU_X0 + 160]
        ldp     x22, x23, [sp, #VCPU_X0 + 176]
        ldp     x24, x25, [sp, #VCPU_X0 + 192]
        ldp     x26, x27, [sp, #VCPU_X0 + 208]
        ldr     x28, [sp, #VCPU_X0 + 224]
        .endm

        /* From the guest's registers to C: x19 = the vCPU, this CPU's stack. */
        .macro  enter_c
        ldr     x9, [sp, #VCPU_STACK_TOP]
        mov     x19, sp
        mov     sp, x9
        mov     x29, xzr                 // end of the frame chain
        mov     x0, x19
        .endm

        /* sp = the vCPU. Into the guest with x0 and x1 there already. */
        .macro  restore_volatile
        ldp     x2, x3, [sp, #VCPU_X0 + 16]
        ldp     x4, x5, [sp, #VCPU_X0 + 32]
        ldp     x6, x7, [sp, #VCPU_X0 + 48]
        ldp     x8, x9, [sp, #VCPU_X0 + 64]
        ldp     x10, x11, [sp, #VCPU_X0 + 80]
        ldp     x12, x13, [sp, #VCPU_X0 + 96]
        ldp     x14, x15, [sp, #VCPU_X0 + 112]
        ldp     x16, x17, [sp, #VCPU_X0 + 128]
        ldp     x18, x19, [sp, #VCPU_X0 + 144]
        ldp     x29, x30, [sp, #VCPU_X0 + 232]
        eret
        dsb     nsh                      // no speculation past the return
        isb
        .endm

        /*
         * What a CPU does about its branch predictors when a guest exits, before any indirect branch (docs/design/errata.md). Only
         * x0..x3 may be used: x16 is a hypercall's number.
         */
        .macro  exit_none
        .endm
        .macro  exit_firmware
        mrs     x0, tpidr_el2
        ldr     w0, [x0, #PCPU_EXIT_ARG] // SMCCC_ARCH_WORKAROUND_1 or 3: changes x0..x3 only (DEN0028 7.5, 7.7)
        smc     #0
        .endm
        .macro  exit_clear
        hint    #22                      // CLRBHB
        isb
        .endm
        .macro  exit_loop
        mrs     x0, tpidr_el2
        ldr     w0, [x0, #PCPU_EXIT_ARG]
1:      b       2f
2:      subs    w0, w0, #1
        b.ne    1b
        dsb     nsh
        isb
        .endm

        /* An exception of EL2: UEFI's firmware (firmware_enter.S) has another way, with x18 = firmware_sp. Changes x18 only. */
        .macro  unless_firmware where
        mrs     x18, tpidr_el2
        ldr     x18, [x18, #PCPU_FIRMWARE_SP]
        cbnz    x18, \where
        .endm

        .macro  handle_irq mitigate
        save_volatile
        \mitigate
        enter_c
        bl      irq_handle
        b       guest_return_volatile
        .endm

        .macro  handle_serror mitigate
        save_volatile
        \mitigate
        enter_c
        save_high
        bl      trap_guest_serror
        b       guest_return
        .endm

        /* One set of vectors. .org: what does not fit its 128 bytes does not assemble. */
        .macro  vectors name, mitigate
        .balign 2048
        .global \name
\name:
        // EL2 itself with SP_EL0: not used, but maybe by firmware.
        unless_firmware firmware_fault
        mov     x0, #0
        b       hyp_fault_entry
        .org    \name + 0x080
        unless_firmware firmware_fault
        mov     x0, #1
        b       hyp_fault_entry
        .org    \name + 0x100
        unless_firmware firmware_fault
        mov     x0, #2
        b       hyp_fault_entry
        .org    \name + 0x180
        unless_firmware firmware_fault
        mov     x0, #3
        b       hyp_fault_entry
        // EL2 itself: interrupts are masked and code does not fault but in AT, so each of these is a bug, broken hardware or firmware's.
        .org    \name + 0x200
        b       hyp_sync
        .org    \name + 0x280
        b       hyp_irq
        .org    \name + 0x300
        b       hyp_fiq
        .org    \name + 0x380
        b       hyp_serror
        // Guest, AArch64.
        .org    \name + 0x400
        save_volatile
        \mitigate
        enter_c
        mrs     x1, esr_el2
        ubfx    x9, x1, #ESR_EC_SHIFT, #6
        cmp     x9, #EC_HVC64
        b.ne    any_sync
        and     x9, x1, #0xffff          // the immediate
        cmp     x9, #HVC_XEN
        b.eq    hvc
        b       other_hvc
        .org    \name + 0x480
        handle_irq \mitigate
        .org    \name + 0x500
        handle_irq \mitigate
        .org    \name + 0x580
        handle_serror \mitigate
        // Guest, AArch32: EL0 of a 64-bit guest, or a 32-bit guest.
        .org    \name + 0x600
        save_volatile
        \mitigate
        enter_c
        mrs     x1, esr_el2
        ubfx    x9, x1, #ESR_EC_SHIFT, #6
        b       any_sync
        .org    \name + 0x680
        handle_irq \mitigate
        .org    \name + 0x700
        handle_irq \mitigate
        .org    \name + 0x780
        handle_serror \mitigate
        .org    \name + 0x800
        .endm

        .section .text.entry, "ax"
        vectors hyp_vectors, exit_none
        vectors hyp_vectors_firmware, exit_firmware
        vectors hyp_vectors_clear, exit_clear
        vectors hyp_vectors_loop, exit_loop

        .balign 64
/* HVC #0xea1: number in x16, arguments in x0..x4, in memory like all of them; the handler may change them there. */
hvc:
        cmp     x16, #NR_HYPERCALLS
        b.hs    2f
        and     x10, x16, #NR_HYPERCALLS - 1     // index_nospec()
        adr     x9, hypercall_table
        ldr     x9, [x9, x10, lsl #3]
        mov     x1, x19                  // the argument words: the general registers are first
        blr     x9
        cmn     x0, #ERESTART
        b.eq    3f
1:      ldr     w9, [x19, #VCPU_PENDING]
        cbnz    w9, 4f
        mov     sp, x19
        ldr     x1, [sp, #VCPU_X0 + 8]
        b       restore_from_x2
2:      mov     x0, #-ENOSYS
        b       1b
3:      mrs     x9, elr_el2              // the HVC again, with the arguments as they are now
        sub     x9, x9, #4
        msr     elr_el2, x9
        b       guest_return_volatile
4:      str     x0, [x19, #VCPU_X0]
        b       high_and_work

        .balign 64
/* The return of an exit whose handler has left x20..x28, pc and state alone. */
guest_return_volatile:
        ldr     w9, [x19, #VCPU_PENDING]
        cbnz    w9, high_and_work
        mov     sp, x19
        ldp     x0, x1, [sp, #VCPU_X0]
restore_from_x2:
        restore_volatile

/* x9 = the immediate. */
other_hvc:
        cbnz    x9, 1f
        bl      vpsci_call
        cbnz    w0, guest_return_volatile
        mov     x0, x19
        mrs     x1, esr_el2
1:      mov     x9, #EC_HVC64            // not a call: UNDEFINED is reported at the instruction
/* x0 = x19 = the vCPU, x1 = ESR_EL2, x9 = its class. Handlers may look at and change all of the guest's registers. */
any_sync:
        save_high
        adr     x10, trap_table
        ldr     x9, [x10, x9, lsl #3]
        blr     x9
/* x19 = the vCPU that exited. The one test of pending work; exit_work() returns the vCPU to run, maybe another. */
guest_return:
        ldr     w9, [x19, #VCPU_PENDING]
        cbnz    w9, work
        mov     sp, x19
        restore_high
        ldp     x0, x1, [sp, #VCPU_X0]
        restore_volatile
/* x19 = the vCPU to run: all of its registers. */
guest_restore:
        mov     sp, x19
        ldp     x8, x9, [sp, #VCPU_PC]
        msr     elr_el2, x8
        msr     spsr_el2, x9
        restore_high
        ldp     x0, x1, [sp, #VCPU_X0]
        restore_volatile
high_and_work:
        save_high
work:
        mrs     x10, elr_el2
        mrs     x11, spsr_el2
        stp     x10, x11, [x19, #VCPU_PC]
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
 * An exception of EL2's own code. One is no bug: AT, whose walk is the guest's (at_result() in asm/insn.h). Then the instruction after it goes
 * on, with PAR_EL1.F, and with the guest's return address and state back from x16 and x17. Which instruction it was the syndrome says
 * (D17.2.37: a data abort of the current EL, ISS.CM: cache maintenance or address translation), and of these its CRn and CRm: bits
 * [15:8] are 0x78 for AT (C5.5). x18 is free: the platform register of AAPCS64 6.1.1, which C is told not to use. PSTATE is as it was
 * but for the flags: everything is masked in EL2, so no ERET is needed.
 */
hyp_sync:
        unless_firmware firmware_fault
        mrs     x18, esr_el2
        tbz     x18, #ESR_CM_BIT, hyp_sync_fault
        lsr     x18, x18, #ESR_EC_SHIFT
        cmp     x18, #EC_DABT_CUR
        b.ne    hyp_sync_fault
        mrs     x18, elr_el2
        ldrb    w18, [x18, #1]
        cmp     w18, #AT_CRN_CRM
        b.ne    hyp_sync_fault
        mrs     x18, elr_el2
        add     x18, x18, #4
        msr     elr_el2, x16
        msr     spsr_el2, x17
        mov     x16, #1                  // PAR_EL1.F
        msr     par_el1, x16
        mrs     x16, elr_el2             // the next AT may come without a new load of it
        br      x18

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
/* A fault of the hypervisor's, or of the one load that is allowed to: probe_load(), which then goes on where it returns -EIO. */
hyp_sync_fault:
        msr     tpidrro_el0, x0
        adr     x0, 1f
        mrs     x18, elr_el2
        cmp     x18, x0
        mov     x0, #4
        b.ne    hyp_fault_entry
        adr     x0, 2f
        msr     elr_el2, x0
        eret
        dsb     nsh
        isb

/* int probe_load(volatile void *va, u32 *value): arch_probe_read32() without asynchronous aborts. */
        .global probe_load
probe_load:
1:      ldr     w2, [x0]
        str     w2, [x1]
        mov     w0, #0
        ret
2:      mov     w0, #-5                  // -EIO
        ret

        hyp_fault_vector hyp_irq_fault, 5
        hyp_fault_vector hyp_fiq_fault, 6

/*
 * An interrupt in EL2. Firmware that lets them in goes on with all of them masked again, and the interrupt waits for the hypervisor. There
 * is a stack in either case, and all registers are as they were.
 */
        .macro  interrupt_vector name, fault
\name:
        str     x18, [sp, #-16]!
        unless_firmware mask_in_firmware
        ldr     x18, [sp], #16
        b       \fault
        .endm
        interrupt_vector hyp_irq, hyp_irq_fault
        interrupt_vector hyp_fiq, hyp_fiq_fault

mask_in_firmware:
        mrs     x18, spsr_el2
        orr     x18, x18, #0x3c0
        msr     spsr_el2, x18
        ldr     x18, [sp], #16
        eret
        dsb     nsh
        isb

/* An SError of the hypervisor's: fatal, unless serror_unmask() has asked for it. */
hyp_serror:
        unless_firmware firmware_fault
        msr     tpidrro_el0, x0
        msr     contextidr_el1, x1
        mrs     x0, elr_el2
        adr     x1, serror_unmask
        sub     x0, x0, x1
        cmp     x0, #12                  // the flags are in SPSR_EL2
        b.ls    1f
        mrs     x1, contextidr_el1
        mov     x0, #7
        b       hyp_fault_entry
1:      add     x1, x1, #12
        msr     elr_el2, x1              // its end
        mrs     x0, esr_el2
        eret
        dsb     nsh
        isb

/* u64 serror_unmask(void): an SError that waits is taken here. ISB: at the latest (D1.3.6). */
        .global serror_unmask
serror_unmask:
        mov     x0, xzr
        msr     daifclr, #4
        isb
        msr     daifset, #4              // + 12: where it returns to
        ret

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
