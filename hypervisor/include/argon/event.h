/* SPDX-License-Identifier: MIT */
/*
 * Event channels, 2-level and FIFO (public event_channel.h). A port's state is under its own lock; sending takes no
 * table lock. Buckets of ports, once allocated, stay until the domain goes. Design and lock order:
 * docs/design/events.md.
 */
#ifndef ARGON_EVENT_H
#define ARGON_EVENT_H

#include <argon/spinlock.h>
#include <argon/xen.h>

struct domain;
struct vcpu;
struct event_fifo;
struct event_fifo_vcpu;
struct evtchn;

struct event_ops;                /* core/event/: const table per ABI (2-level, FIFO) */

struct event_domain {
    struct spinlock lock;        /* RANK_EVENT_TABLE: allocation of ports, FIFO set-up, which ABI */
    struct evtchn **buckets;     /* pointer per bucket; a bucket is one page of ports */
    u32 nr_buckets_max;
    u32 valid_ports;             /* ports below this have a struct; only grows (release store) */
    u32 max_port;                /* highest port this domain may use (createdomain max_evtchn_port) */
    u32 active;                  /* ports in use; lock */
    const struct event_ops *ops; /* changed under lock; read under a port's lock */
    struct event_fifo *fifo;     /* NULL before init_control; as ops */
    u64 *used;                   /* lock: bit per port: in use, or being closed */
    u64 *full;                   /* lock: bit per word of `used`: no clear bit left in it */
    u32 nr_used_words;
};

struct event_vcpu {
    u32 virq_port[NR_VIRQS];     /* 0 = unbound; written under the domain's event.lock */
    struct event_fifo_vcpu *fifo; /* control block and queues, NULL before this vCPU's init_control */
};

/*
 * max_port: highest port number the domain may ever use (capped at what FIFO can express). -ENOMEM. d->event is zero
 * before.
 */
must_check int event_init(struct domain *d, u32 max_port);
/* Close all ports of a dying domain (d->dying is set, its vCPUs are off the CPUs); -ERESTART: call again. */
must_check int event_destroy(struct domain *d);
/* Last, when no one can look anything up; also after a failed event_init. */
void event_free(struct domain *d);
must_check int event_init_vcpu(struct vcpu *v);
u64 event_bytes(const struct domain *d);          /* memory of its ports and queues */

/* Guest- and hypervisor-originated sends. */
must_check long event_send(struct domain *d, u32 port);   /* from d's own port: to its remote end */
/*
 * A global VIRQ_* to its handler (dom0 by default). Of those of a vCPU, which may be bound as well, Argon sends none.
 * Any context, no lock of rank EVENT_TABLE or above held.
 */
void event_send_global_virq(u32 virq);
must_check int event_set_global_virq_handler(struct domain *d, u32 virq);
/*
 * Allocate an unbound port of d for remote `remote` (also the toolstack's and the dom0 builder's). Returns port or
 * error.
 */
int event_alloc_unbound(struct domain *d, const struct domain *remote);

/*
 * The operations of EVTCHNOP_* on an already chosen and permitted domain; results as the hypercall's. Ports are
 * returned as a positive number or a negative errno.
 */
int event_bind_interdomain(struct domain *ld, struct domain *rd, u32 rport);
int event_bind_virq(struct domain *d, u32 virq, u32 vcpu);
int event_bind_ipi(struct domain *d, u32 vcpu);
must_check int event_close(struct domain *d, u32 port);
must_check int event_bind_vcpu(struct domain *d, u32 port, u32 vcpu);
must_check int event_unmask(struct domain *d, u32 port);
/* Fills status, vcpu and u; the rest of *st is the caller's. */
must_check int event_status(struct domain *d, u32 port, struct evtchn_status *st);
/* Close everything and return to the 2-level ABI. -ERESTART: call again. -EAGAIN: the guest opens ports meanwhile. */
must_check int event_reset(struct domain *d);
must_check int event_init_control(struct domain *d, u32 vcpu, u64 control_gfn, u32 offset);
must_check int event_expand_array(struct domain *d, u64 array_gfn);
must_check int event_set_priority(struct domain *d, u32 port, u32 priority);

/* v->info has moved (vcpu_info registration): let the guest look at all ports: pending_sel = ~0, upcall set. */
void event_resync_vcpu(struct vcpu *v);
bool event_port_is_pending(struct domain *d, u32 port);  /* sched_op(poll); false for a port that is not open */
void event_dump(struct domain *d);                       /* debug key e */

#endif
