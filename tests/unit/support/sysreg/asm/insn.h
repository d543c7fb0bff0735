/* SPDX-License-Identifier: MIT */
/*
 * System instructions under unit tests: recorded in order, with a file of registers behind them (sysreg.h). In place of
 * arch/arm's <asm/insn.h>, of which this has every name.
 */
#ifndef ASM_INSN_H
#define ASM_INSN_H

#include <argon/types.h>

u64 insn_mrs(const char *reg);
u64 insn_stable(const char *reg);        /* TPIDR_EL2: the struct pcpu that this thread plays */
void insn_msr(const char *reg, u64 value);
void insn_other(const char *text, u64 arg);
void insn_smc(u64 x[4]);

#define sysreg_read(r)     insn_mrs(#r)
#define sysreg_read_stable(r) insn_stable(#r)
#define sysreg_write(r, v) insn_msr(#r, (v))

#define dsb(scope)         insn_other("dsb " #scope, 0)
#define dmb(scope)         insn_other("dmb " #scope, 0)
#define isb()              insn_other("isb", 0)
#define esb()              insn_other("esb", 0)
#define psb_csync()        insn_other("psb csync", 0)
#define tsb_csync()        insn_other("tsb csync", 0)

#define tlbi(op)           insn_other("tlbi " #op, 0)
#define tlbi_arg(op, x)    insn_other("tlbi " #op, (u64)(x))
#define at_result(op, va, par) (insn_other("at " #op, (u64)(va)), isb(), (void)((par) = sysreg_read(par_el1)))
#define ic(op)             insn_other("ic " #op, 0)

#define wfi()              insn_other("wfi", 0)
#define yield_hint()       ((void)0)
#define daif_mask()        insn_other("msr daifset", 0xf)

/* Sixteen blocks are one record of the first. */
#define dc_step(op, a, step)    (insn_other("dc " #op, (a)), (void)((a) += (step)))
#define dc_step_16(op, a, step) (insn_other("dc " #op, (a)), (void)((a) += 16 * (step)))
#define dc_zero_clean_32(a, step) (insn_other("dc zva", (a)), insn_other("dc cvac", (a)), (void)((a) += 32 * (step)))

static inline u64 arch_index_nospec(u64 i, u64 n) { insn_other("csdb", n); return i < n ? i : 0; }

static inline void smc_call(u64 x[4]) { insn_smc(x); }

#endif
