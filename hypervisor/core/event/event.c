/* SPDX-License-Identifier: MIT */
/*
 * Sending events: from a guest, VIRQs from the hypervisor, and the upcall that tells a vCPU. The hot part of event
 * channels.
 */
#include "port.h"

#include <argon/console.h>
#include <argon/hypercall.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <asm/vcpu.h>

/* Per-vCPU VIRQs; all others are global (public xen.h: "V." and "G."). */
#define VIRQS_PER_VCPU (BIT32(VIRQ_TIMER) | BIT32(VIRQ_DEBUG) | BIT32(VIRQ_XENOPROF) | BIT32(VIRQ_XENPMU))

/* Who gets a global VIRQ; NULL: dom0. Written under virq_handler_lock; a dying domain is removed before it is freed. */
static struct domain *virq_handler[NR_VIRQS];
static struct spinlock virq_handler_lock = SPINLOCK_INIT(RANK_EVENT_TABLE);

bool event_virq_is_global(u32 virq)
{
    return !(VIRQS_PER_VCPU >> virq & 1);
}

/*
 * Wake a vCPU that does not run: its interrupt does it only if the guest has it enabled, but WFI ends for any event.
 */
static void upcall_raise(struct vcpu *v)
{
    arch_event_upcall(v);
    /* The byte was written before pause_flags is read; a vCPU about to block sets the flag before it reads the byte. */
    cpu_barrier();
    if (unlikely(atomic_load(&v->pause_flags) & (VPF_BLOCKED | VPF_POLL))) {
        vcpu_kick(v, 0);
    }
}

void event_upcall_set(struct vcpu *v)
{
    bool stuck = false;

    if (guest_set_flag8(v->domain, &atomic_load(&v->info)->evtchn_upcall_pending, &stuck)) {
        upcall_raise(v);
    } else if (unlikely(stuck)) {
        event_word_stuck(v->domain, 0);
    }
}

void event_resync_vcpu(struct vcpu *v)
{
    /* Senders set a port's bit, then read v->info: either they see the new place or we see their bit below. */
    cpu_barrier();
    guest_store(v->domain, &v->info->evtchn_pending_sel, ~(xen_ulong_t)0);
    guest_store_release(v->domain, &v->info->evtchn_upcall_pending, 1);
    upcall_raise(v);
}

void event_wake_pollers(struct domain *d)
{
    /*
     * A poller sets its flag, then the hint, then looks at its ports. If we take its hint we see its flag; if it comes
     * after us it sees the port. Those who poll for other ports wake early, which the ABI allows.
     */
    (void)atomic_exchange(&d->poll_mask, 0u);
    for_each_vcpu(d, v) {
        if (atomic_load(&v->pause_flags) & VPF_POLL) {
            vcpu_unblock(v, VPF_POLL);
        }
    }
}

void event_word_stuck(struct domain *d, u32 port)
{
    log_guest(LOG_WARN, d, "event lost: port %u: shared word never at rest", port);
}

void event_pend(struct domain *d, struct evtchn *e, u32 port)
{
    ASSERT(e->state != EVENT_CLOSED);
    atomic_load(&d->event.ops)->set_pending(d, e, port);
}

/* e is d's port, locked: send, whatever it is, and unlock. */
static noinline long send_locked(struct domain *d, struct evtchn *e, u32 port)
{
    int rc = 0;

    ASSERT(spin_is_locked(&e->lock));
    switch (e->state) {
    case EVENT_INTERDOMAIN:
        event_pend(e->remote_dom, event_known_port(e->remote_dom, e->remote_port), e->remote_port);
        break;
    case EVENT_IPI:
        event_pend(d, e, port);
        break;
    case EVENT_UNBOUND:
        break;                           /* nobody there yet: no error */
    default:
        rc = -EINVAL;                    /* closed; VIRQs are the hypervisor's to send */
        break;
    }
    spin_unlock(&e->lock);
    return rc;
}

static noinline long send_contended(struct domain *d, struct evtchn *e, u32 port)
{
    spin_lock(&e->lock);
    return send_locked(d, e, port);
}

/* The remote end, 2-level, has just become pending: tell, and unlock our end. */
static noinline long send_notify(struct evtchn *e, struct domain *rd, u32 rport)
{
    two_level_tell(rd, event_known_port(rd, rport), rport);
    spin_unlock(&e->lock);
    return 0;
}

/*
 * The remote end's domain has been seen to use FIFO. It may be switching to it just now: its ports have no pages then,
 * the event waits in the port, and enable_fifo() leaves it there.
 */
static noinline long send_fifo(struct evtchn *e, struct domain *rd, u32 rport)
{
    event_fifo_set_pending(rd, event_known_port(rd, rport), rport);
    spin_unlock(&e->lock);
    return 0;
}

/* From a word of evtchn_pending to that of evtchn_mask for the same ports. */
#define MASK_AFTER_PENDING \
    ((offsetof(struct shared_info, evtchn_mask) - offsetof(struct shared_info, evtchn_pending)) / sizeof(u64))

/*
 * The way of a send that finds its lock free and a remote end that uses the 2-level ABI is inline here as far as it
 * needs no call: a remote that is pending already, or masks the port, costs no more. Everything else continues in the
 * functions above.
 */
long event_send(struct domain *d, u32 port)
{
    struct evtchn *e;
    struct domain *rd;
    u64 *word, bit, w;
    u32 rport;

    if (unlikely(port >= atomic_load_acquire(&d->event.valid_ports))) {
        return -EINVAL;
    }
    e = event_known_port(d, port);
    if (unlikely(!spin_trylock(&e->lock))) {
        return send_contended(d, e, port);
    }
    if (likely(e->state == EVENT_INTERDOMAIN)) {
        rd = e->remote_dom;
        rport = e->remote_port;
    } else if (e->state == EVENT_IPI) {
        rd = d;
        rport = port;
    } else {
        return send_locked(d, e, port);
    }
    if (atomic_load_acquire(&rd->event.fifo) != NULL) {
        return send_fifo(e, rd, rport);
    }
    word = &rd->shared_info->evtchn_pending[rport / 64];
    bit = BIT(rport % 64);
    if (unlikely(!guest_or64_once(rd, word, bit, &w))) {
        return send_locked(d, e, port);  /* starts over, with patience */
    }
    if (!(w & bit)) {
        /* As in two_level.c: pending, then mask and pollers. */
        cpu_barrier();
        if (!(atomic_load(word + MASK_AFTER_PENDING) & bit) || unlikely(atomic_load(&rd->poll_mask) != 0)) {
            return send_notify(e, rd, rport);
        }
    }
    spin_unlock(&e->lock);
    return 0;
}

/* Send through a VIRQ's port if that is still what it is bound to. */
static void send_virq_port(struct domain *d, u32 port, u32 virq)
{
    struct evtchn *e = port != 0 ? event_port(d, port) : NULL;

    if (e == NULL) {
        return;
    }
    spin_lock(&e->lock);
    if (e->state == EVENT_VIRQ && e->virq == virq) {
        event_pend(d, e, port);
    }
    spin_unlock(&e->lock);
}

void event_send_global_virq(u32 virq)
{
    struct domain *d;
    struct vcpu *v;

    if (virq >= NR_VIRQS || !event_virq_is_global(virq)) {
        return;
    }
    d = atomic_load(&virq_handler[virq]);
    if (d == NULL) {
        d = dom0;
    }
    v = d != NULL ? event_vcpu_by_id(d, 0) : NULL;
    if (v != NULL) {
        send_virq_port(d, atomic_load(&v->event.virq_port[virq]), virq);
    }
}

int event_set_global_virq_handler(struct domain *d, u32 virq)
{
    int rc = 0;

    if (virq >= NR_VIRQS || !event_virq_is_global(virq)) {
        return -EINVAL;
    }
    spin_lock(&virq_handler_lock);
    if (READ_ONCE(d->dying)) {
        rc = -EINVAL;
    } else {
        atomic_store(&virq_handler[virq], d);
    }
    spin_unlock(&virq_handler_lock);
    return rc;
}

void event_virq_forget_domain(struct domain *d)
{
    spin_lock(&virq_handler_lock);
    for (u32 i = 0; i < NR_VIRQS; i++) {
        if (virq_handler[i] == d) {
            atomic_store(&virq_handler[i], NULL);
        }
    }
    spin_unlock(&virq_handler_lock);
}

bool event_port_is_pending(struct domain *d, u32 port)
{
    struct evtchn *e = event_port(d, port);
    bool pending;

    if (e == NULL) {
        return false;
    }
    spin_lock(&e->lock);
    pending = e->state != EVENT_CLOSED && atomic_load(&d->event.ops)->is_pending(d, e, port);
    spin_unlock(&e->lock);
    return pending;
}
