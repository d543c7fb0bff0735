/* SPDX-License-Identifier: MIT */
/*
 * Opening and walking a device tree. See argon/dt.h.
 *
 * libfdt checks the whole tree once (fdt_check_full). After that the structure block is read item by item here: libfdt
 * checks each step anew, which for walks over every property would be half of the time boot takes.
 */
#include <argon/console.h>
#include <argon/dt.h>
#include <argon/errno.h>
#include <argon/panic.h>
#include <argon/printf.h>
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
    { "#iommu-cells", offsetof(struct dt_node, iommu_cells) },
    { "xen,passthrough", offsetof(struct dt_node, passthrough) },
};

static boot_code u32 word_at(const struct dt *dt, u32 pos)
{
    return fdt32_ld((const fdt32_t *)(const void *)(dt->tree + pos));
}

/*
 * The tag at *pos, which moves past the item; *off: where the tag was, behind what was blanked out. FDT_PROP: name and
 * contents in *name and *p; FDT_BEGIN_NODE: name. The tree was found sound; the limits here only keep a mistake from
 * going further.
 */
static boot_code u32 next_item(const struct dt *dt, u32 *pos, u32 *off, const char **name, struct dt_prop *p)
{
    u32 at = *pos, tag = FDT_NOP, left, size;

    while (tag == FDT_NOP && dt->tree_size - at >= 4) {
        *off = at;
        tag = word_at(dt, at);
        at += 4;
    }
    left = dt->tree_size - at;
    switch (tag) {
    case FDT_PROP:
        if (left < 8 || word_at(dt, at) > left - 8 || word_at(dt, at + 4) >= dt->strings_size) {
            return FDT_END;
        }
        p->len = word_at(dt, at);
        p->data = dt->tree + at + 8;
        *name = dt->strings + word_at(dt, at + 4);
        size = 8 + p->len;
        break;
    case FDT_BEGIN_NODE:
        *name = (const char *)dt->tree + at;
        size = (u32)strnlen(*name, left) + 1;
        break;
    default:
        *pos = at;
        return tag;
    }
    *pos = MIN(at + ROUND_UP(size, 4u), dt->tree_size);
    return tag;
}

boot_code bool dt_next_prop(const struct dt *dt, u32 *pos, const char **name, struct dt_prop *p)
{
    u32 next = *pos, off;

    if (next_item(dt, &next, &off, name, p) != FDT_PROP) {
        return false;
    }
    *pos = next;
    return true;
}

/* Returns the position behind the node's properties. */
static boot_code u32 gather(const struct dt *dt, struct dt_node *n)
{
    u32 pos = n->props;
    const char *name;
    struct dt_prop prop;

    while (dt_next_prop(dt, &pos, &name, &prop)) {
        for (size_t i = 0; i < ARRAY_SIZE(gathered); i++) {
            if (name[0] == gathered[i].name[0] && strcmp(name, gathered[i].name) == 0) {
                *(struct dt_prop *)(void *)((char *)n + gathered[i].offset) = prop;
                break;
            }
        }
    }
    return pos;
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

/* The node at `off`, named `name`, whose properties begin at `props`. Returns the position behind them. */
static boot_code u32 read_node(const struct dt *dt, struct dt_node *n, const struct dt_node *parent, u32 off,
                               const char *name, u32 props)
{
    u32 pos, v;

    memset(n, 0, sizeof(*n));
    n->off = (int)off;
    n->name = name;
    n->props = props;
    pos = gather(dt, n);
    n->available = status_okay(&n->status) && (parent == NULL || parent->available);
    n->has_addr_cells = dt_u32(&n->addr_cells_prop, &v);
    /*
     * The specification gives defaults; loaders count on the parent's, as Linux does (QEMU's guest-loader in /chosen).
     */
    n->addr_cells = n->has_addr_cells ? v : parent != NULL ? parent->addr_cells : 2;
    n->size_cells = dt_u32(&n->size_cells_prop, &v) ? v : parent != NULL ? parent->size_cells : 1;
    n->irq_cells = dt_u32(&n->irq_cells_prop, &v) ? v : 0;
    n->phandle = dt_u32(&n->phandle_prop, &v) ? v : 0;
    if (dt_u32(&n->own_irq_parent, &v)) {
        n->irq_parent = v;
    } else if (parent != NULL) {
        n->irq_parent = inherited_irq_parent(parent);
    }
    return pos;
}

boot_code void dt_walk_start(struct dt_walk *w, const struct dt *dt)
{
    w->dt = dt;
    w->off = -1;
    w->pos = 0;
    w->depth = -1;
    w->level = -1;
    w->skip_below = DT_MAX_DEPTH;
}

boot_code bool dt_walk_next(struct dt_walk *w)
{
    for (;;) {
        u32 off = 0;
        const char *name = "";
        struct dt_prop prop;
        u32 tag = next_item(w->dt, &w->pos, &off, &name, &prop);

        if (tag == FDT_END_NODE) {
            if (--w->level < 0) {
                return false;
            }
        } else if (tag == FDT_BEGIN_NODE) {
            w->level++;
            if (w->level <= w->skip_below && w->level < DT_MAX_DEPTH) {
                ASSERT(w->level >= 0 && w->level <= w->depth + 1);       /* its parent is in node[] */
                w->depth = w->level;
                w->off = (int)off;
                w->skip_below = DT_MAX_DEPTH;
                w->pos = read_node(w->dt, &w->node[w->depth], w->depth > 0 ? &w->node[w->depth - 1] : NULL, off, name,
                                   w->pos);
                return true;
            }
        } else if (tag != FDT_PROP) {
            return false;
        }
    }
}

boot_code enum dt_role dt_role(const struct dt_walk *w)
{
    for (enum dt_role r = DT_ROLE_NONE + 1; r < DT_NR_ROLES; r++) {
        if (w->dt->role_at[r] == w->off) {
            return r;
        }
    }
    return DT_ROLE_NONE;
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

boot_code bool dt_walk_to_phandle(struct dt_walk *w, const struct dt *dt, u32 phandle)
{
    dt_walk_start(w, dt);
    while (phandle != 0 && dt_walk_next(w)) {
        if (dt_node(w)->phandle == phandle) {
            return true;
        }
    }
    return false;
}

/* Does a path's component name this node? Without "@..." it names the node whatever its unit address is. */
static boot_code bool component_is(const char *component, size_t len, const char *name)
{
    return strncmp(name, component, len) == 0 &&
           (name[len] == '\0' || (name[len] == '@' && memchr(component, '@', len) == NULL));
}

/* To the child of the current node that the component names. */
static boot_code bool walk_to_child(struct dt_walk *w, const char *component, size_t len)
{
    int depth = w->depth;

    while (dt_walk_next(w) && w->depth > depth) {
        if (component_is(component, len, dt_node(w)->name)) {
            return true;
        }
        dt_walk_skip(w);
    }
    return false;
}

boot_code bool dt_walk_to_path(struct dt_walk *w, const struct dt *dt, const char *path, size_t len)
{
    size_t at = 0, end;

    dt_walk_start(w, dt);
    if (len == 0 || path[0] != '/' || !dt_walk_next(w)) {
        return false;
    }
    for (;; at = end) {
        while (at < len && path[at] == '/') {
            at++;
        }
        if (at == len) {
            return true;
        }
        for (end = at; end < len && path[end] != '/'; end++) {
        }
        if (!walk_to_child(w, path + at, end - at)) {
            return false;
        }
    }
}

boot_code bool dt_full_path(const struct dt_walk *w, char *buf, size_t size)
{
    size_t n = 0;

    buf[0] = '\0';
    for (int i = 1; i <= w->depth && n < size; i++) {
        n += (size_t)snprintf(buf + n, size - n, "/%s", w->node[i].name);
    }
    return n < size;
}

boot_code struct dt_prop dt_get(const struct dt *dt, int off, const char *name)
{
    const char *have;
    struct dt_prop p;
    u32 pos = (u32)off, tag_off;

    if (off >= 0 && pos < dt->tree_size && next_item(dt, &pos, &tag_off, &have, &p) == FDT_BEGIN_NODE) {
        while (dt_next_prop(dt, &pos, &have, &p)) {
            if (strcmp(have, name) == 0) {
                return p;
            }
        }
    }
    return (struct dt_prop){ 0 };
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

static boot_code int check_nodes(struct dt *dt)
{
    int depth = -1;
    u32 pos = 0;

    for (;;) {
        const char *name;
        struct dt_prop prop;
        struct dt_node n;
        u32 off = 0, tag = next_item(dt, &pos, &off, &name, &prop);

        if (tag == FDT_BEGIN_NODE) {
            if (++depth >= DT_MAX_DEPTH) {
                log_err("device tree: nodes nested deeper than %u", DT_MAX_DEPTH);
                return -EINVAL;
            }
            pos = read_node(dt, &n, NULL, off, name, pos);
            if (note_node(dt, &n) != 0) {
                return -EINVAL;
            }
        } else if (tag == FDT_END_NODE) {
            depth--;
        }
        if (depth < 0 || (tag != FDT_BEGIN_NODE && tag != FDT_END_NODE && tag != FDT_PROP)) {
            return 0;
        }
    }
}

boot_code int dt_open(struct dt *dt, const void *fdt, size_t max)
{
    int r;

    memset(dt, 0, sizeof(*dt));
    for (u32 i = 0; i < DT_NR_ROLES; i++) {
        dt->role_at[i] = -1;
    }
    if (((uintptr_t)fdt & 7) != 0 || max < sizeof(struct fdt_header)) {
        log_err("device tree: not at an address that is a multiple of 8, or no room for a header");
        return -EINVAL;
    }
    r = fdt_check_full(fdt, max);
    if (r == 0 && fdt_version(fdt) < 17) {
        r = -FDT_ERR_BADVERSION; /* older ones do not say how large their parts are */
    }
    if (r != 0) {
        log_err("device tree: %s", fdt_strerror(r));
        return -EINVAL;
    }
    dt->fdt = fdt;
    dt->tree = (const u8 *)fdt + fdt_off_dt_struct(fdt);
    dt->tree_size = fdt_size_dt_struct(fdt);
    dt->strings = (const char *)fdt + fdt_off_dt_strings(fdt);
    dt->strings_size = fdt_size_dt_strings(fdt);
    return check_nodes(dt);
}
