/* SPDX-License-Identifier: MIT */
/*
 * Pages with an owner. count, owner, use and the owner's-reference flag are one 64-bit word, always changed with one
 * compare-and-swap, so what page_get() has checked is what it takes a reference of. A frame whose count has reached
 * zero belongs to the CPU that dropped the last reference; that CPU takes it off the owner's list and frees it.
 */
#include <argon/arch.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/hypercall.h>
#include <argon/panic.h>
#include "internal.h"

/* The upper half of a page's word, its flag aside; and a whole word. */
#define WORD_ID(owner, use) PAGE_WORD_ID(owner, use)
#define WORD(count, owner, use, order) ((u64)(count) | (WORD_ID(owner, use) | (u64)(order) << 24) << 32)
static_assert(sizeof(struct page) == 16, "the frame table is sized by it");
static_assert(offsetof(struct page, next) == 8 && offsetof(struct page, prev) == 12, "init_frames() packs these");
static_assert(offsetof(struct page, owner) == 4 && offsetof(struct page, use) == 6 && offsetof(struct page, order) == 7,
              "WORD() packs these");
static_assert(PAGE_GUEST == 2 && PAGE_SHARED_HYP == 3, "page_get() tells them from others by one bit");

static u64 word_id(u64 w) { return w >> 32 & 0xffffff; }
static u16 word_owner(u64 w) { return (u16)(w >> 32); }
static u8 word_use(u64 w) { return (u8)(w >> 48); }
static u8 word_order(u64 w) { return (u8)(w >> 56); }

static always_inline bool take_reference(struct page *pg, const struct domain *d)
{
    return page_take_reference(pg, WORD_ID(d->id, PAGE_GUEST));
}

static noinline bool get_elsewhere(mfn_t m, const struct domain *d)
{
    return mem_is_ram_elsewhere(m) && take_reference(mfn_to_page(m), d);
}

bool page_get(mfn_t m, const struct domain *d)
{
    u64 i = m.m - mem_hot_range.first;

    if (unlikely(i >= mem_hot_range.nr)) {
        return get_elsewhere(m, d);
    }
    return take_reference(&mem_hot_range.page[i], d);
}

static always_inline bool is_ram_of(const struct page *pg, const struct domain *d)
{
    u64 w = atomic_load(&pg->word);

    return word_id(w) == WORD_ID(d->id, PAGE_GUEST) && (u32)w != 0;
}

static noinline bool is_ram_elsewhere(mfn_t m, const struct domain *d)
{
    return mem_is_ram_elsewhere(m) && is_ram_of(mfn_to_page(m), d);
}

bool page_is_ram_of(mfn_t m, const struct domain *d)
{
    u64 i = m.m - mem_hot_range.first;

    if (unlikely(i >= mem_hot_range.nr)) {
        return is_ram_elsewhere(m, d);
    }
    return is_ram_of(&mem_hot_range.page[i], d);
}

/* Pseudo domains own pages too (trace buffers). */
static struct domain *owner_of(u64 w)
{
    if (unlikely(word_owner(w) == DOMID_XEN)) {
        return dom_xen;
    }
    return unlikely(word_owner(w) == DOMID_IO) ? dom_io : domain_lookup(word_owner(w));
}

/* Put frames [m, m + nr), already linked to each other, in front of d's list. Caller holds page_lock. */
static void list_splice(struct domain *d, u64 m, u64 nr)
{
    mfn_to_page(mfn(m + nr - 1))->next = d->page_list;
    if (d->page_list != PAGE_NIL) {
        mfn_to_page(mfn(d->page_list))->prev = (u32)(m + nr - 1);
    }
    d->page_list = (u32)m;
}

/* tot_pages is written under page_lock, and read without it too. */
static void count_pages(struct domain *d, s64 change)
{
    ASSERT(spin_is_locked(&d->page_lock) && d->tot_pages + change >= 0);
    atomic_store(&d->tot_pages, (u32)(d->tot_pages + change));
}

/* A page on no list has both links NIL and is not the head; for it this does nothing. Caller holds page_lock. */
static void list_unlink(struct domain *d, struct page *pg)
{
    ASSERT(spin_is_locked(&d->page_lock));
    if (pg->next != PAGE_NIL) {
        mfn_to_page(mfn(pg->next))->prev = pg->prev;
    }
    if (pg->prev != PAGE_NIL) {
        mfn_to_page(mfn(pg->prev))->next = pg->next;
    } else if (d->page_list == page_to_mfn(pg).m) {
        d->page_list = pg->next;
    }
    pg->next = PAGE_NIL;
    pg->prev = PAGE_NIL;
}

/* The last reference of a page of d's with this word has gone: nobody else can reach the page any more. */
static noinline void last_put(struct domain *d, struct page *pg, u64 w)
{
    u32 left;

    ASSERT_ALWAYS(d != NULL && word_order(w) != PAGE_OWNED);
    spin_lock(&d->page_lock);
    if (word_use(w) == PAGE_GUEST) {
        list_unlink(d, pg);
        count_pages(d, -1);
        left = d->tot_pages;
    } else {
        ASSERT(word_use(w) == PAGE_SHARED_HYP && d->shared_pages != 0);
        left = d->shared_pages - 1;
        atomic_store(&d->shared_pages, left);
    }
    spin_unlock(&d->page_lock);
    page_clear(pg);
    mem_free_frame(pg);
    if (unlikely(left == 0) && d->dying) {
        domain_maybe_complete_destroy(d);
    }
}

void page_last_put(struct page *pg, u64 old)
{
    ASSERT_ALWAYS((u32)old != 0);
    last_put(owner_of(old), pg, old - 1);
}

/* Drop the owner's reference of a page of this use: false if it is not d's or was dropped before. */
static bool drop_owner(struct page *pg, struct domain *d, u8 use)
{
    u64 w = atomic_load(&pg->word), now;

    do {
        if (word_id(w) != WORD_ID(d->id, use) || word_order(w) != PAGE_OWNED || (u32)w == 0) {
            return false;
        }
        now = WORD((u32)w - 1, d->id, use, 0);
    } while (unlikely(!atomic_cmpxchg(&pg->word, &w, now)));
    if (likely((u32)now == 0)) {
        last_put(d, pg, now);
    }
    return true;
}

bool page_release(struct page *pg, struct domain *d)
{
    return drop_owner(pg, d, PAGE_GUEST);
}

/* Give [first, first + nr) to d: page structs written, linked to each other in order. Nobody can see the frames yet. */
static void init_frames(struct domain *d, u64 first, u64 nr)
{
    u64 word = WORD(1, d->id, PAGE_GUEST, PAGE_OWNED);
    struct page *pg = mfn_to_page(mfn(first));
    u64 links = (first + 1) | (first - 1) << 32;     /* next and prev; the last next is list_splice()'s */

    for (struct page *end = pg + nr; pg < end; pg++, links += BIT(32) | 1) {
        pg->links = links;
        atomic_store_release(&pg->word, word);
    }
    mfn_to_page(mfn(first))->prev = PAGE_NIL;
}

/* Account and link frames that are d's from now on; -ENOMEM, with nothing done, over the limit or when d is dying. */
static int adopt(struct domain *d, u64 first, u64 nr)
{
    int ret = -ENOMEM;

    spin_lock(&d->page_lock);
    if (likely(!d->dying && nr <= d->max_pages && d->tot_pages <= d->max_pages - nr)) {
        init_frames(d, first, nr);
        list_splice(d, first, nr);
        count_pages(d, (s64)nr);
        ret = 0;
    }
    spin_unlock(&d->page_lock);
    return ret;
}

struct page *page_alloc_guest(struct domain *d, unsigned int order, u32 memf)
{
    u64 nr = BIT(order);
    struct page *pg;

    /* Before the work of clearing; adopt() decides. */
    if (unlikely(order > MAX_ORDER || atomic_load(&d->tot_pages) + nr > atomic_load(&d->max_pages))) {
        return NULL;
    }
    /* Zero and clean: a guest with its caches off must not see what was there before. */
    pg = mem_alloc_frames(order, memf | MEMF_SCRUB, READ_ONCE(d->node_affinity));
    if (unlikely(pg == NULL)) {
        return NULL;
    }
    if (unlikely(adopt(d, page_to_mfn(pg).m, nr) != 0)) {
        buddy_free_run(page_to_mfn(pg).m, nr);
        return NULL;
    }
    return pg;
}

int page_assign(struct domain *d, mfn_t first, u64 nr)
{
    if (nr == 0 || !mfn_is_ram(first) || !mfn_is_ram(mfn_add(first, nr - 1))) {
        return -EINVAL;
    }
    ASSERT(mfn_to_page(first)->use == PAGE_HYP);
    return adopt(d, first.m, nr);
}

void *pages_alloc_for(const struct domain *d, unsigned int order, u32 memf)
{
    struct page *pg = mem_alloc_frames(order, memf, READ_ONCE(d->node_affinity));

    if (pg == NULL) {
        return NULL;
    }
    page_mark(pg, PAGE_HYP, order);
    return page_to_virt(pg);
}

void *page_alloc_shared(struct domain *d)
{
    struct page *pg = mem_alloc_frames(0, MEMF_SCRUB, READ_ONCE(d->node_affinity));

    if (pg == NULL) {
        return NULL;
    }
    pg->next = PAGE_NIL;
    pg->prev = PAGE_NIL;
    spin_lock(&d->page_lock);
    atomic_store(&d->shared_pages, d->shared_pages + 1);
    spin_unlock(&d->page_lock);
    atomic_store_release(&pg->word, WORD(1, d->id, PAGE_SHARED_HYP, PAGE_OWNED));
    return page_to_virt(pg);
}

void page_free_shared(void *va)
{
    struct page *pg = virt_to_page(va);
    u64 w = atomic_load(&pg->word);
    struct domain *d = owner_of(w);

    if (d == NULL || !drop_owner(pg, d, PAGE_SHARED_HYP)) {
        panic("shared page of d%u freed twice", word_owner(w));
    }
}

/* A run of frames on its way to the buddy lists. */
struct run { u64 first, nr; };

static void run_flush(struct run *r)
{
    if (r->nr > 0) {
        buddy_free_run(r->first, r->nr);
    }
    r->nr = 0;
}

/* Drop the owner's reference of a dying domain's page if it still stands. True: there was no other, it is free. */
static always_inline bool relinquish(struct page *pg, u64 alone)
{
    u64 w = alone;

    while (unlikely(!atomic_cmpxchg(&pg->word, &w, w == alone ? 0 : WORD((u32)w - 1, word_owner(w), PAGE_GUEST, 0)))) {
        if (word_order(w) != PAGE_OWNED) {
            return false;                /* the guest had dropped it itself; others hold it */
        }
    }
    return w == alone;
}

/*
 * Take up to `max` pages off a dying domain's list. With no reference but the owner's a page is freed, as part of a run
 * where frames are consecutive; else the owner's is dropped and the page stays counted, on no list, until the others
 * have gone. Caller holds page_lock.
 */
static void relinquish_some(struct domain *d, u32 max, struct run *r)
{
    u64 alone = WORD(1, d->id, PAGE_GUEST, PAGE_OWNED);
    u32 m = d->page_list, freed = 0;

    for (; max > 0 && m != PAGE_NIL; max--) {
        struct page *pg = mfn_to_page(mfn(m));
        u32 next = pg->next;

        if (likely(relinquish(pg, alone))) {
            pg->next = 0;
            pg->prev = 0;
            freed++;
            if (r->first + r->nr != m) {
                run_flush(r);
                r->first = m;
            }
            r->nr++;
        } else {
            pg->next = PAGE_NIL;
            pg->prev = PAGE_NIL;
        }
        m = next;
    }
    d->page_list = m;
    if (m != PAGE_NIL) {
        mfn_to_page(mfn(m))->prev = PAGE_NIL;
    }
    count_pages(d, -(s64)freed);
}

#define RELINQUISH_BATCH 256

int domain_relinquish_pages(struct domain *d)
{
    for (;;) {
        struct run r = { 0, 0 };
        bool more;

        spin_lock(&d->page_lock);
        relinquish_some(d, RELINQUISH_BATCH, &r);
        more = d->page_list != PAGE_NIL;
        spin_unlock(&d->page_lock);
        run_flush(&r);
        if (!more) {
            return 0;
        }
        if (hypercall_preempt_check()) {
            return -ERESTART;
        }
    }
}
