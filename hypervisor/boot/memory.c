/* SPDX-License-Identifier: MIT */
/*
 * Boot: from firmware's list of RAM to a working allocator. Boot CPU alone. The frame table comes from a range of each
 * node, carved out of RAM before there is an allocator, so that page structs are where the pages are; all else goes to
 * the allocator, whole ranges at a time.
 */
#include <argon/boot.h>
#include <argon/boot_memory.h>
#include <argon/console.h>
#include <argon/errno.h>
#include <argon/machine.h>
#include <argon/mem.h>
#include <argon/panic.h>
#include <argon/string.h>
#include <argon/arch.h>
#include <asm/layout.h>
#include <asm/mmu.h>

#define MAX_HOLES (MACHINE_MAX_RESERVED + MACHINE_MAX_MODULES + MEM_MAX_NODES + 3)

#define RUN_MAX_GAP MIB(64)              /* takes 256 KiB of frame table */

static boot_data struct { paddr_t start, end; } holes[MAX_HOLES];
static boot_data u32 nr_holes;
static boot_data struct carve { paddr_t next, end, top; } carves[MEM_MAX_NODES];

static boot_code void hole_add(paddr_t start, u64 size)
{
    u32 at = nr_holes;

    if (size == 0) {
        return;
    }
    if (nr_holes == MAX_HOLES) {
        boot_stop("more than %u reserved memory ranges", MAX_HOLES);
    }
    /* Sorted by start: the walk over a bank meets them in order. */
    while (at > 0 && holes[at - 1].start > start) {
        holes[at] = holes[at - 1];
        at--;
    }
    holes[at].start = ROUND_DOWN(start, PAGE_SIZE);
    holes[at].end = ROUND_UP(start + size, PAGE_SIZE);
    nr_holes++;
}

static boot_code void holes_collect(void)
{
    hole_add(image_pa, arch_image_bytes());
    hole_add(machine.tables.start, machine.tables.size);
    for (u32 i = 0; i < machine.nr_reserved; i++) {
        hole_add(machine.reserved[i].start, machine.reserved[i].size);
    }
    for (u32 i = 0; i < machine.nr_modules; i++) {
        hole_add(machine.modules[i].start, machine.modules[i].size);
    }
}

/* Call fn for each part of RAM that nothing else occupies. */
static boot_code void for_each_free(void (*fn)(paddr_t start, paddr_t end, u32 node))
{
    for (u32 b = 0; b < machine.nr_banks; b++) {
        paddr_t at = ROUND_UP(machine.banks[b].start, PAGE_SIZE);
        paddr_t end = ROUND_DOWN(machine.banks[b].start + machine.banks[b].size, PAGE_SIZE);

        for (u32 h = 0; h < nr_holes && at < end; h++) {
            if (holes[h].end <= at || holes[h].start >= end) {
                continue;
            }
            ASSERT(h == 0 || holes[h].start >= holes[h - 1].start);
            if (holes[h].start > at) {
                fn(at, holes[h].start, machine.banks[b].node);
            }
            at = MAX(at, holes[h].end);
        }
        if (at < end) {
            fn(at, end, machine.banks[b].node);
        }
    }
}

/* The top of a node's largest free range is carved from: low memory is left for a 1:1 dom0. */
static boot_code void carve_choose(paddr_t start, paddr_t end, u32 node)
{
    struct carve *c = &carves[node];

    if (end - start > c->end - c->next) {
        *c = (struct carve){ .next = start, .end = end, .top = end };
    }
}

static boot_code bool carve_fits(const struct carve *c, u64 size, u64 align)
{
    ASSERT(c->next <= c->end && IS_ALIGNED(size, PAGE_SIZE));
    return size <= c->end - c->next && ROUND_DOWN(c->end - size, align) >= c->next;
}

/* Of the node or, where it has no such piece, of the node with the largest that is left. */
static boot_code paddr_t carve_take(u32 node, u64 size, u64 align)
{
    struct carve *c = &carves[node];

    if (!carve_fits(c, size, align)) {
        for (u32 i = 0; i < MEM_MAX_NODES; i++) {
            if (carves[i].end - carves[i].next > c->end - c->next) {
                c = &carves[i];
            }
        }
    }
    if (!carve_fits(c, size, align)) {
        boot_stop("not enough memory: %" PRIu64 " KiB in one piece are needed for the frame table", size >> 10);
    }
    c->end = ROUND_DOWN(c->end - size, align);
    return c->end;
}

static boot_code paddr_t bank_end(u32 b)
{
    return machine.banks[b].start + machine.banks[b].size;
}

/*
 * The last bank of the run that begins with bank b: banks with small gaps between them, of firmware or of memory that
 * is not to be mapped. The frame table is backed for a run as a whole, so that most lookups need to know one run only.
 */
static boot_code u32 run_last(u32 b)
{
    while (b + 1 < machine.nr_banks && machine.banks[b + 1].start - bank_end(b) <= RUN_MAX_GAP) {
        b++;
    }
    return b;
}

static boot_code u64 frame_va(paddr_t pa)
{
    return HYP_FRAMETABLE_VA + ((pa >> PAGE_SHIFT) - frame_base) * sizeof(struct page);
}

/* Back a part of the frame table; contents are mem_add_range()'s business. */
static boot_code void frame_table_map(u64 va, u64 end, u32 node)
{
    u64 align = end - va >= MIB(2) ? MIB(2) : PAGE_SIZE;
    /* Same offset within a block for address and memory, so that blocks can be used. */
    u64 offset = va & (align - 1);

    if (mmu_map(va, carve_take(node, end - va + offset, align) + offset, end - va, MMU_RW) != 0) {
        boot_stop("the frame table cannot be mapped");
    }
}

/*
 * Back it for a run of banks, each node's part with memory of that node, in whole blocks: where nodes meet within one,
 * which describes 512 MiB, it is the lower one's. Neighbouring runs may share a page. Returns up to where it is backed.
 */
static boot_code u64 frame_table_map_run(u32 first, u32 last, u64 mapped_to)
{
    u64 va = MAX(ROUND_DOWN(frame_va(machine.banks[first].start), PAGE_SIZE), mapped_to);
    u64 run_end = ROUND_UP(frame_va(bank_end(last)), PAGE_SIZE);

    for (u32 b = first; b <= last;) {
        u32 node = machine.banks[b].node;
        u64 end;

        while (b <= last && machine.banks[b].node == node) {
            b++;
        }
        end = b > last ? run_end : MIN(ROUND_UP(frame_va(machine.banks[b].start), MIB(2)), run_end);
        if (va < end) {
            frame_table_map(va, end, node);
            va = end;
        }
    }
    return va;
}

/* What was carved is the allocator's never. */
static boot_code void carve_done(void)
{
    for (u32 i = 0; i < MEM_MAX_NODES; i++) {
        mem_boot_node_bytes[i] = carves[i].top - carves[i].end;
        mem_boot_bytes += mem_boot_node_bytes[i];
        hole_add(carves[i].end, mem_boot_node_bytes[i]);
    }
}

static boot_code void give_to_allocator(paddr_t start, paddr_t end, u32 node)
{
    mem_add_range(start, end, node);
}

static boot_data u32 table_node;         /* whose carve is in the bank that is mapped first */

/* A page for a table of the direct map, out of a bank that is in it. */
static boot_code paddr_t take_table(void)
{
    struct carve *c = &carves[table_node];

    if (!carve_fits(c, PAGE_SIZE, PAGE_SIZE)) {
        return 0;
    }
    c->end -= PAGE_SIZE;
    return c->end;
}

static boot_code void direct_map_bank(u32 b)
{
    paddr_t start = ROUND_UP(machine.banks[b].start, PAGE_SIZE), end = ROUND_DOWN(bank_end(b), PAGE_SIZE);

    if (start < end && mmu_direct_map(start, end) != 0) {
        boot_stop("memory at %#" PRIx64 "-%#" PRIx64 " cannot be mapped", start, end);
    }
}

/*
 * The bank with the largest free range first. The tables for all others come from it: UEFI leaves RAM in many pieces.
 */
static boot_code void direct_map_all(void)
{
    u32 first = 0;

    for (u32 i = 1; i < MEM_MAX_NODES; i++) {
        if (carves[i].end - carves[i].next > carves[table_node].end - carves[table_node].next) {
            table_node = i;
        }
    }
    for (u32 b = 0; b < machine.nr_banks; b++) {
        if (machine.banks[b].start <= carves[table_node].next) {
            first = b;
        }
    }
    direct_map_bank(first);
    mmu_use_tables(take_table);
    for (u32 b = 0; b < machine.nr_banks; b++) {
        if (b != first) {
            direct_map_bank(b);
        }
    }
}

boot_code void boot_memory_init(void)
{
    paddr_t run_start = 0, run_end = 0;
    u64 mapped_to = 0;

    if (machine.nr_banks == 0) {
        boot_stop("the device tree names no memory");
    }
    holes_collect();
    for_each_free(carve_choose);
    direct_map_all();
    frame_base = paddr_to_mfn(machine.banks[0].start).m;
    frame_end = paddr_to_mfn(bank_end(machine.nr_banks - 1)).m;
    ASSERT(frame_base < frame_end);
    frame_table = (struct page *)HYP_FRAMETABLE_VA;
    for (u32 b = 0; b < machine.nr_banks; b++) {
        paddr_t start = machine.banks[b].start;
        u32 last = run_last(b);

        mapped_to = frame_table_map_run(b, last, mapped_to);
        b = last;
        if (bank_end(b) - start > run_end - run_start) {
            run_start = start;
            run_end = bank_end(b);
        }
    }
    carve_done();
    for_each_free(give_to_allocator);
    mem_fill_holes(ROUND_UP(run_start, PAGE_SIZE), ROUND_DOWN(run_end, PAGE_SIZE));
    mmu_use_heap();
}

/* To the heaps of its nodes; returns how much. */
static u64 give_back(paddr_t start, paddr_t end)
{
    struct machine_range part;
    u64 bytes = 0;

    ASSERT(IS_ALIGNED(start, PAGE_SIZE) && IS_ALIGNED(end, PAGE_SIZE));
    for (; machine_next_ram(&machine, start, end, &part); start = machine_range_end(&part)) {
        mem_add_range(part.start, machine_range_end(&part), part.node);
        bytes += part.size;
    }
    return bytes;
}

/* Boot-only code and data, and firmware's tables, become ordinary memory. Itself not boot code. */
void boot_memory_release(void)
{
    mmu_seal();
    mem_image_released = give_back(image_pa + (u64)(boot_start - image_start),
                                   image_pa + (u64)(boot_end - image_start));
    (void)give_back(ROUND_UP(machine.tables.start, PAGE_SIZE),
                    ROUND_DOWN(machine_range_end(&machine.tables), PAGE_SIZE));
}
