/* SPDX-License-Identifier: MIT */
/* dom0's kernel, ramdisk and device tree: from the boot modules into its memory. */
#include <argon/arch.h>
#include <argon/boot.h>
#include <argon/console.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/grant.h>
#include <argon/mem.h>
#include <argon/p2m.h>
#include <argon/param.h>
#include <argon/rangeset.h>
#include <argon/string.h>

/* dom0 is 1:1: its guest-physical addresses are the machine's. */
static boot_code void *gpa_to_virt(u64 gpa)
{
    return (u8 *)mfn_to_virt(paddr_to_mfn(gpa)) + (gpa & ~PAGE_MASK);
}

static boot_code const void *module_data(const struct machine_module *mod)
{
    return gpa_to_virt(mod->start);
}

boot_code const void *dom0_kernel_data(const struct dom0_build *b)
{
    return module_data(b->kernel);
}

boot_code void dom0_probe_kernel(struct dom0_build *b)
{
    const char *why;

    modules_classify(&machine);
    b->kernel = machine_module(MODULE_KERNEL);
    b->ramdisk = machine_module(MODULE_RAMDISK);
    if (b->kernel == NULL) {
        boot_stop("no kernel for dom0: the boot loader gave no module of kind multiboot,kernel in /chosen");
    }
    if (image_probe(module_data(b->kernel), b->kernel->size, &b->image, &why) != 0) {
        boot_stop("the kernel module at %#lx (%lu bytes) %s", b->kernel->start, b->kernel->size, why);
    }
}

/*
 * The guest starts with its caches off and reads memory itself: what we wrote goes to the point of coherency, and no
 * stale line is left above it (Arm ARM D7.5.8, D7.5.9; the flush also drops stale instructions).
 */
static boot_code void flush(struct domain *d, u64 gpa, u64 size)
{
    gfn_t g = gpa_to_gfn(gpa);
    u64 nr = (ROUND_UP(gpa + size, PAGE_SIZE) >> PAGE_SHIFT) - g.g;
    int r;

    do {
        r = p2m_cache_flush(d, &g, &nr);
    } while (r == -ERESTART);
    if (r != 0) {
        boot_stop("dom0's memory at %#lx cannot be cleaned from the caches: error %d", gpa, r);
    }
}

/*
 * [gpa, gpa + size) is filled. Behind it, up to the page's end, may be what was in memory before Argon; after that its
 * pages are ready.
 */
static boot_code void finish(struct dom0_build *b, struct machine_range *loaded, u64 gpa, u64 size)
{
    u64 end = ROUND_UP(gpa + size, PAGE_SIZE);

    *loaded = (struct machine_range){ .start = ROUND_DOWN(gpa, PAGE_SIZE), .size = end - ROUND_DOWN(gpa, PAGE_SIZE) };
    if (opt.bootscrub != BOOTSCRUB_NO) {
        memset(gpa_to_virt(loaded->start), 0, gpa - loaded->start);
        memset((u8 *)gpa_to_virt(gpa) + size, 0, end - gpa - size);
    }
    flush(b->d, loaded->start, loaded->size);
}

static boot_code void load_kernel(struct dom0_build *b)
{
    const char *why;
    size_t loaded = b->kernel->size;

    /* Up to the device tree when that lies above, else to the end of the bank: dom0_place() saw to mem_size. */
    if (b->stay.kernel.size == 0 &&
        image_load(&b->image, gpa_to_virt(b->place.kernel), b->image.mem_size, &loaded, &why) != 0) {
        boot_stop("the kernel module at %#lx %s", b->kernel->start, why);
    }
    finish(b, &b->loaded[0], b->place.kernel, loaded);
}

static boot_code void load_ramdisk(struct dom0_build *b)
{
    if (b->ramdisk == NULL) {
        return;
    }
    if (b->stay.ramdisk.size == 0) {
        memcpy(gpa_to_virt(b->place.initrd), module_data(b->ramdisk), b->ramdisk->size);
    }
    finish(b, &b->loaded[1], b->place.initrd, b->ramdisk->size);
}

/* The memory node has dom0's own banks, then what firmware reserved in RAM for devices, as the host's had. */
static boot_code u32 list_memory(const struct dom0_build *b, struct machine_range *out, u32 max)
{
    u64 first, last, next = 0;
    u32 nr = MIN(b->memory.nr, max);

    memcpy(out, b->memory.bank, nr * sizeof(*out));
    while (nr < max && rangeset_next(b->devices.reserved, next, &first, &last)) {
        out[nr++] = (struct machine_range){ .start = first << PAGE_SHIFT, .size = (last - first + 1) << PAGE_SHIFT };
        next = last + 1;
    }
    return nr;
}

/* The lowest private interrupt that nothing in the machine uses: events come by it. */
static boot_code u32 choose_event_ppi(const struct dom0_build *b)
{
    u32 unused_ppis = ~b->devices.ppis_used & 0xffff;

    if (unused_ppis == 0) {
        boot_stop("the machine uses all 16 private interrupts: none is left for dom0's events");
    }
    return 16 + (u32)__builtin_ctz(unused_ppis);
}

static boot_code void load_fdt(struct dom0_build *b)
{
    struct machine_range banks[DOM0_MAX_BANKS], spare[DOM0_MAX_BANKS];
    u64 mpidr[MAX_VCPUS];
    struct dom0_fdt in = {
        .m = &machine, .dt = b->dt, .bank = banks, .spare = spare, .initrd = b->place.initrd,
        .initrd_size = b->place.initrd_size, .cmdline = machine.dom0_cmdline, .mpidr = mpidr, .nr_vcpus = b->nr_vcpus
    };
    u64 grant_size = (u64)grant_max_frames(b->d) << PAGE_SHIFT, room;
    int r;

    for (u32 i = 0; i < b->nr_vcpus; i++) {
        mpidr[i] = arch_vcpu_mpidr(b->d->vcpu[i]) & 0xffffff;
    }
    in.nr_banks = list_memory(b, banks, ARRAY_SIZE(banks));
    in.nr_spare = dom0_spare_regions(&machine, &b->memory, b->devices.reserved, grant_size, spare, ARRAY_SIZE(spare));
    if (in.nr_spare == 0) {
        boot_stop("no space for dom0's grant table window of %lu KiB: give dom0 less memory (dom0_mem)",
                  grant_size >> 10);
    }
    in.event_ppi = choose_event_ppi(b);
    b->d->arch.event_ppi = in.event_ppi;
    /*
     * Names of properties are not shared in it, CPUs and the nodes of Argon's own are added: what it can become at
     * most.
     */
    room = MIN(ROUND_UP(4 * (u64)(b->dt->tree_size + b->dt->strings_size) + KIB(64), PAGE_SIZE), DOM0_FDT_ROOM);
    r = dom0_fdt_build(&in, gpa_to_virt(b->place.fdt), room);
    if (r < 0) {
        boot_stop("dom0's device tree cannot be made: error %d", r);
    }
    /* All of it: the builder collects strings at the end before it moves them. */
    memset((u8 *)gpa_to_virt(b->place.fdt) + r, 0, room - (u64)r);
    finish(b, &b->loaded[2], b->place.fdt, room);
    log_info("dom0: kernel at %#lx%s, device tree at %#lx (%d bytes), ramdisk at %#lx (%lu bytes)%s", b->place.kernel,
             b->stay.kernel.size != 0 ? " in place" : "", b->place.fdt, r, b->place.initrd, b->place.initrd_size,
             b->stay.ramdisk.size != 0 ? " in place" : "");
}

boot_code void dom0_load(struct dom0_build *b)
{
    load_kernel(b);
    load_ramdisk(b);
    load_fdt(b);
}
