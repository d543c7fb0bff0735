/* SPDX-License-Identifier: MIT */
/*
 * Guests' generic timers: the virtual timer is the hardware's while its vCPU runs; the EL1 physical timer is
 * emulated.
 */
#ifndef ARGON_VTIMER_H
#define ARGON_VTIMER_H

#include <argon/timer.h>

struct vcpu;

struct vtimer_vcpu {
    u64 cntv_cval, cntv_ctl;     /* saved while the vCPU is not current */
    bool live;                   /* the hardware's timer is this vCPU's */
    struct timer virt_wake;      /* stands in for the hardware while the vCPU is off the CPU */
    struct timer phys;           /* emulated CNTP */
    u64 cntp_cval;               /* guest's count */
    u32 cntp_ctl;                /* ENABLE, IMASK as the guest wrote */
    bool cntp_line;              /* level of the physical timer's interrupt as last given to the vGIC */
    u32 virt_irq, phys_irq;      /* PPIs the guest sees: 27, 30 */
};

/* Counters, both virtual and physical, read as the host's less domain->vcounter_offset. */
void vtimer_init_vcpu(struct vcpu *v, u32 virt_irq, u32 phys_irq);
void vtimer_destroy_vcpu(struct vcpu *v);
/* Timers disabled, as after reset; v is off the CPU (PSCI CPU_ON, reset). */
void vtimer_reset_vcpu(struct vcpu *v);
void vtimer_save(struct vcpu *v);        /* leaving this CPU: before vgic_save() */
void vtimer_restore(struct vcpu *v);     /* entering it: after vgic_restore() and CNTVOFF_EL2 */
/*
 * The host's virtual timer interrupt fired: v is current. Its priority has been dropped; it stays active until the
 * guest's EOI.
 */
void vtimer_interrupt(struct vcpu *v);
/* Level of the virtual timer's interrupt. v is current or not running. */
bool vtimer_virt_line(const struct vcpu *v);
/* Trapped CNTP_* accesses and CNTPCT. reg: which; write: *val in, else out. v is current. */
enum vtimer_reg { VTIMER_CNTP_CTL, VTIMER_CNTP_CVAL, VTIMER_CNTP_TVAL, VTIMER_CNTPCT };
void vtimer_phys_access(struct vcpu *v, enum vtimer_reg reg, bool write, u64 *val);

#endif
