/* SPDX-License-Identifier: MIT */
/* Translation of the current vCPU's addresses by the CPU (AT: Arm ARM C5.5). */
#ifndef ASM_TRANSLATE_H
#define ASM_TRANSLATE_H

#include <argon/types.h>
#include <asm/insn.h>

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

#endif
