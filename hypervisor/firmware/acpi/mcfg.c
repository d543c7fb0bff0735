/* SPDX-License-Identifier: MIT */
/* MCFG (PCI Firmware Specification 3.3, 4.1.2): where PCI's configuration space is. */
#include "parse.h"

#define MCFG_ENTRIES 44
#define MCFG_ENTRY   16

static boot_code int parse_ecam(struct acpi_view *v, u32 off)
{
    struct acpi_devices *dev = &acpi_devices;
    struct acpi_ecam ecam = {
        .base = acpi_u64(v, off), .segment = acpi_u16(v, off + 8), .first_bus = acpi_u8(v, off + 10),
        .last_bus = acpi_u8(v, off + 11)
    };

    if (ecam.base == 0 || !IS_ALIGNED(ecam.base, MIB(1)) || ecam.base > UINT64_MAX - MIB(256) ||
        ecam.first_bus > ecam.last_bus) {
        return acpi_bad(v, off, "segment %u, buses %u to %u, at %#" PRIx64 ": not used", ecam.segment, ecam.first_bus,
                        ecam.last_bus, ecam.base);
    }
    for (u32 i = 0; i < dev->nr_ecam; i++) {
        const struct acpi_ecam *e = &dev->ecam[i];

        if (e->segment == ecam.segment && e->first_bus <= ecam.last_bus && ecam.first_bus <= e->last_bus) {
            return acpi_bad(v, off, "segment %u has bus %u twice: not used", ecam.segment, ecam.first_bus);
        }
    }
    if (dev->nr_ecam == ACPI_MAX_ECAM) {
        return acpi_bad(v, off, "more than %u entries", ACPI_MAX_ECAM);
    }
    dev->ecam[dev->nr_ecam++] = ecam;
    return 0;
}

boot_code void acpi_parse_mcfg(const struct acpi_tables *t)
{
    struct acpi_view v;
    u32 off = MCFG_ENTRIES;

    if (!acpi_view_find(&v, t, "MCFG")) {
        return;
    }
    for (; off < v.size && v.size - off >= MCFG_ENTRY; off += MCFG_ENTRY) {
        (void)parse_ecam(&v, off);
    }
    if (off != v.size) {
        (void)acpi_bad(&v, off, "no whole entry");
    }
    acpi_view_close(&v);
}
