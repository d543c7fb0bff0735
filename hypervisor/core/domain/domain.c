/* SPDX-License-Identifier: MIT */
/* Creation of domains. */
#include "internal.h"

#include <argon/arch.h>
#include <argon/console.h>
#include <argon/errno.h>
#include <argon/grant.h>
#include <argon/mem.h>
#include <argon/panic.h>
#include <argon/param.h>
#include <argon/rangeset.h>
#include <argon/string.h>

#define DEFAULT_GRANT_FRAMES 64
#define DEFAULT_MAPTRACK_FRAMES 1024

struct domain *dom0;
struct domain *dom_idle, *dom_xen, *dom_io;

/* Pseudo domains own pages or idle vCPUs; they are in no list, and nothing is ever mapped into them. */
static struct domain pseudo[3];
static struct vcpu *idle_vcpus[NR_CPUS];

static void domain_init_locks(struct domain *d)
{
    spin_lock_init(&d->lock, RANK_DOMAIN);
    spin_lock_init(&d->page_lock, RANK_PAGE_LIST);
    spin_lock_init(&d->domctl_lock, RANK_DOMCTL);
}

static struct domain *pseudo_setup(struct domain *d, u16 id)
{
    d->id = id;
    d->serial = UINT64_MAX;            /* nobody serves it or waits for it */
    d->page_list = PAGE_NIL;
    d->max_pages = ~0U;
    d->shutdown_code = ~0U;
    d->sched.weight = 256;
    domain_init_locks(d);
    return d;
}

void domain_init(void)
{
    dom_idle = pseudo_setup(&pseudo[0], DOMID_IDLE);
    dom_xen = pseudo_setup(&pseudo[1], DOMID_XEN);
    dom_io = pseudo_setup(&pseudo[2], DOMID_IO);
    dom_idle->vcpu = idle_vcpus;
    dom_idle->max_vcpus = NR_CPUS;
}

static u64 last_serial;          /* atomic */

/* What every domain has, before any part that can fail has been asked. */
static void domain_init_fields(struct domain *d, const struct domain_config *cfg)
{
    ASSERT(d->serial == 0);
    domain_init_locks(d);
    d->serial = atomic_fetch_add(&last_serial, UINT64_C(1)) + 1;
    d->is_privileged = cfg->privileged;
    d->is_console = cfg->privileged;
    d->direct_mapped = cfg->direct_map;
    d->creation_flags = cfg->flags;
    d->ssidref = cfg->ssidref;
    memcpy(d->handle, cfg->handle, sizeof(d->handle));
    d->shutdown_code = ~0U;
    d->page_list = PAGE_NIL;
    d->shared_info_gfn = INVALID_GFN;
    d->auto_node_affinity = true;
    d->node_affinity = UINT64_MAX;
    arch_domain_init_clock(d);
    d->created_ns = now_ns();
    d->pause_count = 1;          /* of the toolstack: until it unpauses */
    d->controller_paused = 1;
    domain_watchdog_init(d);
}

/*
 * The parts, in order of dependence. What was done is undone as for any dead domain; event and grant undo a failed
 * start too.
 */
static int domain_init_parts(struct domain *d, struct domain_config *cfg)
{
    int rc;

    d->vcpu = xzalloc_array(struct vcpu *, cfg->max_vcpus);
    d->max_vcpus = d->vcpu != NULL ? cfg->max_vcpus : 0;
    d->iomem_caps = rangeset_create();
    d->irq_caps = rangeset_create();
    if (d->vcpu == NULL || d->iomem_caps == NULL || d->irq_caps == NULL) {
        return -ENOMEM;
    }
    rc = sched_init_domain(d, cfg->cpupool_id);
    if (rc != 0) {
        return rc;
    }
    d->parts |= DOMAIN_PART_SCHED;
    d->shared_info = page_alloc_shared(d);
    if (d->shared_info == NULL) {
        return -ENOMEM;
    }
    domain_update_wallclock(d);
    d->parts |= DOMAIN_PART_EVENT | DOMAIN_PART_GRANT;
    rc = event_init(d, cfg->max_evtchn_port);
    if (rc != 0) {
        return rc;
    }
    rc = grant_init(d, (u32)cfg->max_grant_frames, (u32)cfg->max_maptrack_frames, cfg->max_grant_version);
    if (rc != 0) {
        return rc;
    }
    rc = arch_domain_create(d, cfg);
    if (rc != 0) {
        return rc;
    }
    d->parts |= DOMAIN_PART_ARCH;
    return 0;
}

int domain_create(struct domain_config *cfg, u16 domid, struct domain **out)
{
    struct domain *d;
    u16 want = domid == 0 && !cfg->privileged ? 0xffff : domid;
    int rc;

    if (cfg->max_vcpus == 0 || cfg->max_vcpus > MAX_VCPUS) {
        return -EINVAL;
    }
    if (cfg->max_grant_frames < 0) {
        cfg->max_grant_frames = opt.gnttab_max_frames != 0 ? (s32)opt.gnttab_max_frames : DEFAULT_GRANT_FRAMES;
    }
    if (cfg->max_maptrack_frames < 0) {
        cfg->max_maptrack_frames = opt.gnttab_max_maptrack_frames != 0 ? (s32)opt.gnttab_max_maptrack_frames
                                                                        : DEFAULT_MAPTRACK_FRAMES;
    }
    d = xzalloc(struct domain);
    if (d == NULL) {
        return -ENOMEM;
    }
    rc = domain_table_reserve(want, &d->id);
    if (rc != 0) {
        xfree(d);
        return rc;
    }
    domain_init_fields(d, cfg);
    rc = domain_init_parts(d, cfg);
    if (rc != 0) {
        domain_abandon(d);
        return rc;
    }
    if (cfg->privileged) {
        dom0 = d;
    }
    domain_table_insert(d);
    *out = d;
    return 0;
}
