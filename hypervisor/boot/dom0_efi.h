/* SPDX-License-Identifier: MIT */
/*
 * What a dom0 under UEFI finds of it: an area of its memory with system table, memory map and ACPI's tables. Boot only.
 */
#ifndef BOOT_DOM0_EFI_H
#define BOOT_DOM0_EFI_H

#include "dom0_acpi.h"

struct dom0_efi {
    const struct machine_efi *host;
    const struct firmware_memory *memory;
    const struct dom0_acpi *acpi;        /* NULL: from a device tree */
    const struct machine_range *bank;    /* all of dom0's memory, whole pages, no overlap; NULL where only counted */
    u32 nr_banks;
};

/*
 * Fill the area, which is in one of the banks; *out is where dom0's tree says that all is. Errors as dom0_acpi_build().
 * Whether all fits the area's room, area_fits() says.
 */
must_check int dom0_efi_build(const struct dom0_efi *in, struct area *a, struct machine_efi *out);

#endif
