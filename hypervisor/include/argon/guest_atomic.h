/* SPDX-License-Identifier: MIT */
/*
 * Atomic changes of words that a guest can write too. A guest that keeps writing to the word's cache line can make a
 * load-exclusive / store-exclusive pair fail for ever (Arm ARM B2.9.5 promises progress only to some CPU), so each is
 * tried a limited number of times; the caller treats failure as the guest's own loss. d: as for guest_wrote(). Acquire and release on success,
 * as in atomic.h: who then looks at another word that the guest writes in the other order has a cpu_barrier() in
 * between.
 */
#ifndef ARGON_GUEST_ATOMIC_H
#define ARGON_GUEST_ATOMIC_H

#include <argon/guest_write.h>

#define GUEST_ATOMIC_TRIES 1024

/* One try; on failure *seen is what is there now. */
#define guest_try_cmpxchg(d, p, seen, v) ({                                                            \
    bool guest_try_ok = __atomic_compare_exchange_n((p), (seen), (v), true, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
    if (guest_try_ok) {                                                                                \
        guest_wrote((d), (p));                                                                         \
    }                                                                                                  \
    guest_try_ok;                                                                                      \
})

/* *p |= bits, one try; *old: the value before. False: another CPU was at it, nothing changed. */
must_check static always_inline bool guest_or64_once(const struct domain *d, u64 *p, u64 bits, u64 *old)
{
    if (likely(arch_or64_once(p, bits, old))) {
        guest_wrote(d, p);
        return true;
    }
    return false;
}

/* *p = (*p & keep) | set, where the first try has failed (core/event/guest_atomic.c). */
must_check bool guest_change32_slow(const struct domain *d, u32 *p, u32 keep, u32 set, u32 *old);
must_check bool guest_change64_slow(const struct domain *d, u64 *p, u64 keep, u64 set, u64 *old);

/* *p |= bits; *old: the value before. False: gave up, nothing changed. */
must_check static always_inline bool guest_or32(const struct domain *d, u32 *p, u32 bits, u32 *old)
{
    u32 w = atomic_load(p);

    if (likely(guest_try_cmpxchg(d, p, &w, w | bits))) {
        *old = w;
        return true;
    }
    return guest_change32_slow(d, p, ~0u, bits, old);
}

must_check static always_inline bool guest_or64(const struct domain *d, u64 *p, u64 bits, u64 *old)
{
    u64 w = atomic_load(p);

    if (likely(guest_try_cmpxchg(d, p, &w, w | bits))) {
        *old = w;
        return true;
    }
    return guest_change64_slow(d, p, UINT64_MAX, bits, old);
}

/* *p &= mask; *old: the value before. */
must_check static inline bool guest_and32(const struct domain *d, u32 *p, u32 mask, u32 *old)
{
    if (likely(arch_and32_once(p, mask, old))) {
        guest_wrote(d, p);
        return true;
    }
    return guest_change32_slow(d, p, mask, 0, old);
}

must_check static inline bool guest_and64(const struct domain *d, u64 *p, u64 mask, u64 *old)
{
    return guest_change64_slow(d, p, mask, 0, old);
}

/* If *p is 0, make it 1. True: it was 0 and is 1 now. False: it was not 0, or gave up (*stuck set). */
must_check bool guest_set_flag8_slow(const struct domain *d, u8 *p, bool *stuck);

must_check static always_inline bool guest_set_flag8(const struct domain *d, u8 *p, bool *stuck)
{
    u8 seen = 0;

    if (likely(guest_try_cmpxchg(d, p, &seen, 1))) {
        return true;
    }
    return seen == 0 && guest_set_flag8_slow(d, p, stuck);
}

#endif
