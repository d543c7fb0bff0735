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
    return &((u64 *)((pte & PTE_ADDR_MASK) | HYP_DIRECTMAP_VA))[gpa >> shift & 511];
}

/*
 * Walk to the last entry for gpa, which is below 2^ipa_bits; *shift: log2 of what one entry there maps. The root may be several tables
 * in a row, so its index is not limited to 9 bits. Levels are written out: this is most of what a hypercall with a page costs.
 */
static always_inline u64 *last_entry(const struct pgtable *t, u64 gpa, u64 *shift)
{
    u64 level = t->start_level;
    u64 *entry, pte;

    *shift = 39 - 9 * level;
    entry = &t->root[gpa >> *shift];
    pte = READ_ONCE(*entry);
    if (level == 0) {
        if (unlikely((pte & 3) != 3)) {
            return entry;
        }
        entry = entry_below(pte, gpa, 30);
        pte = READ_ONCE(*entry);
    }
    if (likely(level != 2)) {
        if (unlikely((pte & 3) != 3)) {
            *shift = 30;
            return entry;
        }
        entry = entry_below(pte, gpa, 21);
        pte = READ_ONCE(*entry);
    }
    if (unlikely((pte & 3) != 3)) {
        *shift = 21;
        return entry;
    }
    *shift = PAGE_SHIFT;
    return entry_below(pte, gpa, PAGE_SHIFT);
}

/* Is the frame number one this stage 2 can hold? Checked before any shift, so that high bits cannot alias low frames. */
static always_inline bool gfn_range_ok(gfn_t g, u64 nr)
{
    return g.g < s2.nr_gfns && nr <= s2.nr_gfns - g.g;
}

#endif
