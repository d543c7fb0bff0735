/* SPDX-License-Identifier: MIT */
/* Which NUMA nodes a domain's memory comes from, where the toolstack leaves that to us. */
#include <argon/domain.h>
#include <argon/machine.h>
#include <argon/percpu.h>
#include <argon/vcpu.h>

static u64 nodes_of(const struct cpumask *m)
{
    u64 nodes = 0;

    for_each_cpu(c) {
        nodes |= cpumask_test(m, c) ? BIT(pcpus[c]->node) : 0;
    }
    return nodes;
}

/* No lock: it is a preference, read once for each allocation, and who changes affinities last decides. */
void domain_update_nodes(struct domain *d)
{
    struct cpumask all = { { 0 } };
    u64 nodes;

    if (likely(machine_nr_nodes(&machine) == 1) || !d->auto_node_affinity) {
        return;
    }
    for_each_vcpu(d, v) {
        struct cpumask m = cpumask_and(&v->sched.allowed, &v->sched.soft);

        if (cpumask_empty(&m)) {
            m = v->sched.allowed;
        }
        for (u32 i = 0; i < CPUMASK_WORDS; i++) {
            all.w[i] |= m.w[i];
        }
    }
    nodes = nodes_of(&all);
    WRITE_ONCE(d->node_affinity, nodes == 0 || nodes == nodes_of(&cpus_online) ? UINT64_MAX : nodes);
}
