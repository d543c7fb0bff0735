/* SPDX-License-Identifier: MIT */
/*
 * GICv2 distributor as a guest sees it (IHI0048 chapter 4): no Security Extensions, interrupt groups implemented. The
 * CPU interface is the hardware's virtual one, mapped into the guest.
 */
#include "internal.h"

#define GIC_IIDR 0x4100043bu
#define GICD_SGIR 0xf00

static u64 ctlr_read(struct vcpu *v, u64 offset, struct vcpu *bank)
{
    (void)bank;
    (void)offset;
    return v->domain->arch.vgic.ctlr;
}

static void ctlr_write(struct vcpu *v, u64 offset, struct vcpu *bank, u64 value)
{
    (void)bank;
    (void)offset;
    vgic_write_ctlr(v->domain, (u32)value & (GICD_CTLR_ENABLE_GRP0 | GICD_CTLR_ENABLE_GRP1));
}

static u64 typer_read(struct vcpu *v, u64 offset, struct vcpu *bank)
{
    (void)bank;
    (void)offset;
    return (v->domain->arch.vgic.nr_spis + 31) / 32 | (v->domain->max_vcpus - 1) << 5;
}

static u64 iidr_read(struct vcpu *v, u64 offset, struct vcpu *bank)
{
    (void)v;
    (void)bank;
    (void)offset;
    return GIC_IIDR;
}

/* 0xfd0..0xffc: as GIC-400, architecture version 2. */
static u64 id_read(struct vcpu *v, u64 offset, struct vcpu *bank)
{
    static const u8 ids[] = { 0x04, 0, 0, 0, 0x90, 0xb4, 0x2b, 0, 0x0d, 0xf0, 0x05, 0xb1 };

    (void)v;
    (void)bank;
    return ids[(offset - 0xfd0) / 4];
}

/* Private interrupts: the reading CPU's own bit, read-only. With one CPU the registers are reserved. */
static u64 target_get(struct vgic_access *c, struct vgic_irq *irq)
{
    if (c->v->domain->max_vcpus == 1) {
        return 0;
    }
    return vgic_is_spi(irq) ? irq->route : BIT(c->v->id);
}

/* Several targets: any one of them may take it (IHI0048 3.2.3, 1-N model); ours is the lowest. */
static void target_set(struct vgic_access *c, struct vgic_irq *irq, u64 value)
{
    u64 targets = value & (BIT(c->v->domain->max_vcpus) - 1);

    if (vgic_is_spi(irq) && c->v->domain->max_vcpus > 1) {
        vgic_route_spi(irq, targets != 0 ? c->v->domain->vcpu[__builtin_ctzll(targets)] : NULL, targets);
    }
}

/* GICD_ISPENDR, GICD_ICPENDR: SGIs are read-only there (4.3.7). */
static void set_pending(struct vgic_access *c, struct vgic_irq *irq, u64 value)
{
    if (irq->intid >= 16) {
        vgic_set_pending(c, irq, value);
    }
}

static void clear_pending(struct vgic_access *c, struct vgic_irq *irq, u64 value)
{
    if (irq->intid >= 16) {
        vgic_clear_pending(c, irq, value);
    }
}

/* GICD_SPENDSGIR, GICD_CPENDSGIR: a bit per sender (4.3.16, 4.3.17). The frame is the accessing vCPU's own. */
static u64 sgi_sources_get(struct vgic_access *c, struct vgic_irq *irq)
{
    struct vcpu *v = vgic_irq_lock(irq);
    u64 sources;

    (void)c;
    vgic_lr_pull(v, irq);
    sources = irq->sgi_sources;
    vgic_irq_commit(v, irq);
    return sources;
}

static void sgi_sources_set(struct vgic_access *c, struct vgic_irq *irq, u64 value)
{
    struct vcpu *v = vgic_irq_lock(irq);

    vgic_lr_pull(v, irq);
    irq->sgi_sources |= (u8)(value & (BIT(c->v->domain->max_vcpus) - 1));
    irq->latch = irq->sgi_sources != 0;
    vgic_irq_commit(v, irq);
}

static void sgi_sources_clear(struct vgic_access *c, struct vgic_irq *irq, u64 value)
{
    struct vcpu *v = vgic_irq_lock(irq);

    (void)c;
    vgic_lr_pull(v, irq);
    irq->sgi_sources &= (u8)~value;
    irq->latch = irq->sgi_sources != 0;
    vgic_irq_commit(v, irq);
}

/* GICD_SGIR (4.3.15): the vCPUs it names, a bit each. A reserved filter value has no effect. */
static always_inline u32 sgi_targets(const struct vcpu *v, u32 value)
{
    u32 all = (u32)BIT(v->domain->max_vcpus) - 1;

    switch (value >> 24 & 3) {
    case 0:
        return value >> 16 & all;
    case 1:
        return all & ~BIT32(v->id);
    case 2:
        return BIT32(v->id);
    default:
        return 0;
    }
}

static always_inline void sgir_write_value(struct vcpu *v, u32 value)
{
    for (u32 list = sgi_targets(v, value); list != 0; list &= list - 1) {
        struct vcpu *t = v->domain->vcpu[__builtin_ctz(list)];

        if (likely(t != NULL)) {
            vgic_inject_sgi_v2(t, value & 15, v->id);
        }
    }
}

static void sgir_write(struct vcpu *v, u64 offset, struct vcpu *bank, u64 value)
{
    (void)bank;
    (void)offset;
    sgir_write_value(v, (u32)value);
}

#define W  4
#define BW (1 | 4)
/* Ones written set or clear the bit. */
#define W1  .bits = 1, .w1 = true

static const struct vgic_reg gicd_regs[] = {
    { 0x000, 0x004, W, 4, .read = ctlr_read, .write = ctlr_write },                         /* GICD_CTLR 4.3.1 */
    { 0x004, 0x008, W, 4, .read = typer_read },                                             /* GICD_TYPER 4.3.2 */
    { 0x008, 0x00c, W, 4, .read = iidr_read },                                              /* GICD_IIDR 4.3.3 */
    { 0x080, 0x100, W, .bits = 1, .get = vgic_get_group, .set = vgic_set_group },           /* GICD_IGROUPR 4.3.4 */
    { 0x100, 0x180, W, W1, .get = vgic_get_enable, .set = vgic_set_enable },                /* GICD_ISENABLER 4.3.5 */
    { 0x180, 0x200, W, W1, .get = vgic_get_enable, .set = vgic_clear_enable },              /* GICD_ICENABLER 4.3.6 */
    { 0x200, 0x280, W, W1, .get = vgic_get_pending, .set = set_pending },                   /* GICD_ISPENDR 4.3.7 */
    { 0x280, 0x300, W, W1, .get = vgic_get_pending, .set = clear_pending },                 /* GICD_ICPENDR 4.3.8 */
    { 0x300, 0x380, W, W1, .get = vgic_get_active, .set = vgic_set_active },                /* GICD_ISACTIVER 4.3.9 */
    { 0x380, 0x400, W, W1, .get = vgic_get_active, .set = vgic_clear_active },              /* GICD_ICACTIVER 4.3.10 */
    { 0x400, 0x800, BW, .bits = 8, .get = vgic_get_priority, .set = vgic_set_priority },    /* GICD_IPRIORITYR 4.3.11 */
    { 0x800, 0xc00, BW, .bits = 8, .get = target_get, .set = target_set },                  /* GICD_ITARGETSR 4.3.12 */
    { 0xc00, 0xd00, W, .bits = 2, .get = vgic_get_config, .set = vgic_set_config },         /* GICD_ICFGR 4.3.13 */
    { GICD_SGIR, 0xf04, W, 4, .write = sgir_write },                                        /* GICD_SGIR 4.3.15 */
    { 0xf10, 0xf20, BW, .bits = 8, .w1 = true, .get = sgi_sources_get, .set = sgi_sources_clear }, /* CPENDSGIR */
    { 0xf20, 0xf30, BW, .bits = 8, .w1 = true, .get = sgi_sources_get, .set = sgi_sources_set }, /* SPENDSGIR */
    { 0xfd0, 0x1000, W, 4, .read = id_read },                                      /* ICPIDR, ICCIDR 4.3.18 */
    VGIC_REG_END
};

u64 vgic_v2_dist_read(struct vcpu *v, u64 offset, u64 size)
{
    return vgic_reg_read(v, offset, size, v, &gicd_regs[vgic_dist_row(offset)]);
}

/* What a running guest writes is nearly always GICD_SGIR: without a look at the table. */
void vgic_v2_dist_write(struct vcpu *v, u64 offset, u64 size, u64 value)
{
    if (likely(offset == GICD_SGIR && size == 4)) {
        sgir_write_value(v, (u32)value);
        return;
    }
    vgic_reg_write(v, offset, size, value, v, &gicd_regs[vgic_dist_row(offset)]);
}
