/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* unit-sources: arch/arm/tlb.c */
/* TLB invalidation: order of instructions. */
#include "sysreg.h"
#include <asm/tlb.h>

#define MINE   (1UL << 48 | 0x10000)
#define OTHERS (2UL << 48 | 0x20000)

static void test_el2(void **state)
{
    (void)state;
    tlb_flush_el2();
    insn_expect_exactly("dsb ishst", "tlbi alle2is", "dsb ish", "isb", NULL);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        sysreg_case(test_el2), sysreg_case(test_page), sysreg_case(test_range), sysreg_case(test_of_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
