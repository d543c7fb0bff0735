/* SPDX-License-Identifier: MIT */
/*
 * Control operations, one file per group. A handler gets the caller, the target and a private copy of the operation;
 * with DOMCTL_COPYBACK that copy goes back to the caller on success. Handlers return 0 or an error; -ERESTART runs the
 * whole operation again from the caller's buffer, so what was done stays done and is found done.
 */
#ifndef DOMCTL_H
#define DOMCTL_H

#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/hypercall.h>

typedef int domctl_fn(struct vcpu *v, struct domain *d, struct xen_domctl *op);

/* lifecycle.c */
domctl_fn domctl_createdomain, domctl_destroydomain, domctl_pausedomain, domctl_unpausedomain, domctl_resumedomain,
          domctl_getdomaininfo, domctl_max_vcpus, domctl_soft_reset;
/* settings.c */
domctl_fn domctl_setdomainhandle, domctl_setdebugging, domctl_settimeoffset, domctl_set_target, domctl_subscribe,
          domctl_set_virq_handler, domctl_scheduler_op, domctl_set_address_size, domctl_vuart_op;
/* vcpu.c */
domctl_fn domctl_setvcpucontext, domctl_getvcpucontext, domctl_getvcpuinfo, domctl_setvcpuaffinity,
          domctl_getvcpuaffinity;
/* memory.c */
domctl_fn domctl_max_mem, domctl_setnodeaffinity, domctl_getnodeaffinity, domctl_cacheflush, domctl_get_paging_mempool,
          domctl_set_paging_mempool;
/* device.c */
domctl_fn domctl_irq_permission, domctl_iomem_permission, domctl_memory_mapping, domctl_bind_pt_irq,
          domctl_unbind_pt_irq, domctl_no_device;

#endif
