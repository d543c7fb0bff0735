/* SPDX-License-Identifier: MIT */
/*
 * dom0_build() on the fake machine: what it calls of others, and a host with kernel and ramdisk. Found by device tree,
 * or with ACPI's tables.
 */
#ifndef TEST_DOM0_COMMON_H
#define TEST_DOM0_COMMON_H

#include "unit.h"
#include "acpi_tables.h"
#include "dt_tree.h"
#include "uarts.h"
#include <boot/dom0.h>
#include <argon/irqchip.h>
#include <argon/param.h>
#include <sanitizer/lsan_interface.h>

#define RAM_START (UNIT_RAM_FIRST << PAGE_SHIFT)
#define RAM_SIZE  (UNIT_RAM_PAGES << PAGE_SHIFT)
/* By default neither may stay where it is: the one is not where a kernel can run, the other shares a page. */
#define KERNEL_AT (RAM_START + MIB(192) + PAGE_SIZE)
#define KERNEL_SIZE 0x12000UL
#define RAMDISK_AT (RAM_START + MIB(208) + 0x10)
#define RAMDISK_SIZE 0x5432UL
#define IMAGE_AT  (RAM_START + MIB(2))

struct options opt;
static u64 kernel_at, kernel_room, ramdisk_at;
static u64 firmware_at;          /* a MiB in /reserved-memory; 0: none */
static bool under_uefi;          /* with a device tree */
static const char *acpi_of;      /* folder of ACPI's tables; NULL: a device tree */
static struct tree tree;
static struct domain *made;
static struct domain_config made_cfg;
static bool taken[RAM_SIZE / PAGE_SIZE];         /* frames that mem_claim() gave */
static u64 assigned, freed;
static u64 routed[16], permitted_irqs, permitted_frames;
static u64 entry, fdt_at;
static u64 domain_allocs;
static u32 unpaused, edges;
static char stopped[512];
static jmp_buf stop;
/* ---- what dom0_build() calls of others ---- */
void boot_stop(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(stopped, sizeof(stopped), fmt, ap);
    va_end(ap);
    longjmp(stop, 1);
}

paddr_t arch_image_start(void) { return IMAGE_AT; }

int gunzip(const void *src, size_t n, void *dst, size_t room, size_t *out)
{
    (void)src, (void)n, (void)dst, (void)room;
    *out = 0;
    return -EINVAL;
}

int domain_create(struct domain_config *cfg, u16 domid, struct domain **out)
{
    assert_int_equal(domid, 0);
    cfg->max_grant_frames = 64;
    made_cfg = *cfg;
    domain_allocs = unit_allocs();
    made = unit_domain(0, cfg->max_vcpus);
    domain_allocs = unit_allocs() - domain_allocs;
    *out = made;
    return 0;
}

int vcpu_create(struct domain *d, u16 id)
{
    d->vcpu[id]->pause_flags = VPF_DOWN;
    return 0;
}

static u32 nr_irqs(void) { return 256; }
static void set_type(u32 intid, enum irq_type t)
{
    assert_true(intid >= 32 && intid < 256);
    edges += t == IRQ_TYPE_EDGE;
}
const struct irqchip_ops fake_ops = { .name = "fake", .nr_irqs = nr_irqs, .set_type = set_type };
const struct irqchip_ops *irqchip = &fake_ops;

const struct uart_ops *uart_driver_find(const char *compatible)
{
    return strcmp(compatible, "arm,pl011") == 0 ? &pl011 : NULL;
}

bool irq_is_hypervisor(u32 intid) { return intid == 50; }

int irq_route_to_guest(u32 host_irq, struct domain *d, u32 vintid)
{
    assert_ptr_equal(d, made);
    assert_int_equal(host_irq, vintid);
    routed[host_irq / 64] |= BIT(host_irq % 64);
    return 0;
}

int domain_permit_iomem(struct domain *d, u64 first, u64 last, bool allow)
{
    (void)d;
    permitted_frames += last - first + 1;
    return allow ? 0 : -EINVAL;
}

int domain_permit_irq(struct domain *d, u32 irq, bool allow)
{
    (void)d, (void)irq;
    permitted_irqs++;
    return allow ? 0 : -EINVAL;
}

static void set_taken(u64 start, u64 end, bool now)
{
    for (u64 i = start >> PAGE_SHIFT; i < ROUND_UP(end, PAGE_SIZE) >> PAGE_SHIFT; i++) {
        taken[i - UNIT_RAM_FIRST] = now;
    }
}

int mem_claim(mfn_t first, u64 nr)
{
    u64 at = first.m - UNIT_RAM_FIRST;

    for (u64 i = at; i < at + nr; i++) {
        if (i >= ARRAY_SIZE(taken) || taken[i]) {
            return -ENOMEM;
        }
    }
    memset(&taken[at], true, nr);
    return 0;
}

bool mem_is_free(mfn_t first, u64 nr)
{
    u64 at = first.m - UNIT_RAM_FIRST;

    for (u64 i = at; i < at + nr; i++) {
        if (i >= ARRAY_SIZE(taken) || taken[i]) {
            return false;
        }
    }
    return true;
}

void mem_stats(struct mem_stats *s)
{
    *s = (struct mem_stats){ .total = UNIT_RAM_PAGES, .free = UNIT_RAM_PAGES - 512 };
}

int page_assign(struct domain *d, mfn_t first, u64 nr)
{
    assert_true(taken[first.m - UNIT_RAM_FIRST]);
    assigned += nr;
    return assigned <= d->max_pages ? 0 : -ENOMEM;
}

void mem_add_range(paddr_t start, paddr_t end, u32 node)
{
    (void)node;
    freed += end - start;
    set_taken(start, end, false);
}

const struct firmware_memory boot_firmware_memory = { fw_map, fw_unmap };

u32 grant_max_frames(const struct domain *d) { (void)d; return 64; }

int arch_vcpu_boot(struct vcpu *v, u64 pc, u64 context)
{
    assert_int_equal(v->id, 0);
    entry = pc;
    fdt_at = context;
    return 0;
}

u64 arch_vcpu_mpidr(const struct vcpu *v) { return BIT(31) | v->id; }
int domain_controller_unpause(struct domain *d) { assert_ptr_equal(d, made); unpaused++; return 0; }

/* ---- the machine ---- */
static u8 *ram(u64 pa) { return (u8 *)mfn_to_virt(paddr_to_mfn(pa)) + pa % PAGE_SIZE; }

static void put_kernel(void)
{
    u8 *k = ram(kernel_at);

    for (u64 i = 0; i < KERNEL_SIZE; i++) {
        k[i] = (u8)(i ^ i >> 8);
    }
    memset(k, 0, 64);
    memcpy(k + 16, &kernel_room, 8);
    memcpy(k + 56, "ARM\x64", 4);
    memset(ram(ramdisk_at), 0x5a, RAMDISK_SIZE);
}

static void kernel_module(void *f)
{
    tree_begin(f, "module@kernel");
    tree_strings(f, "compatible", "multiboot,module\0multiboot,kernel");
    tree_cells(f, "reg", RANGE(kernel_at, KERNEL_SIZE));
    tree_str(f, "bootargs", "console=hvc0");
    tree_end(f);
}

static void modules(void *f)
{
    kernel_module(f);
    tree_begin(f, "module@ramdisk");
    tree_strings(f, "compatible", "multiboot,module\0multiboot,ramdisk");
    tree_cells(f, "reg", RANGE(ramdisk_at, RAMDISK_SIZE));
    tree_end(f);
}

static struct tree_options usual(void)
{
    struct tree_options o = tree_defaults();

    o.ram_start = RAM_START;
    o.ram_size = RAM_SIZE;
    o.no_modules = true;
    o.more_chosen = modules;
    return o;
}

/* From ACPI's tables RAM is not known. */
static int describe(const struct tree_options *o)
{
    int r = machine_from_firmware(tree_virt(&tree, o), TREE_SIZE, 0);

    if (acpi_of == NULL) {
        return r != 0 ? r : machine_describe(ACPI_OFF, NULL);
    }
    machine.rsdp = qemu_load(acpi_of);
    r = machine_add_bank(&machine, RAM_START, RAM_SIZE, 0);
    return r != 0 ? r : machine_describe(ACPI_FORCE, &fw_memory);
}

/* True: dom0 was built. False: boot stopped, with the reason in `stopped`. */
static bool build(const struct tree_options *o)
{
    memset(taken, 0, sizeof(taken));
    assert_int_equal(mem_claim(paddr_to_mfn(RAM_START), MIB(4) >> PAGE_SHIFT), 0);
    if (firmware_at != 0) {
        set_taken(firmware_at, firmware_at + MIB(1), true);
    }
    set_taken(kernel_at, kernel_at + KERNEL_SIZE, true);
    set_taken(ramdisk_at, ramdisk_at + RAMDISK_SIZE, true);
    memset(routed, 0, sizeof(routed));
    assigned = freed = entry = fdt_at = permitted_irqs = permitted_frames = 0;
    unpaused = edges = 0;
    stopped[0] = '\0';
    if (made != NULL && domain_lookup(0) == made) {
        unit_domain_free(made);
    }
    made = NULL;
    assert_int_equal(describe(o), 0);
    machine.efi.system_table = under_uefi ? 0x7fff0000 : 0;
    (void)!machine_find_uart(NULL);
    __lsan_disable();            /* a boot that stops gives nothing back */
    if (setjmp(stop) == 0) {
        dom0_claim();
        dom0_build();
    }
    __lsan_enable();
    return stopped[0] == '\0';
}

static int setup(void **state)
{
    made = NULL;
    opt = (struct options){ .dom0_mem = MIB(64), .bootscrub = BOOTSCRUB_NO };
    unit_setup(state);
    kernel_at = KERNEL_AT;
    kernel_room = 0x30000;
    ramdisk_at = RAMDISK_AT;
    firmware_at = 0;
    under_uefi = false;
    acpi_of = NULL;
    put_kernel();
    return 0;
}

static void expect_map(u64 gpa, u64 pa, enum p2m_type want)
{
    enum p2m_type t;
    mfn_t m = p2m_lookup(made, gpa_to_gfn(gpa), &t, NULL);

    assert_int_equal(t, want);
    if (want != P2M_INVALID) {
        assert_int_equal(m.m, pa >> PAGE_SHIFT);
    }
}

unused static void expect_stop(const char *why)
{
    if (strstr(stopped, why) == NULL) {
        fail_msg("\"%s\" lacks \"%s\"", stopped, why);
    }
    assert_int_equal(unpaused, 0);
}

unused static void reserved(void *f)
{
    tree_begin_reserved(f);
    tree_region(f, "fb", RANGE(firmware_at, MIB(1)));
    tree_begin(f, "modem");
    tree_cells(f, "reg", RANGE(RAM_START + MIB(5), PAGE_SIZE));
    tree_empty(f, "no-map");
    tree_end(f);
    tree_end(f);
    tree_begin(f, "pcie@1d000000");
    tree_str(f, "device_type", "pci");
    tree_cells(f, "#address-cells", 3);
    tree_cells(f, "#size-cells", 2);
    tree_cells(f, "ranges", 0x42000000, 0, 0, RANGE(0x1d200000, MIB(1)));
    tree_end(f);
}

#define dom0_case(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

#endif
