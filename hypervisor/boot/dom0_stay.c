/* SPDX-License-Identifier: MIT */
/*
 * Boot modules that become dom0's where the boot loader put them: dom0 is mapped 1:1, so if its first bank is chosen
 * around kernel and ramdisk, neither need be copied.
 */
#include "dom0.h"
#include <argon/mem.h>
#include <argon/panic.h>

static boot_code struct machine_range whole_pages(paddr_t start, u64 size)
{
    paddr_t first = ROUND_DOWN(start, PAGE_SIZE);

    return (struct machine_range){ .start = first, .size = ROUND_UP(start + size, PAGE_SIZE) - first };
}

/*
 * Its pages are nobody else's, and where devices with 32 bits reach them: dom0's first bank is below 4 GiB if that can
 * be had.
 */
static boot_code bool may_stay(const struct machine *m, const struct machine_module *mod)
{
    struct machine_range pages = whole_pages(mod->start, mod->size);
    struct machine_range tables = whole_pages(m->tables.start, m->tables.size);

    if (mod->size == 0 || !IS_ALIGNED(mod->start, PAGE_SIZE) || machine_range_end(&pages) > GIB(4) ||
        machine_ranges_overlap(&pages, &tables) || !machine_is_ram(m, pages.start, pages.size)) {
        return false;
    }
    for (u32 i = 0; i < m->nr_reserved; i++) {
        if (machine_ranges_overlap(&pages, &m->reserved[i])) {
            return false;
        }
    }
    for (u32 i = 0; i < m->nr_modules; i++) {
        struct machine_range other = whole_pages(m->modules[i].start, m->modules[i].size);

        if (&m->modules[i] != mod && machine_ranges_overlap(&pages, &other)) {
            return false;
        }
    }
    return true;
}

boot_code void dom0_find_stay(const struct machine *m, const struct machine_module *kernel, const struct image *img,
                              const void *kernel_data, const struct machine_module *ramdisk, struct build_stay *out)
{
    *out = (struct build_stay){ .kernel = { .size = 0 } };
    /* The arm64 boot protocol: text_offset above a multiple of 2 MiB. */
    if (!img->gzip && !img->fixed && img->data == kernel_data && kernel->start >= img->text_offset &&
        IS_ALIGNED(kernel->start - img->text_offset, MIB(2)) && may_stay(m, kernel)) {
        out->kernel = whole_pages(kernel->start, kernel->size);
    }
    if (ramdisk != NULL && may_stay(m, ramdisk)) {
        out->ramdisk = whole_pages(ramdisk->start, ramdisk->size);
    }
}

/* What of the bank is no staying module, in order: at most three pieces. */
static boot_code u32 find_gaps(const struct machine_range *bank, const struct build_stay *stay,
                               struct machine_range *gap)
{
    const struct machine_range *first = &stay->kernel, *second = &stay->ramdisk;
    paddr_t at = bank->start;
    u32 nr = 0;

    if (first->start > second->start) {
        first = &stay->ramdisk;
        second = &stay->kernel;
    }
    for (u32 i = 0; i < 2; i++) {
        const struct machine_range *r = i == 0 ? first : second;

        if (r->size != 0) {
            if (r->start > at) {
                gap[nr++] = (struct machine_range){ .start = at, .size = r->start - at };
            }
            at = machine_range_end(r);
        }
    }
    if (at < machine_range_end(bank)) {
        gap[nr++] = (struct machine_range){ .start = at, .size = machine_range_end(bank) - at };
    }
    return nr;
}

static boot_code void claim(const struct machine_range *r)
{
    /* The boot CPU alone allocates, and it has just seen that all is free. */
    ASSERT_ALWAYS(r->size == 0 || mem_claim(paddr_to_mfn(r->start), r->size >> PAGE_SHIFT) == 0);
}

static boot_code void adopt_module(const struct machine_range *r, u32 node)
{
    if (r->size != 0) {
        mem_add_range(r->start, machine_range_end(r), node);
        claim(r);
    }
}

static boot_code bool claim_bank(const struct machine_range *bank, const struct build_stay *stay)
{
    struct machine_range gap[3];
    u32 nr = find_gaps(bank, stay, gap);

    for (u32 i = 0; i < nr; i++) {
        if (!mem_is_free(paddr_to_mfn(gap[i].start), gap[i].size >> PAGE_SHIFT)) {
            return false;
        }
    }
    for (u32 i = 0; i < nr; i++) {
        claim(&gap[i]);
    }
    adopt_module(&stay->kernel, bank->node);
    adopt_module(&stay->ramdisk, bank->node);
    return true;
}

/* A bank of this size: aligned for large mappings, or beginning with the first module, or ending with the last. */
static boot_code bool claim_size(const struct machine *m, u64 size, const struct image *img,
                                 const struct build_sizes *sizes, const struct build_stay *stay,
                                 struct machine_range *out)
{
    const struct machine_range *k = stay->kernel.size != 0 ? &stay->kernel : &stay->ramdisk;
    const struct machine_range *r = stay->ramdisk.size != 0 ? &stay->ramdisk : k;
    u64 low = ROUND_DOWN(MIN(k->start, r->start), BUILD_CHUNK);
    u64 high = ROUND_UP(MAX(machine_range_end(k), machine_range_end(r)), BUILD_CHUNK);
    const u64 at[] = {
        ROUND_DOWN(low, BIT(63 - __builtin_clzll(MIN(size, GIB(1))))), low, high > size ? high - size : low
    };
    struct build_place place;

    for (u32 i = 0; i < ARRAY_SIZE(at); i++) {
        *out = (struct machine_range){ .start = at[i], .size = size };
        for (u32 b = 0; b < m->nr_banks; b++) {
            if (machine_range_in(out, &m->banks[b])) {
                out->node = m->banks[b].node;
                if (build_place_stay(img, out, sizes, stay, &place) && claim_bank(out, stay)) {
                    return true;
                }
            }
        }
    }
    return false;
}

/* Both, or one of them: false when that cannot be, with nothing claimed. Less than `want` rather than a copy. */
static boot_code bool claim_around(const struct machine *m, u64 want, u64 least, const struct image *img,
                                   const struct build_sizes *sizes, const struct build_stay *stay,
                                   struct machine_range *out)
{
    if (stay->kernel.size == 0 && stay->ramdisk.size == 0) {
        return false;
    }
    for (u64 size = want;; size = MAX(ROUND_DOWN(size / 2, BUILD_CHUNK), least)) {
        if (claim_size(m, size, img, sizes, stay, out)) {
            return true;
        }
        if (size <= least) {
            return false;
        }
    }
}

boot_code bool dom0_claim_stay(const struct machine *m, u64 want, u64 least, const struct image *img,
                               const struct build_sizes *sizes, struct build_stay *stay, struct machine_range *out)
{
    const struct build_stay tries[] = { *stay, { .ramdisk = stay->ramdisk }, { .kernel = stay->kernel } };

    for (u32 i = 0; i < ARRAY_SIZE(tries); i++) {
        *stay = tries[i];
        if (claim_around(m, want, least, img, sizes, stay, out)) {
            return true;
        }
    }
    *stay = (struct build_stay){ .kernel = { .size = 0 } };
    return false;
}
