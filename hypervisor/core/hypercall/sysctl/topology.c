/* SPDX-License-Identifier: MIT */
/* CPUs and NUMA nodes. NULL arrays ask how many there are. */
#include "sysctl.h"

#include <argon/guest_access.h>
#include <argon/machine.h>
#include <argon/mem.h>
#include <argon/percpu.h>

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

/* Of a number that no node has, neither size nor distance is valid. */
static int put_meminfo(u64 gva, u32 node)
{
    struct xen_sysctl_meminfo info = { .memsize = XEN_INVALID_MEM_SZ, .memfree = XEN_INVALID_MEM_SZ };
    struct mem_stats s;

    if (gva == 0) {
        return 0;
    }
    if (machine_has_node(&machine, node)) {
        mem_node_stats(node, &s);
        info.memsize = s.total << PAGE_SHIFT;
        info.memfree = s.free << PAGE_SHIFT;
    }
    return copy_to_guest(gva + node * sizeof(info), &info, sizeof(info));
}

/* The caller's array has room for n by n, but rows are as long as there are nodes (xen/sysctl.h): what fits. */
static int put_distances(u64 gva, u32 node, u32 n)
{
    u32 nodes = machine_nr_nodes(&machine);

    for (u32 other = 0; gva != 0 && other < nodes && node * nodes + other < n * n; other++) {
        bool valid = machine_has_node(&machine, node) && machine_has_node(&machine, other);
        u32 distance = valid ? machine_distance(&machine, node, other) : XEN_INVALID_NODE_DIST;

        if (copy_to_guest(gva + (node * nodes + other) * sizeof(u32), &distance, sizeof(distance)) != 0) {
            return -EFAULT;
        }
    }
    return 0;
}

int sysctl_numainfo(struct vcpu *v, struct xen_sysctl *op)
{
    struct xen_sysctl_numainfo *info = &op->u.numainfo;
    u64 mem = handle_gva(info->meminfo), dist = handle_gva(info->distance);
    u32 nodes = machine_nr_nodes(&machine);
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
