/* SPDX-License-Identifier: MIT */
/*
 * The virtual GIC: one implementation of interrupt state with v2 and v3 register front ends, as pure state machines.
 * Host list registers are reached through struct irqchip_ops only (irqchip.h), by the CPU on which the vCPU's state
 * is loaded. See docs/design/vgic.md.
 */
#ifndef ARGON_VGIC_H
#define ARGON_VGIC_H

#include <argon/list.h>
#include <argon/spinlock.h>

struct domain;
struct vcpu;

#define VGIC_NR_PRIVATE 32
#define VGIC_MAX_SPIS   988      /* INTIDs 32..1019 */
#define VGIC_MAX_LRS    16

/* Guest layout other than dom0's (ABI: compiled into the toolstack): GICD and GICC are in <argon/xen.h>. */
#define GUEST_GICV3_GICR_BASE 0x03020000UL
#define GUEST_GICV3_GICR_SIZE 0x01000000UL

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
    struct list_head stale;      /* changed from elsewhere: the CPU concerned must bring them up to date */
    bool watch_new;              /* vgic_check_lines() has not been called since vgic_watch_lines() */
    struct vgic_irq *doubtful;   /* one whose line is to be looked at before the guest takes it, perhaps moved since: host.c */
    u32 nr_evicted;              /* how many have their place there */
    u32 vmcr;
    u32 apr[8];                  /* AP0R0..3, AP1R0..3; GICv2: the first only */
    bool asleep;                 /* v3: GICR_WAKER.ProcessorSleep as written */
    struct vgic_irq priv[VGIC_NR_PRIVATE];
};

struct vgic_domain {
    struct spinlock lock;        /* RANK_VGIC: changes of ctlr (nested: before a vCPU's) */
    u8 version;                  /* 2 or 3; 0: none yet */
    u32 nr_spis;
    struct vgic_irq *spis;       /* [nr_spis] */
    u32 ctlr;                    /* EnableGrp0, EnableGrp1 */
    u64 gicd_base, gicr_base, gicc_base, gicr_size;
};

/* GIC version this host can give guests: bit 2, bit 3. */
u32 vgic_host_versions(void);
/*
 * version 2 or 3. nr_spis is rounded up to a multiple of 32. Guests get the layout above; dom0's is set by
 * vgic_set_layout() later. May come before or after the domain's vCPUs are created. -EINVAL, -ENODEV (version not on
 * this host), -ENOMEM.
 */
must_check int vgic_init_domain(struct domain *d, u8 version, u32 nr_spis);
/*
 * Bases as the guest sees them, once. v3: gicr of gicr_size bytes; v2: gicc (mapped to GICV by the caller). 0 or
 * -errno of mmio_register().
 */
int vgic_set_layout(struct domain *d, u64 gicd, u64 gicr_or_gicc, u64 gicr_size);
/* All vCPUs are off the CPUs for good: host interrupts go back, memory is freed. */
void vgic_destroy_domain(struct domain *d);
void vgic_init_vcpu(struct vcpu *v);
/* Private interrupts and CPU interface as after reset; v is off the CPU. */
void vgic_reset_vcpu(struct vcpu *v);
/* The CPU interface as after power-up (PSCI CPU_ON); v is off the CPU. */
void vgic_reset_cpu_interface(struct vcpu *v);

/*
 * Edge: make pending. From any CPU, any context. If v is current here and a list register is free the interrupt goes
 * straight into it; else v is kicked. Private intids take v; SPIs ignore it (routing decides).
 */
void vgic_inject(struct domain *d, struct vcpu *v, u32 intid);
/*
 * Level line of a purely virtual interrupt changed, or was raised again: a raised line that the guest has
 * acknowledged or ended pends once more. The event-channel interrupt's line is vcpu_info's upcall byte, looked at
 * again whenever the vGIC decides on it.
 */
void vgic_set_level(struct domain *d, struct vcpu *v, u32 intid, bool level);
/*
 * A physical interrupt arrived whose guest is d: pend it with the hardware link. The host irq stays active until the
 * guest's EOI.
 */
void vgic_inject_host(struct domain *d, struct vcpu *v, u32 intid, u32 host_irq);
/*
 * The guest's timer expired while v was off the CPU: as if the physical interrupt had arrived. False: v is on a CPU;
 * nothing done.
 */
bool vgic_inject_timer(struct vcpu *v, u32 intid);
/*
 * A level interrupt (timer, event channel) was delivered that the guest does not take at once: it may retract it
 * instead, which no hardware reports. v, current, gets PEND_LINE, which stays set while vgic_check_lines() says so,
 * called on the exit path of each exit with it: an interrupt whose line has dropped is taken back. False: none waits
 * any more.
 */
void vgic_watch_lines(struct vcpu *v);
bool vgic_check_lines(struct vcpu *v);
/* Has v's timer interrupt been delivered and not yet been ended by the guest? v is current. */
bool vgic_timer_in_flight(struct vcpu *v, u32 intid);
/* Link host irq <-> virtual interrupt: SPIs through irq_route_to_guest() only; PPIs (timer): while v is created. */
must_check int vgic_connect_host(struct domain *d, u32 intid, u32 host_irq);
void vgic_disconnect_host(struct domain *d, u32 intid);
void vgic_connect_timer(struct vcpu *v, u32 intid, u32 host_irq);

/* PEND_VGIC on the exit path, v current: move ready interrupts to list registers. */
void vgic_flush(struct vcpu *v);
/* PEND_SYNC on the exit path: copy list registers to memory for another CPU that waits for them. */
void vgic_sync(struct vcpu *v);
/* v leaves / enters this CPU. */
void vgic_save(struct vcpu *v);
void vgic_restore(struct vcpu *v);
/*
 * Would v take an interrupt now (enabled, pending, priority above its mask and what it runs)? v is current or not
 * running.
 */
bool vgic_irq_deliverable(struct vcpu *v);
/* Maintenance interrupt of this CPU. */
void vgic_maintenance(void);
/* v, current, accesses a system register that no one knows. True: the vGIC wanted to hear of it, do it again. */
bool vgic_acknowledge_trapped(struct vcpu *v);

/*
 * SGIs as the guest asked by trapped ICC_SGI1R_EL1; ICC_SGI0R_EL1 and ICC_ASGI1R_EL1 writes (v3). v2 has GICD_SGIR in
 * its front end.
 */
void vgic_sgi1r_write(struct vcpu *v, u64 value);
void vgic_sgi0r_write(struct vcpu *v, u64 value);

void vgic_dump(struct domain *d);                       /* debug key: interrupts of d */

#endif
