/* SPDX-License-Identifier: MIT */
/*
 * Host interrupts: who gets which. The architecture's interrupt entry acknowledges them, handles those that are not looked up (between
 * CPUs, timers) and finds the rest in the table of descriptors.
 */
#ifndef ARGON_IRQ_H
#define ARGON_IRQ_H

#include <argon/types.h>

struct domain;

enum irq_type { IRQ_TYPE_EDGE, IRQ_TYPE_LEVEL };
typedef void irq_handler_fn(u32 intid, void *data);

/*
 * One host interrupt. Owned by nobody, the hypervisor (fn) or a guest (guest). Changed under RANK_IRQ; read without
 * by the handler: `fn` and `guest` are published last. A guest's pointer is good there as any looked-up domain's is
 * (smp.h).
 */
struct irq_desc {
    struct domain *guest;
    u32 vintid;
    u32 type;                    /* enum irq_type, of the hypervisor's own */
    u64 count;                   /* taken so far; private ones: by all CPUs, roughly */
    irq_handler_fn *fn;
    void *data;
    const char *name;
};
extern struct irq_desc *irq_descs;               /* [irq_nr], constant after irq_init() */
extern u32 irq_nr;

/* Boot CPU, once, after irqchip->init() and init_cpu(): descriptors. Panics without memory. */
void irq_init(void);
/* Every CPU, after irqchip->init_cpu(): the interrupt between CPUs, and the private interrupts in use. */
void irq_enable_local(void);
/*
 * Hypervisor's own interrupt (UART, maintenance). A private one is enabled on the calling CPU now and on others by irq_enable_local();
 * an SPI goes to the calling CPU. -EINVAL: not a PPI or SPI of this machine; -EBUSY: taken.
 */
must_check int irq_request(u32 intid, enum irq_type t, irq_handler_fn *fn, void *data, const char *name);
/* As that, for a private one that the architecture handles before it looks at descriptors (timers). */
must_check int irq_reserve(u32 intid, enum irq_type t, const char *name);
/*
 * Give an SPI to a guest / take it back: -EBUSY when in use, -EINVAL when not an SPI of this machine, -ENOENT when
 * not d's.
 */
must_check int irq_route_to_guest(u32 host_irq, struct domain *d, u32 vintid);
must_check int irq_release_from_guest(u32 host_irq, struct domain *d);
/* Does the hypervisor itself use this interrupt? (It is not dom0's then.) */
bool irq_is_hypervisor(u32 intid);
void irq_dump(void);             /* debug key i */

/* ---- for the interrupt entry ---- */
/* intid < irq_nr, acknowledged, not a guest's: the hypervisor's handler, or if it has none as the next. */
void irq_handle_own(u32 intid);
/* One that nobody asked for, acknowledged: switched off where it came from, said once. */
void irq_handle_unexpected(u32 intid);

#endif
