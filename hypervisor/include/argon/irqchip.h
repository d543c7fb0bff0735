/* SPDX-License-Identifier: MIT */
/*
 * The host's interrupt controller. A const table per driver (GICv2 and GICv3; one more for QEMU's
 * GICv2, see gicv2_relink.c); the one in use is `irqchip`. EOImode=1: eoi() drops
 * priority, deactivate() ends; interrupts given to a guest are deactivated by its own EOI through the list register's hardware link.
 */
#ifndef ARGON_IRQCHIP_H
#define ARGON_IRQCHIP_H

#include <argon/irq.h>

struct its_ops;
struct machine;
struct vgic_host_ops;

#define INTID_SPURIOUS   1023
#define INTID_SPECIAL    1020    /* this and above: not an interrupt */
#define INTID_FIRST_SPI  32
#define INTID_FIRST_PPI  16
#define IPI_SGI          0       /* the one SGI Argon uses between CPUs */

/* Host priorities; lower is taken first. All lie in the half that Non-secure software may use (IHI0069 4.8.6). */
#define IRQ_PRIO_IPI     0x80
#define IRQ_PRIO_TIMER   0x90
#define IRQ_PRIO_DEFAULT 0xa0

struct irqchip_ops {
    const char *name;
    /* Before dom0 gets its memory: what the driver will need of a kind that may be gone by then. NULL: nothing. */
    void (*reserve)(const struct machine *m);
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
    const struct vgic_host_ops *virt; /* its virtual interface (vdev/vgic_host.h) */
    const struct its_ops *its;   /* NULL: none that it could have (argon/its.h) */
};

extern const struct irqchip_ops *irqchip;        /* constant after boot */
extern const struct irqchip_ops gicv2_ops, gicv3_ops;

#endif
