/* SPDX-License-Identifier: MIT */
/* dom0: what it is given of the machine, and its device tree, made from the host's. Boot only. */
#ifndef BOOT_DOM0_H
#define BOOT_DOM0_H

#include <argon/build.h>
#include <argon/dt.h>

struct rangeset;

/* ---- memory (boot/dom0_mem.c) ---- */
/*
 * Claim `bytes` (multiple of BUILD_CHUNK) of free RAM in few large banks, besides what is in *out; the first at least
 * `first_min` bytes, below 4 GiB if that can be had. Of NUMA node `node` first, then of others by distance.
 * -ENOMEM: not so much is free; what was claimed is in *out.
 */
must_check int dom0_claim_memory(const struct machine *m, u32 node, u64 bytes, u64 first_min,
                                 struct build_memory *out);

/*
 * Host RAM that dom0 was not given (nor the frames in `devices`), as guest-physical space for other uses: the
 * grant-table window of grant_size bytes (page multiple), then extended regions (2 MiB aligned, 64 MiB and up;
 * docs/design/boot.md). Returns the number of regions, the window being the first; 0: no room for it.
 */
u32 dom0_spare_regions(const struct machine *m, const struct build_memory *mem, struct rangeset *devices,
                       u64 grant_size, struct machine_range *out, u32 max);

/* ---- modules that are not copied (boot/dom0_stay.c) ---- */
/* Which modules could stay where they are. kernel_data: where the module is mapped. ramdisk may be NULL. */
void dom0_find_stay(const struct machine *m, const struct machine_module *kernel, const struct image *img,
                    const void *kernel_data, const struct machine_module *ramdisk, struct build_stay *out);
/*
 * Claim one bank of `want` bytes, or less down to `least`, with them in it. True: *stay is what stays, and its frames
 * are claimed too. False: nothing is claimed, nothing stays.
 */
must_check bool dom0_claim_stay(const struct machine *m, u64 want, u64 least, const struct image *img,
                                const struct build_sizes *sizes, struct build_stay *stay, struct machine_range *out);

/* ---- device tree (boot/dom0_filter.c, boot/dom0_fdt.c) ---- */
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
    const struct machine_efi *efi;       /* dom0's own; NULL: none */
};

/* Write dom0's tree into buf. Returns its size, or -ENOSPC, or -EINVAL (a host tree that cannot be copied). */
must_check int dom0_fdt_build(const struct dom0_fdt *in, void *buf, size_t size);
/*
 * The same for a dom0 that has ACPI's tables: nothing but /chosen and /hypervisor, by which Linux knows that it is to
 * use those. dt may be NULL.
 */
must_check int dom0_stub_build(const struct dom0_fdt *in, void *buf, size_t size);

/* ---- devices (boot/dom0_dev.c) ---- */
/* Device memory by what dom0's stage 1 may make of it (p2m.h). */
enum dom0_mmio {
    DOM0_MMIO_DEVICE,
    DOM0_MMIO_NC,                /* prefetchable windows of PCI host bridges */
    DOM0_MMIO_WB,                /* memory that firmware keeps for devices, and that is in no bank: no-map */
    DOM0_NR_MMIO
};

struct dom0_devices {
    struct rangeset *mmio[DOM0_NR_MMIO]; /* frames to be mapped; each in one of them */
    struct rangeset *iomem_caps; /* frames it may give to others, too */
    struct rangeset *spis;       /* interrupts to be routed */
    struct rangeset *irq_caps;
    struct rangeset *reserved;   /* frames of RAM set aside for its devices (/reserved-memory) */
    u32 ppis_used;               /* bit per PPI - 16 that the machine uses */
    u64 edge[16];                /* bit per INTID whose trigger is an edge */
};

must_check int dom0_devices_create(struct dom0_devices *dev);    /* empty; -ENOMEM: dom0_devices_free() all the same */
/* Collect what the host's tree gives dom0 into new sets. -ENOMEM, -ENOSPC; dom0_devices_free() in either case. */
must_check int dom0_find_devices(const struct machine *m, const struct dt *dt, struct dom0_devices *out);
/*
 * What is Argon's own is not dom0's, whoever names it: interrupt controller, console and its interrupt, what UEFI
 * drives at run time, RAM; the private interrupts that Argon uses are in use. Errors as the last one's.
 */
must_check int dom0_take_back(const struct machine *m, struct dom0_devices *out);
void dom0_devices_free(struct dom0_devices *dev);

#endif
