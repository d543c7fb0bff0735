/* SPDX-License-Identifier: MIT */
/*
 * The layout of the public structures that Argon shares with guests: of 4.17, and the same for 64-bit and 32-bit ARM
 * (fixed-size fields, 8-byte handles). There is no code here: headers that differ do not compile.
 */
#include <argon/compiler.h>
#include <argon/xen.h>

/* The size, and where members are; behind the first. */
#define LAYOUT(type, bytes, ...) do {                                                     \
    typedef struct type s;                                                                \
    static_assert(sizeof(s) == (bytes), "size of struct " #type);                         \
    __VA_ARGS__                                                                           \
} while (0)
#define AT(member, offset) static_assert(offsetof(s, member) == (offset), "offset of " #member);

/* What both see while the guest runs, and how it is registered. */
unused static void shared_layouts(void)
{
    LAYOUT(shared_info, 1088, AT(evtchn_pending, 48) AT(evtchn_mask, 560) AT(wc_version, 1072) AT(wc_sec, 1076)
           AT(wc_nsec, 1080) AT(wc_sec_hi, 1084) AT(arch, 1088));
    LAYOUT(vcpu_info, 48, AT(evtchn_pending_sel, 8) AT(arch, 16) AT(time, 16));
    LAYOUT(vcpu_time_info, 32, AT(tsc_timestamp, 8) AT(system_time, 16) AT(tsc_to_system_mul, 24) AT(tsc_shift, 28)
           AT(flags, 29));
    LAYOUT(vcpu_runstate_info, 48, AT(state_entry_time, 8) AT(time, 16));
    LAYOUT(vcpu_register_vcpu_info, 16, AT(offset, 8));
    LAYOUT(vcpu_register_runstate_memory_area, 8);
    LAYOUT(multicall_entry, 64, AT(result, 8) AT(args, 16));
}

/* event_channel_op */
unused static void event_layouts(void)
{
    LAYOUT(evtchn_alloc_unbound, 8, AT(remote_dom, 2) AT(port, 4));
    LAYOUT(evtchn_bind_interdomain, 12, AT(remote_port, 4) AT(local_port, 8));
    LAYOUT(evtchn_bind_virq, 12, AT(vcpu, 4) AT(port, 8));
    LAYOUT(evtchn_bind_pirq, 12, AT(flags, 4) AT(port, 8));
    LAYOUT(evtchn_bind_ipi, 8, AT(port, 4));
    LAYOUT(evtchn_close, 4);
    LAYOUT(evtchn_send, 4);
    LAYOUT(evtchn_unmask, 4);
    LAYOUT(evtchn_status, 24, AT(port, 4) AT(status, 8) AT(vcpu, 12) AT(u.unbound.dom, 16)
           AT(u.interdomain.dom, 16) AT(u.interdomain.port, 20) AT(u.virq, 16));
    LAYOUT(evtchn_bind_vcpu, 8, AT(vcpu, 4));
    LAYOUT(evtchn_reset, 2);
    LAYOUT(evtchn_init_control, 24, AT(offset, 8) AT(vcpu, 12) AT(link_bits, 16));
    LAYOUT(evtchn_expand_array, 8);
    LAYOUT(evtchn_set_priority, 8, AT(priority, 4));
    LAYOUT(evtchn_fifo_control_block, 72, AT(head, 8));
}

/* The grant table, and grant_table_op. */
unused static void grant_layouts(void)
{
    LAYOUT(grant_entry_v1, 8, AT(domid, 2) AT(frame, 4));
    LAYOUT(gnttab_map_grant_ref, 32, AT(flags, 8) AT(ref, 12) AT(dom, 16) AT(status, 18) AT(handle, 20)
           AT(dev_bus_addr, 24));
    LAYOUT(gnttab_unmap_grant_ref, 24, AT(dev_bus_addr, 8) AT(handle, 16) AT(status, 20));
    LAYOUT(gnttab_setup_table, 24, AT(nr_frames, 4) AT(status, 8) AT(frame_list, 16));
    LAYOUT(gnttab_copy, 40, AT(source.domid, 8) AT(source.offset, 10) AT(dest.u, 16) AT(dest.domid, 24)
           AT(dest.offset, 26) AT(len, 32) AT(flags, 34) AT(status, 36));
    LAYOUT(gnttab_query_size, 16, AT(nr_frames, 4) AT(max_nr_frames, 8) AT(status, 12));
    LAYOUT(gnttab_unmap_and_replace, 24, AT(new_addr, 8) AT(handle, 16) AT(status, 20));
    LAYOUT(gnttab_set_version, 4);
    LAYOUT(gnttab_get_status_frames, 16, AT(dom, 4) AT(status, 6) AT(frame_list, 8));
    LAYOUT(gnttab_get_version, 8, AT(version, 4));
    LAYOUT(gnttab_swap_grant_ref, 12, AT(ref_b, 4) AT(status, 8));
    LAYOUT(gnttab_cache_flush, 16, AT(offset, 8) AT(length, 10) AT(op, 12));
}

/* memory_op */
unused static void memory_layouts(void)
{
    LAYOUT(xen_memory_reservation, 32, AT(nr_extents, 8) AT(extent_order, 16) AT(mem_flags, 20) AT(domid, 24));
    LAYOUT(xen_add_to_physmap, 24, AT(size, 2) AT(space, 4) AT(idx, 8) AT(gpfn, 16));
    LAYOUT(xen_add_to_physmap_batch, 32, AT(space, 2) AT(size, 4) AT(u, 6) AT(idxs, 8) AT(gpfns, 16) AT(errs, 24));
    LAYOUT(xen_remove_from_physmap, 16, AT(gpfn, 8));
    LAYOUT(xen_mem_acquire_resource, 32, AT(type, 2) AT(id, 4) AT(nr_frames, 8) AT(pad, 12) AT(frame, 16)
           AT(frame_list, 24));
    LAYOUT(xen_memory_domain, 2);
    LAYOUT(xen_vnuma_topology_info, 40, AT(nr_vnodes, 4) AT(nr_vcpus, 8) AT(nr_vmemranges, 12) AT(vdistance, 16)
           AT(vcpu_to_vnode, 24) AT(vmemrange, 32));
}

/* hvm_op, sched_op, platform_op, xen_version, hypfs_op */
unused static void other_layouts(void)
{
    LAYOUT(xen_hvm_param, 16, AT(index, 4) AT(value, 8));
    LAYOUT(sched_shutdown, 4);
    LAYOUT(sched_poll, 24, AT(nr_ports, 8) AT(timeout, 16));
    LAYOUT(sched_remote_shutdown, 8, AT(reason, 4));
    LAYOUT(sched_watchdog, 8, AT(timeout, 4));
    LAYOUT(sched_pin_override, 4);
    LAYOUT(xen_platform_op, 136, AT(interface_version, 4) AT(u, 8));
    LAYOUT(xenpf_settime64, 24, AT(nsecs, 8) AT(mbz, 12) AT(system_time, 16));
    LAYOUT(xenpf_efi_runtime_call, 56, AT(misc, 4) AT(status, 8) AT(u, 16));
    LAYOUT(xen_compile_info, 144, AT(compile_by, 64) AT(compile_domain, 80) AT(compile_date, 112));
    LAYOUT(xen_platform_parameters, 8);
    LAYOUT(xen_feature_info, 8, AT(submap, 4));
    LAYOUT(xen_build_id, 4, AT(buf, 4));
    LAYOUT(xen_hypfs_direntry, 12, AT(encoding, 1) AT(content_len, 4) AT(max_write_len, 8));
    LAYOUT(xen_hypfs_dirlistentry, 16, AT(off_next, 12) AT(name, 14));
}

/* domctl */
unused static void domctl_layouts(void)
{
    LAYOUT(xen_domctl, 144, AT(interface_version, 4) AT(domain, 8) AT(u, 16));
    LAYOUT(xen_domctl_createdomain, 68, AT(handle, 4) AT(flags, 20) AT(iommu_opts, 24) AT(max_vcpus, 28)
           AT(max_evtchn_port, 32) AT(max_grant_frames, 36) AT(max_maptrack_frames, 40) AT(grant_opts, 44)
           AT(vmtrace_size, 48) AT(cpupool_id, 52) AT(arch, 56));
    LAYOUT(xen_arch_domainconfig, 12, AT(tee_type, 2) AT(nr_spis, 4) AT(clock_frequency, 8));
    LAYOUT(xen_domctl_getdomaininfo, 120, AT(flags, 4) AT(tot_pages, 8) AT(max_pages, 16) AT(outstanding_pages, 24)
           AT(shr_pages, 32) AT(paged_pages, 40) AT(shared_info_frame, 48) AT(cpu_time, 56) AT(nr_online_vcpus, 64)
           AT(max_vcpu_id, 68) AT(ssidref, 72) AT(handle, 76) AT(cpupool, 92) AT(gpaddr_bits, 96)
           AT(arch_config, 104));
    LAYOUT(xen_domctl_vcpucontext, 16, AT(ctxt, 8));
    LAYOUT(vcpu_guest_context, 352, AT(user_regs, 8) AT(sctlr, 320) AT(ttbcr, 328) AT(ttbr0, 336) AT(ttbr1, 344));
    LAYOUT(vcpu_guest_core_regs, 312, AT(x30, 240) AT(pc64, 248) AT(cpsr, 256) AT(spsr_el1, 264) AT(spsr_fiq, 272)
           AT(spsr_irq, 276) AT(spsr_und, 280) AT(spsr_abt, 284) AT(sp_el0, 288) AT(sp_el1, 296) AT(elr_el1, 304));
    LAYOUT(xen_domctl_getvcpuinfo, 24, AT(online, 4) AT(blocked, 5) AT(running, 6) AT(cpu_time, 8) AT(cpu, 16));
    LAYOUT(xen_domctl_vcpuaffinity, 40, AT(flags, 4) AT(cpumap_hard, 8) AT(cpumap_soft, 24));
    LAYOUT(xen_domctl_nodeaffinity, 16);
    LAYOUT(xen_domctl_scheduler_op, 24, AT(cmd, 4) AT(u, 8));
    LAYOUT(xen_domctl_sched_credit, 4, AT(cap, 2));
    LAYOUT(xen_domctl_irq_permission, 8, AT(allow_access, 4));
    LAYOUT(xen_domctl_iomem_permission, 24, AT(nr_mfns, 8) AT(allow_access, 16));
    LAYOUT(xen_domctl_memory_mapping, 32, AT(first_mfn, 8) AT(nr_mfns, 16) AT(add_mapping, 24));
    LAYOUT(xen_domctl_settimeoffset, 8);
    LAYOUT(xen_domctl_bind_pt_irq, 24, AT(irq_type, 4) AT(u, 8));
    LAYOUT(xen_domctl_cacheflush, 16, AT(nr_pfns, 8));
    LAYOUT(xen_domctl_paging_mempool, 8);
    LAYOUT(xenctl_bitmap, 16, AT(nr_bits, 8));
}

/* sysctl */
unused static void sysctl_layouts(void)
{
    LAYOUT(xen_sysctl, 136, AT(interface_version, 4) AT(u, 8));
    LAYOUT(xen_sysctl_readconsole, 24, AT(incremental, 1) AT(index, 4) AT(buffer, 8) AT(count, 16));
    LAYOUT(xen_sysctl_physinfo, 112, AT(cores_per_socket, 4) AT(nr_cpus, 8) AT(max_cpu_id, 12) AT(nr_nodes, 16)
           AT(max_node_id, 20) AT(cpu_khz, 24) AT(capabilities, 28) AT(arch_capabilities, 32) AT(total_pages, 40)
           AT(free_pages, 48) AT(scrub_pages, 56) AT(outstanding_pages, 64) AT(max_mfn, 72) AT(hw_cap, 80));
    LAYOUT(xen_sysctl_getdomaininfolist, 24, AT(max_domains, 4) AT(buffer, 8) AT(num_domains, 16));
    LAYOUT(xen_sysctl_debug_keys, 16, AT(nr_keys, 8));
    LAYOUT(xen_sysctl_getcpuinfo, 24, AT(info, 8) AT(nr_cpus, 16));
    LAYOUT(xen_sysctl_cpuinfo, 8);
    LAYOUT(xen_sysctl_credit_schedule, 12, AT(ratelimit_us, 4) AT(vcpu_migr_delay_us, 8));
    LAYOUT(xen_sysctl_credit2_schedule, 4);
    LAYOUT(xen_sysctl_availheap, 24, AT(max_bitwidth, 4) AT(node, 8) AT(avail_bytes, 16));
    LAYOUT(xen_sysctl_cputopo, 12, AT(socket, 4) AT(node, 8));
    LAYOUT(xen_sysctl_cputopoinfo, 16, AT(cputopo, 8));
    LAYOUT(xen_sysctl_meminfo, 16, AT(memfree, 8));
    LAYOUT(xen_sysctl_numainfo, 24, AT(meminfo, 8) AT(distance, 16));
    LAYOUT(xen_sysctl_cpupool_op, 40, AT(cpupool_id, 4) AT(sched_id, 8) AT(domid, 12) AT(cpu, 16) AT(n_dom, 20)
           AT(cpumap, 24));
    LAYOUT(xen_sysctl_scheduler_op, 32, AT(sched_id, 4) AT(cmd, 8) AT(u, 16));
}
