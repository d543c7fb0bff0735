/* SPDX-License-Identifier: MIT */
/* struct machine from a device tree: memory, CPUs, PSCI, and the walk that finds all the rest. */
#include <argon/console.h>
#include <argon/errno.h>
#include <argon/string.h>
#include <libfdt.h>
#include "fdt.h"
#include "parse.h"

#define MPIDR_AFFINITY UINT64_C(0xff00ffffff)
#define PSCI_0_2_CPU_ON_64 0xc4000003u

struct fdt_parse fdt_parse;

boot_code int fdt_bad(const struct fdt_parse *p, const char *what)
{
    char path[DT_MAX_PATH];

    log_err("device tree: %s: %s", dt_path(&p->dt, p->w.off, path), what);
    return -EINVAL;
}

boot_code static int parse_memory(struct fdt_parse *p)
{
    u32 node = fdt_numa_node(p);
    u64 start, size;
    int r = 0;

    if (p->m->efi.system_table != 0) {
        /* UEFI's map counts, which says what firmware keeps for itself; the tree still knows whose node it is. */
        for (u32 i = 0; dt_reg_raw(&p->w, i, &start, &size) == 0; i++) {
            machine_set_node(p->m, start, size, node);
        }
        return 0;
    }
    for (u32 i = 0; r == 0; i++) {
        r = dt_reg_raw(&p->w, i, &start, &size);
        if (r == 0) {
            r = machine_add_bank(p->m, start, size, node);
        }
        if (r == -ENOSPC) {
            log_warn("more than %u RAM banks: the rest is not used", MACHINE_MAX_BANKS);
            return 0;
        }
        if (r != 0 && r != -ENOENT) {
            return fdt_bad(p, "bad reg");
        }
    }
    return r == -ENOENT ? 0 : r;
}

static boot_code int reserve(struct fdt_parse *p, u64 start, u64 size)
{
    int r = machine_add_reserved(p->m, start, size);

    if (r == -ENOSPC) {
        log_err("device tree: more than %u reserved memory ranges", MACHINE_MAX_RESERVED);
        return -EINVAL;
    }
    if (r != 0) {
        log_err("device tree: reserved memory at %#" PRIx64 " wraps", start);
    }
    return r;
}

/*
 * A child of /reserved-memory. Without reg it is a size that an operating system places itself: nothing to keep. With
 * no-map (device tree specification, 3.5.4) nothing of it may be mapped but by the driver it is for.
 */
boot_code static int parse_reserved(struct fdt_parse *p)
{
    bool nomap = dt_get(&p->dt, p->w.off, "no-map").data != NULL;
    u64 start, size;

    for (u32 i = 0;; i++) {
        int r = dt_reg_raw(&p->w, i, &start, &size);

        if (r == -ENOENT) {
            return 0;
        }
        if (r != 0) {
            return fdt_bad(p, "bad reg");
        }
        r = reserve(p, start, size);
        if (r == 0 && nomap && machine_add_nomap(p->m, start, size) != 0) {
            r = fdt_bad(p, "one no-map range too many");
        }
        if (r != 0) {
            return r;
        }
    }
}

static boot_code int parse_memreserve(struct fdt_parse *p)
{
    int n = fdt_num_mem_rsv(p->dt.fdt);

    for (int i = 0; i < n; i++) {
        u64 start, size;
        int r = fdt_get_mem_rsv(p->dt.fdt, i, &start, &size);

        r = r == 0 ? reserve(p, start, size) : -EINVAL;
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

boot_code static int parse_cpu(struct fdt_parse *p)
{
    struct machine *m = p->m;
    struct dt_prop method = dt_get(&p->dt, p->w.off, "enable-method");
    static const char *const psci[] = { "psci", NULL };
    u64 hwid, none;
    u32 node = fdt_numa_node(p);

    if (dt_reg_raw(&p->w, 0, &hwid, &none) != 0 || (hwid & ~MPIDR_AFFINITY) != 0) {
        return fdt_bad(p, "bad reg");
    }
    for (u32 i = 0; i < m->nr_cpus; i++) {
        if (m->cpus[i].hwid == hwid) {
            return fdt_bad(p, "another CPU has the same reg");
        }
    }
    if (m->nr_cpus == NR_CPUS) {
        log_warn("more than %u CPUs: %s is not used", NR_CPUS, dt_node(&p->w)->name);
        return 0;
    }
    m->cpus[m->nr_cpus++] = (struct machine_cpu){ .hwid = hwid, .node = node, .psci = dt_match(&method, psci) != NULL };
    return 0;
}

boot_code static int parse_psci(struct fdt_parse *p)
{
    static const char *const v10[] = { "arm,psci-1.0", NULL }, *const v02[] = { "arm,psci-0.2", NULL };
    struct machine *m = p->m;
    const struct dt_prop *compatible = &dt_node(&p->w)->compatible;
    struct dt_prop prop = dt_get(&p->dt, p->w.off, "method");
    const char *method = dt_string(&prop);

    if (method == NULL || (strcmp(method, "smc") != 0 && strcmp(method, "hvc") != 0)) {
        return fdt_bad(p, "bad method");
    }
    m->psci_smc = strcmp(method, "smc") == 0;
    m->psci_version = dt_match(compatible, v10) != NULL ? 0x10000 : dt_match(compatible, v02) != NULL ? 2 : 1;
    m->psci_cpu_on = PSCI_0_2_CPU_ON_64;
    if (m->psci_version == 1) {
        prop = dt_get(&p->dt, p->w.off, "cpu_on");
        if (!dt_u32(&prop, &m->psci_cpu_on)) {
            return fdt_bad(p, "bad cpu_on");
        }
    }
    return 0;
}

static const char *const gic_v2_names[] = {
    "arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a7-gic", "arm,cortex-a9-gic", "qcom,msm-qgic2", NULL
};
static const char *const gic_v3_names[] = { "arm,gic-v3", NULL };
static const char *const distance_names[] = { "numa-distance-map-v1", NULL };
static const char *const timer_names[] = { "arm,armv8-timer", NULL };
static const char *const psci_names[] = { "arm,psci-1.0", "arm,psci-0.2", "arm,psci", NULL };
static const char *const cpu_type[] = { "cpu", NULL };
static const char *const memory_type[] = { "memory", NULL };

/* By place in the tree: what depends on who the parent is. */
static boot_code int parse_by_place(struct fdt_parse *p)
{
    const struct dt_walk *w = &p->w;
    const struct dt_node *n = dt_node(w);
    const char *top = w->depth > 0 ? w->node[1].name : "";

    if (w->depth == 1 && n->available && dt_match(&n->device_type, memory_type) != NULL) {
        return parse_memory(p);
    }
    if (w->depth == 2 && n->available && strcmp(top, "cpus") == 0 && dt_match(&n->device_type, cpu_type) != NULL) {
        return parse_cpu(p);
    }
    if (w->depth == 2 && n->available && strcmp(top, "reserved-memory") == 0) {
        return parse_reserved(p);
    }
    return 0;
}

static boot_code int parse_by_compatible(struct fdt_parse *p)
{
    const struct dt_node *n = dt_node(&p->w);
    bool want_gic = p->m->gic.version == 0 && n->irq_cells != 0;

    if (want_gic && dt_match(&n->compatible, gic_v3_names) != NULL) {
        return fdt_parse_gic_v3(p);
    }
    if (want_gic && dt_match(&n->compatible, gic_v2_names) != NULL) {
        return fdt_parse_gic_v2(p);
    }
    if (p->dt.role_at[DT_ROLE_TIMER] < 0 && dt_match(&n->compatible, timer_names) != NULL) {
        return fdt_parse_timer(p);
    }
    if (p->m->psci_version == 0 && dt_match(&n->compatible, psci_names) != NULL) {
        return parse_psci(p);
    }
    if (dt_match(&n->compatible, distance_names) != NULL) {
        fdt_parse_distances(p);
    }
    return 0;
}

static boot_code int check_complete(const struct machine *m)
{
    const char *lacks = m->nr_banks == 0 ? "RAM (memory nodes)"
                      : m->nr_cpus == 0 ? "CPUs (/cpus)"
                      : m->gic.version == 0 ? "interrupt controller Argon has a driver for (GICv2 or GICv3)"
                      : m->timer_irq_hyp == 0 ? "generic timer (arm,armv8-timer)" : NULL;

    if (lacks != NULL) {
        log_err("device tree: no usable %s", lacks);
        return -EINVAL;
    }
    return 0;
}

boot_code const struct dt *machine_dt(void)
{
    return fdt_parse.dt.fdt != NULL ? &fdt_parse.dt : NULL;
}

boot_code size_t fdt_bytes(const void *header)
{
    return fdt_magic(header) == FDT_MAGIC ? fdt_totalsize(header) : 0;
}

/* The highest address of the node's registers, memory and bus windows, for the size of guests' address space. */
static boot_code void note_top(struct fdt_parse *p)
{
    u64 start, size;

    for (u32 i = 0; dt_reg(&p->w, i, &start, &size) == 0; i++) {
        p->m->top = MAX(p->m->top, start + size);
    }
    for (u32 i = 0; dt_range(&p->w, i, &start, &size) == 0; i++) {
        p->m->top = MAX(p->m->top, start + size);
    }
}

/* The current node, when only /chosen is looked at. */
static boot_code int parse_chosen_node(struct fdt_parse *p)
{
    struct dt_walk *w = &p->w;

    if (w->depth == 0) {
        return 0;
    }
    if (strcmp(w->node[1].name, "chosen") != 0) {
        p->is_machine |= strcmp(w->node[1].name, "hypervisor") != 0;
        dt_walk_skip(w);
        return 0;
    }
    return w->depth == 1 ? fdt_read_chosen(p) : w->depth <= 3 ? fdt_parse_module(p) : 0;
}

boot_code int fdt_parse_chosen(struct machine *m, const void *fdt, size_t max)
{
    struct fdt_parse *p = &fdt_parse;
    int r;

    memset(p, 0, sizeof(*p));
    p->m = m;
    r = dt_open(&p->dt, fdt, max);
    if (r != 0) {
        return r;
    }
    r = parse_memreserve(p);
    dt_walk_start(&p->w, &p->dt);
    while (r == 0 && dt_walk_next(&p->w)) {
        r = parse_chosen_node(p);
    }
    return r != 0 ? r : fdt_finish_chosen(p);
}

boot_code bool fdt_is_machine(void)
{
    return fdt_parse.is_machine;
}

boot_code int fdt_parse_machine(struct machine *m)
{
    struct fdt_parse *p = &fdt_parse;
    int r = 0;

    p->m = m;
    dt_walk_start(&p->w, &p->dt);
    while (r == 0 && dt_walk_next(&p->w)) {
        note_top(p);
        r = parse_by_place(p);
        if (r == 0 && p->w.depth > 0 && dt_node(&p->w)->available) {
            r = parse_by_compatible(p);
        }
    }
    r = r != 0 ? r : fdt_finish_irqs(p);
    fdt_finish_nodes(p);
    machine_sort_banks(m);
    return r != 0 ? r : check_complete(m);
}
