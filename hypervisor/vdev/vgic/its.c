/* SPDX-License-Identifier: MIT */
/*
 * dom0's interrupt translation services: one for each of the machine's, at its address, so that devices write to the
 * machine's GITS_TRANSLATER and all numbers are the same. Registers and the queue of commands (IHI0069 12.18, 5.2).
 */
#include "its.h"

#include <argon/console.h>
#include <argon/guest_access.h>
#include <argon/mem.h>

#define CTLR_ENABLED     BIT32(0)
#define CTLR_QUIESCENT   BIT32(31)
#define CBASER_VALID     BIT(63)
#define CBASER_ADDRESS   GENMASK(51, 12)
/* Valid, cacheability, address, shareability, pages - 1. */
#define CBASER_MASK \
    (BIT(63) | GENMASK(61, 59) | GENMASK(55, 53) | CBASER_ADDRESS | GENMASK(11, 10) | GENMASK(7, 0))
#define CWRITER_RETRY    BIT(0)
#define CREADR_STALLED   BIT(0)
#define QUEUE_OFFSET     GENMASK(19, 5)
#define COMMAND_BYTES    32u

#define TYPER_PHYSICAL   BIT(0)
/* Collections without memory of dom0's: as many as vCPUs. No GITS_BASER is there, as no table is dom0's. */
#define TYPER_HCC        ((u64)MAX_VCPUS << 24)

/*
 * So many commands at a time; one that is for many LPIs is done 32 at a time, and ends the turn. Then interrupts and
 * the scheduler have theirs, and the rest is PEND_ITS's.
 */
#define ITS_STEPS 4u

static struct domain *lpi_domain;        /* whose the machine's LPIs are: dom0; NULL: nobody's. Set once, at boot */

static u32 queue_bytes(const struct vits *its)
{
    return (u32)((its->cbaser & 0xff) + 1) << PAGE_SHIFT;
}

static bool has_work(const struct vits *its)
{
    return its->busy || (its->enabled && !its->stalled && its->creadr != its->cwriter);
}

/* ---- the queue ---- */
/* One that is not in dom0's memory stalls the service, as the architecture has it for one that cannot be read. */
static bool fetch(struct domain *d, struct vits *its)
{
    if (copy_from_gpa(d, its->command, (its->cbaser & CBASER_ADDRESS) + its->creadr, COMMAND_BYTES) != 0) {
        its->stalled = true;
        log_guest(LOG_WARN, d, "ITS %u: no memory at GITS_CBASER %#" PRIx64 " + %#x: stalled", its->id, its->cbaser,
                  its->creadr);
        return false;
    }
    its->busy = true;
    its->step = 0;
    return true;
}

/* GITS_CREADR moves when what was asked of the machine's service is done. */
static void work(struct domain *d, struct vits *its, u32 *steps)
{
    bool asked = false;

    while (*steps != 0 && has_work(its) && (its->busy || fetch(d, its))) {
        asked = true;
        if (vits_command(d, its) == -EAGAIN) {
            *steps = 0;
            break;
        }
        its->busy = false;
        its->creadr = its->creadr + COMMAND_BYTES < queue_bytes(its) ? its->creadr + COMMAND_BYTES : 0;
        (*steps)--;
    }
    if (asked) {
        irqchip->its->complete(its->id);
    }
}

/* v, current, goes on with the service's commands. */
static void go_on(struct vcpu *v, const struct vits *its)
{
    v->arch.vgic.its_owed |= BIT32(its->id);
    atomic_fetch_or(&v->pending, PEND_ITS);
}

/* l's lock is held; v, current, goes on with what is left. */
static void work_on(struct vcpu *v, struct vits *its, u32 *steps)
{
    if (!(v->arch.vgic.its_owed & BIT32(its->id))) {
        return;
    }
    v->arch.vgic.its_owed &= ~BIT32(its->id);
    work(v->domain, its, steps);
    if (has_work(its)) {
        go_on(v, its);
    }
}

/*
 * A turn: of that service before the others, or (NULL) of each in turn, so that none waits for as long as another has
 * work; of those that v has to do with, for it does not get anywhere itself meanwhile. One CPU at a time has one, and
 * others come back: so whoever wants a register waits for one turn at most, with interrupts masked, however many vCPUs
 * have work to go on with.
 */
static void work_turn(struct vcpu *v, struct vgic_lpis *l, const struct vits *its)
{
    u32 steps = ITS_STEPS, first;

    if (atomic_exchange(&l->at_work, 1) != 0) {
        atomic_fetch_or(&v->pending, PEND_ITS);
        return;
    }
    spin_lock(&l->lock);
    first = its != NULL ? its->id : l->turns++;      /* not before: who comes in vain has had no turn */
    for (u32 i = 0; i < l->nr_its; i++) {
        work_on(v, &l->its[(first + i) % l->nr_its], &steps);
    }
    spin_unlock(&l->lock);
    atomic_store_release(&l->at_work, 0);
}

void vgic_its_work(struct vcpu *v)
{
    struct vgic_lpis *l = v->domain->arch.vgic.lpis;

    if (l != NULL) {
        work_turn(v, l, NULL);
    }
}

/* ---- registers ---- */
/*
 * GITS_IIDR is the machine's: some products' devices do not write to GITS_TRANSLATER, but to a bridge before it
 * ("socionext,synquacer-pre-its"; GIC-500 of TI's K3, too), which Linux looks for by this number alone.
 */
static u64 ctlr_read(const struct vits *its)
{
    return (its->enabled ? CTLR_ENABLED : 0) | (has_work(its) ? 0 : CTLR_QUIESCENT) | (u64)its->iidr << 32;
}

static void ctlr_write(struct vits *its, u64 value)
{
    its->enabled = value & CTLR_ENABLED;
}

static u64 typer_read(const struct vits *its)
{
    return TYPER_PHYSICAL | (u64)(irqchip->its->event_bits(its->id) - 1) << 8 |
           (u64)(irqchip->its->device_bits(its->id) - 1) << 13 | TYPER_HCC;
}

static u64 cbaser_read(const struct vits *its) { return its->cbaser; }

/* While commands are read from there it stays as it is. */
static void cbaser_write(struct vits *its, u64 value)
{
    if (!its->enabled && !its->busy) {
        its->cbaser = value & CBASER_MASK;
        its->creadr = its->cwriter = 0;
        its->stalled = false;
    }
}

static u64 cwriter_read(const struct vits *its) { return its->cwriter; }

static void cwriter_write(struct vits *its, u64 value)
{
    if ((value & QUEUE_OFFSET) < queue_bytes(its) && (its->cbaser & CBASER_VALID)) {
        its->cwriter = (u32)(value & QUEUE_OFFSET);
        its->stalled = its->stalled && !(value & CWRITER_RETRY);
    }
}

static u64 creadr_read(const struct vits *its) { return its->creadr | (its->stalled ? CREADR_STALLED : 0); }

/* Pairs of 32-bit registers, and what has no row: reads as zero (no GITS_BASER, no GITS_TRANSLATER to read). */
static const struct {
    u32 offset;
    u64 (*read)(const struct vits *its);
    void (*write)(struct vits *its, u64 value);
} rows[] = {
    { 0x0000, ctlr_read, ctlr_write },           /* GITS_CTLR, GITS_IIDR 12.19.5, 12.19.8 */
    { 0x0008, typer_read, NULL },                /* GITS_TYPER 12.19.16 */
    { 0x0080, cbaser_read, cbaser_write },       /* GITS_CBASER 12.19.2 */
    { 0x0088, cwriter_read, cwriter_write },     /* GITS_CWRITER 12.19.4 */
    { 0x0090, creadr_read, NULL },               /* GITS_CREADR 12.19.3 */
};

static u64 row_read(const struct vits *its, u64 offset, u32 *row)
{
    for (*row = 0; *row < ARRAY_SIZE(rows); (*row)++) {
        if (rows[*row].offset == offset) {
            return rows[*row].read(its);
        }
    }
    return offset >= 0xffd0 && offset < 0x10000
               ? vgic_v3_id(offset, 0x94) | vgic_v3_id(offset + 4, 0x94) << 32 : 0;      /* PIDR, CIDR 12.1.13 */
}

static bool allowed(u64 offset, u64 size)
{
    return (size == 4 || size == 8) && !(offset & (size - 1));
}

static u64 its_read(struct vcpu *v, u64 offset, u64 size)
{
    struct vgic_lpis *l = v->domain->arch.vgic.lpis;
    struct vits *its = &l->its[offset / ITS_FRAMES];
    u32 row;
    u64 value;

    if (!allowed(offset, size)) {
        return 0;
    }
    spin_lock(&l->lock);
    value = row_read(its, offset & (ITS_FRAMES - 1) & ~UINT64_C(7), &row);
    if (has_work(its)) {
        go_on(v, its);                   /* in the place of a vCPU that is not there any more */
    }
    spin_unlock(&l->lock);
    return size == 8 ? value : (u32)(value >> (offset & 4) * 8);
}

static void its_write(struct vcpu *v, u64 offset, u64 size, u64 value)
{
    struct vgic_lpis *l = v->domain->arch.vgic.lpis;
    struct vits *its = &l->its[offset / ITS_FRAMES];
    u32 row;
    u64 old;

    if (!allowed(offset, size)) {
        return;
    }
    spin_lock(&l->lock);
    old = row_read(its, offset & (ITS_FRAMES - 1) & ~UINT64_C(7), &row);
    if (size == 4) {
        value = offset & 4 ? (u32)old | value << 32 : (old >> 32) << 32 | value;
    }
    if (row < ARRAY_SIZE(rows) && rows[row].write != NULL) {
        rows[row].write(its, value);
    }
    spin_unlock(&l->lock);
    v->arch.vgic.its_owed |= BIT32(its->id);
    work_turn(v, l, its);
}

/* ---- a domain's ---- */
int vgic_create_lpis(struct domain *d, const struct machine_its *its, u32 nr)
{
    struct vgic_lpis *l = xzalloc_bytes(sizeof(*l) + nr * sizeof(l->its[0]));

    if (l == NULL) {
        return -ENOMEM;
    }
    spin_lock_init(&l->lock, RANK_ITS);
    l->nr_its = nr;
    l->id_bits = irqchip->its->lpi_bits();
    d->arch.vgic.lpis = l;
    vgic_v3_set_typer(d);
    for (u32 i = 0; i < nr; i++) {
        int rc = mmio_register_at(d, its[i].base, ITS_FRAMES, i * (u32)ITS_FRAMES, its_read, its_write);

        if (rc != 0) {
            return rc;
        }
        l->its[i].id = i;
        l->its[i].iidr = its[i].iidr;
    }
    atomic_store_release(&lpi_domain, d);
    return 0;
}

struct domain *vgic_lpi_domain(void)
{
    return atomic_load_acquire(&lpi_domain);
}

/* dom0 is never destroyed once it has run: no LPI is mapped. */
void vgic_destroy_lpis(struct domain *d)
{
    if (atomic_load(&lpi_domain) == d) {
        atomic_store(&lpi_domain, NULL);
    }
    xfree(d->arch.vgic.lpis);
    d->arch.vgic.lpis = NULL;
}
