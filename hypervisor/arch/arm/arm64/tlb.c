/* SPDX-License-Identifier: MIT */
/* TLB invalidation: contract in asm/tlb.h. */
#include <asm/tlb.h>

/* Above this many pages one invalidation of the whole VMID is cheaper than a loop. */
#define FLUSH_PAGES_MAX 32

/*
 * Twice on any CPU: ERRATUM_REPEAT_TLBI is not known yet where boot reads firmware's tables through windows whose addresses are used again,
 * and it happens too seldom to matter later.
 */
void tlb_flush_el2(void)
{
    dsb(ishst);
    tlbi(alle2is);
    dsb(ish);
    tlbi(alle2is);
    dsb(ish);
    isb();
}

void tlb_flush_el2_here(void)
{
    tlbi(alle2);
    dsb(nsh);
    if (errata_active(ERRATUM_REPEAT_TLBI)) {
        tlbi(alle2);
        dsb(nsh);
    }
    isb();
}

/*
 * First the IPA entries, then, after these have completed, all stage-1 entries of the VMID, which may hold the old translation
 * (D8.14.5).
 */
static void flush_current(u64 gpa, u64 bytes)
{
    dsb(ishst);
    if (bytes <= FLUSH_PAGES_MAX * PAGE_SIZE) {
        for (u64 a = gpa; a < gpa + bytes; a += PAGE_SIZE) {
            tlbi_arg(ipas2e1is, a >> PAGE_SHIFT);
        }
        dsb(ish);
        tlbi(vmalle1is);
    } else {
        tlbi(vmalls12e1is);
    }
    dsb(ish);
    isb();
}

/* Once, where errata have it so twice: VTTBR_EL2 is the one whose entries go. */
static void flush_checked(u64 gpa, u64 bytes)
{
    flush_current(gpa, bytes);
    if (errata_active(ERRATUM_REPEAT_TLBI)) {
        flush_current(gpa, bytes);
    }
}

/*
 * The registers of this CPU's guest stay where they are while VTTBR_EL2 is another's: where errata walk by speculation, walks are stopped
 * as in arch_context_switch(), and the real TCR_EL1 is written last. Of a CPU that idles they are stopped already.
 */
static noinline void flush_of_another(u64 vttbr, u64 gpa, u64 bytes)
{
    bool hold = errata_active(ERRATUM_SPECULATIVE_AT);
    u64 old = sysreg_read(vttbr_el2), tcr = sysreg_read(tcr_el1), sctlr = sysreg_read(sctlr_el1);

    if (hold) {
        walks_stop(sctlr, tcr);
    }
    sysreg_write(vttbr_el2, vttbr);
    isb();
    flush_checked(gpa, bytes);
    sysreg_write(vttbr_el2, old);
    isb();
    if (hold) {
        walks_resume(sctlr, tcr);
        isb();
    }
}

void tlb_flush_s2(u64 vttbr, u64 gpa, u64 bytes)
{
    if (sysreg_read(vttbr_el2) == vttbr) {
        flush_checked(gpa, bytes);
    } else {
        flush_of_another(vttbr, gpa, bytes);
    }
}
