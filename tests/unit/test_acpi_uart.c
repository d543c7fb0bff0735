/* SPDX-License-Identifier: MIT */
/* unit-sources: firmware/acpi/tables.c firmware/acpi/view.c firmware/acpi/uart.c */
/* unit-sources: core/console/uart.c drivers/uart/drivers.c drivers/uart/pl011.c */
/* unit-sources: drivers/uart/ns16550.c drivers/uart/cadence.c drivers/uart/meson.c */
/* The console by SPCR and DBG2: every kind, by every address, and what cannot be used. */
#include "unit.h"
#include "acpi_tables.h"
#include <argon/console.h>

static struct acpi_tables t;
static struct machine m;
static struct tb spcr, dbg2;

static int find(void)
{
    struct tb copy;

    tb_start();
    if (spcr.size != 0) {
        copy = spcr;
        tb_end(&copy);
    }
    if (dbg2.size != 0) {
        copy = dbg2;
        tb_end(&copy);
    }
    memset(&m, 0, sizeof(m));
    m.has_uart = true;
    assert_int_equal(acpi_open(&t, &fw_memory, tb_rsdp()), 0);
    return acpi_find_uart(&m, &t);
}

static void address(struct tb *table, u32 off, u32 space, u32 bits, u32 access, u64 base)
{
    tb_put(table, off, 1, space);
    tb_put(table, off + 1, 1, bits);
    tb_put(table, off + 3, 1, access);
    tb_put(table, off + 4, 8, base);
}

static void spcr_plain(u8 revision, u32 kind)
{
    tb_begin(&spcr, "SPCR", revision);
    tb_put(&spcr, 36, 1, kind);
    address(&spcr, 40, 0, 32, 3, 0x9000000);
    tb_put(&spcr, 52, 1, 8);
    tb_put(&spcr, 54, 4, 33);
    tb_put(&spcr, 58, 1, 7);
    tb_put(&spcr, 79, 1, 0);
}

static u32 dbg2_device(u32 type, u32 kind, u64 base)
{
    u32 off = dbg2.size;

    tb_put(&dbg2, off + 1, 2, 43);
    tb_put(&dbg2, off + 3, 1, 1);
    tb_put(&dbg2, off + 12, 2, type);
    tb_put(&dbg2, off + 14, 2, kind);
    tb_put(&dbg2, off + 18, 2, 22);
    tb_put(&dbg2, off + 20, 2, 34);
    address(&dbg2, off + 22, 0, 32, 3, base);
    tb_put(&dbg2, off + 42, 1, 0);
    tb_put(&dbg2, 36, 4, 44);
    tb_put(&dbg2, 40, 4, tb_get(dbg2.data + 40, 4) + 1);
    return off;
}

static void dbg2_begin(void)
{
    tb_begin(&dbg2, "DBG2", 0);
    tb_put(&dbg2, 43, 1, 0);
}

static int setup(void **state)
{
    int r = unit_setup(state);

    uart_drivers = uart_driver_list;
    spcr_plain(2, 3);
    dbg2.size = 0;
    return r;
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, fw_teardown)

static void test_kinds(void **state)
{
    static const struct { u32 kind; const char *compatible; } kinds[] = {
        { 0, "ns16550a" }, { 1, "ns16550a" }, { 3, "arm,pl011" }, { 0xd, "arm,sbsa-uart" }, { 0xe, "arm,sbsa-uart" },
        { 0x12, "ns16550a" }, { 2, NULL }, { 4, NULL }, { 0xf, NULL }, { 0x10, NULL }, { 0xff, NULL },
    };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
        spcr_plain(2, kinds[i].kind);
        assert_int_equal(find(), kinds[i].compatible != NULL ? 0 : -ENODEV);
        assert_int_equal(m.has_uart, kinds[i].compatible != NULL);
        if (m.has_uart) {
            assert_string_equal(m.uart.compatible, kinds[i].compatible);
            assert_int_equal(m.uart.base, 0x9000000);
            assert_non_null(uart_driver_find(m.uart.compatible));
        }
    }
    says("SPCR: no driver for a UART of kind 0xff");
}

static void test_registers(void **state)
{
    /* bits, access: shift, width */
    static const u32 cases[][4] = {
        { 8, 1, 0, 1 }, { 32, 3, 2, 4 }, { 32, 1, 2, 1 }, { 8, 3, 2, 4 }, { 0, 0, 0, 1 }, { 32, 0, 2, 1 },
        { 16, 2, 1, 2 },
    };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
        spcr_plain(2, 0x12);
        address(&spcr, 40, 0, cases[i][0], cases[i][1], 0x1c020000);
        assert_int_equal(find(), 0);
        assert_int_equal(m.uart.reg_shift, cases[i][2]);
        assert_int_equal(m.uart.reg_width, cases[i][3]);
    }
    /* Boards whose tables say 8 bits, and which need 32. */
    spcr_plain(2, 0);
    address(&spcr, 40, 0, 8, 1, 0x1c020000);
    memcpy(spcr.data + 10, "APMC0DXGENESPC", 14);
    assert_int_equal(find(), 0);
    assert_int_equal(m.uart.reg_shift, 2);
    assert_int_equal(m.uart.reg_width, 4);
    memcpy(spcr.data + 10, "HPE   ProLiant", 14);
    assert_int_equal(find(), 0);
    assert_int_equal(m.uart.reg_width, 1);
    tb_put(&spcr, 24, 4, 1);
    assert_int_equal(find(), 0);
    assert_int_equal(m.uart.reg_width, 4);
}

static void test_line(void **state)
{
    static const u32 bauds[] = { 0, 0, 0, 9600, 19200, 0, 57600, 115200, 0 };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(bauds); i++) {
        tb_put(&spcr, 58, 1, i);
        tb_put(&spcr, 76, 4, 24000000);
        assert_int_equal(find(), 0);
        assert_int_equal(m.uart.baud, bauds[i]);
        assert_int_equal(m.uart.clock_hz, 0);    /* revision 2 has no such field */
        assert_int_equal(m.uart.irq, 33);
    }
    spcr_plain(3, 3);
    tb_put(&spcr, 76, 4, 24000000);
    tb_put(&spcr, 80, 4, 1500000);
    assert_int_equal(find(), 0);
    assert_int_equal(m.uart.clock_hz, 24000000);
    assert_int_equal(m.uart.baud, 115200);
    tb_put(&spcr, 8, 1, 4);
    assert_int_equal(find(), 0);
    assert_int_equal(m.uart.baud, 1500000);
    tb_put(&spcr, 80, 4, 0);
    assert_int_equal(find(), 0);
    assert_int_equal(m.uart.baud, 115200);
    /* Not a GIC's, or none that can be shared out: polled. */
    tb_put(&spcr, 52, 1, 0xf7);
    assert_int_equal(find(), 0);
    assert_int_equal(m.uart.irq, 0);
    tb_put(&spcr, 52, 1, 9);
    tb_put(&spcr, 54, 4, 31);
    assert_int_equal(find(), 0);
    assert_int_equal(m.uart.irq, 0);
    tb_put(&spcr, 54, 4, 1020);
    assert_int_equal(find(), 0);
    assert_int_equal(m.uart.irq, 0);
    tb_put(&spcr, 54, 4, 1019);
    assert_int_equal(find(), 0);
    assert_int_equal(m.uart.irq, 1019);
}

static void test_unreachable(void **state)
{
    (void)state;
    address(&spcr, 40, 1, 8, 1, 0x3f8);
    assert_int_equal(find(), -ENODEV);
    assert_false(m.has_uart);
    says("SPCR: offset 0x28: UART in I/O space: a CPU cannot reach it");
    address(&spcr, 40, 10, 8, 1, 0x3f8);
    assert_int_equal(find(), -ENODEV);
    says("UART in no memory");
    address(&spcr, 40, 0, 8, 1, 0);              /* console off, as firmware says it */
    assert_int_equal(find(), -ENODEV);
    says("SPCR: offset 0x28: UART at 0");
    address(&spcr, 40, 0, 8, 1, ~0UL - 0xffe);
    assert_int_equal(find(), -ENODEV);
    spcr.size = 79;
    assert_int_equal(find(), -ENODEV);
    says("SPCR: offset 0x4: SPCR of 79 bytes");
    spcr.size = 0;
    assert_int_equal(find(), -ENODEV);
    assert_string_equal(unit_log(), "");
}

static void test_dbg2(void **state)
{
    u32 second;

    (void)state;
    /* Where SPCR has one, that. */
    dbg2_begin();
    dbg2_device(0x8001, 0, 0xa000000);           /* IEEE 1394 */
    second = dbg2_device(0x8000, 0x10, 0xb000000);
    dbg2_device(0x8000, 0xe, 0xc000000);
    dbg2_device(0x8000, 3, 0xd000000);
    assert_int_equal(find(), 0);
    assert_int_equal(m.uart.base, 0x9000000);
    assert_string_equal(m.uart.name, "SPCR");
    /* Else the first that has a driver. */
    spcr.size = 0;
    assert_int_equal(find(), 0);
    assert_true(m.has_uart);
    assert_int_equal(m.uart.base, 0xc000000);
    assert_string_equal(m.uart.compatible, "arm,sbsa-uart");
    assert_string_equal(m.uart.name, "DBG2");
    assert_int_equal(m.uart.irq, 0);
    assert_int_equal(m.uart.baud, 0);
    says("DBG2: no driver for a UART of kind 0x10");
    /* Also where SPCR's cannot be used. */
    spcr_plain(2, 3);
    address(&spcr, 40, 1, 8, 1, 0x3f8);
    assert_int_equal(find(), 0);
    assert_int_equal(m.uart.base, 0xc000000);
    /* No address; one behind the device's end. */
    spcr.size = 0;
    tb_put(&dbg2, second + 43 + 3, 1, 0);
    assert_int_equal(find(), 0);
    assert_int_equal(m.uart.base, 0xd000000);
    says("DBG2: offset 0x82: device without an address");
    tb_put(&dbg2, second + 43 + 3, 1, 1);
    for (u32 at = 0; at < 80; at++) {
        tb_put(&dbg2, second + 43 + 18, 2, at);
        tb_put(&dbg2, second + 43 + 22, 8, 0);   /* memory, and whatever follows */
        assert_int_equal(find(), 0);
        if (at < 22 || at > 31) {
            assert_int_equal(m.uart.base, 0xd000000);
        }
    }
    /* Nothing behind a device without a length. */
    tb_put(&dbg2, second + 1, 2, 0);
    assert_int_equal(find(), -ENODEV);
    says("DBG2: offset 0x57: device 1 of 4, of 0 bytes: the rest is not read");
    tb_put(&dbg2, second + 1, 2, 0xffff);
    assert_int_equal(find(), -ENODEV);
    tb_put(&dbg2, 36, 4, 0xfffffff0);
    assert_int_equal(find(), -ENODEV);
    tb_put(&dbg2, 36, 4, 4);
    assert_int_equal(find(), -ENODEV);
    dbg2.size = 40;
    assert_int_equal(find(), -ENODEV);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_kinds), CASE(test_registers), CASE(test_line), CASE(test_unreachable), CASE(test_dbg2)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
