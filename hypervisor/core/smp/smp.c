/* SPDX-License-Identifier: MIT */
/* The CPUs, and kicks: a word of work per CPU and one physical interrupt for it. */
#include <argon/arch.h>
#include <argon/atomic.h>
#include <argon/console.h>
#include <argon/percpu.h>
#include <argon/sched.h>
#include <argon/smp.h>
#include <argon/timer.h>

struct pcpu *pcpus[NR_CPUS];
u32 nr_cpus = 1;

void smp_kick(u32 cpu, u32 work)
{
    /* Bits that are still there have their interrupt on the way: its handler takes the whole word. */
    if (atomic_fetch_or(&pcpus[cpu]->ipi_work, work) == 0) {
        arch_send_ipi(cpu);
    }
}

void smp_stop_others(void)
{
    for_each_cpu(cpu) {
        if (cpu != cpu_id()) {
            smp_kick(cpu, IPI_STOP);
        }
    }
}

/* Everything but IPI_RESCHED. */
static noinline void handle_rare(u32 work)
{
    if (work & IPI_STOP) {
        arch_stop_cpu();
    }
    if (work & IPI_TIMER) {
        timer_reprogram();
    }
    if (work & IPI_QUIESCE) {
        quiesce_poll();
    }
    if (work & IPI_DUMP) {
        debug_dump_cpu();
    }
    if (work & IPI_CONSOLE) {
        console_notify();
    }
}

void smp_handle_ipi(void)
{
    u32 work = atomic_exchange(&this_cpu()->ipi_work, 0);

    if (work & IPI_RESCHED) {
        sched_kicked();
    }
    if (unlikely(work & ~(u32)IPI_RESCHED)) {
        handle_rare(work);
    }
}
