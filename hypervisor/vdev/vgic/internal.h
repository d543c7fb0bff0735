/* SPDX-License-Identifier: MIT */
/*
 * Between the vGIC's files. The pattern of every change of an interrupt's state:
 *
 *     v = vgic_irq_lock(irq);          lock its home
 *     vgic_lr_pull(v, irq);            if this CPU can reach the list register: state comes back to *irq
 *     ... change *irq ...
 *     vgic_irq_commit(v, irq);         state goes to a list register again, or the CPU that can do so is told; unlocks
 */
#ifndef VGIC_INTERNAL_H
#define VGIC_INTERNAL_H

#include <argon/arch.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/irqchip.h>
#include <argon/its.h>
#include <argon/nospec.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <vdev/mmio.h>
#include <vdev/vgic.h>
#include <vdev/vgic_host.h>

#define GICD_CTLR_ENABLE_GRP0 BIT32(0)
#define GICD_CTLR_ENABLE_GRP1 BIT32(1)

/*
 * The event-channel interrupt is a level: one that the guest ends without having cleared the upcall byte must come
 * again, for which its end would have to be reported by an exit. A guest that has cleared the byte before the end
 * this many times in a row is believed to go on so, and spared that exit; vgic_upcall_resample() looks now and then,
 * and takes the trust away.
 */
#define VGIC_UPCALL_TRUSTED 100

/*
 * So many ends of a device's level interrupt with its line low, and the guest is believed to quiet the device first:
 * the list register is linked and the end reported no more. After it is enabled anew at least so many are looked at
 * (host.c).
 */
#define VGIC_HOST_TRUSTED 8
#define VGIC_HOST_AGAIN   4

#define GICR_FRAME_SHIFT 17              /* RD_base and SGI_base of one vCPU: 128 KiB */

extern u32 vgic_nr_lrs;                  /* at most VGIC_MAX_LRS; set by the first vgic_init_domain() */
extern u32 vgic_lr_all;                  /* a bit for each */
extern u8 vgic_prio_mask;                /* implemented bits of a virtual priority */

static always_inline u16 vgic_here(void)
{
    return (u16)(this_cpu()->id + 1);
}

/* Is v's list register state in memory or in this CPU's hardware? v's lock is held. */
static always_inline bool vgic_reachable(const struct vcpu *v)
{
    return v->arch.vgic.live == 0 || v->arch.vgic.live == vgic_here();
}

static always_inline void vgic_assert_locked(const struct vcpu *v)
{
    ASSERT(spin_is_locked(&v->arch.vgic.lock));
}

static always_inline bool vgic_is_spi(const struct vgic_irq *irq)
{
    return irq->intid >= VGIC_NR_PRIVATE;
}

/*
 * Has irq state that only the CPU on which its home v is loaded may touch, and that is another one? Its list register;
 * a private physical interrupt, of which each CPU has its own. What is wanted of such an interrupt is noted (want_*).
 */
static inline bool vgic_is_elsewhere(const struct vcpu *v, const struct vgic_irq *irq)
{
    return !vgic_reachable(v) && (irq->lr != 0 || (irq->phys_active && !vgic_is_spi(irq)));
}

/* NULL: the domain has no such SPI. */
static always_inline struct vgic_irq *vgic_spi(const struct domain *d, u32 intid)
{
    u32 n = intid - VGIC_NR_PRIVATE;

    const struct vgic_domain *g = &d->arch.vgic;

    return likely(n < g->nr_spis) ? &g->spis[index_nospec(n, g->nr_spis)] : NULL;
}

static always_inline struct vgic_irq *vgic_irq_of(const struct domain *d, struct vcpu *v, u32 intid)
{
    return intid < VGIC_NR_PRIVATE ? &v->arch.vgic.priv[intid % VGIC_NR_PRIVATE] : vgic_spi(d, intid);
}

/* All that are not private: SPIs, then LPIs. How many there may be. */
static inline u32 vgic_nr_shared(const struct domain *d)
{
    return d->arch.vgic.nr_spis + (d->arch.vgic.lpis != NULL ? LPI_MAX : 0);
}
/* The first that there is from the *n-th on, which it then is. NULL: no more. Loop: n = 0; while (...) { ...; n++; } */
struct vgic_irq *vgic_next_lpi(const struct domain *d, u32 *n);
static inline struct vgic_irq *vgic_next_shared(const struct domain *d, u32 *n)
{
    const struct vgic_domain *g = &d->arch.vgic;

    return *n < g->nr_spis ? &g->spis[*n] : g->lpis != NULL ? vgic_next_lpi(d, n) : NULL;
}

/* An LPI has no active state that the distributor would know of (IHI0069 4.1.2, 12.4.6): only in a list register. */
static always_inline bool vgic_is_lpi(const struct vgic_irq *irq)
{
    return irq->intid >= LPI_FIRST;
}

/* Lock the interrupt's home and return it: the home changes only under the lock of the old one. */
static always_inline struct vcpu *vgic_irq_lock(struct vgic_irq *irq)
{
    for (;;) {
        struct vcpu *v = atomic_load(&irq->vcpu);

        spin_lock(&v->arch.vgic.lock);
        if (likely(atomic_load(&irq->vcpu) == v)) {      /* else its new home may give it away meanwhile */
            return v;
        }
        spin_unlock(&v->arch.vgic.lock);
    }
}

static inline bool vgic_v2_sgi(const struct vcpu *v, const struct vgic_irq *irq)
{
    return irq->intid < 16 && v->domain->arch.vgic.version == 2;
}

/*
 * What is delivered to v, current, while it has interrupts masked may be retracted before it is taken:
 * vgic_watch_lines().
 */
static always_inline void vgic_watch_if_masked(struct vcpu *v)
{
    if (unlikely(guest_irqs_masked(v))) {
        vgic_watch_lines(v);
    }
}

/* Pending by the state in *irq (not by what is in a list register). */
static inline bool vgic_pending(const struct vgic_irq *irq)
{
    return irq->latch || (irq->is_level && irq->line);
}

/* Does the distributor forward it to its home? */
static inline bool vgic_forwardable(const struct vcpu *v, const struct vgic_irq *irq)
{
    u32 group = irq->group1 ? GICD_CTLR_ENABLE_GRP1 : GICD_CTLR_ENABLE_GRP0;

    return irq->enabled && irq->target == v && (atomic_load(&v->domain->arch.vgic.ctlr) & group);
}

/* ---- lr.c: list registers; v's lock is held ---- */
void vgic_lr_pull(struct vcpu *v, struct vgic_irq *irq);
void vgic_irq_commit(struct vcpu *v, struct vgic_irq *irq);
/* The list register as it is, without changing *irq. v reachable, or lr[] is taken as last known. irq->lr != 0. */
u64 vgic_lr_peek(const struct vcpu *v, const struct vgic_irq *irq);
/* Ready interrupts into list registers as far as there is room; the maintenance interrupt for the rest. */
void vgic_lr_fill(struct vcpu *v);
/* irq goes to another place. READY, EVICTED, IDLE: it has been pulled, what its list register holds is given up. */
void vgic_irq_place(struct vcpu *v, struct vgic_irq *irq, enum vgic_place to);
/* Act on the ends of evicted interrupts that the hardware has counted; v is live here. */
void vgic_count_ends(struct vcpu *v);
/*
 * The event interrupt of a trusted guest: is its line high though it has been ended? Then it pends again. v is live
 * here.
 */
void vgic_upcall_resample(struct vcpu *v);

/* ---- host.c: physical interrupts; v's lock is held ---- */
/* End the physical interrupt behind irq. */
void vgic_phys_deactivate(struct vgic_irq *irq);
/* The guest has ended irq, v's, whose list register was not linked. */
void vgic_phys_ended(struct vcpu *v, struct vgic_irq *irq);
/* Is v->arch.vgic.doubtful there, and still v's? */
bool vgic_is_doubtful(const struct vcpu *v);
/* It has been looked at for the last time. v is live here. */
void vgic_end_doubt(struct vcpu *v);

/* May the guest end irq without an exit, through the hardware link? */
static inline bool vgic_end_may_be_silent(const struct vgic_irq *irq)
{
    return !vgic_is_spi(irq) || !irq->is_level || irq->good >= VGIC_HOST_TRUSTED;
}

/* ---- check.c: invariants, by ASSERT(); v's lock is held ---- */
/* Of one interrupt of v's; bounded. */
void vgic_check_irq(const struct vcpu *v, const struct vgic_irq *irq);
/* Of v's list registers; bounded. */
void vgic_check_lrs(const struct vcpu *v);
/*
 * Of all that v has: also that nothing waits in vain. For tests, while nobody else changes anything. Returns how many
 * interrupts are somewhere else than idle.
 */
u32 vgic_check_all(const struct vcpu *v);

/* A line that is looked at: the event channel's, the virtual timer's, a device's. */
bool vgic_line(const struct vcpu *v, const struct vgic_irq *irq);
/* HCR after a change of what it depends on. */
void vgic_hcr_update(struct vcpu *v);

/* ---- switch.c ---- */
/*
 * Does irq, whose line is looked at, wait to be acknowledged? Not if the line has dropped: then it is taken back. v is
 * live here and locked; unlocks and locks again.
 */
bool vgic_line_waits(struct vcpu *v, struct vgic_irq *irq);
/* Have the CPU that holds v's list registers copy them to memory: bounded wait for all of an access, no locks held. */
void vgic_sync_remote(struct vcpu *v, u64 *deadline);

/* ---- inject.c ---- */
/* v2: SGI from `source` to v. */
void vgic_inject_sgi_v2(struct vcpu *v, u32 intid, u32 source);

/* ---- regs.c: register access by table ---- */
struct vgic_access {
    struct vcpu *v;              /* who accesses */
    struct vcpu *bank;           /* whose private interrupts the frame shows; NULL: none (v3 distributor) */
    struct vcpu *synced;         /* list registers of this vCPU have been fetched for this access already */
    u64 deadline;                /* of all that this access waits for; 0: it has not waited */
};

typedef u64 vgic_irq_get_fn(struct vgic_access *c, struct vgic_irq *irq);
typedef void vgic_irq_set_fn(struct vgic_access *c, struct vgic_irq *irq, u64 value);
/* A whole register: v accesses, bank as in struct vgic_access, offset from the frame's start. */
typedef u64 vgic_reg_read_fn(struct vcpu *v, u64 offset, struct vcpu *bank);
typedef void vgic_reg_write_fn(struct vcpu *v, u64 offset, struct vcpu *bank, u64 value);

/*
 * One row: registers [start, end). With bits != 0 it is an array with `bits` per interrupt, from INTID `first`; get
 * and set act on one interrupt (NULL: reads as zero, write ignored). w1: only ones written have an effect. Otherwise
 * plain registers of `width` bytes; the offset given to read and write is from the frame's start. What no row covers,
 * and sizes not in `sizes`, are RAZ/WI (IHI0069 12.1.3).
 */
struct vgic_reg {
    u32 start, end;
    u8 sizes;                    /* sum of the sizes in bytes allowed: 1, 2, 4, 8 */
    u8 width, bits;
    u16 first;
    bool w1;
    union {
        vgic_irq_get_fn *get;        /* arrays */
        vgic_reg_read_fn *read;      /* plain registers, width != 0 */
    };
    union {
        vgic_irq_set_fn *set;
        vgic_reg_write_fn *write;
    };
};

/* Ends a table: no offset reaches it. */
#define VGIC_REG_END { .start = ~0u, .end = ~0u }

/* Any access that `row`, the first one that ends beyond offset, does or does not allow. */
u64 vgic_reg_read_any(struct vcpu *v, u64 offset, u64 size, struct vcpu *bank, const struct vgic_reg *row);
void vgic_reg_write_any(struct vcpu *v, u64 offset, u64 size, u64 value, struct vcpu *bank,
    const struct vgic_reg *row);

static always_inline bool vgic_reg_is_whole(const struct vgic_reg *row, u64 offset, u64 size)
{
    return likely(row->width == size && offset >= row->start && !(offset & (size - 1)));
}

/*
 * `row`: the one that covers offset or any one before it, of a table sorted by start. Whole plain registers without a
 * detour.
 */
static always_inline u64 vgic_reg_read(struct vcpu *v, u64 offset, u64 size, struct vcpu *bank,
                                       const struct vgic_reg *row)
{
    while (offset >= row->end) {
        row++;
    }
    if (vgic_reg_is_whole(row, offset, size) && likely(row->read != NULL)) {
        return row->read(v, offset, bank);
    }
    return vgic_reg_read_any(v, offset, size, bank, row);
}

static always_inline void vgic_reg_write(struct vcpu *v, u64 offset, u64 size, u64 value, struct vcpu *bank,
    const struct vgic_reg *row)
{
    while (offset >= row->end) {
        row++;
    }
    if (vgic_reg_is_whole(row, offset, size) && likely(row->write != NULL)) {
        row->write(v, offset, bank, value);
    } else {
        vgic_reg_write_any(v, offset, size, value, bank, row);
    }
}

/*
 * Distributors of both versions begin alike: three identification rows, then one per 0x80 bytes up to the priorities.
 */
static always_inline u64 vgic_dist_row(u64 offset)
{
    u64 block = offset >> 7;

    return block == 0 ? MIN(offset / 4, UINT64_C(2)) : MIN(block + 2, UINT64_C(10));
}

/* Per-interrupt fields, shared by the front ends: irqregs.c. */
vgic_irq_get_fn vgic_get_group, vgic_get_enable, vgic_get_pending, vgic_get_active, vgic_get_priority, vgic_get_config;
vgic_irq_set_fn vgic_set_group, vgic_set_enable, vgic_clear_enable, vgic_set_pending, vgic_clear_pending,
                vgic_set_active, vgic_clear_active, vgic_set_priority, vgic_set_config;
/* The guest routes an SPI to `target` (NULL: nowhere); `route` is what it reads back. */
void vgic_route_spi(struct vgic_irq *irq, struct vcpu *target, u64 route);
/*
 * Whoever has looked at what was changed just now, a switch of the domain's or of a redistributor's, with an interrupt
 * locked, and seen it as it was before, is through, and what came of it is seen from here. No lock held.
 */
void vgic_settle(struct domain *d);
/* GICD_CTLR enables changed. */
void vgic_write_ctlr(struct domain *d, u32 enables);

/* Those of a domain that has not run, or is gone. */
void vgic_destroy_lpis(struct domain *d);

/* What GICD_TYPER of a GICv3 says of the domain's interrupts: again when it has got LPIs. */
void vgic_v3_set_typer(struct domain *d);

/* Identification registers of a GICv3's part, at 0xffd0..0xfffc of its frame (12.1.13). */
u64 vgic_v3_id(u64 offset, u32 part);

/* Front ends: each frame's handlers. */
mmio_read_fn vgic_v2_dist_read, vgic_v3_dist_read, vgic_v3_redist_read;
mmio_write_fn vgic_v2_dist_write, vgic_v3_dist_write, vgic_v3_redist_write;

#endif
