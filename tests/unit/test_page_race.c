/* SPDX-License-Identifier: MIT */
/* unit-sources: core/mem/range.c core/mem/node.c core/mem/buddy.c core/mem/frames.c core/mem/heap.c core/mem/page.c */
/* unit-sources: core/mem/stats.c */
/* unit-sources: core/mem/physmap.c core/mem/lazy.c core/mem/scrub.c */
/* unit-sanitize: thread */
/* CPUs that allocate, look up, reference and free at the same time: nothing is lost, nothing is handed out twice. */
#include "unit.h"

enum { CPUS = 3, STEPS = 10000, SLOTS = 16 };

static struct domain *d1;
static u32 slots[SLOTS];         /* mfns that all CPUs fight over */
static u32 stop;

/* A stranger takes references of whatever is in the slots, by mfn alone. */
static void reader(void)
{
    u64 x = 99;

    while (!atomic_load_acquire(&stop)) {
        mfn_t m;

        x = x * 6364136223846793005UL + 1442695040888963407UL;
        m = mfn(atomic_load(&slots[x >> 33 & (SLOTS - 1)]));
        if (page_get(m, d1)) {
            page_put(mfn_to_page(m));
        }
    }
}

/* Fills and empties the slots: each page is released by exactly one. */
static void writer(void)
{
    u64 x = cpu_id() + 1;

    for (u32 i = 0; i < STEPS; i++) {
        struct page *pg = page_alloc_guest(d1, 0, 0);
        u32 old;

        x = x * 6364136223846793005UL + 1442695040888963407UL;
        if (pg == NULL) {
            abort();
        }
        old = atomic_exchange(&slots[x >> 33 & (SLOTS - 1)], (u32)page_to_mfn(pg).m);
        if (old != 0 && !page_release(mfn_to_page(mfn(old)), d1)) {
            abort();
        }
    }
}

static void test_race(void **state)
{
    u64 before;

    (void)state;
    d1 = unit_domain(1, 1);
    before = unit_free_pages();
    memset(slots, 0, sizeof(slots));
    stop = 0;
    unit_thread_start(1, reader);
    unit_thread_start(2, writer);
    unit_thread_start(3, writer);
    unit_thread_join(2);
    unit_thread_join(3);
    atomic_store_release(&stop, 1);
    unit_thread_join(1);
    for (u32 i = 0; i < SLOTS; i++) {
        if (slots[i] != 0) {
            assert_true(page_release(mfn_to_page(mfn(slots[i])), d1));
        }
    }
    assert_int_equal(d1->tot_pages, 0);
    assert_int_equal(d1->page_list, PAGE_NIL);
    assert_int_equal(unit_free_pages(), before);
}

static void heap_user(void)
{
    void *p[32] = { NULL };
    u64 x = cpu_id();

    for (u32 i = 0; i < STEPS; i++) {
        u32 k;

        x = x * 6364136223846793005UL + 1442695040888963407UL;
        k = x >> 33 & 31;
        xfree(p[k]);
        p[k] = xzalloc_bytes(1 + (x >> 40) % 3000);
        *(u32 *)p[k] = (u32)x;
    }
    for (u32 k = 0; k < 32; k++) {
        xfree(p[k]);
    }
}

static void test_heap_race(void **state)
{
    u64 before = unit_free_pages();

    (void)state;
    for (u32 cpu = 1; cpu <= CPUS; cpu++) {
        unit_thread_start(cpu, heap_user);
    }
    for (u32 cpu = 1; cpu <= CPUS; cpu++) {
        unit_thread_join(cpu);
    }
    assert_int_equal(unit_free_pages(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_case(test_race),
        unit_case(test_heap_race),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
