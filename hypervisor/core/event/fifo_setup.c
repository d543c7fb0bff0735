/* SPDX-License-Identifier: MIT */
/*
 * Switching a domain to the FIFO ABI, growing its event array, and the way back to 2-level. The guest's pages are used
 * in place, by a reference on each; they must be its own writable RAM. All here is under d->event.lock.
 */
#include "port.h"

#include <argon/mem.h>
#include <argon/p2m.h>
#include <argon/panic.h>

/* A reference on the page of d's own writable RAM at gfn g, and its address; NULL if it is none. */
static void *guest_page_get(struct domain *d, u64 g)
{
    enum p2m_type t;
    struct page *pg = p2m_get_own(d, gfn(g), true, &t);

    return pg != NULL ? frame_map_lasting(page_to_mfn(pg)) : NULL;
}

/* va: anywhere in the page. */
static void guest_page_put(void *va)
{
    page_put(mfn_to_page(frame_unmap_lasting(va)));
}

/* For all open ports in [first, end): fn with the port and its remote end locked. */
static void for_open_ports(struct domain *d, u32 first, u32 end,
                           void (*fn)(struct domain *d, struct evtchn *e, u32 port))
{
    end = MIN(end, d->event.valid_ports);
    for (u32 port = event_next_used(d, first); port < end; port = event_next_used(d, port + 1)) {
        struct evtchn *e = event_known_port(d, port);
        struct evtchn *peer;

        if (port == 0) {
            continue;
        }
        peer = event_lock_pair(e);
        if (e->state != EVENT_CLOSED) {
            fn(d, e, port);
        }
        event_unlock_pair(e, peer);
    }
}

/*
 * Carry a port's state over from 2-level. The table of operations has been switched; a sender that still used the old
 * one held one of this connection's locks, and is done now. Its word's page cannot be there yet.
 */
static void carry_over(struct domain *d, struct evtchn *e, u32 port)
{
    atomic_store(&e->priority, EVTCHN_FIFO_PRIORITY_DEFAULT);
    if (event_2l_ops.is_pending(d, e, port)) {
        atomic_store(&e->pending, 1);
    }
}

static void enable_fifo(struct domain *d, struct event_fifo *f)
{
    /* A send looks at this alone (event.c). */
    atomic_store_release(&d->event.fifo, f);
    atomic_store_release(&d->event.ops, &event_fifo_ops);
    for_open_ports(d, 1, EVENT_2L_PORTS, carry_over);
}

static int init_control_locked(struct domain *d, struct vcpu *v, struct evtchn_fifo_control_block *cb)
{
    struct event_fifo_vcpu *fv;
    struct event_fifo *f = NULL;

    ASSERT(spin_is_locked(&d->event.lock) && v->domain == d);
    if (READ_ONCE(d->dying) || v->event.fifo != NULL) {
        return -EINVAL;
    }
    fv = xzalloc(struct event_fifo_vcpu);
    if (d->event.fifo == NULL) {
        f = xzalloc(struct event_fifo);
    }
    if (fv == NULL || (d->event.fifo == NULL && f == NULL)) {
        xfree(fv);
        xfree(f);
        return -ENOMEM;
    }
    for (u32 i = 0; i < EVTCHN_FIFO_MAX_QUEUES; i++) {
        spin_lock_init(&fv->queue[i].lock, RANK_EVENT_QUEUE);
    }
    fv->control = cb;
    atomic_store_release(&v->event.fifo, fv);
    if (f != NULL) {
        enable_fifo(d, f);
    }
    return 0;
}

int event_init_control(struct domain *d, u32 vcpu, u64 control_gfn, u32 offset)
{
    struct vcpu *v = event_vcpu_by_id(d, vcpu);
    void *page;
    int rc;

    if (v == NULL) {
        return -ENOENT;
    }
    if (offset > PAGE_SIZE - sizeof(struct evtchn_fifo_control_block) || offset % 8 != 0) {
        return -EINVAL;
    }
    page = guest_page_get(d, control_gfn);
    if (page == NULL) {
        return -EINVAL;
    }
    spin_lock(&d->event.lock);
    rc = init_control_locked(d, v, (void *)((char *)page + offset));
    spin_unlock(&d->event.lock);
    if (rc != 0) {
        guest_page_put(page);
    }
    return rc;
}

/* Events that came while the word's page was missing are set now. */
static void deliver_waiting(struct domain *d, struct evtchn *e, u32 port)
{
    if (atomic_load(&e->pending)) {
        atomic_store(&e->pending, 0);
        event_pend(d, e, port);
    }
}

int event_expand_array(struct domain *d, u64 array_gfn)
{
    void *page = guest_page_get(d, array_gfn);
    struct event_fifo *f;
    u32 first = 0;
    int rc = 0;

    spin_lock(&d->event.lock);
    f = d->event.fifo;
    if (f == NULL) {
        rc = -EOPNOTSUPP;
    } else if (f->nr_pages == FIFO_MAX_PAGES) {
        rc = -ENOSPC;
    } else if (page == NULL || READ_ONCE(d->dying)) {
        rc = -EINVAL;
    } else {
        first = f->nr_pages * FIFO_WORDS_PER_PAGE;
        f->page[f->nr_pages] = page;
        atomic_store_release(&f->nr_pages, f->nr_pages + 1);
        for_open_ports(d, first, first + FIFO_WORDS_PER_PAGE, deliver_waiting);
    }
    spin_unlock(&d->event.lock);
    if (rc != 0 && page != NULL) {
        guest_page_put(page);
    }
    return rc;
}

void event_fifo_teardown(struct domain *d)
{
    struct event_fifo *f = d->event.fifo;

    ASSERT(spin_is_locked(&d->event.lock) && d->event.active == 0);
    if (f == NULL) {
        return;
    }
    atomic_store_release(&d->event.ops, &event_2l_ops);
    d->event.fifo = NULL;
    for (u32 i = 0; i < f->nr_pages; i++) {
        guest_page_put(f->page[i]);
    }
    xfree(f);
    for_each_vcpu(d, v) {
        if (v->event.fifo != NULL) {
            guest_page_put(v->event.fifo->control);
            xfree(v->event.fifo);
            atomic_store_release(&v->event.fifo, NULL);
        }
    }
}
