/* SPDX-License-Identifier: MIT */
/*
 * By the compiler's functions, which ThreadSanitizer knows. What is one pair of exclusive accesses on ARM may fail there for no reason
 * (Arm ARM B2.9.5: an interrupt, a neighbour in the cache line); here it does when a test asks for it.
 */
#ifndef ASM_ATOMIC_H
#define ASM_ATOMIC_H

#define atomic_load(p)     __atomic_load_n((p), __ATOMIC_RELAXED)
#define atomic_store(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)

extern u32 host_exclusive_fail_in;       /* asm/host.h */

static inline bool host_exclusive_fails(void)
{
    u32 left = atomic_load(&host_exclusive_fail_in);

    if (left == 0) {
        return false;
    }
    __atomic_fetch_sub(&host_exclusive_fail_in, 1, __ATOMIC_RELAXED);
    return left == 1;
}

static inline bool arch_or64_once(u64 *p, u64 bits, u64 *old)
{
    *old = atomic_load(p);
    return !host_exclusive_fails() &&
           __atomic_compare_exchange_n(p, old, *old | bits, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static inline bool arch_and32_once(u32 *p, u32 mask, u32 *old)
{
    *old = atomic_load(p);
    return !host_exclusive_fails() &&
           __atomic_compare_exchange_n(p, old, *old & mask, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static inline bool arch_page_word_get(u64 *word, u64 mask, u64 want)
{
    u64 w = atomic_load(word);

    return !host_exclusive_fails() && (w >> 32 & mask) == want && (s32)w > 0 &&
           __atomic_compare_exchange_n(word, &w, w + 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline bool arch_ticket_trylock(u32 *word)
{
    u32 w = atomic_load(word);

    return !host_exclusive_fails() && w >> 16 == (w & 0xffff) &&
           __atomic_compare_exchange_n(word, &w, w + (1u << 16), false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void arch_ticket_unlock(u16 *owner)
{
    __atomic_store_n(owner, (u16)(atomic_load(owner) + 1), __ATOMIC_RELEASE);
}

#endif
