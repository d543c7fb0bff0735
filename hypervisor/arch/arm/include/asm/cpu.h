/* SPDX-License-Identifier: MIT */
/* Instructions that core needs by name. Arm ARM (DDI 0487) C6 and B2.3 for the barriers. */
#ifndef ASM_CPU_H
#define ASM_CPU_H

#include <argon/types.h>
#include <asm/errata.h>
#include <asm/insn.h>

static always_inline void cpu_relax(void) { yield_hint(); }
/* Order all memory accesses before against all after, among CPUs. */
static always_inline void cpu_barrier(void) { dmb(ish); }

/* Stores to translation tables are seen by table walkers of all CPUs before what follows (Arm ARM B2.3.12, D8.2.6). */
static always_inline void cpu_table_barrier(void) { dsb(ishst); }

/* Is a host interrupt or SError waiting for this CPU? (ISR_EL1, masked or not.) */
static always_inline bool arch_irq_waiting(void) { return sysreg_read(isr_el1) != 0; }

u64 counter_read_carefully(void);        /* arch/arm/arm64/counter.c */

static always_inline u64 arch_counter(void)
{
    isb();                               /* not read early by speculation (D11.2.2) */
    return errata_any(COUNTER_ERRATA) ? counter_read_carefully() : sysreg_read(cntpct_el0);
}

/* What the counter counts in a second, as firmware has set it. */
static always_inline u64 arch_counter_hz(void)
{
    return sysreg_read(cntfrq_el0);
}

/* The EL2 physical timer (Arm ARM D11.2.4). */
static always_inline void arch_timer_program(u64 ticks)
{
    if (ticks == UINT64_MAX) {
        sysreg_write(cnthp_ctl_el2, 0);
    } else {
        sysreg_write(cnthp_cval_el2, ticks);
        sysreg_write(cnthp_ctl_el2, 1);
    }
    isb();                               /* the line follows before interrupts are looked at again */
}

#endif
