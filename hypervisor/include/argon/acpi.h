/* SPDX-License-Identifier: MIT */
/*
 * ACPI's tables (ACPI 6.5): where they are, and struct machine from them. Boot only. Read from firmware's memory a window at a time, and
 * never believed: a length is checked before what it covers is looked at, and what is wrong is named by table and offset.
 */
#ifndef ARGON_ACPI_H
#define ARGON_ACPI_H

#include <argon/machine.h>

#define ACPI_MAX_TABLES 64

/* How firmware's memory is read: map() gives [pa, pa + size), NULL if that cannot be; unmap() takes what map() gave. */
struct firmware_memory {
    const void *(*map)(paddr_t pa, u64 size);
    void (*unmap)(const void *va, u64 size);
};

struct acpi_table {
    char signature[4];
    paddr_t start;
    u32 size;                    /* header included; checked: the whole table can be mapped, and its checksum is right */
};

struct acpi_tables {
    const struct firmware_memory *memory;
    char oem_id[6];              /* RSDP's */
    u32 nr;
    struct acpi_table table[ACPI_MAX_TABLES];    /* in the order of the XSDT (or RSDT), then the FADT's DSDT */
};

/* Find all tables. -EINVAL, with the reason in the log, where RSDP or XSDT cannot be used; a bad table below costs that table. */
must_check int acpi_open(struct acpi_tables *t, const struct firmware_memory *memory, paddr_t rsdp);
/* The n-th table (from 0) with that signature, NULL if none. */
const struct acpi_table *acpi_find(const struct acpi_tables *t, const char signature[4], u32 n);

/*
 * Fill in what ACPI's tables say of CPUs, GIC, timer, PSCI, console, NUMA. RAM, modules and command lines, which they do not know, are
 * there already. -EINVAL, with the reason in the log: this machine cannot be run from its tables.
 */
must_check int acpi_parse_all(struct machine *m, const struct acpi_tables *t);

#endif
