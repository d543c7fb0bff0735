/* SPDX-License-Identifier: MIT */
/* unit-sources: firmware/machine.c firmware/fdt/dt.c firmware/fdt/prop.c firmware/fdt/irq.c firmware/fdt/machine.c */
/* unit-sources: firmware/fdt/numa.c firmware/fdt/gic.c firmware/fdt/chosen.c firmware/fdt/uart.c */
/* unit-sources: firmware/acpi/tables.c firmware/acpi/view.c firmware/acpi/machine.c firmware/acpi/madt.c */
/* unit-sources: firmware/acpi/numa.c firmware/acpi/mcfg.c firmware/acpi/iort.c firmware/acpi/uart.c */
/* unit-sources: core/console/uart.c drivers/uart/drivers.c drivers/uart/pl011.c */
/* unit-sources: drivers/uart/ns16550.c drivers/uart/cadence.c drivers/uart/meson.c */
/* unit-libs: -lfdt */
/* The device tree or ACPI: which of them says what the machine is, by acpi= and by what there is. */
#include "unit.h"
#include "acpi_tables.h"
#include "dt_tree.h"
#include <argon/console.h>

static struct tree tree;

/* What a loader makes where firmware has no tree; with a node more, if that is given. */
static void stub_tree(const char *more)
{
    struct tree_options o = tree_defaults();
    void *f = tree.blob;

    o.xen_args = "acpi=on";
    tree_ok(fdt_create(f, TREE_SIZE));
    tree_ok(fdt_finish_reservemap(f));
    tree_begin(f, "");
    tree_cells(f, "#address-cells", 2);
    tree_cells(f, "#size-cells", 2);
    tree_chosen(f, &o);
    if (more != NULL) {
        tree_begin(f, more);
        tree_begin(f, "below");
        tree_end(f);
        tree_end(f);
    }
    tree_end(f);
    tree_ok(fdt_finish(f));
}

static void full_tree(void)
{
    struct tree_options o = tree_defaults();

    (void)tree_virt(&tree, &o);
}

/* What else a loader or firmware says: RAM, and where the tables are. */
static int describe(enum acpi_choice how, u64 rsdp, bool ram)
{
    assert_int_equal(machine_from_firmware(tree.blob, TREE_SIZE, 0x48000000), 0);
    assert_int_equal(machine.nr_cpus, 0);
    assert_int_equal(machine.nr_banks, 0);
    machine.rsdp = rsdp;
    if (ram) {
        assert_int_equal(machine_add_bank(&machine, 0x60000000, MIB(512), 0), 0);
        assert_int_equal(machine_add_bank(&machine, 0x40000000, MIB(512), 0), 0);
    }
    unit_log_clear();
    return machine_describe(how, &fw_memory);
}

static int setup(void **state)
{
    uart_drivers = uart_driver_list;
    return unit_setup(state);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, fw_teardown)

static void is_acpi(void)
{
    assert_true(machine.acpi);
    assert_int_equal(machine.nr_cpus, 4);
    assert_int_equal(machine.gic.version, 3);
    assert_int_equal(machine.psci_version, 2);
    assert_int_equal(machine.nr_modules, 2);
    assert_int_equal(machine.nr_banks, 1);
    assert_int_equal(machine.banks[0].size, GIB(1));
}

static void is_tree(void)
{
    assert_false(machine.acpi);
    assert_int_equal(machine.nr_cpus, 2);
    assert_int_equal(machine.psci_version, 0x10000);
}

static void test_stub(void **state)
{
    static const char *const more[] = { NULL, "hypervisor" };
    u64 rsdp = qemu_load("q7-gic3-4cpu-its");

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(more); i++) {
        stub_tree(more[i]);
        assert_int_equal(describe(ACPI_AUTO, rsdp, true), 0);
        is_acpi();
        assert_string_equal(machine.xen_cmdline, "acpi=on");
        assert_string_equal(machine.dom0_cmdline, "console=hvc0");
        assert_int_equal(machine.tables.start, 0x48000000);
        assert_int_equal(describe(ACPI_ON, rsdp, true), 0);
        is_acpi();
        assert_int_equal(describe(ACPI_FORCE, rsdp, true), 0);
        is_acpi();
        assert_int_equal(describe(ACPI_OFF, rsdp, false), -EINVAL);
        assert_false(machine.acpi);
        says("acpi=off, and the device tree describes no machine");
        assert_int_equal(machine_find_uart(""), 0);      /* that can be read somewhere */
        assert_string_equal(machine.uart.name, "SPCR");
    }
    /* Without tables, or with bad ones. */
    assert_int_equal(describe(ACPI_AUTO, 0, true), -EINVAL);
    says("ACPI: firmware gave no RSDP, and the device tree describes no machine");
    assert_int_equal(machine_find_uart(""), -ENODEV);
    assert_int_equal(describe(ACPI_AUTO, 0x1000, true), -EINVAL);
    says("ACPI: its tables cannot be used, and the device tree describes no machine");
    assert_int_equal(machine_find_uart(""), -ENODEV);
    assert_int_equal(describe(ACPI_AUTO, rsdp, false), -EINVAL);
    says("ACPI: no RAM: firmware left no memory map");
    assert_true(machine.acpi);
}

static void test_full(void **state)
{
    u64 rsdp = qemu_load("q7-gic3-4cpu-its");

    (void)state;
    full_tree();
    assert_int_equal(describe(ACPI_AUTO, rsdp, false), 0);
    is_tree();
    assert_int_equal(describe(ACPI_OFF, rsdp, false), 0);
    is_tree();
    assert_int_equal(describe(ACPI_ON, rsdp, true), 0);
    is_acpi();
    assert_int_equal(describe(ACPI_FORCE, rsdp, true), 0);
    is_acpi();
    /* on: the tree where ACPI has nothing. force: a stop. */
    assert_int_equal(describe(ACPI_ON, 0, false), 0);
    is_tree();
    says("acpi=on: firmware gave no RSDP: the device tree is used");
    assert_int_equal(describe(ACPI_ON, 0x1000, false), 0);
    is_tree();
    says("acpi=on: its tables cannot be: the device tree is used");
    assert_int_equal(describe(ACPI_FORCE, 0, false), -EINVAL);
    says("ACPI: firmware gave no RSDP, and acpi=force wants it");
    assert_int_equal(describe(ACPI_FORCE, 0x1000, false), -EINVAL);
    says("ACPI: its tables cannot be used, and acpi=force wants it");
    /* Any node of a machine makes it one. */
    stub_tree("psci");
    assert_int_equal(describe(ACPI_AUTO, rsdp, false), -EINVAL);
    assert_false(machine.acpi);
}

/* A tree that is wrong elsewhere does not matter to who asks it for /chosen alone. */
static void test_broken_tree(void **state)
{
    u64 rsdp = qemu_load("q7-gic3-4cpu-its");
    int off;

    (void)state;
    full_tree();
    off = fdt_path_offset(tree.blob, "/psci");
    assert_int_equal(fdt_setprop_inplace(tree.blob, off, "method", "abc", 4), 0);
    assert_int_equal(describe(ACPI_FORCE, rsdp, true), 0);
    is_acpi();
    assert_int_equal(describe(ACPI_AUTO, rsdp, false), -EINVAL);
    says("/psci: bad method");
}

static void test_bad_acpi(void **state)
{
    u64 rsdp = qemu_load("q7-gic3-2cpu-novirt");

    (void)state;
    stub_tree(NULL);
    assert_int_equal(describe(ACPI_AUTO, rsdp, true), -EINVAL);
    assert_true(machine.acpi);
    says("maintenance interrupt of 0: is EL2 off in firmware?");
    /* And still has a console to say so on. */
    assert_int_equal(machine_find_uart(NULL), 0);
}

static void test_uart(void **state)
{
    u64 rsdp = qemu_load("q7-gic3-4cpu-its");
    struct tb fadt;

    (void)state;
    full_tree();
    assert_int_equal(describe(ACPI_ON, rsdp, true), 0);
    assert_int_equal(machine_find_uart(""), 0);
    assert_true(machine.has_uart);
    assert_string_equal(machine.uart.name, "SPCR");
    assert_string_equal(unit_log(), "SPCR: PL011 at 0x9000000\n");
    assert_int_equal(machine_find_uart("/pl011@9000000"), 0);
    assert_string_equal(machine.uart.name, "SPCR");
    says("dtuart=/pl011@9000000: not looked at: with ACPI the console is SPCR's or DBG2's");
    assert_int_equal(describe(ACPI_OFF, rsdp, false), 0);
    assert_int_equal(machine_find_uart(NULL), 0);
    assert_string_equal(machine.uart.name, "/pl011@9000000");
    /* None in ACPI, whatever the tree has. */
    tb_start();
    fadt_plain(&fadt, 1);
    tb_end(&fadt);
    assert_int_equal(describe(ACPI_ON, tb_rsdp(), true), -EINVAL);
    assert_int_equal(machine_find_uart(NULL), -ENODEV);
    assert_false(machine.has_uart);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_stub), CASE(test_full), CASE(test_broken_tree), CASE(test_bad_acpi), CASE(test_uart)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
