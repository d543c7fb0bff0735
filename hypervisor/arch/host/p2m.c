/* SPDX-License-Identifier: MIT */
/* Stage 2 for unit tests: an array by guest frame, in memory that the host provides where it is touched. */
#include <argon/arch.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/mem.h>
#include <argon/p2m.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <asm/host.h>
#include <sys/mman.h>

struct host_p2m_entry {
    u64 mfn;
    u64 type;                    /* enum p2m_type; 0 = nothing mapped */
};

#define NR_GFNS   BIT(HOST_P2M_BITS - PAGE_SHIFT)
#define MAP_BYTES (NR_GFNS * sizeof(struct host_p2m_entry))

u64 host_p2m_fail_after = UINT64_MAX;
u64 host_p2m_flushes;

int p2m_init(struct domain *d)
{
    void *p = mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (p == MAP_FAILED) {
        return -ENOMEM;
    }
    spin_lock_init(&d->arch.p2m_lock, RANK_P2M);
    d->arch.gfns = p;
    d->arch.p2m_max_gfn = 0;
    return 0;
}

int p2m_teardown(struct domain *d)
{
    spin_lock(&d->arch.p2m_lock);
    spin_unlock(&d->arch.p2m_lock);
    if (d->arch.gfns != NULL) {
        munmap(d->arch.gfns, MAP_BYTES);
        d->arch.gfns = NULL;
    }
    return 0;
}

static bool range_ok(gfn_t g, u64 nr)
{
    return nr <= NR_GFNS && g.g <= NR_GFNS - nr;
}

static bool fail_now(void)
{
    if (host_p2m_fail_after == 0) {
        return true;
    }
    if (host_p2m_fail_after != UINT64_MAX) {
        host_p2m_fail_after--;
    }
    return false;
}

static void set_entry(struct domain *d, u64 g, u64 m, enum p2m_type t)
{
    d->arch.gfns[g].mfn = m;
    d->arch.gfns[g].type = t;
    d->arch.p2m_max_gfn = MAX(d->arch.p2m_max_gfn, g);
}

int p2m_map(struct domain *d, gfn_t g, mfn_t m, u64 nr, enum p2m_type t)
{
    int ret = 0;

    if (!range_ok(g, nr)) {
        return -EINVAL;
    }
    if (fail_now()) {
        return -ENOMEM;
    }
    spin_lock(&d->arch.p2m_lock);
    if (d->dying) {
        ret = -ESRCH;
    }
    for (u64 i = 0; ret == 0 && i < nr; i++) {
        ret = d->arch.gfns[g.g + i].type != P2M_INVALID ? -EEXIST : 0;
    }
    for (u64 i = 0; ret == 0 && i < nr; i++) {
        set_entry(d, g.g + i, m.m + i, t);
    }
    spin_unlock(&d->arch.p2m_lock);
    return ret;
}

static int change(struct domain *d, gfn_t g, struct host_p2m_entry new, u32 over, u64 only, struct p2m_old *old)
{
    int rc = 0;

    *old = (struct p2m_old){ INVALID_MFN, P2M_INVALID };
    spin_lock(&d->arch.p2m_lock);
    if (d->arch.gfns != NULL && d->arch.gfns[g.g].type != P2M_INVALID) {
        *old = (struct p2m_old){ mfn(d->arch.gfns[g.g].mfn), (enum p2m_type)d->arch.gfns[g.g].type };
    }
    if (new.type != P2M_INVALID && d->dying) {
        rc = -ESRCH;
    } else if (!(over >> old->t & 1)) {
        rc = old->t != P2M_INVALID ? -EBUSY : -ENOENT;
    } else if (only != INVALID_MFN.m && old->m.m != only) {
        rc = -ENOENT;
    } else {
        host_p2m_flushes += old->t != P2M_INVALID;
        d->arch.gfns[g.g] = new;
        d->arch.p2m_max_gfn = new.type != P2M_INVALID ? MAX(d->arch.p2m_max_gfn, g.g) : d->arch.p2m_max_gfn;
    }
    spin_unlock(&d->arch.p2m_lock);
    return rc;
}

int p2m_replace(struct domain *d, gfn_t g, mfn_t m, enum p2m_type t, u32 over, struct p2m_old *old)
{
    *old = (struct p2m_old){ INVALID_MFN, P2M_INVALID };
    if (!range_ok(g, 1)) {
        return -EINVAL;
    }
    return fail_now() ? -ENOMEM : change(d, g, (struct host_p2m_entry){ m.m, t }, over, INVALID_MFN.m, old);
}

int p2m_remove(struct domain *d, gfn_t g, u32 types, struct p2m_old *old)
{
    *old = (struct p2m_old){ INVALID_MFN, P2M_INVALID };
    return range_ok(g, 1) ? change(d, g, (struct host_p2m_entry){ 0 }, types, INVALID_MFN.m, old) : -ENOENT;
}

int p2m_remove_exact(struct domain *d, gfn_t g, mfn_t m, u32 types)
{
    struct p2m_old old;
    int rc = range_ok(g, 1) ? change(d, g, (struct host_p2m_entry){ 0 }, types, m.m, &old) : -ENOENT;

    return rc == -EBUSY ? -ENOENT : rc;
}

u32 p2m_remove_many(struct domain *d, gfn_t g, u32 nr, u32 types, u32 *frames)
{
    u64 flushes = host_p2m_flushes;
    struct p2m_old old;
    u32 n = 0;

    for (; range_ok(g, nr) && n < nr && p2m_remove(d, gfn_add(g, n), types, &old) == 0; n++) {
        frames[n] = (u32)old.m.m;
    }
    host_p2m_flushes = flushes + (n > 0);
    return n;
}

mfn_t p2m_lookup(struct domain *d, gfn_t g, enum p2m_type *t, unsigned int *order_out)
{
    if (order_out != NULL) {
        *order_out = 0;
    }
    *t = P2M_INVALID;
    if (!range_ok(g, 1) || d->arch.gfns == NULL || d->arch.gfns[g.g].type == P2M_INVALID) {
        return INVALID_MFN;
    }
    *t = (enum p2m_type)d->arch.gfns[g.g].type;
    return mfn(d->arch.gfns[g.g].mfn);
}

struct page *p2m_get_page(struct domain *d, gfn_t g, enum p2m_type *t)
{
    const struct domain *owner = d;
    struct page *pg = NULL;
    mfn_t m;

    spin_lock(&d->arch.p2m_lock);
    m = p2m_lookup(d, g, t, NULL);
    if (p2m_has_page(*t) && mfn_is_ram(m)) {
        if (!p2m_is_ram(*t)) {
            owner = domain_lookup(mfn_to_page(m)->owner);
        }
        pg = owner != NULL && page_get(m, owner) ? mfn_to_page(m) : NULL;
    }
    spin_unlock(&d->arch.p2m_lock);
    return pg;
}

gfn_t p2m_max_gfn(struct domain *d)
{
    return gfn(d->arch.p2m_max_gfn);
}

int p2m_cache_flush(struct domain *d, gfn_t *g, u64 *nr)
{
    while (*nr > 0) {
        enum p2m_type t;
        mfn_t m = p2m_lookup(d, *g, &t, NULL);

        if (p2m_is_ram(t)) {
            arch_clean_dcache(mfn_to_virt(m), PAGE_SIZE);
        }
        *g = gfn_add(*g, 1);
        (*nr)--;
        if (host_irq_waiting && *nr > 0) {
            return -ERESTART;
        }
    }
    return 0;
}

u64 p2m_pool_get(struct domain *d)
{
    return d->paging_pool_bytes;
}

int p2m_pool_set(struct domain *d, u64 bytes)
{
    if (bytes % PAGE_SIZE != 0) {
        return -EINVAL;
    }
    if (bytes < d->paging_pool_used) {
        return -ENOMEM;
    }
    d->paging_pool_bytes = bytes;
    return 0;
}

u64 p2m_bytes(const struct domain *d)
{
    return d->paging_pool_used;
}

unsigned int p2m_gpaddr_bits(void)
{
    return HOST_P2M_BITS;
}
