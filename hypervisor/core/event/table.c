/* SPDX-License-Identifier: MIT */
/* Ports: which are in use, their memory, and the order in which two are locked. */
#include "port.h"

#include <argon/bitmap.h>
#include <argon/mem.h>
#include <argon/panic.h>

/* Closed ports that are still on a guest's queue are passed over, but no more than this many in one allocation. */
#define BUSY_PORTS_MAX 64

int event_init(struct domain *d, u32 max_port)
{
    struct event_domain *ed = &d->event;

    spin_lock_init(&ed->lock, RANK_EVENT_TABLE);
    ed->max_port = MIN(max_port, EVENT_FIFO_PORTS - 1);
    ed->nr_buckets_max = (ed->max_port >> EVENT_BUCKET_SHIFT) + 1;
    ed->nr_used_words = (u32)BITMAP_WORDS(ed->max_port + 1);
    ed->buckets = xzalloc_array(struct evtchn *, ed->nr_buckets_max);
    ed->used = xzalloc_array(u64, ed->nr_used_words);
    ed->full = xzalloc_array(u64, BITMAP_WORDS(ed->nr_used_words));
    ed->ops = &event_2l_ops;
    if (ed->buckets == NULL || ed->used == NULL || ed->full == NULL) {
        event_free(d);
        return -ENOMEM;
    }
    bitmap_set(ed->used, 0);             /* port 0 is never a channel */
    return 0;
}

int event_init_vcpu(struct vcpu *v)
{
    v->event = (struct event_vcpu){ 0 };
    return 0;
}

void event_free(struct domain *d)
{
    struct event_domain *ed = &d->event;

    for (u32 i = 0; ed->buckets != NULL && i < ed->nr_buckets_max; i++) {
        if (ed->buckets[i] != NULL) {
            pages_free(ed->buckets[i], 0);
        }
    }
    xfree(ed->buckets);
    xfree(ed->used);
    xfree(ed->full);
    ed->buckets = NULL;
    ed->used = NULL;
    ed->full = NULL;
    ed->valid_ports = 0;
}

u64 event_bytes(const struct domain *d)
{
    const struct event_domain *ed = &d->event;
    u64 buckets = atomic_load(&ed->valid_ports) >> EVENT_BUCKET_SHIFT, bytes = buckets << PAGE_SHIFT;

    bytes += mem_object_bytes(ed->buckets) + mem_object_bytes(ed->used) + mem_object_bytes(ed->full);
    bytes += mem_object_bytes(READ_ONCE(ed->fifo));
    for_each_vcpu(d, v) {
        bytes += mem_object_bytes(READ_ONCE(v->event.fifo));
    }
    return bytes;
}

/* Give ports up to `port` their structs. */
static int grow(struct domain *d, u32 port)
{
    struct event_domain *ed = &d->event;

    while (port >= ed->valid_ports) {
        u32 bucket = ed->valid_ports >> EVENT_BUCKET_SHIFT;
        struct evtchn *ports = pages_alloc_for(d, 0, MEMF_ZERO);

        if (ports == NULL) {
            return -ENOMEM;
        }
        for (u32 i = 0; i < EVENT_BUCKET_PORTS; i++) {
            spin_lock_init(&ports[i].lock, RANK_EVENT_PORT);
        }
        ed->buckets[bucket] = ports;
        /* Lookups without a lock: whoever sees the limit sees the bucket. */
        atomic_store_release(&ed->valid_ports, (bucket + 1) << EVENT_BUCKET_SHIFT);
    }
    return 0;
}

/* Lowest unused port at or after `from` below `limit`; limit if none. O(words of `full`). */
static u32 next_unused(const struct event_domain *ed, u32 from, u32 limit)
{
    size_t port = bitmap_next_clear(ed->used, MIN(ROUND_UP(from + 1, 64), limit), from);
    size_t word;

    if (port < MIN(ROUND_UP(from + 1, 64), limit)) {
        return (u32)port;
    }
    word = bitmap_next_clear(ed->full, ed->nr_used_words, from / 64 + 1);
    if (word >= ed->nr_used_words) {
        return limit;
    }
    return (u32)bitmap_next_clear(ed->used, limit, word * 64);
}

int event_port_alloc(struct domain *d)
{
    struct event_domain *ed = &d->event;
    u32 limit = MIN(ed->max_port + 1, ed->ops->nr_ports);
    u32 first, port;
    struct evtchn *e;
    int rc;

    ASSERT(spin_is_locked(&ed->lock));
    if (READ_ONCE(d->dying)) {
        return -EINVAL;
    }
    first = next_unused(ed, 0, limit);
    port = first;
    for (u32 n = 0; n < BUSY_PORTS_MAX && port < limit && ed->ops->is_busy(d, port); n++) {
        port = next_unused(ed, port + 1, limit);
    }
    if (port >= limit || ed->ops->is_busy(d, port)) {
        port = first;                    /* a late event at worst, on queues the guest itself left unread */
    }
    if (port >= limit) {
        return -ENOSPC;
    }
    rc = grow(d, port);
    if (rc != 0) {
        return rc;
    }
    e = event_known_port(d, port);
    ASSERT(e->state == EVENT_CLOSED && !bitmap_test(ed->used, port));
    spin_lock(&e->lock);
    atomic_store(&e->vcpu, 0);
    atomic_store(&e->priority, EVTCHN_FIFO_PRIORITY_DEFAULT);
    atomic_store(&e->pending, 0);
    spin_unlock(&e->lock);
    bitmap_set(ed->used, port);
    if (ed->used[port / 64] == UINT64_MAX) {
        bitmap_set(ed->full, port / 64);
    }
    ed->active++;
    return (int)port;
}

void event_port_free(struct domain *d, u32 port)
{
    struct event_domain *ed = &d->event;

    ASSERT(spin_is_locked(&ed->lock));
    ASSERT(event_known_port(d, port)->state == EVENT_CLOSED && bitmap_test(ed->used, port) && ed->active > 0);
    bitmap_clear(ed->used, port);
    bitmap_clear(ed->full, port / 64);
    ed->active--;
}

u32 event_next_used(const struct domain *d, u32 from)
{
    return (u32)bitmap_next_set(d->event.used, d->event.max_port + 1, from);
}

void event_lock_two(struct evtchn *a, struct evtchn *b)
{
    spin_lock(a < b ? &a->lock : &b->lock);
    spin_lock_nested(a < b ? &b->lock : &a->lock);
}

void event_unlock_pair(struct evtchn *e, struct evtchn *peer)
{
    if (peer != NULL) {
        spin_unlock(&peer->lock);
    }
    spin_unlock(&e->lock);
}

struct evtchn *event_lock_pair(struct evtchn *e)
{
    for (;;) {
        struct evtchn *peer;

        spin_lock(&e->lock);
        if (e->state != EVENT_INTERDOMAIN) {
            return NULL;
        }
        peer = event_known_port(e->remote_dom, e->remote_port);
        if (peer > e) {
            spin_lock_nested(&peer->lock);
            return peer;
        }
        /* Order: lower address first. Port structs outlive this call, connected or not (smp.h). */
        spin_unlock(&e->lock);
        event_lock_two(e, peer);
        if (e->state == EVENT_INTERDOMAIN && event_known_port(e->remote_dom, e->remote_port) == peer) {
            return peer;
        }
        /*
         * Closed meanwhile, maybe bound anew: another CPU made that progress; try again. No bound: to lose each time
         * its hypercalls, a close and a bind, would have to fall into these few instructions each time.
         */
        event_unlock_pair(e, peer);
    }
}
