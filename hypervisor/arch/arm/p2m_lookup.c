/* SPDX-License-Identifier: MIT */
/*
 * Stage 2, looked up without its lock: tables are not freed while a CPU that may be walking them has not returned to its guest (smp.h).
 */
#include <argon/arch.h>
#include <argon/domain.h>
#include <argon/hypercall.h>
#include <argon/mem.h>
#include <asm/cache.h>
#include <asm/p2m.h>
#include "p2m_walk.h"

/* Nothing found without the lock: really nothing, or a block in the middle of being split, or a domain whose tables are going. */
static noinline u64 lookup_locked(struct domain *d, gfn_t g, u64 *shift)
{
    u64 pte = 0;

    *shift = s2.root_shift;
    if (gfn_range_ok(g, 1)) {
        spin_lock(&d->arch.p2m_lock);
        pte = d->arch.p2m.root != NULL ? READ_ONCE(*last_entry(&d->arch.p2m, gfn_to_gpa(g), shift)) : 0;
        spin_unlock(&d->arch.p2m_lock);
    }
    return (pte & PTE_VALID) ? pte : 0;
}

static always_inline u64 lookup_pte(struct domain *d, gfn_t g, u64 *shift)
{
    if (likely(!READ_ONCE(d->dying) && gfn_range_ok(g, 1))) {
        u64 pte = READ_ONCE(*last_entry(&d->arch.p2m, gfn_to_gpa(g), shift));

        if (likely(pte & PTE_VALID)) {
            return pte;
        }
    }
    return lookup_locked(d, g, shift);
}

/* The frame of g by the entry found for it. */
static always_inline mfn_t entry_mfn(u64 pte, gfn_t g, u64 shift)
{
    return mfn(((pte & PTE_ADDR_MASK) >> PAGE_SHIFT) | (g.g & (BIT(shift - PAGE_SHIFT) - 1)));
}

mfn_t p2m_lookup(struct domain *d, gfn_t g, enum p2m_type *t, unsigned int *order_out)
{
    u64 shift;
    u64 pte = lookup_pte(d, g, &shift);

    if (order_out != NULL) {
        *order_out = (unsigned int)(shift - PAGE_SHIFT);
    }
    if (pte == 0) {
        *t = P2M_INVALID;
        return INVALID_MFN;
    }
    *t = pte_type(pte);
    return entry_mfn(pte, g, shift);
}

/* A page of another domain's that d has mapped. */
static noinline struct page *get_foreign(struct domain *d, gfn_t g, u64 pte, mfn_t m)
{
    const struct domain *owner = domain_lookup(mfn_to_page(m)->owner);
    u64 shift;

    if (owner == NULL || !page_get(m, owner)) {
        return NULL;
    }
    /*
     * Only what maps the page keeps it with its owner: if it is mapped now that we have a reference of our own, it has been all the
     * time. If not it may be another's by now.
     */
    if (lookup_pte(d, g, &shift) != pte) {
        page_put(mfn_to_page(m));
        return NULL;
    }
    return mfn_to_page(m);
}

static noinline struct page *get_page_slowly(struct domain *d, gfn_t g, enum p2m_type *t)
{
    u64 shift;
    u64 pte = lookup_pte(d, g, &shift);
    mfn_t m = entry_mfn(pte, g, shift);

    *t = pte_type(pte);
    if (pte == 0 || !p2m_has_page(*t) || !mfn_is_ram(m)) {
        *t = pte == 0 ? P2M_INVALID : *t;
        return NULL;
    }
    if (!p2m_is_ram(*t)) {
        return get_foreign(d, g, pte, m);
    }
    /* d's own: if it has been unmapped meanwhile and is still d's, the guest has asked for both at the same time. */
    return page_take_reference(mfn_to_page(m), PAGE_WORD_ID(d->id, PAGE_GUEST)) ? mfn_to_page(m) : NULL;
}

/* The short way: RAM of d's own, in the hot range, nobody else at its count. */
struct page *p2m_get_page(struct domain *d, gfn_t g, enum p2m_type *t)
{
    if (likely(!READ_ONCE(d->dying) && g.g < s2.nr_gfns)) {
        u64 shift;
        u64 pte = READ_ONCE(*last_entry(&d->arch.p2m, gfn_to_gpa(g), &shift));
        u64 i = entry_mfn(pte, g, shift).m - mem_hot_range.first;

        *t = pte_type(pte);
        if (likely((pte & PTE_VALID) && p2m_is_ram(*t) && i < mem_hot_range.nr)) {
            struct page *pg = &mem_hot_range.page[i];

            if (likely(page_try_reference(pg, PAGE_WORD_ID(d->id, PAGE_GUEST)))) {
                return pg;
            }
        }
    }
    return get_page_slowly(d, g, t);
}

int p2m_cache_flush(struct domain *d, gfn_t *g, u64 *nr)
{
    while (*nr > 0) {
        unsigned int order;
        enum p2m_type t;
        mfn_t m = p2m_lookup(d, *g, &t, &order);
        u64 step = MIN(*nr, BIT(order) - (g->g & (BIT(order) - 1)));

        step = t == P2M_INVALID ? step : MIN(step, (u64)FRAMES_MAP_MAX);
        if (p2m_has_page(t)) {
            void *va = frames_map(m, step);

            arch_clean_inval_dcache(va, (size_t)(step << PAGE_SHIFT));
            frames_unmap(va, step);
        }
        *g = gfn_add(*g, step);
        *nr -= step;
        if (*nr > 0 && hypercall_preempt_check()) {
            return -ERESTART;
        }
    }
    arch_inval_icache();
    return 0;
}

bool p2m_fault_is_stale(struct domain *d, u64 gpa, bool write)
{
    enum p2m_type t;

    (void)p2m_lookup(d, gpa_to_gfn(gpa), &t, NULL);
    return t != P2M_INVALID && (!write || p2m_is_writable(t));
}
