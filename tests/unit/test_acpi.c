/* SPDX-License-Identifier: MIT */
/* unit-sources: firmware/acpi/tables.c firmware/acpi/view.c firmware/acpi/machine.c firmware/acpi/madt.c */
/* unit-sources: firmware/acpi/numa.c firmware/acpi/mcfg.c firmware/acpi/iort.c firmware/acpi/uart.c */
/* unit-sources: firmware/machine.c core/console/uart.c drivers/uart/drivers.c drivers/uart/pl011.c */
/* unit-sources: drivers/uart/ns16550.c drivers/uart/cadence.c drivers/uart/meson.c */
/* What struct machine becomes from the tables of QEMU's machines, value by value. */
#include "unit.h"
#include "acpi_tables.h"
#include <argon/console.h>

static struct acpi_tables tables;
static struct machine m;

static int parse(const char *dir)
{
    u64 rsdp = qemu_load(dir);

    uart_drivers = uart_driver_list;
    memset(&m, 0, sizeof(m));
    assert_int_equal(machine_add_bank(&m, 0x40000000, GIB(1), 0), 0);
    assert_int_equal(acpi_open(&tables, &fw_memory, rsdp), 0);
    return acpi_parse_all(&m, &tables);
}

/* What QEMU's machines differ in. */
static const struct config {
    const char *dir;
    u32 cpus, gic, redists, its, msi_frames, iort_nodes, maps, tables;
    bool el2;
} configs[] = {
    { "q7-gic2-2cpu", 2, 2, 0, 0, 1, 2, 1, 9, true },
    { "q7-gic2-4cpu", 4, 2, 0, 0, 1, 2, 1, 9, true },
    { "q7-gic2-2cpu-novirt", 2, 2, 0, 0, 1, 2, 1, 9, false },
    { "q10-gic2-2cpu", 2, 2, 0, 0, 1, 2, 1, 9, true },
    { "q7-gic3-2cpu", 2, 3, 1, 1, 0, 2, 1, 9, true },
    { "q7-gic3-2cpu-novirt", 2, 3, 1, 1, 0, 2, 1, 9, false },
    { "q7-gic3-4cpu-its", 4, 3, 1, 1, 0, 2, 1, 9, true },
    { "q7-gic3-4cpu-noits", 4, 3, 1, 1, 0, 2, 1, 9, true },
    { "q7-gic3-140cpu", 128, 3, 2, 1, 0, 2, 1, 9, true },
    { "q7-gic3-numa2", 4, 3, 1, 1, 0, 2, 1, 11, true },
    { "q7-gic3-smmu", 2, 3, 1, 1, 0, 3, 5, 9, true },
    { "q10-gic3-4cpu", 4, 3, 1, 1, 0, 2, 1, 9, true },
    { "q10-gic3-numa2", 4, 3, 1, 1, 0, 2, 1, 11, true },
    { "q10-gic3-smmu", 2, 3, 1, 1, 0, 3, 3, 9, true },
    { "q10-gic4-max", 2, 3, 1, 1, 0, 2, 1, 9, true },
    { "q10-a76-smt", 2, 3, 1, 1, 0, 2, 1, 9, true },
};

static void check_gic(const struct config *c)
{
    const struct machine_gic *g = &m.gic;

    assert_int_equal(g->version, c->gic);
    assert_int_equal(g->gicd, 0x8000000);
    assert_int_equal(g->gicd_size, c->gic == 2 ? 0x1000 : 0x10000);
    assert_int_equal(g->maintenance_irq, 25);
    assert_int_equal(g->nr_redist, c->redists);
    assert_int_equal(g->redist_stride, 0);
    assert_int_equal(g->gicc, c->gic == 2 ? 0x8010000 : 0);
    assert_int_equal(g->gich, c->gic == 2 ? 0x8030000 : 0);
    assert_int_equal(g->gicv, c->gic == 2 ? 0x8040000 : 0);
    if (c->gic == 2) {
        assert_int_equal(g->gicc_size, 0x2000);
        assert_int_equal(g->gich_size, 0x1000);
        assert_int_equal(g->gicv_size, 0x2000);
    } else {
        assert_int_equal(g->redist[0].start, 0x80a0000);
        assert_int_equal(g->redist[0].size, 0xf60000);
    }
    if (c->redists == 2) {
        assert_int_equal(g->redist[1].start, 0x4000000000);
        assert_int_equal(g->redist[1].size, 0x4000000);
    }
}

static void check_cpus(const struct config *c)
{
    assert_int_equal(m.nr_cpus, c->cpus);
    for (u32 i = 0; i < m.nr_cpus; i++) {
        assert_int_equal(m.cpus[i].hwid, (i / 16) << 8 | i % 16);    /* QEMU's clusters are of 16, with a GICv3 */
        assert_int_equal(m.cpus[i].acpi_uid, i);
        assert_true(m.cpus[i].psci);
    }
    assert_int_equal(strstr(unit_log(), "MADT: more than 128 CPUs: 12 are not used") != NULL, c->cpus == 128);
}

static void check_rest(const struct config *c)
{
    assert_int_equal(m.psci_version, 2);
    assert_int_equal(m.psci_cpu_on, 0xc4000003);
    assert_int_equal(m.psci_smc, c->el2);
    assert_int_equal(m.timer_irq_phys_s, 29);
    assert_int_equal(m.timer_irq_phys_ns, 30);
    assert_int_equal(m.timer_irq_virt, 27);
    assert_int_equal(m.timer_irq_hyp, 26);
    assert_int_equal(m.timer_hz, 0);
    assert_int_equal(m.timer_quirks, 0);
    assert_int_equal(m.top, UINT64_MAX);
}

static void check_console(void)
{
    assert_int_equal(acpi_find_uart(&m, &tables), 0);
    assert_true(m.has_uart);
    assert_int_equal(m.uart.base, 0x9000000);
    assert_int_equal(m.uart.size, 0x1000);
    assert_int_equal(m.uart.irq, 33);
    assert_int_equal(m.uart.baud, 9600);
    assert_int_equal(m.uart.clock_hz, 0);
    assert_string_equal(m.uart.compatible, "arm,pl011");
    assert_string_equal(m.uart.name, "SPCR");
}

static void check_devices(const struct config *c)
{
    const struct acpi_devices *d = &acpi_devices;

    assert_int_equal(d->nr_ecam, 1);
    assert_int_equal(d->ecam[0].base, 0x4010000000);
    assert_int_equal(d->ecam[0].segment, 0);
    assert_int_equal(d->ecam[0].first_bus, 0);
    assert_int_equal(d->ecam[0].last_bus, 255);
    assert_int_equal(d->nr_its, c->its);
    if (c->its != 0) {
        assert_int_equal(d->its[0].base, 0x8080000);
        assert_int_equal(d->its[0].id, 0);
    }
    assert_int_equal(d->nr_msi_frames, c->msi_frames);
    if (c->msi_frames != 0) {
        assert_int_equal(d->msi_frame[0].base, 0x8020000);
        assert_int_equal(d->msi_frame[0].first_spi, 80);
        assert_int_equal(d->msi_frame[0].nr_spis, 64);
    }
    assert_int_equal(d->nr_nodes, c->iort_nodes);
    assert_int_equal(d->nr_maps, c->maps);
    assert_int_equal(d->node[0].type, IORT_ITS_GROUP);
    assert_int_equal(d->node[0].nr_maps, 0);
    assert_int_equal(d->node[d->nr_nodes - 1].type, IORT_ROOT_COMPLEX);
    assert_int_equal(d->node[d->nr_nodes - 1].id, 0);
}

static void test_qemu(void **state)
{
    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(configs); i++) {
        const struct config *c = &configs[i];

        assert_int_equal(parse(c->dir), c->el2 ? 0 : -EINVAL);
        assert_int_equal(tables.nr, c->tables);
        assert_memory_equal(tables.oem_id, "ARGON ", 6);
        assert_int_equal(memcmp(tables.table[tables.nr - 1].signature, "DSDT", 4), 0);
        check_cpus(c);
        check_rest(c);
        check_console();
        check_devices(c);
        if (c->el2) {
            check_gic(c);
            assert_null(strstr(unit_log(), "offset"));       /* nothing to complain of */
        } else {
            assert_non_null(strstr(unit_log(), "MADT: offset 0x44: GICC with a maintenance interrupt of 0"));
        }
        assert_int_equal(m.nodes, c->tables == 11 ? 3 : 1);
    }
    assert_in_range(fw_max_depth, 1, 2);
}

static void test_nodes(void **state)
{
    static const char *const dirs[] = { "q7-gic3-numa2", "q10-gic3-numa2" };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(dirs); i++) {
        assert_int_equal(parse(dirs[i]), 0);
        assert_int_equal(m.nr_banks, 2);
        assert_int_equal(m.banks[0].start, 0x40000000);
        assert_int_equal(m.banks[0].size, MIB(512));
        assert_int_equal(m.banks[0].node, 0);
        assert_int_equal(m.banks[1].start, 0x60000000);
        assert_int_equal(m.banks[1].size, MIB(512));
        assert_int_equal(m.banks[1].node, 1);
        for (u32 c = 0; c < 4; c++) {
            assert_int_equal(machine_cpu_node(&m, c), c / 2);
        }
        assert_int_equal(machine_distance(&m, 0, 1), 20);
        assert_int_equal(m.distance[0][0], 10);
        assert_int_equal(m.distance[1][0], 20);
    }
}

/* QEMU 7.2 writes a count where a count less one is to be: 0 to 0x200 and 0x200 to 0x2000. */
static void test_smmu(void **state)
{
    const struct acpi_devices *d = &acpi_devices;

    (void)state;
    for (u32 i = 0; i < 2; i++) {
        assert_int_equal(parse(i == 0 ? "q10-gic3-smmu" : "q7-gic3-smmu"), 0);
        assert_int_equal(d->node[1].type, IORT_SMMU_V3);
        assert_int_equal(d->node[1].base, 0x9050000);
        assert_int_equal(d->node[1].size, 0x20000);
        assert_int_equal(d->node[1].irq[0], 106);
        assert_int_equal(d->node[1].irq[1], 107);
        assert_int_equal(d->node[1].irq[2], 109);
        assert_int_equal(d->node[1].irq[3], 108);
        assert_int_equal(d->node[1].nr_maps, 1);
        assert_int_equal(d->map[d->node[1].first_map].to, 0);
        assert_int_equal(d->map[d->node[1].first_map].last, 0xffff);
        assert_int_equal(d->node[2].first_map, 1);
        assert_int_equal(d->map[1].first, 0);
        assert_int_equal(d->map[1].last, i == 0 ? 0xff : 0x200);
        assert_int_equal(d->map[1].to, 1);
        assert_int_equal(d->map[d->nr_maps - 1].to, 0);
        assert_int_equal(d->map[d->nr_maps - 1].first, i == 0 ? 0x100 : 0x2100);
        assert_int_equal(d->map[d->nr_maps - 1].output, i == 0 ? 0x100 : 0x2100);
        assert_int_equal(d->map[d->nr_maps - 1].last, 0xffff);
        assert_false(d->map[1].single);
    }
}

static void test_find(void **state)
{
    (void)state;
    assert_int_equal(parse("q7-gic3-smmu"), 0);
    assert_ptr_equal(acpi_find(&tables, "FACP", 0), &tables.table[0]);
    assert_int_equal(acpi_find(&tables, "FACP", 0)->size, 276);
    assert_null(acpi_find(&tables, "FACP", 1));
    assert_null(acpi_find(&tables, "SSDT", 0));
    assert_int_equal(acpi_find(&tables, "DSDT", 0)->start, 0x7c437518);
    assert_int_equal(acpi_find(&tables, "DSDT", 0)->size, 7707);
}

static int teardown(void **state)
{
    fw_reset();
    return unit_teardown(state);
}
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, unit_setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { CASE(test_qemu), CASE(test_nodes), CASE(test_smmu), CASE(test_find) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
