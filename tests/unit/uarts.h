/* SPDX-License-Identifier: MIT */
/* The UART drivers of these tests: none drives anything, only their names count. */
#ifndef UARTS_H
#define UARTS_H

#include <argon/console.h>

static const char *const pl011_names[] = { "arm,pl011", "arm,sbsa-uart", NULL };
static const char *const ns16550_names[] = { "ns16550a", "snps,dw-apb-uart", NULL };
static const struct uart_ops pl011 = { .name = "pl011", .compatible = pl011_names };
static const struct uart_ops ns16550 = { .name = "ns16550", .compatible = ns16550_names };
static const struct uart_ops *const uart_list[] = { &pl011, &ns16550, NULL };
const struct uart_ops *const *uart_drivers = uart_list;

#endif
