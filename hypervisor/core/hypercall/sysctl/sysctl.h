/* SPDX-License-Identifier: MIT */
/*
 * Control of the machine, one file per group. A handler gets a private copy of the operation, which goes back to the
 * caller on success.
 */
#ifndef SYSCTL_H
#define SYSCTL_H

#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/hypercall.h>

typedef int sysctl_fn(struct vcpu *v, struct xen_sysctl *op);

/* console.c */
sysctl_fn sysctl_readconsole, sysctl_debug_keys;
/* info.c */
sysctl_fn sysctl_physinfo, sysctl_getdomaininfolist, sysctl_getcpuinfo, sysctl_availheap;
/* topology.c */
sysctl_fn sysctl_cputopoinfo, sysctl_numainfo;
/* sched.c */
sysctl_fn sysctl_sched_id, sysctl_cpupool_op, sysctl_scheduler_op;

#endif
