/* SPDX-License-Identifier: MIT */
/* FP/SIMD registers: moved only when another vCPU is switched in. The hypervisor itself is built without them. */
#ifndef ASM_FP_H
#define ASM_FP_H

#include <asm/domain.h>

void fp_save(struct fp_state *s);
void fp_restore(const struct fp_state *s);

#endif
