/* SPDX-License-Identifier: MIT */
/* dom0's device tree: the host's, filtered, with what Argon provides put in. One pass over the host's tree. */
#include "dom0.h"
#include <argon/errno.h>
#include <argon/mem.h>
#include <argon/printf.h>
#include <argon/string.h>
#include <libfdt.h>
#include "build/fdt.h"

#define MSI_MAP_BYTES 16u

struct copier {
    const struct dom0_fdt *in;
    struct fdt_writer out;
    struct dt_walk w;            /* over the host's */
    struct dt_walk look;         /* ... for another node than the one being written */
    u32 msi_phandle;             /* looked for last (0: none yet), and whether dom0 has it: most maps have but one */
    bool msi_is_there;
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

static boot_code bool is_below_gic(const struct dt_walk *w, const struct dt *dt)
{
    return w->depth > 0 && w->node[w->depth - 1].off == dt->role_at[DT_ROLE_GIC];
}

/* Of the GIC's children dom0 has the translation services that are virtually there for it. */
static boot_code enum dom0_node filter_below_gic(const struct copier *c, const struct dt_walk *w)
{
    static const char *const its[] = { "arm,gic-v3-its", NULL };
    const struct machine_gic *g = &c->in->m->gic;
    u64 base, size;

    if (dt_match(&dt_node(w)->compatible, its) != NULL && dt_reg(w, 0, &base, &size) == 0) {
        for (u32 i = 0; i < g->nr_its; i++) {
            if (base == g->its[i].base) {
                return DOM0_NODE_COPY;
            }
        }
    }
    return DOM0_NODE_DROP;
}

/* ---- what devices send messages to ---- */
/* What takes messages below the GIC is Argon's: only that which dom0 has virtually is there for it. */
static boot_code bool msi_is_there(struct copier *c, u32 phandle)
{
    if (phandle != c->msi_phandle) {
        c->msi_phandle = phandle;
        c->msi_is_there = dt_walk_to_phandle(&c->look, c->in->dt, phandle) &&
                          (!is_below_gic(&c->look, c->in->dt) || filter_below_gic(c, &c->look) == DOM0_NODE_COPY);
    }
    return c->msi_is_there;
}

/* Entries: first requester, phandle, its first device, how many. */
static boot_code void put_msi_map(struct copier *c, const struct dt_prop *p)
{
    u8 *map = xzalloc_bytes(p->len);
    u32 phandle, len = 0;

    if (map == NULL) {
        fdtw_fail(&c->out, -FDT_ERR_NOSPACE);
        return;
    }
    for (u32 at = 0; p->len - at >= MSI_MAP_BYTES; at += MSI_MAP_BYTES) {
        if (dt_cell(p, at / 4 + 1, &phandle) && msi_is_there(c, phandle)) {
            memcpy(map + len, p->data + at, MSI_MAP_BYTES);
            len += MSI_MAP_BYTES;
        }
    }
    if (len != 0) {
        fdtw_put(&c->out, "msi-map", map, len);
    }
    xfree(map);
}

/*
 * A property that says where a device's messages go, without what dom0 does not have: Linux takes the property alone
 * for a promise, and where that is not kept warns with a stack trace. True: it has been dealt with.
 */
static boot_code bool put_msi(struct copier *c, const char *name, const struct dt_prop *p)
{
    u32 phandle;

    if (strcmp(name, "msi-map") == 0) {
        put_msi_map(c, p);
        return true;
    }
    return strcmp(name, "msi-parent") == 0 && !(dt_cell(p, 0, &phandle) && msi_is_there(c, phandle));
}

/* ---- nodes ---- */
static boot_code void copy_props(struct copier *c, enum dom0_node kind)
{
    u32 pos = dt_node(&c->w)->props;
    const char *name;
    struct dt_prop p;

    while (dt_next_prop(c->in->dt, &pos, &name, &p)) {
        if (!leave_out(kind, name) && !put_msi(c, name, &p)) {
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
    struct dt_prop ranges = dt_get(c->in->dt, n->off, "ranges");
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
    if (g->nr_its != 0 && ranges.data != NULL) {
        fdtw_prop(&c->out, "ranges", &ranges);
    }
    fdtw_put(&c->out, "interrupt-controller", NULL, 0);
    fdtw_prop(&c->out, "compatible", &n->compatible);
    if (g->version == 3) {
        fdtw_u32(&c->out, "#redistributor-regions", 1);
    }
    fdtw_put(&c->out, "reg", reg, 2 * entry);
}

static boot_code enum dom0_node filter(const struct copier *c)
{
    if (c->w.depth == 0) {
        return DOM0_NODE_COPY;
    }
    return is_below_gic(&c->w, c->in->dt) ? filter_below_gic(c, &c->w) : dom0_filter(&c->w);
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
        enum dom0_node kind = filter(c);

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
        if (kind == DOM0_NODE_DROP || kind == DOM0_NODE_TIMER) {
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
