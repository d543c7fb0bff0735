/* SPDX-License-Identifier: MIT */
/* State of the virtual GIC: members of struct arch_vcpu and struct arch_domain. See vdev/vgic.h. */
#ifndef VDEV_VGIC_STATE_H
#define VDEV_VGIC_STATE_H

#include <argon/list.h>
#include <argon/spinlock.h>

struct vcpu;
struct vgic_lpis;

#define VGIC_NR_PRIVATE 32
#define VGIC_MAX_SPIS   988      /* INTIDs 32..1019 */
#define VGIC_MAX_LRS    16
#define VGIC_READY_LEVELS 64u    /* classes of priorities, to find those that wait: as many as LPIs can have */

/* May an injection use the list register as it stands? (vdev/vgic/lr.c) */
enum vgic_sticky { VGIC_STICKY_NO = 0, VGIC_STICKY_PLAIN, VGIC_STICKY_HW, VGIC_STICKY_SGI };

/*
 * Where an interrupt is: in exactly one of these. Changed by vgic_irq_place() alone (vdev/vgic/lr.c), which keeps lists,
 * count and list registers in step.
 */
enum vgic_place {
    VGIC_IDLE = 0,       /* nowhere: neither active nor, as far as its vCPU may have it, pending */
    VGIC_IN_LR,          /* in list register lr - 1 */
    VGIC_STALE,          /* on home's `stale` list, whether it has a list register (lr != 0) or not */
    VGIC_READY,          /* on home's `ready` list: pending, not active, in no list register */
    VGIC_EVICTED,        /* active, in no list register and on no list: its end is counted by the hardware */
};

/*
 * State of one interrupt; all of it under the vgic.lock of its home vCPU. A private interrupt's home is its vCPU. An
 * SPI's home is the vCPU that has or had it last; it follows `target` when the interrupt is not active.
 *
 * While lr != 0 the pending and active state as of the last write is in that list register; vgic_lr_pull() brings it
 * back here.
 */
struct vgic_irq {
    struct list_head link;       /* home's `ready` or `stale` list, by place */
    struct vcpu *vcpu;           /* home; NULL only before vCPU 0 exists */
    struct vcpu *target;         /* where the guest routes it; NULL: to no vCPU */
    u16 intid;
    u16 host_irq;                /* physical interrupt behind it, 0 when none */
    u8 priority;                 /* implemented bits only */
    u8 lr;                       /* list register + 1, 0: in none */
    u8 place;                    /* enum vgic_place */
    u8 sticky;                   /* enum vgic_sticky */
    u8 level;                    /* while ready: of the priority with which it came (VGIC_READY_LEVELS) */
    u8 sgi_sources;              /* v2: senders of a pending SGI not in a list register, a bit per vCPU */
    u8 sgi_active;               /* v2: sender of the active SGI */
    u8 good;                     /* host level: ends with its line low in a row (internal.h) */
    bool enabled, group1, is_level;
    bool latch;                  /* pending by an edge, a software write or a host interrupt */
    bool line;                   /* input of a virtual level interrupt */
    bool active;
    bool lr_latch;               /* pending in the list register came from `latch` */
    bool phys_active;            /* the physical interrupt is active on this one's behalf */
    bool phys_fresh;             /* it became so after the list register, in another CPU, was written: that shows the one before */
    /*
     * Asked for while the state was another CPU's (vgic_is_elsewhere()): done by vgic_lr_pull() there. Set only while
     * stale.
     */
    bool want_unpend, want_active, want_inactive;
    u64 route;                   /* v3 IROUTER or v2 ITARGETSR as the guest reads it */
};

struct vgic_vcpu {
    struct spinlock lock;        /* RANK_VGIC */
    u16 live;                    /* CPU + 1 whose hardware holds lr[], vmcr, apr; 0: memory does */
    u32 hcr;                     /* as last written or to be written */
    u32 lr_used;                 /* bit per list register assigned to an interrupt (perhaps inactive by now) */
    u32 lr_eoi;                  /* those of them with LR_EOI: their end is to be acted on */
    u8 upcall_good;              /* EOIs of the event interrupt with the upcall byte clear (internal.h) */
    u32 sync_seq;                /* counts vgic_sync() */
    u64 lr[VGIC_MAX_LRS];        /* as last written, read by vgic_sync(), or saved */
    struct vgic_irq *lr_irq[VGIC_MAX_LRS];
    struct list_head ready;      /* pending, enabled, waiting for a list register; by priority */
    u64 ready_levels;            /* a bit for each level of which there is one on `ready` */
    struct list_head stale;      /* changed from elsewhere: the CPU concerned must bring them up to date */
    bool watch_new;              /* vgic_check_lines() has not been called since vgic_watch_lines() */
    struct vgic_irq *doubtful;   /* one whose line is to be looked at before the guest takes it, perhaps moved since: host.c */
    u32 nr_evicted;              /* how many have their place there */
    u32 vmcr;
    u32 apr[8];                  /* AP0R0..3, AP1R0..3; GICv2: the first only */
    bool asleep;                 /* v3: GICR_WAKER.ProcessorSleep as written */
    bool lpis_on;                /* GICR_CTLR.EnableLPIs; atomic */
    u32 its_owed;                /* a bit for each translation service with whose commands it goes on; its CPU's alone */
    u64 pendbaser;               /* GICR_PENDBASER as written: what is pending is kept here, not there */
    struct vgic_irq priv[VGIC_NR_PRIVATE];
};

/* Of a vCPU's, too, and kept apart: what follows in struct vcpu would be out of reach of one instruction. */
struct vgic_vcpu_far {
    struct vgic_irq *ready_last[VGIC_READY_LEVELS];      /* the last one of each level on `ready` that has any */
};

struct vgic_domain {
    struct spinlock lock;        /* RANK_VGIC: changes of ctlr */
    u8 version;                  /* 2 or 3; 0: none yet */
    u32 nr_spis;
    struct vgic_irq *spis;       /* [nr_spis] */
    u32 ctlr;                    /* EnableGrp0, EnableGrp1 */
    u32 typer;                   /* v3: GICD_TYPER */
    u64 gicd_base, gicr_base, gicc_base, gicr_size;
    struct vgic_lpis *lpis;      /* dom0's, where the machine has an ITS; NULL: none (vdev/vgic/its.h) */
};

#endif
