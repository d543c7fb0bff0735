/* SPDX-License-Identifier: MIT */
/*
 * What the two memory_op tests share: dom0 and two guests with buffers, and calls as a guest makes them. Included once
 * by each.
 */
#ifndef MEMORY_OP_FIXTURE_H
#define MEMORY_OP_FIXTURE_H

#include "unit.h"

static struct domain *guest, *other;
static u64 buffers[3];           /* a page of each domain's RAM for arguments, by domid */
static u32 base_pages;           /* guest's pages at the start */

static int memop_setup(void **state)
{
    unit_setup(state);
    assert_non_null(unit_domain(0, 1));
    guest = unit_domain(1, 2);
    other = unit_domain(2, 1);
    buffers[0] = unit_guest_alloc(dom0, 4 * PAGE_SIZE);
    buffers[1] = unit_guest_alloc(guest, 4 * PAGE_SIZE);
    buffers[2] = unit_guest_alloc(other, 4 * PAGE_SIZE);
    base_pages = guest->tot_pages;
    return 0;
}

#define memop_case(fn) cmocka_unit_test_setup_teardown(fn, memop_setup, unit_teardown)

static enum p2m_type type_at(struct domain *d, u64 g)
{
    enum p2m_type t;

    p2m_lookup(d, gfn(g), &t, NULL);
    return t;
}

/* Write to a domain's argument page. */
static u64 put_at(struct domain *d, u64 offset, const void *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        *(char *)unit_guest_ptr(d, buffers[d->id] + offset + i) = ((const char *)data)[i];
    }
    return buffers[d->id] + offset;
}

/* A reservation struct in the caller's memory, with its list on the page after it. */
unused static u64 reservation(struct domain *caller, u16 domid, const u64 *frames, u64 nr, u32 order, u32 flags)
{
    struct xen_memory_reservation r = { .nr_extents = nr, .extent_order = order, .mem_flags = flags, .domid = domid };

    if (frames != NULL) {
        /* A count out of range: one is there. */
        r.extent_start.q = put_at(caller, PAGE_SIZE, frames, (nr <= 512 ? MAX(nr, 1UL) : 1) * sizeof(u64));
    }
    return put_at(caller, 0, &r, sizeof(r));
}

unused static long reserve(u64 cmd, struct domain *caller, u16 domid, const u64 *frames, u64 nr, u32 order, u32 flags)
{
    u64 args[5] = { cmd, reservation(caller, domid, frames, nr, order, flags), 0, 0, 0 };

    unit_set_current(caller->vcpu[0]);
    return do_memory_op(caller->vcpu[0], args);
}

#endif
