/* SPDX-License-Identifier: MIT */
/*
 * void state_NAME(const struct state *in, struct state *out): load every register from in, do one thing that enters the
 * hypervisor, store every register to out. struct state: x[31], nzcv, fpcr, fpsr, v[32] (state.c).
 */
#define STATE_NZCV 248
#define STATE_FPCR 256
#define STATE_FPSR 264
#define STATE_V 272

    .arch_extension fp
    .arch_extension simd
    .text

.macro vector_regs op, base
    add     x9, \base, #STATE_V
    .irp n, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
    vector_pair \op, \n
    .endr
.endm

.macro vector_pair op, n
    .if \n == 0
    \op     q0, q1, [x9], #32
    .elseif \n == 2
    \op     q2, q3, [x9], #32
    .elseif \n == 4
    \op     q4, q5, [x9], #32
    .elseif \n == 6
    \op     q6, q7, [x9], #32
    .elseif \n == 8
    \op     q8, q9, [x9], #32
    .elseif \n == 10
    \op     q10, q11, [x9], #32
    .elseif \n == 12
    \op     q12, q13, [x9], #32
    .elseif \n == 14
    \op     q14, q15, [x9], #32
    .elseif \n == 16
    \op     q16, q17, [x9], #32
    .elseif \n == 18
    \op     q18, q19, [x9], #32
    .elseif \n == 20
    \op     q20, q21, [x9], #32
    .elseif \n == 22
    \op     q22, q23, [x9], #32
    .elseif \n == 24
    \op     q24, q25, [x9], #32
    .elseif \n == 26
    \op     q26, q27, [x9], #32
    .elseif \n == 28
    \op     q28, q29, [x9], #32
    .else
    \op     q30, q31, [x9], #32
    .endif
.endm

.macro general_regs op
    \op     x2, x3, [x30, #16]
    \op     x4, x5, [x30, #32]
    \op     x6, x7, [x30, #48]
    \op     x8, x9, [x30, #64]
    \op     x10, x11, [x30, #80]
    \op     x12, x13, [x30, #96]
    \op     x14, x15, [x30, #112]
    \op     x16, x17, [x30, #128]
    \op     x18, x19, [x30, #144]
    \op     x20, x21, [x30, #160]
    \op     x22, x23, [x30, #176]
    \op     x24, x25, [x30, #192]
    \op     x26, x27, [x30, #208]
    \op     x28, x29, [x30, #224]
.endm

    .globl  state_load
state_load:                             /* x0 = in; the link register goes through [sp, #16] */
    ldr     x1, [x0, #STATE_NZCV]
    msr     nzcv, x1
    ldr     x1, [x0, #STATE_FPCR]
    msr     fpcr, x1
    ldr     x1, [x0, #STATE_FPSR]
    msr     fpsr, x1
    vector_regs ldp, x0
    str     x30, [sp, #16]
    mov     x30, x0
    general_regs ldp
    ldp     x0, x1, [x30, #0]
    ldr     x30, [sp, #16]
    ret

    .globl  state_store
state_store:                            /* [sp] = out, [sp, #8] = x30 as found, x30 = return address */
    str     x30, [sp, #16]
    ldr     x30, [sp]
    stp     x0, x1, [x30, #0]
    general_regs stp
    mov     x0, x30
    ldr     x1, [sp, #8]
    str     x1, [x0, #240]
    mrs     x1, nzcv
    str     x1, [x0, #STATE_NZCV]
    mrs     x1, fpcr
    str     x1, [x0, #STATE_FPCR]
    mrs     x1, fpsr
    str     x1, [x0, #STATE_FPSR]
    vector_regs stp, x0
    msr     fpcr, xzr
    ldr     x30, [sp, #16]
    ret

.macro enter
    stp     x29, x30, [sp, #-128]!
    stp     x19, x20, [sp, #32]
    stp     x21, x22, [sp, #48]
    stp     x23, x24, [sp, #64]
    stp     x25, x26, [sp, #80]
    stp     x27, x28, [sp, #96]
    ldr     x2, [sp, #8]
    str     x2, [sp, #120]
    ldr     x2, [sp]
    str     x2, [sp, #24]
    str     x1, [sp]
    bl      state_load
    str     x30, [sp, #8]
.endm

.macro leave
    bl      state_store
    ldr     x29, [sp, #24]
    ldr     x30, [sp, #120]
    ldp     x19, x20, [sp, #32]
    ldp     x21, x22, [sp, #48]
    ldp     x23, x24, [sp, #64]
    ldp     x25, x26, [sp, #80]
    ldp     x27, x28, [sp, #96]
    add     sp, sp, #128
    ret
.endm

.macro state_routine name, insn:vararg
    .globl  \name
\name:
    enter
    ldr     x30, =0x3030303030303030    /* the caller's in->x[30] is not used */
    \insn
    str     x30, [sp, #8]
    leave
.endm

state_routine state_hypercall, hvc #0xea1
state_routine state_smccc, hvc #0
state_routine state_smc, smc #0
state_routine state_timer, mrs x0, cntp_ctl_el0
state_routine state_sysreg, mrs x0, id_aa64pfr0_el1
state_routine state_mmio, ldr w0, [x1]
state_routine state_mmio_write, str w0, [x1]
state_routine state_wfi, wfi
state_routine state_wfe, wfe

    /* Spin with interrupts open: x5 counts down, the rest must not change under us. */
    .globl  state_spin
state_spin:
    enter
    ldr     x30, =0x3030303030303030
    msr     daifclr, #2
1:  sub     x5, x5, #1
    cbnz    x5, 1b
    msr     daifset, #2
    str     x30, [sp, #8]
    leave

    /* Spin with interrupts open for as long as the word that x5 points to holds its own address. */
    .globl  state_spin_on
state_spin_on:
    enter
    ldr     x30, =0x3030303030303030
    msr     daifclr, #2
1:  ldr     x5, [x5]
    cbnz    x5, 1b
    msr     daifset, #2
    str     x30, [sp, #8]
    leave
    .ltorg

    /* void state_vectors(struct state *out): v0..v31, FPCR and FPSR as they are. */
    .globl  state_vectors
state_vectors:
    mrs     x1, fpcr
    str     x1, [x0, #STATE_FPCR]
    mrs     x1, fpsr
    str     x1, [x0, #STATE_FPSR]
    vector_regs stp, x0
    ret
