/* SPDX-License-Identifier: MIT */
/* A domain's device tree: writer, and the nodes that Argon gives every domain. See fdt.h; docs/design/boot.md. */
#include "fdt.h"

#include <argon/build.h>
#include <argon/console.h>
#include <argon/errno.h>
#include <argon/panic.h>
#include <argon/printf.h>
#include <argon/string.h>
#include <libfdt.h>

#define IRQ_PPI        1
#define IRQ_LEVEL_LOW  0xf08     /* as the toolstack writes it: active-low level; CPU mask of old GICs */
#define MAX_PPIS       4u

static boot_code void check(struct fdt_writer *w, int r)
{
    if (r < 0 && w->err == 0) {
        w->err = r;
    }
}

boot_code void fdtw_fail(struct fdt_writer *w, int err)
{
    check(w, err);
}

boot_code void fdtw_start(struct fdt_writer *w, void *buf, size_t size)
{
    w->fdt = buf;
    check(w, fdt_create_with_flags(buf, (int)MIN(size, (size_t)BUILD_FDT_ROOM), FDT_CREATE_FLAG_NO_NAME_DEDUP));
    check(w, fdt_finish_reservemap(buf));
}

boot_code int fdtw_finish(struct fdt_writer *w, const char *whose)
{
    ASSERT(w->err != 0 || w->open == 0);
    if (w->err == 0) {
        check(w, fdt_finish(w->fdt));
    }
    if (w->err != 0) {
        log_err("%s's device tree: %s", whose, fdt_strerror(w->err));
        return w->err == -FDT_ERR_NOSPACE ? -ENOSPC : -EINVAL;
    }
    return (int)fdt_totalsize(w->fdt);
}

boot_code void fdtw_put(struct fdt_writer *w, const char *name, const void *data, u32 len)
{
    check(w, fdt_property(w->fdt, name, data, (int)len));
}

boot_code void fdtw_prop(struct fdt_writer *w, const char *name, const struct dt_prop *p)
{
    if (p->data != NULL) {
        fdtw_put(w, name, p->data, p->len);
    }
}

boot_code void fdtw_u32(struct fdt_writer *w, const char *name, u32 v)
{
    check(w, fdt_property_u32(w->fdt, name, v));
}

boot_code void fdtw_string(struct fdt_writer *w, const char *name, const char *s)
{
    fdtw_put(w, name, s, (u32)strlen(s) + 1);
}

boot_code void fdtw_begin(struct fdt_writer *w, const char *name)
{
    check(w, fdt_begin_node(w->fdt, name));
    w->open++;
}

boot_code void fdtw_end(struct fdt_writer *w)
{
    ASSERT(w->err != 0 || w->open > 0);
    check(w, fdt_end_node(w->fdt));
    w->open--;
}

static boot_code u32 add_number(struct fdt_writer *w, fdt32_t *cell, u32 cells, u64 v)
{
    if (cells == 0 || cells > 2 || (cells == 1 && v >> 32 != 0)) {
        check(w, -FDT_ERR_BADNCELLS);
        return 0;
    }
    if (cells == 2) {
        cell[0] = cpu_to_fdt32((u32)(v >> 32));
    }
    cell[cells - 1] = cpu_to_fdt32((u32)v);
    return cells;
}

/* reg of a child of the root. */
boot_code static void fdtw_reg(struct fdt_writer *w, const struct machine_range *r, u32 nr)
{
    fdt32_t cells[4 * (BUILD_MAX_BANKS + 1)];
    u32 n = 0;

    for (u32 i = 0; i < MIN(nr, BUILD_MAX_BANKS + 1u); i++) {
        n += add_number(w, &cells[n], w->addr_cells, r[i].start);
        n += add_number(w, &cells[n], w->size_cells, r[i].size);
    }
    fdtw_put(w, "reg", cells, n * (u32)sizeof(cells[0]));
}

boot_code void fdtw_ppis(struct fdt_writer *w, const u32 *intid, u32 nr)
{
    fdt32_t cells[3 * MAX_PPIS];

    ASSERT(nr <= MAX_PPIS);
    for (u32 i = 0; i < nr; i++) {
        cells[3 * i] = cpu_to_fdt32(IRQ_PPI);
        cells[3 * i + 1] = cpu_to_fdt32(intid[i] - 16);
        cells[3 * i + 2] = cpu_to_fdt32(IRQ_LEVEL_LOW);
    }
    fdtw_put(w, "interrupts", cells, 3 * nr * (u32)sizeof(cells[0]));
    fdtw_u32(w, "interrupt-parent", w->gic_phandle);
}

boot_code void fdtw_boot_props(struct fdt_writer *w, const char *cmdline, u64 initrd, u64 initrd_size)
{
    if (cmdline[0] != '\0') {
        fdtw_string(w, "bootargs", cmdline);
    }
    if (initrd_size != 0) {
        check(w, fdt_property_u64(w->fdt, "linux,initrd-start", initrd));
        check(w, fdt_property_u64(w->fdt, "linux,initrd-end", initrd + initrd_size));
    }
}

boot_code void fdtw_begin_hypervisor(struct fdt_writer *w, const struct machine_range *regions, u32 nr, u32 event_ppi)
{
    static const char compatible[] = "xen,xen-4.17\0xen,xen";

    fdtw_begin(w, "hypervisor");
    fdtw_put(w, "compatible", compatible, sizeof(compatible));
    if (nr != 0) {
        fdtw_reg(w, regions, nr);
        fdtw_ppis(w, &event_ppi, 1);
    }
}

boot_code void fdtw_uefi(struct fdt_writer *w, const struct machine_efi *efi)
{
    if (efi == NULL) {
        return;
    }
    fdtw_begin(w, "uefi");
    check(w, fdt_property_u64(w->fdt, "xen,uefi-system-table", efi->system_table));
    check(w, fdt_property_u64(w->fdt, "xen,uefi-mmap-start", efi->map.start));
    fdtw_u32(w, "xen,uefi-mmap-size", (u32)efi->map.size);
    fdtw_u32(w, "xen,uefi-mmap-desc-size", efi->desc_size);
    fdtw_u32(w, "xen,uefi-mmap-desc-ver", efi->desc_version);
    fdtw_end(w);
}

boot_code void fdtw_psci(struct fdt_writer *w)
{
    static const char compatible[] = "arm,psci-1.0\0arm,psci-0.2\0arm,psci";

    fdtw_begin(w, "psci");
    fdtw_put(w, "compatible", compatible, sizeof(compatible));
    fdtw_string(w, "method", "hvc");
    fdtw_u32(w, "cpu_off", 1);   /* PSCI 0.1 numbers; later versions have theirs fixed */
    fdtw_u32(w, "cpu_on", 2);
    fdtw_end(w);
}

boot_code void fdtw_memory(struct fdt_writer *w, const struct machine_range *bank, u32 nr)
{
    char name[32];

    snprintf(name, sizeof(name), "memory@%" PRIx64, bank[0].start);
    fdtw_begin(w, name);
    fdtw_string(w, "device_type", "memory");
    fdtw_reg(w, bank, nr);
    fdtw_end(w);
}

boot_code void fdtw_begin_cpus(struct fdt_writer *w)
{
    fdtw_begin(w, "cpus");
    fdtw_u32(w, "#address-cells", 1);
    fdtw_u32(w, "#size-cells", 0);
}

boot_code void fdtw_begin_cpu(struct fdt_writer *w, u32 affinity)
{
    char name[24];

    snprintf(name, sizeof(name), "cpu@%x", affinity);
    fdtw_begin(w, name);
    fdtw_string(w, "device_type", "cpu");
    fdtw_u32(w, "reg", affinity);
    fdtw_string(w, "enable-method", "psci");
}
