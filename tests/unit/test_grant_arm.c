/* SPDX-License-Identifier: MIT */
/* The same on ARM's stage 2. */
/* unit-arch: arm */
/* unit-sources: core/grant/table.c core/grant/pin.c core/grant/map.c */
/* unit-sources: core/grant/copy.c core/grant/cache.c core/grant/dump.c */
/* unit-sources: core/event/guest_atomic.c */
/* unit-sources: arch/arm/p2m.c arch/arm/p2m_lookup.c arch/arm/pgtable.c arch/arm/tlb.c */
/* unit-sources: arch/arm/guest_access.c */
#include "real_p2m.h"
#include "test_grant.c"
