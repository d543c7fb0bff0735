/* SPDX-License-Identifier: MIT */
/*
 * Several CPUs of a mapper at the same few grants, under ThreadSanitizer: mapping and unmapping, unmapping of each
 * other's handles, and a granter that takes grants back whenever it may. In the end nothing is pinned, marked or
 * referenced.
 */
/* unit-sources: core/grant/table.c core/grant/pin.c core/grant/map.c */
/* unit-sources: core/grant/copy.c core/event/guest_atomic.c core/smp/spinlock.c */
/* unit-sanitize: thread */
#include "test_grant_common.h"
#include <sched.h>

#define ROUNDS 1500
#define REFS   4

static struct domain *d0, *d1;
static struct page *page[REFS];
static u32 last_handle[2];
static u32 stop;
static u32 mapped[2], lost[2];

static void mapper(void)
{
    u32 n = cpu_id();

    for (u32 i = 0; i < ROUNDS; i++) {
        u64 at = 0x10000000 + n * 0x1000000 + i % 16 * PAGE_SIZE;
        struct gnttab_map_grant_ref op = { .host_addr = at, .flags = i % 3 ? RW : RO, .ref = i % REFS, .dom = 1 };
        s16 status = grant_map(d0, d1, &op);

        if (status != GNTST_okay) {
            assert_int_equal(status, GNTST_general_error);    /* taken back just now */
            sched_yield();
            continue;
        }
        mapped[n]++;
        atomic_store(&last_handle[n], op.handle);
        sched_yield();
        status = grant_unmap(d0, at, op.handle);
        if (status != GNTST_okay) {
            /* The thief had it; the handle may be the other mapper's by now, whose address is another. */
            assert_true(status == GNTST_bad_handle || status == GNTST_general_error);
            lost[n]++;
        }
    }
}

/* Unmaps what mapper 0 has just mapped, if the address fits, and tries wrong ones on mapper 1's. */
static void thief(void)
{
    u32 i = 0;

    while (!atomic_load(&stop)) {
        s16 status = grant_unmap(d0, 0x10000000 + i++ % 16 * PAGE_SIZE, atomic_load(&last_handle[0]));

        assert_true(status == GNTST_okay || status == GNTST_bad_handle || status == GNTST_general_error);
        status = grant_unmap(d0, 0x30000000, atomic_load(&last_handle[1]));
        assert_true(status == GNTST_bad_handle || status == GNTST_general_error);
        if (i % 8 == 0) {
            sched_yield();
        }
    }
}

/* As the public header asks: compare-and-swap the flags to 0 only while no one uses the entry. */
static void granter(void)
{
    u32 i = 0;

    while (!atomic_load(&stop)) {
        struct grant_entry_v1 *e = entry(d1, i++ % REFS);
        u16 want = GTF_permit_access;

        if (atomic_cmpxchg(&e->flags, &want, 0)) {
            sched_yield();
            atomic_store_release(&e->flags, (u16)GTF_permit_access);
        }
    }
}

static void test_map_against_unmap(void **state)
{
    (void)state;
    d0 = make(0);
    d1 = make(1);
    for (u32 i = 0; i < REFS; i++) {
        page[i] = page_of(d1, give(d1, i, d0, 0));
    }
    last_handle[0] = last_handle[1] = ~0u;
    stop = 0;
    unit_thread_start(0, mapper);
    unit_thread_start(1, mapper);
    unit_thread_start(2, thief);
    unit_thread_start(3, granter);
    unit_thread_join(0);
    unit_thread_join(1);
    atomic_store(&stop, 1);
    unit_thread_join(2);
    unit_thread_join(3);
    assert_int_equal(d0->grant->nr_maps, 0);
    assert_int_equal(lost[1], 0);
    assert_true(mapped[0] > 0 && mapped[1] > 0);
    for (u32 i = 0; i < REFS; i++) {
        assert_int_equal(page[i]->count, 1);
        assert_int_equal(entry(d1, i)->flags, GTF_permit_access);
        assert_int_equal(grant_active(d1->grant, i)->readers, 0);
        assert_int_equal(grant_active(d1->grant, i)->writers, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { grant_test(test_map_against_unmap) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
