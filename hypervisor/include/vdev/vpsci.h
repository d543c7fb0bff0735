/* SPDX-License-Identifier: MIT */
/* PSCI and the SMC calling convention towards guests (DEN0022, DEN0028): HVC #0 and SMC #0. */
#ifndef VDEV_VPSCI_H
#define VDEV_VPSCI_H

#include <argon/types.h>

struct vcpu;

/* Handle the call in v->arch.regs.x[0..]; v is current. False: not an SMCCC call this interface takes (UNDEFINED to the guest). */
bool vpsci_call(struct vcpu *v);

#endif
