/* SPDX-License-Identifier: MIT */
/* Boot modules: where they lie, and what becomes of their memory. */
#include <argon/boot.h>
#include <argon/console.h>
#include <argon/mem.h>
#include <argon/printf.h>
#include <argon/string.h>

#define XSM_MAGIC 0xf97cff8cu    /* a compiled FLASK policy begins with it, little-endian */

static boot_code bool overlap(paddr_t a, paddr_t a_size, paddr_t b, paddr_t b_size)
{
    return a < b + b_size && b < a + a_size;
}

static boot_code const char *module_name(const struct machine_module *mod)
{
    static const char *const names[] = {
        [MODULE_UNKNOWN] = "boot module", [MODULE_KERNEL] = "kernel module",
        [MODULE_RAMDISK] = "ramdisk module",
        [MODULE_FDT] = "device tree module", [MODULE_XSM] = "XSM policy"
    };

    return names[mod->kind];
}

boot_code bool modules_check(const struct machine *m, paddr_t image, paddr_t image_size, char *why, size_t size)
{
    for (u32 i = 0; i < m->nr_modules; i++) {
        const struct machine_module *a = &m->modules[i];
        u64 start = a->start, end = a->start + a->size;

        if (!machine_is_ram(m, a->start, a->size)) {
            snprintf(why, size, "the %s at %#" PRIx64 "..%#" PRIx64 " is not in RAM", module_name(a), start, end);
            return false;
        }
        if (overlap(a->start, a->size, image, image_size)) {
            snprintf(why, size, "the %s at %#" PRIx64 "..%#" PRIx64 " overlaps Argon at %#" PRIx64, module_name(a),
                     start, end, image);
            return false;
        }
        if (overlap(a->start, a->size, m->tables.start, m->tables.size)) {
            snprintf(why, size, "the %s at %#" PRIx64 "..%#" PRIx64 " overlaps the device tree at %#" PRIx64,
                     module_name(a), start, end, m->tables.start);
            return false;
        }
        for (u32 j = 0; j < i; j++) {
            const struct machine_module *b = &m->modules[j];

            if (overlap(a->start, a->size, b->start, b->size)) {
                snprintf(why, size, "the %s at %#" PRIx64 "..%#" PRIx64 " overlaps the %s at %#" PRIx64, module_name(a),
                         start, end, module_name(b), b->start);
                return false;
            }
        }
    }
    return true;
}

boot_code void modules_classify(struct machine *m)
{
    for (u32 i = 0; i < m->nr_modules; i++) {
        struct machine_module *mod = &m->modules[i];
        const u8 *data = (const u8 *)mfn_to_virt(paddr_to_mfn(mod->start)) + (mod->start & ~PAGE_MASK);
        u32 magic = 0;

        if (mod->typed || mod->kind != MODULE_RAMDISK || mod->size < sizeof(magic)) {
            continue;
        }
        memcpy(&magic, data, sizeof(magic));
        if (magic == XSM_MAGIC) {
            mod->kind = MODULE_XSM;
        }
    }
    for (u32 i = 0; i < m->nr_modules; i++) {
        struct machine_module *mod = &m->modules[i];

        if (!mod->typed && mod->kind == MODULE_UNKNOWN && machine_module(MODULE_RAMDISK) == NULL) {
            mod->kind = MODULE_RAMDISK;
        }
        if (mod->kind == MODULE_UNKNOWN || mod->kind == MODULE_XSM || mod->kind == MODULE_FDT) {
            log_warn("%s at %#" PRIx64 " is not used", module_name(mod), mod->start);
        }
    }
}

/*
 * Whole pages only: what shares the first or last one may still be in use (a device tree behind a ramdisk). A module is
 * no longer in the way of machine_next_free() once its size is 0; what firmware reserved besides stays reserved.
 */
boot_code void modules_free(struct machine *m)
{
    for (u32 i = 0; i < m->nr_modules; i++) {
        struct machine_module *mod = &m->modules[i];
        paddr_t from = ROUND_UP(mod->start, PAGE_SIZE), last = ROUND_DOWN(mod->start + mod->size, PAGE_SIZE);
        paddr_t start, end;
        u32 node;

        mod->size = 0;
        while (from < last && machine_next_free(m, from, &start, &end, &node) && start < last) {
            mem_add_range(start, MIN(end, last), node);
            from = end;
        }
    }
    m->nr_modules = 0;
}
