/* SPDX-License-Identifier: MIT */
/*
 * One thread plays two CPUs, in an order that the test chooses: just before the n-th access to shared memory of the
 * code under test another CPU does something. With n from 1 on, until the code is through before its turn comes, every
 * interleaving with what the other does at once has been seen.
 *
 * A test that defines UNIT_INTERLEAVE before it includes unit.h gets this: there is a turn before each READ_ONCE(),
 * atomic_load() and so on in the inline functions and .c files that it includes. What is linked has none.
 */
#ifndef UNIT_INTERLEAVE_H
#define UNIT_INTERLEAVE_H

#include <argon/atomic.h>
#include <argon/compiler.h>

typedef void interleave_fn(void);

static struct {
    u32 now;                     /* accesses so far */
    bool others;                 /* the other CPU is at it: its own accesses are no turns */
    struct { u32 at; interleave_fn *fn; } step[2];
} interleave;

static inline void interleave_step(u32 i)
{
    interleave_fn *fn = interleave.step[i].fn;

    interleave.step[i].fn = NULL;
    interleave.others = true;
    fn();
    interleave.others = false;
}

static inline void interleave_turn(void)
{
    if (interleave.others) {
        return;
    }
    interleave.now++;
    for (u32 i = 0; i < 2; i++) {
        if (interleave.step[i].fn != NULL && interleave.now == interleave.step[i].at) {
            interleave_step(i);
        }
    }
}

/* From here the other CPU does fn before the at-th access, and then before the then_at-th (NULL: nothing more). */
unused static void interleave_begin(u32 at, interleave_fn *fn, u32 then_at, interleave_fn *then)
{
    interleave.now = 0;
    interleave.step[0].at = at;
    interleave.step[0].fn = fn;
    interleave.step[1].at = then_at;
    interleave.step[1].fn = then;
}

/* The code under test waits for what the other has begun: it gets on with it. */
unused static void interleave_wait(void)
{
    if (!interleave.others && interleave.step[0].fn == NULL && interleave.step[1].fn != NULL) {
        interleave_step(1);
    }
}

/* The code under test is through. Was it before the turn of either came? What was not done is not done any more. */
unused static bool interleave_end(void)
{
    bool left = interleave.step[0].fn != NULL || interleave.step[1].fn != NULL;

    interleave.step[0].fn = NULL;
    interleave.step[1].fn = NULL;
    return left;
}

#undef READ_ONCE
#undef WRITE_ONCE
#undef atomic_load
#undef atomic_store
#undef atomic_load_acquire
#undef atomic_store_release
#undef atomic_cmpxchg
#define READ_ONCE(x)               (interleave_turn(), __atomic_load_n(&(x), __ATOMIC_RELAXED))
#define WRITE_ONCE(x, v)           (interleave_turn(), __atomic_store_n(&(x), (v), __ATOMIC_RELAXED))
#define atomic_load(p)             (interleave_turn(), __atomic_load_n((p), __ATOMIC_RELAXED))
#define atomic_store(p, v)         (interleave_turn(), __atomic_store_n((p), (v), __ATOMIC_RELAXED))
#define atomic_load_acquire(p)     (interleave_turn(), __atomic_load_n((p), __ATOMIC_ACQUIRE))
#define atomic_store_release(p, v) (interleave_turn(), __atomic_store_n((p), (v), __ATOMIC_RELEASE))
#define atomic_cmpxchg(p, expected, v) \
    (interleave_turn(), \
     __atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
#define arch_page_word_get(...)    (interleave_turn(), arch_page_word_get(__VA_ARGS__))

#endif
