/* SPDX-License-Identifier: MIT */
/* Between the parts of the ACPI parser: each reads one table into struct machine, or into acpi_devices. */
#ifndef ACPI_PARSE_H
#define ACPI_PARSE_H

#include <argon/acpi_view.h>

/* What Argon cannot do without: 0, or -EINVAL after a message. */
must_check int acpi_parse_madt(struct machine *m, const struct acpi_tables *t);
/* NUMA, from SRAT and SLIT: after the MADT. What is wrong costs a message and that entry. */
void acpi_parse_nodes(struct machine *m, const struct acpi_tables *t);
/* MCFG and IORT: what is wrong costs a message and that entry. */
void acpi_parse_mcfg(const struct acpi_tables *t);
void acpi_parse_iort(const struct acpi_tables *t);

#endif
