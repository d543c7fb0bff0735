/* SPDX-License-Identifier: MIT */
/* Where kernel, ramdisk and command lines come from: a configuration file beside the program, or GRUB. */
#include "efi.h"

#include <argon/printf.h>
#include <argon/string.h>

#define OPTIONS_MAX 1024                 /* as struct machine's command lines */
#define MAX_CHAIN   8

/* The configuration in use. section points into a text that stays. */
struct config {
    struct efi_options options;
    char line[OPTIONS_MAX];              /* what the options point into */
    char name[EFI_NAME_MAX];             /* of the file, for messages */
    struct efi_blob text;
    const char *section;                 /* "": take what comes first, whatever its section */
};

static const struct efi_guid shim_guid = {
    0x605dab50, 0xe046, 0x4300, { 0xab, 0xb6, 0x3d, 0xd8, 0x10, 0xdd, 0x8b, 0x23 }
};

/* Says what failed, but not that there is no such file. */
static boot_code enum efi_found load_config(struct efi *e, struct config *c, const char *name)
{
    enum efi_found found = efi_load(e, name, &c->text);
    const char *fault;
    unsigned int line;

    if (found != EFI_FILE_LOADED) {
        return found;
    }
    if (name != c->name) {
        (void)str_copy(c->name, name, sizeof(c->name));
    }
    fault = efi_config_prepare((char *)c->text.data, c->text.size, &line);
    if (fault != NULL) {
        efi_say(e, "%s, line %u: %s", c->name, line, fault);
        return EFI_FILE_FAILED;
    }
    for (const char *p = NULL; (p = efi_config_next_unknown((const char *)c->text.data, c->text.size, p)) != NULL;) {
        efi_say(e, "%s: unknown, ignored: %s", c->name, p);
    }
    return EFI_FILE_LOADED;
}

/* One that is named by `by`. */
static boot_code bool load_named_config(struct efi *e, struct config *c, const char *by, const char *name)
{
    enum efi_found found = EFI_FILE_FAILED;

    if (*name == '\0') {
        efi_say(e, "%s: no file is named", by);
    } else {
        found = load_config(e, c, name);
    }
    if (found == EFI_FILE_ABSENT) {
        efi_say(e, "%s: %s: no such file", by, name);
    }
    return found == EFI_FILE_LOADED;
}

/* By the program's name, or by -cfg=. */
static boot_code bool find_config(struct efi *e, struct config *c, const char *program)
{
    if (c->options.config != NULL) {
        return load_named_config(e, c, "-cfg=", c->options.config);
    }
    for (unsigned int n = 0; efi_config_name(program, n, c->name); n++) {
        enum efi_found found = load_config(e, c, c->name);

        if (found != EFI_FILE_ABSENT) {
            return found == EFI_FILE_LOADED;     /* of one that is there the reason was said */
        }
    }
    efi_say(e, "%s: no configuration file of that name with .cfg, nor of a shorter one, beside it", program);
    return false;
}

static boot_code const char *get(const struct config *c, const char *key)
{
    return efi_config_get((const char *)c->text.data, c->text.size, c->section, key);
}

static boot_code const char *get_global(const struct config *c, const char *key)
{
    return efi_config_get_in((const char *)c->text.data, c->text.size, "global", key);
}

/* chain= names another file where the section, or a kernel in it, is not found. */
static boot_code bool choose_section(struct efi *e, struct config *c)
{
    const char *named = c->options.section;

    for (unsigned int n = 0; n < MAX_CHAIN; n++) {
        const char *chain;
        char file[EFI_NAME_MAX];

        if (named == NULL) {
            named = get_global(c, "default");
        }
        c->section = named != NULL ? named : "";
        if (get(c, "kernel") != NULL) {
            return true;
        }
        chain = get_global(c, "chain");
        if (chain == NULL) {
            if (*c->section == '\0') {
                efi_say(e, "%s: no kernel=", c->name);
            } else if (efi_config_has_section((const char *)c->text.data, c->text.size, c->section)) {
                efi_say(e, "%s: no kernel= in section [%s]", c->name, c->section);
            } else {
                efi_say(e, "%s: no section [%s]", c->name, c->section);
            }
            return false;
        }
        (void)str_copy(file, chain, sizeof(file));
        if (!load_named_config(e, c, "chain=", file)) {
            return false;
        }
    }
    efi_say(e, "%s: more than %u files in a row by chain=", c->name, MAX_CHAIN);
    return false;
}

/* The file that a value begins with; what follows its name is *rest, if that is wanted. */
static boot_code bool load_named(struct efi *e, const char *key, const char *value, struct efi_blob *out,
                                 const char **rest)
{
    char name[EFI_NAME_MAX];
    size_t n = 0;

    while (value[n] != '\0' && value[n] != ' ' && value[n] != '\t') {
        n++;
    }
    if (n == 0 || n >= sizeof(name)) {
        efi_say(e, "%s=: %s", key, n == 0 ? "no file is named" : "the file's name is too long");
        return false;
    }
    memcpy(name, value, n);
    name[n] = '\0';
    while (value[n] == ' ' || value[n] == '\t') {
        n++;
    }
    if (rest != NULL) {
        *rest = value + n;
    }
    switch (efi_load(e, name, out)) {
    case EFI_FILE_LOADED:
        return true;
    case EFI_FILE_ABSENT:
        efi_say(e, "%s=: %s: no such file", key, name);
        return false;
    default:
        return false;
    }
}

/* Under Secure Boot with shim, what is started must be signed by a key that shim trusts. */
static boot_code bool verify_kernel(const struct efi *e, const char *key, const struct efi_blob *kernel)
{
    const struct efi_shim_lock *shim;
    void *found;
    efi_status s = e->boot->locate_protocol(&shim_guid, NULL, &found);

    if (s != EFI_SUCCESS) {
        return true;
    }
    shim = found;
    s = shim->verify(kernel->data, (u32)kernel->size);
    if (s != EFI_SUCCESS) {
        efi_say(e, "%s=: shim does not accept the kernel's signature: %s", key, efi_error(s));
    }
    return s == EFI_SUCCESS;
}

static boot_code bool add_optional(struct efi *e, const struct config *c, void *tree, const char *key, const char *kind)
{
    const char *value = get(c, key);
    struct efi_blob module;

    return value == NULL ||
           (load_named(e, key, value, &module, NULL) && efi_tree_add_module(e, tree, kind, &module, NULL));
}

static boot_code bool add_modules(struct efi *e, const struct config *c, void *tree)
{
    struct efi_blob kernel;
    const char *args;

    return load_named(e, "kernel", get(c, "kernel"), &kernel, &args) &&
           verify_kernel(e, "kernel", &kernel) &&
           efi_tree_add_module(e, tree, "multiboot,kernel", &kernel, args) &&
           add_optional(e, c, tree, "ramdisk", "multiboot,ramdisk") &&
           add_optional(e, c, tree, "xsm", "xen,xsm-policy");
}

/* A tree named by dtb=, else firmware's, else one with nothing in it: ACPI's tables are then all that there is. */
static boot_code void *start_tree(struct efi *e, const struct config *c, const void *firmware_tree)
{
    const char *value = get(c, "dtb");
    struct efi_blob file;
    void *tree;

    if (value == NULL) {
        return efi_tree_start(e, firmware_tree, UINT64_MAX, "firmware's device tree");
    }
    if (!load_named(e, "dtb", value, &file, NULL)) {
        return NULL;
    }
    tree = efi_tree_start(e, file.data, file.size, "dtb=");
    efi_unload(e, &file);
    return tree;
}

static boot_code bool set_options(const struct efi *e, const struct config *c, void *tree)
{
    const char *options = get(c, "options");
    char line[OPTIONS_MAX];
    int n = snprintf(line, sizeof(line), "%s%s%s", options != NULL ? options : "", *c->options.rest != '\0' ? " " : "",
                     c->options.rest);

    if ((size_t)n >= sizeof(line)) {
        efi_say(e, "%s: options= is longer than %zu characters", c->name, sizeof(line) - 1);
        return false;
    }
    return efi_tree_set_options(e, tree, line);
}

/* Module nodes that name a file (xen,uefi-binary) where others have an address. */
static boot_code bool load_binaries(struct efi *e, void *tree, char *program)
{
    struct efi_blob module;
    const char *file;
    int node;

    while ((file = efi_tree_next_binary(tree, &node)) != NULL) {
        if ((e->dir == NULL && !efi_open_directory(e, program)) ||
            !load_named(e, "xen,uefi-binary", file, &module, NULL) ||
            (efi_tree_may_be_kernel(tree, node) && !verify_kernel(e, "xen,uefi-binary", &module)) ||
            !efi_tree_set_reg(e, tree, node, &module)) {
            return false;
        }
    }
    return true;
}

/* Options of the program. False: they do not let it go on. */
static boot_code bool read_options(const struct efi *e, struct config *c, const char *program)
{
    size_t units = e->loaded->options != NULL ? e->loaded->options_size / 2 : 0;

    if (!efi_narrow(c->line, sizeof(c->line), e->loaded->options, units)) {
        efi_say(e, "options are longer than %zu characters", sizeof(c->line) - 1);
        return false;
    }
    efi_parse_options(c->line, program, &c->options);
    if (c->options.help) {
        efi_say(e, "[-cfg=FILE] [-basevideo] [SECTION] [-- OPTIONS OF THE HYPERVISOR]");
        return false;
    }
    if (c->options.unknown != NULL) {
        efi_say(e, "unknown option, ignored: %s", c->options.unknown);
    }
    return true;
}

boot_code void *efi_boot_from_config(struct efi *e, const void *firmware_tree)
{
    static boot_data struct config c;
    char program[EFI_NAME_MAX];
    void *tree;

    memset(&c, 0, sizeof(c));
    if (e->loaded->device == NULL) {     /* out of memory, by a boot loader, which is to bring the kernel too */
        efi_say(e, "started by a boot loader that passed no kernel (in GRUB: xen_hypervisor, and xen_module for it)");
        return NULL;
    }
    if (!efi_open_directory(e, program) || !read_options(e, &c, program) || !find_config(e, &c, program) ||
        !choose_section(e, &c)) {
        return NULL;
    }
    tree = start_tree(e, &c, firmware_tree);
    if (tree == NULL || !efi_tree_clear_chosen(e, tree) || !set_options(e, &c, tree) || !add_modules(e, &c, tree) ||
        !load_binaries(e, tree, program)) {
        return NULL;
    }
    return tree;
}

boot_code void *efi_boot_from_loader(struct efi *e, const void *firmware_tree)
{
    void *tree = efi_tree_start(e, firmware_tree, UINT64_MAX, "the boot loader's device tree");
    char program[EFI_NAME_MAX];

    return tree != NULL && load_binaries(e, tree, program) ? tree : NULL;
}
