/* SPDX-License-Identifier: MIT */
/*
 * Domains by id: a hash table for lookup and a bitmap for "this id or the next". Readers take no lock: an entry is
 * complete before it is linked, and its memory outlives every CPU that may have found it (quiesce_defer(), smp.h).
 */
#include "internal.h"

#include <argon/errno.h>
#include <argon/panic.h>

#define BUCKETS 256
#define NR_DOMIDS DOMID_FIRST_RESERVED

static struct spinlock table_lock = SPINLOCK_INIT(RANK_DOMLIST);
static struct domain *buckets[BUCKETS];          /* chains by hash_next; changed under table_lock */
static u64 present[DIV_ROUND_UP(NR_DOMIDS, 64)]; /* in the chains; atomic words */
static u64 reserved[DIV_ROUND_UP(NR_DOMIDS, 64)];/* ids in use, from reservation to removal; table_lock */
static u16 last_domid;                           /* where the search for a free id goes on; table_lock */

static bool test_bit(const u64 *map, u16 id)
{
    return (atomic_load(&map[id / 64]) & BIT(id % 64)) != 0;
}

int domain_table_reserve(u16 domid, u16 *out)
{
    int rc = 0;

    spin_lock(&table_lock);
    if (domid != 0xffff) {
        rc = domid >= NR_DOMIDS ? -EINVAL : test_bit(reserved, domid) ? -EEXIST : 0;
    } else {
        u32 tries = 0;

        /* Round robin, so that an id is not reused soon after its domain went. Id 0 is dom0's. */
        domid = last_domid;
        do {
            domid = domid + 1 >= (int)NR_DOMIDS ? 1 : (u16)(domid + 1);
        } while (test_bit(reserved, domid) && ++tries < NR_DOMIDS);
        rc = test_bit(reserved, domid) ? -ENOSPC : 0;
        last_domid = rc == 0 ? domid : last_domid;
    }
    if (rc == 0) {
        reserved[domid / 64] |= BIT(domid % 64);
        *out = domid;
    }
    spin_unlock(&table_lock);
    return rc;
}

void domain_table_insert(struct domain *d)
{
    struct domain **head = &buckets[d->id % BUCKETS];

    /* Whoever finds it may use all of it. */
    ASSERT(d->serial != 0 && (d->vcpu != NULL || d->max_vcpus == 0));
    spin_lock(&table_lock);
    ASSERT(test_bit(reserved, d->id) && !test_bit(present, d->id));
    d->hash_next = *head;
    atomic_store_release(head, d);
    atomic_fetch_or(&present[d->id / 64], BIT(d->id % 64));
    spin_unlock(&table_lock);
}

void domain_table_remove(struct domain *d)
{
    struct domain **link = &buckets[d->id % BUCKETS];

    spin_lock(&table_lock);
    while (*link != d) {
        ASSERT_ALWAYS(*link != NULL);
        link = &(*link)->hash_next;
    }
    /* d->hash_next stays, for readers that are just there. */
    atomic_store_release(link, d->hash_next);
    atomic_fetch_and(&present[d->id / 64], ~BIT(d->id % 64));
    reserved[d->id / 64] &= ~BIT(d->id % 64);
    spin_unlock(&table_lock);
}

struct domain *domain_lookup(u16 domid)
{
    struct domain *d = atomic_load_acquire(&buckets[domid % BUCKETS]);

    while (d != NULL && d->id != domid) {
        d = atomic_load_acquire(&d->hash_next);
    }
    return d;
}

struct domain *domain_lookup_from(u16 domid)
{
    u32 word = domid / 64;
    u64 bits;

    if (domid >= NR_DOMIDS) {
        return NULL;
    }
    bits = atomic_load(&present[word]) & (UINT64_MAX << (domid % 64));
    for (;;) {
        while (bits != 0) {
            struct domain *d = domain_lookup((u16)(word * 64 + (u32)__builtin_ctzll(bits)));

            if (d != NULL) {     /* else it was removed between the two looks */
                return d;
            }
            bits &= bits - 1;
        }
        if (++word >= ARRAY_SIZE(present)) {
            return NULL;
        }
        bits = atomic_load(&present[word]);
    }
}
