/* SPDX-License-Identifier: MIT */
/*
 * dom0's IORT (DEN0049E): which device identifiers the ITS sees. SMMUs and their monitors are not dom0's; what is
 * translated by one goes to the ITS behind it, with both steps in one mapping.
 */
#include "dom0_acpi.h"

#include <argon/console.h>

static boot_code void put_mapping(struct area *a, const struct acpi_mapping *m)
{
    u64 at = area_put(a, NULL, MAPPING_BYTES, 1);

    area_set(a, at, m->first, 4);
    area_set(a, at + 4, m->more, 4);
    area_set(a, at + 8, m->output, 4);
    area_set(a, at + 12, m->to, 4);
    area_set(a, at + 16, m->flags, 4);
}

/* The node at that offset, and where it is in dom0's if it is a group: those come first there. False: none. */
static boot_code bool find_node(struct acpi_view *iort, u32 offset, struct acpi_node *n, u32 *group_at)
{
    *n = (struct acpi_node){ 0 };
    *group_at = IORT_MIN;
    while (acpi_next_node(iort, n)) {
        if (n->off == offset) {
            return true;
        }
        *group_at += n->type == IORT_ITS_GROUP ? n->size : 0;
    }
    return false;
}

struct device {                  /* being written */
    struct acpi_view *iort;
    struct area *a;
    u32 nr, max;                 /* mappings: so many, and as many as a node's 16 bits of length have room for */
};

static boot_code void add_mapping(struct device *d, const struct acpi_mapping *m)
{
    if (d->nr < d->max) {
        put_mapping(d->a, m);
        d->nr++;
    }
}

/* What of a node's mapping to an SMMU the SMMU maps to a group. */
static boot_code void add_composed(struct device *d, const struct acpi_mapping *m, const struct acpi_node *smmu)
{
    for (u32 i = 0; i < smmu->nr_maps; i++) {
        struct acpi_mapping s = acpi_mapping(d->iort, smmu, i), c;
        u64 from = MAX(m->output, s.first), to = MIN((u64)m->output + m->more, (u64)s.first + s.more);
        struct acpi_node group;
        u32 group_at;

        if ((s.flags & MAPPING_SINGLE) == 0 && from <= to && find_node(d->iort, s.to, &group, &group_at) &&
            group.type == IORT_ITS_GROUP) {
            c = (struct acpi_mapping){
                .first = m->first + (u32)(from - m->output), .more = (u32)(to - from),
                .output = s.output + (u32)(from - s.first), .to = group_at, .flags = m->flags
            };
            add_mapping(d, &c);
        }
    }
}

/* A root complex or named device: as it was, with new mappings at its end. */
static boot_code void put_device(struct acpi_view *iort, const struct acpi_node *n, struct area *a)
{
    u32 head = n->nr_maps != 0 ? n->maps - n->off : n->size;
    struct device d = { .iort = iort, .a = a, .max = (UINT16_MAX - head) / MAPPING_BYTES };
    u64 at = area_put(a, iort->data + n->off, head, 1);

    for (u32 i = 0; i < n->nr_maps; i++) {
        struct acpi_mapping m = acpi_mapping(iort, n, i);
        struct acpi_node to;
        u32 group_at;

        if (!find_node(iort, m.to, &to, &group_at)) {
            continue;
        }
        if (to.type == IORT_ITS_GROUP) {
            m.to = group_at;
            add_mapping(&d, &m);
        } else if (to.type == IORT_SMMU || to.type == IORT_SMMU_V3) {
            add_composed(&d, &m, &to);
        }
    }
    if (d.nr == d.max && a->buf != NULL) {
        log_warn("ACPI: IORT: the node at offset %u has more than %u mappings", n->off, d.max);
    }
    area_set(a, at + 1, head + d.nr * MAPPING_BYTES, 2);
    area_set(a, at + 8, d.nr, 4);
    area_set(a, at + 12, d.nr != 0 ? head : 0, 4);
}

static boot_code u32 put_nodes(struct acpi_view *iort, bool groups, struct area *a)
{
    struct acpi_node n = { 0 };
    u32 nr = 0;

    while (acpi_next_node(iort, &n)) {
        if (n.type == IORT_ITS_GROUP && groups) {
            (void)area_put(a, iort->data + n.off, n.size, 1);
            nr++;
        } else if ((n.type == IORT_ROOT_COMPLEX || n.type == IORT_NAMED) && !groups) {
            put_device(iort, &n, a);
            nr++;
        }
    }
    return nr;
}

boot_code u64 dom0_acpi_iort(struct acpi_view *iort, struct area *a)
{
    u64 gpa = acpi_begin(a, iort, ACPI_HEADER);
    u32 nr;

    (void)area_put(a, NULL, IORT_MIN - ACPI_HEADER, 1);
    nr = put_nodes(iort, true, a);
    nr += put_nodes(iort, false, a);
    area_set(a, gpa + 36, nr, 4);
    area_set(a, gpa + 40, IORT_MIN, 4);
    acpi_end(a, gpa);
    return gpa;
}
