/* SPDX-License-Identifier: MIT */
/*
 * A domain that boot makes, from plan to first instruction: what is the same for whoever asks for it. The client (boot/dom0.c) fills in
 * the plan, says which memory, claims it, and writes the device tree out of its own nodes and those of boot/build/fdt.h
 * (docs/design/boot.md). What cannot be done stops boot with a message that begins with the domain's name. Boot only.
 */
#ifndef ARGON_BUILD_H
#define ARGON_BUILD_H

#include <argon/boot.h>
#include <argon/machine.h>

struct domain;
struct domain_config;

#define BUILD_MAX_BANKS 32
#define BUILD_CHUNK MIB(2)       /* granule of its memory */
#define BUILD_MODULES_AT MIB(128)/* device tree and ramdisk, from the start of the first bank */
#define BUILD_FDT_ROOM MIB(2)    /* the arm64 boot protocol's limit of a device tree */

struct build_memory {
    u32 nr;
    struct machine_range bank[BUILD_MAX_BANKS];  /* guest-physical, and the machine's: 1:1. The first holds the kernel */
    u64 total;
};

/* Modules that are not copied, as whole pages; size 0: is copied. */
struct build_stay {
    struct machine_range kernel, ramdisk;
};

/* What goes into the first bank besides the kernel: bytes, 0: none. */
struct build_sizes {
    u64 initrd;
    u64 firmware;                /* tables as UEFI leaves them */
};

/* Where things go in the first bank: guest-physical addresses. */
struct build_place {
    u64 kernel, entry;
    u64 fdt;
    u64 firmware;                /* behind the device tree's room */
    u64 initrd, initrd_size;     /* initrd_size 0: none */
};

struct build {
    /* The plan. */
    const char *name, *mem_option;       /* for messages: its own, and of what sets its memory's size */
    const struct machine_module *kernel, *ramdisk;   /* ramdisk: NULL for none */
    const char *cmdline;
    u32 nr_vcpus;
    u64 firmware_size;           /* most bytes of the tables that UEFI would leave it; 0: it is not under UEFI */
    /* Claimed, then laid out. */
    struct image image;
    struct build_memory memory;
    struct build_stay stay;
    struct build_place place;
    /* Made. */
    struct domain *d;
    struct machine_range loaded[4];      /* whole pages that hold kernel, ramdisk, device tree, tables: nothing to be scrubbed */
};

/* Stops boot, saying of which domain and why. */
noreturn_fn printf_like(2, 3) void build_stop(const struct build *b, const char *fmt, ...);
/* Stops boot if r is an error: "<name>: <what>: error <r>". */
void build_must(const struct build *b, int r, const char *what);

/* ---- plan (build/plan.c) ---- */
/* b->kernel is understood, and what it needs known: b->image. */
void build_probe_kernel(struct build *b);
/* Least size of the first bank, of memory of `bytes` in all, that kernel and modules find room in. */
u64 build_first_bank(const struct build *b, u64 bytes);
/* Ramdisk and tables of the plan. */
struct build_sizes build_sizes(const struct build *b);
/* b->place, from the first bank and what stays. */
void build_lay_out(struct build *b);

/* ---- layout (build/place.c) ---- */
/* -ENOSPC: the bank is too small; *need: bytes that would do. -EINVAL: a fixed address outside the bank. */
must_check int build_place(const struct image *img, u64 bank, u64 bank_size, const struct build_sizes *sizes,
                           struct build_place *out, u64 *need);
/* The same, where something stays. False: there is no room for the rest. */
must_check bool build_place_stay(const struct image *img, const struct machine_range *bank, const struct build_sizes *sizes,
                                 const struct build_stay *stay, struct build_place *out);

/* ---- the domain (build/domain.c) ---- */
/* Create it with all of its vCPUs; of *cfg the number of them is filled in here. */
void build_create(struct build *b, struct domain_config *cfg, u16 domid);
/* [start, start + size) of claimed RAM becomes its own, at the same address. d->max_pages allows it. */
void build_give_ram(struct build *b, u64 start, u64 size);
/* All of b->memory, max_pages being at least that much. */
void build_give_memory(struct build *b, u64 max_bytes);
/* Everything is in place: vCPU 0 runs from b->place.entry as soon as the scheduler picks it. */
void build_start(struct build *b);

/* ---- load (build/load.c): after build_give_memory() ---- */
/* A module's contents. */
const void *build_module_data(const struct machine_module *mod);
void build_load_modules(struct build *b);
/* Where the device tree is to be written: *room bytes, `want` or as many as there may be. */
void *build_fdt_buffer(const struct build *b, u64 want, u64 *room);
/* It has been written: `size` bytes, or an error. All of `room` is cleaned up. */
void build_fdt_done(struct build *b, int size, u64 room);
/* Where tables as UEFI's are to be written: b->firmware_size zeroed bytes, page aligned, at b->place.firmware. */
void *build_firmware_buffer(const struct build *b);
/* They have been. */
void build_firmware_done(struct build *b);
/*
 * All memory but what was loaded. Not on first touch, as it would be possible for a domain without devices: without an IOMMU a device may be
 * the first to touch a page. Not with bootscrub=no: the user trusts what was in memory before Argon, and starts faster.
 */
void build_scrub(const struct build *b);

#endif
