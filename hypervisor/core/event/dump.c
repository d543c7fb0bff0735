/* SPDX-License-Identifier: MIT */
/* Debug key e: the open ports of a domain. */
#include "port.h"

#include <argon/console.h>

static void dump_connection(const struct evtchn *e)
{
    switch (e->state) {
    case EVENT_UNBOUND:
        con_printf("unbound, for d%u\n", e->remote_domid);
        break;
    case EVENT_INTERDOMAIN:
        con_printf("connected to d%u port %u\n", e->remote_domid, e->remote_port);
        break;
    case EVENT_VIRQ:
        con_printf("VIRQ %u%s\n", e->virq, event_virq_is_global(e->virq) ? " (global)" : "");
        break;
    default:
        con_printf("IPI\n");
        break;
    }
}

void event_dump(struct domain *d)
{
    struct event_domain *ed = &d->event;

    if (ed->buckets == NULL) {
        return;
    }
    spin_lock(&ed->lock);
    con_printf("Event channels of d%u: %s, %u open, %u structs, highest port allowed %u\n", d->id,
               ed->fifo != NULL ? "FIFO" : "2-level", ed->active, ed->valid_ports, ed->max_port);
    if (ed->fifo != NULL) {
        con_printf("  event array: %u pages\n", ed->fifo->nr_pages);
    }
    con_printf("  port  [p/m] vcpu prio\n");
    for (u32 port = event_next_used(d, 1); port <= ed->max_port; port = event_next_used(d, port + 1)) {
        struct evtchn *e = event_known_port(d, port);

        spin_lock(&e->lock);
        if (e->state != EVENT_CLOSED) {
            con_printf("  %4u  [%d/%d] %4u %4u  ", port, ed->ops->is_pending(d, e, port), ed->ops->is_masked(d, port),
                       e->vcpu, e->priority);
            dump_connection(e);
        }
        spin_unlock(&e->lock);
    }
    spin_unlock(&ed->lock);
}
