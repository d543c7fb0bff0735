/* SPDX-License-Identifier: MIT */
/* Between the files of stage 2: its geometry, and the walk that all of its short ways share. */
#ifndef P2M_WALK_H
#define P2M_WALK_H

#include <argon/p2m.h>
#include <argon/pgtable.h>
#include <asm/layout.h>

/* The same for all domains; set by p2m_boot_init(). */
struct s2_geometry {
    u8 ipa_bits;
    u8 start_level;
    u8 root_order;
    u8 root_shift;                       /* log2 of what an entry of the root maps: 39 at level 0, 30 at level 1 */
    u64 nr_gfns;                         /* 2^(ipa_bits - PAGE_SHIFT) */
    u64 vtcr;
};
extern struct s2_geometry s2;

static always_inline enum p2m_type pte_type(u64 pte)
{
    return (enum p2m_type)((pte & PTE_SW_MASK) >> PTE_SW_SHIFT);
}

/* The entry for gpa, in the table that a table entry points to. Tables of stage 2 are always in the direct map. */
static always_inline u64 *entry_below(u64 pte, u64 gpa, u64 shift)
{
    return &((u64 *)(uintptr_t)((pte & PTE_ADDR_MASK) | HYP_DIRECTMAP_VA))[gpa >> shift & 511];
}

/*
 * Above level 3 an entry is 0, a block, or a table (never anything else that is not valid): bit 1 alone tells the table
 * (Arm ARM D8.3.1).
 */
static always_inline bool entry_is_table(u64 pte)
{
    return likely(pte & PTE_TABLE_BIT);
}

/*
 * Walk to the last entry for gpa, which is below 2^ipa_bits; *shift: log2 of what one entry there maps. The root may be
 * several tables in a row, so its index is not limited to 9 bits. Levels are written out: this is most of what a
 * hypercall with a page costs.
 */
static always_inline u64 *last_entry(const struct pgtable *t, u64 gpa, u64 *shift)
{
    u64 root_shift = s2.root_shift;
    u64 *entry = &t->root[gpa >> root_shift];
    u64 pte = READ_ONCE(*entry);

    if (unlikely(root_shift != 30)) {
        if (!entry_is_table(pte)) {
            *shift = root_shift;
            return entry;
        }
        entry = entry_below(pte, gpa, 30);
        pte = READ_ONCE(*entry);
    }
    if (!entry_is_table(pte)) {
        *shift = 30;
        return entry;
    }
    entry = entry_below(pte, gpa, 21);
    pte = READ_ONCE(*entry);
    if (!entry_is_table(pte)) {
        *shift = 21;
        return entry;
    }
    *shift = PAGE_SHIFT;
    return entry_below(pte, gpa, PAGE_SHIFT);
}

/*
 * Is the frame number one this stage 2 can hold? Checked before any shift, so that high bits cannot alias low frames.
 */
static always_inline bool gfn_range_ok(gfn_t g, u64 nr)
{
    return g.g < s2.nr_gfns && nr <= s2.nr_gfns - g.g;
}

#endif
