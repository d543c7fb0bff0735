/* SPDX-License-Identifier: MIT */
/* References that stage 2 holds: what is displaced is dropped here, and what a dying domain has mapped of others. */
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/grant.h>
#include <argon/hypercall.h>
#include <argon/mem.h>
#include <argon/p2m.h>
#include <argon/panic.h>

#define PREEMPT_EVERY 64

/* Page m, which d shares with the hypervisor, is no longer mapped at g (another such page may be there by now). */
static noinline void forget_shared(struct domain *d, gfn_t g, mfn_t m)
{
    spin_lock(&d->lock);
    if (gfn_eq(d->shared_info_gfn, g) && mfn_eq(virt_to_mfn(d->shared_info), m)) {
        d->shared_info_gfn = INVALID_GFN;
    } else {
        for (u32 i = 0; i < grant_max_frames(d); i++) {
            mfn_t frame;

            /* A frame that has a place exists: asking for it does not grow the table. */
            if (gfn_eq(grant_frame_gfn(d, i), g) && grant_frame_mfn(d, i, &frame) == 0 && mfn_eq(frame, m)) {
                grant_frame_set_gfn(d, i, INVALID_GFN);
                break;
            }
        }
    }
    spin_unlock(&d->lock);
}

static noinline void release(struct domain *d, struct page *pg)
{
    /* False: d gave the page back at the same time on another vCPU. */
    bool released = page_release(pg, d);

    (void)released;
}

void physmap_drop(struct domain *d, gfn_t g, struct p2m_old old)
{
    if (p2m_is_ram(old.t)) {
        struct page *pg = mfn_to_page(old.m);

        if (unlikely(atomic_load(&pg->use) == PAGE_SHARED_HYP)) {
            forget_shared(d, g, old.m);
        } else if (!d->direct_mapped) {
            release(d, pg);
        }
    } else if (p2m_is_foreign(old.t)) {
        ASSERT(atomic_load(&d->nr_foreign) != 0);
        atomic_fetch_sub(&d->nr_foreign, 1);
        page_put(mfn_to_page(old.m));
    } else {
        ASSERT(old.t == P2M_INVALID);    /* device memory has no owner, and a grant's handle drops its own */
    }
}

int physmap_relinquish(struct domain *d)
{
    u64 end = p2m_max_gfn(d).g;

    for (u32 steps = 1; atomic_load(&d->nr_foreign) > 0 && d->relinquish_gfn <= end; steps++) {
        gfn_t g = gfn(d->relinquish_gfn);
        unsigned int order;
        enum p2m_type t;
        struct p2m_old old;

        (void)p2m_lookup(d, g, &t, &order);
        if (p2m_is_foreign(t) && p2m_remove(d, g, P2M_FOREIGN, &old) == 0) {
            physmap_drop(d, g, old);
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
