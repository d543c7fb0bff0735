/* SPDX-License-Identifier: MIT */
/*
 * For tests that are linked with the stage 2 of arch/arm in place of the fake one, most of them a second time:
 * test_X_arm.c includes this, then test_X.c. Needs "unit-arch: arm" and
 *   unit-sources: arch/arm/p2m.c arch/arm/p2m_lookup.c arch/arm/pgtable.c arch/arm/arm64/tlb.c arch/arm/guest_access.c
 */
#ifndef REAL_P2M_H
#define REAL_P2M_H

#define UNIT_REAL_P2M 1
#include "sysreg.h"
#include <argon/machine.h>
#include <argon/pgtable.h>
#include <asm/p2m.h>

/* Long tests overflow the record. */
static u32 real_p2m_insns;

/* AT S12E1R, S12E1W with the guest's own translation off: its stage 2 as it is in memory (PAR_EL1: D17.2.113). */
static u64 translate(u64 gva, bool write)
{
    const struct pgtable *t = &current_vcpu()->domain->arch.p2m;
    unsigned int level;
    u64 pte = t->root != NULL ? pgt_lookup(t, gva, &level) : 0;

    if (!(pte & PTE_S2_READ) || (write && !(pte & PTE_S2_WRITE))) {
        return 1;
    }
    return (pte & PTE_ADDR_MASK) | (gva & (BIT(pgt_level_shift(level)) - 1) & PAGE_MASK) | 0xffUL << 56;
}

static void real_p2m_hook(const struct insn *i)
{
    if (strncmp(i->text, "at s12e1", 8) == 0) {
        reg_set("par_el1", translate(i->value, i->text[8] == 'w'));
    }
    /* Of translations: what the fake counts too. */
    host_p2m_flushes += strcmp(i->text, "tlbi vmalle1is") == 0 || strcmp(i->text, "tlbi vmalls12e1is") == 0;
    if (++real_p2m_insns % 8192 == 0) {
        insn_forget();
    }
}

/* A CPU with 40 bits of physical address, on which a stage 2 has two tables as its root. */
void unit_arch_init(void)
{
    /* Tables are found in the direct map, which is at 0 here. */
    assert_int_equal((u64)(uintptr_t)mfn_to_virt(mfn(UNIT_RAM_FIRST)), UNIT_RAM_FIRST << PAGE_SHIFT);
    insn_reset();
    insn_hook = real_p2m_hook;
    real_p2m_insns = 0;
    reg_set("id_aa64mmfr0_el1", 2);
    machine.top = (UNIT_RAM_FIRST + UNIT_RAM_PAGES) << PAGE_SHIFT;
    p2m_boot_init();
}

#endif
