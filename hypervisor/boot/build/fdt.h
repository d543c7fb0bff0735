/* SPDX-License-Identifier: MIT */
/*
 * Writing a domain's device tree, over libfdt's sequential writer, and the nodes that every domain has. Names of
 * properties are not shared, because looking for them would cost more than all the rest. The first error stays in
 * `err`; after it nothing counts.
 */
#ifndef BUILD_FDT_H
#define BUILD_FDT_H

#include <argon/dt.h>
#include <argon/machine.h>

struct fdt_writer {
    void *fdt;
    int err;                     /* first libfdt error */
    int open;                    /* nodes begun and not ended */
    u32 addr_cells, size_cells;  /* of the root */
    u32 gic_phandle;
};

void fdtw_start(struct fdt_writer *w, void *buf, size_t size);
/* Returns the tree's size, or -ENOSPC, or -EINVAL, with what was wrong in the log. */
must_check int fdtw_finish(struct fdt_writer *w, const char *whose);
void fdtw_fail(struct fdt_writer *w, int err);

void fdtw_begin(struct fdt_writer *w, const char *name);
void fdtw_end(struct fdt_writer *w);
void fdtw_put(struct fdt_writer *w, const char *name, const void *data, u32 len);
void fdtw_prop(struct fdt_writer *w, const char *name, const struct dt_prop *p);     /* absent: nothing */
void fdtw_u32(struct fdt_writer *w, const char *name, u32 v);
void fdtw_string(struct fdt_writer *w, const char *name, const char *s);
/* interrupts, private ones, and their parent. */
void fdtw_ppis(struct fdt_writer *w, const u32 *intid, u32 nr);

/* bootargs (empty: none) and ramdisk (size 0: none): in /chosen. */
void fdtw_boot_props(struct fdt_writer *w, const char *cmdline, u64 initrd, u64 initrd_size);
/*
 * /hypervisor, left open for more: regions, the first of them the grant table's window, and the interrupt of events.
 * Neither where the tree has no interrupt controller (nr 0).
 */
void fdtw_begin_hypervisor(struct fdt_writer *w, const struct machine_range *regions, u32 nr, u32 event_ppi);
/* The node in it by which a dom0 finds what UEFI left it (Linux: xen,uefi-*). NULL: nothing. */
void fdtw_uefi(struct fdt_writer *w, const struct machine_efi *efi);
void fdtw_psci(struct fdt_writer *w);
void fdtw_memory(struct fdt_writer *w, const struct machine_range *bank, u32 nr);
/* /cpus and a CPU's node, which are left open for more. */
void fdtw_begin_cpus(struct fdt_writer *w);
void fdtw_begin_cpu(struct fdt_writer *w, u32 affinity);

#endif
