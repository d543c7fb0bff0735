/* SPDX-License-Identifier: MIT */
/* unit-sources: core/mem/range.c core/mem/node.c core/mem/buddy.c core/mem/frames.c core/mem/heap.c core/mem/page.c */
/* unit-sources: core/mem/stats.c */
/* unit-sources: core/mem/physmap.c core/mem/lazy.c core/mem/scrub.c */
#include "unit.h"
#include <core/mem/internal.h>

#define FIRST UNIT_RAM_FIRST
#define PAGES UNIT_RAM_PAGES

/* A small generator, so that a failure repeats. */
static u64 seed;

static u32 rnd(u32 below)
{
    seed = seed * 6364136223846793005UL + 1442695040888963407UL;
    return (u32)(seed >> 33) % below;
}

/* Fresh RAM of nr frames at `first`, none of it given to the allocator. */
static void bare_ram(u64 first, u64 nr)
{
    mem_reset();
    host_ram_init(first, nr);
}

static void add(u64 first, u64 end, u32 node)
{
    mem_add_range(first << PAGE_SHIFT, end << PAGE_SHIFT, node);
}

/* One list: see check_lists(). How many chunks it has. */
static u64 check_list(u32 node, u32 z, u32 k, bool zero, u8 *seen)
{
    const struct buddy_list *l = &buddy_nodes[node].zone[z].list[zero];
    u64 chunks = 0;
    u32 prev = PAGE_NIL;

    assert_int_equal(l->head[k] != PAGE_NIL, l->orders >> k & 1);
    for (u32 m = l->head[k]; m != PAGE_NIL; m = mfn_to_page(mfn(m))->next) {
        const struct page *pg = mfn_to_page(mfn(m));
        const struct mem_range *r = mem_range_find(m);
        u64 buddy = m ^ BIT(k);

        assert_non_null(r);
        assert_int_equal(r->node, node);
        assert_true(IS_ALIGNED(m, BIT(k)) && m + BIT(k) <= r->end);
        assert_int_equal(m < ZONE_SPLIT_MFN, z == ZONE_LOW);
        assert_int_equal(pg->use, PAGE_FREE);
        assert_int_equal(pg->order, k + 1);
        assert_int_equal(pg->count, 0);
        assert_int_equal((pg->word & FREE_CHUNK_ZERO) != 0, zero);
        assert_int_equal(pg->prev, prev);
        for (u64 i = 0; i < BIT(k); i++) {
            assert_int_equal(seen[m - host_ram_first + i]++, 0);
            assert_true(i == 0 || (pg[i].word & ~FREE_ZERO) == 0);
            assert_true(!zero || (pg[i].word & FREE_ZERO) != 0);
        }
        if (k < MAX_ORDER && buddy >= r->first && buddy + BIT(k) <= r->end) {
            const struct page *other = mfn_to_page(mfn(buddy));
            bool like = k < SCRUB_ORDER || ((other->word & FREE_CHUNK_ZERO) != 0) == zero;

            assert_false(other->use == PAGE_FREE && other->order == k + 1 && like);
        }
        prev = m;
        chunks++;
    }
    return chunks;
}

/*
 * Every list is linked both ways, holds aligned chunks of RAM of its node and zone, none twice, no mergeable pair;
 * counts agree.
 */
static void check_lists(void)
{
    u8 *seen = calloc(host_ram_nr, 1);

    for (u32 node = 0; node < mem_nr_nodes; node++) {
        for (u32 z = 0; z < NR_ZONES; z++) {
            const struct buddy_zone *zone = &buddy_nodes[node].zone[z];
            u64 pages = 0;

            for (u32 k = 0; k <= MAX_ORDER; k++) {
                u64 chunks = check_list(node, z, k, false, seen) + check_list(node, z, k, true, seen);

                assert_int_equal(zone->nr[k], chunks);
                pages += chunks << k;
            }
            pages += (u64)zone->nr_untouched << MAX_ORDER;
            assert_int_equal(zone->free, pages);
        }
    }
    free(seen);
}

static void test_add_range(void **state)
{
    struct mem_stats s;

    (void)state;
    bare_ram(0x1000, 0x10000);
    add(0x1003, 0x1100, 0);
    add(0x4000, 0x9000, 0);
    check_lists();
    mem_stats(&s);
    assert_int_equal(s.total, 0xfd + 0x5000);
    assert_int_equal(s.free, s.total);
    assert_int_equal(s.scrub, 0);
    assert_int_equal(mem_max_mfn(), 0x8fff);
    assert_true(mfn_is_ram(mfn(0x1003)));
    assert_true(mfn_is_ram(mfn(0x8fff)));
    assert_false(mfn_is_ram(mfn(0x1002)));
    assert_false(mfn_is_ram(mfn(0x1100)));
    assert_false(mfn_is_ram(mfn(0x9000)));
    assert_false(mfn_is_ram(mfn(0)));
    assert_false(mfn_is_ram(INVALID_MFN));
    /* The gap is filled: three ranges become one, and chunks merge across the old borders. */
    add(0x1100, 0x4000, 0);
    check_lists();
    assert_int_equal(mem_range_find(0x1003)->end, 0x9000);
    assert_int_equal(buddy_nodes[0].zone[ZONE_LOW].nr[13], 1);
    assert_int_equal(buddy_nodes[0].zone[ZONE_LOW].nr[14], 1);
}

static void test_add_range_is_lazy(void **state)
{
    const u64 block = 1UL << MAX_ORDER, nr = 6 * block;
    struct buddy_zone *low = &buddy_nodes[0].zone[ZONE_LOW], *high = &buddy_nodes[0].zone[ZONE_HIGH];
    const struct domain nobody = { .id = 0xa5a5 }, *d = &nobody;
    void *p;

    (void)state;
    bare_ram(block, nr);
    memset(frame_table, 0xa5, nr * sizeof(struct page));         /* as RAM is that someone used before */
    /* From the middle of the first block to that of the last: the four between are not touched. */
    add(block + 0x1000, nr + 0x1000, 0);
    assert_int_equal(low->nr_untouched, 2);
    assert_int_equal(high->nr_untouched, 2);
    assert_int_equal(unit_free_pages(), nr - block);
    assert_int_equal(mem_free_between(0, 0, 32), (3 * block - 0x1000) * PAGE_SIZE);
    assert_int_equal(mem_free_between(0, 31, 33), (2 * block + nr + 0x1000 - 4 * block) * PAGE_SIZE);
    for (u64 m = 2 * block; m < 6 * block; m += block / 2) {
        assert_int_equal(mfn_to_page(mfn(m))->word, 0xa5a5a5a5a5a5a5a5UL);
        assert_false(mfn_is_ram(mfn(m)));
        assert_false(page_get(mfn(m), d));
        assert_false(page_is_ram_of(mfn(m), d));
    }
    assert_true(mfn_is_ram(mfn(block + 0x1000)));
    assert_true(mfn_is_ram(mfn(nr + 0xfff)));
    check_lists();
    /* Small requests are met from what is there; a whole block uses one, a claim those it touches. */
    p = pages_alloc(4, 0);
    assert_int_equal(low->nr_untouched + high->nr_untouched, 4);
    pages_free(p, 4);
    p = pages_alloc(MAX_ORDER, 0);
    assert_int_equal(virt_to_mfn(p).m, 4 * block);
    assert_int_equal(high->nr_untouched, 1);
    assert_true(mfn_is_ram(mfn(4 * block + 5)));
    assert_false(page_get(mfn(4 * block + 5), d));
    assert_int_equal(mem_claim(mfn(3 * block - 1), 2), 0);
    assert_int_equal(low->nr_untouched, 0);
    check_lists();
    pages_free(p, MAX_ORDER);
    /* Idle CPUs do the rest. */
    mem_idle_start(false);
    assert_true(mem_idle());
    assert_int_equal(high->nr_untouched, 0);
    /* The hot range is to grow, after a grace period: a CPU that has asked for one must not go to sleep on it. */
    assert_true(mem_idle());
    assert_false(mem_idle());
    quiesce_poll();
    assert_int_equal(mem_hot_range.first, block + 0x1000);
    assert_int_equal(mem_hot_range.nr, nr - block);
    assert_int_equal(host_zeroed_pages, 0);
    assert_int_equal(unit_free_pages(), nr - block - 2);
    check_lists();
}

/* RAM in three parts with two holes: one run for lookups, in which the holes are nobody's until they are given too. */
static void test_holes_are_in_the_hot_run(void **state)
{
    const struct domain nobody = { .id = 0 }, *d = &nobody;

    (void)state;
    bare_ram(0x1000, 0x1000);
    memset(mfn_to_page(mfn(0x1000)), 0xff, 0x1000 * sizeof(struct page));
    add(0x1000, 0x1100, 0);
    add(0x1200, 0x1300, 0);
    add(0x1400, 0x1f00, 0);
    assert_int_equal(mem_hot_range.first, 0x1400);
    assert_false(mfn_is_ram(mfn(0x1150)));
    mem_fill_holes(0x1000 << PAGE_SHIFT, 0x2000 << PAGE_SHIFT);
    assert_int_equal(mem_hot_range.first, 0x1000);
    assert_int_equal(mem_hot_range.nr, 0x1000);
    assert_ptr_equal(mem_hot_range.page, mfn_to_page(mfn(0x1000)));
    for (u64 m = 0x1000; m < 0x2000; m++) {
        const struct mem_range *r = mem_range_find(m);

        assert_true(mfn_is_ram(mfn(m)));
        assert_false(page_get(mfn(m), d));
        assert_false(page_is_ram_of(mfn(m), d));
        assert_int_equal(r == NULL, (m >= 0x1100 && m < 0x1200) || (m >= 0x1300 && m < 0x1400) || m >= 0x1f00);
        assert_true(r != NULL || mfn_to_page(mfn(m))->word == 0);
    }
    assert_false(mfn_is_ram(mfn(0xfff)));
    assert_false(mfn_is_ram(mfn(0x2000)));
    assert_false(mem_is_free(mfn(0x10f0), 0x20));
    assert_int_equal(unit_free_pages(), 0xd00);
    add(0x1100, 0x1200, 0);
    assert_int_equal(mem_hot_range.first, 0x1000);
    assert_int_equal(mem_hot_range.nr, 0x1000);
    assert_true(mem_is_free(mfn(0x10f0), 0x20));
    assert_int_equal(unit_free_pages(), 0xe00);
    check_lists();
}

static void test_add_range_rejects(void **state)
{
    (void)state;
    bare_ram(0x1000, 0x1000);
    unit_expect_panic(mem_add_range(0x1000800, 0x1002000, 0));
    unit_expect_panic(add(0xfff, 0x1001, 0));
    unit_expect_panic(add(0x1fff, 0x2001, 0));
    add(0x1000, 0x1000, 0);
    assert_false(mfn_is_ram(mfn(0x1000)));
    add(0x1000, 0x1100, 0);
    unit_expect_panic(add(0x10ff, 0x1101, 0));
}

/* Frames outside the range look like zeroed page structs: they must never be merged in. */
static void test_no_merge_over_hole(void **state)
{
    void *p[3];

    (void)state;
    bare_ram(0x1000, 0x100);
    add(0x1001, 0x1004, 0);
    for (u32 i = 0; i < 3; i++) {
        p[i] = pages_alloc(0, 0);
        assert_non_null(p[i]);
    }
    assert_null(pages_alloc(0, 0));
    for (u32 i = 0; i < 3; i++) {
        pages_free(p[i], 0);
    }
    mem_flush_cache();
    check_lists();
    assert_int_equal(unit_free_pages(), 3);
    assert_null(pages_alloc(2, 0));
    assert_non_null(pages_alloc(1, 0));
}

static void test_orders(void **state)
{
    u64 before = unit_free_pages();

    (void)state;
    for (unsigned int k = 0; k <= 12; k++) {
        char *p = pages_alloc(k, MEMF_ZERO);

        assert_non_null(p);
        assert_true(IS_ALIGNED(virt_to_mfn(p).m, BIT(k)));
        assert_int_equal(unit_free_pages(), before - BIT(k));
        assert_int_equal(p[0] | p[(PAGE_SIZE << k) - 1], 0);
        memset(p, 0x5a, 64);
        pages_free(p, k);
        assert_int_equal(unit_free_pages(), before);
    }
    assert_null(pages_alloc(MAX_ORDER, 0));
    assert_null(pages_alloc(MAX_ORDER + 1, 0));
    assert_null(pages_alloc(64, 0));
    mem_flush_cache();
    check_lists();
}

static void test_zero_flag(void **state)
{
    char *p = pages_alloc(0, 0);

    (void)state;
    memset(p, 0xff, PAGE_SIZE);
    pages_free(p, 0);
    assert_ptr_equal(pages_alloc(0, MEMF_ZERO), p);
    assert_int_equal(p[0] | p[PAGE_SIZE - 1], 0);
    assert_int_equal(host_zeroed_pages, 1);
    pages_free(p, 0);
}

/* A zero frame and one that is not make a chunk that is not, whichever comes first. */
static void test_zero_flag_of_a_merged_chunk(void **state)
{
    (void)state;
    for (u32 first = 0; first < 2; first++) {
        struct buddy_node *n = &buddy_nodes[0];
        u64 m;

        spin_lock(&n->lock);
        m = buddy_alloc_locked(n, 1, false, false);
        assert_int_not_equal(m, PAGE_NIL);
        for (u32 i = 0; i < 2; i++) {
            u64 at = m + (first + i) % 2;

            atomic_store(&mfn_to_page(mfn(at))->word, i == 0 ? 0 : FREE_ZERO);
            buddy_free_locked(mem_range_find(at), at, 0, i != 0);
        }
        m = buddy_alloc_locked(n, 1, false, false);
        for (u32 i = 0; i < 2; i++) {
            u64 at = m + (first + i) % 2;

            atomic_store(&mfn_to_page(mfn(at))->word, i == 0 ? FREE_ZERO : 0);
            buddy_free_locked(mem_range_find(at), at, 0, i == 0);
        }
        spin_unlock(&n->lock);
        check_lists();
    }
}

static void test_exhaustion(void **state)
{
    void **p = calloc(PAGES + 1, sizeof(*p));
    u64 n = 0;

    (void)state;
    while ((p[n] = pages_alloc(0, 0)) != NULL) {
        n++;
    }
    assert_int_equal(n, PAGES);
    assert_int_equal(unit_free_pages(), 0);
    assert_null(xzalloc_bytes(1));
    assert_null(xzalloc_bytes(PAGE_SIZE));
    for (u64 i = 0; i < n; i++) {
        pages_free(p[i], 0);
    }
    mem_flush_cache();
    check_lists();
    assert_int_equal(unit_free_pages(), PAGES);
    /* All merged again. */
    assert_int_equal(buddy_nodes[0].zone[ZONE_LOW].nr[16], 1);
    free(p);
}

static void test_double_free(void **state)
{
    void *p = pages_alloc(3, 0), *q = pages_alloc(0, 0);

    (void)state;
    unit_expect_panic(pages_free(p, 2));
    unit_expect_panic(pages_free((char *)p + PAGE_SIZE, 0));
    pages_free(p, 3);
    unit_expect_panic(pages_free(p, 3));
    pages_free(q, 0);
    unit_expect_panic(pages_free(q, 0));
}

/* Random sizes, random order of freeing: no overlap, exact accounting, everything merges again. */
static void test_stress(void **state)
{
    enum { LIVE = 300, STEPS = 20000 };
    struct { char *va; unsigned int order; } live[LIVE] = { { NULL, 0 } };
    u64 used = 0;

    (void)state;
    seed = 42;
    for (u32 step = 0; step < STEPS; step++) {
        u32 i = rnd(LIVE);

        unit_set_cpu(rnd(4));
        if (live[i].va != NULL) {
            /* What was written at both ends is still there. */
            assert_int_equal(*(u32 *)live[i].va, i);
            assert_int_equal(*(u32 *)(live[i].va + (PAGE_SIZE << live[i].order) - 4), i);
            pages_free(live[i].va, live[i].order);
            used -= BIT(live[i].order);
            live[i].va = NULL;
        } else {
            unsigned int k = rnd(4) != 0 ? rnd(3) : rnd(10);

            live[i].va = pages_alloc(k, 0);
            live[i].order = k;
            if (live[i].va != NULL) {
                used += BIT(k);
                *(u32 *)live[i].va = i;
                *(u32 *)(live[i].va + (PAGE_SIZE << k) - 4) = i;
            }
        }
        assert_int_equal(unit_free_pages(), PAGES - used);
        if (step % 1000 == 0) {
            check_lists();
        }
    }
    for (u32 i = 0; i < LIVE; i++) {
        if (live[i].va != NULL) {
            pages_free(live[i].va, live[i].order);
        }
    }
    for (u32 c = 0; c < 4; c++) {
        unit_set_cpu(c);
        mem_flush_cache();
    }
    check_lists();
    assert_int_equal(unit_free_pages(), PAGES);
    assert_int_equal(buddy_nodes[0].zone[ZONE_LOW].nr[16], 1);
}

static void test_claim(void **state)
{
    void *p;

    (void)state;
    /* A single page taken, so that its chunk is not whole. */
    assert_int_equal(mem_claim(mfn(FIRST + 0x105), 1), 0);
    assert_int_equal(unit_free_pages(), PAGES - 1);
    check_lists();
    assert_int_equal(mem_claim(mfn(FIRST + 0x100), 0x10), -ENOMEM);
    assert_int_equal(unit_free_pages(), PAGES - 1);
    assert_int_equal(mem_claim(mfn(FIRST + 0x106), 0x3211), 0);
    assert_int_equal(unit_free_pages(), PAGES - 1 - 0x3211);
    check_lists();
    assert_int_equal(mem_claim(mfn(FIRST + 0x106), 1), -ENOMEM);
    assert_int_equal(mem_claim(mfn(FIRST - 1), 1), -ENOMEM);
    assert_int_equal(mem_claim(mfn(FIRST + PAGES - 1), 2), -ENOMEM);
    assert_int_equal(mem_claim(mfn(FIRST + 0x8000), 0), -ENOMEM);
    assert_int_equal(mem_claim(mfn(FIRST + 0x8000), ~0UL), -ENOMEM);
    /* Pages in this CPU's cache are free too. */
    p = pages_alloc(0, 0);
    pages_free(p, 0);
    assert_true(mem_cached_pages(0) > 0);
    assert_int_equal(mem_claim(virt_to_mfn(p), 1), 0);
    assert_int_equal(mem_cached_pages(0), 0);
    check_lists();
}

static void test_claim_everything(void **state)
{
    (void)state;
    bare_ram(0x1000, 0x1000);
    add(0x1003, 0x1ffd, 0);
    assert_int_equal(mem_claim(mfn(0x1003), 0xffa), 0);
    assert_int_equal(unit_free_pages(), 0);
    check_lists();
    assert_null(pages_alloc(0, 0));
}

static void test_zones(void **state)
{
    void *low, *high;

    (void)state;
    bare_ram(ZONE_SPLIT_MFN - 0x100, 0x200);
    add(ZONE_SPLIT_MFN - 0x100, ZONE_SPLIT_MFN + 0x100, 0);
    check_lists();
    /* Low memory is left alone while there is other, and found when asked for. */
    high = pages_alloc(0, 0);
    assert_true(virt_to_mfn(high).m >= ZONE_SPLIT_MFN);
    low = pages_alloc(0, MEMF_LOW32);
    assert_true(virt_to_mfn(low).m < ZONE_SPLIT_MFN);
    assert_non_null(pages_alloc(8, MEMF_LOW32) == NULL ? pages_alloc(7, MEMF_LOW32) : NULL);
    assert_null(pages_alloc(8, 0));
    assert_non_null(pages_alloc(7, 0));
    assert_int_equal(mem_free_between(0, 0, 32), (0x100 - 1 - 0x80) * PAGE_SIZE);
    assert_int_equal(mem_free_between(~0U, 32, 0) + mem_cached_pages(0) * PAGE_SIZE, (0x100 - 1 - 0x80) * PAGE_SIZE);
    assert_int_equal(mem_free_between(0, 0, 12), 0);
    assert_int_equal(mem_free_between(1, 0, 0), 0);
    assert_int_equal(mem_free_between(0, 64, 0), 0);
    assert_int_equal(mem_free_between(0, 31, 33), mem_free_between(0, 0, 0));
    assert_int_equal(mem_free_between(0, 33, 34), 0);
}

static void test_free_between_inside_zone(void **state)
{
    (void)state;
    bare_ram(0x80, 0x200);
    add(0x80, 0x280, 0);
    /* 1 MiB = frame 0x100. */
    assert_int_equal(mem_free_between(0, 0, 20), 0x80 * PAGE_SIZE);
    assert_int_equal(mem_free_between(0, 20, 21), 0x100 * PAGE_SIZE);
    assert_int_equal(mem_free_between(0, 21, 0), 0x80 * PAGE_SIZE);
}

static void test_nodes(void **state)
{
    struct mem_stats s;
    void *p[0x202];
    u32 n = 0;

    (void)state;
    bare_ram(0x1000, 0x400);
    add(0x1000, 0x1200, 0);
    add(0x1200, 0x1400, 1);
    pcpus[1]->node = 1;
    unit_set_cpu(1);
    assert_int_equal(mem_range_find(virt_to_mfn(p[n++] = pages_alloc(0, 0)).m)->node, 1);
    assert_int_equal(mem_range_find(virt_to_mfn(p[n++] = pages_alloc(2, 0)).m)->node, 1);
    pages_free(p[1], 2);
    assert_int_equal(mem_range_find(virt_to_mfn(p[1] = pages_alloc(0, MEMF_NODE(0))).m)->node, 0);
    assert_null(pages_alloc(0, MEMF_NODE(MEM_MAX_NODES)));
    assert_null(pages_alloc(0, MEMF_NODE(2) | MEMF_EXACT_NODE));
    /* The own node first, then the other; only the own one when asked exactly. */
    while ((p[n] = pages_alloc(0, MEMF_NODE(1) | MEMF_EXACT_NODE)) != NULL) {
        assert_int_equal(mem_range_find(virt_to_mfn(p[n]).m)->node, 1);
        n++;
    }
    assert_int_equal(n, 0x201);
    mem_node_stats(1, &s);
    assert_int_equal(s.free, 0);
    assert_int_equal(s.total, 0x200);
    p[0x200] = pages_alloc(0, 0);
    assert_int_equal(mem_range_find(virt_to_mfn(p[0x200]).m)->node, 0);
    /* Freed on a CPU of another node: goes to its own node's lists, not to the CPU's cache. */
    pages_free(p[0x200], 0);
    pages_free(p[1], 0);
    assert_int_equal(mem_cached_pages(1), 0);
    mem_node_stats(0, &s);
    assert_int_equal(s.free, 0x200);
    mem_node_stats(7, &s);
    assert_int_equal(s.total, 0);
    check_lists();
}

/* What the CPU's cache holds does not make a larger request fail. */
static void test_cache_given_back(void **state)
{
    void *p[16];

    (void)state;
    bare_ram(0x1000, 0x10);
    add(0x1000, 0x1010, 0);
    for (u32 i = 0; i < 16; i++) {
        p[i] = pages_alloc(0, 0);
    }
    for (u32 i = 0; i < 16; i++) {
        pages_free(p[i], 0);
    }
    assert_int_equal(mem_cached_pages(0), 16);
    assert_non_null(pages_alloc(4, 0));
    assert_int_equal(unit_free_pages(), 0);
}

static void test_dump(void **state)
{
    void *p = pages_alloc(4, 0);
    struct domain *d = unit_domain(3, 1);

    (void)state;
    assert_non_null(page_alloc_guest(d, 2, 0));
    mem_boot_bytes = mem_boot_node_bytes[0] = MIB(1);    /* what boot took is in the total and nowhere else */
    mem_dump();
    mem_boot_bytes = mem_boot_node_bytes[0] = 0;
    assert_non_null(strstr(unit_log(), "263168 KiB managed"));
    assert_non_null(strstr(unit_log(), "16 KiB guests' RAM, 4 KiB shared with guests"));
    assert_non_null(strstr(unit_log(), "allocated since 64 KiB"));
    assert_non_null(strstr(unit_log(), "d3: 4 pages"));
    pages_free(p, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_case(test_add_range),
        unit_case(test_add_range_is_lazy),
        unit_case(test_holes_are_in_the_hot_run),
        unit_case(test_add_range_rejects),
        unit_case(test_no_merge_over_hole),
        unit_case(test_orders),
        unit_case(test_zero_flag),
        unit_case(test_zero_flag_of_a_merged_chunk),
        unit_case(test_exhaustion),
        unit_case(test_double_free),
        unit_case(test_stress),
        unit_case(test_claim),
        unit_case(test_claim_everything),
        unit_case(test_zones),
        unit_case(test_free_between_inside_zone),
        unit_case(test_nodes),
        unit_case(test_cache_given_back),
        unit_case(test_dump),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
