/* SPDX-License-Identifier: MIT */
/* unit-sources: boot/dom0_efi.c boot/dom0_acpi_dev.c boot/dom0_stub.c */
/* unit-sources: boot/build/area.c boot/build/fdt.c boot/dom0_dev.c */
/* unit-sources: boot/dom0_acpi_madt.c boot/dom0_acpi_iort.c */
/* unit-sources: boot/dom0_filter.c firmware/acpi/tables.c firmware/acpi/view.c */
/* unit-sources: firmware/machine.c firmware/fdt/dt.c firmware/fdt/prop.c firmware/fdt/irq.c firmware/fdt/machine.c */
/* unit-sources: firmware/fdt/numa.c firmware/fdt/uart.c firmware/fdt/gic.c firmware/fdt/chosen.c */
/* unit-sources: firmware/efi/efi.c */
/* unit-libs: -lfdt */
/*
 * What a dom0 under UEFI finds: system table and memory map; with ACPI alone its tree of two nodes, and which devices
 * are its own.
 */
#include "unit.h"
#include "area_view.h"
#include "acpi_host.h"
#include "dt_tree.h"
#include <argon/rangeset.h>
#include <boot/dom0.h>
#include <boot/dom0_efi.h>

#define AREA 0x68200000UL
#define ROOM 0x100000UL
#define GUID_SMBIOS3 "\x44\x15\xfd\xf2\x94\x97\x2c\x4a\x99\x2e\xe5\xbb\xcf\x20\xe3\x94"
#define GUID_RT_PROPERTIES "\x8a\x91\x66\xeb\xef\x7e\x2a\x40\x84\x2e\x93\x1d\x21\xc3\x8a\xe9"
#define GUID_MEMRESERVE "\xc6\xb0\x8e\x88\xde\x8e\xf5\x4f\xa8\xf0\x9a\xee\x5c\xb9\x77\xc2"
#define GUID_ACPI20 "\x71\xe8\x68\x88\xf1\xe4\xd3\x11\xbc\x22\x00\x80\xc7\x3c\x88\x81"

static u8 *area_buf;
static struct machine_efi out;
static struct dom0_devices dev;
static int acpi_result;
static u64 acpi_bytes;

/* Its tables have a test of their own. */
int dom0_acpi_build(const struct dom0_acpi *in, struct area *a, u64 *rsdp)
{
    (void)in;
    *rsdp = area_put(a, NULL, acpi_bytes, 8);
    return acpi_result;
}

static void build(const struct machine_range *bank, u32 nr, bool acpi)
{
    const struct dom0_acpi tables = { .m = &machine };
    struct dom0_efi in = {
        .host = &machine.efi, .memory = &host_memory, .acpi = acpi ? &tables : NULL, .nr_banks = nr
    };
    struct area counted = { .buf = NULL };

    assert_int_equal(dom0_efi_build(&in, &counted, &out), 0);
    in.bank = bank;
    memset(area_buf, 0, ROOM);
    area = (struct area){ .buf = area_buf, .base = AREA, .room = ROOM };
    assert_int_equal(dom0_efi_build(&in, &area, &out), 0);
    assert_int_equal(counted.used, area.used);
    assert_true(area_fits(&area));
    assert_int_equal(host_windows, 0);
}

/* The pointer of a configuration table, 0: there is none. */
static u64 config(const char *guid)
{
    const u8 *st = at(out.system_table, 120);

    for (u64 i = 0; i < num(st + 104, 8); i++) {
        const u8 *e = at(num(st + 112, 8) + 24 * i, 24);

        if (memcmp(e, guid, 16) == 0) {
            return num(e + 16, 8);
        }
    }
    return 0;
}

static struct machine_efi efi_map(u64 system_table, struct machine_range map)
{
    return (struct machine_efi){ .system_table = system_table, .map = map, .desc_size = 48, .desc_version = 1 };
}

/* ---- the memory map ---- */

static bool in_banks(u64 pa, const struct machine_range *bank, u32 nr)
{
    for (u32 i = 0; i < nr; i++) {
        if (pa >= bank[i].start && pa < machine_range_end(&bank[i])) {
            return true;
        }
    }
    return false;
}

/* Rising, no overlap, all of it dom0's and all of dom0's in it; what the area holds in one piece of type 9. */
static void want_map(const struct machine_range *bank, u32 nr)
{
    u64 end = 0, total = 0, all = 0, area_end = AREA + ROUND_UP(area.used, PAGE_SIZE);
    u32 reclaim = 0;

    assert_int_equal(out.desc_version, 1);
    assert_true(out.desc_size >= 40 && out.desc_size % 8 == 0);
    assert_int_equal(out.map.size % out.desc_size, 0);
    for (u64 i = 0; i < out.map.size; i += out.desc_size) {
        const u8 *d = at(out.map.start + i, out.desc_size);
        u64 start = num(d + 8, 8), bytes = num(d + 24, 8) << 12;

        assert_true(start >= end && bytes > 0 && IS_ALIGNED(start, PAGE_SIZE));
        assert_int_equal(num(d + 32, 8), 8);
        assert_int_equal(num(d + 16, 8), 0);
        if (num(d, 4) == 9) {
            reclaim++;
            assert_true(start == AREA && start + bytes == area_end);
        } else {
            assert_int_equal(num(d, 4), 7);
            assert_true(start >= area_end || start + bytes <= AREA);
        }
        assert_true(in_banks(start, bank, nr) && in_banks(start + bytes - 1, bank, nr));
        end = start + bytes;
        total += bytes;
    }
    for (u32 i = 0; i < nr; i++) {
        all += bank[i].size;
    }
    assert_int_equal(total, all);
    assert_int_equal(reclaim, 1);
}

static void test_map(void **state)
{
    const struct machine_range three[] = {
        { .start = 0x80000000, .size = MIB(64) }, { .start = 0x60000000, .size = MIB(256) },
        { .start = 0x880000000, .size = GIB(1) }
    };
    const struct machine_range begins = { .start = AREA, .size = MIB(2) };
    const struct machine_range ends = { .start = AREA - MIB(2), .size = MIB(2) + PAGE_SIZE };

    (void)state;
    build(three, 3, false);
    want_map(three, 3);
    assert_int_equal(out.map.size, 5 * out.desc_size);
    acpi_bytes = 0x12345;
    build(three, 3, true);
    want_map(three, 3);
    build(&begins, 1, true);
    want_map(&begins, 1);
    acpi_bytes = 8;
    build(&ends, 1, true);
    want_map(&ends, 1);
}

static const struct machine_range one = { .start = 0x60000000, .size = MIB(256) };

static void test_system_table(void **state)
{
    const u8 *st;

    (void)state;
    machine.efi.runtime_services = 0x473;
    build(&one, 1, false);
    st = at(out.system_table, 120);
    assert_memory_equal(st, "IBI SYST", 8);
    assert_true(num(st + 8, 4) >= 0x20000);
    assert_int_equal(num(st + 12, 4), 120);
    assert_memory_equal(at(num(st + 24, 8), 200), "A\0r\0g\0o\0n\0\0", 12);
    assert_int_equal(num(st + 88, 8), 0);
    assert_int_equal(num(st + 96, 8), 0);
    assert_int_equal(config(GUID_ACPI20), 0);
    assert_int_equal(config(GUID_SMBIOS3), 0);
    assert_memory_equal(at(config(GUID_RT_PROPERTIES), 8), "\1\0\10\0\x73\4\0\0", 8);
    assert_int_equal(num(at(config(GUID_MEMRESERVE), 16), 8) | num(at(config(GUID_MEMRESERVE), 16) + 8, 8), 0);
    assert_int_equal(config(GUID_MEMRESERVE) % 16, 0);
    build(&one, 1, true);
    assert_true(config(GUID_ACPI20) != 0);
}

/* ---- SMBIOS ---- */

static u8 *host_smbios(u32 bytes)
{
    static u8 st[120], list[48], entry[24];
    u8 sum = 0;
    u64 v;

    host_reset();
    memcpy(st, "IBI SYST", 8);
    v = 2, memcpy(st + 104, &v, 8);
    v = 0x13f001008, memcpy(st + 112, &v, 8);
    memcpy(list + 24, GUID_SMBIOS3, 16);
    v = 0x13f002000, memcpy(list + 40, &v, 8);
    memset(entry, 0, sizeof(entry));
    memcpy(entry, "_SM3_\0\30\3", 8);
    memcpy(entry + 12, &bytes, 4);
    v = 0x13f003004, memcpy(entry + 16, &v, 8);
    for (u32 i = 0; i < 24; i++) {
        sum = (u8)(sum + entry[i]);
    }
    entry[5] = (u8)-sum;
    host_put(0x13f000000, st, sizeof(st));
    host_put(0x13f001008, list, sizeof(list));
    u8 *e = host_put(0x13f002000, entry, sizeof(entry));
    memset(host_put(0x13f003004, NULL, 500), 0x5a, 500);
    machine.efi.system_table = 0x13f000000;
    return e;
}

static void test_smbios(void **state)
{
    const u8 *e;
    u8 sum = 0;

    (void)state;
    host_smbios(500);
    build(&one, 1, false);
    e = at(config(GUID_SMBIOS3), 24);
    assert_memory_equal(e, "_SM3_", 5);
    assert_int_equal(num(e + 12, 4), 500);
    for (u32 i = 0; i < 24; i++) {
        sum = (u8)(sum + e[i]);
    }
    assert_int_equal(sum, 0);
    for (u32 i = 0; i < 500; i++) {
        assert_int_equal(at(num(e + 16, 8), 500)[i], 0x5a);
    }
    /* More than can be read, than is believed; a wrong sum. */
    host_smbios(501);
    build(&one, 1, false);
    assert_int_equal(config(GUID_SMBIOS3), 0);
    assert_non_null(strstr(unit_log(), "SMBIOS at 0x13f002000 (501 bytes) cannot be used"));
    host_smbios((u32)MIB(1) + 1);
    build(&one, 1, false);
    assert_int_equal(config(GUID_SMBIOS3), 0);
    host_smbios(500)[7] = 9;
    build(&one, 1, false);
    assert_int_equal(config(GUID_SMBIOS3), 0);
    /* No system table there. */
    host_smbios(500);
    machine.efi.system_table = 0x13f003004;
    build(&one, 1, false);
    assert_int_equal(config(GUID_SMBIOS3), 0);
}

/* ---- the tree ---- */

static void no_more(void *f) { (void)f; }

static void test_stub(void **state)
{
    static _Alignas(8) char buf[0x4000];
    static struct tree tree;
    struct tree_options o = tree_defaults();
    struct dom0_fdt in = {
        .cmdline = "console=hvc0", .initrd = 0x68400000, .initrd_size = 0x1234, .efi = &out
    };
    int len;

    (void)state;
    o.more = no_more;
    out = efi_map(0x68200080, (struct machine_range){ .start = 0x68201000, .size = 240 });
    assert_int_equal(machine_from_firmware(tree_virt(&tree, &o), TREE_SIZE, 0), 0);
    for (u32 i = 0; i < 2; i++) {
        const char *props[] = { "xen,uefi-mmap-size", "xen,uefi-mmap-desc-size", "xen,uefi-mmap-desc-ver" };
        const u32 values[] = { 240, 48, 1 };
        int node, nr = 0;

        in.dt = i == 0 ? NULL : machine_dt();
        assert_true(dom0_stub_build(&in, buf, sizeof(buf)) > 0);
        assert_int_equal(fdt_check_full(buf, sizeof(buf)), 0);
        fdt_for_each_subnode(node, buf, 0) {
            nr++;
        }
        assert_int_equal(nr, 2);         /* one more, and Linux would not look for ACPI's tables */
        assert_int_equal(fdt_address_cells(buf, 0), 2);
        assert_int_equal(fdt_size_cells(buf, 0), 2);
        node = fdt_path_offset(buf, "/chosen");
        assert_string_equal(fdt_getprop(buf, node, "bootargs", NULL), "console=hvc0");
        assert_int_equal(fdt64_ld(fdt_getprop(buf, node, "linux,initrd-end", &len)), 0x68401234);
        assert_int_equal(len, 8);
        assert_int_equal(fdt_getprop(buf, node, "rng-seed", &len) != NULL, in.dt != NULL);
        assert_int_equal(fdt_getprop(buf, node, "kaslr-seed", &len) != NULL, in.dt != NULL);
        assert_null(fdt_getprop(buf, node, "stdout-path", NULL));
        node = fdt_path_offset(buf, "/hypervisor");
        assert_string_equal(fdt_getprop(buf, node, "compatible", NULL), "xen,xen-4.17");
        node = fdt_path_offset(buf, "/hypervisor/uefi");
        assert_int_equal(fdt64_ld(fdt_getprop(buf, node, "xen,uefi-system-table", &len)), 0x68200080);
        assert_int_equal(len, 8);
        assert_int_equal(fdt64_ld(fdt_getprop(buf, node, "xen,uefi-mmap-start", &len)), 0x68201000);
        assert_int_equal(len, 8);
        for (u32 p = 0; p < 3; p++) {
            assert_int_equal(fdt32_ld(fdt_getprop(buf, node, props[p], &len)), values[p]);
            assert_int_equal(len, 4);
        }
    }
    assert_int_equal(dom0_stub_build(&in, buf, 100), -ENOSPC);
}

/* ---- devices ---- */

static void put_desc(u8 *map, u32 i, u32 type, u64 start, u64 pages, u64 attribute)
{
    memcpy(map + i * 48, &type, 4);
    memcpy(map + i * 48 + 8, &start, 8);
    memcpy(map + i * 48 + 24, &pages, 8);
    memcpy(map + i * 48 + 32, &attribute, 8);
}

static bool has(u64 start, u64 size)
{
    return rangeset_contains(dev.iomem_caps, start >> PAGE_SHIFT, (start + size - 1) >> PAGE_SHIFT);
}

static bool has_any(u64 start, u64 size)
{
    for (u64 a = start; a < start + size; a += PAGE_SIZE) {
        if (has(a, 1)) {
            return true;
        }
    }
    return false;
}

static void find(u32 bits, u32 nr_irqs, int want)
{
    dom0_devices_free(&dev);
    assert_int_equal(dom0_find_acpi_devices(&machine, &host, bits, nr_irqs, &dev), want);
    assert_int_equal(host_windows, 0);
}

static void qemu(const char *folder)
{
    host_reset();
    host_load(folder);
    machine.gic = (struct machine_gic){
        .version = 3, .gicd = 0x8000000, .gicd_size = 0x10000, .redist = { { 0x80a0000, 0xf60000, 0 } }, .nr_redist = 1,
        .maintenance_irq = 25
    };
    machine.timer_irq_phys_s = 29;
    machine.timer_irq_phys_ns = 30;
    machine.timer_irq_virt = 27;
    machine.timer_irq_hyp = 26;
    machine.has_uart = true;
    machine.uart = (struct machine_uart){ .base = 0x9000000, .size = 0x1000, .irq = 33 };
    machine.nr_banks = 1;
    machine.banks[0] = (struct machine_range){ .start = 0x40000000, .size = GIB(4) };
}

static void test_devices(void **state)
{
    u8 *map;

    (void)state;
    qemu("q10-gic3-smmu");
    map = host_put(0x41000000, NULL, 9 * 48);
    put_desc(map, 0, 7, 0x40000000, GIB(4) >> 12, 8);
    put_desc(map, 1, 11, 0x4000000, 0x4000, BIT(63) | 1);
    put_desc(map, 2, 5, 0x140000000, 16, BIT(63) | 8);
    put_desc(map, 3, 6, 0x140010000, 16, BIT(63) | 8);
    put_desc(map, 4, 10, 0x140020000, 16, 8);
    put_desc(map, 5, 0, 0x140030000, 16, 8);
    put_desc(map, 6, 8, 0x140040000, 16, 8);
    put_desc(map, 7, 4, 0x140050000, 16, 8);             /* RAM that is in no bank */
    put_desc(map, 8, 9, 0x140060000, 16, 8);
    machine.efi = efi_map(0x13f000000, (struct machine_range){ .start = 0x41000000, .size = 9 * 48 });
    machine.efi.mmio[machine.efi.nr_mmio++] = (struct machine_range){ .start = 0x9010000, .size = 0x1000 };
    find(40, 288, 0);
    assert_false(has_any(0x9010000, 0x1000));            /* whatever the map says of it */
    /* PCI's windows and configuration space, devices that AML names. */
    assert_true(has(0x10000000, 0x2eff0000));
    assert_true(has(0x4010000000, MIB(256)));
    assert_true(has(0x8000000000, BIT(39)));
    assert_true(has(0x9020000, 0x30000));
    assert_true(has(0xa000000, 0x4000));
    assert_true(has(0, 0x4000000));
    /* Argon's, and UEFI's. */
    assert_false(has_any(0x8000000, 0x10000));
    assert_false(has_any(0x80a0000, 0xf60000));
    assert_false(has_any(0x8080000, 0x20000));           /* ITS */
    assert_false(has_any(0x9050000, 0x20000));           /* SMMU */
    assert_false(has_any(0x9000000, 0x1000));
    assert_false(has(0x40000000, 1) || has(0x13ffff000, 1));
    assert_false(has_any(0x4000000, MIB(64)));
    assert_false(has_any(0x140000000, 0x20000));
    assert_true(has(0x140020000, 0x20000));
    assert_false(has_any(0x140040000, 0x20000));
    assert_true(has(0x140060000, 0x10000));
    assert_true(has(BIT(40) - PAGE_SIZE, PAGE_SIZE) && !has(BIT(40), 1));
    /* Each shared interrupt but the console's; private ones that are in use. */
    assert_true(rangeset_contains(dev.spis, 34, 287) && rangeset_contains(dev.spis, 32, 32));
    assert_false(rangeset_contains(dev.spis, 33, 33) || rangeset_contains(dev.spis, 288, 288));
    assert_true(rangeset_contains(dev.irq_caps, 34, 287));
    assert_false(rangeset_contains(dev.irq_caps, 33, 33));
    assert_int_equal(dev.ppis_used, BIT(7) | BIT(9) | BIT(10) | BIT(11) | BIT(13) | BIT(14));
    /* A map that cannot be read leaves nothing to go by. */
    machine.efi.map.start = 0x41100000;
    find(40, 288, -EINVAL);
    machine.efi = (struct machine_efi){ .system_table = 0 };
    machine.has_uart = false;
    find(48, 32, 0);
    assert_true(has(0x9000000, 0x1000));
    assert_true(has(BIT(47), BIT(47)));
    assert_false(rangeset_contains(dev.spis, 32, 32));
}

/* They are Argon's, those that it does not use, too: of a GICR, and of a GICC. */
static void test_redistributors(void **state)
{
    struct acpi_entry e;
    u32 size, pos = MADT_ENTRIES;
    struct acpi_view v = { .quiet = true };

    (void)state;
    qemu("q10-gic3-smmu");
    machine.efi = (struct machine_efi){ .system_table = 0 };
    machine.gic.nr_redist = 0;
    v.data = (u8 *)(uintptr_t)host_find("APIC", &size);
    v.size = size;
    while (acpi_next_entry(&v, &pos, &e) && e.type != MADT_GICC) {
    }
    memcpy((u8 *)(uintptr_t)v.data + e.off + 60, &(u64){ 0x9100000 }, 8);
    find(40, 288, 0);
    assert_false(has_any(0x80a0000, 0xf60000));
    assert_false(has_any(0x9100000, 0x20000));
    assert_true(has(0x9120000, 0x20000));
}

/* The timer of EL2's that only the GTDT knows. */
static void test_ppis(void **state)
{
    u32 used;

    (void)state;
    qemu("q10-gic3-4cpu");
    find(40, 288, 0);
    used = dev.ppis_used;
    for (u32 i = 0; i < host.nr; i++) {
        if (memcmp(host.table[i].signature, "GTDT", 4) == 0) {
            host_piece[i].data[8] = 3;
            host_piece[i].data[96] = 20;
            assert_true(host.table[i].size >= 104);
        }
    }
    find(40, 288, 0);
    assert_int_equal(dev.ppis_used & BIT(4), BIT(4));
    assert_int_equal(used & BIT(4), 0);
}

/* GICv2: the MSI frame behind the distributor is dom0's. */
static void test_gicv2(void **state)
{
    (void)state;
    qemu("q7-gic2-2cpu");
    machine.gic = (struct machine_gic){
        .version = 2, .gicd = 0x8000000, .gicd_size = 0x1000, .gicc = 0x8010000, .gicc_size = 0x2000, .gich = 0x8030000,
        .gich_size = 0x1000, .gicv = 0x8040000, .gicv_size = 0x2000
    };
    find(40, 288, 0);
    assert_true(has(0x8020000, 0x1000));
    assert_false(has(0x8000000, 1) || has(0x8010000, 1) || has(0x8011000, 1) || has(0x8030000, 1) || has(0x8041000, 1));
}

static int setup(void **state)
{
    unit_setup(state);
    host_reset();
    area_buf = calloc(1, ROOM);
    acpi_result = 0;
    acpi_bytes = 36;
    return 0;
}

static int teardown(void **state)
{
    host_reset();
    free(area_buf);
    dom0_devices_free(&dev);
    return unit_teardown(state);
}

#define efi_case(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        efi_case(test_map), efi_case(test_system_table), efi_case(test_smbios), efi_case(test_stub),
        efi_case(test_devices), efi_case(test_redistributors), efi_case(test_ppis), efi_case(test_gicv2),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
