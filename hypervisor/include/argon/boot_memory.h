/* SPDX-License-Identifier: MIT */
/* Memory at boot: from firmware's list of RAM to the allocator, and the end of boot-only memory. */
#ifndef ARGON_BOOT_MEMORY_H
#define ARGON_BOOT_MEMORY_H

#include <argon/types.h>

/* Direct map, frame table, allocator, from `machine`. Firmware's tables stay untouched. */
void boot_memory_init(void);
/* After dom0 is built: seal the hypervisor's mappings and return boot memory, firmware's tables too, to the allocator. */
void boot_memory_release(void);

#endif
