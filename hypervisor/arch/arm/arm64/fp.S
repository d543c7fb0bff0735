/* SPDX-License-Identifier: MIT */
/* FP/SIMD register file: struct fp_state is FPCR, FPSR, then v0..v31: all in reach of one base. CPTR_EL2.TFP is clear. */
        .arch_extension fp
        .arch_extension simd

        .macro  fp_pairs op
        \op     q0, q1, [x0, #16]
        \op     q2, q3, [x0, #48]
        \op     q4, q5, [x0, #80]
        \op     q6, q7, [x0, #112]
        \op     q8, q9, [x0, #144]
        \op     q10, q11, [x0, #176]
        \op     q12, q13, [x0, #208]
        \op     q14, q15, [x0, #240]
        \op     q16, q17, [x0, #272]
        \op     q18, q19, [x0, #304]
        \op     q20, q21, [x0, #336]
        \op     q22, q23, [x0, #368]
        \op     q24, q25, [x0, #400]
        \op     q26, q27, [x0, #432]
        \op     q28, q29, [x0, #464]
        \op     q30, q31, [x0, #496]
        .endm

        .text
        .global fp_save
fp_save:
        fp_pairs stp
        mrs     x1, fpcr
        mrs     x2, fpsr
        stp     w1, w2, [x0]
        ret

        .global fp_restore
fp_restore:
        fp_pairs ldp
        ldp     w1, w2, [x0]
        msr     fpcr, x1
        msr     fpsr, x2
        ret
