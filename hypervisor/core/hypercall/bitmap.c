/* SPDX-License-Identifier: MIT */
/*
 * Bitmaps as the toolstack passes them: bytes, least significant bit first, which is the memory order of our
 * little-endian words.
 */
#include <argon/hypercall.h>

#include <argon/errno.h>
#include <argon/guest_access.h>
#include <argon/string.h>
#include <argon/xen.h>

static size_t map_bytes(const struct xenctl_bitmap *map)
{
    return map->nr_bits / 8 + (map->nr_bits % 8 != 0);
}

int bitmap_from_guest(u64 *words, u32 nr_bits, const struct xenctl_bitmap *map)
{
    size_t bytes = MIN(map_bytes(map), (size_t)nr_bits / 8);

    memset(words, 0, nr_bits / 8);
    if (bytes != 0 && copy_from_guest(words, handle_gva(map->bitmap), bytes) != 0) {
        return -EFAULT;
    }
    if (map->nr_bits < nr_bits && map->nr_bits % 64 != 0) {
        words[map->nr_bits / 64] &= ~(UINT64_MAX << (map->nr_bits % 64));
    }
    return 0;
}

int bitmap_to_guest(const struct xenctl_bitmap *map, const u64 *words, u32 nr_bits)
{
    size_t room = MIN(map_bytes(map), (size_t)PAGE_SIZE);
    size_t bytes = MIN(room, (size_t)nr_bits / 8);
    u64 gva = handle_gva(map->bitmap);
    u64 last;

    if (gva == 0 || room == 0) {
        return 0;
    }
    if (map->nr_bits >= nr_bits || map->nr_bits % 8 == 0) {
        if (copy_to_guest(gva, words, bytes) != 0) {
            return -EFAULT;
        }
    } else {
        /* The last byte is the guest's only in part: bits beyond are 0. */
        if (copy_to_guest(gva, words, bytes - 1) != 0) {
            return -EFAULT;
        }
        last = (words[(bytes - 1) / 8] >> ((bytes - 1) % 8 * 8)) & ~(UINT64_MAX << (map->nr_bits % 8));
        if (copy_to_guest(gva + bytes - 1, &last, 1) != 0) {
            return -EFAULT;
        }
    }
    return room > bytes && clear_guest(gva + bytes, room - bytes) != 0 ? -EFAULT : 0;
}
