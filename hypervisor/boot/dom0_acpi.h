/* SPDX-License-Identifier: MIT */
/* dom0's ACPI tables, made from the host's (docs/design/dom0-acpi.md). Boot only. */
#ifndef BOOT_DOM0_ACPI_H
#define BOOT_DOM0_ACPI_H

#include <argon/acpi_view.h>
#include "build/area.h"

struct dom0_devices;

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

/* ---- parts (dom0_acpi_madt.c, dom0_acpi_iort.c): a host's table becomes dom0's, from gpa in the area ---- */
u64 dom0_acpi_madt(const struct dom0_acpi *in, struct acpi_view *madt, struct area *a);
u64 dom0_acpi_iort(struct acpi_view *iort, struct area *a);

/* A table begins with the first bytes of the host's; at its end, length and checksum are set. */
u64 acpi_begin(struct area *a, const struct acpi_view *host, u32 bytes);
void acpi_end(struct area *a, u64 gpa);

/* ---- devices (dom0_acpi_dev.c) ---- */
/*
 * All is dom0's but what the hypervisor, or firmware behind it, needs for itself: AML alone knows what devices there
 * are. nr_irqs: of the GIC. Errors as dom0_find_devices().
 */
must_check int dom0_find_acpi_devices(const struct machine *m, const struct acpi_tables *host, u32 gpaddr_bits,
                                      u32 nr_irqs, struct dom0_devices *out);

#endif
