/* SPDX-License-Identifier: MIT */
/* unit-sources: firmware/machine.c firmware/fdt/dt.c firmware/fdt/prop.c firmware/fdt/irq.c firmware/fdt/machine.c */
/* unit-sources: firmware/fdt/numa.c firmware/fdt/uart.c */
/* unit-sources: boot/build/plan.c boot/build/place.c boot/build/domain.c boot/build/load.c boot/build/fdt.c */
/* unit-sources: boot/dom0.c boot/dom0_mem.c boot/dom0_filter.c boot/dom0_fdt.c boot/dom0_dev.c */
/* unit-sources: boot/dom0_efi.c boot/dom0_acpi.c boot/dom0_acpi_madt.c boot/dom0_acpi_iort.c boot/dom0_acpi_dev.c */
/* unit-sources: boot/dom0_stub.c boot/build/area.c */
/* unit-sources: firmware/acpi/tables.c firmware/acpi/view.c firmware/acpi/machine.c */
/* unit-sources: firmware/acpi/madt.c firmware/acpi/numa.c */
/* unit-sources: firmware/acpi/mcfg.c firmware/acpi/iort.c firmware/acpi/uart.c */
/* unit-sources: firmware/efi/efi.c */
/* unit-sources: boot/dom0_stay.c boot/modules.c boot/image.c firmware/fdt/gic.c firmware/fdt/chosen.c */
/* unit-libs: -lfdt */
/* The whole of dom0_build() for a dom0 under UEFI: with a device tree, and from ACPI's tables alone. */
#include "test_dom0_common.h"

static u64 uefi_prop(const char *name)
{
    int len, node = fdt_path_offset(ram(fdt_at), "/hypervisor/uefi");
    const void *p = node > 0 ? fdt_getprop(ram(fdt_at), node, name, &len) : NULL;

    assert_non_null(p);
    return len == 8 ? fdt64_ld(p) : fdt32_ld(p);
}

/* The memory map is of dom0's RAM, all of it; what it holds of tables is not scrubbed, and clean behind its end. */
static void want_uefi(u64 tables, u64 bytes)
{
    u64 map = uefi_prop("xen,uefi-mmap-start"), size = uefi_prop("xen,uefi-mmap-desc-size"), total = 0;

    for (u64 i = 0; i < uefi_prop("xen,uefi-mmap-size"); i += size) {
        u64 start = tb_get(ram(map + i) + 8, 8), pages = tb_get(ram(map + i) + 24, 8);

        expect_map(start, start, P2M_RAM_RW);
        expect_map(start + (pages << PAGE_SHIFT) - 1, start + (pages << PAGE_SHIFT) - 1, P2M_RAM_RW);
        total += pages;
        if (tb_get(ram(map + i), 4) == 9) {
            assert_int_equal(start, tables);
        }
    }
    assert_int_equal(total, assigned);
    assert_int_equal(uefi_prop("xen,uefi-mmap-desc-ver"), 1);
    assert_memory_equal(ram(uefi_prop("xen,uefi-system-table")), "IBI SYST", 8);
    for (u64 a = tables + bytes; a < tables + MIB(1); a += 8) {
        assert_int_equal(*(u64 *)(void *)ram(a), 0);
    }
}

/* A device tree and UEFI: as without, and UEFI's tables besides. */
static void test_uefi(void **state)
{
    struct tree_options o = usual();

    (void)state;
    opt.bootscrub = BOOTSCRUB_IDLE;
    under_uefi = true;
    memset(ram(RAM_START + MIB(64)), 0xdd, MIB(64));
    assert_true(build(&o));
    assert_int_equal(fdt_check_full(ram(fdt_at), MIB(2)), 0);
    assert_true(fdt_path_offset(ram(fdt_at), "/memory") > 0 && fdt_path_offset(ram(fdt_at), "/psci") > 0);
    want_uefi(fdt_at + MIB(2), 0x1000);
    assert_false(made->arch.mmio_on_fault);
    assert_int_equal(made->hvm_params[HVM_PARAM_CALLBACK_IRQ], 0x0200000000000210);
    /* RAM that is firmware's for a device is in the map, too. */
    firmware_at = RAM_START + MIB(160);
    o.more = reserved;
    assert_true(build(&o));
    want_uefi(fdt_at + MIB(2), 0x1000);
}

/* ACPI alone: a tree of two nodes, nothing mapped but RAM, all that is not Argon's may be; each interrupt. */
static void test_acpi(void **state)
{
    struct tree_options o = usual();

    (void)state;
    acpi_of = "q10-gic3-4cpu";
    assert_true(build(&o));
    assert_true(made->arch.mmio_on_fault);
    assert_int_equal(made_cfg.max_vcpus, 4);
    assert_int_equal(fdt_path_offset(ram(fdt_at), "/memory"), -FDT_ERR_NOTFOUND);
    assert_int_equal(fdt_path_offset(ram(fdt_at), "/cpus"), -FDT_ERR_NOTFOUND);
    assert_true(fdt_path_offset(ram(fdt_at), "/chosen") > 0);
    want_uefi(fdt_at + MIB(2), 0x4000);
    expect_map(0xa000000, 0, P2M_INVALID);
    assert_true(permitted_frames > BIT(p2m_gpaddr_bits() - PAGE_SHIFT - 1));
    assert_int_equal(routed[0], ~(BIT(32) - 1) & ~BIT(33) & ~BIT(50));
    assert_int_equal(routed[3], UINT64_MAX);
    assert_int_equal(edges, 0);
    assert_int_equal(made->hvm_params[HVM_PARAM_CALLBACK_IRQ], 0x0200000000000200 | made->arch.event_ppi);
    fw_reset();
}

int main(void)
{
    const struct CMUnitTest tests[] = { dom0_case(test_uefi), dom0_case(test_acpi) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
