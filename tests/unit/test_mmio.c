/* SPDX-License-Identifier: MIT */
/* unit-sources: vdev/mmio.c */
#include "unit.h"

#include <argon/domain.h>
#include <vdev/mmio.h>

static u64 none_read(struct vcpu *v, u64 offset, u64 size)
{
    (void)v;
    (void)offset;
    (void)size;
    return 0;
}

static void none_write(struct vcpu *v, u64 offset, u64 size, u64 value)
{
    (void)v;
    (void)offset;
    (void)size;
    (void)value;
}

static void find(void **state)
{
    struct domain *d = unit_domain(1, 1);

    (void)state;
    assert_null(mmio_find(&d->arch.mmio, 0));
    assert_int_equal(mmio_register(d, 0x3000, 0x1000, none_read, none_write), 0);
    assert_int_equal(mmio_register(d, 0x1000, 0x1000, none_read, none_write), 0);
    assert_int_equal(mmio_register(d, 0xfffffffffffff000, 0x1000, none_read, none_write), 0);
    assert_int_equal(mmio_find(&d->arch.mmio, 0x1000)->base, 0x1000);
    assert_int_equal(mmio_find(&d->arch.mmio, 0x1fff)->base, 0x1000);
    assert_null(mmio_find(&d->arch.mmio, 0x2000));
    assert_null(mmio_find(&d->arch.mmio, 0xfff));
    assert_int_equal(mmio_find(&d->arch.mmio, 0x3abc)->base, 0x3000);
    assert_int_equal(mmio_find(&d->arch.mmio, ~0UL)->base, 0xfffffffffffff000);
    assert_null(mmio_find(&d->arch.mmio, 0x4000));
    for (u32 i = 1; i < d->arch.mmio.nr; i++) {
        assert_true(d->arch.mmio.region[i - 1].base < d->arch.mmio.region[i].base);
    }
}

static void refusals(void **state)
{
    struct domain *d = unit_domain(1, 1);

    (void)state;
    assert_int_equal(mmio_register(d, 0x1000, 0, none_read, none_write), -EINVAL);
    assert_int_equal(mmio_register(d, 0x1000, BIT(32), none_read, none_write), -EINVAL);
    assert_int_equal(mmio_register(d, ~0UL - 10, 0x1000, none_read, none_write), -EINVAL);
    assert_int_equal(mmio_register(d, 0x3000, 0x1000, none_read, none_write), 0);
    assert_int_equal(mmio_register(d, 0x3000, 0x1000, none_read, none_write), -EEXIST);
    assert_int_equal(mmio_register(d, 0x3fff, 1, none_read, none_write), -EEXIST);
    assert_int_equal(mmio_register(d, 0x2000, 0x1001, none_read, none_write), -EEXIST);
    assert_int_equal(mmio_register(d, 0, 0x10000, none_read, none_write), -EEXIST);
    assert_int_equal(mmio_register(d, 0x2000, 0x1000, none_read, none_write), 0);
    for (u64 i = 2; i < MMIO_MAX_REGIONS; i++) {
        assert_int_equal(mmio_register(d, i << 20, 0x1000, none_read, none_write), 0);
    }
    assert_int_equal(mmio_register(d, 99UL << 20, 0x1000, none_read, none_write), -ENOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = { unit_case(find), unit_case(refusals) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
