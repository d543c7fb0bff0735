/* SPDX-License-Identifier: MIT */
/* Which nodes of the host's device tree dom0 gets (docs/design/boot.md has the table). */
#include "dom0.h"
#include <argon/string.h>

/* What Argon drives or replaces itself, and what cannot work in a domain. */
static const char *const dropped[] = {
    "xen,xen", "xen,domain", "xen,multiboot-module", "multiboot,module", "xen,evtchn-v1", "xen,domain-shared-memory-v1",
    "xen,cpupool",
    "arm,psci-1.0", "arm,psci-0.2", "arm,psci",
    "arm,armv8-pmuv3", "arm,cortex-a7-pmu", "arm,cortex-a15-pmu", "arm,cortex-a53-pmu", "arm,cortex-a57-pmu",
    "arm,cortex-a72-pmu", "arm,cortex-a53-edac",
    "arm,armv7-timer-mem",
    "arm,smmu-v1", "arm,smmu-v2", "arm,smmu-v3", "arm,mmu-400", "arm,mmu-401", "arm,mmu-500",
    "numa-distance-map-v1",
    NULL
};
static const char *const memory_type[] = { "memory", NULL };

/*
 * Of copied nodes. Without the IOMMU, devices reach all memory at its own address, which is where dom0's is. dom0's
 * vCPUs and memory are of no NUMA node that it could know.
 */
static const char *const dropped_props[] = {
    "iommus", "iommu-map", "iommu-map-mask", "xen,passthrough", "numa-node-id", NULL
};

/* Private interrupts are the vCPU's own business: a device with one cannot be dom0's. */
static boot_code bool has_private_irq(const struct dt_walk *w)
{
    struct dt_irq_cursor c = { 0 };
    struct dt_irq irq;

    while (dt_next_irq(w, &c, &irq)) {
        if (irq.intid < 32) {
            return true;
        }
    }
    return false;
}

/* A device whose registers UEFI's runtime services use, which the hypervisor calls: two drivers are one too many. */
static boot_code bool is_firmwares(const struct dt_walk *w)
{
    struct machine_range r = { .start = 0 };
    u32 i = 0;

    while (machine.efi.nr_mmio != 0 && dt_reg(w, i++, &r.start, &r.size) == 0) {
        for (u32 j = 0; j < machine.efi.nr_mmio; j++) {
            if (machine_ranges_overlap(&r, &machine.efi.mmio[j])) {
                return true;
            }
        }
    }
    return false;
}

static boot_code enum dom0_node filter_top(const struct dt_node *n)
{
    if (strcmp(n->name, "chosen") == 0) {
        return DOM0_NODE_CHOSEN;
    }
    if (strcmp(n->name, "aliases") == 0) {
        return DOM0_NODE_ALIASES;
    }
    if (strcmp(n->name, "cpus") == 0 || strcmp(n->name, "hypervisor") == 0 || strcmp(n->name, "psci") == 0 ||
        dt_match(&n->device_type, memory_type) != NULL) {
        return DOM0_NODE_DROP;
    }
    return DOM0_NODE_COPY;
}

boot_code enum dom0_node dom0_filter(const struct dt_walk *w)
{
    const struct dt_node *n = dt_node(w);
    enum dom0_node top = w->depth == 1 ? filter_top(n) : DOM0_NODE_COPY;

    if (top != DOM0_NODE_COPY) {
        return top;
    }
    switch (dt_role(w)) {
    case DT_ROLE_GIC:
        return DOM0_NODE_GIC;
    case DT_ROLE_TIMER:
        return DOM0_NODE_TIMER;
    case DT_ROLE_CONSOLE:
        return DOM0_NODE_DROP;
    default:
        break;
    }
    if (dt_match(&n->compatible, dropped) != NULL || n->iommu_cells.data != NULL ||
        is_firmwares(w) || has_private_irq(w)) {
        return DOM0_NODE_DROP;
    }
    return n->passthrough.data != NULL ? DOM0_NODE_PASSTHROUGH : DOM0_NODE_COPY;
}

boot_code bool dom0_filter_prop(const char *name)
{
    for (size_t i = 0; dropped_props[i] != NULL; i++) {
        if (name[0] == dropped_props[i][0] && strcmp(name, dropped_props[i]) == 0) {
            return true;
        }
    }
    return false;
}
