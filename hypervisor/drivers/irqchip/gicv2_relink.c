/* SPDX-License-Identifier: MIT */
/*
 * List registers with the hardware link on a GIC that does not quite have it: QEMU's model (7.2; hw/intc/arm_gic.c)
 * ends the physical interrupt with the guest's EOI, but does not look at the interrupt lines then: one that is
 * still high, or high again, is not signalled until something else happens in the distributor. A level interrupt
 * would be lost.
 *
 * What does make it look is a change of any line, the maintenance interrupt's too, enabled or not. So:
 *
 * - The last list register is never the guest's. It holds an interrupt that is active for good, number 1023, which
 *   is none: it is never signalled, and the model ignores an EOI of it.
 * - GICH_HCR.UIE raises the maintenance line while at most one list register is valid, which now means: none of the
 *   guest's.
 * - While a linked interrupt is the only valid one, the maintenance interrupt is disabled in the distributor, UIE
 *   is set, and the guest's EOI raises its line, right after it has ended the physical interrupt: the model looks,
 *   no exit ("quiet").
 * - Where another one is valid too, or the maintenance interrupt is needed for what it is meant for, a linked
 *   interrupt is written as one without link whose end is reported, and is ended physically by that ("told").
 *
 * The model also keeps the active state of an SPI for each CPU that has taken it, and the link ends only that of
 * the CPU on which the guest ends it: linked is only what was taken there, the rest is told, and ended for all of
 * them.
 *
 * The vGIC sees linked list registers in either case. On a GIC whose links are sound all this would be harmless.
 */
#include "gicv2.h"

#include <argon/arch.h>
#include <argon/percpu.h>
#include <vdev/vgic_state.h>

#define GICH_LR_STATE   (GICH_LR_PENDING | GICH_LR_ACTIVE)
#define GICH_LR_PHYS    (0x3ffu << GICH_LR_PHYS_SHIFT)
#define SPARE_LR        (GICH_LR_ACTIVE | INTID_SPURIOUS)

/* Used by its own CPU only, and in a cache line of its own. */
static struct relink {
    u32 linked;                  /* the list register linked in hardware, if any, as a bit; it may have ended since */
    u32 told;                    /* those linked by maintenance interrupt, a bit each */
    u32 hcr;                     /* as the vGIC wants it */
    bool quiet;                  /* UIE is set, and the maintenance interrupt disabled */
    u16 host[VGIC_MAX_LRS];      /* of those told: the physical interrupt */
} __attribute__((aligned(64))) relinks[GICV2_MAX_CPUS];

/* By SPI: the CPU + 1 for which it may be active; 0: for none, SPI_MANY: for several. */
static u8 spi_owner[INTID_SPECIAL];
#define SPI_MANY 0xff

u32 gicv2_maintenance_irq ro_after_boot;
static u32 lr_all ro_after_boot;

static always_inline struct relink *relink_here(void)
{
    return &relinks[cpu_id() % GICV2_MAX_CPUS];
}

boot_code void gicv2_relink_init(u32 maintenance_irq)
{
    gicv2_lr_count--;
    lr_all = (u32)BIT(gicv2_lr_count) - 1;
    gicv2_maintenance_irq = maintenance_irq;
}

void gicv2_relink_init_cpu(void)
{
    *relink_here() = (struct relink){ .hcr = VHCR_EN };
    gicv2_lr_set_raw(gicv2_lr_count, SPARE_LR);
}

static always_inline void hcr_apply(const struct relink *r)
{
    gic_write32(gicv2_gich, GICH_HCR, r->hcr | (r->quiet ? GICH_HCR_UIE : 0));
}

static noinline void set_quiet(struct relink *r, bool quiet)
{
    r->quiet = quiet;
    if (quiet) {
        gic_write_bit(gicv2_gicd, GIC_ICENABLER, gicv2_maintenance_irq);
        hcr_apply(r);
    } else {
        hcr_apply(r);
        gic_write_bit(gicv2_gicd, GIC_ISENABLER, gicv2_maintenance_irq);
    }
}

static always_inline void be_quiet(struct relink *r)
{
    if (unlikely(!r->quiet)) {
        set_quiet(r, true);
    }
}

static always_inline void be_loud(struct relink *r)
{
    if (r->quiet) {
        set_quiet(r, false);
    }
}

/* List register n, linked, in the form whose end is told. */
static noinline u32 tell(struct relink *r, u32 n, u32 lr)
{
    r->told |= BIT32(n);
    r->host[n] = (u16)((lr & GICH_LR_PHYS) >> GICH_LR_PHYS_SHIFT);
    be_loud(r);
    return (lr & ~(GICH_LR_HW | GICH_LR_PHYS)) | GICH_LR_EOI;
}

/* The linked one does not remain alone. */
static noinline void tell_linked(struct relink *r)
{
    if (r->linked != 0) {
        u32 n = (u32)__builtin_ctz(r->linked);
        u32 lr = gicv2_lr_raw(n);

        r->linked = 0;
        if (lr & GICH_LR_STATE) {
            gicv2_lr_set_raw(n, tell(r, n, lr));
        }
    }
}

/* Physical ends of those told that the guest has ended. */
static noinline void end_told(struct relink *r)
{
    for (u32 ended = gic_read32(gicv2_gich, GICH_EISR0) & r->told; ended != 0; ended &= ended - 1) {
        u32 n = (u32)__builtin_ctz(ended);

        r->told &= ~BIT32(n);
        gicv2_lr_set_raw(n, 0);
        if (r->host[n] < INTID_FIRST_SPI) {
            gic_write32(gicv2_gicc, GICC_DIR, r->host[n]);
        } else {
            WRITE_ONCE(spi_owner[r->host[n]], 0);
            gic_write_bit(gicv2_gicd, GIC_ICACTIVER, r->host[n]);    /* whichever CPU it was taken on */
        }
        dsb(sy);
    }
}

/* Each CPU that takes it does so before the next one can: the line goes to one of them at a time. */
void gicv2_relink_spi_acked(u32 intid)
{
    u8 self = (u8)(cpu_id() + 1), owner = READ_ONCE(spi_owner[intid]);

    WRITE_ONCE(spi_owner[intid], owner == 0 || owner == self ? self : SPI_MANY);
}

/* Is the physical interrupt behind this list register, linked, active for this CPU only? */
static always_inline bool taken_here(u32 lr)
{
    u32 host = (lr & GICH_LR_PHYS) >> GICH_LR_PHYS_SHIFT;

    return host < INTID_FIRST_SPI || READ_ONCE(spi_owner[host]) == cpu_id() + 1;
}

void gicv2_relink_maintenance(void)
{
    end_told(relink_here());
}

/* Something that is not to be linked goes into list register n, which is not that of the linked one. */
static always_inline void put_plain(struct relink *r, u32 n, u32 lr)
{
    if (unlikely(r->linked != 0)) {
        tell_linked(r);
    }
    if (lr & GICH_LR_EOI) {
        be_loud(r);
    }
    gicv2_lr_set_raw(n, lr);
}

/* A linked interrupt goes into list register n. */
static always_inline void put_linked(struct relink *r, u32 n, u32 lr)
{
    u32 others = lr_all & ~gic_read32(gicv2_gich, GICH_ELRSR0) & ~BIT32(n);

    if (likely(others == 0 && r->hcr == VHCR_EN && taken_here(lr))) {
        be_quiet(r);
        r->linked = BIT32(n);
    } else {
        tell_linked(r);
        lr = tell(r, n, lr);
    }
    gicv2_lr_set_raw(n, lr);
}

static always_inline void put(struct relink *r, u32 n, u32 lr)
{
    r->told &= ~BIT32(n);
    if (likely((lr & GICH_LR_HW) && (lr & GICH_LR_STATE))) {
        put_linked(r, n, lr);
        return;
    }
    r->linked &= ~BIT32(n);
    if (lr & GICH_LR_STATE) {
        put_plain(r, n, lr);
    } else {
        gicv2_lr_set_raw(n, lr);
    }
}

u64 gicv2_relink_lr_read(u32 n)
{
    struct relink *r = relink_here();
    u32 lr = gicv2_lr_raw(n);

    if (unlikely(r->told & BIT32(n))) {
        u32 host = r->host[n];

        if (!(lr & GICH_LR_STATE)) {
            end_told(r);
        }
        lr = (lr & ~GICH_LR_EOI) | GICH_LR_HW | host << GICH_LR_PHYS_SHIFT;
    }
    return gich_lr_decode(lr);
}

void gicv2_relink_lr_write(u32 n, u64 lr)
{
    put(relink_here(), n, gich_lr_encode(lr));
}

void gicv2_relink_lr_pend(u32 n, u64 lr)
{
    u32 state = gicv2_lr_raw(n) & GICH_LR_ACTIVE;

    put_plain(relink_here(), n, gich_lr_encode((lr & ~LR_STATE) | LR_PENDING) | state);
}

bool gicv2_relink_lr_pend_same(u32 n, u64 lr)
{
    u32 new = gich_lr_encode(lr);
    u32 old = gicv2_lr_raw(n);

    if (unlikely((old & GICH_LR_STATE) && old != new)) {
        return false;
    }
    put_plain(relink_here(), n, new);
    return true;
}

u64 gicv2_relink_lr_empty(void)
{
    struct relink *r = relink_here();

    if (unlikely(r->told != 0)) {
        end_told(r);
    }
    return gic_read32(gicv2_gich, GICH_ELRSR0);
}

u64 gicv2_relink_lr_ended(void)
{
    return gic_read32(gicv2_gich, GICH_EISR0) & ~relink_here()->told;
}

void gicv2_relink_hcr_write(u32 hcr)
{
    struct relink *r = relink_here();

    r->hcr = hcr;
    if (hcr != VHCR_EN) {
        tell_linked(r);
        be_loud(r);
    }
    hcr_apply(r);
}

void gicv2_relink_virt_save(struct vgic_vcpu *s, u32 lrs)
{
    struct relink *r = relink_here();

    s->vmcr = gic_read32(gicv2_gich, GICH_VMCR);
    s->apr[0] = gic_read32(gicv2_gich, GICH_APR);
    gic_write32(gicv2_gich, GICH_HCR, 0);
    for (; lrs != 0; lrs &= lrs - 1) {
        u32 n = (u32)__builtin_ctz(lrs);

        s->lr[n] = gicv2_relink_lr_read(n);
    }
    r->linked = r->told = r->hcr = 0;    /* the interface is off until virt_restore() is done */
}

/* Several list registers, or the maintenance interrupt wanted: no link by hardware. */
static void restore_told(struct relink *r, const struct vgic_vcpu *s, u32 lrs)
{
    if (s->hcr != VHCR_EN) {
        be_loud(r);
    }
    for (; lrs != 0; lrs &= lrs - 1) {
        u32 n = (u32)__builtin_ctz(lrs);
        u32 lr = gich_lr_encode(s->lr[n]);

        if (lr & GICH_LR_HW) {
            gicv2_lr_set_raw(n, tell(r, n, lr));
        } else {
            put_plain(r, n, lr);
        }
    }
}

/* The only list register in use. */
static void restore_one(struct relink *r, u32 n, u32 lr)
{
    if (!(lr & GICH_LR_HW)) {
        put_plain(r, n, lr);
    } else if (taken_here(lr)) {
        be_quiet(r);
        r->linked = BIT32(n);
        gicv2_lr_set_raw(n, lr);
    } else {
        gicv2_lr_set_raw(n, tell(r, n, lr));
    }
}

static always_inline void restored(struct relink *r, u32 hcr)
{
    r->hcr = hcr;
    hcr_apply(r);
    dsb(sy);                             /* the interface is this guest's before it runs */
}

static noinline void restore_any(struct relink *r, const struct vgic_vcpu *s, u32 lrs, u32 clear)
{
    for (; clear != 0; clear &= clear - 1) {
        gicv2_lr_set_raw((u32)__builtin_ctz(clear), 0);
    }
    if ((lrs & (lrs - 1)) || s->hcr != VHCR_EN) {
        restore_told(r, s, lrs);
    } else if (lrs != 0) {
        u32 n = (u32)__builtin_ctz(lrs);

        restore_one(r, n, gich_lr_encode(s->lr[n]));
    }
    restored(r, s->hcr);
}

/* The short way: no or one interrupt, whose end needs no maintenance, and nothing left behind that is to be cleared. */
void gicv2_relink_virt_restore(const struct vgic_vcpu *s, u32 lrs, u32 clear)
{
    struct relink *r = relink_here();

    gic_write32(gicv2_gich, GICH_VMCR, s->vmcr);
    gic_write32(gicv2_gich, GICH_APR, s->apr[0]);
    if (likely((clear | (lrs & (lrs - 1))) == 0 && s->hcr == VHCR_EN)) {
        if (lrs != 0) {
            u32 n = (u32)__builtin_ctz(lrs);
            u32 lr = gich_lr_encode(s->lr[n]);

            if (unlikely(lr & GICH_LR_HW ? !r->quiet || !taken_here(lr) : (lr & GICH_LR_EOI) != 0)) {
                restore_any(r, s, lrs, 0);
                return;
            }
            r->linked = lr & GICH_LR_HW ? lrs : 0;
            gicv2_lr_set_raw(n, lr);
        }
        restored(r, VHCR_EN);
        return;
    }
    restore_any(r, s, lrs, clear);
}
