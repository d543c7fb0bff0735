/* SPDX-License-Identifier: MIT */
/*
 * What ARM has of each CPU. this_cpu(): TPIDR_EL2 holds the address of this CPU's struct pcpu, from before the first C code on it
 * (Arm ARM D17.2.140).
 */
#ifndef ASM_PERCPU_H
#define ASM_PERCPU_H

#include <argon/compiler.h>
#include <argon/types.h>
#include <asm/insn.h>

struct pcpu;
struct vcpu;

struct arch_pcpu {
    struct vcpu *loaded;         /* whose guest registers this CPU holds, running or not: arch_context_switch() */
    void *stack_top;             /* asm: hypervisor stack of this CPU */
    void *emergency_stack_top;   /* asm: for faults of the hypervisor itself */
    void *firmware_sp;           /* asm: this CPU is in UEFI's firmware, and the hypervisor's stack is here; NULL: it is not */
    u32 exit_arg;                /* asm: what this CPU's vectors do with branch prediction on exits (spectre.c) */
    u32 switch_flags;            /* what is to be done when vCPUs change (vcpu.c); the same on all, constant once guests run */
    bool bypass;                 /* speculative store bypass is on here, by the firmware (spectre.c) */
    u64 lr_used;                 /* vdev/vgic: list registers in use here */
};

static always_inline struct pcpu *this_cpu(void)
{
    return (struct pcpu *)(uintptr_t)sysreg_read_stable(tpidr_el2);         /* hypervisor code never moves between CPUs */
}

#endif
