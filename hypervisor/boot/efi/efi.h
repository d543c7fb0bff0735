/* SPDX-License-Identifier: MIT */
/*
 * Argon as an EFI application: what runs while firmware still has the machine. It finds kernel and ramdisk, writes
 * them into a device tree as a boot loader does, ends boot services and enters the arm64 Image's own entry
 * (docs/design/efi.md).
 *
 * It runs where firmware loaded it, not where it is linked: no file here may have an address in its data (a table of
 * strings or of functions). scripts/position.py looks at the objects. One CPU; firmware's stack of 128 KiB (UEFI
 * 2.3.6).
 */
#ifndef BOOT_EFI_EFI_H
#define BOOT_EFI_EFI_H

#include <argon/types.h>
#include "uefi.h"

#define EFI_NAME_MAX 256                 /* bytes of a file's name, with its end */
#define EFI_MAX_HELD 32                  /* pieces of memory taken from firmware at a time */

struct efi {
    void *image;                         /* our handle */
    const struct efi_loaded_image *loaded;
    const struct efi_system_table *table;
    struct efi_boot_services *boot;
    struct efi_file *dir;                /* where we were started from; NULL: no file system, or not opened yet */
    struct { void *at; u64 bytes; } held[EFI_MAX_HELD];  /* what goes back to firmware if we do */
    u32 nr_held;
};

/* A file, or what else is in pages of its own: they stay for Argon, or go with efi_unload(). */
struct efi_blob {
    u8 *data;                            /* NULL: none */
    u64 size;                            /* bytes; a NUL is behind them */
};

/* ---- text.c: the console, and strings of 16-bit characters ---- */
/* A line on firmware's console, "Argon: " before it and a newline behind. */
printf_like(2, 3) void efi_say(const struct efi *e, const char *fmt, ...);
/* What a status means, for messages. */
const char *efi_error(efi_status s);
/*
 * Up to the first NUL, or `units` characters: to 8 bits, '?' for what is not ASCII. src need not be aligned (10.3.1:
 * nodes of a path are packed). False: cut off at size.
 */
bool efi_narrow(char *dst, size_t size, const void *src, size_t units);
/* ASCII to 16 bits, '/' to '\'; dst has EFI_NAME_MAX characters. False: too long. */
bool efi_widen_path(u16 *dst, const char *src);
bool efi_guid_is(const struct efi_guid *a, const struct efi_guid *b);

/* ---- memory.c ---- */
/* Pages, as firmware gives them: not zeroed. NULL: none, said on the console with `what` it was for. */
must_check void *efi_pages(struct efi *e, u64 bytes, const char *what);
void efi_pages_free(struct efi *e, void *at);
/* All that is still held. */
void efi_pages_free_all(struct efi *e);
/*
 * Get the memory map and end boot services, again where the map has changed meanwhile (7.4.6). On success firmware is
 * gone, and *map is what it left. Else its status, after which only little of firmware works.
 */
struct efi_map { void *at; u64 bytes, desc_size; u32 desc_version; u64 room; };
must_check efi_status efi_map_room(struct efi *e, struct efi_map *map);
must_check efi_status efi_end_boot_services(const struct efi *e, struct efi_map *map);

/* ---- file.c ---- */
/*
 * Open the directory that this program was loaded from, and store the program's own file name, without directory
 * (`name`, EFI_NAME_MAX bytes). False after a message.
 */
must_check bool efi_open_directory(struct efi *e, char *name);
enum efi_found { EFI_FILE_LOADED, EFI_FILE_ABSENT, EFI_FILE_FAILED };
/* Load a file, named relative to the directory. Says what failed, but not that there is no such file. */
must_check enum efi_found efi_load(struct efi *e, const char *name, struct efi_blob *out);
void efi_unload(struct efi *e, struct efi_blob *b);

/* ---- options.c: what firmware, its shell or its boot entry passed ---- */
struct efi_options {
    const char *config;                  /* -cfg= */
    const char *section;                 /* a word without '-' */
    const char *rest;                    /* all behind "--": more options for Argon, "" if none */
    const char *unknown;                 /* the first that is not known */
    bool help;
};
/*
 * Parse `line`, which is changed and is pointed into. `program`: own file name; the shell puts it first, a boot entry
 * does not.
 */
void efi_parse_options(char *line, const char *program, struct efi_options *out);
/*
 * The n-th name of a configuration file to look for, from 0: the program's with .cfg for .efi, then shorter by a part
 * at '.', '-' or '_'. False: there is no n-th. out has EFI_NAME_MAX bytes.
 */
must_check bool efi_config_name(const char *program, unsigned int n, char *out);

/* ---- config.c: the configuration file ---- */
/*
 * Lines end in NUL from here on, comments are gone. NULL, or what is wrong; *line is its number. `text` has a NUL at
 * text[size].
 */
const char *efi_config_prepare(char *text, u64 size, unsigned int *line);
/*
 * Value of `key` in [section], else in [global]; with section "" in the first line that has it, whatever its section.
 * NULL: nowhere. `text` was prepared.
 */
const char *efi_config_get(const char *text, u64 size, const char *section, const char *key);
/* Only in that section. */
const char *efi_config_get_in(const char *text, u64 size, const char *section, const char *key);
bool efi_config_has_section(const char *text, u64 size, const char *section);
/* The next line behind `after` (NULL: from the start) with a key that means nothing, in any section. NULL: no more. */
const char *efi_config_next_unknown(const char *text, u64 size, const char *after);

/* ---- tree.c: the device tree for Argon ---- */
/*
 * Made of firmware's or a file's tree of at most `max` bytes (NULL: an empty one), with room for what is added. `name`
 * is for messages. NULL after a message.
 */
must_check void *efi_tree_start(struct efi *e, const void *from, u64 max, const char *name);
/*
 * Is there a tree, and does its /chosen name modules that a boot loader has loaded, and does it not ask for the
 * configuration file all the same?
 */
bool efi_tree_has_modules(const void *tree);
/* A module node in /chosen. cmdline may be NULL. False after a message. */
must_check bool efi_tree_add_module(const struct efi *e, void *tree, const char *kind, const struct efi_blob *module,
                                    const char *cmdline);
/*
 * The next node below /chosen that names a file instead of an address: its file's name, NULL if none. *node: for
 * efi_tree_set_reg().
 */
const char *efi_tree_next_binary(const void *tree, int *node);
/* Is it a module that is started: a kernel, or of no kind, so that its order decides? */
bool efi_tree_may_be_kernel(const void *tree, int node);
must_check bool efi_tree_set_reg(const struct efi *e, void *tree, int node, const struct efi_blob *module);
/* Command line of Argon. */
must_check bool efi_tree_set_options(const struct efi *e, void *tree, const char *options);
/* Forget what firmware or a loader before it put there for a kernel: bootargs and linux,initrd-*. */
must_check bool efi_tree_clear_chosen(const struct efi *e, void *tree);
/*
 * The five properties by which Argon finds what UEFI left; the second writes the map's values in place, without
 * firmware.
 */
must_check bool efi_tree_add_uefi(const struct efi *e, void *tree);
void efi_tree_set_map(void *tree, const struct efi_map *map);

/* ---- boot.c: by its configuration file, or by what GRUB put into the tree ---- */
/* The whole tree for Argon, modules loaded; NULL after a message. */
must_check void *efi_boot_from_config(struct efi *e, const void *firmware_tree);
must_check void *efi_boot_from_loader(struct efi *e, const void *firmware_tree);

/* ---- the assembler's (arch/arm/arm64/efi.S) ---- */
noreturn_fn void efi_hand_over(paddr_t tree);

/* main.c, called by the assembler. el: exception level. Returns to firmware only where something is missing. */
efi_status efi_main(void *image, const struct efi_system_table *table, u64 el);

#endif
