/* SPDX-License-Identifier: MIT */
/*
 * Memory and string functions, for Normal memory. Integer registers only (a guest's FP state is live). Compiled with
 * -fno-tree-loop-distribute-patterns: a loop here must not become a call of the function it is in.
 */
#include <argon/string.h>
#include <asm/string.h>

#define WORD sizeof(u64)

static always_inline bool word_aligned(const void *p)
{
    return ((uintptr_t)p & (WORD - 1)) == 0;
}

/* Written out: in registers between load_8_words() and this, and stored in pairs. */
static always_inline void store_8_words(u64 *d, const u64 w[8])
{
    d[0] = w[0];
    d[1] = w[1];
    d[2] = w[2];
    d[3] = w[3];
    d[4] = w[4];
    d[5] = w[5];
    d[6] = w[6];
    d[7] = w[7];
}

/* All read before any is written; returns the source's end. */
static always_inline const u8 *copy_8_words(u64 *d, const u8 *s)
{
    u64 w[8];

    s = load_8_words(s, w);
    store_8_words(d, w);
    return s;
}

/* Both aligned, n a multiple of 8; s and d overlap with d above s: from the end down. */
static void copy_words_down(u64 *d, const u64 *s, size_t n)
{
    while (n != 0) {
        n -= WORD;
        d[n / WORD] = s[n / WORD];
    }
}

/*
 * Forwards, for d at least a word below s or apart from it: each word is read before any later word of d is written.
 * The first and the last word go to d wherever it is, those between to aligned addresses; the last is read before
 * anything is written.
 */
static always_inline void copy_up(u8 *d, const u8 *s, size_t n)
{
    if (n >= WORD) {
        u64 last = load_unaligned(s + n - WORD);
        u8 *end = d + n - WORD;
        size_t head = -(uintptr_t)d & (WORD - 1);

        if (head != 0) {
            store_unaligned(d, load_unaligned(s));
            d += head;
            s += head;
        }
        for (; end >= d + 16 * WORD; d += 16 * WORD) {
            s = copy_8_words((u64 *)(void *)d, s);
            s = copy_8_words((u64 *)(void *)d + 8, s);
        }
        if (end >= d + 8 * WORD) {
            s = copy_8_words((u64 *)(void *)d, s);
            d += 8 * WORD;
        }
        for (; d < end; d += WORD, s += WORD) {
            *(u64 *)(void *)d = load_unaligned(s);
        }
        store_unaligned(end, last);
    } else {
        for (; n != 0; n--) {
            *d++ = *s++;
        }
    }
}

/* Backwards, for d above s. */
static void copy_down(u8 *d, const u8 *s, size_t n)
{
    if ((((uintptr_t)d ^ (uintptr_t)s) & (WORD - 1)) == 0) {
        size_t words;

        for (; n != 0 && !word_aligned(d + n); n--) {
            d[n - 1] = s[n - 1];
        }
        words = n & ~(WORD - 1);
        n -= words;
        copy_words_down((u64 *)(void *)(d + n), (const u64 *)(const void *)(s + n), words);
    }
    for (; n != 0; n--) {
        d[n - 1] = s[n - 1];
    }
}

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
    copy_up(dst, src, n);
    return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
    uintptr_t d = (uintptr_t)dst, s = (uintptr_t)src;

    /* Shifted copies read ahead by less than a word: too near below the source they go by bytes. */
    if (d + WORD <= s || d >= s + n) {
        copy_up(dst, src, n);
    } else if (d > s) {
        copy_down(dst, src, n);
    } else {
        u8 *to = dst;
        const u8 *from = src;

        for (; n != 0; n--) {
            *to++ = *from++;
        }
    }
    return dst;
}

void *memset(void *dst, int c, size_t n)
{
    u8 *d = dst;
    u64 v = (u8)c * UINT64_C(0x0101010101010101);
    u64 v8[8] = { v, v, v, v, v, v, v, v };

    if (n >= 2 * WORD) {
        u64 *w;

        for (; !word_aligned(d); n--) {
            *d++ = (u8)c;
        }
        w = (u64 *)(void *)d;
        for (; n >= 16 * WORD; n -= 16 * WORD, w += 16) {
            store_8_words(w, v8);
            store_8_words(w + 8, v8);
        }
        for (; n >= WORD; n -= WORD) {
            *w++ = v;
        }
        d = (u8 *)w;
    }
    for (; n != 0; n--) {
        *d++ = (u8)c;
    }
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const u8 *p = a, *q = b;

    if (word_aligned(p) && word_aligned(q)) {
        for (; n >= WORD && *(const u64 *)(const void *)p == *(const u64 *)(const void *)q; n -= WORD) {
            p += WORD;
            q += WORD;
        }
    }
    for (; n != 0; n--, p++, q++) {
        if (*p != *q) {
            return *p - *q;
        }
    }
    return 0;
}

void *memchr(const void *s, int c, size_t n)
{
    const u8 *p = s;

    for (; n != 0; n--, p++) {
        if (*p == (u8)c) {
            return (void *)(uintptr_t)p;
        }
    }
    return NULL;
}

size_t strlen(const char *s)
{
    const char *p = s;

    while (*p != '\0') {
        p++;
    }
    return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t n)
{
    size_t i = 0;

    while (i < n && s[i] != '\0') {
        i++;
    }
    return i;
}

int strcmp(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n != 0; n--, a++, b++) {
        if (*a != *b || *a == '\0') {
            return (u8)*a - (u8)*b;
        }
    }
    return 0;
}

char *strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c) {
            return (char *)(uintptr_t)s;
        }
        if (*s == '\0') {
            return NULL;
        }
    }
}

char *strrchr(const char *s, int c)
{
    const char *found = NULL;

    for (;; s++) {
        if (*s == (char)c) {
            found = s;
        }
        if (*s == '\0') {
            return (char *)(uintptr_t)found;
        }
    }
}
