/* SPDX-License-Identifier: MIT */
/* Opening and walking a device tree. See argon/dt.h. */
#include <argon/console.h>
#include <argon/dt.h>
#include <argon/errno.h>
#include <argon/string.h>
#include <libfdt.h>

/* Properties gathered for each node on the way: one pass over a node's properties serves all readers. */
static const struct {
    const char *name;
    size_t offset;
} gathered[] = {
    { "compatible", offsetof(struct dt_node, compatible) },
    { "device_type", offsetof(struct dt_node, device_type) },
    { "status", offsetof(struct dt_node, status) },
    { "reg", offsetof(struct dt_node, reg) },
    { "ranges", offsetof(struct dt_node, ranges) },
    { "interrupts", offsetof(struct dt_node, interrupts) },
    { "interrupts-extended", offsetof(struct dt_node, interrupts_extended) },
    { "interrupt-map", offsetof(struct dt_node, interrupt_map) },
    { "interrupt-parent", offsetof(struct dt_node, own_irq_parent) },
    { "#address-cells", offsetof(struct dt_node, addr_cells_prop) },
    { "#size-cells", offsetof(struct dt_node, size_cells_prop) },
    { "#interrupt-cells", offsetof(struct dt_node, irq_cells_prop) },
    { "phandle", offsetof(struct dt_node, phandle_prop) },
    { "linux,phandle", offsetof(struct dt_node, phandle_prop) },
};

static boot_code void gather(const void *fdt, struct dt_node *n)
{
    int prop;

    fdt_for_each_property_offset(prop, fdt, n->off) {
        const char *name;
        int len;
        const void *data = fdt_getprop_by_offset(fdt, prop, &name, &len);

        if (data == NULL || len < 0) {
            continue;
        }
        for (size_t i = 0; i < ARRAY_SIZE(gathered); i++) {
            if (name[0] == gathered[i].name[0] && strcmp(name, gathered[i].name) == 0) {
                struct dt_prop *p = (struct dt_prop *)(void *)((char *)n + gathered[i].offset);

                p->data = data;
                p->len = (u32)len;
                break;
            }
        }
    }
}

static boot_code bool status_okay(const struct dt_prop *status)
{
    static const char *const okay[] = { "okay", "ok", NULL };

    return status->data == NULL || dt_match(status, okay) != NULL;
}

/*
 * What children inherit as interrupt parent: a node that takes interrupts itself (controller or nexus) is its
 * children's parent; other nodes pass theirs on.
 */
static boot_code u32 inherited_irq_parent(const struct dt_node *parent)
{
    return parent->irq_cells != 0 ? parent->phandle : parent->irq_parent;
}

static boot_code void read_node(const struct dt *dt, struct dt_node *n, const struct dt_node *parent, int off)
{
    u32 v;

    memset(n, 0, sizeof(*n));
    n->off = off;
    n->name = fdt_get_name(dt->fdt, off, NULL);
    if (n->name == NULL) {
        n->name = "";
    }
    gather(dt->fdt, n);
    n->available = status_okay(&n->status) && (parent == NULL || parent->available);
    n->has_addr_cells = dt_u32(&n->addr_cells_prop, &v);
    n->addr_cells = n->has_addr_cells ? v : 2;
    n->size_cells = dt_u32(&n->size_cells_prop, &v) ? v : 1;
    if (parent != NULL && parent->off == 0 && strcmp(n->name, "chosen") == 0) {
        /* QEMU's guest-loader writes modules in the root's cells and leaves /chosen without its own. */
        n->addr_cells = n->has_addr_cells ? n->addr_cells : parent->addr_cells;
        n->size_cells = n->size_cells_prop.data != NULL ? n->size_cells : parent->size_cells;
    }
    n->irq_cells = dt_u32(&n->irq_cells_prop, &v) ? v : 0;
    n->phandle = dt_u32(&n->phandle_prop, &v) ? v : 0;
    if (dt_u32(&n->own_irq_parent, &v)) {
        n->irq_parent = v;
    } else if (parent != NULL) {
        n->irq_parent = inherited_irq_parent(parent);
    }
}

boot_code void dt_walk_start(struct dt_walk *w, const struct dt *dt)
{
    w->dt = dt;
    w->off = -1;
    w->depth = -1;
    w->skip_below = DT_MAX_DEPTH;
}

boot_code bool dt_walk_next(struct dt_walk *w)
{
    for (;;) {
        int off = fdt_next_node(w->dt->fdt, w->off, &w->depth);

        if (off < 0 || w->depth < 0) {
            return false;
        }
        w->off = off;
        if (w->depth <= w->skip_below && w->depth < DT_MAX_DEPTH) {
            break;
        }
    }
    w->skip_below = DT_MAX_DEPTH;
    read_node(w->dt, &w->node[w->depth], w->depth > 0 ? &w->node[w->depth - 1] : NULL, w->off);
    return true;
}

boot_code void dt_walk_skip(struct dt_walk *w)
{
    w->skip_below = w->depth;
}

boot_code bool dt_walk_to(struct dt_walk *w, const struct dt *dt, int off)
{
    dt_walk_start(w, dt);
    while (dt_walk_next(w)) {
        if (w->off == off) {
            return true;
        }
    }
    return false;
}

/* Cell counts larger than any binding has would make later arithmetic meaningless. */
static boot_code int check_cells(const struct dt_node *n)
{
    static const char *const names[] = { "#address-cells", "#size-cells", "#interrupt-cells" };
    const struct dt_prop *props[] = { &n->addr_cells_prop, &n->size_cells_prop, &n->irq_cells_prop };
    u32 v;

    for (size_t i = 0; i < ARRAY_SIZE(props); i++) {
        if (props[i]->data != NULL && (!dt_u32(props[i], &v) || v > 2 * DT_MAX_CELLS)) {
            log_err("device tree: node %s: bad %s", n->name, names[i]);
            return -EINVAL;
        }
    }
    return 0;
}

static boot_code int note_node(struct dt *dt, const struct dt_node *n)
{
    int r = check_cells(n);

    if (r != 0) {
        return r;
    }
    if (n->phandle != 0xffffffffu && n->phandle > dt->max_phandle) {
        dt->max_phandle = n->phandle;
    }
    if (n->irq_cells != 0 && n->phandle != 0) {
        if (dt->nr_intc == DT_MAX_INTC) {
            log_err("device tree: more than %u interrupt controllers", DT_MAX_INTC);
            return -EINVAL;
        }
        dt->intc[dt->nr_intc++] = (struct dt_intc){
            .phandle = n->phandle, .irq_cells = n->irq_cells, .addr_cells = n->has_addr_cells ? n->addr_cells : 0
        };
    }
    return 0;
}

boot_code int dt_open(struct dt *dt, const void *fdt, size_t max)
{
    int off = -1, depth = -1, r;

    memset(dt, 0, sizeof(*dt));
    if (((uintptr_t)fdt & 7) != 0 || max < sizeof(struct fdt_header)) {
        log_err("device tree: not at an address that is a multiple of 8, or no room for a header");
        return -EINVAL;
    }
    r = fdt_check_full(fdt, max);
    if (r == 0 && fdt_version(fdt) < 0x10) {
        r = -FDT_ERR_BADVERSION;
    }
    if (r != 0) {
        log_err("device tree: %s", fdt_strerror(r));
        return -EINVAL;
    }
    dt->fdt = fdt;
    while ((off = fdt_next_node(fdt, off, &depth)) >= 0 && depth >= 0) {
        struct dt_node n;

        if (depth >= DT_MAX_DEPTH) {
            log_err("device tree: nodes nested deeper than %u", DT_MAX_DEPTH);
            return -EINVAL;
        }
        read_node(dt, &n, NULL, off);
        r = note_node(dt, &n);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}
