/* SPDX-License-Identifier: MIT */
/* grant_table_op: batches, results in guest memory, permissions, restarts. */
/* unit-sources: core/hypercall/grant_table.c core/grant/table.c core/grant/pin.c core/grant/map.c core/grant/copy.c */
/* unit-sources: core/grant/cache.c core/event/guest_atomic.c */
#include "test_grant_common.h"

#define HOLE    0x10000000UL
#define NOWHERE 0x7ff0000UL

static struct domain *d0, *d1, *d2;

void arch_clean_inval_dcache(const void *va, size_t n)
{
    (void)va;
    (void)n;
}

static void make_three(void)
{
    d0 = make(0);
    d1 = make(1);
    d2 = make(2);
}

static u64 args[5];

static long call_at(struct domain *d, u64 cmd, u64 gva, u64 count)
{
    args[0] = cmd;
    args[1] = gva;
    args[2] = count;
    unit_set_current(d->vcpu[0]);
    return do_grant_table_op(d->vcpu[0], args);
}

static void get(struct domain *d, u64 gva, void *out, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        ((char *)out)[i] = *(char *)unit_guest_ptr(d, gva + i);
    }
}

/* Array a of n elements in guest memory, the call, the array read back. */
static long call_sized(struct domain *d, u32 cmd, void *a, size_t size, u32 n)
{
    u64 gva = unit_guest_put(d, a, size * n);
    long rc = call_at(d, cmd, gva, n);

    get(d, gva, a, size * n);
    return rc;
}
#define call(d, cmd, a, n) call_sized((d), (cmd), (a), sizeof(*(a)), (n))

static void test_command_checks(void **state)
{
    static const u32 single[] = { GNTTABOP_setup_table, GNTTABOP_query_size, GNTTABOP_set_version, GNTTABOP_get_version,
                                  GNTTABOP_get_status_frames };

    (void)state;
    make_three();
    assert_int_equal(call_at(d0, GNTTABOP_dump_table, 0, 1), -ENOSYS);
    assert_int_equal(call_at(d0, GNTTABOP_transfer, 0, 1), -ENOSYS);
    assert_int_equal(call_at(d0, 13, 0, 1), -ENOSYS);
    assert_int_equal(call_at(d0, 0xfff, 0, 1), -ENOSYS);
    assert_int_equal(call_at(d0, 1u << 12, 0, 1), -EINVAL);
    assert_int_equal(call_at(d0, ~0u, 0, 1), -EINVAL);
    assert_int_equal(call_at(d0, GNTTABOP_map_grant_ref, 0, 0x80000000), -EINVAL);
    assert_int_equal(call_at(d0, GNTTABOP_map_grant_ref, NOWHERE, 0), 0);      /* nothing to do */
    for (u32 cmd = 0; cmd <= 12; cmd++) {
        if (cmd != GNTTABOP_dump_table && cmd != GNTTABOP_transfer) {
            assert_int_equal(call_at(d0, cmd, NOWHERE, 1), -EFAULT);
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(single); i++) {
        assert_int_equal(call_at(d0, single[i], NOWHERE, 0), -EINVAL);
        assert_int_equal(call_at(d0, single[i], NOWHERE, 2), -EINVAL);
    }
}

static void test_map_batch(void **state)
{
    struct gnttab_map_grant_ref m[5];
    struct gnttab_unmap_grant_ref u[2];

    (void)state;
    make_three();
    give(d1, 1, d0, 0);
    give(d1, 2, d0, 0);
    memset(m, 0, sizeof(m));
    m[0] = (struct gnttab_map_grant_ref){ .host_addr = HOLE, .flags = RW, .ref = 1, .dom = 1 };
    m[1] = (struct gnttab_map_grant_ref){ .host_addr = HOLE + 0x1000, .flags = RW, .ref = 1, .dom = 33 };
    m[2] = (struct gnttab_map_grant_ref){ .host_addr = HOLE + 0x1000, .flags = RW, .ref = 5000, .dom = 1 };
    m[3] = (struct gnttab_map_grant_ref){ .host_addr = HOLE + 0x1000, .flags = 0, .ref = 1, .dom = 1 };
    m[4] = (struct gnttab_map_grant_ref){ .host_addr = HOLE + 0x1000, .flags = RO, .ref = 2, .dom = 1 };
    assert_int_equal(call(d0, GNTTABOP_map_grant_ref, m, 5), 0);
    assert_int_equal(m[0].status, GNTST_okay);
    assert_int_equal(m[1].status, GNTST_bad_domain);
    assert_int_equal(m[2].status, GNTST_bad_gntref);
    assert_int_equal(m[3].status, GNTST_general_error);
    assert_int_equal(m[4].status, GNTST_okay);
    assert_int_not_equal(m[0].handle, m[4].handle);
    assert_int_equal(m[0].dev_bus_addr, mfn_to_paddr(page_to_mfn(page_of(d0, HOLE))));
    assert_int_equal(type_at(d0, HOLE + 0x1000), P2M_GRANT_RO);

    u[0] = (struct gnttab_unmap_grant_ref){ .host_addr = HOLE, .handle = m[0].handle };
    u[1] = (struct gnttab_unmap_grant_ref){ .host_addr = HOLE + 0x1000, .handle = m[4].handle, .dev_bus_addr = 0x1234 };
    assert_int_equal(call(d0, GNTTABOP_unmap_grant_ref, u, 2), 0);
    assert_int_equal(u[0].status, GNTST_okay);
    assert_int_equal(u[1].status, GNTST_okay);
    assert_int_equal(call(d0, GNTTABOP_unmap_grant_ref, u, 1), 0);
    assert_int_equal(u[0].status, GNTST_bad_handle);
    assert_int_equal(d0->grant->nr_maps, 0);
}

static void test_map_permissions(void **state)
{
    struct gnttab_map_grant_ref m = { .host_addr = HOLE, .flags = RW, .ref = 1, .dom = 1 };

    (void)state;
    make_three();
    give(d1, 1, d2, 0);
    assert_int_equal(call(d2, GNTTABOP_map_grant_ref, &m, 1), 0);
    assert_int_equal(m.status, GNTST_permission_denied);      /* two guests */
    give(d0, 1, d2, 0);
    m.dom = 0;
    assert_int_equal(call(d2, GNTTABOP_map_grant_ref, &m, 1), 0);
    assert_int_equal(m.status, GNTST_okay);
    give(d2, 1, d2, 0);
    m = (struct gnttab_map_grant_ref){ .host_addr = HOLE + 0x1000, .flags = RW, .ref = 1, .dom = DOMID_SELF };
    assert_int_equal(call(d2, GNTTABOP_map_grant_ref, &m, 1), 0);
    assert_int_equal(m.status, GNTST_okay);
}

static void test_preemption(void **state)
{
    struct gnttab_map_grant_ref m[6], out[6];
    u64 gva;
    long rc;
    u32 calls = 0;

    (void)state;
    make_three();
    for (u32 i = 0; i < 6; i++) {
        give(d1, i, d0, 0);
        m[i] = (struct gnttab_map_grant_ref){ .host_addr = HOLE + i * PAGE_SIZE, .flags = RW, .ref = i, .dom = 1 };
        m[i].status = 99;
    }
    gva = unit_guest_put(d0, m, sizeof(m));
    host_irq_waiting = true;
    rc = call_at(d0, GNTTABOP_map_grant_ref, gva, 6);
    while (rc == -ERESTART) {
        calls++;
        assert_int_equal(args[1], gva + calls * sizeof(m[0]));
        assert_int_equal(args[2], 6 - calls);
        assert_int_equal(args[0], GNTTABOP_map_grant_ref);
        rc = do_grant_table_op(d0->vcpu[0], args);
    }
    host_irq_waiting = false;
    assert_int_equal(rc, 0);
    assert_int_equal(calls, 5);                               /* not after the last one */
    get(d0, gva, out, sizeof(out));
    for (u32 i = 0; i < 6; i++) {
        assert_int_equal(out[i].status, GNTST_okay);
    }
    assert_int_equal(d0->grant->nr_maps, 6);
}

/* Elements of 24 bytes in two pages, one of them in both; nothing around the results is written, no reference stays. */
static void test_elements_anywhere(void **state)
{
    struct gnttab_unmap_grant_ref u[200];
    u32 before[2];
    u64 gva;
    char *first;

    (void)state;
    make_three();
    for (u32 offset = 0; offset < 32; offset += 4) {
        memset(u, 0, sizeof(u));
        for (u32 i = 0; i < ARRAY_SIZE(u); i++) {
            u[i] = (struct gnttab_unmap_grant_ref){ .host_addr = HOLE, .handle = 77, .status = 1, .dev_bus_addr = i };
        }
        gva = unit_guest_alloc(d0, 2 * PAGE_SIZE);
        first = unit_guest_ptr(d0, gva);
        memset(first, 0x5a, 2 * PAGE_SIZE);
        memcpy(first + offset, u, sizeof(u));
        before[0] = virt_to_page(first)->count;
        before[1] = virt_to_page(first + PAGE_SIZE)->count;
        assert_int_equal(call_at(d0, GNTTABOP_unmap_grant_ref, gva + offset, ARRAY_SIZE(u)), 0);
        assert_int_equal(virt_to_page(first)->count, before[0]);
        assert_int_equal(virt_to_page(first + PAGE_SIZE)->count, before[1]);
        for (u32 i = 0; i < ARRAY_SIZE(u); i++) {
            u[i].status = GNTST_bad_handle;
        }
        assert_memory_equal(first + offset, u, sizeof(u));
        assert_int_equal(first[offset + sizeof(u)], 0x5a);
    }
}

/* The result cannot be told: the mapping does not stay. */
static void test_unwritable_result(void **state)
{
    struct gnttab_map_grant_ref m = { .host_addr = HOLE, .flags = RW, .ref = 1, .dom = 1 };
    struct p2m_old old;
    mfn_t frame;
    enum p2m_type t;
    u64 gva;

    (void)state;
    make_three();
    give(d1, 1, d0, 0);
    gva = unit_guest_put(d0, &m, sizeof(m));
    frame = p2m_lookup(d0, gpa_to_gfn(gva), &t, NULL);
    assert_int_equal(p2m_replace(d0, gpa_to_gfn(gva), frame, P2M_RAM_RO, P2M_RAM, &old), 0);
    assert_int_equal(call_at(d0, GNTTABOP_map_grant_ref, gva, 1), -EFAULT);
    assert_int_equal(type_at(d0, HOLE), P2M_INVALID);
    assert_int_equal(d0->grant->nr_maps, 0);
    assert_int_equal(entry(d1, 1)->flags, GTF_permit_access);
}

static void test_unmap_and_replace(void **state)
{
    struct gnttab_unmap_and_replace r;
    u32 handle;

    (void)state;
    make_three();
    give(d1, 1, d0, 0);
    assert_int_equal(map(d0, HOLE, d1, 1, RW, &handle), GNTST_okay);
    r = (struct gnttab_unmap_and_replace){ .host_addr = HOLE, .new_addr = 0x1000, .handle = handle };
    assert_int_equal(call(d0, GNTTABOP_unmap_and_replace, &r, 1), 0);
    assert_int_equal(r.status, GNTST_general_error);
    r.new_addr = 0;
    assert_int_equal(call(d0, GNTTABOP_unmap_and_replace, &r, 1), 0);
    assert_int_equal(r.status, GNTST_okay);
    assert_int_equal(type_at(d0, HOLE), P2M_INVALID);
}

static void test_query_and_setup(void **state)
{
    struct gnttab_query_size q = { .dom = DOMID_SELF };
    struct gnttab_setup_table s;
    u64 list, frames[3];

    (void)state;
    make_three();
    assert_int_equal(call(d1, GNTTABOP_query_size, &q, 1), 0);
    assert_int_equal(q.status, GNTST_okay);
    assert_int_equal(q.nr_frames, 1);
    assert_int_equal(q.max_nr_frames, 4);
    q.dom = 2;
    assert_int_equal(call(d1, GNTTABOP_query_size, &q, 1), 0);
    assert_int_equal(q.status, GNTST_permission_denied);
    assert_int_equal(call(d0, GNTTABOP_query_size, &q, 1), 0);
    assert_int_equal(q.status, GNTST_okay);
    q.dom = 99;
    assert_int_equal(call(d0, GNTTABOP_query_size, &q, 1), 0);
    assert_int_equal(q.status, GNTST_bad_domain);

    list = unit_guest_alloc(d1, PAGE_SIZE);
    grant_frame_set_gfn(d1, 0, gfn(0x38000));
    memset(&s, 0, sizeof(s));
    s.dom = DOMID_SELF;
    s.nr_frames = 3;
    s.frame_list.q = list;
    assert_int_equal(call(d1, GNTTABOP_setup_table, &s, 1), 0);
    assert_int_equal(s.status, GNTST_okay);
    get(d1, list, frames, sizeof(frames));
    assert_int_equal(frames[0], 0x38000);
    assert_int_equal(frames[2], ~0UL);                        /* mapped nowhere */
    s.nr_frames = 5;
    assert_int_equal(call(d1, GNTTABOP_setup_table, &s, 1), 0);
    assert_int_equal(s.status, GNTST_general_error);
    s.nr_frames = 4;
    s.frame_list.q = NOWHERE;
    assert_int_equal(call(d1, GNTTABOP_setup_table, &s, 1), 0);
    assert_int_equal(s.status, GNTST_bad_virt_addr);
    s.dom = 0;
    assert_int_equal(call(d1, GNTTABOP_setup_table, &s, 1), 0);
    assert_int_equal(s.status, GNTST_permission_denied);
}

static void test_versions(void **state)
{
    struct gnttab_set_version s = { .version = 1 };
    struct gnttab_get_version g = { .dom = DOMID_SELF, .version = 7 };
    struct gnttab_get_status_frames f;

    (void)state;
    make_three();
    assert_int_equal(call(d1, GNTTABOP_set_version, &s, 1), 0);
    assert_int_equal(s.version, 1);
    s.version = 2;
    assert_int_equal(call(d1, GNTTABOP_set_version, &s, 1), -ENOSYS);
    assert_int_equal(s.version, 1);
    s.version = 0;
    assert_int_equal(call(d1, GNTTABOP_set_version, &s, 1), -EINVAL);
    s.version = 3;
    assert_int_equal(call(d1, GNTTABOP_set_version, &s, 1), -EINVAL);
    assert_int_equal(call(d1, GNTTABOP_get_version, &g, 1), 0);
    assert_int_equal(g.version, 1);
    g.dom = 2;
    assert_int_equal(call(d1, GNTTABOP_get_version, &g, 1), -EPERM);
    g.dom = 77;
    assert_int_equal(call(d1, GNTTABOP_get_version, &g, 1), -ESRCH);
    memset(&f, 0, sizeof(f));
    f.dom = DOMID_SELF;
    f.nr_frames = 1;
    assert_int_equal(call(d1, GNTTABOP_get_status_frames, &f, 1), 0);
    assert_int_equal(f.status, GNTST_general_error);
}

static void test_copy(void **state)
{
    struct gnttab_copy c[4];
    u64 from, to;

    (void)state;
    make_three();
    from = give(d1, 1, d0, 0);
    to = unit_guest_alloc(d0, PAGE_SIZE);
    *(u64 *)unit_guest_ptr(d1, from + 8) = 0x1122334455667788;
    memset(c, 0, sizeof(c));
    for (u32 i = 0; i < 4; i++) {
        c[i].source.u.ref = 1;
        c[i].source.domid = 1;
        c[i].source.offset = 8;
        c[i].dest.u.gmfn = to >> PAGE_SHIFT;
        c[i].dest.domid = DOMID_SELF;
        c[i].dest.offset = 16;
        c[i].len = 8;
        c[i].flags = GNTCOPY_source_gref;
    }
    c[1].source.domid = 55;
    c[2].dest.domid = 0;                                      /* a frame by number must be DOMID_SELF's */
    c[3].len = 5000;
    assert_int_equal(call(d0, GNTTABOP_copy, c, 4), 0);
    assert_int_equal(c[0].status, GNTST_okay);
    assert_int_equal(c[1].status, GNTST_bad_domain);
    assert_int_equal(c[2].status, GNTST_permission_denied);
    assert_int_equal(c[3].status, GNTST_bad_copy_arg);
    assert_int_equal(*(u64 *)unit_guest_ptr(d0, to + 16), 0x1122334455667788);
    /* Between guests. */
    give(d1, 2, d2, 0);
    c[0].source.u.ref = 2;
    c[0].dest.u.gmfn = unit_guest_alloc(d2, PAGE_SIZE) >> PAGE_SHIFT;
    assert_int_equal(call(d2, GNTTABOP_copy, c, 1), 0);
    assert_int_equal(c[0].status, GNTST_permission_denied);
}

static void test_swap_and_flush(void **state)
{
    struct gnttab_swap_grant_ref s = { .ref_a = 1, .ref_b = 2 };
    struct gnttab_cache_flush f[2];

    (void)state;
    make_three();
    give(d1, 1, d0, 0);
    assert_int_equal(call(d1, GNTTABOP_swap_grant_ref, &s, 1), 0);
    assert_int_equal(s.status, GNTST_okay);
    assert_int_equal(entry(d1, 1)->flags, 0);
    assert_int_equal(entry(d1, 2)->flags, GTF_permit_access);
    memset(f, 0, sizeof(f));
    assert_int_equal(call(d1, GNTTABOP_cache_flush, f, 2), 0);
    f[0].length = 1;
    f[0].op = GNTTAB_CACHE_CLEAN;
    f[0].a.dev_bus_addr = 0x1000;
    assert_int_equal(call(d1, GNTTABOP_cache_flush, f, 2), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        grant_test(test_command_checks), grant_test(test_map_batch), grant_test(test_map_permissions),
        grant_test(test_preemption),
        grant_test(test_elements_anywhere),
        grant_test(test_unwritable_result), grant_test(test_unmap_and_replace), grant_test(test_query_and_setup),
        grant_test(test_versions), grant_test(test_copy), grant_test(test_swap_and_flush),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
