/* SPDX-License-Identifier: MIT */
/*
 * Unit tests: guest virtual addresses are guest-physical ones. Same rules as on ARM about which pages may be touched.
 */
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/guest_access.h>
#include <argon/guest_write.h>
#include <argon/mem.h>
#include <argon/p2m.h>
#include <argon/percpu.h>
#include <argon/string.h>
#include <asm/host.h>

u64 host_access_fail_after = UINT64_MAX;

enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_CLEAR };

static void access_page(enum access what, char *page, char *buf, size_t n)
{
    if (what == ACCESS_READ) {
        memcpy(buf, page, n);
    } else if (what == ACCESS_WRITE) {
        memcpy(page, buf, n);
    } else {
        memset(page, 0, n);
    }
}

/* own_only: RAM of d itself, as hypercall buffers must be. */
static int access_gpa(struct domain *d, enum access what, u64 gpa, char *buf, size_t bytes, bool own_only)
{
    if (host_access_fail_after == 0) {
        return -EFAULT;
    }
    if (host_access_fail_after != UINT64_MAX) {
        host_access_fail_after--;
    }
    while (bytes > 0) {
        size_t offset = gpa % PAGE_SIZE;
        size_t n = MIN(bytes, PAGE_SIZE - offset);
        enum p2m_type t;
        mfn_t m = p2m_lookup(d, gpa_to_gfn(gpa), &t, NULL);

        if (!p2m_has_page(t) || (own_only && !p2m_is_ram(t)) ||
            (what != ACCESS_READ && !p2m_is_writable(t))) {
            return -EFAULT;
        }
        access_page(what, (char *)mfn_to_virt(m) + offset, buf, n);
        if (what != ACCESS_READ) {
            guest_wrote(d, (char *)mfn_to_virt(m) + offset);
        }
        gpa += n;
        buf = buf == NULL ? NULL : buf + n;
        bytes -= n;
    }
    return 0;
}

int copy_from_guest(void *to, u64 gva, size_t bytes)
{
    return access_gpa(current_vcpu()->domain, ACCESS_READ, gva, to, bytes, true);
}

bool fetch_u32_at_once(struct domain *d, u64 gva, u32 *value)
{
    enum p2m_type t;
    mfn_t m = p2m_lookup(d, gpa_to_gfn(gva), &t, NULL);

    return gva % sizeof(*value) == 0 && p2m_is_ram(t) && host_access_fail_after != 0 &&
           page_load_u32(mfn_to_page(m), PAGE_WORD_ID(d->id, PAGE_GUEST),
                         (const u32 *)((const char *)mfn_to_virt(m) + gva % PAGE_SIZE), value);
}

int copy_to_guest(u64 gva, const void *from, size_t bytes)
{
    /* The shared page writer takes a plain pointer; it only reads through it when writing. */
    return access_gpa(current_vcpu()->domain, ACCESS_WRITE, gva, (char *)(uintptr_t)from, bytes, true);
}

struct page *guest_page_for_write(u64 gva, size_t bytes, void **va)
{
    enum p2m_type t;
    struct page *pg;

    if (gva % PAGE_SIZE + bytes > PAGE_SIZE || host_access_fail_after == 0) {
        return NULL;
    }
    pg = p2m_get_page(current_vcpu()->domain, gpa_to_gfn(gva), &t);
    if (pg == NULL) {
        return NULL;
    }
    if (!p2m_is_ram(t) || !p2m_is_writable(t)) {
        page_put(pg);
        return NULL;
    }
    *va = frame_map_at(page_to_mfn(pg), gva);
    return pg;
}

int clear_guest(u64 gva, size_t bytes)
{
    return access_gpa(current_vcpu()->domain, ACCESS_CLEAR, gva, NULL, bytes, true);
}

int copy_from_gpa(struct domain *d, void *to, u64 gpa, size_t bytes)
{
    return access_gpa(d, ACCESS_READ, gpa, to, bytes, false);
}
