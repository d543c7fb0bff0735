/* SPDX-License-Identifier: MIT */
/* Branches in place of NOPs, where an erratum is active (asm/errata_site.h). */
#include <argon/panic.h>
#include <asm/errata.h>
#include <asm/insn.h>
#include <asm/mmu.h>

#define INSN_NOP 0xd503201fu
#define INSN_B(distance) (0x14000000u | ((u32)((distance) >> 2) & 0x3ffffffu))

extern const struct errata_site errata_sites_start[], errata_sites_end[];

/*
 * NOP and B may be replaced by one another while other CPUs execute them (Arm ARM B2.2.5): each has the one or the other. Code is
 * never writable where it runs; for this there is a second view for a moment. Those that have a stale NOP lose it by the ISB with which
 * they read the time when they begin to run a vCPU; no guest runs before.
 */
boot_code void errata_patch_sites(void)
{
    u64 size = (u64)(boot_text_end - image_start);
    char *view = mmu_window(image_pa, size, MMU_RW);

    ASSERT_ALWAYS(view != NULL);
    for (const struct errata_site *s = errata_sites_start; s < errata_sites_end; s++) {
        const char *code = (const char *)&s->code + s->code, *active = (const char *)&s->active + s->active;
        u32 *word = (u32 *)(uintptr_t)(view + (code - image_start));
        u64 at = (u64)(uintptr_t)word;

        if (!(errata_word & s->set) || *word != INSN_NOP) {
            continue;
        }
        *word = INSN_B(active - code);
        dc_step(civac, at, 64UL);        /* to the point of unification at least; CIVAC for A53 819472 and its like */
    }
    dsb(ish);
    ic(ialluis);                         /* B2.4.4: to instructions of all CPUs */
    dsb(ish);
    isb();
    mmu_window_close(view, size);
}
