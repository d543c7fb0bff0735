/* SPDX-License-Identifier: MIT */
/* vsnprintf() without floating point, wide characters and %n. An unknown conversion is copied as it stands. */
#include <argon/printf.h>
#include <argon/string.h>

struct out {
    char *buf;
    size_t size;
    size_t len;                  /* would-be length, may pass size */
};

enum { FLAG_LEFT = 1, FLAG_ZERO = 2, FLAG_ALT = 4, FLAG_PLUS = 8, FLAG_SPACE = 16, FLAG_UPPER = 32 };

#define MAX_FIELD 4096           /* width and precision are cut to this */

struct spec {
    unsigned int flags;
    int width;                   /* 0: none */
    int precision;               /* -1: none */
    int longs;                   /* 0 int, 1 long, 2 long long; -1 short, -2 char */
};

static void put(struct out *o, char c)
{
    if (o->len + 1 < o->size) {
        o->buf[o->len] = c;
    }
    o->len++;
}

static void pad(struct out *o, char c, int n)
{
    for (; n > 0; n--) {
        put(o, c);
    }
}

static void put_string(struct out *o, const struct spec *s, const char *str, size_t len)
{
    int fill = s->width - (int)len;

    if (!(s->flags & FLAG_LEFT)) {
        pad(o, ' ', fill);
    }
    for (size_t i = 0; i < len; i++) {
        put(o, str[i]);
    }
    if (s->flags & FLAG_LEFT) {
        pad(o, ' ', fill);
    }
}

/* prefix: sign or 0x, up to two characters. */
static void put_number(struct out *o, const struct spec *s, u64 v, unsigned int base, const char *prefix)
{
    const char *digits = s->flags & FLAG_UPPER ? "0123456789ABCDEF" : "0123456789abcdef";
    char tmp[24];
    int n = 0, zeros = 0, fill;

    for (; v != 0 || (n == 0 && s->precision != 0); v /= base) {
        tmp[n++] = digits[v % base];
    }
    if (s->precision > n) {
        zeros = s->precision - n;
    }
    fill = s->width - n - zeros - (int)strlen(prefix);
    if ((s->flags & FLAG_ZERO) && !(s->flags & FLAG_LEFT) && s->precision < 0 && fill > 0) {
        zeros += fill;
        fill = 0;
    }
    if (!(s->flags & FLAG_LEFT)) {
        pad(o, ' ', fill);
    }
    while (*prefix != '\0') {
        put(o, *prefix++);
    }
    pad(o, '0', zeros);
    while (n > 0) {
        put(o, tmp[--n]);
    }
    if (s->flags & FLAG_LEFT) {
        pad(o, ' ', fill);
    }
}

static const char *parse_flags(const char *f, struct spec *s)
{
    for (;; f++) {
        switch (*f) {
        case '-': s->flags |= FLAG_LEFT; break;
        case '0': s->flags |= FLAG_ZERO; break;
        case '#': s->flags |= FLAG_ALT; break;
        case '+': s->flags |= FLAG_PLUS; break;
        case ' ': s->flags |= FLAG_SPACE; break;
        default: return f;
        }
    }
}

static const char *parse_int(const char *f, int *value)
{
    int v = 0;

    for (; *f >= '0' && *f <= '9'; f++) {
        v = MIN(v * 10 + (*f - '0'), MAX_FIELD);
    }
    *value = v;
    return f;
}

/* Length modifier: hh h l ll z t j. */
static const char *parse_length(const char *f, struct spec *s)
{
    for (;; f++) {
        switch (*f) {
        case 'h': s->longs--; break;
        case 'l': s->longs++; break;
        case 'z':
        case 't': s->longs = 1; break;
        case 'j': s->longs = 2; break;
        default: return f;
        }
    }
}

static u64 truncate_unsigned(u64 v, int longs)
{
    switch (longs) {
    case 0: return (u32)v;
    case -1: return (u16)v;
    default: return longs < 0 ? (u8)v : v;
    }
}

static s64 truncate_signed(u64 v, int longs)
{
    switch (longs) {
    case 0: return (s32)(u32)v;
    case -1: return (int16_t)(u16)v;
    default: return longs < 0 ? (int8_t)(u8)v : (s64)v;
    }
}

static void put_signed(struct out *o, const struct spec *s, s64 v)
{
    const char *sign = s->flags & FLAG_PLUS ? "+" : s->flags & FLAG_SPACE ? " " : "";

    put_number(o, s, v < 0 ? 0 - (u64)v : (u64)v, 10, v < 0 ? "-" : sign);
}

static void put_hex(struct out *o, struct spec *s, u64 v, bool upper)
{
    if (upper) {
        s->flags |= FLAG_UPPER;
    }
    put_number(o, s, v, 16, (s->flags & FLAG_ALT) && v != 0 ? (upper ? "0X" : "0x") : "");
}

/* A pointer is always 0x and sixteen digits. */
static void put_pointer(struct out *o, struct spec *s, const void *p)
{
    s->precision = 16;
    put_number(o, s, (u64)(uintptr_t)p, 16, "0x");
}

static void put_cstring(struct out *o, const struct spec *s, const char *str)
{
    if (str == NULL) {
        str = "(null)";
    }
    put_string(o, s, str, s->precision >= 0 ? strnlen(str, (size_t)s->precision) : strlen(str));
}

/* One va_list behind a pointer, so that helpers can take arguments from it. */
struct args {
    va_list ap;
};

static u64 take_unsigned(struct args *a, int longs)
{
    if (longs > (sizeof(long) < sizeof(long long) ? 1 : 0)) {
        return va_arg(a->ap, unsigned long long);
    }
    return longs > 0 ? va_arg(a->ap, unsigned long) : va_arg(a->ap, unsigned int);
}

/* One conversion, *f after the '%'. Returns what follows it. */
static const char *convert(struct out *o, const char *start, struct args *a)
{
    struct spec s = { .precision = -1 };
    const char *f = parse_flags(start, &s);
    char c;

    if (*f == '*') {
        s.width = va_arg(a->ap, int);
        if (s.width < 0) {
            s.flags |= FLAG_LEFT;
            s.width = -MAX(s.width, -MAX_FIELD);
        }
        s.width = MIN(s.width, MAX_FIELD);
        f++;
    } else {
        f = parse_int(f, &s.width);
    }
    if (*f == '.') {
        f++;
        if (*f == '*') {
            s.precision = MIN(MAX(va_arg(a->ap, int), -1), MAX_FIELD);
            f++;
        } else {
            f = parse_int(f, &s.precision);
        }
    }
    f = parse_length(f, &s);
    switch (*f) {
    case 'd':
    case 'i': put_signed(o, &s, truncate_signed(take_unsigned(a, s.longs), s.longs)); break;
    case 'u': put_number(o, &s, truncate_unsigned(take_unsigned(a, s.longs), s.longs), 10, ""); break;
    case 'x':
    case 'X': put_hex(o, &s, truncate_unsigned(take_unsigned(a, s.longs), s.longs), *f == 'X'); break;
    case 'p': put_pointer(o, &s, va_arg(a->ap, void *)); break;
    case 'c': c = (char)va_arg(a->ap, int); put_string(o, &s, &c, 1); break;
    case 's': put_cstring(o, &s, va_arg(a->ap, const char *)); break;
    case '%': put(o, '%'); break;
    default: put(o, '%'); return start;
    }
    return f + 1;
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
    struct out o = { .buf = buf, .size = size };
    struct args a;

    va_copy(a.ap, ap);
    while (*fmt != '\0') {
        if (*fmt == '%') {
            fmt = convert(&o, fmt + 1, &a);
        } else {
            put(&o, *fmt++);
        }
    }
    va_end(a.ap);
    if (size > 0) {
        buf[MIN(o.len, size - 1)] = '\0';
    }
    return (int)MIN(o.len, (size_t)0x7fffffff);
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    return n;
}
