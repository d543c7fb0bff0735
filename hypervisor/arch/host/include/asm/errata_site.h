/* SPDX-License-Identifier: MIT */
/* Unit tests ask the word itself: nothing is patched. */
#ifndef ASM_ERRATA_SITE_H
#define ASM_ERRATA_SITE_H

#include <argon/types.h>

extern u32 errata_word;

static inline bool errata_any(u32 set)
{
    return (errata_word & set) != 0;
}

void errata_patch_sites(void);

#endif
