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
#include <argon/mem.h>
#include <argon/p2m.h>
#include <argon/percpu.h>
#include <argon/string.h>

#define PAR_F BIT(0)                     /* PAR_EL1: translation failed */

static always_inline u64 translate(u64 gva, bool write)
{
    u64 saved = sysreg_read(par_el1);    /* the guest may be between its own AT and MRS */
    u64 par;

    if (write) {
        __asm__ volatile("at s12e1w, %0" : : "r"(gva));
    } else {
        __asm__ volatile("at s12e1r, %0" : : "r"(gva));
    }
    isb();
    par = sysreg_read(par_el1);
    sysreg_write(par_el1, saved);
    return par;
}

/*
 * Page behind gva with a reference, NULL if the guest could not access it so. A stage-2 block that is being split is absent for a moment:
 * one more try follows under the lock that splitting holds.
 */
static struct page *page_of(struct domain *d, u64 gva, bool write)
{
    u64 par = translate(gva, write);
    mfn_t m;

    if (unlikely(par & PAR_F)) {
        spin_lock(&d->arch.p2m_lock);
        par = translate(gva, write);
        spin_unlock(&d->arch.p2m_lock);
        if (par & PAR_F) {
            return NULL;
        }
    }
    m = paddr_to_mfn(par & GENMASK(47, 12));
    return likely(page_get(m, d)) ? mfn_to_page(m) : NULL;
}

/* Most arguments are a few aligned words. */
static always_inline void copy_bytes(void *to, const void *from, size_t n)
{
    u64 *d = to;
    const u64 *s = from;

    if (unlikely((((u64)to | (u64)from) & 7) != 0 || n > 64)) {
        memcpy(to, from, n);
        return;
    }
    for (; n >= 8; n -= 8) {
        *d++ = *s++;
    }
    if (n & 4) {
        *(u32 *)d = *(const u32 *)s;
        d = (u64 *)((u32 *)d + 1);
        s = (const u64 *)((const u32 *)s + 1);
    }
    if (n & 3) {
        memcpy(d, s, n & 3);
    }
}

int copy_from_guest(void *to, u64 gva, size_t bytes)
{
    struct domain *d = current_vcpu()->domain;
    u8 *dst = to;

    while (bytes > 0) {
        size_t n = MIN(bytes, PAGE_SIZE - (gva & ~PAGE_MASK));
        struct page *pg = page_of(d, gva, false);

        if (pg == NULL) {
            return -EFAULT;
        }
        copy_bytes(dst, (const u8 *)page_to_virt(pg) + (gva & ~PAGE_MASK), n);
        page_put(pg);
        dst += n;
        gva += n;
        bytes -= n;
    }
    return 0;
}

/* from NULL: zeroes. */
static int write_guest(u64 gva, const u8 *from, size_t bytes)
{
    struct domain *d = current_vcpu()->domain;

    while (bytes > 0) {
        size_t n = MIN(bytes, PAGE_SIZE - (gva & ~PAGE_MASK));
        struct page *pg = page_of(d, gva, true);
        u8 *dst;

        if (pg == NULL) {
            return -EFAULT;
        }
        dst = (u8 *)page_to_virt(pg) + (gva & ~PAGE_MASK);
        if (from != NULL) {
            copy_bytes(dst, from, n);
            from += n;
        } else {
            memset(dst, 0, n);
        }
        page_put(pg);
        gva += n;
        bytes -= n;
    }
    return 0;
}

int copy_to_guest(u64 gva, const void *from, size_t bytes)
{
    return write_guest(gva, from, bytes);
}

int clear_guest(u64 gva, size_t bytes)
{
    return write_guest(gva, NULL, bytes);
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
