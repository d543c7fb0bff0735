/* SPDX-License-Identifier: MIT */
#include <argon/bitmap.h>

/* Mask of the bits of word `w` that are below nbits. */
static u64 valid_mask(size_t nbits, size_t w)
{
    size_t left = nbits - w * 64;

    return left >= 64 ? UINT64_MAX : BIT(left) - 1;
}

/* Search in the words, each inverted by `flip`. */
static size_t find_next(const u64 *map, size_t nbits, size_t from, u64 flip)
{
    u64 skip = UINT64_MAX << (from % 64);

    if (from >= nbits) {
        return nbits;
    }
    for (size_t w = from / 64; w < BITMAP_WORDS(nbits); w++) {
        u64 v = (map[w] ^ flip) & skip & valid_mask(nbits, w);

        if (v != 0) {
            return w * 64 + (size_t)__builtin_ctzll(v);
        }
        skip = UINT64_MAX;
    }
    return nbits;
}

size_t bitmap_next_set(const u64 *map, size_t nbits, size_t from)
{
    return find_next(map, nbits, from, 0);
}

size_t bitmap_next_clear(const u64 *map, size_t nbits, size_t from)
{
    return find_next(map, nbits, from, UINT64_MAX);
}

/* Population count without the SIMD instruction that the builtin would use: sums of neighbouring fields. */
static unsigned int weight64(u64 v)
{
    v -= (v >> 1) & UINT64_C(0x5555555555555555);
    v = (v & UINT64_C(0x3333333333333333)) + ((v >> 2) & UINT64_C(0x3333333333333333));
    v = (v + (v >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (unsigned int)((v * UINT64_C(0x0101010101010101)) >> 56);
}

size_t bitmap_weight(const u64 *map, size_t nbits)
{
    size_t n = 0;

    for (size_t w = 0; w < BITMAP_WORDS(nbits); w++) {
        n += weight64(map[w] & valid_mask(nbits, w));
    }
    return n;
}
