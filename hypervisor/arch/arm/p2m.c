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
#include <asm/stage2.h>
#include <asm/tlb.h>
#include "p2m_attrs.h"
#include "p2m_walk.h"

#define GUEST_GPADDR_BITS 40     /* what the ABI lays guests out in: their RAM ends below 1 TiB (public arch-arm.h) */

struct s2_geometry s2 ro_after_boot;

static u64 vmid_map[256 / 64];           /* in use; vmid 0 is the hypervisor's idle value */

void p2m_boot_init(void)
{
    u8 bits = stage2_output_bits(), need = GUEST_GPADDR_BITS;

    while (need < bits && machine.top > BIT(need)) {
        need++;
    }
    /* No more than is used: up to 43 bits fit 16 concatenated level-1 tables (D8.2.2), which saves a level of every walk. */
    bits = bits < need ? bits : need;
    s2.ipa_bits = bits < 36 ? 36 : bits;
    s2.nr_gfns = BIT(s2.ipa_bits - PAGE_SHIFT);
    s2.start_level = s2.ipa_bits <= 43 ? 1 : 0;
    s2.root_shift = (u8)pgt_level_shift(s2.start_level);
    s2.root_order = s2.start_level == 1 && s2.ipa_bits > 39 ? (u8)(s2.ipa_bits - 39) : 0;
    s2.vtcr = stage2_vtcr(s2.ipa_bits, s2.start_level);
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

    ASSERT(spin_is_locked(&d->arch.p2m_lock));
    if (!d->is_privileged && d->paging_pool_used + PAGE_SIZE > d->paging_pool_bytes) {
        return NULL;
    }
    table = pages_alloc_for(d, 0, MEMF_ZERO);
    if (table != NULL) {
        d->paging_pool_used += PAGE_SIZE;
    }
    return table;
}

static void s2_table_free(struct pgtable *t, u64 *table)
{
    ASSERT(spin_is_locked(&pgt_domain(t)->arch.p2m_lock) && pgt_domain(t)->paging_pool_used >= PAGE_SIZE);
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
 * Who must hear, before the lock is given up, that translations of d are in memory no longer: all of [va, va + size), and one page. One list
 * in two forms; now the CPUs are on it, later an IOMMU that walks the same tables.
 */
static void tell(struct pgtable *t, u64 va, u64 size)
{
    tlb_flush_s2(pgt_domain(t)->arch.vttbr, va, size);
}

static always_inline void tell_page(struct domain *d, gfn_t g)
{
    tlb_flush_s2_page(d->arch.vttbr, g.g);
}

static const struct pgt_ops s2_ops = {
    .table_alloc = s2_table_alloc,
    .table_free = s2_table_free,
    .table_va = s2_table_va,
    .table_pa = s2_table_pa,
    .flush = tell,
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
    tell(&d->arch.p2m, 0, UINT64_MAX);         /* of the VMID's last owner */
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
    tell(t, 0, UINT64_MAX);
    pages_free(t->root, s2.root_order);
    t->root = NULL;
    spin_unlock(&d->arch.p2m_lock);
    atomic_fetch_and(&vmid_map[d->arch.vmid / 64], ~BIT(d->arch.vmid % 64));
    return 0;
}

/* ---- changes: all under p2m_lock ---- */

/* Entry of a single page whose tables are all there, NULL otherwise. */
static always_inline u64 *page_entry(struct pgtable *t, gfn_t g)
{
    u64 shift;
    u64 *entry = likely(t->root != NULL) ? last_entry(t, gfn_to_gpa(g), &shift) : NULL;

    return likely(entry != NULL && shift == PAGE_SHIFT) ? entry : NULL;
}

static always_inline u64 page_pte(mfn_t m, enum p2m_type t)
{
    return mfn_to_paddr(m) | s2_attrs[t] | PTE_VALID | PTE_TABLE_BIT;
}

static void note_max_gfn(struct domain *d, u64 last)
{
    if (last > d->arch.p2m_max_gfn) {
        d->arch.p2m_max_gfn = last;
    }
}

/*
 * The one store of a page's entry: frame g becomes pte, or nothing (0). An entry that was valid goes first, from memory and from all who
 * may hold it (break-before-make, D8.14.1), so that the frame it named may be given up on return.
 */
static always_inline void p2m_set(struct domain *d, u64 *entry, gfn_t g, u64 pte)
{
    ASSERT(spin_is_locked(&d->arch.p2m_lock));
    ASSERT(pte == 0 || (!d->dying && pte_type(pte) != P2M_INVALID));
    if (*entry != 0) {
        WRITE_ONCE(*entry, 0);
        tell_page(d, g);
    }
    if (pte != 0) {
        WRITE_ONCE(*entry, pte);
        dsb(ishst);                      /* walkers see it; nothing to invalidate (D8.14) */
        note_max_gfn(d, g.g);
    }
}

/* The entry that maps g, of a block too, as that of a page. 0 when there is none. */
static u64 pte_of(struct domain *d, gfn_t g)
{
    unsigned int level;
    u64 pte;

    if (d->arch.p2m.root == NULL) {
        return 0;                        /* torn down */
    }
    pte = pgt_lookup(&d->arch.p2m, gfn_to_gpa(g), &level);
    return pte == 0 ? 0 : pte | (gfn_to_gpa(g) & (BIT(pgt_level_shift(level)) - 1));
}

/* A change of one frame: g becomes pte, if what is there is of a type in `over` (that of nothing is P2M_INVALID) and is `only`. */
struct change {
    u64 pte;                             /* 0: nothing */
    u32 over;
    u64 only;                            /* address of the frame that must be there, or ANY_FRAME */
};
#define ANY_FRAME UINT64_MAX

/* 0: `was` may be replaced. */
static always_inline int may_replace(u64 was, struct change c)
{
    if (__builtin_constant_p(c.over) && c.over == BIT32(P2M_INVALID)) {
        return likely(was == 0) ? 0 : -EBUSY;
    }
    if (unlikely(!(c.over >> pte_type(was) & 1))) {
        return was != 0 ? -EBUSY : -ENOENT;
    }
    return likely(c.only == ANY_FRAME || (was & PTE_ADDR_MASK) == c.only) ? 0 : -ENOENT;
}

/* Any change, of any frame number; *was: what was there. */
static noinline int change_slowly(struct domain *d, gfn_t g, struct change c, u64 *was)
{
    u64 *entry;
    int rc;

    *was = 0;
    if (!gfn_range_ok(g, 1)) {
        return c.pte != 0 ? -EINVAL : -ENOENT;
    }
    spin_lock(&d->arch.p2m_lock);
    *was = pte_of(d, g);
    rc = c.pte != 0 && d->dying ? -ESRCH : may_replace(*was, c);
    if (rc == 0) {
        entry = pgt_page_entry(&d->arch.p2m, gfn_to_gpa(g), true);
        rc = entry == NULL ? -ENOMEM : 0;
    }
    if (rc == 0) {
        p2m_set(d, entry, g, c.pte);
    }
    spin_unlock(&d->arch.p2m_lock);
    return rc;
}

/* The same at once, where the tables are there and the change is allowed. False: change_slowly() decides. */
static always_inline bool change_now(struct domain *d, gfn_t g, struct change c, u64 *was)
{
    bool done = false;

    if (likely(g.g < s2.nr_gfns)) {
        u64 *entry;

        spin_lock(&d->arch.p2m_lock);
        entry = page_entry(&d->arch.p2m, g);
        if (likely(entry != NULL && (c.pte == 0 || !READ_ONCE(d->dying)))) {
            *was = *entry;
            if (likely(may_replace(*was, c) == 0)) {
                p2m_set(d, entry, g, c.pte);
                done = true;
            }
        }
        spin_unlock(&d->arch.p2m_lock);
    }
    return done;
}

static noinline int change_slowly_old(struct domain *d, gfn_t g, struct change c, struct p2m_old *old)
{
    u64 was;
    int rc = change_slowly(d, g, c, &was);

    *old = (struct p2m_old){ paddr_to_mfn(was & PTE_ADDR_MASK), pte_type(was) };
    return rc;
}

static always_inline int change_old(struct domain *d, gfn_t g, struct change c, struct p2m_old *old)
{
    u64 was;

    if (likely(change_now(d, g, c, &was))) {
        *old = (struct p2m_old){ paddr_to_mfn(was & PTE_ADDR_MASK), pte_type(was) };
        return 0;
    }
    return change_slowly_old(d, g, c, old);
}

static noinline int map_range(struct domain *d, gfn_t g, mfn_t m, u64 nr, enum p2m_type t)
{
    int rc = -ESRCH;

    if (nr == 0 || !gfn_range_ok(g, nr) || m.m >> 36 || nr >> 36) {
        return -EINVAL;
    }
    spin_lock(&d->arch.p2m_lock);
    if (!READ_ONCE(d->dying)) {
        rc = pgt_map(&d->arch.p2m, gfn_to_gpa(g), mfn_to_paddr(m), nr << PAGE_SHIFT, s2_attrs[t]);
    }
    if (rc == 0) {
        note_max_gfn(d, g.g + nr - 1);
    }
    spin_unlock(&d->arch.p2m_lock);
    return rc;
}

int p2m_map(struct domain *d, gfn_t g, mfn_t m, u64 nr, enum p2m_type t)
{
    struct change c = { page_pte(m, t), BIT32(P2M_INVALID), ANY_FRAME };
    u64 was;
    int rc;

    if (unlikely(nr != 1 || m.m >> 36)) {
        return map_range(d, g, m, nr, t);
    }
    if (likely(change_now(d, g, c, &was))) {
        return 0;
    }
    rc = change_slowly(d, g, c, &was);
    return rc == -EBUSY ? -EEXIST : rc;
}

bool p2m_map_touched(struct domain *d, u64 gpa)
{
    int rc = -EPERM;

    for (unsigned int level = 1; d->arch.mmio_on_fault && level <= 3 && rc != 0; level++) {
        u64 nr = BIT(pgt_level_shift(level) - PAGE_SHIFT), first = ROUND_DOWN(gpa >> PAGE_SHIFT, nr);

        if (domain_may_iomem(d, first, first + nr - 1)) {
            rc = p2m_map(d, gfn(first), mfn(first), nr, P2M_MMIO_WB);
        }
    }
    return rc == 0 || rc == -EEXIST;     /* another CPU was first */
}

int p2m_replace(struct domain *d, gfn_t g, mfn_t m, enum p2m_type t, u32 over, struct p2m_old *old)
{
    ASSERT(m.m >> 36 == 0);
    return change_old(d, g, (struct change){ page_pte(m, t), over, ANY_FRAME }, old);
}

int p2m_remove(struct domain *d, gfn_t g, u32 types, struct p2m_old *old)
{
    return change_old(d, g, (struct change){ 0, types, ANY_FRAME }, old);
}

int p2m_remove_exact(struct domain *d, gfn_t g, mfn_t m, u32 types)
{
    struct change c = { 0, types, mfn_to_paddr(m) };
    u64 was;
    int rc;

    if (likely(change_now(d, g, c, &was))) {
        return 0;
    }
    rc = change_slowly(d, g, c, &was);
    return rc == -EBUSY ? -ENOENT : rc;
}

u32 p2m_remove_many(struct domain *d, gfn_t g, u32 nr, u32 types, u32 *frames)
{
    u32 n = 0;

    if (nr == 0 || !gfn_range_ok(g, nr)) {
        return 0;
    }
    spin_lock(&d->arch.p2m_lock);
    for (; n < nr; n++) {
        u64 pte = pte_of(d, gfn_add(g, n));

        if (pte == 0 || !(types >> pte_type(pte) & 1)) {
            break;
        }
        frames[n] = (u32)paddr_to_mfn(pte & PTE_ADDR_MASK).m;
    }
    if (n > 0 && pgt_unmap(&d->arch.p2m, gfn_to_gpa(g), (u64)n << PAGE_SHIFT) != 0) {
        n = 0;                           /* a block at the edge could not be split: nothing changed */
    }
    spin_unlock(&d->arch.p2m_lock);
    return n;
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
