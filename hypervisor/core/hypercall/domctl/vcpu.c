/* SPDX-License-Identifier: MIT */
/* State, figures and affinity of single vCPUs. */
#include "domctl.h"

#include <argon/arch.h>
#include <argon/guest_access.h>
#include <argon/string.h>

static struct vcpu *vcpu_by_id(struct domain *d, u32 id)
{
    return domain_vcpu(d, id);
}

/*
 * Get v off its CPU and keep it off: -ERESTART until its registers are in memory. The pause is held over restarts, or
 * it might be running again each time we look; ctl_release() ends it.
 */
static int ctl_pause(struct vcpu *v)
{
    if (!v->ctl_paused) {
        v->ctl_paused = true;
        vcpu_pause(v);
    }
    return vcpu_is_descheduled(v) ? 0 : -ERESTART;
}

static int ctl_release(struct vcpu *v, int rc)
{
    v->ctl_paused = false;
    vcpu_unpause(v);
    return rc;
}

/* The call goes no further, maybe not at its first try: v is not kept off its CPU any more. */
static int ctl_give_up(struct vcpu *v, int rc)
{
    return v->ctl_paused ? ctl_release(v, rc) : rc;
}

static int reset_vcpu(struct vcpu *v)
{
    vcpu_stop(v, VPF_DOWN);
    arch_vcpu_reset(v);
    v->initialised = false;
    vcpu_unblock(v, VPF_BLOCKED | VPF_POLL);
    return 0;
}

static int set_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
    int rc = arch_set_context(v, c);

    if (rc != 0) {
        return rc;
    }
    v->initialised = true;
    if ((c->flags & VGCF_online) != 0) {
        vcpu_unblock(v, VPF_DOWN);
    } else {
        vcpu_stop(v, VPF_DOWN);
    }
    return 0;
}

int domctl_setvcpucontext(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    struct vcpu *target = vcpu_by_id(d, op->u.vcpucontext.vcpu);
    u64 gva = handle_gva(op->u.vcpucontext.ctxt);
    struct vcpu_guest_context c;
    int rc;

    if (target == NULL || d == v->domain) {
        return -EINVAL;
    }
    if (gva != 0 && copy_from_guest(&c, gva, sizeof(c)) != 0) {
        return ctl_give_up(target, -EFAULT);
    }
    rc = ctl_pause(target);
    if (rc != 0) {
        return rc;
    }
    return ctl_release(target, gva == 0 ? reset_vcpu(target) : set_context(target, &c));
}

int domctl_getvcpucontext(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    struct vcpu *target = vcpu_by_id(d, op->u.vcpucontext.vcpu);
    struct vcpu_guest_context c;
    int rc;

    if (op->u.vcpucontext.vcpu >= d->max_vcpus || target == v) {
        return -EINVAL;
    }
    if (target == NULL) {
        return -ESRCH;
    }
    if (!target->initialised) {
        return -ENODATA;
    }
    rc = ctl_pause(target);
    if (rc != 0) {
        return rc;
    }
    memset(&c, 0, sizeof(c));
    arch_get_context(target, &c);
    c.flags = (atomic_load(&target->pause_flags) & VPF_DOWN) == 0 ? VGCF_online : 0;
    rc = copy_to_guest(handle_gva(op->u.vcpucontext.ctxt), &c, sizeof(c));
    return ctl_release(target, rc);
}

int domctl_getvcpuinfo(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_getvcpuinfo *info = &op->u.getvcpuinfo;
    const struct vcpu *target = vcpu_by_id(d, info->vcpu);
    u32 flags;

    (void)v;
    if (info->vcpu >= d->max_vcpus) {
        return -EINVAL;
    }
    if (target == NULL) {
        return -ESRCH;
    }
    flags = atomic_load(&target->pause_flags);
    info->online = (flags & VPF_DOWN) == 0;
    info->blocked = (flags & (VPF_BLOCKED | VPF_POLL)) != 0;
    info->running = READ_ONCE(target->runstate.state) == RUNSTATE_running;
    info->cpu_time = vcpu_cpu_time(target);
    info->cpu = READ_ONCE(target->cpu);
    return 0;
}

#define AFFINITY_FLAGS (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)

static int affinity_check(const struct domain *d, const struct xen_domctl_vcpuaffinity *a, u32 allowed)
{
    if (a->vcpu >= d->max_vcpus || (a->flags & AFFINITY_FLAGS) == 0 || (a->flags & ~allowed) != 0) {
        return -EINVAL;
    }
    return d->vcpu[a->vcpu] == NULL ? -ESRCH : 0;
}

static int affinity_put(const struct xen_domctl_vcpuaffinity *a, const struct cpumask *hard, const struct cpumask *soft)
{
    if ((a->flags & XEN_VCPUAFFINITY_HARD) != 0 && bitmap_to_guest(&a->cpumap_hard, hard->w, NR_CPUS) != 0) {
        return -EFAULT;
    }
    if ((a->flags & XEN_VCPUAFFINITY_SOFT) != 0 && bitmap_to_guest(&a->cpumap_soft, soft->w, NR_CPUS) != 0) {
        return -EFAULT;
    }
    return 0;
}

/* Out go the masks that take effect: within the pool, and the soft one within the hard one. */
static int affinity_effective(const struct vcpu *v, const struct xen_domctl_vcpuaffinity *a)
{
    struct cpumask hard = cpumask_and(&v->sched.hard, &v->domain->cpupool->cpus);
    struct cpumask soft = cpumask_and(&v->sched.soft, &hard);

    return affinity_put(a, &hard, &soft);
}

int domctl_setvcpuaffinity(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
    bool set_hard = (a->flags & XEN_VCPUAFFINITY_HARD) != 0, set_soft = (a->flags & XEN_VCPUAFFINITY_SOFT) != 0;
    struct cpumask hard, soft;
    struct vcpu *target;
    int rc = affinity_check(d, a, AFFINITY_FLAGS | XEN_VCPUAFFINITY_FORCE);

    (void)v;
    if (rc != 0) {
        return rc;
    }
    target = d->vcpu[a->vcpu];
    if (set_hard && target->sched.pinned && (a->flags & XEN_VCPUAFFINITY_FORCE) == 0) {
        return -EBUSY;
    }
    if ((set_hard && bitmap_from_guest(hard.w, NR_CPUS, &a->cpumap_hard) != 0) ||
        (set_soft && bitmap_from_guest(soft.w, NR_CPUS, &a->cpumap_soft) != 0)) {
        return -EFAULT;
    }
    rc = sched_set_affinity(target, set_hard ? &hard : NULL, set_soft ? &soft : NULL);
    if (rc != 0) {
        return rc;
    }
    if (set_hard) {
        target->sched.pinned = false;
    }
    return affinity_effective(target, a);
}

int domctl_getvcpuaffinity(struct vcpu *v, struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
    const struct vcpu *target;
    int rc = affinity_check(d, a, AFFINITY_FLAGS);

    (void)v;
    if (rc != 0) {
        return rc;
    }
    target = d->vcpu[a->vcpu];
    return affinity_put(a, &target->sched.hard, &target->sched.soft);
}
