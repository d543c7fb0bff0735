/* SPDX-License-Identifier: MIT */
/* The fair policy as `credit`: its time slice and migration delay can be set (`xl sched-credit -s`). */
#include "internal.h"

#include <argon/errno.h>
#include <argon/xen.h>

static int pool_params(struct cpupool *pool, struct xen_sysctl_scheduler_op *op, bool put)
{
    struct xen_sysctl_credit_schedule *p = &op->u.sched_credit;

    if (put) {
        if (p->tslice_ms < XEN_SYSCTL_CSCHED_TSLICE_MIN || p->tslice_ms > XEN_SYSCTL_CSCHED_TSLICE_MAX ||
            !fair_ratelimit_valid(p->ratelimit_us) || p->ratelimit_us > p->tslice_ms * 1000 ||
            p->vcpu_migr_delay_us > XEN_SYSCTL_CSCHED_MGR_DLY_MAX_US) {
            return -EINVAL;
        }
        cpupool_set_tslice(pool, p->tslice_ms * NS_PER_MS);
        WRITE_ONCE(pool->ratelimit_us, p->ratelimit_us);
        WRITE_ONCE(pool->migr_delay_us, p->vcpu_migr_delay_us);
    }
    p->tslice_ms = (u32)(pool->tslice_ns / NS_PER_MS);
    p->ratelimit_us = pool->ratelimit_us;
    p->vcpu_migr_delay_us = pool->migr_delay_us;
    return 0;
}

const struct sched_ops sched_credit = {
    .name = "credit",
    .id = XEN_SCHEDULER_CREDIT,
    .tslice_ms = 30,
    .balances = true,
    .rate = fair_rate,
    .woken = fair_woken,
    .keeps_turn = fair_keeps_turn,
    .turn_over = fair_turn_over,
    .domain_params = fair_domain_params,
    .pool_params = pool_params,
};
