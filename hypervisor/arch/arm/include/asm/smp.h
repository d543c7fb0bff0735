/* SPDX-License-Identifier: MIT */
/* CPU bring-up and per-CPU set-up. */
#ifndef ASM_SMP_H
#define ASM_SMP_H

#include <argon/types.h>

struct pcpu;
extern struct pcpu boot_pcpu;
struct cpumask;

/* EL2 controls of the calling CPU: traps, timer access, stage-2 format. */
void cpu_init_el2(void);
/* Start all other CPUs by PSCI; returns how many are online, this one included. Those that fail are named. */
u32 smp_boot(u32 max_cpus);
/* C entry of a secondary. */
noreturn_fn void secondary_main(void);
/* No vCPU to run: wait for an interrupt and take it. Returns with interrupts still masked. */
void cpu_idle(void);
/* First entry into guest or idle (entry.S). */
noreturn_fn void guest_enter(void);

/* SMCCC to the firmware. */
struct smccc_result { u64 x[4]; };
void smccc_smc(u64 fid, u64 a1, u64 a2, u64 a3, struct smccc_result *res);

#endif
