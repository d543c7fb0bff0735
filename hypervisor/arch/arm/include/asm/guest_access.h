/* SPDX-License-Identifier: MIT */
/* Translation of the current vCPU's addresses by the CPU, and the shortest of all copies: see arch/arm/guest_access.c. */
#ifndef ASM_GUEST_ACCESS_H
#define ASM_GUEST_ACCESS_H

#include <argon/domain.h>
#include <argon/mem.h>
#include <argon/vcpu.h>
#include <asm/cpu.h>
#include <asm/layout.h>

#define PAR_F BIT(0)             /* PAR_EL1: translation failed */

static always_inline u64 guest_translate(u64 gva, bool write)
{
    u64 saved = sysreg_read(par_el1);    /* the guest may be between its own AT and MRS */
    u64 par;

    if (write) {
        at_va(s12e1w, gva);
    } else {
        at_va(s12e1r, gva);
    }
    isb();
    par = sysreg_read(par_el1);
    sysreg_write(par_el1, saved);
    return par;
}

/*
 * The word at gva, if it can be had in one go: an aligned address that the CPU translates at once, to a page of the guest's own. False:
 * copy_from_guest() decides; v is current. Without a reference: page_load_u32().
 */
must_check static always_inline bool fetch_u32_at_once(struct vcpu *v, u64 gva, u32 *value)
{
    u64 par = guest_translate(gva, false);
    u64 pa = par & GENMASK(47, 12);
    u64 i = (pa >> PAGE_SHIFT) - mem_hot_range.first;

    if (likely(!(par & PAR_F) && !(gva & 3) && i < mem_hot_range.nr)) {
        u64 w;

        return page_load_u32(&mem_hot_range.page[i], (const u32 *)(pa | HYP_DIRECTMAP_VA | (gva & ~PAGE_MASK)), value, &w) &&
               page_word_is_of(w, PAGE_WORD_ID(v->domain->id, PAGE_GUEST));
    }
    return false;
}

#endif
