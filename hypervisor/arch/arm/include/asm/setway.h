/* SPDX-License-Identifier: MIT */
/* Trapped cache maintenance by set and way. v is current. False: not finished, the guest executes the instruction again. */
#ifndef ASM_SETWAY_H
#define ASM_SETWAY_H

#include <argon/types.h>

struct vcpu;

must_check bool setway_trapped(struct vcpu *v);
/* SCTLR_EL1, whose writes trap since: does them, too. */
must_check bool setway_sctlr_written(struct vcpu *v, u64 val);

#endif
