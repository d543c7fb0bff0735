/* SPDX-License-Identifier: MIT */
/* The same on ARM's stage 2. */
/* unit-arch: arm */
/* unit-sources: arch/arm/p2m.c arch/arm/p2m_lookup.c arch/arm/pgtable.c arch/arm/arm64/tlb.c */
/* unit-sources: arch/arm/guest_access.c */
#include "real_p2m.h"
#include "test_grant_copy.c"
