/* SPDX-License-Identifier: MIT */
/*
 * What ARM has of each CPU. this_cpu(): TPIDR_EL2 holds the address of this CPU's struct pcpu, from before the first C code on it (Arm ARM D17.2.140).
 */
#ifndef ASM_PERCPU_H
#define ASM_PERCPU_H

#include <argon/types.h>

struct pcpu;
struct vcpu;

struct arch_pcpu {
    struct vcpu *loaded;         /* whose guest registers this CPU holds, running or not: arch_context_switch() */
    void *stack_top;             /* asm: hypervisor stack of this CPU */
    void *emergency_stack_top;   /* asm: for faults of the hypervisor itself */
    u32 exit_arg;                /* asm: what this CPU's vectors do with branch prediction on exits (spectre.c) */
    bool bypass;                 /* speculative store bypass is on here, by the firmware (spectre.c) */
    u64 lr_used;                 /* vdev/vgic: list registers in use here */
};

static always_inline struct pcpu *this_cpu(void)
{
    struct pcpu *p;

    /* Not volatile: hypervisor code never moves between CPUs, so the compiler may keep the value. */
    __asm__("mrs %0, tpidr_el2" : "=r"(p));
    return p;
}

#endif
