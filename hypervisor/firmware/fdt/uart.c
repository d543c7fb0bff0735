/* SPDX-License-Identifier: MIT */
/* The console's UART: dtuart= or /chosen/stdout-path, each a path or an alias, possibly with ":115200n8" behind. */
#include <argon/console.h>
#include <argon/errno.h>
#include <argon/string.h>
#include <libfdt.h>
#include "parse.h"

/* Node that `spec` (len bytes) names, or a negative libfdt error. An alias holds a path, never another alias. */
static boot_code int find_node(const void *fdt, const char *spec, size_t len)
{
    const char *colon = memchr(spec, ':', len);
    const char *path;
    int n;

    if (colon != NULL) {
        len = (size_t)(colon - spec);
    }
    if (len == 0 || len >= DT_MAX_PATH) {
        return -FDT_ERR_BADPATH;
    }
    if (spec[0] == '/') {
        return fdt_path_offset_namelen(fdt, spec, (int)len);
    }
    path = fdt_getprop_namelen(fdt, fdt_path_offset(fdt, "/aliases"), spec, (int)len, &n);
    if (path == NULL || n <= 0 || path[0] != '/') {
        return -FDT_ERR_NOTFOUND;
    }
    return fdt_path_offset_namelen(fdt, path, (int)strnlen(path, (size_t)n));
}

static boot_code const char *driver_compatible(const struct dt_prop *compatible)
{
    for (size_t i = 0; uart_drivers[i] != NULL; i++) {
        const char *name = dt_match(compatible, uart_drivers[i]->compatible);

        if (name != NULL) {
            return name;
        }
    }
    return NULL;
}

/* clock-frequency, or that of the fixed clock that is the first of `clocks`; 0 if unknown. */
static boot_code u32 clock_hz(const struct dt *dt, int off)
{
    struct dt_prop prop = dt_get(dt, off, "clock-frequency");
    u32 hz = 0, phandle;

    if (prop.data == NULL) {
        prop = dt_get(dt, off, "clocks");
        off = dt_cell(&prop, 0, &phandle) ? fdt_node_offset_by_phandle(dt->fdt, phandle) : -1;
        if (off < 0) {
            return 0;
        }
        prop = dt_get(dt, off, "clock-frequency");
    }
    return dt_u32(&prop, &hz) ? hz : 0;
}

static boot_code u32 u32_or(const struct dt *dt, int off, const char *name, u32 otherwise)
{
    struct dt_prop prop = dt_get(dt, off, name);
    u32 v;

    return dt_u32(&prop, &v) ? v : otherwise;
}

/* Describe the UART at `off`. -ENODEV after a message if Argon cannot drive it. */
static boot_code int read_uart(struct fdt_parse *p, int off)
{
    struct machine_uart u = { 0 };
    struct dt_irq_cursor c = { 0 };
    struct dt_irq irq;
    const char *compatible;

    if (!dt_walk_to(&p->w, &p->dt, off)) {
        return -ENODEV;
    }
    compatible = driver_compatible(&dt_node(&p->w)->compatible);
    if (compatible == NULL || fdt_get_path(p->dt.fdt, off, u.path, sizeof(u.path)) != 0) {
        log_warn("console: no driver for %s", dt_node(&p->w)->name);
        return -ENODEV;
    }
    if (dt_reg(&p->w, 0, &u.base, &u.size) != 0 || u.size == 0) {
        log_warn("console: bad reg of %s", u.path);
        return -ENODEV;
    }
    str_copy(u.compatible, compatible, sizeof(u.compatible));
    u.irq = dt_next_irq(&p->w, p->m->gic.phandle, &c, &irq) && irq.intid >= 32 ? irq.intid : 0;
    u.reg_shift = MIN(u32_or(&p->dt, off, "reg-shift", 0), 3u);
    u.reg_width = u32_or(&p->dt, off, "reg-io-width", 1);
    u.clock_hz = clock_hz(&p->dt, off);
    p->m->uart = u;
    p->m->has_uart = true;
    return 0;
}

boot_code int machine_find_uart(const char *dtuart)
{
    struct fdt_parse *p = &fdt_parse;
    struct dt_prop out;
    int off, chosen;

    memset(p, 0, sizeof(*p));
    p->m = &machine;
    machine.has_uart = false;
    if (machine.fdt == NULL || dt_open(&p->dt, machine.fdt, fdt_totalsize(machine.fdt)) != 0) {
        return -ENODEV;
    }
    if (dtuart != NULL && dtuart[0] != '\0') {
        off = find_node(machine.fdt, dtuart, strlen(dtuart));
        if (off >= 0 && read_uart(p, off) == 0) {
            return 0;
        }
        log_warn("dtuart=%s: %s; looking at /chosen/stdout-path", dtuart,
                 off < 0 ? "no such device" : "cannot be used");
    }
    chosen = fdt_path_offset(machine.fdt, "/chosen");
    out = dt_get(&p->dt, chosen, "stdout-path");
    if (out.data == NULL) {
        out = dt_get(&p->dt, chosen, "linux,stdout-path");
    }
    if (out.data == NULL) {
        return -ENODEV;
    }
    off = find_node(machine.fdt, (const char *)out.data, strnlen((const char *)out.data, out.len));
    return off >= 0 ? read_uart(p, off) : -ENODEV;
}
