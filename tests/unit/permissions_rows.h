/* SPDX-License-Identifier: MIT */
/*
 * Who may call what, written down once more: of each operation which callers may call it on themselves, on another
 * guest (of which M is the device model), and on dom0. Included once, by test_permissions.c.
 */
#ifndef PERMISSIONS_ROWS_H
#define PERMISSIONS_ROWS_H

/* Callers: dom0, a guest, the device model of the target, that of another, the xenstore domain, one with a console. */
#define D 1u
#define G 2u
#define M 4u
#define O 8u
#define X 16u
#define C 32u
#define ALL (D | G | M | O | X | C)

struct rights { u8 self, other, dom0; };
#define EVERYBODY   { ALL, ALL, ALL }
#define DOM0_ALONE  { D, D, D }
#define OWNER       { ALL, D | M, D }    /* of the target: itself, its device model, dom0 */
#define OWNER_DOM0  { ALL, D, D }
#define MODEL       { D, D | M, D }      /* not the target itself */
#define LOOKER      { D | X, D | X, D | X }
#define CONSOLE     { D | C, D | C, D | C }
#define DOM0_ITSELF { D, 0, D }          /* dom0 on itself */
#define DOM0_AT_END { ALL, D, ALL }      /* SILO: with oneself and with dom0 */

struct row {
    u32 call, op;
    struct rights may;
    /* Fill the argument for an operation on domid. */
    void (*fill)(void *arg, u16 domid);
    /* If the domain is not there: what dom0 and what the others get. 0: the operation names none. */
    s16 gone_dom0, gone_others;
    s16 denied;                  /* how it refuses: -EPERM where this is 0 */
};

#define NOTHING(call, op, may) { __HYPERVISOR_##call, op, may, NULL, 0, 0, 0 }

/* domctl, of which 0 to 86 are walked: all that is not here is dom0's -ENOSYS. */
#define DOMCTL(op, may) { __HYPERVISOR_domctl, XEN_DOMCTL_##op, may, fill_domctl, -ESRCH, -EPERM, 0 }
/* Takes a domain that need not be there. */
#define DOMCTL_ANY(op, may) { __HYPERVISOR_domctl, XEN_DOMCTL_##op, may, fill_domctl, 0, 0, 0 }
#define SYSCTL(op, may) { __HYPERVISOR_sysctl, XEN_SYSCTL_##op, may, fill_sysctl, 0, 0, 0 }
/* Says how many extents are done: none. */
#define EXTENTS(op, fill) { __HYPERVISOR_memory_op, XENMEM_##op, OWNER, fill, NONE_DONE, NONE_DONE, NONE_DONE }
#define MEMORY(op, may, fill) { __HYPERVISOR_memory_op, XENMEM_##op, may, fill, -ESRCH, -ESRCH, 0 }
#define EVENT(op, may, fill) { __HYPERVISOR_event_channel_op, EVTCHNOP_##op, may, fill, -ESRCH, -ESRCH, 0 }
#define GRANT(op, may, fill) \
    { __HYPERVISOR_grant_table_op, GNTTABOP_##op, may, fill, GNTST_bad_domain, GNTST_bad_domain, \
      GNTST_permission_denied }

static const struct row rows[] = {
    { __HYPERVISOR_platform_op, XENPF_settime64, DOM0_ALONE, fill_platform, 0, 0, 0 },
    { __HYPERVISOR_platform_op, XENPF_efi_runtime_call, DOM0_ALONE, fill_platform, 0, 0, 0 },
    NOTHING(multicall, 0, EVERYBODY),
    NOTHING(vm_assist, VMASST_CMD_enable, EVERYBODY),
    NOTHING(vm_assist, VMASST_CMD_disable, EVERYBODY),
    NOTHING(vcpu_op, VCPUOP_register_vcpu_info, EVERYBODY),
    NOTHING(vcpu_op, VCPUOP_register_runstate_memory_area, EVERYBODY),
    NOTHING(console_io, CONSOLEIO_write, CONSOLE),
    NOTHING(console_io, CONSOLEIO_read, CONSOLE),
    NOTHING(hypfs_op, XEN_HYPFS_OP_get_version, DOM0_ALONE),
    NOTHING(hypfs_op, XEN_HYPFS_OP_read, DOM0_ALONE),
    NOTHING(hypfs_op, XEN_HYPFS_OP_write_contents, DOM0_ALONE),

    NOTHING(xen_version, XENVER_version, EVERYBODY),
    NOTHING(xen_version, XENVER_extraversion, EVERYBODY),
    NOTHING(xen_version, XENVER_compile_info, EVERYBODY),
    NOTHING(xen_version, XENVER_capabilities, EVERYBODY),
    NOTHING(xen_version, XENVER_changeset, EVERYBODY),
    NOTHING(xen_version, XENVER_platform_parameters, EVERYBODY),
    NOTHING(xen_version, XENVER_get_features, EVERYBODY),
    NOTHING(xen_version, XENVER_pagesize, EVERYBODY),
    NOTHING(xen_version, XENVER_guest_handle, EVERYBODY),
    { __HYPERVISOR_xen_version, XENVER_commandline, DOM0_ALONE, NULL, 0, 0, SAYS_DENIED },
    NOTHING(xen_version, XENVER_build_id, DOM0_ALONE),

    NOTHING(sched_op, SCHEDOP_yield, EVERYBODY),
    NOTHING(sched_op, SCHEDOP_block, EVERYBODY),
    NOTHING(sched_op, SCHEDOP_shutdown, EVERYBODY),
    NOTHING(sched_op, SCHEDOP_poll, EVERYBODY),
    { __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, MODEL, fill_remote_shutdown, -ESRCH, -EPERM, 0 },
    NOTHING(sched_op, SCHEDOP_shutdown_code, EVERYBODY),
    NOTHING(sched_op, SCHEDOP_watchdog, EVERYBODY),
    NOTHING(sched_op, SCHEDOP_pin_override, DOM0_ALONE),

    { __HYPERVISOR_hvm_op, HVMOP_set_param, DOM0_ALONE, fill_param, -ESRCH, -EPERM, 0 },
    { __HYPERVISOR_hvm_op, HVMOP_get_param, OWNER_DOM0, fill_param, -ESRCH, -EPERM, 0 },
    { __HYPERVISOR_hvm_op, HVMOP_get_param, DOM0_ALONE, fill_monitor_param, -ESRCH, -EPERM, 0 },
    NOTHING(hvm_op, HVMOP_guest_request_vm_event, EVERYBODY),

    EVENT(bind_interdomain, DOM0_AT_END, fill_bind_interdomain),
    NOTHING(event_channel_op, EVTCHNOP_bind_virq, EVERYBODY),
    NOTHING(event_channel_op, EVTCHNOP_bind_pirq, EVERYBODY),
    NOTHING(event_channel_op, EVTCHNOP_close, EVERYBODY),
    NOTHING(event_channel_op, EVTCHNOP_send, EVERYBODY),
    EVENT(status, OWNER, fill_status),
    EVENT(alloc_unbound, OWNER, fill_alloc_unbound),
    EVENT(alloc_unbound, DOM0_AT_END, fill_alloc_for),
    NOTHING(event_channel_op, EVTCHNOP_bind_ipi, EVERYBODY),
    NOTHING(event_channel_op, EVTCHNOP_bind_vcpu, EVERYBODY),
    NOTHING(event_channel_op, EVTCHNOP_unmask, EVERYBODY),
    EVENT(reset, OWNER, fill_reset),
    NOTHING(event_channel_op, EVTCHNOP_init_control, EVERYBODY),
    NOTHING(event_channel_op, EVTCHNOP_expand_array, EVERYBODY),
    NOTHING(event_channel_op, EVTCHNOP_set_priority, EVERYBODY),

    GRANT(map_grant_ref, DOM0_AT_END, fill_map),
    NOTHING(grant_table_op, GNTTABOP_unmap_grant_ref, EVERYBODY),
    GRANT(setup_table, OWNER, fill_setup),
    GRANT(copy, DOM0_AT_END, fill_copy_from),
    GRANT(copy, DOM0_AT_END, fill_copy_to),
    GRANT(query_size, OWNER, fill_query_size),
    NOTHING(grant_table_op, GNTTABOP_unmap_and_replace, EVERYBODY),
    NOTHING(grant_table_op, GNTTABOP_set_version, EVERYBODY),
    GRANT(get_status_frames, OWNER, fill_status_frames),
    { __HYPERVISOR_grant_table_op, GNTTABOP_get_version, OWNER, fill_get_version, -ESRCH, -ESRCH, 0 },
    NOTHING(grant_table_op, GNTTABOP_swap_grant_ref, EVERYBODY),
    NOTHING(grant_table_op, GNTTABOP_cache_flush, EVERYBODY),

    EXTENTS(increase_reservation, fill_reservation),
    EXTENTS(decrease_reservation, fill_reservation),
    EXTENTS(populate_physmap, fill_populate),
    NOTHING(memory_op, XENMEM_maximum_ram_page, EVERYBODY),
    MEMORY(current_reservation, OWNER, fill_domid),
    MEMORY(maximum_reservation, OWNER, fill_domid),
    MEMORY(maximum_gpfn, OWNER, fill_domid),
    MEMORY(add_to_physmap, OWNER, fill_add),
    MEMORY(remove_from_physmap, OWNER, fill_domid),
    NOTHING(memory_op, XENMEM_get_sharing_freed_pages, EVERYBODY),
    NOTHING(memory_op, XENMEM_get_sharing_shared_pages, EVERYBODY),
    MEMORY(add_to_physmap_batch, OWNER, fill_batch),
    /* Pages of another domain into one's own: of one's own is -EINVAL, entry by entry. */
    { __HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch, OWNER, fill_batch_foreign, 0, 0, 0 },
    /* The hypervisor's own pages: dom0, into itself alone. */
    MEMORY(add_to_physmap_batch, DOM0_ITSELF, fill_batch_xen),
    { __HYPERVISOR_memory_op, XENMEM_claim_pages, DOM0_ALONE, fill_claim, -ESRCH, -EPERM, 0 },
    MEMORY(get_vnumainfo, OWNER, fill_vnuma),
    MEMORY(acquire_resource, DOM0_ALONE, fill_domid),

    SYSCTL(readconsole, DOM0_ALONE),
    SYSCTL(physinfo, DOM0_ALONE),
    SYSCTL(sched_id, DOM0_ALONE),
    SYSCTL(getdomaininfolist, LOOKER),
    SYSCTL(debug_keys, DOM0_ALONE),
    SYSCTL(getcpuinfo, DOM0_ALONE),
    SYSCTL(availheap, DOM0_ALONE),
    SYSCTL(cputopoinfo, DOM0_ALONE),
    SYSCTL(numainfo, DOM0_ALONE),
    SYSCTL(cpupool_op, DOM0_ALONE),
    SYSCTL(scheduler_op, DOM0_ALONE),
    SYSCTL(coverage_op, DOM0_ALONE),

    DOMCTL_ANY(createdomain, DOM0_ALONE),
    DOMCTL(destroydomain, DOM0_ALONE),
    DOMCTL(pausedomain, DOM0_ALONE),
    DOMCTL(unpausedomain, DOM0_ALONE),
    DOMCTL_ANY(getdomaininfo, LOOKER),
    DOMCTL(setvcpuaffinity, DOM0_ALONE),
    DOMCTL(max_mem, DOM0_ALONE),
    DOMCTL(setvcpucontext, DOM0_ALONE),
    DOMCTL(getvcpucontext, DOM0_ALONE),
    DOMCTL(getvcpuinfo, DOM0_ALONE),
    DOMCTL(max_vcpus, DOM0_ALONE),
    DOMCTL(scheduler_op, DOM0_ALONE),
    DOMCTL(setdomainhandle, DOM0_ALONE),
    DOMCTL(setdebugging, DOM0_ALONE),
    DOMCTL(irq_permission, DOM0_ALONE),
    DOMCTL(iomem_permission, DOM0_ALONE),
    DOMCTL(settimeoffset, DOM0_ALONE),
    DOMCTL(getvcpuaffinity, DOM0_ALONE),
    DOMCTL(resumedomain, DOM0_ALONE),
    DOMCTL(subscribe, DOM0_ALONE),
    DOMCTL(set_address_size, DOM0_ALONE),
    DOMCTL(assign_device, DOM0_ALONE),
    DOMCTL(bind_pt_irq, MODEL),
    DOMCTL(memory_mapping, MODEL),
    DOMCTL_ANY(test_assign_device, DOM0_ALONE),
    DOMCTL(set_target, DOM0_ALONE),
    DOMCTL(deassign_device, DOM0_ALONE),
    DOMCTL(unbind_pt_irq, MODEL),
    DOMCTL(set_virq_handler, DOM0_ALONE),
    DOMCTL(setnodeaffinity, DOM0_ALONE),
    DOMCTL(getnodeaffinity, DOM0_ALONE),
    DOMCTL(cacheflush, DOM0_ALONE),
    DOMCTL(soft_reset, DOM0_ALONE),
    DOMCTL(vuart_op, DOM0_ALONE),
    DOMCTL(get_paging_mempool_size, DOM0_ALONE),
    DOMCTL(set_paging_mempool_size, DOM0_ALONE),
};

#endif
