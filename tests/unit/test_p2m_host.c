/* SPDX-License-Identifier: MIT */
/* The fake stage 2 keeps the contract of p2m.h, as arch/arm's does. */
#include "unit.h"

static struct domain *d;

static int setup(void **state)
{
    unit_setup(state);
    d = unit_domain(1, 1);
    return 0;
}

static void test_map_and_lookup(void **state)
{
    enum p2m_type t;

    (void)state;
    assert_int_equal(p2m_map(d, gfn(0x100), mfn(0x40010), 4, P2M_RAM_RW), 0);
    assert_int_equal(p2m_lookup(d, gfn(0x103), &t, NULL).m, 0x40013);
    assert_int_equal(t, P2M_RAM_RW);
    assert_false(mfn_is_valid(p2m_lookup(d, gfn(0x104), &t, NULL)));
    assert_int_equal(t, P2M_INVALID);
    assert_int_equal(p2m_max_gfn(d).g, 0x103);
    /* Not over what is there, not even in part. */
    assert_int_equal(p2m_map(d, gfn(0xfe), mfn(0x40020), 4, P2M_RAM_RW), -EEXIST);
    assert_false(mfn_is_valid(p2m_lookup(d, gfn(0xfe), &t, NULL)));
}

static void test_range(void **state)
{
    const u64 end = 1UL << (HOST_P2M_BITS - PAGE_SHIFT);
    struct p2m_old old;
    enum p2m_type t;

    (void)state;
    assert_int_equal(p2m_map(d, gfn(end - 1), mfn(1), 1, P2M_MMIO), 0);
    assert_int_equal(p2m_map(d, gfn(end), mfn(1), 1, P2M_MMIO), -EINVAL);
    assert_int_equal(p2m_map(d, gfn(end - 1), mfn(1), 2, P2M_MMIO), -EINVAL);
    assert_int_equal(p2m_map(d, gfn(~0UL), mfn(1), 2, P2M_MMIO), -EINVAL);
    assert_int_equal(p2m_replace(d, gfn(end), mfn(1), P2M_MMIO, ~0U, &old), -EINVAL);
    assert_int_equal(p2m_remove(d, gfn(end), ~0U, &old), -ENOENT);
    assert_int_equal(p2m_remove_exact(d, gfn(end), mfn(1), ~0U), -ENOENT);
    assert_false(mfn_is_valid(p2m_lookup(d, gfn(end), &t, NULL)));
    assert_false(mfn_is_valid(p2m_lookup(d, INVALID_GFN, &t, NULL)));
    assert_null(p2m_get_page(d, INVALID_GFN, &t));
}

static void test_replace(void **state)
{
    struct p2m_old old;

    (void)state;
    assert_int_equal(p2m_replace(d, gfn(5), mfn(0x40001), P2M_RAM_RW, P2M_RAM, &old), -ENOENT);
    assert_int_equal(p2m_replace(d, gfn(5), mfn(0x40001), P2M_RAM_RW, BIT32(P2M_INVALID), &old), 0);
    assert_int_equal(old.t, P2M_INVALID);
    assert_int_equal(host_p2m_flushes, 0);
    assert_int_equal(p2m_replace(d, gfn(5), mfn(0x40002), P2M_RAM_RO, P2M_RAM, &old), 0);
    assert_int_equal(old.t, P2M_RAM_RW);
    assert_int_equal(old.m.m, 0x40001);
    assert_int_equal(host_p2m_flushes, 1);
    assert_int_equal(p2m_replace(d, gfn(5), mfn(0x40003), P2M_GRANT_RW, ~P2M_RAM, &old), -EBUSY);
    assert_int_equal(old.t, P2M_RAM_RO);
    assert_int_equal(host_p2m_flushes, 1);
}

static void test_unmap(void **state)
{
    struct p2m_old old;
    enum p2m_type t;
    u32 frames[4];

    (void)state;
    assert_int_equal(p2m_map(d, gfn(0x100), mfn(0x40010), 4, P2M_RAM_RW), 0);
    assert_int_equal(p2m_remove_exact(d, gfn(0x101), mfn(0x40010), P2M_RAM), -ENOENT);
    assert_int_equal(p2m_remove_exact(d, gfn(0x101), mfn(0x40011), P2M_GRANT), -ENOENT);
    assert_int_equal(p2m_remove_exact(d, gfn(0x101), mfn(0x40011), P2M_RAM), 0);
    assert_int_equal(p2m_remove_exact(d, gfn(0x101), mfn(0x40011), P2M_RAM), -ENOENT);
    assert_int_equal(p2m_remove(d, gfn(0x101), P2M_RAM, &old), -ENOENT);
    assert_int_equal(p2m_remove(d, gfn(0x100), P2M_FOREIGN, &old), -EBUSY);
    assert_int_equal(old.t, P2M_RAM_RW);
    assert_int_equal(p2m_remove(d, gfn(0x100), P2M_RAM, &old), 0);
    assert_int_equal(old.m.m, 0x40010);
    assert_false(mfn_is_valid(p2m_lookup(d, gfn(0x100), &t, NULL)));
    /* Many at once, as far as they are what is asked for. */
    host_p2m_flushes = 0;
    assert_int_equal(p2m_remove_many(d, gfn(0x101), 4, P2M_RAM, frames), 0);
    assert_int_equal(host_p2m_flushes, 0);
    assert_int_equal(p2m_remove_many(d, gfn(0x102), 4, P2M_RAM, frames), 2);
    assert_true(frames[0] == 0x40012 && frames[1] == 0x40013);
    assert_int_equal(host_p2m_flushes, 1);
}

static void test_get_page(void **state)
{
    struct page *pg = page_alloc_guest(d, 0, 0);
    struct domain *other = unit_domain(2, 1);
    enum p2m_type t;

    (void)state;
    assert_int_equal(p2m_map(d, gfn(1), page_to_mfn(pg), 1, P2M_RAM_RW), 0);
    assert_int_equal(p2m_map(other, gfn(1), page_to_mfn(pg), 1, P2M_FOREIGN_RO), 0);
    assert_int_equal(p2m_map(d, gfn(2), mfn(0x9000), 1, P2M_MMIO), 0);
    assert_ptr_equal(p2m_get_page(d, gfn(1), &t), pg);
    assert_int_equal(t, P2M_RAM_RW);
    assert_ptr_equal(p2m_get_page(other, gfn(1), &t), pg);
    assert_int_equal(t, P2M_FOREIGN_RO);
    assert_int_equal(pg->count, 3);
    page_put(pg);
    page_put(pg);
    assert_null(p2m_get_page(d, gfn(2), &t));
}

static void test_dying(void **state)
{
    struct p2m_old old;
    enum p2m_type t;

    (void)state;
    assert_int_equal(p2m_map(d, gfn(1), mfn(0x40001), 1, P2M_RAM_RW), 0);
    d->dying = DOMAIN_DYING;
    assert_int_equal(p2m_map(d, gfn(2), mfn(0x40001), 1, P2M_RAM_RW), -ESRCH);
    assert_int_equal(p2m_replace(d, gfn(1), mfn(0x40002), P2M_RAM_RW, ~0U, &old), -ESRCH);
    assert_int_equal(p2m_lookup(d, gfn(1), &t, NULL).m, 0x40001);
    assert_int_equal(p2m_remove_exact(d, gfn(1), mfn(0x40001), P2M_RAM), 0);
    assert_int_equal(p2m_teardown(d), 0);
    assert_false(mfn_is_valid(p2m_lookup(d, gfn(1), &t, NULL)));
    assert_int_equal(p2m_remove_exact(d, gfn(1), mfn(0x40001), P2M_RAM), -ENOENT);
}

static void test_pool(void **state)
{
    (void)state;
    assert_int_equal(p2m_pool_set(d, PAGE_SIZE + 1), -EINVAL);
    assert_int_equal(p2m_pool_set(d, 8 * PAGE_SIZE), 0);
    assert_int_equal(p2m_pool_get(d), 8 * PAGE_SIZE);
    d->paging_pool_used = 2 * PAGE_SIZE;
    assert_int_equal(p2m_pool_set(d, PAGE_SIZE), -ENOMEM);
    d->paging_pool_used = 0;
}

static void test_cache_flush(void **state)
{
    gfn_t g = gfn(0x100);
    u64 nr = 4, before;

    (void)state;
    unit_guest_map(d, 0x100000, 2 * PAGE_SIZE);
    before = host_cleaned_pages;
    host_irq_waiting = true;
    assert_int_equal(p2m_cache_flush(d, &g, &nr), -ERESTART);
    assert_int_equal(g.g, 0x101);
    assert_int_equal(nr, 3);
    host_irq_waiting = false;
    assert_int_equal(p2m_cache_flush(d, &g, &nr), 0);
    assert_int_equal(host_cleaned_pages - before, 2);
}

#define p2m_case(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        p2m_case(test_map_and_lookup),
        p2m_case(test_range),
        p2m_case(test_replace),
        p2m_case(test_unmap),
        p2m_case(test_get_page),
        p2m_case(test_dying),
        p2m_case(test_pool),
        p2m_case(test_cache_flush),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
