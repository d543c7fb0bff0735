/* SPDX-License-Identifier: MIT */
#include "unit.h"
#include <argon/bitmap.h>

static void test_single_bits(void **state)
{
    u64 map[3] = { 0 };

    (void)state;
    bitmap_set(map, 0);
    bitmap_set(map, 63);
    bitmap_set(map, 64);
    bitmap_set(map, 130);
    assert_int_equal(map[0], 0x8000000000000001UL);
    assert_int_equal(map[1], 1);
    assert_int_equal(map[2], 4);
    assert_true(bitmap_test(map, 63));
    assert_false(bitmap_test(map, 62));
    bitmap_clear(map, 63);
    assert_false(bitmap_test(map, 63));
}

static void test_search(void **state)
{
    u64 map[2] = { 0, 0 };
    size_t seen[3], n = 0;

    (void)state;
    assert_int_equal(bitmap_next_set(map, 100, 0), 100);
    assert_true(bitmap_is_empty(map, 100));
    bitmap_set(map, 5);
    bitmap_set(map, 64);
    bitmap_set(map, 99);
    bitmap_set(map, 110);                    /* beyond nbits: not found */
    bitmap_for_each_set(b, map, 100) {
        assert_true(n < 3);
        seen[n++] = b;
    }
    assert_int_equal(n, 3);
    assert_int_equal(seen[0], 5);
    assert_int_equal(seen[1], 64);
    assert_int_equal(seen[2], 99);
    assert_int_equal(bitmap_next_set(map, 99, 65), 99);
    assert_int_equal(bitmap_next_set(map, 100, 100), 100);
    assert_int_equal(bitmap_next_set(map, 100, 5000), 100);
    assert_int_equal(bitmap_next_set(map, 0, 0), 0);
}

/* Exactly as many words as the bits need: ASan sees a read beyond them. */
static void test_search_stays_inside(void **state)
{
    u64 *map = calloc(BITMAP_WORDS(128), sizeof(u64));

    (void)state;
    assert_int_equal(bitmap_next_set(map, 128, 127), 128);
    memset(map, 0xff, 16);
    assert_int_equal(bitmap_next_clear(map, 128, 0), 128);
    assert_int_equal(bitmap_next_clear(map, 128, 64), 128);
    bitmap_clear(map, 127);
    assert_int_equal(bitmap_next_clear(map, 128, 3), 127);
    assert_int_equal(bitmap_next_clear(map, 127, 3), 127);
    free(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single_bits), cmocka_unit_test(test_search), cmocka_unit_test(test_search_stays_inside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
