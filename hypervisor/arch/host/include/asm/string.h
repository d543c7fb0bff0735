/* SPDX-License-Identifier: MIT */
/* Unaligned accesses. */
#ifndef ASM_STRING_H
#define ASM_STRING_H

#include <argon/types.h>

static inline u64 load_unaligned(const u8 *s)
{
    u64 a;

    __builtin_memcpy(&a, s, sizeof(a));
    return a;
}

static inline void store_unaligned(u8 *d, u64 a)
{
    __builtin_memcpy(d, &a, sizeof(a));
}

/* Returns where the next are. */
static inline const u8 *load_8_words(const u8 *s, u64 w[8])
{
    __builtin_memcpy(w, s, 8 * sizeof(*w));
    return s + 8 * sizeof(*w);
}

static inline void copy_short(void *to, const void *from, size_t n)
{
    __builtin_memcpy(to, from, n);
}

#endif
