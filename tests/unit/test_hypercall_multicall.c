/* SPDX-License-Identifier: MIT */
/* multicall: results, preemption, entries that go on, refusals. The entries are stand-ins of two hypercalls. */
/* unit-sources: core/hypercall/multicall.c core/hypercall/table.c */
#include "unit.h"

static u32 calls;
static u64 last_args[6];
static u32 restarts_left;

/* Entry 17: adds its two arguments; moves on by one each time it is restarted. */
long do_xen_version(struct vcpu *v, u64 *args)
{
    (void)v;
    calls++;
    memcpy(last_args, args, sizeof(last_args));
    if (restarts_left > 0) {
        restarts_left--;
        args[0]++;
        return -ERESTART;
    }
    return (long)(args[0] + args[1]);
}

/* Entry 29: the domain shuts down. */
long do_sched_op(struct vcpu *v, u64 *args)
{
    (void)args;
    v->pause_flags |= VPF_SHUTDOWN;
    return 0;
}

static struct vcpu *v;
static struct multicall_entry *entries;
static u64 gva;

static void make_entries(u32 n, u64 op)
{
    struct domain *d = unit_domain(1, 1);

    v = d->vcpu[0];
    unit_set_current(v);
    gva = unit_guest_alloc(d, PAGE_SIZE);
    entries = unit_guest_ptr(d, gva);
    for (u32 i = 0; i < n; i++) {
        entries[i].op = op;
        entries[i].result = 0x5555;
        entries[i].args[0] = i;
        entries[i].args[1] = 100;
    }
    calls = 0;
    restarts_left = 0;
}

static void test_results(void **state)
{
    u64 args[6];

    (void)state;
    make_entries(3, __HYPERVISOR_xen_version);
    entries[1].args[1] = ~0UL << 40;
    args[0] = gva;
    args[1] = 3;
    assert_int_equal(do_multicall(v, args), 0);
    assert_int_equal(entries[0].result, 100);
    assert_int_equal(entries[1].result, (~0UL << 40) + 1);
    assert_int_equal(entries[2].result, 102);
    assert_int_equal(entries[2].args[0], 2);
    assert_int_equal(calls, 3);
    args[1] = 0;
    assert_int_equal(do_multicall(v, args), 0);
}

static void test_preempted_between_entries(void **state)
{
    u64 args[6];

    (void)state;
    make_entries(4, __HYPERVISOR_xen_version);
    args[0] = gva;
    args[1] = 4;
    host_irq_waiting = true;             /* one entry each time, at least */
    for (u32 i = 1; i < 4; i++) {
        assert_int_equal(do_multicall(v, args), -ERESTART);
        assert_int_equal(calls, i);
        assert_int_equal(args[0], gva + i * 64);
        assert_int_equal(args[1], 4 - i);
    }
    assert_int_equal(do_multicall(v, args), 0);
    assert_int_equal(calls, 4);
    assert_int_equal(entries[3].result, 103);
}

static void test_entry_goes_on_where_it_was(void **state)
{
    u64 args[6];

    (void)state;
    make_entries(2, __HYPERVISOR_xen_version);
    args[0] = gva;
    args[1] = 2;
    restarts_left = 2;
    assert_int_equal(do_multicall(v, args), -ERESTART);
    assert_int_equal(entries[0].args[0], 1);
    assert_int_equal(entries[0].result, 0x5555);
    assert_int_equal(args[0], gva);
    assert_int_equal(do_multicall(v, args), -ERESTART);
    assert_int_equal(do_multicall(v, args), 0);
    assert_int_equal(entries[0].result, 102);
    assert_int_equal(entries[1].result, 101);
}

/* Entries anywhere: one in two pages is run by copies, and so are all of an array that is not aligned. */
static void test_any_address(void **state)
{
    static const u32 offsets[] = { 0, 8, 1, 3, 7, 32, 63, 64 };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(offsets); i++) {
        u64 args[6] = { 0, 70 };
        char *at;

        make_entries(0, 0);
        gva = unit_guest_alloc(v->domain, 3 * PAGE_SIZE) + offsets[i];
        at = unit_guest_ptr(v->domain, gva);
        for (u32 n = 0; n < 70; n++) {
            struct multicall_entry e = { .op = __HYPERVISOR_xen_version, .args = { n, 100 } };

            memcpy(at + n * sizeof(e), &e, sizeof(e));
        }
        args[0] = gva;
        assert_int_equal(do_multicall(v, args), 0);
        assert_int_equal(calls, 70);
        assert_int_equal(args[0], gva + 70 * 64);
        assert_int_equal(args[1], 0);
        for (u32 n = 0; n < 70; n++) {
            struct multicall_entry e;

            memcpy(&e, at + n * sizeof(e), sizeof(e));
            assert_int_equal(e.result, n + 100);
            assert_int_equal(e.args[0], n);
        }
    }
}

/* The same in an entry that lies in two pages, and for preemption after it. */
static void test_goes_on_across_pages(void **state)
{
    struct multicall_entry e = { .op = __HYPERVISOR_xen_version, .result = 0x5555, .args = { 1, 100 } };
    u64 args[6];
    char *at;

    (void)state;
    make_entries(0, 0);
    gva = unit_guest_alloc(v->domain, 2 * PAGE_SIZE) + PAGE_SIZE - 24;
    at = unit_guest_ptr(v->domain, gva);
    memcpy(at, &e, sizeof(e));
    memcpy(at + sizeof(e), &e, sizeof(e));
    args[0] = gva;
    args[1] = 2;
    restarts_left = 1;
    assert_int_equal(do_multicall(v, args), -ERESTART);
    memcpy(&e, at, sizeof(e));
    assert_int_equal(e.args[0], 2);
    assert_int_equal(e.result, 0x5555);
    assert_int_equal(args[0], gva);
    host_irq_waiting = true;
    assert_int_equal(do_multicall(v, args), -ERESTART);
    host_irq_waiting = false;
    memcpy(&e, at, sizeof(e));
    assert_int_equal(e.result, 102);
    assert_int_equal(args[0], gva + 64);
    assert_int_equal(args[1], 1);
    assert_int_equal(do_multicall(v, args), 0);
    assert_int_equal(calls, 3);
}

/* However it ends, no reference to the entries' page stays. */
static void test_page_is_put(void **state)
{
    struct page *pg;
    u64 args[6];
    u32 before;

    (void)state;
    make_entries(3, __HYPERVISOR_xen_version);
    pg = virt_to_page(entries);
    before = pg->count;
    args[0] = gva;
    args[1] = 3;
    restarts_left = 1;
    assert_int_equal(do_multicall(v, args), -ERESTART);
    assert_int_equal(pg->count, before);
    host_irq_waiting = true;
    assert_int_equal(do_multicall(v, args), -ERESTART);
    assert_int_equal(pg->count, before);
    host_irq_waiting = false;
    assert_int_equal(do_multicall(v, args), 0);
    assert_int_equal(pg->count, before);
}

static void test_refusals(void **state)
{
    u64 args[6];

    (void)state;
    make_entries(5, __HYPERVISOR_xen_version);
    entries[0].op = __HYPERVISOR_multicall;
    entries[1].op = 6;                   /* deprecated */
    entries[2].op = 64;
    entries[3].op = ~0UL;
    args[0] = gva;
    args[1] = 5;
    assert_int_equal(do_multicall(v, args), 0);
    assert_int_equal((long)entries[0].result, -EINVAL);
    assert_int_equal((long)entries[1].result, -ENOSYS);
    assert_int_equal((long)entries[2].result, -ENOSYS);
    assert_int_equal((long)entries[3].result, -ENOSYS);
    assert_int_equal(entries[4].result, 104);
    args[0] = 0xdead000;
    args[1] = 1;
    assert_int_equal(do_multicall(v, args), -EFAULT);
    args[1] = 1UL << 32;
    assert_int_equal(do_multicall(v, args), -EINVAL);
    /* Half of the list is mapped. */
    make_entries(0, 0);
    entries[63].op = __HYPERVISOR_xen_version;
    args[0] = gva + 63 * 64;
    args[1] = 2;
    assert_int_equal(do_multicall(v, args), -EFAULT);
    assert_int_equal(calls, 1);
}

static void test_32_bit_guest(void **state)
{
    u64 args[6];

    (void)state;
    make_entries(1, __HYPERVISOR_xen_version);
    v->domain->is_32bit = true;
    entries[0].args[5] = ~0UL;           /* not one of its arguments */
    args[0] = gva;
    args[1] = 1;
    assert_int_equal(do_multicall(v, args), 0);
    assert_int_equal(host_calls("domain_crash"), 0);
    entries[0].args[1] = 1UL << 32;
    args[0] = gva;
    args[1] = 1;
    assert_int_equal(do_multicall(v, args), 0);
    assert_int_equal(host_calls("domain_crash"), 1);
    assert_int_equal(calls, 1);
}

static void test_stops_when_the_domain_stops(void **state)
{
    u64 args[6];

    (void)state;
    make_entries(3, __HYPERVISOR_xen_version);
    entries[0].op = __HYPERVISOR_sched_op;
    args[0] = gva;
    args[1] = 3;
    assert_int_equal(do_multicall(v, args), -ERESTART);
    assert_int_equal(entries[0].result, 0);
    assert_int_equal(calls, 0);
    v->pause_flags = 0;
    assert_int_equal(do_multicall(v, args), 0);
    assert_int_equal(calls, 2);
}

static void test_table(void **state)
{
    static const u8 present[] = { 7, 12, 13, 17, 18, 20, 21, 24, 29, 32, 34, 35, 36, 42 };
    u32 k = 0;

    (void)state;
    for (u32 i = 0; i < NR_HYPERCALLS; i++) {
        bool want = k < ARRAY_SIZE(present) && present[k] == i;

        assert_non_null(hypercall_table[i]);
        assert_int_equal(hypercall_table[i] != hypercall_none, want);
        k += want;
    }
    assert_int_equal(k, ARRAY_SIZE(present));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_case(test_results),
        unit_case(test_preempted_between_entries),
        unit_case(test_entry_goes_on_where_it_was),
        unit_case(test_any_address),
        unit_case(test_goes_on_across_pages),
        unit_case(test_page_is_put),
        unit_case(test_refusals),
        unit_case(test_32_bit_guest),
        unit_case(test_stops_when_the_domain_stops),
        unit_case(test_table),
    };

    return cmocka_run_group_tests_name("hypercall_multicall", tests, NULL, NULL);
}
