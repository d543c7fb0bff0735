/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* unit-sources: core/mem/range.c core/mem/node.c core/mem/buddy.c core/mem/frames.c core/mem/heap.c core/mem/page.c */
/* unit-sources: core/mem/stats.c */
/* unit-sources: core/mem/physmap.c core/mem/lazy.c core/mem/scrub.c */
/* unit-sources: arch/arm/p2m.c arch/arm/p2m_lookup.c arch/arm/pgtable.c arch/arm/arm64/tlb.c arch/arm/guest_access.c */
/*
 * Stage 2 of arch/arm: what is mapped, refused, split and counted, and the order of stores, barriers and invalidations.
 * What core does with it is tested on it too: test_*_arm.c.
 */
#include "real_p2m.h"

#define NR_GFNS (1UL << 28)              /* 40 bits */
#define SZ_2M   512UL                    /* in frames */
#define SZ_1G   (512UL * 512)

static struct domain *d, *other;
static struct p2m_old old;
static enum p2m_type t;
static unsigned int order;

static int setup(void **state)
{
    unit_setup(state);
    d = unit_domain(1, 1);
    other = unit_domain(2, 1);
    reg_set("vttbr_el2", d->arch.vttbr);
    insn_forget();
    return 0;
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

static u64 mfn_at(u64 g)
{
    return p2m_lookup(d, gfn(g), &t, &order).m;
}

static u64 pte_at(u64 g)
{
    unsigned int level;

    return pgt_lookup(&d->arch.p2m, g << PAGE_SHIFT, &level);
}

static void no_flush(void)
{
    assert_int_equal(insn_count("tlbi vmalle1is") + insn_count("tlbi vmalls12e1is") + insn_count("tlbi ipas2e1is"), 0);
    insn_forget();
}

/* ---- one frame ---- */

/* A new entry is seen by walkers before the caller goes on; nothing is invalidated (D8.14). */
static void test_map_one(void **state)
{
    (void)state;
    assert_int_equal(p2m_map(d, gfn(5), mfn(0x40001), 1, P2M_RAM_RW), 0);
    insn_expect("dsb ishst", NULL);
    no_flush();
    assert_int_equal(p2m_map(d, gfn(6), mfn(0x40002), 1, P2M_RAM_RW), 0);
    insn_expect_exactly("dsb ishst", NULL);
    assert_int_equal(mfn_at(5), 0x40001);
    assert_true(t == P2M_RAM_RW && order == 0);
    assert_int_equal(p2m_map(d, gfn(5), mfn(0x40002), 1, P2M_RAM_RW), -EEXIST);
    assert_int_equal(mfn_at(5), 0x40001);
    assert_int_equal(p2m_max_gfn(d).g, 6);
    assert_int_equal(p2m_map(d, gfn(7), mfn(1UL << 36), 1, P2M_MMIO), -EINVAL);
    assert_int_equal(p2m_map(d, gfn(7), mfn(1), 0, P2M_MMIO), -EINVAL);
}

static u64 watched;              /* a guest frame */

/* At each DSB ISHST: how far down the tables for `watched` go, and what is there. */
static u64 deepest[8], found[8];
static u32 nr_barriers;

static void watch_barriers(const struct insn *i)
{
    if (strcmp(i->text, "dsb ishst") == 0 && nr_barriers < ARRAY_SIZE(deepest)) {
        unsigned int level;

        found[nr_barriers] = pgt_lookup(&d->arch.p2m, watched << PAGE_SHIFT, &level);
        deepest[nr_barriers++] = level;
    }
}

/* Walkers see what is in a new table before the entry that points to it, and the last entry before the return. */
static void test_new_tables(void **state)
{
    (void)state;
    for (u64 nr = 1; nr <= 2; nr++) {
        watched = nr * SZ_1G;
        nr_barriers = 0;
        insn_hook = watch_barriers;
        assert_int_equal(p2m_map(d, gfn(watched), mfn(0x40001), nr, P2M_RAM_RW), 0);
        insn_hook = NULL;
        assert_int_equal(nr_barriers, 3);
        for (u32 i = 0; i < 3; i++) {
            assert_int_equal(deepest[i], i + 1);         /* from the root, of level 1 */
            assert_int_equal(found[i] != 0, i == 2);
        }
    }
}

/* Each type, by what the guest may do: read, write, execute, cache. */
static void test_types(void **state)
{
    static const struct { enum p2m_type type; bool write, exec, normal; } types[] = {
        { P2M_RAM_RW, true, true, true }, { P2M_RAM_RO, false, true, true }, { P2M_MMIO, true, false, false },
        { P2M_FOREIGN_RW, true, false, true }, { P2M_FOREIGN_RO, false, false, true },
        { P2M_GRANT_RW, true, false, true }, { P2M_GRANT_RO, false, false, true },
    };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(types); i++) {
        u64 pte;

        assert_int_equal(p2m_map(d, gfn(i), mfn(0x40000 + i), 1, types[i].type), 0);
        pte = pte_at(i);
        assert_int_equal(mfn_at(i), 0x40000 + i);
        assert_int_equal(t, types[i].type);
        assert_int_equal((pte & PTE_S2_WRITE) != 0, types[i].write);
        assert_int_equal((pte & PTE_XN) == 0, types[i].exec);
        assert_int_equal((pte & PTE_S2_NORMAL) == PTE_S2_NORMAL, types[i].normal);
        assert_true((pte & PTE_S2_READ) != 0 && (pte & PTE_AF) != 0);
        assert_int_equal(p2m_is_writable(t), types[i].write);
    }
}

/* The entry while the other CPUs are told that the old one is gone. */
static u64 entry_during_flush;

static void watch(const struct insn *i)
{
    if (strncmp(i->text, "tlbi ipas2e1is", 14) == 0 || strcmp(i->text, "tlbi vmalls12e1is") == 0) {
        entry_during_flush = pte_at(watched);
    }
}

/* Break-before-make (D8.14.1): invalid in memory, invalid in all TLBs, then the new entry. */
static void test_replace(void **state)
{
    (void)state;
    assert_int_equal(p2m_map(d, gfn(5), mfn(0x40001), 1, P2M_RAM_RW), 0);
    insn_forget();
    insn_hook = watch;
    watched = 5;
    entry_during_flush = 77;
    assert_int_equal(p2m_replace(d, gfn(5), mfn(0x40002), P2M_FOREIGN_RW, P2M_RAM, &old), 0);
    assert_int_equal(entry_during_flush, 0);
    insn_expect_exactly("dsb ishst", "tlbi ipas2e1is", "dsb ish", "tlbi vmalle1is", "dsb ish", "isb", "dsb ishst",
                        NULL);
    assert_true(old.m.m == 0x40001 && old.t == P2M_RAM_RW);
    assert_true(mfn_at(5) == 0x40002 && t == P2M_FOREIGN_RW);
    /* Only what may be replaced. */
    insn_forget();
    assert_int_equal(p2m_replace(d, gfn(5), mfn(0x40003), P2M_RAM_RW, BIT32(P2M_INVALID) | P2M_RAM, &old), -EBUSY);
    assert_true(old.m.m == 0x40002 && old.t == P2M_FOREIGN_RW);
    assert_int_equal(p2m_replace(d, gfn(6), mfn(0x40003), P2M_RAM_RW, P2M_RAM, &old), -ENOENT);
    assert_int_equal(old.t, P2M_INVALID);
    no_flush();
    assert_int_equal(p2m_replace(d, gfn(6), mfn(0x40003), P2M_RAM_RW, BIT32(P2M_INVALID), &old), 0);
    assert_int_equal(old.t, P2M_INVALID);
    no_flush();
    assert_true(mfn_at(5) == 0x40002 && mfn_at(6) == 0x40003);
    assert_int_equal(p2m_max_gfn(d).g, 6);
}

static void test_remove(void **state)
{
    (void)state;
    assert_int_equal(p2m_map(d, gfn(5), mfn(0x40001), 1, P2M_RAM_RO), 0);
    insn_forget();
    assert_int_equal(p2m_remove(d, gfn(5), P2M_FOREIGN | P2M_GRANT, &old), -EBUSY);
    assert_int_equal(old.t, P2M_RAM_RO);
    assert_int_equal(p2m_remove(d, gfn(4), ~0U & ~BIT32(P2M_INVALID), &old), -ENOENT);
    assert_int_equal(p2m_remove(d, gfn(SZ_1G), P2M_RAM, &old), -ENOENT);      /* no tables there */
    assert_int_equal(p2m_remove_exact(d, gfn(5), mfn(0x40002), P2M_RAM), -ENOENT);
    assert_int_equal(p2m_remove_exact(d, gfn(5), mfn(0x40001), P2M_GRANT), -ENOENT);
    no_flush();
    assert_int_equal(p2m_remove(d, gfn(5), P2M_RAM, &old), 0);
    assert_true(old.m.m == 0x40001 && old.t == P2M_RAM_RO);
    insn_expect_exactly("dsb ishst", "tlbi ipas2e1is", "dsb ish", "tlbi vmalle1is", "dsb ish", "isb", NULL);
    assert_int_equal(insn_nth("tlbi ipas2e1is", 0)->value, 5);
    assert_int_equal(pte_at(5), 0);
    assert_int_equal(p2m_map(d, gfn(5), mfn(0x40001), 1, P2M_GRANT_RW), 0);
    assert_int_equal(p2m_remove_exact(d, gfn(5), mfn(0x40001), P2M_GRANT), 0);
    assert_int_equal(pte_at(5), 0);
}

/* Another domain's entry is invalidated by its VMID. */
static void test_of_another_domain(void **state)
{
    (void)state;
    reg_set("vttbr_el2", other->arch.vttbr);
    assert_int_equal(p2m_map(d, gfn(5), mfn(0x40001), 1, P2M_RAM_RW), 0);
    insn_forget();
    assert_int_equal(p2m_remove(d, gfn(5), P2M_RAM, &old), 0);
    assert_int_equal(insn_nth("msr vttbr_el2", 0)->value, d->arch.vttbr);
    assert_true(insn_at("msr vttbr_el2", 0) < insn_at("tlbi ipas2e1is", 0));
    assert_int_equal(reg_get("vttbr_el2"), other->arch.vttbr);
    assert_int_not_equal(d->arch.vttbr >> 48, other->arch.vttbr >> 48);
}

/* ---- numbers from guests ---- */

/* High bits of a frame number are not cut off, and no sum wraps. */
static void test_gfn_range(void **state)
{
    static const u64 bad[] = { NR_GFNS, NR_GFNS + 5, 1UL << 52 | 5, ~0UL };
    u32 frames[2];

    (void)state;
    assert_int_equal(p2m_gpaddr_bits(), 40);
    assert_int_equal(p2m_map(d, gfn(5), mfn(0x40001), 1, P2M_RAM_RW), 0);
    for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(p2m_map(d, gfn(bad[i]), mfn(1), 1, P2M_RAM_RW), -EINVAL);
        assert_int_equal(p2m_map(d, gfn(bad[i]), mfn(1), 2, P2M_RAM_RW), -EINVAL);
        assert_int_equal(p2m_replace(d, gfn(bad[i]), mfn(1), P2M_RAM_RW, ~0U, &old), -EINVAL);
        assert_int_equal(p2m_remove(d, gfn(bad[i]), ~0U, &old), -ENOENT);
        assert_int_equal(old.t, P2M_INVALID);
        assert_int_equal(p2m_remove_exact(d, gfn(bad[i]), mfn(0x40001), ~0U), -ENOENT);
        assert_int_equal(p2m_remove_many(d, gfn(bad[i]), 1, ~0U, frames), 0);
        assert_false(mfn_is_valid(p2m_lookup(d, gfn(bad[i]), &t, NULL)));
    }
    assert_int_equal(p2m_map(d, gfn(NR_GFNS - 1), mfn(1), 2, P2M_MMIO), -EINVAL);
    assert_int_equal(p2m_map(d, gfn(5), mfn(1), ~0UL, P2M_MMIO), -EINVAL);
    assert_int_equal(p2m_map(d, gfn(5), mfn(1), ~0UL - 3, P2M_MMIO), -EINVAL);
    assert_int_equal(p2m_remove_many(d, gfn(NR_GFNS - 1), 2, ~0U, frames), 0);
    assert_int_equal(mfn_at(5), 0x40001);
    assert_int_equal(p2m_map(d, gfn(NR_GFNS - 1), mfn(1), 1, P2M_MMIO), 0);
    assert_int_equal(p2m_remove_many(d, gfn(NR_GFNS - 1), 2, P2M_MMIO_TYPES, frames), 0);
    assert_int_equal(mfn_at(NR_GFNS - 1), 1);
    assert_int_equal(p2m_max_gfn(d).g, NR_GFNS - 1);
}

/* ---- blocks ---- */

static void a_block(void)
{
    assert_int_equal(p2m_map(d, gfn(SZ_2M), mfn(0x40000), SZ_2M, P2M_RAM_RW), 0);
    assert_int_equal(mfn_at(SZ_2M + 7), 0x40007);
    assert_int_equal(order, 9);
    insn_forget();
}

static void test_map_over_a_block(void **state)
{
    (void)state;
    a_block();
    assert_int_equal(p2m_map(d, gfn(SZ_2M + 7), mfn(0x50000), 1, P2M_RAM_RW), -EEXIST);
    assert_int_equal(p2m_map(d, gfn(SZ_2M + 7), mfn(0x50000), 2, P2M_RAM_RW), -EEXIST);
    assert_int_equal(p2m_map(d, gfn(SZ_2M - 1), mfn(0x50000), 2, P2M_RAM_RW), -EEXIST);
    assert_int_equal(p2m_map(d, gfn(0), mfn(0x80000), SZ_1G, P2M_RAM_RW), -EEXIST);
    assert_int_equal(mfn_at(SZ_2M + 7), 0x40007);
    assert_int_equal(order, 9);
    assert_int_equal(pte_at(SZ_2M - 1), 0);
    assert_int_equal(p2m_max_gfn(d).g, 2 * SZ_2M - 1);
}

/* One frame of a block: the block is broken first, its others are as before. */
static void test_change_in_a_block(void **state)
{
    (void)state;
    a_block();
    insn_hook = watch;
    watched = SZ_2M + 8;
    entry_during_flush = 77;
    assert_int_equal(p2m_replace(d, gfn(SZ_2M + 7), mfn(0x50000), P2M_FOREIGN_RO, P2M_GRANT, &old), -EBUSY);
    assert_int_equal(insn_count("tlbi vmalls12e1is"), 0);
    assert_int_equal(p2m_replace(d, gfn(SZ_2M + 7), mfn(0x50000), P2M_FOREIGN_RO, P2M_RAM, &old), 0);
    assert_true(old.m.m == 0x40007 && old.t == P2M_RAM_RW);
    insn_expect("tlbi vmalls12e1is", "dsb ish", "dsb ishst", "tlbi ipas2e1is", NULL);
    assert_true(mfn_at(SZ_2M + 7) == 0x50000 && t == P2M_FOREIGN_RO && order == 0);
    assert_true(mfn_at(SZ_2M + 8) == 0x40008 && t == P2M_RAM_RW);
    assert_int_equal(p2m_remove(d, gfn(SZ_2M), P2M_RAM, &old), 0);
    assert_int_equal(old.m.m, 0x40000);
    assert_int_equal(pte_at(SZ_2M), 0);
    assert_int_equal(mfn_at(2 * SZ_2M - 1), 0x401ff);
}

static void test_remove_from_a_block(void **state)
{
    (void)state;
    a_block();
    assert_int_equal(p2m_remove_exact(d, gfn(SZ_2M + 3), mfn(0x40004), P2M_RAM), -ENOENT);
    assert_int_equal(p2m_remove(d, gfn(SZ_2M + 3), P2M_FOREIGN, &old), -EBUSY);
    assert_true(mfn_at(SZ_2M + 3) == 0x40003 && order == 9);
    assert_int_equal(p2m_remove_exact(d, gfn(SZ_2M + 3), mfn(0x40003), P2M_RAM), 0);
    assert_int_equal(pte_at(SZ_2M + 3), 0);
    assert_int_equal(mfn_at(SZ_2M + 4), 0x40004);
}

static void test_remove_many(void **state)
{
    u32 frames[SZ_2M];

    (void)state;
    a_block();
    /* A whole block: one store, one flush, no split. */
    assert_int_equal(p2m_remove_many(d, gfn(SZ_2M), SZ_2M, P2M_RAM, frames), SZ_2M);
    assert_true(frames[0] == 0x40000 && frames[511] == 0x401ff);
    insn_expect_exactly("dsb ishst", "tlbi vmalls12e1is", "dsb ish", "isb", NULL);
    assert_int_equal(pte_at(SZ_2M), 0);
    /* Pages: as far as they are of the types, with one flush. */
    for (u32 i = 0; i < 8; i++) {
        assert_int_equal(p2m_map(d, gfn(i), mfn(0x40000 + 3 * i), 1, i == 6 ? P2M_GRANT_RW : P2M_RAM_RW), 0);
    }
    insn_forget();
    assert_int_equal(p2m_remove_many(d, gfn(0), 8, P2M_RAM, frames), 6);
    assert_true(frames[0] == 0x40000 && frames[5] == 0x4000f);
    assert_int_equal(insn_count("tlbi vmalle1is"), 1);
    assert_int_equal(insn_count("tlbi ipas2e1is"), 6);
    assert_true(pte_at(5) == 0 && mfn_at(6) == 0x40012 && mfn_at(7) == 0x40015);
    insn_forget();
    assert_int_equal(p2m_remove_many(d, gfn(6), 2, P2M_RAM, frames), 0);
    no_flush();
}

/* ---- the pool of tables ---- */

static void test_quota(void **state)
{
    u64 used = d->paging_pool_used, free = unit_free_pages();
    u32 frames[4];

    (void)state;
    assert_int_equal(used, 0);
    assert_int_equal(p2m_pool_set(d, PAGE_SIZE + 1), -EINVAL);
    assert_int_equal(p2m_pool_set(d, PAGE_SIZE), 0);
    /* Two tables are wanted, one is there. */
    assert_int_equal(p2m_map(d, gfn(5), mfn(0x40001), 1, P2M_RAM_RW), -ENOMEM);
    assert_int_equal(p2m_replace(d, gfn(5), mfn(0x40001), P2M_RAM_RW, BIT32(P2M_INVALID), &old), -ENOMEM);
    assert_int_equal(p2m_map(d, gfn(5), mfn(0x40001), 2, P2M_RAM_RW), -ENOMEM);
    assert_true(d->paging_pool_used <= PAGE_SIZE);
    assert_int_equal(pte_at(5), 0);
    assert_int_equal(p2m_pool_set(d, 2 * PAGE_SIZE), 0);
    assert_int_equal(p2m_map(d, gfn(5), mfn(0x40001), 1, P2M_RAM_RW), 0);
    assert_int_equal(d->paging_pool_used, 2 * PAGE_SIZE);
    assert_int_equal(p2m_pool_set(d, PAGE_SIZE), -ENOMEM);
    assert_int_equal(p2m_pool_get(d), 2 * PAGE_SIZE);
    assert_int_equal(p2m_bytes(d), 4 * PAGE_SIZE);
    /* A block fits the tables that are there; it cannot be split. */
    assert_int_equal(p2m_map(d, gfn(SZ_2M), mfn(0x40000), SZ_2M, P2M_RAM_RW), 0);
    assert_int_equal(p2m_remove(d, gfn(SZ_2M + 1), P2M_RAM, &old), -ENOMEM);
    assert_int_equal(p2m_remove_exact(d, gfn(SZ_2M + 1), mfn(0x40001), P2M_RAM), -ENOMEM);
    assert_int_equal(p2m_remove_many(d, gfn(SZ_2M), 4, P2M_RAM, frames), 0);
    assert_int_equal(p2m_replace(d, gfn(SZ_2M + 1), mfn(0x50000), P2M_RAM_RW, P2M_RAM, &old), -ENOMEM);
    assert_true(mfn_at(SZ_2M + 1) == 0x40001 && order == 9);
    /* dom0 has no limit. */
    d->is_privileged = true;
    assert_int_equal(p2m_remove(d, gfn(SZ_2M + 1), P2M_RAM, &old), 0);
    assert_int_equal(d->paging_pool_used, 3 * PAGE_SIZE);
    d->is_privileged = false;
    assert_int_equal(unit_free_pages(), free);
}

/* ---- the end ---- */

static void test_dying(void **state)
{
    u32 restarts = 0;

    (void)state;
    for (u32 i = 0; i < 200; i++) {
        assert_int_equal(p2m_map(d, gfn(i * SZ_2M), mfn(0x40000 + i), 1, P2M_FOREIGN_RW), 0);
    }
    d->dying = DOMAIN_DYING;
    assert_int_equal(p2m_map(d, gfn(1), mfn(0x40000), 1, P2M_RAM_RW), -ESRCH);
    assert_int_equal(p2m_map(d, gfn(1), mfn(0x40000), 2, P2M_RAM_RW), -ESRCH);
    assert_int_equal(p2m_replace(d, gfn(0), mfn(0x40001), P2M_RAM_RW, ~0U, &old), -ESRCH);
    assert_int_equal(p2m_replace(d, gfn(SZ_1G), mfn(0x40001), P2M_RAM_RW, ~0U, &old), -ESRCH);
    assert_int_equal(mfn_at(0), 0x40000);
    assert_int_equal(p2m_remove(d, gfn(0), P2M_FOREIGN, &old), 0);
    host_irq_waiting = true;
    insn_forget();
    while (p2m_teardown(d) == -ERESTART) {
        restarts++;
    }
    host_irq_waiting = false;
    assert_int_equal(restarts, 3);
    /* Nobody walks them any more when the root and the VMID are free for others. */
    insn_expect("dsb ishst", "tlbi vmalls12e1is", "dsb ish", "isb", NULL);
    assert_int_equal(d->paging_pool_used, 0);
    assert_int_equal(p2m_bytes(d), 0);
    assert_false(mfn_is_valid(p2m_lookup(d, gfn(SZ_2M), &t, NULL)));
    assert_int_equal(p2m_remove(d, gfn(SZ_2M), P2M_FOREIGN, &old), -ENOENT);
    assert_int_equal(p2m_remove_exact(d, gfn(SZ_2M), mfn(0x40001), P2M_FOREIGN), -ENOENT);
    assert_int_equal(p2m_teardown(d), 0);
}

/* A VMID goes to its next owner with nothing of the last one's in any TLB. */
static void test_vmids(void **state)
{
    struct domain *last;
    u64 vttbr;

    (void)state;
    vttbr = other->arch.vttbr;
    unit_domain_free(other);
    insn_forget();
    last = unit_domain(3, 1);
    assert_int_equal(last->arch.vttbr >> 48, vttbr >> 48);
    insn_expect("msr vttbr_el2", "tlbi vmalls12e1is", "dsb ish", NULL);
    assert_int_equal(insn_nth("msr vttbr_el2", 0)->value, last->arch.vttbr);
}

/* As wide as the machine needs and its CPUs can: machine.top is where the highest thing ends, so 2^40 takes 40 bits. */
static void test_width(void **state)
{
    static const struct { u64 parange, top; unsigned int bits; } rows[] = {
        { 4, BIT(39), 40 }, { 4, BIT(40), 40 }, { 4, BIT(40) + 1, 41 }, { 4, BIT(41), 41 }, { 4, BIT(50), 44 },
        { 1, BIT(40), 36 },
    };
    u64 top = machine.top;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        reg_set("id_aa64mmfr0_el1", rows[i].parange);
        machine.top = rows[i].top;
        p2m_boot_init();
        assert_int_equal(p2m_gpaddr_bits(), rows[i].bits);
    }
    reg_set("id_aa64mmfr0_el1", 2);
    machine.top = top;
    p2m_boot_init();
}

/* Frames that d may have, and 5 more that are another's in the middle of a block. */
bool domain_may_iomem(struct domain *who, u64 first, u64 last)
{
    const u64 other_first = SZ_1G + 3 * SZ_2M + 16, other_last = other_first + 4;

    assert_ptr_equal(who, d);
    return first >= SZ_1G && last < 3 * SZ_1G && (last < other_first || first > other_last);
}

/* Device memory of a domain that AML alone knows the devices of: mapped as large as it may be, where it is touched. */
static void test_touched(void **state)
{
    (void)state;
    assert_false(p2m_map_touched(d, 2 * SZ_1G << PAGE_SHIFT));
    d->arch.mmio_on_fault = true;
    assert_true(p2m_map_touched(d, (2 * SZ_1G + 7) << PAGE_SHIFT | 8));
    assert_int_equal(mfn_at(3 * SZ_1G - 1), 3 * SZ_1G - 1);
    assert_int_equal(t, P2M_MMIO_WB);
    assert_int_equal(order, 18);
    /* Where others' frames are near, 2 MiB or a page. */
    assert_true(p2m_map_touched(d, SZ_1G << PAGE_SHIFT));
    assert_int_equal(mfn_at(SZ_1G + 5), SZ_1G + 5);
    assert_int_equal(order, 9);
    assert_true(p2m_map_touched(d, (SZ_1G + 3 * SZ_2M + 15) << PAGE_SHIFT));
    assert_int_equal(mfn_at(SZ_1G + 3 * SZ_2M + 15), SZ_1G + 3 * SZ_2M + 15);
    assert_int_equal(order, 0);
    assert_false(p2m_map_touched(d, (SZ_1G + 3 * SZ_2M + 16) << PAGE_SHIFT));
    assert_false(p2m_map_touched(d, 5 << PAGE_SHIFT));
    assert_false(p2m_map_touched(d, UINT64_MAX));
    assert_int_equal(pte_at(SZ_1G + 3 * SZ_2M + 16), 0);
    /* Another CPU was first. */
    assert_true(p2m_map_touched(d, (SZ_1G + 3 * SZ_2M + 15) << PAGE_SHIFT));
    assert_true(p2m_map_touched(d, 2 * SZ_1G << PAGE_SHIFT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_map_one), CASE(test_new_tables),
        CASE(test_types), CASE(test_replace), CASE(test_remove), CASE(test_of_another_domain),
        CASE(test_gfn_range), CASE(test_map_over_a_block), CASE(test_change_in_a_block),
        CASE(test_remove_from_a_block), CASE(test_remove_many), CASE(test_quota), CASE(test_dying), CASE(test_vmids),
        CASE(test_width), CASE(test_touched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
