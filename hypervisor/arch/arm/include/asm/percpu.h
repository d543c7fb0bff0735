/* SPDX-License-Identifier: MIT */
/* this_cpu(): TPIDR_EL2 holds the address of this CPU's struct pcpu, from before the first C code on it (Arm ARM D17.2.140). */
#ifndef ASM_PERCPU_H
#define ASM_PERCPU_H

#include <argon/compiler.h>

struct pcpu;

static always_inline struct pcpu *this_cpu(void)
{
    struct pcpu *p;

    /* Not volatile: hypervisor code never moves between CPUs, so the compiler may keep the value. */
    __asm__("mrs %0, tpidr_el2" : "=r"(p));
    return p;
}

#endif
