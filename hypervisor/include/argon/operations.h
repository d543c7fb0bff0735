/* SPDX-License-Identifier: MIT */
/*
 * Every operation of the ABI: row(number, handler, who may call it, ...). The right is asked with the domain that the
 * operation names, once that is known. Each list makes the const arrays of its file (ROW_HANDLER, ROW_RIGHT); the
 * names in it are that file's. What is in no row answers -ENOSYS; docs/abi.md lists what is not implemented.
 * vcpu_op, vm_assist and console_io act on their caller, multicall asks for each entry, hypfs_op is dom0's as a whole,
 * and so is platform_op.
 */
#ifndef ARGON_OPERATIONS_H
#define ARGON_OPERATIONS_H

#include <argon/permission.h>

/*
 * A list's columns as const arrays. Where an array of rights is indexed by a constant the compiler reads nothing.
 */
#define ROW_HANDLER(nr, fn, right, ...) [nr] = (fn),
#define ROW_RIGHT(nr, fn, right, ...)   [nr] = (right),

/*
 * By number (public xen.h, __HYPERVISOR_*): the handler, who may call it, and how many arguments it takes. With
 * ANYBODY each operation has its own row below; domctl and sysctl have such rows too, and theirs here is for operations
 * without one. Those left out answer -ENOSYS, as do the deprecated 6, 16 and 19.
 */
#define HYPERCALLS(row) \
    row(__HYPERVISOR_platform_op, do_platform_op, RIGHT_CONTROL, 1) \
    row(__HYPERVISOR_memory_op, do_memory_op, RIGHT_ANYBODY, 2) \
    row(__HYPERVISOR_multicall, do_multicall, RIGHT_ANYBODY, 2) \
    row(__HYPERVISOR_xen_version, do_xen_version, RIGHT_ANYBODY, 2) \
    row(__HYPERVISOR_console_io, do_console_io, RIGHT_CONSOLE, 3) \
    row(__HYPERVISOR_grant_table_op, do_grant_table_op, RIGHT_ANYBODY, 3) \
    row(__HYPERVISOR_vm_assist, do_vm_assist, RIGHT_ANYBODY, 2) \
    row(__HYPERVISOR_vcpu_op, do_vcpu_op, RIGHT_ANYBODY, 3) \
    row(__HYPERVISOR_sched_op, do_sched_op, RIGHT_ANYBODY, 2) \
    row(__HYPERVISOR_event_channel_op, do_event_channel_op, RIGHT_ANYBODY, 2) \
    row(__HYPERVISOR_hvm_op, do_hvm_op, RIGHT_ANYBODY, 2) \
    row(__HYPERVISOR_sysctl, do_sysctl, RIGHT_CONTROL, 1) \
    row(__HYPERVISOR_domctl, do_domctl, RIGHT_CONTROL, 1) \
    row(__HYPERVISOR_hypfs_op, do_hypfs_op, RIGHT_CONTROL, 5)

/* platform_op: the argument's member of the union, and whether it goes back to the caller. */
#define PLATFORM_OPS(row) \
    row(XENPF_settime64, settime64, RIGHT_CONTROL, settime64, false) \
    row(XENPF_efi_runtime_call, platform_efi_call, RIGHT_CONTROL, efi_runtime_call, true)

/* xen_version. The command line: who is told. */
#define VERSION_OPS(row) \
    row(XENVER_version, ver_version, RIGHT_ANYBODY) \
    row(XENVER_extraversion, ver_extraversion, RIGHT_ANYBODY) \
    row(XENVER_compile_info, ver_compile_info, RIGHT_ANYBODY) \
    row(XENVER_capabilities, ver_capabilities, RIGHT_ANYBODY) \
    row(XENVER_changeset, ver_changeset, RIGHT_ANYBODY) \
    row(XENVER_platform_parameters, ver_platform_parameters, RIGHT_ANYBODY) \
    row(XENVER_get_features, ver_get_features, RIGHT_ANYBODY) \
    row(XENVER_pagesize, ver_pagesize, RIGHT_ANYBODY) \
    row(XENVER_guest_handle, ver_guest_handle, RIGHT_ANYBODY) \
    row(XENVER_commandline, ver_commandline, RIGHT_CONTROL) \
    row(XENVER_build_id, ver_build_id, RIGHT_CONTROL)

/* sched_op */
#define SCHED_OPS(row) \
    row(SCHEDOP_yield, op_yield, RIGHT_ANYBODY) \
    row(SCHEDOP_block, op_block, RIGHT_ANYBODY) \
    row(SCHEDOP_shutdown, op_shutdown, RIGHT_ANYBODY) \
    row(SCHEDOP_poll, op_poll, RIGHT_ANYBODY) \
    row(SCHEDOP_remote_shutdown, op_remote_shutdown, RIGHT_MODEL) \
    row(SCHEDOP_shutdown_code, op_shutdown_code, RIGHT_ANYBODY) \
    row(SCHEDOP_watchdog, op_watchdog, RIGHT_ANYBODY) \
    row(SCHEDOP_pin_override, op_pin_override, RIGHT_CONTROL)

/* memory_op, and whether it takes the progress in the command word. */
#define MEMORY_OPS(row) \
    row(XENMEM_increase_reservation, memop_increase_reservation, RIGHT_TARGET, true) \
    row(XENMEM_decrease_reservation, memop_decrease_reservation, RIGHT_TARGET, true) \
    row(XENMEM_maximum_ram_page, memop_maximum_ram_page, RIGHT_ANYBODY, false) \
    row(XENMEM_current_reservation, memop_current_reservation, RIGHT_TARGET, false) \
    row(XENMEM_maximum_reservation, memop_maximum_reservation, RIGHT_TARGET, false) \
    row(XENMEM_populate_physmap, memop_populate_physmap, RIGHT_TARGET, true) \
    row(XENMEM_add_to_physmap, memop_add_to_physmap, RIGHT_TARGET, false) \
    row(XENMEM_maximum_gpfn, memop_maximum_gpfn, RIGHT_TARGET, false) \
    row(XENMEM_remove_from_physmap, memop_remove_from_physmap, RIGHT_TARGET, false) \
    row(XENMEM_get_sharing_freed_pages, memop_sharing_pages, RIGHT_ANYBODY, false) \
    row(XENMEM_get_sharing_shared_pages, memop_sharing_pages, RIGHT_ANYBODY, false) \
    row(XENMEM_add_to_physmap_batch, memop_add_to_physmap_batch, RIGHT_TARGET, true) \
    row(XENMEM_claim_pages, memop_claim_pages, RIGHT_CONTROL, false) \
    row(XENMEM_get_vnumainfo, memop_get_vnumainfo, RIGHT_TARGET, false) \
    row(XENMEM_acquire_resource, memop_acquire_resource, RIGHT_CONTROL, true)

/* event_channel_op, and what both ends of the channel must be to each other. */
#define EVENT_OPS(row) \
    row(EVTCHNOP_bind_interdomain, op_bind_interdomain, RIGHT_ANYBODY, RIGHT_PAIR) \
    row(EVTCHNOP_bind_virq, op_bind_virq, RIGHT_ANYBODY, RIGHT_ANYBODY) \
    row(EVTCHNOP_bind_pirq, op_bind_pirq, RIGHT_ANYBODY, RIGHT_ANYBODY) \
    row(EVTCHNOP_close, op_close, RIGHT_ANYBODY, RIGHT_ANYBODY) \
    row(EVTCHNOP_send, op_send, RIGHT_ANYBODY, RIGHT_ANYBODY) \
    row(EVTCHNOP_status, op_status, RIGHT_TARGET, RIGHT_ANYBODY) \
    row(EVTCHNOP_alloc_unbound, op_alloc_unbound, RIGHT_TARGET, RIGHT_PAIR) \
    row(EVTCHNOP_bind_ipi, op_bind_ipi, RIGHT_ANYBODY, RIGHT_ANYBODY) \
    row(EVTCHNOP_bind_vcpu, op_bind_vcpu, RIGHT_ANYBODY, RIGHT_ANYBODY) \
    row(EVTCHNOP_unmask, op_unmask, RIGHT_ANYBODY, RIGHT_ANYBODY) \
    row(EVTCHNOP_reset, op_reset, RIGHT_TARGET, RIGHT_ANYBODY) \
    row(EVTCHNOP_init_control, op_init_control, RIGHT_ANYBODY, RIGHT_ANYBODY) \
    row(EVTCHNOP_expand_array, op_expand_array, RIGHT_ANYBODY, RIGHT_ANYBODY) \
    row(EVTCHNOP_set_priority, op_set_priority, RIGHT_ANYBODY, RIGHT_ANYBODY)

/*
 * grant_table_op, and what is copied (grant_table.c). GNTTABOP_dump_table was never on ARM, and transfer is for PV
 * guests only: -ENOSYS.
 */
#define GRANT_OPS(row) \
    row(GNTTABOP_map_grant_ref, op_map, RIGHT_PAIR, OUT_FROM(gnttab_map_grant_ref, dom), .undo = undo_map) \
    row(GNTTABOP_unmap_grant_ref, op_unmap, RIGHT_ANYBODY, OUT(gnttab_unmap_grant_ref, status)) \
    row(GNTTABOP_setup_table, op_setup_table, RIGHT_TARGET, OUT(gnttab_setup_table, status), .single = true) \
    row(GNTTABOP_copy, op_copy, RIGHT_PAIR, OUT(gnttab_copy, status)) \
    row(GNTTABOP_query_size, op_query_size, RIGHT_TARGET, \
        OUT_FROM(gnttab_query_size, nr_frames), .single = true) \
    row(GNTTABOP_unmap_and_replace, op_unmap_and_replace, RIGHT_ANYBODY, OUT(gnttab_unmap_and_replace, status)) \
    row(GNTTABOP_set_version, op_set_version, RIGHT_ANYBODY, OUT(gnttab_set_version, version), .single = true) \
    row(GNTTABOP_get_status_frames, op_get_status_frames, RIGHT_TARGET, \
        OUT(gnttab_get_status_frames, status), .single = true) \
    row(GNTTABOP_get_version, op_get_version, RIGHT_TARGET, OUT(gnttab_get_version, version), .single = true) \
    row(GNTTABOP_swap_grant_ref, op_swap, RIGHT_ANYBODY, OUT(gnttab_swap_grant_ref, status)) \
    row(GNTTABOP_cache_flush, op_cache_flush, RIGHT_ANYBODY, .size = sizeof(struct gnttab_cache_flush))

/* hvm_op; who may read which parameter is in hvm_op.c. */
#define HVM_OPS(row) \
    row(HVMOP_set_param, op_set_param, RIGHT_CONTROL) \
    row(HVMOP_get_param, op_get_param, RIGHT_SELF) \
    row(HVMOP_guest_request_vm_event, op_guest_request_vm_event, RIGHT_ANYBODY)

/* domctl, and its flags (domctl.c). */
#define DOMCTL_OPS(row) \
    row(XEN_DOMCTL_createdomain, domctl_createdomain, RIGHT_CONTROL, DOMCTL_COPYBACK | DOMCTL_NO_DOMAIN) \
    row(XEN_DOMCTL_destroydomain, domctl_destroydomain, RIGHT_CONTROL, 0) \
    row(XEN_DOMCTL_pausedomain, domctl_pausedomain, RIGHT_CONTROL, 0) \
    row(XEN_DOMCTL_unpausedomain, domctl_unpausedomain, RIGHT_CONTROL, 0) \
    row(XEN_DOMCTL_getdomaininfo, domctl_getdomaininfo, RIGHT_LOOK, DOMCTL_COPYBACK | DOMCTL_NO_DOMAIN) \
    row(XEN_DOMCTL_setvcpuaffinity, domctl_setvcpuaffinity, RIGHT_CONTROL, DOMCTL_ALIVE) \
    row(XEN_DOMCTL_max_mem, domctl_max_mem, RIGHT_CONTROL, DOMCTL_ALIVE) \
    row(XEN_DOMCTL_setvcpucontext, domctl_setvcpucontext, RIGHT_CONTROL, DOMCTL_ALIVE) \
    row(XEN_DOMCTL_getvcpucontext, domctl_getvcpucontext, RIGHT_CONTROL, DOMCTL_ALIVE) \
    row(XEN_DOMCTL_getvcpuinfo, domctl_getvcpuinfo, RIGHT_CONTROL, DOMCTL_COPYBACK | DOMCTL_NO_LOCK) \
    row(XEN_DOMCTL_max_vcpus, domctl_max_vcpus, RIGHT_CONTROL, DOMCTL_ALIVE) \
    row(XEN_DOMCTL_scheduler_op, domctl_scheduler_op, RIGHT_CONTROL, DOMCTL_COPYBACK | DOMCTL_ALIVE) \
    row(XEN_DOMCTL_setdomainhandle, domctl_setdomainhandle, RIGHT_CONTROL, 0) \
    row(XEN_DOMCTL_setdebugging, domctl_setdebugging, RIGHT_CONTROL, 0) \
    row(XEN_DOMCTL_irq_permission, domctl_irq_permission, RIGHT_CONTROL, DOMCTL_ALIVE) \
    row(XEN_DOMCTL_iomem_permission, domctl_iomem_permission, RIGHT_CONTROL, DOMCTL_ALIVE) \
    row(XEN_DOMCTL_settimeoffset, domctl_settimeoffset, RIGHT_CONTROL, DOMCTL_ALIVE) \
    row(XEN_DOMCTL_getvcpuaffinity, domctl_getvcpuaffinity, RIGHT_CONTROL, DOMCTL_NO_LOCK) \
    row(XEN_DOMCTL_resumedomain, domctl_resumedomain, RIGHT_CONTROL, DOMCTL_ALIVE) \
    row(XEN_DOMCTL_subscribe, domctl_subscribe, RIGHT_CONTROL, DOMCTL_ALIVE) \
    row(XEN_DOMCTL_set_address_size, domctl_set_address_size, RIGHT_CONTROL, DOMCTL_ALIVE) \
    row(XEN_DOMCTL_assign_device, domctl_no_device, RIGHT_CONTROL, 0) \
    row(XEN_DOMCTL_bind_pt_irq, domctl_bind_pt_irq, RIGHT_MODEL, DOMCTL_ALIVE) \
    row(XEN_DOMCTL_memory_mapping, domctl_memory_mapping, RIGHT_MODEL, DOMCTL_ALIVE) \
    row(XEN_DOMCTL_test_assign_device, domctl_no_device, RIGHT_CONTROL, DOMCTL_NO_DOMAIN) \
    row(XEN_DOMCTL_set_target, domctl_set_target, RIGHT_CONTROL, DOMCTL_ALIVE) \
    row(XEN_DOMCTL_deassign_device, domctl_no_device, RIGHT_CONTROL, 0) \
    row(XEN_DOMCTL_unbind_pt_irq, domctl_unbind_pt_irq, RIGHT_MODEL, 0) \
    row(XEN_DOMCTL_set_virq_handler, domctl_set_virq_handler, RIGHT_CONTROL, DOMCTL_ALIVE) \
    row(XEN_DOMCTL_setnodeaffinity, domctl_setnodeaffinity, RIGHT_CONTROL, DOMCTL_ALIVE) \
    row(XEN_DOMCTL_getnodeaffinity, domctl_getnodeaffinity, RIGHT_CONTROL, DOMCTL_NO_LOCK) \
    row(XEN_DOMCTL_cacheflush, domctl_cacheflush, RIGHT_CONTROL, DOMCTL_PROGRESS | DOMCTL_ALIVE) \
    row(XEN_DOMCTL_soft_reset, domctl_soft_reset, RIGHT_CONTROL, 0) \
    row(XEN_DOMCTL_vuart_op, domctl_vuart_op, RIGHT_CONTROL, 0) \
    row(XEN_DOMCTL_get_paging_mempool_size, domctl_get_paging_mempool, RIGHT_CONTROL, DOMCTL_COPYBACK | DOMCTL_NO_LOCK) \
    row(XEN_DOMCTL_set_paging_mempool_size, domctl_set_paging_mempool, RIGHT_CONTROL, DOMCTL_ALIVE)

/* sysctl */
#define SYSCTL_OPS(row) \
    row(XEN_SYSCTL_readconsole, sysctl_readconsole, RIGHT_CONTROL) \
    row(XEN_SYSCTL_physinfo, sysctl_physinfo, RIGHT_CONTROL) \
    row(XEN_SYSCTL_sched_id, sysctl_sched_id, RIGHT_CONTROL) \
    row(XEN_SYSCTL_getdomaininfolist, sysctl_getdomaininfolist, RIGHT_LOOK) \
    row(XEN_SYSCTL_debug_keys, sysctl_debug_keys, RIGHT_CONTROL) \
    row(XEN_SYSCTL_getcpuinfo, sysctl_getcpuinfo, RIGHT_CONTROL) \
    row(XEN_SYSCTL_availheap, sysctl_availheap, RIGHT_CONTROL) \
    row(XEN_SYSCTL_cputopoinfo, sysctl_cputopoinfo, RIGHT_CONTROL) \
    row(XEN_SYSCTL_numainfo, sysctl_numainfo, RIGHT_CONTROL) \
    row(XEN_SYSCTL_cpupool_op, sysctl_cpupool_op, RIGHT_CONTROL) \
    row(XEN_SYSCTL_scheduler_op, sysctl_scheduler_op, RIGHT_CONTROL) \
    row(XEN_SYSCTL_coverage_op, sysctl_coverage, RIGHT_CONTROL)

#endif
