/* SPDX-License-Identifier: MIT */
/*
 * The hypercalls by number, from the list in argon/operations.h. All others have a row too, the deprecated 6, 16 and 19
 * among them, so that nobody who calls by number has to look.
 */
#include <argon/hypercall.h>

#include <argon/domain.h>
#include <argon/percpu.h>
#include "preempt.h"

long hypercall_none(struct vcpu *v, u64 *args)
{
    (void)v;
    (void)args;
    return -ENOSYS;
}

static_assert((NR_HYPERCALLS & (NR_HYPERCALLS - 1)) == 0, "entry.S masks the number as index_nospec() does");

#define ROW_NR_ARGS(nr, fn, right, args) [nr] = (args),

#define N hypercall_none
hypercall_fn *const hypercall_table[NR_HYPERCALLS] = {
    HYPERCALLS(ROW_HANDLER)
    [0] = N, [1] = N, [2] = N, [3] = N, [4] = N, [5] = N, [6] = N, [8] = N, [9] = N, [10] = N, [11] = N, [14] = N,
    [15] = N, [16] = N, [19] = N, [22] = N, [23] = N, [25] = N, [26] = N, [27] = N, [28] = N, [30] = N, [31] = N,
    [33] = N, [37] = N, [38] = N, [39] = N, [40] = N, [41] = N, [43] = N, [44] = N, [45] = N, [46] = N, [47] = N,
    [48] = N, [49] = N, [50] = N, [51] = N, [52] = N, [53] = N, [54] = N, [55] = N, [56] = N, [57] = N, [58] = N,
    [59] = N, [60] = N, [61] = N, [62] = N, [63] = N,
};
#undef N
const u8 hypercall_nr_args[NR_HYPERCALLS] = { HYPERCALLS(ROW_NR_ARGS) };

bool hypercall_preempt_check(void)
{
    return preempt_wanted(current_vcpu());
}
