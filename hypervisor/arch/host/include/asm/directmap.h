/* SPDX-License-Identifier: MIT */
/* The direct map of the tests' memory: ram.c. */
#ifndef ASM_DIRECTMAP_H
#define ASM_DIRECTMAP_H

#include <argon/types.h>

void *mfn_to_virt(mfn_t m);
mfn_t virt_to_mfn(const void *va);

#endif
