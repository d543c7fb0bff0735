/* SPDX-License-Identifier: MIT */
/* How boot reads what firmware left in memory, be it RAM or not. */
#include <argon/acpi.h>
#include <argon/boot.h>
#include <asm/mmu.h>

static boot_code const void *map(paddr_t pa, u64 size)
{
    return mmu_window(pa, size, MMU_RO);
}

const struct firmware_memory boot_firmware_memory = { .map = map, .unmap = mmu_window_close };
