/* SPDX-License-Identifier: MIT */
/*
 * Memory of what translation services and redistributors read. Those that reach no RAM from 4 GiB on have some of their
 * own, kept before dom0 and guests get theirs: all that is below might be somebody's by the time that dom0's drivers
 * ask for a device's table, or already when the first tables are made. docs/design/its.md.
 */
#include "gicv3_its_parts.h"

#include <argon/console.h>
#include <argon/string.h>

#define LOW_ORDER_MAX 12u                /* 16 MiB: more CPUs than any of these machines has */
#define ITT_BYTES     MIB(1)             /* a page for each of 256 devices, or fewer with more events */

static struct {
    u8 *va;                              /* NULL: there is none */
    u32 pages;
    u64 used[(1u << LOW_ORDER_MAX) / 64];/* gicv3_its_lock */
    bool said;
} low;

/* The highest there is: what is next to its kernel and ramdisk dom0 shall have, so that they need not be copied. */
static boot_code void *highest(unsigned int order)
{
    void *best = NULL, *others = NULL, *va;

    while ((va = pages_alloc(order, MEMF_LOW32)) != NULL) {
        if (best == NULL || pa_of(va) > pa_of(best)) {
            void *was = best;

            best = va;
            va = was;
        }
        if (va != NULL) {
            *(void **)va = others;
            others = va;
        }
    }
    while ((va = others) != NULL) {
        others = *(void **)va;
        pages_free(va, order);
    }
    return best;
}

boot_code void gicv3_its_reserve(const struct machine *m)
{
    u64 bytes = ITT_BYTES + (u64)KIB(64) * (m->nr_cpus + 1);     /* pending tables, properties */
    unsigned int order;

    memset(&low, 0, sizeof(low));
    if (!m->gic.low32 || m->gic.nr_its == 0) {
        return;
    }
    bytes += m->gic.nr_its * (QUEUE_BYTES + FLAT_MAX + KIB(64)); /* of collections */
    order = MIN(order_of(bytes), LOW_ORDER_MAX);
    low.va = highest(order);
    low.pages = low.va != NULL ? 1u << order : 0;
    if (low.va == NULL) {
        log_warn("GICv3: no %u KiB of memory below 4 GiB for interrupt translation services", 4u << order);
    }
}

static bool is_free(u32 at, u32 nr)
{
    for (u32 i = at; i < at + nr; i++) {
        if (low.used[i / 64] & BIT(i % 64)) {
            return false;
        }
    }
    return true;
}

static void mark(u32 at, u32 nr, bool used)
{
    for (u32 i = at; i < at + nr; i++) {
        low.used[i / 64] = (low.used[i / 64] & ~BIT(i % 64)) | (u64)used << i % 64;
    }
}

/* What is kept is aligned to its own size, and so is each part of it. */
static void *low_alloc(unsigned int order)
{
    u32 nr = 1u << order;
    void *va = NULL;

    spin_lock(&gicv3_its_lock);
    for (u32 at = 0; nr <= low.pages && va == NULL && at < low.pages; at += nr) {
        if (is_free(at, nr)) {
            mark(at, nr, true);
            va = low.va + ((size_t)at << PAGE_SHIFT);
        }
    }
    spin_unlock(&gicv3_its_lock);
    return va;
}

void *its_pages(unsigned int order, u32 memf)
{
    void *va = (memf & MEMF_LOW32) && order <= LOW_ORDER_MAX ? low_alloc(order) : NULL;

    if (va != NULL) {
        return memset(va, 0, (size_t)PAGE_SIZE << order);
    }
    va = pages_alloc(order, MEMF_ZERO | memf);
    if (va == NULL && (memf & MEMF_LOW32) && !atomic_exchange(&low.said, true)) {
        log_err("GICv3: no memory below 4 GiB is left for interrupt translation services, which reach no other: "
                "devices that dom0 sets up from now on may have no messages. Give dom0 less of it (dom0_mem)");
    }
    return va;
}

void its_pages_free(void *va, unsigned int order)
{
    u64 at = (u64)((uintptr_t)va - (uintptr_t)low.va) >> PAGE_SHIFT;

    if (low.va == NULL || (uintptr_t)va < (uintptr_t)low.va || at >= low.pages) {
        pages_free(va, order);
        return;
    }
    spin_lock(&gicv3_its_lock);
    mark((u32)at, 1u << order, false);
    spin_unlock(&gicv3_its_lock);
}
