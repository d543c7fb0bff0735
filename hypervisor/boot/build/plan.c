/* SPDX-License-Identifier: MIT */
/* A domain's plan: what its kernel needs, and where in its first bank all goes. */
#include <argon/build.h>
#include <argon/errno.h>
#include <argon/printf.h>

#define FIRST_BANK MIB(128)              /* at least, so that kernel and modules find room */

boot_code void build_stop(const struct build *b, const char *fmt, ...)
{
    static boot_data char why[224];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    boot_stop("%s: %s", b->name, why);
}

boot_code void build_must(const struct build *b, int r, const char *what)
{
    if (r != 0) {
        build_stop(b, "%s: error %d", what, r);
    }
}

boot_code void build_probe_kernel(struct build *b)
{
    const char *why;

    if (image_probe(build_module_data(b->kernel), (size_t)b->kernel->size, &b->image, &why) != 0) {
        build_stop(b, "the kernel module at %#" PRIx64 " (%" PRIu64 " bytes) %s", b->kernel->start, b->kernel->size,
                   why);
    }
}

boot_code struct build_sizes build_sizes(const struct build *b)
{
    return (struct build_sizes){ .initrd = b->ramdisk != NULL ? b->ramdisk->size : 0, .firmware = b->firmware_size };
}

/* A kernel for a fixed address has to find that in whatever the bank is. */
boot_code u64 build_first_bank(const struct build *b, u64 bytes)
{
    struct build_sizes sizes = build_sizes(b);
    struct build_place place;
    u64 need;
    int r = build_place(&b->image, 0, b->image.fixed ? UINT64_MAX >> 1 : bytes, &sizes, &place, &need);

    if (r == -ENOSPC) {
        build_stop(b, "%s=%" PRIu64 "M is too small for this kernel and ramdisk: they need %" PRIu64 " MiB",
                   b->mem_option, bytes >> 20, need >> 20);
    }
    return MIN(MAX(b->image.fixed ? 0 : ROUND_UP(need, BUILD_CHUNK), FIRST_BANK), bytes);
}

boot_code void build_lay_out(struct build *b)
{
    const struct machine_range *bank = &b->memory.bank[0];
    struct build_sizes sizes = build_sizes(b);
    u64 need;
    int r;

    if ((b->stay.kernel.size != 0 || b->stay.ramdisk.size != 0) &&
        build_place_stay(&b->image, bank, &sizes, &b->stay, &b->place)) {
        return;
    }
    r = build_place(&b->image, bank->start, bank->size, &sizes, &b->place, &need);
    if (r == -EINVAL) {
        build_stop(b, "the kernel is a uImage for load address %#" PRIx64 ", which is not in its memory at %#" PRIx64,
                   b->image.load, bank->start);
    }
    build_must(b, r, "kernel and ramdisk do not fit the first memory bank");
}
