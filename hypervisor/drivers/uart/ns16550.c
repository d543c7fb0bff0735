/* SPDX-License-Identifier: MIT */
/*
 * The 16550 family and Synopsys' DW_apb_uart. Registers are 1 << reg-shift bytes apart and accessed with reg-io-width
 * bytes (device tree). The line is left as firmware set it up.
 */
#include <argon/errno.h>
#include <argon/machine.h>
#include <argon/string.h>
#include "uart_drivers.h"
#include "uart_io.h"

enum { RBR = 0, THR = 0, IER = 1, IIR = 2, FCR = 2, LCR = 3, MCR = 4, LSR = 5, DW_USR = 31 };

#define IER_RX    0x01
#define IIR_ID    0x0f
#define IIR_DW_BUSY 0x07
#define IIR_TIMEOUT 0x0c
#define FCR_ENABLE 0x07          /* FIFOs on and emptied, interrupt at the first byte (with its time-out) */
#define LCR_DLAB  0x80
#define LCR_8BIT  0x03
#define MCR_DTR_RTS_OUT2 0x0b    /* OUT2 gates the interrupt line in PC-like wiring */
#define LSR_DR    0x01
#define LSR_ERROR 0x0e           /* parity, framing, overrun */
#define LSR_THRE  0x20
#define LSR_TEMT  0x40
#define RX_TRIES  256            /* bytes with errors passed over at once */

static volatile void *regs;
static u32 shift, width;
static bool is_dw;

static u32 reg_read(u32 reg)
{
    return width == 4 ? uart_read32(regs, reg << shift) & 0xff : uart_read8(regs, reg << shift);
}

static void reg_write(u32 reg, u32 v)
{
    if (width == 4) {
        uart_write32(regs, reg << shift, v);
    } else {
        uart_write8(regs, reg << shift, (u8)v);
    }
}

static int ns16550_init(const struct machine_uart *u, volatile void *base)
{
    shift = u->reg_shift;
    width = u->reg_width == 0 ? 1 : u->reg_width;
    if ((width != 1 && width != 4) || shift > 4 || (width == 4 && shift < 2)) {
        return -EINVAL;
    }
    regs = base;
    is_dw = strcmp(u->compatible, "snps,dw-apb-uart") == 0;
    reg_write(IER, 0);
    /* DW_apb_uart ignores writes of LCR while it is busy. */
    for (u32 i = 0; i < 1000000 && !(reg_read(LSR) & LSR_TEMT); i++) {
    }
    reg_write(LCR, LCR_8BIT);
    reg_write(FCR, FCR_ENABLE);
    reg_write(MCR, MCR_DTR_RTS_OUT2);
    return 0;
}

static bool ns16550_tx_ready(void)
{
    return reg_read(LSR) & LSR_THRE;
}

static void ns16550_tx(u8 c)
{
    reg_write(THR, c);
}

static int ns16550_rx(void)
{
    u32 lsr;

    for (u32 i = 0; i < RX_TRIES && ((lsr = reg_read(LSR)) & LSR_DR); i++) {
        u32 c = reg_read(RBR);

        if (!(lsr & LSR_ERROR & ~0x02u)) {           /* an overrun lost earlier bytes, this one is good */
            return (int)c;
        }
    }
    return -1;
}

static void ns16550_rx_irq_enable(void)
{
    reg_write(IER, IER_RX);
}

/*
 * The receive interrupt goes away as the bytes are read. DW_apb_uart: "LCR written while busy" goes by reading the
 * status register, and a time-out can be raised with the FIFO empty, which only a read of the data register ends.
 */
static void ns16550_irq(void)
{
    u32 id = reg_read(IIR) & IIR_ID;

    if (is_dw && id == IIR_DW_BUSY) {
        (void)reg_read(DW_USR);
    } else if (is_dw && id == IIR_TIMEOUT && !(reg_read(LSR) & LSR_DR)) {
        (void)reg_read(RBR);
    }
}

static const char *const ns16550_compatible[] = {
    "ns16550", "ns16550a", "ns16750", "ns16850", "snps,dw-apb-uart", "nvidia,tegra20-uart", "brcm,bcm2835-aux-uart",
    "ti,omap3-uart",
    "ti,omap4-uart", "ti,am654-uart", "mrvl,pxa-uart", NULL
};

const struct uart_ops ns16550_ops = {
    .name = "16550",
    .compatible = ns16550_compatible,
    .init = ns16550_init,
    .tx_ready = ns16550_tx_ready,
    .tx = ns16550_tx,
    .rx = ns16550_rx,
    .rx_irq_enable = ns16550_rx_irq_enable,
    .irq = ns16550_irq,
};
