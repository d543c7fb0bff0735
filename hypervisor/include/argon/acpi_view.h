/* SPDX-License-Identifier: MIT */
/*
 * A table being read, by the parsers of firmware/acpi and by who makes dom0's. Boot only. Fields are little-endian and
 * at any alignment; what lies behind the table's end reads as 0, as a field does that an older revision lacks, so that
 * no length, checked or not, leads outside.
 */
#ifndef ARGON_ACPI_VIEW_H
#define ARGON_ACPI_VIEW_H

#include <argon/acpi.h>
#include <argon/errno.h>

#define ACPI_HEADER     36       /* bytes of the header that all tables have (5.2.6) */
#define ACPI_REVISION   8
#define ACPI_OEM_ID     10       /* in it: 6 and 8 characters, and a number */
#define ACPI_OEM_TABLE  16
#define ACPI_OEM_REV    24

struct acpi_view {
    const struct firmware_memory *memory;
    const u8 *data;
    u32 size;
    u32 nr_bad;                  /* messages so far */
    bool quiet;                  /* none: all that is wrong has been said when the table was parsed */
    char name[5];                /* the table's, as people know it */
};

/* A window on all of a table, which is of at most a MiB. False, after a message: it cannot be. */
must_check bool acpi_view_open(struct acpi_view *v, const struct acpi_tables *t, const struct acpi_table *table);
/* The same of the first table with that signature. False: there is none, or it cannot be. */
must_check bool acpi_view_find(struct acpi_view *v, const struct acpi_tables *t, const char *signature);
/* To read it again, when it has been parsed. False, without a message, also if it has less than `least` bytes. */
must_check bool acpi_view_again(struct acpi_view *v, const struct acpi_tables *t, const char *signature, u32 least);
void acpi_view_close(struct acpi_view *v);

u8 acpi_u8(const struct acpi_view *v, u32 off);
u16 acpi_u16(const struct acpi_view *v, u32 off);
u32 acpi_u32(const struct acpi_view *v, u32 off);
u64 acpi_u64(const struct acpi_view *v, u32 off);
/* Is the table of that OEM, table id and OEM revision? As for the quirks of some machines. */
bool acpi_is_of(const struct acpi_view *v, const char *oem_id, const char *oem_table, u32 oem_revision);

/* Log "<table>: offset 0x..: <what>", the first few times for a table. Returns -EINVAL. */
printf_like(3, 4) int acpi_bad(struct acpi_view *v, u32 off, const char *fmt, ...);

/* An entry of MADT or SRAT: type and length in its first two bytes. */
struct acpi_entry { u32 off, size; u8 type; };
/*
 * The entry at *pos, which moves behind it. False at the end of the table, or of what can be read of it, after a
 * message.
 */
must_check bool acpi_next_entry(struct acpi_view *v, u32 *pos, struct acpi_entry *e);

/* Entries of a MADT (5.2.12.14 to 5.2.12.18), from MADT_ENTRIES on, and the least that each has to have. */
enum madt_type { MADT_GICC = 11, MADT_GICD = 12, MADT_MSI_FRAME = 13, MADT_GICR = 14, MADT_ITS = 15 };
#define MADT_ENTRIES  44u
#define GICC_MIN      76u        /* of ACPI 5.1; of 6.0 80, of 6.5 82 */
#define GICD_MIN      24u
#define MSI_FRAME_MIN 24u
#define GICR_MIN      16u
#define ITS_MIN       20u
#define GICC_ENABLED  BIT32(0)

/* A node of an IORT (DEN 0049, 3.1.1), by its offset in the table; mappings are in the node. */
#define IORT_MIN      48u        /* bytes before the first node */
#define NODE_HEADER   16u
#define MAPPING_BYTES 20u
#define MAPPING_SINGLE BIT32(0)  /* flag: of the node's own id, whatever comes in */
struct acpi_node { u32 off, size, index, nr_maps, maps; u8 type; };
/*
 * The next node, the first when all of *n is zero. False as acpi_next_entry(). Mappings that are not in their node are
 * none, after a message.
 */
must_check bool acpi_next_node(struct acpi_view *v, struct acpi_node *n);
/* Ids from `first`, `more` after it, become `output` and on, at the node at offset `to`. */
struct acpi_mapping { u32 first, more, output, to, flags; };
struct acpi_mapping acpi_mapping(const struct acpi_view *v, const struct acpi_node *n, u32 i);

#endif
