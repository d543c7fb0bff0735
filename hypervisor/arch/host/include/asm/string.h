/* SPDX-License-Identifier: MIT */
/* Unaligned loads. */
#ifndef ASM_STRING_H
#define ASM_STRING_H

#include <argon/types.h>

static inline u64 load_unaligned(const u8 *s)
{
    u64 a;

    __builtin_memcpy(&a, s, sizeof(a));
    return a;
}

static inline void load_pair_unaligned(const u8 *s, u64 *a, u64 *b)
{
    *a = load_unaligned(s);
    *b = load_unaligned(s + sizeof(*a));
}

#endif
