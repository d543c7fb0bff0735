/* SPDX-License-Identifier: MIT */
/*
 * Copies between hypervisor and the current vCPU's virtual addresses (its present stage-1 context, EL1 permissions without PAN), as
 * hypercall buffers are given. Both stages' permissions are honoured; pages must belong to the guest itself. Each copy is one pass;
 * data is fetched once. Return 0, or -EFAULT with an unspecified part copied.
 */
#ifndef ARGON_GUEST_ACCESS_H
#define ARGON_GUEST_ACCESS_H

#include <argon/types.h>
#include <asm/guest_access.h>

struct domain;
struct page;
struct vcpu;

must_check int copy_from_guest(void *to, u64 gva, size_t bytes);
must_check int copy_to_guest(u64 gva, const void *from, size_t bytes);
must_check int clear_guest(u64 gva, size_t bytes);
/*
 * For several stores in order: the page behind [gva, gva + bytes) with a reference, *va where it is; NULL if the range
 * crosses a page or the guest could not write there. Mapped until guest_page_done() (guest_write.h) at once, by the same hypercall.
 */
must_check struct page *guest_page_for_write(u64 gva, size_t bytes, void **va);

/* By guest-physical address, of any domain: its RAM, and pages of others that it has mapped. */
must_check int copy_from_gpa(struct domain *d, void *to, u64 gpa, size_t bytes);

/* The gva in a XEN_GUEST_HANDLE_64 field, and element access. */
#define handle_gva(h) ((u64)(h).q)

#endif
