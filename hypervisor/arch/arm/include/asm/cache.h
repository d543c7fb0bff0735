/* SPDX-License-Identifier: MIT */
/* Cache maintenance beyond what core asks for (arch.h): used by arch and the stage-2 code. */
#ifndef ASM_CACHE_H
#define ASM_CACHE_H

#include <argon/types.h>
#include <asm/cpu.h>

void arch_clean_inval_dcache(const void *va, size_t n);
void arch_inval_icache(void);

#endif
