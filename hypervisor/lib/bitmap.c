/* SPDX-License-Identifier: MIT */
#include <argon/bitmap.h>

/* Mask of the bits of word `w` that are below nbits. */
static u64 valid_mask(size_t nbits, size_t w)
{
    size_t left = nbits - w * 64;

    return left >= 64 ? ~0UL : BIT(left) - 1;
}

/* Search in the words, each inverted by `flip`. */
static size_t find_next(const u64 *map, size_t nbits, size_t from, u64 flip)
{
    u64 skip = ~0UL << (from % 64);

    if (from >= nbits) {
        return nbits;
    }
    for (size_t w = from / 64; w < BITMAP_WORDS(nbits); w++) {
        u64 v = (map[w] ^ flip) & skip & valid_mask(nbits, w);

        if (v != 0) {
            return w * 64 + (size_t)__builtin_ctzl(v);
        }
        skip = ~0UL;
    }
    return nbits;
}

size_t bitmap_next_set(const u64 *map, size_t nbits, size_t from)
{
    return find_next(map, nbits, from, 0);
}

size_t bitmap_next_clear(const u64 *map, size_t nbits, size_t from)
{
    return find_next(map, nbits, from, ~0UL);
}
