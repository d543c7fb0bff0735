/* SPDX-License-Identifier: MIT */
/* Grant tables: growth, mapping and unmapping, pins, handles, domains that die. */
/* unit-sources: core/grant/table.c core/grant/pin.c core/grant/map.c */
/* unit-sources: core/grant/copy.c core/grant/cache.c core/grant/dump.c */
/* unit-sources: core/event/guest_atomic.c */
#include "test_grant_common.h"

#define HOLE 0x10000000UL

static struct domain *d0, *d1, *d2;

static u64 inval_bytes;
void arch_clean_inval_dcache(const void *va, size_t n)
{
    (void)va;
    inval_bytes += n;
}

static void make_three(void)
{
    d0 = make(0);
    d1 = make(1);
    d2 = make(2);
}

/* ---- the table ---- */

static void test_init(void **state)
{
    struct domain *d = unit_domain(5, 1);
    u64 before = unit_allocs();

    (void)state;
    assert_int_equal(grant_init(d, 0, 10, 1), -EINVAL);
    assert_int_equal(grant_init(d, 70000, 10, 1), -EINVAL);
    assert_int_equal(grant_init(d, 10, 0x7fffffff, 1), -EINVAL);
    for (u64 n = 0; n < 6; n++) {
        unit_alloc_fail_after = n;
        assert_int_equal(grant_init(d, 64, 1024, 1), -ENOMEM);
        assert_int_equal(unit_allocs(), before);
        assert_null(d->grant);
    }
    unit_alloc_fail_after = ~0UL;
    assert_int_equal(grant_init(d, 64, 1024, 2), 0);
    assert_int_equal(d->shared_pages, 2);                     /* shared_info and the first frame */
    grant_destroy(d);
    grant_destroy(d);
    assert_int_equal(unit_allocs(), before);
}

static void test_growth(void **state)
{
    struct domain *d = make_max(1, 4, 4);
    u32 nr, max;
    mfn_t m, again;

    (void)state;
    assert_int_equal(grant_sizes(d, &nr, &max), GNTST_okay);
    assert_int_equal(nr, 1);
    assert_int_equal(max, 4);
    assert_int_equal(grant_max_frames(d), 4);
    assert_int_equal(grant_frame_mfn(d, 0, &m), 0);
    assert_int_equal(grant_frame_mfn(d, 0, &again), 0);
    assert_true(mfn_eq(m, again));
    assert_int_equal(d->shared_pages, 2);
    assert_int_equal(grant_frame_mfn(d, 2, &m), 0);           /* one and two are made */
    assert_int_equal(d->shared_pages, 4);
    assert_int_equal(grant_frame_mfn(d, 4, &m), -EINVAL);
    assert_int_equal(grant_frame_mfn(d, ~0u, &m), -EINVAL);
    assert_int_equal(grant_setup(d, 3), GNTST_okay);
    assert_int_equal(grant_setup(d, 5), GNTST_general_error);
    unit_alloc_fail_after = 1;
    assert_int_equal(grant_frame_mfn(d, 3, &m), -ENOMEM);
    assert_int_equal(grant_setup(d, 4), GNTST_general_error);
    unit_alloc_fail_after = ~0UL;
    assert_int_equal(grant_setup(d, 4), GNTST_okay);
    assert_int_equal(grant_sizes(d, &nr, &max), GNTST_okay);
    assert_int_equal(nr, 4);
    /* Places of frames. */
    assert_false(gfn_is_valid(grant_frame_gfn(d, 0)));
    grant_frame_set_gfn(d, 0, gfn(0x38000));
    assert_int_equal(grant_frame_gfn(d, 0).g, 0x38000);
    assert_false(gfn_is_valid(grant_frame_gfn(d, 99)));
    grant_frame_set_gfn(d, 99, gfn(1));
    d->dying = DOMAIN_DYING;
    assert_int_equal(grant_frame_mfn(d, 0, &m), -EINVAL);
    assert_int_equal(grant_sizes(d, &nr, &max), GNTST_bad_domain);
}

static void test_without_table(void **state)
{
    struct domain *d = unit_domain(9, 1);
    mfn_t m;

    (void)state;
    assert_false(grant_usable(d));
    assert_int_equal(grant_max_frames(d), 0);
    assert_int_equal(grant_frame_mfn(d, 0, &m), -EINVAL);
    assert_int_equal(grant_release_mappings(d), 0);
    grant_dump(d);
    grant_destroy(d);
}

/* ---- map ---- */

static void test_map_and_unmap(void **state)
{
    u32 handle;
    u64 gpa;

    (void)state;
    make_three();
    gpa = give(d1, 8, d0, 0);
    assert_int_equal(map(d0, HOLE, d1, 8, RW, &handle), GNTST_okay);
    assert_int_equal(type_at(d0, HOLE), P2M_GRANT_RW);
    assert_ptr_equal(page_of(d0, HOLE), page_of(d1, gpa));
    assert_int_equal(page_of(d1, gpa)->count, 2);
    assert_int_equal(entry(d1, 8)->flags, GTF_permit_access | GTF_reading | GTF_writing);
    assert_int_equal(d0->grant->nr_maps, 1);
    host_p2m_flushes = 0;
    assert_int_equal(grant_unmap(d0, HOLE, handle), GNTST_okay);
    assert_int_equal(host_p2m_flushes, 1);
    assert_int_equal(type_at(d0, HOLE), P2M_INVALID);
    assert_int_equal(page_of(d1, gpa)->count, 1);
    assert_int_equal(entry(d1, 8)->flags, GTF_permit_access);
    assert_int_equal(d0->grant->nr_maps, 0);
    /* Twice, and what never was a handle. */
    assert_int_equal(grant_unmap(d0, HOLE, handle), GNTST_bad_handle);
    assert_int_equal(grant_unmap(d0, HOLE, handle + 1), GNTST_bad_handle);
    assert_int_equal(grant_unmap(d0, HOLE, 0x10000), GNTST_bad_handle);
    assert_int_equal(grant_unmap(d0, HOLE, ~0u), GNTST_bad_handle);
    assert_int_equal(grant_unmap(d1, HOLE, handle), GNTST_bad_handle);
    /* And again. */
    assert_int_equal(map(d0, HOLE, d1, 8, RW, &handle), GNTST_okay);
    assert_int_equal(grant_unmap(d0, HOLE, handle), GNTST_okay);
}

static void test_map_readonly(void **state)
{
    u32 handle;

    (void)state;
    make_three();
    give(d1, 1, d0, GTF_readonly);
    assert_int_equal(map(d0, HOLE, d1, 1, RW, NULL), GNTST_general_error);
    assert_int_equal(entry(d1, 1)->flags, GTF_permit_access | GTF_readonly);
    assert_int_equal(map(d0, HOLE, d1, 1, RO, &handle), GNTST_okay);
    assert_int_equal(type_at(d0, HOLE), P2M_GRANT_RO);
    assert_int_equal(entry(d1, 1)->flags, GTF_permit_access | GTF_readonly | GTF_reading);
    assert_int_equal(grant_unmap(d0, HOLE, handle), GNTST_okay);
    assert_int_equal(entry(d1, 1)->flags, GTF_permit_access | GTF_readonly);
}

static void test_map_flags(void **state)
{
    static const u32 bad[] = { 0, GNTMAP_readonly, GNTMAP_device_map, GNTMAP_device_map | GNTMAP_host_map,
                               RW | GNTMAP_application_map, RW | GNTMAP_contains_pte, RW | 0x10000, RW | 0x20, ~0u };

    (void)state;
    make_three();
    give(d1, 1, d0, 0);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(map(d0, HOLE, d1, 1, bad[i], NULL), GNTST_general_error);
    }
    assert_int_equal(entry(d1, 1)->flags, GTF_permit_access);
    assert_int_equal(d0->grant->nr_maps, 0);
}

static void test_map_bad_entries(void **state)
{
    u64 gpa;
    struct p2m_old old;
    mfn_t m;

    (void)state;
    make_three();
    gpa = give(d1, 1, d0, 0);
    assert_int_equal(map(d0, HOLE, d1, 512, RW, NULL), GNTST_bad_gntref);     /* only one frame yet */
    assert_int_equal(map(d0, HOLE, d1, ~0u, RW, NULL), GNTST_bad_gntref);
    assert_int_equal(map(d2, HOLE, d1, 1, RW, NULL), GNTST_general_error);    /* granted to 0 */
    entry(d1, 1)->flags = GTF_invalid;
    assert_int_equal(map(d0, HOLE, d1, 1, RW, NULL), GNTST_general_error);
    entry(d1, 1)->flags = GTF_accept_transfer;
    assert_int_equal(map(d0, HOLE, d1, 1, RW, NULL), GNTST_general_error);
    entry(d1, 1)->flags = GTF_transitive;
    assert_int_equal(map(d0, HOLE, d1, 1, RW, NULL), GNTST_general_error);
    /* Frames that are not there, not RAM, not the granter's own, read-only. */
    entry(d1, 1)->flags = GTF_permit_access;
    entry(d1, 1)->frame = 0x12345;
    assert_int_equal(map(d0, HOLE, d1, 1, RW, NULL), GNTST_bad_page);
    entry(d1, 1)->frame = ~0u;
    assert_int_equal(map(d0, HOLE, d1, 1, RW, NULL), GNTST_bad_page);
    assert_int_equal(p2m_map(d1, gfn(0x9000), mfn(0x3000), 1, P2M_MMIO), 0);
    entry(d1, 1)->frame = 0x9000;
    assert_int_equal(map(d0, HOLE, d1, 1, RW, NULL), GNTST_bad_page);
    m = page_to_mfn(page_of(d1, gpa));
    /* The type decides, whoever's the memory is. */
    assert_int_equal(p2m_map(d1, gfn(0x9001), m, 1, P2M_MMIO_WB), 0);
    entry(d1, 1)->frame = 0x9001;
    assert_int_equal(map(d0, HOLE, d1, 1, RW, NULL), GNTST_bad_page);
    assert_int_equal(p2m_map(d2, gfn(0x9000), m, 1, P2M_FOREIGN_RW), 0);
    entry(d2, 1)->frame = 0x9000;
    entry(d2, 1)->flags = GTF_permit_access;
    assert_int_equal(map(d0, HOLE, d2, 1, RO, NULL), GNTST_bad_page);
    assert_int_equal(p2m_replace(d1, gpa_to_gfn(gpa), m, P2M_RAM_RO, P2M_RAM, &old), 0);
    entry(d1, 1)->frame = (u32)(gpa >> PAGE_SHIFT);
    assert_int_equal(map(d0, HOLE, d1, 1, RW, NULL), GNTST_bad_page);
    assert_int_equal(entry(d1, 1)->flags, GTF_permit_access);
    assert_int_equal(map(d0, HOLE, d1, 1, RO, NULL), GNTST_okay);
    assert_int_equal(map(d0, HOLE + PAGE_SIZE, d1, 1, RW, NULL), GNTST_bad_page);  /* while pinned, too */
    assert_int_equal(entry(d1, 1)->flags, GTF_permit_access | GTF_reading);
    assert_int_equal(mfn_to_page(m)->count, 2);
    assert_int_equal(d0->grant->nr_maps, 1);
}

static void test_pin_counts(void **state)
{
    u32 h[4];
    struct page *pg;

    (void)state;
    make_three();
    pg = page_of(d1, give(d1, 3, d0, 0));
    assert_int_equal(map(d0, HOLE, d1, 3, RO, &h[0]), GNTST_okay);
    assert_int_equal(entry(d1, 3)->flags, GTF_permit_access | GTF_reading);
    assert_int_equal(map(d0, HOLE + 0x1000, d1, 3, RW, &h[1]), GNTST_okay);
    assert_int_equal(map(d0, HOLE + 0x2000, d1, 3, RW, &h[2]), GNTST_okay);
    assert_int_equal(map(d0, HOLE + 0x3000, d1, 3, RO, &h[3]), GNTST_okay);
    assert_int_equal(pg->count, 5);
    /* The frame stays the one of the first pin, whatever the guest writes. */
    entry(d1, 3)->frame = 0x777;
    assert_int_equal(grant_unmap(d0, HOLE + 0x1000, h[1]), GNTST_okay);
    assert_int_equal(entry(d1, 3)->flags, GTF_permit_access | GTF_reading | GTF_writing);
    assert_int_equal(map(d0, HOLE + 0x1000, d1, 3, RW, &h[1]), GNTST_okay);
    assert_ptr_equal(page_of(d0, HOLE + 0x1000), pg);
    assert_int_equal(grant_unmap(d0, HOLE + 0x1000, h[1]), GNTST_okay);
    assert_int_equal(grant_unmap(d0, HOLE + 0x2000, h[2]), GNTST_okay);
    assert_int_equal(entry(d1, 3)->flags, GTF_permit_access | GTF_reading);
    assert_int_equal(grant_unmap(d0, HOLE, h[0]), GNTST_okay);
    assert_int_equal(entry(d1, 3)->flags, GTF_permit_access | GTF_reading);
    assert_int_equal(grant_unmap(d0, HOLE + 0x3000, h[3]), GNTST_okay);
    assert_int_equal(entry(d1, 3)->flags, GTF_permit_access);
    assert_int_equal(pg->count, 1);
}

static void test_pinned_by_another(void **state)
{
    u32 handle;

    (void)state;
    make_three();
    give(d1, 3, d0, 0);
    assert_int_equal(map(d0, HOLE, d1, 3, RO, &handle), GNTST_okay);
    entry(d1, 3)->domid = 2;                                  /* while 0 uses it */
    assert_int_equal(map(d2, HOLE, d1, 3, RO, NULL), GNTST_general_error);
    assert_int_equal(map(d0, HOLE + 0x1000, d1, 3, RO, NULL), GNTST_general_error);
    assert_int_equal(grant_unmap(d0, HOLE, handle), GNTST_okay);
    assert_int_equal(map(d2, HOLE, d1, 3, RO, NULL), GNTST_okay);
}

static void test_pin_limit(void **state)
{
    struct grant_active *act;
    u32 handle;

    (void)state;
    make_three();
    give(d1, 3, d0, 0);
    act = grant_active(d1->grant, 3);
    assert_int_equal(map(d0, HOLE, d1, 3, RO, &handle), GNTST_okay);
    act->readers = 0xffff;
    assert_int_equal(map(d0, HOLE + 0x1000, d1, 3, RO, NULL), GNTST_general_error);
    act->readers = 1;
}

static void test_own_grant(void **state)
{
    u32 handle;
    u64 gpa;

    (void)state;
    make_three();
    gpa = give(d0, 5, d0, 0);
    assert_int_equal(map(d0, HOLE, d0, 5, RW, &handle), GNTST_okay);
    assert_ptr_equal(page_of(d0, HOLE), page_of(d0, gpa));
    assert_int_equal(grant_unmap(d0, HOLE, handle), GNTST_okay);
    assert_int_equal(type_at(d0, gpa), P2M_RAM_RW);
}

static void test_map_at_bad_addresses(void **state)
{
    struct page *pg;

    (void)state;
    make_three();
    pg = page_of(d1, give(d1, 1, d0, 0));
    assert_int_equal(map(d0, 1UL << 40, d1, 1, RW, NULL), GNTST_general_error);
    assert_int_equal(map(d0, ~0UL, d1, 1, RW, NULL), GNTST_general_error);
    if (!UNIT_REAL_P2M) {
        host_p2m_fail_after = 0;
        assert_int_equal(map(d0, HOLE, d1, 1, RW, NULL), GNTST_general_error);
        host_p2m_fail_after = ~0UL;
    }
    assert_int_equal(pg->count, 1);
    assert_int_equal(entry(d1, 1)->flags, GTF_permit_access);
    assert_int_equal(d0->grant->nr_maps, 0);
}

/* ---- handles ---- */

static void test_handles_run_out(void **state)
{
    struct domain *a = make_max(0, 4, 2), *b = make_max(1, 4, 2);
    u32 *h = calloc(600, sizeof(*h));
    u32 n = 0;

    (void)state;
    assert_non_null(h);
    give(b, 1, a, 0);
    while (n < 600 && map(a, HOLE + n * PAGE_SIZE, b, 1, RO, &h[n]) == GNTST_okay) {
        n++;
    }
    assert_int_equal(n, 512);                                 /* 256 a frame */
    assert_int_equal(map(a, HOLE + n * PAGE_SIZE, b, 1, RO, NULL), GNTST_no_space);
    assert_int_equal(grant_unmap(a, HOLE + 77 * PAGE_SIZE, h[77]), GNTST_okay);
    assert_int_equal(map(a, HOLE + n * PAGE_SIZE, b, 1, RO, &h[77]), GNTST_okay);
    assert_int_equal(a->grant->nr_maps, 512);
    free(h);
}

static void test_no_handles_at_all(void **state)
{
    struct domain *a = make_max(0, 4, 0), *b = make_max(1, 4, 4);

    (void)state;
    give(b, 1, a, 0);
    assert_int_equal(map(a, HOLE, b, 1, RW, NULL), GNTST_no_space);
    give(a, 1, b, 0);
    for (u64 n = 0; n < 2; n++) {
        unit_alloc_fail_after = n;
        assert_int_equal(map(b, HOLE, a, 1, RW, NULL), GNTST_no_space);
    }
    unit_alloc_fail_after = ~0UL;
    assert_int_equal(map(b, HOLE, a, 1, RW, NULL), GNTST_okay);
}

static void test_unmap_checks(void **state)
{
    struct p2m_old old;
    u32 h1, h2;

    (void)state;
    make_three();
    give(d1, 1, d0, 0);
    give(d1, 2, d0, 0);
    assert_int_equal(map(d0, HOLE, d1, 1, RW, &h1), GNTST_okay);
    assert_int_equal(map(d0, HOLE + PAGE_SIZE, d1, 2, RW, &h2), GNTST_okay);
    assert_int_equal(grant_unmap(d0, HOLE + PAGE_SIZE, h1), GNTST_general_error);   /* the other's place */
    assert_int_equal(grant_unmap(d0, HOLE + (1UL << 48), h1), GNTST_general_error);
    assert_int_equal(type_at(d0, HOLE), P2M_GRANT_RW);
    assert_int_equal(grant_unmap(d0, 0, h1), GNTST_okay);     /* no address: nothing asked for */
    assert_int_equal(grant_unmap(d0, 0, 99), GNTST_bad_handle);
    assert_int_equal(d0->grant->nr_maps, 2);
    /* Removed behind our back: the pin is still taken back. */
    assert_int_equal(p2m_remove(d0, gpa_to_gfn(HOLE), P2M_GRANT, &old), 0);
    assert_int_equal(grant_unmap(d0, HOLE, h1), GNTST_okay);
    assert_int_equal(entry(d1, 1)->flags, GTF_permit_access);
    /* The offset in the page does not matter. */
    assert_int_equal(grant_unmap(d0, HOLE + PAGE_SIZE + 0x123, h2), GNTST_okay);
    assert_int_equal(d0->grant->nr_maps, 0);
}

/* ---- death ---- */

static void test_mapper_dies(void **state)
{
    struct page *pg[40];
    u32 rounds = 0;

    (void)state;
    make_three();
    for (u32 i = 0; i < 40; i++) {
        pg[i] = page_of(d1, give(d1, i, d2, 0));
        assert_int_equal(map(d2, HOLE + i * PAGE_SIZE, d1, i, i % 2 ? RO : RW, NULL), GNTST_okay);
        assert_int_equal(pg[i]->count, 2);
    }
    d2->dying = DOMAIN_DYING;
    assert_int_equal(map(d2, HOLE + 0x100000, d1, 1, RO, NULL), GNTST_no_space);
    host_irq_waiting = true;
    while (grant_release_mappings(d2) == -ERESTART) {
        rounds++;
        assert_true(rounds < 50);
    }
    host_irq_waiting = false;
    assert_true(rounds >= 2);
    for (u32 i = 0; i < 40; i++) {
        assert_int_equal(pg[i]->count, 1);
        assert_int_equal(entry(d1, i)->flags, GTF_permit_access);
        assert_int_equal(type_at(d2, HOLE + i * PAGE_SIZE), P2M_INVALID);
    }
    assert_int_equal(d2->grant->nr_maps, 0);
    assert_int_equal(d2->shared_pages, 1);                    /* the table's frame is gone, shared_info is not ours */
}

static void test_granter_dies(void **state)
{
    u32 h1, h2;
    struct page *pg;

    (void)state;
    make_three();
    pg = page_of(d1, give(d1, 1, d0, 0));
    give(d1, 2, d0, 0);
    assert_int_equal(map(d0, HOLE, d1, 1, RW, &h1), GNTST_okay);
    assert_int_equal(map(d0, HOLE + 0x1000, d1, 1, RO, &h2), GNTST_okay);
    d1->dying = DOMAIN_DYING;
    assert_int_equal(grant_release_mappings(d1), 0);
    assert_int_equal(d1->shared_pages, 1);
    assert_int_equal(domain_relinquish_pages(d1), 0);
    /* The mapped page is alive, and nothing more can be mapped. */
    assert_int_equal(d1->tot_pages, 1);
    assert_int_equal(pg->count, 2);
    assert_false(grant_usable(d1));
    assert_int_equal(map(d0, HOLE + 0x2000, d1, 2, RO, NULL), GNTST_bad_domain);
    assert_int_equal(map(d0, HOLE + 0x2000, d1, 1, RO, NULL), GNTST_bad_domain);
    unit_log_clear();
    grant_dump(d1);
    assert_non_null(strstr(unit_log(), "used by d0: 1 read-only, 1 read-write\n"));
    assert_int_equal(grant_unmap(d0, HOLE + 0x1000, h2), GNTST_okay);
    assert_int_equal(pg->count, 1);
    assert_int_equal(grant_unmap(d0, HOLE, h1), GNTST_okay);
    assert_int_equal(d1->tot_pages, 0);
    unit_log_clear();
    grant_dump(d1);
    assert_string_equal(unit_log(), "");
}

static void test_last_page_goes_without_locks(void **state)
{
    u32 handle;

    (void)state;
    make_three();
    give(d1, 1, d0, 0);
    assert_int_equal(map(d0, HOLE, d1, 1, RW, &handle), GNTST_okay);
    d1->dying = DOMAIN_DYING;
    assert_int_equal(grant_release_mappings(d1), 0);
    page_free_shared(d1->shared_info);
    assert_int_equal(domain_relinquish_pages(d1), 0);
    host_record_reset();
    assert_int_equal(grant_unmap(d0, HOLE, handle), GNTST_okay);
    assert_int_equal(host_calls("domain_maybe_complete_destroy"), 1);
    assert_int_equal(this_cpu()->lock_depth, 0);
    d1->dying = DOMAIN_ALIVE;
    d1->shared_info = page_alloc_shared(d1);
}

/* ---- swap, cache, dump ---- */

static void test_swap(void **state)
{
    struct grant_entry_v1 a, b;
    u32 handle;

    (void)state;
    make_three();
    give(d1, 1, d0, 0);
    give(d1, 2, d2, GTF_readonly);
    a = *entry(d1, 1);
    b = *entry(d1, 2);
    assert_int_equal(grant_swap(d1, 1, 2), GNTST_okay);
    assert_memory_equal(entry(d1, 1), &b, sizeof(b));
    assert_memory_equal(entry(d1, 2), &a, sizeof(a));
    assert_int_equal(grant_swap(d1, 2, 1), GNTST_okay);
    assert_memory_equal(entry(d1, 1), &a, sizeof(a));
    assert_int_equal(grant_swap(d1, 1, 1), GNTST_okay);
    assert_int_equal(grant_swap(d1, 1, 512), GNTST_bad_gntref);
    assert_int_equal(grant_swap(d1, ~0u, 1), GNTST_bad_gntref);
    assert_int_equal(map(d0, HOLE, d1, 1, RW, &handle), GNTST_okay);
    assert_int_equal(grant_swap(d1, 1, 2), GNTST_eagain);
    assert_int_equal(grant_swap(d1, 2, 1), GNTST_eagain);
    assert_int_equal(grant_unmap(d0, HOLE, handle), GNTST_okay);
    assert_int_equal(grant_swap(d1, 1, 2), GNTST_okay);
}

static int flush(struct domain *d, u64 addr, u16 offset, u16 length, u32 op)
{
    struct gnttab_cache_flush f = { .a.dev_bus_addr = addr, .offset = offset, .length = length, .op = op };

    return grant_cache_flush(d, &f);
}

static void test_cache_flush(void **state)
{
    u64 own, theirs, theirs_gpa;
    u32 handle;

    (void)state;
    make_three();
    own = mfn_to_paddr(page_to_mfn(page_of(d0, unit_guest_alloc(d0, PAGE_SIZE))));
    theirs_gpa = give(d1, 4, d0, 0);
    theirs = mfn_to_paddr(page_to_mfn(page_of(d1, theirs_gpa)));
    assert_int_equal(flush(d0, 0, 0, 0, 0), 0);               /* Linux's probe */
    assert_int_equal(flush(d0, own, 0, 4096, GNTTAB_CACHE_CLEAN), 0);
    inval_bytes = 0;
    assert_int_equal(flush(d0, own, 64, 100, GNTTAB_CACHE_INVAL), 0);
    assert_int_equal(flush(d0, own, 64, 100, GNTTAB_CACHE_INVAL | GNTTAB_CACHE_CLEAN), 0);
    assert_int_equal(inval_bytes, 200);
    assert_int_equal(flush(d0, own, 4095, 1, GNTTAB_CACHE_CLEAN), 0);
    assert_int_equal(flush(d0, own, 4095, 2, GNTTAB_CACHE_CLEAN), -EINVAL);
    assert_int_equal(flush(d0, own, 4096, 0, GNTTAB_CACHE_CLEAN), -EINVAL);
    assert_int_equal(flush(d0, own, 0xffff, 0xffff, GNTTAB_CACHE_CLEAN), -EINVAL);
    assert_int_equal(flush(d0, own, 0, 4097, GNTTAB_CACHE_CLEAN), -EINVAL);
    assert_int_equal(flush(d0, own, 0, 64, 4), -EINVAL);
    assert_int_equal(flush(d0, own, 0, 64, GNTTAB_CACHE_SOURCE_GREF | GNTTAB_CACHE_CLEAN), -EINVAL);
    assert_int_equal(flush(d0, 0x1000, 0, 64, GNTTAB_CACHE_CLEAN), -EINVAL);     /* no RAM */
    assert_int_equal(flush(d0, ~0UL, 0, 64, GNTTAB_CACHE_CLEAN), -EINVAL);
    /* A free page. */
    assert_int_equal(flush(d0, (UNIT_RAM_FIRST + UNIT_RAM_PAGES - 1) << PAGE_SHIFT, 0, 64, GNTTAB_CACHE_CLEAN), -EPERM);
    /* Another domain's: only while granted. */
    assert_int_equal(flush(d0, theirs, 0, 64, GNTTAB_CACHE_CLEAN), -EINVAL);
    assert_int_equal(map(d0, HOLE, d1, 4, RO, &handle), GNTST_okay);
    assert_int_equal(flush(d0, theirs, 0, 64, GNTTAB_CACHE_CLEAN), 0);
    assert_int_equal(flush(d2, theirs, 0, 64, GNTTAB_CACHE_CLEAN), -EINVAL);
    assert_int_equal(grant_unmap(d0, HOLE, handle), GNTST_okay);
    assert_int_equal(flush(d0, theirs, 0, 64, GNTTAB_CACHE_CLEAN), -EINVAL);
    assert_int_equal(page_of(d1, theirs_gpa)->count, 1);
}

static void test_dump(void **state)
{
    (void)state;
    make_three();
    give(d1, 4, d0, GTF_readonly);
    assert_int_equal(map(d0, HOLE, d1, 4, RO, NULL), GNTST_okay);
    unit_log_clear();
    grant_dump(d1);
    assert_non_null(strstr(unit_log(), "Grant table of d1: version 1, 1 of 4 frames; 0 mappings of others"));
    assert_non_null(strstr(unit_log(), "ref     4"));
    assert_non_null(strstr(unit_log(), "used by d0: 1 read-only, 0 read-write"));
    unit_log_clear();
    grant_dump(d0);
    assert_non_null(strstr(unit_log(), "1 mappings of others, handles for 256 (of 1024)"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        grant_test(test_init), grant_test(test_growth), grant_test(test_without_table), grant_test(test_map_and_unmap),
        grant_test(test_map_readonly), grant_test(test_map_flags), grant_test(test_map_bad_entries),
        grant_test(test_pin_counts), grant_test(test_pinned_by_another), grant_test(test_pin_limit),
        grant_test(test_own_grant), grant_test(test_map_at_bad_addresses), grant_test(test_handles_run_out),
        grant_test(test_no_handles_at_all), grant_test(test_unmap_checks), grant_test(test_mapper_dies),
        grant_test(test_granter_dies), grant_test(test_last_page_goes_without_locks), grant_test(test_swap),
        grant_test(test_cache_flush), grant_test(test_dump),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
