/* SPDX-License-Identifier: MIT */
/*
 * The FIFO ABI (public event_channel.h): a word per port with PENDING, MASKED, LINKED, BUSY and the next port of its
 * queue, in pages the guest gave; a control block per vCPU with 16 queue heads and a word that says which queues have
 * become non-empty.
 *
 * Who changes what: the hypervisor sets PENDING and LINKED, appends to queues and writes heads; the guest takes from
 * the front: it clears LINKED and the link together, and PENDING when it handles the event. The queue is empty when its
 * last word is not LINKED any more.
 *
 * All words are the guest's to scribble on. Therefore the tail of each queue is kept here, links are written and never
 * followed, and every atomic operation is tried a bounded number of times. A guest that breaks the protocol loses its
 * own events.
 */
#include "port.h"

#include <argon/console.h>
#include <argon/panic.h>

#define PENDING BIT32(EVTCHN_FIFO_PENDING)
#define MASKED  BIT32(EVTCHN_FIFO_MASKED)
#define LINKED  BIT32(EVTCHN_FIFO_LINKED)
#define BUSY    BIT32(EVTCHN_FIFO_BUSY)

/*
 * After so many lost races for the tail's word ask the guest, by BUSY, to keep off it; after LINK_TRIES take the queue
 * for empty.
 */
#define BUSY_TRIES 4
#define LINK_TRIES 64
/* Changes of a port's queue by other CPUs, while we want to link it, that are put up with. */
#define MOVE_TRIES 8

/* A queue's number: vCPU and priority. */
#define QUEUE_OF(vcpu, prio) ((u32)(vcpu) << 4 | (prio))

/* The port's word, NULL while its page has not been given. */
static always_inline u32 *word_of(const struct domain *d, u32 port)
{
    const struct event_fifo *f = d->event.fifo;

    if (unlikely(port / FIFO_WORDS_PER_PAGE >= atomic_load_acquire(&f->nr_pages))) {
        return NULL;
    }
    return &f->page[port / FIFO_WORDS_PER_PAGE][port % FIFO_WORDS_PER_PAGE];
}

/* NULL if that vCPU has no control block. */
static always_inline struct event_fifo_queue *queue_by_number(const struct domain *d, u32 number)
{
    struct event_fifo_vcpu *fv = atomic_load_acquire(&d->vcpu[number >> 4]->event.fifo);

    return fv != NULL ? &fv->queue[number % EVTCHN_FIFO_MAX_QUEUES] : NULL;
}

/*
 * Lock the queue `want` for linking e. A port may sit, as the last taken, at the tail of the queue it was last on; were
 * it linked on another queue then, the next port of the old queue would be appended to the new one. So it is first
 * forgotten there, under the old queue's lock. NULL: linked already (by another CPU), or the race was lost for good.
 */
static noinline struct event_fifo_queue *move_and_lock(struct domain *d, struct evtchn *e, u32 port, u32 *word,
                                                       u32 want)
{
    for (unsigned int n = 0; n < MOVE_TRIES; n++) {
        u32 at = atomic_load(&e->queue);
        struct event_fifo_queue *q = queue_by_number(d, at);

        if (unlikely(q == NULL)) {
            /* A left-over from before a reset. */
            (void)atomic_cmpxchg(&e->queue, &at, want);
            continue;
        }
        spin_lock(&q->lock);
        if (likely(atomic_load(&e->queue) == at)) {
            if (at == want) {
                return q;
            }
            if (atomic_load(word) & LINKED) {
                spin_unlock(&q->lock);
                return NULL;
            }
            if (q->tail == port) {
                q->tail = 0;
            }
            atomic_store(&e->queue, want);
        }
        spin_unlock(&q->lock);
    }
    return NULL;
}

/* As move_and_lock(); fv: the vCPU's of `want`. A port nearly always stays on its queue. */
static always_inline struct event_fifo_queue *lock_queue(struct domain *d, struct evtchn *e, u32 port, u32 *word,
                                                         struct event_fifo_vcpu *fv, u32 want)
{
    struct event_fifo_queue *q = &fv->queue[want % EVTCHN_FIFO_MAX_QUEUES];

    if (likely(atomic_load(&e->queue) == want)) {
        spin_lock(&q->lock);
        if (likely(atomic_load(&e->queue) == want)) {
            return q;
        }
        spin_unlock(&q->lock);
    }
    return move_and_lock(d, e, port, word, want);
}

/*
 * Append `port` to the word of `tail` if that is still LINKED. False: it is not, the queue is empty. The queue's lock
 * is held.
 */
static noinline bool set_link(struct domain *d, u32 tail, u32 port)
{
    u32 *word = word_of(d, tail);
    u32 w = atomic_load(word);
    u32 old;

    for (unsigned int n = 0; n < LINK_TRIES; n++) {
        if (!(w & LINKED)) {
            break;
        }
        if (guest_try_cmpxchg(d, word, &w, (w & ~(BUSY | (u32)EVTCHN_FIFO_LINK_MASK)) | port)) {
            return true;
        }
        if (n == BUSY_TRIES && !(w & BUSY)) {
            if (guest_or32(d, word, BUSY, &old)) {
                w = old | BUSY;
            }
        }
    }
    if (w & BUSY) {
        if (!guest_and32(d, word, ~BUSY, &old)) {
            event_word_stuck(d, tail);
        }
    }
    return false;
}

static noinline void no_control_block(struct domain *d, u32 vcpu, u32 port)
{
    log_guest(LOG_WARN, d, "no FIFO control block on vCPU %u: port %u not linked", vcpu, port);
}

/*
 * Put the port, pending, not masked and not LINKED before, on its vCPU's queue by its priority; tell the vCPU if that
 * was empty.
 */
static always_inline void link_port(struct domain *d, struct evtchn *e, u32 port, u32 *word)
{
    struct vcpu *v = event_target(d, e);
    struct event_fifo_vcpu *fv = v != NULL ? atomic_load_acquire(&v->event.fifo) : NULL;
    u32 prio = atomic_load(&e->priority);
    struct event_fifo_queue *q;
    bool appended;
    u32 old;

    if (unlikely(fv == NULL)) {
        no_control_block(d, e->vcpu, port);
        return;
    }
    q = lock_queue(d, e, port, word, fv, QUEUE_OF(v->id, prio));
    if (unlikely(q == NULL)) {
        return;
    }
    if (unlikely(!guest_or32(d, word, LINKED, &old))) {
        spin_unlock(&q->lock);
        event_word_stuck(d, port);
        return;
    }
    if (unlikely(old & LINKED)) {
        spin_unlock(&q->lock);
        return;
    }
    /* If the port itself is the tail the queue is empty: its word looks LINKED because it has just become so. */
    appended = q->tail != 0 && q->tail != port && set_link(d, q->tail, port);
    if (!appended) {
        guest_store(d, &fv->control->head[prio], port);
    }
    q->tail = port;
    spin_unlock(&q->lock);
    if (!appended) {
        /* Orders the head before the bit: the guest takes the bit, then reads the head. */
        if (unlikely(!guest_or32(d, &fv->control->ready, BIT32(prio), &old))) {
            event_word_stuck(d, port);
        } else if (!(old & BIT32(prio))) {
            /*
             * The bit, then v->info: either we see where vcpu_info has moved to, or the guest, told there, sees the
             * bit.
             */
            cpu_barrier();
            event_upcall_set(v);
        }
    }
}

void event_fifo_set_pending(struct domain *d, struct evtchn *e, u32 port)
{
    u32 *word = word_of(d, port);
    u32 old;

    if (unlikely(word == NULL)) {
        atomic_store(&e->pending, 1);       /* told when the page comes (event_expand_array) */
        return;
    }
    if (unlikely(!guest_or32(d, word, PENDING, &old))) {
        event_word_stuck(d, port);
        return;
    }
    if (!(old & (MASKED | LINKED))) {
        link_port(d, e, port, word);
    }
    if (!(old & PENDING)) {
        cpu_barrier();                   /* the bit, then poll_mask: see event_check_pollers */
        event_check_pollers(d);
    }
}

static void fifo_clear_pending(struct domain *d, struct evtchn *e, u32 port)
{
    u32 *word = word_of(d, port);
    u32 old;

    atomic_store(&e->pending, 0);
    /* LINKED stays: the port is still on a queue, and the guest will step over it. */
    if (word != NULL && !guest_and32(d, word, ~PENDING, &old)) {
        event_word_stuck(d, port);
    }
}

static void fifo_unmask(struct domain *d, struct evtchn *e, u32 port)
{
    u32 *word = word_of(d, port);
    u32 old;

    if (word == NULL) {
        return;
    }
    if (!guest_and32(d, word, ~MASKED, &old)) {
        event_word_stuck(d, port);
    } else if ((old & (PENDING | LINKED)) == PENDING) {
        link_port(d, e, port, word);
    }
}

static bool fifo_is_pending(struct domain *d, struct evtchn *e, u32 port)
{
    const u32 *word = word_of(d, port);

    return word != NULL ? (atomic_load(word) & PENDING) != 0 : atomic_load(&e->pending) != 0;
}

static bool fifo_is_masked(struct domain *d, u32 port)
{
    const u32 *word = word_of(d, port);

    return word == NULL || (atomic_load(word) & MASKED) != 0;
}

static bool fifo_is_busy(struct domain *d, u32 port)
{
    const u32 *word = word_of(d, port);

    return word != NULL && (atomic_load(word) & LINKED) != 0;
}

const struct event_ops event_fifo_ops = {
    .nr_ports = EVENT_FIFO_PORTS,
    .set_pending = event_fifo_set_pending,
    .clear_pending = fifo_clear_pending,
    .unmask = fifo_unmask,
    .is_pending = fifo_is_pending,
    .is_masked = fifo_is_masked,
    .is_busy = fifo_is_busy,
};
