/* SPDX-License-Identifier: MIT */
/*
 * Image header, entry of the first and of secondary vCPUs, exception vectors, context switch helpers.
 * All registers found at entry are kept in the CPU's struct entry_state before anything is changed.
 */
#include "offsets.h"

    .section .head, "ax"
    .globl image_start
image_start:
    b       primary_entry
    .word   0
    .quad   0                           /* text_offset */
    .quad   image_size_le
    .quad   0xa                         /* little endian, 4K pages, anywhere */
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .word   0

    .text
/* Save everything an entry test wants to see at x30; x30 itself is in tpidr_el1. */
.macro save_entry_state
    stp     x0, x1, [x30, #0]
    stp     x2, x3, [x30, #16]
    stp     x4, x5, [x30, #32]
    stp     x6, x7, [x30, #48]
    stp     x8, x9, [x30, #64]
    stp     x10, x11, [x30, #80]
    stp     x12, x13, [x30, #96]
    stp     x14, x15, [x30, #112]
    stp     x16, x17, [x30, #128]
    stp     x18, x19, [x30, #144]
    stp     x20, x21, [x30, #160]
    stp     x22, x23, [x30, #176]
    stp     x24, x25, [x30, #192]
    stp     x26, x27, [x30, #208]
    stp     x28, x29, [x30, #224]
    mrs     x1, tpidr_el1
    str     x1, [x30, #240]
    mov     x1, sp
    str     x1, [x30, #ENTRY_SP]
    mrs     x1, CurrentEL
    mrs     x2, DAIF
    orr     x1, x1, x2
    mrs     x2, NZCV
    orr     x1, x1, x2
    mrs     x2, SPSel
    orr     x1, x1, x2
    str     x1, [x30, #ENTRY_PSTATE]
    mrs     x1, sctlr_el1
    str     x1, [x30, #ENTRY_SCTLR]
    mrs     x1, ttbr0_el1
    str     x1, [x30, #ENTRY_TTBR0]
    mrs     x1, ttbr1_el1
    str     x1, [x30, #ENTRY_TTBR1]
    mrs     x1, tcr_el1
    str     x1, [x30, #ENTRY_TCR]
    mrs     x1, mpidr_el1
    str     x1, [x30, #ENTRY_MPIDR]
    isb
    mrs     x1, cntvct_el0
    str     x1, [x30, #ENTRY_CNTVCT]
    mrs     x1, cntpct_el0
    str     x1, [x30, #ENTRY_CNTPCT]
.endm

/* The first vCPU: entry state, a stack, self-relocation (R_AARCH64_RELATIVE only), and on to C with its x0. */
.macro first_entry to
    msr     tpidr_el1, x30
    adrp    x30, cpus
    add     x30, x30, :lo12:cpus
    save_entry_state
    adrp    x1, image_start
    str     x1, [x30, #ENTRY_PC]
    ldr     x19, [x30, #0]
    adrp    x0, cpu_stacks
    add     x0, x0, :lo12:cpu_stacks
    add     x0, x0, #CPU_STACK_SIZE
    mov     sp, x0
    adrp    x1, rela_start
    add     x1, x1, :lo12:rela_start
    adrp    x2, rela_end
    add     x2, x2, :lo12:rela_end
    adrp    x3, image_start
3:  cmp     x1, x2
    b.hs    4f
    ldp     x4, x5, [x1]
    ldr     x6, [x1, #16]
    add     x1, x1, #24
    cmp     w5, #1027
    b.ne    3b
    add     x6, x6, x3
    str     x6, [x3, x4]
    b       3b
4:  bl      cpu_setup
    mov     x0, x19
    bl      \to
5:  wfi
    b       5b
.endm

primary_entry:
    first_entry main

/* The same in another domain that this image has been copied to (domu.c). */
    .globl  domu_start
domu_start:
    first_entry domu_main

    .globl  secondary_start
secondary_start:
    msr     tpidr_el1, x30
    msr     tpidr_el0, x0               /* both are dead at CPU start */
    mrs     x30, mpidr_el1
    ubfx    x0, x30, #8, #8             /* Aff1 holds id / 16, Aff0 id % 16 */
    and     x30, x30, #0xff
    add     x30, x30, x0, lsl #4
    mov     x0, #CPU_SIZE
    mul     x0, x30, x0
    adrp    x30, cpus
    add     x30, x30, :lo12:cpus
    add     x30, x30, x0
    mrs     x0, tpidr_el0
    save_entry_state
    ldr     x0, [x30, #CPU_INDEX]
    add     x0, x0, #1
    mov     x1, #CPU_STACK_SIZE
    mul     x0, x0, x1
    adrp    x1, cpu_stacks
    add     x1, x1, :lo12:cpu_stacks
    add     x0, x0, x1
    mov     sp, x0
    mov     x19, x30
    bl      cpu_setup
    mov     x0, x19
    bl      secondary_main
6:  wfi
    b       6b

/* Vectors, FP on, D unmasked state left alone. */
cpu_setup:
    adrp    x0, vectors
    add     x0, x0, :lo12:vectors
    msr     vbar_el1, x0
    mov     x0, #(3 << 20)
    msr     cpacr_el1, x0
    isb
    ret

.macro vector n
    .balign 128
    sub     sp, sp, #FRAME_SIZE
    stp     x0, x1, [sp, #0]
    mov     x1, #\n
    b       trap_common
.endm

    .balign 2048
vectors:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vector \n
    .endr

trap_common:
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
    mrs     x2, elr_el1
    stp     x30, x2, [sp, #240]
    mrs     x2, spsr_el1
    mrs     x3, esr_el1
    stp     x2, x3, [sp, #256]
    mrs     x2, far_el1
    str     x2, [sp, #272]
    mov     x0, sp
    bl      trap_handle
    ldp     x30, x2, [sp, #240]
    msr     elr_el1, x2
    ldr     x2, [sp, #256]
    msr     spsr_el1, x2
    ldp     x2, x3, [sp, #16]
    ldp     x4, x5, [sp, #32]
    ldp     x6, x7, [sp, #48]
    ldp     x8, x9, [sp, #64]
    ldp     x10, x11, [sp, #80]
    ldp     x12, x13, [sp, #96]
    ldp     x14, x15, [sp, #112]
    ldp     x16, x17, [sp, #128]
    ldp     x18, x19, [sp, #144]
    ldp     x20, x21, [sp, #160]
    ldp     x22, x23, [sp, #176]
    ldp     x24, x25, [sp, #192]
    ldp     x26, x27, [sp, #208]
    ldp     x28, x29, [sp, #224]
    ldp     x0, x1, [sp, #0]
    add     sp, sp, #FRAME_SIZE
    eret

/* int context_save(struct context *): 0 at first, 1 when come back to by context_restore(). */
    .globl  context_save
context_save:
    stp     x19, x20, [x0, #0]
    stp     x21, x22, [x0, #16]
    stp     x23, x24, [x0, #32]
    stp     x25, x26, [x0, #48]
    stp     x27, x28, [x0, #64]
    stp     x29, x30, [x0, #80]
    mov     x1, sp
    str     x1, [x0, #96]
    mov     w0, #0
    ret

    .globl  context_restore
context_restore:
    ldp     x19, x20, [x0, #0]
    ldp     x21, x22, [x0, #16]
    ldp     x23, x24, [x0, #32]
    ldp     x25, x26, [x0, #48]
    ldp     x27, x28, [x0, #64]
    ldp     x29, x30, [x0, #80]
    ldr     x1, [x0, #96]
    mov     sp, x1
    msr     daifset, #2
    mov     w0, #1
    ret

/* uint64_t el0_enter(pc, arg, sp_el0): run at EL0 until it takes any exception; returns EL0's x0. */
    .globl  el0_enter
el0_enter:
    stp     x29, x30, [sp, #-96]!
    stp     x19, x20, [sp, #16]
    stp     x21, x22, [sp, #32]
    stp     x23, x24, [sp, #48]
    stp     x25, x26, [sp, #64]
    stp     x27, x28, [sp, #80]
    msr     elr_el1, x0
    mov     x0, #0x3c0
    msr     spsr_el1, x0
    msr     sp_el0, x2
    mov     x0, x1
    isb
    eret
    .globl  el0_return
el0_return:
    ldp     x19, x20, [sp, #16]
    ldp     x21, x22, [sp, #32]
    ldp     x23, x24, [sp, #48]
    ldp     x25, x26, [sp, #64]
    ldp     x27, x28, [sp, #80]
    ldp     x29, x30, [sp], #96
    ret

/* void call_address(addr): branch there; the trap handler returns to our caller on an instruction abort. */
    .globl  call_address
call_address:
    br      x0
