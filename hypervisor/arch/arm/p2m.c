/* SPDX-License-Identifier: MIT */
/*
 * Stage 2 (Arm ARM D8.2, D8.14). Contract in argon/p2m.h.
 *
 * Tables are only ever added while a domain lives, so lookups walk without a lock. A block that is split is absent for a moment
 * (break-before-make): a lookup that finds nothing asks again under the lock. Of a dying domain lookups take the lock from the start, and
 * tables are freed under it: between the two, domain_kill() lets a grace period pass, so that no walk without the lock is left.
 */
#include <argon/arch.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/hypercall.h>
#include <argon/machine.h>
#include <argon/mem.h>
#include <argon/p2m.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <asm/cache.h>
#include <asm/layout.h>
#include <asm/mmu.h>
#include <asm/p2m.h>

/* Above this many pages one invalidation of the whole VMID is cheaper than a loop. */
#define FLUSH_PAGES_MAX 32

#define GUEST_GPADDR_BITS 40     /* what the ABI lays guests out in: their RAM ends below 1 TiB (public arch-arm.h) */

static struct {
    u8 ipa_bits;
    u8 start_level;
    u8 root_order;
    u64 nr_gfns;                         /* 2^(ipa_bits - PAGE_SHIFT) */
    u64 vtcr;
} s2 ro_after_boot;

static u64 vmid_map[256 / 64];           /* in use; vmid 0 is the hypervisor's idle value */

/* Output size of the CPU, in bits, by ID_AA64MMFR0_EL1.PARange (D17.2.64). */
static const u8 parange_bits[] = { 32, 36, 40, 42, 44, 48, 48 };

void p2m_boot_init(void)
{
    u64 range = sysreg_read(id_aa64mmfr0_el1) & 0xf;
    u8 bits = range < ARRAY_SIZE(parange_bits) ? parange_bits[range] : 48;
    u8 need = GUEST_GPADDR_BITS;
    u64 sl0;

    while (need < bits && machine.top >> need != 0) {
        need++;
    }
    /* No more than is used: up to 43 bits fit 16 concatenated level-1 tables (D8.2.2), which saves a level of every walk. */
    bits = bits < need ? bits : need;
    s2.ipa_bits = bits < 36 ? 36 : bits;
    s2.nr_gfns = 1UL << (s2.ipa_bits - PAGE_SHIFT);
    s2.start_level = s2.ipa_bits <= 43 ? 1 : 0;
    s2.root_order = s2.start_level == 1 && s2.ipa_bits > 39 ? (u8)(s2.ipa_bits - 39) : 0;
    sl0 = s2.start_level == 1 ? 1 : 2;
    /* T0SZ, SL0, IRGN0/ORGN0 write-back, SH0 inner, TG0 4K, PS, VS 8 bit, RES1 (D17.2.157) */
    s2.vtcr = (64UL - s2.ipa_bits) | sl0 << 6 | 1UL << 8 | 1UL << 10 | 3UL << 12 | MIN(range, 5UL) << 16 | 1UL << 31;
    vmid_map[0] = 1;
}

void p2m_cpu_init(void)
{
    sysreg_write(vtcr_el2, s2.vtcr);
    sysreg_write(vttbr_el2, 0);
    isb();
}

unsigned int p2m_gpaddr_bits(void)
{
    return s2.ipa_bits;
}

static struct domain *pgt_domain(struct pgtable *t)
{
    return container_of(t, struct domain, arch.p2m);
}

static u64 *s2_table_alloc(struct pgtable *t)
{
    struct domain *d = pgt_domain(t);
    u64 *table;

    if (!d->is_privileged && d->paging_pool_used + PAGE_SIZE > d->paging_pool_bytes) {
        return NULL;
    }
    table = pages_alloc(0, MEMF_ZERO);
    if (table != NULL) {
        d->paging_pool_used += PAGE_SIZE;
    }
    return table;
}

static void s2_table_free(struct pgtable *t, u64 *table)
{
    pgt_domain(t)->paging_pool_used -= PAGE_SIZE;
    pages_free(table, 0);
}

static u64 *s2_table_va(paddr_t pa)
{
    return mfn_to_virt(paddr_to_mfn(pa));
}

static paddr_t s2_table_pa(const u64 *table)
{
    return mfn_to_paddr(virt_to_mfn(table));
}

/*
 * Invalidate stage 2 of a VMID and everything combined with it (D8.14.5): first the IPA entries, then, after these have completed, all
 * stage-1 entries of the VMID, which may hold the old translation.
 */
static void s2_flush(struct pgtable *t, u64 va, u64 size)
{
    struct domain *d = pgt_domain(t);
    u64 old = sysreg_read(vttbr_el2);

    if (old != d->arch.vttbr) {
        sysreg_write(vttbr_el2, d->arch.vttbr);
        isb();
    }
    dsb(ishst);
    if (size <= FLUSH_PAGES_MAX * PAGE_SIZE) {
        for (u64 a = va; a < va + size; a += PAGE_SIZE) {
            __asm__ volatile("tlbi ipas2e1is, %0" : : "r"(a >> PAGE_SHIFT) : "memory");
        }
        dsb(ish);
        __asm__ volatile("tlbi vmalle1is" : : : "memory");
    } else {
        __asm__ volatile("tlbi vmalls12e1is" : : : "memory");
    }
    dsb(ish);
    isb();
    if (old != d->arch.vttbr) {
        sysreg_write(vttbr_el2, old);
        isb();
    }
}

/* As s2_flush(), of one page; mostly the running guest's own. */
static always_inline void s2_flush_page(struct domain *d, gfn_t g)
{
    if (unlikely(sysreg_read(vttbr_el2) != d->arch.vttbr)) {
        s2_flush(&d->arch.p2m, gfn_to_gpa(g), PAGE_SIZE);
        return;
    }
    dsb(ishst);
    __asm__ volatile("tlbi ipas2e1is, %0" : : "r"(g.g) : "memory");
    dsb(ish);
    __asm__ volatile("tlbi vmalle1is" : : : "memory");
    dsb(ish);
    isb();
}

static const struct pgt_ops s2_ops = {
    .table_alloc = s2_table_alloc,
    .table_free = s2_table_free,
    .table_va = s2_table_va,
    .table_pa = s2_table_pa,
    .flush = s2_flush,
};

/* Leaf attributes by type: memory type, access, shareability, execute never, and the type itself in the software bits. */
#define S2_COMMON(type) (PTE_AF | PTE_SH_INNER | (u64)(type) << PTE_SW_SHIFT)
static const u64 s2_attrs[16] = {
    [P2M_RAM_RW] = S2_COMMON(P2M_RAM_RW) | PTE_S2_NORMAL | PTE_S2_READ | PTE_S2_WRITE,
    [P2M_RAM_RO] = S2_COMMON(P2M_RAM_RO) | PTE_S2_NORMAL | PTE_S2_READ,
    [P2M_MMIO] = S2_COMMON(P2M_MMIO) | PTE_S2_DEVICE | PTE_S2_READ | PTE_S2_WRITE | PTE_XN,
    [P2M_FOREIGN_RW] = S2_COMMON(P2M_FOREIGN_RW) | PTE_S2_NORMAL | PTE_S2_READ | PTE_S2_WRITE | PTE_XN,
    [P2M_FOREIGN_RO] = S2_COMMON(P2M_FOREIGN_RO) | PTE_S2_NORMAL | PTE_S2_READ | PTE_XN,
    [P2M_GRANT_RW] = S2_COMMON(P2M_GRANT_RW) | PTE_S2_NORMAL | PTE_S2_READ | PTE_S2_WRITE | PTE_XN,
    [P2M_GRANT_RO] = S2_COMMON(P2M_GRANT_RO) | PTE_S2_NORMAL | PTE_S2_READ | PTE_XN,
};

static enum p2m_type pte_type(u64 pte)
{
    return (enum p2m_type)((pte & PTE_SW_MASK) >> PTE_SW_SHIFT);
}

/* VMIDs: 8 bits on every implementation. A new owner starts with a clean TLB. */
static int vmid_alloc(u16 *vmid)
{
    for (u16 i = 1; i < 256; i++) {
        if (!atomic_test_and_set_bit(vmid_map, i)) {
            *vmid = i;
            return 0;
        }
    }
    return -ENOSPC;
}

int p2m_init(struct domain *d)
{
    u64 *root = pages_alloc(s2.root_order, MEMF_ZERO);
    int rc;

    if (root == NULL) {
        return -ENOMEM;
    }
    rc = vmid_alloc(&d->arch.vmid);
    if (rc != 0) {
        pages_free(root, s2.root_order);
        return rc;
    }
    spin_lock_init(&d->arch.p2m_lock, RANK_P2M);
    d->arch.p2m = (struct pgtable){ .ops = &s2_ops, .root = root, .start_level = s2.start_level, .va_bits = s2.ipa_bits };
    d->arch.vttbr = s2_table_pa(root) | (u64)d->arch.vmid << 48;
    d->arch.teardown_cursor = 0;
    s2_flush(&d->arch.p2m, 0, ~0UL);
    return 0;
}

int p2m_teardown(struct domain *d)
{
    struct pgtable *t = &d->arch.p2m;

    if (t->root == NULL) {
        return 0;
    }
    for (bool done = false; !done;) {
        spin_lock(&d->arch.p2m_lock);
        done = pgt_free_tables(t, &d->arch.teardown_cursor, 64);
        spin_unlock(&d->arch.p2m_lock);
        if (!done && hypercall_preempt_check()) {
            return -ERESTART;
        }
    }
    spin_lock(&d->arch.p2m_lock);
    s2_flush(t, 0, ~0UL);
    pages_free(t->root, s2.root_order);
    t->root = NULL;
    spin_unlock(&d->arch.p2m_lock);
    atomic_fetch_and(&vmid_map[d->arch.vmid / 64], ~BIT(d->arch.vmid % 64));
    return 0;
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

/* Entry of a single page whose tables are all there, NULL otherwise. */
static always_inline u64 *page_entry(struct pgtable *t, gfn_t g)
{
    u64 shift;
    u64 *entry = likely(t->root != NULL) ? last_entry(t, gfn_to_gpa(g), &shift) : NULL;

    return likely(entry != NULL && shift == PAGE_SHIFT) ? entry : NULL;
}

static void note_max_gfn(struct domain *d, u64 last)
{
    if (last > d->arch.p2m_max_gfn) {
        d->arch.p2m_max_gfn = last;
    }
}

/* Is the frame number one this stage 2 can hold? Checked before any shift, so that high bits cannot alias low frames. */
static always_inline bool gfn_range_ok(gfn_t g, u64 nr)
{
    return g.g < s2.nr_gfns && nr <= s2.nr_gfns - g.g;
}

/* Locked, d not dying: a single page whose tables may not be there yet. */
static noinline int map_page_slowly(struct domain *d, gfn_t g, u64 pte)
{
    u64 *entry = page_entry(&d->arch.p2m, g);

    if (entry == NULL && pgt_lookup(&d->arch.p2m, gfn_to_gpa(g), &(unsigned int){ 0 }) == 0) {
        entry = pgt_page_entry(&d->arch.p2m, gfn_to_gpa(g), true);
        if (entry == NULL) {
            return -ENOMEM;
        }
    }
    if (entry == NULL || *entry != 0) {
        return -EEXIST;
    }
    WRITE_ONCE(*entry, pte);
    return 0;
}

static noinline int map_range(struct domain *d, gfn_t g, mfn_t m, u64 nr, enum p2m_type t)
{
    int rc;

    spin_lock(&d->arch.p2m_lock);
    if (READ_ONCE(d->dying)) {
        rc = -ESRCH;
    } else {
        rc = nr == 1 ? map_page_slowly(d, g, mfn_to_paddr(m) | s2_attrs[t] | PTE_VALID | PTE_TABLE_BIT)
                     : pgt_map(&d->arch.p2m, gfn_to_gpa(g), mfn_to_paddr(m), nr << PAGE_SHIFT, s2_attrs[t]);
    }
    if (rc == 0) {
        dsb(ishst);
        note_max_gfn(d, g.g + nr - 1);
    }
    spin_unlock(&d->arch.p2m_lock);
    return rc;
}

int p2m_map(struct domain *d, gfn_t g, mfn_t m, u64 nr, enum p2m_type t)
{
    if (nr == 0 || !gfn_range_ok(g, nr) || m.m >> 36 || nr >> 36) {
        return -EINVAL;
    }
    if (likely(nr == 1)) {
        u64 *entry;

        spin_lock(&d->arch.p2m_lock);
        entry = page_entry(&d->arch.p2m, g);
        if (likely(!READ_ONCE(d->dying) && entry != NULL && *entry == 0)) {
            WRITE_ONCE(*entry, mfn_to_paddr(m) | s2_attrs[t] | PTE_VALID | PTE_TABLE_BIT);
            dsb(ishst);                  /* walkers see it; nothing to invalidate (D8.14) */
            note_max_gfn(d, g.g);
            spin_unlock(&d->arch.p2m_lock);
            return 0;
        }
        spin_unlock(&d->arch.p2m_lock);
    }
    return map_range(d, g, m, nr, t);
}

int p2m_replace(struct domain *d, gfn_t g, mfn_t m, enum p2m_type t, mfn_t *old_m, enum p2m_type *old_t)
{
    u64 *entry, old;

    if (!gfn_range_ok(g, 1) || m.m >> 36) {
        return -EINVAL;
    }
    spin_lock(&d->arch.p2m_lock);
    entry = unlikely(READ_ONCE(d->dying)) ? NULL : page_entry(&d->arch.p2m, g);
    if (entry == NULL && !d->dying) {
        entry = pgt_page_entry(&d->arch.p2m, gfn_to_gpa(g), true);
    }
    if (entry == NULL) {
        spin_unlock(&d->arch.p2m_lock);
        return d->dying ? -ESRCH : -ENOMEM;
    }
    old = *entry;
    if (old != 0) {
        WRITE_ONCE(*entry, 0);           /* break-before-make (D8.14.1): the output address changes */
        s2_flush_page(d, g);
    }
    WRITE_ONCE(*entry, mfn_to_paddr(m) | s2_attrs[t] | PTE_VALID | PTE_TABLE_BIT);
    dsb(ishst);
    note_max_gfn(d, g.g);
    spin_unlock(&d->arch.p2m_lock);
    *old_t = old != 0 ? pte_type(old) : P2M_INVALID;
    *old_m = old != 0 ? paddr_to_mfn(old & PTE_ADDR_MASK) : INVALID_MFN;
    return 0;
}

int p2m_unmap(struct domain *d, gfn_t g, u64 nr)
{
    u64 *entry;
    int rc = 0;

    if (nr == 0 || !gfn_range_ok(g, nr)) {
        return -EINVAL;
    }
    spin_lock(&d->arch.p2m_lock);
    entry = nr == 1 ? page_entry(&d->arch.p2m, g) : NULL;
    if (unlikely(d->arch.p2m.root == NULL)) {
        rc = 0;                          /* torn down: nothing is mapped */
    } else if (entry != NULL) {
        if (*entry != 0) {
            WRITE_ONCE(*entry, 0);
            s2_flush_page(d, g);
        }
    } else {
        rc = pgt_unmap(&d->arch.p2m, gfn_to_gpa(g), nr << PAGE_SHIFT);
    }
    spin_unlock(&d->arch.p2m_lock);
    return rc;
}

/* Locked: the entry that maps g, in a block too: its machine frame in *m. 0 when there is none. */
static u64 entry_of(struct domain *d, gfn_t g, mfn_t *m)
{
    unsigned int level;
    u64 pte;

    if (d->arch.p2m.root == NULL) {
        return 0;
    }
    pte = pgt_lookup(&d->arch.p2m, gfn_to_gpa(g), &level);
    *m = mfn(((pte & PTE_ADDR_MASK) >> PAGE_SHIFT) + (g.g & (BIT(pgt_level_shift(level) - PAGE_SHIFT) - 1)));
    return pte;
}

int p2m_remove(struct domain *d, gfn_t g, u32 types, mfn_t *m, enum p2m_type *t)
{
    u64 *entry, pte;
    int rc = 0;

    *t = P2M_INVALID;
    if (!gfn_range_ok(g, 1)) {
        return -ENOENT;
    }
    spin_lock(&d->arch.p2m_lock);
    entry = page_entry(&d->arch.p2m, g);
    if (likely(entry != NULL)) {
        pte = *entry;
        *m = paddr_to_mfn(pte & PTE_ADDR_MASK);
    } else {
        pte = entry_of(d, g, m);
    }
    *t = pte != 0 ? pte_type(pte) : P2M_INVALID;
    if (unlikely(!(types >> *t & 1))) {
        rc = pte != 0 ? -EBUSY : -ENOENT;
    } else if (likely(entry != NULL)) {
        WRITE_ONCE(*entry, 0);
        s2_flush_page(d, g);
    } else {
        rc = pgt_unmap(&d->arch.p2m, gfn_to_gpa(g), PAGE_SIZE);
    }
    spin_unlock(&d->arch.p2m_lock);
    return rc;
}

int p2m_unmap_exact(struct domain *d, gfn_t g, mfn_t m)
{
    u64 *entry;
    int rc = -ENOENT;
    mfn_t was;

    if (!gfn_range_ok(g, 1)) {
        return -EINVAL;
    }
    spin_lock(&d->arch.p2m_lock);
    entry = page_entry(&d->arch.p2m, g);
    if (likely(entry != NULL)) {
        if ((*entry & PTE_ADDR_MASK) == mfn_to_paddr(m) && *entry != 0) {
            WRITE_ONCE(*entry, 0);
            s2_flush_page(d, g);
            rc = 0;
        }
    } else if (entry_of(d, g, &was) != 0 && mfn_eq(was, m)) {
        rc = pgt_unmap(&d->arch.p2m, gfn_to_gpa(g), PAGE_SIZE);
    }
    spin_unlock(&d->arch.p2m_lock);
    return rc;
}

/* Nothing found without the lock: really nothing, or a block in the middle of being split, or a domain whose tables are going. */
static noinline u64 lookup_locked(struct domain *d, gfn_t g, u64 *shift)
{
    u64 pte = 0;

    *shift = pgt_level_shift(s2.start_level);
    if (gfn_range_ok(g, 1)) {
        spin_lock(&d->arch.p2m_lock);
        pte = d->arch.p2m.root != NULL ? READ_ONCE(*last_entry(&d->arch.p2m, gfn_to_gpa(g), shift)) : 0;
        spin_unlock(&d->arch.p2m_lock);
    }
    return (pte & PTE_VALID) ? pte : 0;
}

static always_inline u64 lookup_pte(struct domain *d, gfn_t g, u64 *shift)
{
    if (likely(!READ_ONCE(d->dying) && gfn_range_ok(g, 1))) {
        u64 pte = READ_ONCE(*last_entry(&d->arch.p2m, gfn_to_gpa(g), shift));

        if (likely(pte & PTE_VALID)) {
            return pte;
        }
    }
    return lookup_locked(d, g, shift);
}

/* The frame of g by the entry found for it. */
static always_inline mfn_t entry_mfn(u64 pte, gfn_t g, u64 shift)
{
    return mfn(((pte & PTE_ADDR_MASK) >> PAGE_SHIFT) | (g.g & (BIT(shift - PAGE_SHIFT) - 1)));
}

mfn_t p2m_lookup(struct domain *d, gfn_t g, enum p2m_type *t, unsigned int *order_out)
{
    u64 shift;
    u64 pte = lookup_pte(d, g, &shift);

    if (order_out != NULL) {
        *order_out = (unsigned int)(shift - PAGE_SHIFT);
    }
    if (pte == 0) {
        *t = P2M_INVALID;
        return INVALID_MFN;
    }
    *t = pte_type(pte);
    return entry_mfn(pte, g, shift);
}

/* A page of another domain's that d has mapped. */
static noinline struct page *get_foreign(struct domain *d, gfn_t g, u64 pte, mfn_t m)
{
    const struct domain *owner = domain_lookup(mfn_to_page(m)->owner);
    u64 shift;

    if (owner == NULL || !page_get(m, owner)) {
        return NULL;
    }
    /*
     * Only what maps the page keeps it with its owner: if it is mapped now that we have a reference of our own, it has been all the
     * time. If not it may be another's by now.
     */
    if (lookup_pte(d, g, &shift) != pte) {
        page_put(mfn_to_page(m));
        return NULL;
    }
    return mfn_to_page(m);
}

static noinline struct page *get_page_slowly(struct domain *d, gfn_t g, enum p2m_type *t)
{
    u64 shift;
    u64 pte = lookup_pte(d, g, &shift);
    mfn_t m = entry_mfn(pte, g, shift);

    *t = pte_type(pte);
    if (pte == 0 || *t == P2M_MMIO || !mfn_is_ram(m)) {
        *t = pte == 0 ? P2M_INVALID : *t;
        return NULL;
    }
    if (!p2m_is_ram(*t)) {
        return get_foreign(d, g, pte, m);
    }
    /* d's own: if it has been unmapped meanwhile and is still d's, the guest has asked for both at the same time. */
    return page_take_reference(mfn_to_page(m), PAGE_WORD_ID(d->id, PAGE_GUEST)) ? mfn_to_page(m) : NULL;
}

/* The short way: RAM of d's own, in the hot range, nobody else at its count. */
struct page *p2m_get_page(struct domain *d, gfn_t g, enum p2m_type *t)
{
    if (likely(!READ_ONCE(d->dying) && g.g < s2.nr_gfns)) {
        u64 shift;
        u64 pte = READ_ONCE(*last_entry(&d->arch.p2m, gfn_to_gpa(g), &shift));
        u64 i = entry_mfn(pte, g, shift).m - mem_hot_range.first;

        *t = pte_type(pte);
        if (likely((pte & PTE_VALID) && p2m_is_ram(*t) && i < mem_hot_range.nr)) {
            struct page *pg = &mem_hot_range.page[i];

            if (likely(page_try_reference(pg, PAGE_WORD_ID(d->id, PAGE_GUEST)))) {
                return pg;
            }
        }
    }
    return get_page_slowly(d, g, t);
}

gfn_t p2m_max_gfn(struct domain *d)
{
    return gfn(READ_ONCE(d->arch.p2m_max_gfn));
}

int p2m_cache_flush(struct domain *d, gfn_t *g, u64 *nr)
{
    while (*nr > 0) {
        unsigned int order;
        enum p2m_type t;
        mfn_t m = p2m_lookup(d, *g, &t, &order);
        u64 step = MIN(*nr, BIT(order) - (g->g & (BIT(order) - 1)));

        step = t == P2M_INVALID ? step : MIN(step, 64UL);
        if (t != P2M_INVALID && t != P2M_MMIO && mfn_is_ram(m)) {
            arch_clean_inval_dcache(mfn_to_virt(m), step << PAGE_SHIFT);
        }
        *g = gfn_add(*g, step);
        *nr -= step;
        if (*nr > 0 && hypercall_preempt_check()) {
            return -ERESTART;
        }
    }
    arch_inval_icache();
    return 0;
}

u64 p2m_pool_get(struct domain *d)
{
    return d->paging_pool_bytes;
}

int p2m_pool_set(struct domain *d, u64 bytes)
{
    int rc = 0;

    if (!IS_ALIGNED(bytes, PAGE_SIZE)) {
        return -EINVAL;
    }
    spin_lock(&d->arch.p2m_lock);
    if (bytes < d->paging_pool_used) {
        rc = -ENOMEM;
    } else {
        d->paging_pool_bytes = bytes;
    }
    spin_unlock(&d->arch.p2m_lock);
    return rc;
}

u64 p2m_bytes(const struct domain *d)
{
    return READ_ONCE(d->paging_pool_used) + mem_object_bytes(d->arch.p2m.root);
}

bool p2m_fault_is_stale(struct domain *d, u64 gpa, bool write)
{
    enum p2m_type t;

    (void)p2m_lookup(d, gpa_to_gfn(gpa), &t, NULL);
    return t != P2M_INVALID && (!write || p2m_is_writable(t));
}
