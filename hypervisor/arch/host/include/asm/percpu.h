/* SPDX-License-Identifier: MIT */
/* Unit tests: each test thread plays one CPU. */
#ifndef ASM_PERCPU_H
#define ASM_PERCPU_H

struct pcpu;
extern __thread struct pcpu *host_pcpu;

static inline struct pcpu *this_cpu(void) { return host_pcpu; }

#endif
