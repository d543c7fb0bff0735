/* SPDX-License-Identifier: MIT */
/* unit-sources: core/domain/table.c core/domain/domain.c core/domain/destroy.c core/domain/shutdown.c */
/* unit-sources: core/domain/info.c core/domain/caps.c core/vcpu/vcpu.c core/vcpu/runstate.c core/vcpu/info.c */
/* unit-sources: core/domain/nodes.c */
/* unit-sources: core/hypercall/bitmap.c core/hypercall/memory_op.c core/hypercall/memory_op_physmap.c */
/* unit-sources: core/hypercall/memory_op_reservation.c */
/* unit-sources: core/sched/runqueue.c core/sched/wake.c core/sched/balance.c core/sched/cap.c core/sched/switch.c */
/* unit-sources: core/sched/pause.c core/sched/cpupool.c core/sched/affinity.c core/sched/control.c core/sched/fair.c */
/* unit-sources: core/sched/credit.c core/sched/null.c */
/* unit-sources: core/mem/range.c core/mem/node.c core/mem/buddy.c core/mem/frames.c core/mem/heap.c core/mem/page.c */
/* unit-sources: core/mem/stats.c */
/* unit-sources: core/mem/physmap.c core/mem/lazy.c core/mem/scrub.c */
/* unit-sources: core/grant/table.c core/grant/pin.c core/grant/map.c core/event/guest_atomic.c */
/*
 * Whatever another domain, or the hypervisor, holds of a domain that dies: it stays until that is let go, and then goes
 * to the last page.
 */
#define TEST_DOMAIN_GRANTS
#include "test_domain_common.h"
#include "../../hypervisor/core/grant/internal.h"

#define AT 0x5000UL                      /* gfns: where the back end maps what it holds, and the guest's own page */
#define OWN 0x40000UL

static struct domain *be, *guest;
static struct page *own;

static struct page *give_page(struct domain *d, u64 g)
{
    struct page *pg = page_alloc_guest(d, 0, 0);

    assert_non_null(pg);
    assert_int_equal(p2m_map(d, gfn(g), page_to_mfn(pg), 1, P2M_RAM_RW), 0);
    return pg;
}

static void two_domains(void)
{
    be = create(1);
    be->is_privileged = true;
    assert_int_equal(vcpu_create(be, 0), 0);
    guest = create_running(2);
    be->paging_pool_bytes = guest->paging_pool_bytes = MIB(1);
    give_page(be, OWN);
    own = give_page(guest, OWN);
}

static void grant_to_be(u32 ref, u64 g)
{
    struct grant_entry_v1 *e = &guest->grant->shared[0][ref];

    e->domid = be->id;
    e->frame = (u32)g;
    e->flags = GTF_permit_access;
}

static s16 map_grant(u64 at, u32 ref, u32 *handle)
{
    struct gnttab_map_grant_ref op = { .host_addr = at << PAGE_SHIFT, .flags = GNTMAP_host_map, .ref = ref,
                                       .dom = guest->id };
    s16 status = grant_map(be, guest, &op);

    *handle = op.handle;
    return status;
}

/* The back end's memory_op; its arguments are in its own page. */
static long memory_op(u64 cmd, const void *arg, size_t bytes)
{
    u64 args[5] = { cmd, OWN << PAGE_SHIFT, 0, 0, 0 };

    long rc;

    memcpy(unit_guest_ptr(be, OWN << PAGE_SHIFT), arg, bytes);
    host_pcpu->current = be->vcpu[0];
    rc = do_memory_op(be->vcpu[0], args);
    host_pcpu->current = host_pcpu->idle;
    return rc;
}

static long map_foreign(u64 idx, u64 at)
{
    char *list = unit_guest_ptr(be, (OWN << PAGE_SHIFT) + 1024);
    struct xen_add_to_physmap_batch b = { .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign, .size = 1,
                                          .u.foreign_domid = guest->id };

    b.idxs.q = (OWN << PAGE_SHIFT) + 1024;
    b.gpfns.q = b.idxs.q + 8;
    b.errs.q = b.idxs.q + 16;
    memcpy(list, &idx, 8);
    memcpy(list + 8, &at, 8);
    assert_int_equal(memory_op(XENMEM_add_to_physmap_batch, &b, sizeof(b)), 0);
    return *(s32 *)(void *)(list + 16);
}

static long acquire_grant_frame(u64 at)
{
    struct xen_mem_acquire_resource r = { .domid = guest->id, .type = XENMEM_resource_grant_table, .nr_frames = 1 };

    r.frame_list.q = (OWN << PAGE_SHIFT) + 1024;
    memcpy(unit_guest_ptr(be, r.frame_list.q), &at, 8);
    return memory_op(XENMEM_acquire_resource, &r, sizeof(r));
}

static long unmap(u64 at)
{
    struct xen_remove_from_physmap r = { .domid = DOMID_SELF, .gpfn = at };

    return memory_op(XENMEM_remove_from_physmap, &r, sizeof(r));
}

static void guest_dies(void)
{
    kill_all(guest);
    settle();
}

/* teardown(): and all memory comes back. */
static void is_gone(void)
{
    settle();
    assert_null(domain_lookup(2));
}

static void test_grant_mapping(void **state)
{
    u32 handle, second;

    (void)state;
    two_domains();
    grant_to_be(5, OWN);
    assert_int_equal(map_grant(AT, 5, &handle), GNTST_okay);
    assert_int_equal(map_grant(AT + 1, 5, &second), GNTST_okay);
    guest_dies();
    assert_ptr_equal(domain_lookup(2), guest);
    assert_int_equal(guest->tot_pages, 1);
    assert_non_null(guest->grant);
    assert_int_equal(grant_unmap(be, AT << PAGE_SHIFT, handle), GNTST_okay);
    settle();
    assert_ptr_equal(domain_lookup(2), guest);
    assert_int_equal(grant_unmap(be, (AT + 1) << PAGE_SHIFT, second), GNTST_okay);
    is_gone();
}

/* Both ends die, in either order. */
static void test_mapper_dies_too(void **state)
{
    u32 handle;

    (void)state;
    two_domains();
    grant_to_be(5, OWN);
    assert_int_equal(map_grant(AT, 5, &handle), GNTST_okay);
    guest_dies();
    kill_all(be);
    is_gone();
    assert_null(domain_lookup(1));
}

/* A guest's shared info and the first frame of its grant table cannot be pinned; the guest's end waits for nothing. */
static void test_grant_of_shared_page(void **state)
{
    u32 handle;

    (void)state;
    two_domains();
    assert_int_equal(p2m_map(guest, gfn(0x100), virt_to_mfn(guest->shared_info), 1, P2M_RAM_RW), 0);
    guest->shared_info_gfn = gfn(0x100);
    assert_int_equal(p2m_map(guest, gfn(0x101), virt_to_mfn(guest->grant->shared[0]), 1, P2M_RAM_RW), 0);
    guest->grant->frame_gfn[0] = gfn(0x101);
    grant_to_be(5, 0x100);
    grant_to_be(6, 0x101);
    assert_int_equal(map_grant(AT, 5, &handle), GNTST_bad_page);
    assert_int_equal(map_grant(AT, 6, &handle), GNTST_bad_page);
    guest_dies();
    is_gone();
}

/* Foreign mappings may be of any page: a shared one is waited for after the table has gone. */
static void test_foreign_mappings(void **state)
{
    (void)state;
    two_domains();
    assert_int_equal(p2m_map(guest, gfn(0x100), virt_to_mfn(guest->shared_info), 1, P2M_RAM_RW), 0);
    assert_int_equal(map_foreign(OWN, AT), 0);
    assert_int_equal(map_foreign(0x100, AT + 1), 0);
    assert_int_equal(acquire_grant_frame(AT + 2), 0);
    assert_int_equal(be->nr_foreign, 3);
    guest_dies();
    assert_ptr_equal(domain_lookup(2), guest);
    assert_int_equal(guest->tot_pages, 1);
    assert_int_equal(acquire_grant_frame(AT + 3), -EINVAL);
    assert_int_equal(unmap(AT), 0);
    settle();
    assert_ptr_equal(domain_lookup(2), guest);
    assert_null(guest->grant);
    assert_int_equal(guest->shared_pages, 2);
    assert_int_equal(unmap(AT + 1), 0);
    assert_int_equal(unmap(AT + 2), 0);
    assert_int_equal(be->nr_foreign, 0);
    is_gone();
}

/* What it has of others goes with it, and with all of it. */
static void test_holder_dies(void **state)
{
    u32 handle;

    (void)state;
    two_domains();
    grant_to_be(5, OWN);
    assert_int_equal(map_grant(AT, 5, &handle), GNTST_okay);
    assert_int_equal(map_foreign(OWN, AT + 1), 0);
    assert_int_equal(acquire_grant_frame(AT + 2), 0);
    kill_all(be);
    settle();
    assert_null(domain_lookup(1));
    assert_int_equal(own->count, 1);
    assert_int_equal(virt_to_page(guest->grant->shared[0])->count, 1);
    assert_int_equal(guest->grant->active[0][5].writers, 0);
}

/* A reference for the length of a call, dropped after the domain is gone but for that. */
static void test_reference_of_a_call(void **state)
{
    (void)state;
    two_domains();
    assert_true(page_get(page_to_mfn(own), guest));
    vcpu_stop(guest->vcpu[1], VPF_DOWN);
    assert_int_equal(vcpu_register_info(guest->vcpu[1], gfn(OWN), 64), 0);
    guest_dies();
    assert_ptr_equal(domain_lookup(2), guest);
    assert_non_null(guest->grant);
    page_put(own);
    is_gone();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        domain_case(test_grant_mapping),
        domain_case(test_mapper_dies_too),
        domain_case(test_grant_of_shared_page),
        domain_case(test_foreign_mappings),
        domain_case(test_holder_dies),
        domain_case(test_reference_of_a_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
