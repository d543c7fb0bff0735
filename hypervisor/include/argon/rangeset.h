/* SPDX-License-Identifier: MIT */
/*
 * A set of u64 as disjoint ranges, both ends included: which frames or interrupts a domain may be given. Has its own
 * lock (RANK_RANGESET). Ranges that touch are merged.
 */
#ifndef ARGON_RANGESET_H
#define ARGON_RANGESET_H

#include <argon/types.h>

struct rangeset;

#define RANGESET_MAX_RANGES 1024 /* per set: bounds memory and the time of a lookup */

/* Empty set; NULL when out of memory. */
struct rangeset *rangeset_create(void);
void rangeset_destroy(struct rangeset *r);       /* NULL allowed */
/*
 * Add or take away [first, last]. -EINVAL: first > last; -ENOMEM; -ENOSPC: too many ranges. On error nothing has
 * changed.
 */
must_check int rangeset_add(struct rangeset *r, u64 first, u64 last);
must_check int rangeset_remove(struct rangeset *r, u64 first, u64 last);
/* Is all of [first, last] in the set? False when first > last. */
bool rangeset_contains(struct rangeset *r, u64 first, u64 last);
/* The lowest range that ends at or after `from`; false if there is none. */
bool rangeset_next(struct rangeset *r, u64 from, u64 *first, u64 *last);

#endif
