/* SPDX-License-Identifier: MIT */
/* The device tree as one source of struct machine: called by firmware/machine.c alone. */
#ifndef FIRMWARE_FDT_H
#define FIRMWARE_FDT_H

#include <argon/machine.h>

/* Bytes of the device tree whose header is at `header`; 0 if it is none. */
size_t fdt_bytes(const void *header);
/* Fill *m, which is zeroed, from a device tree; -EINVAL after a message. */
must_check int fdt_parse_all(struct machine *m, const void *fdt, size_t max);

#endif
