/* SPDX-License-Identifier: MIT */
/* Figures about memory, for the toolstack and the debug key. Counts of caches are exact when no CPU allocates. */
#include <argon/arch.h>
#include <argon/console.h>
#include <argon/domain.h>
#include <argon/machine.h>
#include <argon/percpu.h>
#include "internal.h"

u64 mem_boot_bytes, mem_boot_node_bytes[MEM_MAX_NODES], mem_image_released;

static u64 zone_free(const struct buddy_node *n)
{
    return READ_ONCE(n->zone[ZONE_LOW].free) + READ_ONCE(n->zone[ZONE_HIGH].free);
}

void mem_node_stats(u32 node, struct mem_stats *s)
{
    *s = (struct mem_stats){ .total = node < MEM_MAX_NODES ? mem_boot_node_bytes[node] >> PAGE_SHIFT : 0 };
    if (node < mem_nr_nodes) {
        struct buddy_node *n = &buddy_nodes[node];

        s->total += n->total;
        /* What an idle CPU works on moves between the two: together, so that nothing seems to be missing. */
        spin_lock(&n->lock);
        s->free = zone_free(n) + n->in_work + mem_cached_pages(node);
        spin_unlock(&n->lock);
    }
}

void mem_stats(struct mem_stats *s)
{
    *s = (struct mem_stats){ .total = 0 };
    for (u32 i = 0; i < MEM_MAX_NODES; i++) {
        struct mem_stats n;

        mem_node_stats(i, &n);
        s->total += n.total;
        s->free += n.free;
    }
}

/* Pages of [first, end) on a zone's lists. Only for a bound inside the zone: walks the lists. Caller holds the lock. */
static u64 count_between(const struct buddy_zone *z, u64 first, u64 end)
{
    u64 pages = 0;

    for (unsigned int k = 0; k <= MAX_ORDER; k++) {
        for (u32 i = 0; i < 2; i++) {
            for (u32 m = z->list[i].head[k]; m != PAGE_NIL; m = mfn_to_page(mfn(m))->next) {
                u64 lo = MAX((u64)m, first), hi = MIN(m + BIT(k), end);

                pages += hi > lo ? hi - lo : 0;
            }
        }
    }
    return pages;
}

static u64 node_free_between(struct buddy_node *n, u64 first, u64 end)
{
    const u64 bound[NR_ZONES + 1] = { 0, ZONE_SPLIT_MFN, UINT64_MAX };
    u64 pages = 0;
    bool interrupted = scrub_interrupt();

    spin_lock(&n->lock);
    for (unsigned int z = 0; z < NR_ZONES; z++) {
        if (first <= bound[z] && end >= bound[z + 1]) {
            pages += n->zone[z].free;
        } else if (first < bound[z + 1] && end > bound[z]) {
            pages += count_between(&n->zone[z], first, end) +
                     lazy_count_between((u32)(n - buddy_nodes), MAX(first, bound[z]), MIN(end, bound[z + 1]));
        }
    }
    spin_unlock(&n->lock);
    if (interrupted) {
        scrub_resume();
    }
    return pages;
}

u64 mem_free_between(u32 node, unsigned int min_bits, unsigned int max_bits)
{
    u64 first = min_bits <= PAGE_SHIFT ? 0 : min_bits >= 64 ? UINT64_MAX : BIT(min_bits - PAGE_SHIFT);
    u64 end = max_bits == 0 || max_bits >= 64 ? UINT64_MAX : max_bits <= PAGE_SHIFT ? 0 : BIT(max_bits - PAGE_SHIFT);
    u64 pages = 0;

    for (u32 i = 0; i < mem_nr_nodes; i++) {
        if (node == ~0U || node == i) {
            pages += node_free_between(&buddy_nodes[i], first, end);
        }
    }
    return pages << PAGE_SHIFT;
}

/* Whose CPUs a node has, and how far the others are: where there is more than one. */
static void dump_distances(u32 node)
{
    con_printf("  CPUs");
    for_each_cpu(c) {
        if (pcpus[c]->node == node) {
            con_printf(" %u", c);
        }
    }
    con_printf(", distances");
    for (u32 to = 0; to < machine_nr_nodes(&machine); to++) {
        if (machine_has_node(&machine, to)) {
            con_printf(" %u:%u", to, machine_distance(&machine, node, to));
        }
    }
    con_printf("\n");
}

static void dump_lists(const struct buddy_node *n)
{
    if (n->zone[ZONE_LOW].nr_untouched + n->zone[ZONE_HIGH].nr_untouched > 0) {
        con_printf("  untouched since boot: %u chunks of 1 GiB below 4 GiB, %u above\n", n->zone[ZONE_LOW].nr_untouched,
                   n->zone[ZONE_HIGH].nr_untouched);
    }
    for (unsigned int k = 0; k <= MAX_ORDER; k++) {
        u64 low = n->zone[ZONE_LOW].nr[k], high = n->zone[ZONE_HIGH].nr[k];

        if (low + high > 0) {
            con_printf("  order %2u (%7" PRIu64 " KiB): %" PRIu64 " chunks below 4 GiB, %" PRIu64 " above\n", k,
                       UINT64_C(4) << k, low, high);
        }
    }
}

static void dump_node(u32 node)
{
    const struct buddy_node *n = &buddy_nodes[node];
    u64 cached = mem_cached_pages(node);

    con_printf("node %u: %" PRIu64 " KiB, free %" PRIu64 " KiB (%" PRIu64 " KiB below 4 GiB, %" PRIu64
               " KiB in CPU caches)\n", node, n->total * 4 + (mem_boot_node_bytes[node] >> 10),
               (zone_free(n) + cached) * 4, n->zone[ZONE_LOW].free * 4, cached * 4);
    if (machine_nr_nodes(&machine) > 1) {
        dump_distances(node);
    }
    dump_lists(n);
}

/* Figures are read without locks: a line may be a page off while guests allocate. */
void mem_dump(void)
{
    struct mem_stats s;
    u64 slabs, bulk, guest = 0, shared = 0, own;

    mem_stats(&s);
    slab_usage(&slabs, &bulk);
    for_each_domain(d) {
        guest += READ_ONCE(d->tot_pages);
        shared += READ_ONCE(d->shared_pages);
    }
    con_printf("memory: %" PRIu64 " KiB managed, %" PRIu64 " KiB free, %" PRIu64 " KiB guests' RAM, %" PRIu64
               " KiB shared with guests\n", s.total * 4, s.free * 4, guest * 4, shared * 4);
    for (u32 i = 0; i < MEM_MAX_NODES; i++) {
        if (i < mem_nr_nodes && machine_has_node(&machine, i)) {
            dump_node(i);
        }
    }
    own = s.total - (mem_boot_bytes >> PAGE_SHIFT) - s.free - guest - shared;
    con_printf("hypervisor: image %" PRIu64 " KiB, boot allocations with the frame table %" PRIu64
               " KiB, allocated since %" PRIu64 " KiB\n", arch_image_bytes() / 1024, mem_boot_bytes / 1024, own * 4);
    con_printf("  of which: small objects %" PRIu64 " KiB, large objects %" PRIu64
               " KiB, page tables, stacks and the rest %" PRIu64 " KiB\n", slabs * 4, bulk * 4,
               (own - slabs - bulk) * 4);
    for_each_domain(d) {
        con_printf("d%u: %u pages (max %u), %u shared pages, page-table pool %" PRIu64 " of %" PRIu64 " KiB\n", d->id,
                   d->tot_pages, d->max_pages, d->shared_pages, d->paging_pool_used / 1024,
                   d->paging_pool_bytes / 1024);
    }
}
