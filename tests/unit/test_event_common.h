/* SPDX-License-Identifier: MIT */
/* Domains with event channels for the tests of core/event. */
#ifndef TEST_EVENT_COMMON_H
#define TEST_EVENT_COMMON_H

#include "unit.h"
#include <argon/event.h>
#include "../../hypervisor/core/event/port.h"

static struct domain *made[8];
static u32 nr_made;

unused static struct domain *make_max(u16 id, u32 vcpus, u32 max_port)
{
    struct domain *d = unit_domain(id, vcpus);

    assert_int_equal(event_init(d, max_port), 0);
    d->arch.event_ppi = id == 0 ? 16 : 31;
    for_each_vcpu(d, v) {
        assert_int_equal(event_init_vcpu(v), 0);
    }
    made[nr_made++] = d;
    return d;
}

unused static struct domain *make(u16 id, u32 vcpus)
{
    return make_max(id, vcpus, ~0u);
}

unused static int setup(void **state)
{
    nr_made = 0;
    return unit_setup(state);
}

unused static int teardown(void **state)
{
    for (u32 i = 0; i < nr_made; i++) {
        made[i]->dying = DOMAIN_DYING;
        unit_preempt_after = ~0UL;
        assert_int_equal(event_destroy(made[i]), 0);
        event_free(made[i]);
    }
    return unit_teardown(state);
}
#define event_test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

/* ---- the guest's side of 2-level ---- */
unused static bool pending_2l(struct domain *d, u32 port)
{
    return d->shared_info->evtchn_pending[port / 64] >> (port % 64) & 1;
}

unused static void clear_2l(struct domain *d, struct vcpu *v, u32 port)
{
    d->shared_info->evtchn_pending[port / 64] &= ~BIT(port % 64);
    v->info->evtchn_pending_sel &= ~BIT(port / 64);
    v->info->evtchn_upcall_pending = 0;
}

unused static void mask_2l(struct domain *d, u32 port)
{
    d->shared_info->evtchn_mask[port / 64] |= BIT(port % 64);
}

/* A pair of connected ports: *a of da, *b of db, nothing pending. */
unused static void connect_pair(struct domain *da, u32 *a, struct domain *db, u32 *b)
{
    int pb = unit_unbound(db, da->id);
    int pa;

    assert_true(pb > 0);
    pa = event_bind_interdomain(da, db, (u32)pb);
    assert_true(pa > 0);
    *a = (u32)pa;
    *b = (u32)pb;
    if (da->event.fifo == NULL) {
        clear_2l(da, da->vcpu[0], *a);
    }
}

unused static struct evtchn_status status_of(struct domain *d, u32 port)
{
    struct evtchn_status st;

    memset(&st, 0xee, sizeof(st));
    assert_int_equal(event_status(d, port, &st), 0);
    return st;
}

#endif
