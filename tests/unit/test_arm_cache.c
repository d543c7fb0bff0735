/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* unit-sources: arch/arm/arm64/cache.c */
/* Cache maintenance by address: which lines, by which operation, and what waits for it. */
#include "sysreg.h"
#include <asm/cache.h>
#include <asm/errata.h>

/* Lines and blocks of 64 bytes. */
static int setup(void **state)
{
    int rc = sysreg_setup(state);

    errata_word = 0;
    reg_set("ctr_el0", 4UL << 16);
    reg_set("dczid_el0", 4);
    return rc;
}

static const void *at(u64 a) { return (const void *)a; }

/* Every line that is touched, no other, and complete on return. */
static void test_lines(void **state)
{
    (void)state;
    arch_clean_dcache(at(0x1030), 0x20);
    insn_expect("dc cvac", "dc cvac", "dsb sy", NULL);
    assert_int_equal(insn_count("dc cvac"), 2);
    assert_int_equal(insn_nth("dc cvac", 0)->value, 0x1000);
    assert_int_equal(insn_nth("dc cvac", 1)->value, 0x1040);
    insn_forget();
    arch_clean_inval_dcache(at(0x1000), 16 * 64 + 1);    /* sixteen at a time, and one */
    assert_int_equal(insn_count("dc civac"), 2);
    assert_int_equal(insn_nth("dc civac", 1)->value, 0x1000 + 16 * 64);
    insn_expect("dc civac", "dc civac", "dsb sy", NULL);
    insn_forget();
    reg_set("ctr_el0", 2UL << 16);                       /* lines of 16 bytes */
    arch_clean_dcache(at(0x1000), 32);
    assert_int_equal(insn_count("dc cvac"), 2);
}

static void test_icache(void **state)
{
    (void)state;
    arch_inval_icache();
    insn_expect_exactly("ic ialluis", "dsb ish", "isb", NULL);
}

/* Zeroed and cleaned line by line, where a line is a block. */
static void test_scrub(void **state)
{
    static u8 page[PAGE_SIZE] aligned_to(4096);

    (void)state;
    arch_scrub_pages(page, 1);
    assert_int_equal(insn_count("dc zva"), 2);           /* 32 at a time */
    assert_int_equal(insn_count("dc cvac"), 2);
    insn_expect("dc zva", "dc cvac", "dsb sy", NULL);
    /* Blocks of another size: all zeroed, then all cleaned. */
    insn_forget();
    reg_set("dczid_el0", 5);
    arch_scrub_pages(page, 1);
    assert_true(insn_at("dc zva", 1) < insn_at("dc cvac", 0));
    insn_expect("dc zva", "dc cvac", "dsb sy", NULL);
    /* DC ZVA prohibited. */
    insn_forget();
    reg_set("dczid_el0", 4 | BIT(4));
    memset(page, 1, sizeof(page));
    arch_scrub_pages(page, 1);
    assert_int_equal(insn_count("dc zva"), 0);
    assert_int_equal(page[0] + page[PAGE_SIZE - 1], 0);
    insn_expect("dc cvac", "dsb sy", NULL);
}

/* Cortex-A53 819472 and its like: no DC CVAC anywhere. */
static void test_clean_inval(void **state)
{
    static u8 page[PAGE_SIZE] aligned_to(4096);

    (void)state;
    errata_word = BIT32(ERRATUM_CLEAN_INVAL);
    arch_clean_dcache(at(0x1000), 64);
    arch_scrub_pages(page, 1);
    assert_int_equal(insn_count("dc cvac"), 0);
    insn_expect("dc civac", "dsb sy", "dc zva", "dc civac", "dsb sy", NULL);
}

#define cache_case(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cache_case(test_lines), cache_case(test_icache), cache_case(test_scrub), cache_case(test_clean_inval),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
