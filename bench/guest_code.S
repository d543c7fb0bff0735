/* SPDX-License-Identifier: MIT */
/*
 * Runs in a domain of its own, MMU off. x0: its shared info page, x1: page of this code, with at 0x800 a word to set
 * at the start and at 0x808 the port to answer on. Answers each event, sleeping in between.
 */
    .globl  guest_code
    .balign 8
guest_code:
    mov     x19, x0
    mov     x20, x1
    mov     w2, #1
    str     w2, [x20, #0x800]
1:  ldrb    w3, [x19]                   /* evtchn_upcall_pending of vCPU 0 */
    cbnz    w3, 2f
    wfi
    b       1b
2:  strb    wzr, [x19]
    str     xzr, [x19, #8]              /* evtchn_pending_sel */
    str     xzr, [x19, #48]             /* evtchn_pending, ports 0..63 */
    mov     x16, #32
    mov     x0, #4                      /* EVTCHNOP_send */
    add     x1, x20, #0x808
    hvc     #0xea1
    b       1b
    .balign 8
    .globl  guest_code_end
guest_code_end:
