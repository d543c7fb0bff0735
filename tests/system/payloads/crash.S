// SPDX-License-Identifier: MIT
// Tells the hypervisor that it has crashed.
#include "header.inc"

payload:
        adr     x0, text
        bl      print
        adr     x1, reason
        mov     x0, #SCHEDOP_SHUTDOWN
        mov     x16, #HYPERCALL_SCHED
        hvc     #0xea1
1:      wfi
        b       1b

        .balign 4
reason: .word   3                       // SHUTDOWN_crash
text:   .asciz  "payload: crash\r\n"
image_end:
