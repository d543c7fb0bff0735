/* SPDX-License-Identifier: MIT */
/*
 * The end of a domain, in two parts. domain_kill() takes back all that can be taken back and may be run again and again
 * until it is done. What is left is a zombie: pages that other domains still map. When the last of them goes,
 * domain_maybe_complete_destroy() finishes, one grace period at a time (smp.h): drop the grant table and shared pages,
 * leave the table of domains, free the memory.
 */
#include "internal.h"

#include <argon/arch.h>
#include <argon/console.h>
#include <argon/errno.h>
#include <argon/grant.h>
#include <argon/mem.h>
#include <argon/panic.h>
#include <argon/rangeset.h>

enum destroy_stage {
    DESTROY_NONE,
    DESTROY_OWN,                 /* waits for, or is in, destroy_own() */
    DESTROY_SHARED,              /* its shared pages are still mapped elsewhere */
    DESTROY_LAST,                /* waits for destroy_remove() or destroy_free() */
};

static struct domain *domain_of(struct quiesce_head *head)
{
    return container_of(head, struct domain, quiesce);
}

/* No CPU can have a pointer to it any more. */
static void destroy_free(struct quiesce_head *head)
{
    struct domain *d = domain_of(head);

    ASSERT(domain_lookup(d->id) != d);
    for_each_vcpu (d, v) {
        vcpu_free(v);
    }
    if ((d->parts & DOMAIN_PART_ARCH) != 0) {
        arch_domain_destroy(d);
    }
    if ((d->parts & DOMAIN_PART_EVENT) != 0) {
        event_free(d);
    }
    if ((d->parts & DOMAIN_PART_SCHED) != 0) {
        sched_destroy_domain(d);
    }
    rangeset_destroy(d->iomem_caps);
    rangeset_destroy(d->irq_caps);
    xfree(d->vcpu);
    xfree(d);
}

static void destroy_remove(struct quiesce_head *head)
{
    struct domain *d = domain_of(head);

    ASSERT(d->destroy_stage == DESTROY_LAST && d->shared_pages == 0 && d->shared_info == NULL);
    domain_table_remove(d);
    if (!d->unannounced) {
        event_send_global_virq(VIRQ_DOM_EXC);
    }
    quiesce_defer(&d->quiesce, destroy_free);
}

/* None of its pages is in use by others, so no grant of it is either. */
static void destroy_own(struct quiesce_head *head)
{
    struct domain *d = domain_of(head);
    struct shared_info *si;

    ASSERT(d->dying == DOMAIN_DEAD && d->destroy_stage == DESTROY_OWN && d->tot_pages == 0);
    if ((d->parts & DOMAIN_PART_GRANT) != 0) {
        grant_destroy(d);
    }
    /* dom0's settime64 writes to that of each domain that has one, dead or alive (domain_update_wallclock()). */
    spin_lock(&d->lock);
    si = d->shared_info;
    d->shared_info = NULL;
    spin_unlock(&d->lock);
    if (si != NULL) {
        page_free_shared(si);
    }
    atomic_store_release(&d->destroy_stage, DESTROY_SHARED);
    domain_maybe_complete_destroy(d);
}

void domain_maybe_complete_destroy(struct domain *d)
{
    u32 none = DESTROY_NONE, shared = DESTROY_SHARED;

    cpu_barrier();               /* our caller's change of a count before our look at the other */
    if (atomic_load(&d->dying) != DOMAIN_DEAD || atomic_load(&d->tot_pages) != 0) {
        return;
    }
    if (atomic_cmpxchg(&d->destroy_stage, &none, DESTROY_OWN)) {
        quiesce_defer(&d->quiesce, destroy_own);
    } else if (atomic_load(&d->shared_pages) == 0 && atomic_cmpxchg(&d->destroy_stage, &shared, DESTROY_LAST)) {
        quiesce_defer(&d->quiesce, destroy_remove);
    }
}

/* ---- domain_kill(): the stages, each 0 when it is through or -ERESTART ---- */

static int kill_stop(struct domain *d)
{
    spin_lock(&d->lock);
    ASSERT(d->dying == DOMAIN_ALIVE);
    d->dying = DOMAIN_DYING;
    spin_unlock(&d->lock);
    domain_pause(d);
    return 0;
}

static int kill_wait_stopped(struct domain *d)
{
    ASSERT(d->dying == DOMAIN_DYING && d->pause_count != 0);
    if (!domain_is_descheduled(d)) {
        return -ERESTART;
    }
    for_each_vcpu (d, v) {
        vcpu_quiesce(v);
    }
    sched_quiesce_domain(d);
    domain_watchdog_stop(d);
    return 0;
}

/* Before the grace period: a CPU that takes one of them just now still finds the domain. */
static int kill_interrupts(struct domain *d)
{
    ASSERT(d->dying == DOMAIN_DYING);
    arch_domain_release_irqs(d);
    return 0;
}

static void kill_quiesced(struct quiesce_head *head)
{
    atomic_store_release(&domain_of(head)->kill_quiesced, true);
}

/* Senders that found a port of d before it was closed may still be writing to its shared pages: let them finish. */
static int kill_quiesce(struct domain *d)
{
    ASSERT(d->dying == DOMAIN_DYING && !d->kill_quiesced);
    quiesce_defer(&d->quiesce, kill_quiesced);
    return 0;
}

static int kill_wait_quiesced(struct domain *d)
{
    return atomic_load_acquire(&d->kill_quiesced) ? 0 : -ERESTART;
}

static int kill_vcpu_infos(struct domain *d)
{
    ASSERT(d->dying == DOMAIN_DYING && d->kill_quiesced);
    for_each_vcpu (d, v) {
        vcpu_unregister_info(v);
    }
    return 0;
}

/* Tell those who map its pages to let go of them. */
static int kill_finish(struct domain *d)
{
    /* What others may still hold of it are its pages; it holds nothing of theirs. */
    ASSERT(d->dying == DOMAIN_DYING && d->page_list == PAGE_NIL && d->nr_foreign == 0 && d->event.active == 0);
    atomic_store_release(&d->dying, DOMAIN_DEAD);
    event_send_global_virq(VIRQ_DOM_EXC);
    domain_maybe_complete_destroy(d);
    return 0;
}

typedef int kill_fn(struct domain *d);
static kill_fn *const kill_stages[] = {
    kill_stop,
    kill_wait_stopped,
    kill_interrupts,
    event_destroy,
    kill_quiesce,
    kill_wait_quiesced,
    grant_release_mappings,
    physmap_relinquish,          /* references that foreign mappings hold, */
    arch_domain_relinquish,      /* then the tables */
    kill_vcpu_infos,
    domain_relinquish_pages,
    kill_finish,
};

int domain_kill(struct domain *d)
{
    if (d == dom0) {
        return -EINVAL;
    }
    while (d->relinquish_stage < ARRAY_SIZE(kill_stages)) {
        int rc = kill_stages[d->relinquish_stage](d);

        if (rc != 0) {
            return rc;
        }
        d->relinquish_stage++;
    }
    return 0;
}

/*
 * As a dead domain that owns its shared info still, it goes the way of all others. Nobody has heard of it, and nobody
 * can kill it.
 */
void domain_abandon(struct domain *d)
{
    d->dying = DOMAIN_DEAD;
    d->unannounced = true;
    d->relinquish_stage = ARRAY_SIZE(kill_stages);
    domain_table_insert(d);
    domain_maybe_complete_destroy(d);
}
