/* SPDX-License-Identifier: MIT */
/* unit-sources: core/mem/range.c core/mem/node.c core/mem/buddy.c core/mem/frames.c core/mem/heap.c core/mem/page.c */
/* unit-sources: core/mem/stats.c */
/* unit-sources: core/mem/physmap.c core/mem/lazy.c core/mem/scrub.c */
/*
 * Stage 2 of arch/arm, looked up without its lock: what there is to find, and another CPU that changes tables and pages
 * before each access of a look-up in turn.
 */
#define UNIT_INTERLEAVE
#include "unit.h"

/*
 * Beside the fake's. A lock that is waited for is held by the other CPU, which goes on. page_get() is linked: a turn
 * before it as a whole.
 */
#define p2m_lookup          arm_p2m_lookup
#define p2m_get_page        arm_p2m_get_page
#define p2m_cache_flush     arm_p2m_cache_flush
#define p2m_fault_is_stale  arm_p2m_fault_is_stale
#define spin_lock(l)        (interleave_wait(), spin_lock(l))
#define page_get(m, d)      (interleave_turn(), page_get(m, d))
mfn_t p2m_lookup(struct domain *d, gfn_t g, enum p2m_type *t, unsigned int *order_out);
struct page *p2m_get_page(struct domain *d, gfn_t g, enum p2m_type *t);
int p2m_cache_flush(struct domain *d, gfn_t *g, u64 *nr);
#include "../../hypervisor/arch/arm/p2m_lookup.c"
#undef spin_lock
#undef page_get

struct s2_geometry s2;

void arch_inval_icache(void) { }

#define FIRST   0x40000UL                /* a gfn at a boundary of 1 GiB; the second 2 MiB of it are a block */
#define BLOCK   (FIRST + 512)
#define FOREIGN (FIRST + 1)

static struct domain *d1, *d2;
static struct page *pg, *block, *foreign, *reused;
static u64 root[512] aligned_to(4096), level2[512] aligned_to(4096), level3[512] aligned_to(4096);
static u64 split[512] aligned_to(4096);  /* to put in the place of the block */

static u64 table_entry(const u64 *table)
{
    return (u64)(uintptr_t)table | PTE_TABLE_BIT | PTE_VALID;
}

static u64 leaf(const struct page *page, enum p2m_type t, u64 page_bit)
{
    return page_to_mfn(page).m << PAGE_SHIFT | (u64)t << PTE_SW_SHIFT | page_bit | PTE_VALID;
}

/* d1: a page of RAM, a foreign one of d2's, a block of RAM. */
static int setup(void **state)
{
    unit_setup(state);
    d1 = unit_domain(1, 1);
    d2 = unit_domain(2, 1);
    s2 = (struct s2_geometry){ .ipa_bits = 39, .start_level = 1, .root_shift = 30,
                               .nr_gfns = 1UL << (39 - PAGE_SHIFT) };
    memset(root, 0, sizeof(root));
    memset(level2, 0, sizeof(level2));
    memset(level3, 0, sizeof(level3));
    block = page_alloc_guest(d1, ORDER_2M, 0);
    assert_non_null(block);
    root[1] = table_entry(level2);
    level2[0] = table_entry(level3);
    level2[1] = leaf(block, P2M_RAM_RW, 0);
    for (u32 i = 0; i < 512; i++) {
        split[i] = leaf(block + i, P2M_RAM_RW, PTE_TABLE_BIT);
    }
    d1->arch.p2m = (struct pgtable){ .root = root, .start_level = 1, .va_bits = 39 };
    return 0;
}

static void pages_mapped(void)
{
    pg = page_alloc_guest(d1, 0, 0);
    foreign = page_alloc_guest(d2, 0, 0);
    assert_true(pg != NULL && foreign != NULL && page_get(page_to_mfn(foreign), d2));
    level3[0] = leaf(pg, P2M_RAM_RW, PTE_TABLE_BIT);
    level3[1] = leaf(foreign, P2M_FOREIGN_RW, PTE_TABLE_BIT);
    level2[1] = leaf(block, P2M_RAM_RW, 0);
    reused = NULL;
}

static void pages_gone(void)
{
    if (level3[0] != 0) {
        assert_true(page_release(pg, d1));
    }
    if (level3[1] != 0) {
        page_put(foreign);
    }
    if (reused != NULL) {
        assert_true(page_release(reused, d2));
    }
    if (level3[1] != 0 || reused == NULL) {
        assert_true(page_release(foreign, d2));
    }
    assert_int_equal(d1->tot_pages, 512);
    assert_int_equal(d2->tot_pages, 0);
}

static void test_what_is_there(void **state)
{
    unsigned int order;
    enum p2m_type t;

    (void)state;
    pages_mapped();
    assert_int_equal(p2m_lookup(d1, gfn(FIRST), &t, &order).m, page_to_mfn(pg).m);
    assert_true(t == P2M_RAM_RW && order == 0);
    assert_int_equal(p2m_lookup(d1, gfn(FOREIGN), &t, &order).m, page_to_mfn(foreign).m);
    assert_true(t == P2M_FOREIGN_RW && order == 0);
    assert_int_equal(p2m_lookup(d1, gfn(BLOCK + 77), &t, &order).m, page_to_mfn(block).m + 77);
    assert_true(t == P2M_RAM_RW && order == ORDER_2M);
    assert_false(mfn_is_valid(p2m_lookup(d1, gfn(FIRST + 2), &t, &order)));
    assert_true(t == P2M_INVALID && order == 0);
    assert_false(mfn_is_valid(p2m_lookup(d1, gfn(FIRST + 1024), &t, &order)));
    assert_true(t == P2M_INVALID && order == ORDER_2M);
    assert_false(mfn_is_valid(p2m_lookup(d1, gfn(0), &t, &order)));
    assert_true(t == P2M_INVALID && order == ORDER_1G);
    /* High bits of a frame number are not cut off. */
    assert_false(mfn_is_valid(p2m_lookup(d1, gfn(FIRST | 1UL << 27), &t, NULL)));
    assert_null(p2m_get_page(d1, gfn(FIRST | 1UL << 27), &t));
    assert_null(p2m_get_page(d1, gfn(~0UL), &t));
    assert_false(p2m_fault_is_stale(d1, FOREIGN << PAGE_SHIFT | 1UL << 39, false));
    assert_true(p2m_fault_is_stale(d1, FOREIGN << PAGE_SHIFT, true));
    pages_gone();
}

static void test_device_has_no_page(void **state)
{
    enum p2m_type t;

    (void)state;
    pages_mapped();
    level3[2] = 0x9000000UL | (u64)P2M_MMIO << PTE_SW_SHIFT | PTE_TABLE_BIT | PTE_VALID;
    assert_null(p2m_get_page(d1, gfn(FIRST + 2), &t));
    assert_int_equal(t, P2M_MMIO);
    /* Nor has memory of any kind of device, be it in RAM, and be it d1's: the type decides. */
    for (enum p2m_type of = P2M_INVALID; of < 16; of++) {
        if (p2m_is_mmio(of)) {
            gfn_t g = gfn(FIRST + 2);
            u64 nr = 1, calls = host_calls("arch_clean_inval_dcache");

            level3[2] = leaf(pg, of, PTE_TABLE_BIT);
            assert_null(p2m_get_page(d1, g, &t));
            assert_int_equal(t, of);
            assert_false(p2m_is_ram(t) || p2m_is_foreign(t) || p2m_is_grant(t));
            assert_int_equal(p2m_cache_flush(d1, &g, &nr), 0);
            assert_int_equal(host_calls("arch_clean_inval_dcache"), calls);
        }
    }
    level3[2] = 0;
    pages_gone();
}

/* p2m_get_page(), with fn before the n-th access; *through: it was over before that. */
static struct page *get_interleaved(u64 g, u32 n, interleave_fn *fn, bool *through)
{
    enum p2m_type t;
    struct page *got;

    interleave_begin(n, fn, 0, NULL);
    got = p2m_get_page(d1, gfn(g), &t);
    *through = interleave_end();
    return got;
}

/* The other CPU: unmapped, given back, and the next page there is given to d2. */
static void ram_to_d2(void)
{
    unit_set_cpu(1);
    level3[0] = 0;
    assert_true(page_release(pg, d1));
    reused = page_alloc_guest(d2, 0, 0);
    unit_set_cpu(0);
}

/* What is got is the domain's and stays it, or nothing is. Returns how often nothing was. */
static u32 own_ram_given_away(bool slowly)
{
    u32 n = 0, refused = 0;
    bool through;

    do {
        struct page *got;

        pages_mapped();
        host_exclusive_fail_in = slowly; /* the one try fails for no reason: the long way decides */
        got = get_interleaved(FIRST, ++n, ram_to_d2, &through);
        host_exclusive_fail_in = 0;
        if (got != NULL) {
            assert_ptr_equal(got, pg);
            assert_int_equal(got->owner, d1->id);
            assert_ptr_not_equal(reused, pg);
            page_put(got);
        } else {
            assert_false(through);
            assert_ptr_equal(reused, pg);    /* given away, and no reference of it taken */
            assert_int_equal(reused->count, 1);
            refused++;
        }
        pages_gone();
    } while (!through);
    return refused;
}

/* The one look-up of a domain's own RAM, and the long way. */
static void test_own_ram_given_away(void **state)
{
    u32 refused = own_ram_given_away(false);

    (void)state;
    assert_true(refused >= 4);               /* before each of: two levels, the entry, the reference */
    assert_true(own_ram_given_away(true) >= refused + 4);
}

/* The other CPU: d1's mapping of d2's page goes, d2 gives the page back and gets it again, for something else. */
static void foreign_to_its_owner(void)
{
    unit_set_cpu(1);
    level3[1] = 0;
    page_put(foreign);
    assert_true(page_release(foreign, d2));
    reused = page_alloc_guest(d2, 0, 0);
    unit_set_cpu(0);
}

/* Of another's page the owner says nothing: the same one may have it again. */
static void test_foreign_page_reused(void **state)
{
    u32 n = 0, refused = 0;
    bool through;

    (void)state;
    do {
        struct page *got;

        pages_mapped();
        got = get_interleaved(FOREIGN, ++n, foreign_to_its_owner, &through);
        if (got != NULL) {
            assert_ptr_equal(got, foreign);
            assert_ptr_not_equal(reused, foreign);
            page_put(got);
        } else {
            assert_false(through);
            /* It may have had a reference for a moment, in which the page could not be given out again. */
            assert_int_equal(reused->count, 1);
            refused++;
        }
        pages_gone();
    } while (!through);
    assert_true(refused >= 6);
}

/* The other CPU: a block is split, under the lock, with break-before-make. */
static void split_break(void)
{
    level2[1] = 0;
}

static void split_make(void)
{
    level2[1] = table_entry(split);
}

/* Whatever the moments at which a block is broken and made: its pages are always found. */
static void test_block_is_split(void **state)
{
    enum p2m_type t;
    bool through, make_through;
    u32 n = 0, waited = 0;

    (void)state;
    do {
        u32 make = ++n;

        do {
            struct page *got;

            pages_mapped();
            interleave_begin(n, split_break, ++make, split_make);
            got = p2m_get_page(d1, gfn(BLOCK + 5), &t);
            through = interleave.step[0].fn != NULL;
            waited += !through && interleave.step[1].fn == NULL && interleave.now < make;
            make_through = interleave_end();
            assert_ptr_equal(got, block + 5);
            assert_int_equal(t, P2M_RAM_RW);
            assert_int_equal(got->count, 2);
            page_put(got);
            pages_gone();
        } while (!make_through && make < 50);
    } while (!through);
    assert_true(waited > 0);
}

/* One try to take the reference fails for no reason. */
static void test_reference_fails_for_no_reason(void **state)
{
    enum p2m_type t;

    (void)state;
    pages_mapped();
    host_exclusive_fail_in = 1;
    assert_ptr_equal(p2m_get_page(d1, gfn(FIRST), &t), pg);
    assert_int_equal(host_exclusive_fail_in, 0);
    assert_int_equal(pg->count, 2);
    page_put(pg);
    pages_gone();
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_what_is_there),
        CASE(test_device_has_no_page),
        CASE(test_own_ram_given_away),
        CASE(test_foreign_page_reused),
        CASE(test_block_is_split),
        CASE(test_reference_fails_for_no_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
