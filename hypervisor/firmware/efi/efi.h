/* SPDX-License-Identifier: MIT */
/* What UEFI left, as one source of struct machine: called by firmware/machine.c alone. */
#ifndef FIRMWARE_EFI_H
#define FIRMWARE_EFI_H

#include <argon/acpi.h>
#include <argon/machine.h>

/*
 * m->efi is filled: add the RAM of its memory map to m's banks, and find m->rsdp. -EINVAL, after a message: map or
 * system table cannot be used.
 */
must_check int efi_read_machine(struct machine *m, const struct firmware_memory *memory);

#endif
