/* SPDX-License-Identifier: MIT */
/* Where kernel, ramdisk and device tree lie in a domain's first bank. */
#include <argon/build.h>
#include <argon/errno.h>
#include <argon/panic.h>

static_assert(BUILD_MODULES_AT % BUILD_CHUNK == 0, "what lies in a bank begins at a granule");

/* Room for the device tree and, behind it, the tables. */
static boot_code u64 tables_room(const struct build_sizes *sizes)
{
    return BUILD_FDT_ROOM + ROUND_UP(sizes->firmware, BUILD_CHUNK);
}

boot_code int build_place(const struct image *img, u64 bank, u64 bank_size, const struct build_sizes *sizes,
                         struct build_place *out, u64 *need)
{
    u64 bank_end = bank + bank_size, kernel = img->fixed ? img->load : bank + img->text_offset;
    u64 block = tables_room(sizes) + ROUND_UP(sizes->initrd, BUILD_CHUNK), kernel_end, at = bank + BUILD_MODULES_AT;

    *need = 0;
    if (img->fixed && (kernel < bank || kernel >= bank_end)) {
        return -EINVAL;
    }
    kernel_end = ROUND_UP(kernel + img->mem_size, BUILD_CHUNK);
    *need = kernel_end - bank + block;
    if (*need > bank_size) {
        return -ENOSPC;
    }
    if (kernel_end > at || at >= bank_end || block > bank_end - at) {
        at = ROUND_DOWN(bank_end - block, BUILD_CHUNK);   /* at the end of the bank */
    }
    *out = (struct build_place){
        .kernel = kernel, .entry = kernel + img->entry, .fdt = at, .firmware = at + BUILD_FDT_ROOM,
        .initrd = at + tables_room(sizes), .initrd_size = sizes->initrd
    };
    ASSERT(at >= kernel_end && at + block <= bank_end);
    return 0;
}

static boot_code bool fits(const struct machine_range *r, const struct machine_range *bank,
                           const struct machine_range *taken)
{
    return machine_range_in(r, bank) && !machine_ranges_overlap(r, &taken[0]) && !machine_ranges_overlap(r, &taken[1]);
}

/*
 * First room for r->size bytes, beginning `offset` above a granule: at r->start, at the bank's start or behind what is
 * taken.
 */
static boot_code bool find_room(struct machine_range *r, const struct machine_range *bank,
                                const struct machine_range *taken, u64 offset)
{
    const u64 at[] = { r->start, bank->start, machine_range_end(&taken[0]), machine_range_end(&taken[1]) };

    for (u32 i = 0; i < ARRAY_SIZE(at); i++) {
        r->start = ROUND_UP(at[i], BUILD_CHUNK) + offset;
        if (fits(r, bank, taken)) {
            return true;
        }
    }
    return false;
}

boot_code bool build_place_stay(const struct image *img, const struct machine_range *bank,
                                const struct build_sizes *sizes, const struct build_stay *stay, struct build_place *out)
{
    struct machine_range kernel = { .start = bank->start, .size = img->mem_size };
    struct machine_range ramdisk = stay->ramdisk, taken[2] = { ramdisk };
    struct machine_range block = { .start = bank->start + BUILD_MODULES_AT, .size = tables_room(sizes) };

    if (ramdisk.size != 0 && !machine_range_in(&ramdisk, bank)) {
        return false;
    }
    kernel.start = stay->kernel.size != 0 ? stay->kernel.start : bank->start;
    if (stay->kernel.size != 0 ? !fits(&kernel, bank, taken) : !find_room(&kernel, bank, taken, img->text_offset)) {
        return false;
    }
    taken[1] = kernel;
    block.size += ramdisk.size != 0 ? 0 : ROUND_UP(sizes->initrd, BUILD_CHUNK);
    if (!find_room(&block, bank, taken, 0)) {
        return false;
    }
    *out = (struct build_place){
        .kernel = kernel.start, .entry = kernel.start + img->entry, .fdt = block.start,
        .firmware = block.start + BUILD_FDT_ROOM,
        .initrd = ramdisk.size != 0 ? ramdisk.start : block.start + tables_room(sizes), .initrd_size = sizes->initrd
    };
    return true;
}
