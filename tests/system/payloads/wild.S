// SPDX-License-Identifier: MIT
// Reads and writes, at every size, addresses where nothing is or where the interrupt controller ends, calls
// hypercalls that do not exist or with pointers to nowhere, and says so when it is through.
#include "header.inc"

payload:
        adr     x19, addresses
1:      ldr     x20, [x19], #8
        cmn     x20, #1
        b.eq    2f
        ldrb    w0, [x20]
        ldrh    w0, [x20]
        ldr     w0, [x20]
        ldr     x0, [x20]
        strb    wzr, [x20]
        strh    wzr, [x20]
        str     wzr, [x20]
        str     xzr, [x20]
        ldp     x0, x1, [x20]
        stp     xzr, xzr, [x20]
        ldr     x0, [x20, #1]
        ldr     w0, [x20], #4
        b       1b
2:      mov     x19, #0
        // Every hypercall number, first with pointers to nowhere, then with all bits set. Not sched_op with
        // arguments that mean something: 0x1000 is no operation.
3:      mov     x0, #0x1000
        movz    x1, #0xdead, lsl #32
        mov     x2, x1
        mov     x3, x1
        mov     x4, x1
        mov     x16, x19
        hvc     #0xea1
        mov     x0, #-1
        mov     x1, #-1
        mov     x2, #-1
        mov     x3, #-1
        mov     x4, #-1
        mov     x16, x19
        hvc     #0xea1
        add     x19, x19, #1
        cmp     x19, #80
        b.ne    3b
        // Other immediates are undefined instructions; unknown function identifiers return -1.
        hvc     #0x123
        smc     #0x123
        movz    w0, #0x8400, lsl #16
        movk    w0, #0xffff
        hvc     #0
        adr     x0, through
        cmp     x28, #10
        b.hi    4f
        adr     x0, nofault
4:      bl      print
5:      wfi
        b       5b

        .balign 8
addresses:
        .quad   0, 0x1000, 0x02000000, 0x03000ff8, 0x0300fff8, 0x03010000, 0x0301fff8
        .quad   0x10000000, 0x21fffff8, 0x30000000, 0x37fffff8, 0x3a000000
        .quad   0x7ffffff8, 0x100000000, 0x7ffffffff8, 0x8000000000, 0xfffffffff8, 0xfffffffffff8
        .quad   0x8000000000000000, -1
through: .asciz "payload: wild is through\r\n"
nofault: .asciz "payload: wild saw no fault\r\n"
image_end:
