/* SPDX-License-Identifier: MIT */
/* Guest accesses to GIC registers: one table per frame, sorted by offset. */
#include "internal.h"

#include <argon/mmio.h>

static inline u64 low_bits(u32 n)
{
    return n >= 64 ? ~0UL : BIT(n) - 1;
}

static const struct vgic_reg *find_row(const struct vgic_reg *rows, u32 nr, u32 offset)
{
    u32 low = 0;

    while (nr > 1) {
        u32 half = nr / 2;

        low = offset >= rows[low + half].start ? low + half : low;
        nr -= half;
    }
    return offset - rows[low].start < rows[low].end - rows[low].start ? &rows[low] : NULL;
}

static struct vgic_irq *row_irq(const struct vgic_access *c, u32 intid)
{
    if (intid < VGIC_NR_PRIVATE) {
        return c->bank != NULL ? &c->bank->vgic.priv[intid] : NULL;
    }
    return vgic_spi(c->d, intid);
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

void vgic_reg_access(struct vgic_access *c, const struct vgic_reg *rows, u32 nr, struct mmio_access *a, u32 offset)
{
    const struct vgic_reg *row = find_row(rows, nr, offset);
    u32 bits = a->size * 8u, base, shift;

    if (!a->write) {
        a->value = 0;
    }
    if (unlikely(row == NULL || !(row->sizes & a->size) || (offset & (a->size - 1u)))) {
        return;
    }
    if (row->bits != 0) {
        if (a->write) {
            array_write(c, row, offset, bits, a->value);
        } else {
            a->value = array_read(c, row, offset, bits);
        }
        return;
    }
    base = offset & ~(row->width - 1u);
    shift = (offset - base) * 8;
    if (!a->write) {
        if (row->read != NULL) {
            a->value = row->read(c, base) >> shift & low_bits(bits);
        }
    } else if (row->write != NULL) {
        u64 mask = low_bits(bits) << shift;
        u64 old = bits < row->width * 8u && row->read != NULL ? row->read(c, base) & ~mask : 0;

        row->write(c, base, old | a->value << shift);
    }
}
