/* SPDX-License-Identifier: MIT */
/* Unit tests: to the vGIC under test, or its fake. */
#ifndef ASM_VCPU_H
#define ASM_VCPU_H

#include <argon/domain.h>

void vgic_set_level(struct domain *d, struct vcpu *v, u32 intid, bool level);    /* vdev/vgic.h */
bool vgic_irq_deliverable(struct vcpu *v);

static always_inline void arch_event_upcall(struct vcpu *v)
{
    vgic_set_level(v->domain, v, v->domain->arch.event_ppi, true);
}

static always_inline bool arch_vcpu_irq_pending(struct vcpu *v)
{
    return vgic_irq_deliverable(v);
}

#endif
