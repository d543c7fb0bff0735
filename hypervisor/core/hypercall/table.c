/* SPDX-License-Identifier: MIT */
/*
 * The hypercalls by number (public xen.h, __HYPERVISOR_*). Those left out answer -ENOSYS, as do the deprecated 6, 16
 * and 19.
 */
#include <argon/hypercall.h>

#include <argon/domain.h>
#include <argon/percpu.h>
#include "preempt.h"

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
};

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
