/* SPDX-License-Identifier: MIT */
/*
 * LPIs of dom0 (IHI0069 chapter 5): interrupts like any other of the vGIC's, that have no active state of their own and
 * are configured by a table in dom0's memory. The machine's LPI has the same number.
 */
#include "its.h"

#include <argon/console.h>
#include <argon/guest_access.h>
#include <argon/mem.h>

#define PROPERTY_ENABLED  1u
#define PROPERTY_PRIORITY 0xfcu
#define PROPBASER_ADDRESS GENMASK(51, 12)
#define PROPBASER_IDBITS  31u

struct vgic_lpi *vgic_lpi_make(struct domain *d, u32 intid)
{
    struct vgic_lpis *l = d->arch.vgic.lpis;
    u32 n = intid - LPI_FIRST;
    struct vgic_lpi *chunk;

    if (n >= LPI_MAX) {
        return NULL;
    }
    if (l->chunk[n / LPI_CHUNK] == NULL) {
        chunk = xzalloc_array(struct vgic_lpi, LPI_CHUNK);
        if (chunk == NULL) {
            return NULL;
        }
        for (u32 i = 0; i < LPI_CHUNK; i++) {
            struct vgic_irq *irq = &chunk[i].irq;

            list_init(&irq->link);
            irq->intid = (u16)(LPI_FIRST + (n & ~(LPI_CHUNK - 1)) + i);
            irq->vcpu = d->vcpu[0];
            irq->group1 = true;
        }
        atomic_store_release(&l->chunk[n / LPI_CHUNK], chunk);
    }
    return vgic_lpi_of(l, intid);
}

/* dom0's table has a byte for each (5.1.1). Beyond its end, or where it is no memory of dom0's: disabled. */
static u8 read_property(struct domain *d, u32 intid)
{
    u64 propbaser = d->arch.vgic.lpis->propbaser;
    u8 property;

    if ((u64)intid >> ((propbaser & PROPBASER_IDBITS) + 1) != 0 ||
        copy_from_gpa(d, &property, (propbaser & PROPBASER_ADDRESS) + (intid - LPI_FIRST), 1) != 0) {
        return 0;
    }
    return property;
}

void vgic_lpi_configure(struct domain *d, struct vgic_lpi *lpi)
{
    u8 property = read_property(d, lpi->irq.intid);
    bool enabled = property & PROPERTY_ENABLED;

    vgic_set_priority(NULL, &lpi->irq, property & PROPERTY_PRIORITY);
    /* On, the guest's side first, off last: what arrives in between is for a guest that wants it. */
    if (enabled) {
        vgic_set_enable(NULL, &lpi->irq, 1);
    }
    irqchip->its->enable(&lpi->event, enabled);
    if (!enabled) {
        vgic_clear_enable(NULL, &lpi->irq, 1);
    }
}

/* Where the vCPU is, or was last, or will begin: the interrupt is taken from there wherever it goes meanwhile. */
static u32 cpu_of(const struct vcpu *v)
{
    return v != NULL ? READ_ONCE(v->cpu) : 0;
}

void vgic_lpi_map(struct domain *d, struct vgic_lpi *lpi, const struct its_event *e, u32 collection, struct vcpu *v)
{
    lpi->mapped = true;
    lpi->collection = (u16)collection;
    lpi->event = *e;
    lpi->event.cpu = cpu_of(v);
    vgic_clear_pending(NULL, &lpi->irq, 1);
    vgic_route_spi(&lpi->irq, v, 0);
    irqchip->its->map(&lpi->event);
    vgic_lpi_configure(d, lpi);
}

void vgic_lpi_unmap(struct vgic_lpi *lpi)
{
    irqchip->its->enable(&lpi->event, false);
    irqchip->its->discard(&lpi->event);
    vgic_clear_enable(NULL, &lpi->irq, 1);
    vgic_clear_pending(NULL, &lpi->irq, 1);
    vgic_clear_active(NULL, &lpi->irq, 1);       /* in its list register: the next event does not wait for an end */
    vgic_route_spi(&lpi->irq, NULL, 0);
    lpi->mapped = false;
}

void vgic_lpi_move(struct vgic_lpi *lpi, u32 collection, struct vcpu *v)
{
    lpi->collection = (u16)collection;
    lpi->event.cpu = cpu_of(v);
    irqchip->its->move(&lpi->event);
    vgic_route_spi(&lpi->irq, v, 0);
    /* Whoever turns them off just now sees where it has gone, or is seen here (vgic_settle()). */
    if (v != NULL && !atomic_load(&v->arch.vgic.lpis_on)) {
        vgic_clear_pending(NULL, &lpi->irq, 1);
    }
}

void vgic_lpi_follow(struct domain *d, u32 intid)
{
    struct vgic_lpis *l = d->arch.vgic.lpis;
    struct vgic_lpi *lpi = vgic_lpi_of(l, intid);

    if (spin_trylock(&l->lock)) {
        const struct vcpu *v = READ_ONCE(lpi->irq.target);

        if (lpi->mapped && v != NULL && lpi->event.cpu != READ_ONCE(v->cpu)) {
            lpi->event.cpu = READ_ONCE(v->cpu);
            irqchip->its->move(&lpi->event);
        }
        spin_unlock(&l->lock);
    }
}

struct vgic_irq *vgic_next_lpi(const struct domain *d, u32 *n)
{
    u32 nr_spis = d->arch.vgic.nr_spis, nr = vgic_nr_shared(d);

    while (*n < nr) {
        u32 i = *n - nr_spis;
        struct vgic_lpi *lpi = vgic_lpi_of(d->arch.vgic.lpis, LPI_FIRST + i);

        if (lpi != NULL) {
            return &lpi->irq;
        }
        *n += LPI_CHUNK - i % LPI_CHUNK;
    }
    return NULL;
}
