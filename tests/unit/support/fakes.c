/* SPDX-License-Identifier: MIT */
/* Weak fakes and recorders of core services. */
#include "support.h"
#include <argon/arch.h>
#include <argon/event.h>
#include <argon/irqchip.h>
#include <vdev/mmio.h>
#include <argon/smp.h>
#include <argon/timer.h>
#include <vdev/vgic.h>
#include <vdev/vtimer.h>

/* ---- domains by id ---- */
#define MAX_DOMAINS 512
static struct domain *domains[MAX_DOMAINS];
static u32 nr_domains;

u64 unit_preempt_after = ~0UL;

void unit_domain_add(struct domain *d)
{
    u32 i = nr_domains;

    assert_true(nr_domains < MAX_DOMAINS);
    for (; i > 0 && domains[i - 1]->id > d->id; i--) {
        domains[i] = domains[i - 1];
    }
    domains[i] = d;
    nr_domains++;
}

void unit_domain_remove(struct domain *d)
{
    for (u32 i = 0; i < nr_domains; i++) {
        if (domains[i] == d) {
            memmove(&domains[i], &domains[i + 1], (nr_domains - i - 1) * sizeof(domains[0]));
            nr_domains--;
            return;
        }
    }
}

void unit_domains_free(void)
{
    while (nr_domains > 0) {
        unit_domain_free(domains[nr_domains - 1]);
    }
}

weak struct domain *domain_lookup_from(u16 domid)
{
    for (u32 i = 0; i < nr_domains; i++) {
        if (domains[i]->id >= domid) {
            return domains[i];
        }
    }
    return NULL;
}

weak struct domain *domain_lookup(u16 domid)
{
    struct domain *d = domain_lookup_from(domid);

    return d != NULL && d->id == domid ? d : NULL;
}

weak void domain_crash(struct domain *d, const char *fmt, ...)
{
    (void)fmt;
    RECORD(d);
}

weak void domain_shutdown(struct domain *d, u32 reason)
{
    RECORD(d, reason);
}

weak void domain_maybe_complete_destroy(struct domain *d)
{
    RECORD(d);
}

/* ---- hypercalls ---- */
weak bool hypercall_preempt_check(void)
{
    if (unit_preempt_after == 0) {
        unit_preempt_after = ~0UL;
        return true;
    }
    if (unit_preempt_after != ~0UL) {
        unit_preempt_after--;
    }
    return host_irq_waiting;
}

/* ---- scheduling ---- */
weak void vcpu_unblock(struct vcpu *v, u32 flags)
{
    RECORD(v, flags);
    v->pause_flags &= ~flags;
}

weak void vcpu_stop(struct vcpu *v, u32 flags)
{
    RECORD(v, flags);
    v->pause_flags |= flags;
}

weak bool vcpu_is_descheduled(const struct vcpu *v)
{
    (void)v;
    return true;
}

weak bool domain_is_descheduled(const struct domain *d)
{
    (void)d;
    return true;
}

weak void vcpu_block_current(void)
{
    RECORD(current_vcpu());
}

weak void vcpu_yield_current(void)
{
    RECORD(current_vcpu());
}

weak void vcpu_pause(struct vcpu *v)
{
    RECORD(v);
    v->pause_count++;
}

weak void vcpu_unpause(struct vcpu *v)
{
    RECORD(v);
    v->pause_count--;
}

weak void domain_pause(struct domain *d)
{
    RECORD(d);
    d->pause_count++;
}

weak void domain_unpause(struct domain *d)
{
    RECORD(d);
    d->pause_count--;
}

weak void vcpu_kick(struct vcpu *v, u32 pending)
{
    RECORD(v, pending);
    atomic_fetch_or(&v->pending, pending);
}

weak bool vcpu_event_pending(struct vcpu *v)
{
    return v->info->evtchn_upcall_pending != 0;
}

/* ---- other CPUs ---- */
static struct quiesce_head *deferred[256];
static u32 nr_deferred;

weak void smp_kick(u32 cpu, u32 work)
{
    RECORD(cpu, work);
}

weak void quiesce_defer(struct quiesce_head *head, void (*fn)(struct quiesce_head *))
{
    RECORD(head);
    head->fn = fn;
    assert_true(nr_deferred < ARRAY_SIZE(deferred));
    deferred[nr_deferred++] = head;
}

weak void quiesce_poll(void)
{
    while (nr_deferred > 0) {
        struct quiesce_head *head = deferred[--nr_deferred];

        head->fn(head);
    }
}

/* ---- events, interrupts ---- */
weak long event_send(struct domain *d, u32 port)
{
    RECORD(d, port);
    return 0;
}

weak void event_send_global_virq(u32 virq)
{
    RECORD(virq);
}

weak void vgic_set_level(struct domain *d, struct vcpu *v, u32 intid, bool level)
{
    RECORD(d, v, intid, level);
}

weak void vgic_inject_host(struct domain *d, struct vcpu *v, u32 intid, u32 host_irq)
{
    RECORD(d, v, intid, host_irq);
}

weak int mmio_register(struct domain *d, u64 base, u64 size, mmio_read_fn *read, mmio_write_fn *write)
{
    RECORD(d, base, size);
    if (d->arch.mmio.nr == MMIO_MAX_REGIONS) {
        return -ENOSPC;
    }
    d->arch.mmio.region[d->arch.mmio.nr++] = (struct mmio_region){ base, size, 0, read, write };
    return 0;
}

void unit_fakes_reset(void)
{
    unit_preempt_after = ~0UL;
    nr_deferred = 0;
    unit_timers_reset();
    unit_mem_reset();
}
