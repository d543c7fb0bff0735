/* SPDX-License-Identifier: MIT */
/* What each physical CPU has of its own. this_cpu() is one register read (TPIDR_EL2). */
#ifndef ARGON_PERCPU_H
#define ARGON_PERCPU_H

#include <argon/types.h>
#include <argon/sched.h>
#include <argon/timer.h>
#include <argon/mem.h>
#include <asm/percpu.h>          /* this_cpu(), struct arch_pcpu */

struct vcpu;

struct pcpu {
    struct vcpu *current;        /* vCPU whose state is loaded here (the idle vCPU when none): asm uses it */
    struct arch_pcpu arch;
    u32 id;                      /* 0..nr_cpus-1 */
    u32 node;
    u64 hwid;                    /* MPIDR_EL1 affinity bits */
    bool online;
    bool in_irq;                 /* irq_handle() is at work: what happens is not the current vCPU's doing */
    u32 ipi_work;                /* enum ipi_work bits asked of this CPU (atomic) */
    u64 quiesce_seq;             /* last grace period this CPU has answered (core/smp) */
    struct vcpu *idle;
    struct sched_pcpu sched;
    struct timer_pcpu timers;
    struct mem_pcpu mem;
    u32 lock_depth;              /* debug: ranks held */
    u16 lock_ranks[8];
    u64 irq_count;               /* host interrupts taken (debug key) */
};

extern struct pcpu *pcpus[NR_CPUS];  /* by id; NULL where absent. Constant after boot. */
extern u32 nr_cpus;                  /* CPUs online; ids are 0..nr_cpus-1 */

static always_inline u32 cpu_id(void) { return this_cpu()->id; }
static always_inline struct vcpu *current_vcpu(void) { return this_cpu()->current; }

#define for_each_cpu(c) for (u32 c = 0; c < nr_cpus; c++)

#endif
