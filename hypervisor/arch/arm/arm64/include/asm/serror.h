/* SPDX-License-Identifier: MIT */
/* Asynchronous aborts (SErrors) that arrive while the hypervisor runs: masked there, they wait, and belong to who ran before. */
#ifndef ASM_SERROR_H
#define ASM_SERROR_H

#include <asm/insn.h>

#define ISR_A  BIT(8)            /* ISR_EL1: an SError waits */
#define DISR_A BIT(31)           /* DISR_EL1: ESB has deferred one */

extern bool cpu_has_ras;         /* FEAT_RAS: constant after boot */
void serror_boot_init(void);

/*
 * Has what this CPU did until now caused one? All of it is complete at the DSB: accesses, and maintenance, which only a DSB of the CPU that
 * began it completes. Then with FEAT_RAS ESB makes it known and defers it (D1.3.5, RAS 3.4); else ISR_EL1 is looked at. ras: cpu_has_ras.
 */
static always_inline bool serror_waits(bool ras)
{
    dsb(sy);
    if (ras) {
        esb();
        return (sysreg_read(s3_0_c12_c1_1) & DISR_A) != 0;
    }
    isb();
    return (sysreg_read(isr_el1) & ISR_A) != 0;
}

/* It waits: take it, so that nobody else does. Its syndrome, as in ESR_EL2. HCR_EL2.AMO is set. May change EL1 registers. */
u64 serror_take(void);
/*
 * One waits, of a time when this CPU was idle: whoever ran before had left and was looked at, so it is nobody's that could be told. It
 * would end the wait for ever, or be taken for the next vCPU's. Said, and taken.
 */
void serror_while_idle(void);
/* entry.S: lets one in. Its ESR_EL2; 0: there was none. */
u64 serror_unmask(void);
/* entry.S: the load of arch_probe_read32(). -EIO: it has been aborted by a synchronous exception. No guest has run. */
int probe_load(volatile void *va, u32 *value);

#endif
