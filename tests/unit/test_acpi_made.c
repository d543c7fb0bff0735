/* SPDX-License-Identifier: MIT */
/* unit-sources: firmware/acpi/tables.c firmware/acpi/view.c firmware/acpi/machine.c firmware/acpi/madt.c */
/* unit-sources: firmware/acpi/numa.c firmware/acpi/mcfg.c firmware/acpi/iort.c firmware/machine.c */
/* FADT, GTDT, MCFG and IORT as QEMU makes none. */
#include "unit.h"
#include "acpi_tables.h"

static struct acpi_tables t;
static struct machine m;
static struct tb fadt, gtdt, mcfg, iort;

static void place(struct tb *table)
{
    struct tb copy = *table;

    if (table->size != 0) {
        tb_end(&copy);
    }
}

static int parse(void)
{
    struct tb madt;

    tb_start();
    place(&fadt);
    place(&gtdt);
    place(&mcfg);
    place(&iort);
    madt_begin(&madt, 3);
    madt_gicc(&madt, 80, 0, 0, 1);
    madt_gicr(&madt, 0x80a0000, 0x200000);
    tb_end(&madt);
    memset(&m, 0, sizeof(m));
    assert_int_equal(acpi_open(&t, &fw_memory, tb_rsdp()), 0);
    return acpi_parse_all(&m, &t);
}

static int setup(void **state)
{
    int r = unit_setup(state);

    fadt_plain(&fadt, 1);
    gtdt_plain(&gtdt);
    mcfg.size = iort.size = 0;
    return r;
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, fw_teardown)

static void fails(const char *what)
{
    assert_int_equal(parse(), -EINVAL);
    says(what);
}

static void test_psci(void **state)
{
    (void)state;
    assert_int_equal(parse(), 0);
    assert_int_equal(m.psci_version, 2);
    assert_true(m.psci_smc);
    assert_true(m.cpus[0].psci);
    tb_put(&fadt, 129, 2, 3);
    assert_int_equal(parse(), 0);
    assert_int_equal(m.psci_version, 2);
    assert_false(m.psci_smc);
    /* None: the conduit says nothing. */
    for (u32 flags = 0; flags <= 2; flags += 2) {
        tb_put(&fadt, 129, 2, flags);
        assert_int_equal(parse(), 0);
        assert_int_equal(m.psci_version, 0);
        assert_false(m.psci_smc);
        assert_false(m.cpus[0].psci);
    }
}

static void test_fadt(void **state)
{
    (void)state;
    tb_put(&fadt, 8, 1, 5);
    tb_put(&fadt, 131, 1, 1);
    assert_int_equal(parse(), 0);
    tb_put(&fadt, 131, 1, 0x10);                 /* its upper half is an erratum's number */
    fails("FADT: offset 0x8: FADT 5.0 of 276 bytes: ARM needs 5.1");
    tb_put(&fadt, 8, 1, 4);
    tb_put(&fadt, 131, 1, 9);
    fails("FADT 4.9");
    tb_put(&fadt, 8, 1, 6);
    tb_put(&fadt, 131, 1, 0);
    assert_int_equal(parse(), 0);
    tb_put(&fadt, 112, 4, ~(1U << 20));
    assert_int_equal(parse(), 0);
    says("FADT: offset 0x70: not hardware-reduced");
    fadt.size = 131;
    fails("of 131 bytes: ARM needs 5.1");
    fadt.size = 0;
    fails("ACPI: no FADT");
}

static void test_gtdt(void **state)
{
    (void)state;
    gtdt.size = 80;                              /* of ACPI 5.0 */
    assert_int_equal(parse(), 0);
    assert_int_equal(m.timer_irq_hyp, 26);
    assert_int_equal(m.timer_irq_virt, 27);
    tb_put(&gtdt, 48, 4, 0);                     /* secure: not ours */
    tb_put(&gtdt, 68, 4, 1);
    tb_put(&gtdt, 60, 4, 6);                     /* active low, always on */
    assert_int_equal(parse(), 0);
    assert_int_equal(m.timer_irq_phys_s, 0);
    says("GTDT: offset 0x44: the virtual timer's interrupt as an edge: taken as a level");
    assert_null(strstr(unit_log(), "offset 0x3c"));
    for (u32 off = 56; off <= 72; off += 8) {
        for (u32 i = 0; i < 3; i++) {
            static const u32 values[] = { 0, 15, 32 };

            gtdt_plain(&gtdt);
            tb_put(&gtdt, off, 4, values[i]);
            fails("not a private one");
        }
    }
    says("GTDT: offset 0x48: the hypervisor's timer's interrupt is 32, not a private one");
    gtdt_plain(&gtdt);
    gtdt.size = 79;
    fails("GTDT: offset 0x4: GTDT of 79 bytes");
    gtdt.size = 0;
    fails("ACPI: no GTDT: no timers");
}

/* Boards with an erratum that only their names tell. */
static void test_timer_quirk(void **state)
{
    static const char *const names[] = {
        "HISI  HIP05   ", "HISI  HIP06   ", "HISI  HIP07   ", "HISI  HIP08   ", "HISJ  HIP07   "
    };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
        memcpy(gtdt.data + 10, names[i], 14);
        assert_int_equal(parse(), 0);
        assert_int_equal(m.timer_quirks, i < 3 ? BIT32(TIMER_161010101) : 0);
    }
    memcpy(gtdt.data + 10, names[0], 14);
    tb_put(&gtdt, 24, 4, 1);
    assert_int_equal(parse(), 0);
    assert_int_equal(m.timer_quirks, 0);
}

/* All that is wrong is said at once. */
static void test_all_missing(void **state)
{
    (void)state;
    fadt.size = gtdt.size = 0;
    fails("ACPI: no FADT");
    says("ACPI: no GTDT");
}

static void ecam(u64 base, u32 segment, u32 first, u32 last)
{
    u32 off = mcfg.size;

    tb_put(&mcfg, off, 8, base);
    tb_put(&mcfg, off + 8, 2, segment);
    tb_put(&mcfg, off + 10, 1, first);
    tb_put(&mcfg, off + 11, 1, last);
    tb_put(&mcfg, off + 15, 1, 0);
}

static void test_mcfg(void **state)
{
    (void)state;
    tb_begin(&mcfg, "MCFG", 1);
    tb_put(&mcfg, 43, 1, 0);
    ecam(0x4010000000, 0, 0, 127);
    ecam(0x5010000000, 0, 128, 255);
    ecam(0x6010000000, 5, 0, 255);
    ecam(0, 6, 0, 255);
    ecam(0x7010000000, 0, 127, 127);
    ecam(0x7010000000, 7, 2, 1);
    ecam(0x7010080000, 7, 0, 1);
    ecam(~0UL - 0xfffff, 7, 0, 1);
    tb_put(&mcfg, mcfg.size + 6, 1, 0);
    assert_int_equal(parse(), 0);
    assert_int_equal(acpi_devices.nr_ecam, 3);
    assert_int_equal(acpi_devices.ecam[1].base, 0x5010000000);
    assert_int_equal(acpi_devices.ecam[1].first_bus, 128);
    assert_int_equal(acpi_devices.ecam[2].segment, 5);
    says("MCFG: offset 0x5c: segment 6, buses 0 to 255, at 0: not used");
    says("MCFG: offset 0x6c: segment 0 has bus 127 twice: not used");
    says("MCFG: offset 0x7c: segment 7, buses 2 to 1");
    says("MCFG: offset 0x8c: segment 7, buses 0 to 1, at 0x7010080000");
    says("MCFG: offset 0xac: no whole entry");
    mcfg.size = 44;
    for (u32 i = 0; i < ACPI_MAX_ECAM + 1; i++) {
        ecam(GIB(1) * (i + 1), i, 0, 255);
    }
    assert_int_equal(parse(), 0);
    assert_int_equal(acpi_devices.nr_ecam, ACPI_MAX_ECAM);
    says("MCFG: offset 0x42c: more than 64 entries");
    mcfg.size = 40;
    assert_int_equal(parse(), 0);
    says("MCFG: offset 0x2c: no whole entry");
}

/* A node of that type and length, with `maps` mappings at its end. */
static u32 node(u32 type, u32 size, u32 maps)
{
    u32 off = iort.size;

    tb_put(&iort, off, 1, type);
    tb_put(&iort, off + 1, 2, size + maps * 20);
    tb_put(&iort, off + 8, 4, maps);
    tb_put(&iort, off + 12, 4, maps != 0 ? size : 0);
    tb_put(&iort, off + size + maps * 20 - 1, 1, 0);
    tb_put(&iort, 36, 4, tb_get(iort.data + 36, 4) + 1);
    return off;
}

static void map(u32 at, u32 first, u32 more, u32 output, u32 to, u32 flags)
{
    tb_put(&iort, at, 4, first);
    tb_put(&iort, at + 4, 4, more);
    tb_put(&iort, at + 8, 4, output);
    tb_put(&iort, at + 12, 4, to);
    tb_put(&iort, at + 16, 4, flags);
}

static void iort_begin(void)
{
    tb_begin(&iort, "IORT", 3);
    tb_put(&iort, 40, 4, 48);
    tb_put(&iort, 47, 1, 0);
}

static u32 its_group(u32 id)
{
    u32 off = node(IORT_ITS_GROUP, 24, 0);

    tb_put(&iort, off + 16, 4, 1);
    tb_put(&iort, off + 20, 4, id);
    return off;
}

static void test_iort(void **state)
{
    const struct acpi_devices *d = &acpi_devices;
    u32 rc, smmu, its;

    (void)state;
    iort_begin();
    rc = node(IORT_ROOT_COMPLEX, 36, 4);         /* to what comes behind it */
    tb_put(&iort, rc + 28, 4, 3);
    (void)node(1, 60, 1);                        /* a named component: not of interest */
    smmu = node(IORT_SMMU, 68, 1);
    tb_put(&iort, smmu + 16, 8, 0x2b400000);
    tb_put(&iort, smmu + 24, 8, 0x10000);
    tb_put(&iort, smmu + 40, 4, 60);
    tb_put(&iort, smmu + 60, 4, 105);
    its = its_group(4);
    map(rc + 36, 0, 0xff, 0x100, smmu, 0);
    map(rc + 56, 0x100, 0xfeff, 0x200, its, 0);
    map(rc + 76, 0, 0, 0, rc, 0);                /* to itself */
    map(rc + 96, 0, 0, 0, smmu + 4, 0);          /* into a node */
    map(smmu + 68, 0, 0, 7, its, 1);
    assert_int_equal(parse(), 0);
    assert_int_equal(d->nr_nodes, 3);
    assert_int_equal(d->node[0].id, 3);
    assert_int_equal(d->node[0].nr_maps, 2);
    assert_int_equal(d->node[1].type, IORT_SMMU);
    assert_int_equal(d->node[1].base, 0x2b400000);
    assert_int_equal(d->node[1].size, 0x10000);
    assert_int_equal(d->node[1].irq[0], 105);
    assert_int_equal(d->node[2].id, 4);
    assert_int_equal(d->map[0].to, 1);
    assert_int_equal(d->map[0].output, 0x100);
    assert_int_equal(d->map[1].to, 2);
    assert_int_equal(d->map[2].to, 2);
    assert_int_equal(d->map[2].output, 7);
    assert_true(d->map[2].single);
    assert_int_equal(d->node[1].first_map, 2);
    says("IORT: offset 0x7c: mapping to offset 0x30, where is no node that it may lead to");
    says("IORT: offset 0x90: mapping to offset");
    /* Ids that wrap; an interrupt array outside of the node; mappings outside of it. */
    map(rc + 36, 2, 0xfffffffe, 0, smmu, 0);
    map(rc + 56, 0, 2, 0xfffffffe, its, 0);
    tb_put(&iort, smmu + 40, 4, 0xfffffffc);
    tb_put(&iort, smmu + 8, 4, 2);
    assert_int_equal(parse(), 0);
    assert_int_equal(d->nr_maps, 0);
    assert_int_equal(d->node[1].irq[0], 0);
    says("IORT: offset 0x54: ids from 0x2, 0xfffffffe more, to 0: they wrap");
    says("2 mappings at 68, in a node of 88 bytes: not used");
    tb_put(&iort, smmu + 8, 4, 0x0ccccccd);      /* times 20 is more than 32 bits have */
    assert_int_equal(parse(), 0);
    tb_put(&iort, smmu + 8, 4, 1);
    tb_put(&iort, smmu + 12, 4, 15);
    assert_int_equal(parse(), 0);
    says("1 mappings at 15");
}

static void test_bad_iort(void **state)
{
    const struct acpi_devices *d = &acpi_devices;
    u32 smmu, its;

    (void)state;
    iort_begin();
    smmu = node(IORT_SMMU_V3, 68, 0);            /* no base */
    tb_put(&iort, smmu + 44, 4, 31);
    its = node(IORT_ITS_GROUP, 24, 0);           /* of none */
    (void)node(IORT_ROOT_COMPLEX, 31, 0);
    (void)node(IORT_SMMU, 59, 0);
    assert_int_equal(parse(), 0);
    assert_int_equal(d->nr_nodes, 0);
    says("IORT: offset 0x30: SMMU at 0, 0x20000 bytes: not used");
    says("IORT: offset 0x74: ITS group of no ITS");
    says("IORT: offset 0x8c: node of type 2 has 31 bytes: not used");
    says("IORT: offset 0xab: node of type 3 has 59 bytes: not used");
    tb_put(&iort, smmu + 16, 8, 0x9050000);
    tb_put(&iort, smmu + 48, 4, 0x100000);
    /* Nothing behind a node without a length. */
    tb_put(&iort, its + 1, 2, 0);
    assert_int_equal(parse(), 0);
    assert_int_equal(d->nr_nodes, 1);
    assert_int_equal(d->node[0].irq[0], 0);      /* neither private nor beyond the last is one */
    assert_int_equal(d->node[0].irq[1], 0);
    says("IORT: offset 0x74: node 1 of 4, of 0 bytes: the rest is not read");
    tb_put(&iort, its + 1, 2, 15);
    assert_int_equal(parse(), 0);
    says("node 1 of 4, of 15 bytes");
    tb_put(&iort, its + 1, 2, 0xffff);
    assert_int_equal(parse(), 0);
    says("node 1 of 4, of 65535 bytes");
    /* The nodes begin in the header, or behind the end; more are counted than there are. */
    for (u32 i = 0; i < 3; i++) {
        static const u32 at[] = { 44, 0xffffffff, 0x10000 };

        tb_put(&iort, 40, 4, at[i]);
        assert_int_equal(parse(), 0);
        assert_int_equal(d->nr_nodes, 0);
        says("node 0 of 4");
    }
    iort_begin();
    for (u32 i = 0; i < ACPI_MAX_IORT_NODES + 1; i++) {
        its_group(i);
    }
    tb_put(&iort, 36, 4, 0xffffffff);
    assert_int_equal(parse(), 0);
    assert_int_equal(d->nr_nodes, ACPI_MAX_IORT_NODES);
    says("more than 96 nodes");
    says("of 4294967295, of 0 bytes: the rest is not read");
}

static void test_many_maps(void **state)
{
    u32 rc, its;

    (void)state;
    iort_begin();
    its = its_group(0);
    rc = node(IORT_ROOT_COMPLEX, 36, ACPI_MAX_ID_MAPS + 1);
    for (u32 i = 0; i <= ACPI_MAX_ID_MAPS; i++) {
        map(rc + 36 + i * 20, i, 0, i, its, 0);
    }
    assert_int_equal(parse(), 0);
    assert_int_equal(acpi_devices.nr_maps, ACPI_MAX_ID_MAPS);
    says("more than 256 mappings");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_psci), CASE(test_fadt), CASE(test_gtdt), CASE(test_timer_quirk), CASE(test_all_missing),
        CASE(test_mcfg), CASE(test_iort), CASE(test_bad_iort), CASE(test_many_maps)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
