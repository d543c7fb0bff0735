/* SPDX-License-Identifier: MIT */
/* Machine frames and interrupts that a domain may be given, or give away. */
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/rangeset.h>

static int permit(struct rangeset *r, u64 first, u64 last, bool allow)
{
    return allow ? rangeset_add(r, first, last) : rangeset_remove(r, first, last);
}

int domain_permit_iomem(struct domain *d, u64 first_mfn, u64 last_mfn, bool allow)
{
    return permit(d->iomem_caps, first_mfn, last_mfn, allow);
}

int domain_permit_irq(struct domain *d, u32 irq, bool allow)
{
    return permit(d->irq_caps, irq, irq, allow);
}

bool domain_may_iomem(struct domain *d, u64 first_mfn, u64 last_mfn)
{
    return rangeset_contains(d->iomem_caps, first_mfn, last_mfn);
}

bool domain_may_irq(struct domain *d, u32 irq)
{
    return rangeset_contains(d->irq_caps, irq, irq);
}
