/* SPDX-License-Identifier: MIT */
/*
 * Page structs are written when they are needed. A block of 1 GiB, aligned, all of it free since boot, is only a bit
 * here: its 4 MiB of the frame table hold anything. Its first user, or an idle CPU, clears them and puts the block on
 * the buddy lists, for good. So boot takes the same time with much RAM as with little.
 *
 * Nobody looks at a page struct of such a block: it is on no list, merging ends at its size, and what a guest names is
 * checked first (mfn_is_ram(), page_get()).
 */
#include <argon/arch.h>
#include <argon/bitmap.h>
#include <argon/panic.h>
#include <argon/string.h>
#include "internal.h"

#define NR_BLOCKS ((u32)(BIT(32) >> MAX_ORDER))          /* frame numbers have 32 bits */

/* A bit is set during boot and cleared once, with its node's lock held, after the block's page structs are written. */
static u64 untouched[NR_BLOCKS / 64];
static u64 taken[NR_BLOCKS / 64];        /* ... and of these, who is at it has given the lock up: node's lock */

static bool changed;             /* atomic */

static u32 block_of(u64 m) { return (u32)(m >> MAX_ORDER); }
static bool is_taken(u32 b) { return (atomic_load(&taken[b / 64]) >> (b % 64) & 1) != 0; }

void frames_clear(u64 first, u64 nr)
{
    u8 *from = (u8 *)mfn_to_page(mfn(first)), *end = (u8 *)mfn_to_page(mfn(first + nr));
    u8 *pages = (u8 *)ROUND_UP((uintptr_t)from, PAGE_SIZE), *pages_end = (u8 *)ROUND_DOWN((uintptr_t)end, PAGE_SIZE);

    if (pages >= pages_end) {
        memset(from, 0, (size_t)(end - from));
        return;
    }
    memset(from, 0, (size_t)(pages - from));
    arch_zero_pages(pages, (u64)(pages_end - pages) >> PAGE_SHIFT);
    memset(pages_end, 0, (size_t)(end - pages_end));
}

bool lazy_untouched(u64 m)
{
    return m < BIT(32) && (atomic_load_acquire(&untouched[block_of(m) / 64]) >> (block_of(m) % 64) & 1) != 0;
}

static void add_touched(u64 first, u64 end)
{
    if (first < end) {
        frames_clear(first, end - first);
        buddy_free_run(first, end - first);
    }
}

void lazy_add(u64 first, u64 end, u32 node)
{
    u64 from = ROUND_UP(first, BLOCK_FRAMES), to = ROUND_DOWN(end, BLOCK_FRAMES);

    if (from >= to) {
        add_touched(first, end);
        return;
    }
    add_touched(first, from);
    for (u64 m = from; m < to; m += BLOCK_FRAMES) {
        struct buddy_zone *z = buddy_zone_of(&buddy_nodes[node], m);

        atomic_fetch_or(&untouched[block_of(m) / 64], BIT(block_of(m) % 64));
        z->nr_untouched++;
        z->free += BLOCK_FRAMES;
    }
    add_touched(to, end);
}

/* The lowest untouched block of the node's zone; NR_BLOCKS: none. Caller holds the lock. */
static u32 find_block(u32 node, const struct buddy_zone *z)
{
    u32 first = z == &buddy_nodes[node].zone[ZONE_LOW] ? 0 : block_of(ZONE_SPLIT_MFN);
    u32 end = z == &buddy_nodes[node].zone[ZONE_LOW] ? block_of(ZONE_SPLIT_MFN) : NR_BLOCKS;

    for (u32 b = first; z->nr_untouched > 0 && b < end; b++) {
        if (b % 64 == 0 && atomic_load(&untouched[b / 64]) == 0) {
            b += 63;
        } else if (lazy_untouched((u64)b << MAX_ORDER) && !is_taken(b) &&
                   mem_range_find((u64)b << MAX_ORDER)->node == node) {
            return b;
        }
    }
    return NR_BLOCKS;
}

/* The block's page structs are written: from now on it is like all others. Its pages are counted as free already. */
static void publish(u32 node, u32 b)
{
    u64 m = (u64)b << MAX_ORDER;

    atomic_fetch_and(&untouched[b / 64], ~BIT(b % 64));
    buddy_free_locked(mem_range_find(m), m, MAX_ORDER, false);
    ASSERT(mem_range_find(m)->node == node);
    (void)node;
    atomic_store_release(&changed, true);
}

bool lazy_changed(void)
{
    return atomic_load(&changed);
}

void lazy_seen(void)
{
    (void)atomic_exchange(&changed, false);
}

/*
 * Caller holds n's lock, which is given up while the 4 MiB are cleared: what it knew of the lists it has to look at
 * again. Meanwhile the block is in work: counted as free, and an allocation that would fail without it waits for it
 * (scrub_interrupt()).
 */
static void use_block(struct buddy_node *n, struct buddy_zone *z, u32 b)
{
    ASSERT(spin_is_locked(&n->lock) && !is_taken(b));
    atomic_store(&z->nr_untouched, z->nr_untouched - 1);
    z->free -= BLOCK_FRAMES;
    n->in_work += BLOCK_FRAMES;
    atomic_fetch_or(&taken[b / 64], BIT(b % 64));
    spin_unlock(&n->lock);
    frames_clear((u64)b << MAX_ORDER, BLOCK_FRAMES);
    spin_lock(&n->lock);
    atomic_fetch_and(&taken[b / 64], ~BIT(b % 64));
    n->in_work -= BLOCK_FRAMES;
    publish((u32)(n - buddy_nodes), b);
}

bool lazy_use_locked(u32 node, struct buddy_zone *z)
{
    u32 b = find_block(node, z);

    ASSERT(spin_is_locked(&buddy_nodes[node].lock));
    if (b == NR_BLOCKS) {
        return false;
    }
    use_block(&buddy_nodes[node], z, b);
    return true;
}

void lazy_use_range_locked(struct buddy_node *n, u64 first, u64 end)
{
    ASSERT(spin_is_locked(&n->lock));
    for (u64 m = ROUND_DOWN(first, BLOCK_FRAMES); m < end; m += BLOCK_FRAMES) {
        while (lazy_untouched(m)) {
            if (!is_taken(block_of(m))) {
                use_block(n, buddy_zone_of(n, m), block_of(m));
            } else {
                spin_unlock(&n->lock);
                cpu_relax();
                spin_lock(&n->lock);
            }
        }
    }
}

bool lazy_idle(u32 node)
{
    struct buddy_node *n = &buddy_nodes[node];
    bool found = false;

    if (READ_ONCE(n->zone[ZONE_LOW].nr_untouched) + READ_ONCE(n->zone[ZONE_HIGH].nr_untouched) == 0) {
        return false;
    }
    /* Upwards: the range that lookups try first grows with each. */
    spin_lock(&n->lock);
    for (u32 i = 0; !found && i < NR_ZONES; i++) {
        found = lazy_use_locked(node, &n->zone[i]);
    }
    spin_unlock(&n->lock);
    return found;
}

u64 lazy_count_between(u32 node, u64 first, u64 end)
{
    u64 pages = 0;

    for (u32 b = 0; b < NR_BLOCKS; b++) {
        u64 m = (u64)b << MAX_ORDER, lo = MAX(m, first), hi = MIN(m + BLOCK_FRAMES, end);

        if (hi > lo && lazy_untouched(m) && mem_range_find(m)->node == node) {
            pages += hi - lo;
        }
    }
    return pages;
}

void lazy_reset(void)
{
    memset(untouched, 0, sizeof(untouched));
    memset(taken, 0, sizeof(taken));
    changed = false;
}
