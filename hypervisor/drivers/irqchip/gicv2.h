/* SPDX-License-Identifier: MIT */
/* Between the GICv2 driver's files: registers, and list registers whose hardware links are completed in software. */
#ifndef DRIVERS_GICV2_H
#define DRIVERS_GICV2_H

#include "gic.h"

#define GICV2_MAX_CPUS  8

#define GICC_CTLR       0x0000
#define GICC_PMR        0x0004
#define GICC_BPR        0x0008
#define GICC_IAR        0x000c
#define GICC_EOIR       0x0010
#define GICC_APR        0x00d0           /* four, of 32 levels each; absent ones are RAZ/WI (IHI0048 4.4.14) */
#define GICC_DIR        0x1000
#define GICC_CTLR_ENABLE  BIT32(0)
#define GICC_CTLR_EOIMODE BIT32(9)

#define GICH_HCR        0x000
#define GICH_VTR        0x004
#define GICH_VMCR       0x008
#define GICH_EISR0      0x020
#define GICH_ELRSR0     0x030
#define GICH_APR        0x0f0
#define GICH_LR         0x100
#define GICH_HCR_UIE    BIT32(1)         /* maintenance while none or one of the list registers is valid */

extern volatile void *gicv2_gicd, *gicv2_gicc, *gicv2_gich;      /* constant after boot */
extern u32 gicv2_lr_count;

static always_inline u32 gicv2_lr_raw(u32 n)
{
    return gic_read32(gicv2_gich, GICH_LR + n * 4);
}

static always_inline void gicv2_lr_set_raw(u32 n, u32 value)
{
    gic_write32(gicv2_gich, GICH_LR + n * 4, value);
}

/* ---- gicv2_relink.c: in place of the driver's own where struct vgic_host_ops has the same names ---- */

/* Boot CPU, gicv2_lr_count being known: takes the last list register away from it. */
void gicv2_relink_init(u32 maintenance_irq);
/* Each CPU, its list registers being empty and its maintenance interrupt still disabled. */
void gicv2_relink_init_cpu(void);
/* This CPU has acknowledged an SPI. */
void gicv2_relink_spi_acked(u32 intid);
extern u32 gicv2_maintenance_irq;        /* as given to gicv2_relink_init() */
/* It has been acknowledged, and may be meant for this file. */
void gicv2_relink_maintenance(void);
u64 gicv2_relink_lr_read(u32 n);
void gicv2_relink_lr_write(u32 n, u64 lr);
void gicv2_relink_lr_pend(u32 n, u64 lr);
bool gicv2_relink_lr_pend_same(u32 n, u64 lr);
u64 gicv2_relink_lr_empty(void);
u64 gicv2_relink_lr_ended(void);
void gicv2_relink_hcr_write(u32 hcr);
void gicv2_relink_virt_save(struct vgic_vcpu *s, u32 lrs);
void gicv2_relink_virt_restore(const struct vgic_vcpu *s, u32 lrs, u32 clear);

#endif
