/* SPDX-License-Identifier: MIT */
/* ARM's, but for the direct map: "physical" addresses of what is in memory are its host addresses. */
#include <arch/arm/arm64/include/asm/layout.h>
#undef HYP_DIRECTMAP_VA
#define HYP_DIRECTMAP_VA 0UL
