/* SPDX-License-Identifier: MIT */
/* Tables of the debug keys that belong to no other module. */
#include <argon/arch.h>
#include <argon/domain.h>
#include <argon/param.h>
#include <argon/percpu.h>
#include <argon/timer.h>
#include "console_impl.h"

/* " 0-3,8" or " all"; no newline. */
static void print_cpumask(const struct cpumask *m)
{
    const char *sep = "";
    u32 set = 0;

    for_each_cpu(cpu) {
        set += cpumask_test(m, cpu);
    }
    if (set == nr_cpus) {
        con_printf("all");
        return;
    }
    for (u32 first = 0; first < nr_cpus; first++) {
        u32 last = first;

        if (!cpumask_test(m, first)) {
            continue;
        }
        while (last + 1 < nr_cpus && cpumask_test(m, last + 1)) {
            last++;
        }
        con_printf("%s%u", sep, first);
        if (last > first) {
            con_printf("-%u", last);
        }
        sep = ",";
        first = last;
    }
}

static void print_handle(const u8 *h)
{
    con_printf("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", h[0], h[1], h[2], h[3], h[4],
               h[5], h[6], h[7], h[8], h[9], h[10], h[11], h[12], h[13], h[14], h[15]);
}

static const char *dying_name(u8 dying)
{
    return dying == DOMAIN_ALIVE ? "no" : dying == DOMAIN_DYING ? "dying" : "dead";
}

static const char *state_name(int state)
{
    static const char *const names[] = { "running", "runnable", "blocked", "offline" };

    return state >= 0 && state < (int)ARRAY_SIZE(names) ? names[state] : "?";
}

static void dump_vcpu(struct vcpu *v)
{
    con_printf("    VCPU%u: CPU%u %s pause_flags=%#x pause_count=%u pending=%#x", v->id, v->cpu,
               state_name(v->runstate.state), v->pause_flags, v->pause_count, v->pending);
    con_printf(" upcall_pend=%02x cpu_time=%" PRIu64 "ms\n", v->info->evtchn_upcall_pending,
               (u64)(vcpu_cpu_time(v) / NS_PER_MS));
    con_printf("      hard affinity=");
    print_cpumask(&v->sched.hard);
    con_printf(" soft affinity=");
    print_cpumask(&v->sched.soft);
    con_printf("\n");
}

static void dump_domain(struct domain *d)
{
    con_printf("General information for domain %u:\n", d->id);
    con_printf("    dying=%s pause_count=%u controller_paused=%u shut_down=%u shutdown_code=%d\n", dying_name(d->dying),
               d->pause_count, d->controller_paused, d->shut_down, (int)d->shutdown_code);
    con_printf("    nr_pages=%u max_pages=%u shared_pages=%u paging_pool=%" PRIu64 "/%" PRIu64 " KiB\n", d->tot_pages,
               d->max_pages, d->shared_pages, d->paging_pool_used >> 10, d->paging_pool_bytes >> 10);
    con_printf("    handle=");
    print_handle(d->handle);
    con_printf(" vm_assist=%08x flags=%#x%s%s%s\n", d->vm_assist, d->creation_flags,
               d->is_privileged ? " privileged" : "", d->direct_mapped ? " direct_mapped" : "",
               d->is_32bit ? " 32bit" : "");
    con_printf("    node_affinity=%#" PRIx64 "%s weight=%u cap=%u\n", d->node_affinity,
               d->auto_node_affinity ? " (auto)" : "", d->sched.weight, d->sched.cap);
    con_printf("VCPU information for domain %u (max_vcpus=%u):\n", d->id, d->max_vcpus);
    for_each_vcpu(d, v) {
        dump_vcpu(v);
    }
}

void dump_domains(void)
{
    for_each_domain(d) {
        dump_domain(d);
    }
}

void dump_dom0_registers(void)
{
    if (dom0 == NULL) {
        con_printf("There is no Dom0\n");
        return;
    }
    for_each_vcpu(dom0, v) {
        con_printf("*** Dom0 vcpu#%u state: CPU%u, %s%s ***\n", v->id, v->cpu, state_name(v->runstate.state),
                   vcpu_is_descheduled(v) ? "" : " (registers follow when it returns to its kernel)");
        vcpu_dump(v);
    }
}

void dump_time(void)
{
    u64 secs, now = now_ns(), whole = now / NS_PER_SEC, rest = now % NS_PER_SEC;
    u32 nsecs;

    wallclock_get(&secs, &nsecs);
    con_printf("System time %" PRIu64 ".%09" PRIu64 " s, counter %" PRIu64 " at %" PRIu64 " Hz\n", whole, rest,
               arch_counter(), time_counter_hz());
    con_printf("Wall clock at system time 0: %" PRIu64 ".%09u s UTC since 1970%s\n", secs, nsecs,
               secs == 0 ? " (not set)" : "");
    for_each_cpu(cpu) {
        u64 deadline = READ_ONCE(pcpus[cpu]->timers.programmed);

        if (deadline == UINT64_MAX) {
            con_printf("CPU%u: timer off\n", cpu);
        } else {
            con_printf("CPU%u: timer due in %" PRId64 " ns\n", cpu, (s64)(deadline - now));
        }
    }
}

void dump_options(void)
{
    char host[24], guest[24];

    log_levels_format(host, sizeof(host), opt.loglvl, opt.loglvl_limited);
    log_levels_format(guest, sizeof(guest), opt.guest_loglvl, opt.guest_loglvl_limited);
    con_printf("Command line: %s\n", opt.cmdline);
    con_printf("loglvl=%s guest_loglvl=%s console_timestamps=%s sched=%s maxcpus=%u\n", host, guest,
               opt.console_timestamps ? "boot" : "none", opt.sched, opt.maxcpus);
    con_printf("dom0_mem=%" PRIu64 "M,max:%" PRIu64
               "M dom0_max_vcpus=%u-%u dom0_vcpus_pin=%u noreboot=%u bootscrub=%u\n", opt.dom0_mem >> 20,
               opt.dom0_mem_max >> 20, opt.dom0_min_vcpus, opt.dom0_max_vcpus, opt.dom0_vcpus_pin, opt.noreboot,
               opt.bootscrub);
    con_printf("gnttab_max_frames=%u gnttab_max_maptrack_frames=%u\n", opt.gnttab_max_frames,
               opt.gnttab_max_maptrack_frames);
}
