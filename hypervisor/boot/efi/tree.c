/* SPDX-License-Identifier: MIT */
/* The device tree that the EFI application hands over: what a boot loader writes into /chosen (docs/design/boot.md). */
#include "efi.h"

#include <argon/printf.h>
#include <argon/string.h>
#include <libfdt.h>

#define TREE_MAX   MIB(2)                /* the boot protocol's */
#define TREE_ROOM  KIB(32)               /* for modules, their command lines, and UEFI's properties */

static boot_code bool tree_failed(const struct efi *e, const char *what, int error)
{
    efi_say(e, "device tree: %s cannot be written: libfdt error %d", what, -error);
    return false;
}

static boot_code int set_string(void *tree, int node, const char *name, const char *value)
{
    return fdt_setprop(tree, node, name, value, (int)strlen(value) + 1);
}

static boot_code int chosen_node(void *tree)
{
    int node = fdt_path_offset(tree, "/chosen");

    return node == -FDT_ERR_NOTFOUND ? fdt_add_subnode(tree, 0, "chosen") : node;
}

/* An empty tree says 2 and 2, as GRUB's does. */
static boot_code int make_empty(void *tree, int size)
{
    int r = fdt_create_empty_tree(tree, size);

    r = r != 0 ? r : fdt_setprop_u32(tree, 0, "#address-cells", 2);
    return r != 0 ? r : fdt_setprop_u32(tree, 0, "#size-cells", 2);
}

boot_code void *efi_tree_start(struct efi *e, const void *from, u64 max, const char *name)
{
    u64 bytes = 0;
    void *tree;
    int r;

    if (from != NULL) {
        r = max < FDT_V17_SIZE ? -FDT_ERR_TRUNCATED : fdt_check_header(from);
        if (r != 0 || fdt_totalsize(from) > max || fdt_totalsize(from) > TREE_MAX - TREE_ROOM) {
            efi_say(e, "%s: is no device tree, or is damaged or too large", name);
            return NULL;
        }
        bytes = fdt_totalsize(from);
    }
    bytes = ROUND_UP(bytes, PAGE_SIZE) + TREE_ROOM;
    tree = efi_pages(e, bytes, "the device tree");
    if (tree == NULL) {
        return NULL;
    }
    r = from != NULL ? fdt_open_into(from, tree, (int)bytes) : make_empty(tree, (int)bytes);
    r = r != 0 ? r : fdt_check_full(tree, (size_t)bytes);        /* now, while there is a console to say it on */
    if (r != 0) {
        efi_say(e, "%s: is damaged: libfdt error %d", name, -r);
        return NULL;
    }
    return tree;
}

static boot_code bool is_module(const void *tree, int node)
{
    return fdt_node_check_compatible(tree, node, "multiboot,module") == 0 ||
           fdt_node_check_compatible(tree, node, "xen,multiboot-module") == 0;
}

boot_code bool efi_tree_has_modules(const void *tree)
{
    int chosen = tree != NULL && fdt_check_header(tree) == 0 ? fdt_path_offset(tree, "/chosen") : -1, node;

    if (chosen < 0 || fdt_getprop(tree, chosen, "xen,uefi-cfg-load", NULL) != NULL) {
        return false;
    }
    fdt_for_each_subnode(node, tree, chosen) {
        if (is_module(tree, node)) {
            return true;
        }
    }
    return false;
}

/* #address-cells or #size-cells of a node, the specification's default where it is absent; 0: not 1 or 2. */
static boot_code u32 cells(const void *tree, int node, const char *name, u32 absent)
{
    int len;
    const fdt32_t *p = fdt_getprop(tree, node, name, &len);
    u32 n = p == NULL ? absent : len == 4 ? fdt32_to_cpu(*p) : 0;

    return n <= 2 ? n : 0;
}

static boot_code u8 *put_cells(u8 *p, u64 value, u32 nr)
{
    for (u32 i = nr * 4; i-- > 0;) {
        *p++ = (u8)(value >> (8 * i));
    }
    return p;
}

/* reg of a module, in its parent's cells. */
static boot_code int set_reg(void *tree, int parent, int node, const struct efi_blob *module)
{
    u32 ac = cells(tree, parent, "#address-cells", 2), sc = cells(tree, parent, "#size-cells", 1);
    u64 at = (u64)(uintptr_t)module->data;
    u8 reg[16], *end;

    if (ac == 0 || sc == 0 || (ac == 1 && at > UINT32_MAX) || (sc == 1 && module->size > UINT32_MAX)) {
        return -FDT_ERR_BADNCELLS;
    }
    end = put_cells(put_cells(reg, at, ac), module->size, sc);
    return fdt_setprop(tree, node, "reg", reg, (int)(end - reg));
}

/* /chosen has cells of its own, which say 2 and 2 if nothing else was there. */
static boot_code int chosen_for_modules(void *tree)
{
    int node = chosen_node(tree), r = 0;

    if (node >= 0 && fdt_getprop(tree, node, "#address-cells", NULL) == NULL &&
        fdt_getprop(tree, node, "#size-cells", NULL) == NULL) {
        r = fdt_setprop_u32(tree, node, "#address-cells", 2);
        r = r != 0 ? r : fdt_setprop_u32(tree, node, "#size-cells", 2);
    }
    return r != 0 ? r : node;
}

boot_code bool efi_tree_add_module(const struct efi *e, void *tree, const char *kind, const struct efi_blob *module,
                                   const char *cmdline)
{
    static const char common[] = "multiboot,module";
    char name[32], compatible[64];
    int chosen = chosen_for_modules(tree), node, r, n;

    if (chosen < 0) {
        return tree_failed(e, "/chosen", chosen);
    }
    (void)snprintf(name, sizeof(name), "module@%" PRIx64, (u64)(uintptr_t)module->data);
    n = snprintf(compatible, sizeof(compatible), "%s", kind) + 1;
    memcpy(compatible + n, common, sizeof(common));
    node = fdt_add_subnode(tree, chosen, name);
    r = node < 0 ? node : fdt_setprop(tree, node, "compatible", compatible, n + (int)sizeof(common));
    r = r != 0 ? r : set_reg(tree, chosen, node, module);
    if (r == 0 && cmdline != NULL) {
        r = set_string(tree, node, "bootargs", cmdline);
    }
    return r == 0 || tree_failed(e, name, r);
}

boot_code const char *efi_tree_next_binary(const void *tree, int *node)
{
    int depth = 0, at = fdt_path_offset(tree, "/chosen");

    while (at >= 0) {
        const char *file = fdt_getprop(tree, at, "xen,uefi-binary", NULL);
        int len;

        if (file != NULL && is_module(tree, at) && fdt_getprop(tree, at, "reg", NULL) == NULL) {
            (void)fdt_getprop(tree, at, "xen,uefi-binary", &len);
            *node = at;
            return len > 0 && strnlen(file, (size_t)len) < (size_t)len ? file : "";
        }
        at = fdt_next_node(tree, at, &depth);
        if (depth <= 0) {
            break;
        }
    }
    return NULL;
}

boot_code bool efi_tree_may_be_kernel(const void *tree, int node)
{
    return fdt_node_check_compatible(tree, node, "multiboot,ramdisk") != 0 &&
           fdt_node_check_compatible(tree, node, "xen,linux-initrd") != 0 &&
           fdt_node_check_compatible(tree, node, "multiboot,device-tree") != 0 &&
           fdt_node_check_compatible(tree, node, "xen,xsm-policy") != 0;
}

boot_code bool efi_tree_set_reg(const struct efi *e, void *tree, int node, const struct efi_blob *module)
{
    int r = set_reg(tree, fdt_parent_offset(tree, node), node, module);

    return r == 0 || tree_failed(e, "reg of a module", r);
}

boot_code bool efi_tree_set_options(const struct efi *e, void *tree, const char *options)
{
    int node = chosen_node(tree);
    int r = node < 0 ? node : set_string(tree, node, "xen,xen-bootargs", options);

    return r == 0 || tree_failed(e, "xen,xen-bootargs", r);
}

static boot_code int forget(void *tree, int node, const char *name)
{
    int r = fdt_delprop(tree, node, name);

    return r == -FDT_ERR_NOTFOUND ? 0 : r;
}

boot_code bool efi_tree_clear_chosen(const struct efi *e, void *tree)
{
    int node = chosen_node(tree);
    int r = node < 0 ? node : forget(tree, node, "bootargs");

    r = r != 0 ? r : forget(tree, node, "linux,initrd-start");
    r = r != 0 ? r : forget(tree, node, "linux,initrd-end");
    return r == 0 || tree_failed(e, "/chosen", r);
}

boot_code bool efi_tree_add_uefi(const struct efi *e, void *tree)
{
    int node = chosen_node(tree), r;

    r = node < 0 ? node : fdt_setprop_u64(tree, node, "linux,uefi-system-table", (u64)(uintptr_t)e->table);
    r = r != 0 ? r : fdt_setprop_u64(tree, node, "linux,uefi-mmap-start", 0);
    r = r != 0 ? r : fdt_setprop_u32(tree, node, "linux,uefi-mmap-size", 0);
    r = r != 0 ? r : fdt_setprop_u32(tree, node, "linux,uefi-mmap-desc-size", 0);
    r = r != 0 ? r : fdt_setprop_u32(tree, node, "linux,uefi-mmap-desc-ver", 0);
    r = r != 0 ? r : fdt_pack(tree);
    return r == 0 || tree_failed(e, "linux,uefi-system-table", r);
}

boot_code void efi_tree_set_map(void *tree, const struct efi_map *map)
{
    int node = fdt_path_offset(tree, "/chosen");

    /* All are there, with that size: nothing of these can fail. */
    (void)fdt_setprop_inplace_u64(tree, node, "linux,uefi-mmap-start", (u64)(uintptr_t)map->at);
    (void)fdt_setprop_inplace_u32(tree, node, "linux,uefi-mmap-size", (u32)map->bytes);
    (void)fdt_setprop_inplace_u32(tree, node, "linux,uefi-mmap-desc-size", (u32)map->desc_size);
    (void)fdt_setprop_inplace_u32(tree, node, "linux,uefi-mmap-desc-ver", map->desc_version);
}
