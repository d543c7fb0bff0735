/* SPDX-License-Identifier: MIT */
/* Starting the first domain: boot modules, kernel images, and what dom0 is given of the machine. Boot only. */
#ifndef ARGON_BOOT_H
#define ARGON_BOOT_H

#include <argon/dt.h>
#include <argon/machine.h>

struct domain;
struct rangeset;

/* The user or the machine must change: print "Argon cannot start: ..." and stop for good. */
noreturn_fn printf_like(1, 2) void boot_stop(const char *fmt, ...);

/* ---- boot modules (boot/modules.c) ---- */
/*
 * Are all modules in RAM and apart from each other, from the device tree and from [image, image + image_size)? On
 * failure false, with the reason in why (size bytes).
 */
must_check bool modules_check(const struct machine *m, paddr_t image, paddr_t image_size, char *why, size_t size);
/* RAM is mapped: what was taken for a ramdisk by its order but is an XSM policy becomes MODULE_XSM. */
void modules_classify(struct machine *m);
/* Give the modules' memory to the allocator. Their contents, and `m`'s pointers into them, are gone. */
void modules_free(struct machine *m);

/* ---- kernel images (boot/image.c) ---- */
struct image {
    const u8 *data;              /* payload: the image, or its gzip */
    size_t len;
    bool gzip;
    bool fixed;                  /* must be at `load`; else text_offset above a 2 MiB boundary */
    u64 text_offset;
    u64 load, entry;             /* entry: offset from where it is loaded */
    u64 mem_size;                /* bytes it needs from where it is loaded, its .bss included */
};

/* What is this file, and what does it need? -EINVAL with the reason in *why. */
must_check int image_probe(const void *data, size_t len, struct image *img, const char **why);
/* Put it at dst, where `room` bytes are. *loaded: bytes written. -EINVAL, -ENOSPC, -ENOMEM with the reason in *why. */
must_check int image_load(const struct image *img, void *dst, size_t room, size_t *loaded, const char **why);
/*
 * Unpack one gzip member. *out: bytes written. -ENOSPC: there is more than `room` (which is filled); -EINVAL: not gzip
 * or damaged; -ENOMEM.
 */
must_check int gunzip(const void *src, size_t n, void *dst, size_t room, size_t *out);

/* ---- memory of dom0 (boot/dom0_mem.c) ---- */
#define DOM0_MAX_BANKS 32
#define DOM0_CHUNK     MIB(2)    /* granule of its memory */
#define DOM0_MODULES_AT MIB(128) /* device tree and ramdisk, from the start of the first bank */
#define DOM0_FDT_ROOM  MIB(2)    /* the arm64 boot protocol's limit of a device tree */

struct dom0_memory {
    u32 nr;
    struct machine_range bank[DOM0_MAX_BANKS];   /* the first holds the kernel */
    u64 total;
};

/*
 * Claim `bytes` (multiple of DOM0_CHUNK) of free RAM in few large banks, besides what is in *out; the first at least
 * `first_min` bytes, below 4 GiB if that can be had. -ENOMEM: not so much is free; what was claimed is in *out.
 */
must_check int dom0_claim_memory(const struct machine *m, u64 bytes, u64 first_min, struct dom0_memory *out);

/* Where things go in the first bank. */
struct dom0_place {
    u64 kernel, entry;           /* gpa */
    u64 fdt;
    u64 initrd, initrd_size;     /* initrd_size 0: none */
};

/* -ENOSPC: the bank is too small; *need: bytes that would do. -EINVAL: a fixed address outside the bank. */
must_check int dom0_place(const struct image *img, u64 bank, u64 bank_size, u64 initrd_size, struct dom0_place *out,
                          u64 *need);

/* ---- modules that are not copied (boot/dom0_stay.c) ---- */
struct dom0_stay {
    struct machine_range kernel, ramdisk;    /* whole pages; size 0: is copied */
};

/* Which modules could stay where they are. kernel_data: where the module is mapped. ramdisk may be NULL. */
void dom0_find_stay(const struct machine *m, const struct machine_module *kernel, const struct image *img,
                    const void *kernel_data, const struct machine_module *ramdisk, struct dom0_stay *out);
/*
 * Claim one bank of `want` bytes, or less down to `least`, with them in it. True: *stay is what stays, and its frames
 * are claimed too. False: nothing is claimed, nothing stays.
 */
must_check bool dom0_claim_stay(const struct machine *m, u64 want, u64 least, const struct image *img, u64 initrd_size,
                                struct dom0_stay *stay, struct machine_range *out);
/* As dom0_place(), where something stays. False: there is no room for the rest. */
must_check bool dom0_place_stay(const struct image *img, const struct machine_range *bank, u64 initrd_size,
                                const struct dom0_stay *stay, struct dom0_place *out);

/*
 * Host RAM that dom0 was not given (nor the frames in `devices`), as guest-physical space for other uses: the
 * grant-table window of grant_size bytes (page multiple), then extended regions (2 MiB aligned, 64 MiB and up; ABI:
 * device tree). Returns the number of regions, the window being the first; 0: no room for it.
 */
u32 dom0_spare_regions(const struct machine *m, const struct dom0_memory *mem, struct rangeset *devices, u64 grant_size,
                       struct machine_range *out, u32 max);

/* ---- dom0's device tree (boot/dom0_filter.c, boot/dom0_fdt.c) ---- */
enum dom0_node {
    DOM0_NODE_COPY,              /* as it is; its device is dom0's */
    DOM0_NODE_PASSTHROUGH,       /* copied as disabled: kept for another domain */
    DOM0_NODE_DROP,              /* with all below it */
    DOM0_NODE_GIC,
    DOM0_NODE_TIMER,
    DOM0_NODE_CHOSEN,
    DOM0_NODE_ALIASES,
};

enum dom0_node dom0_filter(const struct dt_walk *w);
/* Is a property of a copied node left out? */
bool dom0_filter_prop(const char *name);

struct dom0_fdt {
    const struct machine *m;
    const struct dt *dt;         /* the host's tree */
    const struct machine_range *bank;
    u32 nr_banks;
    const struct machine_range *spare;   /* spare[0]: the grant window */
    u32 nr_spare;
    u64 initrd, initrd_size;
    const char *cmdline;
    const u64 *mpidr;            /* affinity per vCPU */
    u32 nr_vcpus;
    u32 event_ppi;
};

/* Write dom0's tree into buf. Returns its size, or -ENOSPC, or -EINVAL (a host tree that cannot be copied). */
must_check int dom0_fdt_build(const struct dom0_fdt *in, void *buf, size_t size);

/* ---- devices (boot/dom0_dev.c) ---- */
struct dom0_devices {
    struct rangeset *mmio;       /* frames to be mapped */
    struct rangeset *iomem_caps; /* frames it may give to others, too */
    struct rangeset *spis;       /* interrupts to be routed */
    struct rangeset *irq_caps;
    struct rangeset *reserved;   /* frames of RAM set aside for its devices (/reserved-memory) */
    u32 ppis_used;               /* bit per PPI - 16 that the machine uses */
    u64 edge[16];                /* bit per INTID whose trigger is an edge */
};

/* Collect what the host's tree gives dom0 into new sets. -ENOMEM, -ENOSPC; dom0_devices_free() in either case. */
must_check int dom0_find_devices(const struct machine *m, const struct dt *dt, struct dom0_devices *out);
void dom0_devices_free(struct dom0_devices *dev);

/* ---- construction (boot/dom0.c, boot/dom0_load.c); each stops boot with a message when it cannot be done ---- */
struct dom0_build {
    struct domain *d;
    const struct dt *dt;         /* the host's */
    const struct machine_module *kernel, *ramdisk;   /* ramdisk: NULL for none */
    struct image image;
    struct dom0_memory memory;
    struct dom0_devices devices;
    struct dom0_stay stay;
    struct dom0_place place;
    struct machine_range loaded[3];      /* whole pages that hold kernel, ramdisk and device tree: nothing to be scrubbed */
    u32 nr_vcpus;
};

/* The kernel module: found, understood, and its needs known. */
void dom0_probe_kernel(struct dom0_build *b);
/* The kernel module's contents. */
const void *dom0_kernel_data(const struct dom0_build *b);
/* Kernel, ramdisk and device tree into dom0's memory, which is mapped; b->loaded says where. */
void dom0_load(struct dom0_build *b);

#endif
