/* SPDX-License-Identifier: MIT */
/*
 * IORT (DEN 0049 E.e): through which SMMU, and to which ITS, the ids of PCI's functions go. Noted for who is to rewrite
 * it for dom0, and for drivers of SMMUs.
 */
#include "parse.h"

#define SMMU_V3_SIZE KIB(128)    /* IHI 0070, 6.1 */

/* The least that a node has of its type, 0: of no interest here. */
static const u32 least[] = { [IORT_ITS_GROUP] = 24, [IORT_ROOT_COMPLEX] = 32, [IORT_SMMU] = 60, [IORT_SMMU_V3] = 60 };

static boot_code u32 spi_or_0(u32 intid)
{
    return intid >= 32 && intid < 1020 ? intid : 0;
}

static boot_code int check_smmu(struct acpi_view *v, const struct acpi_iort_node *n)
{
    if (n->base == 0 || !IS_ALIGNED(n->base, KIB(4)) || n->size == 0 || n->base + n->size < n->base) {
        return acpi_bad(v, n->offset, "SMMU at %#" PRIx64 ", %#" PRIx64 " bytes: not used", n->base, n->size);
    }
    return 0;
}

/* What is behind the node's header. */
static boot_code int read_node(struct acpi_view *v, struct acpi_iort_node *n, u32 size)
{
    u32 off = n->offset, global;

    switch (n->type) {
    case IORT_ITS_GROUP:
        n->id = acpi_u32(v, off + 20);
        return acpi_u32(v, off + 16) != 0 ? 0 : acpi_bad(v, off, "ITS group of no ITS");
    case IORT_ROOT_COMPLEX:
        n->id = acpi_u32(v, off + 28);
        return 0;
    case IORT_SMMU:
        n->base = acpi_u64(v, off + 16);
        n->size = acpi_u64(v, off + 24);
        global = acpi_u32(v, off + 40);
        n->irq[0] = global <= size - 4 ? spi_or_0(acpi_u32(v, off + global)) : 0;
        return check_smmu(v, n);
    default:
        n->base = acpi_u64(v, off + 16);
        n->size = SMMU_V3_SIZE;
        for (u32 i = 0; i < 4; i++) {
            static const u8 at[] = { 44, 48, 52, 56 };

            n->irq[i] = spi_or_0(acpi_u32(v, off + at[i]));
        }
        return check_smmu(v, n);
    }
}

/* All nodes before any mapping: a mapping may lead to one further on. */
static boot_code void note_nodes(struct acpi_view *v)
{
    struct acpi_devices *dev = &acpi_devices;
    struct acpi_node at = { 0 };

    while (acpi_next_node(v, &at)) {
        struct acpi_iort_node n = { .offset = at.off, .type = at.type };

        if (at.type >= ARRAY_SIZE(least) || least[at.type] == 0) {
            continue;
        }
        if (at.size < least[at.type]) {
            (void)acpi_bad(v, at.off, "node of type %u has %u bytes: not used", at.type, at.size);
        } else if (dev->nr_nodes == ACPI_MAX_IORT_NODES) {
            (void)acpi_bad(v, at.off, "more than %u nodes", ACPI_MAX_IORT_NODES);
        } else if (read_node(v, &n, at.size) == 0) {
            dev->node[dev->nr_nodes++] = n;
        }
    }
}

/* Ids go from a root complex to an SMMU or an ITS group, from an SMMU to an ITS group (DEN 0049, 3.1.1.5). */
static boot_code bool leads_on(const struct acpi_iort_node *from, const struct acpi_iort_node *to)
{
    return from->type != IORT_ITS_GROUP && to->type != IORT_ROOT_COMPLEX &&
           (from->type == IORT_ROOT_COMPLEX || to->type == IORT_ITS_GROUP);
}

static boot_code int read_map(struct acpi_view *v, const struct acpi_iort_node *from, const struct acpi_node *at,
                              u32 nth)
{
    struct acpi_mapping m = acpi_mapping(v, at, nth);
    u32 off = at->maps + nth * MAPPING_BYTES;
    struct acpi_devices *dev = &acpi_devices;

    for (u32 i = 0; i < dev->nr_nodes; i++) {
        if (dev->node[i].offset != m.to || !leads_on(from, &dev->node[i])) {
            continue;
        }
        if (m.first + m.more < m.first || m.output + m.more < m.output) {
            return acpi_bad(v, off, "ids from %#x, %#x more, to %#x: they wrap", m.first, m.more, m.output);
        }
        if (dev->nr_maps == ACPI_MAX_ID_MAPS) {
            return acpi_bad(v, off, "more than %u mappings", ACPI_MAX_ID_MAPS);
        }
        dev->map[dev->nr_maps++] = (struct acpi_id_map){
            .first = m.first, .last = m.first + m.more, .output = m.output, .to = (u16)i,
            .single = (m.flags & MAPPING_SINGLE) != 0
        };
        return 0;
    }
    return acpi_bad(v, off, "mapping to offset %#x, where is no node that it may lead to", m.to);
}

/* Of the nodes that were noted, which are in the table's order. */
static boot_code void read_maps(struct acpi_view *v)
{
    struct acpi_devices *dev = &acpi_devices;
    struct acpi_view again = *v;
    struct acpi_node at = { 0 };

    again.quiet = true;
    for (u32 i = 0; i < dev->nr_nodes && acpi_next_node(&again, &at); ) {
        struct acpi_iort_node *n = &dev->node[i];

        if (n->offset != at.off) {
            continue;
        }
        i++;
        n->first_map = dev->nr_maps;
        for (u32 j = 0; j < at.nr_maps; j++) {
            (void)read_map(v, n, &at, j);
        }
        n->nr_maps = dev->nr_maps - n->first_map;
    }
}

boot_code void acpi_parse_iort(const struct acpi_tables *t)
{
    struct acpi_view v;

    if (acpi_view_find(&v, t, "IORT")) {
        note_nodes(&v);
        read_maps(&v);
        acpi_view_close(&v);
    }
}
