/* SPDX-License-Identifier: MIT */
/*
 * dom0's IORT (DEN0049E): which device identifiers the ITS sees. SMMUs and their monitors are not dom0's; what is
 * translated by one goes to the ITS behind it, with both steps in one mapping.
 */
#include "dom0_acpi.h"

#include <argon/console.h>

#define IORT_FIRST  48u          /* bytes before the nodes, as Argon writes it */
#define MAPPING     20u
#define SINGLE      BIT32(0)     /* of a mapping's flags: the node's own identifier, its input means nothing */

struct mapping { u32 input, count, output, reference, flags; };

static boot_code u32 mappings_at(const u8 *node) { return le_u32(node + 12); }
static boot_code u32 nr_mappings(const u8 *node) { return le_u32(node + 8); }

/* In a node of `len` bytes. */
static boot_code bool mappings_fit(const u8 *node, u32 len)
{
    u32 nr = nr_mappings(node), at = mappings_at(node);

    return nr == 0 || (nr <= len / MAPPING && at >= IORT_NODE_BYTES && at <= len - nr * MAPPING);
}

boot_code const u8 *iort_next(const u8 *iort, u32 size, u32 *at)
{
    u32 off = *at, len;
    const u8 *n;

    if (off == 0 && size >= IORT_FIRST) {
        off = *at = le_u32(iort + 40);
    }
    if (off < IORT_FIRST || off >= size || size - off < IORT_NODE_BYTES) {
        return NULL;
    }
    n = iort + off;
    len = le_u16(n + 1);
    if (len < IORT_NODE_BYTES || len > size - off || !mappings_fit(n, len)) {
        return NULL;
    }
    *at = off + len;
    return n;
}

/* Said once, where the table is written. */
static boot_code void check_end(const u8 *iort, u32 size)
{
    u32 at = 0;

    while (iort_next(iort, size, &at) != NULL) {
    }
    if (at != size) {
        log_warn("ACPI: IORT: bad node at offset %u: it and what follows are not in dom0's", at);
    }
}

static boot_code struct mapping get_mapping(const u8 *node, u32 i)
{
    const u8 *p = node + mappings_at(node) + i * MAPPING;

    return (struct mapping){ le_u32(p), le_u32(p + 4), le_u32(p + 8), le_u32(p + 12), le_u32(p + 16) };
}

static boot_code void put_mapping(struct area *a, const struct mapping *m)
{
    u64 at = area_put(a, NULL, MAPPING, 1);

    area_set(a, at, m->input, 4);
    area_set(a, at + 4, m->count, 4);
    area_set(a, at + 8, m->output, 4);
    area_set(a, at + 12, m->reference, 4);
    area_set(a, at + 16, m->flags, 4);
}

/* The node that a mapping refers to; NULL: none is there. */
static boot_code const u8 *node_at(const u8 *iort, u32 size, u32 offset)
{
    u32 at = 0;
    const u8 *n;

    while ((n = iort_next(iort, size, &at)) != NULL && (u32)(n - iort) != offset) {
    }
    return n;
}

/* Groups come first in dom0's: where this one is there. */
static boot_code u32 group_at(const u8 *iort, u32 size, const u8 *group)
{
    u32 at = 0, to = IORT_FIRST;
    const u8 *n;

    while ((n = iort_next(iort, size, &at)) != NULL && n != group) {
        to += n[0] == IORT_ITS_GROUP ? le_u16(n + 1) : 0;
    }
    return to;
}

struct device {                  /* being written */
    const u8 *iort;
    u32 size;
    struct area *a;
    u32 nr, max;                 /* mappings: so many, and as many as a node's 16 bits of length have room for */
};

static boot_code void add_mapping(struct device *d, const struct mapping *m)
{
    if (d->nr < d->max) {
        put_mapping(d->a, m);
        d->nr++;
    }
}

/* What of a node's mapping to an SMMU the SMMU maps to a group. Ranges have count + 1 identifiers. */
static boot_code void add_composed(struct device *d, const struct mapping *m, const u8 *smmu)
{
    for (u32 i = 0; i < nr_mappings(smmu); i++) {
        struct mapping s = get_mapping(smmu, i), c;
        u64 from = MAX(m->output, s.input), to = MIN((u64)m->output + m->count, (u64)s.input + s.count);
        const u8 *group = (s.flags & SINGLE) != 0 || from > to ? NULL : node_at(d->iort, d->size, s.reference);

        if (group != NULL && group[0] == IORT_ITS_GROUP) {
            c = (struct mapping){
                .input = m->input + (u32)(from - m->output), .count = (u32)(to - from),
                .output = s.output + (u32)(from - s.input), .reference = group_at(d->iort, d->size, group),
                .flags = m->flags
            };
            add_mapping(d, &c);
        }
    }
}

/* A root complex or named device: as it was, with new mappings at its end. */
static boot_code void put_device(const u8 *iort, u32 size, const u8 *node, struct area *a)
{
    u32 head = nr_mappings(node) != 0 ? mappings_at(node) : le_u16(node + 1);
    struct device d = { .iort = iort, .size = size, .a = a, .max = (UINT16_MAX - head) / MAPPING };
    u64 at = area_put(a, node, head, 1);

    for (u32 i = 0; i < nr_mappings(node); i++) {
        struct mapping m = get_mapping(node, i);
        const u8 *to = node_at(iort, size, m.reference);

        if (to != NULL && to[0] == IORT_ITS_GROUP) {
            m.reference = group_at(iort, size, to);
            add_mapping(&d, &m);
        } else if (to != NULL && (to[0] == IORT_SMMU || to[0] == IORT_SMMU_V3)) {
            add_composed(&d, &m, to);
        }
    }
    if (d.nr == d.max && a->buf != NULL) {
        log_warn("ACPI: IORT: the node at offset %u has more than %u mappings", (u32)(node - iort), d.max);
    }
    area_set(a, at + 1, head + d.nr * MAPPING, 2);
    area_set(a, at + 8, d.nr, 4);
    area_set(a, at + 12, d.nr != 0 ? head : 0, 4);
}

static boot_code u32 put_nodes(const u8 *iort, u32 size, bool groups, struct area *a)
{
    u32 at = 0, nr = 0;
    const u8 *n;

    while ((n = iort_next(iort, size, &at)) != NULL) {
        if (n[0] == IORT_ITS_GROUP && groups) {
            (void)area_put(a, n, le_u16(n + 1), 1);
            nr++;
        } else if ((n[0] == IORT_ROOT_COMPLEX || n[0] == IORT_NAMED) && !groups) {
            put_device(iort, size, n, a);
            nr++;
        }
    }
    return nr;
}

boot_code u64 dom0_acpi_iort(const u8 *iort, u32 size, struct area *a)
{
    u64 gpa = acpi_begin(a, iort, ACPI_HEADER);
    u32 nr;

    if (a->buf != NULL) {
        check_end(iort, size);
    }
    (void)area_put(a, NULL, IORT_FIRST - ACPI_HEADER, 1);
    nr = put_nodes(iort, size, true, a);
    nr += put_nodes(iort, size, false, a);
    area_set(a, gpa + 36, nr, 4);
    area_set(a, gpa + 40, IORT_FIRST, 4);
    acpi_end(a, gpa);
    return gpa;
}
