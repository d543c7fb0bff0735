/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* unit-sources: firmware/machine.c */
/* From the list of RAM to the allocator: what it is given, what stays out, and what the frame table spans. */
#include "sysreg.h"
#include <argon/boot.h>
#include <argon/boot_memory.h>
#include <argon/machine.h>
#include <asm/layout.h>
#include <asm/mmu.h>
/* Here, so that what it remembers can be forgotten between tests. */
#include "../../hypervisor/boot/memory.c"

/* The linker script's symbols: an image of 16 pages, of which pages 8 to 12 are for boot only. */
__asm__(".data\n.balign 4096\n.globl image_start, boot_start, boot_end\n"
        "image_start: .zero 0x8000\nboot_start: .zero 0x5000\nboot_end: .zero 0x3000\n.text\n");

#define IMAGE  0x40200000UL
#define TABLES 0x48000100UL
#define MAX_RANGES 256

struct range { u64 start, end; u32 node; };
struct map { u64 va, pa, size; };

paddr_t image_pa;
u64 mem_boot_bytes, mem_boot_node_bytes[MEM_MAX_NODES], mem_image_released;
static struct range direct[MAX_RANGES], given[MAX_RANGES], fill;
static struct map frames[MAX_RANGES];
static paddr_t table_at[4 * MACHINE_MAX_BANKS];
static u32 nr_tables;
static u32 nr_direct, nr_given, nr_frames, heap_used, sealed;
static int map_rc;
static paddr_t (*more_tables)(void);
static u32 tables_wanted;                /* by each bank after the first */
static bool set_up;
static char stopped[256];
static jmp_buf stop;

void boot_stop(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(stopped, sizeof(stopped), fmt, ap);
    va_end(ap);
    longjmp(stop, 1);
}

u64 arch_image_bytes(void) { return 0x10000; }

int mmu_direct_map(paddr_t start, paddr_t end)
{
    /* The first from the static pool, then tables out of what is mapped, which nobody is given. */
    assert_int_equal(more_tables != NULL, nr_direct != 0);
    for (u32 i = 0; nr_direct != 0 && i < tables_wanted; i++) {
        paddr_t table = more_tables();

        assert_int_equal(table % PAGE_SIZE, 0);
        assert_true(table >= direct[0].start && table < direct[0].end);
        assert_true(nr_tables == 0 || table < table_at[nr_tables - 1]);
        table_at[nr_tables++] = table;
    }
    direct[nr_direct++] = (struct range){ start, end, 0 };
    return map_rc;
}

int mmu_map(u64 va, paddr_t pa, u64 size, enum mmu_kind kind)
{
    assert_int_equal(kind, MMU_RW);
    assert_int_equal((va | pa | size) % PAGE_SIZE, 0);
    frames[nr_frames++] = (struct map){ va, pa, size };
    return map_rc;
}

void mem_add_range(paddr_t start, paddr_t end, u32 node)
{
    if (!set_up) {
        return;                          /* the fake machine's own */
    }
    assert_true(start < end && (nr_frames > 0 || sealed > 0));   /* its frames have a table already */
    given[nr_given++] = (struct range){ start, end, node };
}

void mem_fill_holes(paddr_t start, paddr_t end) { fill = (struct range){ start, end, 0 }; }
void mmu_use_tables(paddr_t (*more)(void)) { more_tables = more; }
void mmu_use_heap(void) { heap_used++; }
void mmu_seal(void) { assert_int_equal(nr_given, 0); sealed++; }

static int setup(void **state)
{
    set_up = false;
    sysreg_setup(state);
    set_up = true;
    nr_holes = 0;
    memset(carves, 0, sizeof(carves));
    mem_boot_bytes = 0;
    memset(&machine, 0, sizeof(machine));
    image_pa = IMAGE;
    nr_direct = nr_given = nr_frames = heap_used = sealed = nr_tables = tables_wanted = table_node = 0;
    more_tables = NULL;
    map_rc = 0;
    fill = (struct range){ 0, 0, 0 };
    stopped[0] = '\0';
    machine.tables = (struct machine_range){ .start = TABLES, .size = 0x5000 };
    return 0;
}

static void bank(u64 start, u64 size, u32 node)
{
    assert_int_equal(machine_add_bank(&machine, start, size, node), 0);
    machine_sort_banks(&machine);
}

static bool init(void)
{
    if (setjmp(stop) == 0) {
        boot_memory_init();
        return true;
    }
    return false;
}

static bool is_given(u64 a)
{
    u32 n = 0;

    for (u32 i = 0; i < nr_given; i++) {
        n += a >= given[i].start && a < given[i].end;
    }
    assert_true(n <= 1);
    return n == 1;
}

/* Backed for each frame of the banks, and by memory that nobody else is given. */
static void expect_frames(void)
{
    u64 bytes = 0;

    for (u32 b = 0; b < machine.nr_banks; b++) {
        const struct machine_range *r = &machine.banks[b];

        for (u64 a = r->start; a < machine_range_end(r); a += MIB(1)) {
            u64 va = HYP_FRAMETABLE_VA + ((a >> PAGE_SHIFT) - frame_base) * sizeof(struct page);
            bool found = false;

            for (u32 i = 0; i < nr_frames; i++) {
                found |= va >= frames[i].va && va < frames[i].va + frames[i].size;
            }
            assert_true(found);
        }
    }
    for (u32 i = 0; i < nr_frames; i++) {
        bytes += frames[i].size;
        assert_false(is_given(frames[i].pa) || is_given(frames[i].pa + frames[i].size - 1));
        assert_true(machine_is_ram(&machine, frames[i].pa, frames[i].size));
        for (u32 j = 0; j < i; j++) {
            assert_true(frames[i].va >= frames[j].va + frames[j].size);
        }
    }
    assert_true(mem_boot_bytes >= bytes);
}

static u64 given_bytes(void)
{
    u64 sum = 0;

    for (u32 i = 0; i < nr_given; i++) {
        sum += given[i].end - given[i].start;
    }
    return sum;
}

/* As UEFI leaves it: RAM in many pieces, of which each takes tables of its own. */
static void test_many_pieces(void **state)
{
    (void)state;
    for (u64 i = 0; i < MACHINE_MAX_BANKS; i++) {
        bank(0x40000000 + i * MIB(64), i == 40 ? MIB(60) : MIB(16), i / 32);
    }
    tables_wanted = 4;
    assert_true(init());
    assert_int_equal(nr_direct, MACHINE_MAX_BANKS);
    assert_int_equal(direct[0].start, 0x40000000 + 40 * MIB(64));
    assert_int_equal(nr_tables, 4 * (MACHINE_MAX_BANKS - 1));
    for (u32 i = 0; i < nr_tables; i++) {
        assert_false(is_given(table_at[i]));
        for (u32 j = 0; j < nr_frames; j++) {
            assert_false(table_at[i] >= frames[j].pa && table_at[i] < frames[j].pa + frames[j].size);
        }
    }
    expect_frames();
    assert_int_equal(given_bytes(), 63 * MIB(16) + MIB(60) - 0x10000 - 0x6000 - mem_boot_bytes);
}

static void test_free_memory(void **state)
{
    (void)state;
    bank(0x40000000, MIB(512), 0);
    bank(0x60000000, MIB(512), 1);
    bank(0x200000000, GIB(2), 1);
    assert_int_equal(machine_add_reserved(&machine, 0x50000000, MIB(1)), 0);
    machine.modules[machine.nr_modules++] = (struct machine_module){ .start = 0x58000800, .size = 0x1000 };
    assert_true(init());
    assert_int_equal(nr_direct, 3);
    assert_true(direct[0].start == 0x200000000 && direct[0].end == 0x280000000);
    assert_true(direct[1].start == 0x40000000 && direct[2].end == 0x80000000);
    expect_frames();
    /* All but what is someone's: the image, the tables' six pages, a reserved MiB, the module's two pages. */
    assert_int_equal(given_bytes(), GIB(3) - 0x10000 - 0x6000 - MIB(1) - 0x2000 - mem_boot_bytes);
    assert_false(is_given(IMAGE) || is_given(IMAGE + 0xffff) || is_given(TABLES) || is_given(0x48005fff));
    assert_false(is_given(0x50000000) || is_given(0x500fffff) || is_given(0x58000000) || is_given(0x58001fff));
    assert_true(is_given(IMAGE - 1) && is_given(IMAGE + 0x10000) && is_given(0x48006000) && is_given(0x58002000));
    for (u32 i = 0; i < nr_given; i++) {
        assert_int_equal(given[i].node, given[i].start >= 0x60000000);
        assert_true(given[i].node == 1 || given[i].end <= 0x60000000);
    }
    /* Out of the top of the largest piece: low memory is dom0's. */
    assert_true(is_given(0x60000000) && !is_given(0x280000000 - 1));
    assert_int_equal(frame_base, 0x40000);
    assert_int_equal(frame_end, 0x280000);
    assert_int_equal(fill.start, 0x200000000);
    assert_int_equal(fill.end, 0x280000000);
    assert_int_equal(heap_used, 1);
}

/* Of the node whose memory a part of the table describes. */
static void expect_local(void)
{
    for (u32 b = 0; b < machine.nr_banks; b++) {
        u64 va = frame_va(machine.banks[b].start), end = frame_va(machine_range_end(&machine.banks[b]));

        for (u32 i = 0; i < nr_frames; i++) {
            if (frames[i].va >= va && frames[i].va < end) {
                struct machine_range part;

                assert_true(machine_next_ram(&machine, frames[i].pa, frames[i].pa + frames[i].size, &part));
                assert_int_equal(part.node, machine.banks[b].node);
                assert_int_equal(part.size, frames[i].size);
            }
        }
    }
}

/* Two nodes in one run, and two more behind holes of many GiB: four parts, each at home, counted where they are. */
static void test_nodes(void **state)
{
    u64 sum = 0;

    (void)state;
    bank(0x40000000, GIB(1), 0);
    bank(0x80000000, GIB(1), 1);
    bank(GIB(256), GIB(2), 2);
    bank(GIB(4096), GIB(1), 5);
    assert_true(init());
    expect_frames();
    expect_local();
    assert_int_equal(nr_frames, 4);
    for (u32 i = 0; i < MEM_MAX_NODES; i++) {
        bool has = i < 3 || i == 5;

        assert_int_equal(mem_boot_node_bytes[i], has ? MIB(4) << (i == 2) : 0);
        sum += mem_boot_node_bytes[i];
    }
    assert_int_equal(sum, mem_boot_bytes);
    /* Large pages: the run's second part begins a block. */
    for (u32 i = 0; i < nr_frames; i++) {
        assert_int_equal((frames[i].va | frames[i].pa | frames[i].size) % MIB(2), 0);
    }
}

/* Nodes that meet within a block of the table, and one with too little memory for its own part. */
static void test_nodes_meet(void **state)
{
    (void)state;
    bank(0x40000000, MIB(600), 0);
    bank(0x40000000 + MIB(600), GIB(1), 1);
    bank(GIB(64), GIB(4), 2);
    assert_int_equal(machine_add_reserved(&machine, GIB(64) + MIB(2), GIB(4) - MIB(4)), 0);
    assert_true(init());
    expect_frames();
    assert_int_equal(nr_frames, 3);
    assert_int_equal(frames[1].va % MIB(2), 0);
    assert_int_equal(mem_boot_node_bytes[2], 0);
    assert_true(mem_boot_node_bytes[1] >= MIB(16));
    assert_true(is_given(GIB(64)) && is_given(GIB(68) - 1));
}

/* Banks with a small gap between them are one run, one that is far away another; they may share a page of the table. */
static void test_runs(void **state)
{
    (void)state;
    bank(0x40000000, MIB(128), 0);
    bank(0x48000000 + MIB(64), MIB(64), 0);
    bank(0x60000000, MIB(2), 0);
    bank(0x60200000 + MIB(65), MIB(1), 0);
    assert_true(init());
    expect_frames();
    assert_int_equal(nr_frames, 3);
    assert_int_equal(fill.start, 0x40000000);
    assert_int_equal(fill.end, 0x50000000);
    assert_false(is_given(0x48000000));
}

static void test_stops(void **state)
{
    (void)state;
    assert_false(init());
    assert_non_null(strstr(stopped, "names no memory"));
    bank(0x40000000, MIB(4), 0);
    map_rc = -ENOMEM;
    assert_false(init());
    assert_non_null(strstr(stopped, "memory at 0x40000000-0x40400000 cannot be mapped"));
}

static void test_too_little(void **state)
{
    (void)state;
    bank(IMAGE, MIB(2), 0);
    assert_int_equal(machine_add_reserved(&machine, IMAGE, MIB(2) - PAGE_SIZE), 0);
    assert_false(init());
    assert_non_null(strstr(stopped, "not enough memory"));
}

/* Each part to the heap of its own node, whole pages only, and nothing that is in no bank. */
static void test_release(void **state)
{
    (void)state;
    bank(IMAGE, 0xa000, 0);
    bank(IMAGE + 0xa000, 0x100000, 3);
    bank(TABLES & ~0xfffUL, 0x4000, 2);
    boot_memory_release();
    assert_int_equal(sealed, 1);
    assert_int_equal(mem_image_released, 0x5000);
    assert_int_equal(nr_given, 3);
    assert_int_equal(given[0].start, IMAGE + 0x8000);
    assert_int_equal(given[0].end, IMAGE + 0xa000);
    assert_int_equal(given[0].node, 0);
    assert_int_equal(given[1].end, IMAGE + 0xd000);
    assert_int_equal(given[1].node, 3);
    assert_int_equal(given[2].start, 0x48001000);
    assert_int_equal(given[2].end, 0x48004000);
    assert_int_equal(given[2].node, 2);
    nr_given = 0;
    machine.tables = (struct machine_range){ .start = TABLES, .size = 0x100 };
    boot_memory_release();
    assert_int_equal(nr_given, 2);
}

#define memory_case(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        memory_case(test_free_memory), memory_case(test_many_pieces), memory_case(test_runs), memory_case(test_stops),
        memory_case(test_too_little),
        memory_case(test_release), memory_case(test_nodes), memory_case(test_nodes_meet)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
