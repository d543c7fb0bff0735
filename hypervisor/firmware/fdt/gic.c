/* SPDX-License-Identifier: MIT */
/*
 * The interrupt controller (bindings arm,gic and arm,gic-v3) and the generic timer (arm,arch_timer) of a device tree.
 */
#include <argon/console.h>
#include <argon/errno.h>
#include <argon/its.h>
#include <argon/string.h>
#include "parse.h"

#define REDIST_FRAMES UINT64_C(0x20000)  /* RD_base and SGI_base of one CPU */

static boot_code int common(struct fdt_parse *p, u32 version)
{
    struct machine_gic *g = &p->m->gic;
    const struct dt_node *n = dt_node(&p->w);

    if (n->irq_cells < 3) {
        return fdt_bad(p, "#interrupt-cells below 3");
    }
    p->dt.role_at[DT_ROLE_GIC] = p->w.off;
    p->dt.gic_phandle = n->phandle;
    g->version = version;
    return 0;
}

/*
 * What these machines' GICs do not say, and what their trees do not say either, or not all of them: caches are not
 * looked into, though registers accept it (Rockchip 3588001, dma-noncoherent); the bus has 32 bits of address only
 * (Rockchip 3568002, Renesas R-Car Gen4).
 */
static boot_code bool machine_is(const struct fdt_parse *p, const char *const *names)
{
    struct dt_prop compatible = dt_get(&p->dt, 0, "compatible");

    return dt_match(&compatible, names) != NULL;
}

static boot_code bool is_noncoherent(const struct fdt_parse *p)
{
    static const char *const names[] = {
        "rockchip,rk3566", "rockchip,rk3568", "rockchip,rk3588", "rockchip,rk3588s", NULL
    };

    return dt_get(&p->dt, p->w.off, "dma-noncoherent").data != NULL || machine_is(p, names);
}

static boot_code bool is_low32(const struct fdt_parse *p)
{
    static const char *const names[] = {
        "rockchip,rk3566", "rockchip,rk3568", "renesas,r8a779f0", "renesas,r8a779g0", "renesas,r8a779h0", NULL
    };

    return machine_is(p, names);
}

static boot_code int region(struct fdt_parse *p, u32 idx, paddr_t *base, paddr_t *size)
{
    if (dt_reg(&p->w, idx, base, size) != 0 || *size == 0) {
        return fdt_bad(p, "reg lacks a region (distributor, CPU interface, and of a GICv2 GICH and GICV)");
    }
    return 0;
}

boot_code int fdt_parse_gic_v2(struct fdt_parse *p)
{
    struct machine_gic *g = &p->m->gic;
    int r = region(p, 0, &g->gicd, &g->gicd_size);

    r = r != 0 ? r : region(p, 1, &g->gicc, &g->gicc_size);
    r = r != 0 ? r : region(p, 2, &g->gich, &g->gich_size);
    r = r != 0 ? r : region(p, 3, &g->gicv, &g->gicv_size);
    return r != 0 ? r : common(p, 2);
}

boot_code int fdt_parse_gic_v3(struct fdt_parse *p)
{
    struct machine_gic *g = &p->m->gic;
    struct dt_prop prop = dt_get(&p->dt, p->w.off, "#redistributor-regions");
    u32 nr = 1;
    int r;

    if (prop.data != NULL && (!dt_u32(&prop, &nr) || nr == 0 || nr > MACHINE_MAX_REDIST)) {
        return fdt_bad(p, "bad #redistributor-regions");
    }
    prop = dt_get(&p->dt, p->w.off, "redistributor-stride");
    if (prop.data != NULL && (!dt_number(&prop, &g->redist_stride) || !IS_ALIGNED(g->redist_stride, KIB(64)) ||
                              g->redist_stride < REDIST_FRAMES)) {
        return fdt_bad(p, "bad redistributor-stride");
    }
    r = region(p, 0, &g->gicd, &g->gicd_size);
    for (u32 i = 0; r == 0 && i < nr; i++) {
        r = region(p, 1 + i, &g->redist[i].start, &g->redist[i].size);
    }
    g->nr_redist = nr;
    g->redist_noncoherent = is_noncoherent(p);
    g->low32 = is_low32(p);
    return r != 0 ? r : common(p, 3);
}

boot_code void fdt_parse_its(struct fdt_parse *p)
{
    struct machine_gic *g = &p->m->gic;
    paddr_t base = 0, size = 0;

    if (dt_reg(&p->w, 0, &base, &size) != 0 || size < ITS_FRAMES || !IS_ALIGNED(base, KIB(64))) {
        log_warn("device tree: %s: reg is not of an ITS: devices have no MSIs by it", dt_node(&p->w)->name);
    } else if (g->nr_its == MACHINE_MAX_ITS) {
        log_warn("device tree: %s: more than %u ITS: devices have no MSIs by it", dt_node(&p->w)->name,
                 MACHINE_MAX_ITS);
    } else {
        g->its[g->nr_its++] = (struct machine_its){ .base = base, .noncoherent = is_noncoherent(p) };
    }
}

boot_code int fdt_parse_timer(struct fdt_parse *p)
{
    static const char *const quirks[] = {
        [TIMER_A008585] = "fsl,erratum-a008585", [TIMER_161010101] = "hisilicon,erratum-161010101",
        [TIMER_UNKNOWN1] = "allwinner,erratum-unknown1",
    };
    struct dt_prop prop = dt_get(&p->dt, p->w.off, "clock-frequency");

    for (u32 i = 0; i < ARRAY_SIZE(quirks); i++) {
        p->m->timer_quirks |= dt_get(&p->dt, p->w.off, quirks[i]).data != NULL ? BIT32(i) : 0;
    }
    if (prop.data != NULL && !dt_u32(&prop, &p->m->timer_hz)) {
        return fdt_bad(p, "bad clock-frequency");
    }
    p->dt.role_at[DT_ROLE_TIMER] = p->w.off;
    return 0;
}

/* Private interrupt number idx of the current node; 0 if it has none. */
static boot_code u32 private_irq(const struct fdt_parse *p, u32 idx)
{
    struct dt_irq_cursor c = { 0 };
    struct dt_irq irq;
    u32 n = 0;

    while (dt_next_irq(&p->w, &c, &irq)) {
        if (n++ == idx) {
            return irq.intid < 32 ? irq.intid : 0;
        }
    }
    return 0;
}

/* By interrupt-names if the node has them, else by the binding's order: secure, non-secure, virtual, hypervisor. */
static boot_code int finish_timer(struct fdt_parse *p)
{
    static const char *const names[] = { "sec-phys", "phys", "virt", "hyp-phys" };
    struct machine *m = p->m;
    u32 *const irqs[] = { &m->timer_irq_phys_s, &m->timer_irq_phys_ns, &m->timer_irq_virt, &m->timer_irq_hyp };
    struct dt_prop given = dt_get(&p->dt, p->w.off, "interrupt-names");

    for (int i = 0; i < (int)ARRAY_SIZE(names); i++) {
        int idx = given.data != NULL ? dt_string_index(&given, names[i]) : i;

        *irqs[i] = idx >= 0 ? private_irq(p, (u32)idx) : 0;
    }
    if (m->timer_irq_phys_ns == 0 || m->timer_irq_virt == 0 || m->timer_irq_hyp == 0) {
        return fdt_bad(p, "interrupts lack the non-secure, the virtual or the hypervisor timer");
    }
    return 0;
}

boot_code int fdt_finish_irqs(struct fdt_parse *p)
{
    struct machine_gic *g = &p->m->gic;
    struct dt_irq irq;

    if (g->version == 0) {
        return 0;                /* reported with what else is missing */
    }
    if (dt_walk_to(&p->w, &p->dt, p->dt.role_at[DT_ROLE_TIMER])) {
        int r = finish_timer(p);

        if (r != 0) {
            return r;
        }
    }
    if (!dt_walk_to(&p->w, &p->dt, p->dt.role_at[DT_ROLE_GIC])) {
        return -EINVAL;
    }
    /* Its own maintenance interrupt is in its own format, whatever its interrupt-parent says. */
    if (dt_node(&p->w)->interrupts.len < dt_node(&p->w)->irq_cells * 4 ||
        !dt_gic_irq(dt_node(&p->w)->interrupts.data, dt_node(&p->w)->irq_cells, &irq) || irq.intid >= 32) {
        return fdt_bad(p, "interrupts lacks the maintenance interrupt");
    }
    g->maintenance_irq = irq.intid;
    return 0;
}
