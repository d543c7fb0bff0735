/* SPDX-License-Identifier: MIT */
#include <argon/errno.h>
#include <argon/list.h>
#include <argon/mem.h>
#include <argon/panic.h>
#include <argon/rangeset.h>
#include <argon/spinlock.h>

struct range {
    struct list_head link;
    u64 first, last;
};

struct rangeset {
    struct spinlock lock;        /* RANK_RANGESET */
    struct list_head ranges;     /* rising, disjoint, not touching */
    u32 nr;
};

struct rangeset *rangeset_create(void)
{
    struct rangeset *r = xzalloc(struct rangeset);

    if (r != NULL) {
        spin_lock_init(&r->lock, RANK_RANGESET);
        list_init(&r->ranges);
    }
    return r;
}

static void free_ranges(struct list_head *h)
{
    struct range *x, *tmp;

    list_for_each_entry_safe(x, tmp, h, link) {
        list_del(&x->link);
        xfree(x);
    }
}

void rangeset_destroy(struct rangeset *r)
{
    if (r != NULL) {
        free_ranges(&r->ranges);
        xfree(r);
    }
}

/* Does x end before `first` without touching it? */
static bool ends_before(const struct range *x, u64 first)
{
    return x->last < first && first - x->last > 1;
}

/* Does x begin after `last` without touching it? */
static bool begins_after(const struct range *x, u64 last)
{
    return x->first > last && x->first - last > 1;
}

static void drop(struct rangeset *r, struct range *x, struct list_head *unused_ranges)
{
    list_del(&x->link);
    list_add(&x->link, unused_ranges);
    r->nr--;
}

/* `spare` is used, or the ranges it makes superfluous are put on unused_ranges with it. */
static int add_locked(struct rangeset *r, struct range *spare, struct list_head *unused_ranges)
{
    struct list_head *at = &r->ranges;
    struct range *x, *tmp;

    ASSERT(spin_is_locked(&r->lock) && spare->first <= spare->last);
    list_for_each_entry_safe(x, tmp, &r->ranges, link) {
        if (begins_after(x, spare->last)) {
            at = &x->link;
            break;
        }
        if (!ends_before(x, spare->first)) {
            spare->first = MIN(spare->first, x->first);
            spare->last = MAX(spare->last, x->last);
            drop(r, x, unused_ranges);
        }
    }
    if (r->nr >= RANGESET_MAX_RANGES) {
        list_add(&spare->link, unused_ranges);       /* nothing was merged, so nothing was dropped */
        return -ENOSPC;
    }
    list_add_tail(&spare->link, at);
    r->nr++;
    return 0;
}

/* The hole may cut one range in two: then `spare` becomes the upper part. */
static int remove_locked(struct rangeset *r, struct range *spare, struct list_head *unused_ranges)
{
    u64 first = spare->first, last = spare->last;
    struct range *x, *tmp;

    ASSERT(spin_is_locked(&r->lock) && first <= last);
    list_for_each_entry_safe(x, tmp, &r->ranges, link) {
        if (x->last < first) {
            continue;
        }
        if (x->first > last) {
            break;
        }
        if (x->first < first && x->last > last) {
            if (r->nr >= RANGESET_MAX_RANGES) {
                list_add(&spare->link, unused_ranges);
                return -ENOSPC;
            }
            spare->first = last + 1;
            spare->last = x->last;
            x->last = first - 1;
            list_add(&spare->link, &x->link);
            r->nr++;
            return 0;
        }
        if (x->first < first) {
            x->last = first - 1;
        } else if (x->last > last) {
            x->first = last + 1;
        } else {
            drop(r, x, unused_ranges);
        }
    }
    list_add(&spare->link, unused_ranges);
    return 0;
}

typedef int change_fn(struct rangeset *r, struct range *spare, struct list_head *unused_ranges);

/* Memory is taken before and given back after the lock is held. */
static int change(struct rangeset *r, u64 first, u64 last, change_fn *fn)
{
    struct list_head unused_ranges = LIST_HEAD_INIT(unused_ranges);
    struct range *spare;
    int rc;

    if (first > last) {
        return -EINVAL;
    }
    spare = xzalloc(struct range);
    if (spare == NULL) {
        return -ENOMEM;
    }
    list_init(&spare->link);
    spare->first = first;
    spare->last = last;
    spin_lock(&r->lock);
    rc = fn(r, spare, &unused_ranges);
    spin_unlock(&r->lock);
    free_ranges(&unused_ranges);
    return rc;
}

int rangeset_add(struct rangeset *r, u64 first, u64 last)
{
    return change(r, first, last, add_locked);
}

int rangeset_remove(struct rangeset *r, u64 first, u64 last)
{
    return change(r, first, last, remove_locked);
}

/* The lowest range that ends at or after `from`, NULL if none. Lock held. */
static const struct range *find(const struct rangeset *r, u64 from)
{
    const struct range *x;

    ASSERT(spin_is_locked(&r->lock));
    list_for_each_entry(x, &r->ranges, link) {
        if (x->last >= from) {
            return x;
        }
    }
    return NULL;
}

bool rangeset_contains(struct rangeset *r, u64 first, u64 last)
{
    const struct range *x;
    bool in;

    spin_lock(&r->lock);
    x = find(r, first);
    in = first <= last && x != NULL && x->first <= first && x->last >= last;
    spin_unlock(&r->lock);
    return in;
}

bool rangeset_next(struct rangeset *r, u64 from, u64 *first, u64 *last)
{
    const struct range *x;

    spin_lock(&r->lock);
    x = find(r, from);
    if (x != NULL) {
        *first = x->first;
        *last = x->last;
    }
    spin_unlock(&r->lock);
    return x != NULL;
}
