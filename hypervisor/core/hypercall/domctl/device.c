/* SPDX-License-Identifier: MIT */
/* Devices for guests: what a domain may have, device memory in its stage 2, and interrupts. */
#include "domctl.h"

#include <argon/irq.h>
#include <argon/p2m.h>

#define MAX_MAP_FRAMES 64        /* per call: libxc asks again with less on -E2BIG */

/* Nobody gives away what he does not have. */
int domctl_irq_permission(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_irq_permission *p = &op->u.irq_permission;

    if (!domain_may_irq(v->domain, p->pirq)) {
        return -EPERM;
    }
    return domain_permit_irq(d, p->pirq, p->allow_access != 0);
}

static bool range_valid(u64 first, u64 nr)
{
    return nr != 0 && first + nr - 1 >= first;
}

int domctl_iomem_permission(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_iomem_permission *p = &op->u.iomem_permission;
    u64 last = p->first_mfn + p->nr_mfns - 1;

    if (!range_valid(p->first_mfn, p->nr_mfns)) {
        return -EINVAL;
    }
    if (!domain_may_iomem(v->domain, p->first_mfn, last)) {
        return -EPERM;
    }
    return domain_permit_iomem(d, p->first_mfn, last, p->allow_access != 0);
}

/* Only what is mapped as asked: a page that the guest has put there meanwhile stays. */
static int unmap_device(struct domain *d, gfn_t g, mfn_t m, u64 nr)
{
    int first_error = 0;

    for (u64 i = 0; i < nr; i++) {
        int rc = p2m_remove_exact(d, gfn_add(g, i), mfn_add(m, i), P2M_MMIO_TYPES);

        first_error = first_error != 0 ? first_error : rc;
    }
    return first_error;
}

int domctl_memory_mapping(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_memory_mapping *m = &op->u.memory_mapping;
    u64 last = m->first_mfn + m->nr_mfns - 1;

    if (!range_valid(m->first_mfn, m->nr_mfns) || !range_valid(m->first_gfn, m->nr_mfns)) {
        return -EINVAL;
    }
    if (m->nr_mfns > MAX_MAP_FRAMES) {
        return -E2BIG;
    }
    if (!domain_may_iomem(v->domain, m->first_mfn, last) || !domain_may_iomem(d, m->first_mfn, last)) {
        return -EPERM;
    }
    switch (m->add_mapping) {
    case DPCI_ADD_MAPPING:
        return p2m_map(d, gfn(m->first_gfn), mfn(m->first_mfn), m->nr_mfns, P2M_MMIO);
    case DPCI_REMOVE_MAPPING:
        return unmap_device(d, gfn(m->first_gfn), mfn(m->first_mfn), m->nr_mfns);
    default:
        return -EINVAL;
    }
}

/* Interrupts are 1:1 between host and guest. */
static int pt_irq_check(struct vcpu *v, struct domain *d, const struct xen_domctl_bind_pt_irq *b)
{
    if (b->irq_type != PT_IRQ_TYPE_SPI) {
        return -ENOSYS;
    }
    if (b->machine_irq != b->u.spi.spi || b->machine_irq < VGIC_NR_PRIVATE) {
        return -EINVAL;
    }
    return domain_may_irq(v->domain, b->machine_irq) && domain_may_irq(d, b->machine_irq) ? 0 : -EPERM;
}

int domctl_bind_pt_irq(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_bind_pt_irq *b = &op->u.bind_pt_irq;
    int rc = pt_irq_check(v, d, b);

    return rc != 0 ? rc : irq_route_to_guest(b->machine_irq, d, b->machine_irq);
}

int domctl_unbind_pt_irq(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_bind_pt_irq *b = &op->u.bind_pt_irq;
    int rc = pt_irq_check(v, d, b);

    return rc != 0 ? rc : irq_release_from_guest(b->machine_irq, d);
}

/* Without an IOMMU driver no device can be given away safely: there is none to assign. */
int domctl_no_device(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    (void)v;
    (void)d;
    (void)op;
    return -ENODEV;
}
