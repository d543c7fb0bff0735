/* SPDX-License-Identifier: MIT */
/* unit-sources: core/mem/range.c core/mem/node.c core/mem/buddy.c core/mem/frames.c core/mem/heap.c core/mem/page.c */
/* unit-sources: core/mem/stats.c */
/* unit-sources: core/mem/physmap.c core/mem/lazy.c core/mem/scrub.c */
/* Page structs are written when a block of 1 GiB is first used: what other CPUs see and can do meanwhile. */
#include "unit.h"
#include <core/mem/internal.h>

#define BLOCK  (1UL << MAX_ORDER)
#define BLOCKS 4

static u32 clears;               /* blocks whose page structs are being, or have been, cleared */
static void (*meanwhile)(u64 first);

/* The frame table's; RAM is not zeroed in these tests. */
void arch_zero_pages(void *va, u64 nr_pages)
{
    void (*other)(u64 first) = meanwhile;
    u64 first = page_to_mfn(va).m;

    if (first < BLOCK || host_ram_nr != BLOCKS * BLOCK) {
        memset(va, 0, nr_pages * PAGE_SIZE);     /* of unit_setup() */
        return;
    }
    clears++;
    assert_int_equal(nr_pages, BLOCK * sizeof(struct page) / PAGE_SIZE);
    /* Another CPU; it need not wait. */
    assert_int_equal(this_cpu()->lock_depth, 0);
    assert_false(spin_is_locked(&buddy_nodes[0].lock));
    meanwhile = NULL;
    if (other != NULL) {
        unit_set_cpu(1);
        other(first);
        unit_set_cpu(0);
    }
    memset(va, 0, nr_pages * PAGE_SIZE);
}

static int setup(void **state)
{
    unit_setup(state);
    mem_reset();
    host_ram_init(BLOCK, BLOCKS * BLOCK);
    memset(frame_table, 0xa5, BLOCKS * BLOCK * sizeof(struct page));
    mem_add_range(BLOCK << PAGE_SHIFT, (BLOCKS + 1) * BLOCK << PAGE_SHIFT, 0);
    assert_int_equal(unit_free_pages(), BLOCKS * BLOCK);
    clears = 0;
    return 0;
}
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

static void *got;

/* Nobody looks at the page structs; the block is free memory; another can be taken. */
static void takes_another(u64 first)
{
    assert_false(mfn_is_ram(mfn(first)));
    assert_int_equal(unit_free_pages(), BLOCKS * BLOCK);
    got = pages_alloc(MAX_ORDER, 0);
    assert_non_null(got);
    assert_int_not_equal(virt_to_mfn(got).m, first);
    assert_int_equal(clears, 2);
}

static void test_two_at_once(void **state)
{
    void *p;

    (void)state;
    meanwhile = takes_another;
    p = pages_alloc(MAX_ORDER, 0);
    assert_non_null(p);
    assert_ptr_not_equal(p, got);
    assert_int_equal(clears, 2);
    assert_int_equal(unit_free_pages(), (BLOCKS - 2) * BLOCK);
    assert_int_equal(buddy_nodes[0].in_work, 0);
    pages_free(p, MAX_ORDER);
    pages_free(got, MAX_ORDER);
    assert_int_equal(unit_free_pages(), BLOCKS * BLOCK);
}

/* What an idle CPU works at is left alone by another idle one, by allocations, and by a claim of something else. */
static void all_the_others(u64 first)
{
    for (u32 i = 0; i < BLOCKS - 1; i++) {
        assert_true(mem_idle());
    }
    assert_int_equal(clears, BLOCKS);
    assert_true(mem_is_free(mfn(first == 2 * BLOCK ? 3 * BLOCK : 2 * BLOCK), BLOCK));
    assert_false(mfn_is_ram(mfn(first)));
}

static void test_idle_cpus(void **state)
{
    (void)state;
    mem_idle_start(false);
    meanwhile = all_the_others;
    assert_true(mem_idle());
    assert_int_equal(clears, BLOCKS);
    assert_int_equal(unit_free_pages(), BLOCKS * BLOCK);
    assert_int_equal(buddy_nodes[0].in_work, 0);
    for (u64 m = BLOCK; m < (BLOCKS + 1) * BLOCK; m += BLOCK) {
        assert_false(lazy_untouched(m));
    }
}

/*
 * A block whose page structs are written while a grace period of the hot range runs: CPUs that have answered may not
 * have seen them, so lookups wait for the next period.
 */
static void begins_a_period(u64 first)
{
    all_the_others(first);
    assert_true(mem_idle());
    assert_false(mem_idle());
}

static void test_hot_range_waits(void **state)
{
    (void)state;
    mem_idle_start(false);
    meanwhile = begins_a_period;
    assert_true(mem_idle());
    quiesce_poll();
    assert_int_equal(mem_hot_range.nr, 0);       /* it was the first block */
    assert_true(mem_idle());
    quiesce_poll();
    assert_int_equal(mem_hot_range.nr, BLOCKS * BLOCK);
}

/* An allocation that finds nothing else waits until the block is ready. */
static u32 done;

static void the_last_one(void)
{
    void *p = pages_alloc(MAX_ORDER, 0);

    assert_non_null(p);
    pages_free(p, MAX_ORDER);
    atomic_store(&done, 1);
}

static void starts_a_thread(u64 first)
{
    (void)first;
    unit_thread_start(2, the_last_one);
    for (u32 i = 0; i < 1000; i++) {
        cpu_relax();
    }
    assert_int_equal(atomic_load(&done), 0);
}

static void test_waits_for_the_last(void **state)
{
    void *p[BLOCKS - 1];

    (void)state;
    mem_idle_start(false);
    for (u32 i = 0; i < BLOCKS - 1; i++) {
        p[i] = pages_alloc(MAX_ORDER, 0);
        assert_non_null(p[i]);
    }
    done = 0;
    meanwhile = starts_a_thread;
    assert_true(mem_idle());
    unit_thread_join(2);
    assert_int_equal(done, 1);
    for (u32 i = 0; i < BLOCKS - 1; i++) {
        pages_free(p[i], MAX_ORDER);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_two_at_once), CASE(test_idle_cpus), CASE(test_hot_range_waits), CASE(test_waits_for_the_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
