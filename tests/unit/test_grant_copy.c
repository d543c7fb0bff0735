/* SPDX-License-Identifier: MIT */
/* GNTTABOP_copy: all four kinds, bounds, permissions, overlap. */
/* unit-sources: core/grant/table.c core/grant/pin.c core/grant/map.c core/grant/copy.c core/event/guest_atomic.c */
#include "test_grant_common.h"

static struct domain *d0, *d1, *d2;
static u64 granted, granted_ro, other, own;      /* pages: d1's refs 1 (rw), 2 (ro), d2's ref 1, d0's own */

static void fill(struct domain *d, u64 gpa, u8 first)
{
    for (u32 i = 0; i < PAGE_SIZE; i++) {
        *(u8 *)unit_guest_ptr(d, gpa + i) = (u8)(first + i);
    }
}

static u8 at(struct domain *d, u64 gpa)
{
    return *(u8 *)unit_guest_ptr(d, gpa);
}

static void prepare(void)
{
    d0 = make(0);
    d1 = make(1);
    d2 = make(2);
    granted = give(d1, 1, d0, 0);
    granted_ro = give(d1, 2, d0, GTF_readonly);
    other = give(d2, 1, d0, 0);
    own = unit_guest_alloc(d0, PAGE_SIZE);
    fill(d1, granted, 1);
    fill(d1, granted_ro, 2);
    fill(d2, other, 3);
    fill(d0, own, 4);
}

#define SREF GNTCOPY_source_gref
#define DREF GNTCOPY_dest_gref

static struct gnttab_copy request(u64 src, u16 so, u64 dst, u16 dof, u16 len, u16 flags)
{
    struct gnttab_copy c = { .source.offset = so, .dest.offset = dof, .len = len, .flags = flags };

    if (flags & SREF) {
        c.source.u.ref = (u32)src;
    } else {
        c.source.u.gmfn = src >> PAGE_SHIFT;
    }
    if (flags & DREF) {
        c.dest.u.ref = (u32)dst;
    } else {
        c.dest.u.gmfn = dst >> PAGE_SHIFT;
    }
    return c;
}

static s16 copy(struct domain *sd, u64 src, u16 so, struct domain *dd, u64 dst, u16 dof, u16 len, u16 flags)
{
    struct gnttab_copy c = request(src, so, dst, dof, len, flags);

    return grant_copy(d0, sd, dd, &c);
}

static void nothing_pinned(void)
{
    assert_int_equal(entry(d1, 1)->flags, GTF_permit_access);
    assert_int_equal(entry(d1, 2)->flags, GTF_permit_access | GTF_readonly);
    assert_int_equal(entry(d2, 1)->flags, GTF_permit_access);
    assert_int_equal(page_of(d1, granted)->count, 1);
    assert_int_equal(page_of(d1, granted_ro)->count, 1);
    assert_int_equal(page_of(d2, other)->count, 1);
    assert_int_equal(page_of(d0, own)->count, 1);
}

static void test_from_a_grant(void **state)
{
    (void)state;
    prepare();
    assert_int_equal(copy(d1, 1, 100, d0, own, 200, 50, SREF), GNTST_okay);
    assert_int_equal(at(d0, own + 199), (u8)(4 + 199));
    assert_int_equal(at(d0, own + 200), (u8)(1 + 100));
    assert_int_equal(at(d0, own + 249), (u8)(1 + 149));
    assert_int_equal(at(d0, own + 250), (u8)(4 + 250));
    assert_int_equal(copy(d1, 2, 0, d0, own, 0, 4096, SREF), GNTST_okay);      /* read-only grants can be read */
    assert_int_equal(at(d0, own + 4095), (u8)(2 + 4095));
    nothing_pinned();
}

static void test_to_a_grant(void **state)
{
    (void)state;
    prepare();
    assert_int_equal(copy(d0, own, 0, d1, 1, 4090, 6, DREF), GNTST_okay);
    assert_int_equal(at(d1, granted + 4089), (u8)(1 + 4089));
    assert_int_equal(at(d1, granted + 4090), 4);
    assert_int_equal(at(d1, granted + 4095), 9);
    assert_int_equal(copy(d0, own, 0, d1, 2, 0, 8, DREF), GNTST_general_error);
    assert_int_equal(at(d1, granted_ro), 2);
    nothing_pinned();
}

static void test_between_grants(void **state)
{
    (void)state;
    prepare();
    assert_int_equal(copy(d2, 1, 0, d1, 1, 0, 4096, SREF | DREF), GNTST_okay);
    assert_int_equal(at(d1, granted + 7), 3 + 7);
    /* The first end is given back if the second fails. */
    assert_int_equal(copy(d2, 1, 0, d1, 2, 0, 16, SREF | DREF), GNTST_general_error);
    assert_int_equal(copy(d2, 1, 0, d1, 600, 0, 16, SREF | DREF), GNTST_bad_gntref);
    assert_int_equal(copy(d2, 9, 0, d1, 1, 0, 16, SREF | DREF), GNTST_general_error);
    assert_int_equal(copy(d2, 99999, 0, d1, 1, 0, 16, SREF | DREF), GNTST_bad_gntref);
    nothing_pinned();
}

static void test_within_one_page(void **state)
{
    (void)state;
    prepare();
    assert_int_equal(copy(d1, 1, 0, d1, 1, 10, 100, SREF | DREF), GNTST_okay);
    for (u32 i = 0; i < 100; i++) {
        assert_int_equal(at(d1, granted + 10 + i), 1 + i);
    }
    assert_int_equal(copy(d0, own, 10, d0, own, 0, 100, 0), GNTST_okay);
    assert_int_equal(at(d0, own), 14);
    assert_int_equal(at(d0, own + 99), 113);
    nothing_pinned();
}

static void test_bounds(void **state)
{
    static const struct { u16 so, dof, len; s16 want; } cases[] = {
        { 0, 0, 0, GNTST_okay }, { 4095, 4095, 1, GNTST_okay }, { 0, 0, 4096, GNTST_okay },
        { 1, 0, 4096, GNTST_bad_copy_arg }, { 0, 1, 4096, GNTST_bad_copy_arg }, { 4096, 0, 1, GNTST_bad_copy_arg },
        { 0, 0, 4097, GNTST_bad_copy_arg }, { 0xffff, 0, 1, GNTST_bad_copy_arg }, { 0, 0xffff, 0xffff,
        GNTST_bad_copy_arg },
        { 4096, 4096, 0, GNTST_okay },
    };

    (void)state;
    prepare();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(copy(d1, 1, cases[i].so, d0, own, cases[i].dof, cases[i].len, SREF), cases[i].want);
    }
    nothing_pinned();
}

static void test_own_frames(void **state)
{
    mfn_t m;

    (void)state;
    prepare();
    m = page_to_mfn(page_of(d0, own));
    assert_int_equal(copy(d0, 0x7000000, 0, d1, 1, 0, 8, DREF), GNTST_bad_page);
    assert_int_equal(copy(d1, 1, 0, d0, ~0UL, 0, 8, SREF), GNTST_bad_page);
    assert_int_equal(p2m_map(d0, gfn(0x50), m, 1, P2M_RAM_RO), 0);
    assert_int_equal(copy(d1, 1, 0, d0, 0x50000, 0, 8, SREF), GNTST_bad_page);
    assert_int_equal(copy(d0, 0x50000, 0, d1, 1, 0, 8, DREF), GNTST_okay);
    assert_int_equal(p2m_map(d0, gfn(0x51), mfn(0x100), 1, P2M_MMIO), 0);
    assert_int_equal(copy(d0, 0x51000, 0, d1, 1, 0, 8, DREF), GNTST_bad_page);
    nothing_pinned();
}

/* A frame that is itself mapped from a grant serves as source, and as destination if it may be written. */
static void test_mapped_frames(void **state)
{
    u32 rw, ro;

    (void)state;
    prepare();
    assert_int_equal(map(d0, 0x1000000, d1, 1, RW, &rw), GNTST_okay);
    assert_int_equal(map(d0, 0x2000000, d1, 2, RO, &ro), GNTST_okay);
    assert_int_equal(copy(d0, 0x2000000, 0, d0, 0x1000000, 0, 16, 0), GNTST_okay);
    assert_int_equal(at(d1, granted + 5), 7);
    assert_int_equal(copy(d0, 0x1000000, 0, d0, 0x2000000, 0, 16, 0), GNTST_bad_page);
    assert_int_equal(copy(d1, 1, 0, d0, own, 0, 16, SREF), GNTST_okay);         /* pinned by the mapping, too */
    assert_int_equal(entry(d1, 1)->flags, GTF_permit_access | GTF_reading | GTF_writing);
    assert_int_equal(grant_unmap(d0, 0x1000000, rw), GNTST_okay);
    assert_int_equal(grant_unmap(d0, 0x2000000, ro), GNTST_okay);
    nothing_pinned();
}

static void test_dying_granter(void **state)
{
    (void)state;
    prepare();
    d1->dying = DOMAIN_DYING;
    assert_int_equal(copy(d1, 1, 0, d0, own, 0, 16, SREF), GNTST_bad_domain);
    assert_int_equal(copy(d0, own, 0, d1, 1, 0, 16, DREF), GNTST_bad_domain);
    d1->dying = DOMAIN_ALIVE;
    nothing_pinned();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        grant_test(test_from_a_grant), grant_test(test_to_a_grant), grant_test(test_between_grants),
        grant_test(test_within_one_page), grant_test(test_bounds), grant_test(test_own_frames),
        grant_test(test_mapped_frames),
        grant_test(test_dying_granter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
