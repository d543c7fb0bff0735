/* SPDX-License-Identifier: MIT */
/* unit-sources: firmware/machine.c firmware/fdt/dt.c firmware/fdt/prop.c firmware/fdt/irq.c firmware/fdt/machine.c */
/* unit-sources: firmware/fdt/numa.c */
/* unit-sources: firmware/fdt/gic.c firmware/fdt/chosen.c firmware/fdt/uart.c */
/* unit-libs: -lfdt */
/* The console's UART: found by option, alias or stdout-path, and what the tree says of it. */
#include "unit.h"
#include "dt_tree.h"
#include "uarts.h"
#include <argon/machine.h>

static struct tree tree;

static int parse(const struct tree_options *o)
{
    unit_log_clear();
    return tree_machine(tree_virt(&tree, o), TREE_SIZE);
}

static void uart_nodes(void *f)
{
    tree_begin(f, "soc");
    tree_cells(f, "#address-cells", 1);
    tree_cells(f, "#size-cells", 1);
    tree_cells(f, "ranges", 0, 0, 0x1c000000, 0x10000);
    tree_begin(f, "serial@800");
    tree_str(f, "compatible", "snps,dw-apb-uart");
    tree_cells(f, "reg", 0x800, 0x100);
    tree_cells(f, "reg-shift", 2);
    tree_cells(f, "reg-io-width", 4);
    tree_cells(f, "clock-frequency", 1843200);
    tree_end(f);
    tree_begin(f, "serial@fffff");
    tree_str(f, "compatible", "ns16550a");
    tree_cells(f, "reg", 0xfffff, 0x100);
    tree_end(f);
    tree_end(f);
}

static void test_uart(void **state)
{
    struct tree_options o = tree_defaults();
    const struct machine_uart *u = &machine.uart;

    (void)state;
    assert_int_equal(machine_firmware_bytes("no device tree here, and not anywhere else. 0123456789abcdefghij"), 0);
    o.more = uart_nodes;
    assert_int_equal(parse(&o), 0);
    assert_int_equal(machine_firmware_bytes(tree.blob), fdt_totalsize(tree.blob));
    assert_int_equal(machine_find_uart(""), 0);
    assert_true(machine.has_uart);
    assert_int_equal(u->base, 0x9000000);
    assert_int_equal(u->size, 0x1000);
    assert_int_equal(u->irq, 33);
    assert_int_equal(u->clock_hz, 24000000);
    assert_string_equal(u->compatible, "arm,pl011");
    assert_string_equal(u->name, "/pl011@9000000");
    assert_int_equal(machine_find_uart("serial0:115200n8"), 0);
    assert_string_equal(u->name, "/pl011@9000000");
    assert_int_equal(machine_find_uart("/soc/serial@800"), 0);
    assert_int_equal(u->base, 0x1c000800);
    assert_int_equal(u->reg_shift, 2);
    assert_int_equal(u->reg_width, 4);
    assert_int_equal(u->clock_hz, 1843200);
    assert_int_equal(u->irq, 0);
    /* What cannot be used is said, and stdout-path taken. */
    unit_log_clear();
    assert_int_equal(machine_find_uart("/nowhere"), 0);
    assert_non_null(strstr(unit_log(), "dtuart=/nowhere: no such device"));
    assert_string_equal(u->name, "/pl011@9000000");
    assert_int_equal(machine_find_uart("rtc0"), 0);
    assert_non_null(strstr(unit_log(), "no driver for pl031"));
    assert_int_equal(machine_find_uart("/soc/serial@fffff"), 0);
    assert_non_null(strstr(unit_log(), "bad reg of /soc/serial@fffff"));
    assert_int_equal(machine_find_uart(":115200"), 0);
    o.stdout_path = "serial9";
    assert_int_equal(parse(&o), 0);
    assert_int_equal(machine_find_uart(NULL), -ENODEV);
    assert_false(machine.has_uart);
    o.stdout_path = NULL;
    assert_int_equal(parse(&o), 0);
    assert_int_equal(machine_find_uart(NULL), -ENODEV);
    assert_int_equal(machine_find_uart("serial0"), 0);
}

static void shares_uart_irq(void *f)
{
    tree_begin(f, "serial@1c000000");
    tree_cells(f, "interrupts", 0, 1, 4);
    tree_cells(f, "reg", RANGE(0x1c000000, 0x200));
    tree_end(f);
}

static void off_shares_uart_irq(void *f)
{
    tree_begin(f, "soc");
    tree_str(f, "status", "disabled");
    shares_uart_irq(f);
    tree_end(f);
}

/* A line that dom0's devices have too is dom0's: the console does without (Raspberry Pi 4: INTIDs 153 and 125). */
static void test_uart_shared_irq(void **state)
{
    struct tree_options o = tree_defaults();

    (void)state;
    o.more = off_shares_uart_irq;
    assert_int_equal(parse(&o), 0);
    assert_int_equal(machine_find_uart(NULL), 0);
    assert_int_equal(machine.uart.irq, 33);
    o.more = shares_uart_irq;
    assert_int_equal(parse(&o), 0);
    assert_int_equal(machine_find_uart(NULL), 0);
    assert_int_equal(machine.uart.irq, 0);
    assert_int_equal(machine.uart.base, 0x9000000);
    assert_non_null(strstr(unit_log(), "interrupt 33 is serial@1c000000's, too"));
}

/* An alias may not be an alias again: libfdt would follow it for ever. */
static void test_alias_loop(void **state)
{
    struct tree_options o = tree_defaults();
    void *f;

    (void)state;
    o.stdout_path = "serial0";
    f = tree_virt(&tree, &o);
    assert_int_equal(fdt_setprop_inplace(f, fdt_path_offset(f, "/aliases"), "serial0", "serial0\0aaaaaa", 15), 0);
    assert_int_equal(tree_machine(f, TREE_SIZE), 0);
    assert_int_equal(machine_find_uart(NULL), -ENODEV);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_case(test_uart), unit_case(test_uart_shared_irq), unit_case(test_alias_loop)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
