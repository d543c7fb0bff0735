/* SPDX-License-Identifier: MIT */
/* The hypercall families and the shared structures, without checking. */
#ifndef RT_XENABI_H
#define RT_XENABI_H

#include <stdbool.h>
#include <stdint.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include "cpu.h"
#include "hypercall.h"

#define evtchn_op(cmd, arg) hypercall2(__HYPERVISOR_event_channel_op, cmd, arg)
#define memory_op(cmd, arg) hypercall2(__HYPERVISOR_memory_op, cmd, arg)
#define grant_op(cmd, arg, n) hypercall3(__HYPERVISOR_grant_table_op, cmd, arg, n)
#define sched_op(cmd, arg) hypercall2(__HYPERVISOR_sched_op, cmd, arg)
#define vcpu_op(cmd, vcpu, arg) hypercall3(__HYPERVISOR_vcpu_op, cmd, vcpu, arg)

/* Spare RAM pages (machine_spare_page()) by use, so that tests do not meet. */
enum spare_page {
    PAGE_SHARED_INFO = 0,
    PAGE_VCPU_INFO = 1,
    PAGE_FIFO_CONTROL = 2, /* one for each vCPU */
    PAGE_FIFO_ARRAY = 16,
    PAGE_GRANT = 32,
    PAGE_MEMORY = 64,
    PAGE_BATCH = 256,
    PAGE_ITS = 960,        /* 33 */
    PAGE_FOREIGN = 1024, /* other domains' pages (domu.c) */
};

/* The shared info page, put in place at first use; NULL if that fails. */
volatile shared_info_t *xen_shared_info(void);

/* vCPU's vcpu_info: in the shared page until registered elsewhere. NULL for a vCPU > 0 that has none. */
volatile vcpu_info_t *xen_vcpu_info(unsigned cpu);
long xen_register_vcpu_info(unsigned cpu);

long xen_map(unsigned space, uint64_t index, uint64_t gpa);  /* add_to_physmap */
long xen_unmap(uint64_t gpa);                                /* remove_from_physmap */

/* Event channels: the port, or a negative error. */
long event_alloc(void);           /* unbound, self to self */
long event_bind(uint32_t remote); /* interdomain, to an unbound port of ours */
long event_ipi(unsigned vcpu);
long event_virq(unsigned virq, unsigned vcpu);
long event_close(uint32_t port);
long event_send(uint32_t port);
long event_unmask(uint32_t port);
long event_bind_vcpu(uint32_t port, unsigned vcpu);
long event_reset(void);
evtchn_status_t event_status(uint32_t port); /* .status = ~0 on error */

#endif
