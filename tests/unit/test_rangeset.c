/* SPDX-License-Identifier: MIT */
/* unit-sources: core/mem/rangeset.c */
#include "unit.h"
#include <argon/rangeset.h>

static struct rangeset *r;

static int setup(void **state)
{
    unit_setup(state);
    r = rangeset_create();
    return r == NULL;
}

static int teardown(void **state)
{
    rangeset_destroy(r);
    assert_int_equal(unit_allocs(), 0);
    return unit_teardown(state);
}

/* The whole contents, as first, last pairs. */
static void assert_ranges(const u64 *want, u32 n)
{
    u64 from = 0, first, last;
    u32 i = 0;

    while (rangeset_next(r, from, &first, &last)) {
        assert_true(i < n);
        assert_int_equal(first, want[2 * i]);
        assert_int_equal(last, want[2 * i + 1]);
        i++;
        if (last == ~0UL) {
            break;
        }
        from = last + 1;
    }
    assert_int_equal(i, n);
}

#define ASSERT_RANGES(...) assert_ranges((u64[]){ __VA_ARGS__ }, sizeof((u64[]){ __VA_ARGS__ }) / 16)

static void test_add_merges(void **state)
{
    (void)state;
    assert_int_equal(rangeset_add(r, 10, 19), 0);
    assert_int_equal(rangeset_add(r, 40, 49), 0);
    assert_int_equal(rangeset_add(r, 30, 30), 0);
    ASSERT_RANGES(10, 19, 30, 30, 40, 49);
    assert_int_equal(rangeset_add(r, 20, 29), 0);        /* touches both neighbours */
    ASSERT_RANGES(10, 30, 40, 49);
    assert_int_equal(rangeset_add(r, 12, 15), 0);        /* inside */
    assert_int_equal(rangeset_add(r, 5, 100), 0);        /* over all */
    ASSERT_RANGES(5, 100);
    assert_int_equal(rangeset_add(r, 0, 0), 0);
    assert_int_equal(rangeset_add(r, ~0UL, ~0UL), 0);
    ASSERT_RANGES(0, 0, 5, 100, ~0UL, ~0UL);
    assert_int_equal(rangeset_add(r, 0, ~0UL), 0);
    ASSERT_RANGES(0, ~0UL);
}

static void test_remove(void **state)
{
    (void)state;
    assert_int_equal(rangeset_add(r, 0, ~0UL), 0);
    assert_int_equal(rangeset_remove(r, 100, 199), 0);   /* cuts in two */
    ASSERT_RANGES(0, 99, 200, ~0UL);
    assert_int_equal(rangeset_remove(r, 0, 0), 0);
    assert_int_equal(rangeset_remove(r, ~0UL, ~0UL), 0);
    ASSERT_RANGES(1, 99, 200, ~0UL - 1);
    assert_int_equal(rangeset_remove(r, 50, 250), 0);
    ASSERT_RANGES(1, 49, 251, ~0UL - 1);
    assert_int_equal(rangeset_remove(r, 60, 70), 0);     /* nothing there */
    assert_int_equal(rangeset_remove(r, 1, ~0UL), 0);
    assert_ranges(NULL, 0);
}

static void test_queries(void **state)
{
    u64 first, last;

    (void)state;
    assert_false(rangeset_contains(r, 0, 0));
    assert_false(rangeset_next(r, 0, &first, &last));
    assert_int_equal(rangeset_add(r, 10, 19), 0);
    assert_int_equal(rangeset_add(r, 30, 39), 0);
    assert_true(rangeset_contains(r, 10, 19));
    assert_true(rangeset_contains(r, 15, 15));
    assert_false(rangeset_contains(r, 9, 10));
    assert_false(rangeset_contains(r, 19, 20));
    assert_false(rangeset_contains(r, 15, 35));
    assert_false(rangeset_contains(r, 15, 12));
}

static void test_errors(void **state)
{
    (void)state;
    assert_int_equal(rangeset_add(r, 5, 4), -EINVAL);
    assert_int_equal(rangeset_remove(r, 5, 4), -EINVAL);
    assert_int_equal(rangeset_add(r, 10, 19), 0);
    unit_alloc_fail_after = 0;
    assert_int_equal(rangeset_add(r, 30, 39), -ENOMEM);
    assert_int_equal(rangeset_remove(r, 12, 13), -ENOMEM);
    assert_null(rangeset_create());
    unit_alloc_fail_after = ~0UL;
    ASSERT_RANGES(10, 19);
    rangeset_destroy(NULL);
}

static void test_limit(void **state)
{
    (void)state;
    for (u64 i = 0; i < RANGESET_MAX_RANGES; i++) {
        assert_int_equal(rangeset_add(r, i * 10, i * 10 + 4), 0);
    }
    assert_int_equal(rangeset_add(r, ~0UL, ~0UL), -ENOSPC);
    assert_int_equal(rangeset_remove(r, 2, 2), -ENOSPC); /* would cut one in two */
    assert_true(rangeset_contains(r, 0, 4));
    assert_int_equal(rangeset_add(r, 5, 9), 0);          /* joins two: one fewer */
    assert_int_equal(rangeset_remove(r, 2, 2), 0);
    assert_false(rangeset_contains(r, 2, 2));
}

/* Against a plain array of bits. */
static void test_random(void **state)
{
    bool model[256] = { false };
    u32 seed = 12345;

    (void)state;
    for (u32 i = 0; i < 2000; i++) {
        u32 a, b;
        bool add;

        seed = seed * 1103515245 + 12345;
        a = seed >> 8 & 0xff;
        b = MIN(a + (seed >> 16 & 0x1f), 255u);
        add = seed >> 30 & 1;
        assert_int_equal(add ? rangeset_add(r, a, b) : rangeset_remove(r, a, b), 0);
        memset(model + a, add, b - a + 1);
        for (u32 k = 0; k < 256; k += 1 + (seed >> 24) % 5) {
            assert_int_equal(rangeset_contains(r, k, k), model[k]);
        }
    }
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_add_merges), CASE(test_remove), CASE(test_queries), CASE(test_errors), CASE(test_limit),
        CASE(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
