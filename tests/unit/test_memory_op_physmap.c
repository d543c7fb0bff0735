/* SPDX-License-Identifier: MIT */
/* unit-sources: core/mem/range.c core/mem/node.c core/mem/buddy.c core/mem/frames.c core/mem/heap.c core/mem/page.c */
/* unit-sources: core/mem/stats.c */
/* unit-sources: core/mem/physmap.c core/hypercall/memory_op.c core/hypercall/memory_op_reservation.c */
/* unit-sources: core/hypercall/memory_op_physmap.c core/mem/lazy.c core/mem/scrub.c */
/* memory_op: add_to_physmap, its batch form, remove_from_physmap, acquire_resource. */
#include "unit.h"
#include "memory_op_fixture.h"

/* ---- a grant table of four frames per domain, and device memory of dom0's ---- */

#define GRANT_FRAMES 4
static struct { void *frame; gfn_t g; } grants[3][GRANT_FRAMES];
static int grant_error;

u32 grant_max_frames(const struct domain *d)
{
    (void)d;
    return GRANT_FRAMES;
}

int grant_frame_mfn(struct domain *d, u32 idx, mfn_t *out)
{
    if (grant_error != 0) {
        return grant_error;
    }
    if (idx >= GRANT_FRAMES) {
        return -EINVAL;
    }
    if (grants[d->id][idx].frame == NULL) {
        grants[d->id][idx].frame = page_alloc_shared(d);
    }
    *out = virt_to_mfn(grants[d->id][idx].frame);
    return 0;
}

gfn_t grant_frame_gfn(struct domain *d, u32 idx)
{
    return grants[d->id][idx].g;
}

void grant_frame_set_gfn(struct domain *d, u32 idx, gfn_t g)
{
    grants[d->id][idx].g = g;
}

bool domain_may_iomem(struct domain *d, u64 first_mfn, u64 last_mfn)
{
    return d == dom0 && first_mfn >= 0x9000 && last_mfn <= 0x9fff && first_mfn <= last_mfn;
}

static int setup(void **state)
{
    memop_setup(state);
    grant_error = 0;
    for (u32 i = 0; i < 3 * GRANT_FRAMES; i++) {
        grants[i / GRANT_FRAMES][i % GRANT_FRAMES].frame = NULL;
        grants[i / GRANT_FRAMES][i % GRANT_FRAMES].g = INVALID_GFN;
    }
    return 0;
}

static long call(struct domain *caller, u64 cmd, const void *arg, size_t bytes)
{
    u64 args[5] = { cmd, put_at(caller, 0, arg, bytes), 0, 0, 0 };

    unit_set_current(caller->vcpu[0]);
    return do_memory_op(caller->vcpu[0], args);
}

static long add(struct domain *caller, u16 domid, u32 space, u64 idx, u64 g)
{
    struct xen_add_to_physmap arg = { .domid = domid, .space = space, .idx = idx, .gpfn = g };

    return call(caller, XENMEM_add_to_physmap, &arg, sizeof(arg));
}

static long take_out(struct domain *caller, u16 domid, u64 g)
{
    struct xen_remove_from_physmap arg = { .domid = domid, .gpfn = g };

    return call(caller, XENMEM_remove_from_physmap, &arg, sizeof(arg));
}

/* One page, as privcmd does it: the call's result, or the entry's error. */
static long map_one(struct domain *caller, u16 space, u16 from, u64 idx, u64 g)
{
    struct xen_add_to_physmap_batch b = { .domid = DOMID_SELF, .space = space, .size = 1, .u.foreign_domid = from };
    s32 err = 12345;
    long rc;

    b.idxs.q = put_at(caller, 256, &idx, sizeof(idx));
    b.gpfns.q = put_at(caller, 512, &g, sizeof(g));
    b.errs.q = put_at(caller, 768, &err, sizeof(err));
    rc = call(caller, XENMEM_add_to_physmap_batch, &b, sizeof(b));
    memcpy(&err, unit_guest_ptr(caller, buffers[caller->id] + 768), sizeof(err));
    return rc != 0 ? rc : err;
}

static struct page *page_at(struct domain *d, u64 g)
{
    enum p2m_type t;
    mfn_t m = p2m_lookup(d, gfn(g), &t, NULL);

    assert_int_not_equal(t, P2M_INVALID);
    return mfn_to_page(m);
}

/* ---- shared info and grant frames ---- */

static void test_shared_info(void **state)
{
    struct page *pg = virt_to_page(guest->shared_info);

    (void)state;
    assert_int_equal(add(guest, DOMID_SELF, XENMAPSPACE_shared_info, 1, 0x100), -EINVAL);
    assert_int_equal(add(guest, DOMID_SELF, XENMAPSPACE_shared_info, 0, 0x100), 0);
    assert_ptr_equal(page_at(guest, 0x100), pg);
    assert_int_equal(type_at(guest, 0x100), P2M_RAM_RW);
    assert_int_equal(pg->count, 1);
    assert_int_equal(guest->shared_info_gfn.g, 0x100);
    /* One place only, the same one neither. */
    assert_int_equal(add(guest, DOMID_SELF, XENMAPSPACE_shared_info, 0, 0x101), -EBUSY);
    assert_int_equal(add(guest, DOMID_SELF, XENMAPSPACE_shared_info, 0, 0x100), -EBUSY);
    assert_int_equal(type_at(guest, 0x101), P2M_INVALID);
    /* Taken out, it can go elsewhere. */
    assert_int_equal(take_out(guest, DOMID_SELF, 0x100), 0);
    assert_false(gfn_is_valid(guest->shared_info_gfn));
    assert_int_equal(pg->count, 1);
    assert_int_equal(add(guest, DOMID_SELF, XENMAPSPACE_shared_info, 0, 0x101), 0);
}

/* Linux puts shared_info over a page of its RAM: that page goes back to the heap, or stays a 1:1 domain's. */
static void test_shared_info_over_ram(void **state)
{
    u64 before = unit_free_pages();
    u32 pages;
    struct page *pg;

    (void)state;
    unit_guest_map(guest, 0x100000, PAGE_SIZE);
    assert_int_equal(add(guest, DOMID_SELF, XENMAPSPACE_shared_info, 0, 0x100), 0);
    assert_int_equal(guest->tot_pages, base_pages);
    assert_int_equal(unit_free_pages(), before);

    dom0->direct_mapped = true;
    unit_guest_map(dom0, 0x100000, PAGE_SIZE);
    pg = page_at(dom0, 0x100);
    pages = dom0->tot_pages;
    assert_int_equal(add(dom0, DOMID_SELF, XENMAPSPACE_shared_info, 0, 0x100), 0);
    assert_int_equal(dom0->tot_pages, pages);
    assert_int_equal(pg->count, 1);
    assert_ptr_not_equal(page_at(dom0, 0x100), pg);
}

static void test_grant_frames(void **state)
{
    (void)state;
    assert_int_equal(add(guest, DOMID_SELF, XENMAPSPACE_grant_table, 0, 0x38000), 0);
    assert_int_equal(add(guest, DOMID_SELF, XENMAPSPACE_grant_table, 3, 0x38003), 0);
    assert_int_equal(add(guest, DOMID_SELF, XENMAPSPACE_grant_table, GRANT_FRAMES, 0x38004), -EINVAL);
    assert_int_equal(add(guest, DOMID_SELF, XENMAPSPACE_grant_table, XENMAPIDX_grant_table_status, 0x38004), -EINVAL);
    assert_int_equal(add(guest, DOMID_SELF, XENMAPSPACE_grant_table, 1UL << 32, 0x38004), -EINVAL);
    assert_int_equal(add(guest, DOMID_SELF, XENMAPSPACE_grant_table, 0, 0x38000), -EBUSY);
    assert_int_equal(add(guest, DOMID_SELF, XENMAPSPACE_grant_table, 0, 0x38008), -EBUSY);
    assert_int_equal(grants[1][3].g.g, 0x38003);
    assert_int_equal(take_out(guest, DOMID_SELF, 0x38003), 0);
    assert_false(gfn_is_valid(grants[1][3].g));
    assert_true(gfn_is_valid(grants[1][0].g));
    assert_int_equal(add(guest, DOMID_SELF, XENMAPSPACE_grant_table, 3, 0x38004), 0);
    /* A frame over another: the one below is noted as gone. */
    assert_int_equal(add(guest, DOMID_SELF, XENMAPSPACE_grant_table, 1, 0x38004), 0);
    assert_false(gfn_is_valid(grants[1][3].g));
    grant_error = -ENOMEM;
    assert_int_equal(add(guest, DOMID_SELF, XENMAPSPACE_grant_table, 2, 0x38005), -ENOMEM);
    assert_false(gfn_is_valid(grants[1][2].g));
}

static void test_add_errors(void **state)
{
    u64 args[5] = { XENMEM_add_to_physmap, 0x123456789000, 0, 0, 0 };

    (void)state;
    unit_set_current(guest->vcpu[0]);
    assert_int_equal(do_memory_op(guest->vcpu[0], args), -EFAULT);
    assert_int_equal(add(guest, 2, XENMAPSPACE_shared_info, 0, 0x100), -EPERM);
    assert_int_equal(add(guest, 50, XENMAPSPACE_shared_info, 0, 0x100), -ESRCH);
    assert_int_equal(add(guest, DOMID_SELF, XENMAPSPACE_gmfn, 0, 0x100), -ENOSYS);
    assert_int_equal(add(guest, DOMID_SELF, XENMAPSPACE_gmfn_range, 0, 0x100), -ENOSYS);
    assert_int_equal(add(guest, DOMID_SELF, XENMAPSPACE_gmfn_foreign, 0, 0x100), -ENOSYS);
    assert_int_equal(add(guest, DOMID_SELF, 77, 0, 0x100), -ENOSYS);
    assert_int_equal(add(guest, DOMID_SELF, XENMAPSPACE_shared_info, 0, ~0UL), -EINVAL);
    assert_int_equal(add(guest, DOMID_SELF, XENMAPSPACE_shared_info, 0, 1UL << 52), -EINVAL);
    assert_false(gfn_is_valid(guest->shared_info_gfn));
    if (!UNIT_REAL_P2M) {
        host_p2m_fail_after = 0;
        assert_int_equal(add(guest, DOMID_SELF, XENMAPSPACE_shared_info, 0, 0x100), -ENOMEM);
        assert_false(gfn_is_valid(guest->shared_info_gfn));
        host_p2m_fail_after = ~0UL;
    }
    guest->dying = DOMAIN_DYING;
    assert_int_equal(add(dom0, 1, XENMAPSPACE_shared_info, 0, 0x100), -ESRCH);
    guest->dying = DOMAIN_ALIVE;
    assert_int_equal(add(dom0, 1, XENMAPSPACE_shared_info, 0, 0x100), 0);
}

static void test_dev_mmio(void **state)
{
    (void)state;
    assert_int_equal(add(guest, DOMID_SELF, XENMAPSPACE_dev_mmio, 0x9000, 0x100), -EPERM);
    assert_int_equal(add(dom0, DOMID_SELF, XENMAPSPACE_dev_mmio, 0x8fff, 0x100), -EPERM);
    assert_int_equal(add(dom0, DOMID_SELF, XENMAPSPACE_dev_mmio, 0x9000, 0x100), 0);
    assert_int_equal(type_at(dom0, 0x100), P2M_MMIO_WB);
    assert_int_equal(add(dom0, DOMID_SELF, XENMAPSPACE_dev_mmio, 0x9000, 0x100), 0);
    assert_int_equal(add(dom0, DOMID_SELF, XENMAPSPACE_dev_mmio, 0x9001, 0x100), -EEXIST);
    assert_int_equal(map_one(dom0, XENMAPSPACE_dev_mmio, 0, 0x9002, 0x102), 0);
    assert_int_equal(map_one(dom0, XENMAPSPACE_dev_mmio, 1, 0x9003, 0x103), -EOPNOTSUPP);
    /* Device memory is not mapped over; it is taken out, once, and may be mapped again. */
    assert_int_equal(add(dom0, DOMID_SELF, XENMAPSPACE_shared_info, 0, 0x100), -EBUSY);
    assert_int_equal(take_out(dom0, DOMID_SELF, 0x100), 0);
    assert_int_equal(type_at(dom0, 0x100), P2M_INVALID);
    assert_int_equal(take_out(dom0, DOMID_SELF, 0x100), -ENOENT);
    assert_int_equal(add(dom0, DOMID_SELF, XENMAPSPACE_dev_mmio, 0x9000, 0x100), 0);
}

/* ---- foreign pages ---- */

static void test_foreign(void **state)
{
    struct page *pg;

    (void)state;
    unit_guest_map(guest, 0x40000000, 2 * PAGE_SIZE);
    pg = page_at(guest, 0x40000);
    assert_int_equal(map_one(dom0, XENMAPSPACE_gmfn_foreign, 1, 0x40000, 0x500), 0);
    assert_ptr_equal(page_at(dom0, 0x500), pg);
    assert_int_equal(type_at(dom0, 0x500), P2M_FOREIGN_RW);
    assert_int_equal(pg->count, 2);
    assert_int_equal(dom0->nr_foreign, 1);
    /* Twice at different places; over one that is there. */
    assert_int_equal(map_one(dom0, XENMAPSPACE_gmfn_foreign, 1, 0x40000, 0x501), 0);
    assert_int_equal(pg->count, 3);
    assert_int_equal(map_one(dom0, XENMAPSPACE_gmfn_foreign, 1, 0x40001, 0x501), 0);
    assert_int_equal(pg->count, 2);
    assert_int_equal(dom0->nr_foreign, 2);
    assert_int_equal(map_one(dom0, XENMAPSPACE_gmfn_foreign, 1, 0x40001, 0x501), 0);
    assert_int_equal(page_at(guest, 0x40001)->count, 2);
    assert_int_equal(dom0->nr_foreign, 2);

    assert_int_equal(take_out(dom0, DOMID_SELF, 0x500), 0);
    assert_int_equal(take_out(dom0, DOMID_SELF, 0x501), 0);
    assert_int_equal(take_out(dom0, DOMID_SELF, 0x501), -ENOENT);
    assert_int_equal(pg->count, 1);
    assert_int_equal(page_at(guest, 0x40001)->count, 1);
    assert_int_equal(dom0->nr_foreign, 0);
}

static void test_foreign_read_only(void **state)
{
    struct page *pg = page_alloc_guest(guest, 0, 0);

    (void)state;
    assert_int_equal(p2m_map(guest, gfn(0x700), page_to_mfn(pg), 1, P2M_RAM_RO), 0);
    assert_int_equal(map_one(dom0, XENMAPSPACE_gmfn_foreign, 1, 0x700, 0x500), 0);
    assert_int_equal(type_at(dom0, 0x500), P2M_FOREIGN_RO);
    assert_int_equal(take_out(dom0, DOMID_SELF, 0x500), 0);
    assert_int_equal(pg->count, 1);
}

static void test_foreign_refused(void **state)
{
    struct page *pg;

    (void)state;
    unit_guest_map(guest, 0x40000000, PAGE_SIZE);
    unit_guest_map(other, 0x40000000, PAGE_SIZE);
    pg = page_at(guest, 0x40000);
    /* No such domain, oneself, nothing there, a guest asking. */
    assert_int_equal(map_one(dom0, XENMAPSPACE_gmfn_foreign, 9, 0x40000, 0x500), -ESRCH);
    assert_int_equal(map_one(dom0, XENMAPSPACE_gmfn_foreign, DOMID_SELF, 0x40000, 0x500), -ESRCH);
    assert_int_equal(map_one(other, XENMAPSPACE_gmfn_foreign, 2, 0x40000, 0x500), -EINVAL);
    assert_int_equal(map_one(dom0, XENMAPSPACE_gmfn_foreign, 1, 0x40001, 0x500), -EINVAL);
    assert_int_equal(map_one(dom0, XENMAPSPACE_gmfn_foreign, 1, ~0UL, 0x500), -EINVAL);
    assert_int_equal(map_one(dom0, XENMAPSPACE_gmfn_foreign, 1, 1UL << 52 | 0x40000, 0x500), -EINVAL);
    assert_int_equal(map_one(other, XENMAPSPACE_gmfn_foreign, 1, 0x40000, 0x500), -EPERM);
    assert_int_equal(map_one(other, XENMAPSPACE_gmfn_foreign, 0, 0x40000, 0x500), -EPERM);
    assert_int_equal(map_one(other, XENMAPSPACE_gmfn_foreign, DOMID_XEN, UNIT_RAM_FIRST, 0x500), -ESRCH);
    /* What the foreign domain has itself from others, and devices. */
    assert_int_equal(map_one(dom0, XENMAPSPACE_gmfn_foreign, 2, 0x40000, 0x600), 0);
    assert_true(page_get(page_to_mfn(pg), guest));
    assert_int_equal(p2m_map(other, gfn(0x800), page_to_mfn(pg), 1, P2M_FOREIGN_RW), 0);
    assert_int_equal(map_one(dom0, XENMAPSPACE_gmfn_foreign, 2, 0x800, 0x500), -EINVAL);
    assert_int_equal(pg->count, 2);
    page_put(pg);
    assert_int_equal(p2m_map(other, gfn(0x801), mfn(0x9000), 1, P2M_MMIO), 0);
    assert_int_equal(map_one(dom0, XENMAPSPACE_gmfn_foreign, 2, 0x801, 0x500), -EINVAL);
    assert_int_equal(p2m_map(guest, gfn(0x801), page_to_mfn(pg), 1, P2M_MMIO_WB), 0);
    assert_int_equal(map_one(dom0, XENMAPSPACE_gmfn_foreign, 1, 0x801, 0x500), -EINVAL);
    assert_int_equal(p2m_map(dom0, gfn(0x503), mfn(0x9001), 1, P2M_MMIO_NC), 0);
    assert_int_equal(map_one(dom0, XENMAPSPACE_gmfn_foreign, 1, 0x40000, 0x503), -EBUSY);
    assert_int_equal(take_out(dom0, DOMID_SELF, 0x503), 0);
    assert_int_equal(take_out(dom0, DOMID_SELF, 0x503), -ENOENT);
    /* Where it cannot go: no reference stays. */
    assert_int_equal(map_one(dom0, XENMAPSPACE_gmfn_foreign, 1, 0x40000, ~0UL), -EINVAL);
    if (!UNIT_REAL_P2M) {
        host_p2m_fail_after = 0;
        assert_int_equal(map_one(dom0, XENMAPSPACE_gmfn_foreign, 1, 0x40000, 0x500), -ENOMEM);
        host_p2m_fail_after = ~0UL;
    }
    assert_int_equal(p2m_map(dom0, gfn(0x501), mfn(0x9000), 1, P2M_MMIO), 0);
    assert_int_equal(map_one(dom0, XENMAPSPACE_gmfn_foreign, 1, 0x40000, 0x501), -EBUSY);
    assert_int_equal(p2m_map(dom0, gfn(0x502), mfn(0x9000), 1, P2M_GRANT_RW), 0);
    assert_int_equal(map_one(dom0, XENMAPSPACE_gmfn_foreign, 1, 0x40000, 0x502), -EBUSY);
    assert_int_equal(take_out(dom0, DOMID_SELF, 0x502), -EBUSY);
    assert_int_equal(pg->count, 1);
    assert_int_equal(dom0->nr_foreign, 1);
    assert_int_equal(map_one(dom0, XENMAPSPACE_gmfn, 0, 0, 0x500), -ENOSYS);
}

/* Over RAM: a guest's page is freed; a 1:1 domain keeps it and gets it back by populate. */
static void test_foreign_over_ram(void **state)
{
    const u64 own = UNIT_RAM_FIRST + 0x3000;
    u64 frame = own;

    (void)state;
    unit_guest_map(guest, 0x40000000, PAGE_SIZE);
    dom0->direct_mapped = true;
    assert_int_equal(mem_claim(mfn(own), 1), 0);
    assert_int_equal(page_assign(dom0, mfn(own), 1), 0);
    assert_int_equal(p2m_map(dom0, gfn(own), mfn(own), 1, P2M_RAM_RW), 0);
    assert_int_equal(map_one(dom0, XENMAPSPACE_gmfn_foreign, 1, 0x40000, own), 0);
    assert_int_equal(mfn_to_page(mfn(own))->count, 1);
    assert_int_equal(reserve(XENMEM_populate_physmap, dom0, DOMID_SELF, &frame, 1, 0, 0), 0);
    assert_int_equal(take_out(dom0, DOMID_SELF, own), 0);
    assert_int_equal(reserve(XENMEM_populate_physmap, dom0, DOMID_SELF, &frame, 1, 0, 0), 1);
    assert_ptr_equal(page_at(dom0, own), mfn_to_page(mfn(own)));
}

/* The guest dies while dom0 still has its page: the page stays until dom0 lets it go, and that ends the domain. */
static void test_foreign_outlives_domain(void **state)
{
    (void)state;
    unit_guest_map(guest, 0x40000000, PAGE_SIZE);
    assert_int_equal(map_one(dom0, XENMAPSPACE_gmfn_foreign, 1, 0x40000, 0x500), 0);
    guest->dying = DOMAIN_DYING;
    assert_int_equal(p2m_teardown(guest), 0);
    assert_int_equal(domain_relinquish_pages(guest), 0);
    page_free_shared(guest->shared_info);
    assert_int_equal(guest->tot_pages, 1);
    assert_int_equal(map_one(dom0, XENMAPSPACE_gmfn_foreign, 1, 0x40000, 0x501), -EINVAL);
    /* Called once for the shared pages, now for the others. */
    assert_int_equal(host_calls("domain_maybe_complete_destroy"), 1);
    assert_int_equal(take_out(dom0, DOMID_SELF, 0x500), 0);
    assert_int_equal(guest->tot_pages, 0);
    assert_int_equal(host_calls("domain_maybe_complete_destroy"), 2);
    guest->shared_info = page_alloc_shared(guest);
}

/* Trace buffers: pages of DOMID_XEN, named by machine frame. */
static void test_foreign_of_xen(void **state)
{
    struct domain xen = { .id = DOMID_XEN, .page_list = PAGE_NIL };
    void *va, *hyp = pages_alloc(0, 0);

    (void)state;
    spin_lock_init(&xen.page_lock, RANK_PAGE_LIST);
    dom_xen = &xen;
    va = page_alloc_shared(&xen);
    assert_int_equal(map_one(dom0, XENMAPSPACE_gmfn_foreign, DOMID_XEN, virt_to_mfn(va).m, 0x500), 0);
    assert_int_equal(type_at(dom0, 0x500), P2M_FOREIGN_RW);
    assert_int_equal(virt_to_page(va)->count, 2);
    assert_int_equal(map_one(dom0, XENMAPSPACE_gmfn_foreign, DOMID_XEN, virt_to_mfn(hyp).m, 0x501), -EINVAL);
    assert_int_equal(map_one(dom0, XENMAPSPACE_gmfn_foreign, DOMID_XEN, ~0UL, 0x501), -EINVAL);
    assert_int_equal(map_one(guest, XENMAPSPACE_gmfn_foreign, DOMID_XEN, virt_to_mfn(va).m, 0x501), -EPERM);
    assert_int_equal(take_out(dom0, DOMID_SELF, 0x500), 0);
    assert_int_equal(virt_to_page(va)->count, 1);
    page_free_shared(va);
    dom_xen = NULL;
    pages_free(hyp, 0);
}

static void test_remove(void **state)
{
    u64 before = unit_free_pages();
    u64 args[5] = { XENMEM_remove_from_physmap, 0x123456789000, 0, 0, 0 };

    (void)state;
    unit_set_current(guest->vcpu[0]);
    assert_int_equal(do_memory_op(guest->vcpu[0], args), -EFAULT);
    assert_int_equal(take_out(guest, DOMID_SELF, 0x700), -ENOENT);
    assert_int_equal(take_out(guest, DOMID_SELF, ~0UL), -ENOENT);
    assert_int_equal(take_out(guest, 2, 0x700), -EPERM);
    assert_int_equal(take_out(guest, 44, 0x700), -ESRCH);
    unit_guest_map(guest, 0x700000, PAGE_SIZE);
    assert_int_equal(take_out(dom0, 1, 0x700), 0);
    assert_int_equal(type_at(guest, 0x700), P2M_INVALID);
    assert_int_equal(unit_free_pages(), before);
    assert_int_equal(guest->tot_pages, base_pages);
}

/* ---- batches ---- */

#define BATCH 100

static void test_batch(void **state)
{
    struct xen_add_to_physmap_batch b = { .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign, .size = BATCH,
                                          .u.foreign_domid = 1 };
    u64 idxs[BATCH], gpfns[BATCH], args[5] = { XENMEM_add_to_physmap_batch, 0, 0, 0, 0 }, runs;
    s32 errs[BATCH];
    long rc;

    (void)state;
    unit_guest_map(guest, 0x40000000, BATCH * PAGE_SIZE);
    for (u32 i = 0; i < BATCH; i++) {
        idxs[i] = 0x40000 + (i == 50 ? 0x10000 : i);
        gpfns[i] = 0x500 + i;
    }
    memset(errs, 0x55, sizeof(errs));
    b.idxs.q = put_at(dom0, PAGE_SIZE, idxs, sizeof(idxs));
    b.gpfns.q = put_at(dom0, 2 * PAGE_SIZE, gpfns, sizeof(gpfns));
    b.errs.q = put_at(dom0, 3 * PAGE_SIZE, errs, sizeof(errs));
    args[1] = put_at(dom0, 0, &b, sizeof(b));
    unit_set_current(dom0->vcpu[0]);
    host_irq_waiting = true;
    for (runs = 1; (rc = do_memory_op(dom0->vcpu[0], args)) == -ERESTART; runs++) {
        assert_int_equal(args[0] >> 6, runs * 32);
    }
    assert_int_equal(rc, 0);
    assert_int_equal(runs, 4);
    for (u32 i = 0; i < BATCH; i++) {
        s32 err;

        memcpy(&err, unit_guest_ptr(dom0, b.errs.q + i * sizeof(err)), sizeof(err));
        assert_int_equal(err, i == 50 ? -EINVAL : 0);
        assert_int_equal(type_at(dom0, 0x500 + i), i == 50 ? P2M_INVALID : P2M_FOREIGN_RW);
    }
    assert_int_equal(dom0->nr_foreign, BATCH - 1);
}

static void test_batch_errors(void **state)
{
    struct xen_add_to_physmap_batch b = { .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign, .size = 2,
                                          .u.foreign_domid = 1 };
    u64 list[2] = { 0x40000, 0x40001 };
    u64 good = put_at(dom0, PAGE_SIZE, list, sizeof(list)), bad = 0x123456789000;

    (void)state;
    unit_guest_map(guest, 0x40000000, 2 * PAGE_SIZE);
    assert_int_equal(call(dom0, XENMEM_add_to_physmap_batch | 3 << 6, &b, sizeof(b)), -EINVAL);
    assert_int_equal(call(dom0, XENMEM_add_to_physmap_batch | 1UL << 60, &b, sizeof(b)), -EINVAL);
    b.idxs.q = bad;
    b.gpfns.q = good;
    b.errs.q = good;
    assert_int_equal(call(dom0, XENMEM_add_to_physmap_batch, &b, sizeof(b)), -EFAULT);
    b.idxs.q = good;
    b.gpfns.q = bad;
    assert_int_equal(call(dom0, XENMEM_add_to_physmap_batch, &b, sizeof(b)), -EFAULT);
    b.gpfns.q = good;
    b.errs.q = bad;
    assert_int_equal(call(dom0, XENMEM_add_to_physmap_batch, &b, sizeof(b)), -EFAULT);
    b.size = 0;
    assert_int_equal(call(dom0, XENMEM_add_to_physmap_batch, &b, sizeof(b)), 0);
    b.domid = 2;
    assert_int_equal(call(guest, XENMEM_add_to_physmap_batch, &b, sizeof(b)), -EPERM);
    b.domid = 20;
    assert_int_equal(call(guest, XENMEM_add_to_physmap_batch, &b, sizeof(b)), -ESRCH);
}

/* ---- acquire_resource ---- */

static long acquire(struct domain *caller, struct xen_mem_acquire_resource *r, const u64 *gfns, u64 start)
{
    long rc;

    if (gfns != NULL) {
        r->frame_list.q = put_at(caller, PAGE_SIZE, gfns, r->nr_frames * sizeof(u64));
    }
    rc = call(caller, XENMEM_acquire_resource | start << 6, r, sizeof(*r));
    memcpy(r, unit_guest_ptr(caller, buffers[caller->id]), sizeof(*r));
    return rc;
}

static void test_acquire(void **state)
{
    struct xen_mem_acquire_resource r = { .domid = 1, .type = XENMEM_resource_grant_table };
    u64 gfns[3] = { 0x600, 0x601, 0x602 };

    (void)state;
    assert_int_equal(acquire(dom0, &r, NULL, 0), 0);
    assert_int_equal(r.nr_frames, GRANT_FRAMES);
    r.nr_frames = 3;
    r.frame = 1;
    assert_int_equal(acquire(dom0, &r, gfns, 0), 0);
    for (u32 i = 0; i < 3; i++) {
        assert_ptr_equal(page_at(dom0, gfns[i]), virt_to_page(grants[1][i + 1].frame));
        assert_int_equal(type_at(dom0, gfns[i]), P2M_FOREIGN_RW);
        assert_int_equal(page_at(dom0, gfns[i])->count, 2);
    }
    assert_null(grants[1][0].frame);
    assert_int_equal(dom0->nr_foreign, 3);
    for (u32 i = 0; i < 3; i++) {
        assert_int_equal(take_out(dom0, DOMID_SELF, gfns[i]), 0);
        assert_int_equal(virt_to_page(grants[1][i + 1].frame)->count, 1);
    }
}

static void test_acquire_errors(void **state)
{
    struct xen_mem_acquire_resource r, base = { .domid = 1, .type = XENMEM_resource_grant_table, .nr_frames = 2 };
    u64 gfns[8] = { 0x600, 0x601, 0x602, 0x603, 0x604, 0x605, 0x606, 0x607 };
    u64 args[5] = { XENMEM_acquire_resource, 0x123456789000, 0, 0, 0 };

    (void)state;
    unit_set_current(dom0->vcpu[0]);
    assert_int_equal(do_memory_op(dom0->vcpu[0], args), -EFAULT);
    r = base, r.pad = 1;
    assert_int_equal(acquire(dom0, &r, gfns, 0), -EINVAL);
    r = base, r.domid = 30;
    assert_int_equal(acquire(dom0, &r, gfns, 0), -ESRCH);
    r = base;
    assert_int_equal(acquire(guest, &r, gfns, 0), -EPERM);
    r = base, r.type = XENMEM_resource_ioreq_server;
    assert_int_equal(acquire(dom0, &r, gfns, 0), -EOPNOTSUPP);
    r = base, r.type = XENMEM_resource_vmtrace_buf;
    assert_int_equal(acquire(dom0, &r, gfns, 0), -EOPNOTSUPP);
    r = base, r.id = XENMEM_resource_grant_table_id_status;
    assert_int_equal(acquire(dom0, &r, gfns, 0), -EINVAL);
    r = base, r.id = 2;
    assert_int_equal(acquire(dom0, &r, gfns, 0), -EINVAL);
    /* A count, but no list; too many; from beyond the end; wrapping. */
    r = base;
    assert_int_equal(acquire(dom0, &r, NULL, 0), -EINVAL);
    r = base, r.nr_frames = 5;
    assert_int_equal(acquire(dom0, &r, gfns, 0), -EINVAL);
    r = base, r.frame = 3;
    assert_int_equal(acquire(dom0, &r, gfns, 0), -EINVAL);
    r = base, r.frame = ~0UL;
    assert_int_equal(acquire(dom0, &r, gfns, 0), -EINVAL);
    r = base, r.frame = 5, r.nr_frames = 0;
    assert_int_equal(acquire(dom0, &r, gfns, 0), -EINVAL);
    /* Malformed progress. */
    r = base;
    assert_int_equal(acquire(dom0, &r, gfns, 3), -EINVAL);
    assert_int_equal(type_at(dom0, 0x600), P2M_INVALID);
    /* Stopped half-way: told so, with no reference too many. */
    assert_int_equal(p2m_map(dom0, gfn(0x601), mfn(0x9000), 1, P2M_MMIO), 0);
    r = base;
    assert_int_equal(acquire(dom0, &r, gfns, 0), -EIO);
    assert_int_equal(virt_to_page(grants[1][0].frame)->count, 2);
    assert_int_equal(virt_to_page(grants[1][1].frame)->count, 1);
    assert_int_equal(dom0->nr_foreign, 1);
    r = base;
    assert_int_equal(acquire(dom0, &r, gfns + 1, 0), -EBUSY);
    grant_error = -ENOMEM;
    r = base;
    assert_int_equal(acquire(dom0, &r, gfns + 2, 0), -ENOMEM);
    grant_error = 0;
    r = base;
    r.frame_list.q = 0x123456789000;
    assert_int_equal(acquire(dom0, &r, NULL, 0), -EFAULT);
}

#define case_(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        case_(test_shared_info),
        case_(test_shared_info_over_ram),
        case_(test_grant_frames),
        case_(test_add_errors),
        case_(test_dev_mmio),
        case_(test_foreign),
        case_(test_foreign_read_only),
        case_(test_foreign_refused),
        case_(test_foreign_over_ram),
        case_(test_foreign_outlives_domain),
        case_(test_foreign_of_xen),
        case_(test_remove),
        case_(test_batch),
        case_(test_batch_errors),
        case_(test_acquire),
        case_(test_acquire_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
