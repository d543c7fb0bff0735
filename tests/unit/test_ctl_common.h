/* SPDX-License-Identifier: MIT */
/* The toolstack's hypercalls, as a caller makes them: from a buffer in its memory, and back into it. */
#ifndef TEST_CTL_COMMON_H
#define TEST_CTL_COMMON_H

#include "test_sched_common.h"
#include <argon/machine.h>

static struct vcpu *caller;
static u64 op_gva;

void wallclock_get(u64 *secs, u32 *nsecs)
{
    *secs = 1000;
    *nsecs = 0;
}

/* A domain of one vCPU that calls. */
static void ctl_caller(u16 domid)
{
    caller = unit_domain(domid, 1)->vcpu[0];
    caller->domain->target = 0;
    unit_set_current(caller);
    op_gva = unit_guest_alloc(caller->domain, PAGE_SIZE);
}

static long ctl_call(long (*call)(struct vcpu *v, u64 *arg), void *op, size_t n)
{
    void *p = unit_guest_ptr(caller->domain, op_gva);
    long rc;

    memcpy(p, op, n);
    rc = call(caller, (u64[6]){ op_gva });
    memcpy(op, p, n);
    return rc;
}

#endif
