/* SPDX-License-Identifier: MIT */
/*
 * Unaligned accesses, which the compiler is told not to make (-mstrict-align): allowed to Normal memory (Arm ARM B2.5.2,
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

static always_inline void store_unaligned(u8 *d, u64 a)
{
    __asm__ volatile("str %0, [%1]" : : "r"(a), "r"(d) : "memory");
}

/* Returns where the next are: the address moves on in the last load. */
static always_inline const u8 *load_8_words(const u8 *s, u64 w[8])
{
    __asm__ volatile("ldp %2, %3, [%8, #16]\n\tldp %4, %5, [%8, #32]\n\tldp %6, %7, [%8, #48]\n\tldp %0, %1, [%8], #64"
                     : "=&r"(w[0]), "=&r"(w[1]), "=&r"(w[2]), "=&r"(w[3]), "=&r"(w[4]), "=&r"(w[5]), "=&r"(w[6]),
                       "=&r"(w[7]), "+r"(s) : : "memory");
    return s;
}

/*
 * For arguments of hypercalls, mostly a few words, that need not be aligned. By hand, for the compiler's loop costs three times as
 * much for so little. Each byte of `from`, which a guest may be writing to, is loaded once.
 */
static always_inline void copy_short(void *to, const void *from, size_t n)
{
    u64 pairs = n >> 4, x, y;

    if (n & 8) {
        __asm__ volatile("ldr %0, [%1], #8\n\tstr %0, [%2], #8" : "=&r"(x), "+r"(from), "+r"(to) : : "memory");
    }
    if (likely(pairs != 0)) {
        __asm__ volatile("1:\tldp %0, %1, [%2], #16\n\tstp %0, %1, [%3], #16\n\tsub %4, %4, #1\n\tcbnz %4, 1b"
                         : "=&r"(x), "=&r"(y), "+r"(from), "+r"(to), "+r"(pairs) : : "memory");
    }
    if (unlikely(n & 7)) {
        if (n & 4) {
            __asm__ volatile("ldr %w0, [%1], #4\n\tstr %w0, [%2], #4" : "=&r"(x), "+r"(from), "+r"(to) : : "memory");
        }
        if (n & 2) {
            __asm__ volatile("ldrh %w0, [%1], #2\n\tstrh %w0, [%2], #2" : "=&r"(x), "+r"(from), "+r"(to) : : "memory");
        }
        if (n & 1) {
            __asm__ volatile("ldrb %w0, [%1]\n\tstrb %w0, [%2]" : "=&r"(x) : "r"(from), "r"(to) : "memory");
        }
    }
}

#endif
