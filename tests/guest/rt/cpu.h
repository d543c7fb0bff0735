/* SPDX-License-Identifier: MIT */
/* Per-vCPU state, start and stop of secondary vCPUs, work on them. */
#ifndef RT_CPU_H
#define RT_CPU_H

#include <stdbool.h>
#include <stdint.h>
#include "offsets.h"

#define MAX_CPUS 8

struct entry_state {
    uint64_t x[31];
    uint64_t sp, pstate, sctlr, ttbr0, ttbr1, tcr, mpidr, cntvct, cntpct, pc;
};

/* What the last exception taken under a probe said. */
struct fault {
    uint64_t esr, far, elr, spsr;
    unsigned vector;
    unsigned count; /* exceptions since trap_probe_begin() */
};

struct context {
    uint64_t reg[13];
};

#define IRQ_LOG 64
#define MAX_ACKED 32

struct cpu {
    struct entry_state entry;
    uint64_t index;
    uint64_t redist;         /* GICv3 redistributor frame */
    volatile bool online;    /* entered the work loop; only that vCPU clears it */
    bool probing;
    volatile bool crashed;   /* took an exception nobody expected */
    struct fault fault;
    struct context *recover; /* where an unexpected exception continues */
    void (*volatile work)(uint64_t arg);
    volatile uint64_t work_arg;
    unsigned irq_count;
    uint32_t irq_log[IRQ_LOG];
    unsigned acked_count;    /* acknowledged, not yet ended: for gic_reset() */
    uint32_t acked[MAX_ACKED];
} __attribute__((aligned(CPU_SIZE)));

extern struct cpu cpus[MAX_CPUS];
extern unsigned cpu_count;

/* Start of a secondary's image; hand its address to PSCI CPU_ON. */
void secondary_start(void);

struct cpu *this_cpu(void);
void cpu_init(unsigned count);
uint64_t cpu_mpidr(unsigned index);

/* All below: called on vCPU 0. False on time-out. */
bool cpu_start(unsigned index);
bool cpu_stop(unsigned index);
void cpu_run(unsigned index, void (*work)(uint64_t), uint64_t arg);
bool cpu_wait(unsigned index);
bool cpu_call(unsigned index, void (*work)(uint64_t), uint64_t arg);

void secondary_main(struct cpu *cpu);

int context_save(struct context *context) __attribute__((returns_twice));
void context_restore(struct context *context) __attribute__((noreturn));

#endif
