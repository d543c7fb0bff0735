/* SPDX-License-Identifier: MIT */
/*
 * What makes, splits and frees page tables in the VMSAv8-64 long-descriptor format with 4 KiB granule (Arm ARM D8.3): host stage 1,
 * guests' stage 2 and, later, the SMMU. What differs between them is in const operation tables and in the leaf attributes the caller
 * passes. Elsewhere are stage 2's look-ups without a lock (arch/arm/p2m_walk.h, which reads only) and the walk of a guest's own stage 1
 * (arm64/s1walk.c).
 */
#ifndef ARGON_PGTABLE_H
#define ARGON_PGTABLE_H

#include <argon/types.h>

#define PTE_VALID       BIT(0)
#define PTE_TABLE_BIT   BIT(1)           /* levels 0-2: next table; level 3: page */
#define PTE_ADDR_MASK   GENMASK(47, 12)
#define PTE_AF          BIT(10)
#define PTE_SH_INNER    (UINT64_C(3) << 8)
#define PTE_XN          BIT(54)
/* Stage 1 at EL2 */
#define PTE_S1_ATTR(i)  ((u64)(i) << 2)
#define PTE_S1_AP_RES1  BIT(6)
#define PTE_S1_RO       BIT(7)
/* Stage 2 */
#define PTE_S2_NORMAL   (UINT64_C(0xf) << 2)     /* Normal, write-back inner and outer */
#define PTE_S2_NC       (UINT64_C(0x5) << 2)     /* Normal, non-cacheable */
#define PTE_S2_DEVICE   (UINT64_C(0x1) << 2)     /* Device-nGnRE */
#define PTE_S2_READ     BIT(6)
#define PTE_S2_WRITE    BIT(7)
#define PTE_SW_SHIFT    55               /* four bits left to software */
#define PTE_SW_MASK     (UINT64_C(0xf) << PTE_SW_SHIFT)

struct pgtable;

struct pgt_ops {
    u64 *(*table_alloc)(struct pgtable *t);      /* zeroed page, NULL when out of memory or quota */
    void (*table_free)(struct pgtable *t, u64 *table);
    u64 *(*table_va)(paddr_t pa);
    paddr_t (*table_pa)(const u64 *table);
    /* Old entries of [va, va + size) are invalid in memory; make them unused by every CPU before returning. */
    void (*flush)(struct pgtable *t, u64 va, u64 size);
};

struct pgtable {
    const struct pgt_ops *ops;
    u64 *root;
    u8 start_level;                      /* 0..2; level 1 and 2 roots may be several concatenated pages */
    u8 va_bits;
};

static inline unsigned int pgt_level_shift(unsigned int level) { return 39 - 9 * level; }
static inline bool pte_is_table(u64 pte, unsigned int level) { return level < 3 && (pte & 3) == 3; }
static inline bool pte_is_leaf(u64 pte, unsigned int level) { return (pte & PTE_VALID) && !pte_is_table(pte, level); }

/*
 * Map [va, va + size) to pa with leaf attributes attrs (without valid and type bits), in the largest blocks alignment allows. Nothing in the
 * range may be mapped: -EEXIST, and -ENOMEM, leave the map as it was (empty tables may stay). -EINVAL: beyond va_bits.
 * Caller serialises changes; addresses page aligned.
 */
must_check int pgt_map(struct pgtable *t, u64 va, paddr_t pa, u64 size, u64 attrs);
/* Remove all mappings in [va, va + size), splitting blocks at the edges (-ENOMEM: nothing changed), and flush. */
must_check int pgt_unmap(struct pgtable *t, u64 va, u64 size);
/* The leaf entry for va and its level; 0 when not mapped (level: where the walk ended). Safe against concurrent changes. */
u64 pgt_lookup(const struct pgtable *t, u64 va, unsigned int *level);
/*
 * Pointer to the level-3 entry for va, for the single-page fast paths. Missing tables are made and a block is split if `make`.
 * NULL: no such entry (out of memory when make).
 */
u64 *pgt_page_entry(struct pgtable *t, u64 va, bool make);
/* Free every table below the root, from *cursor (0 at first) on, until about `budget` are freed. True when all are. No flush. */
bool pgt_free_tables(struct pgtable *t, unsigned int *cursor, unsigned int budget);

#endif
