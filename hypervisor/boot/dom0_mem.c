/* SPDX-License-Identifier: MIT */
/* Which memory dom0 gets, and what guest-physical space is left for other uses. */
#include "dom0.h"
#include <argon/errno.h>
#include <argon/mem.h>
#include <argon/panic.h>
#include <argon/rangeset.h>

#define SPARE_MIN MIB(64)
/* Pieces of this size on a near node are taken before any piece that is further away. */
#define NEAR_MIN MIB(64)

static boot_code u64 floor_power_of_2(u64 n)
{
    return BIT(63 - __builtin_clzll(n));
}

/* Claim `size` bytes of the node at a multiple of `align`, below `limit`. */
static boot_code bool claim_at(const struct machine *m, u32 want_node, u64 size, u64 align, paddr_t limit,
                               struct machine_range *out)
{
    paddr_t from = 0, start, end;
    u32 node;

    while (machine_next_free(m, from, &start, &end, &node)) {
        end = MIN(end, limit);
        for (paddr_t a = ROUND_UP(start, align); node == want_node && a < end && size <= end - a; a += align) {
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
static boot_code bool claim_piece(const struct machine *m, u32 node, u64 want, u64 least, paddr_t limit,
                                  struct machine_range *out)
{
    u64 size = want;

    for (;;) {
        u64 align = MIN(floor_power_of_2(size), GIB(1));

        if (claim_at(m, node, size, align, limit, out) ||
            (align > BUILD_CHUNK && claim_at(m, node, size, BUILD_CHUNK, limit, out))) {
            return true;
        }
        if (size <= least) {
            return false;
        }
        size = MAX(floor_power_of_2(size - 1), least);
    }
}

/* That, of the nearest node to `from` that has it. */
static boot_code bool claim_near(const struct machine *m, u32 from, u64 want, u64 least, paddr_t limit,
                                 struct machine_range *out)
{
    u8 order[MACHINE_MAX_NODES];
    u32 nr = machine_nodes_near(m, from, m->nodes != 0 ? m->nodes : 1, order);

    for (u32 i = 0; i < nr; i++) {
        if (claim_piece(m, order[i], want, least, limit, out)) {
            return true;
        }
    }
    return false;
}

/* Neighbours become one bank. */
static boot_code bool add_bank(struct build_memory *mem, const struct machine_range *r)
{
    ASSERT(mem->nr < BUILD_MAX_BANKS && r->size != 0);
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
    return mem->nr < BUILD_MAX_BANKS;
}

boot_code int dom0_claim_memory(const struct machine *m, u32 node, u64 bytes, u64 first_min, struct build_memory *out)
{
    struct machine_range r;
    bool more;

    first_min = MIN(ROUND_UP(first_min, BUILD_CHUNK), bytes);
    more = out->nr > 0;
    if (out->nr == 0) {
        if (!claim_near(m, node, bytes, first_min, GIB(4), &r) &&
            !claim_near(m, node, bytes, first_min, UINT64_MAX, &r)) {
            return -ENOMEM;
        }
        more = add_bank(out, &r);
    }
    while (more && out->total < bytes && (claim_near(m, node, bytes - out->total, NEAR_MIN, UINT64_MAX, &r) ||
                                          claim_near(m, node, bytes - out->total, BUILD_CHUNK, UINT64_MAX, &r))) {
        more = add_bank(out, &r);
    }
    return out->total == bytes ? 0 : -ENOMEM;
}

/* RAM without what dom0 has, as frames. */
static boot_code int spare_frames(const struct machine *m, const struct build_memory *mem, struct rangeset *devices,
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

boot_code u32 dom0_spare_regions(const struct machine *m, const struct build_memory *mem, struct rangeset *devices,
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
        u64 start = ROUND_UP(MAX(first, next) << PAGE_SHIFT, BUILD_CHUNK);

        end = (last + 1) << PAGE_SHIFT;
        next = last + 1;
        if (nr == 0 && start < end && end - start >= grant_size) {
            out[nr++] = (struct machine_range){ .start = start, .size = grant_size };
            next = (start + grant_size) >> PAGE_SHIFT;       /* the rest of this range may be a region */
            continue;
        }
        end = ROUND_DOWN(end, BUILD_CHUNK);
        if (nr > 0 && end > start && end - start >= SPARE_MIN) {
            out[nr++] = (struct machine_range){ .start = start, .size = end - start };
        }
    }
    rangeset_destroy(spare);
    return nr;
}
