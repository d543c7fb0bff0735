/* SPDX-License-Identifier: MIT */
/* hypercall_preempt_check() for loops whose turns are short. */
#ifndef CORE_HYPERCALL_PREEMPT_H
#define CORE_HYPERCALL_PREEMPT_H

#include <argon/arch.h>
#include <argon/vcpu.h>

/* v is current. */
static always_inline bool preempt_wanted(const struct vcpu *v)
{
    return arch_irq_waiting() || (atomic_load(&v->pending) & (PEND_RESCHED | PEND_QUIESCE)) != 0;
}

#endif
