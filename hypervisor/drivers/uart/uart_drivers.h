/* SPDX-License-Identifier: MIT */
#ifndef UART_DRIVERS_H
#define UART_DRIVERS_H

#include <argon/console.h>

extern const struct uart_ops pl011_ops, ns16550_ops, cadence_ops, meson_ops;

#endif
