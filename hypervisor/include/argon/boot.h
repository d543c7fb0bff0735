/* SPDX-License-Identifier: MIT */
/* What boot needs of its files: the end when it cannot go on, boot modules, kernel images. Boot only. */
#ifndef ARGON_BOOT_H
#define ARGON_BOOT_H

#include <argon/machine.h>

/* The user or the machine must change: print "Argon cannot start: ..." and stop for good. */
noreturn_fn printf_like(1, 2) void boot_stop(const char *fmt, ...);

/* How boot reads firmware's memory, be it RAM or not: windows of the hypervisor's map (boot/init.c). */
struct firmware_memory;
extern const struct firmware_memory boot_firmware_memory;

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

/* ---- UEFI's runtime services (boot/efi_runtime.c). What is wrong costs them, not the boot ---- */
/* Where UEFI left them: their memory is reserved, and machine.efi.mmio filled. Before boot_memory_init(). */
void efi_boot_find(void);
/* What was found is mapped and may be called from here on. There are an allocator, CPU stacks and a current vCPU. */
void efi_boot_enable(void);

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

#endif
