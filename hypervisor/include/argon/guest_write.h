/* SPDX-License-Identifier: MIT */
/*
 * The one way to write memory that a guest has: each store there on the hypervisor's part ends in guest_wrote(), which is where a log
 * of dirty frames hangs. docs/design/memory.md lists who writes what. Atomic changes are in guest_atomic.h, copies in guest_access.h.
 */
#ifndef ARGON_GUEST_WRITE_H
#define ARGON_GUEST_WRITE_H

#include <argon/atomic.h>
#include <argon/mem.h>
#include <argon/string.h>

/*
 * What is at `at`, in a frame that is mapped, has been written for d: in d's own frame, or another's that d has mapped or was granted (the
 * frame says whose), or not a guest's at all yet (the private vcpu_info of a vCPU). After the store, so that whoever takes the mark
 * away and then reads the frame misses nothing. Nothing is logged so far.
 */
static always_inline void guest_wrote(const struct domain *d, const void *at)
{
    (void)d;
    (void)at;
}

/* *p = v, one access. */
#define guest_store(d, p, v) do {                                \
    __typeof__(p) guest_store_p = (p);                           \
    atomic_store(guest_store_p, (v));                            \
    guest_wrote((d), guest_store_p);                             \
} while (0)

#define guest_store_release(d, p, v) do {                        \
    __typeof__(p) guest_store_p = (p);                           \
    atomic_store_release(guest_store_p, (v));                    \
    guest_wrote((d), guest_store_p);                             \
} while (0)

/* n bytes within one page; they may overlap. */
static inline void guest_fill(const struct domain *d, void *to, const void *from, size_t n)
{
    memmove(to, from, n);
    guest_wrote(d, to);
}

/* The end of what guest_page_for_write() began: the page is as it is to be, and its reference goes. va: what that has said. */
static inline void guest_page_done(const struct domain *d, struct page *pg, const void *va)
{
    guest_wrote(d, va);
    frame_unmap(va);
    page_put(pg);
}

#endif
