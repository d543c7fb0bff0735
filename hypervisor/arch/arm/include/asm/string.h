/* SPDX-License-Identifier: MIT */
/*
 * Unaligned loads, which the compiler is told not to make (-mstrict-align): allowed from Normal memory (Arm ARM B2.5.2, SCTLR_EL2.A
 * is clear), and all C code runs with the MMU on.
 */
#ifndef ASM_STRING_H
#define ASM_STRING_H

#include <argon/types.h>

static always_inline u64 load_unaligned(const u8 *s)
{
    u64 a;

    __asm__ volatile("ldr %0, [%1]" : "=r"(a) : "r"(s) : "memory");
    return a;
}

static always_inline void load_pair_unaligned(const u8 *s, u64 *a, u64 *b)
{
    __asm__ volatile("ldp %0, %1, [%2]" : "=&r"(*a), "=r"(*b) : "r"(s) : "memory");
}

#endif
