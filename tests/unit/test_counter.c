/* SPDX-License-Identifier: MIT */
/* Reads of a counter that is wrong at times. */
#include "unit.h"
#include <asm/errata.h>

/* What the next reads give; the last one again when there are no more. */
static const u64 *values;
static u32 nr_values, reads;
static u64 reg_cntpct_el0(void)
{
    u64 v = values[MIN(reads, nr_values - 1)];

    reads++;
    return v;
}
#define sysreg_read(r) reg_##r()
#include "../../hypervisor/arch/arm/arm64/counter.c"

u32 errata_word;

static u64 read_of(enum erratum e, const u64 *v, u32 nr)
{
    errata_word = BIT32(e);
    values = v;
    nr_values = nr;
    reads = 0;
    return counter_read_carefully();
}

#define READ(e, ...) read_of(e, (const u64[]){ __VA_ARGS__ }, sizeof((u64[]){ __VA_ARGS__ }) / 8)

static void test_stable(void **state)
{
    (void)state;
    assert_int_equal(READ(ERRATUM_COUNTER_A008585, 1000, 1000), 1000);
    assert_int_equal(READ(ERRATUM_COUNTER_A008585, 1000, 1001, 1002, 1002, 9), 1002);     /* close is not equal */
    assert_int_equal(READ(ERRATUM_COUNTER_A008585, 1000, 5001, 1001, 1002, 1002, 9), 1002);
    assert_int_equal(READ(ERRATUM_COUNTER_161010101, 1000, 1031), 1031);
    assert_int_equal(READ(ERRATUM_COUNTER_161010101, 1000, 1032, 1033), 1033);
    assert_int_equal(READ(ERRATUM_COUNTER_161010101, 5000, 1000, 1003), 1003);
}

static void test_rollover(void **state)
{
    (void)state;
    assert_int_equal(READ(ERRATUM_COUNTER_UNKNOWN1, 0x1001ff, 0x100200, 0x1001fe), 0x1001fe);
    assert_int_equal(READ(ERRATUM_COUNTER_UNKNOWN1, 0x100201), 0x100201);
    assert_int_equal(reads, 1);
}

static void test_halves(void **state)
{
    (void)state;
    assert_int_equal(READ(ERRATUM_COUNTER_858921, 0x1fffffffeUL, 0x1ffffffffUL), 0x1ffffffffUL);
    assert_int_equal(READ(ERRATUM_COUNTER_858921, 0x1fffffffeUL, 0x200000000UL), 0x1fffffffeUL);
}

/* Hardware that never agrees does not stop a CPU. */
static void test_bound(void **state)
{
    u64 odd[1000];

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(odd); i++) {
        odd[i] = (u64)i << 40 | 0x1ff;
    }
    for (u32 e = ERRATUM_COUNTER_A008585; e <= ERRATUM_COUNTER_UNKNOWN1; e++) {
        read_of(e, odd, ARRAY_SIZE(odd));
        assert_in_range(reads, 100, 300);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stable), cmocka_unit_test(test_rollover), cmocka_unit_test(test_halves),
        cmocka_unit_test(test_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
