/* SPDX-License-Identifier: MIT */
/*
 * Arm PL011 (DDI 0183) and the SBSA generic UART (DEN 0029), which has the data, flag and interrupt registers only and
 * is set up by firmware.
 */
#include <argon/machine.h>
#include <argon/string.h>
#include "uart_drivers.h"
#include "uart_io.h"

#define DR    0x00
#define FR    0x18
#define IBRD  0x24
#define FBRD  0x28
#define LCR_H 0x2c
#define CR    0x30
#define IFLS  0x34
#define IMSC  0x38
#define ICR   0x44

#define FR_BUSY  BIT32(3)
#define FR_RXFE  BIT32(4)
#define FR_TXFF  BIT32(5)
#define LCR_FEN  BIT32(4)
#define LCR_WLEN8 (3u << 5)
#define CR_UARTEN BIT32(0)
#define CR_TXE   BIT32(8)
#define CR_RXE   BIT32(9)
#define CR_DTR   BIT32(10)
#define CR_RTS   BIT32(11)
#define INT_RX   BIT32(4)
#define INT_RT   BIT32(6)
#define INT_ALL  0x7ffu

#define DR_ERROR  0x700u         /* break, parity, framing; an overrun (bit 11) lost other bytes */

#define DEFAULT_BAUD 115200u
#define RX_TRIES     256u        /* bytes with errors passed over at once */

static volatile void *regs;

/* LCR_H and the divisors may be written only while the UART is off and idle (3.3.7, 3.3.8). */
static void set_up_line(const struct machine_uart *u)
{
    u32 baud = u->baud != 0 ? u->baud : DEFAULT_BAUD;

    for (u32 i = 0; i < 1000000 && (uart_read32(regs, FR) & FR_BUSY); i++) {
    }
    uart_write32(regs, CR, 0);
    if (uart_read32(regs, IBRD) == 0 && u->clock_hz / 16 >= baud) {
        u32 div64 = (u32)(((u64)u->clock_hz * 4 + baud / 2) / baud);   /* divisor in 64ths */

        uart_write32(regs, IBRD, div64 / 64);
        uart_write32(regs, FBRD, div64 % 64);
    }
    /* The write of LCR_H is also what makes the divisors take effect. */
    uart_write32(regs, LCR_H, LCR_FEN | LCR_WLEN8);
    uart_write32(regs, IFLS, 0);
    uart_write32(regs, CR, CR_UARTEN | CR_TXE | CR_RXE | CR_DTR | CR_RTS);
}

static int pl011_init(const struct machine_uart *u, volatile void *base)
{
    regs = base;
    uart_write32(regs, IMSC, 0);
    if (strcmp(u->compatible, "arm,sbsa-uart") != 0) {
        set_up_line(u);
    }
    uart_write32(regs, ICR, INT_ALL);
    return 0;
}

static bool pl011_tx_ready(void)
{
    return !(uart_read32(regs, FR) & FR_TXFF);
}

static void pl011_tx(u8 c)
{
    uart_write32(regs, DR, c);
}

/* Bytes with a framing, parity or break error are passed over. */
static int pl011_rx(void)
{
    for (u32 i = 0; i < RX_TRIES && !(uart_read32(regs, FR) & FR_RXFE); i++) {
        u32 v = uart_read32(regs, DR);

        if (!(v & DR_ERROR)) {
            return (int)(v & 0xff);
        }
    }
    return -1;
}

static void pl011_rx_irq_enable(void)
{
    uart_write32(regs, IMSC, INT_RX | INT_RT);
}

static void pl011_irq(void)
{
    uart_write32(regs, ICR, INT_RX | INT_RT);
}

static const char *const pl011_compatible[] = { "arm,pl011", "arm,sbsa-uart", NULL };

const struct uart_ops pl011_ops = {
    .name = "PL011",
    .compatible = pl011_compatible,
    .init = pl011_init,
    .tx_ready = pl011_tx_ready,
    .tx = pl011_tx,
    .rx = pl011_rx,
    .rx_irq_enable = pl011_rx_irq_enable,
    .irq = pl011_irq,
};
