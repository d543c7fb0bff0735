/* SPDX-License-Identifier: MIT */
/* Which node's memory is tried first, then second: made once, whenever boot finds memory on one more node. */
#include <argon/machine.h>
#include <argon/string.h>
#include "internal.h"

static_assert(MEM_MAX_NODES == MACHINE_MAX_NODES && MEM_MAX_NODES <= 64, "one numbering; masks of 64 bits");

struct mem_near mem_near[MEM_MAX_NODES];
static u64 with_memory;          /* bit per node; boot only */

void mem_node_add(u32 n)
{
    if (with_memory >> n & 1) {
        return;
    }
    /* What this CPU has cached so far may be of a node that is not its nearest any more. Others do not allocate yet. */
    if (with_memory != 0) {
        mem_flush_cache();
    }
    buddy_init(&buddy_nodes[n]);
    slab_init_node(n);
    with_memory |= BIT(n);
    for (; mem_nr_nodes <= n; mem_nr_nodes++) {
        if ((with_memory >> mem_nr_nodes & 1) == 0) {
            buddy_init(&buddy_nodes[mem_nr_nodes]);      /* a number without memory: empty lists */
        }
    }
    for (u32 i = 0; i < MEM_MAX_NODES; i++) {
        mem_near[i].nr = machine_nodes_near(&machine, i, with_memory, mem_near[i].node);
    }
}

void mem_nodes_reset(void)
{
    with_memory = 0;
    mem_nr_nodes = 0;
    memset(mem_near, 0, sizeof(mem_near));
}
