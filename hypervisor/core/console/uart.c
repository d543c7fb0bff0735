/* SPDX-License-Identifier: MIT */
/* The UART drivers to choose from. */
#include <argon/console.h>
#include <argon/string.h>

const struct uart_ops *const *uart_drivers ro_after_boot;

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
