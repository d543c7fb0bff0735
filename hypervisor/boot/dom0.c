/* SPDX-License-Identifier: MIT */
/* The first domain: 1:1 memory, the host's devices, and a kernel from the boot modules (docs/design/boot.md). */
#include "dom0.h"
#include "dom0_efi.h"

#include <argon/arch.h>
#include <argon/console.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/grant.h>
#include <argon/irqchip.h>
#include <argon/mem.h>
#include <argon/p2m.h>
#include <argon/param.h>
#include <argon/percpu.h>
#include <argon/rangeset.h>
#include <argon/string.h>
#include <vdev/vgic.h>

#define DOM0_DEFAULT_MEM  MIB(512)
#define GICV2_MAX_VCPUS   8
#define REDIST_PER_VCPU   UINT64_C(0x20000)      /* GICv3: RD_base and SGI_base */

static boot_data struct dom0 {
    struct build b;
    struct dom0_devices devices;
    struct machine_efi efi;              /* what dom0 is told of its own */
} the_dom0;

/* Does dom0 find its memory and tables as UEFI leaves them? */
static boot_code bool is_under_uefi(void)
{
    return machine.acpi || machine.efi.system_table != 0;
}

static boot_code u32 choose_vcpus(const struct machine_gic *g)
{
    u32 n = opt.dom0_max_vcpus != 0 ? MIN(nr_cpus, opt.dom0_max_vcpus) : nr_cpus;
    u32 limit = g->version == 2 ? GICV2_MAX_VCPUS : (u32)MIN(machine_redist(g)->size / REDIST_PER_VCPU, (u64)MAX_VCPUS);

    n = MAX(n, opt.dom0_min_vcpus);
    if (n > limit) {
        log_warn("dom0: %u vCPUs instead of %u: the GICv%u has no room for more", limit, n, g->version);
    }
    return MIN(n, limit);
}

static boot_code void create(struct build *b)
{
    const struct machine_gic *g = &machine.gic;
    struct domain_config cfg = {
        .flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap, .max_evtchn_port = ~0u, .max_grant_frames = -1,
        .max_maptrack_frames = -1, .max_grant_version = 1, .gic_version = (u8)(g->version - 1), .privileged = true,
        .direct_map = true, .nr_spis = irqchip->nr_irqs() > 32 ? irqchip->nr_irqs() - 32 : 0
    };

    b->nr_vcpus = choose_vcpus(g);
    if (b->nr_vcpus == 0) {
        boot_stop("the GIC's redistributor region at %#" PRIx64 " has no room for one CPU", machine_redist(g)->start);
    }
    build_create(b, &cfg, 0);
}

static boot_code void plan(struct build *b)
{
    modules_classify(&machine);
    *b = (struct build){
        .name = "dom0", .mem_option = "dom0_mem", .kernel = machine_module(MODULE_KERNEL),
        .ramdisk = machine_module(MODULE_RAMDISK), .cmdline = machine.dom0_cmdline
    };
    if (b->kernel == NULL) {
        boot_stop("no kernel for dom0: the boot loader gave no module of kind multiboot,kernel in /chosen");
    }
    build_probe_kernel(b);
}

static boot_code void fill_firmware(struct dom0 *my, const struct dom0_efi *tables, struct area *a)
{
    build_must(&my->b, dom0_efi_build(tables, a, &my->efi), "tables as UEFI's");
}

/* How much memory the tables take at most: with all CPUs, and as many banks as there may be. */
static boot_code void plan_firmware(struct dom0 *my)
{
    const u64 mpidr[MAX_VCPUS] = { 0 };
    struct dom0_acpi acpi = {
        .m = &machine, .host = machine_acpi(), .mpidr = mpidr,
        .nr_vcpus = MIN(MAX(machine.nr_cpus, opt.dom0_min_vcpus), (u32)MAX_VCPUS)
    };
    struct dom0_efi tables = {
        .host = &machine.efi, .memory = &boot_firmware_memory, .acpi = machine.acpi ? &acpi : NULL,
        .nr_banks = BUILD_MAX_BANKS
    };
    struct area a = { .buf = NULL };

    if (!is_under_uefi()) {
        return;
    }
    fill_firmware(my, &tables, &a);
    my->b.firmware_size = ROUND_UP(a.used, PAGE_SIZE);
}

static boot_code void claim_memory(struct build *b)
{
    struct build_sizes sizes = build_sizes(b);
    u64 bytes = ROUND_UP(opt.dom0_mem != 0 ? opt.dom0_mem : DOM0_DEFAULT_MEM, BUILD_CHUNK);
    u64 first_min = build_first_bank(b, bytes);
    struct mem_stats before;
    int r;

    mem_stats(&before);
    dom0_find_stay(&machine, b->kernel, &b->image, build_module_data(b->kernel), b->ramdisk, &b->stay);
    if (dom0_claim_stay(&machine, bytes, first_min, &b->image, &sizes, &b->stay, &b->memory.bank[0])) {
        b->memory.nr = 1;
        b->memory.total = b->memory.bank[0].size;
    }
    r = dom0_claim_memory(&machine, this_cpu()->node, bytes, first_min, &b->memory);
    if (r != 0 && (opt.dom0_mem_min == 0 || b->memory.total < opt.dom0_mem_min)) {
        boot_stop("not enough memory for dom0: %" PRIu64 " MiB wanted (dom0_mem), %" PRIu64 " MiB free, %" PRIu64
                  " MiB of that in usable pieces (2 MiB and up, the first %" PRIu64 " MiB)", bytes >> 20,
                  before.free >> (20 - PAGE_SHIFT), b->memory.total >> 20, first_min >> 20);
    }
}

/*
 * RAM that firmware reserved for devices was never the allocator's: in and out again, so that its frames are like all
 * others.
 */
static boot_code void give_reserved(struct dom0 *my)
{
    struct build *b = &my->b;
    u64 first, last, next = 0;

    first = arch_image_start() >> PAGE_SHIFT;
    last = (arch_image_start() + arch_image_bytes() - 1) >> PAGE_SHIFT;
    build_must(b, rangeset_remove(my->devices.reserved, first, last), "reserved memory");
    while (rangeset_next(my->devices.reserved, next, &first, &last)) {
        struct machine_range part;
        paddr_t at = first << PAGE_SHIFT, end = (last + 1) << PAGE_SHIFT;

        next = last + 1;
        for (; machine_next_ram(&machine, at, end, &part); at = machine_range_end(&part)) {
            mem_add_range(part.start, machine_range_end(&part), part.node);
            build_must(b, mem_claim(paddr_to_mfn(part.start), part.size >> PAGE_SHIFT), "reserved memory");
            b->d->max_pages += (u32)(part.size >> PAGE_SHIFT);
            build_give_ram(b, part.start, part.size);
        }
    }
}

/* Device memory 1:1. What lies above the guest-physical space, a bridge's high window say, dom0 has to do without. */
static boot_code void map_mmio(struct dom0 *my, struct rangeset *set, enum p2m_type t)
{
    u64 first, last, next = 0, limit = BIT(p2m_gpaddr_bits() - PAGE_SHIFT);

    while (next <= limit && rangeset_next(set, next, &first, &last)) {
        next = last + 1;
        if (last >= limit) {
            log_warn("dom0: device memory %#" PRIx64 "..%#" PRIx64 " is cut off at %#" PRIx64, first << PAGE_SHIFT,
                     (last + 1) << PAGE_SHIFT, limit << PAGE_SHIFT);
            last = limit - 1;
        }
        if (first <= last) {
            build_must(&my->b, p2m_map(my->b.d, gfn(first), mfn(first), last - first + 1, t), "mapping device memory");
        }
    }
}

static boot_code void give_mmio(struct dom0 *my)
{
    static const enum p2m_type types[DOM0_NR_MMIO] = {
        [DOM0_MMIO_DEVICE] = P2M_MMIO, [DOM0_MMIO_NC] = P2M_MMIO_NC, [DOM0_MMIO_WB] = P2M_MMIO_WB
    };
    u64 first, last, next = 0;

    for (u32 i = 0; i < DOM0_NR_MMIO; i++) {
        map_mmio(my, my->devices.mmio[i], types[i]);
    }
    while (rangeset_next(my->devices.iomem_caps, next, &first, &last)) {
        next = last + 1;
        if (domain_permit_iomem(my->b.d, first, last, true) != 0) {
            log_warn("dom0: too many device memory ranges: %#" PRIx64 " cannot be given to guests",
                     first << PAGE_SHIFT);
        }
    }
}

/* Interrupts one to one; one that the machine does not have, or that Argon uses, is left out. */
static boot_code void give_irqs(struct dom0 *my)
{
    struct domain *d = my->b.d;
    u64 first, last, next = 0;

    while (rangeset_next(my->devices.spis, next, &first, &last)) {
        for (u32 i = (u32)first; i <= (u32)last; i++) {
            int r;

            if (irq_is_hypervisor(i) || i >= irqchip->nr_irqs()) {
                continue;
            }
            irqchip->set_type(i, (my->devices.edge[i / 64] >> (i % 64) & 1) != 0 ? IRQ_TYPE_EDGE : IRQ_TYPE_LEVEL);
            r = irq_route_to_guest(i, d, i);
            if (r != 0) {
                log_warn("dom0: interrupt %u cannot be routed: error %d", i, r);
            }
        }
        next = last + 1;
    }
    next = 0;
    while (rangeset_next(my->devices.irq_caps, next, &first, &last)) {
        for (u32 i = (u32)first; i <= (u32)last; i++) {
            if (domain_permit_irq(d, i, true) != 0) {
                log_warn("dom0: interrupt %u cannot be given to guests", i);
            }
        }
        next = last + 1;
    }
}

/* The memory node has dom0's own banks, then what firmware reserved in RAM for devices, as the host's had. */
static boot_code u32 list_memory(const struct dom0 *my, struct machine_range *out, u32 max)
{
    const struct build_memory *mem = &my->b.memory;
    u64 first, last, next = 0;
    u32 nr = MIN(mem->nr, max);

    memcpy(out, mem->bank, nr * sizeof(*out));
    while (nr < max && rangeset_next(my->devices.reserved, next, &first, &last)) {
        out[nr++] = (struct machine_range){ .start = first << PAGE_SHIFT, .size = (last - first + 1) << PAGE_SHIFT };
        next = last + 1;
    }
    return nr;
}

/* The lowest private interrupt that nothing in the machine uses: events come by it. */
static boot_code u32 choose_event_ppi(const struct dom0 *my)
{
    u32 unused_ppis = ~my->devices.ppis_used & 0xffff;

    if (unused_ppis == 0) {
        boot_stop("the machine uses all 16 private interrupts: none is left for dom0's events");
    }
    return 16 + (u32)__builtin_ctz(unused_ppis);
}

/* Where dom0 is told of it: its tree, or with ACPI the parameter that Linux asks for (public hvm/params.h). */
static boot_code void set_event_ppi(struct domain *d, u32 ppi)
{
    const u64 type_ppi = UINT64_C(2) << 56, active_low = BIT(9);

    d->arch.event_ppi = ppi;
    d->hvm_params[HVM_PARAM_CALLBACK_IRQ] = type_ppi | active_low | ppi;
}

static boot_code void load_firmware(struct dom0 *my, const struct dom0_fdt *in)
{
    struct build *b = &my->b;
    struct dom0_acpi acpi = { .m = &machine, .host = machine_acpi(), .mpidr = in->mpidr, .nr_vcpus = in->nr_vcpus };
    struct dom0_efi tables = {
        .host = &machine.efi, .memory = &boot_firmware_memory, .acpi = machine.acpi ? &acpi : NULL, .bank = in->bank,
        .nr_banks = in->nr_banks
    };
    struct area a = { .buf = build_firmware_buffer(b), .base = b->place.firmware, .room = b->firmware_size };

    fill_firmware(my, &tables, &a);
    if (!area_fits(&a)) {
        build_stop(b, "firmware's tables have grown since they were first read");
    }
    build_firmware_done(b);
    log_info("%s: %s tables at %#" PRIx64 " (%" PRIu64 " bytes)", b->name, machine.acpi ? "ACPI and UEFI" : "UEFI",
             a.base, a.used);
}

/* The host's tree, filtered, and room for guest-physical space of other uses; or, with ACPI, hardly anything. */
static boot_code void write_fdt(struct dom0 *my, struct dom0_fdt *in, struct machine_range *spare)
{
    struct build *b = &my->b;
    u64 grant_size = (u64)grant_max_frames(b->d) << PAGE_SHIFT, tree = 0, room;
    void *buf;

    if (in->dt != NULL) {
        tree = (u64)in->dt->tree_size + in->dt->strings_size;
    }
    if (machine.acpi) {
        buf = build_fdt_buffer(b, tree + KIB(64), &room);
        build_fdt_done(b, dom0_stub_build(in, buf, (size_t)room), room);
        return;
    }
    in->nr_spare = dom0_spare_regions(&machine, &b->memory, my->devices.reserved, grant_size, spare, BUILD_MAX_BANKS);
    if (in->nr_spare == 0) {
        boot_stop("no space for dom0's grant table window of %" PRIu64 " KiB: give dom0 less memory (dom0_mem)",
                  grant_size >> 10);
    }
    /*
     * Names of properties are not shared in it, CPUs and the nodes of Argon's own are added: what it can become at
     * most.
     */
    buf = build_fdt_buffer(b, 4 * tree + KIB(64), &room);
    build_fdt_done(b, dom0_fdt_build(in, buf, (size_t)room), room);
}

static boot_code void load_fdt(struct dom0 *my, const struct dt *dt)
{
    struct build *b = &my->b;
    struct machine_range banks[BUILD_MAX_BANKS], spare[BUILD_MAX_BANKS];
    u64 mpidr[MAX_VCPUS];
    struct dom0_fdt in = {
        .m = &machine, .dt = dt, .bank = banks, .spare = spare, .initrd = b->place.initrd,
        .initrd_size = b->place.initrd_size, .cmdline = b->cmdline, .mpidr = mpidr, .nr_vcpus = b->nr_vcpus,
        .event_ppi = choose_event_ppi(my)
    };

    for (u32 i = 0; i < b->nr_vcpus; i++) {
        mpidr[i] = arch_vcpu_mpidr(b->d->vcpu[i]) & 0xffffff;
    }
    set_event_ppi(b->d, in.event_ppi);
    in.nr_banks = list_memory(my, banks, ARRAY_SIZE(banks));
    if (is_under_uefi()) {
        load_firmware(my, &in);
        in.efi = &my->efi;
    }
    write_fdt(my, &in, spare);
}

/* What stayed is dom0's now; the rest goes to the allocator. */
static boot_code void free_modules(const struct build *b)
{
    for (u32 i = 0; i < machine.nr_modules; i++) {
        struct machine_module *mod = &machine.modules[i];

        if ((mod == b->kernel && b->stay.kernel.size != 0) || (mod == b->ramdisk && b->stay.ramdisk.size != 0)) {
            mod->size = 0;
        }
    }
    modules_free(&machine);
}

boot_code void dom0_claim(void)
{
    struct dom0 *my = &the_dom0;
    struct build *b = &my->b;
    char why[160];

    if (!modules_check(&machine, arch_image_start(), arch_image_bytes(), why, sizeof(why))) {
        boot_stop("%s", why);
    }
    plan(b);
    plan_firmware(my);
    claim_memory(b);
    build_lay_out(b);
}

static boot_code void find_devices(struct dom0 *my, const struct dt *dt)
{
    int r;

    if (machine.acpi) {
        r = dom0_find_acpi_devices(&machine, machine_acpi(), p2m_gpaddr_bits(), irqchip->nr_irqs(), &my->devices);
    } else if (dt != NULL) {
        r = dom0_find_devices(&machine, dt, &my->devices);
    } else {
        boot_stop("dom0: the device tree is gone");
    }
    build_must(&my->b, r, "devices");
}

boot_code void dom0_build(void)
{
    struct dom0 *my = &the_dom0;
    struct build *b = &my->b;
    const struct dt *dt = machine_dt();

    find_devices(my, dt);
    create(b);
    b->d->arch.mmio_on_fault = machine.acpi;
    build_give_memory(b, opt.dom0_mem_max);
    give_reserved(my);
    give_mmio(my);
    give_irqs(my);
    build_load_modules(b);
    load_fdt(my, dt);
    build_scrub(b);
    build_start(b);
    dom0_devices_free(&my->devices);
    free_modules(b);
}
