/* SPDX-License-Identifier: MIT */
/* Domains with grant tables for the tests of core/grant. */
#ifndef TEST_GRANT_COMMON_H
#define TEST_GRANT_COMMON_H

#include "unit.h"
#include <argon/grant.h>
#include "../../hypervisor/core/grant/internal.h"

static struct domain *made[8];
static u32 nr_made;

unused static struct domain *make_max(u16 id, u32 frames, u32 maptrack)
{
    struct domain *d = unit_domain(id, 1);

    assert_int_equal(grant_init(d, frames, maptrack, 1), 0);
    made[nr_made++] = d;
    return d;
}

unused static struct domain *make(u16 id)
{
    return make_max(id, 4, 4);
}

unused static int setup(void **state)
{
    nr_made = 0;
    return unit_setup(state);
}

/* All die together; the last one's pages go when everybody has let go of them. */
unused static int teardown(void **state)
{
    host_irq_waiting = false;
    unit_preempt_after = ~0UL;
    for (u32 i = 0; i < nr_made; i++) {
        made[i]->dying = DOMAIN_DYING;
        assert_int_equal(grant_release_mappings(made[i]), 0);
    }
    for (u32 i = 0; i < nr_made; i++) {
        grant_destroy(made[i]);
    }
    return unit_teardown(state);
}
#define grant_test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

/* The guest's own view of its entry. */
unused static struct grant_entry_v1 *entry(struct domain *d, u32 ref)
{
    return &d->grant->shared[ref / 512][ref % 512];
}

/* d grants a new page to `to` by ref; its gpa. */
unused static u64 give(struct domain *d, u32 ref, struct domain *to, u16 flags)
{
    u64 gpa = unit_guest_alloc(d, PAGE_SIZE);

    entry(d, ref)->domid = to->id;
    entry(d, ref)->frame = (u32)(gpa >> PAGE_SHIFT);
    entry(d, ref)->flags = (u16)(GTF_permit_access | flags);
    return gpa;
}

unused static struct page *page_of(struct domain *d, u64 gpa)
{
    enum p2m_type t;
    mfn_t m = p2m_lookup(d, gpa_to_gfn(gpa), &t, NULL);

    return t != P2M_INVALID ? mfn_to_page(m) : NULL;
}

unused static enum p2m_type type_at(struct domain *d, u64 gpa)
{
    enum p2m_type t;
    mfn_t m = p2m_lookup(d, gpa_to_gfn(gpa), &t, NULL);

    (void)m;
    return t;
}

/* Map and return the status; handle and bus address where wanted. */
unused static s16 map(struct domain *ld, u64 at, struct domain *rd, u32 ref, u32 flags, u32 *handle)
{
    struct gnttab_map_grant_ref op = { .host_addr = at, .flags = flags, .ref = ref, .dom = rd->id, .handle = 0xdead };
    s16 status = grant_map(ld, rd, &op);

    if (status == GNTST_okay) {
        assert_int_equal(op.dev_bus_addr, mfn_to_paddr(page_to_mfn(page_of(ld, at))));
        if (handle != NULL) {
            *handle = op.handle;
        }
    }
    return status;
}

#define RW GNTMAP_host_map
#define RO (GNTMAP_host_map | GNTMAP_readonly)

#endif
