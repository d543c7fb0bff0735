/* SPDX-License-Identifier: MIT */
/* Between the files of memory_op only. */
#ifndef CORE_HYPERCALL_MEMORY_OP_H
#define CORE_HYPERCALL_MEMORY_OP_H

#include <argon/hypercall.h>
#include <argon/p2m.h>
#include <argon/xen.h>

/*
 * The first argument word: operation in the low bits, above them how many extents, entries or frames earlier runs of
 * this hypercall have done (docs/abi.md, Calling). A guest can put anything there: a handler treats it as a guest's
 * number.
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

/* Each handler asks with its own, which costs nothing: a constant. */
unused static const u8 memop_right[] = { MEMORY_OPS(ROW_RIGHT) };

hypercall_fn memop_populate_physmap, memop_increase_reservation, memop_decrease_reservation, memop_add_to_physmap,
             memop_add_to_physmap_batch, memop_remove_from_physmap, memop_acquire_resource;

#endif
