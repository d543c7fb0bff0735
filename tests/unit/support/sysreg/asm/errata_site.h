/* SPDX-License-Identifier: MIT */
/* The fake architecture's, beside ARM's other headers. */
#include <arch/host/include/asm/errata_site.h>
