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
        at_result(s12e1w, gva, par);
    } else {
        at_result(s12e1r, gva, par);
    }
    sysreg_write(par_el1, saved);
    return par;
}

/* The guest's stage 1 alone: to a guest-physical address. */
static inline u64 guest_translate_stage1(u64 gva)
{
    u64 saved = sysreg_read(par_el1);
    u64 par;

    at_result(s1e1r, gva, par);
    sysreg_write(par_el1, saved);
    return par;
}

static always_inline u64 translated_mfn(u64 par)
{
    return par >> PAGE_SHIFT & GENMASK(35, 0);
}

/* Where gva is in the direct map, if that has its frame. */
static always_inline void *translated_va(u64 mfn, u64 gva)
{
    return (void *)((mfn | HYP_DIRECTMAP_VA >> PAGE_SHIFT) << PAGE_SHIFT | (gva & ~PAGE_MASK));
}

/*
 * The word at gva, if it can be had in one go: an aligned address that the CPU translates at once, to a page of the guest's own. False:
 * copy_from_guest() decides; d's vCPU is current. Without a reference: page_load_u32().
 */
must_check static always_inline bool fetch_u32_at_once(struct domain *d, u64 gva, u32 *value)
{
    u64 par = guest_translate(gva, false);
    u64 m = translated_mfn(par);
    u64 i = m - mem_hot_range.first, nr = mem_hot_range.nr;

    return likely(!(par & PAR_F) && !(gva & 3) && i < nr) &&
           page_load_u32(&mem_hot_range.page[i], PAGE_WORD_ID(d->id, PAGE_GUEST), translated_va(m, gva), value);
}

#endif
