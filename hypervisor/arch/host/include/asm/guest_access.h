/* SPDX-License-Identifier: MIT */
/* Unit tests: guest_access.c. */
#ifndef ASM_GUEST_ACCESS_H
#define ASM_GUEST_ACCESS_H

#include <argon/types.h>

struct vcpu;

bool fetch_u32_at_once(struct vcpu *v, u64 gva, u32 *value);

#endif
