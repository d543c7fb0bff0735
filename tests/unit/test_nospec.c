/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* index_nospec(): what a CPU that runs ahead of a check may reach. */
#include "sysreg.h"
#include <argon/hypercall.h>
#include <argon/nospec.h>

/* Numbers that have failed the check, which the CPU has not seen yet. */
static const u64 wild[] = { 0, 1, 15, 16, 63, 64, 65, 0xffffffff, BIT(32), BIT(32) + 16, ~0UL };

/* n: constant in each caller. What is below n is left alone. */
static always_inline void check_power_of_two(u64 n)
{
    for (u32 k = 0; k < ARRAY_SIZE(wild); k++) {
        u64 i = wild[k];

        assert_int_equal(index_nospec(i, n), i & (n - 1));
        assert_true(i >= n || index_nospec(i, n) == i);
    }
}

static void test_powers_of_two(void **state)
{
    (void)state;
    check_power_of_two(1);
    check_power_of_two(8);
    check_power_of_two(16);
    check_power_of_two(NR_HYPERCALLS);
    check_power_of_two(BIT(31));
    assert_int_equal(insn_count("csdb"), 0);
}

/* Any other, and what is not known when compiled: selected, and the selection not predicted. */
static void test_others(void **state)
{
    volatile u64 sixteen = 16;
    u32 n = 0;

    (void)state;
    for (u32 k = 0; k < ARRAY_SIZE(wild); k++) {
        u64 i = wild[k];

        assert_int_equal(index_nospec(i, 13), i < 13 ? i : 0);
        assert_int_equal(index_nospec(i, sixteen), i < 16 ? i : 0);
        n += 2;
    }
    assert_int_equal(insn_count("csdb"), n);
}

int main(void)
{
    const struct CMUnitTest tests[] = { sysreg_case(test_powers_of_two), sysreg_case(test_others) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
