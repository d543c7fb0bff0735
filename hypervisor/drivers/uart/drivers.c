/* SPDX-License-Identifier: MIT */
/* The UARTs that Argon can drive. */
#include "uart_drivers.h"

const struct uart_ops *const uart_driver_list[] = {
    &pl011_ops,
    &ns16550_ops,
    &cadence_ops,
    &meson_ops,
    NULL,
};
