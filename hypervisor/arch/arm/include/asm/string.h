/* SPDX-License-Identifier: MIT */
/*
 * Unaligned loads, which the compiler is told not to make (-mstrict-align): allowed from Normal memory (Arm ARM B2.5.2,
 * SCTLR_EL2.A is clear), and all C code runs with the MMU on.
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

/* Returns where the next are: the address moves on in the last load. */
static always_inline const u8 *load_8_words(const u8 *s, u64 w[8])
{
    __asm__ volatile("ldp %2, %3, [%8, #16]\n\tldp %4, %5, [%8, #32]\n\tldp %6, %7, [%8, #48]\n\tldp %0, %1, [%8], #64"
                     : "=&r"(w[0]), "=&r"(w[1]), "=&r"(w[2]), "=&r"(w[3]), "=&r"(w[4]), "=&r"(w[5]), "=&r"(w[6]),
                       "=&r"(w[7]), "+r"(s) : : "memory");
    return s;
}

#endif
