/* SPDX-License-Identifier: MIT */
/* lib/string.c, compiled here under other names beside libc's, which serves as the reference; lib/str.c. */
#include "unit.h"
#include <argon/string.h>

#define memcpy  argon_memcpy
#define memmove argon_memmove
#define memset  argon_memset
#define memcmp  argon_memcmp
#define memchr  argon_memchr
#define strlen  argon_strlen
#define strnlen argon_strnlen
#define strcmp  argon_strcmp
#define strncmp argon_strncmp
#define strchr  argon_strchr
#define strrchr argon_strrchr
#include "../../hypervisor/lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr

#define LEN 300

static void fill(u8 *p, size_t n, u8 seed)
{
    for (size_t i = 0; i < n; i++) {
        p[i] = (u8)(i * 7 + seed);
    }
}

static void test_memcpy(void **state)
{
    _Alignas(16) u8 src[LEN], dst[LEN], want[LEN];

    (void)state;
    fill(src, LEN, 3);
    for (size_t s = 0; s < 16; s++) {
        for (size_t d = 0; d < 16; d++) {
            for (size_t n = 0; n < 280; n += n < 100 ? 1 : 9) {
                fill(dst, LEN, 101);
                memcpy(want, dst, LEN);
                memcpy(want + d, src + s, n);
                assert_ptr_equal(argon_memcpy(dst + d, src + s, n), dst + d);
                assert_memory_equal(dst, want, LEN);
            }
        }
    }
}

static void test_memmove(void **state)
{
    _Alignas(16) u8 buf[LEN], want[LEN];

    (void)state;
    for (size_t s = 40; s < 56; s++) {
        for (size_t d = 16; d < 100; d++) {
            for (size_t n = 0; n < 200; n += n < 20 ? 1 : 7) {
                fill(buf, LEN, 9);
                fill(want, LEN, 9);
                memmove(want + d, want + s, n);
                assert_ptr_equal(argon_memmove(buf + d, buf + s, n), buf + d);
                assert_memory_equal(buf, want, LEN);
            }
        }
    }
}

static void test_memset(void **state)
{
    _Alignas(16) u8 buf[LEN], want[LEN];

    (void)state;
    for (size_t d = 0; d < 16; d++) {
        for (size_t n = 0; n < 160; n++) {
            fill(buf, LEN, 1);
            fill(want, LEN, 1);
            memset(want + d, 0xa5, n);
            assert_ptr_equal(argon_memset(buf + d, 0x1a5, n), buf + d);
            assert_memory_equal(buf, want, LEN);
        }
    }
}

static int sign(int v)
{
    return (v > 0) - (v < 0);
}

static void test_compare(void **state)
{
    _Alignas(8) u8 a[64], b[64];

    (void)state;
    for (size_t at = 0; at < 40; at++) {
        fill(a, sizeof(a), 5);
        fill(b, sizeof(b), 5);
        assert_int_equal(argon_memcmp(a, b, 40), 0);
        b[at] ^= 0x80;
        assert_int_equal(sign(argon_memcmp(a, b, 40)), sign(memcmp(a, b, 40)));
        assert_int_equal(argon_memcmp(a, b, at), 0);
        assert_int_equal(sign(argon_memcmp(a + 1, b + 1, 40)), sign(memcmp(a + 1, b + 1, 40)));
    }
    assert_int_equal(argon_strcmp("abc", "abc"), 0);
    assert_true(argon_strcmp("abc", "abd") < 0);
    assert_true(argon_strcmp("abc", "ab") > 0);
    assert_true(argon_strcmp("", "\xff") < 0);
    assert_int_equal(argon_strncmp("abcx", "abcy", 3), 0);
    assert_true(argon_strncmp("abcx", "abcy", 4) < 0);
    assert_int_equal(argon_strncmp("ab", "ab", 10), 0);
    assert_int_equal(argon_strncmp("a", "b", 0), 0);
}

static void test_search(void **state)
{
    const char *s = "console=hvc0";

    (void)state;
    assert_int_equal(argon_strlen(""), 0);
    assert_int_equal(argon_strlen(s), 12);
    assert_int_equal(argon_strnlen(s, 5), 5);
    assert_int_equal(argon_strnlen(s, 50), 12);
    assert_ptr_equal(argon_strchr(s, 'o'), s + 1);
    assert_ptr_equal(argon_strrchr(s, 'o'), s + 4);
    assert_ptr_equal(argon_strchr(s, '\0'), s + 12);
    assert_ptr_equal(argon_strrchr(s, '\0'), s + 12);
    assert_null(argon_strchr(s, 'z'));
    assert_null(argon_strrchr(s, 'z'));
    assert_ptr_equal(argon_memchr(s, '=', 12), s + 7);
    assert_null(argon_memchr(s, '=', 7));
}

static void test_str_copy(void **state)
{
    char buf[8] = "xxxxxxx";

    (void)state;
    assert_int_equal(str_copy(buf, "abc", sizeof(buf)), 3);
    assert_string_equal(buf, "abc");
    assert_int_equal(str_copy(buf, "0123456789", sizeof(buf)), 10);
    assert_string_equal(buf, "0123456");
    buf[0] = 'q';
    assert_int_equal(str_copy(buf, "zz", 0), 2);
    assert_int_equal(buf[0], 'q');
    assert_int_equal(str_copy(buf, "zz", 1), 2);
    assert_int_equal(buf[0], 0);
}

static void test_str_to_u64(void **state)
{
    const char *end;
    u64 v = 1;

    (void)state;
    assert_true(str_to_u64("42,", &v, &end));
    assert_int_equal(v, 42);
    assert_string_equal(end, ",");
    assert_true(str_to_u64("0xfFg", &v, &end));
    assert_int_equal(v, 0xff);
    assert_string_equal(end, "g");
    assert_true(str_to_u64("18446744073709551615", &v, &end));
    assert_int_equal(v, ~0UL);
    assert_false(str_to_u64("18446744073709551616", &v, &end));
    assert_false(str_to_u64("0x10000000000000000", &v, &end));
    assert_false(str_to_u64("", &v, &end));
    assert_false(str_to_u64("-1", &v, &end));
    assert_false(str_to_u64("0x", &v, &end));
    assert_false(str_to_u64("m", &v, &end));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memcpy), cmocka_unit_test(test_memmove), cmocka_unit_test(test_memset),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_search), cmocka_unit_test(test_str_copy),
        cmocka_unit_test(test_str_to_u64),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
