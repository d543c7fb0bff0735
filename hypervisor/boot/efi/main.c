/* SPDX-License-Identifier: MIT */
/* The EFI application, first to last step. */
#include "efi.h"

static const struct efi_guid loaded_guid = {
    0x5b1b31a1, 0x9562, 0x11d2, { 0x8e, 0x3f, 0, 0xa0, 0xc9, 0x69, 0x72, 0x3b }
};
static const struct efi_guid fdt_guid = {
    0xb1b621d5, 0xf19c, 0x41a5, { 0x83, 0x0b, 0xd9, 0x15, 0x2c, 0x69, 0xaa, 0xe0 }
};
static const struct efi_guid acpi_guid = {
    0x8868e871, 0xe4f1, 0x11d3, { 0xbc, 0x22, 0, 0x80, 0xc7, 0x3c, 0x88, 0x81 }
};
static const struct efi_guid acpi1_guid = {
    0xeb9d2d30, 0x2d88, 0x11d3, { 0x9a, 0x16, 0, 0x90, 0x27, 0x3f, 0xc1, 0x4d }
};

static boot_code const void *find_table(const struct efi_system_table *t, const struct efi_guid *guid)
{
    for (u64 i = 0; i < t->nr_tables; i++) {
        if (efi_guid_is(&t->tables[i].guid, guid)) {
            return t->tables[i].table;
        }
    }
    return NULL;
}

/* The tree for Argon. NULL after a message. */
static boot_code void *load(struct efi *e)
{
    const void *fdt = find_table(e->table, &fdt_guid);
    void *tree;

    if (efi_tree_has_modules(fdt)) {
        tree = efi_boot_from_loader(e, fdt);
    } else {
        tree = efi_boot_from_config(e, fdt);
    }
    return tree != NULL && efi_tree_add_uefi(e, tree) ? tree : NULL;
}

static boot_code void close_directory(struct efi *e)
{
    if (e->dir != NULL) {
        (void)e->dir->close(e->dir);
        e->dir = NULL;
    }
}

static boot_code efi_status start(struct efi *e)
{
    struct efi_map map;
    efi_status s;
    void *tree;

    if (find_table(e->table, &fdt_guid) == NULL && find_table(e->table, &acpi_guid) == NULL &&
        find_table(e->table, &acpi1_guid) == NULL) {
        efi_say(e, "firmware describes the machine neither by ACPI tables nor by a device tree: dtb= may name one");
    }
    (void)e->boot->set_watchdog(0, 0, 0, NULL);      /* five minutes: slow disks take longer */
    tree = load(e);
    close_directory(e);                  /* no file system's once boot services are being ended */
    if (tree == NULL) {
        return EFI_LOAD_ERROR;
    }
    s = efi_map_room(e, &map);
    if (s != EFI_SUCCESS) {
        return s;
    }
    s = efi_end_boot_services(e, &map);
    if (s != EFI_SUCCESS) {
        efi_say(e, "firmware does not end its boot services: %s", efi_error(s));
        return s;
    }
    efi_tree_set_map(tree, &map);
    efi_hand_over((paddr_t)(uintptr_t)tree);
}

boot_code efi_status efi_main(void *image, const struct efi_system_table *table, u64 el)
{
    struct efi e = { .image = image, .table = table, .boot = table->boot };
    efi_status s;
    void *loaded;

    if (el != 2) {
        efi_say(&e, "firmware runs at EL%" PRIu64 ", and a hypervisor needs EL2 (in QEMU: virtualization=on)", el);
        return EFI_UNSUPPORTED;
    }
    s = e.boot->handle_protocol(image, &loaded_guid, &loaded);
    if (s != EFI_SUCCESS) {
        efi_say(&e, "firmware does not tell what was loaded: %s", efi_error(s));
        return s;
    }
    e.loaded = loaded;
    s = start(&e);
    efi_pages_free_all(&e);
    return s;
}
