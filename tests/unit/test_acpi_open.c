/* SPDX-License-Identifier: MIT */
/* unit-sources: firmware/acpi/tables.c firmware/acpi/view.c */
/* Finding ACPI's tables: both RSDPs, both lists, and what is wrong with a table costs that table. */
#include "unit.h"
#include "acpi_tables.h"

static struct acpi_tables t;
static struct tb table;

static u64 plain(const char *signature)
{
    tb_begin(&table, signature, 1);
    tb_put(&table, 99, 1, 7);
    return tb_end(&table);
}

static int setup(void **state)
{
    int r = unit_setup(state);

    tb_start();
    return r;
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, fw_teardown)

static void test_lists(void **state)
{
    u64 apic = plain("APIC"), ssdt = plain("SSDT"), other = plain("SSDT"), xsdt = tb_list_table(true), rsdt, only;

    (void)state;
    tb_nr = 1;
    rsdt = tb_list_table(false);
    /* 2.0: the XSDT counts. */
    assert_int_equal(acpi_open(&t, &fw_memory, tb_rsdp_of(2, rsdt, xsdt)), 0);
    assert_int_equal(t.nr, 3);
    assert_memory_equal(t.oem_id, "ARGON ", 6);
    assert_ptr_equal(t.memory, &fw_memory);
    assert_int_equal(acpi_find(&t, "APIC", 0)->start, apic);
    assert_int_equal(acpi_find(&t, "APIC", 0)->size, 100);
    assert_int_equal(acpi_find(&t, "SSDT", 0)->start, ssdt);
    assert_int_equal(acpi_find(&t, "SSDT", 1)->start, other);
    assert_null(acpi_find(&t, "SSDT", 2));
    assert_string_equal(unit_log(), "");
    /* 1.0: there is no XSDT, whatever lies behind its 20 bytes. */
    only = tb_rsdp_of(0, rsdt, xsdt);
    assert_int_equal(acpi_open(&t, &fw_memory, only), 0);
    assert_int_equal(t.nr, 1);
    /* Not even one that is whole. */
    only = tb_rsdp_of(2, rsdt, xsdt);
    fw_find(only)->data[15] = 0;
    fw_find(only)->data[8] += 2;
    assert_int_equal(acpi_open(&t, &fw_memory, only), 0);
    assert_int_equal(t.nr, 1);
    /* 2.0 without an XSDT, or without one that can be used. */
    assert_int_equal(acpi_open(&t, &fw_memory, tb_rsdp_of(2, rsdt, 0)), 0);
    assert_int_equal(t.nr, 1);
    assert_int_equal(acpi_open(&t, &fw_memory, tb_rsdp_of(2, rsdt, apic)), 0);
    assert_int_equal(t.nr, 1);
    says("ACPI: RSDP: APIC at 0x7c430000, where the XSDT was to be");
    assert_int_equal(acpi_open(&t, &fw_memory, tb_rsdp_of(2, rsdt, 0x1000)), 0);
    says("ACPI: RSDP: a table at 0x1000 cannot be read");
    assert_int_equal(acpi_open(&t, &fw_memory, tb_rsdp_of(2, 0, 0)), -EINVAL);
    says("leads to no XSDT or RSDT that can be used");
    assert_int_equal(acpi_open(&t, &fw_memory, tb_rsdp_of(0, 0, xsdt)), -EINVAL);
}

static void test_rsdp(void **state)
{
    u64 xsdt, rsdt, rsdp;
    struct fw_region *r;

    (void)state;
    plain("APIC");
    xsdt = tb_list_table(true);
    rsdt = tb_list_table(false);
    rsdp = tb_rsdp_of(2, rsdt, xsdt);
    r = fw_find(rsdp);
    assert_int_equal(acpi_open(&t, &fw_memory, 0), -EINVAL);
    assert_int_equal(acpi_open(&t, &fw_memory, ~0UL - 8), -EINVAL);
    assert_int_equal(acpi_open(&t, &fw_memory, 0x5000), -EINVAL);
    says("ACPI: RSDP at 0x5000: cannot be read");
    /* The checksum of the first 20 bytes. */
    r->data[9]++;
    assert_int_equal(acpi_open(&t, &fw_memory, rsdp), -EINVAL);
    says("offset 0x8: wrong checksum");
    r->data[9]--;
    r->data[3]++;
    assert_int_equal(acpi_open(&t, &fw_memory, rsdp), -EINVAL);
    says("offset 0: no \"RSD PTR \"");
    r->data[3]--;
    /* What is wrong with the rest leaves the RSDT. */
    r->data[33]++;
    assert_int_equal(acpi_open(&t, &fw_memory, rsdp), 0);
    says("offset 0x20: wrong checksum: its XSDT is not used");
    r->data[33]--;
    r->data[20] = 35;
    assert_int_equal(acpi_open(&t, &fw_memory, rsdp), 0);
    says("offset 0x14: a length of 35 bytes: its XSDT is not used");
    r->data[23] = 0x80;
    assert_int_equal(acpi_open(&t, &fw_memory, rsdp), 0);
    says("a length of 2147483683 bytes");
    r->size = 30;                                /* the memory ends there */
    assert_int_equal(acpi_open(&t, &fw_memory, rsdp), 0);
    assert_int_equal(t.nr, 1);
    r->size = 19;
    assert_int_equal(acpi_open(&t, &fw_memory, rsdp), -EINVAL);
}

/* One bad table among good ones. */
static void test_bad_tables(void **state)
{
    u64 a = plain("AAAA"), bad = plain("BBBB"), c = plain("CCCC"), rsdp = tb_rsdp();
    struct fw_region *r = fw_find(bad);

    (void)state;
    r->data[50]++;
    assert_int_equal(acpi_open(&t, &fw_memory, rsdp), 0);
    assert_int_equal(t.nr, 2);
    assert_int_equal(acpi_find(&t, "AAAA", 0)->start, a);
    assert_int_equal(acpi_find(&t, "CCCC", 0)->start, c);
    says("ACPI: XSDT: BBBB at 0x7c430218: offset 0x9: wrong checksum, the sum is 0x1");
    r->data[50]--;
    r->data[0] = 1;
    assert_int_equal(acpi_open(&t, &fw_memory, rsdp), 0);
    assert_int_equal(t.nr, 2);
    says("ACPI: XSDT: no table at 0x7c430218: its signature cannot be printed");
    r->data[0] = 'B';
    for (u32 i = 0; i < 3; i++) {
        static const u32 sizes[] = { 35, 101, 0xffffffff };

        for (u32 b = 0; b < 4; b++) {
            r->data[4 + b] = (u8)(sizes[i] >> b * 8);
        }
        tb_refix(r);
        unit_log_clear();
        assert_int_equal(acpi_open(&t, &fw_memory, rsdp), 0);
        assert_int_equal(t.nr, 2);
        says(i == 1 ? "its 101 bytes cannot be read" : i == 0 ? "offset 0x4: a length of 35 bytes"
                                                              : "offset 0x4: a length of 4294967295 bytes");
    }
    r->size = 35;                                /* not even a header */
    assert_int_equal(acpi_open(&t, &fw_memory, rsdp), 0);
    assert_int_equal(t.nr, 2);
}

/* Only a header: a table of nothing is one. */
static void test_only_header(void **state)
{
    (void)state;
    tb_begin(&table, "AAAA", 1);
    tb_end(&table);
    assert_int_equal(acpi_open(&t, &fw_memory, tb_rsdp()), 0);
    assert_int_equal(acpi_find(&t, "AAAA", 0)->size, 36);
    /* A list of nothing, too. */
    tb_nr = 0;
    assert_int_equal(acpi_open(&t, &fw_memory, tb_rsdp()), 0);
    assert_int_equal(t.nr, 0);
}

static void test_duplicates(void **state)
{
    u64 first = plain("APIC"), second = plain("APIC"), ssdt = plain("SSDT");

    (void)state;
    tb_list(ssdt);                               /* listed twice */
    tb_list(0);
    plain("SSDT");
    assert_int_equal(acpi_open(&t, &fw_memory, tb_rsdp()), 0);
    assert_int_equal(t.nr, 3);
    assert_int_equal(acpi_find(&t, "APIC", 0)->start, first);
    assert_null(acpi_find(&t, "APIC", 1));
    assert_non_null(acpi_find(&t, "SSDT", 1));
    assert_true(second != first);
    says("ACPI: APIC at 0x7c430218: not used, there is one at 0x7c430000");
    says("ACPI: SSDT at 0x7c430430: not used, there is one at 0x7c430430");
    says("XSDT: offset 0x44: no address");
}

static void test_many(void **state)
{
    struct tb list;

    (void)state;
    for (u32 i = 0; i < ACPI_MAX_TABLES + 1; i++) {
        plain("SSDT");
    }
    assert_int_equal(acpi_open(&t, &fw_memory, tb_rsdp()), 0);
    assert_int_equal(t.nr, ACPI_MAX_TABLES);
    says("ACPI: more than 64 tables: SSDT at");
    /* A list that is no multiple of its entries, and one of nothing but zeros. */
    tb_begin(&list, "XSDT", 1);
    tb_put(&list, 36, 8, tb_listed[0]);
    tb_put(&list, 44, 4, 1);
    unit_log_clear();
    assert_int_equal(acpi_open(&t, &fw_memory, tb_rsdp_of(2, 0, tb_place(&list))), 0);
    assert_int_equal(t.nr, 1);
    says("XSDT: offset 0x2c: 4 bytes that are not read");
    tb_begin(&list, "XSDT", 1);
    tb_put(&list, 0x3fff, 1, 0);
    unit_log_clear();
    assert_int_equal(acpi_open(&t, &fw_memory, tb_rsdp_of(2, 0, tb_place(&list))), 0);
    assert_int_equal(t.nr, 0);
    says("XSDT: more of this kind, not listed");
    assert_true(strlen(unit_log()) < 2000);
}

/* The FADT's DSDT: the address of 64 bits first. */
static void test_dsdt(void **state)
{
    u64 old, x, fadt, rsdp;
    struct fw_region *r;

    (void)state;
    old = plain("DSDT");
    x = plain("DSDT");
    tb_nr = 0;
    fadt_plain(&table, 1);
    tb_put(&table, 40, 4, old);
    tb_put(&table, 140, 8, x);
    fadt = tb_end(&table);
    rsdp = tb_rsdp();
    r = fw_find(fadt);
    assert_int_equal(acpi_open(&t, &fw_memory, rsdp), 0);
    assert_int_equal(t.nr, 2);
    assert_int_equal(acpi_find(&t, "DSDT", 0)->start, x);
    assert_string_equal(unit_log(), "");
    /* None there: the other one. */
    memset(r->data + 140, 0, 8);
    tb_refix(r);
    assert_int_equal(acpi_open(&t, &fw_memory, rsdp), 0);
    assert_int_equal(acpi_find(&t, "DSDT", 0)->start, old);
    /* One that is no DSDT: the other one. */
    memcpy(r->data + 140, &fadt, 8);
    tb_refix(r);
    assert_int_equal(acpi_open(&t, &fw_memory, rsdp), 0);
    assert_int_equal(acpi_find(&t, "DSDT", 0)->start, old);
    says("ACPI: FADT: FACP at 0x7c430430, where a DSDT was to be");
    fw_find(old)->data[60]++;
    assert_int_equal(acpi_open(&t, &fw_memory, rsdp), 0);
    assert_null(acpi_find(&t, "DSDT", 0));
    says("ACPI: FADT: no DSDT");
    /* An old FADT ends before the address of 64 bits. */
    fw_find(old)->data[60]--;
    r->data[4] = 116;
    r->data[5] = 0;
    tb_fix(r->data, 116);
    assert_int_equal(acpi_open(&t, &fw_memory, rsdp), 0);
    assert_int_equal(acpi_find(&t, "DSDT", 0)->start, old);
    /* Or in the middle of it: what is there of it counts. */
    memset(r->data + 40, 0, 4);
    memcpy(r->data + 140, &x, 8);
    r->data[4] = 144;
    r->size = 144;
    tb_refix(r);
    assert_int_equal(acpi_open(&t, &fw_memory, rsdp), 0);
    assert_int_equal(acpi_find(&t, "DSDT", 0)->start, x);
    r->data[4] = 142;
    r->size = 142;
    tb_refix(r);
    assert_int_equal(acpi_open(&t, &fw_memory, rsdp), 0);
    assert_null(acpi_find(&t, "DSDT", 0));
    /* In the list already. */
    tb_list(x);
    unit_log_clear();
    assert_int_equal(acpi_open(&t, &fw_memory, tb_rsdp()), 0);
    assert_int_equal(acpi_find(&t, "DSDT", 0)->start, x);
    assert_string_equal(unit_log(), "");
}

/* A table of several windows; and windows that cannot be had, at every place. */
static void test_windows(void **state)
{
    static u8 big[MIB(1) + 5];
    u64 rsdp;

    (void)state;
    memcpy(big, "SSDT", 4);
    big[4] = 5;
    big[6] = 0x10;
    big[MIB(1) + 4] = 77;
    tb_fix(big, sizeof(big));
    fw_add(0x1000000, big, sizeof(big));
    tb_list(0x1000000);
    fadt_plain(&table, 1);
    tb_end(&table);
    rsdp = tb_rsdp();
    assert_int_equal(acpi_open(&t, &fw_memory, rsdp), 0);
    assert_int_equal(t.nr, 2);
    assert_int_equal(acpi_find(&t, "SSDT", 0)->size, MIB(1) + 5);
    for (u64 n = 0; n < 40; n++) {
        fw_fail_after = n;
        (void)!acpi_open(&t, &fw_memory, rsdp);
        assert_int_equal(fw_depth, 0);
        assert_in_range(t.nr, 0, 2);
    }
}

/* A list is read in one piece: one of more than a MiB, if there were one, is not. */
static void test_huge_list(void **state)
{
    static u8 big[MIB(1) + 4];

    (void)state;
    memcpy(big, "XSDT", 4);
    big[4] = 4;
    big[6] = 0x10;
    tb_fix(big, sizeof(big));
    fw_add(0x1000000, big, sizeof(big));
    assert_int_equal(acpi_open(&t, &fw_memory, tb_rsdp_of(2, 0, 0x1000000)), -EINVAL);
    says("XSDT: its 1048580 bytes at 0x1000000 cannot be read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_lists), CASE(test_rsdp), CASE(test_bad_tables), CASE(test_only_header), CASE(test_duplicates),
        CASE(test_many), CASE(test_dsdt), CASE(test_windows), CASE(test_huge_list)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
