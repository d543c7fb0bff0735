/* SPDX-License-Identifier: MIT */
/* Figures of the machine and of all domains. */
#include "sysctl.h"

#include <argon/arch.h>
#include <argon/bitmap.h>
#include <argon/guest_access.h>
#include <argon/machine.h>
#include <argon/mem.h>
#include <argon/percpu.h>
#include <argon/string.h>

#define MAX_LISTED 1024          /* domains per call: callers go on after the last they got */

int sysctl_physinfo(struct vcpu *v, struct xen_sysctl *op)
{
    struct xen_sysctl_physinfo *p = &op->u.physinfo;
    struct mem_stats s;

    (void)v;
    mem_stats(&s);
    memset(p, 0, sizeof(*p));
    p->threads_per_core = 1;
    p->cores_per_socket = 1;
    p->nr_cpus = nr_cpus;
    p->max_cpu_id = nr_cpus - 1;
    p->max_node_id = machine_nr_nodes(&machine) - 1;
    p->nr_nodes = MAX((u32)bitmap_weight(&machine.nodes, 64), 1U);
    p->cpu_khz = (u32)(time_counter_hz() / 1000);
    p->capabilities = XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_hap | XEN_SYSCTL_PHYSCAP_gnttab_v1 |
                      arch_physinfo_caps();
    p->total_pages = s.total;
    p->free_pages = s.free;
    p->scrub_pages = s.scrub;
    p->max_mfn = mem_max_mfn();
    return 0;
}

/* From first_domain on, in rising order. Who may list domains may see all of them. */
int sysctl_getdomaininfolist(struct vcpu *v, struct xen_sysctl *op)
{
    struct xen_sysctl_getdomaininfolist *l = &op->u.getdomaininfolist;
    u32 max = MIN(l->max_domains, (u32)MAX_LISTED), n = 0;
    struct domain *d = domain_lookup_from(l->first_domain);

    (void)v;
    while (d != NULL && n < max) {
        struct xen_domctl_getdomaininfo info;

        domain_get_info(d, &info);
        if (copy_to_guest(handle_gva(l->buffer) + n * sizeof(info), &info, sizeof(info)) != 0) {
            return -EFAULT;
        }
        n++;
        d = domain_lookup_from((u16)(d->id + 1));
    }
    l->num_domains = n;
    return 0;
}

int sysctl_getcpuinfo(struct vcpu *v, struct xen_sysctl *op)
{
    struct xen_sysctl_getcpuinfo *g = &op->u.getcpuinfo;
    u32 n = MIN(g->max_cpus, nr_cpus);

    (void)v;
    for (u32 cpu = 0; cpu < n; cpu++) {
        struct xen_sysctl_cpuinfo info = { .idletime = cpu_idle_time(cpu) };

        if (copy_to_guest(handle_gva(g->info) + cpu * sizeof(info), &info, sizeof(info)) != 0) {
            return -EFAULT;
        }
    }
    g->nr_cpus = n;
    return 0;
}

int sysctl_availheap(struct vcpu *v, struct xen_sysctl *op)
{
    struct xen_sysctl_availheap *a = &op->u.availheap;

    (void)v;
    if (a->node < -1 || a->node >= (s32)machine_nr_nodes(&machine)) {
        a->avail_bytes = 0;
        return 0;
    }
    a->avail_bytes = mem_free_between((u32)a->node, a->min_bitwidth, a->max_bitwidth);
    return 0;
}
