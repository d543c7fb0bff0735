// SPDX-License-Identifier: MIT
// Says that it runs, then sleeps for ever.
#include "header.inc"

payload:
        adr     x0, text
        bl      print
1:      wfi
        b       1b

text:   .asciz  "payload: idle\r\n"
image_end:
