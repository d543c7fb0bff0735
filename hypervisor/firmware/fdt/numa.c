/* SPDX-License-Identifier: MIT */
/*
 * NUMA nodes and the distances between them (Devicetree binding numa.txt). A machine with nonsense here still has its
 * memory and CPUs: what cannot be believed gets a message and the value that it would have had without being mentioned.
 */
#include <argon/console.h>
#include <argon/machine.h>
#include "parse.h"

static boot_code void numa_warn(const struct fdt_parse *p, const char *what)
{
    char path[DT_MAX_PATH];

    log_warn("device tree: %s: %s", dt_path(&p->dt, p->w.off, path), what);
}

boot_code u32 fdt_numa_node(struct fdt_parse *p)
{
    struct dt_prop prop = dt_get(&p->dt, p->w.off, "numa-node-id");
    u32 node = 0;

    if (prop.data == NULL) {
        p->nr_without_node++;
    } else if (!dt_u32(&prop, &node) || node >= MACHINE_MAX_NODES) {
        numa_warn(p, "bad numa-node-id, taken as 0");
        node = 0;
    } else {
        p->nr_with_node++;
    }
    p->m->nodes |= BIT(node);
    return node;
}

/* Cells: from, to, distance; repeated. */
boot_code void fdt_parse_distances(struct fdt_parse *p)
{
    struct dt_prop prop = dt_get(&p->dt, p->w.off, "distance-matrix");
    u32 from, to, d, i = 0;

    if (prop.data == NULL || prop.len % 12 != 0) {
        numa_warn(p, "bad distance-matrix: not used");
        return;
    }
    for (; dt_cell(&prop, i, &from) && dt_cell(&prop, i + 1, &to) && dt_cell(&prop, i + 2, &d); i += 3) {
        bool sane = from == to ? d == NODE_DISTANCE_LOCAL : d > NODE_DISTANCE_LOCAL && d <= 255;

        if (from < MACHINE_MAX_NODES && to < MACHINE_MAX_NODES && sane) {
            p->m->distance[from][to] = (u8)d;
        } else {
            log_warn("device tree: distance %u from node %u to node %u: not used", d, from, to);
        }
    }
}

boot_code void fdt_finish_nodes(const struct fdt_parse *p)
{
    if (p->nr_with_node > 0 && p->nr_without_node > 0) {
        log_warn("device tree: %u memory nodes and CPUs have no numa-node-id: taken as node 0", p->nr_without_node);
    }
}
