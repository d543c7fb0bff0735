/* SPDX-License-Identifier: MIT */
/* Unit tests: each test thread plays one CPU. */
#ifndef ASM_PERCPU_H
#define ASM_PERCPU_H

#include <argon/types.h>

struct pcpu;

struct arch_pcpu {
    u64 lr_used;                 /* vdev/vgic: list registers in use here */
    u32 exit_arg;                /* arch/arm/arm64/spectre.c */
    bool bypass;
};

extern __thread struct pcpu *host_pcpu;  /* asm/host.h */

static inline struct pcpu *this_cpu(void) { return host_pcpu; }

#endif
