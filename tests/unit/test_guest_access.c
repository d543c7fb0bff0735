/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* unit-sources: core/mem/range.c core/mem/buddy.c core/mem/frames.c core/mem/heap.c core/mem/page.c core/mem/stats.c */
/* unit-sources: core/mem/physmap.c core/mem/lazy.c core/mem/scrub.c core/mem/node.c */
/* unit-sources: arch/arm/p2m.c arch/arm/p2m_lookup.c arch/arm/pgtable.c arch/arm/arm64/tlb.c arch/arm/guest_access.c */
/* Copies from and to guests: within a page and over its end, what may not be read or written, and whose page it is. */
#include "real_p2m.h"
#include <argon/guest_write.h>
#include <asm/guest_access.h>

#define FIRST    0x5000UL                /* two pages that follow each other for the guest, not in memory */
#define SECOND   0x6000UL
#define BETWEEN  0x9000UL                /* the frame between theirs */
#define READONLY 0xa000UL
#define FOREIGN  0xb000UL
#define NOTHING  0xc000UL

static struct domain *d, *other;
static u8 pattern[2 * PAGE_SIZE], buf[2 * PAGE_SIZE];
static u32 faults;                       /* so many translations fail */
static u64 fault_par;
static bool locked_at_last;

static void translation(const struct insn *i)
{
    real_p2m_hook(i);
    if (strncmp(i->text, "at s12e1", 8) == 0) {
        locked_at_last = spin_is_locked(&d->arch.p2m_lock);
        if (faults > 0) {
            faults--;
            reg_set("par_el1", fault_par);
        }
    }
}

static mfn_t frame_of(struct domain *of, u64 gpa)
{
    enum p2m_type t;

    return p2m_lookup(of, gpa_to_gfn(gpa), &t, NULL);
}

static struct page *page_at_gpa(u64 gpa)
{
    return mfn_to_page(frame_of(d, gpa));
}

static int setup(void **state)
{
    int rc = unit_setup(state);
    struct page *pg;

    d = unit_domain(1, 1);
    other = unit_domain(2, 1);
    unit_set_current(d->vcpu[0]);
    unit_guest_map(d, FIRST, PAGE_SIZE);
    unit_guest_map(d, BETWEEN, PAGE_SIZE);
    unit_guest_map(d, SECOND, PAGE_SIZE);
    assert_int_not_equal(frame_of(d, SECOND).m, frame_of(d, FIRST).m + 1);
    assert_int_equal(p2m_map(d, gpa_to_gfn(READONLY), frame_of(d, BETWEEN), 1, P2M_RAM_RO), 0);
    unit_guest_map(other, FOREIGN, PAGE_SIZE);
    pg = mfn_to_page(frame_of(other, FOREIGN));
    assert_int_equal(p2m_map(d, gpa_to_gfn(FOREIGN), page_to_mfn(pg), 1, P2M_FOREIGN_RW), 0);
    for (u64 i = 0; i < sizeof(pattern); i++) {
        pattern[i] = (u8)(i * 7 + (i >> 8) + 1);
    }
    memset(buf, 0, sizeof(buf));
    faults = 0;
    fault_par = PAR_F;
    insn_hook = translation;
    return rc;
}

/* No copy keeps a reference. */
static int teardown(void **state)
{
    for (u64 gpa = FIRST; gpa <= SECOND; gpa += PAGE_SIZE) {
        assert_int_equal(page_at_gpa(gpa)->count, 1);
    }
    assert_int_equal(page_at_gpa(BETWEEN)->count, 1);
    return unit_teardown(state);
}
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static const size_t sizes[] = { 1, 8, 255, 256, 257, 600, PAGE_SIZE };

static void test_within_a_page(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        u64 at = FIRST + PAGE_SIZE - sizes[i];

        assert_int_equal(copy_to_guest(at, pattern, sizes[i]), 0);
        assert_memory_equal(unit_guest_ptr(d, at), pattern, sizes[i]);
        assert_int_equal(copy_from_guest(buf, at, sizes[i]), 0);
        assert_memory_equal(buf, pattern, sizes[i]);
        assert_int_equal(clear_guest(at, sizes[i]), 0);
        assert_int_equal(*(u8 *)unit_guest_ptr(d, FIRST + PAGE_SIZE - 1), 0);
    }
    assert_int_equal(*(u8 *)unit_guest_ptr(d, SECOND), 0);
}

/* Each page where it is: the frame behind the first one's is not the guest's second page. */
static void test_over_the_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        size_t n = sizes[i] + 3;
        u64 at = SECOND - 3;

        assert_int_equal(copy_to_guest(at, pattern, n), 0);
        assert_memory_equal(unit_guest_ptr(d, at), pattern, 3);
        assert_memory_equal(unit_guest_ptr(d, SECOND), pattern + 3, n - 3);
        assert_int_equal(copy_from_guest(buf, at, n), 0);
        assert_memory_equal(buf, pattern, n);
        memset(buf, 0, sizeof(buf));
        assert_int_equal(copy_from_gpa(d, buf, at, n), 0);
        assert_memory_equal(buf, pattern, n);
        assert_int_equal(clear_guest(at, n), 0);
        assert_int_equal(*(u8 *)unit_guest_ptr(d, SECOND + n - 4), 0);
    }
    memset(buf, 0, sizeof(buf));
    assert_memory_equal(unit_guest_ptr(d, BETWEEN), buf, PAGE_SIZE);
}

static void expect_no_write(u64 gva)
{
    void *va;

    assert_int_equal(copy_to_guest(gva, pattern, 8), -EFAULT);
    assert_int_equal(copy_to_guest(gva, pattern, 600), -EFAULT);
    assert_int_equal(clear_guest(gva, 8), -EFAULT);
    assert_null(guest_page_for_write(gva, 8, &va));
}

static void test_refused(void **state)
{
    (void)state;
    assert_int_equal(copy_from_guest(buf, READONLY, 8), 0);
    expect_no_write(READONLY);
    assert_int_equal(*(u8 *)unit_guest_ptr(d, READONLY), 0);
    assert_int_equal(copy_from_guest(buf, NOTHING, 8), -EFAULT);
    assert_int_equal(copy_from_guest(buf, NOTHING, 600), -EFAULT);
    assert_int_equal(copy_from_gpa(d, buf, NOTHING, 8), -EFAULT);
    expect_no_write(NOTHING);
    /* Only the guest's own pages: another's are that one's to change, or to give back meanwhile. */
    assert_int_equal(copy_from_guest(buf, FOREIGN, 8), -EFAULT);
    expect_no_write(FOREIGN);
    /* What comes before it is done. */
    assert_int_equal(copy_to_guest(SECOND + PAGE_SIZE - 3, pattern, 8), -EFAULT);
    assert_memory_equal(unit_guest_ptr(d, SECOND + PAGE_SIZE - 3), pattern, 3);
}

/* A block that another CPU splits is absent for a moment: looked at once more under the lock that splitting holds. */
static void test_absent_for_a_moment(void **state)
{
    (void)state;
    for (u32 n = 0; n < 3; n++) {
        faults = n;
        assert_int_equal(copy_to_guest(FIRST, pattern, 8), 0);
        assert_int_equal(faults, 0);
        assert_int_equal(locked_at_last, n == 2);
    }
    faults = 3;
    assert_int_equal(copy_to_guest(FIRST, pattern, 8), -EFAULT);
    assert_false(spin_is_locked(&d->arch.p2m_lock));
}

/* With F set the rest of PAR_EL1 is no address (D17.2.113), whatever it looks like. */
static void test_fault_that_looks_like_a_frame(void **state)
{
    void *va;

    (void)state;
    fault_par = PAR_F | frame_of(d, BETWEEN).m << PAGE_SHIFT;
    faults = 100;
    assert_int_equal(copy_to_guest(FIRST, pattern, 8), -EFAULT);
    assert_int_equal(copy_from_guest(buf, FIRST, 8), -EFAULT);
    assert_null(guest_page_for_write(FIRST, 8, &va));
}

/* Frames outside the range whose pages are found without a search. */
static void test_cold_page(void **state)
{
    struct mem_hot_range hot = mem_hot_range;
    u64 nr = frame_of(d, FIRST).m - hot.first;
    struct page *pages = malloc(nr * sizeof(*pages) + 1);

    (void)state;
    memcpy(pages, hot.page, nr * sizeof(*pages));
    mem_hot_range = (struct mem_hot_range){ hot.first, nr, pages };
    assert_int_equal(copy_to_guest(FIRST, pattern, 8), 0);
    assert_memory_equal(unit_guest_ptr(d, FIRST), pattern, 8);
    mem_hot_range = hot;
    free(pages);
}

static void test_page_for_write(void **state)
{
    struct page *pg;
    void *va;

    (void)state;
    pg = guest_page_for_write(FIRST + PAGE_SIZE - 64, 64, &va);
    assert_ptr_equal(pg, page_at_gpa(FIRST));
    assert_ptr_equal(va, unit_guest_ptr(d, FIRST + PAGE_SIZE - 64));
    assert_int_equal(pg->count, 2);
    guest_page_done(d, pg, va);
    assert_int_equal(pg->count, 1);
    assert_null(guest_page_for_write(FIRST + PAGE_SIZE - 64, 65, &va));
}

static void test_fetch_at_once(void **state)
{
    u32 value = 0;

    (void)state;
    assert_int_equal(copy_to_guest(SECOND + 8, pattern, 4), 0);
    assert_true(fetch_u32_at_once(d, SECOND + 8, &value));
    assert_memory_equal(&value, pattern, 4);
    assert_false(fetch_u32_at_once(d, SECOND + 9, &value));
    assert_false(fetch_u32_at_once(d, NOTHING, &value));
    assert_false(fetch_u32_at_once(d, FOREIGN, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_within_a_page), CASE(test_over_the_end), CASE(test_refused), CASE(test_absent_for_a_moment),
        CASE(test_fault_that_looks_like_a_frame), CASE(test_cold_page), CASE(test_page_for_write),
        CASE(test_fetch_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
