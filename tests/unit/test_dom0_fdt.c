/* SPDX-License-Identifier: MIT */
/* unit-sources: firmware/machine.c firmware/fdt/dt.c firmware/fdt/prop.c firmware/fdt/irq.c firmware/fdt/machine.c */
/* unit-sources: firmware/fdt/numa.c */
/* unit-sources: firmware/fdt/gic.c firmware/fdt/chosen.c firmware/fdt/uart.c */
/* unit-sources: boot/dom0_filter.c boot/dom0_fdt.c boot/build/fdt.c boot/dom0_dev.c */
/* unit-libs: -lfdt */
/*
 * dom0's device tree and devices, from the tree of QEMU's virt machine: the facts are those Xen 4.17 was observed to
 * give.
 */
#include "unit.h"
#include "dom0_fdt_common.h"
#include <argon/rangeset.h>

static struct dom0_devices dev;

static void want_added_nodes(void)
{
    want_string("/hypervisor", "compatible", "xen,xen-4.17\0xen,xen");
    want_cells("/hypervisor", "reg", RANGE(0x40200000, 0x40000), RANGE(0x40400000, 0x1fc00000));
    want_cells("/hypervisor", "interrupts", 1, 0, 0xf08);
    want_cells("/hypervisor", "interrupt-parent", TREE_GIC_PHANDLE);
    want_string("/psci", "compatible", "arm,psci-1.0\0arm,psci-0.2\0arm,psci");
    want_string("/psci", "method", "hvc");
    want_cells("/psci", "cpu_off", 1);
    want_cells("/psci", "cpu_on", 2);
    want_cells("/cpus", "#address-cells", 1);
    want_cells("/cpus", "#size-cells", 0);
    want_string("/cpus/cpu@0", "compatible", "arm,cortex-a57");
    want_string("/cpus/cpu@100", "enable-method", "psci");
    want_string("/cpus/cpu@1", "device_type", "cpu");
    want_cells("/cpus/cpu@100", "reg", 0x100);
    assert_false(has_node("/cpus/cpu-map"));
    assert_false(has_node("/cpus/cpu@2"));
    assert_false(has_node("/memory@40000000"));
    want_string("/memory@60000000", "device_type", "memory");
    want_cells("/memory@60000000", "reg", RANGE(0x60000000, 0x20000000), RANGE(0xc0000000, 0x40000000));
}

/*
 * What UEFI's runtime services drive is not dom0's: not its node, which would have no registers left, nor its
 * registers, though another node, here a PCI bridge by its windows, may reach them.
 */
static void test_firmwares(void **state)
{
    struct tree_options o = tree_defaults();

    (void)state;
    build(&o);
    assert_true(has_node("/pl031@9010000"));
    machine.efi.nr_mmio = 2;
    machine.efi.mmio[0] = (struct machine_range){ .start = 0x9010000, .size = PAGE_SIZE };
    machine.efi.mmio[1] = (struct machine_range){ .start = 0x20000000, .size = PAGE_SIZE };
    assert_true(dom0_fdt_build(&in, out, sizeof(out)) > 0);
    assert_false(has_node("/pl031@9010000"));
    assert_true(has_node("/virtio_mmio@a003e00"));
    assert_int_equal(dom0_find_devices(&machine, dt, &dev), 0);
    assert_true(has_node("/pcie@10000000"));
    assert_false(rangeset_contains(dev.mmio[DOM0_MMIO_DEVICE], 0x9010, 0x9010));
    assert_true(rangeset_contains(dev.mmio[DOM0_MMIO_DEVICE], 0x1ffff, 0x1ffff));
    assert_false(rangeset_contains(dev.mmio[DOM0_MMIO_DEVICE], 0x20000, 0x20000));
    assert_false(rangeset_contains(dev.iomem_caps, 0x20000, 0x20000));
    assert_true(rangeset_contains(dev.mmio[DOM0_MMIO_DEVICE], 0xa003, 0xa003));
    dom0_devices_free(&dev);
}

static void test_virt_v3(void **state)
{
    struct tree_options o = tree_defaults();

    (void)state;
    build(&o);
    want_added_nodes();
    /* The root and plain devices as they are. */
    want_cells("/", "#address-cells", 2);
    want_cells("/", "interrupt-parent", TREE_GIC_PHANDLE);
    want_string("/", "compatible", "linux,dummy-virt");
    want_cells("/virtio_mmio@a003e00", "reg", RANGE(0xa003e00, 0x200));
    want_cells("/virtio_mmio@a003e00", "interrupts", 0, 0x2f, 1);
    assert_true(has_prop("/virtio_mmio@a000000", "dma-coherent"));
    want_cells("/platform-bus@c000000", "ranges", 0, 0, 0xc000000, 0x2000000);
    assert_true(has_prop("/pcie@10000000", "interrupt-map"));
    assert_true(has_prop("/pcie@10000000", "msi-map"));
    assert_false(has_prop("/pcie@10000000", "iommu-map"));
    want_cells("/apb-pclk", "phandle", 0x8000);
    want_string("/aliases", "rtc0", "/pl031@9010000");
    /* Gone: what Argon has, and what has private interrupts. */
    assert_false(has_node("/pl011@9000000"));
    assert_false(has_prop("/aliases", "serial0"));
    assert_false(has_node("/pmu"));
    assert_false(has_node("/chosen/module@78000000"));
    assert_false(has_node("/chosen/module@7a000000"));
    /* The ITS, where there is one that works. */
    want_cells("/intc@8000000/its@8080000", "reg", RANGE(0x8080000, 0x20000));
    want_cells("/intc@8000000/its@8080000", "phandle", 0x8004);
    assert_true(has_prop("/intc@8000000/its@8080000", "msi-controller"));
    assert_true(has_prop("/intc@8000000", "ranges"));
    /* GIC and timer in their new form. */
    want_cells("/intc@8000000", "reg", RANGE(0x8000000, 0x10000), RANGE(0x80a0000, 0xf60000));
    want_cells("/intc@8000000", "#redistributor-regions", 1);
    want_string("/intc@8000000", "compatible", "arm,gic-v3");
    want_cells("/intc@8000000", "phandle", TREE_GIC_PHANDLE);
    want_cells("/intc@8000000", "#interrupt-cells", 3);
    want_cells("/intc@8000000", "#address-cells", 2);
    want_cells("/intc@8000000", "#size-cells", 2);
    assert_true(has_prop("/intc@8000000", "interrupt-controller"));
    assert_false(has_prop("/intc@8000000", "interrupts"));
    want_string("/timer", "compatible", "arm,armv8-timer");
    want_cells("/timer", "interrupts", 1, 0xd, 0xf08, 1, 0xe, 0xf08, 1, 0xb, 0xf08);
    want_cells("/timer", "interrupt-parent", TREE_GIC_PHANDLE);
    assert_false(has_prop("/timer", "clock-frequency"));
    want_string("/chosen", "bootargs", "console=hvc0");
    want_cells("/chosen", "linux,initrd-start", 0, 0x68200000);
    want_cells("/chosen", "linux,initrd-end", 0, 0x698b6e1b);
    want_cells("/chosen", "kaslr-seed", 0xd0afe614, 0xcb91e6af);
    assert_true(has_prop("/chosen", "rng-seed"));
    assert_false(has_prop("/chosen", "stdout-path"));
}

static void test_virt_v2(void **state)
{
    struct tree_options o = tree_defaults();

    (void)state;
    o.gic = 2;
    build(&o);
    want_added_nodes();
    want_cells("/intc@8000000", "reg", RANGE(0x8000000, 0x10000), RANGE(0x8010000, 0x10000));
    want_string("/intc@8000000", "compatible", "arm,cortex-a15-gic");
    assert_false(has_prop("/intc@8000000", "#redistributor-regions"));
    assert_false(has_node("/intc@8000000/v2m@8020000"));
}

static void odd_nodes(void *f)
{
    tree_begin(f, "soc");
    tree_empty(f, "ranges");
    tree_cells(f, "#address-cells", 2);
    tree_cells(f, "#size-cells", 2);
    tree_begin(f, "kept@50");
    tree_empty(f, "xen,passthrough");
    tree_str(f, "status", "okay");
    tree_cells(f, "iommus", 5, 6);
    tree_cells(f, "numa-node-id", 1);
    tree_cells(f, "reg", RANGE(0x1c000000, 0x1000));
    tree_cells(f, "interrupts", 0, 100, 4);
    tree_end(f);
    tree_begin(f, "smmu");
    tree_cells(f, "#iommu-cells", 1);
    tree_cells(f, "reg", RANGE(0x1c100000, 0x1000));
    tree_end(f);
    tree_begin(f, "watchdog");
    tree_cells(f, "interrupts", 1, 0, 4);
    tree_cells(f, "reg", RANGE(0x1c200000, 0x1000));
    tree_region(f, "child", RANGE(0x1c201000, 0x1000));
    tree_end(f);
    tree_begin(f, "off");
    tree_str(f, "status", "disabled");
    tree_cells(f, "reg", RANGE(0x1c300000, 0x1000));
    tree_end(f);
    tree_region(f, "in-ram", RANGE(0x40000000, 0x1000));
    tree_begin(f, "beside-uart");        /* shares the UART's page */
    tree_cells(f, "reg", RANGE(0x9000800, 0x1000));
    tree_end(f);
    tree_end(f);
    tree_begin(f, "hypervisor");
    tree_str(f, "compatible", "some,host");
    tree_end(f);
    tree_begin(f, "distance-map");
    tree_str(f, "compatible", "numa-distance-map-v1");
    tree_cells(f, "distance-matrix", 0, 1, 20);
    tree_end(f);
    tree_begin(f, "i2c");
    tree_cells(f, "#address-cells", 1);
    tree_cells(f, "#size-cells", 0);
    tree_begin(f, "chip@50");
    tree_cells(f, "reg", 0x50);
    tree_end(f);
    tree_end(f);
    tree_begin_reserved(f);
    tree_empty(f, "ranges");
    tree_region(f, "fb", RANGE(0x50000000, 0x800000));
    tree_region(f, "outside", RANGE(0x20000000, 0x2000));
    tree_end(f);
}

static void test_odd_nodes(void **state)
{
    struct tree_options o = tree_defaults();

    (void)state;
    o.more = odd_nodes;
    o.dom0_args = "x";
    o.xen_args = "y";
    build(&o);
    want_added_nodes();
    want_string("/soc/kept@50", "status", "disabled");
    assert_false(has_prop("/soc/kept@50", "xen,passthrough"));
    assert_false(has_prop("/soc/kept@50", "iommus"));
    assert_false(has_prop("/soc/kept@50", "numa-node-id"));
    assert_false(has_node("/distance-map"));
    assert_false(has_node("/soc/smmu"));
    assert_false(has_node("/soc/watchdog"));
    want_string("/soc/off", "status", "disabled");
    assert_true(has_node("/i2c/chip@50"));
    assert_true(has_node("/reserved-memory/fb"));
    assert_false(has_prop("/chosen", "xen,xen-bootargs"));
    assert_false(has_prop("/chosen", "xen,dom0-bootargs"));
}

static void gic_below_bus(void *f)
{
    tree_begin(f, "soc");
    tree_cells(f, "ranges", 0, 0, 0x8000000, 0x4000000);
    tree_cells(f, "#address-cells", 1);
    tree_cells(f, "#size-cells", 1);
    tree_begin(f, "gic@0");
    tree_cells(f, "interrupts", 1, 9, 4);
    tree_cells(f, "phandle", TREE_GIC_PHANDLE);
    tree_cells(f, "reg", 0, 0x10000, 0x100000, 0x20000, 0x200000, 0x80000);
    tree_cells(f, "#redistributor-regions", 2);
    tree_str(f, "compatible", "arm,gic-v3");
    tree_cells(f, "#interrupt-cells", 3);
    tree_empty(f, "interrupt-controller");
    tree_end(f);
    tree_end(f);
}

/* reg is copied in the bus's own addresses; of several regions the largest. */
static void test_gic_below_bus(void **state)
{
    struct tree_options o = tree_defaults();
    int r;

    (void)state;
    o.gic = 0;
    o.more = gic_below_bus;
    build(&o);
    assert_int_equal(machine.gic.gicd, 0x8000000);
    assert_int_equal(machine.gic.redist[1].start, 0x8200000);
    want_cells("/soc/gic@0", "reg", 0, 0x10000, 0x200000, 0x80000);
    machine.gic.redist[0].size = 0x100000;
    r = dom0_fdt_build(&in, out, sizeof(out));
    assert_true(r > 0);
    want_cells("/soc/gic@0", "reg", 0, 0x10000, 0x100000, 0x20000);
    machine.gic.nr_redist = 3;               /* beyond the node's reg */
    machine.gic.redist[2].size = 0x200000;
    assert_int_equal(dom0_fdt_build(&in, out, sizeof(out)), -EINVAL);
}

static void timer_errata(void *f)
{
    tree_empty(f, "fsl,erratum-a008585");
    tree_empty(f, "allwinner,erratum-unknown1");
    tree_empty(f, "hisilicon,erratum-161010101");
    tree_empty(f, "vendor,other");
    tree_cells(f, "clock-frequency", 24000000);
}

/* What the counter is like is dom0's business too, as it reads it itself. */
static void test_timer(void **state)
{
    struct tree_options o = tree_defaults();

    (void)state;
    o.more_timer = timer_errata;
    build(&o);
    assert_true(has_prop("/timer", "fsl,erratum-a008585"));
    assert_true(has_prop("/timer", "allwinner,erratum-unknown1"));
    assert_true(has_prop("/timer", "hisilicon,erratum-161010101"));
    assert_false(has_prop("/timer", "vendor,other"));
    want_cells("/timer", "clock-frequency", 24000000);
    want_cells("/timer", "interrupts", 1, 0xd, 0xf08, 1, 0xe, 0xf08, 1, 0xb, 0xf08);
}

/* Below /cpus: more CPUs than dom0 has, one that is off, a cache, an idle state. */
static void big_cpus(void *f)
{
    for (u32 i = 0; i < 3; i++) {
        char name[16];

        snprintf(name, sizeof(name), "cpu@%x", 0x100 + i);
        tree_begin(f, name);
        tree_cells(f, "phandle", 0x8200 + i);
        tree_cells(f, "reg", 0x100 + i);
        tree_cells(f, "#cooling-cells", 2);
        tree_str(f, "compatible", "arm,cortex-a76");
        tree_str(f, "device_type", "cpu");
        if (i == 0) {
            tree_str(f, "status", "disabled");
        }
        tree_begin(f, "l2-cache");
        tree_cells(f, "phandle", 0x8300 + i);
        tree_end(f);
        tree_end(f);
    }
}

static void cooling_maps(void *f)
{
    tree_begin(f, "thermal-zones");
    tree_cells(f, "cooling-device", 0x8100, ~0u, ~0u, 0x8101, ~0u, ~0u, 0x8200, ~0u, ~0u, 0x8201, ~0u, ~0u, 0x8202, ~0u,
               ~0u);
    tree_end(f);
}

static bool is_cpu(u32 phandle)
{
    int off = fdt_node_offset_by_phandle(out, phandle);
    const char *type = fdt_getprop(out, off, "device_type", NULL);

    if (off < 0) {
        fail_msg("phandle %#x dangles", phandle);
    }
    return type != NULL && strcmp(type, "cpu") == 0;
}

/* Whatever other nodes may refer to is still there, and no more CPUs than dom0 has. */
static void test_cpu_references(void **state)
{
    struct tree_options o = tree_defaults();

    (void)state;
    o.more_cpus = big_cpus;
    o.more = cooling_maps;
    build(&o);
    assert_true(is_cpu(0x8100) && is_cpu(0x8101) && is_cpu(0x8201));
    assert_false(is_cpu(0x8200) || is_cpu(0x8202) || is_cpu(0x8300) || is_cpu(0x8301) || is_cpu(0x8302));
    want_cells("/cpus/cpu@0", "phandle", 0x8100);
    want_cells("/cpus/cpu@100", "phandle", 0x8201);
    want_cells("/cpus/cpu@100", "#cooling-cells", 2);
    want_string("/cpus/cpu@100", "compatible", "arm,cortex-a57");
    want_cells("/cpus/host-8202", "#cooling-cells", 2);
    assert_true(has_node("/thermal-zones"));
}

static void no_chosen_at_all(struct tree *t)
{
    int off = fdt_path_offset(t->blob, "/chosen");

    assert_int_equal(fdt_nop_node(t->blob, off), 0);
}

static void test_limits(void **state)
{
    struct tree_options o = tree_defaults();
    int r;

    (void)state;
    build(&o);
    assert_int_equal(dom0_fdt_build(&in, out, 1000), -ENOSPC);
    assert_int_equal(dom0_fdt_build(&in, out, 10), -ENOSPC);
    unit_alloc_fail_after = 0;
    assert_int_equal(dom0_fdt_build(&in, out, sizeof(out)), -ENOMEM);
    unit_alloc_fail_after = ~0UL;
    /* A host without /chosen, and dom0 without ramdisk and command line. */
    no_chosen_at_all(&tree);
    in.initrd_size = 0;
    in.cmdline = "";
    r = dom0_fdt_build(&in, out, sizeof(out));
    assert_true(r > 0);
    assert_true(has_node("/chosen"));
    assert_false(has_prop("/chosen", "bootargs"));
    assert_false(has_prop("/chosen", "linux,initrd-start"));
    assert_int_equal(unit_allocs(), 0);
}

static void devices(const struct tree_options *o)
{
    assert_int_equal(tree_machine(tree_virt(&tree, o), TREE_SIZE), 0);
    (void)!machine_find_uart(NULL);
    dt = machine_dt();
    assert_int_equal(dom0_find_devices(&machine, dt, &dev), 0);
}

/* All ranges of a set, as text. */
static const char *ranges(struct rangeset *s)
{
    static char text[2048];
    u64 first, last, next = 0;
    size_t n = 0;

    text[0] = '\0';
    while (rangeset_next(s, next, &first, &last)) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%lx-%lx", n > 0 ? " " : "", first, last);
        next = last + 1;
    }
    return text;
}

static void test_devices(void **state)
{
    struct tree_options o = tree_defaults();

    (void)state;
    devices(&o);
    /* Flash; rtc; fw-cfg; virtio; PCI windows; configuration space; high window. Not GIC, UART, RAM. */
    assert_string_equal(ranges(dev.mmio[DOM0_MMIO_DEVICE]),
                        "0-7fff 9010-9010 9020-9020 a000-a003 10000-3efff 4010000-401ffff 8000000-fffffff");
    assert_string_equal(ranges(dev.mmio[DOM0_MMIO_NC]), "");
    assert_string_equal(ranges(dev.mmio[DOM0_MMIO_WB]), "");
    assert_string_equal(ranges(dev.iomem_caps),
                        "0-7fff 9010-9010 9020-9020 a000-a003 10000-3efff 4010000-401ffff 8000000-fffffff");
    /* rtc 34, PCI 35..38, virtio 48..79; the UART's 33 is ours. */
    assert_string_equal(ranges(dev.spis), "22-26 30-4f");
    assert_string_equal(ranges(dev.irq_caps), "22-26 30-4f");
    assert_string_equal(ranges(dev.reserved), "");
    assert_true(dev.edge[0] >> 48 & 1);
    assert_false(dev.edge[0] >> 34 & 1);
    /* Maintenance 25, timers 26 27 29 30, PMU 23. */
    assert_int_equal(dev.ppis_used, BIT32(9) | BIT32(10) | BIT32(11) | BIT32(13) | BIT32(14) | BIT32(7));
    dom0_devices_free(&dev);
    assert_int_equal(unit_allocs(), 0);
}

static bool overlaps(struct rangeset *r, u64 first, u64 last)
{
    u64 from, to;

    return rangeset_next(r, first, &from, &to) && from <= last;
}

static void test_odd_devices(void **state)
{
    struct tree_options o = tree_defaults();

    (void)state;
    o.gic = 2;
    o.more = odd_nodes;
    devices(&o);
    /*
     * Kept for another domain: not mapped, but may be given away. The page shared with the UART stays ours, the next
     * does not.
     */
    assert_string_equal(ranges(dev.mmio[DOM0_MMIO_DEVICE]),
                        "0-7fff 9001-9001 9010-9010 9020-9020 a000-a003 10000-1ffff 20002-3efff 4010000-401ffff "
                        "8000000-fffffff");
    assert_string_equal(ranges(dev.mmio[DOM0_MMIO_WB]), "20000-20001");
    assert_true(rangeset_contains(dev.iomem_caps, 0x1c000, 0x1c000));
    assert_true(rangeset_contains(dev.irq_caps, 132, 132));
    assert_false(rangeset_contains(dev.spis, 132, 132));
    assert_false(overlaps(dev.iomem_caps, 0x40000, 0xbffff));
    assert_string_equal(ranges(dev.reserved), "50000-507ff");
    assert_int_equal(dev.ppis_used & 1, 1);
    dom0_devices_free(&dev);
    unit_alloc_fail_after = 3;
    assert_int_equal(dom0_find_devices(&machine, dt, &dev), -ENOMEM);
    dom0_devices_free(&dev);
    unit_alloc_fail_after = ~0UL;
    assert_int_equal(unit_allocs(), 0);
}

static void shares_uart_irq(void *f)
{
    tree_begin(f, "serial@1c000000");
    tree_cells(f, "interrupts", 0, 1, 4);
    tree_cells(f, "reg", RANGE(0x1c000000, 0x200));
    tree_end(f);
}

/* The console's line, where it is a device's of dom0's too. */
static void test_shared_irq(void **state)
{
    struct tree_options o = tree_defaults();

    (void)state;
    o.more = shares_uart_irq;
    devices(&o);
    assert_string_equal(ranges(dev.spis), "21-26 30-4f");
    assert_string_equal(ranges(dev.irq_caps), "21-26 30-4f");
    dom0_devices_free(&dev);
}

/* Windows and memory that dom0's stage 1 may make Normal; a device with registers where firmware's memory is. */
static void normal_memory(void *f)
{
    tree_begin(f, "pcie@1d000000");
    tree_str(f, "device_type", "pci");
    tree_cells(f, "#address-cells", 3);
    tree_cells(f, "#size-cells", 2);
    tree_cells(f, "reg", RANGE(0x1d000000, 0x10000));
    tree_cells(f, "ranges", 0x41000000, 0, 0, RANGE(0x1d010000, 0x10000),        /* the bit means nothing for I/O */
               0x02000000, 0, 0, RANGE(0x1d100000, 0x100000), 0x42000000, 0, 0, RANGE(0x1d200000, 0x100000),
               0xc3000000, 0, 0, RANGE(0x4100000000, 0x100000000));
    tree_end(f);
    tree_begin_reserved(f);
    tree_empty(f, "ranges");
    tree_begin(f, "modem@50000000");
    tree_cells(f, "reg", RANGE(0x50000000, 0x800000));
    tree_empty(f, "no-map");
    tree_end(f);
    tree_region(f, "fb", RANGE(0x58000000, 0x1000));
    tree_region(f, "outside", RANGE(0x20000000, 0x2000));
    tree_end(f);
    tree_begin(f, "modem");
    tree_cells(f, "reg", RANGE(0x507ff000, 0x1000), RANGE(0x1d2fe000, 0x3000));
    tree_end(f);
}

static void test_memory_types(void **state)
{
    struct tree_options o = tree_defaults();

    (void)state;
    o.more = normal_memory;
    devices(&o);
    assert_string_equal(ranges(dev.mmio[DOM0_MMIO_WB]), "20000-20001 50000-507ff");
    assert_string_equal(ranges(dev.mmio[DOM0_MMIO_NC]), "1d200-1d2ff 4100000-41fffff");
    assert_true(rangeset_contains(dev.mmio[DOM0_MMIO_DEVICE], 0x1d010, 0x1d01f));
    assert_true(rangeset_contains(dev.mmio[DOM0_MMIO_DEVICE], 0x1d100, 0x1d1ff));
    assert_true(rangeset_contains(dev.mmio[DOM0_MMIO_DEVICE], 0x1d300, 0x1d300));
    assert_false(overlaps(dev.mmio[DOM0_MMIO_DEVICE], 0x1d200, 0x1d2ff));
    assert_false(overlaps(dev.mmio[DOM0_MMIO_DEVICE], 0x50000, 0x507ff));
    assert_string_equal(ranges(dev.reserved), "58000-58000");
    assert_true(rangeset_contains(dev.iomem_caps, 0x50000, 0x507ff));
    dom0_devices_free(&dev);
    assert_int_equal(unit_allocs(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_case(test_virt_v3), unit_case(test_firmwares), unit_case(test_virt_v2),
        unit_case(test_odd_nodes), unit_case(test_gic_below_bus), unit_case(test_limits), unit_case(test_devices),
        unit_case(test_odd_devices), unit_case(test_memory_types),
        unit_case(test_timer), unit_case(test_cpu_references), unit_case(test_shared_irq)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
