/* SPDX-License-Identifier: MIT */
/* Register state of a guest: what the vectors save on every exit, and what moves only when the vCPU changes. */
#ifndef ASM_REGS_H
#define ASM_REGS_H

#include <argon/types.h>
#include <asm/insn.h>

/* Saved and restored by the vectors, which say when (entry.S): offsets are known to it through asm-offsets. */
struct cpu_regs {
    u64 x[31];
    u64 pc;                      /* ELR_EL2: here when the vCPU is not current, and in exit_work() */
    u64 pstate;                  /* SPSR_EL2: likewise */
    u64 esr;                     /* ESR_EL2: of a fault of the hypervisor only */
};

#define PSTATE_I BIT(7)          /* interrupts masked; the same bit in AArch32 */
/* Has v, current, interrupts masked? */
#define guest_irqs_masked(v) ((void)(v), (sysreg_read(spsr_el2) & PSTATE_I) != 0)

/* EL1 and EL0 state: moved by arch_context_switch() only. */
struct el1_state {
    u64 cntkctl;
    u64 sp_el0, sp_el1, elr_el1, spsr_el1;
    u64 sctlr, tcr, cpacr, ttbr0, ttbr1, mair, amair, vbar;
    u64 esr, far, afsr0, afsr1, par, contextidr;
    u64 tpidr_el0, tpidrro_el0, tpidr_el1, csselr;
    u64 dacr32, ifsr32, spsr_fiq, spsr_irq, spsr_und, spsr_abt;
};

/* fp.S knows the places. */
struct fp_state {
    u32 fpcr, fpsr;
    aligned_to(16) u8 v[32][16];
};
static_assert(offsetof(struct fp_state, v) == 16, "fp.S");

#endif
