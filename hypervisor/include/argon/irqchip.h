/* SPDX-License-Identifier: MIT */
/*
 * The host's interrupt controller, and its virtualisation interface (list registers). One const table per driver
 * (GICv2, GICv3); the one in use is `irqchip`. EOImode=1: eoi() drops priority, deactivate() ends; interrupts given
 * to a guest are deactivated by its own EOI through the list register's hardware link.
 */
#ifndef ARGON_IRQCHIP_H
#define ARGON_IRQCHIP_H

#include <argon/types.h>

struct machine;
struct vgic_vcpu;

enum irq_type { IRQ_TYPE_EDGE, IRQ_TYPE_LEVEL };

#define INTID_SPURIOUS   1023
#define INTID_SPECIAL    1020    /* this and above: not an interrupt */
#define INTID_FIRST_SPI  32
#define INTID_FIRST_PPI  16
#define IPI_SGI          0       /* the one SGI Argon uses between CPUs */

/* Host priorities; lower is taken first. All lie in the half that Non-secure software may use (IHI0069 4.8.6). */
#define IRQ_PRIO_IPI     0x80
#define IRQ_PRIO_TIMER   0x90
#define IRQ_PRIO_DEFAULT 0xa0

/*
 * A list register in memory and towards the driver has the layout of ICH_LR<n>_EL2 (IHI0069 12.4.6) whatever the
 * host's GIC; the GICv2 driver converts. VMCR and HCR have the same layout in GICH and ICH registers.
 */
#define LR_PENDING       BIT(62)
#define LR_ACTIVE        BIT(63)
#define LR_STATE         (LR_PENDING | LR_ACTIVE)
#define LR_HW            BIT(61)
#define LR_GROUP1        BIT(60)
#define LR_EOI           BIT(41)         /* HW=0: maintenance interrupt when it becomes inactive */
#define LR_PRIO_SHIFT    48
#define LR_HOST_SHIFT    32              /* HW=1: physical INTID */
#define LR_SOURCE_SHIFT  10              /* v2 guest: CPU that sent an SGI (bits 12..10) */
#define LR_SOURCE_MASK   0x1c00UL
#define LR_VINTID_MASK   0x3ffUL

#define VHCR_EN          BIT32(0)
#define VHCR_LRENPIE     BIT32(2)        /* maintenance: guest ended an interrupt that is in no list register */
#define VHCR_NPIE        BIT32(3)        /* maintenance: no list register is pending */
#define VHCR_TALL0       BIT32(11)       /* v3: accesses to group 0's, group 1's system registers are trapped */
#define VHCR_TALL1       BIT32(12)
#define VHCR_EOICOUNT_SHIFT 27

#define VMCR_VENG0       BIT32(0)
#define VMCR_VENG1       BIT32(1)
#define VMCR_VFIQEN      BIT32(3)
#define VMCR_PMR_SHIFT   24

struct irqchip_ops {
    const char *name;
    u32 gic_version;             /* 2, 3 */
    /* Set-up. init: distributor, once; init_cpu: redistributor and CPU interface of the calling CPU. */
    int (*init)(const struct machine *m);
    int (*init_cpu)(void);
    u32 (*nr_irqs)(void);        /* INTIDs 0..nr-1 */
    /* Interrupt handling on the calling CPU. */
    u32 (*ack)(void);            /* INTID or 1020..1023 */
    void (*eoi)(u32 intid);
    void (*deactivate)(u32 intid);
    /* Configuration; private ones act on the calling CPU. */
    void (*enable)(u32 intid);
    void (*disable)(u32 intid);
    void (*set_type)(u32 intid, enum irq_type t);
    void (*set_priority)(u32 intid, u8 prio);
    void (*set_target)(u32 intid, u32 cpu);
    void (*set_active)(u32 intid, bool active);
    void (*set_pending)(u32 intid, bool pending);
    bool (*is_pending)(u32 intid);
    void (*send_ipi)(u32 cpu);   /* IPI_SGI to one CPU; what was written before is visible to its handler */
    /* Virtual interface of the calling CPU. */
    u32 (*nr_lrs)(void);
    u32 (*nr_prio_bits)(void);   /* of a virtual priority */
    u32 (*nr_preempt_bits)(void);/* a bit n of the active priorities stands for priority n << (8 - this) */
    u64 (*lr_read)(u32 n);
    void (*lr_write)(u32 n, u64 lr);
    void (*lr_pend)(u32 n, u64 lr);              /* write lr as pending; an active state found in the register stays */
    /* v2: write lr, pending, unless the register holds something else that has not ended; false: it does. */
    bool (*lr_pend_same)(u32 n, u64 lr);
    u64 (*lr_empty)(void);                       /* bit per list register whose state is inactive */
    u64 (*lr_ended)(void);                       /* those of them with LR_EOI: the guest has ended its interrupt */
    u32 (*hcr_read)(void);
    void (*hcr_write)(u32 hcr);
    void (*virt_read)(struct vgic_vcpu *s);      /* VMCR and active priorities into s */
    void (*virt_save)(struct vgic_vcpu *s, u32 lrs);           /* those, list registers in lrs; interface off */
    void (*virt_restore)(const struct vgic_vcpu *s, u32 lrs, u32 clear); /* lrs from s, `clear` emptied, HCR last */
};

extern const struct irqchip_ops *irqchip;        /* constant after boot */
extern const struct irqchip_ops gicv2_ops, gicv3_ops;

/* ---- core/irq: who gets a host interrupt ---- */
struct domain;
typedef void irq_handler_fn(u32 intid, void *data);

/*
 * Boot CPU, once, after irqchip->init() and init_cpu(): descriptors, the IPI, the timer interrupts (guests' virtual and the
 * hypervisor's) and the maintenance interrupt. Panics when the firmware does not name these.
 */
void irq_init(void);
/* Secondary CPU, after irqchip->init_cpu(): enable the private interrupts in use. */
void irq_enable_local(void);
/*
 * Hypervisor's own interrupt (timer, UART, maintenance). A private one is enabled on the calling CPU now and on
 * others by irq_enable_local(); an SPI goes to the calling CPU. -EINVAL: not a PPI or SPI of this machine; -EBUSY:
 * taken.
 */
must_check int irq_request(u32 intid, enum irq_type t, irq_handler_fn *fn, void *data, const char *name);
/*
 * Give an SPI to a guest / take it back: -EBUSY when in use, -EINVAL when not an SPI of this machine, -ENOENT when
 * not d's.
 */
must_check int irq_route_to_guest(u32 host_irq, struct domain *d, u32 vintid);
must_check int irq_release_from_guest(u32 host_irq, struct domain *d);
/* Does the hypervisor itself use this interrupt? (It is not dom0's then.) */
bool irq_is_hypervisor(u32 intid);
/* Entry from the vectors: acknowledge and handle all that is pending on this CPU. */
void irq_handle(void);
void irq_dump(void);             /* debug key i */

#endif
