/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* unit-sources: arch/arm/arm64/cache.c */
/* Memory that is given to a guest: order of cache maintenance. */
#include "sysreg.h"
#include <argon/arch.h>
#include <asm/cache.h>

static aligned_to(4096) u8 pages[2 * PAGE_SIZE];

#define CTR_64_BYTE_LINES (4UL << 16)
#define CTR_DIC           BIT(29)
#define DCZID_64_BYTES    4UL
#define DCZID_DZP         BIT(4)

static void scrub(u64 ctr, u64 dczid)
{
    insn_reset();
    reg_set("ctr_el0", ctr);
    reg_set("dczid_el0", dczid);
    memset(pages, 0xa5, sizeof(pages));
    arch_scrub_pages(pages, 2);
}

/* Zeroed, cleaned, waited for; then no instruction cache has it, waited for. */
static void test_scrub_and_forget(void **state)
{
    (void)state;
    scrub(CTR_64_BYTE_LINES, DCZID_64_BYTES);
    arch_forget_code();
    insn_expect_exactly("dsb sy", "ic ialluis", "dsb ish", NULL);
    assert_int_equal(insn_count("dc zva"), 2 * PAGE_SIZE / 64 / 32);
    assert_true(insn_at("dc cvac", 2 * PAGE_SIZE / 64 / 32 - 1) < insn_at("dsb sy", 0));
    /* Without DC ZVA: by stores. */
    scrub(CTR_64_BYTE_LINES, DCZID_DZP);
    insn_expect_exactly("dsb sy", NULL);
    assert_int_equal(insn_count("dc zva"), 0);
    assert_int_equal(insn_count("dc cvac"), 2 * PAGE_SIZE / 64 / 16);
    assert_true(pages[0] == 0 && pages[2 * PAGE_SIZE - 1] == 0);
}

/* Instruction caches that see data need none of it. */
static void test_coherent_instruction_cache(void **state)
{
    (void)state;
    scrub(CTR_64_BYTE_LINES | CTR_DIC, DCZID_64_BYTES);
    arch_forget_code();
    insn_expect_exactly("dsb sy", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        sysreg_case(test_scrub_and_forget),
        sysreg_case(test_coherent_instruction_cache),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
