/* SPDX-License-Identifier: MIT */
/*
 * Reading a flattened device tree (Devicetree Specification v0.3), over libfdt. Boot only: firmware/fdt fills `struct
 * machine` with it, and the dom0 builder copies from the host's tree. No input makes these functions crash, recurse or
 * loop without bound: dt_open() checks the tree as a whole, and every length is checked where it is used.
 */
#ifndef ARGON_DT_H
#define ARGON_DT_H

#include <argon/types.h>

#define DT_MAX_DEPTH 16          /* levels of nodes, the root included */
#define DT_MAX_INTC  128         /* nodes with #interrupt-cells */
#define DT_MAX_CELLS 4           /* 32-bit cells of an address or size */
#define DT_MAX_PATH  256

struct dt_prop {
    const u8 *data;              /* big-endian, any alignment; NULL: the node lacks the property */
    u32 len;                     /* bytes */
};

/* A node with #interrupt-cells: what is needed to read interrupt specifiers for it. */
struct dt_intc {
    u32 phandle;
    u32 irq_cells;
    u32 addr_cells;              /* 0 if it has no #address-cells */
};

/* Nodes that Argon drives itself: which they are was decided once, and is asked for here. */
enum dt_role { DT_ROLE_NONE, DT_ROLE_GIC, DT_ROLE_TIMER, DT_ROLE_CONSOLE, DT_NR_ROLES };

struct dt {
    const void *fdt;
    const u8 *tree;              /* structure block */
    const char *strings;
    u32 tree_size, strings_size;
    u32 nr_intc;
    struct dt_intc intc[DT_MAX_INTC];
    u32 max_phandle;             /* highest in use */
    /* Found by firmware/fdt, for who reads the tree after it: */
    int role_at[DT_NR_ROLES];    /* offset of the node that has the role, -1: none */
    u32 gic_phandle;             /* 0: the GIC's node has none, and nothing refers to it */
    char console_path[DT_MAX_PATH];
};

/* One node, with the properties nearly every reader asks for. */
struct dt_node {
    int off;                     /* libfdt's offset of the node */
    u32 props;                   /* where its properties begin: for dt_next_prop() */
    const char *name;            /* with unit address */
    bool available;              /* status of this node and all its ancestors is okay */
    bool has_addr_cells;
    u32 phandle;                 /* 0 = none */
    u32 addr_cells, size_cells;  /* for its children */
    u32 irq_cells;               /* 0: not an interrupt controller or nexus */
    u32 irq_parent;              /* phandle of the parent of its interrupts, inherited or its own; 0 = none */
    struct dt_prop compatible, device_type, status, reg, ranges, interrupts, interrupts_extended, interrupt_map;
    struct dt_prop iommu_cells, passthrough;
    struct dt_prop own_irq_parent, addr_cells_prop, size_cells_prop, irq_cells_prop, phandle_prop;
};

/*
 * A walk over all nodes, parents before children. node[0] is the root, node[depth] the current node, between them its
 * ancestors.
 */
struct dt_walk {
    const struct dt *dt;
    int off, depth;
    u32 pos;                     /* of the next item */
    int level;                   /* of that item's node */
    int skip_below;              /* nodes deeper than this are passed over; DT_MAX_DEPTH = none */
    struct dt_node node[DT_MAX_DEPTH];
};

/*
 * Check the tree at `fdt`, of which `max` bytes are readable, and prepare to read it. It must stay where it is. -EINVAL
 * and a message when it is malformed or not a device tree.
 */
must_check int dt_open(struct dt *dt, const void *fdt, size_t max);

/* Before the root: dt_walk_next() is there first. */
void dt_walk_start(struct dt_walk *w, const struct dt *dt);
/* To the next node; false after the last. */
must_check bool dt_walk_next(struct dt_walk *w);
/* Do not descend into the children of the current node. */
void dt_walk_skip(struct dt_walk *w);
/*
 * Walk to a node: at libfdt offset `off`, with a phandle, or named by an absolute path of len bytes. False if there is
 * none.
 */
must_check bool dt_walk_to(struct dt_walk *w, const struct dt *dt, int off);
must_check bool dt_walk_to_phandle(struct dt_walk *w, const struct dt *dt, u32 phandle);
must_check bool dt_walk_to_path(struct dt_walk *w, const struct dt *dt, const char *path, size_t len);
/* The current node's full path; false, and as much as fits, if it is too long. */
must_check bool dt_full_path(const struct dt_walk *w, char *buf, size_t size);

/* The current node's role. */
enum dt_role dt_role(const struct dt_walk *w);

static inline const struct dt_node *dt_node(const struct dt_walk *w) { return &w->node[w->depth]; }
/* The parent; the root has itself. */
static inline const struct dt_node *dt_parent(const struct dt_walk *w)
{
    return &w->node[w->depth > 0 ? w->depth - 1 : 0];
}

/* ---- properties ---- */
/* All of a node's: *pos begins as its `props`. False after the last. */
must_check bool dt_next_prop(const struct dt *dt, u32 *pos, const char **name, struct dt_prop *p);
/* One by name, {0} if absent. Costs a search: what many readers need is in struct dt_node. */
struct dt_prop dt_get(const struct dt *dt, int off, const char *name);
/* The i-th cell; false if the property is too short. */
must_check bool dt_cell(const struct dt_prop *p, u32 i, u32 *out);
/* A property of exactly one cell. */
must_check bool dt_u32(const struct dt_prop *p, u32 *out);
/* A number of one or two cells (4 or 8 bytes). */
must_check bool dt_number(const struct dt_prop *p, u64 *out);
/* The string the property holds, or NULL if it is not terminated. */
const char *dt_string(const struct dt_prop *p);
/* Is one of `list` (NULL-terminated) among the property's strings? Returns it, or NULL. */
const char *dt_match(const struct dt_prop *p, const char *const *list);
/* Position of `s` among the property's strings, -ENOENT. */
int dt_string_index(const struct dt_prop *p, const char *s);
/* Full path into buf (DT_MAX_PATH bytes), "?" if it does not fit; returns buf. For messages. */
const char *dt_path(const struct dt *dt, int off, char *buf);

/* ---- addresses ---- */
/*
 * Entry idx of the current node's reg as it stands, in the parent's address space. -ENOENT: no such entry; -EINVAL:
 * malformed (length, or the range wraps); -ENXIO: addresses of this bus are not one or two cells.
 */
must_check int dt_reg_raw(const struct dt_walk *w, u32 idx, u64 *addr, u64 *size);
/* The same translated to CPU addresses; -ENXIO also when the CPU cannot reach it (no `ranges` on the way). */
must_check int dt_reg(const struct dt_walk *w, u32 idx, u64 *addr, u64 *size);
/* Entry idx of the current node's own ranges: the CPU addresses of a window (PCI host bridges). Errors as dt_reg(). */
must_check int dt_range(const struct dt_walk *w, u32 idx, u64 *addr, u64 *size);
/* Of a PCI host bridge: is that window memory whose reads have no side effects (PCI bus binding, 2.2.1.1, the p bit)? */
bool dt_range_prefetchable(const struct dt_walk *w, u32 idx);

/* ---- interrupts (GIC binding: type, number, flags) ---- */
struct dt_irq {
    u32 intid;                   /* 16..31 private, 32.. shared */
    bool edge;
};

struct dt_irq_cursor { u32 pos; u32 stage; };

/*
 * The interrupts of the current node that go to the GIC: interrupts or interrupts-extended, then those of an
 * interrupt-map. Start with a zeroed cursor. False when there are no more; malformed rests are passed over.
 */
must_check bool dt_next_irq(const struct dt_walk *w, struct dt_irq_cursor *c, struct dt_irq *out);
/* One specifier of `cells` cells; false if it is none Argon knows. */
must_check bool dt_gic_irq(const u8 *spec, u32 cells, struct dt_irq *out);

#endif
