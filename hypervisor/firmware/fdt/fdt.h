/* SPDX-License-Identifier: MIT */
/* The device tree as one source of struct machine: called by firmware/machine.c alone. */
#ifndef FIRMWARE_FDT_H
#define FIRMWARE_FDT_H

#include <argon/machine.h>

/* Bytes of the device tree whose header is at `header`; 0 if it is none. */
size_t fdt_bytes(const void *header);
/*
 * /chosen and what is kept out of use, into *m, which is zeroed; -EINVAL after a message. First of all; the others are
 * about that tree.
 */
must_check int fdt_parse_chosen(struct machine *m, const void *fdt, size_t max);
/* Does the tree describe a machine: has its root more than /chosen and /hypervisor? */
bool fdt_is_machine(void);
/* All the rest of *m; -EINVAL after a message. */
must_check int fdt_parse_machine(struct machine *m);
/* The console's UART: dtuart (NULL or empty: none given), else /chosen/stdout-path. -ENODEV: none that has a driver. */
must_check int fdt_find_uart(struct machine *m, const char *dtuart);

#endif
