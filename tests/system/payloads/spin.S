// SPDX-License-Identifier: MIT
// Says that it runs, then keeps its CPU busy for ever with interrupts off.
#include "header.inc"

payload:
        adr     x0, text
        bl      print
        msr     daifset, #15
1:      b       1b

text:   .asciz  "payload: spin\r\n"
image_end:
