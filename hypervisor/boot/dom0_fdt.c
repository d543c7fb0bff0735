/* SPDX-License-Identifier: MIT */
/* dom0's device tree: the host's, filtered, with what Argon provides put in. One pass over the host's tree. */
#include "dom0.h"
#include <argon/errno.h>
#include <argon/mem.h>
#include <argon/printf.h>
#include <argon/string.h>
#include <libfdt.h>
#include "build/fdt.h"

struct copier {
    const struct dom0_fdt *in;
    struct fdt_writer out;
    struct dt_walk w;            /* over the host's */
    bool have_chosen;
};

static boot_code bool is_boot_prop(const char *name)
{
    static const char *const beginnings[] = {
        "bootargs", "stdout-path", "linux,stdout-path", "linux,initrd-", "linux,uefi-", "xen,"
    };

    for (size_t i = 0; i < ARRAY_SIZE(beginnings); i++) {
        if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* Does another value take this property's place, or none? */
static boot_code bool leave_out(enum dom0_node kind, const char *name)
{
    if (dom0_filter_prop(name)) {
        return true;
    }
    return kind == DOM0_NODE_CHOSEN ? is_boot_prop(name) : kind == DOM0_NODE_PASSTHROUGH && strcmp(name, "status") == 0;
}

static boot_code void copy_props(struct copier *c, enum dom0_node kind)
{
    u32 pos = dt_node(&c->w)->props;
    const char *name;
    struct dt_prop p;

    while (dt_next_prop(c->in->dt, &pos, &name, &p)) {
        if (!leave_out(kind, name)) {
            fdtw_put(&c->out, name, p.data, p.len);
        }
    }
}

static boot_code void put_boot_props(struct copier *c)
{
    c->have_chosen = true;
    fdtw_boot_props(&c->out, c->in->cmdline, c->in->initrd, c->in->initrd_size);
}

/* Aliases but those of Argon's UART. */
static boot_code void write_aliases(struct copier *c)
{
    const struct dt *dt = c->in->dt;
    u32 pos = dt_node(&c->w)->props;
    const char *name;
    struct dt_prop p;

    while (dt_next_prop(dt, &pos, &name, &p)) {
        const char *path = dt_string(&p);

        if (path != NULL && (dt->role_at[DT_ROLE_CONSOLE] < 0 || strcmp(path, dt->console_path) != 0)) {
            fdtw_prop(&c->out, name, &p);
        }
    }
}

/*
 * reg: the distributor, and the region with the CPU interface (v2) or redistributors (v3), as the host's node has them.
 */
static boot_code void write_gic(struct copier *c)
{
    const struct machine_gic *g = &c->in->m->gic;
    const struct dt_node *n = dt_node(&c->w), *parent = dt_parent(&c->w);
    u32 entry = (parent->addr_cells + parent->size_cells) * 4;
    u32 second = g->version == 3 ? 1 + (u32)(machine_redist(g) - g->redist) : 1;
    u8 reg[2 * 4 * 4];

    if (entry > sizeof(reg) / 2 || n->reg.len < (second + 1) * entry) {
        fdtw_fail(&c->out, -FDT_ERR_BADVALUE);
        return;
    }
    memcpy(reg, n->reg.data, entry);
    memcpy(reg + entry, n->reg.data + (size_t)second * entry, entry);
    fdtw_u32(&c->out, "phandle", c->out.gic_phandle);
    fdtw_prop(&c->out, "#address-cells", &n->addr_cells_prop);
    fdtw_prop(&c->out, "#size-cells", &n->size_cells_prop);
    fdtw_prop(&c->out, "#interrupt-cells", &n->irq_cells_prop);
    fdtw_put(&c->out, "interrupt-controller", NULL, 0);
    fdtw_prop(&c->out, "compatible", &n->compatible);
    if (g->version == 3) {
        fdtw_u32(&c->out, "#redistributor-regions", 1);
    }
    fdtw_put(&c->out, "reg", reg, 2 * entry);
}

/* "<vendor>,erratum-<which>": dom0 reads the counter itself, and needs the same workaround as Argon. */
static boot_code void copy_errata(struct copier *c)
{
    static const char erratum[] = ",erratum-";
    u32 pos = dt_node(&c->w)->props;
    const char *name;
    struct dt_prop p;

    while (dt_next_prop(c->in->dt, &pos, &name, &p)) {
        const char *comma = strchr(name, ',');

        if (comma != NULL && strncmp(comma, erratum, sizeof(erratum) - 1) == 0) {
            fdtw_prop(&c->out, name, &p);
        }
    }
}

static boot_code void write_timer(struct copier *c)
{
    const struct machine *m = c->in->m;
    /* Linux picks by position; where the firmware names no secure timer the slot is filled, and not used. */
    const u32 irqs[] = {
        m->timer_irq_phys_s != 0 ? m->timer_irq_phys_s : m->timer_irq_phys_ns, m->timer_irq_phys_ns, m->timer_irq_virt
    };

    fdtw_prop(&c->out, "phandle", &dt_node(&c->w)->phandle_prop);
    fdtw_string(&c->out, "compatible", "arm,armv8-timer");
    copy_errata(c);
    fdtw_ppis(&c->out, irqs, ARRAY_SIZE(irqs));
    if (m->timer_hz != 0) {
        fdtw_u32(&c->out, "clock-frequency", m->timer_hz);
    }
}

static boot_code void write_node(struct copier *c, enum dom0_node kind)
{
    fdtw_begin(&c->out, dt_node(&c->w)->name);
    switch (kind) {
    case DOM0_NODE_GIC:
        write_gic(c);
        break;
    case DOM0_NODE_TIMER:
        write_timer(c);
        break;
    case DOM0_NODE_CHOSEN:
        copy_props(c, kind);
        put_boot_props(c);
        break;
    case DOM0_NODE_ALIASES:
        write_aliases(c);
        break;
    case DOM0_NODE_PASSTHROUGH:
        copy_props(c, kind);
        fdtw_string(&c->out, "status", "disabled");
        break;
    default:
        copy_props(c, kind);
        break;
    }
}

/* What other nodes refer to a CPU by, and what they find there (thermal zones: cooling maps). */
static boot_code void put_identity(struct copier *c)
{
    const struct dt_node *n = dt_node(&c->w);
    struct dt_prop cooling = dt_get(c->in->dt, n->off, "#cooling-cells");

    fdtw_prop(&c->out, "phandle", &n->phandle_prop);
    fdtw_prop(&c->out, "#cooling-cells", &cooling);
}

/* A node below the host's /cpus that is none of dom0's CPUs: if it can be referred to, something must be there. */
static boot_code void write_holder(struct copier *c)
{
    char name[24];

    if (dt_node(&c->w)->phandle_prop.data != NULL) {
        snprintf(name, sizeof(name), "host-%x", dt_node(&c->w)->phandle);
        fdtw_begin(&c->out, name);
        put_identity(c);
        fdtw_end(&c->out);
    }
}

static boot_code void begin_cpu(struct copier *c, u32 i, const struct dt_prop *compatible)
{
    fdtw_begin_cpu(&c->out, (u32)c->in->mpidr[i]);
    fdtw_prop(&c->out, "compatible", compatible);
}

/* A CPU for each vCPU, as like the host's first one as vCPUs are. The walk is over by now, and may be used again. */
static boot_code void write_cpus(struct copier *c)
{
    static const char *const cpu_type[] = { "cpu", NULL };
    static const char cpus[] = "/cpus";
    struct dt_prop compatible = { 0 };
    struct dt_walk *w = &c->w;
    u32 nr = 0;

    fdtw_begin_cpus(&c->out);
    if (dt_walk_to_path(w, c->in->dt, cpus, sizeof(cpus) - 1)) {
        while (dt_walk_next(w) && w->depth > 1) {
            if (w->depth != 2 || nr == c->in->nr_vcpus || !dt_node(w)->available ||
                dt_match(&dt_node(w)->device_type, cpu_type) == NULL) {
                write_holder(c);
                continue;
            }
            compatible = nr == 0 ? dt_node(w)->compatible : compatible;
            begin_cpu(c, nr++, &compatible);
            put_identity(c);
            fdtw_end(&c->out);
        }
    }
    for (; nr < c->in->nr_vcpus; nr++) {
        begin_cpu(c, nr, &compatible);
        fdtw_end(&c->out);
    }
    fdtw_end(&c->out);
}

static boot_code void write_added(struct copier *c)
{
    const struct dom0_fdt *in = c->in;

    if (!c->have_chosen) {
        fdtw_begin(&c->out, "chosen");
        put_boot_props(c);
        fdtw_end(&c->out);
    }
    fdtw_begin_hypervisor(&c->out, in->spare, in->nr_spare, in->event_ppi);
    fdtw_uefi(&c->out, in->efi);
    fdtw_end(&c->out);
    fdtw_psci(&c->out);
    write_cpus(c);
    fdtw_memory(&c->out, in->bank, in->nr_banks);
}

static boot_code void write_tree(struct copier *c)
{
    struct fdt_writer *out = &c->out;

    dt_walk_start(&c->w, c->in->dt);
    while (out->err == 0 && dt_walk_next(&c->w)) {
        enum dom0_node kind = c->w.depth == 0 ? DOM0_NODE_COPY : dom0_filter(&c->w);

        while (out->open > c->w.depth) {
            fdtw_end(out);
        }
        if (c->w.depth == 0) {
            out->addr_cells = dt_node(&c->w)->addr_cells;
            out->size_cells = dt_node(&c->w)->size_cells;
        }
        if (kind != DOM0_NODE_DROP) {
            write_node(c, kind);
        }
        if (kind == DOM0_NODE_DROP || kind == DOM0_NODE_GIC || kind == DOM0_NODE_TIMER) {
            dt_walk_skip(&c->w);
        }
    }
    while (out->open > 1) {
        fdtw_end(out);
    }
    write_added(c);
    fdtw_end(out);
}

boot_code int dom0_fdt_build(const struct dom0_fdt *in, void *buf, size_t size)
{
    struct copier *c = xzalloc(struct copier);
    int r;

    if (c == NULL) {
        return -ENOMEM;
    }
    c->in = in;
    c->out.gic_phandle = in->dt->gic_phandle != 0 ? in->dt->gic_phandle : in->dt->max_phandle + 1;
    fdtw_start(&c->out, buf, size);
    if (c->out.err == 0) {
        write_tree(c);
    }
    r = fdtw_finish(&c->out, "dom0");
    xfree(c);
    return r;
}
