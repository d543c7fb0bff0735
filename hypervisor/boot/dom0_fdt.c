/* SPDX-License-Identifier: MIT */
/*
 * dom0's device tree: the host's, filtered, with what Argon provides put in. One pass over the host's tree, with
 * libfdt's sequential writer; names of properties are not shared, because looking for them would cost more than all the
 * rest.
 */
#include <argon/boot.h>
#include <argon/console.h>
#include <argon/errno.h>
#include <argon/mem.h>
#include <argon/printf.h>
#include <argon/string.h>
#include <libfdt.h>

#define IRQ_PPI        1
#define IRQ_LEVEL_LOW  0xf08     /* as the toolstack writes it: active-low level; CPU mask of old GICs */

struct writer {
    const struct dom0_fdt *in;
    void *fdt;
    int err;                     /* first libfdt error */
    int open;                    /* nodes begun and not ended */
    bool have_chosen;
    u32 addr_cells, size_cells;  /* of the root */
    u32 gic_phandle;
    struct dt_walk w;
};

static boot_code void check(struct writer *wr, int r)
{
    if (r < 0 && wr->err == 0) {
        wr->err = r;
    }
}

static boot_code void put(struct writer *wr, const char *name, const void *data, u32 len)
{
    check(wr, fdt_property(wr->fdt, name, data, (int)len));
}

static boot_code void put_prop(struct writer *wr, const char *name, const struct dt_prop *p)
{
    if (p->data != NULL) {
        put(wr, name, p->data, p->len);
    }
}

static boot_code void put_u32(struct writer *wr, const char *name, u32 v)
{
    check(wr, fdt_property_u32(wr->fdt, name, v));
}

static boot_code void put_u64(struct writer *wr, const char *name, u64 v)
{
    check(wr, fdt_property_u64(wr->fdt, name, v));
}

static boot_code void put_string(struct writer *wr, const char *name, const char *s)
{
    put(wr, name, s, (u32)strlen(s) + 1);
}

static boot_code void begin(struct writer *wr, const char *name)
{
    check(wr, fdt_begin_node(wr->fdt, name));
    wr->open++;
}

static boot_code void end(struct writer *wr)
{
    check(wr, fdt_end_node(wr->fdt));
    wr->open--;
}

static boot_code u32 add_number(struct writer *wr, fdt32_t *cell, u32 cells, u64 v)
{
    if (cells == 0 || cells > 2 || (cells == 1 && v >> 32 != 0)) {
        check(wr, -FDT_ERR_BADNCELLS);
        return 0;
    }
    if (cells == 2) {
        cell[0] = cpu_to_fdt32((u32)(v >> 32));
    }
    cell[cells - 1] = cpu_to_fdt32((u32)v);
    return cells;
}

/* reg of a child of the root. */
static boot_code void put_reg(struct writer *wr, const struct machine_range *r, u32 nr)
{
    fdt32_t cells[4 * (DOM0_MAX_BANKS + 1)];
    u32 n = 0;

    for (u32 i = 0; i < MIN(nr, DOM0_MAX_BANKS + 1u); i++) {
        n += add_number(wr, &cells[n], wr->addr_cells, r[i].start);
        n += add_number(wr, &cells[n], wr->size_cells, r[i].size);
    }
    put(wr, "reg", cells, n * (u32)sizeof(cells[0]));
}

static boot_code void put_ppis(struct writer *wr, const u32 *intid, u32 nr)
{
    fdt32_t cells[3 * 4];

    for (u32 i = 0; i < nr; i++) {
        cells[3 * i] = cpu_to_fdt32(IRQ_PPI);
        cells[3 * i + 1] = cpu_to_fdt32(intid[i] - 16);
        cells[3 * i + 2] = cpu_to_fdt32(IRQ_LEVEL_LOW);
    }
    put(wr, "interrupts", cells, 3 * nr * (u32)sizeof(cells[0]));
    put_u32(wr, "interrupt-parent", wr->gic_phandle);
}

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

static boot_code void copy_props(struct writer *wr, enum dom0_node kind)
{
    u32 pos = dt_node(&wr->w)->props;
    const char *name;
    struct dt_prop p;

    while (dt_next_prop(wr->in->dt, &pos, &name, &p)) {
        if (!leave_out(kind, name)) {
            put(wr, name, p.data, p.len);
        }
    }
}

static boot_code void put_boot_props(struct writer *wr)
{
    const struct dom0_fdt *in = wr->in;

    wr->have_chosen = true;
    if (in->cmdline[0] != '\0') {
        put_string(wr, "bootargs", in->cmdline);
    }
    if (in->initrd_size != 0) {
        put_u64(wr, "linux,initrd-start", in->initrd);
        put_u64(wr, "linux,initrd-end", in->initrd + in->initrd_size);
    }
}

/* Aliases but those of Argon's UART. */
static boot_code void write_aliases(struct writer *wr)
{
    const struct dt *dt = wr->in->dt;
    u32 pos = dt_node(&wr->w)->props;
    const char *name;
    struct dt_prop p;

    while (dt_next_prop(dt, &pos, &name, &p)) {
        const char *path = dt_string(&p);

        if (path != NULL && (dt->role_at[DT_ROLE_CONSOLE] < 0 || strcmp(path, dt->console_path) != 0)) {
            put_prop(wr, name, &p);
        }
    }
}

/*
 * reg: the distributor, and the region with the CPU interface (v2) or redistributors (v3), as the host's node has them.
 */
static boot_code void write_gic(struct writer *wr)
{
    const struct machine_gic *g = &wr->in->m->gic;
    const struct dt_node *n = dt_node(&wr->w), *parent = dt_parent(&wr->w);
    u32 entry = (parent->addr_cells + parent->size_cells) * 4, second = g->version == 3 ? 1 + (u32)(machine_redist(g) - g->redist) : 1;
    u8 reg[2 * 4 * 4];

    if (entry > sizeof(reg) / 2 || n->reg.len < (second + 1) * entry) {
        check(wr, -FDT_ERR_BADVALUE);
        return;
    }
    memcpy(reg, n->reg.data, entry);
    memcpy(reg + entry, n->reg.data + (size_t)second * entry, entry);
    put_u32(wr, "phandle", wr->gic_phandle);
    put_prop(wr, "#address-cells", &n->addr_cells_prop);
    put_prop(wr, "#size-cells", &n->size_cells_prop);
    put_prop(wr, "#interrupt-cells", &n->irq_cells_prop);
    put(wr, "interrupt-controller", NULL, 0);
    put_prop(wr, "compatible", &n->compatible);
    if (g->version == 3) {
        put_u32(wr, "#redistributor-regions", 1);
    }
    put(wr, "reg", reg, 2 * entry);
}

static boot_code void write_timer(struct writer *wr)
{
    const struct machine *m = wr->in->m;
    /* Linux picks by position; where the firmware names no secure timer the slot is filled, and not used. */
    const u32 irqs[] = {
        m->timer_irq_phys_s != 0 ? m->timer_irq_phys_s : m->timer_irq_phys_ns, m->timer_irq_phys_ns, m->timer_irq_virt
    };

    put_prop(wr, "phandle", &dt_node(&wr->w)->phandle_prop);
    put_string(wr, "compatible", "arm,armv8-timer");
    put_ppis(wr, irqs, ARRAY_SIZE(irqs));
    if (m->timer_hz != 0) {
        put_u32(wr, "clock-frequency", m->timer_hz);
    }
}

static boot_code void write_node(struct writer *wr, enum dom0_node kind)
{
    begin(wr, dt_node(&wr->w)->name);
    switch (kind) {
    case DOM0_NODE_GIC:
        write_gic(wr);
        break;
    case DOM0_NODE_TIMER:
        write_timer(wr);
        break;
    case DOM0_NODE_CHOSEN:
        copy_props(wr, kind);
        put_boot_props(wr);
        break;
    case DOM0_NODE_ALIASES:
        write_aliases(wr);
        break;
    case DOM0_NODE_PASSTHROUGH:
        copy_props(wr, kind);
        put_string(wr, "status", "disabled");
        break;
    default:
        copy_props(wr, kind);
        break;
    }
}

static boot_code void write_hypervisor(struct writer *wr)
{
    static const char compatible[] = "xen,xen-4.17\0xen,xen";

    begin(wr, "hypervisor");
    put(wr, "compatible", compatible, sizeof(compatible));
    put_reg(wr, wr->in->spare, wr->in->nr_spare);
    put_ppis(wr, &wr->in->event_ppi, 1);
    end(wr);
}

static boot_code void write_psci(struct writer *wr)
{
    static const char compatible[] = "arm,psci-1.0\0arm,psci-0.2\0arm,psci";

    begin(wr, "psci");
    put(wr, "compatible", compatible, sizeof(compatible));
    put_string(wr, "method", "hvc");
    put_u32(wr, "cpu_off", 1);   /* PSCI 0.1 numbers; later versions have theirs fixed */
    put_u32(wr, "cpu_on", 2);
    end(wr);
}

/* compatible of the host's first CPU. The walk is over by now, and may be used again. */
static boot_code struct dt_prop cpu_compatible(struct writer *wr)
{
    static const char *const cpu_type[] = { "cpu", NULL };
    static const char cpus[] = "/cpus";
    struct dt_walk *w = &wr->w;

    if (dt_walk_to_path(w, wr->in->dt, cpus, sizeof(cpus) - 1)) {
        while (dt_walk_next(w) && w->depth > 1) {
            if (w->depth == 2 && dt_match(&dt_node(w)->device_type, cpu_type) != NULL) {
                return dt_node(w)->compatible;
            }
        }
    }
    return (struct dt_prop){ 0 };
}

static boot_code void write_cpus(struct writer *wr)
{
    struct dt_prop compatible = cpu_compatible(wr);
    char name[24];

    begin(wr, "cpus");
    put_u32(wr, "#address-cells", 1);
    put_u32(wr, "#size-cells", 0);
    for (u32 i = 0; i < wr->in->nr_vcpus; i++) {
        snprintf(name, sizeof(name), "cpu@%x", (u32)wr->in->mpidr[i]);
        begin(wr, name);
        put_prop(wr, "compatible", &compatible);
        put_string(wr, "device_type", "cpu");
        put_u32(wr, "reg", (u32)wr->in->mpidr[i]);
        put_string(wr, "enable-method", "psci");
        end(wr);
    }
    end(wr);
}

static boot_code void write_memory(struct writer *wr)
{
    char name[32];

    snprintf(name, sizeof(name), "memory@%lx", wr->in->bank[0].start);
    begin(wr, name);
    put_string(wr, "device_type", "memory");
    put_reg(wr, wr->in->bank, wr->in->nr_banks);
    end(wr);
}

static boot_code void write_added(struct writer *wr)
{
    if (!wr->have_chosen) {
        begin(wr, "chosen");
        put_boot_props(wr);
        end(wr);
    }
    write_hypervisor(wr);
    write_psci(wr);
    write_cpus(wr);
    write_memory(wr);
}

static boot_code void write_tree(struct writer *wr)
{
    dt_walk_start(&wr->w, wr->in->dt);
    while (wr->err == 0 && dt_walk_next(&wr->w)) {
        enum dom0_node kind = wr->w.depth == 0 ? DOM0_NODE_COPY : dom0_filter(&wr->w);

        while (wr->open > wr->w.depth) {
            end(wr);
        }
        if (wr->w.depth == 0) {
            wr->addr_cells = dt_node(&wr->w)->addr_cells;
            wr->size_cells = dt_node(&wr->w)->size_cells;
        }
        if (kind != DOM0_NODE_DROP) {
            write_node(wr, kind);
        }
        if (kind == DOM0_NODE_DROP || kind == DOM0_NODE_GIC || kind == DOM0_NODE_TIMER) {
            dt_walk_skip(&wr->w);
        }
    }
    while (wr->open > 1) {
        end(wr);
    }
    write_added(wr);
    end(wr);
}

boot_code int dom0_fdt_build(const struct dom0_fdt *in, void *buf, size_t size)
{
    struct writer *wr = xzalloc(struct writer);
    int r;

    if (wr == NULL) {
        return -ENOMEM;
    }
    wr->in = in;
    wr->fdt = buf;
    wr->gic_phandle = in->dt->gic_phandle != 0 ? in->dt->gic_phandle : in->dt->max_phandle + 1;
    check(wr, fdt_create_with_flags(buf, (int)MIN(size, (size_t)DOM0_FDT_ROOM), FDT_CREATE_FLAG_NO_NAME_DEDUP));
    check(wr, fdt_finish_reservemap(buf));
    if (wr->err == 0) {
        write_tree(wr);
        check(wr, fdt_finish(buf));
    }
    r = wr->err;
    xfree(wr);
    if (r != 0) {
        log_err("dom0's device tree: %s", fdt_strerror(r));
        return r == -FDT_ERR_NOSPACE ? -ENOSPC : -EINVAL;
    }
    return (int)fdt_totalsize(buf);
}
