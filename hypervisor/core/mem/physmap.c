/* SPDX-License-Identifier: MIT */
/* Foreign mappings of a domain that goes away. */
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/hypercall.h>
#include <argon/mem.h>
#include <argon/p2m.h>

#define PREEMPT_EVERY 64

int physmap_relinquish(struct domain *d)
{
    u64 end = p2m_max_gfn(d).g;

    for (u32 steps = 1; atomic_load(&d->nr_foreign) > 0 && d->relinquish_gfn <= end; steps++) {
        gfn_t g = gfn(d->relinquish_gfn);
        unsigned int order;
        enum p2m_type t;
        mfn_t m = p2m_lookup(d, g, &t, &order);

        if (p2m_is_foreign(t) && p2m_unmap_exact(d, g, m) == 0) {
            atomic_fetch_sub(&d->nr_foreign, 1);
            page_put(mfn_to_page(m));
        }
        d->relinquish_gfn = ROUND_DOWN(g.g, BIT(order)) + BIT(order);
        if (steps % PREEMPT_EVERY == 0 && hypercall_preempt_check()) {
            return -ERESTART;
        }
    }
    if (atomic_load(&d->nr_foreign) > 0) {
        /* One was on its way when d began to die, behind where we were: once more from the start. */
        d->relinquish_gfn = 0;
        return -ERESTART;
    }
    return 0;
}
