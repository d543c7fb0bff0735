/* SPDX-License-Identifier: MIT */
/* unit-sources: core/mem/range.c core/mem/node.c core/mem/buddy.c core/mem/frames.c core/mem/heap.c core/mem/page.c */
/* unit-sources: core/mem/stats.c */
/* unit-sources: core/mem/physmap.c core/mem/lazy.c core/mem/scrub.c */
#include "unit.h"
#include <core/mem/internal.h>

static bool is_zero(const void *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (((const u8 *)p)[i] != 0) {
            return false;
        }
    }
    return true;
}

/* Each size: zeroed though the memory was dirty, aligned to its class, nothing left after freeing. */
static void test_sizes(void **state)
{
    static const size_t sizes[] = { 1, 31, 32, 33, 64, 65, 100, 128, 200, 256, 257, 512, 1000, 1024, 1025, 2047, 2048,
                                    2049, 4095, 4096, 4097, 8192, 12288, 12289, 20480, 100000 };
    u64 before = unit_free_pages();

    (void)state;
    for (u32 round = 0; round < 2; round++) {
        for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
            u8 *p = xzalloc_bytes(sizes[i]);
            size_t align = sizes[i] <= 2048 ? 32 : PAGE_SIZE;

            while (align < sizes[i] && align < 2048) {
                align *= 2;
            }
            assert_non_null(p);
            assert_true(IS_ALIGNED((u64)p, align));
            assert_true(is_zero(p, sizes[i]));
            memset(p, 0xee, sizes[i]);
            xfree(p);
            assert_int_equal(unit_free_pages(), before);
        }
    }
}

/* What an object takes: its class, whole pages, or the power of two that was asked for in pages. */
static void test_object_bytes(void **state)
{
    static const struct { size_t asked; u64 takes; } objects[] = {
        { 1, 32 }, { 32, 32 }, { 33, 64 }, { 2048, 2048 }, { 2049, 4096 }, { 4097, 8192 }, { 12289, 16384 },
        { 20000, 20480 },
    };
    void *p;

    (void)state;
    assert_int_equal(mem_object_bytes(NULL), 0);
    for (u32 i = 0; i < ARRAY_SIZE(objects); i++) {
        p = xzalloc_bytes(objects[i].asked);
        assert_int_equal(mem_object_bytes(p), objects[i].takes);
        xfree(p);
    }
    for (u32 order = 0; order < 4; order++) {
        p = pages_alloc(order, 0);
        assert_int_equal(mem_object_bytes(p), PAGE_SIZE << order);
        pages_free(p, order);
    }
}

static void test_limits(void **state)
{
    (void)state;
    assert_null(xzalloc_bytes(0));
    assert_null(xzalloc_bytes(~0UL));
    assert_null(xzalloc_bytes((PAGE_SIZE << MAX_ORDER) + 1));
    assert_null(xzalloc_array_bytes(~0UL, 2));
    assert_null(xzalloc_array_bytes(BIT(33), BIT(33)));
    assert_null(xzalloc_array(u64, 0));
    xfree(NULL);
}

/* Only the pages needed are kept of the power of two above. */
static void test_bulk_tail(void **state)
{
    u64 before = unit_free_pages(), slabs, bulk;
    void *p = xzalloc_bytes(5 * PAGE_SIZE);

    (void)state;
    assert_int_equal(unit_free_pages(), before - 5);
    slab_usage(&slabs, &bulk);
    assert_int_equal(slabs, 0);
    assert_int_equal(bulk, 5);
    xfree(p);
    assert_int_equal(unit_free_pages(), before);
    slab_usage(&slabs, &bulk);
    assert_int_equal(bulk, 0);
}

/* One page holds as many objects as fit; a slab that empties goes back at once. */
static void test_packing(void **state)
{
    u64 before = unit_free_pages(), slabs, bulk;
    void *p[129];

    (void)state;
    for (u32 i = 0; i < 128; i++) {
        p[i] = xzalloc_bytes(32);
        assert_ptr_equal(virt_to_page(p[i]), virt_to_page(p[0]));
    }
    assert_int_equal(unit_free_pages(), before - 1);
    p[128] = xzalloc_bytes(32);
    assert_ptr_not_equal(virt_to_page(p[128]), virt_to_page(p[0]));
    slab_usage(&slabs, &bulk);
    assert_int_equal(slabs, 2);
    xfree(p[128]);
    assert_int_equal(unit_free_pages(), before - 1);
    /* A full slab with one hole: the hole is used next. */
    xfree(p[77]);
    assert_ptr_equal(xzalloc_bytes(32), p[77]);
    for (u32 i = 0; i < 128; i++) {
        xfree(p[i]);
    }
    assert_int_equal(unit_free_pages(), before);
}

static void test_wrong_free(void **state)
{
    u8 *p = xzalloc_bytes(64), *q = xzalloc_bytes(64), *big = xzalloc_bytes(3 * PAGE_SIZE);

    (void)state;
    unit_expect_panic(xfree(p + 8));
    unit_expect_panic(xfree(big + 64));
    unit_expect_panic(xfree(big + PAGE_SIZE));
    xfree(q);
    xfree(p);
    /* The slab is gone with its last object. */
    unit_expect_panic(xfree(p));
    xfree(big);
    unit_expect_panic(xfree(big));
}

static void test_stress(void **state)
{
    enum { LIVE = 400 };
    struct { u8 *p; size_t n; u8 tag; } live[LIVE] = { { NULL, 0, 0 } };
    u64 before = unit_free_pages(), seed = 7;

    (void)state;
    for (u32 step = 0; step < 40000; step++) {
        u32 i;

        seed = seed * 6364136223846793005UL + 1442695040888963407UL;
        i = (u32)(seed >> 33) % LIVE;
        unit_set_cpu((u32)(seed >> 60) % 4);
        if (live[i].p != NULL) {
            for (size_t k = 0; k < live[i].n; k++) {
                assert_int_equal(live[i].p[k], live[i].tag);
            }
            xfree(live[i].p);
            live[i].p = NULL;
        } else {
            live[i].n = 1 + (seed >> 40) % (step % 7 == 0 ? 9000 : 600);
            live[i].tag = (u8)(step | 1);
            live[i].p = xzalloc_bytes(live[i].n);
            assert_non_null(live[i].p);
            assert_true(is_zero(live[i].p, live[i].n));
            memset(live[i].p, live[i].tag, live[i].n);
        }
    }
    for (u32 i = 0; i < LIVE; i++) {
        xfree(live[i].p);
    }
    assert_int_equal(unit_free_pages(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_case(test_sizes),
        unit_case(test_object_bytes),
        unit_case(test_limits),
        unit_case(test_bulk_tail),
        unit_case(test_packing),
        unit_case(test_wrong_free),
        unit_case(test_stress),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
