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
#include "p2m_attrs.h"
#include "p2m_walk.h"

/* Above this many pages one invalidation of the whole VMID is cheaper than a loop. */
#define FLUSH_PAGES_MAX 32

#define GUEST_GPADDR_BITS 40     /* what the ABI lays guests out in: their RAM ends below 1 TiB (public arch-arm.h) */

struct s2_geometry s2 ro_after_boot;

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
    s2.root_shift = (u8)pgt_level_shift(s2.start_level);
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

/* Any range of frames, or one that is not as simple as p2m_map() hopes. */
static noinline int map_range(struct domain *d, gfn_t g, mfn_t m, u64 nr, enum p2m_type t)
{
    int rc;

    if (nr == 0 || !gfn_range_ok(g, nr) || m.m >> 36 || nr >> 36) {
        return -EINVAL;
    }
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
    if (likely(nr == 1 && g.g < s2.nr_gfns && m.m >> 36 == 0)) {
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

gfn_t p2m_max_gfn(struct domain *d)
{
    return gfn(READ_ONCE(d->arch.p2m_max_gfn));
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
