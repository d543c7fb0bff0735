/* SPDX-License-Identifier: MIT */
/* String helpers of Argon's own. */
#include <argon/string.h>

size_t str_copy(char *dst, const char *src, size_t size)
{
    size_t len = strlen(src);

    if (size > 0) {
        size_t n = len < size ? len : size - 1;

        memcpy(dst, src, n);
        dst[n] = '\0';
    }
    return len;
}

/* 16 when c is not a digit of the base. */
static unsigned int digit_in_base(char c, unsigned int base)
{
    unsigned int v = 16;

    if (c >= '0' && c <= '9') {
        v = (unsigned int)(c - '0');
    } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
        v = (unsigned int)((c | 0x20) - 'a') + 10;
    }
    return v < base ? v : 16;
}

bool str_to_u64(const char *s, u64 *value, const char **end)
{
    unsigned int base = 10;
    u64 v = 0;

    if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
        base = 16;
        s += 2;
    }
    if (digit_in_base(*s, base) == 16) {
        return false;
    }
    for (; digit_in_base(*s, base) != 16; s++) {
        if (__builtin_mul_overflow(v, (u64)base, &v) || __builtin_add_overflow(v, (u64)digit_in_base(*s, base), &v)) {
            return false;
        }
    }
    *value = v;
    *end = s;
    return true;
}
