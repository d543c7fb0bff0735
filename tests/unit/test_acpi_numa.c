/* SPDX-License-Identifier: MIT */
/* unit-sources: firmware/acpi/tables.c firmware/acpi/view.c firmware/acpi/numa.c firmware/machine.c */
/* NUMA by SRAT and SLIT: RAM is split into nodes, CPUs are found by their UID, and what is nonsense costs itself. */
#include "unit.h"
#include "acpi_tables.h"
#include "firmware/acpi/parse.h"

static struct acpi_tables t;
static struct machine m;
static struct tb srat, slit;

static void memory(u64 base, u64 size, u32 domain, u32 flags)
{
    u32 off = tb_entry(&srat, 1, 40);

    tb_put(&srat, off + 2, 4, domain);
    tb_put(&srat, off + 8, 8, base);
    tb_put(&srat, off + 16, 8, size);
    tb_put(&srat, off + 28, 4, flags);
}

static void cpu(u32 uid, u32 domain, u32 flags)
{
    u32 off = tb_entry(&srat, 3, 18);

    tb_put(&srat, off + 2, 4, domain);
    tb_put(&srat, off + 6, 4, uid);
    tb_put(&srat, off + 10, 4, flags);
}

static void distances(u32 n, const u8 *matrix)
{
    tb_begin(&slit, "SLIT", 1);
    tb_put(&slit, 36, 8, n);
    for (u32 i = 0; i < n * n; i++) {
        tb_put(&slit, 44 + i, 1, matrix[i]);
    }
}

static void parse(void)
{
    struct tb copy;

    tb_start();
    if (srat.size != 0) {
        copy = srat;
        tb_end(&copy);
    }
    if (slit.size != 0) {
        copy = slit;
        tb_end(&copy);
    }
    for (u32 i = 0; i < m.nr_cpus; i++) {
        m.cpus[i].node = 0;
    }
    m.nodes = 0;
    memset(m.distance, 0, sizeof(m.distance));
    assert_int_equal(acpi_open(&t, &fw_memory, tb_rsdp()), 0);
    acpi_parse_nodes(&m, &t);
}

static void bank(u64 start, u64 size)
{
    assert_int_equal(machine_add_bank(&m, start, size, 0), 0);
    machine_sort_banks(&m);
}

static int setup(void **state)
{
    int r = unit_setup(state);

    memset(&m, 0, sizeof(m));
    m.nr_cpus = 4;
    for (u32 i = 0; i < m.nr_cpus; i++) {
        m.cpus[i].hwid = i;
        m.cpus[i].acpi_uid = 100 + i;
    }
    tb_begin(&srat, "SRAT", 3);
    tb_put(&srat, 47, 1, 0);
    slit.size = 0;
    return r;
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, fw_teardown)

static void bank_is(u32 i, u64 start, u64 end, u32 node)
{
    assert_in_range(i, 0, m.nr_banks - 1);
    assert_int_equal(m.banks[i].start, start);
    assert_int_equal(machine_range_end(&m.banks[i]), end);
    assert_int_equal(m.banks[i].node, node);
}

/* Domains are any numbers; nodes are counted in the table's order. */
static void test_split(void **state)
{
    static const u8 matrix[] = { 10, 99, 40, 99, 99, 99, 41, 99, 10 };

    (void)state;
    bank(0x40000000, 0x80000000);
    bank(0x800000000, 0x40000000);
    memory(0x40000000, 0x40000000, 2, 1);
    memory(0x80000000, 0x40000000, 0, 1);
    memory(0x800000000, 0x40000000, 0, 3);       /* can be plugged in: no matter */
    memory(0xc0000000, 0x40000000, 7, 0);        /* not there */
    memory(0xd0000000, 0, 8, 1);
    cpu(101, 0, 1);
    cpu(100, 2, 1);
    cpu(103, 0, 0);
    cpu(999, 9, 1);                              /* of a CPU that is not used: a node of its own, of nothing */
    distances(3, matrix);
    parse();
    assert_int_equal(m.nr_banks, 3);
    bank_is(0, 0x40000000, 0x80000000, 0);
    bank_is(1, 0x80000000, 0xc0000000, 1);
    bank_is(2, 0x800000000, 0x840000000, 1);
    assert_int_equal(m.cpus[0].node, 0);
    assert_int_equal(m.cpus[1].node, 1);
    assert_int_equal(m.cpus[2].node, 0);
    assert_int_equal(m.cpus[3].node, 0);
    assert_int_equal(m.nodes, 3);
    assert_int_equal(m.distance[0][1], 41);
    assert_int_equal(m.distance[1][0], 40);
    assert_int_equal(m.distance[2][0], 0);       /* domain 9: the matrix has it not */
    assert_string_equal(unit_log(), "");
}

/* Edges inside of pages, in the middle of banks, of several ranges. */
static void test_edges(void **state)
{
    (void)state;
    bank(0x40000000, 0x40000000);
    memory(0x50000800, 0x10000000 - 0x800, 1, 1);
    memory(0x60000000, 1, 2, 1);
    memory(0x70000000, ~0UL - 0x70000000, 1, 1);
    parse();
    assert_int_equal(m.nr_banks, 3);
    bank_is(0, 0x40000000, 0x60000000, 0);
    bank_is(1, 0x60000000, 0x60001000, 1);
    bank_is(2, 0x60001000, 0x80000000, 0);
    says("SRAT: 2 ranges of RAM are of no proximity domain: taken as node 0");
}

static void test_uncovered(void **state)
{
    (void)state;
    bank(0x40000000, 0x40000000);
    cpu(100, 5, 1);
    memory(0x50000000, 0x10000000, 6, 1);
    parse();
    assert_int_equal(m.nr_banks, 3);
    bank_is(0, 0x40000000, 0x50000000, 0);
    bank_is(1, 0x50000000, 0x60000000, 1);
    bank_is(2, 0x60000000, 0x80000000, 0);
    says("SRAT: 2 ranges of RAM are of no proximity domain: taken as node 0");
    /* None at all: one node, and one bank as it was. */
    srat.size = 48;
    parse();
    assert_int_equal(m.nr_banks, 1);
    assert_int_equal(m.nodes, 1);
}

static void test_none(void **state)
{
    static const u8 matrix[] = { 10, 40, 40, 10 };

    (void)state;
    bank(0x40000000, 0x40000000);
    srat.size = 0;
    distances(2, matrix);
    parse();
    assert_int_equal(m.nodes, 1);
    assert_int_equal(m.distance[0][1], 0);
    assert_string_equal(unit_log(), "");
}

static void test_bad_entries(void **state)
{
    (void)state;
    bank(0x40000000, 0x40000000);
    memory(0x40000000, 0x20000000, 0, 1);
    memory(0x50000000, 0x20000000, 1, 1);        /* overlaps */
    memory(0x50000000, 0x10000000, 0, 1);        /* the same domain: no harm */
    memory(~0UL - 0xfff, 0x2000, 0, 1);
    memory(0x60000000, 0x20000000, 1, 1);
    tb_entry(&srat, 1, 39);
    tb_entry(&srat, 3, 17);
    tb_entry(&srat, 5, 32);                      /* another kind */
    tb_entry(&srat, 3, 0);
    parse();
    bank_is(0, 0x40000000, 0x60000000, 0);
    bank_is(1, 0x60000000, 0x80000000, 1);
    says("SRAT: offset 0x58: memory at 0x50000000 is of two proximity domains: of the first");
    says("SRAT: offset 0xa8: memory at 0xfffffffffffff000, 0x2000 bytes, wraps");
    says("SRAT: offset 0xf8: memory affinity of 39 bytes");
    says("SRAT: offset 0x11f: GICC affinity of 17 bytes");
    says("SRAT: offset 0x150: entry of type 3 and 0 bytes");
}

static void test_too_many(void **state)
{
    (void)state;
    bank(0x40000000, 0x40000000);
    for (u32 i = 0; i <= MACHINE_MAX_NODES; i++) {
        cpu(100 + i, 1000 + i, 1);
    }
    memory(0x40000000, 0x20000000, 1003, 1);
    memory(0x60000000, 0x20000000, 5000, 1);
    parse();
    assert_int_equal(m.nr_banks, 2);
    bank_is(0, 0x40000000, 0x60000000, 3);
    bank_is(1, 0x60000000, 0x80000000, 0);
    says("proximity domain 0x3f8: more than 16, taken as node 0");
    says("proximity domain 0x1388: more than 16, taken as node 0");
    /* More edges than there may be banks: RAM is not lost. */
    tb_begin(&srat, "SRAT", 3);
    tb_put(&srat, 47, 1, 0);
    m.nr_banks = 0;
    bank(0x40000000, 0x40000000);
    for (u32 i = 0; i < 140; i++) {
        memory(0x40000000 + i * 0x100000UL, 0x100000, i % 2, 1);
    }
    parse();
    assert_int_equal(m.nr_banks, MACHINE_MAX_BANKS);
    bank_is(MACHINE_MAX_BANKS - 1, 0x40000000 + (MACHINE_MAX_BANKS - 1) * 0x100000UL, 0x80000000, 1);
    for (u32 i = 1; i < m.nr_banks; i++) {
        assert_int_equal(m.banks[i].start, machine_range_end(&m.banks[i - 1]));
    }
    says("too many banks");
    says("more than 128 ranges of memory");
}

static void test_bad_slit(void **state)
{
    static const u8 matrix[] = { 11, 10, 9, 10 };

    (void)state;
    bank(0x40000000, 0x40000000);
    cpu(100, 0, 1);
    cpu(101, 1, 1);
    distances(2, matrix);
    parse();
    assert_int_equal(m.distance[0][0], 0);
    assert_int_equal(m.distance[0][1], 0);
    assert_int_equal(m.distance[1][0], 0);
    assert_int_equal(m.distance[1][1], 10);
    says("SLIT: offset 0x2c: distance 11 from node 0 to node 0: not used");
    says("SLIT: offset 0x2d: distance 10 from node 0 to node 1: not used");
    says("SLIT: offset 0x2e: distance 9 from node 1 to node 0: not used");
    slit.size--;
    parse();
    assert_int_equal(m.distance[1][1], 0);
    says("SLIT: offset 0x24: 2 localities in 47 bytes: not used");
    tb_put(&slit, 36, 8, 1UL << 32);             /* its square has no bits left */
    parse();
    says("4294967296 localities in 47 bytes");
    slit.size = 40;
    parse();
    says("localities in 40 bytes: not used");
}

/* machine_set_node() by itself. */
static void test_set_node(void **state)
{
    (void)state;
    bank(0x40000000, 0x40000000);
    bank(0x90000000, 0x10000000);
    machine_set_node(&m, 0x50000000, 0, 3);
    machine_set_node(&m, 0x50000000, ~0UL, 3);
    machine_set_node(&m, 0, 0x40000000, 3);
    machine_set_node(&m, 0x80000000, 0x10000000, 3);
    assert_int_equal(m.nr_banks, 2);
    bank_is(0, 0x40000000, 0x80000000, 0);
    machine_set_node(&m, 0x7fffffff, 0x10000002, 3);     /* a byte of each, and so a page */
    assert_int_equal(m.nr_banks, 4);
    bank_is(0, 0x40000000, 0x7ffff000, 0);
    bank_is(1, 0x7ffff000, 0x80000000, 3);
    bank_is(2, 0x90000000, 0x90001000, 3);
    bank_is(3, 0x90001000, 0xa0000000, 0);
    machine_set_node(&m, 0, ~0UL, 1);
    for (u32 i = 0; i < 4; i++) {
        assert_int_equal(m.banks[i].node, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_split), CASE(test_edges), CASE(test_uncovered), CASE(test_none), CASE(test_bad_entries),
        CASE(test_too_many), CASE(test_bad_slit), CASE(test_set_node)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
