/* SPDX-License-Identifier: MIT */
/*
 * Bitmaps in arrays of 64-bit words, bit 0 lowest in word 0. Not atomic (atomic.h has those): callers lock. Searches
 * end at nbits whatever the bits above it in the last word hold, and return nbits when nothing is found.
 */
#ifndef ARGON_BITMAP_H
#define ARGON_BITMAP_H

#include <argon/types.h>

#define BITMAP_WORDS(nbits) DIV_ROUND_UP((size_t)(nbits), 64)
#define BITMAP_BYTES(nbits) (BITMAP_WORDS(nbits) * sizeof(u64))

static inline bool bitmap_test(const u64 *map, size_t bit)
{
    return map[bit / 64] >> (bit % 64) & 1;
}

static inline void bitmap_set(u64 *map, size_t bit)
{
    map[bit / 64] |= BIT(bit % 64);
}

static inline void bitmap_clear(u64 *map, size_t bit)
{
    map[bit / 64] &= ~BIT(bit % 64);
}

/* First set (clear) bit at or after `from`; nbits if there is none. */
size_t bitmap_next_set(const u64 *map, size_t nbits, size_t from);
size_t bitmap_next_clear(const u64 *map, size_t nbits, size_t from);
/* Number of bits set among the first nbits. */
size_t bitmap_weight(const u64 *map, size_t nbits);

static inline bool bitmap_is_empty(const u64 *map, size_t nbits)
{
    return bitmap_next_set(map, nbits, 0) == nbits;
}

#define bitmap_for_each_set(bit, map, nbits) \
    for (size_t bit = bitmap_next_set(map, nbits, 0); bit < (nbits); bit = bitmap_next_set(map, nbits, bit + 1))

#endif
