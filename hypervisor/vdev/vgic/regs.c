/* SPDX-License-Identifier: MIT */
/* Guest accesses to GIC registers, by the front ends' tables. */
#include "internal.h"

static inline u64 low_bits(u64 n)
{
    return n >= 64 ? UINT64_MAX : BIT(n) - 1;
}

static struct vgic_irq *row_irq(const struct vgic_access *c, u32 intid)
{
    if (intid < VGIC_NR_PRIVATE) {
        return c->bank != NULL ? &c->bank->arch.vgic.priv[intid % VGIC_NR_PRIVATE] : NULL;
    }
    return vgic_spi(c->v->domain, intid);
}

static u64 array_read(struct vgic_access *c, const struct vgic_reg *row, u64 offset, u64 bits)
{
    u64 at = (offset - row->start) * 8;
    u64 value = 0;

    if (row->get == NULL) {
        return 0;
    }
    for (u64 i = 0; i < bits; i += row->bits) {
        struct vgic_irq *irq = row_irq(c, (u32)(row->first + (at + i) / row->bits));

        if (irq != NULL) {
            value |= (row->get(c, irq) >> at % row->bits & low_bits(row->bits)) << i;
        }
    }
    return value & low_bits(bits);
}

static void array_write(struct vgic_access *c, const struct vgic_reg *row, u64 offset, u64 bits, u64 value)
{
    u64 at = (offset - row->start) * 8;

    if (row->set == NULL) {
        return;
    }
    for (u64 i = 0; i < bits; i += row->bits) {
        u64 field = value >> i & low_bits(row->bits);
        struct vgic_irq *irq;

        if (row->w1 && field == 0) {
            continue;
        }
        irq = row_irq(c, (u32)(row->first + (at + i) / row->bits));
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

/* Does the row allow the access at all? */
static bool allowed(const struct vgic_reg *row, u64 offset, u64 size)
{
    return (row->sizes & size) && offset >= row->start && !(offset & (size - 1));
}

/* The register's value where only part of it is to be read or replaced. */
static u64 plain_value(struct vcpu *v, struct vcpu *bank, const struct vgic_reg *row, u64 base)
{
    return row->read != NULL ? row->read(v, base, bank) : 0;
}

u64 vgic_reg_read_any(struct vcpu *v, u64 offset, u64 size, struct vcpu *bank, const struct vgic_reg *row)
{
    struct vgic_access c = { .v = v, .bank = bank };
    u64 base;

    if (!allowed(row, offset, size)) {
        return 0;
    }
    if (row->bits != 0) {
        return array_read(&c, row, offset, size * 8);
    }
    base = offset & ~(row->width - UINT64_C(1));
    return plain_value(v, bank, row, base) >> (offset - base) * 8 & low_bits(size * 8);
}

void vgic_reg_write_any(struct vcpu *v, u64 offset, u64 size, u64 value, struct vcpu *bank,
    const struct vgic_reg *row)
{
    struct vgic_access c = { .v = v, .bank = bank };

    if (!allowed(row, offset, size)) {
        return;
    }
    if (row->bits != 0) {
        array_write(&c, row, offset, size * 8, value);
    } else if (row->write != NULL) {
        u64 base = offset & ~(row->width - UINT64_C(1));
        u64 shift = (offset - base) * 8;
        u64 mask = low_bits(size * 8) << shift;
        u64 old = size < row->width ? plain_value(v, bank, row, base) : 0;

        row->write(v, base, bank, (old & ~mask) | value << shift);
    }
}
