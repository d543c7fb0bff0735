/* SPDX-License-Identifier: MIT */
/* The hypercalls by number, from the list in argon/hypercall.h. */
#include <argon/hypercall.h>

#include <argon/domain.h>
#include <argon/percpu.h>
#include "preempt.h"

#define ROW_NR_ARGS(nr, fn, right, args) [nr] = (args),

hypercall_fn *const hypercall_table[NR_HYPERCALLS] = { HYPERCALLS(ROW_HANDLER) };
const u8 hypercall_nr_args[NR_HYPERCALLS] = { HYPERCALLS(ROW_NR_ARGS) };

bool hypercall_preempt_check(void)
{
    return preempt_wanted(current_vcpu());
}
