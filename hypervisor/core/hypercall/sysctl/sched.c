/* SPDX-License-Identifier: MIT */
/* Scheduler and cpupools. */
#include "sysctl.h"

int sysctl_sched_id(struct vcpu *v, struct xen_sysctl *op)
{
    (void)v;
    op->u.sched_id.sched_id = sched_id();
    return 0;
}

int sysctl_cpupool_op(struct vcpu *v, struct xen_sysctl *op)
{
    (void)v;
    return cpupool_op(&op->u.cpupool_op);
}

int sysctl_scheduler_op(struct vcpu *v, struct xen_sysctl *op)
{
    (void)v;
    return sched_sysctl(&op->u.scheduler_op);
}
