/* SPDX-License-Identifier: MIT */
/*
 * Atomic operations: thin names over the compiler's. Arm ARM B2.3 gives the ordering of acquire and release.
 *
 * A read-modify-write is LDAXR ... STLXR: its load is an acquire, its store a release, and no more. What is before it
 * is done before the store is seen, what is after it happens after the load; but a plain load after it may be satisfied
 * before the store is seen. Who stores one word so and then looks at another, to find what somebody does in the other
 * order (a flag and a bit of work, two halves of a hand-over), needs cpu_barrier() between the two. None is needed
 * where the look is by atomic_load_acquire() or another read-modify-write, or follows spin_lock(): a load-acquire is
 * not done before an earlier store-release is seen (B2.3, RCsc).
 */
#ifndef ARGON_ATOMIC_H
#define ARGON_ATOMIC_H

#include <argon/types.h>
#include <asm/atomic.h>          /* atomic_load(), atomic_store(): single copies without ordering */

#define atomic_load_acquire(p)    __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define atomic_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
/* Read-modify-write: acquire and release, see above; the old value is returned. */
#define atomic_fetch_add(p, v)    __atomic_fetch_add((p), (v), __ATOMIC_SEQ_CST)
#define atomic_fetch_sub(p, v)    __atomic_fetch_sub((p), (v), __ATOMIC_SEQ_CST)
#define atomic_fetch_or(p, v)     __atomic_fetch_or((p), (v), __ATOMIC_SEQ_CST)
#define atomic_fetch_and(p, v)    __atomic_fetch_and((p), (v), __ATOMIC_SEQ_CST)
#define atomic_exchange(p, v)     __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
/* If *p == *expected, store v and return true; else *expected becomes the value seen, and nothing is released. */
#define atomic_cmpxchg(p, expected, v) \
    __atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)

/* Bit operations on arrays of 32- or 64-bit words in shared memory. */
static inline bool atomic_test_and_set_bit(u64 *words, unsigned int bit)
{
    return atomic_fetch_or(&words[bit / 64], BIT(bit % 64)) & BIT(bit % 64);
}

static inline bool atomic_test_and_clear_bit(u64 *words, unsigned int bit)
{
    return atomic_fetch_and(&words[bit / 64], ~BIT(bit % 64)) & BIT(bit % 64);
}

#endif
