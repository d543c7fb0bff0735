/* SPDX-License-Identifier: MIT */
/* The one description of the machine: firmware/ fills it. */
#include <argon/machine.h>

struct machine machine;

u32 machine_distance(const struct machine *m, u32 from, u32 to)
{
    u32 d = 0;

    if (from < MACHINE_MAX_NODES && to < MACHINE_MAX_NODES) {
        d = m->distance[from][to] != 0 ? m->distance[from][to] : m->distance[to][from];
    }
    return d != 0 ? d : from == to ? NODE_DISTANCE_LOCAL : NODE_DISTANCE_DEFAULT;
}

u32 machine_nodes_near(const struct machine *m, u32 from, u64 nodes, u8 *order)
{
    u32 nr = 0;

    for (u32 n = 0; n < MACHINE_MAX_NODES; n++) {
        u32 i = nr;

        if ((nodes >> n & 1) == 0) {
            continue;
        }
        for (; i > 0 && machine_distance(m, from, order[i - 1]) > machine_distance(m, from, n); i--) {
            order[i] = order[i - 1];
        }
        order[i] = (u8)n;
        nr++;
    }
    return nr;
}

u32 machine_cpu_node(const struct machine *m, u64 hwid)
{
    for (u32 i = 0; i < m->nr_cpus; i++) {
        if (m->cpus[i].hwid == hwid) {
            return m->cpus[i].node;
        }
    }
    return 0;
}
