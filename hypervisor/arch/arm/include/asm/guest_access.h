/* SPDX-License-Identifier: MIT */
/* The shortest of all copies: see arch/arm/guest_access.c. */
#ifndef ASM_GUEST_ACCESS_H
#define ASM_GUEST_ACCESS_H

#include <argon/domain.h>
#include <argon/mem.h>
#include <argon/vcpu.h>
#include <asm/translate.h>

/*
 * The word at gva, if it can be had in one go: an aligned address that the CPU translates at once, to a page of the guest's own. False:
 * copy_from_guest() decides; d's vCPU is current. Without a reference: page_load_u32().
 */
must_check static always_inline bool fetch_u32_at_once(struct domain *d, u64 gva, u32 *value)
{
    u64 par = guest_translate(gva, false);
    u64 m = translated_mfn(par);
    u64 i = m - mem_hot_range.first, nr = mem_hot_range.nr;
    bool done = false;

    if (likely(!(par & PAR_F) && !(gva & 3) && i < nr)) {
        const u32 *from = frame_map_at(mfn(m), gva);

        done = page_load_u32(&mem_hot_range.page[i], PAGE_WORD_ID(d->id, PAGE_GUEST), from, value);
        frame_unmap(from);
    }
    return done;
}

#endif
