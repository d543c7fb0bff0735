/* SPDX-License-Identifier: MIT */
/* dom0's device tree, made from that of QEMU's virt machine, and a look into it. A test includes unit.h first. */
#ifndef TEST_DOM0_FDT_COMMON_H
#define TEST_DOM0_FDT_COMMON_H

#include "dt_tree.h"
#include "uarts.h"
#include <boot/dom0.h>

static struct tree tree;
static const struct dt *dt;
static _Alignas(8) char out[0x40000];

static const struct machine_range banks[] = { { 0x60000000, 0x20000000, 0 }, { 0xc0000000, 0x40000000, 0 } };
static const struct machine_range spare[] = { { 0x40200000, 0x40000, 0 }, { 0x40400000, 0x1fc00000, 0 } };
static const u64 mpidr[] = { 0, 1, 0x100 };
static struct dom0_fdt in;

static inline void build(const struct tree_options *o)
{
    memset(out, 0xee, sizeof(out));
    assert_int_equal(tree_machine(tree_virt(&tree, o), TREE_SIZE), 0);
    (void)!machine_find_uart(NULL);
    dt = machine_dt();
    in = (struct dom0_fdt){
        .m = &machine, .dt = dt, .bank = banks, .nr_banks = 2, .spare = spare, .nr_spare = 2, .initrd = 0x68200000,
        .initrd_size = 0x16b6e1b, .cmdline = "console=hvc0", .mpidr = mpidr, .nr_vcpus = 3, .event_ppi = 16
    };
    int r = dom0_fdt_build(&in, out, sizeof(out));
    assert_true(r > 0);
    assert_int_equal(r, fdt_totalsize(out));
    assert_int_equal(fdt_check_full(out, (size_t)r), 0);
}

static inline int node(const char *path)
{
    int off = fdt_path_offset(out, path);

    if (off < 0) {
        fail_msg("dom0's tree lacks %s", path);
    }
    return off;
}

static inline bool has_node(const char *path)
{
    return fdt_path_offset(out, path) >= 0;
}

static inline bool has_prop(const char *path, const char *name)
{
    return fdt_getprop(out, node(path), name, NULL) != NULL;
}

static inline void want_bytes(const char *path, const char *name, const void *want, size_t n)
{
    int len;
    const void *p = fdt_getprop(out, node(path), name, &len);

    if (p == NULL || len != (int)n || memcmp(p, want, n) != 0) {
        fail_msg("%s/%s is not as expected (%d bytes, not %zu)", path, name, len, n);
    }
}
#define want_string(path, name, s) want_bytes(path, name, s, sizeof(s))

static inline void want_cells_n(const char *path, const char *name, const u32 *v, size_t n)
{
    fdt32_t cells[64];

    for (size_t i = 0; i < n; i++) {
        cells[i] = cpu_to_fdt32(v[i]);
    }
    want_bytes(path, name, cells, 4 * n);
}
#define want_cells(path, name, ...) \
    want_cells_n(path, name, (const u32[]){ __VA_ARGS__ }, sizeof((const u32[]){ __VA_ARGS__ }) / sizeof(u32))

#endif
