/* SPDX-License-Identifier: MIT */
/* The same on ARM's stage 2. */
/* unit-arch: arm */
/* unit-sources: core/domain/table.c core/domain/domain.c core/domain/destroy.c core/domain/shutdown.c */
/* unit-sources: core/domain/info.c core/domain/caps.c core/vcpu/vcpu.c core/vcpu/runstate.c core/vcpu/info.c */
/* unit-sources: core/hypercall/bitmap.c core/hypercall/memory_op.c core/hypercall/memory_op_physmap.c */
/* unit-sources: core/hypercall/memory_op_reservation.c */
/* unit-sources: core/sched/runqueue.c core/sched/wake.c core/sched/balance.c core/sched/cap.c core/sched/switch.c */
/* unit-sources: core/sched/pause.c core/sched/cpupool.c core/sched/affinity.c core/sched/control.c */
/* unit-sources: core/mem/range.c core/mem/buddy.c core/mem/frames.c core/mem/heap.c core/mem/page.c core/mem/stats.c */
/* unit-sources: core/mem/physmap.c core/mem/lazy.c core/mem/scrub.c */
/* unit-sources: core/grant/table.c core/grant/pin.c core/grant/map.c core/event/guest_atomic.c */
/* unit-sources: arch/arm/p2m.c arch/arm/p2m_lookup.c arch/arm/pgtable.c arch/arm/tlb.c */
/* unit-sources: arch/arm/guest_access.c */
#include "real_p2m.h"

/* The rest of the architecture. */
int arch_domain_relinquish(struct domain *d)
{
    return p2m_teardown(d);
}

void arch_domain_destroy(struct domain *d)
{
    (void)d;
}

int arch_vcpu_create(struct vcpu *v)
{
    (void)v;
    return 0;
}

void arch_vcpu_destroy(struct vcpu *v)
{
    (void)v;
}

void arch_context_switch(struct vcpu *prev, struct vcpu *next)
{
    (void)prev;
    this_cpu()->current = next;
}

#include "test_domain_held.c"
