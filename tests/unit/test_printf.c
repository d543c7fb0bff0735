/* SPDX-License-Identifier: MIT */
/* lib/printf.c, compiled here under other names, against libc's. */
#include "unit.h"
#include <argon/string.h>

#define snprintf  argon_snprintf
#define vsnprintf argon_vsnprintf
#include "../../hypervisor/lib/printf.c"
#undef snprintf
#undef vsnprintf

/* The same output and length as libc, whole and cut at every length. */
#define SAME(...) do { \
        char want[128], got[128]; \
        int len = snprintf(want, sizeof(want), __VA_ARGS__); \
        assert_int_equal(argon_snprintf(got, sizeof(got), __VA_ARGS__), len); \
        assert_string_equal(got, want); \
        for (size_t cut = 1; cut <= (size_t)len; cut++) { \
            memset(got, 'X', sizeof(got)); \
            assert_int_equal(argon_snprintf(got, cut, __VA_ARGS__), len); \
            assert_int_equal(strlen(got), cut - 1); \
            assert_memory_equal(got, want, cut - 1); \
            assert_int_equal(got[cut], 'X'); \
        } \
    } while (0)

#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-truncation"
#pragma GCC diagnostic ignored "-Wformat-zero-length"
#pragma GCC diagnostic ignored "-Wformat-overflow"

static void test_integers(void **state)
{
    (void)state;
    SAME("%d %i %u", -1, 2147483647, 4294967295u);
    SAME("%d", (int)-2147483648);
    SAME("%ld %lu", (long)-9223372036854775807L - 1, ~0UL);
    SAME("%lld %llu", -5LL, 7ULL);
    SAME("%hd %hu %hhd %hhu", 0x12345, 0x12345, 0x1ff, 0x1ff);
    SAME("%zu %zd %jd %td", (size_t)12, (ssize_t)-12, (intmax_t)-3, (ptrdiff_t)4);
    SAME("%x %X %#x %#X %#x", 0xbeefu, 0xbeefu, 0xbeefu, 0xbeefu, 0u);
    SAME("[%5d] [%-5d] [%05d] [%+d] [% d] [%+d]", 42, 42, 42, 42, 42, -42);
    SAME("[%08x] [%#010x] [%-8x] [%8X]", 0xabcu, 0xabcu, 0xabcu, 0xabcu);
    SAME("[%.5d] [%8.5d] [%-8.5d] [%08.5d] [%.0d] [%.0d]", 42, 42, 42, 42, 0, 1);
    SAME("[%*d] [%-*d] [%*d] [%.*d] [%.*d]", 6, 1, 6, 2, -6, 3, 4, 5, -1, 6);
    SAME("[%-05d] [%016lx]", 7, 0x123456789abcUL);
}

static void test_strings(void **state)
{
    (void)state;
    SAME("%s|%10s|%-10s|%.2s|%10.2s|%.0s", "abc", "abc", "abc", "abc", "abc", "abc");
    SAME("%.*s", 3, "abcdef");
    SAME("%c%c|%3c|%-3c|", 'a', 'b', 'c', 'd');
    SAME("100%% %s", "");
    SAME("%s", "");
    SAME("");
}

static void test_not_terminated_string(void **state)
{
    char *four = malloc(4), out[8];

    (void)state;
    memcpy(four, "wxyz", 4);                 /* ASan sees a read behind it */
    assert_int_equal(argon_snprintf(out, sizeof(out), "%.4s", four), 4);
    assert_string_equal(out, "wxyz");
    free(four);
}

static void test_own_rules(void **state)
{
    char buf[32];

    (void)state;
    assert_int_equal(argon_snprintf(buf, sizeof(buf), "%p", (void *)0x40001000UL), 18);
    assert_string_equal(buf, "0x0000000040001000");
    argon_snprintf(buf, sizeof(buf), "%p", NULL);
    assert_string_equal(buf, "0x0000000000000000");
    argon_snprintf(buf, sizeof(buf), "%s", (char *)NULL);
    assert_string_equal(buf, "(null)");
    argon_snprintf(buf, sizeof(buf), "%q %n %", 1);
    assert_string_equal(buf, "%q %n %");
    buf[0] = 'Q';
    assert_int_equal(argon_snprintf(buf, 0, "abc"), 3);
    assert_int_equal(buf[0], 'Q');
    assert_int_equal(argon_snprintf(NULL, 0, "%0999999999d", 1), 4096);
    assert_int_equal(argon_snprintf(NULL, 0, "%*d", (int)-2147483647 - 1, 1), 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers), cmocka_unit_test(test_strings), cmocka_unit_test(test_not_terminated_string),
        cmocka_unit_test(test_own_rules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
