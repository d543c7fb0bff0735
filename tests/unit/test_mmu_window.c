/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* Windows on memory and devices: which addresses they get, and that those of closed ones come back. */
#include "sysreg.h"

/* The fake machine's direct map begins at 0, below which is nothing. */
#pragma GCC diagnostic ignored "-Wtype-limits"
#define virt_to_mfn mmu_virt_to_mfn              /* the fake machine has its own */
#include "../../hypervisor/arch/arm/arm64/mmu.c"

u64 boot_l0[512];
char image_start[1], image_end[1], ro_after_boot_start[1], ro_after_boot_end[1], boot_start[1], boot_end[1];
static u64 mapped_va, mapped_pa, mapped_size, unmapped_va, unmapped_size;
static int map_rc;

int pgt_map(struct pgtable *t, u64 va, paddr_t pa, u64 size, u64 attrs)
{
    assert_ptr_equal(t->root, boot_l0);
    (void)attrs;
    mapped_va = va;
    mapped_pa = pa;
    mapped_size = size;
    return map_rc;
}

int pgt_unmap(struct pgtable *t, u64 va, u64 size)
{
    assert_ptr_equal(t->root, boot_l0);
    unmapped_va = va;
    unmapped_size = size;
    return 0;
}

static u64 window(u64 pa, u64 size)
{
    return (u64)mmu_window(pa, size, MMU_RO);
}

static void test_addresses(void **state)
{
    u64 a, b, c;

    (void)state;
    a = window(0x40000ffc, 8);                   /* over the edge of a page */
    assert_int_equal(a, HYP_IOREMAP_VA + 0xffc);
    assert_int_equal(mapped_va, HYP_IOREMAP_VA);
    assert_int_equal(mapped_pa, 0x40000000);
    assert_int_equal(mapped_size, 0x2000);
    b = window(0x50000000, 0x1000);
    assert_int_equal(b, HYP_IOREMAP_VA + 0x2000);
    /* The latest of them: its addresses are used again, and then those of the one before. */
    mmu_window_close((void *)b, 0x1000);
    assert_int_equal(unmapped_va, b);
    assert_int_equal(unmapped_size, 0x1000);
    assert_int_equal(window(0x60000000, 0x3000), b);
    mmu_window_close((void *)b, 0x3000);
    mmu_window_close((void *)a, 8);
    assert_int_equal(unmapped_va, HYP_IOREMAP_VA);
    assert_int_equal(unmapped_size, 0x2000);
    assert_int_equal(window(0x70000000, 1), HYP_IOREMAP_VA);
    /* Not those of another: what is behind it is in use. */
    b = window(0x70000000, 1);
    c = window(0x70000000, 1);
    mmu_window_close((void *)b, 1);
    assert_int_equal(window(0x70000000, 1), c + 0x1000);
}

static void test_none(void **state)
{
    (void)state;
    assert_int_equal(window(0x40000000, 0), 0);
    assert_int_equal(window(~0UL - 0xfff, 0x2000), 0);
    assert_int_equal(window(0, HYP_IOREMAP_SIZE + 1), 0);
    map_rc = -ENOMEM;
    assert_int_equal(window(0x40000000, 1), 0);
    map_rc = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = { unit_case(test_addresses), unit_case(test_none) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
