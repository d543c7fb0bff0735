/* SPDX-License-Identifier: MIT */
/* TLB invalidation: contract in asm/tlb.h. */
#include <asm/tlb.h>

/* Above this many pages one invalidation of the whole VMID is cheaper than a loop. */
#define FLUSH_PAGES_MAX 32

void tlb_flush_el2(void)
{
    dsb(ishst);
    tlbi(alle2is);
    dsb(ish);
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

void tlb_flush_s2(u64 vttbr, u64 gpa, u64 bytes)
{
    u64 old = sysreg_read(vttbr_el2);

    if (old != vttbr) {
        sysreg_write(vttbr_el2, vttbr);
        isb();
    }
    flush_current(gpa, bytes);
    if (old != vttbr) {
        sysreg_write(vttbr_el2, old);
        isb();
    }
}
