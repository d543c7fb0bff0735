/* SPDX-License-Identifier: MIT */
#include "console.h"
#include "hypercall.h"

static void console_io(const char *text, size_t length)
{
    (void)hypercall3(__HYPERVISOR_console_io, CONSOLEIO_write, length, text);
}

void (*console_write)(const char *text, size_t length) = console_io;

struct buffer {
    char *at;
    size_t left;
};

static void put(struct buffer *b, char c)
{
    if (b->left > 1) {
        *b->at++ = c;
        b->left--;
    }
}

static void put_number(struct buffer *b, uint64_t v, unsigned base, int width, char pad)
{
    char digits[24];
    int n = 0;

    do {
        digits[n++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v != 0);
    for (; width > n; width--)
        put(b, pad);
    while (n > 0)
        put(b, digits[--n]);
}

static void put_signed(struct buffer *b, int64_t v, int width, char pad)
{
    if (v < 0) {
        put(b, '-');
        v = -v;
    }
    put_number(b, (uint64_t)v, 10, width, pad);
}

static void put_string(struct buffer *b, const char *s)
{
    while (*s)
        put(b, *s++);
}

size_t format_string(char *buffer, size_t size, const char *f, va_list args)
{
    struct buffer b = { buffer, size };

    for (; *f; f++) {
        char pad = ' ';
        int width = 0, is_long = 0;

        if (*f != '%') {
            put(&b, *f);
            continue;
        }
        f++;
        if (*f == '0')
            pad = *f++;
        while (*f >= '0' && *f <= '9')
            width = width * 10 + *f++ - '0';
        while (*f == 'l' || *f == 'z') {
            is_long = 1;
            f++;
        }
        if (*f == 's')
            put_string(&b, va_arg(args, const char *));
        else if (*f == 'c')
            put(&b, (char)va_arg(args, int));
        else if (*f == 'd')
            put_signed(&b, is_long ? va_arg(args, long) : va_arg(args, int), width, pad);
        else
            put_number(&b, is_long ? va_arg(args, unsigned long) : va_arg(args, unsigned int),
                       *f == 'x' ? 16 : 10, width, pad);
    }
    if (size)
        *b.at = 0;
    return (size_t)(b.at - buffer);
}

const char *format_line(char *buffer, size_t size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)format_string(buffer, size, format, args);
    va_end(args);
    return buffer;
}

void print(const char *format, ...)
{
    char line[256];
    va_list args;
    size_t n;

    va_start(args, format);
    n = format_string(line, sizeof(line), format, args);
    va_end(args);
    console_write(line, n);
}

void *memset(void *to, int c, size_t n)
{
    volatile uint8_t *p = to;

    while (n--)
        *p++ = (uint8_t)c;
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    volatile uint8_t *p = to;
    const uint8_t *q = from;

    while (n--)
        *p++ = *q++;
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const volatile uint8_t *p = a, *q = b;

    for (; n; n--, p++, q++)
        if (*p != *q)
            return *p - *q;
    return 0;
}

size_t strlen(const char *s)
{
    size_t n = 0;

    while (((const volatile char *)s)[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    for (; *a && *a == *b; a++, b++)
        ;
    return *a - *b;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n && *a && *a == *b; a++, b++, n--)
        ;
    return n ? *a - *b : 0;
}

const char *string_find(const char *haystack, const char *needle)
{
    size_t n = strlen(needle);

    for (; *haystack; haystack++)
        if (strncmp(haystack, needle, n) == 0)
            return haystack;
    return NULL;
}
