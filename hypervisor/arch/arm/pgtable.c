/* SPDX-License-Identifier: MIT */
/* Page-table walker: see argon/pgtable.h. */
#include <argon/errno.h>
#include <argon/panic.h>
#include <asm/cpu.h>
#include <argon/pgtable.h>

#define ENTRIES 512

static unsigned int entry_index(const struct pgtable *t, u64 va, unsigned int level)
{
    u64 index = va >> pgt_level_shift(level);

    /* The root may be up to 16 concatenated tables (stage 2, D8.2.2): its index has more bits. */
    return (unsigned int)(index & (level == t->start_level ? BIT(t->va_bits - pgt_level_shift(level)) - 1 : ENTRIES - 1u));
}

static u64 leaf(paddr_t pa, u64 attrs, unsigned int level)
{
    return pa | attrs | PTE_VALID | (level == 3 ? PTE_TABLE_BIT : 0);
}

/*
 * Entries are written with single 64-bit stores (single-copy atomic, B2.2.1). The barrier makes a new table's contents visible to walkers
 * before the entry that points to it.
 */
static void entry_write(u64 *entry, u64 value)
{
    WRITE_ONCE(*entry, value);
}

static void table_link(struct pgtable *t, u64 *entry, const u64 *table)
{
    cpu_table_barrier();
    entry_write(entry, t->ops->table_pa(table) | PTE_VALID | PTE_TABLE_BIT);
}

static u64 *table_below(const struct pgtable *t, u64 pte)
{
    return t->ops->table_va(pte & PTE_ADDR_MASK);
}

/* Replace a block by a table of next-level entries for the same memory: break-before-make (D8.14.1). */
static u64 *block_split(struct pgtable *t, u64 *entry, u64 va, unsigned int level)
{
    u64 pte = *entry;
    unsigned int shift = pgt_level_shift(level + 1);
    paddr_t pa = pte & PTE_ADDR_MASK;
    u64 attrs = pte & ~(PTE_ADDR_MASK | PTE_VALID | PTE_TABLE_BIT);
    u64 *table = t->ops->table_alloc(t);

    ASSERT(pte_is_leaf(pte, level) && level > 0 && IS_ALIGNED(pa, BIT(pgt_level_shift(level))));
    if (table == NULL) {
        return NULL;
    }
    for (u64 i = 0; i < ENTRIES; i++) {
        table[i] = leaf(pa + (i << shift), attrs, level + 1);
    }
    entry_write(entry, 0);
    t->ops->flush(t, ROUND_DOWN(va, BIT(pgt_level_shift(level))), BIT(pgt_level_shift(level)));
    table_link(t, entry, table);
    return table;
}

u64 pgt_lookup(const struct pgtable *t, u64 va, unsigned int *level)
{
    const u64 *table = t->root;
    unsigned int l = t->start_level;

    if (va >> t->va_bits) {
        *level = l;
        return 0;
    }
    for (;; l++) {
        u64 pte = READ_ONCE(table[entry_index(t, va, l)]);

        if (!pte_is_table(pte, l)) {
            *level = l;
            return (pte & PTE_VALID) ? pte : 0;
        }
        table = table_below(t, pte);
    }
}

u64 *pgt_page_entry(struct pgtable *t, u64 va, bool make)
{
    u64 *table = t->root;

    if (va >> t->va_bits) {
        return NULL;
    }
    for (unsigned int l = t->start_level; l < 3; l++) {
        u64 *entry = &table[entry_index(t, va, l)];
        u64 pte = *entry;

        if (likely(pte_is_table(pte, l))) {
            table = table_below(t, pte);
            continue;
        }
        if (!make) {
            return NULL;
        }
        if (pte & PTE_VALID) {
            table = block_split(t, entry, va, l);
        } else {
            table = t->ops->table_alloc(t);
            if (table != NULL) {
                table_link(t, entry, table);
            }
        }
        if (table == NULL) {
            return NULL;
        }
    }
    return &table[entry_index(t, va, 3)];
}

struct map_request {
    u64 va, end;                         /* va advances */
    paddr_t pa;
    u64 attrs;
};

static bool block_fits(const struct map_request *r, unsigned int level)
{
    u64 size = BIT(pgt_level_shift(level));

    return level == 3 || (level > 0 && IS_ALIGNED(r->va | r->pa, size) && r->end - r->va >= size);
}

/* Map what of the request lies below `table` of `level`. */
static int map_level(struct pgtable *t, u64 *table, unsigned int level, struct map_request *r)
{
    u64 size = BIT(pgt_level_shift(level));
    u64 table_end = level == t->start_level ? r->end : ROUND_DOWN(r->va, size * ENTRIES) + size * ENTRIES;

    while (r->va < r->end && r->va < table_end) {
        u64 *entry = &table[entry_index(t, r->va, level)];
        u64 *below;
        int rc;

        if (pte_is_leaf(*entry, level)) {
            return -EEXIST;
        }
        if (*entry == 0 && block_fits(r, level)) {
            entry_write(entry, leaf(r->pa, r->attrs, level));
            r->va += size;
            r->pa += size;
            continue;
        }
        if (*entry == 0) {
            below = t->ops->table_alloc(t);
            if (below == NULL) {
                return -ENOMEM;
            }
            table_link(t, entry, below);
        } else {
            below = table_below(t, *entry);
        }
        rc = map_level(t, below, level + 1, r);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

int pgt_map(struct pgtable *t, u64 va, paddr_t pa, u64 size, u64 attrs)
{
    struct map_request r = { .va = va, .end = va + size, .pa = pa, .attrs = attrs };
    int rc;

    ASSERT(IS_ALIGNED(va | pa | size, PAGE_SIZE) && (attrs & (PTE_ADDR_MASK | PTE_VALID | PTE_TABLE_BIT)) == 0);
    if (size == 0 || r.end < va || (r.end - 1) >> t->va_bits || ((pa + size - 1) & ~(PTE_ADDR_MASK | 0xfff))) {
        return -EINVAL;
    }
    rc = map_level(t, t->root, t->start_level, &r);
    if (rc != 0 && r.va > va) {
        /* Only entries that this call made lie in [va, r.va): their removal splits nothing and cannot fail. */
        int undo = pgt_unmap(t, va, r.va - va);

        ASSERT_ALWAYS(undo == 0);
    }
    /* New valid entries: visible to the walkers before the caller goes on (D8.14: invalid to valid needs no TLB invalidation). */
    cpu_table_barrier();
    return rc;
}

/* Split the block that `va` lies inside of, if any, so that va becomes an edge. */
static int edge_split(struct pgtable *t, u64 va)
{
    u64 *table = t->root;

    if (va >> t->va_bits) {
        return 0;
    }
    for (unsigned int l = t->start_level; l < 3; l++) {
        u64 *entry = &table[entry_index(t, va, l)];

        if (IS_ALIGNED(va, BIT(pgt_level_shift(l))) || *entry == 0) {
            return 0;
        }
        table = pte_is_table(*entry, l) ? table_below(t, *entry) : block_split(t, entry, va, l);
        if (table == NULL) {
            return -ENOMEM;
        }
    }
    return 0;
}

/* Clear the entries of [va, end) below `table`; edges are split already. True if anything was valid. */
static bool clear_level(struct pgtable *t, u64 *table, unsigned int level, u64 *va, u64 end)
{
    u64 size = BIT(pgt_level_shift(level));
    u64 table_end = level == t->start_level ? end : ROUND_DOWN(*va, size * ENTRIES) + size * ENTRIES;
    bool any = false;

    while (*va < end && *va < table_end) {
        u64 *entry = &table[entry_index(t, *va, level)];

        if (pte_is_table(*entry, level)) {
            any |= clear_level(t, table_below(t, *entry), level + 1, va, end);
            continue;
        }
        if (*entry != 0) {
            entry_write(entry, 0);
            any = true;
        }
        *va = ROUND_DOWN(*va, size) + size;
    }
    return any;
}

int pgt_unmap(struct pgtable *t, u64 va, u64 size)
{
    u64 end = va + size, at = va;
    int rc;

    if (size == 0 || end < va || (end - 1) >> t->va_bits) {
        return -EINVAL;
    }
    rc = edge_split(t, va);
    if (rc == 0) {
        rc = edge_split(t, end);
    }
    if (rc != 0) {
        return rc;
    }
    if (clear_level(t, t->root, t->start_level, &at, end)) {
        t->ops->flush(t, va, size);
    }
    return 0;
}

static unsigned int free_below(struct pgtable *t, u64 *table, unsigned int level)
{
    unsigned int freed = 1;

    for (unsigned int i = 0; level < 3 && i < ENTRIES; i++) {
        if (pte_is_table(table[i], level)) {
            freed += free_below(t, table_below(t, table[i]), level + 1);
        }
    }
    t->ops->table_free(t, table);
    return freed;
}

/* A table at the root's second level down holds at most 512 tables of level 3: the unit of preemption. */
bool pgt_free_tables(struct pgtable *t, unsigned int *cursor, unsigned int budget)
{
    unsigned int root_entries = 1U << (t->va_bits - pgt_level_shift(t->start_level));
    unsigned int second = t->start_level + 1;

    while (*cursor < root_entries * ENTRIES) {
        u64 *entry = &t->root[*cursor / ENTRIES];
        u64 *mid;

        if (!pte_is_table(*entry, t->start_level)) {
            *cursor = ROUND_DOWN(*cursor, ENTRIES) + ENTRIES;
            continue;
        }
        mid = table_below(t, *entry);
        if (pte_is_table(mid[*cursor % ENTRIES], second)) {
            unsigned int freed = free_below(t, table_below(t, mid[*cursor % ENTRIES]), second + 1);

            mid[*cursor % ENTRIES] = 0;
            budget = freed < budget ? budget - freed : 0;
        }
        (*cursor)++;
        if (*cursor % ENTRIES == 0) {
            *entry = 0;
            t->ops->table_free(t, mid);
        }
        if (budget == 0) {
            return *cursor == root_entries * ENTRIES;
        }
    }
    return true;
}
