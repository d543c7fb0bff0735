/* SPDX-License-Identifier: MIT */
/*
 * Stage 2: a guest's map from guest frames to machine frames. Implemented by arch (ARM: arch/arm/p2m.c; host: a map in
 * memory).
 *
 * A mapping of a RAM page of the guest itself holds no extra reference: the guest's own reference of the page keeps it,
 * and is dropped only after the mapping is removed and the TLB flushed. Foreign and grant mappings hold one reference
 * each, taken by the caller before p2m_map() and dropped by the caller after p2m_unmap().
 */
#ifndef ARGON_P2M_H
#define ARGON_P2M_H

#include <argon/errno.h>
#include <argon/types.h>

struct domain;
struct page;

enum p2m_type {                  /* fits 4 software bits of an entry */
    P2M_INVALID = 0,
    P2M_RAM_RW,                  /* owner's RAM */
    P2M_RAM_RO,
    P2M_MMIO,                    /* device memory: Device-nGnRE, not executable */
    P2M_FOREIGN_RW,              /* another domain's page (privcmd) */
    P2M_FOREIGN_RO,
    P2M_GRANT_RW,
    P2M_GRANT_RO,
};

static inline bool p2m_is_ram(enum p2m_type t) { return t == P2M_RAM_RW || t == P2M_RAM_RO; }
static inline bool p2m_is_foreign(enum p2m_type t) { return t == P2M_FOREIGN_RW || t == P2M_FOREIGN_RO; }
static inline bool p2m_is_grant(enum p2m_type t) { return t == P2M_GRANT_RW || t == P2M_GRANT_RO; }
/* Is it memory with an owner: with a page struct that says whose, and a place in the direct map? No other type's frame need have either. */
static inline bool p2m_has_page(enum p2m_type t) { return p2m_is_ram(t) || p2m_is_foreign(t) || p2m_is_grant(t); }
/* May a guest or a hypercall on its behalf write through this mapping? */
static inline bool p2m_is_writable(enum p2m_type t)
{
    return t == P2M_RAM_RW || t == P2M_FOREIGN_RW || t == P2M_GRANT_RW || t == P2M_MMIO;
}

/*
 * A dying domain gets no new mappings: p2m_map() and p2m_replace() look at d->dying under the p2m lock and return
 * -ESRCH; p2m_teardown() takes that lock once after d->dying is set, before it frees anything.
 */
must_check int p2m_init(struct domain *d);
/*
 * Free all tables of a dying domain; -ERESTART: call again. The mappings' references are dropped by the caller's own
 * walk.
 */
must_check int p2m_teardown(struct domain *d);

/*
 * Map nr frames from g to m. Largest blocks used where alignment allows. -EEXIST: one of them is mapped already.
 * -ENOMEM: tables could not be had (the domain's paging pool or the heap). -EINVAL: beyond the guest-physical size.
 * Nothing of a call that fails stays mapped.
 */
must_check int p2m_map(struct domain *d, gfn_t g, mfn_t m, u64 nr, enum p2m_type t);
/*
 * Replace exactly one frame by another mapping, returning what was there (old_t P2M_INVALID: nothing); TLB flushed on
 * return if something was there.
 */
must_check int p2m_replace(struct domain *d, gfn_t g, mfn_t m, enum p2m_type t, mfn_t *old_m, enum p2m_type *old_t);
/*
 * Remove nr frames at g; frames not mapped are skipped. Splits blocks. The TLB is flushed before it returns, so pages
 * may be freed afterwards. -ENOMEM: a block could not be split: nothing changed.
 */
must_check int p2m_unmap(struct domain *d, gfn_t g, u64 nr);
/* Remove one frame only if it maps m (-ENOENT otherwise). */
must_check int p2m_unmap_exact(struct domain *d, gfn_t g, mfn_t m);
/*
 * The mapping of one frame; INVALID_MFN and P2M_INVALID if none. *order_out (may be NULL): size of the block or hole
 * around it.
 */
mfn_t p2m_lookup(struct domain *d, gfn_t g, enum p2m_type *t, unsigned int *order_out);
/*
 * Remove one frame if its type is one of `types` (a bit per enum p2m_type); *m and *t are what was there. -ENOENT:
 * nothing is; -EBUSY: another type, left as it is. As p2m_unmap() otherwise.
 */
must_check int p2m_remove(struct domain *d, gfn_t g, u32 types, mfn_t *m, enum p2m_type *t);
/*
 * Lookup and reference: the page behind g, whoever owns it (RAM, foreign or grant), at some instant of the call; NULL if
 * none. d's own RAM without a lock, another's under the p2m lock. Pair with page_put().
 */
struct page *p2m_get_page(struct domain *d, gfn_t g, enum p2m_type *t);
/* Highest gfn ever mapped (memory_op maximum_gpfn). */
gfn_t p2m_max_gfn(struct domain *d);
/* Clean and invalidate to PoC the data cache of the RAM in [g, g+nr); -ERESTART with *g advanced when long. */
must_check int p2m_cache_flush(struct domain *d, gfn_t *g, u64 *nr);
/* Page-table pool quota in bytes (domctl 85/86): multiple of PAGE_SIZE. Set below what is in use: -ENOMEM. */
u64 p2m_pool_get(struct domain *d);
must_check int p2m_pool_set(struct domain *d, u64 bytes);
u64 p2m_bytes(const struct domain *d);            /* memory that its tables take, the root too */
/* Guest-physical address bits of this host (getdomaininfo). */
unsigned int p2m_gpaddr_bits(void);

#endif
