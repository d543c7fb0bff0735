/* SPDX-License-Identifier: MIT */
/* Kernel, ramdisk and device tree go into the domain's memory, and all of it is made fit for its first touch. */
#include <argon/arch.h>
#include <argon/build.h>
#include <argon/console.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/mem.h>
#include <argon/p2m.h>
#include <argon/panic.h>
#include <argon/param.h>
#include <argon/printf.h>
#include <argon/string.h>

static boot_code void *pa_to_virt(paddr_t pa)
{
    return (u8 *)mfn_to_virt(paddr_to_mfn(pa)) + (pa & ~PAGE_MASK);
}

/* Memory is 1:1 (struct build_memory). */
static boot_code void *gpa_to_virt(u64 gpa)
{
    return pa_to_virt(gpa);
}

boot_code const void *build_module_data(const struct machine_module *mod)
{
    return pa_to_virt(mod->start);
}

/*
 * The guest starts with its caches off and reads memory itself: what we wrote goes to the point of coherency, and no
 * stale line is left above it (Arm ARM D7.5.8, D7.5.9; the flush also drops stale instructions).
 */
static boot_code void flush(const struct build *b, u64 gpa, u64 size)
{
    gfn_t g = gpa_to_gfn(gpa);
    u64 nr = (ROUND_UP(gpa + size, PAGE_SIZE) >> PAGE_SHIFT) - g.g;
    int r;

    do {
        r = p2m_cache_flush(b->d, &g, &nr);
    } while (r == -ERESTART);
    build_must(b, r, "cleaning memory from the caches");
}

/*
 * [gpa, gpa + size) is filled. Behind it, up to the page's end, may be what was in memory before Argon; after that its
 * pages are ready.
 */
static boot_code void finish(struct build *b, struct machine_range *loaded, u64 gpa, u64 size)
{
    u64 end = ROUND_UP(gpa + size, PAGE_SIZE);

    *loaded = (struct machine_range){ .start = ROUND_DOWN(gpa, PAGE_SIZE), .size = end - ROUND_DOWN(gpa, PAGE_SIZE) };
    if (opt.bootscrub != BOOTSCRUB_NO) {
        memset(gpa_to_virt(loaded->start), 0, (size_t)(gpa - loaded->start));
        memset((u8 *)gpa_to_virt(gpa) + size, 0, (size_t)(end - gpa - size));
    }
    flush(b, loaded->start, loaded->size);
}

static boot_code void load_kernel(struct build *b)
{
    const char *why;
    size_t loaded = (size_t)b->kernel->size;

    /* Up to the device tree when that lies above, else to the end of the bank: build_place() saw to mem_size. */
    if (b->stay.kernel.size == 0 &&
        image_load(&b->image, gpa_to_virt(b->place.kernel), (size_t)b->image.mem_size, &loaded, &why) != 0) {
        build_stop(b, "the kernel module at %#" PRIx64 " %s", b->kernel->start, why);
    }
    finish(b, &b->loaded[0], b->place.kernel, loaded);
}

boot_code void build_load_modules(struct build *b)
{
    load_kernel(b);
    if (b->ramdisk == NULL) {
        return;
    }
    if (b->stay.ramdisk.size == 0) {
        memcpy(gpa_to_virt(b->place.initrd), build_module_data(b->ramdisk), (size_t)b->ramdisk->size);
    }
    finish(b, &b->loaded[1], b->place.initrd, b->ramdisk->size);
}

boot_code void *build_fdt_buffer(const struct build *b, u64 want, u64 *room)
{
    *room = MIN(ROUND_UP(want, PAGE_SIZE), BUILD_FDT_ROOM);
    return gpa_to_virt(b->place.fdt);
}

boot_code void build_fdt_done(struct build *b, int size, u64 room)
{
    char ramdisk[64] = "no ramdisk";

    ASSERT(size < 0 || (u64)size <= room);
    if (size < 0) {
        build_stop(b, "its device tree cannot be made: error %d", size);
    }
    /* All of it: the builder collects strings at the end before it moves them. */
    memset((u8 *)gpa_to_virt(b->place.fdt) + size, 0, (size_t)room - (size_t)size);
    finish(b, &b->loaded[2], b->place.fdt, room);
    if (b->ramdisk != NULL) {
        snprintf(ramdisk, sizeof(ramdisk), "ramdisk at %#" PRIx64 " (%" PRIu64 " bytes)%s", b->place.initrd,
                 b->place.initrd_size, b->stay.ramdisk.size != 0 ? " in place" : "");
    }
    log_info("%s: kernel at %#" PRIx64 "%s, device tree at %#" PRIx64 " (%d bytes), %s", b->name, b->place.kernel,
             b->stay.kernel.size != 0 ? " in place" : "", b->place.fdt, size, ramdisk);
}

boot_code void *build_firmware_buffer(const struct build *b)
{
    return memset(gpa_to_virt(b->place.firmware), 0, (size_t)b->firmware_size);
}

boot_code void build_firmware_done(struct build *b)
{
    finish(b, &b->loaded[3], b->place.firmware, b->firmware_size);
}

/* The first of the loaded ranges that ends behind `at` and begins before `end`; NULL: none. */
static boot_code const struct machine_range *next_loaded(const struct build *b, u64 at, u64 end)
{
    const struct machine_range *next = NULL;

    for (u32 i = 0; i < ARRAY_SIZE(b->loaded); i++) {
        const struct machine_range *r = &b->loaded[i];

        if (r->size != 0 && r->start + r->size > at && r->start < end && (next == NULL || r->start < next->start)) {
            next = r;
        }
    }
    return next;
}

boot_code void build_scrub(const struct build *b)
{
    for (u32 i = 0; opt.bootscrub != BOOTSCRUB_NO && i < b->memory.nr; i++) {
        u64 at = b->memory.bank[i].start, end = at + b->memory.bank[i].size;

        while (at < end) {
            const struct machine_range *r = next_loaded(b, at, end);
            u64 to = r != NULL ? MAX(r->start, at) : end;

            ASSERT(to >= at && IS_ALIGNED(at | to, PAGE_SIZE));
            frames_scrub(paddr_to_mfn(at), (to - at) >> PAGE_SHIFT);
            at = r != NULL ? r->start + r->size : end;
        }
    }
    arch_forget_code();                  /* firmware's, and the boot loader's */
}
