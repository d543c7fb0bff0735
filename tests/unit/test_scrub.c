/* SPDX-License-Identifier: MIT */
/* unit-sources: core/mem/range.c core/mem/node.c core/mem/buddy.c core/mem/frames.c core/mem/heap.c core/mem/page.c */
/* unit-sources: core/mem/stats.c */
/* unit-sources: core/mem/physmap.c core/mem/lazy.c core/mem/scrub.c */
/* What is zero and what is not: no guest's page is handed over dirty, and none is zeroed twice. */
#include "unit.h"
#include <core/mem/internal.h>

#define FIRST 0x40000UL
#define PAGES 0x1000UL

static struct domain only, *guest = &only;
static u64 seed;

struct domain *domain_lookup(u16 domid) { return domid == only.id ? &only : NULL; }

static u32 rnd(u32 below)
{
    seed = seed * 6364136223846793005UL + 1442695040888963407UL;
    return (u32)(seed >> 33) % below;
}

/* 16 MiB that somebody has used, and nothing zeroed so far. */
static int setup(void **state)
{
    unit_setup(state);
    only = (struct domain){ .id = 1, .max_pages = ~0U, .page_list = PAGE_NIL };
    spin_lock_init(&only.page_lock, RANK_PAGE_LIST);
    mem_reset();
    host_ram_init(FIRST, PAGES);
    memset(mfn_to_virt(mfn(FIRST)), 0xdd, PAGES << PAGE_SHIFT);
    mem_add_range(FIRST << PAGE_SHIFT, (FIRST + PAGES) << PAGE_SHIFT, 0);
    host_irq_waiting = false;
    return 0;
}

static void scrub_all(void)
{
    mem_idle_start(true);
    while (mem_idle()) {
        continue;
    }
}

static u64 zero_pages(void)
{
    const struct buddy_list *l = buddy_nodes[0].zone[ZONE_LOW].list;
    u64 pages = 0;

    for (u32 k = 0; k <= MAX_ORDER; k++) {
        for (u32 m = l[true].head[k]; m != PAGE_NIL; m = mfn_to_page(mfn(m))->next) {
            pages += BIT(k);
        }
    }
    return pages;
}

static bool is_zero(const struct page *pg, u64 nr)
{
    const u64 *p = page_to_virt(pg);

    for (u64 i = 0; i < nr * PAGE_SIZE / 8; i++) {
        if (p[i] != 0) {
            return false;
        }
    }
    return true;
}

static void dirty(const struct page *pg, u64 nr)
{
    memset(page_to_virt(pg), 0xee, nr << PAGE_SHIFT);
}

static void release(struct page *pg, u64 nr)
{
    for (u64 i = 0; i < nr; i++) {
        assert_true(page_release(&pg[i], guest));
    }
}

/* Idle CPUs zero everything, each page once; what they have zeroed is handed out as it is. */
static void test_idle(void **state)
{
    struct page *pg;

    (void)state;
    assert_false(mem_idle());                        /* not before boot is over */
    mem_idle_start(false);
    assert_false(mem_idle());                        /* not with bootscrub=no */
    assert_int_equal(host_zeroed_pages, 0);
    scrub_all();
    assert_int_equal(host_zeroed_pages, PAGES);
    assert_int_equal(host_cleaned_pages, PAGES);
    assert_int_equal(host_forgotten, PAGES);
    assert_int_equal(zero_pages(), PAGES);
    assert_true(is_zero(mfn_to_page(mfn(FIRST)), PAGES));
    /* All in one chunk again. */
    assert_int_equal(buddy_nodes[0].zone[ZONE_LOW].nr[12], 1);
    pg = page_alloc_guest(guest, 9, 0);
    assert_non_null(pg);
    assert_int_equal(host_zeroed_pages, PAGES);
    dirty(pg, 512);
    release(pg, 512);
    mem_flush_cache();
    assert_int_equal(zero_pages(), PAGES - 512);
    /* What was freed is zeroed once more, and nothing else. */
    scrub_all();
    assert_int_equal(host_zeroed_pages, PAGES + 512);
    assert_int_equal(host_cleaned_pages, PAGES + 512);
    assert_int_equal(buddy_nodes[0].zone[ZONE_LOW].nr[12], 1);
    assert_true(is_zero(mfn_to_page(mfn(FIRST)), PAGES));
}

/* Without idle time: when handed out. Zero memory is taken first. */
static void test_on_demand(void **state)
{
    struct page *pg = page_alloc_guest(guest, 9, 0);
    void *shared;

    (void)state;
    assert_true(is_zero(pg, 512));
    assert_int_equal(host_zeroed_pages, 512);
    assert_int_equal(host_cleaned_pages, 512);
    assert_int_equal(host_forgotten, 512);
    shared = page_alloc_shared(guest);
    assert_true(is_zero(virt_to_page(shared), 1));
    assert_int_equal(host_zeroed_pages, 513);
    page_free_shared(shared);
    dirty(pg, 512);
    mem_idle_start(true);
    assert_true(mem_idle());                         /* one step: at most 2 MiB */
    assert_true(host_zeroed_pages <= 513 + 512);
    release(pg, 512);
}

/* An interrupt ends a step, and what was done by then is not done again. */
static void test_interrupt(void **state)
{
    (void)state;
    mem_idle_start(true);
    host_irq_waiting = true;
    assert_false(mem_idle());
    assert_int_equal(host_zeroed_pages, 0);
    host_irq_waiting = false;
    assert_true(mem_idle());
    assert_int_equal(host_zeroed_pages, 512);
    scrub_all();
    assert_int_equal(host_zeroed_pages, PAGES);
}

/* A page taken out of zeroed memory and given back: of the chunk it joins only that page is zeroed again. */
static void test_mixed_chunk(void **state)
{
    struct page *pg, *block;
    void *p;

    (void)state;
    scrub_all();
    p = pages_alloc(0, 0);
    memset(p, 0xcc, PAGE_SIZE);
    pages_free(p, 0);
    mem_flush_cache();
    assert_int_equal(zero_pages(), PAGES - 512);     /* the 2 MiB that it is in */
    for (u64 i = 0; i < PAGES / 512; i++) {
        block = page_alloc_guest(guest, 9, 0);
        assert_non_null(block);
        assert_true(is_zero(block, 512));
    }
    assert_null(page_alloc_guest(guest, 0, 0));
    assert_int_equal(host_zeroed_pages, PAGES + 1);
    release(mfn_to_page(mfn(FIRST)), PAGES);
    mem_flush_cache();
    assert_int_equal(zero_pages(), 0);
    /* A page of the hypervisor's was zero when it was taken, and is not any more, also where nobody said so. */
    scrub_all();
    p = pages_alloc(3, 0);
    memset(p, 0xcc, PAGE_SIZE << 3);
    pages_free(p, 3);
    mem_flush_cache();
    for (u64 i = 0; i < PAGES; i++) {
        pg = page_alloc_guest(guest, 0, 0);
        assert_non_null(pg);
        assert_true(is_zero(pg, 1));
    }
}

static void test_scrub_all_at_boot(void **state)
{
    (void)state;
    host_irq_waiting = true;                         /* a console's, say: nobody takes it yet */
    mem_scrub_all();
    assert_int_equal(host_zeroed_pages, PAGES);
    assert_int_equal(zero_pages(), PAGES);
    host_irq_waiting = false;
}

/* Anything in any order: contents are right, and nothing is zeroed that has not been used since it last was. */
static void test_stress(void **state)
{
    enum { LIVE = 100, STEPS = 6000 };
    struct { struct page *pg; u32 order; bool guests; } live[LIVE] = { { NULL, 0, false } };
    u64 freed = 0;

    (void)state;
    seed = 7;
    mem_idle_start(true);
    for (u32 step = 0; step < STEPS; step++) {
        u32 i = rnd(LIVE), what = rnd(8);
        struct mem_stats s;

        if (what == 0) {
            (void)mem_idle();
        } else if (live[i].pg != NULL) {
            freed += BIT(live[i].order);
            if (live[i].guests) {
                release(live[i].pg, BIT(live[i].order));
            } else {
                pages_free(page_to_virt(live[i].pg), live[i].order);
            }
            live[i].pg = NULL;
        } else {
            u32 memf = what == 1 ? MEMF_ZERO : 0;
            void *va = NULL;

            live[i].order = rnd(3) == 0 ? rnd(10) : rnd(3);
            live[i].guests = what > 3;
            if (live[i].guests) {
                live[i].pg = page_alloc_guest(guest, live[i].order, 0);
            } else {
                va = pages_alloc(live[i].order, memf);
                live[i].pg = va != NULL ? virt_to_page(va) : NULL;
            }
            if (live[i].pg != NULL) {
                assert_true((!live[i].guests && memf == 0) || is_zero(live[i].pg, BIT(live[i].order)));
                dirty(live[i].pg, BIT(live[i].order));
            }
        }
        mem_stats(&s);
        assert_true(s.free <= PAGES);
        assert_true(host_zeroed_pages <= PAGES + freed);
    }
    for (u32 i = 0; i < LIVE; i++) {
        if (live[i].pg != NULL && live[i].guests) {
            release(live[i].pg, BIT(live[i].order));
        } else if (live[i].pg != NULL) {
            pages_free(page_to_virt(live[i].pg), live[i].order);
        }
    }
    mem_flush_cache();
    scrub_all();
    assert_int_equal(buddy_nodes[0].zone[ZONE_LOW].nr[12], 1);
    assert_true(is_zero(mfn_to_page(mfn(FIRST)), PAGES));
}

#define scrub_case(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        scrub_case(test_idle), scrub_case(test_on_demand), scrub_case(test_interrupt), scrub_case(test_mixed_chunk),
        scrub_case(test_scrub_all_at_boot), scrub_case(test_stress)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
