/* SPDX-License-Identifier: MIT */
/*
 * A question about errata is one NOP in the code where none of them is active. Where one is, boot writes a branch over it
 * (arch/arm/arm64/errata_site.c).
 */
#ifndef ASM_ERRATA_SITE_H
#define ASM_ERRATA_SITE_H

#include <argon/types.h>

/* Each in .errata.sites, addresses relative to the member's own. */
struct errata_site {
    s32 code;                    /* the NOP */
    s32 active;                  /* where it goes on if one of `set` is active */
    u32 set;                     /* bit per enum erratum */
};

/* set: constant. */
static always_inline bool errata_any(u32 set)
{
    __asm__ goto("1: nop\n\t"
                 ".pushsection .errata.sites, \"a\"\n\t"
                 ".balign 4\n\t"
                 ".long 1b - ., %l[active] - ., %c0\n\t"
                 ".popsection" : : "i"(set) : : active);
    return false;
active:
    return true;
}

/* Boot: every site as errata_word says. */
void errata_patch_sites(void);

#endif
