/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* unit-sources: arch/arm/arm64/tlb.c */
/* TLB invalidation: order of instructions. */
#include "sysreg.h"
#include <asm/tlb.h>

#define MINE   (1UL << 48 | 0x10000)
#define OTHERS (2UL << 48 | 0x20000)

/* Twice before it is known whether errata ask for it: boot reuses addresses of windows by then. */
static void test_el2(void **state)
{
    (void)state;
    tlb_flush_el2();
    insn_expect_exactly("dsb ishst", "tlbi alle2is", "dsb ish", "tlbi alle2is", "dsb ish", "isb", NULL);
}

/* The IPA entries are gone before the combined ones are invalidated (D8.14.5). */
static void test_page(void **state)
{
    (void)state;
    reg_set("vttbr_el2", MINE);
    tlb_flush_s2_page(MINE, 0x12345);
    insn_expect_exactly("dsb ishst", "tlbi ipas2e1is", "dsb ish", "tlbi vmalle1is", "dsb ish", "isb", NULL);
    assert_int_equal(insn_nth("tlbi ipas2e1is", 0)->value, 0x12345);
}

static void test_range(void **state)
{
    (void)state;
    reg_set("vttbr_el2", MINE);
    tlb_flush_s2(MINE, 0x40000000, 2 * PAGE_SIZE);
    insn_expect_exactly("dsb ishst", "tlbi ipas2e1is", "tlbi ipas2e1is", "dsb ish", "tlbi vmalle1is", "dsb ish",
                        "isb", NULL);
    assert_int_equal(insn_nth("tlbi ipas2e1is", 1)->value, 0x40001);
    insn_forget();
    tlb_flush_s2(MINE, 0, ~0UL);
    insn_expect_exactly("dsb ishst", "tlbi vmalls12e1is", "dsb ish", "isb", NULL);
}

/* VTTBR_EL2 is another's during the flush, and this CPU's guest's after it. */
static void test_of_another(void **state)
{
    (void)state;
    reg_set("vttbr_el2", MINE);
    tlb_flush_s2_page(OTHERS, 5);
    insn_expect_exactly("msr vttbr_el2", "isb", "dsb ishst", "tlbi ipas2e1is", "dsb ish", "tlbi vmalle1is",
                        "dsb ish", "isb", "msr vttbr_el2", "isb", NULL);
    assert_int_equal(insn_nth("msr vttbr_el2", 0)->value, OTHERS);
    assert_int_equal(reg_get("vttbr_el2"), MINE);
}

/* Registers of a guest whose VTTBR_EL2 is changed: no walks meanwhile, the real TCR_EL1 last. */
static void test_of_another_speculative(void **state)
{
    (void)state;
    errata_word = BIT32(ERRATUM_SPECULATIVE_AT);
    reg_set("vttbr_el2", MINE);
    reg_set("tcr_el1", 0x1000);
    reg_set("sctlr_el1", SCTLR_M);
    tlb_flush_s2(OTHERS, 0, ~0UL);
    insn_expect_exactly("msr tcr_el1", "isb", "msr vttbr_el2", "isb", "dsb ishst", "tlbi vmalls12e1is", "dsb ish",
                        "isb", "msr vttbr_el2", "isb", "msr tcr_el1", "isb", NULL);
    assert_int_equal(insn_nth("msr tcr_el1", 0)->value, 0x1000 | TCR_EPD);
    assert_int_equal(reg_get("tcr_el1"), 0x1000);
    /* With its stage 1 off: on, without walks; off before they are let in. */
    insn_forget();
    reg_set("sctlr_el1", SCTLR_C);
    tlb_flush_s2(OTHERS, 0, ~0UL);
    insn_expect_exactly("msr tcr_el1", "isb", "msr sctlr_el1", "isb", "msr vttbr_el2", "isb", "dsb ishst",
                        "tlbi vmalls12e1is", "dsb ish", "isb", "msr vttbr_el2", "isb", "msr sctlr_el1", "isb",
                        "msr tcr_el1", "isb", NULL);
    assert_int_equal(reg_get("sctlr_el1"), SCTLR_C);
    /* Its own: nothing changes. */
    insn_forget();
    tlb_flush_s2(MINE, 0, ~0UL);
    assert_int_equal(insn_count("msr tcr_el1"), 0);
}

/* Errata: each TLBI and its DSB twice, at every place. */
static void test_repeated(void **state)
{
    (void)state;
    errata_word = BIT32(ERRATUM_REPEAT_TLBI);
    reg_set("vttbr_el2", MINE);
    tlb_flush_s2_page(MINE, 5);
    insn_expect("tlbi ipas2e1is", "dsb ish", "tlbi vmalle1is", "dsb ish", "tlbi ipas2e1is", "dsb ish", "tlbi vmalle1is",
                "dsb ish", "isb", NULL);
    insn_forget();
    tlb_flush_s2(OTHERS, 0, ~0UL);
    insn_expect("msr vttbr_el2", "tlbi vmalls12e1is", "dsb ish", "tlbi vmalls12e1is", "dsb ish", "isb",
                "msr vttbr_el2", NULL);
    insn_forget();
    tlb_flush_guest_here(true);
    insn_expect_exactly("tlbi vmalle1", "dsb nsh", "tlbi vmalle1", "ic iallu", "dsb nsh", "isb", NULL);
}

static int setup(void **state)
{
    errata_word = 0;
    return sysreg_setup(state);
}

#define tlb_case(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        tlb_case(test_el2), tlb_case(test_page), tlb_case(test_range), tlb_case(test_of_another),
        tlb_case(test_of_another_speculative), tlb_case(test_repeated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
