/* SPDX-License-Identifier: MIT */
/*
 * ACPI's tables (ACPI 6.5): where they are, and struct machine from them. Boot only. Read from firmware's memory a window at a time, and
 * never believed: a length is checked before what it covers is looked at, and what is wrong is named by table and offset.
 */
#ifndef ARGON_ACPI_H
#define ARGON_ACPI_H

#include <argon/machine.h>

#define ACPI_MAX_TABLES 64

/*
 * How firmware's memory is read: map() gives [pa, pa + size), NULL if that cannot be; unmap() takes what map() gave, the latest first. No
 * window is larger than a MiB.
 */
struct firmware_memory {
    const void *(*map)(paddr_t pa, u64 size);
    void (*unmap)(const void *va, u64 size);
};
/*
 * Does UEFI's memory map say that all of it is memory, not registers and not nothing? A map that is read by mistake, one of an earlier start
 * say, does not even say it of the memory that it is in. `memory` is asked for the map alone.
 */
bool efi_is_memory(const struct machine_efi *efi, const struct firmware_memory *memory, paddr_t pa, u64 size);
/*
 * UEFI's memory map (7.2.3), a descriptor at a time and in the map's order: fn's error ends it. size is cut at the end of addresses.
 * -EINVAL: the map cannot be read, with a message.
 */
struct efi_memory { u32 type; u64 start, size, attributes; };
must_check int efi_each_memory(const struct machine_efi *efi, const struct firmware_memory *memory,
                               int (*fn)(void *arg, const struct efi_memory *d), void *arg);
/*
 * Where UEFI's configuration tables with these GUIDs are (UEFI 2.10, 4.6); 0 for one that is not there. What cannot be read is said in
 * the log, and as if there were none.
 */
void efi_find_tables(const struct machine_efi *efi, const struct firmware_memory *memory, const u8 (*guid)[16], u32 nr, paddr_t *out);

struct acpi_table {
    char signature[4];
    paddr_t start;
    u32 size;                    /* header included; checked: all of it can be mapped, and its checksum is right */
};

struct acpi_tables {
    const struct firmware_memory *memory;
    char oem_id[6];              /* RSDP's */
    u32 nr;
    struct acpi_table table[ACPI_MAX_TABLES];    /* in the order of the XSDT (or RSDT), then the FADT's DSDT */
};
/* Larger ones are not read: they are left out, with a message. */
#define ACPI_MAX_TABLE MIB(16)

/* Find all tables. -EINVAL, with the reason in the log, where RSDP or XSDT cannot be used; a bad table below costs that table. */
must_check int acpi_open(struct acpi_tables *t, const struct firmware_memory *memory, paddr_t rsdp);
/* The n-th table (from 0) with that signature, NULL if none. */
const struct acpi_table *acpi_find(const struct acpi_tables *t, const char signature[4], u32 n);

/* The tables that machine_describe() found, to be read further. NULL: the machine is known by a device tree. */
const struct acpi_tables *machine_acpi(void);
/*
 * Fill in what ACPI's tables say of CPUs, GIC, timer, PSCI and NUMA, and acpi_devices. RAM, modules and command lines, which they do not
 * know, are there already. -EINVAL, with the reason in the log: this machine cannot be run from its tables.
 */
must_check int acpi_parse_all(struct machine *m, const struct acpi_tables *t);
/* The console of SPCR, else of DBG2, into m->uart. -ENODEV: none that has a driver; what there is and cannot be used is in the log. */
must_check int acpi_find_uart(struct machine *m, const struct acpi_tables *t);

/* ---- what Argon does not drive, but must know of ---- */
#define ACPI_MAX_ECAM       64
#define ACPI_MAX_ITS        32
#define ACPI_MAX_MSI_FRAMES 16
#define ACPI_MAX_IORT_NODES 96
#define ACPI_MAX_ID_MAPS    256

/* MCFG (PCI Firmware Specification 3.3, 4.1.2): the configuration space of a segment's buses; base is that of bus 0. */
struct acpi_ecam { paddr_t base; u16 segment; u8 first_bus, last_bus; };
/* MADT, 5.2.12.18: an interrupt translation service, by the number that the IORT has for it. */
struct acpi_its { paddr_t base; u32 id; };
/* MADT, 5.2.12.16: a GICv2m frame. nr_spis 0: the frame's own register says which, and how many. */
struct acpi_msi_frame { paddr_t base; u32 id; u16 first_spi, nr_spis; };

/* IORT (DEN 0049), node types. */
enum iort_type {
    IORT_ITS_GROUP = 0, IORT_NAMED = 1, IORT_ROOT_COMPLEX = 2, IORT_SMMU = 3, IORT_SMMU_V3 = 4, IORT_PMCG = 5
};
struct acpi_iort_node {
    u32 offset;                  /* in the IORT */
    enum iort_type type;
    u32 id;                      /* root complex: segment; ITS group: id of its first ITS */
    paddr_t base, size;          /* SMMU: its registers */
    u32 irq[4];                  /* SMMUv3: event, PRI, error, sync (INTIDs, 0: none); SMMU: the first global one */
    u32 first_map, nr_maps;      /* of acpi_devices.map[] */
};
/* Ids from `first` to `last` are `output` and on at node[to]; `single`: of the node itself, whatever comes in. */
struct acpi_id_map { u32 first, last, output; u16 to; bool single; };

struct acpi_devices {
    u32 nr_ecam, nr_its, nr_msi_frames, nr_nodes, nr_maps;
    struct acpi_ecam ecam[ACPI_MAX_ECAM];
    struct acpi_its its[ACPI_MAX_ITS];
    struct acpi_msi_frame msi_frame[ACPI_MAX_MSI_FRAMES];
    struct acpi_iort_node node[ACPI_MAX_IORT_NODES];
    struct acpi_id_map map[ACPI_MAX_ID_MAPS];
};
extern struct acpi_devices acpi_devices;         /* filled by acpi_parse_all(); constant after it */

#endif
