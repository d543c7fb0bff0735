/* SPDX-License-Identifier: MIT */
/* unit-sources: arch/arm/pgtable.c */
/*
 * The page-table walker over malloc: mapping with the largest blocks, refusal and roll-back, splitting with
 * break-before-make, removal, concatenated roots, freeing. "Physical" addresses of tables are their host addresses
 * below 48 bits.
 */
#include "unit.h"

#include <argon/pgtable.h>

#define ATTRS (PTE_AF | PTE_S2_NORMAL | PTE_S2_READ | PTE_S2_WRITE)
#define SZ_2M MIB(2)
#define SZ_1G GIB(1)

static struct pgtable pt;
static int tables, tables_left, flushes;
static u64 flush_va, flush_size;
static u64 *watched;             /* entry whose value at the time of a flush is recorded */
static u64 watched_at_flush;

static u64 *table_alloc(struct pgtable *t)
{
    void *p = NULL;

    (void)t;
    if (tables_left == 0) {
        return NULL;
    }
    tables_left--;
    tables++;
    assert_int_equal(posix_memalign(&p, 4096, 4096), 0);
    memset(p, 0, 4096);
    return p;
}

static void table_free(struct pgtable *t, u64 *table)
{
    (void)t;
    tables--;
    free(table);
}

static u64 *table_va(paddr_t pa) { return (u64 *)pa; }
static paddr_t table_pa(const u64 *table) { return (paddr_t)table; }

static void flush(struct pgtable *t, u64 va, u64 size)
{
    (void)t;
    flushes++;
    flush_va = va;
    flush_size = size;
    watched_at_flush = watched != NULL ? *watched : 0;
}

static const struct pgt_ops ops = {
    .table_alloc = table_alloc, .table_free = table_free, .table_va = table_va, .table_pa = table_pa, .flush = flush,
};

static void start(u8 level, u8 bits, unsigned int root_pages)
{
    void *p = NULL;

    assert_int_equal(posix_memalign(&p, 4096, 4096UL * root_pages), 0);
    memset(p, 0, 4096UL * root_pages);
    pt = (struct pgtable){ .ops = &ops, .root = p, .start_level = level, .va_bits = bits };
    tables = flushes = 0;
    tables_left = 1000;
    watched = NULL;
}

static int setup(void **state)
{
    (void)state;
    start(1, 40, 2);
    return 0;
}

static int teardown(void **state)
{
    unsigned int cursor = 0;

    (void)state;
    while (!pgt_free_tables(&pt, &cursor, 1)) {
    }
    assert_int_equal(tables, 0);
    free(pt.root);
    return 0;
}

static u64 pa_at(u64 va, unsigned int *level)
{
    u64 pte = pgt_lookup(&pt, va, level);

    return pte != 0 ? (pte & PTE_ADDR_MASK) + (va & (BIT(pgt_level_shift(*level)) - 1) & PAGE_MASK) : 0;
}

static void test_largest_blocks(void **state)
{
    unsigned int level;

    (void)state;
    /* A page, 511 more pages, then 511 blocks of 2M, then 1G, then a tail of a page. */
    assert_int_equal(pgt_map(&pt, SZ_1G - SZ_2M, 2 * SZ_1G - SZ_2M, SZ_2M + SZ_1G + PAGE_SIZE, ATTRS), 0);
    assert_int_equal(pa_at(SZ_1G - SZ_2M, &level), 2 * SZ_1G - SZ_2M);
    assert_int_equal(level, 2);
    assert_int_equal(pa_at(SZ_1G + 0x5000, &level), 2 * SZ_1G + 0x5000);
    assert_int_equal(level, 1);
    assert_int_equal(pa_at(2 * SZ_1G, &level), 3 * SZ_1G);
    assert_int_equal(level, 3);
    assert_int_equal(pgt_lookup(&pt, 2 * SZ_1G + PAGE_SIZE, &level), 0);
    assert_int_equal(pgt_lookup(&pt, 2 * SZ_1G, &level) & ATTRS, ATTRS);
    assert_int_equal(tables, 3);
    assert_int_equal(flushes, 0);        /* invalid to valid needs none */
}

static void test_unaligned_uses_pages(void **state)
{
    unsigned int level;

    (void)state;
    assert_int_equal(pgt_map(&pt, SZ_2M, PAGE_SIZE, SZ_2M, ATTRS), 0);
    assert_int_equal(pa_at(SZ_2M + 17 * PAGE_SIZE, &level), 18 * PAGE_SIZE);
    assert_int_equal(level, 3);
}

static void test_refusals_change_nothing(void **state)
{
    unsigned int level;

    (void)state;
    assert_int_equal(pgt_map(&pt, 8 * PAGE_SIZE, 0x10000, PAGE_SIZE, ATTRS), 0);
    assert_int_equal(pgt_map(&pt, 0, 0x100000, 16 * PAGE_SIZE, ATTRS), -EEXIST);
    assert_int_equal(pgt_lookup(&pt, 0, &level), 0);
    assert_int_equal(pgt_lookup(&pt, 7 * PAGE_SIZE, &level), 0);
    assert_int_equal(pa_at(8 * PAGE_SIZE, &level), 0x10000);
    assert_int_equal(pgt_map(&pt, BIT(40) - PAGE_SIZE, 0, 2 * PAGE_SIZE, ATTRS), -EINVAL);
    assert_int_equal(pgt_map(&pt, BIT(40), 0, PAGE_SIZE, ATTRS), -EINVAL);
    assert_int_equal(pgt_map(&pt, 0x1000, BIT(48), PAGE_SIZE, ATTRS), -EINVAL);
    assert_int_equal(pgt_map(&pt, ~0UL << 12, 0, 2 * PAGE_SIZE, ATTRS), -EINVAL);
    assert_int_equal(pgt_map(&pt, 0, 0, 0, ATTRS), -EINVAL);
    assert_int_equal(pgt_unmap(&pt, BIT(40) - PAGE_SIZE, 2 * PAGE_SIZE), -EINVAL);
}

static void test_out_of_memory_rolls_back(void **state)
{
    unsigned int level;

    (void)state;
    tables_left = 2;             /* level 2 and one level 3: enough for the first part only */
    assert_int_equal(pgt_map(&pt, SZ_2M - PAGE_SIZE, 0x7000, 2 * PAGE_SIZE, ATTRS), -ENOMEM);
    assert_int_equal(pgt_lookup(&pt, SZ_2M - PAGE_SIZE, &level), 0);
    assert_int_equal(pgt_lookup(&pt, SZ_2M, &level), 0);
    tables_left = 10;
    assert_int_equal(pgt_map(&pt, SZ_2M - PAGE_SIZE, 0x7000, 2 * PAGE_SIZE, ATTRS), 0);
}

static void test_unmap_splits_break_before_make(void **state)
{
    unsigned int level;

    (void)state;
    assert_int_equal(pgt_map(&pt, SZ_1G, SZ_1G, SZ_1G, ATTRS), 0);
    watched = &pt.root[1];
    assert_int_equal(pgt_unmap(&pt, SZ_1G + 5 * PAGE_SIZE, PAGE_SIZE), 0);
    assert_int_equal(pgt_lookup(&pt, SZ_1G + 5 * PAGE_SIZE, &level), 0);
    assert_int_equal(pa_at(SZ_1G + 4 * PAGE_SIZE, &level), SZ_1G + 4 * PAGE_SIZE);
    assert_int_equal(level, 3);
    assert_int_equal(pa_at(SZ_1G + 6 * PAGE_SIZE, &level), SZ_1G + 6 * PAGE_SIZE);
    assert_int_equal(pa_at(2 * SZ_1G - PAGE_SIZE, &level), 2 * SZ_1G - PAGE_SIZE);
    assert_int_equal(level, 2);
    assert_int_equal(pgt_lookup(&pt, SZ_1G + 6 * PAGE_SIZE, &level) & ATTRS, ATTRS);
    assert_int_equal(flushes, 3);        /* 1G split, 2M split, the page */
    assert_int_equal(flush_va, SZ_1G + 5 * PAGE_SIZE);
    assert_int_equal(flush_size, PAGE_SIZE);
}

static void test_split_is_invalid_during_flush(void **state)
{
    (void)state;
    assert_int_equal(pgt_map(&pt, SZ_1G, SZ_1G, SZ_1G, ATTRS), 0);
    watched = &pt.root[1];
    assert_non_null(pgt_page_entry(&pt, SZ_1G, true));
    assert_int_equal(flushes, 2);
    /* The last flush was of the 2M block: the level-1 entry is a table by then; the first saw it invalid. */
    assert_true(watched_at_flush & PTE_TABLE_BIT);
    assert_int_equal(flush_size, SZ_2M);
}

static void test_unmap_failing_split_changes_nothing(void **state)
{
    unsigned int level;

    (void)state;
    assert_int_equal(pgt_map(&pt, SZ_1G, SZ_1G, SZ_1G, ATTRS), 0);
    tables_left = 0;
    assert_int_equal(pgt_unmap(&pt, SZ_1G + PAGE_SIZE, PAGE_SIZE), -ENOMEM);
    assert_int_equal(pa_at(SZ_1G + PAGE_SIZE, &level), SZ_1G + PAGE_SIZE);
    assert_int_equal(level, 1);
    assert_int_equal(flushes, 0);
    tables_left = 10;
}

static void test_unmap_over_holes(void **state)
{
    unsigned int level;

    (void)state;
    assert_int_equal(pgt_map(&pt, 0x3000, 0x3000, PAGE_SIZE, ATTRS), 0);
    assert_int_equal(pgt_map(&pt, 3 * SZ_1G, 0, SZ_2M, ATTRS), 0);
    assert_int_equal(pgt_unmap(&pt, 0, BIT(40)), 0);
    assert_int_equal(flushes, 1);
    assert_int_equal(pgt_lookup(&pt, 0x3000, &level), 0);
    assert_int_equal(pgt_lookup(&pt, 3 * SZ_1G, &level), 0);
    assert_int_equal(pgt_unmap(&pt, 0, BIT(40)), 0);
    assert_int_equal(flushes, 1);        /* nothing was there: nothing to flush */
}

static void test_concatenated_root(void **state)
{
    unsigned int level;

    (void)state;
    /* 40 bits from level 1: index up to 1023, two root pages. */
    assert_int_equal(pgt_map(&pt, 1023UL << 30, 7 * SZ_1G, SZ_1G, ATTRS), 0);
    assert_int_equal(pt.root[1023] & PTE_ADDR_MASK, 7 * SZ_1G);
    assert_int_equal(pa_at((1023UL << 30) + 0x123000, &level), 7 * SZ_1G + 0x123000);
}

static void test_page_entry(void **state)
{
    u64 *e;

    (void)state;
    assert_null(pgt_page_entry(&pt, 0x5000, false));
    e = pgt_page_entry(&pt, 0x5000, true);
    assert_non_null(e);
    assert_int_equal(*e, 0);
    assert_ptr_equal(pgt_page_entry(&pt, 0x6000, false), e + 1);
    assert_null(pgt_page_entry(&pt, BIT(40), true));
    tables_left = 0;
    assert_null(pgt_page_entry(&pt, SZ_1G, true));
}

static void test_level0_root(void **state)
{
    unsigned int level, cursor = 0;

    (void)state;
    free(pt.root);
    start(0, 48, 1);
    assert_int_equal(pgt_map(&pt, 5UL << 39, 0, 2UL << 39, ATTRS), 0);
    assert_int_equal(pa_at((6UL << 39) + 0x1000, &level), (1UL << 39) + 0x1000);
    assert_int_equal(level, 1);          /* there are no 512G blocks */
    assert_int_equal(tables, 2);
    while (!pgt_free_tables(&pt, &cursor, 1)) {
    }
    assert_int_equal(tables, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_largest_blocks), T(test_unaligned_uses_pages), T(test_refusals_change_nothing),
        T(test_out_of_memory_rolls_back),
        T(test_unmap_splits_break_before_make), T(test_split_is_invalid_during_flush),
        T(test_unmap_failing_split_changes_nothing), T(test_unmap_over_holes), T(test_concatenated_root),
        T(test_page_entry),
        T(test_level0_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
