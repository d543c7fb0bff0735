/* SPDX-License-Identifier: MIT */
/* Cadence UART as in Xilinx Zynq and Zynq UltraScale+ (UG1085, UG1087). The line is left as firmware set it up. */
#include <argon/machine.h>
#include "uart_drivers.h"
#include "uart_io.h"

#define CR     0x00
#define IER    0x08
#define IDR    0x0c
#define ISR    0x14
#define RXTOUT 0x1c
#define RXWM   0x20
#define SR     0x2c
#define FIFO   0x30

#define CR_RXRST  BIT32(0)
#define CR_RXEN   BIT32(2)
#define CR_TXEN   BIT32(4)
#define SR_RXEMPTY BIT32(1)
#define SR_TXFULL BIT32(4)
#define INT_RTRIG BIT32(0)
#define INT_TOUT  BIT32(8)
#define INT_ALL   0x1fffu

static volatile void *regs;

static int cadence_init(const struct machine_uart *u, volatile void *base)
{
    (void)u;
    regs = base;
    uart_write32(regs, IDR, INT_ALL);
    uart_write32(regs, CR, CR_RXRST | CR_RXEN | CR_TXEN);
    uart_write32(regs, RXTOUT, 0);
    uart_write32(regs, RXWM, 1);         /* interrupt from the first byte on */
    uart_write32(regs, ISR, INT_ALL);
    return 0;
}

static bool cadence_tx_ready(void)
{
    return !(uart_read32(regs, SR) & SR_TXFULL);
}

static void cadence_tx(u8 c)
{
    uart_write32(regs, FIFO, c);
}

static int cadence_rx(void)
{
    if (uart_read32(regs, SR) & SR_RXEMPTY) {
        return -1;
    }
    return (int)(uart_read32(regs, FIFO) & 0xff);
}

static void cadence_rx_irq_enable(void)
{
    uart_write32(regs, IER, INT_RTRIG);
}

static void cadence_irq(void)
{
    uart_write32(regs, ISR, INT_RTRIG | INT_TOUT);
}

static const char *const cadence_compatible[] = { "xlnx,xuartps", "cdns,uart-r1p8", "cdns,uart-r1p12",
                                                  "xlnx,zynqmp-uart", NULL };

const struct uart_ops cadence_ops = {
    .name = "Cadence UART",
    .compatible = cadence_compatible,
    .init = cadence_init,
    .tx_ready = cadence_tx_ready,
    .tx = cadence_tx,
    .rx = cadence_rx,
    .rx_irq_enable = cadence_rx_irq_enable,
    .irq = cadence_irq,
};
