/* SPDX-License-Identifier: MIT */
/* unit-sources: core/hypercall/permission.c */
/* What XENMEMF_* of a reservation becomes on a machine with RAM above 4 GiB. */
#include "unit.h"
#include <argon/xen.h>
#include "../../hypervisor/core/hypercall/memory_op_reservation.c"

static u64 max_mfn;
u64 mem_max_mfn(void) { return max_mfn; }

static u32 memf_of(u32 flags)
{
    u32 memf = ~0u;

    assert_true(convert_flags(flags, &memf));
    return memf;
}

static void test_address_bits(void **state)
{
    u32 memf;

    (void)state;
    max_mfn = (GIB(8) >> PAGE_SHIFT) - 1;
    assert_int_equal(memf_of(0), 0);
    assert_int_equal(memf_of(XENMEMF_address_bits(32)), MEMF_LOW32);
    assert_int_equal(memf_of(XENMEMF_address_bits(33)), 0);      /* all there is */
    assert_false(convert_flags(XENMEMF_address_bits(31), &memf));
    assert_false(convert_flags(XENMEMF_address_bits(12), &memf));
    max_mfn = (GIB(2) >> PAGE_SHIFT) - 1;
    assert_int_equal(memf_of(XENMEMF_address_bits(31)), 0);
    assert_false(convert_flags(XENMEMF_address_bits(30), &memf));
}

static void test_nodes(void **state)
{
    u32 memf;

    (void)state;
    machine.nodes = 5;
    assert_int_equal(memf_of(XENMEMF_node(2)), MEMF_NODE(2));
    assert_int_equal(memf_of(XENMEMF_exact_node(2)), MEMF_NODE(2) | MEMF_EXACT_NODE);
    assert_false(convert_flags(XENMEMF_node(1), &memf));         /* there is none */
    assert_false(convert_flags(XENMEMF_vnode, &memf));
    assert_false(convert_flags(XENMEMF_populate_on_demand, &memf));
    machine.nodes = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = { unit_case(test_address_bits), unit_case(test_nodes) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
