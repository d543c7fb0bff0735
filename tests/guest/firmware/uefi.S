/* SPDX-License-Identifier: MIT */
/*
 * A firmware that has left runtime services behind (UEFI 2.10), good ones and bad ones, at 0x78000000 of a machine with
 * 1 GiB at 0x40000000. checks/uefi.c has what each does to be found out; test_guest.py says in the device tree where
 * the system table is, and the map.
 */
#define BASE    0x78000000
#define WB      0x8
#define RO      0x20000
#define RT      0x8000000000000000
#define RTC     0x09010000               /* QEMU's PL031 */
#define ERROR   0x8000000000000000
#define SPIN_MS 30
#define WRITE_MS 1000
#define UART    0x09000000               /* QEMU's PL011 */

        .arch_extension fp
        .arch_extension simd

        .macro  descriptor type, start, end, attributes
        .word   \type, 0
        .quad   \start, 0, ((\end) - (\start)) >> 12, \attributes, 0
        .endm

        .text
/* Page 0: tables. */
system_table:
        .quad   0x5453595320494249
        .word   0x20046, 120, 0, 0
        .quad   0, 0, 0, 0, 0, 0, 0, 0
        .quad   BASE + (runtime_table - system_table), 0, 0, 0
        .org    0x400
map:
        descriptor 7, 0x40000000, BASE, WB
        descriptor 6, BASE, BASE + 0x2000, WB | RT
        descriptor 5, BASE + 0x2000, BASE + 0x3000, WB | RT | RO
        descriptor 7, BASE + 0x3000, 0x80000000, WB
        descriptor 11, UART, UART + 0x1000, RT
        descriptor 11, RTC, RTC + 0x1000, RT
        .org    0x800
runtime_table:
        .quad   0x56524553544e5552
        .word   0x20046, 136, 0, 0
        .irp    service, get_time, set_time, get_wakeup_time, set_wakeup_time, none, none, get_variable, next_name, \
                set_variable, count, none, none, none, variable_info
        .quad   BASE + (\service - system_table)
        .endr

/* Page 1: data. */
        .org    0x1000
data:   .quad   0
in_data:
        mov     x0, #0                   // not to be executed
        ret

/* Page 2: code. */
        .org    0x2000
none:   ldr     x0, =ERROR | 3
        ret

/* The RTC's seconds, and what it was called with: bits of month. Leaves nothing as it was that it may change. */
get_time:
        mov     x9, #0
        mrs     x10, CurrentEL
        cmp     x10, #8
        cset    x9, eq                   // bit 0: EL2
        mrs     x10, daif
        cmp     x10, #0x3c0
        cset    x11, eq
        orr     x9, x9, x11, lsl #1      // bit 1: all masked
        mov     x10, sp
        tst     x10, #15
        cset    x11, eq
        orr     x9, x9, x11, lsl #2      // bit 2: stack aligned
        isb
        mrs     x10, cntvct_el0
        isb
        mrs     x11, cntpct_el0
        sub     x11, x11, x10
        lsr     x11, x11, #24            // a quarter of a second
        cmp     x11, #0
        cset    x11, eq
        orr     x9, x9, x11, lsl #3      // bit 3: no virtual offset
        fmov    x10, d8
        cmp     x10, #0
        cset    x11, eq
        orr     x9, x9, x11, lsl #4      // bit 4: nothing of the guest's in FP registers
        strb    w9, [x0, #2]
        mov     x10, #RTC & 0xffff0000
        ldr     w10, [x10]
        str     w10, [x0, #8]
        adr     x10, data
        str     x9, [x10]
        movi    v8.16b, #0xa5
        movi    v31.16b, #0xa5
        mov     x10, #0x1000000
        msr     fpcr, x10
        mov     x18, #-1
        mov     x0, #0
        ret

/* Lets interrupts in for a time in which one must come. Returns DAIF after it, as an error. */
set_time:
        mrs     x10, cntfrq_el0
        mov     x11, #SPIN_MS
        mul     x10, x10, x11
        mov     x11, #1000
        udiv    x10, x10, x11
        mrs     x11, cntpct_el0
        add     x10, x10, x11
        ldr     x18, =0x1234567812345678
        mov     x12, x18
        msr     daifclr, #0xf
1:      isb
        mrs     x11, cntpct_el0
        cmp     x11, x10
        b.lo    1b
        mrs     x0, daif
        cmp     x12, x18                 // the vectors have left all registers alone
        mov     x11, #0xbad
        csel    x0, x0, x11, eq
        ldr     x11, =ERROR
        orr     x0, x0, x11
        ret

/* 14 KiB of stack, and then some more than is there. */
get_wakeup_time:
        mov     x10, #14
        b       use_stack
variable_info:
        mov     x10, #24
use_stack:
        mov     x11, sp
1:      sub     sp, sp, #1024
        str     xzr, [sp]
        subs    x10, x10, #1
        b.ne    1b
        mov     sp, x11
        mov     x0, #0
        ret

/* Each in its own way bad. */
set_wakeup_time:
        adr     x10, in_data
        br      x10
count:
        adr     x10, count
        str     xzr, [x10]
        mov     x0, #0
        ret
next_name:
        msr     spsel, #0
        svc     #0
        ret
/* With data, whose size is x3, it takes long, as to erase flash does, and says when it is done. Without, it is bad. */
set_variable:
        cbnz    x3, write_flash
        mov     x10, #0
        ldr     x10, [x10]
        ret
write_flash:
        mrs     x10, cntfrq_el0
        mov     x11, #WRITE_MS
        mul     x10, x10, x11
        mov     x11, #1000
        udiv    x10, x10, x11
        mrs     x11, cntpct_el0
        add     x10, x10, x11
1:      isb
        mrs     x11, cntpct_el0
        cmp     x11, x10
        b.lo    1b
        adr     x10, written
        mov     x12, #UART & 0xffff0000
2:      ldrb    w11, [x10], #1
        cbz     w11, 3f
        str     w11, [x12]
        b       2b
3:      mov     x0, #0
        ret
written:
        .asciz  "firmware has written\r\n"
        .balign 4
get_variable:
        mov     x10, #0x40000000         // what is not its own, though it is RAM
        ldr     x10, [x10]
        mov     x0, #0
        ret
        .ltorg
        .org    0x3000
