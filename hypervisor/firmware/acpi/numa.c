/* SPDX-License-Identifier: MIT */
/*
 * NUMA: SRAT (ACPI 6.5, 5.2.16) and SLIT (5.2.17). Proximity domains are any numbers; nodes are counted from 0, in the
 * order in which the SRAT has the domains. A machine with nonsense here still has its memory and CPUs: what cannot be
 * believed gets a message, and node 0.
 */
#include <argon/console.h>
#include <argon/string.h>
#include "parse.h"

#define SRAT_ENTRIES 48
enum srat_type { SRAT_MEMORY = 1, SRAT_GICC = 3 };
#define MEMORY_MIN   40
#define SRAT_GICC_MIN     18
#define SRAT_ENABLED BIT32(0)

#define SLIT_COUNT  36
#define SLIT_MATRIX 44

#define MAX_AFFINITIES 128
#define NODE_UNKNOWN   UINT32_MAX

static boot_data u32 domain_of[MACHINE_MAX_NODES];
static boot_data u32 nr_nodes;
static boot_data struct machine_range affinity[MAX_AFFINITIES];
static boot_data u32 nr_affinities;

/* False, after a message: one domain more than there can be nodes. */
static boot_code bool node_of(struct acpi_view *v, u32 off, u32 domain, u32 *node)
{
    for (u32 i = 0; i < nr_nodes; i++) {
        if (domain_of[i] == domain) {
            *node = i;
            return true;
        }
    }
    if (nr_nodes == MACHINE_MAX_NODES) {
        (void)acpi_bad(v, off, "proximity domain %#x: more than %u, taken as node 0", domain, MACHINE_MAX_NODES);
        return false;
    }
    domain_of[nr_nodes] = domain;
    *node = nr_nodes++;
    return true;
}

static boot_code int parse_cpu(struct acpi_view *v, struct machine *m, const struct acpi_entry *e)
{
    u32 uid = acpi_u32(v, e->off + 6), node;

    if (e->size < SRAT_GICC_MIN) {
        return acpi_bad(v, e->off, "GICC affinity of %u bytes", e->size);
    }
    if (!(acpi_u32(v, e->off + 10) & SRAT_ENABLED) || !node_of(v, e->off, acpi_u32(v, e->off + 2), &node)) {
        return 0;
    }
    for (u32 i = 0; i < m->nr_cpus; i++) {
        if (m->cpus[i].acpi_uid == uid) {
            m->cpus[i].node = node;
        }
    }
    return 0;                    /* of a CPU that is not used: no harm */
}

static boot_code int parse_memory(struct acpi_view *v, const struct acpi_entry *e)
{
    struct machine_range r = { .start = acpi_u64(v, e->off + 8), .size = acpi_u64(v, e->off + 16) };

    if (e->size < MEMORY_MIN) {
        return acpi_bad(v, e->off, "memory affinity of %u bytes", e->size);
    }
    if (!(acpi_u32(v, e->off + 28) & SRAT_ENABLED) || r.size == 0) {
        return 0;
    }
    if (r.start + r.size < r.start) {
        return acpi_bad(v, e->off, "memory at %#" PRIx64 ", %#" PRIx64 " bytes, wraps", r.start, r.size);
    }
    if (!node_of(v, e->off, acpi_u32(v, e->off + 2), &r.node)) {
        return -EINVAL;
    }
    for (u32 i = 0; i < nr_affinities; i++) {
        if (machine_ranges_overlap(&r, &affinity[i]) && affinity[i].node != r.node) {
            return acpi_bad(v, e->off, "memory at %#" PRIx64 " is of two proximity domains: of the first", r.start);
        }
    }
    if (nr_affinities == MAX_AFFINITIES) {
        return acpi_bad(v, e->off, "more than %u ranges of memory", MAX_AFFINITIES);
    }
    affinity[nr_affinities++] = r;
    return 0;
}

static boot_code void parse_srat(struct acpi_view *v, struct machine *m)
{
    u32 pos = SRAT_ENTRIES;
    struct acpi_entry e;

    while (acpi_next_entry(v, &pos, &e)) {
        if (e.type == SRAT_GICC) {
            (void)parse_cpu(v, m, &e);
        } else if (e.type == SRAT_MEMORY) {
            (void)parse_memory(v, &e);
        }
    }
}

/* Banks know no nodes yet. */
static boot_code void split_banks(struct machine *m)
{
    u32 nr_unknown = 0;

    for (u32 i = 0; i < m->nr_banks; i++) {
        m->banks[i].node = NODE_UNKNOWN;
    }
    for (u32 i = 0; i < nr_affinities; i++) {
        machine_set_node(m, affinity[i].start, affinity[i].size, affinity[i].node);
    }
    for (u32 i = 0; i < m->nr_banks; i++) {
        if (m->banks[i].node == NODE_UNKNOWN) {
            m->banks[i].node = 0;
            nr_unknown++;
        }
    }
    if (nr_unknown > 0) {
        log_warn("SRAT: %u ranges of RAM are of no proximity domain: taken as node 0", nr_unknown);
    }
    machine_sort_banks(m);
}

static boot_code void parse_slit(struct acpi_view *v, struct machine *m)
{
    u64 n = acpi_u64(v, SLIT_COUNT);

    if (n > UINT16_MAX || v->size < SLIT_MATRIX || v->size - SLIT_MATRIX < n * n) {
        (void)acpi_bad(v, SLIT_COUNT, "%" PRIu64 " localities in %u bytes: not used", n, v->size);
        return;
    }
    for (u32 i = 0; i < nr_nodes * nr_nodes; i++) {
        u32 from = i / nr_nodes, to = i % nr_nodes, off;
        u8 d;

        if (domain_of[from] >= n || domain_of[to] >= n) {
            continue;
        }
        off = SLIT_MATRIX + domain_of[from] * (u32)n + domain_of[to];
        d = acpi_u8(v, off);
        if (from == to ? d == NODE_DISTANCE_LOCAL : d > NODE_DISTANCE_LOCAL) {
            m->distance[from][to] = d;
        } else {
            (void)acpi_bad(v, off, "distance %u from node %u to node %u: not used", d, from, to);
        }
    }
}

boot_code void acpi_parse_nodes(struct machine *m, const struct acpi_tables *t)
{
    struct acpi_view v;

    nr_nodes = nr_affinities = 0;
    if (acpi_view_find(&v, t, "SRAT")) {
        parse_srat(&v, m);
        acpi_view_close(&v);
        split_banks(m);
    }
    if (nr_nodes > 0 && acpi_view_find(&v, t, "SLIT")) {
        parse_slit(&v, m);
        acpi_view_close(&v);
    }
    for (u32 i = 0; i < m->nr_banks; i++) {
        m->nodes |= BIT(m->banks[i].node);
    }
    for (u32 i = 0; i < m->nr_cpus; i++) {
        m->nodes |= BIT(m->cpus[i].node);
    }
}
