/* SPDX-License-Identifier: MIT */
/* What the toolstack and the console are told of a domain, and the guest's wall clock. */
#include "internal.h"

#include <argon/arch.h>
#include <argon/guest_write.h>
#include <argon/mem.h>
#include <argon/p2m.h>
#include <argon/string.h>

/* Blocked: all online vCPUs are. Running: any is. */
static u32 vcpu_flags(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
    u32 flags = XEN_DOMINF_blocked;

    info->max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
    for_each_vcpu (d, v) {
        u32 pause = atomic_load(&v->pause_flags);

        info->cpu_time += vcpu_cpu_time(v);
        info->max_vcpu_id = v->id;
        if ((pause & VPF_DOWN) != 0) {
            continue;
        }
        info->nr_online_vcpus++;
        if ((pause & (VPF_BLOCKED | VPF_POLL)) == 0) {
            flags &= ~(u32)XEN_DOMINF_blocked;
        }
        if (READ_ONCE(v->runstate.state) == RUNSTATE_running) {
            flags |= XEN_DOMINF_running;
        }
    }
    return info->nr_online_vcpus != 0 ? flags : 0;
}

void domain_get_info(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
    u32 flags;

    memset(info, 0, sizeof(*info));
    flags = vcpu_flags(d, info) | XEN_DOMINF_hvm_guest | XEN_DOMINF_hap;
    flags |= atomic_load(&d->dying) == DOMAIN_DEAD ? XEN_DOMINF_dying : 0;
    flags |= d->shut_down ? XEN_DOMINF_shutdown : 0;
    flags |= d->controller_paused != 0 ? XEN_DOMINF_paused : 0;
    flags |= d->debugger_attached ? XEN_DOMINF_debugged : 0;
    flags |= (d->creation_flags & XEN_DOMCTL_CDF_xs_domain) != 0 ? XEN_DOMINF_xs_domain : 0;
    flags |= d->shutdown_code << XEN_DOMINF_shutdownshift;
    info->domain = d->id;
    info->flags = flags;
    info->tot_pages = d->tot_pages;
    info->max_pages = d->max_pages;
    info->shared_info_frame = d->shared_info_gfn.g;
    info->ssidref = d->ssidref;
    memcpy(info->handle, d->handle, sizeof(info->handle));
    info->cpupool = d->cpupool != NULL ? d->cpupool->id : 0;
    info->gpaddr_bits = (u8)p2m_gpaddr_bits();
}

/*
 * UTC at the moment the guest's counter was 0, by the protocol of vcpu_time_info's version: odd while it changes. The
 * guest reads it from another CPU, hence the barriers.
 */
void domain_update_wallclock(struct domain *d)
{
    struct shared_info *si;
    u64 secs, nsecs;
    u32 base_nsecs;

    spin_lock(&d->lock);
    si = d->shared_info;
    if (si != NULL) {
        u32 version = READ_ONCE(si->wc_version) | 1;

        wallclock_get(&secs, &base_nsecs);
        nsecs = base_nsecs + d->created_ns;
        secs += nsecs / NS_PER_SEC + (u64)d->time_offset;
        guest_store(d, &si->wc_version, version);
        cpu_barrier();
        guest_store(d, &si->wc_sec, (u32)secs);
        guest_store(d, &si->wc_sec_hi, (u32)(secs >> 32));
        guest_store(d, &si->wc_nsec, (u32)(nsecs % NS_PER_SEC));
        cpu_barrier();
        guest_store(d, &si->wc_version, version + 1);
    }
    spin_unlock(&d->lock);
}
