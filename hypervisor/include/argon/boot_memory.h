/* SPDX-License-Identifier: MIT */
/* Memory at boot: from firmware's list of RAM to the allocator, and the end of boot-only memory. */
#ifndef ARGON_BOOT_MEMORY_H
#define ARGON_BOOT_MEMORY_H

#include <argon/types.h>

/* Direct map, frame table, allocator, from `machine`. The device tree at fdt_pa stays untouched. */
void boot_memory_init(paddr_t fdt_pa, u64 fdt_size);
/* After dom0 is built: seal the hypervisor's mappings and return boot memory to the allocator. */
void boot_memory_release(paddr_t fdt_pa, u64 fdt_size);

#endif
