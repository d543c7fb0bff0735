/* SPDX-License-Identifier: MIT */
/*
 * Tables for a domain, put one after another into an area of its memory, which is zero. Without the memory (buf NULL)
 * they are only counted: what is put twice in the same order takes the same room. What does not fit is counted too, and
 * not written. Boot only.
 */
#ifndef BUILD_AREA_H
#define BUILD_AREA_H

#include <argon/types.h>

struct area {
    u8 *buf;                     /* at guest-physical `base`, page aligned; NULL: nothing is written */
    u64 base;
    u64 room, used;              /* bytes */
};

/* n bytes (data NULL: zeros) at the next multiple of `align`. Returns their guest-physical address. */
u64 area_put(struct area *a, const void *data, u64 n, u64 align);
/* Change what was put: n bytes of `value`, least significant first. */
void area_set(struct area *a, u64 gpa, u64 value, u32 n);
/* Bytes at gpa, NULL where they are only counted. */
u8 *area_bytes(const struct area *a, u64 gpa, u64 n);
/* The byte at `sum_at` becomes what makes the sum of [gpa, gpa + n) zero. */
void area_checksum(struct area *a, u64 gpa, u64 n, u64 sum_at);
static inline bool area_fits(const struct area *a) { return a->used <= a->room; }

#endif
