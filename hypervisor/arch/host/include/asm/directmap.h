/* SPDX-License-Identifier: MIT */
/* The direct map of the tests' memory: ram.c. What frames_map() and frame_map_at() have made is counted. */
#ifndef ASM_DIRECTMAP_H
#define ASM_DIRECTMAP_H

#include <argon/types.h>

void *mfn_to_virt(mfn_t m);
mfn_t virt_to_mfn(const void *va);
void arch_scrub_pages(void *va, u64 nr_pages);

extern __thread u64 host_frames_mapped;  /* of this CPU; host_ram_init() and host_ram_free() find none */

static inline void *frames_map(mfn_t m, u64 nr)
{
    host_frames_mapped += nr;
    return mfn_to_virt(m);
}

static inline void frames_unmap(const void *va, u64 nr)
{
    (void)va;
    host_frames_mapped -= nr;
}

static inline void *frame_map_at(mfn_t m, u64 addr) { return (u8 *)frames_map(m, 1) + (addr & ~PAGE_MASK); }
static inline void *frame_map_lasting(mfn_t m) { return mfn_to_virt(m); }
static inline mfn_t frame_unmap_lasting(const void *va) { return virt_to_mfn(va); }
static inline void frames_scrub(mfn_t m, u64 nr) { arch_scrub_pages(mfn_to_virt(m), nr); }

#endif
