/* SPDX-License-Identifier: MIT */
/* Property values and addresses of a device tree. See argon/dt.h. */
#include <argon/dt.h>
#include <argon/errno.h>
#include <argon/string.h>
#include <libfdt.h>

/*
 * Entries of one `ranges` that are looked at: firmware has a handful, and a hostile tree must not cost quadratic time.
 */
#define MAX_RANGES 256u

#define PCI_PREFETCHABLE BIT32(30)       /* of a PCI address's first cell */
#define PCI_MEMORY       BIT32(25)

boot_code bool dt_cell(const struct dt_prop *p, u32 i, u32 *out)
{
    if (p->data == NULL || i >= p->len / 4) {
        return false;
    }
    *out = fdt32_ld((const fdt32_t *)(const void *)(p->data + (size_t)i * 4));
    return true;
}

boot_code bool dt_u32(const struct dt_prop *p, u32 *out)
{
    return p->len == 4 && dt_cell(p, 0, out);
}

/* One or two cells at `data` as a number; none is 0. */
static boot_code u64 read_cells(const u8 *data, u32 cells)
{
    u64 v = 0;

    for (u32 i = 0; i < cells; i++) {
        v = v << 32 | fdt32_ld((const fdt32_t *)(const void *)(data + (size_t)i * 4));
    }
    return v;
}

boot_code bool dt_number(const struct dt_prop *p, u64 *out)
{
    if (p->data == NULL || (p->len != 4 && p->len != 8)) {
        return false;
    }
    *out = read_cells(p->data, p->len / 4);
    return true;
}

boot_code const char *dt_string(const struct dt_prop *p)
{
    const char *s = (const char *)p->data;

    return s != NULL && strnlen(s, p->len) < p->len ? s : NULL;
}

/* The string that starts at *pos, which moves past it; NULL at the end or where it is not terminated. */
static boot_code const char *next_string(const struct dt_prop *p, u32 *pos)
{
    const char *s;
    size_t len;

    if (p->data == NULL || *pos >= p->len) {
        return NULL;
    }
    s = (const char *)p->data + *pos;
    len = strnlen(s, p->len - *pos);
    if (len == p->len - *pos) {
        return NULL;
    }
    *pos += (u32)len + 1;
    return s;
}

boot_code const char *dt_match(const struct dt_prop *p, const char *const *list)
{
    u32 pos = 0;
    const char *s;

    while ((s = next_string(p, &pos)) != NULL) {
        for (const char *const *l = list; *l != NULL; l++) {
            if (strcmp(s, *l) == 0) {
                return *l;
            }
        }
    }
    return NULL;
}

boot_code int dt_string_index(const struct dt_prop *p, const char *s)
{
    u32 pos = 0;
    const char *have;

    for (int i = 0; (have = next_string(p, &pos)) != NULL; i++) {
        if (strcmp(have, s) == 0) {
            return i;
        }
    }
    return -ENOENT;
}

boot_code const char *dt_path(const struct dt *dt, int off, char *buf)
{
    if (fdt_get_path(dt->fdt, off, buf, DT_MAX_PATH) != 0) {
        str_copy(buf, "?", DT_MAX_PATH);
    }
    return buf;
}

/* Entry idx of reg-like data: address of ac cells, size of sc cells. */
static boot_code int read_pair(const struct dt_prop *p, u32 idx, u32 ac, u32 sc, u64 *addr, u64 *size)
{
    u32 entry = (ac + sc) * 4;
    const u8 *data;

    if (ac == 0 || ac > 2 || sc > 2) {
        return -ENXIO;
    }
    if (p->data == NULL || p->len == 0) {
        return -ENOENT;
    }
    if (p->len % entry != 0) {
        return -EINVAL;
    }
    if (idx >= p->len / entry) {
        return -ENOENT;
    }
    data = p->data + (size_t)idx * entry;
    *addr = read_cells(data, ac);
    *size = read_cells(data + ac * 4, sc);
    return *addr + *size < *addr ? -EINVAL : 0;
}

boot_code int dt_reg_raw(const struct dt_walk *w, u32 idx, u64 *addr, u64 *size)
{
    const struct dt_node *parent = dt_parent(w);

    return read_pair(&dt_node(w)->reg, idx, parent->addr_cells, parent->size_cells, addr, size);
}

/* Move *addr from the address space below `bus` to the one `bus` is in. */
static boot_code int translate_bus(const struct dt_node *bus, const struct dt_node *above, u64 *addr, u64 size)
{
    u32 ac = bus->addr_cells, pc = above->addr_cells, sc = bus->size_cells;
    u32 entry = (ac + pc + sc) * 4;

    if (bus->ranges.data == NULL) {
        return -ENXIO;
    }
    if (bus->ranges.len == 0) {
        return 0;                /* the same addresses */
    }
    if (ac == 0 || ac > 2 || pc == 0 || pc > 2 || sc == 0 || sc > 2) {
        return -ENXIO;
    }
    if (bus->ranges.len % entry != 0) {
        return -EINVAL;
    }
    for (u32 i = 0; i < MIN(bus->ranges.len / entry, MAX_RANGES); i++) {
        const u8 *r = bus->ranges.data + (size_t)i * entry;
        u64 child = read_cells(r, ac), parent = read_cells(r + ac * 4, pc), len = read_cells(r + (ac + pc) * 4, sc);

        if (*addr >= child && *addr - child < len && size <= len - (*addr - child)) {
            *addr = parent + (*addr - child);
            return *addr + size < *addr || *addr < parent ? -EINVAL : 0;
        }
    }
    return -ENXIO;
}

/* *addr is in the address space of node[level]'s children: to CPU addresses, those of the root's children. */
static boot_code int translate(const struct dt_walk *w, int level, u64 *addr, u64 size)
{
    for (; level > 0; level--) {
        int r = translate_bus(&w->node[level], &w->node[level - 1], addr, size);

        if (r != 0) {
            return r;
        }
    }
    return 0;
}

boot_code int dt_reg(const struct dt_walk *w, u32 idx, u64 *addr, u64 *size)
{
    int r = dt_reg_raw(w, idx, addr, size);

    return r != 0 ? r : translate(w, w->depth - 1, addr, *size);
}

boot_code int dt_range(const struct dt_walk *w, u32 idx, u64 *addr, u64 *size)
{
    const struct dt_node *n = dt_node(w), *parent = dt_parent(w);
    u32 ac = n->addr_cells, pc = parent->addr_cells, sc = n->size_cells;
    u32 entry = (ac + pc + sc) * 4;
    const u8 *r;

    if (w->depth == 0 || ac > 3 || pc == 0 || pc > 2 || sc == 0 || sc > 2) {
        return -ENXIO;
    }
    if (n->ranges.data != NULL && n->ranges.len % entry != 0) {
        return -EINVAL;
    }
    if (n->ranges.data == NULL || idx >= MIN(n->ranges.len / entry, MAX_RANGES)) {
        return -ENOENT;
    }
    r = n->ranges.data + (size_t)idx * entry;
    *addr = read_cells(r + ac * 4, pc);
    *size = read_cells(r + (ac + pc) * 4, sc);
    if (*addr + *size < *addr) {
        return -EINVAL;
    }
    return translate(w, w->depth - 1, addr, *size);
}

boot_code bool dt_range_prefetchable(const struct dt_walk *w, u32 idx)
{
    const struct dt_node *n = dt_node(w);
    u32 entry = n->addr_cells + dt_parent(w)->addr_cells + n->size_cells, hi;

    /* phys.hi: npt000ss ..., with ss 2 and 3 for memory. */
    return n->addr_cells == 3 && dt_cell(&n->ranges, idx * entry, &hi) && (hi & PCI_MEMORY) != 0 &&
           (hi & PCI_PREFETCHABLE) != 0;
}
