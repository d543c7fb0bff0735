/* SPDX-License-Identifier: MIT */
/*
 * What the GIC drivers share: register offsets of the distributor (the same in both versions and in a GICv3 SGI
 * frame), MMIO, and list register conversion.
 *
 * Barriers. GIC registers are Device-nGnRE: accesses to one GIC component from one CPU are in order (Arm ARM
 * B2.7.2), so a driver needs none between them. Three rules remain: memory written before an SGI is made visible
 * first (dsb ishst; the SGI is not a memory access that a dmb could order, B2.3.12); a register's effect on another
 * component or on the interrupt line is waited for by dsb sy; a system register's effect on anything but itself
 * needs isb (D1.7, "direct writes and indirect reads").
 *
 * dsb sy waits for an acknowledgement that may come from before the GIC (nGnRE, B2.7.2). Where a write that takes
 * effect too late does harm, rather than an interrupt too many or one a moment later, the register is read back: an
 * access that the GIC itself answers, after the write.
 */
#ifndef DRIVERS_GIC_H
#define DRIVERS_GIC_H

#include <argon/irqchip.h>
#include <argon/types.h>
#include <vdev/vgic_host.h>

#define GICD_CTLR       0x000
#define GICD_TYPER      0x004
#define GICD_IIDR       0x008
#define GIC_IGROUPR     0x080
#define GIC_ISENABLER   0x100
#define GIC_ICENABLER   0x180
#define GIC_ISPENDR     0x200
#define GIC_ICPENDR     0x280
#define GIC_ISACTIVER   0x300
#define GIC_ICACTIVER   0x380
#define GIC_IPRIORITYR  0x400
#define GIC_ITARGETSR   0x800
#define GIC_ICFGR       0xc00
#define GICD_SGIR       0xf00

#define GIC_WAIT_NS (100 * NS_PER_MS)    /* for a GIC to do what takes it microseconds */

static inline u32 gic_read32(volatile void *base, u32 offset)
{
    return *(volatile u32 *)((volatile char *)base + offset);
}

static inline void gic_write32(volatile void *base, u32 offset, u32 value)
{
    *(volatile u32 *)((volatile char *)base + offset) = value;
}

static inline void gic_write8(volatile void *base, u32 offset, u8 value)
{
    *(volatile u8 *)((volatile char *)base + offset) = value;
}

static inline u64 gic_read64(volatile void *base, u32 offset)
{
    return *(volatile u64 *)((volatile char *)base + offset);
}

static inline void gic_write64(volatile void *base, u32 offset, u64 value)
{
    *(volatile u64 *)((volatile char *)base + offset) = value;
}

/* One interrupt's bit in a set/clear register array. */
static inline void gic_write_bit(volatile void *base, u32 array, u32 intid)
{
    gic_write32(base, array + intid / 32 * 4, BIT32(intid % 32));
}

static inline bool gic_read_bit(volatile void *base, u32 array, u32 intid)
{
    return gic_read32(base, array + intid / 32 * 4) >> (intid % 32) & 1;
}

/* The caller holds the driver's lock: read-modify-write. */
static inline void gic_write_type(volatile void *base, u32 intid, enum irq_type t)
{
    u32 offset = GIC_ICFGR + intid / 16 * 4;
    u32 bit = 2u << intid % 16 * 2;
    u32 old = gic_read32(base, offset);

    gic_write32(base, offset, t == IRQ_TYPE_EDGE ? old | bit : old & ~bit);
}

/* Interrupts [first, nr) off, inactive, not pending, at the default priority; SPIs level. */
static inline void gic_reset_interrupts(volatile void *base, u32 first, u32 nr)
{
    for (u32 i = first; i < nr; i += 32) {
        gic_write32(base, GIC_ICENABLER + i / 8, ~0u);
        gic_write32(base, GIC_ICPENDR + i / 8, ~0u);
        gic_write32(base, GIC_ICACTIVER + i / 8, ~0u);
    }
    for (u32 i = first; i < nr; i += 4) {
        gic_write32(base, GIC_IPRIORITYR + i, IRQ_PRIO_DEFAULT * 0x01010101u);
    }
    for (u32 i = first; i >= INTID_FIRST_SPI && i < nr; i += 16) {
        gic_write32(base, GIC_ICFGR + i / 4, 0);
    }
}

/* ---- GICH_LR<n> (IHI0048 5.3.8) from and to the form of vgic_host.h ---- */
#define GICH_LR_PENDING     BIT32(28)
#define GICH_LR_ACTIVE      BIT32(29)
#define GICH_LR_GROUP1      BIT32(30)
#define GICH_LR_HW          BIT32(31)
#define GICH_LR_EOI         BIT32(19)    /* HW=0 */
#define GICH_LR_PRIO_SHIFT  23           /* upper five bits of the priority */
#define GICH_LR_PHYS_SHIFT  10           /* HW=1: physical INTID, HW=0: source CPU of an SGI */

/*
 * The two layouts have the same fields: the source of an SGI at the same place; the physical INTID with, for HW=0,
 * the EOI bit as its uppermost; and the four bits of the upper end in pairs the other way round.
 */
static always_inline u32 gich_lr_encode(u64 lr)
{
    return (u32)(lr & (LR_VINTID_MASK | LR_SOURCE_MASK)) | (u32)(lr >> LR_HOST_SHIFT & 0x3ff) << GICH_LR_PHYS_SHIFT |
           (u32)(lr >> (LR_PRIO_SHIFT + 3) & 0x1f) << GICH_LR_PRIO_SHIFT | (u32)(lr >> 62) << 28 |
           (u32)(lr >> 60 & 3) << 30;
}

static inline u64 gich_lr_decode(u32 v)
{
    u64 lr = (v & LR_VINTID_MASK) | (u64)(v >> GICH_LR_PRIO_SHIFT & 0x1f) << (LR_PRIO_SHIFT + 3);

    lr |= (u64)(v >> 28 & 3) << 62;
    lr |= v & GICH_LR_GROUP1 ? LR_GROUP1 : 0;
    if (v & GICH_LR_HW) {
        return lr | LR_HW | (u64)(v >> GICH_LR_PHYS_SHIFT & 0x3ff) << LR_HOST_SHIFT;
    }
    return lr | (v & GICH_LR_EOI ? LR_EOI : 0) | (u64)(v >> GICH_LR_PHYS_SHIFT & 7) << LR_SOURCE_SHIFT;
}

#endif
