/* SPDX-License-Identifier: MIT */
/* Compiler facilities: attributes, single-copy accesses, small arithmetic helpers. */
#ifndef ARGON_COMPILER_H
#define ARGON_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define must_check      __attribute__((warn_unused_result))
#define noreturn_fn     __attribute__((noreturn))
#define packed          __attribute__((packed))
#define aligned_to(n)   __attribute__((aligned(n)))
#define section(name)   __attribute__((section(name)))
#define unused          __attribute__((unused))
#define always_inline   inline __attribute__((always_inline))
#define noinline        __attribute__((noinline))
#define printf_like(f, a) __attribute__((format(printf, f, a)))

/* Code and data used only until dom0 starts; their memory is freed then. */
#define boot_code       section(".boot.text")
#define boot_data       section(".boot.data")
/* Written during boot only; read-only once dom0 runs. */
#define ro_after_boot   section(".data.ro_after_boot")

#define likely(x)       __builtin_expect(!!(x), 1)
#define unlikely(x)     __builtin_expect(!!(x), 0)

/* One single-copy-atomic access that the compiler neither repeats nor tears. */
#define READ_ONCE(x)     (*(const volatile __typeof__(x) *)(uintptr_t)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)(uintptr_t)&(x) = (v))

#define ARRAY_SIZE(a)   (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) \
    ((type *)((uintptr_t)(ptr) - offsetof(type, member)))

/* Each argument evaluated once; names made unique so that uses may nest. */
#define JOIN_1(a, b) a##b
#define JOIN(a, b) JOIN_1(a, b)
#define PICK(a, b, op, ua, ub) ({ __typeof__(a) ua = (a); __typeof__(b) ub = (b); ua op ub ? ua : ub; })
#define MIN(a, b) PICK(a, b, <, JOIN(pick_a_, __COUNTER__), JOIN(pick_b_, __COUNTER__))
#define MAX(a, b) PICK(a, b, >, JOIN(pick_a_, __COUNTER__), JOIN(pick_b_, __COUNTER__))

#define ROUND_UP(x, n)   (((x) + ((__typeof__(x))(n) - 1)) & ~((__typeof__(x))(n) - 1))
#define ROUND_DOWN(x, n) ((x) & ~((__typeof__(x))(n) - 1))
#define DIV_ROUND_UP(x, n) (((x) + (n) - 1) / (n))
#define IS_ALIGNED(x, n) (((x) & ((__typeof__(x))(n) - 1)) == 0)

/* Of 64 bits where longs have 32, too: masks of registers, addresses and table entries. */
#define BIT(n)           (UINT64_C(1) << (n))
#define BIT32(n)         (1U << (n))
/* Bits hi..lo set, both included; 64 bits. */
#define GENMASK(hi, lo)  ((UINT64_MAX >> (63 - (hi))) & (UINT64_MAX << (lo)))

/* High half of a product: where the compiler has no type of 128 bits, from those of halves. */
static inline uint64_t mul_high_of_halves(uint64_t a, uint64_t b)
{
    uint64_t a1 = a >> 32, a0 = (uint32_t)a, b1 = b >> 32, b0 = (uint32_t)b;
    uint64_t mid = a1 * b0 + (a0 * b0 >> 32), mid2 = a0 * b1 + (uint32_t)mid;

    return a1 * b1 + (mid >> 32) + (mid2 >> 32);
}

static always_inline uint64_t mul_high(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
    return (uint64_t)((unsigned __int128)a * b >> 64);
#else
    return mul_high_of_halves(a, b);
#endif
}

#ifndef static_assert
#define static_assert _Static_assert
#endif

#define STR_1(x) #x
#define STR(x)   STR_1(x)

#endif
