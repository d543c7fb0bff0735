/* SPDX-License-Identifier: MIT */
/* Domains come, run, stop and go. */
#include "domctl.h"

#include <argon/arch.h>
#include <argon/string.h>

/* Flags this build can honour. A guest is always of one kind: hardware-assisted, with second-stage paging. */
static bool flags_valid(const struct xen_domctl_createdomain *c)
{
    u32 required = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
    u32 caps = arch_physinfo_caps();
    u32 allowed = required | XEN_DOMCTL_CDF_s3_integrity | XEN_DOMCTL_CDF_oos_off | XEN_DOMCTL_CDF_xs_domain;

    allowed |= (caps & XEN_SYSCTL_PHYSCAP_vpmu) != 0 ? XEN_DOMCTL_CDF_vpmu : 0;
    allowed |= (caps & XEN_SYSCTL_PHYSCAP_directio) != 0 ? XEN_DOMCTL_CDF_iommu : 0;
    return (c->flags & required) == required && (c->flags & ~allowed) == 0;
}

static bool config_valid(const struct xen_domctl_createdomain *c)
{
    u32 grant_version = XEN_DOMCTL_GRANT_version(c->grant_opts);

    return flags_valid(c) && (c->iommu_opts & ~XEN_DOMCTL_IOMMU_no_sharept) == 0 &&
           (c->iommu_opts == 0 || (c->flags & XEN_DOMCTL_CDF_iommu) != 0) &&
           (c->grant_opts & ~(u32)XEN_DOMCTL_GRANT_version_mask) == 0 && grant_version >= 1 && grant_version <= 2 &&
           c->vmtrace_size == 0 && c->arch.tee_type == XEN_DOMCTL_CONFIG_TEE_NONE && c->max_vcpus >= 1 &&
           c->max_vcpus <= MAX_VCPUS;
}

/* Ids 0 and from DOMID_FIRST_RESERVED on ask for any free one. */
int domctl_createdomain(struct vcpu *v, struct domain *unused_d, struct xen_domctl *op)
{
    struct xen_domctl_createdomain *c = &op->u.createdomain;
    u16 want = op->domain == 0 || op->domain >= DOMID_FIRST_RESERVED ? 0xffff : op->domain;
    struct domain_config cfg;
    struct domain *d;
    int rc;

    (void)v;
    (void)unused_d;
    if (!config_valid(c)) {
        return -EINVAL;
    }
    memset(&cfg, 0, sizeof(cfg));
    cfg.flags = c->flags;
    cfg.max_vcpus = c->max_vcpus;
    cfg.max_evtchn_port = c->max_evtchn_port;
    cfg.max_grant_frames = c->max_grant_frames;
    cfg.max_maptrack_frames = c->max_maptrack_frames;
    cfg.max_grant_version = XEN_DOMCTL_GRANT_version(c->grant_opts);
    cfg.cpupool_id = c->cpupool_id;
    cfg.ssidref = c->ssidref;
    memcpy(cfg.handle, c->handle, sizeof(cfg.handle));
    cfg.gic_version = c->arch.gic_version;
    cfg.nr_spis = c->arch.nr_spis;
    rc = domain_create(&cfg, want, &d);
    if (rc != 0) {
        return rc;
    }
    op->domain = d->id;
    c->arch.gic_version = cfg.gic_version;
    c->arch.clock_frequency = 0; /* CNTFRQ is right: the guest's device tree need not say */
    return 0;
}

int domctl_destroydomain(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    (void)op;
    return d == v->domain || d == dom0 ? -EINVAL : domain_kill(d);
}

int domctl_pausedomain(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    (void)op;
    return d == v->domain ? -EINVAL : domain_controller_pause(d);
}

int domctl_unpausedomain(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    (void)v;
    (void)op;
    return domain_controller_unpause(d);
}

int domctl_resumedomain(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    (void)op;
    if (d == v->domain) {
        return -EINVAL;
    }
    domain_resume(d);
    return 0;
}

/* 4.17's tools enumerate with it: the domain with this id or the next higher one. */
int domctl_getdomaininfo(struct vcpu *v, struct domain *unused_d, struct xen_domctl *op)
{
    struct domain *d = domain_lookup_from(op->domain);

    (void)v;
    (void)unused_d;
    if (d == NULL) {
        return -ESRCH;
    }
    domain_get_info(d, &op->u.getdomaininfo);
    op->domain = d->id;
    return 0;
}

/* Those that exist already are left as they are, so that an interrupted or repeated call goes on. */
int domctl_max_vcpus(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    (void)v;
    if (op->u.max_vcpus.max != d->max_vcpus) {
        return -EINVAL;
    }
    for (u32 i = 0; i < d->max_vcpus; i++) {
        int rc;

        if (d->vcpu[i] != NULL) {
            continue;
        }
        rc = vcpu_create(d, (u16)i);
        if (rc != 0) {
            return rc;
        }
        if (i + 1 < d->max_vcpus && hypercall_preempt_check()) {
            return -ERESTART;
        }
    }
    return 0;
}

/* Only for a domain that asked for it; resetting one in place is not offered on ARM. */
int domctl_soft_reset(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    (void)op;
    return d == v->domain || !d->shut_down || d->shutdown_code != SHUTDOWN_soft_reset ? -EINVAL : -ENOSYS;
}
