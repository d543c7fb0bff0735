/* SPDX-License-Identifier: MIT */
/* The memory the hypervisor itself takes, by what it is for: each object counts with the size the allocator gave it. */
#include <argon/arch.h>
#include <argon/domain.h>
#include <argon/event.h>
#include <argon/grant.h>
#include <argon/mem.h>
#include <argon/p2m.h>
#include <argon/percpu.h>
#include "console_impl.h"

static u64 cpus_bytes(void)
{
    u64 bytes = 0;

    for_each_cpu(c) {
        /* The boot CPU's is in the image. */
        bytes += arch_cpu_stack_bytes() + mem_object_bytes(pcpus[c]->idle) + (c > 0 ? mem_object_bytes(pcpus[c]) : 0);
    }
    return bytes;
}

/* All of it is allocated; the pages that the guest shares are in it. */
static u64 dump_domain_own(const struct domain *d)
{
    u64 vcpus = 0, base = mem_object_bytes(d) + mem_object_bytes(d->vcpu), spis = arch_domain_irq_bytes(d);
    u64 events = event_bytes(d), grants = grant_bytes(d), tables = p2m_bytes(d);
    u64 shared = (u64)READ_ONCE(d->shared_pages) << PAGE_SHIFT, all;
    u32 nr = 0;

    for_each_vcpu(d, v) {
        vcpus += mem_object_bytes(v);
        nr++;
    }
    all = base + vcpus + spis + events + grants + tables + shared;
    con_printf("  d%u: %" PRIu64 " KiB: domain %" PRIu64 " B, %u vCPUs %" PRIu64 " B, interrupts %" PRIu64
               " B, events %" PRIu64 " B, grants %" PRIu64 " B, page tables %" PRIu64 " KiB, shared pages %" PRIu64
               " KiB\n", d->id, all >> 10, base, nr, vcpus, spis, events, grants, tables >> 10, shared >> 10);
    return all;
}

/*
 * "The rest" is what the allocator has given out and nothing above names: the hypervisor's own page tables, host
 * interrupts, the log ring, permissions, room in slabs that no object uses yet.
 */
void dump_own_memory(void)
{
    struct mem_stats s;
    u64 guest = 0, domains = 0, image = arch_image_bytes() - mem_image_released, cpus = cpus_bytes();
    u64 allocated, own, ram;

    mem_stats(&s);
    for_each_domain(d) {
        guest += READ_ONCE(d->tot_pages);
    }
    allocated = (s.total - (mem_boot_bytes >> PAGE_SHIFT) - s.free - guest) << PAGE_SHIFT;
    own = image + mem_boot_bytes + allocated;
    ram = (s.total << PAGE_SHIFT) + image;
    con_printf("hypervisor's own: %" PRIu64 " of %" PRIu64 " KiB, %" PRIu64 ".%02" PRIu64 " %%\n", own >> 10, ram >> 10,
               own * 100 / ram, own * 10000 / ram % 100);
    con_printf("  image %" PRIu64 " KiB (%" PRIu64 " KiB more were given back after boot)\n", image >> 10,
               mem_image_released >> 10);
    con_printf("  frame table and first page tables %" PRIu64 " KiB\n", mem_boot_bytes >> 10);
    con_printf("  %u CPUs %" PRIu64 " KiB\n", nr_cpus, cpus >> 10);
    for_each_domain(d) {
        domains += dump_domain_own(d);
    }
    con_printf("  the rest %" PRId64 " KiB\n", (s64)(allocated - cpus - domains) >> 10);
}
