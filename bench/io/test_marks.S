/* SPDX-License-Identifier: MIT */
/* Windows to be counted by hand, for test_io.py. Runs where QEMU puts a raw kernel, at EL1, MMU off. */
#define UART   0x09000000
#define GICD   0x08000000      /* GICv2 */
#define GICC   0x08010000
#define TICKS  100000

.macro start id
    movz    xzr, #0xa000 + 2 * \id
.endm
.macro end id
    movz    xzr, #0xa001 + 2 * \id
.endm

.global _start
_start:
    mov     x3, #UART

    /* The virtual timer's interrupt, PPI 27, can end a WFI; it stays masked here. */
    mov     x4, #GICD
    mov     w0, #1 << 27
    str     w0, [x4, #0x80]         /* GICD_IGROUPR0 */
    str     w0, [x4, #0x100]        /* GICD_ISENABLER0 */
    mov     w0, #3
    str     w0, [x4]                /* GICD_CTLR: both groups */
    ldr     x4, =GICC
    str     w0, [x4]                /* GICC_CTLR */
    mov     w0, #0xff
    str     w0, [x4, #4]            /* GICC_PMR */

    /* The first window turns counting on, which takes effect when QEMU next leaves the guest's code. */
    start   31
    mov     x0, #0x100000
1:  subs    x0, x0, #1
    b.ne    1b
    end     31

    /* Plain code: 2 + 2 * 1000, with the mark at its end. */
    start   0
    mov     x0, #1000
1:  subs    x0, x0, #1
    b.ne    1b
    end     0

    /* Device accesses, which QEMU begins anew in the middle of what it translated: 4 + 3 * 50. */
    start   1
    mov     w1, #'.'
    mov     x0, #50
1:  str     w1, [x3]
    subs    x0, x0, #1
    b.ne    1b
    nop
    end     1

    /* Sleep, which takes time and no instructions: 8. */
    start   2
    ldr     x0, =TICKS
    msr     cntv_tval_el0, x0
    mov     x0, #1
    msr     cntv_ctl_el0, x0
    isb
    wfi
    mov     x0, #0
    end     2

    /* PSCI SYSTEM_OFF */
    msr     cntv_ctl_el0, xzr
    ldr     x0, =0x84000008
    hvc     #0
2:  b       2b
