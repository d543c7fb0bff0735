/* SPDX-License-Identifier: MIT */
/* The architecture contract (argon/arch.h) for unit tests. Weak: a test that cares defines its own. */
#include <argon/arch.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/p2m.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <asm/host.h>

#define weak __attribute__((weak))
#define RECORD(a, b) host_record(__func__, (u64)(a), (u64)(b), 0, 0)

__thread struct pcpu *host_pcpu;
bool host_irq_waiting;
u64 host_counter;
u32 host_exclusive_fail_in;
u64 host_timer_compare = UINT64_MAX;

weak u64 arch_counter(void)
{
    return host_counter;
}

weak void arch_timer_program(u64 ticks)
{
    host_timer_compare = ticks;
}

weak volatile void *arch_ioremap(paddr_t pa, u64 size)
{
    RECORD(pa, size);
    return NULL;
}

weak u64 arch_image_bytes(void)
{
    return KIB(256);
}

weak u64 arch_cpu_stack_bytes(void)
{
    return KIB(32);
}

weak void arch_send_ipi(u32 cpu)
{
    RECORD(cpu, 0);
}

weak void arch_machine_restart(void)
{
    panic("arch_machine_restart");
}

weak void arch_machine_poweroff(void)
{
    panic("arch_machine_poweroff");
}

weak void arch_stop_cpu(void)
{
    panic("arch_stop_cpu");
}

weak void arch_dump_backtrace(void)
{
    RECORD(0, 0);
}

weak void arch_domain_init_clock(struct domain *d)
{
    d->arch.vcounter_offset = arch_counter();
}

weak void arch_domain_release_irqs(struct domain *d)
{
    RECORD(d, 0);
}

weak void arch_domain_dump_irqs(struct domain *d)
{
    RECORD(d, 0);
}

weak u64 arch_domain_irq_bytes(const struct domain *d)
{
    return mem_object_bytes(d->arch.vgic.spis);
}

weak int arch_irq_connect(struct domain *d, u32 vintid, u32 host_irq)
{
    host_record(__func__, (u64)d, vintid, host_irq, 0);
    return 0;
}

weak void arch_irq_disconnect(struct domain *d, u32 vintid)
{
    RECORD(d, vintid);
}

weak int arch_domain_create(struct domain *d, struct domain_config *cfg)
{
    RECORD(d, cfg);
    return p2m_init(d);
}

weak int arch_domain_relinquish(struct domain *d)
{
    RECORD(d, 0);
    return p2m_teardown(d);
}

weak void arch_domain_destroy(struct domain *d)
{
    RECORD(d, 0);
}

weak int arch_vcpu_create(struct vcpu *v)
{
    RECORD(v, 0);
    v->arch.vmpidr = BIT(31) | v->id;
    return 0;
}

weak void arch_vcpu_quiesce(struct vcpu *v)
{
    RECORD(v, 0);
}

weak void arch_vcpu_destroy(struct vcpu *v)
{
    RECORD(v, 0);
}

weak void arch_vcpu_reset(struct vcpu *v)
{
    RECORD(v, 0);
    v->arch.regs = (struct cpu_regs){ 0 };
}

weak void arch_context_switch(struct vcpu *prev, struct vcpu *next)
{
    RECORD(prev, next);
    this_cpu()->current = next;
}

weak int arch_set_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
    RECORD(v, c);
    return 0;
}

weak void arch_get_context(struct vcpu *v, struct vcpu_guest_context *c)
{
    RECORD(v, c);
}

weak int arch_set_address_size(struct domain *d, u32 bits)
{
    RECORD(d, bits);
    return bits == 64 ? 0 : -EINVAL;
}

weak void arch_vcpu_dump(struct vcpu *v)
{
    RECORD(v, 0);
}

weak void arch_vcpu_show_regs_host(void)
{
    RECORD(0, 0);
}

weak int arch_vcpu_boot(struct vcpu *v, u64 entry, u64 context)
{
    host_record(__func__, (u64)v, entry, context, 0);
    v->arch.regs.pc = entry;
    v->arch.regs.x[0] = context;
    return 0;
}

weak u64 arch_vcpu_mpidr(const struct vcpu *v)
{
    return BIT(31) | (v->id >> 4 & 0xff) << 8 | (v->id & 0xf);
}

weak u32 arch_physinfo_caps(void)
{
    return 0;
}
