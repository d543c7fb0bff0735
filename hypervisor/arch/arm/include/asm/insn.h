/* SPDX-License-Identifier: MIT */
/*
 * System instructions, each by its own name: registers, barriers, TLB and cache maintenance, address translation. No C file has one of
 * these as assembly, so that unit tests can have them recorded instead, in order (tests/unit/support/sysreg/asm/insn.h).
 */
#ifndef ASM_INSN_H
#define ASM_INSN_H

#include <argon/types.h>

#define sysreg_read(r) ({ u64 sysreg_val; __asm__ volatile("mrs %0, " #r : "=r"(sysreg_val)); sysreg_val; })
#define sysreg_write(r, v) ({ u64 sysreg_new = (v); __asm__ volatile("msr " #r ", %0" : : "r"(sysreg_new) : "memory"); })

#define dsb(scope) __asm__ volatile("dsb " #scope : : : "memory")
#define dmb(scope) __asm__ volatile("dmb " #scope : : : "memory")
#define isb()      __asm__ volatile("isb" : : : "memory")
/* Error synchronization barrier: HINT #16, a NOP without FEAT_RAS. */
#define esb()      __asm__ volatile("hint #16" : : : "memory")

#define tlbi(op)        __asm__ volatile("tlbi " #op : : : "memory")
#define tlbi_arg(op, x) __asm__ volatile("tlbi " #op ", %0" : : "r"((u64)(x)) : "memory")
#define at_va(op, va)   __asm__ volatile("at " #op ", %0" : : "r"((u64)(va)))
#define ic(op)          __asm__ volatile("ic " #op : : : "memory")

#define wfi()           __asm__ volatile("wfi" : : : "memory")
#define yield_hint()    __asm__ volatile("yield" : : : "memory")
#define daif_mask()     __asm__ volatile("msr daifset, #0xf" : : : "memory")

/* One operation on the block at address a; its increment by `step` makes the next. */
#define INSN_STEP(op)     op ", %0\n\tadd %0, %0, %1\n\t"
#define INSN_STEP_4(op)   INSN_STEP(op) INSN_STEP(op) INSN_STEP(op) INSN_STEP(op)
#define INSN_STEP_16(op)  INSN_STEP_4(op) INSN_STEP_4(op) INSN_STEP_4(op) INSN_STEP_4(op)
/* DC `op` at `a`, one block or sixteen; a (u64) moves past them. */
#define dc_step(op, a, step)    __asm__ volatile(INSN_STEP("dc " #op) : "+r"(a) : "r"(step) : "memory")
#define dc_step_16(op, a, step) __asm__ volatile(INSN_STEP_16("dc " #op) : "+r"(a) : "r"(step) : "memory")

#define INSN_ZC           "dc zva, %0\n\tdc cvac, %0\n\tadd %0, %0, %1\n\t"
#define INSN_ZC_4         INSN_ZC INSN_ZC INSN_ZC INSN_ZC
#define INSN_ZC_16        INSN_ZC_4 INSN_ZC_4 INSN_ZC_4 INSN_ZC_4
/* DC ZVA and DC CVAC on each of 32 blocks. */
#define dc_zero_clean_32(a, step) __asm__ volatile(INSN_ZC_16 INSN_ZC_16 : "+r"(a) : "r"(step) : "memory")

/* SMC #0 with x0..x3 in and out. SMCCC 1.0 leaves x4..x17 undefined after the call (DEN0028 2.5). */
static inline void smc_call(u64 x[4])
{
    register u64 x0 __asm__("x0") = x[0];
    register u64 x1 __asm__("x1") = x[1];
    register u64 x2 __asm__("x2") = x[2];
    register u64 x3 __asm__("x3") = x[3];

    __asm__ volatile("smc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : :
                     "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory");
    x[0] = x0;
    x[1] = x1;
    x[2] = x2;
    x[3] = x3;
}

#endif
