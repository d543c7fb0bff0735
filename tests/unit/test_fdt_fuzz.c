/* SPDX-License-Identifier: MIT */
/* unit-sources: firmware/machine.c firmware/fdt/dt.c firmware/fdt/prop.c firmware/fdt/irq.c firmware/fdt/machine.c */
/* unit-sources: firmware/fdt/numa.c */
/* unit-sources: firmware/fdt/gic.c firmware/fdt/chosen.c firmware/fdt/uart.c */
/* unit-sources: boot/dom0_filter.c boot/dom0_fdt.c boot/build/fdt.c boot/dom0_dev.c boot/dom0_mem.c boot/modules.c */
/* unit-sources: boot/image.c boot/build/place.c */
/* unit-libs: -lfdt */
/*
 * Damaged device trees and kernel headers: whatever the bytes, an error or a result, and never an access outside (the
 * sanitizers look on) or a loop without end. The damage is random but the same in every run.
 */
#include "unit.h"
#include "dt_tree.h"
#include "uarts.h"
#include <boot/dom0.h>
#include <argon/rangeset.h>

#define ROUNDS 1500

static struct tree tree;
static struct dom0_devices dev;
static _Alignas(8) char out[0x40000];
static u64 seed;
static u32 accepted;        /* trees that were good enough to build dom0 from */

int gunzip(const void *src, size_t n, void *dst, size_t room, size_t *got)
{
    *got = MIN(n, room);
    memcpy(dst, src, *got);
    return -ENOSPC;
}

static u32 rnd(u32 below)
{
    seed = seed * 6364136223846793005UL + 1442695040888963407UL;
    return (u32)(seed >> 33) % below;
}

static void build_dom0(void)
{
    static const struct machine_range bank = { 0x60000000, 0x20000000, 0 }, spare = { 0x40200000, 0x40000, 0 };
    static const u64 mpidr[] = { 0 };
    struct dom0_fdt in = {
        .m = &machine, .dt = machine_dt(), .bank = &bank, .nr_banks = 1, .spare = &spare, .nr_spare = 1,
        .initrd = 0x68000000, .initrd_size = 1, .cmdline = machine.dom0_cmdline, .mpidr = mpidr, .nr_vcpus = 1,
        .event_ppi = 16
    };
    char why[160];
    int r;

    accepted++;
    (void)!machine_find_uart(rnd(2) ? "serial0" : NULL);
    r = dom0_find_devices(&machine, machine_dt(), &dev);
    assert_true(r == 0 || r == -ENOSPC || r == -EINVAL);
    dom0_devices_free(&dev);
    r = dom0_fdt_build(&in, out, sizeof(out));
    if (r > 0) {
        assert_int_equal(fdt_check_full(out, (size_t)r), 0);
    }
    (void)!modules_check(&machine, 0x40200000, 0x100000, why, sizeof(why));
}

/* The blob in memory of exactly its size, so that each byte beyond it is seen. */
static void try(const char *data, size_t n)
{
    void *blob = aligned_alloc(8, ROUND_UP(n, 8));

    memcpy(blob, data, n);
    unit_log_clear();
    if (tree_machine(blob, n) == 0) {
        build_dom0();
    } else if (machine_dt() != NULL) {
        (void)!machine_find_uart(NULL);
    }
    free(blob);
}

static void fixed(void *f)
{
    tree_begin(f, "soc");
    tree_cells(f, "#address-cells", 1);
    tree_cells(f, "#size-cells", 1);
    tree_cells(f, "ranges", 0, 0, 0x1c000000, 0x10000);
    tree_begin(f, "dev@0");
    tree_cells(f, "reg", 0, 0x100);
    tree_cells(f, "interrupts-extended", TREE_GIC_PHANDLE, 0, 100, 4);
    tree_end(f);
    tree_end(f);
    tree_begin_reserved(f);
    tree_region(f, "fb", RANGE(0x50000000, 0x800000));
    tree_end(f);
}

static void make(u32 gic)
{
    struct tree_options o = tree_defaults();

    o.gic = gic;
    o.more = fixed;
    o.chosen_initrd = rnd(2);
    o.dom0_args = "console=hvc0";
    tree_virt(&tree, &o);
}

/* Single bytes anywhere. */
static void test_bytes(void **state)
{
    (void)state;
    seed = 1;
    accepted = 0;
    for (u32 i = 0; i < ROUNDS; i++) {
        make(2 + i % 2);
        u32 size = fdt_totalsize(tree.blob);

        for (u32 n = 1 + rnd(4); n > 0; n--) {
            tree.blob[rnd(size)] ^= (char)(1 + rnd(255));
        }
        try(tree.blob, size);
    }
    assert_in_range(accepted, ROUNDS / 10, ROUNDS - ROUNDS / 10);
}

/* Whole words of the structure become tags, small numbers or extremes: deeper damage than bytes do. */
static void test_words(void **state)
{
    static const u32 values[] = { 0, 1, 2, 3, 4, 9, 0xff, 0x8003, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff8 };

    (void)state;
    seed = 2;
    accepted = 0;
    for (u32 i = 0; i < ROUNDS; i++) {
        make(2 + i % 2);
        u32 size = fdt_totalsize(tree.blob), at = fdt_off_dt_struct(tree.blob), len = fdt_size_dt_struct(tree.blob);

        for (u32 n = 1 + rnd(3); n > 0; n--) {
            fdt32_st(tree.blob + at + 4 * rnd(len / 4), values[rnd(ARRAY_SIZE(values))]);
        }
        try(tree.blob, size);
    }
    assert_in_range(accepted, ROUNDS / 10, ROUNDS - ROUNDS / 10);
}

/* Properties of the right name with contents of random length and value. */
static void test_properties(void **state)
{
    (void)state;
    seed = 3;
    accepted = 0;
    for (u32 i = 0; i < ROUNDS; i++) {
        int depth = 0, off = 0, prop, left;

        make(2 + i % 2);
        left = (int)rnd(60);
        for (off = 0; left > 0 && off >= 0; left--) {
            off = fdt_next_node(tree.blob, off, &depth);
        }
        if (off < 0) {
            continue;
        }
        fdt_for_each_property_offset(prop, tree.blob, off) {
            int len;
            void *data = (void *)(uintptr_t)fdt_getprop_by_offset(tree.blob, prop, NULL, &len);

            for (int b = 0; rnd(2) && b < len; b++) {
                ((char *)data)[b] = (char)(rnd(3) ? 0 : rnd(256));
            }
            if (rnd(3) == 0 && len > 4) {
                /* Shorter: the rest of its words become no-ops. */
                u32 cut = 4 * (1 + rnd((u32)len / 4));

                fdt32_st(tree.blob + fdt_off_dt_struct(tree.blob) + (u32)prop + 4, cut < (u32)len ? cut : (u32)len);
                for (u32 b = cut; b < ROUND_UP((u32)len, 4); b += 4) {
                    fdt32_st((char *)data + b, FDT_NOP);
                }
            }
        }
        try(tree.blob, fdt_totalsize(tree.blob));
    }
    assert_in_range(accepted, ROUNDS / 10, ROUNDS - ROUNDS / 10);
}

static void test_cut_off(void **state)
{
    (void)state;
    seed = 4;
    make(3);
    u32 size = fdt_totalsize(tree.blob);

    for (u32 n = 0; n < size; n += 1 + n / 16) {
        char *blob = aligned_alloc(8, ROUND_UP(n + 1, 8));

        memcpy(blob, tree.blob, n);
        assert_int_equal(tree_machine(blob, n), -EINVAL);
        if (n >= sizeof(struct fdt_header)) {
            fdt_set_totalsize(blob, n);
            assert_int_equal(tree_machine(blob, n), -EINVAL);
        }
        free(blob);
    }
}

static void test_images(void **state)
{
    static u8 head[256];
    struct image img;
    struct build_place place;
    const char *why;
    u64 need;

    (void)state;
    seed = 5;
    for (u32 i = 0; i < 20000; i++) {
        for (u32 b = 0; b < sizeof(head); b++) {
            head[b] = (u8)(rnd(4) ? 0 : rnd(256));
        }
        if (i % 3 == 0) {
            memcpy(head + 56, "ARM\x64", 4);
        } else if (i % 3 == 1) {
            memcpy(head, "\x27\x05\x19\x56", 4);
            head[29] = 22;
            head[31] = (u8)rnd(2);
        } else {
            memcpy(head, "\x1f\x8b", 2);
        }
        u8 *copy = malloc(sizeof(head));
        u32 n = 1 + rnd(sizeof(head));
        struct build_sizes sizes = { .initrd = rnd(0x40000000), .firmware = rnd(2) ? rnd(0x800000) : 0 };

        memcpy(copy + sizeof(head) - n, head, n);
        if (image_probe(copy + sizeof(head) - n, n, &img, &why) == 0 &&
            build_place(&img, 0x60000000, MIB(512), &sizes, &place, &need) == 0) {
            assert_true(place.kernel >= 0x60000000 && place.kernel + img.mem_size <= 0x80000000);
            assert_true(place.fdt >= place.kernel + img.mem_size || place.fdt + MIB(2) <= place.kernel);
            assert_true(place.firmware >= place.fdt + MIB(2) && place.firmware + sizes.firmware <= place.initrd);
            assert_true(place.initrd + place.initrd_size <= 0x80000000);
        }
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_case(test_bytes), unit_case(test_words), unit_case(test_properties), unit_case(test_cut_off),
        unit_case(test_images)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
