/* SPDX-License-Identifier: MIT */
/* The toolstack's hypercalls, for a dom0 that is a test. vCPU 0 only: they share one buffer. */
#ifndef RT_DOMCTL_H
#define RT_DOMCTL_H

#include <stdbool.h>
#include <stdint.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>
#include "xenabi.h"

extern xen_domctl_t domctl_buffer; /* .u as the operation wants it; .domain is domctl()'s */
long domctl(uint32_t cmd, domid_t domid);

extern xen_sysctl_t sysctl_buffer;
long sysctl(uint32_t cmd);
long debug_key(char key);
/* The hypervisor's log: how much of it text holds, always less than size; negative errors as the hypercall's. */
long console_log(char *text, uint32_t size, bool clear);

/*
 * The machine's; 0: it does not say. Settled: the last of a domain goes a grace period after it, so once nothing has
 * changed for a while.
 */
uint64_t free_pages(void);
uint64_t free_pages_settled(void);

/* Let a vCPU run on these physical CPUs only; false if none of them exists. */
bool vcpu_pin(domid_t domid, unsigned vcpu, uint64_t pcpus);
bool vcpu_is_blocked(domid_t domid, unsigned vcpu);
long vcpu_get_context(domid_t domid, unsigned vcpu, vcpu_guest_context_t *context);
long vcpu_set_context(domid_t domid, unsigned vcpu, vcpu_guest_context_t *context);

#endif
