/* SPDX-License-Identifier: MIT */
/* Between the files of memory_op only. */
#ifndef CORE_HYPERCALL_MEMORY_OP_H
#define CORE_HYPERCALL_MEMORY_OP_H

#include <argon/hypercall.h>
#include <argon/p2m.h>
#include <argon/xen.h>

/*
 * The first argument word: operation in the low bits, above them how many extents, entries or frames earlier runs of
 * this hypercall have done (ABI.md 1). A guest can put anything there: a handler treats it as a guest's number.
 */
#define MEMOP_BITS 6
#define memop_cmd(args)   ((u32)((args)[0] & (BIT(MEMOP_BITS) - 1)))
#define memop_start(args) ((args)[0] >> MEMOP_BITS)
static inline long memop_restart(u64 *args, u64 done)
{
    args[0] = memop_cmd(args) | done << MEMOP_BITS;
    return -ERESTART;
}

/* List entries fetched from a guest at a time. */
#define MEMOP_CHUNK 32

/* Operation, handler, who may call it for the domain that is named, and whether it takes the progress in the command. */
#define MEMORY_OPS(row) \
    row(XENMEM_increase_reservation, memop_increase_reservation, RIGHT_TARGET, true) \
    row(XENMEM_decrease_reservation, memop_decrease_reservation, RIGHT_TARGET, true) \
    row(XENMEM_maximum_ram_page, memop_maximum_ram_page, RIGHT_ANYBODY, false) \
    row(XENMEM_current_reservation, memop_current_reservation, RIGHT_TARGET, false) \
    row(XENMEM_maximum_reservation, memop_maximum_reservation, RIGHT_TARGET, false) \
    row(XENMEM_populate_physmap, memop_populate_physmap, RIGHT_TARGET, true) \
    row(XENMEM_add_to_physmap, memop_add_to_physmap, RIGHT_TARGET, false) \
    row(XENMEM_maximum_gpfn, memop_maximum_gpfn, RIGHT_TARGET, false) \
    row(XENMEM_remove_from_physmap, memop_remove_from_physmap, RIGHT_TARGET, false) \
    row(XENMEM_get_sharing_freed_pages, memop_sharing_pages, RIGHT_ANYBODY, false) \
    row(XENMEM_get_sharing_shared_pages, memop_sharing_pages, RIGHT_ANYBODY, false) \
    row(XENMEM_add_to_physmap_batch, memop_add_to_physmap_batch, RIGHT_TARGET, true) \
    row(XENMEM_claim_pages, memop_claim_pages, RIGHT_CONTROL, false) \
    row(XENMEM_get_vnumainfo, memop_get_vnumainfo, RIGHT_TARGET, false) \
    row(XENMEM_acquire_resource, memop_acquire_resource, RIGHT_CONTROL, true)
/* Each handler asks with its own, which costs nothing: a constant. */
unused static const u8 memop_right[] = { MEMORY_OPS(ROW_RIGHT) };

hypercall_fn memop_populate_physmap, memop_increase_reservation, memop_decrease_reservation, memop_add_to_physmap,
             memop_add_to_physmap_batch, memop_remove_from_physmap, memop_acquire_resource;

#endif
