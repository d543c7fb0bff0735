/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* unit-sources: boot/efi_runtime.c firmware/machine.c */
/* Boot: what UEFI left is reserved, mapped and enabled, or the reason is said. */
#include "sysreg.h"
#include <argon/boot.h>
#include <argon/efi_runtime.h>
#include <asm/firmware_call.h>
#include <asm/mmu.h>

#define RAM 0x80000000UL

const struct firmware_memory boot_firmware_memory;
static struct efi_found tables;  /* what is found */
static int parse_rc, map_rc, init_rc;
static u32 nr_mapped, properties;
static struct { u64 pa, size; enum mmu_kind kind; } mapped[32];
static bool enabled;

int efi_runtime_parse(struct efi_found *f, const struct machine_efi *efi, const struct firmware_memory *memory)
{
    assert_ptr_equal(efi, &machine.efi);
    assert_ptr_equal(memory, &boot_firmware_memory);
    *f = tables;
    return parse_rc;
}

int mmu_firmware_map(paddr_t pa, u64 size, enum mmu_kind kind)
{
    mapped[nr_mapped].pa = pa;
    mapped[nr_mapped].size = size;
    mapped[nr_mapped++].kind = kind;
    return map_rc;
}

int firmware_call_init(void) { return init_rc; }
void efi_runtime_enable(const struct efi_found *f) { assert_int_equal(f->nr, tables.nr); enabled = true; }
u32 efi_runtime_properties(void) { return properties; }

static void region(u64 start, u64 size, u8 access, u8 cache)
{
    tables.region[tables.nr++] = (struct efi_region){ .start = start, .size = size, .access = access, .cache = cache };
}

static int setup(void **state)
{
    int rc = sysreg_setup(state);

    memset(&machine, 0, sizeof(machine));
    memset(&tables, 0, sizeof(tables));
    machine.efi.system_table = RAM + 0x1000;
    machine.nr_banks = 1;
    machine.banks[0] = (struct machine_range){ .start = RAM, .size = MIB(64) };
    parse_rc = map_rc = init_rc = 0;
    nr_mapped = 0;
    properties = 0x2673;
    enabled = false;
    region(0x4000000, 0x1000, EFI_ACCESS_DATA, EFI_CACHE_DEVICE);
    region(RAM + 0x10000, 0x1000, EFI_ACCESS_CODE, EFI_CACHE_WB);
    region(RAM + 0x11000, 0x1000, EFI_ACCESS_CONST, EFI_CACHE_WB);
    region(RAM + 0x12000, 0x1000, EFI_ACCESS_MIXED, EFI_CACHE_WB);
    region(RAM + 0x13000, 0x1000, EFI_ACCESS_DATA, EFI_CACHE_NONE);
    region(RAM + MIB(64), 0x1000, EFI_ACCESS_DATA, EFI_CACHE_WB);        /* in no bank */
    tables.nr_kept = 1;
    tables.kept[0] = (struct machine_range){ .start = RAM + 0x1000, .size = 120 };
    return rc;
}

static bool said(const char *text) { return strstr(unit_log(), text) != NULL; }

static void check_kept(void)
{
    assert_int_equal(machine.nr_reserved, 2);
    assert_int_equal(machine.reserved[0].start, RAM + 0x1000);
    assert_int_equal(machine.reserved[0].size, 0x1000);
    assert_int_equal(machine.reserved[1].start, RAM + 0x10000);
    assert_int_equal(machine.reserved[1].size, 0x4000);
    assert_int_equal(machine.efi.nr_mmio, 1);
    assert_int_equal(machine.efi.mmio[0].start, 0x4000000);
}

static void test_all(void **state)
{
    static const enum mmu_kind kinds[] = { MMU_DEVICE, MMU_RX, MMU_RO, MMU_RWX, MMU_NC, MMU_RW };

    (void)state;
    efi_boot_find();
    check_kept();
    assert_int_equal(nr_mapped, 0);              /* there is no allocator yet */
    efi_boot_enable();
    assert_true(enabled);
    assert_int_equal(nr_mapped, ARRAY_SIZE(kinds));
    for (u32 i = 0; i < nr_mapped; i++) {
        assert_int_equal(mapped[i].pa, tables.region[i].start);
        assert_int_equal(mapped[i].kind, kinds[i]);
    }
    assert_int_equal(machine.efi.runtime_services, 0x2673);
}

static void test_no_uefi(void **state)
{
    (void)state;
    machine.efi.system_table = 0;
    parse_rc = -EINVAL;
    efi_boot_find();
    efi_boot_enable();
    assert_int_equal(machine.nr_reserved + nr_mapped, 0);
    assert_false(enabled);
}

/* What was found is firmware's, whether or not it can be called. */
static void test_parse_fails(void **state)
{
    (void)state;
    parse_rc = -EINVAL;
    efi_boot_find();
    check_kept();
    efi_boot_enable();
    assert_false(enabled);
    assert_int_equal(nr_mapped, 0);
    assert_int_equal(machine.efi.runtime_services, 0);
}

static void test_no_room(void **state)
{
    (void)state;
    for (u32 i = 0; i < MACHINE_MAX_RESERVED; i++) {
        assert_int_equal(machine_add_reserved(&machine, RAM + MIB(32) + i * 0x2000, 0x1000), 0);
    }
    efi_boot_find();
    assert_true(said("off: their memory at 0x80010000 cannot be reserved"));
    efi_boot_enable();
    assert_false(enabled);
}

static void test_too_many_registers(void **state)
{
    (void)state;
    for (u32 i = 0; i < MACHINE_MAX_EFI_MMIO; i++) {
        region(0x1000000000 + i * 0x10000UL, 0x1000, EFI_ACCESS_DATA, EFI_CACHE_DEVICE);
    }
    efi_boot_find();
    assert_true(said("off: more than 32 ranges of registers"));
    assert_int_equal(machine.efi.nr_mmio, MACHINE_MAX_EFI_MMIO);
    efi_boot_enable();
    assert_false(enabled);
}

static void test_not_mapped(void **state)
{
    static const struct { int rc; const char *why; } errors[] = {
        { -EADDRINUSE, "0x4000000-0x4001000 cannot be mapped: the hypervisor's own addresses" },
        { -ENOMEM, "cannot be mapped: not enough memory" }, { -EINVAL, "cannot be mapped: too high" },
    };

    (void)state;
    efi_boot_find();
    for (u32 i = 0; i < ARRAY_SIZE(errors); i++) {
        map_rc = errors[i].rc;
        efi_boot_enable();
        assert_true(said(errors[i].why));
        assert_false(enabled);
    }
    map_rc = 0;
    init_rc = -ENOMEM;
    efi_boot_enable();
    assert_true(said("off: not enough memory"));
    assert_false(enabled);
}

#define boot_case(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        boot_case(test_all), boot_case(test_no_uefi), boot_case(test_parse_fails), boot_case(test_no_room),
        boot_case(test_too_many_registers), boot_case(test_not_mapped),
    };

    return cmocka_run_group_tests_name("boot_efi_runtime", tests, NULL, NULL);
}
