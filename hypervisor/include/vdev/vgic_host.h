/* SPDX-License-Identifier: MIT */
/*
 * The virtual interface (list registers) of the host's interrupt controller, as the vGIC uses it: each driver has one const
 * table, and names it in its struct irqchip_ops.
 */
#ifndef VDEV_VGIC_HOST_H
#define VDEV_VGIC_HOST_H

#include <argon/types.h>

struct vgic_vcpu;

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
#define LR_SOURCE_MASK   UINT64_C(0x1c00)
#define LR_VINTID_MASK   UINT64_C(0x3ff)

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

/* All on the calling CPU. */
struct vgic_host_ops {
    u32 gic_version;             /* 2, 3 */
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

extern const struct vgic_host_ops *vgic_host;    /* irqchip->virt; constant after boot */

#endif
