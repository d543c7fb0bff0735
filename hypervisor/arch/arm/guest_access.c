/* SPDX-License-Identifier: MIT */
/*
 * Guest memory by virtual address: both stages are walked by the CPU itself (AT S12E1R/W, Arm ARM C5.5), so translation and
 * permissions are exactly those the guest's own access would meet, without PAN (D8.4.6 does not apply to S12E1R).
 * EL2 shares the guest's EL1 registers while its vCPU is current; nothing is switched.
 */
#include <argon/arch.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/guest_access.h>
#include <asm/guest_access.h>
#include <argon/mem.h>
#include <argon/p2m.h>
#include <argon/percpu.h>
#include <argon/string.h>

/*
 * Page behind gva with a reference, if the CPU translates it at once and it is in the hot range; else NULL: page_of() decides.
 * *va: gva in the direct map.
 */
static always_inline struct page *hot_page_of(const struct domain *d, u64 gva, bool write, u8 **va)
{
    u64 par = guest_translate(gva, write);
    u64 pa = par & GENMASK(47, 12);
    u64 i = (pa >> PAGE_SHIFT) - mem_hot_range.first;
    struct page *pg;

    if (unlikely((par & PAR_F) || i >= mem_hot_range.nr)) {
        return NULL;
    }
    *va = (u8 *)(pa | HYP_DIRECTMAP_VA | (gva & ~PAGE_MASK));
    pg = &mem_hot_range.page[i];
    return likely(page_try_reference(pg, PAGE_WORD_ID(d->id, PAGE_GUEST))) ? pg : NULL;
}

/*
 * Page behind gva with a reference, NULL if the guest could not access it so. A stage-2 block that is being split is absent for a
 * moment: one more try follows under the lock that splitting holds.
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
    m = paddr_to_mfn(par & GENMASK(47, 12));
    *va = (u8 *)mfn_to_virt(m) + (gva & ~PAGE_MASK);
    return page_get(m, d) ? mfn_to_page(m) : NULL;
}

/*
 * n and both addresses even: in the largest units that the addresses allow. Both stay aligned to 8 if they are at first, so the 4 and 2
 * bytes at the end are aligned too. Pairs by hand: the compiler's loop costs three times as much for arguments of this size.
 */
static always_inline void copy_words(void *to, const void *from, size_t n)
{
    u64 x, y;

    if (likely(!(((u64)to | (u64)from) & 7))) {
        if (n & 8) {
            __asm__ volatile("ldr %0, [%1], #8\n\tstr %0, [%2], #8" : "=&r"(x), "+r"(from), "+r"(to) : : "memory");
        }
        for (size_t pairs = n >> 4; pairs != 0; pairs--) {
            __asm__ volatile("ldp %0, %1, [%2], #16\n\tstp %0, %1, [%3], #16"
                             : "=&r"(x), "=&r"(y), "+r"(from), "+r"(to) : : "memory");
        }
        n &= 7;
    }
    for (; n != 0; n -= 2) {
        __asm__ volatile("ldrh %w0, [%1], #2\n\tstrh %w0, [%2], #2" : "=&r"(x), "+r"(from), "+r"(to) : : "memory");
    }
}

/* Any copy, page by page. */
static noinline int read_pages(u8 *to, u64 gva, size_t bytes)
{
    struct domain *d = current_vcpu()->domain;

    while (bytes > 0) {
        size_t n = MIN(bytes, PAGE_SIZE - (gva & ~PAGE_MASK));
        u8 *va;
        struct page *pg = page_of(d, gva, false, &va);

        if (pg == NULL) {
            return -EFAULT;
        }
        memcpy(to, va, n);
        page_put(pg);
        to += n;
        gva += n;
        bytes -= n;
    }
    return 0;
}

/* from NULL: zeroes. */
static noinline int write_pages(u64 gva, const u8 *from, size_t bytes)
{
    struct domain *d = current_vcpu()->domain;

    while (bytes > 0) {
        size_t n = MIN(bytes, PAGE_SIZE - (gva & ~PAGE_MASK));
        u8 *va;
        struct page *pg = page_of(d, gva, true, &va);

        if (pg == NULL) {
            return -EFAULT;
        }
        if (from != NULL) {
            memcpy(va, from, n);
            from += n;
        } else {
            memset(va, 0, n);
        }
        page_put(pg);
        gva += n;
        bytes -= n;
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
 * The short way is for even addresses and sizes within one page; whatever is unusual starts over on the long one. Sizes are at most those
 * of what the caller has: their sum with an offset cannot wrap.
 */
static always_inline bool is_short(u64 gva, size_t bytes)
{
    return (gva & ~PAGE_MASK) + bytes <= PAGE_SIZE && !((gva | bytes) & 1);
}

int copy_from_guest(void *to, u64 gva, size_t bytes)
{
    if (likely(is_short(gva, bytes))) {
        u8 *va;
        struct page *pg = hot_page_of(current_vcpu()->domain, gva, false, &va);

        if (likely(pg != NULL)) {
            copy_words(to, va, bytes);
            return put_and_succeed(pg);
        }
    }
    return read_pages(to, gva, bytes);
}

int copy_to_guest(u64 gva, const void *from, size_t bytes)
{
    if (likely(is_short(gva, bytes))) {
        u8 *va;
        struct page *pg = hot_page_of(current_vcpu()->domain, gva, true, &va);

        if (likely(pg != NULL)) {
            copy_words(va, from, bytes);
            return put_and_succeed(pg);
        }
    }
    return write_pages(gva, from, bytes);
}

int clear_guest(u64 gva, size_t bytes)
{
    return write_pages(gva, NULL, bytes);
}

struct page *guest_page_for_write(u64 gva, size_t bytes, void **va)
{
    struct domain *d = current_vcpu()->domain;
    struct page *pg;
    u8 *p = NULL;

    if (unlikely((gva & ~PAGE_MASK) + bytes > PAGE_SIZE)) {
        return NULL;
    }
    pg = hot_page_of(d, gva, true, &p);
    if (unlikely(pg == NULL)) {
        pg = page_of(d, gva, true, &p);
    }
    *va = p;
    return pg;
}

static int access_gpa(struct domain *d, u64 gpa, u8 *buf, size_t bytes, bool write)
{
    while (bytes > 0) {
        size_t n = MIN(bytes, PAGE_SIZE - (gpa & ~PAGE_MASK));
        enum p2m_type t;
        struct page *pg = p2m_get_page(d, gpa_to_gfn(gpa), &t);
        u8 *mem;

        if (pg == NULL) {
            return -EFAULT;
        }
        if (write && !p2m_is_writable(t)) {
            page_put(pg);
            return -EFAULT;
        }
        mem = (u8 *)page_to_virt(pg) + (gpa & ~PAGE_MASK);
        if (write) {
            memcpy(mem, buf, n);
        } else {
            memcpy(buf, mem, n);
        }
        page_put(pg);
        buf += n;
        gpa += n;
        bytes -= n;
    }
    return 0;
}

int copy_from_gpa(struct domain *d, void *to, u64 gpa, size_t bytes)
{
    return access_gpa(d, gpa, to, bytes, false);
}

int copy_to_gpa(struct domain *d, u64 gpa, const void *from, size_t bytes)
{
    union { const void *c; u8 *p; } src = { .c = from };   /* only read through it: write is true */

    return access_gpa(d, gpa, src.p, bytes, true);
}
