/* SPDX-License-Identifier: MIT */
/*
 * Included first into Argon's files under ThreadSanitizer, which takes volatile accesses for plain ones: make them
 * relaxed atomics.
 */
#ifndef UNIT_TSAN_H
#define UNIT_TSAN_H

#include <argon/compiler.h>

#undef READ_ONCE
#undef WRITE_ONCE
#define READ_ONCE(x)     __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)

#endif
