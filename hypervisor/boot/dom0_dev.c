/* SPDX-License-Identifier: MIT */
/*
 * Which device memory and interrupts the host's device tree gives dom0: all of what is not Argon's own or another
 * domain's.
 */
#include "dom0.h"
#include <argon/console.h>
#include <argon/errno.h>
#include <argon/its.h>
#include <argon/mem.h>
#include <argon/rangeset.h>
#include <argon/string.h>

struct finder {
    const struct machine *m;
    struct dom0_devices *out;
    struct dt_walk w;
};

/* Frames that any byte of [start, start + size) is in. */
static boot_code int add_frames(struct rangeset *set, u64 start, u64 size)
{
    return size == 0 ? 0 : rangeset_add(set, start >> PAGE_SHIFT, (start + size - 1) >> PAGE_SHIFT);
}

static boot_code int remove_frames(struct rangeset *set, u64 start, u64 size)
{
    return size == 0 ? 0 : rangeset_remove(set, start >> PAGE_SHIFT, (start + size - 1) >> PAGE_SHIFT);
}

static boot_code int give_mmio(struct finder *f, u64 start, u64 size, enum dom0_mmio kind, bool map)
{
    int r = add_frames(f->out->iomem_caps, start, size);

    return r != 0 || !map ? r : add_frames(f->out->mmio[kind], start, size);
}

/* A PCI host bridge's windows. Reads of a prefetchable one have no side effects: drivers map it write-combining. */
static boot_code int bridge_windows(struct finder *f, bool map)
{
    u64 start, size;
    int r = 0, found;

    for (u32 i = 0; r == 0 && (found = dt_range(&f->w, i, &start, &size)) != -ENOENT; i++) {
        if (found != 0) {
            log_warn("device tree: %s: bad ranges: not given to dom0", dt_node(&f->w)->name);
            break;
        }
        r = give_mmio(f, start, size, dt_range_prefetchable(&f->w, i) ? DOM0_MMIO_NC : DOM0_MMIO_DEVICE, map);
    }
    return r;
}

/* All of reg, and of a PCI host bridge its windows. What the CPU cannot reach is another bus's affair. */
static boot_code int node_mmio(struct finder *f, bool map)
{
    static const char *const pci_type[] = { "pci", NULL };
    const struct dt_node *n = dt_node(&f->w);
    bool bridge = dt_match(&n->device_type, pci_type) != NULL;
    u64 start, size;
    int r = 0, found;

    for (u32 i = 0; r == 0; i++) {
        found = dt_reg(&f->w, i, &start, &size);
        if (found == -EINVAL) {
            log_warn("device tree: %s: bad reg: not given to dom0", n->name);
        }
        if (found == -ENXIO && dt_reg_raw(&f->w, i, &start, &size) == 0) {
            continue;
        }
        if (found != 0) {
            break;
        }
        r = give_mmio(f, start, size, DOM0_MMIO_DEVICE, map);
    }
    return r == 0 && bridge ? bridge_windows(f, map) : r;
}

static boot_code int node_irqs(struct finder *f, bool route)
{
    struct dt_irq_cursor c = { 0 };
    struct dt_irq irq;
    int r = 0;

    while (r == 0 && dt_next_irq(&f->w, &c, &irq)) {
        if (irq.intid < 32) {
            continue;
        }
        if (irq.edge) {
            f->out->edge[irq.intid / 64] |= BIT(irq.intid % 64);
        }
        r = rangeset_add(f->out->irq_caps, irq.intid, irq.intid);
        if (r == 0 && route) {
            r = rangeset_add(f->out->spis, irq.intid, irq.intid);
        }
    }
    return r;
}

/*
 * A child of /reserved-memory: RAM that its devices use. What is in no bank, because it must not be mapped here, is
 * memory all the same.
 */
static boot_code int node_reserved(struct finder *f)
{
    u64 start, size;
    int r = 0;

    for (u32 i = 0; r == 0 && dt_reg_raw(&f->w, i, &start, &size) == 0; i++) {
        r = machine_is_ram(f->m, start, size) ? add_frames(f->out->reserved, start, size)
                                              : give_mmio(f, start, size, DOM0_MMIO_WB, true);
    }
    return r;
}

static boot_code int give_node(struct finder *f, enum dom0_node kind)
{
    bool whole = kind == DOM0_NODE_COPY;
    int r;

    if (f->w.depth == 2 && strcmp(f->w.node[1].name, "reserved-memory") == 0) {
        return node_reserved(f);
    }
    r = node_mmio(f, whole);
    return r != 0 ? r : node_irqs(f, whole);
}

/* Private interrupts of any node, dropped ones too: whatever dom0 sees must not clash. */
static boot_code void note_ppis(struct finder *f)
{
    struct dt_irq_cursor c = { 0 };
    struct dt_irq irq;

    while (dt_next_irq(&f->w, &c, &irq)) {
        if (irq.intid < 32) {
            f->out->ppis_used |= BIT32(irq.intid - 16);
        }
    }
}

/*
 * Argon's own: interrupt controller, console UART, what UEFI drives at run time, and all RAM (a device whose registers
 * lie in RAM is firmware's mistake).
 */
static boot_code int take_back(const struct machine *m, struct rangeset *set)
{
    const struct machine_gic *g = &m->gic;
    int r = remove_frames(set, g->gicd, g->gicd_size);

    for (u32 i = 0; r == 0 && i < g->nr_redist; i++) {
        r = remove_frames(set, g->redist[i].start, g->redist[i].size);
    }
    for (u32 i = 0; r == 0 && i < g->nr_its; i++) {
        r = remove_frames(set, g->its[i].base, ITS_FRAMES);
    }
    r = r != 0 ? r : remove_frames(set, g->gicc, g->gicc_size);
    r = r != 0 ? r : remove_frames(set, g->gich, g->gich_size);
    r = r != 0 ? r : remove_frames(set, g->gicv, g->gicv_size);
    if (r == 0 && m->has_uart) {
        r = remove_frames(set, m->uart.base, m->uart.size);
    }
    for (u32 i = 0; r == 0 && i < m->efi.nr_mmio; i++) {
        r = remove_frames(set, m->efi.mmio[i].start, m->efi.mmio[i].size);
    }
    for (u32 i = 0; r == 0 && i < m->nr_banks; i++) {
        r = remove_frames(set, m->banks[i].start, m->banks[i].size);
    }
    return r;
}

static_assert(16 * 64 >= 1020, "a bit of struct dom0_devices.edge for each INTID that a device may have");

/* Where two nodes name the same frames, what leaves dom0 most choice. */
static boot_code int keep_apart(struct dom0_devices *out)
{
    int r = 0;

    for (u32 kind = DOM0_NR_MMIO - 1; kind > 0; kind--) {
        u64 first, last, next = 0;

        while (r == 0 && rangeset_next(out->mmio[kind], next, &first, &last)) {
            next = last + 1;
            for (u32 below = 0; r == 0 && below < kind; below++) {
                r = rangeset_remove(out->mmio[below], first, last);
            }
        }
    }
    return r;
}

static boot_code int walk_all(struct finder *f, const struct dt *dt)
{
    int r = 0;

    dt_walk_start(&f->w, dt);
    while (r == 0 && dt_walk_next(&f->w)) {
        enum dom0_node kind = dom0_filter(&f->w);

        note_ppis(f);
        if ((kind == DOM0_NODE_COPY || kind == DOM0_NODE_PASSTHROUGH) && f->w.depth > 0 && dt_node(&f->w)->available) {
            r = give_node(f, kind);
        }
        if (kind == DOM0_NODE_GIC || (kind == DOM0_NODE_DROP && f->w.depth > 0)) {
            dt_walk_skip(&f->w);
        }
    }
    return r;
}

boot_code int dom0_devices_create(struct dom0_devices *dev)
{
    struct rangeset **const sets[] = {
        &dev->mmio[DOM0_MMIO_DEVICE], &dev->mmio[DOM0_MMIO_NC], &dev->mmio[DOM0_MMIO_WB], &dev->iomem_caps, &dev->spis,
        &dev->irq_caps, &dev->reserved
    };
    int r = 0;

    memset(dev, 0, sizeof(*dev));
    for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
        *sets[i] = rangeset_create();
        r = *sets[i] != NULL ? r : -ENOMEM;
    }
    return r;
}

boot_code void dom0_devices_free(struct dom0_devices *dev)
{
    for (u32 i = 0; i < DOM0_NR_MMIO; i++) {
        rangeset_destroy(dev->mmio[i]);
    }
    rangeset_destroy(dev->iomem_caps);
    rangeset_destroy(dev->spis);
    rangeset_destroy(dev->irq_caps);
    rangeset_destroy(dev->reserved);
    memset(dev, 0, sizeof(*dev));
}

/* The console's interrupt is Argon's, whoever else names it. */
static boot_code int take_back_irqs(const struct machine *m, struct dom0_devices *out)
{
    const u32 own[] = {
        m->gic.maintenance_irq, m->timer_irq_phys_s, m->timer_irq_phys_ns, m->timer_irq_virt, m->timer_irq_hyp
    };
    int r;

    for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
        if (own[i] >= 16 && own[i] < 32) {
            out->ppis_used |= BIT32(own[i] - 16);
        }
    }
    if (!m->has_uart || m->uart.irq == 0) {
        return 0;
    }
    r = rangeset_remove(out->spis, m->uart.irq, m->uart.irq);
    return r != 0 ? r : rangeset_remove(out->irq_caps, m->uart.irq, m->uart.irq);
}

boot_code int dom0_take_back(const struct machine *m, struct dom0_devices *out)
{
    int r = take_back(m, out->iomem_caps);

    for (u32 i = 0; r == 0 && i < DOM0_NR_MMIO; i++) {
        r = take_back(m, out->mmio[i]);
    }
    return r != 0 ? r : take_back_irqs(m, out);
}

boot_code int dom0_find_devices(const struct machine *m, const struct dt *dt, struct dom0_devices *out)
{
    int r = dom0_devices_create(out);
    struct finder *f = r == 0 ? xzalloc(struct finder) : NULL;

    if (f == NULL) {
        return -ENOMEM;
    }
    f->m = m;
    f->out = out;
    r = walk_all(f, dt);
    xfree(f);
    r = r != 0 ? r : dom0_take_back(m, out);
    return r != 0 ? r : keep_apart(out);
}
