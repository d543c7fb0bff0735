/* SPDX-License-Identifier: MIT */
/*
 * The hypercalls by number (public xen.h, __HYPERVISOR_*). All others have a row too, the deprecated 6, 16 and 19 among
 * them, so that nobody who calls by number has to look.
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

#define N hypercall_none
hypercall_fn *const hypercall_table[NR_HYPERCALLS] = {
    [__HYPERVISOR_platform_op] = do_platform_op,
    [__HYPERVISOR_memory_op] = do_memory_op,
    [__HYPERVISOR_multicall] = do_multicall,
    [__HYPERVISOR_xen_version] = do_xen_version,
    [__HYPERVISOR_console_io] = do_console_io,
    [__HYPERVISOR_grant_table_op] = do_grant_table_op,
    [__HYPERVISOR_vm_assist] = do_vm_assist,
    [__HYPERVISOR_vcpu_op] = do_vcpu_op,
    [__HYPERVISOR_sched_op] = do_sched_op,
    [__HYPERVISOR_event_channel_op] = do_event_channel_op,
    [__HYPERVISOR_hvm_op] = do_hvm_op,
    [__HYPERVISOR_sysctl] = do_sysctl,
    [__HYPERVISOR_domctl] = do_domctl,
    [__HYPERVISOR_hypfs_op] = do_hypfs_op,
    [0] = N, [1] = N, [2] = N, [3] = N, [4] = N, [5] = N, [6] = N, [8] = N, [9] = N, [10] = N, [11] = N, [14] = N,
    [15] = N, [16] = N, [19] = N, [22] = N, [23] = N, [25] = N, [26] = N, [27] = N, [28] = N, [30] = N, [31] = N,
    [33] = N, [37] = N, [38] = N, [39] = N, [40] = N, [41] = N, [43] = N, [44] = N, [45] = N, [46] = N, [47] = N,
    [48] = N, [49] = N, [50] = N, [51] = N, [52] = N, [53] = N, [54] = N, [55] = N, [56] = N, [57] = N, [58] = N,
    [59] = N, [60] = N, [61] = N, [62] = N, [63] = N,
};
#undef N

const u8 hypercall_nr_args[NR_HYPERCALLS] = {
    [__HYPERVISOR_platform_op] = 1,
    [__HYPERVISOR_memory_op] = 2,
    [__HYPERVISOR_multicall] = 2,
    [__HYPERVISOR_xen_version] = 2,
    [__HYPERVISOR_console_io] = 3,
    [__HYPERVISOR_grant_table_op] = 3,
    [__HYPERVISOR_vm_assist] = 2,
    [__HYPERVISOR_vcpu_op] = 3,
    [__HYPERVISOR_sched_op] = 2,
    [__HYPERVISOR_event_channel_op] = 2,
    [__HYPERVISOR_hvm_op] = 2,
    [__HYPERVISOR_sysctl] = 1,
    [__HYPERVISOR_domctl] = 1,
    [__HYPERVISOR_hypfs_op] = 5,
};

bool hypercall_preempt_check(void)
{
    return preempt_wanted(current_vcpu());
}
