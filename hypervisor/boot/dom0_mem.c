/* SPDX-License-Identifier: MIT */
/*
 * Which memory dom0 gets, where its kernel and modules lie in it, and what guest-physical space is left for other uses.
 */
#include <argon/boot.h>
#include <argon/errno.h>
#include <argon/mem.h>
#include <argon/rangeset.h>
#include <argon/string.h>

#define SPARE_MIN MIB(64)

static boot_code u64 floor_power_of_2(u64 n)
{
    return 1UL << (63 - __builtin_clzl(n));
}

/* Claim `size` bytes at a multiple of `align`, below `limit`. */
static boot_code bool claim_at(const struct machine *m, u64 size, u64 align, paddr_t limit, struct machine_range *out)
{
    paddr_t from = 0, start, end;
    u32 node;

    while (machine_next_free(m, from, &start, &end, &node)) {
        end = MIN(end, limit);
        for (paddr_t a = ROUND_UP(start, align); a < end && size <= end - a; a += align) {
            if (mem_claim(paddr_to_mfn(a), size >> PAGE_SHIFT) == 0) {
                *out = (struct machine_range){ .start = a, .size = size, .node = node };
                return true;
            }
        }
        if (end == limit) {
            break;
        }
        from = end;
    }
    return false;
}

/*
 * The largest piece of at most `want` and at least `least` bytes; for large mappings, aligned to its size if that can
 * be had.
 */
static boot_code bool claim_piece(const struct machine *m, u64 want, u64 least, paddr_t limit,
                                  struct machine_range *out)
{
    u64 size = want;

    for (;;) {
        u64 align = MIN(floor_power_of_2(size), GIB(1));

        if (claim_at(m, size, align, limit, out) || (align > DOM0_CHUNK && claim_at(m, size, DOM0_CHUNK, limit, out))) {
            return true;
        }
        if (size <= least) {
            return false;
        }
        size = MAX(floor_power_of_2(size - 1), least);
    }
}

/* Neighbours become one bank. */
static boot_code bool add_bank(struct dom0_memory *mem, const struct machine_range *r)
{
    mem->total += r->size;
    for (u32 i = 0; i < mem->nr; i++) {
        struct machine_range *b = &mem->bank[i];

        if (b->start + b->size == r->start || r->start + r->size == b->start) {
            b->start = MIN(b->start, r->start);
            b->size += r->size;
            return true;
        }
    }
    mem->bank[mem->nr++] = *r;
    return mem->nr < DOM0_MAX_BANKS;
}

boot_code int dom0_claim_memory(const struct machine *m, u64 bytes, u64 first_min, struct dom0_memory *out)
{
    struct machine_range r;
    bool more;

    first_min = MIN(ROUND_UP(first_min, DOM0_CHUNK), bytes);
    more = out->nr > 0;
    if (out->nr == 0) {
        if (!claim_piece(m, bytes, first_min, GIB(4), &r) && !claim_piece(m, bytes, first_min, ~0UL, &r)) {
            return -ENOMEM;
        }
        more = add_bank(out, &r);
    }
    while (more && out->total < bytes && claim_piece(m, bytes - out->total, DOM0_CHUNK, ~0UL, &r)) {
        more = add_bank(out, &r);
    }
    return out->total == bytes ? 0 : -ENOMEM;
}

boot_code int dom0_place(const struct image *img, u64 bank, u64 bank_size, u64 initrd_size, struct dom0_place *out,
                         u64 *need)
{
    u64 bank_end = bank + bank_size, kernel = img->fixed ? img->load : bank + img->text_offset;
    u64 block = DOM0_FDT_ROOM + ROUND_UP(initrd_size, DOM0_CHUNK), kernel_end, at = bank + DOM0_MODULES_AT;

    *need = 0;
    if (img->fixed && (kernel < bank || kernel >= bank_end)) {
        return -EINVAL;
    }
    kernel_end = ROUND_UP(kernel + img->mem_size, DOM0_CHUNK);
    *need = kernel_end - bank + block;
    if (*need > bank_size) {
        return -ENOSPC;
    }
    if (kernel_end > at || at >= bank_end || block > bank_end - at) {
        at = ROUND_DOWN(bank_end - block, DOM0_CHUNK);   /* at the end of the bank */
    }
    *out = (struct dom0_place){
        .kernel = kernel, .entry = kernel + img->entry, .fdt = at, .initrd = at + DOM0_FDT_ROOM,
        .initrd_size = initrd_size
    };
    return 0;
}

/* RAM without what dom0 has, as frames. */
static boot_code int spare_frames(const struct machine *m, const struct dom0_memory *mem, struct rangeset *devices,
                                  struct rangeset *spare)
{
    u64 first, last, next = 0;
    int r = 0;

    for (u32 i = 0; r == 0 && i < m->nr_banks; i++) {
        const struct machine_range *b = &m->banks[i];

        r = rangeset_add(spare, b->start >> PAGE_SHIFT, ((b->start + b->size) >> PAGE_SHIFT) - 1);
    }
    for (u32 i = 0; r == 0 && i < mem->nr; i++) {
        const struct machine_range *b = &mem->bank[i];

        r = rangeset_remove(spare, b->start >> PAGE_SHIFT, ((b->start + b->size) >> PAGE_SHIFT) - 1);
    }
    while (r == 0 && rangeset_next(devices, next, &first, &last)) {
        r = rangeset_remove(spare, first, last);
        next = last + 1;
    }
    return r;
}

boot_code u32 dom0_spare_regions(const struct machine *m, const struct dom0_memory *mem, struct rangeset *devices,
                                 u64 grant_size, struct machine_range *out, u32 max)
{
    struct rangeset *spare = rangeset_create();
    u64 first, last, next = 0, end;
    u32 nr = 0;

    if (spare == NULL || spare_frames(m, mem, devices, spare) != 0) {
        rangeset_destroy(spare);
        return 0;
    }
    while (nr < max && rangeset_next(spare, next, &first, &last)) {
        u64 start = ROUND_UP(MAX(first, next) << PAGE_SHIFT, DOM0_CHUNK);

        end = (last + 1) << PAGE_SHIFT;
        next = last + 1;
        if (nr == 0 && start < end && end - start >= grant_size) {
            out[nr++] = (struct machine_range){ .start = start, .size = grant_size };
            next = (start + grant_size) >> PAGE_SHIFT;       /* the rest of this range may be a region */
            continue;
        }
        end = ROUND_DOWN(end, DOM0_CHUNK);
        if (nr > 0 && end > start && end - start >= SPARE_MIN) {
            out[nr++] = (struct machine_range){ .start = start, .size = end - start };
        }
    }
    rangeset_destroy(spare);
    return nr;
}
