/* SPDX-License-Identifier: MIT */
/* unit-sources: firmware/acpi/tables.c firmware/acpi/view.c firmware/acpi/madt.c firmware/machine.c */
/*
 * CPUs and the GIC of a MADT as QEMU makes none: other lengths and places, entries that are wrong, redistributors by
 * CPU.
 */
#include "unit.h"
#include "acpi_tables.h"
#include "firmware/acpi/parse.h"

#define CAPABLE 8u

struct acpi_devices acpi_devices;
static struct acpi_tables t;
static struct machine m;
static struct tb madt;

static int parse(void)
{
    struct tb copy = madt;

    tb_start();
    tb_end(&copy);
    memset(&m, 0, sizeof(m));
    memset(&acpi_devices, 0, sizeof(acpi_devices));
    m.psci_version = 2;
    assert_int_equal(acpi_open(&t, &fw_memory, tb_rsdp()), 0);
    return acpi_parse_madt(&m, &t);
}

static int setup(void **state)
{
    int r = unit_setup(state);

    madt_begin(&madt, 3);
    return r;
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, fw_teardown)

static void fails(const char *what)
{
    assert_int_equal(parse(), -EINVAL);
    says(what);
}

/* GICCs of ACPI 5.1, 6.0, 6.5 and later, one after the other; what is shorter costs itself. */
static void test_lengths(void **state)
{
    static const u8 sizes[] = { 76, 80, 82, 75, 255, 40, 76 };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
        madt_gicc(&madt, sizes[i], 10 + i, i == 0 ? 0x100 : i, 1);
    }
    madt_gicr(&madt, 0x80a0000, 0x200000);
    assert_int_equal(parse(), 0);
    assert_int_equal(m.nr_cpus, 5);
    assert_int_equal(m.cpus[0].hwid, 0x100);     /* in the order of the table, wherever the boot CPU is */
    assert_int_equal(m.cpus[0].acpi_uid, 10);
    assert_int_equal(m.cpus[1].hwid, 1);
    assert_int_equal(m.cpus[2].hwid, 2);
    assert_int_equal(m.cpus[3].hwid, 4);
    assert_int_equal(m.cpus[4].hwid, 6);
    assert_int_equal(m.cpus[4].acpi_uid, 16);
    assert_true(m.cpus[4].psci);
    says("MADT: offset 0x132: GICC of 75 bytes: this CPU is not used");
    says("MADT: offset 0x27c: GICC of 40 bytes: this CPU is not used");
}

static void test_flags(void **state)
{
    (void)state;
    madt_gicc(&madt, 80, 0, 0, CAPABLE);
    madt_gicc(&madt, 80, 1, 1, 1);
    madt_gicc(&madt, 80, 2, 2, 0);
    madt_gicc(&madt, 80, 3, 3, 1 | CAPABLE);
    madt_gicc(&madt, 80, 4, 1UL << 31 | 4, 0);   /* of no interest, as it is off */
    madt_gicr(&madt, 0x80a0000, 0x200000);
    assert_int_equal(parse(), 0);
    assert_int_equal(m.nr_cpus, 2);
    assert_int_equal(m.cpus[0].hwid, 1);
    assert_int_equal(m.cpus[1].hwid, 3);
    says("MADT: 3 CPUs are off, of which 1 may be there one day: not used");
    assert_null(strstr(unit_log(), "offset"));
}

static void test_mpidr(void **state)
{
    (void)state;
    madt_gicc(&madt, 80, 0, 0xff00ffffffUL, 1);
    madt_gicc(&madt, 80, 1, 0x80000001, 1);
    madt_gicc(&madt, 80, 2, 0xff00ffffffUL, 1);
    madt_gicc(&madt, 80, 3, ~0UL, 1);
    madt_gicr(&madt, 0x80a0000, 0x200000);
    assert_int_equal(parse(), 0);
    assert_int_equal(m.nr_cpus, 1);
    says("MADT: offset 0x94: GICC with an MPIDR of 0x80000001: this CPU is not used");
    says("MADT: offset 0xe4: GICC with the MPIDR of another, 0xff00ffffff");
    says("MADT: offset 0x134: GICC with an MPIDR of 0xffffffffffffffff");
}

static void test_too_many(void **state)
{
    (void)state;
    for (u32 i = 0; i < NR_CPUS + 2; i++) {
        madt_gicc(&madt, 80, i, i, 1);
    }
    madt_gicr(&madt, 0x80a0000, 0x2000000);
    assert_int_equal(parse(), 0);
    assert_int_equal(m.nr_cpus, NR_CPUS);
    says("MADT: more than 128 CPUs: 2 are not used");
}

static u32 gicc_v2(u32 n, u64 gicc)
{
    u32 off = madt_gicc(&madt, 80, n, n, 1);

    tb_put(&madt, off + 32, 8, gicc);
    tb_put(&madt, off + 40, 8, 0x8040000);
    tb_put(&madt, off + 48, 8, 0x8030000);
    return off;
}

static void test_v2(void **state)
{
    u32 off;

    (void)state;
    madt_begin(&madt, 2);
    off = gicc_v2(0, 0x8010000);
    gicc_v2(1, 0x8011000);
    assert_int_equal(parse(), 0);
    assert_int_equal(m.gic.version, 2);
    assert_int_equal(m.gic.gicc, 0x8010000);
    assert_int_equal(m.gic.gich, 0x8030000);
    assert_int_equal(m.gic.gicv, 0x8040000);
    says("GICCs differ in base or maintenance interrupt: those at offset 0x44 are taken for all");
    tb_put(&madt, off + 40, 8, 0);
    fails("MADT: offset 0x44: GICC without the base of a GICv2's GICC, GICH or GICV");
    tb_put(&madt, off + 40, 8, 0x8040000);
    tb_put(&madt, off + 48, 8, 0x8030800);
    fails("without the base");
    tb_put(&madt, off + 48, 8, 0x8030000);
    tb_put(&madt, off + 56, 4, 32);
    fails("MADT: offset 0x44: GICC with a maintenance interrupt of 32");
}

/* GICD's version: 0 is to be guessed. */
static void test_versions(void **state)
{
    (void)state;
    for (u32 v = 0; v <= 5; v++) {
        for (u32 redists = 0; redists < 2; redists++) {
            bool v3 = v == 3 || v == 4 || ((v == 0 || v == 5) && redists == 1);

            madt_begin(&madt, (u8)v);
            gicc_v2(0, 0x8010000);
            if (redists > 0) {
                madt_gicr(&madt, 0x80a0000, 0x200000);
            }
            if (v == 1) {
                fails("MADT: offset 0x2c: GICv1, which has no virtualization");
            } else if (v3 && redists == 0) {
                fails("MADT: offset 0x2c: GICv3 without redistributors");
            } else {
                assert_int_equal(parse(), 0);
                assert_int_equal(m.gic.version, v3 ? 3 : 2);
                assert_int_equal(m.gic.gicd_size, v3 ? 0x10000 : 0x1000);
                assert_int_equal(m.gic.gicc, v3 ? 0 : 0x8010000);
            }
            assert_int_equal(strstr(unit_log(), "GICD of version 5: taken for what") != NULL, v == 5);
        }
    }
    /* By the GICCs' own redistributors, too. */
    madt_begin(&madt, 0);
    tb_put(&madt, gicc_v2(0, 0x8010000) + 60, 8, 0x80a0000);
    assert_int_equal(parse(), 0);
    assert_int_equal(m.gic.version, 3);
}

static void test_gicd(void **state)
{
    u32 off;

    (void)state;
    madt_gicc(&madt, 80, 0, 0, 1);
    madt_gicr(&madt, 0x80a0000, 0x200000);
    off = tb_entry(&madt, 12, 24);               /* one more */
    tb_put(&madt, off + 8, 8, 0x9000000);
    assert_int_equal(parse(), 0);
    assert_int_equal(m.gic.gicd, 0x8000000);
    says("MADT: offset 0xa4: one GICD more: not used");
    tb_put(&madt, 44 + 8, 8, 0);
    fails("MADT: offset 0x2c: GICD with a base of 0");
    tb_put(&madt, 44 + 8, 8, 0x8000800);
    fails("GICD with a base of 0x8000800");
    tb_put(&madt, 44, 1, 0x7f);                  /* none but the second, which is then the one */
    assert_int_equal(parse(), 0);
    assert_int_equal(m.gic.gicd, 0x9000000);
    tb_put(&madt, off + 1, 1, 23);
    fails("MADT: offset 0xa4: GICD of 23 bytes");
    says("MADT: offset 0x2c: no GICD that can be used");
    madt_begin(&madt, 3);
    madt_gicr(&madt, 0x80a0000, 0x200000);
    fails("MADT: offset 0x2c: no GICC that can be used: no CPUs");
}

static void test_regions(void **state)
{
    (void)state;
    madt_gicc(&madt, 80, 0, 0, 1);
    madt_gicr(&madt, 0x80a0000, 0x200000);
    madt_gicr(&madt, 0, 0x200000);
    madt_gicr(&madt, 0x90a8000, 0x200000);
    madt_gicr(&madt, 0x4000000000, 0x20000);
    madt_gicr(&madt, 0x80c0000, 0x20000);        /* in the first */
    madt_gicr(&madt, 0x5000000000, 0x10000);
    madt_gicr(&madt, 0x6000000000, 0);
    madt_gicr(&madt, ~0UL - 0xffff, 0x20000);
    tb_entry(&madt, 14, 15);
    assert_int_equal(parse(), 0);
    assert_int_equal(m.gic.nr_redist, 2);
    assert_int_equal(m.gic.redist[0].start, 0x80a0000);
    assert_int_equal(m.gic.redist[0].size, 0x200000);
    assert_int_equal(m.gic.redist[1].start, 0x4000000000);
    assert_int_equal(m.gic.redist_stride, 0);
    says("MADT: offset 0xa4: redistributors at 0, 0x200000 bytes: not used");
    says("MADT: offset 0xb4: redistributors at 0x90a8000, 0x200000 bytes: not used");
    says("MADT: offset 0xd4: redistributors at 0x80c0000, which others are, too: not used");
    says("MADT: offset 0xe4: redistributors at 0x5000000000, 0x10000 bytes: not used");
    says("MADT: offset 0xf4: redistributors at 0x6000000000, 0 bytes: not used");
    says("MADT: offset 0x114: GICR of 15 bytes");
    for (u32 i = 0; i < MACHINE_MAX_REDIST; i++) {
        madt_gicr(&madt, 0x7000000000 + i * 0x1000000UL, 0x20000);
    }
    assert_int_equal(parse(), 0);
    assert_int_equal(m.gic.nr_redist, MACHINE_MAX_REDIST);
    says("more than 16 regions of redistributors: that at 0x700e000000 is not used");
}

static void own_redist(u32 n, u64 base, u32 flags)
{
    tb_put(&madt, madt_gicc(&madt, 80, n, n, flags) + 60, 8, base);
}

/* A redistributor's base in each GICC, in any order. */
static void test_own_redists(void **state)
{
    (void)state;
    own_redist(0, 0x10020000, 1);
    own_redist(1, 0x10000000, 1);
    own_redist(2, 0x20000000, 1);
    own_redist(3, 0x30000000, 0);                /* off: it may not be there */
    own_redist(4, 0x10000000, 1);                /* twice */
    assert_int_equal(parse(), 0);
    assert_int_equal(m.gic.nr_redist, 2);
    assert_int_equal(m.gic.redist[0].start, 0x10000000);
    assert_int_equal(m.gic.redist[0].size, 0x40000);
    assert_int_equal(m.gic.redist[1].start, 0x20000000);
    assert_int_equal(m.gic.redist[1].size, 0x20000);
    assert_int_equal(m.gic.redist_stride, 0x20000);
    assert_true(m.gic.redist_each);
    /* Just 256 KiB apart: one region, which is walked in such steps. */
    madt_begin(&madt, 3);
    own_redist(0, 0x10000000, 1);
    own_redist(1, 0x10080000, 1);
    own_redist(2, 0x10040000, 1);
    own_redist(3, 0x20000000, 1);
    assert_int_equal(parse(), 0);
    assert_int_equal(m.gic.nr_redist, 2);
    assert_int_equal(m.gic.redist[0].size, 0xc0000);
    assert_int_equal(m.gic.redist[1].size, 0x40000);
    assert_int_equal(m.gic.redist_stride, 0x40000);
    /* A GICv4's have 256 KiB; alone it has, too. */
    madt_begin(&madt, 4);
    own_redist(0, 0x10000000, 1);
    assert_int_equal(parse(), 0);
    assert_int_equal(m.gic.redist[0].size, 0x40000);
    madt_begin(&madt, 3);
    own_redist(0, 0x10000000, 1);
    assert_int_equal(parse(), 0);
    assert_int_equal(m.gic.redist[0].size, 0x20000);
    /* With a GICR these fields do not count. */
    madt_gicr(&madt, 0x80a0000, 0x200000);
    assert_int_equal(parse(), 0);
    assert_int_equal(m.gic.nr_redist, 1);
    assert_int_equal(m.gic.redist[0].start, 0x80a0000);
    assert_int_equal(m.gic.redist_stride, 0);
    assert_false(m.gic.redist_each);
}

static u32 its(u32 id, u64 base)
{
    u32 off = tb_entry(&madt, 15, 20);

    tb_put(&madt, off + 4, 4, id);
    tb_put(&madt, off + 8, 8, base);
    return off;
}

static u32 frame(u64 base, u32 flags, u32 count, u32 first)
{
    u32 off = tb_entry(&madt, 13, 24);

    tb_put(&madt, off + 8, 8, base);
    tb_put(&madt, off + 16, 4, flags);
    tb_put(&madt, off + 20, 2, count);
    tb_put(&madt, off + 22, 2, first);
    return off;
}

/* Flags of a MADT of revision 7: which parts do not see CPUs' caches. Before, those bits were reserved. */
static void test_noncoherent(void **state)
{
    (void)state;
    for (u32 i = 0; i < 8; i++) {
        u32 revision = i & 4 ? 7 : 6, at;

        madt_begin(&madt, 3);
        tb_put(&madt, 8, 1, revision);
        madt_gicc(&madt, 80, 0, 0, i % 4 == 1 ? 0x11 : 1);
        madt_gicr(&madt, 0x80a0000, 0x200000);
        if (i % 4 == 2) {
            tb_put(&madt, madt.size - 16 + 2, 1, 1);
        }
        at = its(0, 0x8080000);
        if (i % 4 == 3) {
            tb_put(&madt, at + 2, 1, 1);
        }
        assert_int_equal(parse(), 0);
        assert_int_equal(m.gic.redist_noncoherent, i == 5 || i == 6);
        assert_int_equal(m.gic.its[0].noncoherent, i == 7);
    }
}

static void test_msi(void **state)
{
    (void)state;
    madt_gicc(&madt, 80, 0, 0, 1);
    madt_gicr(&madt, 0x80a0000, 0x200000);
    its(0, 0x8080000);
    its(0, 0x9080000);
    its(1, 0x8080000);
    its(1, 0);
    its(7, 0x9080000);
    tb_entry(&madt, 15, 19);
    frame(0x8020000, 1, 64, 80);
    frame(0x8030000, 0, 9999, 1);                /* the frame itself says */
    frame(0x8040000, 1, 64, 31);
    frame(0x8040000, 1, 64, 957);
    frame(0x8040000, 1, 64, 956);
    frame(0x8040100, 0, 0, 0);
    assert_int_equal(parse(), 0);
    assert_int_equal(acpi_devices.nr_its, 2);
    assert_int_equal(acpi_devices.its[1].id, 7);
    assert_int_equal(acpi_devices.its[1].base, 0x9080000);
    assert_int_equal(acpi_devices.nr_msi_frames, 3);
    assert_int_equal(acpi_devices.msi_frame[0].nr_spis, 64);
    assert_int_equal(acpi_devices.msi_frame[0].first_spi, 80);
    assert_int_equal(acpi_devices.msi_frame[1].nr_spis, 0);
    assert_int_equal(acpi_devices.msi_frame[2].first_spi, 956);
    says("MADT: offset 0xb8: ITS 0, with number or base of another");
    says("MADT: offset 0xe0: ITS of 20 bytes, with a base of 0");
    says("MADT: offset 0x108: ITS of 19 bytes");
    says("with a base of 0x8040000 and 64 SPIs from 31");
    says("MSI frame of 24 bytes, with a base of 0x8040100");
    for (u32 i = 0; i < 40; i++) {
        its(10 + i, 0x100000000 + i * 0x100000UL);
        frame(0x200000000 + i * 0x100000UL, 0, 0, 0);
    }
    assert_int_equal(parse(), 0);
    assert_int_equal(acpi_devices.nr_its, ACPI_MAX_ITS);
    assert_int_equal(acpi_devices.nr_msi_frames, ACPI_MAX_MSI_FRAMES);
}

/* Entries that lead nowhere: of no length, beyond the end, of kinds that are not known. */
static void test_walk(void **state)
{
    u32 off;

    (void)state;
    tb_entry(&madt, 0, 8);                       /* a local APIC */
    tb_entry(&madt, 0x80, 2);
    madt_gicc(&madt, 80, 0, 0, 1);
    madt_gicr(&madt, 0x80a0000, 0x200000);
    off = tb_entry(&madt, 11, 0);
    tb_put(&madt, off + 79, 1, 0);
    assert_int_equal(parse(), 0);
    assert_int_equal(m.nr_cpus, 1);
    says("MADT: offset 0xae: entry of type 11 and 0 bytes, of 80 that are left: the rest is not read");
    tb_put(&madt, off + 1, 1, 1);
    assert_int_equal(parse(), 0);
    says("entry of type 11 and 1 bytes");
    tb_put(&madt, off + 1, 1, 81);
    assert_int_equal(parse(), 0);
    says("entry of type 11 and 81 bytes, of 80");
    /* Cut off at every length: never more than what is whole. */
    for (u32 size = madt.size; size >= 36; size--) {
        madt.size = size;
        assert_int_equal(parse(), size >= off ? 0 : -EINVAL);
        assert_in_range(m.nr_cpus, 0, 1);
    }
}

/* All of it bad: a few lines say so. */
static void test_flood(void **state)
{
    (void)state;
    for (u32 i = 0; i < 180; i++) {
        madt_gicc(&madt, 60, i, i, 1);
    }
    assert_int_equal(parse(), -EINVAL);
    says("MADT: more of this kind, not listed");
    assert_true(strlen(unit_log()) < 2000);
}

static void test_none(void **state)
{
    (void)state;
    tb_start();
    gtdt_plain(&madt);
    tb_end(&madt);
    assert_int_equal(acpi_open(&t, &fw_memory, tb_rsdp()), 0);
    assert_int_equal(acpi_parse_madt(&m, &t), -EINVAL);
    says("ACPI: no MADT: no CPUs and no GIC");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_lengths), CASE(test_flags), CASE(test_mpidr), CASE(test_too_many), CASE(test_v2), CASE(test_versions),
        CASE(test_gicd), CASE(test_regions), CASE(test_own_redists), CASE(test_noncoherent), CASE(test_msi),
        CASE(test_walk), CASE(test_flood),
        CASE(test_none)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
