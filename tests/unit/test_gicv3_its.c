/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* The driver of interrupt translation services: what it does at boot and for devices, in which order. */
#include "gicv3_its_model.h"

static void test_start(void **state)
{
    u64 baser, prop;

    (void)state;
    assert_int_equal(start(), 2);
    assert_string_equal(unit_log(), "");
    baser = *reg(0, GITS_BASER(0));
    assert_true(baser & BASER_VALID);
    assert_int_equal(baser & SHAREABILITY, INNER_SHAREABLE);
    assert_int_equal(baser >> 59 & 7, CACHE_WRITE_BACK);
    assert_false(baser & BASER_INDIRECT);
    assert_int_equal((baser & 0xff) + 1, (65536 * 8) >> (12 + 2 * (baser >> 8 & 3)));
    assert_int_equal(*reg(0, 0) & 1, 1);
    /* Each CPU is a collection of each service, in a queue that began empty. */
    assert_string_equal(model.log, "0:mapc 0 0 8000000000000000;0:sync 0 0 0;0:invall 0 0 0;0:sync 0 0 0;"
                                   "1:mapc 0 0 8000000000000000;1:sync 0 0 0;1:invall 0 0 0;1:sync 0 0 0;"
                                   "0:mapc 0 0 8000000000010001;0:sync 0 0 10000;0:invall 0 0 1;0:sync 0 0 10000;"
                                   "1:mapc 0 0 8000000000010001;1:sync 0 0 10000;1:invall 0 0 1;1:sync 0 0 10000;");
    prop = read64_unseen(gicr[1], GICR_PROPBASER);
    assert_int_equal(prop & 31, LPI_ID_BITS - 1);
    assert_int_equal(prop & SHAREABILITY, INNER_SHAREABLE);
    assert_int_equal(*(u8 *)(uintptr_t)(prop & GENMASK(51, 12)), IRQ_PRIO_DEFAULT);
    assert_true(read64_unseen(gicr[0], GICR_PENDBASER) & PENDBASER_PTZ);
    assert_int_equal(read64_unseen(gicr[0], GICR_PENDBASER) & 0xf000, 0);
    assert_int_not_equal(read64_unseen(gicr[0], GICR_PENDBASER), read64_unseen(gicr[1], GICR_PENDBASER));
    assert_int_equal(gicr[0][0] & gicr[1][0] & 1, 1);
}

/* Tables are told of before LPIs are on, and that is done before a service hears of the CPU. */
static void test_order(void **state)
{
    (void)state;
    gicv3_its_init(&machine, gicd);
    insn_forget();
    unit_set_cpu(0);
    gicv3_its_init_cpu(gicr[0], 0x80a0000);
    insn_expect("clean", "dsb sy", "write", "write", "write", "dsb sy", "dsb sy", "write", NULL);
    assert_int_equal(insn_nth("write", 0)->value, GICR_PROPBASER);
    assert_int_equal(insn_nth("write", 1)->value, GICR_PENDBASER);
    assert_int_equal(insn_nth("write", 2)->value, GICR_CTLR);
    assert_int_equal(insn_nth("write", 3)->value, GITS_CWRITER);
    /* A property before the command that has it read, a command before the register that has that read. */
    gicr[0][0] = 0;
    assert_int_equal(start(), 2);
    insn_forget();
    its_enable(&event, true);
    insn_expect_exactly("dsb sy", "dsb sy", "write", "dsb sy", "write", NULL);
}

static void test_operations(void **state)
{
    void *itt;

    (void)state;
    assert_int_equal(start(), 2);
    model.log[0] = 0;
    assert_int_equal(its_map_device(0, 0x10, 5, &itt), 0);
    its_map(&event);
    its_enable(&event, true);
    assert_int_equal(gicv3_lpi_properties[8], IRQ_PRIO_DEFAULT | 1);
    its_move(&event);
    its_clear(&event);
    its_enable(&event, false);
    assert_int_equal(gicv3_lpi_properties[8], IRQ_PRIO_DEFAULT);
    its_discard(&event);
    its_complete(0);
    its_unmap_device(0, 0x10, 5, itt);
    assert_string_equal(model.log, "0:mapd 10 size 4;0:mapti 10 200800000003 1;0:sync 0 0 10000;"
                        "0:inv 10 3 0;0:sync 0 0 10000;"
                                   "0:movi 10 3 1;0:sync 0 0 10000;0:clear 10 3 0;0:sync 0 0 10000;0:inv 10 3 0;"
                                   "0:sync 0 0 10000;0:discard 10 3 0;0:sync 0 0 10000;0:mapd 10 0 0;");
    /* Around the end of the queue, any number of times. */
    for (u32 i = 0; i < 5000; i++) {
        insn_forget();
        model.log[0] = 0;
        its_clear(&event);
        assert_string_equal(model.log, "0:clear 10 3 0;0:sync 0 0 10000;");
    }
    assert_string_equal(unit_log(), "");
}

/* One that does not see caches: everything is cleaned (read_command(), its_map_device()), and it is told so. */
static void test_without_caches(void **state)
{
    void *itt;

    (void)state;
    model.coherent = false;
    assert_int_equal(start(), 2);
    assert_int_equal(*reg(0, GITS_CBASER) >> 59 & 7, CACHE_NONE);
    assert_int_equal(*reg(1, GITS_BASER(0)) >> 59 & 7, CACHE_NONE);
    assert_int_equal(read64_unseen(gicr[0], GICR_PROPBASER) >> 7 & 7, CACHE_NONE);
    assert_int_equal(its_map_device(0, 0x10, 5, &itt), 0);
    nr_cleaned = 0;
    its_enable(&event, true);
    assert_true(is_clean((u64)(uintptr_t)&gicv3_lpi_properties[8], 1));
    insn_forget();
    its_clear(&event);
    insn_expect("clean", "dsb sy", "write", "clean", "dsb sy", "write", NULL);
}

/* Redistributors by their address; ITT entries of 16 bytes. */
static void test_by_address(void **state)
{
    (void)state;
    *reg(0, GITS_TYPER) |= GITS_TYPER_PTA;
    assert_int_equal(start(), 2);
    model.log[0] = 0;
    its_move(&event);
    assert_string_equal(model.log, "0:movi 10 3 1;0:sync 0 0 80c0000;");
    assert_int_equal(itt_bytes(&gicv3_its[0], 1), 256);
    assert_int_equal(itt_bytes(&gicv3_its[0], 11), 16384);
}

/* Many devices: two levels, the second made for those that come; or one, of as many as there is room for. */
static void test_device_tables(void **state)
{
    static const struct { u32 bits, page_bits; bool two; u32 want_bits, want_page; } cases[] = {
        { 16, 3, true, 16, 0 }, { 20, 3, true, 20, 0 }, { 32, 3, true, 32, 2 }, { 32, 0, true, 26, 0 },
        { 32, 3, false, 20, 2 }, { 20, 1, true, 20, 1 }, { 1, 2, true, 1, 2 },
    };
    void *itt;

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct its *its = &gicv3_its[0];
        u64 baser, top;

        (void)its_setup(state);
        model.two_levels = cases[i].two;
        model.page_bits = cases[i].page_bits;
        *reg(0, GITS_TYPER) = (u64)(cases[i].bits - 1) << 13 | 15 << 8 | 7 << 4 | 1;
        assert_int_equal(start(), 2);
        assert_int_equal(its_device_bits(0), cases[i].want_bits);
        baser = *reg(0, GITS_BASER(0));
        top = BIT(cases[i].want_bits) - 1;
        if (cases[i].bits > 17 && cases[i].two) {
            const u64 *table = (const u64 *)(uintptr_t)(baser & GENMASK(47, 12));

            assert_true(baser & BASER_INDIRECT);
            assert_int_equal(baser >> 8 & 3, cases[i].want_page);
            assert_int_equal(its_map_device(0, (u32)top, 1, &itt), 0);
            assert_true(table[top / its->devices_per_page] & BASER_VALID);
            assert_true(top / its->devices_per_page < ((baser & 0xff) + 1) * its->table_page / 8);
            assert_int_equal(its_map_device(0, 0, 1, &itt), 0);
        } else {
            assert_true(((baser & 0xff) + 1) << (12 + 2 * (baser >> 8 & 3)) >= (top + 1) * 8);
            assert_int_equal(its_map_device(0, (u32)top, 1, &itt), 0);
        }
        assert_int_equal(strstr(unit_log(), "too many for its table") != NULL, cases[i].bits != cases[i].want_bits);
        (void)its_teardown(state);
    }
    (void)its_setup(state);
}

/* Pages of the second level are kept, so there is an end to them, whatever numbers devices have. */
static void test_device_pages(void **state)
{
    const struct its *its = &gicv3_its[0];
    u32 made = 0, before;
    void *itt;

    (void)state;
    *reg(0, GITS_TYPER) = UINT64_C(31) << 13 | 15 << 8 | 7 << 4 | 1;
    assert_int_equal(start(), 2);
    assert_int_equal(its->table_page, KIB(64));
    for (u32 i = 0; i < 1000; i++) {
        insn_forget();
        if (its_map_device(0, (u32)(i * its->devices_per_page), 1, &itt) == 0) {
            its_unmap_device(0, (u32)(i * its->devices_per_page), 1, itt);
            model.log[0] = 0;
            made++;
        }
    }
    assert_int_equal(made, PAGES_LIMIT / KIB(64));
    before = nr_memory;
    assert_int_equal(its_map_device(0, (u32)(made * its->devices_per_page), 1, &itt), -ENOSPC);
    assert_int_equal(nr_memory, before);
    /* In a page that there is. */
    assert_int_equal(its_map_device(0, (u32)(made * its->devices_per_page) - 1, 1, &itt), 0);
    its_unmap_device(0, (u32)(made * its->devices_per_page) - 1, 1, itt);
    assert_int_equal(nr_memory, before);
}

/* What is listed and not there, or not an ITS, or not for LPIs costs itself. */
static void test_absent(void **state)
{
    (void)state;
    model.absent = true;
    assert_int_equal(start(), 1);
    assert_non_null(strstr(unit_log(), "nothing is there"));
    (void)its_teardown(state);
    (void)its_setup(state);
    *(u32 *)reg(0, GITS_PIDR2) = 0xffffffff;
    assert_int_equal(start(), 1);
    assert_non_null(strstr(unit_log(), "GITS_PIDR2 0xffffffff"));
    (void)its_teardown(state);
    (void)its_setup(state);
    gicd[GICD_TYPER / 4] = 15u << 19;
    assert_int_equal(start(), 0);
    assert_int_equal(model.done, 0);
    assert_int_equal(gicr[0][0], 0);
    assert_non_null(strstr(unit_log(), "no LPIs"));
    (void)its_teardown(state);
    (void)its_setup(state);
    gicr[1][2] &= ~1u;
    assert_int_equal(start(), 0);                                /* one CPU without: none has */
    assert_non_null(strstr(unit_log(), "CPU 1 cannot have LPIs"));
    (void)its_teardown(state);
    (void)its_setup(state);
    unit_log_clear();
    gicr[0][0] = gicr[1][0] = 1;                                 /* left on, and not to be turned off: said once */
    assert_int_equal(start(), 0);
    assert_non_null(strstr(unit_log(), "CPU 0 cannot have LPIs (error -16)"));
    assert_non_null(strstr(unit_log(), "irqchip.gicv3_nolpi=1"));
    assert_null(strstr(unit_log(), "CPU 1"));
    (void)its_teardown(state);
    (void)its_setup(state);
    machine.gic.nr_its = 0;
    assert_int_equal(start(), 0);
    assert_int_equal(nr_memory, 0);
    assert_int_equal(gicr[0][0], 0);
    no_memory = true;
    machine.gic.nr_its = 1;
    assert_int_equal(start(), 0);
    assert_non_null(strstr(unit_log(), "no memory for LPIs"));
}

/* One that does not answer, or refuses, is waited for once. */
static void test_dead(void **state)
{
    u32 before;
    void *itt;

    (void)state;
    assert_int_equal(start(), 2);
    assert_int_equal(its_map_device(0, 0x10, 5, &itt), 0);
    model.deaf = true;
    its_clear(&event);
    its_complete(0);
    assert_non_null(strstr(unit_log(), "does not read its commands"));
    unit_log_clear();
    for (u32 i = 0; i < 5000; i++) {
        insn_forget();
        its_clear(&event);
    }
    its_complete(0);
    before = nr_memory;
    its_unmap_device(0, 0x10, 5, itt);                             /* its table may still be in use: kept */
    assert_int_equal(its_map_device(0, 0x11, 5, &itt), -EIO);    /* and there is no other one to be kept */
    assert_int_equal(nr_memory, before);
    assert_string_equal(unit_log(), "");
    (void)its_teardown(state);
    (void)its_setup(state);
    assert_int_equal(start(), 2);
    model.refuses = true;
    its_clear(&event);
    its_complete(0);
    assert_non_null(strstr(unit_log(), "has refused a command"));
    /* That has not answered as CPUs came up: dom0 is not told of it, and the others have its number. */
    (void)its_teardown(state);
    (void)its_setup(state);
    gicv3_its_init(&machine, gicd);
    gicv3_its[0].dead = true;
    gicv3_its_init_cpu(gicr[0], 0x80a0000);
    assert_int_equal(gicv3_its_list(list), 1);
    assert_int_equal(list[0].base, (paddr_t)frames[1]);
    model.log[0] = 0;
    its_clear(&event);
    assert_int_equal(strncmp(model.log, "1:clear", 7), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        its_case(test_start), its_case(test_order), its_case(test_operations), its_case(test_without_caches),
        its_case(test_by_address), its_case(test_device_tables), its_case(test_device_pages),
        its_case(test_absent), its_case(test_dead),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
