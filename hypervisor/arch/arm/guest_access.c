/* SPDX-License-Identifier: MIT */
/*
 * Guest memory by virtual address: both stages are walked by the CPU itself (AT S12E1R/W, Arm ARM C5.5), so translation
 * and permissions are exactly those the guest's own access would meet, without PAN (D8.4.6 does not apply to S12E1R).
 * EL2 shares the guest's EL1 registers while its vCPU is current; nothing is switched.
 */
#include <argon/arch.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/guest_access.h>
#include <argon/guest_write.h>
#include <asm/guest_access.h>
#include <argon/mem.h>
#include <argon/p2m.h>
#include <argon/percpu.h>
#include <argon/string.h>
#include <asm/string.h>

/*
 * *pg: page behind gva with a reference, if the CPU translates it at once and it is in the hot range; false: page_of()
 * decides. *va: gva, mapped until frame_unmap().
 */
must_check static always_inline bool hot_page_of(const struct domain *d, u64 gva, bool write, struct page **pg, u8 **va)
{
    u64 par = guest_translate(gva, write);
    u64 m = translated_mfn(par);
    u64 i = m - mem_hot_range.first;

    if (unlikely((par & PAR_F) || i >= mem_hot_range.nr)) {
        return false;
    }
    *pg = &mem_hot_range.page[i];
    if (unlikely(!page_try_reference(*pg, PAGE_WORD_ID(d->id, PAGE_GUEST)))) {
        return false;
    }
    *va = frame_map_at(mfn(m), gva);
    return true;
}

/*
 * Page behind gva with a reference, and mapped, NULL if the guest could not access it so. A stage-2 block that is being split is
 * absent for a moment: one more try follows under the lock that splitting holds.
 */
static struct page *page_of(struct domain *d, u64 gva, bool write, u8 **va)
{
    u64 par = guest_translate(gva, write);
    mfn_t m;

    if (unlikely(par & PAR_F)) {
        spin_lock(&d->arch.p2m_lock);
        par = guest_translate(gva, write);
        spin_unlock(&d->arch.p2m_lock);
        if (par & PAR_F) {
            return NULL;
        }
    }
    m = mfn(translated_mfn(par));
    if (!page_get(m, d)) {
        return NULL;
    }
    *va = frame_map_at(m, gva);
    return mfn_to_page(m);
}

/* The same by guest-physical address, of any domain, to read. */
static struct page *page_at(struct domain *d, u64 gpa, u8 **va)
{
    enum p2m_type t;
    struct page *pg = p2m_get_page(d, gpa_to_gfn(gpa), &t);

    if (pg == NULL) {
        return NULL;
    }
    *va = frame_map_at(page_to_mfn(pg), gpa);
    return pg;
}

/* From here on memcpy()'s loop is the shorter. */
#define SHORT_MAX 256

static always_inline void copy_part(void *to, const void *from, size_t n)
{
    if (likely(n <= SHORT_MAX)) {
        copy_short(to, from, n);
    } else {
        memcpy(to, from, n);
    }
}

enum address { GVA, GPA };

/*
 * Any copy, page by page: guest memory at `at` to `to`, or if that is NULL (GVA only) from `from` to guest memory, or if both
 * are NULL zeroes there.
 */
static noinline int copy_pages(struct domain *d, enum address kind, u64 at, u8 *to, const u8 *from, size_t bytes)
{
    bool write = to == NULL;
    size_t n;

    for (; bytes > 0; at += n, bytes -= n) {
        u8 *va;
        struct page *pg = kind == GVA ? page_of(d, at, write, &va) : page_at(d, at, &va);

        if (pg == NULL) {
            return -EFAULT;
        }
        n = MIN(bytes, (size_t)(PAGE_SIZE - (at & ~PAGE_MASK)));
        if (!write) {
            copy_part(to, va, n);
            to += n;
        } else if (from != NULL) {
            copy_part(va, from, n);
            from += n;
        } else {
            memset(va, 0, n);
        }
        if (write) {
            guest_wrote(d, va);
        }
        frame_unmap(va);
        page_put(pg);
    }
    return 0;
}

/* page_put() at the end of a copy; the last reference goes here only if the guest gives the page back meanwhile. */
static noinline int put_last(struct page *pg, u64 old)
{
    page_last_put(pg, old);
    return 0;
}

static always_inline int put_and_succeed(struct page *pg)
{
    u64 old = atomic_fetch_sub(&pg->word, 1);

    return likely((u32)old > 1) ? 0 : put_last(pg, old);
}

/*
 * The short way is for what lies within one page; whatever is unusual starts over on the long one. The sum cannot wrap.
 */
static always_inline bool is_short(u64 gva, size_t bytes)
{
    return bytes <= SHORT_MAX && (gva & ~PAGE_MASK) + bytes <= PAGE_SIZE;
}

int copy_from_guest(void *to, u64 gva, size_t bytes)
{
    struct domain *d = current_vcpu()->domain;
    struct page *pg;
    u8 *va;

    if (likely(is_short(gva, bytes) && hot_page_of(d, gva, false, &pg, &va))) {
        copy_short(to, va, bytes);
        frame_unmap(va);
        return put_and_succeed(pg);
    }
    return copy_pages(d, GVA, gva, to, NULL, bytes);
}

int copy_to_guest(u64 gva, const void *from, size_t bytes)
{
    struct domain *d = current_vcpu()->domain;
    struct page *pg;
    u8 *va;

    if (likely(is_short(gva, bytes) && hot_page_of(d, gva, true, &pg, &va))) {
        copy_short(va, from, bytes);
        guest_wrote(d, va);
        frame_unmap(va);
        return put_and_succeed(pg);
    }
    return copy_pages(d, GVA, gva, NULL, from, bytes);
}

int clear_guest(u64 gva, size_t bytes)
{
    return copy_pages(current_vcpu()->domain, GVA, gva, NULL, NULL, bytes);
}

static noinline struct page *page_for_write_slowly(struct domain *d, u64 gva, size_t bytes, void **va)
{
    struct page *pg = NULL;
    u8 *p = NULL;

    if ((gva & ~PAGE_MASK) + bytes <= PAGE_SIZE) {
        pg = page_of(d, gva, true, &p);
    }
    *va = p;
    return pg;
}

struct page *guest_page_for_write(u64 gva, size_t bytes, void **va)
{
    struct domain *d = current_vcpu()->domain;
    struct page *pg;
    u8 *p;

    if (likely((gva & ~PAGE_MASK) + bytes <= PAGE_SIZE && hot_page_of(d, gva, true, &pg, &p))) {
        *va = p;
        return pg;
    }
    return page_for_write_slowly(d, gva, bytes, va);
}

int copy_from_gpa(struct domain *d, void *to, u64 gpa, size_t bytes)
{
    return copy_pages(d, GPA, gpa, to, NULL, bytes);
}
