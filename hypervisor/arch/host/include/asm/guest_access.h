/* SPDX-License-Identifier: MIT */
/* Unit tests: guest_access.c. */
#ifndef ASM_GUEST_ACCESS_H
#define ASM_GUEST_ACCESS_H

#include <argon/types.h>

struct domain;

bool fetch_u32_at_once(struct domain *d, u64 gva, u32 *value);

#endif
