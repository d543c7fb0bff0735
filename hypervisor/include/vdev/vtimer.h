/* SPDX-License-Identifier: MIT */
/*
 * Guests' generic timers: the virtual timer is the hardware's while its vCPU runs; the EL1 physical timer is
 * emulated.
 */
#ifndef VDEV_VTIMER_H
#define VDEV_VTIMER_H

#include <argon/types.h>

struct vcpu;

/* Counters, both virtual and physical, read as the host's less domain->arch.vcounter_offset. */
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
