/* SPDX-License-Identifier: MIT */
/* unit-sources: core/mem/range.c core/mem/node.c core/mem/buddy.c core/mem/frames.c core/mem/heap.c core/mem/page.c */
/* unit-sources: core/mem/stats.c */
/* unit-sources: core/mem/physmap.c core/mem/lazy.c core/mem/scrub.c */
/* unit-sanitize: thread */
/* Idle CPUs zero memory while others take all of it: nothing is missing while it is being zeroed, nothing is dirty. */
#include "unit.h"
#include <core/mem/internal.h>

enum { IDLE = 2, ROUNDS = 200, BLOCKS = 8, ORDER = 6 };

static struct domain only, *guest = &only;
static u32 stop;

struct domain *domain_lookup(u16 domid) { return domid == only.id ? &only : NULL; }

static void idler(void)
{
    while (!atomic_load_acquire(&stop)) {
        (void)mem_idle();
    }
}

static void test_race(void **state)
{
    struct page *block[BLOCKS];
    u64 nr = BLOCKS << ORDER;

    (void)state;
    only = (struct domain){ .id = 1, .max_pages = ~0U, .page_list = PAGE_NIL };
    spin_lock_init(&only.page_lock, RANK_PAGE_LIST);
    mem_reset();
    host_ram_init(0x40000, nr);
    mem_add_range(0x40000UL << PAGE_SHIFT, (0x40000UL + nr) << PAGE_SHIFT, 0);
    stop = 0;
    mem_idle_start(true);
    for (u32 cpu = 1; cpu <= IDLE; cpu++) {
        unit_thread_start(cpu, idler);
    }
    for (u32 round = 0; round < ROUNDS; round++) {
        for (u32 b = 0; b < BLOCKS; b++) {
            u64 *p;

            assert_int_equal(unit_free_pages(), nr - ((u64)b << ORDER));
            block[b] = page_alloc_guest(guest, ORDER, 0);
            assert_non_null(block[b]);
            p = page_to_virt(block[b]);
            for (u64 i = 0; i < PAGE_SIZE << ORDER; i += 512) {
                assert_int_equal(p[i / 8], 0);
                p[i / 8] = i + 1;
            }
        }
        for (u32 b = 0; b < BLOCKS; b++) {
            for (u64 i = 0; i < BIT(ORDER); i++) {
                assert_true(page_release(&block[b][i], guest));
            }
        }
        mem_flush_cache();
    }
    atomic_store_release(&stop, 1);
    for (u32 cpu = 1; cpu <= IDLE; cpu++) {
        unit_thread_join(cpu);
    }
    assert_int_equal(unit_free_pages(), nr);
}

int main(void)
{
    const struct CMUnitTest tests[] = { unit_case(test_race) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
