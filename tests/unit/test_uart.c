/* SPDX-License-Identifier: MIT */
/* unit-sources: core/console/uart.c drivers/uart/drivers.c drivers/uart/pl011.c drivers/uart/ns16550.c */
/* unit-sources: drivers/uart/cadence.c drivers/uart/meson.c */
/* Registers are plain memory here: what the drivers write, and how they read status. */
#include "unit.h"
#include <argon/console.h>
#include <argon/machine.h>

static u32 regs[1024];

static u32 reg(u32 offset) { return regs[offset / 4]; }
static void set_reg(u32 offset, u32 v) { regs[offset / 4] = v; }

static int setup(void **state)
{
    (void)state;
    memset(regs, 0, sizeof(regs));
    return 0;
}

static struct machine_uart uart(const char *compatible)
{
    struct machine_uart u = { .base = 0x9000000, .size = 0x1000 };

    strcpy(u.compatible, compatible);
    return u;
}

static void test_find(void **state)
{
    static const char *const known[] = { "arm,pl011", "arm,sbsa-uart", "ns16550a", "snps,dw-apb-uart",
                                         "cdns,uart-r1p12",
                                         "amlogic,meson-gx-uart" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        assert_non_null(uart_driver_find(known[i]));
    }
    assert_string_equal(uart_driver_find("arm,pl011")->name, "PL011");
    assert_null(uart_driver_find("arm,pl01"));
    assert_null(uart_driver_find(""));
    for (u32 i = 0; uart_drivers[i] != NULL; i++) {      /* complete tables */
        const struct uart_ops *o = uart_drivers[i];

        assert_true(o->name && o->compatible && o->init && o->tx_ready && o->tx && o->rx && o->rx_irq_enable && o->irq);
    }
}

static void test_pl011(void **state)
{
    struct machine_uart u = uart("arm,pl011");
    const struct uart_ops *o = uart_driver_find(u.compatible);

    (void)state;
    u.clock_hz = 24000000;
    set_reg(0x38, 0x7ff);
    assert_int_equal(o->init(&u, regs), 0);
    assert_int_equal(reg(0x38), 0);                      /* all masked */
    assert_int_equal(reg(0x44), 0x7ff);
    assert_int_equal(reg(0x24), 13);                     /* 24 MHz / (16 * 115200) = 13 + 1/64 */
    assert_int_equal(reg(0x28), 1);
    assert_int_equal(reg(0x2c), 0x70);                   /* 8n1, FIFO */
    assert_int_equal(reg(0x30), 0xf01);
    o->rx_irq_enable();
    assert_int_equal(reg(0x38), 0x50);
    set_reg(0x18, 0x20);
    assert_false(o->tx_ready());
    set_reg(0x18, 0x10);
    assert_true(o->tx_ready());
    assert_int_equal(o->rx(), -1);
    o->tx('A');
    assert_int_equal(reg(0), 'A');
    set_reg(0x18, 0);
    set_reg(0, 'B');
    assert_int_equal(o->rx(), 'B');
    set_reg(0, 0x800 | 'C');                             /* an earlier byte was lost, this one is good */
    assert_int_equal(o->rx(), 'C');
    set_reg(0, 0x400 | 'D');                             /* break, for ever: must not hang */
    assert_int_equal(o->rx(), -1);
    o->irq();
    assert_int_equal(reg(0x44), 0x50);
}

static void test_pl011_keeps_firmware_baud(void **state)
{
    struct machine_uart u = uart("arm,pl011");
    const struct uart_ops *o = uart_driver_find(u.compatible);

    (void)state;
    u.clock_hz = 24000000;
    set_reg(0x24, 26);
    assert_int_equal(o->init(&u, regs), 0);
    assert_int_equal(reg(0x24), 26);
    setup(NULL);
    u.baud = 9600;                                       /* what firmware's tables say, where it set up nothing */
    assert_int_equal(o->init(&u, regs), 0);
    assert_int_equal(reg(0x24), 156);                    /* 24 MHz / (16 * 9600) = 156 + 16/64 */
    assert_int_equal(reg(0x28), 16);
    setup(NULL);
    u.baud = 1500001;                                    /* the clock is too slow for that */
    assert_int_equal(o->init(&u, regs), 0);
    assert_int_equal(reg(0x24), 0);
    u.clock_hz = 0;                                      /* unknown: leave the divisors alone */
    assert_int_equal(o->init(&u, regs), 0);
    assert_int_equal(reg(0x24), 0);
}

static void test_sbsa(void **state)
{
    struct machine_uart u = uart("arm,sbsa-uart");
    const struct uart_ops *o = uart_driver_find(u.compatible);

    (void)state;
    assert_int_equal(o->init(&u, regs), 0);
    assert_int_equal(reg(0x30), 0);                      /* registers that it does not have */
    assert_int_equal(reg(0x2c), 0);
    assert_int_equal(reg(0x44), 0x7ff);
}

static void test_ns16550_wide(void **state)
{
    struct machine_uart u = uart("snps,dw-apb-uart");
    const struct uart_ops *o = uart_driver_find(u.compatible);

    (void)state;
    u.reg_shift = 2;
    u.reg_width = 4;
    set_reg(5 << 2, 0x60);
    assert_int_equal(o->init(&u, regs), 0);
    assert_int_equal(reg(1 << 2), 0);
    assert_int_equal(reg(2 << 2), 7);
    assert_int_equal(reg(3 << 2), 3);
    assert_int_equal(reg(4 << 2), 0xb);
    assert_true(o->tx_ready());
    assert_int_equal(o->rx(), -1);
    o->tx('x');
    assert_int_equal(reg(0), 'x');
    set_reg(5 << 2, 0x01);
    set_reg(0, 'y');
    assert_false(o->tx_ready());
    assert_int_equal(o->rx(), 'y');
    set_reg(5 << 2, 0xff);                               /* nothing there: must not hang */
    assert_int_equal(o->rx(), -1);
    o->rx_irq_enable();
    assert_int_equal(reg(1 << 2), 1);
    set_reg(2 << 2, 7);
    o->irq();
}

static void test_ns16550_bytes(void **state)
{
    struct machine_uart u = uart("ns16550a");
    const struct uart_ops *o = uart_driver_find(u.compatible);
    u8 *bytes = (u8 *)regs;

    (void)state;
    bytes[5] = 0x60;
    assert_int_equal(o->init(&u, regs), 0);
    assert_int_equal(bytes[3], 3);
    o->tx('q');
    assert_int_equal(bytes[0], 'q');
    u.reg_width = 2;
    assert_int_equal(o->init(&u, regs), -EINVAL);
    u.reg_width = 4;
    u.reg_shift = 0;
    assert_int_equal(o->init(&u, regs), -EINVAL);
    u.reg_shift = 30;
    assert_int_equal(o->init(&u, regs), -EINVAL);
}

static void test_cadence(void **state)
{
    struct machine_uart u = uart("cdns,uart-r1p12");
    const struct uart_ops *o = uart_driver_find(u.compatible);

    (void)state;
    assert_int_equal(o->init(&u, regs), 0);
    assert_int_equal(reg(0), 0x15);
    set_reg(0x2c, 0x12);
    assert_false(o->tx_ready());
    assert_int_equal(o->rx(), -1);
    set_reg(0x2c, 0);
    assert_true(o->tx_ready());
    o->tx('c');
    assert_int_equal(o->rx(), 'c');
    o->rx_irq_enable();
    assert_int_equal(reg(8), 1);
}

static void test_meson(void **state)
{
    struct machine_uart u = uart("amlogic,meson-gx-uart");
    const struct uart_ops *o = uart_driver_find(u.compatible);

    (void)state;
    set_reg(8, 0x18000007);
    assert_int_equal(o->init(&u, regs), 0);
    assert_int_equal(reg(8), 0x3007);                    /* interrupts off, both directions on, the rest as it was */
    set_reg(0xc, 0x300000);
    assert_false(o->tx_ready());
    assert_int_equal(o->rx(), -1);
    set_reg(0xc, 0);
    assert_true(o->tx_ready());
    set_reg(4, 'm');
    assert_int_equal(o->rx(), 'm');
    o->rx_irq_enable();
    assert_int_equal(reg(8), 0x8003007);
}

#define CASE(fn) cmocka_unit_test_setup(fn, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_find), CASE(test_pl011), CASE(test_pl011_keeps_firmware_baud), CASE(test_sbsa),
        CASE(test_ns16550_wide),
        CASE(test_ns16550_bytes), CASE(test_cadence), CASE(test_meson),
    };

    uart_drivers = uart_driver_list;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
