/* SPDX-License-Identifier: MIT */
/*
 * Stage 2: a guest's map from guest frames to machine frames. Implemented by arch (ARM: arch/arm/p2m.c; host: a map in
 * memory).
 *
 * A mapping of a RAM page of the guest itself holds no extra reference: the guest's own reference of the page keeps it,
 * and is dropped only after the mapping is removed and the TLB flushed. Foreign and grant mappings hold one reference
 * each, taken by the caller before it is mapped and dropped by the caller after it is removed or displaced.
 */
#ifndef ARGON_P2M_H
#define ARGON_P2M_H

#include <argon/errno.h>
#include <argon/mem.h>
#include <argon/types.h>

struct domain;

enum p2m_type {                  /* fits 4 software bits of an entry */
    P2M_INVALID = 0,
    P2M_RAM_RW,                  /* owner's RAM */
    P2M_RAM_RO,
    P2M_MMIO,                    /* device memory: Device-nGnRE, not executable */
    P2M_FOREIGN_RW,              /* another domain's page (privcmd) */
    P2M_FOREIGN_RO,
    P2M_GRANT_RW,
    P2M_GRANT_RO,
    P2M_MMIO_NC,                 /* the same, but the guest's stage 1 may make it Normal non-cacheable: PCI windows */
    P2M_MMIO_WB,                 /* the same, but stage 1 decides: memory that firmware keeps for a device (no-map) */
};

static_assert(P2M_MMIO_WB < 16, "four software bits of an entry");

/* None of these is memory that the hypervisor may touch, count or give away, whatever the guest may make of it. */
#define P2M_MMIO_TYPES (BIT32(P2M_MMIO) | BIT32(P2M_MMIO_NC) | BIT32(P2M_MMIO_WB))
static inline bool p2m_is_mmio(enum p2m_type t) { return (BIT32(t) & P2M_MMIO_TYPES) != 0; }

static inline bool p2m_is_ram(enum p2m_type t) { return t == P2M_RAM_RW || t == P2M_RAM_RO; }
static inline bool p2m_is_foreign(enum p2m_type t) { return t == P2M_FOREIGN_RW || t == P2M_FOREIGN_RO; }
static inline bool p2m_is_grant(enum p2m_type t) { return t == P2M_GRANT_RW || t == P2M_GRANT_RO; }
/* Is it memory with an owner: with a page struct that says whose, and a place in the direct map? No other type's frame need have either. */
static inline bool p2m_has_page(enum p2m_type t) { return p2m_is_ram(t) || p2m_is_foreign(t) || p2m_is_grant(t); }
/* May a guest or a hypercall on its behalf write through this mapping? */
static inline bool p2m_is_writable(enum p2m_type t)
{
    return t == P2M_RAM_RW || t == P2M_FOREIGN_RW || t == P2M_GRANT_RW || p2m_is_mmio(t);
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
/* What a change found. P2M_INVALID: nothing, and m means nothing. */
struct p2m_old {
    mfn_t m;
    enum p2m_type t;
};
#define P2M_RAM     (BIT32(P2M_RAM_RW) | BIT32(P2M_RAM_RO))
#define P2M_FOREIGN (BIT32(P2M_FOREIGN_RW) | BIT32(P2M_FOREIGN_RO))
#define P2M_GRANT   (BIT32(P2M_GRANT_RW) | BIT32(P2M_GRANT_RO))
/*
 * The changes of one frame. Each checks under the p2m lock what is there, by the set of types (a bit per enum p2m_type) that it may take
 * the place of, so that what is displaced is what was allowed; of another type it is left alone. On return no CPU uses what was there: its
 * page may be given up. *old tells what was there in any case; what was displaced the caller drops (physmap_drop(), grant_unpin()), with no
 * lock held. A block is split; -ENOMEM, nothing changed, where that is not possible.
 *
 * Map one frame: over nothing if `over` has P2M_INVALID. -EBUSY: another type (-ENOENT: nothing) is there.
 */
must_check int p2m_replace(struct domain *d, gfn_t g, mfn_t m, enum p2m_type t, u32 over, struct p2m_old *old);
/* Remove one frame. -ENOENT: nothing is there; -EBUSY: another type. */
must_check int p2m_remove(struct domain *d, gfn_t g, u32 types, struct p2m_old *old);
/* Remove one frame only if it maps m as one of the types (-ENOENT otherwise). */
must_check int p2m_remove_exact(struct domain *d, gfn_t g, mfn_t m, u32 types);
/*
 * Remove frames [g, g + n) with one flush, as far as all are of the types: n <= nr is returned, and what was mapped at g + i in
 * frames[i]. 0 too where a block could not be split. nr: at most 512, since interrupts wait.
 */
must_check u32 p2m_remove_many(struct domain *d, gfn_t g, u32 nr, u32 types, u32 *frames);
/*
 * The one end of what was mapped at g of d and is not any more: own RAM is given back, but for a 1:1 domain's, which keeps its frames; a
 * foreign page is put; a page that is shared with the hypervisor is noted as not mapped. No lock held.
 */
void physmap_drop(struct domain *d, gfn_t g, struct p2m_old old);
/*
 * The mapping of one frame; INVALID_MFN and P2M_INVALID if none. *order_out (may be NULL): size of the block or hole
 * around it.
 */
mfn_t p2m_lookup(struct domain *d, gfn_t g, enum p2m_type *t, unsigned int *order_out);
/*
 * Lookup and reference: the page behind g, whoever owns it (RAM, foreign or grant), at some instant of the call; NULL if
 * none. d's own RAM without a lock, another's under the p2m lock. Pair with page_put().
 */
struct page *p2m_get_page(struct domain *d, gfn_t g, enum p2m_type *t);
/*
 * The same, but only ordinary RAM of d's own, and writable where `write`: what may be held for longer than a call. Such a page is
 * counted in tot_pages until it is put, which a dying domain waits for before anything of it is freed; of a page that the hypervisor
 * shares with d (its tables' frames among them) that is not so.
 */
must_check static always_inline struct page *p2m_get_own(struct domain *d, gfn_t g, bool write, enum p2m_type *t)
{
    struct page *pg = p2m_get_page(d, g, t);

    if (unlikely(pg != NULL && (atomic_load(&pg->use) != PAGE_GUEST || (*t != P2M_RAM_RW && (write || *t != P2M_RAM_RO))))) {
        page_put(pg);
        return NULL;
    }
    return pg;
}
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
