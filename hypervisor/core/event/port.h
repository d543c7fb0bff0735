/* SPDX-License-Identifier: MIT */
/*
 * Inside event channels: what a port is, and the table of operations that differ between the two ABIs.
 *
 * Locks. evtchn.lock protects the port's connection (state, remote end, VIRQ number). A connection between two ports
 * changes only with both locks held, the lower address first; so holding either keeps it. event_domain.lock protects
 * which ports are in use, and the FIFO set-up; it is taken before port locks. FIFO queue locks come after port locks.
 *
 * vcpu, priority, queue and pending may be read by a sender that holds only its own end's lock: atomic accesses.
 */
#ifndef CORE_EVENT_PORT_H
#define CORE_EVENT_PORT_H

#include <argon/atomic.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/event.h>
#include <argon/guest_atomic.h>
#include <argon/nospec.h>
#include <asm/cpu.h>

enum event_state {
    EVENT_CLOSED = 0,
    EVENT_UNBOUND,               /* waits for the domain remote_serial to bind */
    EVENT_INTERDOMAIN,           /* remote_dom, remote_port */
    EVENT_VIRQ,                  /* virq */
    EVENT_IPI,
};

struct evtchn {
    struct spinlock lock;        /* RANK_EVENT_PORT */
    u8 state;                    /* enum event_state */
    u8 priority;                 /* FIFO: 0 highest .. 15 */
    u8 pending;                  /* FIFO: became pending while its word's page was missing */
    u8 pad;
    u16 vcpu;                    /* notified vCPU; exists if the port is open, except that vCPU 0 may come later */
    u16 remote_domid;            /* UNBOUND, INTERDOMAIN: to be told */
    u32 queue;                   /* FIFO: queue it was last linked on (fifo.c); changed under that queue's lock */
    union {
        u32 remote_port;         /* INTERDOMAIN */
        u32 virq;                /* VIRQ */
    };
    union {
        struct domain *remote_dom; /* INTERDOMAIN: valid as long as connected: a dying domain closes its ports first */
        u64 remote_serial;       /* UNBOUND: not a later domain of the same id */
    };
};

/* Ports per bucket: a page of them. Debug builds have larger locks. */
#define EVENT_BUCKET_SHIFT (CONFIG_LOCK_DEBUG ? 6 : 7)
#define EVENT_BUCKET_PORTS (1U << EVENT_BUCKET_SHIFT)
_Static_assert(sizeof(struct evtchn) << EVENT_BUCKET_SHIFT <= PAGE_SIZE, "a bucket is one page");

#define EVENT_2L_PORTS    4096u
#define EVENT_FIFO_PORTS  ((u32)EVTCHN_FIFO_NR_CHANNELS)

/* All are called with the port's lock or its remote end's held, port open (clear_pending: being closed). */
struct event_ops {
    u32 nr_ports;                /* ports below this can be expressed */
    /* Make pending; notify the port's vCPU unless masked. The hot one. */
    void (*set_pending)(struct domain *d, struct evtchn *e, u32 port);
    void (*clear_pending)(struct domain *d, struct evtchn *e, u32 port);
    /* Clear the mask; notify if pending. */
    void (*unmask)(struct domain *d, struct evtchn *e, u32 port);
    bool (*is_pending)(struct domain *d, struct evtchn *e, u32 port);
    bool (*is_masked)(struct domain *d, u32 port);
    /* Still on a guest's queue although closed: better not reused now. */
    bool (*is_busy)(struct domain *d, u32 port);
};

extern const struct event_ops event_2l_ops, event_fifo_ops;

/* The port's struct if it may exist (any number from a guest), else NULL. Stays valid until the domain goes. */
static always_inline struct evtchn *event_port(const struct domain *d, u32 port)
{
    u32 nr = atomic_load_acquire(&d->event.valid_ports);

    if (unlikely(port >= nr)) {
        return NULL;
    }
    port = (u32)index_nospec(port, nr);
    return &d->event.buckets[port >> EVENT_BUCKET_SHIFT][port & (EVENT_BUCKET_PORTS - 1)];
}

/* A port known to exist. */
static always_inline struct evtchn *event_known_port(const struct domain *d, u32 port)
{
    return &d->event.buckets[port >> EVENT_BUCKET_SHIFT][port & (EVENT_BUCKET_PORTS - 1)];
}

static inline struct vcpu *event_vcpu_by_id(const struct domain *d, u32 id)
{
    return domain_vcpu(d, id);
}

/* Who is told about e; NULL: vCPU 0 of a domain that has none yet. */
static always_inline struct vcpu *event_target(const struct domain *d, const struct evtchn *e)
{
    return d->vcpu[atomic_load(&e->vcpu)];
}

/* ---- event.c ---- */
/* Set v's upcall byte; if it was clear raise the event interrupt. */
void event_upcall_set(struct vcpu *v);
/* The guest does not let us change a word it shares: log, and drop the event. */
void event_word_stuck(struct domain *d, u32 port);
void event_wake_pollers(struct domain *d);
/* A port became pending: vCPUs in sched_op(poll) look again. The caller had a full barrier after setting the bit. */
static always_inline void event_check_pollers(struct domain *d)
{
    if (unlikely(atomic_load(&d->poll_mask) != 0)) {
        event_wake_pollers(d);
    }
}
/* Make a port of d pending: its lock or its remote end's is held. */
void event_pend(struct domain *d, struct evtchn *e, u32 port);
bool event_virq_is_global(u32 virq);
void event_virq_forget_domain(struct domain *d);   /* a dying domain handles no global VIRQ any more */

/* ---- table.c ---- */
/*
 * d->event.lock held. A port number with its struct, not yet open; reset to defaults. Negative: -EINVAL dying, -ENOSPC,
 * -ENOMEM.
 */
int event_port_alloc(struct domain *d);
/* d->event.lock held: the port is closed. */
void event_port_free(struct domain *d, u32 port);
/* First port in use at or after `from`; nr_ports if none. */
u32 event_next_used(const struct domain *d, u32 from);
/* Lock e, and its remote end if it has one (returned; else NULL). */
struct evtchn *event_lock_pair(struct evtchn *e);
void event_unlock_pair(struct evtchn *e, struct evtchn *peer);
/* Lock two different ports, the lower address first. */
void event_lock_two(struct evtchn *a, struct evtchn *b);

/* ---- two_level.c ---- */
/*
 * The port has just become pending in shared_info, and a barrier followed: tell its vCPU unless masked, and those who
 * poll.
 */
void two_level_tell(struct domain *d, struct evtchn *e, u32 port);

/* ---- fifo_setup.c ---- */
/* Back to 2-level: no port of d is open and none can be opened. */
void event_fifo_teardown(struct domain *d);

/* ---- fifo.c ---- */
#define FIFO_WORDS_PER_PAGE ((u32)(PAGE_SIZE / sizeof(event_word_t)))
#define FIFO_MAX_PAGES      (EVENT_FIFO_PORTS / FIFO_WORDS_PER_PAGE)

/* event_fifo_ops.set_pending, for who knows that the domain uses FIFO. */
void event_fifo_set_pending(struct domain *d, struct evtchn *e, u32 port);

struct event_fifo {
    u32 nr_pages;                /* release store: pages below this are there */
    u32 *page[FIFO_MAX_PAGES];   /* the guest's event words; a reference is held on each page */
};

struct event_fifo_queue {
    struct spinlock lock;        /* RANK_EVENT_QUEUE */
    u32 tail;                    /* port last linked; 0 = none */
};

struct event_fifo_vcpu {
    struct evtchn_fifo_control_block *control;    /* in the guest's page; a reference is held */
    struct event_fifo_queue queue[EVTCHN_FIFO_MAX_QUEUES];
};

#endif
