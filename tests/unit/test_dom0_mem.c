/* SPDX-License-Identifier: MIT */
/* unit-sources: firmware/machine.c boot/dom0_mem.c boot/build/place.c core/mem/rangeset.c */
/* dom0's memory: which is claimed, where kernel and modules go, what guest-physical space is left. */
#include "unit.h"
#include <boot/dom0.h>
#include <argon/rangeset.h>

/* 2 MiB granules of RAM, by frame >> 9; what is not free was taken by someone. */
#define GRANULES 8192
static bool taken[GRANULES];
static u32 claims;
static struct machine m;
static struct build_memory mem;

int mem_claim(mfn_t first, u64 nr)
{
    assert_int_equal(first.m % 512, 0);
    assert_int_equal(nr % 512, 0);
    claims++;
    for (u64 i = first.m / 512; i < (first.m + nr) / 512; i++) {
        assert_true(i < GRANULES);
        if (taken[i]) {
            return -ENOMEM;
        }
    }
    for (u64 i = first.m / 512; i < (first.m + nr) / 512; i++) {
        taken[i] = true;
    }
    return 0;
}

static void take(u64 start, u64 size)
{
    for (u64 i = start / MIB(2); i < (start + size) / MIB(2); i++) {
        taken[i] = true;
    }
}

static void ram(u64 start, u64 size)
{
    assert_int_equal(machine_add_bank(&m, start, size, 0), 0);
    machine_sort_banks(&m);
}

static void reset(void)
{
    memset(&m, 0, sizeof(m));
    memset(&mem, 0, sizeof(mem));
    memset(taken, 0, sizeof(taken));
    claims = 0;
}

static void expect_bank(u32 i, u64 start, u64 size)
{
    assert_true(i < mem.nr);
    assert_int_equal(mem.bank[i].start, start);
    assert_int_equal(mem.bank[i].size, size);
}

static void test_one_piece(void **state)
{
    (void)state;
    reset();
    ram(GIB(1), GIB(1));
    take(GIB(1), MIB(4));                    /* the hypervisor */
    assert_int_equal(dom0_claim_memory(&m, 0, MIB(256), MIB(128), &mem), 0);
    assert_int_equal(mem.nr, 1);
    expect_bank(0, GIB(1) + MIB(256), MIB(256));         /* aligned to its size */
    assert_true(claims < 5);
    /* Not a power of two: aligned to the largest it holds. */
    reset();
    ram(GIB(1), GIB(2));
    take(GIB(1), MIB(4));
    m.modules[0] = (struct machine_module){ .start = 0x78000000, .size = MIB(90) };
    m.nr_modules = 1;
    assert_int_equal(dom0_claim_memory(&m, 0, MIB(768), MIB(128), &mem), 0);
    assert_int_equal(mem.nr, 1);
    expect_bank(0, 0x80000000, MIB(768));
    /* Large alignment cannot be had. */
    reset();
    ram(GIB(1), MIB(512));
    take(GIB(1), MIB(4));
    assert_int_equal(dom0_claim_memory(&m, 0, MIB(500), MIB(128), &mem), 0);
    assert_int_equal(mem.nr, 1);
    expect_bank(0, GIB(1) + MIB(4), MIB(500));
}

static void test_pieces(void **state)
{
    (void)state;
    reset();
    ram(GIB(1), MIB(512));
    ram(GIB(8), MIB(512));
    take(GIB(1) + MIB(200), MIB(2));
    assert_int_equal(dom0_claim_memory(&m, 0, MIB(900), MIB(128), &mem), 0);
    assert_int_equal(mem.total, MIB(900));
    /* The first is low, and the largest power of two that is to be had there. */
    expect_bank(0, GIB(1) + MIB(256), MIB(256));
    u64 sum = 0;
    for (u32 i = 0; i < mem.nr; i++) {
        sum += mem.bank[i].size;
        for (u32 j = 0; j < i; j++) {
            assert_true(mem.bank[i].start + mem.bank[i].size < mem.bank[j].start ||
                        mem.bank[j].start + mem.bank[j].size < mem.bank[i].start);
        }
    }
    assert_int_equal(sum, MIB(900));
    /* The first has a least size: what is high is taken rather than a small low one. */
    reset();
    ram(GIB(1), MIB(64));
    ram(GIB(8), GIB(1));
    assert_int_equal(dom0_claim_memory(&m, 0, MIB(512), MIB(128), &mem), 0);
    expect_bank(0, GIB(8), MIB(512));
    /* Neighbours become one. */
    reset();
    ram(GIB(1), MIB(512));
    take(GIB(1) + MIB(384), MIB(2));
    assert_int_equal(dom0_claim_memory(&m, 0, MIB(384), MIB(130), &mem), 0);
    assert_int_equal(mem.nr, 1);
    expect_bank(0, GIB(1), MIB(384));
}

static void node_ram(u64 start, u64 size, u32 node)
{
    assert_int_equal(machine_add_bank(&m, start, size, node), 0);
    machine_sort_banks(&m);
    m.nodes |= BIT(node);
}

/* What is near goes first, though larger pieces are elsewhere; below 4 GiB the first, whoever's that is. */
static void test_nodes(void **state)
{
    (void)state;
    reset();
    node_ram(GIB(1), GIB(1), 0);
    node_ram(GIB(2), GIB(1), 1);
    assert_int_equal(dom0_claim_memory(&m, 1, MIB(512), MIB(128), &mem), 0);
    assert_int_equal(mem.nr, 1);
    expect_bank(0, GIB(2), MIB(512));
    /* More than the node has: the rest of the nearest, which is node 2. */
    reset();
    node_ram(GIB(1), MIB(512), 1);
    node_ram(GIB(5), GIB(1), 0);
    node_ram(GIB(7), GIB(1), 2);
    m.distance[1][0] = 30;
    take(GIB(1) + MIB(256), MIB(2));
    assert_int_equal(dom0_claim_memory(&m, 1, MIB(768), MIB(128), &mem), 0);
    expect_bank(0, GIB(1), MIB(256));
    for (u32 i = 1; i < mem.nr; i++) {
        assert_true(mem.bank[i].start < GIB(2) || mem.bank[i].start >= GIB(7));
    }
    /* None of the node is low. */
    reset();
    node_ram(GIB(1), MIB(512), 0);
    node_ram(GIB(8), GIB(1), 1);
    assert_int_equal(dom0_claim_memory(&m, 1, MIB(768), MIB(128), &mem), 0);
    expect_bank(0, GIB(1), MIB(512));
    expect_bank(1, GIB(8), MIB(256));
}

static void test_too_little(void **state)
{
    (void)state;
    reset();
    ram(GIB(1), MIB(256));
    take(GIB(1), MIB(4));
    assert_int_equal(dom0_claim_memory(&m, 0, MIB(512), MIB(128), &mem), -ENOMEM);
    assert_int_equal(mem.total, MIB(252));
    reset();
    ram(GIB(1), MIB(64));
    assert_int_equal(dom0_claim_memory(&m, 0, MIB(512), MIB(128), &mem), -ENOMEM);
    assert_int_equal(mem.total, 0);
    reset();
    assert_int_equal(dom0_claim_memory(&m, 0, MIB(512), MIB(128), &mem), -ENOMEM);
    /* In crumbs: more banks than there is room for. */
    ram(GIB(1), GIB(1));
    for (u64 a = GIB(1) + MIB(128); a < GIB(2); a += MIB(4)) {
        take(a, MIB(2));
    }
    assert_int_equal(dom0_claim_memory(&m, 0, MIB(512), MIB(128), &mem), -ENOMEM);
    assert_true(mem.nr <= BUILD_MAX_BANKS);
}

static int place(const struct image *img, u64 bank, u64 size, u64 initrd, u64 firmware, struct build_place *p,
                 u64 *need)
{
    const struct build_sizes sizes = { .initrd = initrd, .firmware = firmware };

    return build_place(img, bank, size, &sizes, p, need);
}

/* Firmware's tables are behind the device tree's room, before the ramdisk; a granule is theirs. */
static void test_place_firmware(void **state)
{
    struct image img = { .mem_size = MIB(30) };
    struct build_place p;
    u64 need;

    (void)state;
    assert_int_equal(place(&img, 0x60000000, MIB(512), MIB(3), 0x3000, &p, &need), 0);
    assert_int_equal(p.fdt, 0x68000000);
    assert_int_equal(p.firmware, 0x68200000);
    assert_int_equal(p.initrd, 0x68400000);
    assert_int_equal(need, MIB(30 + 2 + 2 + 4));
    assert_int_equal(place(&img, 0x60000000, MIB(38), MIB(3), MIB(2), &p, &need), 0);
    assert_int_equal(p.firmware, 0x60000000 + MIB(32));
    assert_int_equal(place(&img, 0x60000000, MIB(38), MIB(3), MIB(2) + 1, &p, &need), -ENOSPC);
    /* Beside modules that stay. */
    const struct machine_range bank = { .start = 0x60000000, .size = MIB(64) };
    const struct build_stay stay = {
        .kernel = { .start = 0x60000000, .size = MIB(30) }, .ramdisk = { .start = 0x62000000, .size = MIB(3) }
    };
    const struct build_sizes sizes = { .initrd = MIB(3), .firmware = MIB(3) };

    assert_true(build_place_stay(&img, &bank, &sizes, &stay, &p));
    assert_int_equal(p.initrd, 0x62000000);
    assert_int_equal(p.fdt, 0x62400000);
    assert_int_equal(p.firmware, 0x62600000);
}

static void test_place(void **state)
{
    struct image img = { .mem_size = MIB(31) + 5, .text_offset = 0x80000, .entry = 0 };
    struct build_place p;
    u64 need;

    (void)state;
    assert_int_equal(place(&img, 0x60000000, MIB(512), 0x16b6e1b, 0, &p, &need), 0);
    assert_int_equal(p.kernel, 0x60080000);
    assert_int_equal(p.entry, 0x60080000);
    assert_int_equal(p.fdt, 0x68000000);     /* as Xen has it */
    assert_int_equal(p.initrd, 0x68200000);
    assert_int_equal(p.initrd_size, 0x16b6e1b);
    /* Less than 128 MiB: at the end. */
    assert_int_equal(place(&img, 0x60000000, MIB(64), MIB(3), 0, &p, &need), 0);
    assert_int_equal(p.fdt, 0x60000000 + MIB(64 - 6));
    assert_int_equal(p.initrd, 0x60000000 + MIB(64 - 4));
    assert_int_equal(need, MIB(32 + 6));
    /* Just enough, one granule too little. */
    assert_int_equal(place(&img, 0x60000000, MIB(38), MIB(3), 0, &p, &need), 0);
    assert_int_equal(p.fdt, 0x60000000 + MIB(32));
    assert_int_equal(place(&img, 0x60000000, MIB(36), MIB(3), 0, &p, &need), -ENOSPC);
    assert_int_equal(need, MIB(38));
    /* A kernel that reaches beyond 128 MiB. */
    img.mem_size = MIB(200);
    assert_int_equal(place(&img, 0x60000000, MIB(512), 0, 0, &p, &need), 0);
    assert_int_equal(p.fdt, 0x60000000 + MIB(510));
    assert_int_equal(p.initrd_size, 0);
    /* 128 MiB and the modules do not both fit. */
    img.mem_size = MIB(30);
    assert_int_equal(place(&img, 0x60000000, MIB(140), MIB(60), 0, &p, &need), 0);
    assert_int_equal(p.fdt, 0x60000000 + MIB(140 - 62));
}

static void test_place_fixed(void **state)
{
    struct image img = { .mem_size = MIB(4), .fixed = true, .load = 0x48000000, .entry = 0x40 };
    struct build_place p;
    u64 need;

    (void)state;
    assert_int_equal(place(&img, 0x40000000, MIB(512), MIB(1), 0, &p, &need), 0);
    assert_int_equal(p.kernel, 0x48000000);
    assert_int_equal(p.entry, 0x48000040);
    assert_true(p.fdt >= 0x48400000);
    assert_int_equal(place(&img, 0x50000000, MIB(512), MIB(1), 0, &p, &need), -EINVAL);
    assert_int_equal(place(&img, 0x40000000, MIB(128), MIB(1), 0, &p, &need), -EINVAL);
    assert_int_equal(place(&img, 0x40000000, MIB(130), MIB(1), 0, &p, &need), -ENOSPC);
}

static void test_spare(void **state)
{
    struct machine_range r[8];
    struct rangeset *devices = rangeset_create();

    (void)state;
    reset();
    ram(GIB(1), GIB(2));
    ram(GIB(4), MIB(96));
    mem = (struct build_memory){ .nr = 2, .bank = { { 0x60000000, MIB(512), 0 }, { 0x90000000, MIB(512), 0 } } };
    assert_int_equal(rangeset_add(devices, 0x5f000, 0x5f0ff), 0);
    assert_int_equal(dom0_spare_regions(&m, &mem, devices, 0x40000, r, 8), 5);
    assert_int_equal(r[0].start, 0x40000000);            /* grant window */
    assert_int_equal(r[0].size, 0x40000);
    assert_int_equal(r[1].start, 0x40200000);            /* extended regions: 2 MiB steps, around the device's memory */
    assert_int_equal(r[1].size, 0x5f000000 - 0x40200000);
    assert_int_equal(r[2].start, 0x80000000);
    assert_int_equal(r[2].size, MIB(256));
    assert_int_equal(r[3].start, 0xb0000000);
    assert_int_equal(r[3].size, MIB(256));
    assert_int_equal(r[4].start, GIB(4));
    assert_int_equal(r[4].size, MIB(96));
    assert_int_equal(dom0_spare_regions(&m, &mem, devices, 0x40000, r, 2), 2);
    /* Nothing left; and a first piece too small for the window. */
    mem = (struct build_memory){ .nr = 2, .bank = { { GIB(1), GIB(2), 0 }, { GIB(4), MIB(96), 0 } } };
    assert_int_equal(dom0_spare_regions(&m, &mem, devices, 0x40000, r, 8), 0);
    mem.bank[0] = (struct machine_range){ GIB(1) + 0x10000, GIB(2) - 0x10000, 0 };
    mem.bank[1].size = MIB(48);
    assert_int_equal(dom0_spare_regions(&m, &mem, devices, 0x40000, r, 8), 1);
    assert_int_equal(r[0].start, GIB(4) + MIB(48));
    rangeset_destroy(devices);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_case(test_one_piece), unit_case(test_pieces), unit_case(test_nodes), unit_case(test_too_little),
        unit_case(test_place), unit_case(test_place_firmware),
        unit_case(test_place_fixed), unit_case(test_spare)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
