/* SPDX-License-Identifier: MIT */
/* What UEFI left (UEFI 2.10): its tables as they are in memory. Boot only. */
#ifndef FIRMWARE_EFI_TABLES_H
#define FIRMWARE_EFI_TABLES_H

#include <argon/acpi.h>
#include <argon/machine.h>

/* EFI_MEMORY_TYPE and attributes (7.2). */
#define EFI_TYPE_RUNTIME_CODE 5u
#define EFI_TYPE_UNUSABLE     8u
#define EFI_TYPE_MMIO         11u
#define EFI_TYPE_MMIO_PORT    12u
#define EFI_ATTR_WC           BIT(1)
#define EFI_ATTR_WT           BIT(2)
#define EFI_ATTR_WB           BIT(3)
#define EFI_ATTR_XP           BIT(14)
#define EFI_ATTR_RO           BIT(17)
#define EFI_ATTR_SP           BIT(18)    /* for a purpose of its own, such as an accelerator's: its driver's */
#define EFI_ATTR_RUNTIME      BIT(63)

#define EFI_MAX_MAP    MIB(1)            /* bytes of a map that is believed; edk2's have some thousand */
#define EFI_MAX_CONFIG 256u              /* configuration tables that are looked at */

struct efi_header { u64 signature; u32 revision, size, crc, reserved; };
struct efi_system_table {                /* 4.3 */
    struct efi_header header;
    u64 vendor;
    u32 vendor_revision, pad;
    u64 console[6];                      /* handles and interfaces of the consoles */
    u64 runtime, boot, nr_tables, tables;
};
struct efi_config_table { u8 guid[16]; u64 address; };
struct efi_descriptor { u32 type, pad; u64 start, virtual_start, pages, attributes; };
static_assert(sizeof(struct efi_system_table) == 120 && sizeof(struct efi_config_table) == 24 &&
              sizeof(struct efi_descriptor) == 40, "4.3, 4.6, 7.2.3");

/* A copy of what is at pa. False: it cannot be read. */
must_check bool efi_read(const struct firmware_memory *memory, paddr_t pa, void *to, u64 size);
/* False: it cannot be read, or is none. Checksums are not looked at, as nobody else does. */
must_check bool efi_read_system_table(const struct machine_efi *efi, const struct firmware_memory *memory,
                                      struct efi_system_table *out);

#endif
