/* SPDX-License-Identifier: MIT */
/* Which nodes of the host's device tree dom0 gets (docs/design/boot.md has the table; ABI: device tree). */
#include <argon/boot.h>
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
    NULL
};
static const char *const timers[] = { "arm,armv8-timer", NULL };
static const char *const memory_type[] = { "memory", NULL };

/* Of copied nodes. Without the IOMMU, devices reach all memory at its own address, which is where dom0's is. */
static const char *const dropped_props[] = { "iommus", "iommu-map", "iommu-map-mask", "xen,passthrough", NULL };

static boot_code int find(struct dt_walk *w, const struct dt *dt, const char *path)
{
    return dt_walk_to_path(w, dt, path, strlen(path)) ? w->off : -1;
}

boot_code void dom0_filter_init(struct dom0_filter *f, const struct machine *m, const struct dt *dt, struct dt_walk *w)
{
    f->m = m;
    f->gic_off = find(w, dt, m->gic.path);
    f->uart_off = m->has_uart ? find(w, dt, m->uart.path) : -1;
}

/* Private interrupts are the vCPU's own business: a device with one cannot be dom0's. */
static boot_code bool has_private_irq(const struct dom0_filter *f, const struct dt_walk *w)
{
    struct dt_irq_cursor c = { 0 };
    struct dt_irq irq;

    while (dt_next_irq(w, f->m->gic.phandle, &c, &irq)) {
        if (irq.intid < 32) {
            return true;
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

boot_code enum dom0_node dom0_filter(const struct dom0_filter *f, const struct dt_walk *w)
{
    const struct dt_node *n = dt_node(w);
    enum dom0_node top = w->depth == 1 ? filter_top(n) : DOM0_NODE_COPY;

    if (top != DOM0_NODE_COPY) {
        return top;
    }
    if (n->off == f->gic_off) {
        return DOM0_NODE_GIC;
    }
    if (n->off == f->uart_off || dt_match(&n->compatible, dropped) != NULL) {
        return DOM0_NODE_DROP;
    }
    if (dt_match(&n->compatible, timers) != NULL) {
        return DOM0_NODE_TIMER;
    }
    if (n->iommu_cells.data != NULL || has_private_irq(f, w)) {
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
