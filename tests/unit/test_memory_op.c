/* SPDX-License-Identifier: MIT */
/* unit-sources: core/mem/range.c core/mem/node.c core/mem/buddy.c core/mem/frames.c core/mem/heap.c core/mem/page.c */
/* unit-sources: core/mem/stats.c */
/* unit-sources: core/mem/physmap.c core/hypercall/memory_op.c core/hypercall/memory_op_reservation.c */
/* unit-sources: core/hypercall/memory_op_physmap.c core/mem/lazy.c core/mem/scrub.c */
/*
 * memory_op: populate, increase, decrease, and the operations that only answer. The rest is in
 * test_memory_op_physmap.c.
 */
#include "unit.h"
#include "memory_op_fixture.h"

/* ---- populate and decrease ---- */

static void test_populate(void **state)
{
    u64 before = unit_free_pages();
    u64 frames[3] = { 0x100, 0x7000, 0x101 };

    (void)state;
    assert_int_equal(reserve(XENMEM_populate_physmap, guest, DOMID_SELF, frames, 3, 0, 0), 3);
    assert_int_equal(guest->tot_pages, base_pages + 3);
    assert_int_equal(unit_free_pages(), before - 3);
    for (u32 i = 0; i < 3; i++) {
        enum p2m_type t;
        mfn_t m = p2m_lookup(guest, gfn(frames[i]), &t, NULL);

        assert_int_equal(t, P2M_RAM_RW);
        assert_int_equal(mfn_to_page(m)->count, 1);
        assert_int_equal(mfn_to_page(m)->owner, guest->id);
        assert_int_equal(*(u64 *)mfn_to_virt(m), 0);
    }
    assert_int_equal(reserve(XENMEM_decrease_reservation, guest, DOMID_SELF, frames, 3, 0, 0), 3);
    assert_int_equal(guest->tot_pages, base_pages);
    assert_int_equal(unit_free_pages(), before);
    assert_int_equal(type_at(guest, 0x7000), P2M_INVALID);
}

static void test_populate_orders(void **state)
{
    u64 before = unit_free_pages();
    u64 frames[2] = { 0x1000, 0x1200 };
    u64 odd = 0x3003;

    (void)state;
    assert_int_equal(reserve(XENMEM_populate_physmap, dom0, 1, frames, 2, 9, 0), 2);
    assert_int_equal(guest->tot_pages, base_pages + 1024);
    assert_int_equal(type_at(guest, 0x1000), P2M_RAM_RW);
    assert_int_equal(type_at(guest, 0x13ff), P2M_RAM_RW);
    assert_int_equal(type_at(guest, 0x1400), P2M_INVALID);
    /* Guest frames need no alignment. */
    assert_int_equal(reserve(XENMEM_populate_physmap, dom0, 1, &odd, 1, 2, 0), 1);
    assert_int_equal(type_at(guest, 0x3006), P2M_RAM_RW);
    assert_int_equal(reserve(XENMEM_decrease_reservation, dom0, 1, &odd, 1, 2, 0), 1);
    assert_int_equal(reserve(XENMEM_decrease_reservation, dom0, 1, frames, 2, 9, 0), 2);
    assert_int_equal(unit_free_pages(), before);
    /* Too large: nothing done, the caller tries a smaller one. */
    assert_int_equal(reserve(XENMEM_populate_physmap, dom0, 1, frames, 1, 10, 0), 0);
    assert_int_equal(reserve(XENMEM_populate_physmap, dom0, 1, frames, 1, 18, 0), 0);
    assert_int_equal(reserve(XENMEM_populate_physmap, dom0, 1, frames, 1, ~0U, 0), 0);
    assert_int_equal(unit_free_pages(), before);
}

static void test_populate_mapped_gfn(void **state)
{
    u64 frames[3] = { 0x100, 0x100, 0x101 };
    u64 before = unit_free_pages();

    (void)state;
    assert_int_equal(reserve(XENMEM_populate_physmap, guest, DOMID_SELF, frames, 3, 0, 0), 1);
    assert_int_equal(guest->tot_pages, base_pages + 1);
    assert_int_equal(unit_free_pages(), before - 1);
}

static void test_populate_bad_gfn(void **state)
{
    u64 before = unit_free_pages();
    u64 frames[4] = { 1UL << (p2m_gpaddr_bits() - PAGE_SHIFT), ~0UL, ~0UL - 1, 1UL << 52 };

    (void)state;
    for (u32 i = 0; i < 4; i++) {
        assert_int_equal(reserve(XENMEM_populate_physmap, guest, DOMID_SELF, &frames[i], 1, 0, 0), 0);
        assert_int_equal(reserve(XENMEM_populate_physmap, guest, DOMID_SELF, &frames[i], 1, 9, 0), 0);
        assert_int_equal(reserve(XENMEM_decrease_reservation, guest, DOMID_SELF, &frames[i], 1, 0, 0), 0);
        assert_int_equal(reserve(XENMEM_decrease_reservation, guest, DOMID_SELF, &frames[i], 1, 9, 0), 0);
    }
    assert_int_equal(guest->tot_pages, base_pages);
    assert_int_equal(unit_free_pages(), before);
}

static void test_populate_no_tables(void **state)
{
    u64 before = unit_free_pages();
    u64 frame = 0x2000;

    (void)state;
    if (!UNIT_REAL_P2M) {
        host_p2m_fail_after = 0;
        assert_int_equal(reserve(XENMEM_populate_physmap, guest, DOMID_SELF, &frame, 1, 4, 0), 0);
        host_p2m_fail_after = ~0UL;
    }
    assert_int_equal(guest->tot_pages, base_pages);
    assert_int_equal(unit_free_pages(), before);
}

static void test_populate_limit(void **state)
{
    u64 frames[4] = { 0x100, 0x101, 0x102, 0x103 };

    (void)state;
    guest->max_pages = base_pages + 2;
    assert_int_equal(reserve(XENMEM_populate_physmap, guest, DOMID_SELF, frames, 4, 0, 0), 2);
    assert_int_equal(guest->tot_pages, base_pages + 2);
    assert_int_equal(reserve(XENMEM_decrease_reservation, guest, DOMID_SELF, frames, 4, 0, 0), 2);
}

static void test_dying(void **state)
{
    u64 frame = 0x100;

    (void)state;
    guest->dying = DOMAIN_DYING;
    assert_int_equal(reserve(XENMEM_populate_physmap, dom0, 1, &frame, 1, 0, 0), 0);
    assert_int_equal(reserve(XENMEM_increase_reservation, dom0, 1, NULL, 1, 0, 0), 0);
    guest->dying = DOMAIN_ALIVE;
}

static void test_permission(void **state)
{
    u64 frame = 0x100;

    (void)state;
    assert_int_equal(reserve(XENMEM_populate_physmap, guest, 2, &frame, 1, 0, 0), 0);
    assert_int_equal(reserve(XENMEM_populate_physmap, guest, 0, &frame, 1, 0, 0), 0);
    assert_int_equal(reserve(XENMEM_populate_physmap, guest, 99, &frame, 1, 0, 0), 0);
    assert_int_equal(reserve(XENMEM_decrease_reservation, guest, 2, &frame, 1, 0, 0), 0);
    assert_int_equal(reserve(XENMEM_increase_reservation, guest, 2, NULL, 1, 0, 0), 0);
    assert_int_equal(reserve(XENMEM_populate_physmap, guest, 1, &frame, 1, 0, 0), 1);
    assert_int_equal(type_at(other, 0x100), P2M_INVALID);
}

static void test_bad_arguments(void **state)
{
    u64 args[5] = { XENMEM_populate_physmap, 0x123456789000, 0, 0, 0 };
    struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };
    u64 frame = 0x100;

    (void)state;
    unit_set_current(guest->vcpu[0]);
    /* The struct cannot be read; its list cannot. Progress is returned as it was given. */
    assert_int_equal(do_memory_op(guest->vcpu[0], args), 0);
    args[0] |= 7 << 6;
    assert_int_equal(do_memory_op(guest->vcpu[0], args), 7);
    r.extent_start.q = 0x123456789000;
    args[0] = XENMEM_populate_physmap;
    args[1] = unit_guest_put(guest, &r, sizeof(r));
    assert_int_equal(do_memory_op(guest->vcpu[0], args), 0);
    args[0] = XENMEM_decrease_reservation;
    assert_int_equal(do_memory_op(guest->vcpu[0], args), 0);
    /* Counts and progress out of range. */
    assert_int_equal(reserve(XENMEM_populate_physmap, guest, DOMID_SELF, &frame, 0, 0, 0), 0);
    assert_int_equal(reserve(XENMEM_populate_physmap, guest, DOMID_SELF, &frame, ~0UL, 0, 0), 0);
    assert_int_equal(reserve(XENMEM_populate_physmap, guest, DOMID_SELF, &frame, 1UL << 32, 0, 0), 0);
    assert_int_equal(reserve(XENMEM_populate_physmap | 1UL << 6, guest, DOMID_SELF, &frame, 1, 0, 0), 1);
    assert_int_equal(reserve(XENMEM_populate_physmap | 1UL << 63, guest, DOMID_SELF, &frame, 1, 0, 0), 1UL << 57);
    assert_int_equal(type_at(guest, 0x100), P2M_INVALID);
}

/* The list ends in memory that is not there: what comes before is done. */
static void test_list_runs_out(void **state)
{
    u64 gva = unit_guest_alloc(guest, PAGE_SIZE);
    struct xen_memory_reservation r = { .nr_extents = 64, .domid = DOMID_SELF,
                                        .extent_start.q = gva + PAGE_SIZE - 40 * 8 };
    u64 args[5] = { XENMEM_populate_physmap, unit_guest_put(guest, &r, sizeof(r)), 0, 0, 0 };

    (void)state;
    for (u32 i = 0; i < 40; i++) {
        *(u64 *)unit_guest_ptr(guest, r.extent_start.q + i * 8) = 0x100 + i;
    }
    unit_set_current(guest->vcpu[0]);
    assert_int_equal(do_memory_op(guest->vcpu[0], args), 32);
    assert_int_equal(type_at(guest, 0x11f), P2M_RAM_RW);
    assert_int_equal(type_at(guest, 0x120), P2M_INVALID);
}

static void test_flags(void **state)
{
    u64 frame = 0x100;

    (void)state;
    /* RAM of the fake machine ends below 2^29 + 2^30. */
    assert_int_equal(reserve(XENMEM_populate_physmap, guest, DOMID_SELF, &frame, 1, 0, XENMEMF_populate_on_demand), 0);
    assert_int_equal(reserve(XENMEM_populate_physmap, guest, DOMID_SELF, &frame, 1, 0, XENMEMF_vnode), 0);
    assert_int_equal(reserve(XENMEM_populate_physmap, guest, DOMID_SELF, &frame, 1, 0, XENMEMF_address_bits(12)), 0);
    assert_int_equal(reserve(XENMEM_populate_physmap, guest, DOMID_SELF, &frame, 1, 0, XENMEMF_address_bits(30)), 0);
    assert_int_equal(reserve(XENMEM_populate_physmap, guest, DOMID_SELF, &frame, 1, 0, XENMEMF_exact_node(3)), 0);
    assert_int_equal(reserve(XENMEM_populate_physmap, guest, DOMID_SELF, &frame, 1, 0, XENMEMF_node(3)), 0);
    assert_int_equal(reserve(XENMEM_populate_physmap, guest, DOMID_SELF, &frame, 1, 0, XENMEMF_address_bits(31)), 1);
    frame++;
    assert_int_equal(reserve(XENMEM_populate_physmap, guest, DOMID_SELF, &frame, 1, 0, XENMEMF_address_bits(32)), 1);
    frame++;
    assert_int_equal(reserve(XENMEM_populate_physmap, guest, DOMID_SELF, &frame, 1, 0, XENMEMF_address_bits(64)), 1);
    frame++;
    assert_int_equal(reserve(XENMEM_populate_physmap, guest, DOMID_SELF, &frame, 1, 0, XENMEMF_exact_node(0)), 1);
}

/* Interrupted again and again: each restart goes on where it was, each frame is done once. */
static void test_preemption(void **state)
{
    enum { N = 100 };
    u64 frames[N], args[5], runs = 0, before = unit_free_pages();
    static const u32 ops[] = { XENMEM_populate_physmap, XENMEM_decrease_reservation };
    u64 arg;

    (void)state;
    for (u32 i = 0; i < N; i++) {
        frames[i] = 0x1000 + 2 * i;
    }
    arg = reservation(guest, DOMID_SELF, frames, N, 0, 0);
    before = unit_free_pages();
    host_irq_waiting = true;
    unit_set_current(guest->vcpu[0]);
    for (u32 k = 0; k < 2; k++) {
        long ret;

        memset(args, 0, sizeof(args));
        args[0] = ops[k];
        args[1] = arg;
        for (runs = 1; (ret = do_memory_op(guest->vcpu[0], args)) == -ERESTART; runs++) {
            assert_int_equal(args[0] & 0x3f, ops[k]);
            assert_int_equal(args[0] >> 6, runs * 16);
        }
        assert_int_equal(ret, N);
        assert_int_equal(runs, 7);
        assert_int_equal(unit_free_pages(), k == 0 ? before - N : before);
    }
}

static void test_preemption_of_large_extents(void **state)
{
    u64 frames[4] = { 0x1000, 0x1200, 0x1400, 0x1600 };
    u64 args[5] = { XENMEM_populate_physmap, 0, 0, 0, 0 };

    (void)state;
    args[1] = reservation(dom0, 1, frames, 4, 9, 0);
    host_irq_waiting = true;
    unit_set_current(dom0->vcpu[0]);
    for (u64 i = 1; i < 4; i++) {
        assert_int_equal(do_memory_op(dom0->vcpu[0], args), -ERESTART);
        assert_int_equal(args[0] >> 6, i);
    }
    assert_int_equal(do_memory_op(dom0->vcpu[0], args), 4);
}

static void test_increase(void **state)
{
    u64 before = unit_free_pages();

    (void)state;
    assert_int_equal(reserve(XENMEM_increase_reservation, guest, DOMID_SELF, NULL, 3, 1, 0), 3);
    assert_int_equal(guest->tot_pages, base_pages + 6);
    assert_int_equal(unit_free_pages(), before - 6);
    guest->max_pages = base_pages + 7;
    assert_int_equal(reserve(XENMEM_increase_reservation, guest, DOMID_SELF, NULL, 3, 0, 0), 1);
}

static void test_decrease_types(void **state)
{
    struct page *pg = page_alloc_guest(other, 0, 0);
    u64 frames[5] = { 0x100, 0x101, 0x102, 0x103, 0x104 };
    void *shared = guest->shared_info;

    (void)state;
    assert_int_equal(p2m_map(guest, gfn(0x100), page_to_mfn(pg), 1, P2M_FOREIGN_RW), 0);
    assert_int_equal(p2m_map(guest, gfn(0x101), page_to_mfn(pg), 1, P2M_GRANT_RO), 0);
    assert_int_equal(p2m_map(guest, gfn(0x102), mfn(0x9000), 1, P2M_MMIO), 0);
    assert_int_equal(p2m_map(guest, gfn(0x103), virt_to_mfn(shared), 1, P2M_RAM_RW), 0);
    for (u32 i = 0; i < 3; i++) {
        assert_int_equal(reserve(XENMEM_decrease_reservation, guest, DOMID_SELF, &frames[i], 1, 0, 0), 0);
    }
    assert_int_equal(pg->count, 1);
    assert_int_equal(type_at(guest, 0x102), P2M_MMIO);
    /* A page shared with the hypervisor is only unmapped. */
    guest->shared_info_gfn = gfn(0x103);
    assert_int_equal(reserve(XENMEM_decrease_reservation, guest, DOMID_SELF, frames + 3, 2, 0, 0), 1);
    assert_int_equal(type_at(guest, 0x103), P2M_INVALID);
    assert_int_equal(virt_to_page(shared)->count, 1);
    assert_false(gfn_is_valid(guest->shared_info_gfn));
}

/* A page that someone else holds leaves the guest, and comes back to the heap when it is let go. */
static void test_decrease_referenced(void **state)
{
    u64 before = unit_free_pages(), frame = 0x100;
    enum p2m_type t;
    struct page *pg;

    (void)state;
    assert_int_equal(reserve(XENMEM_populate_physmap, guest, DOMID_SELF, &frame, 1, 0, 0), 1);
    pg = p2m_get_page(guest, gfn(frame), &t);
    assert_non_null(pg);
    assert_int_equal(reserve(XENMEM_decrease_reservation, guest, DOMID_SELF, &frame, 1, 0, 0), 1);
    assert_int_equal(pg->count, 1);
    assert_int_equal(guest->tot_pages, base_pages + 1);
    page_put(pg);
    assert_int_equal(guest->tot_pages, base_pages);
    assert_int_equal(unit_free_pages(), before);
}

/* ---- 1:1 dom0 ---- */

static void test_direct_mapped(void **state)
{
    const u64 first = UNIT_RAM_FIRST + 0x4000;
    u64 frames[2] = { first + 3, first + 5 }, block = first;
    u64 before;
    u32 owned;

    (void)state;
    dom0->direct_mapped = true;
    assert_int_equal(mem_claim(mfn(first), 0x200), 0);
    assert_int_equal(page_assign(dom0, mfn(first), 0x200), 0);
    assert_int_equal(p2m_map(dom0, gfn(first), mfn(first), 0x200, P2M_RAM_RW), 0);
    memset(mfn_to_virt(mfn(first + 3)), 0x77, 8);
    before = unit_free_pages();
    owned = dom0->tot_pages;

    assert_int_equal(reserve(XENMEM_decrease_reservation, dom0, DOMID_SELF, frames, 2, 0, 0), 2);
    assert_int_equal(type_at(dom0, first + 3), P2M_INVALID);
    assert_int_equal(type_at(dom0, first + 4), P2M_RAM_RW);
    assert_int_equal(dom0->tot_pages, owned);
    assert_int_equal(unit_free_pages(), before);
    assert_int_equal(mfn_to_page(mfn(first + 3))->count, 1);

    assert_int_equal(reserve(XENMEM_populate_physmap, dom0, DOMID_SELF, frames, 2, 0, 0), 2);
    assert_int_equal(p2m_lookup(dom0, gfn(first + 3), &(enum p2m_type){ 0 }, NULL).m, first + 3);
    assert_int_equal(mfn_to_page(mfn(first + 3))->count, 1);
    assert_int_equal(*(u8 *)mfn_to_virt(mfn(first + 3)), 0x77);
    assert_int_equal(dom0->tot_pages, owned);
    /* Mapped already; by block. */
    assert_int_equal(reserve(XENMEM_populate_physmap, dom0, DOMID_SELF, frames, 2, 0, 0), 0);
    assert_int_equal(reserve(XENMEM_decrease_reservation, dom0, DOMID_SELF, &block, 1, 9, 0), 1);
    assert_int_equal(reserve(XENMEM_populate_physmap, dom0, DOMID_SELF, &block, 1, 9, 0), 1);
    assert_int_equal(type_at(dom0, first + 0x1ff), P2M_RAM_RW);
    assert_int_equal(mfn_to_page(mfn(first + 0x1ff))->count, 1);
}

/* Frames that are not dom0's RAM: free ones, a guest's, the hypervisor's, a shared page of its own, none at all. */
static void test_direct_mapped_not_owned(void **state)
{
    struct page *pg = page_alloc_guest(guest, 0, 0);
    void *hyp = pages_alloc(0, 0), *shared = page_alloc_shared(dom0);
    u64 frames[6] = { UNIT_RAM_FIRST + 0x5000, page_to_mfn(pg).m, virt_to_mfn(hyp).m, virt_to_mfn(shared).m, 0x10,
                      ~0UL };
    u64 block = UNIT_RAM_FIRST + 0x4000;

    (void)state;
    dom0->direct_mapped = true;
    for (u32 i = 0; i < 6; i++) {
        assert_int_equal(reserve(XENMEM_populate_physmap, dom0, DOMID_SELF, &frames[i], 1, 0, 0), 0);
        assert_int_equal(type_at(dom0, frames[i]), P2M_INVALID);
    }
    assert_int_equal(pg->count, 1);
    assert_int_equal(virt_to_page(shared)->count, 1);
    /* The first half of a block is dom0's, the rest not: no reference stays behind. */
    assert_int_equal(mem_claim(mfn(block), 0x100), 0);
    assert_int_equal(page_assign(dom0, mfn(block), 0x100), 0);
    assert_int_equal(reserve(XENMEM_populate_physmap, dom0, DOMID_SELF, &block, 1, 9, 0), 0);
    for (u32 i = 0; i < 0x100; i++) {
        assert_int_equal(mfn_to_page(mfn(block + i))->count, 1);
    }
    assert_int_equal(type_at(dom0, block), P2M_INVALID);
    page_free_shared(shared);
    pages_free(hyp, 0);
}

/* ---- operations that only answer ---- */

static long query(struct domain *caller, u32 op, u16 domid)
{
    struct xen_memory_domain arg = { .domid = domid };
    u64 args[5] = { op, put_at(caller, 0, &arg, sizeof(arg)), 0, 0, 0 };

    unit_set_current(caller->vcpu[0]);
    return do_memory_op(caller->vcpu[0], args);
}

static void test_queries(void **state)
{
    static const u32 ops[] = { XENMEM_current_reservation, XENMEM_maximum_reservation, XENMEM_maximum_gpfn };
    u64 bad[5] = { 0, 0x123456789000, 0, 0, 0 };

    (void)state;
    guest->max_pages = 1234;
    assert_int_equal(query(guest, XENMEM_current_reservation, DOMID_SELF), guest->tot_pages);
    assert_int_equal(query(dom0, XENMEM_current_reservation, 1), guest->tot_pages);
    assert_int_equal(query(dom0, XENMEM_maximum_reservation, 1), 1234);
    unit_guest_map(guest, 0x20000000, PAGE_SIZE);
    unit_guest_map(guest, 0xc00000000, PAGE_SIZE);
    assert_int_equal(query(dom0, XENMEM_maximum_gpfn, 1), 0xc00000);
    for (u32 i = 0; i < 3; i++) {
        assert_int_equal(query(guest, ops[i], 2), -EPERM);
        assert_int_equal(query(guest, ops[i], 77), -ESRCH);
        assert_int_equal(query(dom0, ops[i], DOMID_IO), -ESRCH);
        bad[0] = ops[i];
        assert_int_equal(do_memory_op(dom0->vcpu[0], bad), -EFAULT);
    }
    unit_set_current(guest->vcpu[0]);
    bad[0] = XENMEM_maximum_ram_page;
    assert_int_equal(do_memory_op(guest->vcpu[0], bad), UNIT_RAM_FIRST + UNIT_RAM_PAGES - 1);
    bad[0] = XENMEM_get_sharing_freed_pages;
    assert_int_equal(do_memory_op(guest->vcpu[0], bad), 0);
    bad[0] = XENMEM_get_sharing_shared_pages;
    assert_int_equal(do_memory_op(guest->vcpu[0], bad), 0);
}

static void test_vnuma(void **state)
{
    struct xen_vnuma_topology_info arg = { .domid = DOMID_SELF };
    u64 args[5] = { XENMEM_get_vnumainfo, 0, 0, 0, 0 };

    (void)state;
    unit_set_current(guest->vcpu[0]);
    assert_int_equal(do_memory_op(guest->vcpu[0], args), -EFAULT);
    args[1] = unit_guest_put(guest, &arg, sizeof(arg));
    assert_int_equal(do_memory_op(guest->vcpu[0], args), -EOPNOTSUPP);
    arg.domid = 2;
    args[1] = unit_guest_put(guest, &arg, sizeof(arg));
    assert_int_equal(do_memory_op(guest->vcpu[0], args), -EPERM);
    arg.domid = 55;
    args[1] = unit_guest_put(guest, &arg, sizeof(arg));
    assert_int_equal(do_memory_op(guest->vcpu[0], args), -ESRCH);
}

static void test_claim(void **state)
{
    u64 frame = 0;

    (void)state;
    assert_int_equal(reserve(XENMEM_claim_pages, guest, DOMID_SELF, NULL, 0, 0, 0), -EPERM);
    assert_int_equal(reserve(XENMEM_claim_pages, dom0, 1, NULL, 0, 0, 0), 0);
    assert_int_equal(reserve(XENMEM_claim_pages, dom0, 1, NULL, 100, 0, 0), -ENOSYS);
    assert_int_equal(reserve(XENMEM_claim_pages, dom0, 1, NULL, 0, 1, 0), -EINVAL);
    assert_int_equal(reserve(XENMEM_claim_pages, dom0, 1, NULL, 0, 0, 1), -EINVAL);
    assert_int_equal(reserve(XENMEM_claim_pages, dom0, 1, &frame, 0, 0, 0), -EINVAL);
    assert_int_equal(reserve(XENMEM_claim_pages, dom0, 66, NULL, 0, 0, 0), -ESRCH);
}

static void test_unknown_operations(void **state)
{
    static const u32 known[] = { 0, 1, 2, 3, 4, 6, 7, 14, 15, 18, 19, 23, 24, 26, 28 };

    (void)state;
    unit_set_current(dom0->vcpu[0]);
    for (u32 op = 0; op < 64; op++) {
        u64 args[5] = { op, 0x123456789000, 0, 0, 0 };
        bool is_known = false;

        for (u32 i = 0; i < ARRAY_SIZE(known); i++) {
            is_known |= known[i] == op;
        }
        assert_int_equal(do_memory_op(dom0->vcpu[0], args) == -ENOSYS, !is_known);
    }
}

/* Progress in the command word of an operation that has none. */
static void test_progress_refused(void **state)
{
    static const u32 ops[] = { 2, 3, 4, 7, 14, 15, 18, 19, 24, 26 };

    (void)state;
    unit_set_current(dom0->vcpu[0]);
    for (u32 i = 0; i < ARRAY_SIZE(ops); i++) {
        u64 args[5] = { ops[i] | 1UL << 6, 0, 0, 0, 0 };

        assert_int_equal(do_memory_op(dom0->vcpu[0], args), -EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        memop_case(test_populate),
        memop_case(test_populate_orders),
        memop_case(test_populate_mapped_gfn),
        memop_case(test_populate_bad_gfn),
        memop_case(test_populate_no_tables),
        memop_case(test_populate_limit),
        memop_case(test_dying),
        memop_case(test_permission),
        memop_case(test_bad_arguments),
        memop_case(test_list_runs_out),
        memop_case(test_flags),
        memop_case(test_preemption),
        memop_case(test_preemption_of_large_extents),
        memop_case(test_increase),
        memop_case(test_decrease_types),
        memop_case(test_decrease_referenced),
        memop_case(test_direct_mapped),
        memop_case(test_direct_mapped_not_owned),
        memop_case(test_queries),
        memop_case(test_vnuma),
        memop_case(test_claim),
        memop_case(test_unknown_operations),
        memop_case(test_progress_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
