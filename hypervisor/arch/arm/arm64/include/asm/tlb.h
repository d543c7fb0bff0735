/* SPDX-License-Identifier: MIT */
/*
 * TLB invalidation, all of it (Arm ARM D8.14): what changed is visible to walkers first (DSB ISHST), completion is waited for (DSB ISH)
 * and seen by this CPU (ISB). Stage 2 is named by its VTTBR_EL2, root and VMID; any domain's from any CPU, interrupts masked.
 */
#ifndef ASM_TLB_H
#define ASM_TLB_H

#include <argon/types.h>
#include <asm/errata.h>
#include <asm/hcr.h>
#include <asm/insn.h>

/* Everything of the hypervisor's own stage 1, on all CPUs. */
void tlb_flush_el2(void);
/* The same on this CPU alone, whose TTBR0_EL2 was changed; no table was. */
void tlb_flush_el2_here(void);
/* [gpa, gpa + bytes) of a stage 2, and whatever was combined with it, on all CPUs; ~0 bytes: all of it. */
void tlb_flush_s2(u64 vttbr, u64 gpa, u64 bytes);

/* As tlb_flush_s2(), of the page at gfn `frame`; mostly the running guest's own, on a CPU that does not need it twice. */
static always_inline void tlb_flush_s2_page(u64 vttbr, u64 frame)
{
    if (unlikely(sysreg_read(vttbr_el2) != vttbr) || errata_active(ERRATUM_REPEAT_TLBI)) {
        tlb_flush_s2(vttbr, frame << PAGE_SHIFT, PAGE_SIZE);
        return;
    }
    dsb(ishst);
    tlbi_arg(ipas2e1is, frame);
    dsb(ish);
    tlbi(vmalle1is);
    dsb(ish);
    isb();
}

/* Stage 1 of the VMID that VTTBR_EL2 has, and instructions fetched: on this CPU only. repeat: ERRATUM_REPEAT_TLBI. */
static always_inline void tlb_flush_guest_here(bool repeat)
{
    tlbi(vmalle1);
    if (unlikely(repeat)) {
        dsb(nsh);
        tlbi(vmalle1);
    }
    ic(iallu);
    dsb(nsh);
    isb();
}

/*
 * While EL1's registers are not those of one guest, no walk may use them: TTBR0_EL1 and TTBR1_EL1 are shut off, and stage 1 is on, so
 * that whatever AT or walk there is ends in a level 0 translation fault. The CPU may walk by speculation where errata have it so
 * (ERRATUM_SPECULATIVE_AT: 1319537, 1319367, 1530923, 1165522), for any other that is out of context and it may not (D8.2.8); so these two
 * are for those CPUs, and for all while they idle, when tables may be freed. sctlr, tcr: what the CPU holds.
 */
static always_inline void walks_stop(u64 sctlr, u64 tcr)
{
    sysreg_write(tcr_el1, tcr | TCR_EPD);
    isb();                               /* before SCTLR_EL1.M turns it on, and before all that follows */
    if (unlikely(!(sctlr & SCTLR_M))) {
        sysreg_write(sctlr_el1, sctlr | SCTLR_M);
        isb();
    }
}

/* All other registers are in place, and an ISB was after them. The caller's ISB is to follow. */
static always_inline void walks_resume(u64 sctlr, u64 tcr)
{
    if (unlikely(!(sctlr & SCTLR_M))) {
        sysreg_write(sctlr_el1, sctlr);
        isb();                           /* stage 1 is off before the tables that it does not use are let in */
    }
    sysreg_write(tcr_el1, tcr);
}

#endif
