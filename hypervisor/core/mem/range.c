/* SPDX-License-Identifier: MIT */
/* Which frames are RAM, and of which node: a short sorted table, written during boot only. */
#include <argon/atomic.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include "internal.h"

#define MAX_RANGES 256

struct page *frame_table;
u64 frame_base, frame_end;

static struct mem_range ranges[MAX_RANGES];  /* by mfn; neither overlapping nor, within a node, touching */
static u32 nr_ranges;
struct mem_hot_range mem_hot_range;
static u64 run_first, run_end;               /* mfns: mem_fill_holes()'s; empty if there was none */
static u32 last_hit;                         /* where the last lookup succeeded; a hint, any value is right */

const struct mem_range *mem_range_find(u64 m)
{
    u32 lo = 0, hi = nr_ranges, hint = READ_ONCE(last_hit);

    if (likely(hint < nr_ranges && m >= ranges[hint].first && m < ranges[hint].end)) {
        return &ranges[hint];
    }
    while (lo < hi) {
        u32 mid = lo + (hi - lo) / 2;

        if (m < ranges[mid].first) {
            hi = mid;
        } else if (m >= ranges[mid].end) {
            lo = mid + 1;
        } else {
            WRITE_ONCE(last_hit, mid);
            return &ranges[mid];
        }
    }
    return NULL;
}

bool mem_is_ram_elsewhere(mfn_t m)
{
    return mem_range_find(m.m) != NULL && !lazy_untouched(m.m);
}

u64 mem_max_mfn(void)
{
    return nr_ranges == 0 ? 0 : ranges[nr_ranges - 1].end - 1;
}

static void remove_range(u32 i)
{
    nr_ranges--;
    for (; i < nr_ranges; i++) {
        ranges[i] = ranges[i + 1];
    }
}

/* How far frames have page structs from `first`, before `end`. */
static u64 touched_frames(u64 first, u64 end)
{
    u64 m = first;

    while (m < end && !lazy_untouched(m)) {
        m = ROUND_DOWN(m, BLOCK_FRAMES) + BLOCK_FRAMES;
    }
    return MIN(m, end) - first;
}

static const struct mem_range *largest_range(void)
{
    const struct mem_range *best = &ranges[0];

    for (u32 i = 1; i < nr_ranges; i++) {
        if (ranges[i].end - ranges[i].first > best->end - best->first) {
            best = &ranges[i];
        }
    }
    return best;
}

static void choose_hot(void)
{
    u64 first = run_first, end = run_end;

    if (first == end) {
        first = largest_range()->first;
        end = largest_range()->end;
    }
    mem_hot_range = (struct mem_hot_range){ first, touched_frames(first, end), mfn_to_page(mfn(first)) };
}

u64 mem_hot_could_be(void)
{
    return touched_frames(mem_hot_range.first, run_first == run_end ? largest_range()->end : run_end);
}

void mem_hot_grow(u64 nr)
{
    WRITE_ONCE(mem_hot_range.nr, nr);
}

boot_code void mem_fill_holes(paddr_t start, paddr_t end)
{
    u64 at = start >> PAGE_SHIFT;

    run_first = at;
    run_end = end >> PAGE_SHIFT;
    for (u32 i = 0; i < nr_ranges && ranges[i].first < run_end; i++) {
        if (ranges[i].end <= at) {
            continue;
        }
        if (ranges[i].first > at) {
            frames_clear(at, ranges[i].first - at);
        }
        at = ranges[i].end;
    }
    if (at < run_end) {
        frames_clear(at, run_end - at);
    }
    choose_hot();
}

/* Boot: one CPU. Memory given back after boot (modules, boot code) joins the range it came from or its neighbour. */
static void range_add(u64 first, u64 end, u32 node)
{
    u32 i = nr_ranges;

    while (i > 0 && ranges[i - 1].first > first) {
        i--;
    }
    ASSERT_ALWAYS(i == 0 || ranges[i - 1].end <= first);
    ASSERT_ALWAYS(i == nr_ranges || end <= ranges[i].first);
    if (i < nr_ranges && ranges[i].first == end && ranges[i].node == node) {
        end = ranges[i].end;
        remove_range(i);
    }
    if (i > 0 && ranges[i - 1].end == first && ranges[i - 1].node == node) {
        ranges[i - 1].end = end;
        return;
    }
    if (nr_ranges == MAX_RANGES) {
        panic("memory map: more than %u separate ranges of RAM", MAX_RANGES);
    }
    for (u32 j = nr_ranges; j > i; j--) {
        ranges[j] = ranges[j - 1];
    }
    ranges[i] = (struct mem_range){ .first = first, .end = end, .node = node };
    nr_ranges++;
}

void mem_add_range(paddr_t start, paddr_t end, u32 node)
{
    u64 first = start >> PAGE_SHIFT, last = end >> PAGE_SHIFT;

    ASSERT_ALWAYS(IS_ALIGNED(start, PAGE_SIZE) && IS_ALIGNED(end, PAGE_SIZE) && start <= end);
    ASSERT_ALWAYS(first >= frame_base && last <= frame_end && last < PAGE_NIL && node < MEM_MAX_NODES);
    if (first == last) {
        return;
    }
    mem_node_add(node);
    range_add(first, last, node);
    buddy_nodes[node].total += last - first;
    lazy_add(first, last, node);
    choose_hot();
}

void mem_reset(void)
{
    nr_ranges = 0;
    run_first = run_end = 0;
    mem_hot_range.nr = 0;
    for_each_cpu(c) {
        pcpus[c]->mem.nr_cached = 0;
    }
    mem_nodes_reset();
    lazy_reset();
    scrub_reset();
    slab_reset();
}
