/* SPDX-License-Identifier: MIT */
/* Offsets in struct cpu and struct trap_frame for assembler; cpu.c asserts each. */
#ifndef RT_OFFSETS_H
#define RT_OFFSETS_H

#define CPU_STACK_SIZE 0x4000
#define CPU_SIZE 1024

#define ENTRY_SP 248
#define ENTRY_PSTATE 256
#define ENTRY_SCTLR 264
#define ENTRY_TTBR0 272
#define ENTRY_TTBR1 280
#define ENTRY_TCR 288
#define ENTRY_MPIDR 296
#define ENTRY_CNTVCT 304
#define ENTRY_CNTPCT 312
#define ENTRY_PC 320
#define CPU_INDEX 328

#define FRAME_SIZE 288

#endif
