/* SPDX-License-Identifier: MIT */
/* The console's UART: dtuart= or /chosen/stdout-path, each a path or an alias, possibly with ":115200n8" behind. */
#include <argon/console.h>
#include <argon/errno.h>
#include <argon/string.h>
#include "fdt.h"
#include "parse.h"

/* Walk to the node that `spec` (len bytes) names. An alias holds a path, never another alias. */
static boot_code bool find_node(struct fdt_parse *p, const char *spec, size_t len)
{
    static const char aliases[] = "/aliases";
    const char *colon = memchr(spec, ':', len);
    char name[64];
    struct dt_prop path;

    if (colon != NULL) {
        len = (size_t)(colon - spec);
    }
    if (len > 0 && spec[0] == '/') {
        return dt_walk_to_path(&p->w, &p->dt, spec, len);
    }
    if (len >= sizeof(name) || !dt_walk_to_path(&p->w, &p->dt, aliases, sizeof(aliases) - 1)) {
        return false;
    }
    memcpy(name, spec, len);
    name[len] = '\0';
    path = dt_get(&p->dt, p->w.off, name);
    return path.data != NULL &&
           dt_walk_to_path(&p->w, &p->dt, (const char *)path.data, strnlen((const char *)path.data, path.len));
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

static boot_code u32 u32_or(const struct fdt_parse *p, const char *name, u32 otherwise)
{
    struct dt_prop prop = dt_get(&p->dt, p->w.off, name);
    u32 v;

    return dt_u32(&prop, &v) ? v : otherwise;
}

/* clock-frequency, or that of the fixed clock that is the first of `clocks`; 0 if unknown. Moves the walk. */
static boot_code u32 clock_hz(struct fdt_parse *p)
{
    struct dt_prop clocks = dt_get(&p->dt, p->w.off, "clocks");
    u32 hz = u32_or(p, "clock-frequency", 0), phandle;

    if (hz == 0 && dt_cell(&clocks, 0, &phandle) && dt_walk_to_phandle(&p->w, &p->dt, phandle)) {
        hz = u32_or(p, "clock-frequency", 0);
    }
    return hz;
}

/*
 * Does an available device other than the console's have this interrupt too? (Raspberry Pi 4: all its PL011s, and the
 * auxiliary UART with two SPI controllers.) Moves the walk.
 */
static boot_code bool irq_is_shared(struct fdt_parse *p, u32 intid)
{
    dt_walk_start(&p->w, &p->dt);
    while (dt_walk_next(&p->w)) {
        struct dt_irq_cursor c = { 0 };
        struct dt_irq irq;

        while (dt_node(&p->w)->available && dt_role(&p->w) != DT_ROLE_CONSOLE && dt_next_irq(&p->w, &c, &irq)) {
            if (irq.intid == intid) {
                log_info("console: interrupt %u is %s's, too: input is polled", intid, dt_node(&p->w)->name);
                return true;
            }
        }
    }
    return false;
}

/* Describe the UART that is the current node. -ENODEV after a message if Argon cannot drive it. */
static boot_code int read_uart(struct fdt_parse *p)
{
    struct machine_uart u = { 0 };
    struct dt_irq_cursor c = { 0 };
    struct dt_irq irq;
    const char *compatible = driver_compatible(&dt_node(&p->w)->compatible);
    int off = p->w.off;

    if (compatible == NULL) {
        log_warn("console: no driver for %s", dt_node(&p->w)->name);
        return -ENODEV;
    }
    if (!dt_full_path(&p->w, p->dt.console_path, sizeof(p->dt.console_path)) ||
        dt_reg(&p->w, 0, &u.base, &u.size) != 0 || u.size == 0) {
        log_warn("console: bad reg of %s, or its path is too long", p->dt.console_path);
        return -ENODEV;
    }
    str_copy(u.name, p->dt.console_path, sizeof(u.name));
    str_copy(u.compatible, compatible, sizeof(u.compatible));
    u.irq = dt_next_irq(&p->w, &c, &irq) && irq.intid >= 32 ? irq.intid : 0;
    u.reg_shift = MIN(u32_or(p, "reg-shift", 0), 3u);
    u.reg_width = u32_or(p, "reg-io-width", 1);
    u.clock_hz = clock_hz(p);
    p->dt.role_at[DT_ROLE_CONSOLE] = off;
    /* A line can have one owner: dom0, which needs it for the others. This UART's own interrupts stay masked then. */
    if (u.irq != 0 && irq_is_shared(p, u.irq)) {
        u.irq = 0;
    }
    p->m->uart = u;
    p->m->has_uart = true;
    return 0;
}

/* dtuart=: -ENODEV, after a message, if it leads to nothing. */
static boot_code int find_given(struct fdt_parse *p, const char *dtuart)
{
    bool found = find_node(p, dtuart, strlen(dtuart));

    if (found && read_uart(p) == 0) {
        return 0;
    }
    log_warn("dtuart=%s: %s; looking at /chosen/stdout-path", dtuart, found ? "cannot be used" : "no such device");
    return -ENODEV;
}

boot_code int fdt_find_uart(struct machine *m, const char *dtuart)
{
    static const char chosen[] = "/chosen";
    struct fdt_parse *p = &fdt_parse;
    struct dt_prop out;

    p->m = m;
    p->dt.role_at[DT_ROLE_CONSOLE] = -1;
    if (machine_dt() == NULL) {
        return -ENODEV;
    }
    if (dtuart != NULL && dtuart[0] != '\0' && find_given(p, dtuart) == 0) {
        return 0;
    }
    if (!dt_walk_to_path(&p->w, &p->dt, chosen, sizeof(chosen) - 1)) {
        return -ENODEV;
    }
    out = dt_get(&p->dt, p->w.off, "stdout-path");
    if (out.data == NULL) {
        out = dt_get(&p->dt, p->w.off, "linux,stdout-path");
    }
    if (out.data == NULL || !find_node(p, (const char *)out.data, strnlen((const char *)out.data, out.len))) {
        return -ENODEV;
    }
    return read_uart(p);
}
