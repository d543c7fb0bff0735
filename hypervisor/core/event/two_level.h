/* SPDX-License-Identifier: MIT */
/*
 * The 2-level ABI's way of making a port pending, inline for event_send(). All words here are the guest's to write: nothing trusts them.
 */
#ifndef CORE_EVENT_TWO_LEVEL_H
#define CORE_EVENT_TWO_LEVEL_H

#include "port.h"

/* Tell the port's vCPU, the port being pending and not masked, and those who poll for it. */
void two_level_notify(struct domain *d, struct evtchn *e, u32 port);

static always_inline void two_level_set_pending(struct domain *d, struct evtchn *e, u32 port)
{
    struct shared_info *si = d->shared_info;
    u64 bit = BIT(port % 64);
    u64 old;

    if (unlikely(!guest_or64(&si->evtchn_pending[port / 64], bit, &old))) {
        event_word_stuck(d, port);
        return;
    }
    if (old & bit) {
        return;
    }
    /* The guest clears the mask, then reads pending; we set pending, then read the mask: one of the two sees the other. */
    cpu_barrier();
    if (!(atomic_load(&si->evtchn_mask[port / 64]) & bit)) {
        two_level_notify(d, e, port);
    } else {
        event_check_pollers(d);
    }
}

#endif
