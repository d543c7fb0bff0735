/* SPDX-License-Identifier: MIT */
/* platform_op: a handler gets a private copy of the operation, which goes back to the caller where its row says so. */
#ifndef PLATFORM_OP_H
#define PLATFORM_OP_H

#include <argon/hypercall.h>

typedef long platform_op_fn(struct vcpu *v, struct xen_platform_op *op);

/* platform_efi.c */
platform_op_fn platform_efi_call;

#endif
