/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* unit-sources: arch/arm/pgtable.c */
/* Firmware's translation: what it has of the hypervisor's, attributes by kind, addresses that cannot be. */
#include "sysreg.h"

/* The fake machine's direct map begins at 0, below which is nothing. */
#pragma GCC diagnostic ignored "-Wtype-limits"
#define virt_to_mfn mmu_virt_to_mfn              /* the fake machine has its own */
#include "../../hypervisor/arch/arm/arm64/mmu.c"

u64 boot_l0[512] aligned_to(4096);
char image_start[1], image_end[1], ro_after_boot_start[1], ro_after_boot_end[1], boot_start[1], boot_end[1];

static int setup(void **state)
{
    int rc = sysreg_setup(state);

    memset(boot_l0, 0, sizeof(boot_l0));
    boot_l0[HYP_IMAGE_VA >> 39] = 0x1003;
    boot_l0[HYP_STACK_VA >> 39] = 0x2003;
    boot_l0[300] = 0x3003;
    firmware_pgt.root = NULL;
    image_pa = UINT64_MAX;                       /* no table is in the image */
    mmu_use_heap();
    return rc;
}

static u64 entry(u64 va)
{
    unsigned int level;

    return pgt_lookup(&firmware_pgt, va, &level);
}

static void test_root(void **state)
{
    (void)state;
    assert_int_equal(mmu_firmware_map(0x80000000, 0x3000, MMU_RX), 0);
    insn_forget();
    assert_int_equal(mmu_firmware_root(), (paddr_t)firmware_pgt.root);
    insn_expect("dsb ishst", NULL);
    for (u32 i = 1; i < 512; i++) {
        assert_int_equal(firmware_pgt.root[i], boot_l0[i]);
    }
    assert_int_equal(entry(0x80000000) & PTE_ADDR_MASK, 0x80000000);
    assert_int_equal(entry(0x80002fff) & PTE_ADDR_MASK, 0x80002000);
    assert_int_equal(entry(0x80003000), 0);
    assert_int_equal(boot_l0[0], 0);             /* and the hypervisor has nothing of firmware's */
}

/* Writable and executable is one kind only; registers are Device-nGnRE and never executed. */
static void test_kinds(void **state)
{
    static const struct { enum mmu_kind kind; bool executable, writable; u32 index; } kinds[] = {
        { MMU_RW, false, true, MAIR_IDX_NORMAL }, { MMU_RO, false, false, MAIR_IDX_NORMAL },
        { MMU_RX, true, false, MAIR_IDX_NORMAL }, { MMU_RWX, true, true, MAIR_IDX_NORMAL },
        { MMU_NC, false, true, MAIR_IDX_NC }, { MMU_DEVICE, false, true, MAIR_IDX_DEVICE },
    };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
        u64 at = 0x80000000 + i * PAGE_SIZE, pte;

        assert_int_equal(mmu_firmware_map(at, PAGE_SIZE, kinds[i].kind), 0);
        pte = entry(at);
        assert_int_equal((pte & PTE_XN) == 0, kinds[i].executable);
        assert_int_equal((pte & PTE_S1_RO) == 0, kinds[i].writable);
        assert_int_equal(pte >> 2 & 7, kinds[i].index);
        assert_true(pte & PTE_AF);
    }
}

static void test_refused(void **state)
{
    (void)state;
    assert_int_equal(mmu_firmware_map(HYP_IMAGE_VA + 0x5000, PAGE_SIZE, MMU_RW), -EADDRINUSE);
    assert_int_equal(mmu_firmware_map(HYP_IMAGE_VA - PAGE_SIZE, 2 * PAGE_SIZE, MMU_RW), -EADDRINUSE);
    assert_int_equal(mmu_firmware_map(BIT(HYP_DIRECTMAP_BITS), PAGE_SIZE, MMU_RW), -EADDRINUSE);
    assert_int_equal(mmu_firmware_map(0x80000000, 0, MMU_RW), -EINVAL);
    assert_int_equal(mmu_firmware_map(~0xfffUL, 0x2000, MMU_RW), -EINVAL);
    assert_int_equal(mmu_firmware_map(1UL << 48, PAGE_SIZE, MMU_RW), -EINVAL);
    assert_null(firmware_pgt.root);
    unit_alloc_fail_after = 0;
    assert_int_equal(mmu_firmware_map(0x80000000, PAGE_SIZE, MMU_RW), -ENOMEM);
    assert_int_equal(mmu_firmware_root(), 0);
}

#define firmware_case(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        firmware_case(test_root), firmware_case(test_kinds), firmware_case(test_refused),
    };

    return cmocka_run_group_tests_name("mmu_firmware", tests, NULL, NULL);
}
