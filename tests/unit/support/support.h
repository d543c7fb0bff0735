/* SPDX-License-Identifier: MIT */
/* Between the support files only. */
#ifndef UNIT_SUPPORT_H
#define UNIT_SUPPORT_H

#include "unit.h"

#define weak __attribute__((weak))
#define RECORD(...) RECORD_1(__VA_ARGS__, 0, 0, 0, 0)
#define RECORD_1(a, b, c, d, ...) host_record(__func__, (u64)(a), (u64)(b), (u64)(c), (u64)(d))

void unit_fakes_reset(void);
void unit_timers_reset(void);
void unit_mem_reset(void);
void unit_domain_add(struct domain *d);
void unit_domain_remove(struct domain *d);
void unit_domains_free(void);

#endif
