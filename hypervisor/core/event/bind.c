/* SPDX-License-Identifier: MIT */
/*
 * Opening, connecting, moving and closing ports. Semantics and errors as EVTCHNOP_* give them (public event_channel.h).
 */
#include "port.h"

#include <argon/hypercall.h>
#include <argon/panic.h>

/* Ports closed between two looks at whether the CPU is wanted. */
#define CLOSE_BATCH 16

/* The one way a port changes its state. Its lock is held, and its old or new remote end's too. */
static void set_state(struct evtchn *e, enum event_state to)
{
    static const u8 may_become[] = {     /* bits */
        [EVENT_CLOSED] = 1u << EVENT_UNBOUND | 1u << EVENT_INTERDOMAIN | 1u << EVENT_VIRQ | 1u << EVENT_IPI,
        [EVENT_UNBOUND] = 1u << EVENT_INTERDOMAIN | 1u << EVENT_CLOSED,
        [EVENT_INTERDOMAIN] = 1u << EVENT_UNBOUND | 1u << EVENT_CLOSED,
        [EVENT_VIRQ] = 1u << EVENT_CLOSED,
        [EVENT_IPI] = 1u << EVENT_CLOSED,
    };

    ASSERT(spin_is_locked(&e->lock));
    ASSERT((may_become[e->state] >> to & 1) != 0);
    e->state = (u8)to;
}

int event_alloc_unbound(struct domain *d, const struct domain *remote)
{
    struct evtchn *e;
    int port;

    spin_lock(&d->event.lock);
    port = event_port_alloc(d);
    if (port > 0) {
        e = event_known_port(d, (u32)port);
        spin_lock(&e->lock);
        e->remote_domid = remote->id;
        e->remote_serial = remote->serial;
        set_state(e, EVENT_UNBOUND);
        spin_unlock(&e->lock);
    }
    spin_unlock(&d->event.lock);
    return port;
}

/* Both ends locked. 0, or -EINVAL if the remote port does not wait for ld. */
static int connect(struct domain *ld, struct evtchn *le, u32 lport, struct domain *rd, struct evtchn *re, u32 rport)
{
    if (re->state != EVENT_UNBOUND || re->remote_serial != ld->serial || READ_ONCE(rd->dying)) {
        return -EINVAL;
    }
    le->remote_dom = rd;
    le->remote_domid = rd->id;
    le->remote_port = rport;
    set_state(le, EVENT_INTERDOMAIN);
    re->remote_dom = ld;
    re->remote_port = lport;
    set_state(re, EVENT_INTERDOMAIN);
    /* The remote may have sent before there was anybody: the local end looks once. */
    event_pend(ld, le, lport);
    return 0;
}

int event_bind_interdomain(struct domain *ld, struct domain *rd, u32 rport)
{
    struct evtchn *re = event_port(rd, rport);
    struct evtchn *le;
    int lport, rc;

    if (re == NULL) {
        return -EINVAL;
    }
    spin_lock(&ld->event.lock);
    lport = event_port_alloc(ld);
    if (lport > 0) {
        le = event_known_port(ld, (u32)lport);
        if (le == re) {
            rc = -EINVAL;                /* a port just allocated waits for nobody */
        } else {
            event_lock_two(le, re);
            rc = connect(ld, le, (u32)lport, rd, re, rport);
            event_unlock_pair(le, re);
        }
        if (rc != 0) {
            event_port_free(ld, (u32)lport);
            lport = rc;
        }
    }
    spin_unlock(&ld->event.lock);
    return lport;
}

int event_bind_virq(struct domain *d, u32 virq, u32 vcpu)
{
    struct vcpu *v;
    struct evtchn *e;
    int port;

    if (virq >= NR_VIRQS || (event_virq_is_global(virq) && vcpu != 0)) {
        return -EINVAL;
    }
    virq = (u32)index_nospec(virq, NR_VIRQS);
    v = event_vcpu_by_id(d, vcpu);
    if (v == NULL) {
        return -ENOENT;
    }
    spin_lock(&d->event.lock);
    if (v->event.virq_port[virq] != 0) {
        port = -EEXIST;
    } else {
        port = event_port_alloc(d);
    }
    if (port > 0) {
        e = event_known_port(d, (u32)port);
        spin_lock(&e->lock);
        e->vcpu = (u16)vcpu;
        e->virq = virq;
        set_state(e, EVENT_VIRQ);
        spin_unlock(&e->lock);
        atomic_store(&v->event.virq_port[virq], (u32)port);
    }
    spin_unlock(&d->event.lock);
    return port;
}

int event_bind_ipi(struct domain *d, u32 vcpu)
{
    struct evtchn *e;
    int port;

    if (event_vcpu_by_id(d, vcpu) == NULL) {
        return -ENOENT;
    }
    spin_lock(&d->event.lock);
    port = event_port_alloc(d);
    if (port > 0) {
        e = event_known_port(d, (u32)port);
        spin_lock(&e->lock);
        e->vcpu = (u16)vcpu;
        set_state(e, EVENT_IPI);
        spin_unlock(&e->lock);
    }
    spin_unlock(&d->event.lock);
    return port;
}

int event_close(struct domain *d, u32 port)
{
    struct evtchn *e = event_port(d, port);
    struct evtchn *peer;
    u32 virq = NR_VIRQS, virq_vcpu = 0;

    if (e == NULL) {
        return -EINVAL;
    }
    peer = event_lock_pair(e);
    if (e->state == EVENT_CLOSED) {
        event_unlock_pair(e, peer);
        return -EINVAL;
    }
    if (e->state == EVENT_VIRQ) {
        virq = e->virq;
        virq_vcpu = event_virq_is_global(virq) ? 0 : e->vcpu;
    }
    if (peer != NULL) {
        set_state(peer, EVENT_UNBOUND);     /* waits for us to come back */
        peer->remote_domid = d->id;
        peer->remote_serial = d->serial;
    }
    atomic_load(&d->event.ops)->clear_pending(d, e, port);
    e->remote_dom = NULL;
    set_state(e, EVENT_CLOSED);
    event_unlock_pair(e, peer);

    /* The number is free only now. A VIRQ cannot be bound anew before: its slot is still taken. */
    spin_lock(&d->event.lock);
    if (virq < NR_VIRQS) {
        atomic_store(&d->vcpu[virq_vcpu]->event.virq_port[virq], 0u);
    }
    event_port_free(d, port);
    spin_unlock(&d->event.lock);
    return 0;
}

int event_bind_vcpu(struct domain *d, u32 port, u32 vcpu)
{
    struct evtchn *e = event_port(d, port);
    int rc = 0;

    if (event_vcpu_by_id(d, vcpu) == NULL) {
        return -ENOENT;
    }
    if (e == NULL) {
        return -EINVAL;
    }
    spin_lock(&e->lock);
    switch (e->state) {
    case EVENT_UNBOUND:
    case EVENT_INTERDOMAIN:
        atomic_store(&e->vcpu, (u16)vcpu);
        break;
    case EVENT_VIRQ:
        if (event_virq_is_global(e->virq)) {
            atomic_store(&e->vcpu, (u16)vcpu);
        } else {
            rc = -EINVAL;
        }
        break;
    default:
        rc = -EINVAL;                    /* closed, or an IPI */
        break;
    }
    spin_unlock(&e->lock);
    return rc;
}

int event_unmask(struct domain *d, u32 port)
{
    struct evtchn *e = event_port(d, port);

    if (e == NULL) {
        return -EINVAL;
    }
    spin_lock(&e->lock);
    if (e->state != EVENT_CLOSED) {
        atomic_load(&d->event.ops)->unmask(d, e, port);
    }
    spin_unlock(&e->lock);
    return 0;
}

int event_set_priority(struct domain *d, u32 port, u32 priority)
{
    struct evtchn *e = event_port(d, port);
    int rc = 0;

    if (e == NULL || priority > EVTCHN_FIFO_PRIORITY_MIN) {
        return -EINVAL;
    }
    spin_lock(&e->lock);
    if (atomic_load(&d->event.ops) != &event_fifo_ops) {
        rc = -ENOSYS;
    } else if (e->state == EVENT_CLOSED) {
        rc = -EACCES;
    } else {
        atomic_store(&e->priority, (u8)priority);
    }
    spin_unlock(&e->lock);
    return rc;
}

int event_status(struct domain *d, u32 port, struct evtchn_status *st)
{
    static const u8 status_of[] = {
        [EVENT_CLOSED] = EVTCHNSTAT_closed,
        [EVENT_UNBOUND] = EVTCHNSTAT_unbound,
        [EVENT_INTERDOMAIN] = EVTCHNSTAT_interdomain,
        [EVENT_VIRQ] = EVTCHNSTAT_virq,
        [EVENT_IPI] = EVTCHNSTAT_ipi,
    };
    struct evtchn *e = event_port(d, port);

    if (e == NULL) {
        return -EINVAL;
    }
    spin_lock(&e->lock);
    st->status = status_of[e->state];
    st->vcpu = e->vcpu;
    if (e->state == EVENT_UNBOUND) {
        st->u.unbound.dom = e->remote_domid;
    } else if (e->state == EVENT_INTERDOMAIN) {
        st->u.interdomain.dom = e->remote_domid;
        st->u.interdomain.port = e->remote_port;
    } else if (e->state == EVENT_VIRQ) {
        st->u.virq = e->virq;
    }
    spin_unlock(&e->lock);
    return 0;
}

/* Close every port. -ERESTART now and then; starting over costs only a walk over the bitmap. */
static int close_all(struct domain *d)
{
    u32 n = 0;

    for (u32 port = event_next_used(d, 1); port <= d->event.max_port; port = event_next_used(d, port + 1)) {
        /* -EINVAL: another CPU was faster. */
        if (event_close(d, port) == 0 && ++n % CLOSE_BATCH == 0 && hypercall_preempt_check()) {
            return -ERESTART;
        }
    }
    return 0;
}

int event_reset(struct domain *d)
{
    int rc = close_all(d);

    if (rc != 0) {
        return rc;
    }
    spin_lock(&d->event.lock);
    if (d->event.active != 0) {
        rc = -EAGAIN;                    /* opened meanwhile: their words may be in use */
    } else {
        event_fifo_teardown(d);
    }
    spin_unlock(&d->event.lock);
    return rc;
}

int event_destroy(struct domain *d)
{
    int rc;

    if (d->event.buckets == NULL) {
        return 0;                        /* never initialised, or freed */
    }
    ASSERT(d->dying != DOMAIN_ALIVE);
    event_virq_forget_domain(d);
    /* Allocations check d->dying under this lock: none happens after we have held it. */
    spin_lock(&d->event.lock);
    spin_unlock(&d->event.lock);
    rc = event_reset(d);
    return rc == -EAGAIN ? -ERESTART : rc;
}
