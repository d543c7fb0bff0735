/* SPDX-License-Identifier: MIT */
/* Guest accesses to GIC registers, by the front ends' tables. */
#include "internal.h"

static inline u64 low_bits(u32 n)
{
    return n >= 64 ? ~0UL : BIT(n) - 1;
}

static struct vgic_irq *row_irq(const struct vgic_access *c, u32 intid)
{
    if (intid < VGIC_NR_PRIVATE) {
        return c->bank != NULL ? &c->bank->vgic.priv[intid] : NULL;
    }
    return vgic_spi(c->v->domain, intid);
}

static u64 array_read(struct vgic_access *c, const struct vgic_reg *row, u32 offset, u32 bits)
{
    u32 at = (offset - row->start) * 8;
    u64 value = 0;

    if (row->get == NULL) {
        return 0;
    }
    for (u32 i = 0; i < bits; i += row->bits) {
        struct vgic_irq *irq = row_irq(c, row->first + (at + i) / row->bits);

        if (irq != NULL) {
            value |= (row->get(c, irq) >> at % row->bits & low_bits(row->bits)) << i;
        }
    }
    return value & low_bits(bits);
}

static void array_write(struct vgic_access *c, const struct vgic_reg *row, u32 offset, u32 bits, u64 value)
{
    u32 at = (offset - row->start) * 8;

    if (row->set == NULL) {
        return;
    }
    for (u32 i = 0; i < bits; i += row->bits) {
        u64 field = value >> i & low_bits(row->bits);
        struct vgic_irq *irq;

        if (row->w1 && field == 0) {
            continue;
        }
        irq = row_irq(c, row->first + (at + i) / row->bits);
        if (irq == NULL) {
            continue;
        }
        if (bits < row->bits) {
            /* Half of a 64-bit register: the other half stays. */
            u64 mask = low_bits(bits) << at % row->bits;

            field = (row->get(c, irq) & ~mask) | field << at % row->bits;
        }
        row->set(c, irq, field);
    }
}

void vgic_array_access(struct vgic_access *c, const struct vgic_reg *row, struct mmio_access *a, u32 offset)
{
    if (a->write) {
        array_write(c, row, offset, a->size * 8u, a->value);
    } else {
        a->value = array_read(c, row, offset, a->size * 8u);
    }
}

/* Parts of a register, and writes. */
void vgic_plain_access(struct vgic_access *c, const struct vgic_reg *row, struct mmio_access *a, u32 offset)
{
    u32 base = offset & ~(row->width - 1u);
    u32 shift = (offset - base) * 8;
    u64 mask = low_bits(a->size * 8u) << shift;
    u64 old = row->read != NULL && (!a->write || a->size < row->width) ? row->read(c, base) : 0;

    if (!a->write) {
        a->value = (old & mask) >> shift;
    } else if (row->write != NULL) {
        row->write(c, base, (old & ~mask) | a->value << shift);
    }
}
