/* SPDX-License-Identifier: MIT */
/* The fake machine itself: what the other tests stand on. Public structs are laid out here as on ARM. */
/* unit-sources: core/hypercall/layout.c */
#include "unit.h"

static void test_guest_memory(void **state)
{
    struct domain *d = unit_domain(1, 2);
    u64 gpa;
    u32 value = 0x12345678, back = 0;

    (void)state;
    unit_set_current(d->vcpu[0]);
    gpa = unit_guest_alloc(d, 2 * PAGE_SIZE);
    assert_int_equal(copy_to_guest(gpa + PAGE_SIZE - 2, &value, sizeof(value)), 0);
    assert_int_equal(copy_from_guest(&back, gpa + PAGE_SIZE - 2, sizeof(back)), 0);
    assert_int_equal(back, value);
    assert_int_equal(copy_from_guest(&back, gpa + 2 * PAGE_SIZE - 2, sizeof(back)), -EFAULT);
    assert_int_equal(clear_guest(gpa, 2 * PAGE_SIZE), 0);
    assert_int_equal(*(u16 *)unit_guest_ptr(d, gpa + PAGE_SIZE - 2), 0);
}

static void count(void *data)
{
    (*(u32 *)data)++;
}

static void test_time(void **state)
{
    struct timer t;
    u32 fired = 0;

    (void)state;
    timer_setup(&t, count, &fired, 0);
    timer_set(&t, now_ns() + 100);
    unit_advance(99);
    assert_int_equal(fired, 0);
    unit_advance(1);
    assert_int_equal(fired, 1);
    assert_int_equal(unit_next_timer(), ~0UL);
}

static void test_records(void **state)
{
    struct domain *d = unit_domain(5, 1);

    (void)state;
    assert_ptr_equal(domain_lookup(5), d);
    assert_null(domain_lookup(4));
    assert_ptr_equal(domain_lookup_from(4), d);
    vcpu_kick(d->vcpu[0], PEND_VGIC);
    assert_int_equal(host_calls("vcpu_kick"), 1);
    assert_int_equal(host_last("vcpu_kick")->a[1], PEND_VGIC);
    assert_null(host_last("smp_kick"));
    assert_int_equal(d->vcpu[0]->pending, PEND_VGIC);
}

static void test_lock_order(void **state)
{
    struct spinlock low = SPINLOCK_INIT(RANK_DOMAIN), high = SPINLOCK_INIT(RANK_HEAP);

    (void)state;
    spin_lock(&low);
    spin_lock(&high);
    assert_int_equal(this_cpu()->lock_depth, 2);
    spin_unlock(&low);
    spin_unlock(&high);
    assert_int_equal(this_cpu()->lock_depth, 0);
}

static void test_panic(void **state)
{
    (void)state;
    unit_expect_panic(panic("as expected"));
    unit_expect_panic(ASSERT(1 == 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_case(test_guest_memory),
        unit_case(test_time),
        unit_case(test_records),
        unit_case(test_lock_order),
        unit_case(test_panic),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
