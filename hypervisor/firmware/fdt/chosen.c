/* SPDX-License-Identifier: MIT */
/* /chosen: boot modules and command lines (docs/design/boot.md). */
#include <argon/console.h>
#include <argon/errno.h>
#include <argon/string.h>
#include "parse.h"

static const char *const module_names[] = { "multiboot,module", "xen,multiboot-module", NULL };
static const char *const domain_names[] = { "xen,domain", NULL };

static const struct {
    const char *const names[3];
    enum module_kind kind;
} kinds[] = {
    { { "multiboot,kernel", "xen,linux-zimage", NULL }, MODULE_KERNEL },
    { { "multiboot,ramdisk", "xen,linux-initrd", NULL }, MODULE_RAMDISK },
    { { "multiboot,device-tree", NULL, NULL }, MODULE_FDT },
    { { "xen,xsm-policy", NULL, NULL }, MODULE_XSM },
};

/* What UEFI left: all five, or nothing. */
static boot_code void read_uefi(struct fdt_parse *p)
{
    static const char *const names[] = {
        "linux,uefi-system-table", "linux,uefi-mmap-start", "linux,uefi-mmap-size", "linux,uefi-mmap-desc-size",
        "linux,uefi-mmap-desc-ver"
    };
    u64 value[ARRAY_SIZE(names)];

    for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
        struct dt_prop prop = dt_get(&p->dt, p->w.off, names[i]);

        if (prop.data == NULL && i == 0) {
            return;
        }
        if (prop.data == NULL || !dt_number(&prop, &value[i]) || (i >= 3 && value[i] > UINT32_MAX)) {
            log_warn("device tree: /chosen: %s %s: what UEFI left is not used", prop.data == NULL ? "no" : "bad",
                     names[i]);
            return;
        }
    }
    p->m->efi = (struct machine_efi){
        .system_table = value[0], .map = { .start = value[1], .size = value[2] }, .desc_size = (u32)value[3],
        .desc_version = (u32)value[4]
    };
}

boot_code int fdt_read_chosen(struct fdt_parse *p)
{
    read_uefi(p);
    p->boot_args = dt_get(&p->dt, p->w.off, "bootargs");
    p->xen_args = dt_get(&p->dt, p->w.off, "xen,xen-bootargs");
    p->dom0_args = dt_get(&p->dt, p->w.off, "xen,dom0-bootargs");
    p->initrd_start = dt_get(&p->dt, p->w.off, "linux,initrd-start");
    p->initrd_end = dt_get(&p->dt, p->w.off, "linux,initrd-end");
    return 0;
}

/* A command line; one that is too long loses its end, with a warning. Absent: empty. */
static boot_code void copy_args(char *dst, size_t size, const struct dt_prop *prop, const char *whose)
{
    size_t len = prop->data != NULL ? strnlen((const char *)prop->data, prop->len) : 0;

    if (len >= size) {
        log_warn("command line of %s is longer than %zu bytes: cut off", whose, size - 1);
        len = size - 1;
    }
    if (len > 0) {
        memcpy(dst, prop->data, len);
    }
    dst[len] = '\0';
}

static boot_code int add_module(struct machine *m, const struct machine_module *mod)
{
    if (mod->start + mod->size > ROUND_DOWN(UINT64_MAX, PAGE_SIZE)) {
        log_err("device tree: boot module at %#" PRIx64 ": its range wraps", mod->start);
        return -EINVAL;
    }
    if (m->nr_modules == MACHINE_MAX_MODULES) {
        log_warn("more than %u boot modules: the one at %#" PRIx64 " is not used", MACHINE_MAX_MODULES, mod->start);
        return machine_add_reserved(m, mod->start, mod->size) == 0 ? 0 : -EINVAL;
    }
    m->modules[m->nr_modules++] = *mod;
    return 0;
}

/* A descendant of /chosen. Modules of dom0less domains are kept out of use, but not taken for dom0's. */
boot_code int fdt_parse_module(struct fdt_parse *p)
{
    static struct machine_module mod;
    const struct dt_node *n = dt_node(&p->w);
    struct dt_prop args = dt_get(&p->dt, p->w.off, "bootargs");

    if (dt_match(&n->compatible, domain_names) != NULL) {
        log_warn("domain %s of the device tree is not started: this release has no dom0less boot", n->name);
        return 0;
    }
    if (dt_match(&n->compatible, module_names) == NULL) {
        return 0;
    }
    memset(&mod, 0, sizeof(mod));
    if (dt_reg_raw(&p->w, 0, &mod.start, &mod.size) != 0 || mod.size == 0) {
        return fdt_bad(p, n->reg.data == NULL ? "boot module without reg" : "bad reg");
    }
    if (p->w.depth == 3 && dt_match(&dt_parent(&p->w)->compatible, domain_names) != NULL) {
        return machine_add_reserved(p->m, mod.start, mod.size) != 0 ? fdt_bad(p, "bad reg") : 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(kinds) && !mod.typed; i++) {
        if (dt_match(&n->compatible, kinds[i].names) != NULL) {
            mod.kind = kinds[i].kind;
            mod.typed = true;
        }
    }
    mod.has_cmdline = args.data != NULL;
    copy_args(mod.cmdline, sizeof(mod.cmdline), &args, n->name);
    return add_module(p->m, &mod);
}

/* Untyped modules by their order: the first is the kernel, the next the ramdisk. */
static boot_code void name_untyped(struct machine *m)
{
    for (u32 i = 0; i < m->nr_modules; i++) {
        struct machine_module *mod = &m->modules[i];

        if (!mod->typed) {
            mod->kind = machine_module(MODULE_KERNEL) == NULL ? MODULE_KERNEL
                      : machine_module(MODULE_RAMDISK) == NULL ? MODULE_RAMDISK : MODULE_UNKNOWN;
        }
    }
}

/* linux,initrd-start and -end stand for a ramdisk module where there is none. */
static boot_code int add_chosen_initrd(struct fdt_parse *p)
{
    static struct machine_module mod;
    u64 start, end;

    if (p->initrd_start.data == NULL && p->initrd_end.data == NULL) {
        return 0;
    }
    if (!dt_number(&p->initrd_start, &start) || !dt_number(&p->initrd_end, &end) || start >= end) {
        log_err("device tree: /chosen: bad linux,initrd-start or linux,initrd-end");
        return -EINVAL;
    }
    if (machine_module(MODULE_RAMDISK) != NULL) {
        return machine_add_reserved(p->m, start, end - start) == 0 ? 0 : -EINVAL;
    }
    memset(&mod, 0, sizeof(mod));
    mod.start = start;
    mod.size = end - start;
    mod.kind = MODULE_RAMDISK;
    mod.typed = true;
    return add_module(p->m, &mod);
}

boot_code int fdt_finish_chosen(struct fdt_parse *p)
{
    struct machine *m = p->m;
    const struct machine_module *kernel;
    bool kernel_has;

    name_untyped(m);
    kernel = machine_module(MODULE_KERNEL);
    kernel_has = kernel != NULL && kernel->has_cmdline;
    /* Only with a line of its own for dom0 is bootargs the hypervisor's. */
    if (p->xen_args.data != NULL) {
        copy_args(m->xen_cmdline, sizeof(m->xen_cmdline), &p->xen_args, "Argon");
    } else if (p->dom0_args.data != NULL || kernel_has) {
        copy_args(m->xen_cmdline, sizeof(m->xen_cmdline), &p->boot_args, "Argon");
    }
    if (kernel_has) {
        str_copy(m->dom0_cmdline, kernel->cmdline, sizeof(m->dom0_cmdline));
    } else {
        const struct dt_prop *args = p->dom0_args.data != NULL ? &p->dom0_args : &p->boot_args;

        copy_args(m->dom0_cmdline, sizeof(m->dom0_cmdline), args, "dom0");
    }
    return add_chosen_initrd(p);
}
