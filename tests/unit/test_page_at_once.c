/* SPDX-License-Identifier: MIT */
/* unit-sources: core/mem/range.c core/mem/node.c core/mem/buddy.c core/mem/frames.c core/mem/heap.c core/mem/page.c */
/* unit-sources: core/mem/stats.c */
/* unit-sources: core/mem/physmap.c core/mem/lazy.c core/mem/scrub.c */
/*
 * Pages that are looked at without a lock, while another CPU gives them away: a word is loaded without a reference, a
 * reference is taken in one try. The other does so before each access of these in turn.
 */
#define UNIT_INTERLEAVE
#include "unit.h"

#define MINE   0x11111111u
#define SECRET 0x22222222u

static struct domain *d1, *d2;
static struct page *pg, *reused;

static int setup(void **state)
{
    unit_setup(state);
    d1 = unit_domain(1, 1);
    d2 = unit_domain(2, 1);
    return 0;
}

static u32 *word_of(struct page *page)
{
    return page_to_virt(page);
}

static void page_of_d1(void)
{
    pg = page_alloc_guest(d1, 0, 0);
    assert_non_null(pg);
    *word_of(pg) = MINE;
    reused = NULL;
}

/* The other CPU frees the page, and a domain gets the next there is: the same, if nobody held it. */
static void pass_on(struct domain *to)
{
    unit_set_cpu(1);
    assert_true(page_release(pg, d1));
    reused = page_alloc_guest(to, 0, 0);
    assert_non_null(reused);
    *word_of(reused) = SECRET;
    unit_set_cpu(0);
}

static void to_another(void)
{
    pass_on(d2);
}

static void to_itself(void)
{
    pass_on(d1);
}

static void one_more_reference(void)
{
    assert_true(page_get(page_to_mfn(pg), d1));
}

static void there_and_back(void)
{
    assert_true(page_get(page_to_mfn(pg), d1));
    page_put(pg);
}

/* As fetch_u32_at_once() does on ARM, once the address is translated. */
static bool load(u32 *value)
{
    return page_load_u32(pg, PAGE_WORD_ID(d1->id, PAGE_GUEST), word_of(pg), value);
}

/* What is loaded is the domain's own or refused, and refused only where something has changed. */
static void test_load_while_given_away(void **state)
{
    u32 value, refused = 0, n = 0;
    bool ok, through;

    (void)state;
    do {
        page_of_d1();
        interleave_begin(++n, to_another, 0, NULL);
        ok = load(&value);
        through = interleave_end();
        assert_true(through || reused == pg);
        if (ok) {
            assert_int_equal(value, MINE);
        }
        assert_true(!through || ok);
        refused += !ok;
        if (!through) {
            assert_true(page_release(reused, d2));
        } else {
            assert_true(page_release(pg, d1));
        }
    } while (!through);
    assert_int_equal(refused, n - 1);        /* wherever it came, it was before the last look */
    assert_int_equal(n, 4);                  /* page, word, page */
}

/*
 * A frame that is nobody's, or another's, is not looked at: a hole in RAM has a page struct too, but no place in the
 * direct map.
 */
static void test_load_of_no_memory(void **state)
{
    const u32 *volatile nowhere = (const u32 *)(uintptr_t)8;
    struct page hole = { .word = 0 }, other = { .word = (u64)PAGE_WORD_ID(2, PAGE_GUEST) << 32 | 1 };
    u32 value;

    (void)state;
    assert_false(page_load_u32(&hole, PAGE_WORD_ID(d1->id, PAGE_GUEST), nowhere, &value));
    assert_false(page_load_u32(&other, PAGE_WORD_ID(d1->id, PAGE_GUEST), nowhere, &value));
}

static void from_another(void)
{
    unit_set_cpu(1);
    assert_true(page_release(pg, d2));
    reused = page_alloc_guest(d1, 0, 0);
    assert_ptr_equal(reused, pg);
    *word_of(pg) = MINE;
    unit_set_cpu(0);
}

/* The other way: what was the other's before it came is not loaded as the domain's own. */
static void test_load_while_received(void **state)
{
    u32 n = 0;
    bool through;

    (void)state;
    do {
        u32 value;

        pg = page_alloc_guest(d2, 0, 0);
        *word_of(pg) = SECRET;
        interleave_begin(++n, from_another, 0, NULL);
        if (load(&value)) {
            assert_int_equal(value, MINE);
        }
        through = interleave_end();
        assert_true(page_release(pg, through ? d2 : d1));
    } while (!through);
}

static void test_load_while_used(void **state)
{
    static interleave_fn *const others[] = { one_more_reference, there_and_back, to_itself };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(others); i++) {
        for (u32 n = 1; n <= 4; n++) {
            u32 value;
            bool ok;

            page_of_d1();
            interleave_begin(n, others[i], 0, NULL);
            ok = load(&value);
            /* A reference that is back is no change, and a page that is the domain's again is its own. */
            assert_true(ok || (i == 0 && n > 1));
            assert_true(value == MINE || (i == 2 && n <= 2 && value == SECRET));
            (void)interleave_end();
        }
    }
}

static bool try_reference(void)
{
    return page_try_reference(pg, PAGE_WORD_ID(d1->id, PAGE_GUEST));
}

static bool take_reference(void)
{
    return page_take_reference(pg, PAGE_WORD_ID(d1->id, PAGE_GUEST));
}

/* A reference is of a page that is the domain's, and keeps it; or there is none. */
static void test_reference_while_given_away(void **state)
{
    static bool (*const take[])(void) = { try_reference, take_reference };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(take); i++) {
        bool got, through;
        u32 n = 0;

        do {
            page_of_d1();
            interleave_begin(++n, to_another, 0, NULL);
            got = take[i]();
            through = interleave_end();
            if (got) {
                assert_true(through);        /* the last access is the one that takes it */
                assert_int_equal(pg->owner, d1->id);
                assert_int_equal(pg->count, 2);
                page_put(pg);
                assert_true(page_release(pg, d1));
            } else {
                assert_ptr_equal(reused, pg);
                assert_int_equal(pg->owner, d2->id);
                assert_int_equal(pg->count, 1);
                assert_true(page_release(pg, d2));
            }
        } while (!through);
        assert_true(n > 1);
    }
    assert_int_equal(d1->tot_pages + d2->tot_pages, 0);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_load_while_given_away),
        CASE(test_load_of_no_memory),
        CASE(test_load_while_received),
        CASE(test_load_while_used),
        CASE(test_reference_while_given_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
