/* SPDX-License-Identifier: MIT */
/* dom0's ACPI tables, made from the host's (docs/design/dom0-acpi.md). Boot only. */
#ifndef BOOT_DOM0_ACPI_H
#define BOOT_DOM0_ACPI_H

#include <argon/acpi.h>
#include "build/area.h"

struct dom0_devices;

#define ACPI_HEADER 36u          /* bytes of a table's header (ACPI 5.2.6) */

struct dom0_acpi {
    const struct machine *m;
    const struct acpi_tables *host;
    const u64 *mpidr;            /* affinity per vCPU */
    u32 nr_vcpus;
};

/*
 * Put dom0's tables into the area; *rsdp: where their root is. -EINVAL: one that dom0 cannot do without is not there or
 * cannot be read, with the reason in the log.
 */
must_check int dom0_acpi_build(const struct dom0_acpi *in, struct area *a, u64 *rsdp);

/*
 * ---- parts (dom0_acpi_madt.c, dom0_acpi_iort.c): a host's table of `size` bytes, checked, becomes dom0's, from gpa in
 * the area ----
 */
u64 dom0_acpi_madt(const struct dom0_acpi *in, const u8 *madt, u32 size, struct area *a);
u64 dom0_acpi_iort(const u8 *iort, u32 size, struct area *a);

/* A table begins with the host's header; at its end, length and checksum are set. */
u64 acpi_begin(struct area *a, const u8 *header, u32 bytes);
void acpi_end(struct area *a, u64 gpa);

/* ---- numbers of a table, any alignment ---- */
static inline u64 le_get(const u8 *at, u32 n)
{
    u64 v = 0;

    for (u32 i = 0; i < n; i++) {
        v |= (u64)at[i] << (8 * i);
    }
    return v;
}
static inline u16 le_u16(const u8 *at) { return (u16)le_get(at, 2); }
static inline u32 le_u32(const u8 *at) { return (u32)le_get(at, 4); }
static inline u64 le_u64(const u8 *at) { return le_get(at, 8); }

/* ---- walks: structures of a MADT (5.2.12), nodes of an IORT (DEN0049) ---- */
#define MADT_FIRST 44u
#define MADT_GICC  0xb
#define MADT_FRAME 0xd
#define MADT_GICR  0xe
#define MADT_ITS   0xf
#define MADT_GICC_MIN 76u
#define MADT_FRAME_BYTES 24u
#define MADT_GICR_BYTES 16u
#define MADT_ITS_BYTES 20u
#define IORT_NAMED 1             /* and others than enum iort_type's */
#define IORT_PMCG  5
#define IORT_NODE_BYTES 16u

/* The next one: *at begins as 0. NULL: no more, or one whose length cannot be; *at is then where it is. */
const u8 *madt_next(const u8 *madt, u32 size, u32 *at);
const u8 *iort_next(const u8 *iort, u32 size, u32 *at);

/* ---- devices (dom0_acpi_dev.c) ---- */
/*
 * All is dom0's but what the hypervisor, or firmware behind it, needs for itself: AML alone knows what devices there
 * are. nr_irqs: of the GIC. Errors as dom0_find_devices().
 */
must_check int dom0_find_acpi_devices(const struct machine *m, const struct acpi_tables *host, u32 gpaddr_bits,
                                      u32 nr_irqs, struct dom0_devices *out);

#endif
