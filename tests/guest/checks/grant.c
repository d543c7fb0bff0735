/* SPDX-License-Identifier: MIT */
/* Grant table v1: a domain that grants to itself (xen/grant_table.h). */
#include "check.h"
#include "console.h"
#include "cpu.h"
#include "machine.h"
#include "mmu.h"
#include "sysreg.h"
#include "trap.h"
#include "xenabi.h"

#define REF 8u

static volatile grant_entry_v1_t *table;

static uint64_t page(unsigned n) { return machine_spare_page(PAGE_GRANT + n); }
static unsigned reads(uint64_t gpa) { return PROBE_CALL(mmio_read32(gpa)); }
static unsigned writes(uint64_t gpa) { return PROBE_CALL(mmio_write32(gpa, 0x77)); }

/* The table's first frame at the start of the grant window. */
static bool have_table(void)
{
    if (!table && xen_map(XENMAPSPACE_grant_table, 0, machine.grant_base) == 0)
        table = (volatile grant_entry_v1_t *)machine.grant_base;
    return table;
}

static void entry(uint32_t ref, uint16_t flags, domid_t domid, uint64_t gpa)
{
    table[ref].flags = 0;
    dmb();
    table[ref].domid = domid;
    table[ref].frame = (uint32_t)(gpa >> 12);
    dmb();
    table[ref].flags = flags;
}

static struct gnttab_map_grant_ref map(uint32_t ref, domid_t dom, uint64_t at, uint32_t flags)
{
    struct gnttab_map_grant_ref op = { .host_addr = at, .flags = flags, .ref = ref, .dom = dom, .status = 77 };

    if (grant_op(GNTTABOP_map_grant_ref, &op, 1) != 0)
        op.status = 99;
    return op;
}

static int unmap(grant_handle_t handle, uint64_t at)
{
    struct gnttab_unmap_grant_ref op = { .host_addr = at, .handle = handle, .status = 77 };

    return grant_op(GNTTABOP_unmap_grant_ref, &op, 1) == 0 ? op.status : 99;
}

static void table_setup(void)
{
    struct gnttab_query_size size = { .dom = DOMID_SELF, .status = 77 };
    struct gnttab_set_version version = { .version = 1 };
    struct gnttab_get_version get = { .dom = DOMID_SELF };

    CHECK_EQ("query-size", 0, grant_op(GNTTABOP_query_size, &size, 1));
    CHECK_EQ("query-size-status", GNTST_okay, size.status);
    CHECK_RANGE("frames", 1, 64, size.nr_frames);
    CHECK_EQ("max-frames", 64, size.max_nr_frames);
    CHECK_EQ("version-1", 0, grant_op(GNTTABOP_set_version, &version, 1));
    version.version = 2;
    CHECK_EQ("version-2", -XEN_ENOSYS, grant_op(GNTTABOP_set_version, &version, 1));
    version.version = 3;
    CHECK("version-3", grant_op(GNTTABOP_set_version, &version, 1) < 0);
    CHECK_EQ("get-version", 0, grant_op(GNTTABOP_get_version, &get, 1));
    CHECK_EQ("is-1", 1, get.version);
    REQUIRE("map-table", have_table());
    CHECK_EQ("unused-entry", 0, table[REF].flags);
    size.dom = 77;
    CHECK_EQ("nobody", 0, grant_op(GNTTABOP_query_size, &size, 1));
    CHECK_EQ("nobody-status", (uint16_t)GNTST_bad_domain, (uint16_t)size.status);
    CHECK_EQ("unknown-op", -XEN_ENOSYS, grant_op(77, &size, 1));
    CHECK("negative-count", grant_op(GNTTABOP_query_size, &size, ~0u) < 0);
    /* The second frame by growing. */
    CHECK_EQ("grow", 0, xen_map(XENMAPSPACE_grant_table, 1, machine.grant_base + 4096));
    CHECK_EQ("second-frame", 0, reads(machine.grant_base + 4096));
}

static void map_write(void)
{
    struct gnttab_map_grant_ref op;
    uint64_t from = page(0), to = page(1);

    REQUIRE("map-table", have_table());
    mmio_write64(from, 0x1111);
    mmio_write64(to, 0x2222);
    CHECK_EQ("make-room", 0, xen_unmap(to));
    entry(REF, GTF_permit_access, 0, from);
    op = map(REF, 0, to, GNTMAP_host_map);
    REQUIRE("map", op.status == GNTST_okay);
    CHECK_EQ("dev-bus-addr", from, op.dev_bus_addr); /* dom0 is 1:1 */
    CHECK_EQ("reading-writing", GTF_permit_access | GTF_reading | GTF_writing, table[REF].flags);
    CHECK_EQ("same-page", 0x1111, mmio_read64(to));
    mmio_write64(to, 0x3333);
    CHECK_EQ("write-shows", 0x3333, mmio_read64(from));
    CHECK_EQ("unmap", GNTST_okay, unmap(op.handle, to));
    CHECK_EQ("flags-back", GTF_permit_access, table[REF].flags);
    CHECK_EQ("gone", 1, reads(to));
    CHECK("unmap-again", unmap(op.handle, to) < 0);
    CHECK_EQ("page-stays", 0x3333, mmio_read64(from));
}

static void map_read_only(void)
{
    struct gnttab_map_grant_ref op;
    uint64_t from = page(0), to = page(1);

    REQUIRE("map-table", have_table());
    (void)xen_unmap(to);
    entry(REF, GTF_permit_access | GTF_readonly, 0, from);
    op = map(REF, 0, to, GNTMAP_host_map);
    CHECK_EQ("write-map-refused", (uint16_t)GNTST_general_error, (uint16_t)op.status);
    CHECK_EQ("flags-unchanged", GTF_permit_access | GTF_readonly, table[REF].flags);
    op = map(REF, 0, to, GNTMAP_host_map | GNTMAP_readonly);
    REQUIRE("map", op.status == GNTST_okay);
    CHECK_EQ("only-reading", GTF_permit_access | GTF_readonly | GTF_reading, table[REF].flags);
    mmio_write64(from, 0x4444);
    CHECK_EQ("reads", 0x4444, mmio_read64(to));
    CHECK_EQ("unmap", GNTST_okay, unmap(op.handle, to));
    CHECK_EQ("flags-back", GTF_permit_access | GTF_readonly, table[REF].flags);
}

static void write_read_only(void)
{
    struct gnttab_map_grant_ref op;
    uint64_t from = page(0), to = page(1);

    REQUIRE("map-table", have_table());
    (void)xen_unmap(to);
    entry(REF, GTF_permit_access | GTF_readonly, 0, from);
    op = map(REF, 0, to, GNTMAP_host_map | GNTMAP_readonly);
    REQUIRE("map", op.status == GNTST_okay);
    mmio_write64(from, 0x4444);
    CHECK_EQ("faults", 1, writes(to));
    CHECK_EQ("class", EC_DABT, ESR_EC(this_cpu()->fault.esr));
    CHECK_EQ("address", to, this_cpu()->fault.far);
    CHECK_EQ("unchanged", 0x4444, mmio_read64(from));
    CHECK_EQ("unmap", GNTST_okay, unmap(op.handle, to));
}

static void map_twice(void)
{
    struct gnttab_map_grant_ref a, b;

    REQUIRE("map-table", have_table());
    (void)xen_unmap(page(1));
    (void)xen_unmap(page(2));
    entry(REF, GTF_permit_access, 0, page(0));
    a = map(REF, 0, page(1), GNTMAP_host_map);
    b = map(REF, 0, page(2), GNTMAP_host_map | GNTMAP_readonly);
    REQUIRE("both", a.status == GNTST_okay && b.status == GNTST_okay);
    CHECK("handles-differ", a.handle != b.handle);
    CHECK_EQ("flags-two", GTF_permit_access | GTF_reading | GTF_writing, table[REF].flags);
    mmio_write64(page(1), 0x5555);
    CHECK_EQ("second-sees", 0x5555, mmio_read64(page(2)));
    CHECK_EQ("unmap-writer", GNTST_okay, unmap(a.handle, page(1)));
    CHECK_EQ("flags-one", GTF_permit_access | GTF_reading, table[REF].flags);
    CHECK_EQ("other-stays", 0, reads(page(2)));
    CHECK_EQ("unmap-reader", GNTST_okay, unmap(b.handle, page(2)));
    CHECK_EQ("flags-none", GTF_permit_access, table[REF].flags);
}

/* A page that is mapped by a grant outlives its owner giving it back. */
static void freed_while_mapped(void)
{
    struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };
    xen_pfn_t pfn = page(0) >> 12;
    struct gnttab_map_grant_ref op;

    REQUIRE("map-table", have_table());
    (void)xen_unmap(page(1));
    entry(REF, GTF_permit_access, 0, page(0));
    op = map(REF, 0, page(1), GNTMAP_host_map);
    REQUIRE("map", op.status == GNTST_okay);
    mmio_write64(page(1), 0x6666);
    r.extent_start.p = &pfn;
    (void)memory_op(XENMEM_decrease_reservation, &r);
    CHECK_EQ("still-mapped", 0x6666, mmio_read64(page(1)));
    mmio_write64(page(1), 0x7777);
    CHECK_EQ("still-writable", 0x7777, mmio_read64(page(1)));
    CHECK_EQ("unmap", GNTST_okay, unmap(op.handle, page(1)));
    CHECK_EQ("flags-back", GTF_permit_access, table[REF].flags);
    pfn = page(0) >> 12;
    (void)memory_op(XENMEM_populate_physmap, &r);
    CHECK_EQ("there-again", 0, reads(page(0)));
}

/* What the hypervisor shares with its owner is nobody's to map: it is not counted as memory that others hold. */
static void shared_pages(void)
{
    uint64_t shared[2] = { 0, machine.grant_base };

    REQUIRE("map-table", have_table());
    shared[0] = (uintptr_t)xen_shared_info();
    REQUIRE("shared-info", shared[0] != 0);
    (void)xen_unmap(page(1));
    for (unsigned i = 0; i < 2; i++) {
        struct gnttab_map_grant_ref op;

        entry(REF, GTF_permit_access, 0, shared[i]);
        op = map(REF, 0, page(1), GNTMAP_host_map);
        CHECK_EQ(check_name("map", i), (uint16_t)GNTST_bad_page, (uint16_t)op.status);
        if (op.status == GNTST_okay)
            (void)unmap(op.handle, page(1));
        op = map(REF, 0, page(1), GNTMAP_host_map | GNTMAP_readonly);
        CHECK_EQ(check_name("map-read-only", i), (uint16_t)GNTST_bad_page, (uint16_t)op.status);
        if (op.status == GNTST_okay)
            (void)unmap(op.handle, page(1));
        CHECK_EQ(check_name("flags", i), GTF_permit_access, table[REF].flags);
    }
    table[REF].flags = 0;
}

/* Over RAM of one's own: the page is not lost. Over another grant: refused. */
static void map_over(void)
{
    struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };
    xen_pfn_t pfn = page(1) >> 12;
    struct gnttab_map_grant_ref op;
    domid_t self = DOMID_SELF;
    long owned;

    REQUIRE("map-table", have_table());
    r.extent_start.p = &pfn;
    if (reads(page(1)) != 0)
        (void)memory_op(XENMEM_populate_physmap, &r);
    mmio_write64(page(1), 0x1212);
    mmio_write64(page(0), 0x3434);
    owned = memory_op(XENMEM_current_reservation, &self);
    entry(REF, GTF_permit_access, 0, page(0));
    op = map(REF, 0, page(1), GNTMAP_host_map);
    REQUIRE("map", op.status == GNTST_okay);
    CHECK_EQ("granted-page", 0x3434, mmio_read64(page(1)));
    CHECK("over-a-grant", map(REF, 0, page(1), GNTMAP_host_map).status < 0);
    CHECK_EQ("unmap", GNTST_okay, unmap(op.handle, page(1)));
    CHECK_EQ("flags-back", GTF_permit_access, table[REF].flags);
    pfn = page(1) >> 12;
    CHECK_EQ("populate", 1, memory_op(XENMEM_populate_physmap, &r));
    CHECK_EQ("there-again", 0, reads(page(1)));
    CHECK_EQ("owned", owned, memory_op(XENMEM_current_reservation, &self));
    table[REF].flags = 0;
}

static void map_errors(void)
{
    uint64_t to = page(1);

    REQUIRE("map-table", have_table());
    (void)xen_unmap(to);
    entry(REF, 0, 0, page(0));
    CHECK_EQ("entry-invalid", (uint16_t)GNTST_general_error, (uint16_t)map(REF, 0, to, GNTMAP_host_map).status);
    entry(REF, GTF_permit_access, 5, page(0));
    CHECK_EQ("for-another", (uint16_t)GNTST_general_error, (uint16_t)map(REF, 0, to, GNTMAP_host_map).status);
    entry(REF, GTF_accept_transfer, 0, page(0));
    CHECK_EQ("not-for-access", (uint16_t)GNTST_general_error, (uint16_t)map(REF, 0, to, GNTMAP_host_map).status);
    entry(REF, GTF_permit_access, 0, UNMAPPED_GPA & 0xfffffffffff);
    CHECK("no-such-frame", map(REF, 0, to, GNTMAP_host_map).status < 0);
    CHECK_EQ("flags-after-error", GTF_permit_access, table[REF].flags);
    entry(REF, GTF_permit_access, 0, page(0));
    CHECK_EQ("ref-beyond", (uint16_t)GNTST_bad_gntref, (uint16_t)map(512 * 64, 0, to, GNTMAP_host_map).status);
    CHECK_EQ("ref-huge", (uint16_t)GNTST_bad_gntref, (uint16_t)map(~0u, 0, to, GNTMAP_host_map).status);
    CHECK_EQ("nobody", (uint16_t)GNTST_bad_domain, (uint16_t)map(REF, 77, to, GNTMAP_host_map).status);
    CHECK("no-flags", map(REF, 0, to, 0).status < 0);
    CHECK_EQ("not-mapped", 1, reads(to));
    CHECK_EQ("flags-still", GTF_permit_access, table[REF].flags);
    CHECK_EQ("handle-never-made", (uint16_t)GNTST_bad_handle, (uint16_t)unmap(100000, to));
    CHECK_EQ("handle-huge", (uint16_t)GNTST_bad_handle, (uint16_t)unmap(~0u, to));
}

static int copy(struct gnttab_copy op)
{
    op.status = 77;
    return grant_op(GNTTABOP_copy, &op, 1) == 0 ? op.status : 99;
}

static void copy_pages(void)
{
    struct gnttab_copy op = { .len = 64, .flags = GNTCOPY_source_gref };

    REQUIRE("map-table", have_table());
    entry(REF, GTF_permit_access | GTF_readonly, 0, page(0));
    for (unsigned i = 0; i < 16; i++) {
        mmio_write32(page(0) + 128 + i * 4, 0xc0900000 + i);
        mmio_write32(page(3) + 256 + i * 4, 0);
    }
    mmio_write32(page(3) + 320, 0xffff);
    op.source.u.ref = REF;
    op.source.domid = 0;
    op.source.offset = 128;
    op.dest.u.gmfn = page(3) >> 12;
    op.dest.domid = DOMID_SELF;
    op.dest.offset = 256;
    CHECK_EQ("from-grant", GNTST_okay, copy(op));
    for (unsigned i = 0; i < 16; i++)
        CHECK_EQ(check_name("word", i), 0xc0900000 + i, mmio_read32(page(3) + 256 + i * 4));
    CHECK_EQ("not-more", 0xffff, mmio_read32(page(3) + 320));
    CHECK_EQ("flags-back", GTF_permit_access | GTF_readonly, table[REF].flags);
    op.source.offset = 4096 - 32;
    CHECK_EQ("source-across", (uint16_t)GNTST_bad_copy_arg, (uint16_t)copy(op));
    op.source.offset = 128;
    op.dest.offset = 4096 - 63;
    CHECK_EQ("dest-across", (uint16_t)GNTST_bad_copy_arg, (uint16_t)copy(op));
    op.dest.offset = 0xffff;
    CHECK_EQ("dest-past", (uint16_t)GNTST_bad_copy_arg, (uint16_t)copy(op));
    op.dest.offset = 0;
    op.dest.u.gmfn = UNMAPPED_GPA >> 12;
    CHECK("dest-nowhere", copy(op) < 0);
    op.dest.u.gmfn = 1ul << 60;
    CHECK("dest-out-of-range", copy(op) < 0);
    op.source.u.ref = 500;
    op.dest.u.gmfn = page(3) >> 12;
    CHECK("bad-reference", copy(op) < 0);
    op.flags = GNTCOPY_dest_gref | GNTCOPY_source_gref;
    op.source.u.ref = op.dest.u.ref = REF;
    op.dest.domid = 0;
    CHECK_EQ("dest-read-only", (uint16_t)GNTST_general_error, (uint16_t)copy(op));
    op.source.domid = 77;
    CHECK("nobody", copy(op) < 0);
}

/* An array of operations: each has its own status. */
static void several(void)
{
    static struct gnttab_map_grant_ref op[40];
    static struct gnttab_unmap_grant_ref un[40];

    REQUIRE("map-table", have_table());
    memset(op, 0, sizeof(op));
    for (unsigned i = 0; i < 40; i++) {
        entry(16 + i, (uint16_t)(i == 7 ? 0 : GTF_permit_access), 0, page(0));
        (void)xen_unmap(machine_spare_page(PAGE_BATCH + 1000 + i));
        op[i] = (struct gnttab_map_grant_ref){
            .host_addr = machine_spare_page(PAGE_BATCH + 1000 + i), .flags = GNTMAP_host_map, .ref = 16 + i,
        };
    }
    CHECK_EQ("map", 0, grant_op(GNTTABOP_map_grant_ref, op, 40));
    mmio_write64(page(0), 0x8888);
    for (unsigned i = 0; i < 40; i++) {
        CHECK_EQ(check_name("status", i), (uint16_t)(i == 7 ? GNTST_general_error : GNTST_okay),
                 (uint16_t)op[i].status);
        if (i != 7)
            CHECK_EQ(check_name("page", i), 0x8888, mmio_read64(op[i].host_addr));
        un[i] = (struct gnttab_unmap_grant_ref){ .host_addr = op[i].host_addr, .handle = i == 7 ? ~0u : op[i].handle };
    }
    CHECK_EQ("unmap", 0, grant_op(GNTTABOP_unmap_grant_ref, un, 40));
    for (unsigned i = 0; i < 40; i++) {
        CHECK_EQ(check_name("unmap-status", i), (uint16_t)(i == 7 ? GNTST_bad_handle : GNTST_okay),
                 (uint16_t)un[i].status);
        CHECK_EQ(check_name("gone", i), 1, reads(op[i].host_addr));
        table[16 + i].flags = 0;
    }
}

static void cache_flush(void)
{
    struct gnttab_cache_flush op = { .offset = 0, .length = 0, .op = 0 };

    CHECK_EQ("nothing", 0, grant_op(GNTTABOP_cache_flush, &op, 1));
    op.a.dev_bus_addr = page(0);
    op.length = 4096;
    op.op = GNTTAB_CACHE_CLEAN;
    CHECK_EQ("clean-own", 0, grant_op(GNTTABOP_cache_flush, &op, 1));
    op.offset = 8;
    CHECK_EQ("across-page", -XEN_EINVAL, grant_op(GNTTABOP_cache_flush, &op, 1));
    op.length = 64;
    op.op = 8;
    CHECK_EQ("unknown-flag", -XEN_EINVAL, grant_op(GNTTABOP_cache_flush, &op, 1));
    op.op = GNTTAB_CACHE_CLEAN;
    op.a.dev_bus_addr = 1ul << 50;
    CHECK("nowhere", grant_op(GNTTABOP_cache_flush, &op, 1) < 0);
}

const struct test tests_grant[] = {
    { "grant.table", table_setup, 0, 0 },
    { "grant.map-write", map_write, 0, 0 },
    { "grant.map-read-only", map_read_only, 0, 0 },
    { "grant.write-read-only", write_read_only, 0, 0 },
    { "grant.map-twice", map_twice, 0, 0 },
    { "grant.freed-while-mapped", freed_while_mapped, 0, 0 },
    { "grant.shared-pages", shared_pages, 0, 0 },
    { "grant.map-over", map_over, 0, 0 },
    { "grant.map-errors", map_errors, 0, 0 },
    { "grant.copy", copy_pages, 0, 0 },
    { "grant.several", several, 0, 0 },
    { "grant.cache-flush", cache_flush, 0, 0 },
    { 0 },
};
