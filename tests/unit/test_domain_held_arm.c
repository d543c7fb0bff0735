/* SPDX-License-Identifier: MIT */
/* The same on ARM's stage 2. */
/* unit-arch: arm */
/* unit-sources: arch/arm/p2m.c arch/arm/p2m_lookup.c arch/arm/pgtable.c arch/arm/arm64/tlb.c */
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

void arch_domain_init_clock(struct domain *d)
{
    (void)d;
}

void arch_domain_release_irqs(struct domain *d)
{
    (void)d;
}

void arch_vcpu_quiesce(struct vcpu *v)
{
    (void)v;
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
