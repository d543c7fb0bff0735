/* SPDX-License-Identifier: MIT */
/* Two CPUs at one mapping: wherever the other comes in, a handle is given back once. And a granter that dies. */
/* unit-sources: core/grant/table.c core/event/guest_atomic.c */
#define UNIT_INTERLEAVE 1
#include "test_grant_common.h"
#include "../../hypervisor/core/grant/pin.c"
#include "../../hypervisor/core/grant/map.c"

#define HOLE 0x10000000UL

static struct domain *d0, *d1;
static u32 handle, unmaps;
static s16 other_status;
#define WAITS ((s16)99)                  /* it would have waited for a lock */

static void unmaps_too(void)
{
    if (spin_is_locked(&grant_active(d1->grant, 9)->lock) || spin_is_locked(&d0->grant->maptrack_lock)) {
        return;
    }
    unit_set_cpu(1);
    other_status = grant_unmap(d0, HOLE, handle);
    unit_set_cpu(0);
    unmaps++;
}

static void test_unmapped_once(void **state)
{
    bool more = true;

    unmaps = 0;
    for (u32 at = 1; more; at++) {
        struct page *pg;
        u64 gpa;
        s16 mine;

        d0 = make(0);
        d1 = make(1);
        gpa = give(d1, 9, d0, 0);
        pg = page_of(d1, gpa);
        assert_int_equal(map(d0, HOLE, d1, 9, RW, &handle), GNTST_okay);
        assert_int_equal(pg->count, 2);
        other_status = WAITS;
        interleave_begin(at, unmaps_too, 0, NULL);
        mine = grant_unmap(d0, HOLE, handle);
        more = !interleave_end();
        if (other_status == GNTST_okay) {
            assert_int_equal(mine, GNTST_bad_handle);
        } else {
            assert_int_equal(mine, GNTST_okay);
            assert_true(other_status == WAITS || other_status == GNTST_bad_handle);
        }
        assert_int_equal(d0->grant->nr_maps, 0);
        assert_int_equal(pg->count, 1);
        assert_int_equal(entry(d1, 9)->flags, GTF_permit_access);
        assert_int_equal(type_at(d0, HOLE), P2M_INVALID);
        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
        assert_true(at < 200);
    }
    assert_true(unmaps > 5);
}

/* It was alive when it was looked up: what its table was is not touched any more. */
static void test_pin_of_the_dying(void **state)
{
    struct grant_active *act;

    (void)state;
    d0 = make(0);
    d1 = make(1);
    (void)give(d1, 9, d0, 0);
    act = grant_active(d1->grant, 9);
    d1->dying = DOMAIN_DYING;
    spin_lock(&act->lock);
    assert_int_equal(grant_pin(d1, act, 9, 0, true), GNTST_bad_domain);
    spin_unlock(&act->lock);
    assert_int_equal(entry(d1, 9)->flags, GTF_permit_access);
    assert_int_equal(act->readers, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { grant_test(test_unmapped_once), grant_test(test_pin_of_the_dying) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
