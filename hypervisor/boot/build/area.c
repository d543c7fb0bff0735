/* SPDX-License-Identifier: MIT */
/* See area.h. */
#include "area.h"

#include <argon/string.h>

boot_code u8 *area_bytes(const struct area *a, u64 gpa, u64 n)
{
    u64 at = gpa - a->base;

    return a->buf != NULL && at <= a->room && n <= a->room - at ? a->buf + at : NULL;
}

boot_code u64 area_put(struct area *a, const void *data, u64 n, u64 align)
{
    u64 gpa = a->base + ROUND_UP(a->used, align);
    u8 *to = area_bytes(a, gpa, n);

    a->used = gpa - a->base + n;
    if (to != NULL && data != NULL) {
        memcpy(to, data, (size_t)n);
    }
    return gpa;
}

boot_code void area_set(struct area *a, u64 gpa, u64 value, u32 n)
{
    u8 *to = area_bytes(a, gpa, n);

    for (u32 i = 0; to != NULL && i < n; i++) {
        to[i] = (u8)(value >> (8 * i));
    }
}

boot_code void area_checksum(struct area *a, u64 gpa, u64 n, u64 sum_at)
{
    const u8 *from = area_bytes(a, gpa, n);
    u8 sum = 0;

    area_set(a, sum_at, 0, 1);
    for (u64 i = 0; from != NULL && i < n; i++) {
        sum = (u8)(sum + from[i]);
    }
    area_set(a, sum_at, (u8)-sum, 1);
}
