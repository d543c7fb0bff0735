/* SPDX-License-Identifier: MIT */
/* ID registers as guests see them (arch/arm/arm64/idregs.c). */
#ifndef ASM_IDREGS_H
#define ASM_IDREGS_H

#include <argon/types.h>

/* S3_0_C0_Cm_op2, Cm 0 to 7. */
#define ID_REGS     64
#define ID_REG(crm, op2) ((crm) * 8 + (op2))
#define ID_PFR0     ID_REG(4, 0)
#define ID_PFR0_GIC (1UL << 24)

extern u64 id_regs[ID_REGS];             /* constant once guests run */

/* Each CPU, on itself, before guests run: no more than this one has. first: there was none before. */
void idregs_cpu_up(bool first);

#endif
