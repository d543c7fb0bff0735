/* SPDX-License-Identifier: MIT */
/* memory_op on our own memory (docs/abi.md, memory_op; xen/memory.h). */
#include "check.h"
#include "cpu.h"
#include "machine.h"
#include "mmu.h"
#include "sysreg.h"
#include "trap.h"
#include "xenabi.h"

#define BATCH 600u

static xen_pfn_t frames[BATCH];

static uint64_t page(unsigned n) { return machine_spare_page(PAGE_MEMORY + n); }

static long reservation(unsigned op, const xen_pfn_t *list, uint64_t n, unsigned order)
{
    struct xen_memory_reservation r = { .nr_extents = n, .extent_order = order, .domid = DOMID_SELF };

    r.extent_start.p = (xen_pfn_t *)(uintptr_t)list;
    return memory_op(op, &r);
}

static unsigned reads(uint64_t gpa) { return PROBE_CALL(mmio_read32(gpa)); }

static void sizes(void)
{
    domid_t self = DOMID_SELF, nobody = 77;
    long now = memory_op(XENMEM_current_reservation, &self), most = memory_op(XENMEM_maximum_reservation, &self);

    CHECK_EQ("current", machine.ram_size >> 12, now);
    CHECK("maximum-not-less", most >= now);
    CHECK_RANGE("maximum-gpfn", (machine.ram_base + machine.ram_size - 1) >> 12, 1ul << 36,
                memory_op(XENMEM_maximum_gpfn, &self));
    CHECK_EQ("nobody", -XEN_ESRCH, memory_op(XENMEM_current_reservation, &nobody));
    CHECK("maximum-ram-page", memory_op(XENMEM_maximum_ram_page, 0) >= (long)(machine.ram_base >> 12));
}

static void unknown(void)
{
    static const uint8_t absent[] = { 5, 8, 9, 10, 12, 13, 16, 17, 20, 22, 25, 29, 30, 31, 40, 63 };
    uint64_t buffer[8] = { 0 };

    for (unsigned i = 0; i < sizeof(absent); i++)
        CHECK_EQ(check_name("op", absent[i]), -XEN_ENOSYS, memory_op(absent[i], buffer));
    CHECK_EQ("sharing-freed", 0, memory_op(XENMEM_get_sharing_freed_pages, 0));
    CHECK_EQ("sharing-shared", 0, memory_op(XENMEM_get_sharing_shared_pages, 0));
}

static void give_and_take(void)
{
    xen_pfn_t pfn = page(0) >> 12;
    domid_t self = DOMID_SELF;
    long before = memory_op(XENMEM_current_reservation, &self);

    mmio_write64(page(0), 0x1122334455667788);
    CHECK_EQ("decrease", 1, reservation(XENMEM_decrease_reservation, &pfn, 1, 0));
    CHECK_EQ("gone", 1, reads(page(0)));
    /* A 1:1 dom0 keeps owning what it gives back (docs/design/memory.md, 1:1 dom0). */
    CHECK_RANGE("counted-down", before - 1, before, memory_op(XENMEM_current_reservation, &self));
    CHECK_EQ("neighbour-stays", 0, reads(page(1)));
    CHECK_EQ("decrease-again", 0, reservation(XENMEM_decrease_reservation, &pfn, 1, 0));
    CHECK_EQ("populate", 1, reservation(XENMEM_populate_physmap, &pfn, 1, 0));
    CHECK_EQ("back", 0, reads(page(0)));
    CHECK_EQ("counted-up", before, memory_op(XENMEM_current_reservation, &self));
    mmio_write64(page(0), 0x55);
    CHECK_EQ("writable", 0x55, mmio_read64(page(0)));
}

/* More extents than one go would do: the call continues itself and returns the whole count. */
static void many(void)
{
    for (unsigned i = 0; i < BATCH; i++)
        frames[i] = machine_spare_page(PAGE_BATCH + i) >> 12;
    CHECK_EQ("decrease", BATCH, reservation(XENMEM_decrease_reservation, frames, BATCH, 0));
    CHECK_EQ("first-gone", 1, reads(frames[0] << 12));
    CHECK_EQ("last-gone", 1, reads(frames[BATCH - 1] << 12));
    for (unsigned i = 0; i < BATCH; i++)
        frames[i] = machine_spare_page(PAGE_BATCH + i) >> 12;
    CHECK_EQ("populate", BATCH, reservation(XENMEM_populate_physmap, frames, BATCH, 0));
    CHECK_EQ("first-back", 0, reads(machine_spare_page(PAGE_BATCH)));
    CHECK_EQ("last-back", 0, reads(machine_spare_page(PAGE_BATCH + BATCH - 1)));
}

/* Errors are counts: how many were done before the bad one. */
static void partial(void)
{
    xen_pfn_t list[4] = { page(0) >> 12, page(1) >> 12, UNMAPPED_GPA >> 12, page(2) >> 12 };

    CHECK_EQ("none", 0, reservation(XENMEM_decrease_reservation, list, 0, 0));
    CHECK_EQ("decrease-stops", 2, reservation(XENMEM_decrease_reservation, list, 4, 0));
    CHECK_EQ("after-the-bad-one", 0, reads(page(2)));
    CHECK_EQ("populate", 2, reservation(XENMEM_populate_physmap, list, 2, 0));
    CHECK_EQ("order-huge", 0, reservation(XENMEM_decrease_reservation, list, 1, 60));
    CHECK_EQ("order-64", 0, reservation(XENMEM_decrease_reservation, list, 1, 64));
    CHECK_EQ("populate-order-huge", 0, reservation(XENMEM_populate_physmap, list, 1, 60));
    CHECK_EQ("list-not-there", 0, reservation(XENMEM_decrease_reservation, (xen_pfn_t *)UNMAPPED_GPA, 1, 0));
    CHECK_EQ("count-huge", 0, reservation(XENMEM_decrease_reservation, (xen_pfn_t *)UNMAPPED_GPA, ~0ul, 0));
    list[0] = ~0ul;
    CHECK_EQ("frame-all-ones", 0, reservation(XENMEM_decrease_reservation, list, 1, 0));
    list[0] = 1ul << 52 | page(0) >> 12;
    CHECK_EQ("frame-high-bit", 0, reservation(XENMEM_decrease_reservation, list, 1, 0));
    CHECK_EQ("frame-high-bit-populate", 0, reservation(XENMEM_populate_physmap, list, 1, 0));
    CHECK_EQ("nothing-lost", 0, reads(page(0)));
}

/* A 2 MiB extent as one. */
static void large_extent(void)
{
    uint64_t gpa = (machine_spare_page(4096) + 0x1fffff) & ~0x1ffffful;
    xen_pfn_t pfn = gpa >> 12;

    CHECK_EQ("decrease", 1, reservation(XENMEM_decrease_reservation, &pfn, 1, 9));
    CHECK_EQ("first-gone", 1, reads(gpa));
    CHECK_EQ("last-gone", 1, reads(gpa + 0x1ff000));
    CHECK_EQ("before-stays", 0, reads(gpa - 4));
    CHECK_EQ("after-stays", 0, reads(gpa + 0x200000));
    pfn = gpa >> 12;
    CHECK_EQ("populate", 1, reservation(XENMEM_populate_physmap, &pfn, 1, 9));
    CHECK_EQ("first-back", 0, reads(gpa));
    CHECK_EQ("last-back", 0, reads(gpa + 0x1ff000));
}

/* One page out of the middle of a block, and the block's other pages stay as they were. */
static void split_block(void)
{
    uint64_t gpa = (machine_spare_page(5120) + 0x1fffff) & ~0x1ffffful;
    xen_pfn_t pfn = (gpa >> 12) + 77;

    for (unsigned i = 0; i < 512; i++)
        mmio_write64(gpa + i * 4096, 0xb10c0000 + i);
    CHECK_EQ("decrease", 1, reservation(XENMEM_decrease_reservation, &pfn, 1, 0));
    for (unsigned i = 0; i < 512; i++)
        if (i != 77)
            CHECK_EQ(check_name("page", i), 0xb10c0000 + i, mmio_read64(gpa + i * 4096));
    CHECK_EQ("gone", 1, reads(gpa + 77 * 4096));
    CHECK_EQ("populate", 1, reservation(XENMEM_populate_physmap, &pfn, 1, 0));
    CHECK_EQ("back", 0, reads(gpa + 77 * 4096));
}

static void add_remove(void)
{
    uint64_t other = page(8);
    volatile shared_info_t *shared = xen_shared_info();

    REQUIRE("shared-info", shared != 0);
    CHECK_EQ("shared-info-index", -XEN_EINVAL, xen_map(XENMAPSPACE_shared_info, 1, other));
    CHECK_EQ("grant-index-huge", -XEN_EINVAL, xen_map(XENMAPSPACE_grant_table, 1000000, other));
    CHECK_EQ("space-unknown", -XEN_ENOSYS, xen_map(77, 0, other));
    CHECK_EQ("foreign-by-7", -XEN_ENOSYS, xen_map(XENMAPSPACE_gmfn_foreign, 0, other));
    CHECK_EQ("remove", 0, xen_unmap(other));
    CHECK_EQ("gone", 1, reads(other));
    CHECK_EQ("remove-again", -XEN_ENOENT, xen_unmap(other));
    CHECK_EQ("remove-out-of-range", -XEN_ENOENT, xen_unmap(UNMAPPED_GPA));
    CHECK_EQ("shared-info-elsewhere", -XEN_EBUSY, xen_map(XENMAPSPACE_shared_info, 0, other));
    CHECK_EQ("frame-all-ones", 1, xen_unmap(~0ul) != 0);
}

static void batch(void)
{
    xen_ulong_t idxs[2] = { 0, 0 };
    xen_pfn_t gpfns[2] = { page(9) >> 12, page(10) >> 12 };
    int errs[2] = { 77, 77 };
    struct xen_add_to_physmap_batch op = { .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign, .size = 2 };

    op.u.foreign_domid = 77;
    op.idxs.p = idxs;
    op.gpfns.p = gpfns;
    op.errs.p = errs;
    CHECK_EQ("nobody", 0, memory_op(XENMEM_add_to_physmap_batch, &op));
    CHECK_EQ("nobody-error-0", -XEN_ESRCH, errs[0]);
    CHECK_EQ("nobody-error-1", -XEN_ESRCH, errs[1]);
    op.size = 0;
    op.u.foreign_domid = DOMID_SELF;
    CHECK("none", memory_op(XENMEM_add_to_physmap_batch, &op) <= 0);
    op.size = 2;
    op.u.foreign_domid = 0;
    CHECK("own-memory-as-foreign", memory_op(XENMEM_add_to_physmap_batch, &op) <= 0);
    CHECK_EQ("still-there", 0, reads(page(9)));
    op.errs.p = (int *)UNMAPPED_GPA;
    CHECK("errors-nowhere", memory_op(XENMEM_add_to_physmap_batch, &op) < 0);
}

static void acquire(void)
{
    struct xen_mem_acquire_resource op = { .domid = DOMID_SELF, .type = XENMEM_resource_grant_table };
    long rc = memory_op(XENMEM_acquire_resource, &op);

    CHECK("size-of-self", rc == 0 || rc == -XEN_EPERM || rc == -XEN_EINVAL || rc == -XEN_ESRCH);
    op.domid = 77;
    CHECK_EQ("nobody", -XEN_ESRCH, memory_op(XENMEM_acquire_resource, &op));
    op.pad = 1;
    CHECK_EQ("pad", -XEN_EINVAL, memory_op(XENMEM_acquire_resource, &op));
}

const struct test tests_memory[] = {
    { "memory.sizes", sizes, 0, 0 },
    { "memory.unknown", unknown, 0, 0 },
    { "memory.give-and-take", give_and_take, 0, 0 },
    { "memory.many", many, 0, 0 },
    { "memory.partial", partial, 0, 0 },
    { "memory.large-extent", large_extent, 0, 0 },
    { "memory.split-block", split_block, 0, 0 },
    { "memory.add-remove", add_remove, 0, 0 },
    { "memory.batch", batch, 0, 0 },
    { "memory.acquire", acquire, 0, 0 },
    { 0 },
};
