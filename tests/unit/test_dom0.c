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
/* The whole of dom0_build() on the fake machine: what dom0 is given, and each way in which boot stops instead. */
#include "test_dom0_common.h"

static void test_v3(void **state)
{
    struct tree_options o = usual();

    (void)state;
    u64 before = unit_allocs();
    assert_true(build(&o) && unit_allocs() == before + domain_allocs);
    /* Domain: privileged, 1:1, vCPUs as CPUs, the host's GIC. */
    assert_true(made_cfg.privileged);
    assert_true(made_cfg.direct_map);
    assert_int_equal(made_cfg.max_vcpus, 4);
    assert_int_equal(made_cfg.gic_version, XEN_DOMCTL_CONFIG_GIC_V3);
    assert_int_equal(made_cfg.nr_spis, 224);
    /* Memory: 64 MiB, aligned to that, 1:1. */
    assert_int_equal(assigned, MIB(64) >> PAGE_SHIFT);
    assert_int_equal(made->max_pages, MIB(64) >> PAGE_SHIFT);
    u64 base = RAM_START + MIB(64);
    expect_map(base, base, P2M_RAM_RW);
    expect_map(base + MIB(64) - 1, base + MIB(64) - 1, P2M_RAM_RW);
    expect_map(base + MIB(64), 0, P2M_INVALID);
    expect_map(IMAGE_AT, 0, P2M_INVALID);
    /* Devices 1:1 but Argon's; what is above the guest-physical space is cut off. */
    expect_map(0xa000000, 0xa000000, P2M_MMIO);
    expect_map(0x9010000, 0x9010000, P2M_MMIO);
    expect_map(0x9000000, 0, P2M_INVALID);
    expect_map(0x8000000, 0, P2M_INVALID);
    expect_map(0x80a0000, 0, P2M_INVALID);
    assert_non_null(strstr(unit_log(), "device memory 0x4010000000..0x4020000000 is cut off"));
    assert_true(permitted_frames > 0x20000);
    /* Interrupts: rtc 34, PCI 35..38, virtio 48..79 but Argon's 50. */
    assert_int_equal(routed[0], 0x7cUL << 32 | 0xfffbUL << 48);
    assert_int_equal(routed[1], 0xffff);
    assert_int_equal(permitted_irqs, 5 + 32);
    assert_int_equal(edges, 31);
    /* Kernel at the start, tree and ramdisk at the end, as the bank is smaller than 128 MiB. */
    assert_int_equal(entry, base);
    assert_memory_equal(ram(base), ram(KERNEL_AT), KERNEL_SIZE);
    assert_int_equal(fdt_at, base + MIB(60));
    assert_int_equal(*ram(base + MIB(62)), 0x5a);
    assert_int_equal(*ram(base + MIB(62) + RAMDISK_SIZE - 1), 0x5a);
    assert_int_equal(*ram(base + MIB(62) + RAMDISK_SIZE), 0);
    assert_int_equal(fdt_check_full(ram(fdt_at), MIB(2)), 0);
    assert_true(fdt_path_offset(ram(fdt_at), "/hypervisor") > 0);
    assert_true(fdt_path_offset(ram(fdt_at), "/cpus/cpu@3") > 0);
    assert_int_equal(made->arch.event_ppi, 16);
    assert_int_equal(unpaused, 1);
    assert_int_equal(made->vcpu[0]->pause_flags & VPF_DOWN, 0);
    assert_int_equal(made->vcpu[1]->pause_flags & VPF_DOWN, VPF_DOWN);
    /* Whole pages of the modules came back: 18, and of the ramdisk, which starts and ends within a page, 4. */
    assert_int_equal(freed, (18 + 4) * PAGE_SIZE);
    assert_int_equal(host_zeroed_pages, 0);
}

/* What is kept for the device tree: four times the host's and 64 KiB. */
static u64 fdt_pages(void)
{
    const void *host = machine_dt()->fdt;

    return ROUND_UP(4 * (u64)(fdt_size_dt_struct(host) + fdt_size_dt_strings(host)) + KIB(64), PAGE_SIZE) >> PAGE_SHIFT;
}

/* What was loaded is in RAM before dom0 runs, then no cache has old instructions; in pieces, if need be. */
static void test_cleaned(void **state)
{
    struct tree_options o = usual();

    (void)state;
    for (u32 i = 0; i < 2; i++) {
        host_irq_waiting = i == 0;
        host_cleaned_pages = host_forgotten = 0;
        assert_true(build(&o));
        assert_int_equal(host_cleaned_pages, 18 + 6 + fdt_pages());
        assert_int_equal(host_forgotten, host_cleaned_pages);
    }
}

static void test_v2(void **state)
{
    struct tree_options o = usual();

    (void)state;
    o.gic = 2;
    opt.dom0_max_vcpus = 2;
    opt.bootscrub = BOOTSCRUB_IDLE;
    assert_true(build(&o));
    assert_int_equal(made_cfg.max_vcpus, 2);
    assert_int_equal(made_cfg.gic_version, XEN_DOMCTL_CONFIG_GIC_V2);
    expect_map(0x8010000, 0, P2M_INVALID);               /* nothing of the GIC but what arch_domain_create() maps */
    expect_map(0x8040000, 0, P2M_INVALID);
    /* All but what was loaded: kernel, ramdisk and device tree. */
    assert_int_equal(host_zeroed_pages, (MIB(64) >> PAGE_SHIFT) - 18 - 6 - fdt_pages());
    opt.dom0_max_vcpus = 20;
    opt.dom0_min_vcpus = 20;
    assert_true(build(&o));
    assert_int_equal(made_cfg.max_vcpus, 8);
    assert_non_null(strstr(unit_log(), "8 vCPUs instead of 20"));
}

/* What firmware reserved for devices is dom0's, besides its own memory, and in its tree. */
static void test_reserved_memory(void **state)
{
    struct tree_options o = usual();
    const fdt32_t *reg;
    int len;

    (void)state;
    firmware_at = RAM_START + MIB(160);
    o.more = reserved;
    assert_true(build(&o));
    expect_map(RAM_START + MIB(160), RAM_START + MIB(160), P2M_RAM_RW);
    expect_map(RAM_START + MIB(161), 0, P2M_INVALID);
    expect_map(RAM_START + MIB(5), RAM_START + MIB(5), P2M_MMIO_WB);
    expect_map(RAM_START + MIB(5) + PAGE_SIZE, 0, P2M_INVALID);
    expect_map(0x1d200000, 0x1d200000, P2M_MMIO_NC);
    assert_int_equal(made->max_pages, MIB(65) >> PAGE_SHIFT);
    reg = fdt_getprop(ram(fdt_at), fdt_path_offset(ram(fdt_at), "/memory"), "reg", &len);
    assert_int_equal(len, 32);
    assert_int_equal(fdt32_to_cpu(reg[5]), RAM_START + MIB(160));
}

static void test_memory_options(void **state)
{
    struct tree_options o = usual();

    (void)state;
    opt.dom0_mem = MIB(63) + 1;              /* rounded up */
    opt.dom0_mem_max = MIB(96);
    assert_true(build(&o));
    assert_int_equal(assigned, MIB(64) >> PAGE_SHIFT);
    assert_int_equal(made->max_pages, MIB(96) >> PAGE_SHIFT);
    opt.dom0_mem = MIB(512);
    opt.dom0_mem_max = 0;
    assert_false(build(&o));
    expect_stop("not enough memory for dom0: 512 MiB wanted (dom0_mem), 254 MiB free");
    opt.dom0_mem_min = MIB(128);
    assert_true(build(&o));
    assert_true(assigned >= MIB(128) >> PAGE_SHIFT);
    opt = (struct options){ .dom0_mem = 0 };
    assert_false(build(&o));
    expect_stop("512 MiB wanted");
    opt.dom0_mem = MIB(4);
    assert_false(build(&o));
    expect_stop("dom0_mem=4M is too small for this kernel and ramdisk: they need 6 MiB");
}

/* GRUB goes on without an initramfs that it does not find: the log says so, before Linux finds no root. */
static void test_no_ramdisk(void **state)
{
    struct tree_options o = usual();

    (void)state;
    o.more_chosen = kernel_module;
    assert_true(build(&o));
    assert_non_null(strstr(unit_log(), "bytes), no ramdisk"));
    assert_null(strstr(unit_log(), "ramdisk at"));
    o = usual();
    assert_true(build(&o));
    assert_non_null(strstr(unit_log(), "bytes), ramdisk at"));
}

static void no_modules(void *f) { (void)f; }
static void module_at_zero(void *f)
{
    tree_begin(f, "module@0");
    tree_strings(f, "compatible", "multiboot,module");
    tree_cells(f, "reg", RANGE(0, 0x1000));
    tree_end(f);
}

static void module_on_image(void *f)
{
    tree_begin(f, "module@2");
    tree_strings(f, "compatible", "multiboot,module");
    tree_cells(f, "reg", RANGE(IMAGE_AT + 0x100, 0x1000));
    tree_end(f);
}

static void all_ppis(void *f)
{
    u32 cells[3 * 16];

    for (u32 i = 0; i < 16; i++) {
        cells[3 * i] = 1;
        cells[3 * i + 1] = i;
        cells[3 * i + 2] = 4;
    }
    tree_begin(f, "greedy");
    tree_cells_n(f, "interrupts", cells, ARRAY_SIZE(cells));
    tree_end(f);
}

static void stay_at(u64 kernel, u64 ramdisk)
{
    kernel_at = RAM_START + kernel;
    ramdisk_at = RAM_START + ramdisk;
    memset(ram(RAM_START + MIB(64)), 0xdd, RAM_SIZE - MIB(64));
    put_kernel();
    freed = 0;
}

/* Every byte of dom0's bank is what was loaded, or zero. */
static void expect_clean_bank(u64 start, u64 size)
{
    for (u64 a = start; a < start + size; a += 8) {
        bool kernel = a >= entry && a < entry + KERNEL_SIZE;
        bool fdt = a >= fdt_at && a < fdt_at + fdt_pages() * PAGE_SIZE;
        bool ramdisk = a >= ramdisk_at && a < ramdisk_at + RAMDISK_SIZE;

        if (!kernel && !fdt && !ramdisk && *(u64 *)(void *)ram(a) != 0) {
            fail_msg("dirty at %#lx", a);
        }
    }
}

/* Modules that lie well become dom0's where they are: the bank is chosen around them, and each page is written once. */
static void test_modules_stay(void **state)
{
    struct tree_options o = usual();
    u8 kernel[KERNEL_SIZE];

    (void)state;
    opt.bootscrub = BOOTSCRUB_IDLE;
    stay_at(MIB(192), MIB(208));
    memcpy(kernel, ram(kernel_at), KERNEL_SIZE);
    assert_true(build(&o));
    assert_int_equal(entry, kernel_at);
    assert_int_equal(fdt_at, RAM_START + MIB(210));
    expect_map(RAM_START + MIB(192), RAM_START + MIB(192), P2M_RAM_RW);
    expect_map(RAM_START + MIB(256) - 1, RAM_START + MIB(256) - 1, P2M_RAM_RW);
    expect_map(RAM_START + MIB(192) - 1, 0, P2M_INVALID);
    assert_memory_equal(ram(kernel_at), kernel, KERNEL_SIZE);
    assert_int_equal(*ram(ramdisk_at + RAMDISK_SIZE - 1), 0x5a);
    assert_int_equal(*ram(ramdisk_at + RAMDISK_SIZE), 0);
    expect_clean_bank(RAM_START + MIB(192), MIB(64));
    assert_int_equal(host_zeroed_pages, (MIB(64) >> PAGE_SHIFT) - 18 - 6 - fdt_pages());
    assert_int_equal(assigned, MIB(64) >> PAGE_SHIFT);
    assert_int_equal(freed, (18 + 6) * PAGE_SIZE);       /* once: as dom0's */
    /* The bank's other end: what is behind the ramdisk is in use. */
    stay_at(MIB(160), MIB(186));
    opt.dom0_mem = MIB(60);
    firmware_at = RAM_START + MIB(188);
    o.more = reserved;
    assert_true(build(&o));
    assert_int_equal(entry, kernel_at);
    expect_map(RAM_START + MIB(128), RAM_START + MIB(128), P2M_RAM_RW);
    expect_clean_bank(RAM_START + MIB(128), MIB(60));
}

/* One of the two, or none. */
static void test_some_stay(void **state)
{
    struct tree_options o = usual();

    (void)state;
    opt.bootscrub = BOOTSCRUB_IDLE;
    /* The kernel's .bss would be in the ramdisk. */
    kernel_room = MIB(9);
    stay_at(MIB(92), MIB(100));
    assert_true(build(&o));
    assert_true(entry != kernel_at);
    assert_memory_equal(ram(entry), ram(kernel_at), KERNEL_SIZE);
    expect_map(ramdisk_at, ramdisk_at, P2M_RAM_RW);
    expect_map(kernel_at, 0, P2M_INVALID);
    expect_map(RAM_START + MIB(100), RAM_START + MIB(100), P2M_RAM_RW);
    expect_clean_bank(RAM_START + MIB(100), MIB(64));
    assert_int_equal(assigned, MIB(64) >> PAGE_SHIFT);
    /* Firmware keeps the ramdisk's memory. */
    kernel_room = 0x30000;
    stay_at(MIB(192), MIB(160));
    firmware_at = RAM_START + MIB(160);
    o.more = reserved;
    assert_true(build(&o));
    assert_int_equal(entry, kernel_at);
    assert_int_equal(assigned, MIB(65) >> PAGE_SHIFT);
    ramdisk_at = fdt_at + MIB(2);
    assert_int_equal(*ram(ramdisk_at), 0x5a);
    expect_clean_bank(RAM_START + MIB(192), MIB(64));
    /* No room for the device tree beside them: a copy. */
    o.more = NULL;
    firmware_at = 0;
    stay_at(MIB(192), MIB(196));
    opt.dom0_mem = MIB(6);
    assert_true(build(&o));
    assert_int_equal(assigned, MIB(6) >> PAGE_SHIFT);
    assert_int_equal(fdt_check_full(ram(fdt_at), MIB(2)), 0);
}

static void test_stops(void **state)
{
    struct tree_options o = usual();

    (void)state;
    o.more_chosen = no_modules;
    assert_false(build(&o));
    expect_stop("no kernel for dom0");
    o.more_chosen = module_at_zero;
    assert_false(build(&o));
    expect_stop("the kernel module at 0..0x1000 is not in RAM");
    o.more_chosen = module_on_image;
    assert_false(build(&o));
    expect_stop("overlaps Argon");
    o = usual();
    o.more = all_ppis;
    assert_false(build(&o));
    expect_stop("all 16 private interrupts");
    o = usual();
    memset(ram(KERNEL_AT), 0, 64);
    assert_false(build(&o));
    expect_stop("is no kernel Argon knows");
    put_kernel();
    assert_true(build(&o));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        dom0_case(test_v3), dom0_case(test_cleaned), dom0_case(test_v2), dom0_case(test_reserved_memory),
        dom0_case(test_memory_options), dom0_case(test_modules_stay), dom0_case(test_some_stay),
        dom0_case(test_no_ramdisk), dom0_case(test_stops)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
