/* SPDX-License-Identifier: MIT */
/*
 * The 2-level ABI (public event_channel.h, xen.h): a pending and a mask bit per port in shared_info, and a selector
 * word per vCPU whose bit n says "look at word n". All of these are the guest's to write: nothing here trusts them.
 */
#include "port.h"

#include <argon/panic.h>

/* Tell the port's vCPU: selector bit, then the upcall byte. */
static void notify(struct domain *d, struct evtchn *e, u32 port)
{
    struct vcpu *v = event_target(d, e);
    u64 bit = BIT(port / 64);
    u64 old;

    if (unlikely(v == NULL)) {
        return;
    }
    if (unlikely(!guest_or64(d, &atomic_load(&v->info)->evtchn_pending_sel, bit, &old))) {
        event_word_stuck(d, port);
    } else if (!(old & bit)) {
        event_upcall_set(v);
    }
}

void two_level_tell(struct domain *d, struct evtchn *e, u32 port)
{
    if (!(atomic_load(&d->shared_info->evtchn_mask[port / 64]) & BIT(port % 64))) {
        notify(d, e, port);
    }
    event_check_pollers(d);
}

static void two_level_set_pending(struct domain *d, struct evtchn *e, u32 port)
{
    u64 bit = BIT(port % 64);
    u64 old;

    if (unlikely(!guest_or64(d, &d->shared_info->evtchn_pending[port / 64], bit, &old))) {
        event_word_stuck(d, port);
    } else if (!(old & bit)) {
        /*
         * The guest clears the mask, then reads pending; we set pending, then read the mask: one of the two sees the
         * other.
         */
        cpu_barrier();
        two_level_tell(d, e, port);
    }
}

static void two_level_clear_pending(struct domain *d, struct evtchn *e, u32 port)
{
    u64 old;

    (void)e;
    if (!guest_and64(d, &d->shared_info->evtchn_pending[port / 64], ~BIT(port % 64), &old)) {
        event_word_stuck(d, port);
    }
}

static void two_level_unmask(struct domain *d, struct evtchn *e, u32 port)
{
    u64 bit = BIT(port % 64);
    u64 old;

    ASSERT(port < EVENT_2L_PORTS);
    if (!guest_and64(d, &d->shared_info->evtchn_mask[port / 64], ~bit, &old)) {
        event_word_stuck(d, port);
        return;
    }
    cpu_barrier();
    if ((old & bit) && (atomic_load(&d->shared_info->evtchn_pending[port / 64]) & bit)) {
        notify(d, e, port);
    }
}

static bool two_level_is_pending(struct domain *d, struct evtchn *e, u32 port)
{
    ASSERT(port < EVENT_2L_PORTS);
    (void)e;
    return atomic_load(&d->shared_info->evtchn_pending[port / 64]) >> (port % 64) & 1;
}

static bool two_level_is_masked(struct domain *d, u32 port)
{
    ASSERT(port < EVENT_2L_PORTS);
    return atomic_load(&d->shared_info->evtchn_mask[port / 64]) >> (port % 64) & 1;
}

static bool two_level_is_busy(struct domain *d, u32 port)
{
    (void)d;
    (void)port;
    return false;
}

const struct event_ops event_2l_ops = {
    .nr_ports = EVENT_2L_PORTS,
    .set_pending = two_level_set_pending,
    .clear_pending = two_level_clear_pending,
    .unmask = two_level_unmask,
    .is_pending = two_level_is_pending,
    .is_masked = two_level_is_masked,
    .is_busy = two_level_is_busy,
};
