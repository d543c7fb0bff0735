/* SPDX-License-Identifier: MIT */
/*
 * GICv3 distributor and redistributors as a guest sees them (IHI0069 chapter 12): one security state (GICD_CTLR.DS),
 * affinity routing and system register access always on, no 1-of-N; LPIs where the domain has an ITS.
 */
#include "its.h"

#define GICD_CTLR_ARE BIT32(4)
#define GICD_CTLR_DS  BIT32(6)
#define GICD_TYPER_IDBITS (9u << 19)     /* INTIDs of 10 bits */
#define GICD_TYPER_LPIS BIT32(17)
#define GICD_TYPER_NO1N BIT32(25)
#define GIC_IIDR      0x4100043bu        /* 'A', revision 0, Arm's JEP106 code: the programmer's model is Arm's */

#define GICR_CTLR_LPIS  BIT32(0)
#define GICR_CTLR_CES   BIT32(1)         /* ... which may be cleared again */
#define GICR_TYPER_PLPIS BIT(0)
#define GICR_TYPER_LAST BIT(4)
/* Table, cacheability, shareability, number of INTID bits; table, and that it is zero, of the other. */
#define PROPBASER_MASK  (GENMASK(58, 56) | GENMASK(51, 12) | GENMASK(11, 7) | GENMASK(4, 0))
#define PENDBASER_MASK  (GENMASK(58, 56) | GENMASK(51, 16) | GENMASK(11, 7))
#define GICR_SGI_ROW    7
#define WAKER_SLEEP     BIT32(1)
#define WAKER_ASLEEP    BIT32(2)

#define IROUTER_MASK  (GENMASK(39, 32) | GENMASK(23, 0))

static u64 gicd_ctlr_read(struct vcpu *v, u64 offset, struct vcpu *bank)
{
    (void)bank;
    (void)offset;
    return GICD_CTLR_DS | GICD_CTLR_ARE | v->domain->arch.vgic.ctlr;
}

static void gicd_ctlr_write(struct vcpu *v, u64 offset, struct vcpu *bank, u64 value)
{
    (void)bank;
    (void)offset;
    vgic_write_ctlr(v->domain, (u32)value & (GICD_CTLR_ENABLE_GRP0 | GICD_CTLR_ENABLE_GRP1));
}

static u64 gicd_typer_read(struct vcpu *v, u64 offset, struct vcpu *bank)
{
    (void)bank;
    (void)offset;
    return v->domain->arch.vgic.typer;
}

void vgic_v3_set_typer(struct domain *d)
{
    struct vgic_domain *g = &d->arch.vgic;

    g->typer = (g->nr_spis + 31) / 32 | GICD_TYPER_NO1N |
               (g->lpis != NULL ? GICD_TYPER_LPIS | (g->lpis->id_bits - 1) << 19 : GICD_TYPER_IDBITS);
}

static u64 iidr_read(struct vcpu *v, u64 offset, struct vcpu *bank)
{
    (void)v;
    (void)bank;
    (void)offset;
    return GIC_IIDR;
}

/*
 * Identification registers at 0xffd0..0xfffc (12.1.13); part number of a distributor or redistributor, architecture
 * version 3.
 */
u64 vgic_v3_id(u64 offset, u32 part)
{
    static const u8 ids[] = { 0x44, 0, 0, 0, 0, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1 };
    u64 n = (offset - 0xffd0) / 4;

    return n == 4 ? part : ids[n];
}

static u64 gicd_id_read(struct vcpu *v, u64 offset, struct vcpu *bank)
{
    (void)v;
    (void)bank;
    return vgic_v3_id(offset, 0x92);
}

static u64 gicr_id_read(struct vcpu *v, u64 offset, struct vcpu *bank)
{
    (void)v;
    (void)bank;
    return vgic_v3_id(offset & 0xffff, 0x93);
}

static u64 irouter_get(struct vgic_access *c, struct vgic_irq *irq)
{
    (void)c;
    return irq->route;
}

/* Our vCPUs have affinities 0.0.(n / 16).(n % 16); another one routes the interrupt nowhere. */
static void irouter_set(struct vgic_access *c, struct vgic_irq *irq, u64 value)
{
    u64 route = value & IROUTER_MASK;
    u64 id = (route >> 8 & 0xff) * 16 + (route & 0xff);
    bool valid = !(route & ~UINT64_C(0xffff)) && (route & 0xff) < 16 && id < c->v->domain->max_vcpus;

    vgic_route_spi(irq, valid ? domain_vcpu(c->v->domain, id) : NULL, route);
}

#define W   4
#define BW  (1 | 4)
/* Ones written set or clear the bit. */
#define W1  .bits = 1, .w1 = true
#define WD  (4 | 8)

/* GICD (12.9). Private interrupts' fields are reserved here with affinity routing: there is no bank. */
static const struct vgic_reg gicd_regs[] = {
    { 0x0000, 0x0004, W, 4, .read = gicd_ctlr_read, .write = gicd_ctlr_write },             /* GICD_CTLR 12.9.4 */
    { 0x0004, 0x0008, W, 4, .read = gicd_typer_read },                                      /* GICD_TYPER 12.9.38 */
    { 0x0008, 0x000c, W, 4, .read = iidr_read },                                            /* GICD_IIDR 12.9.18 */
    { 0x0080, 0x0100, W, .bits = 1, .get = vgic_get_group, .set = vgic_set_group },         /* GICD_IGROUPR 12.9.16 */
    { 0x0100, 0x0180, W, W1, .get = vgic_get_enable, .set = vgic_set_enable },              /* GICD_ISENABLER */
    { 0x0180, 0x0200, W, W1, .get = vgic_get_enable, .set = vgic_clear_enable },            /* GICD_ICENABLER */
    { 0x0200, 0x0280, W, W1, .get = vgic_get_pending, .set = vgic_set_pending },            /* GICD_ISPENDR */
    { 0x0280, 0x0300, W, W1, .get = vgic_get_pending, .set = vgic_clear_pending },          /* GICD_ICPENDR */
    { 0x0300, 0x0380, W, W1, .get = vgic_get_active, .set = vgic_set_active },              /* GICD_ISACTIVER */
    { 0x0380, 0x0400, W, W1, .get = vgic_get_active, .set = vgic_clear_active },            /* GICD_ICACTIVER */
    { 0x0400, 0x0800, BW, .bits = 8, .get = vgic_get_priority, .set = vgic_set_priority },  /* GICD_IPRIORITYR */
    { 0x0c00, 0x0d00, W, .bits = 2, .get = vgic_get_config, .set = vgic_set_config },       /* GICD_ICFGR */
    { 0x6100, 0x7fe0, WD, .bits = 64, .first = 32, .get = irouter_get, .set = irouter_set }, /* GICD_IROUTER */
    { 0xffd0, 0x10000, W, 4, .read = gicd_id_read },                                  /* GICD_PIDR, GICD_CIDR 12.1.13 */
    VGIC_REG_END
};

/* Affinity, processor number, and whether it is the last one in the region (12.11.35). */
static u64 gicr_typer_read(struct vcpu *v, u64 offset, struct vcpu *bank)
{
    u64 id = bank->id;

    (void)offset;
    return (id >> 4) << 40 | (id & 15) << 32 | id << 8 | (id + 1 == v->domain->max_vcpus ? GICR_TYPER_LAST : 0) |
           (v->domain->arch.vgic.lpis != NULL ? GICR_TYPER_PLPIS : 0);
}

static u64 gicr_waker_read(struct vcpu *v, u64 offset, struct vcpu *bank)
{
    (void)v;
    (void)offset;
    return bank->arch.vgic.asleep ? WAKER_SLEEP | WAKER_ASLEEP : 0;
}

/*
 * Interrupts are delivered in either state: that a sleeping redistributor keeps them back is power management we do
 * not do. So it is awake after reset too, where the architecture says asleep (12.11.42): on Xen it always reads so, and
 * there are guests that count on it.
 */
static void gicr_waker_write(struct vcpu *v, u64 offset, struct vcpu *bank, u64 value)
{
    (void)v;
    (void)offset;
    bank->arch.vgic.asleep = value & WAKER_SLEEP;
}

/*
 * LPIs, where the domain has an ITS. Off, what is pending goes: a kernel started by kexec begins so. One table
 * configures all redistributors' (GICR_TYPER.CommonLPIAff is 0); from one that is on, neither it nor a pending table
 * may be moved.
 */
static u64 gicr_ctlr_read(struct vcpu *v, u64 offset, struct vcpu *bank)
{
    bool on = atomic_load(&bank->arch.vgic.lpis_on);

    (void)offset;
    return v->domain->arch.vgic.lpis == NULL ? 0 : GICR_CTLR_CES | (on ? GICR_CTLR_LPIS : 0);
}

static void gicr_ctlr_write(struct vcpu *v, u64 offset, struct vcpu *bank, u64 value)
{
    struct domain *d = v->domain;
    bool on = value & GICR_CTLR_LPIS;
    struct vgic_irq *irq;

    (void)offset;
    if (d->arch.vgic.lpis == NULL || atomic_load(&bank->arch.vgic.lpis_on) == on) {
        return;
    }
    atomic_store(&bank->arch.vgic.lpis_on, on);
    if (!on) {
        vgic_settle(d);                  /* no message is on its way that has seen them on */
    }
    for (u32 n = d->arch.vgic.nr_spis; !on && (irq = vgic_next_shared(d, &n)) != NULL; n++) {
        if (READ_ONCE(irq->target) == bank) {
            vgic_clear_pending(NULL, irq, 1);
        }
    }
}

static u64 propbaser_read(struct vcpu *v, u64 offset, struct vcpu *bank)
{
    const struct vgic_lpis *l = v->domain->arch.vgic.lpis;

    (void)offset;
    (void)bank;
    return l != NULL ? READ_ONCE(l->propbaser) : 0;
}

static void propbaser_write(struct vcpu *v, u64 offset, struct vcpu *bank, u64 value)
{
    struct vgic_lpis *l = v->domain->arch.vgic.lpis;

    (void)offset;
    if (l != NULL && !atomic_load(&bank->arch.vgic.lpis_on)) {
        spin_lock(&l->lock);
        l->propbaser = value & PROPBASER_MASK;
        spin_unlock(&l->lock);
    }
}

static u64 pendbaser_read(struct vcpu *v, u64 offset, struct vcpu *bank)
{
    (void)v;
    (void)offset;
    return bank->arch.vgic.pendbaser;
}

static void pendbaser_write(struct vcpu *v, u64 offset, struct vcpu *bank, u64 value)
{
    (void)offset;
    if (v->domain->arch.vgic.lpis != NULL && !atomic_load(&bank->arch.vgic.lpis_on)) {
        bank->arch.vgic.pendbaser = value & PENDBASER_MASK;
    }
}

/* GICR: RD_base frame, then SGI_base frame at 0x10000 (12.10, 12.11). Writes are done when they return. */
static const struct vgic_reg gicr_regs[] = {
    { 0x00000, 0x00004, W, 4, .read = gicr_ctlr_read, .write = gicr_ctlr_write },           /* GICR_CTLR 12.11.2 */
    { 0x00004, 0x00008, W, 4, .read = iidr_read },                                          /* GICR_IIDR 12.11.9 */
    { 0x00008, 0x00010, WD, 8, .read = gicr_typer_read },                                   /* GICR_TYPER 12.11.35 */
    { 0x00014, 0x00018, W, 4, .read = gicr_waker_read, .write = gicr_waker_write },         /* GICR_WAKER 12.11.42 */
    { 0x00070, 0x00078, WD, 8, .read = propbaser_read, .write = propbaser_write },          /* GICR_PROPBASER */
    { 0x00078, 0x00080, WD, 8, .read = pendbaser_read, .write = pendbaser_write },          /* GICR_PENDBASER */
    { 0x0ffd0, 0x10000, W, 4, .read = gicr_id_read },                                       /* GICR_PIDR, GICR_CIDR */
    /* SGI_base: GICR_SGI_ROW */
    { 0x10080, 0x10084, W, .bits = 1, .get = vgic_get_group, .set = vgic_set_group },       /* GICR_IGROUPR0 */
    { 0x10100, 0x10104, W, W1, .get = vgic_get_enable, .set = vgic_set_enable },            /* GICR_ISENABLER0 */
    { 0x10180, 0x10184, W, W1, .get = vgic_get_enable, .set = vgic_clear_enable },          /* GICR_ICENABLER0 */
    { 0x10200, 0x10204, W, W1, .get = vgic_get_pending, .set = vgic_set_pending },          /* GICR_ISPENDR0 */
    { 0x10280, 0x10284, W, W1, .get = vgic_get_pending, .set = vgic_clear_pending },        /* GICR_ICPENDR0 */
    { 0x10300, 0x10304, W, W1, .get = vgic_get_active, .set = vgic_set_active },            /* GICR_ISACTIVER0 */
    { 0x10380, 0x10384, W, W1, .get = vgic_get_active, .set = vgic_clear_active },          /* GICR_ICACTIVER0 */
    { 0x10400, 0x10420, BW, .bits = 8, .get = vgic_get_priority, .set = vgic_set_priority }, /* GICR_IPRIORITYR */
    { 0x10c00, 0x10c08, W, .bits = 2, .get = vgic_get_config, .set = vgic_set_config },     /* GICR_ICFGR0, 1 */
    VGIC_REG_END
};

/* Where to begin to look. */
static const struct vgic_reg *gicr_row(u64 offset)
{
    return &gicr_regs[offset < 0x10000 ? 0 : GICR_SGI_ROW];
}

u64 vgic_v3_dist_read(struct vcpu *v, u64 offset, u64 size)
{
    return vgic_reg_read(v, offset, size, NULL, &gicd_regs[vgic_dist_row(offset)]);
}

void vgic_v3_dist_write(struct vcpu *v, u64 offset, u64 size, u64 value)
{
    vgic_reg_write(v, offset, size, value, NULL, &gicd_regs[vgic_dist_row(offset)]);
}

/* Whose frame it is; NULL: the region holds more frames than the domain has vCPUs. */
static struct vcpu *frame_vcpu(struct vcpu *v, u64 offset)
{
    u64 id = offset >> GICR_FRAME_SHIFT;

    return domain_vcpu(v->domain, id);
}

u64 vgic_v3_redist_read(struct vcpu *v, u64 offset, u64 size)
{
    struct vcpu *bank = frame_vcpu(v, offset);

    offset &= BIT(GICR_FRAME_SHIFT) - 1;
    return bank != NULL ? vgic_reg_read(v, offset, size, bank, gicr_row(offset)) : 0;
}

void vgic_v3_redist_write(struct vcpu *v, u64 offset, u64 size, u64 value)
{
    struct vcpu *bank = frame_vcpu(v, offset);

    offset &= BIT(GICR_FRAME_SHIFT) - 1;
    if (bank != NULL) {
        vgic_reg_write(v, offset, size, value, bank, gicr_row(offset));
    }
}
