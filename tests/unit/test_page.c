/* SPDX-License-Identifier: MIT */
/* unit-sources: core/mem/range.c core/mem/node.c core/mem/buddy.c core/mem/frames.c core/mem/heap.c core/mem/page.c */
/* unit-sources: core/mem/stats.c */
/* unit-sources: core/mem/physmap.c core/mem/lazy.c core/mem/scrub.c */
#include "unit.h"
#include <core/mem/internal.h>

static struct domain *d1, *d2;

static int setup(void **state)
{
    unit_setup(state);
    d1 = unit_domain(1, 1);
    d2 = unit_domain(2, 1);
    return 0;
}

/* Pages on d's list: linked both ways, all of them d's. */
static u32 list_length(const struct domain *d)
{
    u32 n = 0, prev = PAGE_NIL;

    for (u32 m = d->page_list; m != PAGE_NIL; m = mfn_to_page(mfn(m))->next) {
        const struct page *pg = mfn_to_page(mfn(m));

        assert_int_equal(pg->prev, prev);
        assert_int_equal(pg->owner, d->id);
        assert_int_equal(pg->use, PAGE_GUEST);
        assert_true(pg->count > 0);
        prev = m;
        n++;
    }
    return n;
}

static void dirty_all_ram(void)
{
    void *p[64];

    for (u32 i = 0; i < 64; i++) {
        p[i] = pages_alloc(0, 0);
        memset(p[i], 0xdd, PAGE_SIZE);
    }
    for (u32 i = 0; i < 64; i++) {
        pages_free(p[i], 0);
    }
}

static void test_alloc_and_put(void **state)
{
    u64 before = unit_free_pages();
    struct page *pg;
    char *va;

    (void)state;
    dirty_all_ram();
    pg = page_alloc_guest(d1, 0, 0);
    assert_non_null(pg);
    assert_int_equal(pg->count, 1);
    assert_int_equal(pg->owner, 1);
    assert_int_equal(pg->use, PAGE_GUEST);
    assert_int_equal(d1->tot_pages, 1);
    assert_int_equal(list_length(d1), 1);
    assert_int_equal(host_zeroed_pages, 3);      /* the two shared info pages, and this one once */
    assert_int_equal(host_cleaned_pages, 3);
    assert_int_equal(host_forgotten, 3);         /* and what it held as instructions is forgotten */
    va = page_to_virt(pg);
    for (u32 i = 0; i < PAGE_SIZE; i++) {
        assert_int_equal(va[i], 0);
    }
    assert_true(page_release(pg, d1));
    assert_int_equal(d1->tot_pages, 0);
    assert_int_equal(list_length(d1), 0);
    assert_int_equal(unit_free_pages(), before);
    assert_int_equal(host_calls("domain_maybe_complete_destroy"), 0);
}

static void test_alloc_orders(void **state)
{
    u64 before = unit_free_pages();

    (void)state;
    for (unsigned int k = 0; k <= 9; k++) {
        struct page *pg = page_alloc_guest(d1, k, 0);

        assert_non_null(pg);
        assert_true(IS_ALIGNED(page_to_mfn(pg).m, BIT(k)));
        assert_int_equal(d1->tot_pages, BIT(k));
        assert_int_equal(list_length(d1), BIT(k));
        for (u64 i = 0; i < BIT(k); i++) {
            assert_int_equal(pg[i].count, 1);
            assert_true(page_get(page_to_mfn(&pg[i]), d1));
            page_put(&pg[i]);
            /* In an order of its own: odd ones first. */
        }
        for (u64 i = 1; i < BIT(k); i += 2) {
            assert_true(page_release(&pg[i], d1));
        }
        assert_int_equal(list_length(d1), DIV_ROUND_UP(BIT(k), 2));
        for (u64 i = 0; i < BIT(k); i += 2) {
            assert_true(page_release(&pg[i], d1));
        }
        assert_int_equal(d1->tot_pages, 0);
        assert_int_equal(list_length(d1), 0);
        assert_int_equal(unit_free_pages(), before);
    }
    assert_null(page_alloc_guest(d1, MAX_ORDER + 1, 0));
    assert_null(page_alloc_guest(d1, 63, 0));
}

static void test_limit(void **state)
{
    u64 before = unit_free_pages();

    (void)state;
    d1->max_pages = 5;
    assert_non_null(page_alloc_guest(d1, 2, 0));
    assert_null(page_alloc_guest(d1, 1, 0));
    assert_non_null(page_alloc_guest(d1, 0, 0));
    assert_null(page_alloc_guest(d1, 0, 0));
    assert_int_equal(d1->tot_pages, 5);
    assert_int_equal(unit_free_pages(), before - 5);
    /* Lowered below what it has: nothing more, nothing less. */
    d1->max_pages = 2;
    assert_null(page_alloc_guest(d1, 0, 0));
    assert_int_equal(d1->tot_pages, 5);
    d1->max_pages = ~0U;
    assert_non_null(page_alloc_guest(d1, 0, 0));
}

static void test_dying_gets_nothing(void **state)
{
    u64 before = unit_free_pages();

    (void)state;
    d1->dying = DOMAIN_DYING;
    assert_null(page_alloc_guest(d1, 0, 0));
    assert_null(page_alloc_guest(d1, 3, 0));
    assert_int_equal(d1->tot_pages, 0);
    assert_int_equal(unit_free_pages(), before);
}

static void test_out_of_memory(void **state)
{
    u32 n = 0;

    (void)state;
    while (page_alloc_guest(d1, 9, 0) != NULL) {
        n++;
    }
    assert_true(n > 100);
    assert_int_equal(d1->tot_pages, n * 512);
    while (page_alloc_guest(d1, 0, 0) != NULL) {
    }
    assert_int_equal(unit_free_pages(), 0);
    assert_int_equal(list_length(d1), d1->tot_pages);
}

static void test_page_get(void **state)
{
    struct page *pg = page_alloc_guest(d1, 0, 0);
    mfn_t m = page_to_mfn(pg);
    void *hyp = pages_alloc(0, 0);

    (void)state;
    assert_true(page_get(m, d1));
    assert_int_equal(pg->count, 2);
    assert_false(page_get(m, d2));
    assert_int_equal(pg->count, 2);
    page_put(pg);
    /* Not RAM; the hypervisor's; free; nonsense. */
    assert_false(page_get(mfn(0), d1));
    assert_false(page_get(INVALID_MFN, d1));
    assert_false(page_get(mfn(UNIT_RAM_FIRST + UNIT_RAM_PAGES), d1));
    assert_false(page_get(virt_to_mfn(hyp), d1));
    assert_true(page_release(pg, d1));
    assert_false(page_get(m, d1));
    /* dom0's id is 0, as an unused page struct's owner: still not dom0's. */
    assert_false(page_get(mfn(UNIT_RAM_FIRST + UNIT_RAM_PAGES - 1), unit_domain(0, 1)));
    pages_free(hyp, 0);
}

static void test_count_does_not_wrap(void **state)
{
    struct page *pg = page_alloc_guest(d1, 0, 0);

    (void)state;
    pg->count = 0x7fffffff;
    assert_true(page_get(page_to_mfn(pg), d1));
    assert_false(page_get(page_to_mfn(pg), d1));
    pg->count = 1;
}

/*
 * A page given back while someone else holds it stays, and counted, until they let go. The owner cannot drop its own
 * twice.
 */
static void test_release_with_others(void **state)
{
    u64 before = unit_free_pages();
    struct page *pg = page_alloc_guest(d1, 0, 0);

    (void)state;
    assert_true(page_get(page_to_mfn(pg), d1));
    assert_false(page_release(pg, d2));
    assert_true(page_release(pg, d1));
    assert_int_equal(pg->count, 1);
    assert_int_equal(d1->tot_pages, 1);
    assert_int_equal(list_length(d1), 1);
    assert_false(page_release(pg, d1));
    assert_int_equal(pg->count, 1);
    /* Whoever has it mapped may still take further references. */
    assert_true(page_get(page_to_mfn(pg), d1));
    page_put(pg);
    assert_int_equal(unit_free_pages(), before - 1);
    page_put(pg);
    assert_int_equal(unit_free_pages(), before);
    assert_int_equal(d1->tot_pages, 0);
    assert_false(page_release(pg, d1));
}

static void test_shared_pages(void **state)
{
    u64 before = unit_free_pages();
    void *va = page_alloc_shared(d1);
    struct page *pg = virt_to_page(va);

    (void)state;
    assert_non_null(va);
    assert_int_equal(d1->shared_pages, 2);       /* shared info is the other */
    assert_int_equal(d1->tot_pages, 0);
    assert_int_equal(pg->use, PAGE_SHARED_HYP);
    assert_true(page_get(page_to_mfn(pg), d1));
    assert_false(page_get(page_to_mfn(pg), d2));
    assert_false(page_release(pg, d1));          /* not the guest's to give back */
    page_free_shared(va);
    assert_int_equal(unit_free_pages(), before - 1);
    unit_expect_panic(page_free_shared(va));
    page_put(pg);
    assert_int_equal(unit_free_pages(), before);
    assert_int_equal(d1->shared_pages, 1);
}

static void test_shared_page_of_pseudo_domain(void **state)
{
    struct domain xen = { .id = DOMID_XEN, .page_list = PAGE_NIL };
    void *va;

    (void)state;
    spin_lock_init(&xen.page_lock, RANK_PAGE_LIST);
    dom_xen = &xen;
    va = page_alloc_shared(&xen);
    assert_true(page_get(virt_to_mfn(va), &xen));
    page_put(virt_to_page(va));
    page_free_shared(va);
    assert_int_equal(xen.shared_pages, 0);
    dom_xen = NULL;
}

static void test_assign(void **state)
{
    u64 before = unit_free_pages();
    mfn_t m = mfn(UNIT_RAM_FIRST + 0x1001);

    (void)state;
    assert_int_equal(mem_claim(m, 0x777), 0);
    /* The limit holds here too, where nobody has looked at it before. */
    d1->max_pages = 0x100;
    assert_int_equal(page_assign(d1, m, 0x777), -ENOMEM);
    d1->max_pages = 0x776;
    assert_int_equal(page_assign(d1, m, 0x777), -ENOMEM);
    d1->max_pages = 0x778;
    d1->tot_pages = 2;
    assert_int_equal(page_assign(d1, m, 0x777), -ENOMEM);
    assert_int_equal(d1->page_list, PAGE_NIL);
    d1->tot_pages = 0;
    d1->max_pages = 0x777;
    assert_int_equal(page_assign(d1, m, 0x777), 0);
    assert_int_equal(d1->tot_pages, 0x777);
    assert_int_equal(list_length(d1), 0x777);
    assert_int_equal(host_zeroed_pages, 2);
    assert_true(page_get(mfn_add(m, 0x776), d1));
    page_put(mfn_to_page(mfn_add(m, 0x776)));
    assert_false(page_get(mfn_add(m, 0x777), d1));
    assert_int_equal(page_assign(d1, mfn(0), 1), -EINVAL);
    assert_int_equal(page_assign(d1, m, 0), -EINVAL);
    assert_int_equal(page_assign(d1, m, UNIT_RAM_PAGES), -EINVAL);
    d1->dying = DOMAIN_DYING;
    assert_int_equal(domain_relinquish_pages(d1), 0);
    assert_int_equal(unit_free_pages(), before);
}

static void test_relinquish(void **state)
{
    u64 before = unit_free_pages();
    struct page *held[3];
    int rc, turns = 0;

    (void)state;
    for (u32 i = 0; i < 3; i++) {
        struct page *pg = page_alloc_guest(d1, 8, 0);

        assert_non_null(page_alloc_guest(d1, 0, 0));
        held[i] = &pg[77 * i];
        assert_true(page_get(page_to_mfn(held[i]), d1));
    }
    /* One of them the guest has given back itself. */
    assert_true(page_release(held[2], d1));
    d1->dying = DOMAIN_DYING;
    unit_preempt_after = 0;
    while ((rc = domain_relinquish_pages(d1)) == -ERESTART) {
        turns++;
    }
    assert_int_equal(rc, 0);
    assert_int_equal(turns, 1);
    assert_int_equal(d1->tot_pages, 3);
    assert_int_equal(d1->page_list, PAGE_NIL);
    assert_int_equal(unit_free_pages(), before - 3);
    /* Again does no harm. */
    assert_int_equal(domain_relinquish_pages(d1), 0);
    assert_int_equal(host_calls("domain_maybe_complete_destroy"), 0);
    page_put(held[1]);
    page_put(held[0]);
    assert_int_equal(host_calls("domain_maybe_complete_destroy"), 0);
    page_put(held[2]);
    assert_int_equal(host_calls("domain_maybe_complete_destroy"), 1);
    assert_int_equal(d1->tot_pages, 0);
    page_free_shared(d1->shared_info);
    assert_int_equal(host_calls("domain_maybe_complete_destroy"), 2);
    d1->shared_info = page_alloc_shared(d1);     /* for the tear-down */
    assert_int_equal(unit_free_pages(), before);
}

/* A shared page can be the last to go. */
static void test_last_is_shared(void **state)
{
    struct page *pg = virt_to_page(d1->shared_info);

    (void)state;
    assert_true(page_get(page_to_mfn(pg), d1));
    d1->dying = DOMAIN_DYING;
    assert_int_equal(domain_relinquish_pages(d1), 0);
    page_free_shared(d1->shared_info);
    assert_int_equal(host_calls("domain_maybe_complete_destroy"), 0);
    page_put(pg);
    assert_int_equal(host_calls("domain_maybe_complete_destroy"), 1);
    assert_int_equal(d1->shared_pages, 0);
    d1->shared_info = page_alloc_shared(d1);
}

/* 100 domains' worth of memory comes back, in chunks as large as before. */
static void test_no_leak_over_cycles(void **state)
{
    u64 before = unit_free_pages();

    (void)state;
    for (u32 i = 0; i < 100; i++) {
        struct domain *d = unit_domain(10, 2);

        for (u32 k = 0; k < 50; k++) {
            assert_non_null(page_alloc_guest(d, k % 10, 0));
        }
        unit_domain_free(d);
        assert_int_equal(unit_free_pages(), before);
    }
    mem_flush_cache();
    assert_non_null(pages_alloc(15, 0));
}

static void test_node_affinity(void **state)
{
    struct page *pg;

    (void)state;
    unit_domain_free(d1);
    unit_domain_free(d2);
    mem_reset();
    host_ram_init(0x1000, 0x400);
    mem_add_range(0x1000 << PAGE_SHIFT, 0x1200 << PAGE_SHIFT, 0);
    mem_add_range(0x1200 << PAGE_SHIFT, 0x1400 << PAGE_SHIFT, 1);
    d1 = unit_domain(1, 1);
    d1->node_affinity = BIT(1);
    pg = page_alloc_guest(d1, 0, 0);
    assert_int_equal(mem_range_find(page_to_mfn(pg).m)->node, 1);
    pg = page_alloc_guest(d1, 0, MEMF_NODE(0));
    assert_int_equal(mem_range_find(page_to_mfn(pg).m)->node, 0);
    pg = page_alloc_guest(d1, 8, 0);
    assert_int_equal(mem_range_find(page_to_mfn(pg).m)->node, 1);
    /* The preferred node is exhausted: the other serves. */
    while (mem_range_find(page_to_mfn(page_alloc_guest(d1, 0, 0)).m)->node == 1) {
    }
    assert_int_equal(mem_cached_pages(1), 0);
}

/* ---- physmap_relinquish ---- */

static void test_physmap_relinquish(void **state)
{
    struct page *pg[200];
    u64 before = unit_free_pages();
    int turns = 0, rc;

    (void)state;
    assert_int_equal(physmap_relinquish(d2), 0);
    for (u32 i = 0; i < 200; i++) {
        pg[i] = page_alloc_guest(d1, 0, 0);
        assert_true(page_get(page_to_mfn(pg[i]), d1));
        assert_int_equal(p2m_map(d2, gfn(0x100 + i * 3), page_to_mfn(pg[i]), 1,
                                 i % 2 ? P2M_FOREIGN_RW : P2M_FOREIGN_RO), 0);
        d2->nr_foreign++;
    }
    unit_guest_map(d2, 0x1000000, 4 * PAGE_SIZE);
    d2->dying = DOMAIN_DYING;
    unit_preempt_after = 1;
    while ((rc = physmap_relinquish(d2)) == -ERESTART) {
        turns++;
    }
    assert_int_equal(rc, 0);
    assert_int_equal(turns, 1);
    assert_int_equal(d2->nr_foreign, 0);
    for (u32 i = 0; i < 200; i++) {
        assert_int_equal(pg[i]->count, 1);
        assert_true(page_release(pg[i], d1));
    }
    assert_int_equal(unit_free_pages(), before - 4);
}

/* A mapping counted but not made yet: the walk is done again. */
static void test_physmap_relinquish_late(void **state)
{
    (void)state;
    d2->nr_foreign = 1;
    assert_int_equal(physmap_relinquish(d2), -ERESTART);
    assert_int_equal(d2->relinquish_gfn, 0);
    d2->nr_foreign = 0;
    assert_int_equal(physmap_relinquish(d2), 0);
}

#define page_case(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        page_case(test_alloc_and_put),
        page_case(test_alloc_orders),
        page_case(test_limit),
        page_case(test_dying_gets_nothing),
        page_case(test_out_of_memory),
        page_case(test_page_get),
        page_case(test_count_does_not_wrap),
        page_case(test_release_with_others),
        page_case(test_shared_pages),
        page_case(test_shared_page_of_pseudo_domain),
        page_case(test_assign),
        page_case(test_relinquish),
        page_case(test_last_is_shared),
        page_case(test_no_leak_over_cycles),
        page_case(test_node_affinity),
        page_case(test_physmap_relinquish),
        page_case(test_physmap_relinquish_late),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
