/* SPDX-License-Identifier: MIT */
/* A vCPU's registers, whatever they are, as a whole. */
#ifndef ASM_VCPU_REGS_H
#define ASM_VCPU_REGS_H

struct vcpu;

/* As at reset; no CPU holds any of them. v is not current. */
void vcpu_regs_reset(struct vcpu *v);

#endif
