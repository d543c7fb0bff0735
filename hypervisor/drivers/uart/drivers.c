/* SPDX-License-Identifier: MIT */
#include <argon/console.h>
#include <argon/string.h>
#include "uart_drivers.h"

const struct uart_ops *const uart_drivers[] = {
    &pl011_ops,
    &ns16550_ops,
    &cadence_ops,
    &meson_ops,
    NULL,
};

const struct uart_ops *uart_driver_find(const char *compatible)
{
    for (u32 i = 0; uart_drivers[i] != NULL; i++) {
        for (const char *const *c = uart_drivers[i]->compatible; *c != NULL; c++) {
            if (strcmp(*c, compatible) == 0) {
                return uart_drivers[i];
            }
        }
    }
    return NULL;
}
