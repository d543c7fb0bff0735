/* SPDX-License-Identifier: MIT */
/* What ARM's own headers need beside them, and weak stand-ins for what a test does not link of arch/arm. */
#include "sysreg.h"
#include <argon/p2m.h>
#include <asm/insn.h>
#include <asm/smp.h>

#define weak __attribute__((weak))

__thread struct pcpu *host_pcpu;
bool host_irq_waiting;
u64 host_counter;
u32 host_exclusive_fail_in;
u64 host_timer_compare = ~0UL;
weak u32 errata_word;
u64 host_p2m_fail_after, host_p2m_flushes, host_access_fail_after;

/* The firmware: answers NOT_SUPPORTED. */
weak void insn_smc(u64 x[4])
{
    insn_other("smc", x[0]);
    x[0] = ~0UL;
}

weak volatile void *arch_ioremap(paddr_t pa, u64 size)
{
    (void)size;
    return (volatile void *)pa;
}

weak int arch_probe_read32(volatile void *va, u32 *value)
{
    *value = *(volatile u32 *)va;
    return 0;
}

weak int p2m_init(struct domain *d)
{
    d->arch.vmid = (u16)(d->id + 1);
    d->arch.vttbr = (u64)d->arch.vmid << 48 | (u64)(d->id + 1) << 16;
    return 0;
}

weak int p2m_teardown(struct domain *d)
{
    (void)d;
    return 0;
}

weak void arch_stop_cpu(void)
{
    panic("arch_stop_cpu");
}

weak void arch_dump_backtrace(void)
{
}

weak u64 counter_read_carefully(void)
{
    return host_counter++;
}
