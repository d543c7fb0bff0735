/* SPDX-License-Identifier: MIT */
/*
 * Device trees for unit tests: a small builder, and the tree QEMU 7.2 makes for `-M virt,virtualization=on` with what a
 * loader adds.
 */
#ifndef DT_TREE_H
#define DT_TREE_H

#include <argon/machine.h>
#include <libfdt.h>

#define TREE_SIZE 0x20000

struct tree {
    _Alignas(8) char blob[TREE_SIZE];
};

/* What differs from the plain machine. */
struct tree_options {
    u32 gic;                     /* 2, 3; 0: none */
    u32 cpus;
    u64 ram_start, ram_size;
    const char *chosen_args, *xen_args, *dom0_args, *kernel_args;   /* NULL: property absent */
    bool no_modules, untyped, legacy, chosen_initrd, no_chosen_cells;
    const char *stdout_path;     /* NULL: absent */
    const char *psci_method;     /* NULL: smc */
    const char *machine;         /* root's compatible. NULL: linux,dummy-virt */
    bool gic_noncoherent, its_noncoherent;
    void (*more)(void *fdt);     /* further nodes below the root */
    void (*more_cpus)(void *fdt);        /* and below /cpus */
    void (*more_timer)(void *fdt);       /* further properties of /timer */
    void (*more_chosen)(void *fdt);
};

#define TREE_GIC_PHANDLE 0x8003u
#define TREE_KERNEL_AT   0x78000000UL
#define TREE_KERNEL_SIZE 0x1e00123UL
#define TREE_RAMDISK_AT   0x7a000000UL
#define TREE_RAMDISK_SIZE 0x16b6e1bUL

static inline void tree_ok(int r)
{
    if (r != 0) {
        fail_msg("building the tree: %s", fdt_strerror(r));
    }
}

/* `machine` from a tree, all of it. */
static inline int tree_machine(const void *tree, size_t max)
{
    int r = machine_from_firmware(tree, max, 0);

    return r != 0 ? r : machine_describe(ACPI_OFF, NULL);
}

static inline void tree_begin(void *f, const char *name) { tree_ok(fdt_begin_node(f, name)); }
static inline void tree_end(void *f) { tree_ok(fdt_end_node(f)); }
static inline void tree_str(void *f, const char *name, const char *s) { tree_ok(fdt_property_string(f, name, s)); }
static inline void tree_bytes(void *f, const char *name, const void *p, size_t n)
{
    tree_ok(fdt_property(f, name, p, (int)n));
}
static inline void tree_empty(void *f, const char *name) { tree_ok(fdt_property(f, name, NULL, 0)); }

static inline void tree_cells_n(void *f, const char *name, const u32 *v, size_t n)
{
    fdt32_t cells[512];

    for (size_t i = 0; i < n; i++) {
        cells[i] = cpu_to_fdt32(v[i]);
    }
    tree_bytes(f, name, cells, 4 * n);
}
#define tree_cells(f, name, ...) \
    tree_cells_n(f, name, (const u32[]){ __VA_ARGS__ }, sizeof((const u32[]){ __VA_ARGS__ }) / sizeof(u32))
#define HI(x) ((u32)((u64)(x) >> 32))
#define LO(x) ((u32)(u64)(x))
/* <address size> in two cells each. */
#define RANGE(a, s) HI(a), LO(a), HI(s), LO(s)
#define tree_strings(f, name, s) tree_bytes(f, name, s, sizeof(s))

/* A node that has nothing but these RANGE()s in its "reg". */
#define tree_region(f, name, ...) do { \
    tree_begin(f, name); \
    tree_cells(f, "reg", __VA_ARGS__); \
    tree_end(f); \
} while (0)

/* "reserved-memory", with two cells for an address and two for a size; the caller ends it. */
static inline void tree_begin_reserved(void *f)
{
    tree_begin(f, "reserved-memory");
    tree_cells(f, "#address-cells", 2);
    tree_cells(f, "#size-cells", 2);
}

static inline void tree_module(void *f, const struct tree_options *o, bool kernel)
{
    u64 at = kernel ? TREE_KERNEL_AT : TREE_RAMDISK_AT, size = kernel ? TREE_KERNEL_SIZE : TREE_RAMDISK_SIZE;
    char name[32];

    snprintf(name, sizeof(name), "module@%lx", at);
    tree_begin(f, name);
    if (o->untyped) {
        tree_strings(f, "compatible", "multiboot,module");
    } else if (o->legacy && kernel) {
        tree_strings(f, "compatible", "xen,linux-zimage\0xen,multiboot-module");
    } else if (o->legacy) {
        tree_strings(f, "compatible", "xen,linux-initrd\0xen,multiboot-module");
    } else if (kernel) {
        tree_strings(f, "compatible", "multiboot,module\0multiboot,kernel");
    } else {
        tree_strings(f, "compatible", "multiboot,module\0multiboot,ramdisk");
    }
    tree_cells(f, "reg", RANGE(at, size));
    if (kernel && o->kernel_args != NULL) {
        tree_str(f, "bootargs", o->kernel_args);
    }
    tree_end(f);
}

static inline void tree_chosen(void *f, const struct tree_options *o)
{
    tree_begin(f, "chosen");
    if (!o->no_chosen_cells) {
        tree_cells(f, "#address-cells", 2);
        tree_cells(f, "#size-cells", 2);
    }
    if (o->stdout_path != NULL) {
        tree_str(f, "stdout-path", o->stdout_path);
    }
    tree_cells(f, "rng-seed", 1, 2, 3, 4, 5, 6, 7, 8);
    tree_cells(f, "kaslr-seed", 0xd0afe614, 0xcb91e6af);
    if (o->chosen_args != NULL) {
        tree_str(f, "bootargs", o->chosen_args);
    }
    if (o->xen_args != NULL) {
        tree_str(f, "xen,xen-bootargs", o->xen_args);
    }
    if (o->dom0_args != NULL) {
        tree_str(f, "xen,dom0-bootargs", o->dom0_args);
    }
    if (o->chosen_initrd) {
        tree_cells(f, "linux,initrd-start", LO(TREE_RAMDISK_AT));
        tree_cells(f, "linux,initrd-end", 0, LO(TREE_RAMDISK_AT + TREE_RAMDISK_SIZE));
    }
    if (!o->no_modules) {
        tree_module(f, o, true);
        if (!o->chosen_initrd) {
            tree_module(f, o, false);
        }
    }
    if (o->more_chosen != NULL) {
        o->more_chosen(f);
    }
    tree_end(f);
}

static inline void tree_gic(void *f, const struct tree_options *o)
{
    u32 version = o->gic;

    tree_begin(f, "intc@8000000");
    tree_cells(f, "phandle", TREE_GIC_PHANDLE);
    tree_cells(f, "interrupts", 1, 9, 4);
    if (version == 3) {
        tree_cells(f, "reg", RANGE(0x8000000, 0x10000), RANGE(0x80a0000, 0xf60000));
        tree_cells(f, "#redistributor-regions", 1);
        tree_str(f, "compatible", "arm,gic-v3");
    } else {
        tree_cells(f, "reg", RANGE(0x8000000, 0x10000), RANGE(0x8010000, 0x10000), RANGE(0x8030000, 0x10000),
                   RANGE(0x8040000, 0x10000));
        tree_str(f, "compatible", "arm,cortex-a15-gic");
    }
    tree_empty(f, "ranges");
    tree_cells(f, "#size-cells", 2);
    tree_cells(f, "#address-cells", 2);
    tree_empty(f, "interrupt-controller");
    tree_cells(f, "#interrupt-cells", 3);
    if (o->gic_noncoherent) {
        tree_empty(f, "dma-noncoherent");
    }
    tree_begin(f, version == 3 ? "its@8080000" : "v2m@8020000");
    tree_cells(f, "phandle", 0x8004);
    tree_cells(f, "reg", RANGE(0x8080000, 0x20000));
    tree_empty(f, "msi-controller");
    if (o->its_noncoherent) {
        tree_empty(f, "dma-noncoherent");
    }
    tree_str(f, "compatible", version == 3 ? "arm,gic-v3-its" : "arm,gic-v2m-frame");
    tree_end(f);
    tree_end(f);
}

static inline void tree_cpus(void *f, u32 n, void (*more)(void *f))
{
    tree_begin(f, "cpus");
    tree_cells(f, "#size-cells", 0);
    tree_cells(f, "#address-cells", 1);
    tree_begin(f, "cpu-map");
    tree_begin(f, "socket0");
    tree_end(f);
    tree_end(f);
    for (u32 i = 0; i < n; i++) {
        char name[16];

        snprintf(name, sizeof(name), "cpu@%x", i);
        tree_begin(f, name);
        tree_cells(f, "phandle", 0x8100 + i);
        tree_cells(f, "reg", i);
        tree_str(f, "enable-method", "psci");
        tree_str(f, "compatible", "arm,cortex-a57");
        tree_str(f, "device_type", "cpu");
        tree_end(f);
    }
    if (more != NULL) {
        more(f);
    }
    tree_end(f);
}

static inline void tree_pcie(void *f)
{
    u32 map[4 * 4 * 10], n = 0;

    for (u32 slot = 0; slot < 4; slot++) {
        for (u32 pin = 0; pin < 4; pin++) {
            const u32 entry[10] = { slot << 11, 0, 0, pin + 1, TREE_GIC_PHANDLE, 0, 0, 0, 3 + (slot + pin) % 4, 4 };

            memcpy(&map[n], entry, sizeof(entry));
            n += 10;
        }
    }
    tree_begin(f, "pcie@10000000");
    tree_cells(f, "interrupt-map-mask", 0x1800, 0, 0, 7);
    tree_cells_n(f, "interrupt-map", map, n);
    tree_cells(f, "#interrupt-cells", 1);
    tree_cells(f, "ranges", 0x1000000, 0, 0, 0, 0x3eff0000, 0, 0x10000,
               0x2000000, 0, 0x10000000, 0, 0x10000000, 0, 0x2eff0000, 0x3000000, 0x80, 0, 0x80, 0, 0x80, 0);
    tree_cells(f, "reg", 0x40, 0x10000000, 0, 0x10000000);
    tree_cells(f, "msi-map", 0, 0x8004, 0, 0x10000);
    tree_cells(f, "iommu-map", 0, 0x8009, 0, 0x10000);
    tree_cells(f, "#size-cells", 2);
    tree_cells(f, "#address-cells", 3);
    tree_str(f, "device_type", "pci");
    tree_str(f, "compatible", "pci-host-ecam-generic");
    tree_end(f);
}

static inline void tree_devices(void *f)
{
    tree_begin(f, "platform-bus@c000000");
    tree_cells(f, "interrupt-parent", TREE_GIC_PHANDLE);
    tree_cells(f, "ranges", 0, 0, 0xc000000, 0x2000000);
    tree_cells(f, "#address-cells", 1);
    tree_cells(f, "#size-cells", 1);
    tree_strings(f, "compatible", "qemu,platform\0simple-bus");
    tree_end(f);
    tree_begin(f, "fw-cfg@9020000");
    tree_cells(f, "reg", RANGE(0x9020000, 0x18));
    tree_str(f, "compatible", "qemu,fw-cfg-mmio");
    tree_end(f);
    for (u32 i = 0; i < 32; i++) {
        char name[32];

        snprintf(name, sizeof(name), "virtio_mmio@%x", 0xa000000 + i * 0x200);
        tree_begin(f, name);
        tree_empty(f, "dma-coherent");
        tree_cells(f, "interrupts", 0, 0x10 + i, 1);
        tree_cells(f, "reg", RANGE(0xa000000 + i * 0x200, 0x200));
        tree_str(f, "compatible", "virtio,mmio");
        tree_end(f);
    }
    tree_begin(f, "pl031@9010000");
    tree_cells(f, "interrupts", 0, 2, 4);
    tree_cells(f, "reg", RANGE(0x9010000, 0x1000));
    tree_strings(f, "compatible", "arm,pl031\0arm,primecell");
    tree_end(f);
    tree_begin(f, "pl011@9000000");
    tree_cells(f, "clocks", 0x8000, 0x8000);
    tree_cells(f, "interrupts", 0, 1, 4);
    tree_cells(f, "reg", RANGE(0x9000000, 0x1000));
    tree_strings(f, "compatible", "arm,pl011\0arm,primecell");
    tree_end(f);
    tree_begin(f, "pmu");
    tree_cells(f, "interrupts", 1, 7, 4);
    tree_str(f, "compatible", "arm,armv8-pmuv3");
    tree_end(f);
    tree_begin(f, "flash@0");
    tree_cells(f, "reg", RANGE(0, 0x4000000), RANGE(0x4000000, 0x4000000));
    tree_str(f, "compatible", "cfi-flash");
    tree_end(f);
    tree_begin(f, "apb-pclk");
    tree_cells(f, "phandle", 0x8000);
    tree_cells(f, "clock-frequency", 24000000);
    tree_cells(f, "#clock-cells", 0);
    tree_str(f, "compatible", "fixed-clock");
    tree_end(f);
}

/* The whole tree; returns the blob. */
static inline void *tree_virt(struct tree *t, const struct tree_options *o)
{
    void *f = t->blob;

    memset(t, 0, sizeof(*t));
    tree_ok(fdt_create(f, sizeof(t->blob)));
    tree_ok(fdt_finish_reservemap(f));
    tree_begin(f, "");
    tree_cells(f, "interrupt-parent", TREE_GIC_PHANDLE);
    tree_str(f, "model", "linux,dummy-virt");
    tree_cells(f, "#size-cells", 2);
    tree_cells(f, "#address-cells", 2);
    tree_str(f, "compatible", o->machine != NULL ? o->machine : "linux,dummy-virt");
    tree_begin(f, "psci");
    tree_cells(f, "cpu_on", 0xc4000003);
    tree_str(f, "method", o->psci_method != NULL ? o->psci_method : "smc");
    tree_strings(f, "compatible", "arm,psci-1.0\0arm,psci-0.2\0arm,psci");
    tree_end(f);
    tree_begin(f, "memory@40000000");
    tree_cells(f, "reg", RANGE(o->ram_start, o->ram_size));
    tree_str(f, "device_type", "memory");
    tree_end(f);
    tree_begin(f, "aliases");
    tree_str(f, "serial0", "/pl011@9000000");
    tree_str(f, "rtc0", "/pl031@9010000");
    tree_end(f);
    tree_devices(f);
    tree_pcie(f);
    if (o->gic != 0) {
        tree_gic(f, o);
    }
    if (o->cpus != 0) {
        tree_cpus(f, o->cpus, o->more_cpus);
    }
    tree_begin(f, "timer");
    tree_cells(f, "interrupts", 1, 0xd, 4, 1, 0xe, 4, 1, 0xb, 4, 1, 0xa, 4);
    tree_empty(f, "always-on");
    tree_strings(f, "compatible", "arm,armv8-timer\0arm,armv7-timer");
    if (o->more_timer != NULL) {
        o->more_timer(f);
    }
    tree_end(f);
    if (o->more != NULL) {
        o->more(f);
    }
    tree_chosen(f, o);
    tree_end(f);
    tree_ok(fdt_finish(f));
    return f;
}

static inline struct tree_options tree_defaults(void)
{
    return (struct tree_options){
        .gic = 3, .cpus = 2, .ram_start = 0x40000000, .ram_size = 0x80000000,
        .chosen_args = "console=dtuart dom0_mem=768M", .kernel_args = "console=hvc0", .stdout_path = "/pl011@9000000"
    };
}

#endif
