/* SPDX-License-Identifier: MIT */
/* unit-sources: boot/dom0_stay.c firmware/machine.c */
/* Which boot modules may become dom0's where they lie: whose pages are nobody else's, and where a kernel can run. */
#include "unit.h"
#include <boot/dom0.h>
#include <argon/machine.h>

#define RAM MIB(1024)

static struct machine m;
static struct machine_module *kernel, *ramdisk;
static struct image img;
static u8 data[64];
static struct build_stay stay;

static int setup(void **state)
{
    int rc = unit_setup(state);

    memset(&m, 0, sizeof(m));
    m.nr_banks = 1;
    m.banks[0] = (struct machine_range){ .start = RAM, .size = GIB(4) };
    m.nr_modules = 2;
    kernel = &m.modules[0];
    ramdisk = &m.modules[1];
    *kernel = (struct machine_module){ .start = RAM + MIB(32), .size = 0x12345, .kind = MODULE_KERNEL };
    *ramdisk = (struct machine_module){ .start = RAM + MIB(64), .size = 0x5432, .kind = MODULE_RAMDISK };
    img = (struct image){ .data = data, .len = kernel->size };
    return rc;
}

/* A bit for each: 1 the kernel, 2 the ramdisk. */
static u32 who_stays(void)
{
    dom0_find_stay(&m, kernel, &img, data, ramdisk, &stay);
    return (stay.kernel.size != 0 ? 1 : 0) | (stay.ramdisk.size != 0 ? 2 : 0);
}

static void test_both(void **state)
{
    (void)state;
    assert_int_equal(who_stays(), 3);
    assert_int_equal(stay.kernel.start, kernel->start);
    assert_int_equal(stay.kernel.size, 0x13000);
    assert_int_equal(stay.ramdisk.start, ramdisk->start);
    assert_int_equal(stay.ramdisk.size, 0x6000);
    ramdisk = NULL;
    assert_int_equal(who_stays(), 1);
}

/* The arm64 boot protocol: text_offset above a multiple of 2 MiB; packed, or for a fixed address, it is a copy. */
static void test_where_a_kernel_runs(void **state)
{
    (void)state;
    kernel->start += PAGE_SIZE;
    assert_int_equal(who_stays(), 2);
    img.text_offset = PAGE_SIZE;
    assert_int_equal(who_stays(), 3);
    img.gzip = true;
    assert_int_equal(who_stays(), 2);
    img.gzip = false;
    img.fixed = true;
    assert_int_equal(who_stays(), 2);
    img.fixed = false;
    img.data = data + 1;                 /* within a uImage */
    assert_int_equal(who_stays(), 2);
}

static void test_pages_of_others(void **state)
{
    (void)state;
    ramdisk->start++;                    /* whoever is before it in its page */
    assert_int_equal(who_stays(), 1);
    ramdisk->start--;
    /* Another module in the last page of the one, and of the other. */
    m.nr_modules = 3;
    m.modules[2] = (struct machine_module){ .start = kernel->start + 0x12800, .size = 0x10 };
    assert_int_equal(who_stays(), 2);
    m.modules[2].start = kernel->start + 0x13000;
    assert_int_equal(who_stays(), 3);
    m.modules[2].start = ramdisk->start + 0x5800;
    assert_int_equal(who_stays(), 1);
    m.nr_modules = 2;
    m.tables = (struct machine_range){ .start = kernel->start + 0x12800, .size = 0x1000 };
    assert_int_equal(who_stays(), 2);
    m.tables = (struct machine_range){ .size = 0 };
    m.nr_reserved = 1;
    m.reserved[0] = (struct machine_range){ .start = ramdisk->start + 0x5000, .size = 0x1000 };
    assert_int_equal(who_stays(), 1);
    m.reserved[0].start += 0x1000;
    assert_int_equal(who_stays(), 3);
}

/* Devices with 32 bits do not reach it above 4 GiB, and it must be RAM. */
static void test_out_of_reach(void **state)
{
    (void)state;
    ramdisk->start = GIB(4) - 0x6000;
    assert_int_equal(who_stays(), 3);
    ramdisk->start += PAGE_SIZE;
    assert_int_equal(who_stays(), 1);
    ramdisk->start = RAM - 0x3000;
    assert_int_equal(who_stays(), 1);
}

#define stay_case(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        stay_case(test_both), stay_case(test_where_a_kernel_runs), stay_case(test_pages_of_others),
        stay_case(test_out_of_reach),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
