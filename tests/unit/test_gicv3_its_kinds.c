/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* Kinds of interrupt translation services: how they see memory, products with errata, few collections, few LPIs. */
#include "gicv3_its_model.h"

/* The same where firmware says so, and the registers do not: they are never told otherwise. Or where they say both. */
static void test_noncoherent(void **state)
{
    void *itt;

    (void)state;
    for (u32 i = 0; i < 2; i++) {
        model.blind = machine.gic.redist_noncoherent = i == 0;
        model.device_memory = i == 1;
        machine.gic.its[0].noncoherent = machine.gic.its[1].noncoherent = i == 0;
        assert_int_equal(start(), 2);
        assert_int_equal(*reg(1, GITS_CBASER) & SHAREABILITY, 0);
        assert_int_equal(*reg(0, GITS_BASER(0)) & SHAREABILITY, 0);
        assert_int_equal(*reg(0, GITS_BASER(1)) & SHAREABILITY, 0);
        assert_true(its_map_device(0, 0x10, 5, &itt) == 0 && gicv3_its[0].clean_tables && gicv3_its[0].clean_queue);
        nr_cleaned = 0;
        its_enable(&event, true);                                /* read_command() looks at the queue */
        if (i == 0) {
            assert_int_equal(read64_unseen(gicr[0], GICR_PROPBASER) >> 7 & 31, CACHE_NONE);
            assert_int_equal(read64_unseen(gicr[0], GICR_PENDBASER) >> 7 & 31, CACHE_NONE);
            assert_true(is_clean((u64)(uintptr_t)&gicv3_lpi_properties[8], 1));
        }
        (void)its_teardown(state);
        (void)its_setup(state);
    }
}

/* 32 bits of address: all memory is below, and given back. A service that has them and nobody knows is not used. */
static void test_low32(void **state)
{
    void *itt;
    u32 before;

    (void)state;
    low_only = machine.gic.low32 = true;
    *reg(0, GITS_TYPER) |= UINT64_C(12) << 13;                   /* two levels, too */
    assert_int_equal(start(), 2);
    before = nr_memory;
    assert_int_equal(its_map_device(1, 0x10, 5, &itt), 0);
    assert_int_equal(nr_memory, before + 1);
    its_unmap_device(1, 0x10, 5, itt);
    assert_int_equal(nr_memory, before);
    assert_int_equal(its_map_device(0, 0x10000, 5, &itt), 0);
    (void)its_teardown(state);
    (void)its_setup(state);
    model.narrow = true;
    assert_int_equal(start(), 0);
    assert_non_null(strstr(unit_log(), "register 0x100 takes"));
}

/*
 * What is below 4 GiB is dom0's and its guests' when the GIC is found, or when dom0's drivers begin: the services have
 * what was kept for them. Its end is said, costs the devices that come then, and is over when others go.
 */
static void test_low32_all_given_away(void **state)
{
    void *itt[1024], *again;
    u32 nr = 0;

    (void)state;
    machine.nr_cpus = 2;
    low_only = machine.gic.low32 = true;
    chunks_left = 8;
    gicv3_its_reserve(&machine);
    assert_true(no_memory && nr_memory == 1);                    /* all was looked at, one was kept */
    assert_int_equal(start(), 2);
    while (nr < ARRAY_SIZE(itt) && its_map_device(nr % 2, nr, 5, &itt[nr]) == 0) {
        for (u32 i = 0; i < nr % 16; i++) {
            assert_ptr_not_equal(itt[nr], itt[nr - 1 - i]);
        }
        nr++;
    }
    assert_in_range(nr, 256, ARRAY_SIZE(itt) - 1);
    assert_non_null(strstr(unit_log(), "no memory below 4 GiB is left for interrupt translation services"));
    unit_log_clear();
    assert_int_equal(its_map_device(0, 0x1000, 5, &again), -ENOMEM);
    assert_string_equal(unit_log(), "");
    memset(itt[20], 0xff, PAGE_SIZE);
    its_unmap_device(0, 20, 5, itt[20]);
    assert_int_equal(its_map_device(0, 0x1000, 11, &again), -ENOMEM);    /* 16 KiB: not in one place */
    assert_int_equal(its_map_device(0, 0x1000, 5, &again), 0);
    assert_ptr_equal(again, itt[20]);
    for (u32 i = 0; i < PAGE_SIZE; i++) {
        assert_int_equal(((u8 *)again)[i], 0);
    }
    /* What there is besides, if there is. */
    no_memory = false;
    assert_int_equal(its_map_device(1, 0x1001, 11, &again), 0);
    its_unmap_device(1, 0x1001, 11, again);
    assert_int_equal(nr_memory, 1);
}

/* Nothing is kept for others; without it, it is asked for as it was. */
static void test_low32_not_kept(void **state)
{
    (void)state;
    machine.nr_cpus = 2;
    gicv3_its_reserve(&machine);
    assert_int_equal(nr_memory, 0);
    machine.gic.low32 = true;
    machine.gic.nr_its = 0;
    gicv3_its_reserve(&machine);
    assert_int_equal(nr_memory, 0);
    machine.gic.nr_its = NR;
    no_memory = true;
    gicv3_its_reserve(&machine);
    assert_non_null(strstr(unit_log(), "no 4096 KiB of memory below 4 GiB"));
    assert_int_equal(start(), 0);
    assert_non_null(strstr(unit_log(), "no memory for LPIs"));
    no_memory = false;
    assert_int_equal(start(), 2);
}

/* By GITS_IIDR: what is known better than GITS_TYPER says, and what is refused. */
static void test_products(void **state)
{
    (void)state;
    *(u32 *)((u8 *)reg(0, 0) + GITS_IIDR) = 0x1070;
    *(u32 *)((u8 *)reg(1, 0) + GITS_IIDR) = 0x0001143b;
    assert_int_equal(start(), 2);
    assert_int_equal(itt_bytes(&gicv3_its[0], 11), 2048 * 16);
    assert_int_equal(itt_bytes(&gicv3_its[1], 11), 2048 * 8);
    assert_int_equal(list[0].iidr, 0x1070);
    assert_int_equal(list[1].iidr, 0x0001143b);
    (void)its_teardown(state);
    (void)its_setup(state);
    *(u32 *)((u8 *)reg(0, 0) + GITS_IIDR) = 0xa100134c;
    assert_int_equal(start(), 1);
    assert_int_equal(list[0].base, (paddr_t)frames[1]);
    assert_non_null(strstr(unit_log(), "ThunderX (errata 22375, 24313, 23144): not used"));
}

/* Each CPU needs a collection, which may be few. What somebody before us had in other tables is taken away. */
static void test_collections(void **state)
{
    static const struct { bool table; u64 typer; u32 want; } cases[] = {
        { true, 0, 1 }, { false, 0, 0 }, { false, UINT64_C(1) << 24, 0 }, { false, UINT64_C(2) << 24, 1 },
        { true, BIT(36), 1 }, { false, UINT64_C(2) << 24 | BIT(36), 1 }, { false, UINT64_C(4) << 24 | BIT(36), 1 },
    };

    (void)state;
    machine.gic.nr_its = 1;
    for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
        *reg(0, GITS_TYPER) |= cases[i].typer;
        *reg(0, GITS_BASER(1)) = cases[i].table ? *reg(0, GITS_BASER(1)) : 0;
        *reg(0, GITS_BASER(2)) = BASER_VALID | UINT64_C(2) << 56 | 0x12340000;
        assert_int_equal(start(), cases[i].want);
        assert_int_equal(*reg(0, GITS_BASER(2)) & BASER_VALID, 0);
        assert_int_equal(strstr(unit_log(), "fewer collections than there are CPUs") != NULL, cases[i].want == 0);
        (void)its_teardown(state);
        (void)its_setup(state);
        machine.gic.nr_its = 1;
    }
}

/* As many LPIs as the distributor has, where that is fewer than there is room for: by bits of INTIDs, by number. */
static void test_few_lpis(void **state)
{
    static const struct { u32 bits, num, want; } cases[] = {
        { 16, 0, 16 }, { 24, 0, 16 }, { 14, 0, 14 }, { 15, 0, 15 }, { 13, 0, 0 }, { 16, 11, 0 }, { 16, 12, 14 },
        { 16, 13, 14 }, { 16, 14, 15 }, { 16, 15, 16 }, { 24, 23, 16 },
    };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
        gicd[GICD_TYPER / 4] = BIT32(17) | (cases[i].bits - 1) << 19 | cases[i].num << 11;
        assert_int_equal(start(), cases[i].want != 0 ? 2 : 0);
        assert_int_equal(strstr(unit_log(), "too few") != NULL, cases[i].want == 0);
        if (cases[i].want != 0) {
            assert_int_equal(gicv3_its_ops.lpi_bits(), cases[i].want);
            assert_int_equal((read64_unseen(gicr[1], GICR_PROPBASER) & 31) + 1, cases[i].want);
        }
        (void)its_teardown(state);
        (void)its_setup(state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        its_case(test_noncoherent), its_case(test_low32),
        its_case(test_low32_all_given_away), its_case(test_low32_not_kept), its_case(test_products),
        its_case(test_collections), its_case(test_few_lpis),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
