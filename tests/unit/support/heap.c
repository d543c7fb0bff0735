/* SPDX-License-Identifier: MIT */
/*
 * A fake of core/mem for tests that do not link it (link all of core/mem/ or none of it). Small objects are malloc'ed,
 * so that ASan sees overruns and leaks; pages come from the arena, first fit.
 */
#include "support.h"

#define ARENA_PAGES UNIT_RAM_PAGES

u64 unit_alloc_fail_after = ~0UL;
static u8 taken[ARENA_PAGES];
static u64 nr_allocs;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

u64 unit_allocs(void)
{
    return nr_allocs;
}

void unit_mem_reset(void)
{
    memset(taken, 0, sizeof(taken));
    nr_allocs = 0;
    unit_alloc_fail_after = ~0UL;
}

weak void mem_reset(void)
{
}

weak void mem_add_range(paddr_t start, paddr_t end, u32 node)
{
    (void)node;
    mem_hot_range = (struct mem_hot_range){ start >> PAGE_SHIFT, (end - start) >> PAGE_SHIFT,
                                            mfn_to_page(paddr_to_mfn(start)) };
}

weak bool mem_is_ram_elsewhere(mfn_t m)
{
    (void)m;
    return false;
}

static bool may_fail(void)
{
    if (unit_alloc_fail_after == 0) {
        return true;
    }
    if (unit_alloc_fail_after != ~0UL) {
        unit_alloc_fail_after--;
    }
    return false;
}

/* First aligned run of free pages, marked; NULL if none. Caller holds `lock`. */
static struct page *take(unsigned int order)
{
    u64 nr = BIT(order);

    for (u64 i = 0; i + nr <= ARENA_PAGES; i += nr) {
        if (memchr(&taken[i], 1, nr) == NULL) {
            memset(&taken[i], 1, nr);
            nr_allocs++;
            return &frame_table[i];
        }
    }
    return NULL;
}

static struct page *take_locked(unsigned int order)
{
    struct page *pg = NULL;

    pthread_mutex_lock(&lock);
    if (!may_fail()) {
        pg = take(order);
    }
    pthread_mutex_unlock(&lock);
    return pg;
}

static void give(struct page *pg, unsigned int order)
{
    pthread_mutex_lock(&lock);
    assert_int_equal(taken[pg - frame_table], 1);
    memset(&taken[pg - frame_table], 0, BIT(order));
    memset(pg, 0, sizeof(*pg) << order);
    nr_allocs--;
    pthread_mutex_unlock(&lock);
}

weak void *pages_alloc(unsigned int order, u32 memf)
{
    struct page *pg = take_locked(order);

    if (pg == NULL) {
        return NULL;
    }
    pg->use = PAGE_HYP;
    memset(page_to_virt(pg), memf & MEMF_ZERO ? 0 : 0xa5, PAGE_SIZE << order);
    return page_to_virt(pg);
}

weak void *pages_alloc_for(const struct domain *d, unsigned int order, u32 memf)
{
    (void)d;
    return pages_alloc(order, memf);
}

weak void pages_free(void *va, unsigned int order)
{
    give(virt_to_page(va), order);
}

weak void *xzalloc_bytes(size_t size)
{
    void *p = NULL;

    pthread_mutex_lock(&lock);
    if (size != 0 && !may_fail()) {
        p = calloc(1, size);
        nr_allocs++;
    }
    pthread_mutex_unlock(&lock);
    return p;
}

weak void *xzalloc_bytes_near(size_t size, u32 node)
{
    (void)node;
    return xzalloc_bytes(size);
}

weak void *xzalloc_array_bytes(size_t n, size_t size)
{
    size_t bytes;

    return __builtin_mul_overflow(n, size, &bytes) ? NULL : xzalloc_bytes(bytes);
}

weak void xfree(void *p)
{
    if (p != NULL) {
        pthread_mutex_lock(&lock);
        nr_allocs--;
        pthread_mutex_unlock(&lock);
        free(p);
    }
}

static struct page *alloc_owned(struct domain *d, unsigned int order, u8 use)
{
    struct page *pg = take_locked(order);

    for (u64 i = 0; pg != NULL && i < BIT(order); i++) {
        pg[i] = (struct page){ .count = 1, .owner = d->id, .use = use, .order = PAGE_OWNED };
    }
    if (pg != NULL) {
        memset(page_to_virt(pg), 0, PAGE_SIZE << order);
        /* Frames of a chunk are dropped one by one. */
        pthread_mutex_lock(&lock);
        nr_allocs += BIT(order) - 1;
        pthread_mutex_unlock(&lock);
    }
    return pg;
}

weak struct page *page_alloc_guest(struct domain *d, unsigned int order, u32 memf)
{
    struct page *pg;

    (void)memf;
    if (d->dying || d->tot_pages + BIT(order) > d->max_pages) {
        return NULL;
    }
    pg = alloc_owned(d, order, PAGE_GUEST);
    d->tot_pages += pg == NULL ? 0 : (u32)BIT(order);
    return pg;
}

weak void *page_alloc_shared(struct domain *d)
{
    struct page *pg = alloc_owned(d, 0, PAGE_SHARED_HYP);

    d->shared_pages += pg != NULL;
    return pg == NULL ? NULL : page_to_virt(pg);
}

weak bool page_get(mfn_t m, const struct domain *d)
{
    struct page *pg = mfn_is_ram(m) ? mfn_to_page(m) : NULL;
    u64 w = pg != NULL ? atomic_load(&pg->word) : 0;

    do {
        if ((u32)w == 0 || (u16)(w >> 32) != d->id) {
            return false;
        }
    } while (!atomic_cmpxchg(&pg->word, &w, w + 1));
    return true;
}

weak bool page_is_ram_of(mfn_t m, const struct domain *d)
{
    return mfn_is_ram(m) && mfn_to_page(m)->use == PAGE_GUEST && mfn_to_page(m)->owner == d->id;
}

weak void page_last_put(struct page *pg, u64 old)
{
    struct domain *d = domain_lookup((u16)(old >> 32));
    u8 use = (u8)(old >> 48);

    assert_int_equal((u32)old, 1);
    give(pg, 0);
    if (d != NULL) {
        u32 guest = atomic_fetch_sub(&d->tot_pages, use == PAGE_GUEST) - (use == PAGE_GUEST);
        u32 shared = atomic_fetch_sub(&d->shared_pages, use == PAGE_SHARED_HYP) - (use == PAGE_SHARED_HYP);

        if (d->dying && (guest == 0 || shared == 0)) {
            domain_maybe_complete_destroy(d);
        }
    }
}

/* The owner's own reference; false when it was dropped before. */
static bool drop_owner(struct page *pg)
{
    u64 owned = (u64)PAGE_OWNED << 56;

    if (!(atomic_fetch_and(&pg->word, ~owned) & owned)) {
        return false;
    }
    page_put(pg);
    return true;
}

weak bool page_release(struct page *pg, struct domain *d)
{
    return pg->use == PAGE_GUEST && pg->owner == d->id && drop_owner(pg);
}

weak void page_free_shared(void *va)
{
    assert_true(drop_owner(virt_to_page(va)));
}

weak int domain_relinquish_pages(struct domain *d)
{
    for (u64 i = 0; i < host_ram_nr; i++) {
        if (frame_table[i].use == PAGE_GUEST && frame_table[i].owner == d->id) {
            bool dropped = page_release(&frame_table[i], d);

            (void)dropped;
        }
    }
    return 0;
}
