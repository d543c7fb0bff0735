/* SPDX-License-Identifier: MIT */
/*
 * TLB invalidation, all of it (Arm ARM D8.14): what changed is visible to walkers first (DSB ISHST), completion is waited for (DSB ISH)
 * and seen by this CPU (ISB). Stage 2 is named by its VTTBR_EL2, root and VMID; any domain's from any CPU, interrupts masked.
 */
#ifndef ASM_TLB_H
#define ASM_TLB_H

#include <argon/types.h>
#include <asm/insn.h>

/* Everything of the hypervisor's own stage 1, on all CPUs. */
void tlb_flush_el2(void);
/* [gpa, gpa + bytes) of a stage 2, and whatever was combined with it, on all CPUs; ~0 bytes: all of it. */
void tlb_flush_s2(u64 vttbr, u64 gpa, u64 bytes);

/* As tlb_flush_s2(), of the page at gfn `frame`; mostly the running guest's own. */
static always_inline void tlb_flush_s2_page(u64 vttbr, u64 frame)
{
    if (unlikely(sysreg_read(vttbr_el2) != vttbr)) {
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

#endif
