/* SPDX-License-Identifier: MIT */
/* The first domain: 1:1 memory, the host's devices, and a kernel from the boot modules (docs/design/boot.md). */
#include <argon/arch.h>
#include <argon/boot.h>
#include <argon/console.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/irqchip.h>
#include <argon/mem.h>
#include <argon/p2m.h>
#include <argon/panic.h>
#include <argon/param.h>
#include <argon/percpu.h>
#include <argon/rangeset.h>
#include <argon/string.h>
#include <vdev/vgic.h>

#define DOM0_DEFAULT_MEM  MIB(512)
#define DOM0_FIRST_BANK   MIB(128)       /* at least, so that kernel and modules find room */
#define GICV2_MAX_VCPUS   8
#define REDIST_PER_VCPU   0x20000UL      /* GICv3: RD_base and SGI_base */

static boot_code void must(int r, const char *what)
{
    if (r != 0) {
        boot_stop("dom0: %s: error %d", what, r);
    }
}

/* The largest redistributor region is the one dom0 sees. */
static boot_code u32 choose_redist(const struct machine_gic *g)
{
    u32 best = 0;

    for (u32 i = 1; i < g->nr_redist; i++) {
        if (g->redist[i].size > g->redist[best].size) {
            best = i;
        }
    }
    return best;
}

static boot_code u32 choose_vcpus(const struct machine_gic *g, u32 redist)
{
    u32 n = opt.dom0_max_vcpus != 0 ? MIN(nr_cpus, opt.dom0_max_vcpus) : nr_cpus;
    u32 limit = g->version == 2 ? GICV2_MAX_VCPUS : (u32)MIN(g->redist[redist].size / REDIST_PER_VCPU, (u64)MAX_VCPUS);

    n = MAX(n, opt.dom0_min_vcpus);
    if (n > limit) {
        log_warn("dom0: %u vCPUs instead of %u: the GICv%u has no room for more", limit, n, g->version);
    }
    return MIN(n, limit);
}

static boot_code void create_domain(struct dom0_build *b)
{
    const struct machine_gic *g = &machine.gic;
    struct domain_config cfg = {
        .flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap, .max_evtchn_port = ~0u, .max_grant_frames = -1,
        .max_maptrack_frames = -1, .max_grant_version = 1, .gic_version = (u8)(g->version - 1), .privileged = true,
        .direct_map = true
    };

    b->redist = g->version == 3 ? choose_redist(g) : 0;
    b->nr_vcpus = choose_vcpus(g, b->redist);
    if (b->nr_vcpus == 0) {
        boot_stop("the GIC's redistributor region at %#lx has no room for one CPU", g->redist[b->redist].start);
    }
    cfg.max_vcpus = b->nr_vcpus;
    cfg.nr_spis = irqchip->nr_irqs() > 32 ? irqchip->nr_irqs() - 32 : 0;
    must(domain_create(&cfg, 0, &b->d), "cannot be created");
    must(vgic_init_domain(b->d, (u8)g->version, cfg.nr_spis), "interrupt controller");
    if (g->version == 3) {
        const struct machine_range *r = &g->redist[b->redist];

        must(vgic_set_layout(b->d, g->gicd, r->start, r->size), "interrupt controller");
    } else {
        u64 nr = DIV_ROUND_UP(MIN(g->gicc_size, g->gicv_size), PAGE_SIZE);

        must(vgic_set_layout(b->d, g->gicd, g->gicc, 0), "interrupt controller");
        /* The guest's CPU interface is the hardware's virtual one (GICv2 architecture, 5.5). */
        must(p2m_map(b->d, gpa_to_gfn(g->gicc), paddr_to_mfn(g->gicv), nr, P2M_MMIO), "GICV");
    }
    for (u32 i = 0; i < b->nr_vcpus; i++) {
        must(vcpu_create(b->d, (u16)i), "virtual CPU");
    }
}

static boot_code u64 ramdisk_size(const struct dom0_build *b)
{
    return b->ramdisk != NULL ? b->ramdisk->size : 0;
}

/* Least size of the first bank. A kernel for a fixed address has to find that in whatever the bank is. */
static boot_code u64 first_bank_needs(const struct dom0_build *b, u64 bytes)
{
    struct dom0_place place;
    u64 need;
    int r = dom0_place(&b->image, 0, b->image.fixed ? ~0UL >> 1 : bytes, ramdisk_size(b), &place, &need);

    if (r == -ENOSPC) {
        boot_stop("dom0_mem=%luM is too small for this kernel and ramdisk: they need %lu MiB", bytes >> 20, need >> 20);
    }
    return MAX(b->image.fixed ? 0 : need, DOM0_FIRST_BANK);
}

static boot_code void claim_memory(struct dom0_build *b)
{
    u64 bytes = ROUND_UP(opt.dom0_mem != 0 ? opt.dom0_mem : DOM0_DEFAULT_MEM, DOM0_CHUNK);
    u64 first_min = first_bank_needs(b, bytes), need;
    struct mem_stats before;
    int r;

    mem_stats(&before);
    dom0_find_stay(&machine, b->kernel, &b->image, dom0_kernel_data(b), b->ramdisk, &b->stay);
    if (dom0_claim_stay(&machine, bytes, MIN(ROUND_UP(first_min, DOM0_CHUNK), bytes), &b->image,
                        ramdisk_size(b), &b->stay,
                        &b->memory.bank[0])) {
        b->memory.nr = 1;
        b->memory.total = b->memory.bank[0].size;
    }
    r = dom0_claim_memory(&machine, bytes, first_min, &b->memory);
    if (r != 0 && (opt.dom0_mem_min == 0 || b->memory.total < opt.dom0_mem_min)) {
        boot_stop("not enough memory for dom0: %lu MiB wanted (dom0_mem), %lu MiB free, %lu MiB of that in usable "
                  "pieces (2 MiB and up, the first %lu MiB)", bytes >> 20, before.free >> (20 - PAGE_SHIFT),
                  b->memory.total >> 20, MIN(first_min, bytes) >> 20);
    }
    if ((b->stay.kernel.size != 0 || b->stay.ramdisk.size != 0) &&
        dom0_place_stay(&b->image, &b->memory.bank[0], ramdisk_size(b), &b->stay, &b->place)) {
        return;
    }
    r = dom0_place(&b->image, b->memory.bank[0].start, b->memory.bank[0].size, ramdisk_size(b), &b->place, &need);
    if (r == -EINVAL) {
        boot_stop("the kernel is a uImage for load address %#lx, which is not in dom0's memory at %#lx", b->image.load,
                  b->memory.bank[0].start);
    }
    must(r, "kernel and ramdisk do not fit the first memory bank");
}

/* Make a range of claimed RAM dom0's, at its own address. */
static boot_code void give_ram(struct domain *d, u64 start, u64 size)
{
    u64 nr = size >> PAGE_SHIFT;

    must(page_assign(d, paddr_to_mfn(start), nr), "memory");
    must(p2m_map(d, gpa_to_gfn(start), paddr_to_mfn(start), nr, P2M_RAM_RW), "mapping memory");
}

/*
 * RAM that firmware reserved for devices was never the allocator's: in and out again, so that its frames are like all
 * others.
 */
static boot_code void give_reserved(struct dom0_build *b)
{
    u64 first, last, next = 0;

    first = arch_image_start() >> PAGE_SHIFT;
    last = (arch_image_start() + arch_image_bytes() - 1) >> PAGE_SHIFT;
    must(rangeset_remove(b->devices.reserved, first, last), "reserved memory");
    while (rangeset_next(b->devices.reserved, next, &first, &last)) {
        next = last + 1;
        mem_add_range(first << PAGE_SHIFT, (last + 1) << PAGE_SHIFT, 0);
        must(mem_claim(mfn(first), last - first + 1), "reserved memory");
        b->d->max_pages += (u32)(last - first + 1);
        give_ram(b->d, first << PAGE_SHIFT, (last - first + 1) << PAGE_SHIFT);
    }
}

static boot_code void give_memory(struct dom0_build *b)
{
    b->d->max_pages = (u32)(MAX(b->memory.total, opt.dom0_mem_max) >> PAGE_SHIFT);
    for (u32 i = 0; i < b->memory.nr; i++) {
        const struct machine_range *r = &b->memory.bank[i];

        give_ram(b->d, r->start, r->size);
        log_info("dom0: memory %#lx..%#lx (%lu MiB)", r->start, r->start + r->size, r->size >> 20);
    }
    give_reserved(b);
}

/* The first of the loaded ranges that ends behind `at` and begins before `end`; NULL: none. */
static boot_code const struct machine_range *next_loaded(const struct dom0_build *b, u64 at, u64 end)
{
    const struct machine_range *next = NULL;

    for (u32 i = 0; i < ARRAY_SIZE(b->loaded); i++) {
        const struct machine_range *r = &b->loaded[i];

        if (r->size != 0 && r->start + r->size > at && r->start < end && (next == NULL || r->start < next->start)) {
            next = r;
        }
    }
    return next;
}

/*
 * All but what was loaded. Not on first touch, as it would be possible for another domain: without an IOMMU a device
 * may be the first to touch a page of dom0's. Not with bootscrub=no: the user trusts what was in memory before Argon,
 * and starts faster.
 */
static boot_code void scrub_memory(const struct dom0_build *b)
{
    for (u32 i = 0; opt.bootscrub != BOOTSCRUB_NO && i < b->memory.nr; i++) {
        u64 at = b->memory.bank[i].start, end = at + b->memory.bank[i].size;

        while (at < end) {
            const struct machine_range *r = next_loaded(b, at, end);
            u64 to = r != NULL ? MAX(r->start, at) : end;

            arch_scrub_pages(mfn_to_virt(paddr_to_mfn(at)), (to - at) >> PAGE_SHIFT);
            at = r != NULL ? r->start + r->size : end;
        }
    }
}

/* What stayed is dom0's now; the rest goes to the allocator. */
static boot_code void free_modules(const struct dom0_build *b)
{
    for (u32 i = 0; i < machine.nr_modules; i++) {
        struct machine_module *mod = &machine.modules[i];

        if ((mod == b->kernel && b->stay.kernel.size != 0) || (mod == b->ramdisk && b->stay.ramdisk.size != 0)) {
            mod->size = 0;
        }
    }
    modules_free(&machine);
}

/* Device memory 1:1. What lies above the guest-physical space, a bridge's high window say, dom0 has to do without. */
static boot_code void give_mmio(struct dom0_build *b)
{
    u64 first, last, next = 0, limit = 1UL << (p2m_gpaddr_bits() - PAGE_SHIFT);

    while (rangeset_next(b->devices.mmio, next, &first, &last)) {
        next = last + 1;
        if (last >= limit) {
            log_warn("dom0: device memory %#lx..%#lx is cut off at %#lx", first << PAGE_SHIFT, (last + 1) << PAGE_SHIFT,
                     limit << PAGE_SHIFT);
            last = limit - 1;
        }
        if (first <= last) {
            must(p2m_map(b->d, gfn(first), mfn(first), last - first + 1, P2M_MMIO), "mapping device memory");
        }
        if (next > limit) {
            break;
        }
    }
    next = 0;
    while (rangeset_next(b->devices.iomem_caps, next, &first, &last)) {
        next = last + 1;
        if (domain_permit_iomem(b->d, first, last, true) != 0) {
            log_warn("dom0: too many device memory ranges: %#lx cannot be given to guests", first << PAGE_SHIFT);
        }
    }
}

/* Interrupts one to one; one that the machine does not have, or that Argon uses, is left out. */
static boot_code void give_irqs(struct dom0_build *b)
{
    u64 first, last, next = 0;

    while (rangeset_next(b->devices.spis, next, &first, &last)) {
        for (u32 i = (u32)first; i <= (u32)last; i++) {
            int r;

            if (irq_is_hypervisor(i) || i >= irqchip->nr_irqs()) {
                continue;
            }
            irqchip->set_type(i, (b->devices.edge[i / 64] >> (i % 64) & 1) != 0 ? IRQ_TYPE_EDGE : IRQ_TYPE_LEVEL);
            r = irq_route_to_guest(i, b->d, i);
            if (r != 0) {
                log_warn("dom0: interrupt %u cannot be routed: error %d", i, r);
            }
        }
        next = last + 1;
    }
    next = 0;
    while (rangeset_next(b->devices.irq_caps, next, &first, &last)) {
        for (u32 i = (u32)first; i <= (u32)last; i++) {
            if (domain_permit_irq(b->d, i, true) != 0) {
                log_warn("dom0: interrupt %u cannot be given to guests", i);
            }
        }
        next = last + 1;
    }
}

static boot_code void check_modules(void)
{
    char why[160];

    if (!modules_check(&machine, arch_image_start(), arch_image_bytes(), why, sizeof(why))) {
        boot_stop("%s", why);
    }
}

static boot_data struct dom0_build build;

boot_code void dom0_claim(void)
{
    memset(&build, 0, sizeof(build));
    check_modules();
    dom0_probe_kernel(&build);
    claim_memory(&build);
}

boot_code void dom0_build(void)
{
    struct dom0_build *b = &build;

    if (machine_dt() == NULL) {
        boot_stop("dom0: the device tree is gone");
    }
    b->dt = machine_dt();
    must(dom0_find_devices(&machine, b->dt, &b->devices), "devices");
    create_domain(b);
    give_memory(b);
    give_mmio(b);
    give_irqs(b);
    dom0_load(b);
    scrub_memory(b);
    must(arch_vcpu_boot(b->d->vcpu[0], b->place.entry, b->place.fdt), "entry point");
    log_info("dom0: %u vCPUs, %lu MiB, events by interrupt %u", b->nr_vcpus, b->memory.total >> 20,
             b->d->arch.event_ppi);
    vcpu_unblock(b->d->vcpu[0], VPF_DOWN);
    must(domain_controller_unpause(b->d), "cannot be started");
    dom0_devices_free(&b->devices);
    free_modules(b);
}
