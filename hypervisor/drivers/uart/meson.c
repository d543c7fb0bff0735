/* SPDX-License-Identifier: MIT */
/* Amlogic Meson UART (S905 datasheet, "UART"). The line is left as firmware set it up. */
#include <argon/machine.h>
#include "uart_drivers.h"
#include "uart_io.h"

#define WFIFO   0x00
#define RFIFO   0x04
#define CONTROL 0x08
#define STATUS  0x0c
#define MISC    0x10

#define CONTROL_TX_EN   BIT32(12)
#define CONTROL_RX_EN   BIT32(13)
#define CONTROL_RX_RST  BIT32(23)
#define CONTROL_CLR_ERR BIT32(24)
#define CONTROL_RX_INT  BIT32(27)
#define CONTROL_TX_INT  BIT32(28)
#define STATUS_RX_EMPTY BIT32(20)
#define STATUS_TX_FULL  BIT32(21)
#define MISC_RX_LEVEL   0xffu    /* receive interrupt at so many bytes */

static volatile void *regs;

static int meson_init(const struct machine_uart *u, volatile void *base)
{
    u32 control;

    (void)u;
    regs = base;
    control = uart_read32(regs, CONTROL) & ~(CONTROL_RX_INT | CONTROL_TX_INT);
    uart_write32(regs, CONTROL, control | CONTROL_RX_RST | CONTROL_CLR_ERR);
    uart_write32(regs, CONTROL, (control & ~(CONTROL_RX_RST | CONTROL_CLR_ERR)) | CONTROL_TX_EN | CONTROL_RX_EN);
    uart_write32(regs, MISC, (uart_read32(regs, MISC) & ~MISC_RX_LEVEL) | 1);
    return 0;
}

static bool meson_tx_ready(void)
{
    return !(uart_read32(regs, STATUS) & STATUS_TX_FULL);
}

static void meson_tx(u8 c)
{
    uart_write32(regs, WFIFO, c);
}

static int meson_rx(void)
{
    if (uart_read32(regs, STATUS) & STATUS_RX_EMPTY) {
        return -1;
    }
    return (int)(uart_read32(regs, RFIFO) & 0xff);
}

static void meson_rx_irq_enable(void)
{
    uart_write32(regs, CONTROL, uart_read32(regs, CONTROL) | CONTROL_RX_INT);
}

/* Ends as the bytes are read. */
static void meson_irq(void)
{
}

static const char *const meson_compatible[] = {
    "amlogic,meson-uart", "amlogic,meson-gx-uart", "amlogic,meson-ao-uart", "amlogic,meson-s4-uart", NULL
};

const struct uart_ops meson_ops = {
    .name = "Meson UART",
    .compatible = meson_compatible,
    .init = meson_init,
    .tx_ready = meson_tx_ready,
    .tx = meson_tx,
    .rx = meson_rx,
    .rx_irq_enable = meson_rx_irq_enable,
    .irq = meson_irq,
};
