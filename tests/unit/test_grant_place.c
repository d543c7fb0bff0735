/* SPDX-License-Identifier: MIT */
/* unit-sources: core/mem/range.c core/mem/node.c core/mem/buddy.c core/mem/frames.c core/mem/heap.c core/mem/page.c */
/* unit-sources: core/mem/stats.c */
/* unit-sources: core/mem/physmap.c core/mem/lazy.c core/mem/scrub.c */
/* unit-sources: core/grant/table.c core/grant/pin.c core/event/guest_atomic.c */
/* What a grant may be of, and what it may be mapped over, even if another vCPU of the mapper changes that just then. */
#include "test_grant_common.h"

#define HOLE 0x10000000UL

static struct domain *d0, *d1;

static void make_two(void)
{
    d0 = make(0);
    d1 = make(1);
}

/*
 * Pages that the hypervisor shares with the granter are nobody's to map: a pin of one would not keep the granter's
 * table.
 */
static void test_shared_pages_are_not_granted(void **state)
{
    const void *shared[2];

    (void)state;
    make_two();
    shared[0] = d1->shared_info;
    shared[1] = d1->grant->shared[0];
    for (u32 i = 0; i < 2; i++) {
        mfn_t m = virt_to_mfn(shared[i]);

        assert_int_equal(p2m_map(d1, gfn(0x9000 + i), m, 1, P2M_RAM_RW), 0);
        entry(d1, i)->frame = 0x9000 + i;
        entry(d1, i)->flags = GTF_permit_access;
        assert_int_equal(map(d0, HOLE, d1, i, RW, NULL), GNTST_bad_page);
        assert_int_equal(map(d0, HOLE, d1, i, RO, NULL), GNTST_bad_page);
        assert_int_equal(entry(d1, i)->flags, GTF_permit_access);
        assert_int_equal(mfn_to_page(m)->count, 1);
    }
    assert_int_equal(d0->grant->nr_maps, 0);
}

static void test_map_over_something(void **state)
{
    u64 own, tot;
    u32 handle;
    struct page *mine;
    mfn_t kept;

    (void)state;
    make_two();
    give(d1, 1, d0, 0);
    give(d1, 2, d0, 0);
    /* Own RAM: given back, but for a 1:1 domain's, which keeps it. */
    own = unit_guest_alloc(d0, 2 * PAGE_SIZE);
    mine = page_of(d0, own);
    tot = d0->tot_pages;
    assert_int_equal(map(d0, own, d1, 1, RW, &handle), GNTST_okay);
    assert_int_equal(type_at(d0, own), P2M_GRANT_RW);
    assert_int_equal(d0->tot_pages, tot - 1);
    assert_int_equal(mine->count, 0);
    assert_int_equal(grant_unmap(d0, own, handle), GNTST_okay);
    d0->direct_mapped = true;
    kept = page_to_mfn(page_of(d0, own + PAGE_SIZE));
    assert_int_equal(map(d0, own + PAGE_SIZE, d1, 1, RW, &handle), GNTST_okay);
    assert_int_equal(grant_unmap(d0, own + PAGE_SIZE, handle), GNTST_okay);
    assert_int_equal(d0->tot_pages, tot - 1);
    assert_true(page_is_ram_of(kept, d0));
    d0->direct_mapped = false;
    assert_int_equal(map(d0, own, d1, 1, RW, &handle), GNTST_okay);
    /* Another grant, at the same place: refused, nothing changed. */
    assert_int_equal(map(d0, own, d1, 2, RW, NULL), GNTST_general_error);
    assert_int_equal(map(d0, own, d1, 1, RW, NULL), GNTST_general_error);
    assert_int_equal(entry(d1, 2)->flags, GTF_permit_access);
    assert_int_equal(page_of(d0, own)->count, 2);
    assert_int_equal(grant_unmap(d0, own, handle), GNTST_okay);
    assert_int_equal(type_at(d0, own), P2M_INVALID);
    /* Foreign pages, devices; a page shared with the hypervisor is noted as not mapped. */
    assert_int_equal(p2m_map(d0, gfn(0x20000), mfn(0x3000), 1, P2M_MMIO), 0);
    assert_int_equal(map(d0, 0x20000000, d1, 2, RW, NULL), GNTST_general_error);
    assert_int_equal(p2m_map(d0, gfn(0x20001), page_to_mfn(mine), 1, P2M_FOREIGN_RW), 0);
    assert_int_equal(map(d0, 0x20001000, d1, 2, RW, NULL), GNTST_general_error);
    assert_int_equal(entry(d1, 2)->flags, GTF_permit_access);
    assert_int_equal(d0->grant->nr_maps, 0);
    assert_int_equal(p2m_map(d0, gfn(0x20002), virt_to_mfn(d0->shared_info), 1, P2M_RAM_RW), 0);
    d0->shared_info_gfn = gfn(0x20002);
    assert_int_equal(map(d0, 0x20002000, d1, 2, RW, NULL), GNTST_okay);
    assert_false(gfn_is_valid(d0->shared_info_gfn));
    assert_int_equal(virt_to_page(d0->shared_info)->count, 1);
}

/* ---- another vCPU: only what was looked at is replaced, and all that is replaced is dropped ---- */

static struct domain *mapper, *granter;
static struct page *foreign;
static void (*between)(u64 g);

static int replace_late(struct domain *d, gfn_t g, mfn_t m, enum p2m_type t, u32 over, struct p2m_old *old)
{
    if (between != NULL) {
        between(g.g);
    }
    between = NULL;
    return p2m_replace(d, g, m, t, over, old);
}
#define p2m_replace replace_late
#include "../../hypervisor/core/grant/map.c"
#undef p2m_replace

/* The other vCPU, add_to_physmap_batch(gmfn_foreign): its own RAM at g is replaced. */
static void foreign_there(u64 g)
{
    struct p2m_old old;

    foreign = page_alloc_guest(granter, 0, 0);
    assert_true(page_get(page_to_mfn(foreign), granter));
    atomic_fetch_add(&mapper->nr_foreign, 1);
    assert_int_equal(p2m_replace(mapper, gfn(g), page_to_mfn(foreign), P2M_FOREIGN_RW, P2M_RAM, &old), 0);
    physmap_drop(mapper, gfn(g), old);
}

/* decrease_reservation: nothing is there any more. */
static void given_back(u64 g)
{
    struct p2m_old old;

    assert_int_equal(p2m_remove(mapper, gfn(g), P2M_RAM, &old), 0);
    physmap_drop(mapper, gfn(g), old);
}

static u64 begin(void)
{
    mapper = make(5);
    granter = make(6);
    mapper->max_pages = granter->max_pages = 100;
    give(granter, 3, mapper, 0);
    return unit_guest_alloc(mapper, PAGE_SIZE);
}

static void test_foreign_page_in_between(void **state)
{
    u64 at = begin();

    (void)state;
    between = foreign_there;
    assert_int_equal(map(mapper, at, granter, 3, RW, NULL), GNTST_general_error);
    assert_int_equal(type_at(mapper, at), P2M_FOREIGN_RW);
    assert_int_equal(foreign->count, 2);
    assert_int_equal(entry(granter, 3)->flags, GTF_permit_access);
    assert_int_equal(mapper->grant->nr_maps, 0);
    /* And the mapper can die. */
    mapper->dying = DOMAIN_DYING;
    assert_int_equal(physmap_relinquish(mapper), 0);
    assert_int_equal(mapper->nr_foreign, 0);
    assert_int_equal(foreign->count, 1);
}

static void test_hole_in_between(void **state)
{
    u64 at = begin();
    u32 handle, tot = mapper->tot_pages;

    (void)state;
    between = given_back;
    assert_int_equal(map(mapper, at, granter, 3, RW, &handle), GNTST_okay);
    assert_int_equal(mapper->tot_pages, tot - 1);
    assert_int_equal(grant_unmap(mapper, at, handle), GNTST_okay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        grant_test(test_shared_pages_are_not_granted),
        grant_test(test_map_over_something),
        grant_test(test_foreign_page_in_between),
        grant_test(test_hole_in_between),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
