/* SPDX-License-Identifier: MIT */
/* CPUs and NUMA nodes. NULL arrays ask how many there are. */
#include "sysctl.h"

#include <argon/guest_access.h>
#include <argon/machine.h>
#include <argon/mem.h>
#include <argon/percpu.h>

#define DISTANCE_LOCAL  10       /* as in ACPI's SLIT */
#define DISTANCE_REMOTE 20

int sysctl_cputopoinfo(struct vcpu *v, struct xen_sysctl *op)
{
    struct xen_sysctl_cputopoinfo *t = &op->u.cputopoinfo;
    u64 gva = handle_gva(t->cputopo);
    u32 n = gva != 0 ? MIN(t->num_cpus, nr_cpus) : 0;

    (void)v;
    for (u32 cpu = 0; cpu < n; cpu++) {
        struct xen_sysctl_cputopo c = { .core = cpu, .socket = 0, .node = pcpus[cpu]->node };

        if (copy_to_guest(gva + cpu * sizeof(c), &c, sizeof(c)) != 0) {
            return -EFAULT;
        }
    }
    t->num_cpus = nr_cpus;
    return 0;
}

static int put_meminfo(u64 gva, u32 node)
{
    struct xen_sysctl_meminfo info;
    struct mem_stats s;

    if (gva == 0) {
        return 0;
    }
    mem_node_stats(node, &s);
    info.memsize = s.total << PAGE_SHIFT;
    info.memfree = s.free << PAGE_SHIFT;
    return copy_to_guest(gva + node * sizeof(info), &info, sizeof(info));
}

static int put_distances(u64 gva, u32 node, u32 nr)
{
    for (u32 other = 0; gva != 0 && other < nr; other++) {
        u32 distance = other == node ? DISTANCE_LOCAL : DISTANCE_REMOTE;

        if (copy_to_guest(gva + (node * nr + other) * sizeof(u32), &distance, sizeof(distance)) != 0) {
            return -EFAULT;
        }
    }
    return 0;
}

int sysctl_numainfo(struct vcpu *v, struct xen_sysctl *op)
{
    struct xen_sysctl_numainfo *info = &op->u.numainfo;
    u64 mem = handle_gva(info->meminfo), dist = handle_gva(info->distance);
    u32 nodes = MAX(machine.nr_nodes, 1U);
    u32 n = mem != 0 || dist != 0 ? MIN(info->num_nodes, nodes) : 0;

    (void)v;
    for (u32 node = 0; node < n; node++) {
        if (put_meminfo(mem, node) != 0 || put_distances(dist, node, n) != 0) {
            return -EFAULT;
        }
    }
    info->num_nodes = nodes;
    return 0;
}
