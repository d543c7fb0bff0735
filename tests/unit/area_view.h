/* SPDX-License-Identifier: MIT */
/* Looking at what was put into an area (boot/build/area.h). */
#ifndef AREA_VIEW_H
#define AREA_VIEW_H

#include <boot/build/area.h>

static struct area area;

/* A number of n bytes. */
static inline u64 num(const u8 *at, u32 n)
{
    u64 v = 0;

    memcpy(&v, at, n);
    return v;
}

/* n bytes at a guest address. */
static inline const u8 *at(u64 gpa, u64 n)
{
    assert_true(gpa >= area.base && gpa + n <= area.base + area.used);
    return area.buf + (gpa - area.base);
}

static inline void want_sum(const u8 *p, u64 n)
{
    u8 sum = 0;

    for (u64 i = 0; i < n; i++) {
        sum = (u8)(sum + p[i]);
    }
    assert_int_equal(sum, 0);
}

#endif
