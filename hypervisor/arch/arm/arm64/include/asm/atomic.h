/* SPDX-License-Identifier: MIT */
/*
 * Loads and stores of aligned words are single-copy atomic (Arm ARM B2.2.1). By volatile accesses: for its own built-in functions the
 * compiler computes each address in an instruction of its own.
 */
#ifndef ASM_ATOMIC_H
#define ASM_ATOMIC_H

#include <argon/types.h>

#define atomic_load(p)     (*(const volatile __typeof__(*(p)) *)(uintptr_t)(p))
#define atomic_store(p, v) ((void)(*(volatile __typeof__(*(p)) *)(uintptr_t)(p) = (v)))

/* *p |= bits, acquire and release (argon/atomic.h), by one pair of exclusive accesses (B2.9); false: it failed. */
static always_inline bool arch_or64_once(u64 *p, u64 bits, u64 *old)
{
    u64 was, now;
    u32 failed;

    __asm__ volatile("ldaxr %0, %4\n\torr %1, %0, %3\n\tstlxr %w2, %1, %4"
                     : "=&r"(was), "=&r"(now), "=&r"(failed) : "r"(bits), "Q"(*p) : "memory");
    *old = was;
    return failed == 0;
}

/* *p &= mask, likewise. */
static always_inline bool arch_and32_once(u32 *p, u32 mask, u32 *old)
{
    u32 was, now, failed;

    __asm__ volatile("ldaxr %w0, %4\n\tand %w1, %w0, %w3\n\tstlxr %w2, %w1, %4"
                     : "=&r"(was), "=&r"(now), "=&r"(failed) : "r"(mask), "Q"(*p) : "memory");
    *old = was;
    return failed == 0;
}

/*
 * struct page's word (mem.h): one more reference if the upper half under `mask` is `want` and the count is positive; one try, acquire.
 */
static always_inline bool arch_page_word_get(u64 *word, u64 mask, u64 want)
{
    __asm__ goto("ldaxr x16, [%0]\n\tand x17, %1, x16, lsr #32\n\tcmp x17, %2\n\tb.ne %l[fail]\n\tcmp w16, #0\n\tb.le %l[fail]\n\t"
                 "add x16, x16, #1\n\tstxr w17, x16, [%0]\n\tcbnz w17, %l[fail]"
                 : : "r"(word), "r"(mask), "r"(want) : "x16", "x17", "cc", "memory" : fail);
    return true;
fail:
    return false;
}

/* A ticket lock's word (spinlock.h): take it if owner and next are equal. Acquire. False also if the exclusive store failed. */
static always_inline bool arch_ticket_trylock(u32 *word)
{
    u32 was, failed;

    __asm__ volatile("ldaxr %w0, %2\n\teor %w1, %w0, %w0, ror #16\n\tcbnz %w1, 1f\n\tadd %w0, %w0, #16, lsl #12\n\t"
                     "stxr %w1, %w0, %2\n1:"
                     : "=&r"(was), "=&r"(failed) : "Q"(*word) : "memory");
    return failed == 0;
}

/* Give a ticket lock to the next: owner + 1, release. Only the holder writes `owner`. */
static always_inline void arch_ticket_unlock(u16 *owner)
{
    u32 now;

    __asm__ volatile("ldrh %w0, %1\n\tadd %w0, %w0, #1\n\tstlrh %w0, %1" : "=&r"(now) : "Q"(*owner) : "memory");
}

#endif
