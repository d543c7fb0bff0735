/* SPDX-License-Identifier: MIT */
/* unit-sources: firmware/fdt/dt.c firmware/fdt/prop.c firmware/fdt/irq.c */
/* unit-libs: -lfdt */
/* Reading device trees: walking, properties, address translation, interrupt specifiers, malformed input. */
#include "unit.h"
#include "dt_tree.h"
#include <argon/dt.h>

static struct tree tree;
static struct dt dt;
static struct dt_walk w;

static void start(void)
{
    memset(&tree, 0, sizeof(tree));
    tree_ok(fdt_create(tree.blob, sizeof(tree.blob)));
    tree_ok(fdt_finish_reservemap(tree.blob));
    tree_begin(tree.blob, "");
}

static void *finish(void)
{
    tree_end(tree.blob);
    tree_ok(fdt_finish(tree.blob));
    return tree.blob;
}

static void walk_to(const char *path)
{
    assert_true(dt_walk_to(&w, &dt, fdt_path_offset(tree.blob, path)));
}

static void test_walk(void **state)
{
    static const char *const want[] = { "", "a", "a1", "a2", "b", "b1" };
    size_t n = 0;

    (void)state;
    start();
    tree_begin(tree.blob, "a");
    tree_str(tree.blob, "status", "disabled");
    tree_begin(tree.blob, "a1");
    tree_end(tree.blob);
    tree_begin(tree.blob, "a2");
    tree_str(tree.blob, "status", "okay");
    tree_end(tree.blob);
    tree_end(tree.blob);
    tree_begin(tree.blob, "b");
    tree_str(tree.blob, "status", "ok");
    tree_begin(tree.blob, "b1");
    tree_end(tree.blob);
    tree_end(tree.blob);
    assert_int_equal(dt_open(&dt, finish(), TREE_SIZE), 0);
    dt_walk_start(&w, &dt);
    while (dt_walk_next(&w)) {
        assert_true(n < ARRAY_SIZE(want));
        assert_string_equal(dt_node(&w)->name, want[n++]);
        assert_int_equal(dt_node(&w)->available, dt_node(&w)->name[0] != 'a');
    }
    assert_int_equal(n, ARRAY_SIZE(want));
    /* Skipping leaves out what is below, and only that. */
    dt_walk_start(&w, &dt);
    n = 0;
    while (dt_walk_next(&w)) {
        if (strcmp(dt_node(&w)->name, "a") == 0) {
            dt_walk_skip(&w);
        }
        assert_int_not_equal(w.depth == 2 ? dt_node(&w)->name[0] : 0, 'a');
        n++;
    }
    assert_int_equal(n, 4);
}

static void test_properties(void **state)
{
    static const char *const list[] = { "x,none", "x,two", NULL };
    struct dt_prop p;
    u32 v;
    u64 n;
    char path[DT_MAX_PATH];

    (void)state;
    start();
    tree_begin(tree.blob, "dev@10");
    tree_strings(tree.blob, "compatible", "x,one\0x,two");
    tree_bytes(tree.blob, "open", "abc", 3);
    tree_cells(tree.blob, "one", 0x12345678);
    tree_cells(tree.blob, "two", 1, 2);
    tree_bytes(tree.blob, "odd", "abcde", 5);
    tree_end(tree.blob);
    assert_int_equal(dt_open(&dt, finish(), TREE_SIZE), 0);
    walk_to("/dev@10");
    assert_string_equal(dt_path(&dt, w.off, path), "/dev@10");
    assert_string_equal(dt_match(&dt_node(&w)->compatible, list), "x,two");
    assert_int_equal(dt_string_index(&dt_node(&w)->compatible, "x,two"), 1);
    assert_int_equal(dt_string_index(&dt_node(&w)->compatible, "x"), -ENOENT);
    p = dt_get(&dt, w.off, "open");
    assert_null(dt_string(&p));
    assert_null(dt_match(&p, (const char *const[]){ "abc", NULL }));
    p = dt_get(&dt, w.off, "one");
    assert_true(dt_u32(&p, &v));
    assert_int_equal(v, 0x12345678);
    assert_true(dt_number(&p, &n));
    assert_int_equal(n, 0x12345678);
    p = dt_get(&dt, w.off, "two");
    assert_false(dt_u32(&p, &v));
    assert_true(dt_number(&p, &n));
    assert_int_equal(n, 0x100000002);
    assert_true(dt_cell(&p, 1, &v));
    assert_int_equal(v, 2);
    assert_false(dt_cell(&p, 2, &v));
    p = dt_get(&dt, w.off, "odd");
    assert_false(dt_number(&p, &n));
    assert_true(dt_cell(&p, 0, &v));
    assert_false(dt_cell(&p, 1, &v));
    p = dt_get(&dt, w.off, "absent");
    assert_null(p.data);
    assert_null(dt_string(&p));
    assert_false(dt_number(&p, &n));
}

static void make_buses(void)
{
    void *f = tree.blob;

    start();
    tree_cells(f, "#address-cells", 2);
    tree_cells(f, "#size-cells", 1);
    tree_begin(f, "soc");
    tree_cells(f, "#address-cells", 1);
    tree_cells(f, "#size-cells", 1);
    /* Two windows: bus 0 -> 0x1_0000_0000, bus 0x8000 -> 0x2000. */
    tree_cells(f, "ranges", 0, 1, 0, 0x1000, 0x8000, 0, 0x2000, 0x1000);
    tree_begin(f, "dev");
    tree_cells(f, "reg", 0x100, 0x10, 0x8800, 0x100, 0xff8, 0x10, 0x4000, 4);
    tree_end(f);
    tree_begin(f, "sub");
    tree_empty(f, "ranges");
    tree_cells(f, "#address-cells", 1);
    tree_cells(f, "#size-cells", 1);
    tree_begin(f, "dev");
    tree_cells(f, "reg", 0x8010, 0x10);
    tree_end(f);
    tree_end(f);
    tree_begin(f, "same");               /* as many cells as the bus it is on */
    tree_empty(f, "ranges");
    tree_begin(f, "dev");
    tree_cells(f, "reg", 0x8020, 0x10);
    tree_end(f);
    tree_end(f);
    tree_end(f);
    tree_begin(f, "i2c");
    tree_cells(f, "#address-cells", 1);
    tree_cells(f, "#size-cells", 0);
    tree_begin(f, "chip");
    tree_cells(f, "reg", 0x50);
    tree_end(f);
    tree_end(f);
    tree_begin(f, "bad");
    tree_cells(f, "reg", 0, 0x1000);
    tree_end(f);
    tree_begin(f, "wrap");
    tree_cells(f, "reg", 0xffffffff, 0xffffff00, 0x200);
    tree_end(f);
    tree_begin(f, "empty");
    tree_empty(f, "reg");
    tree_end(f);
    assert_int_equal(dt_open(&dt, finish(), TREE_SIZE), 0);
}

static void test_addresses(void **state)
{
    u64 a, s;

    (void)state;
    make_buses();
    walk_to("/soc/dev");
    assert_int_equal(dt_reg(&w, 0, &a, &s), 0);
    assert_int_equal(a, 0x100000100);
    assert_int_equal(s, 0x10);
    assert_int_equal(dt_reg(&w, 1, &a, &s), 0);
    assert_int_equal(a, 0x2800);
    assert_int_equal(dt_reg(&w, 2, &a, &s), -ENXIO);     /* out of its window's end */
    assert_int_equal(dt_reg(&w, 3, &a, &s), -ENXIO);     /* in no window */
    assert_int_equal(dt_reg_raw(&w, 3, &a, &s), 0);
    assert_int_equal(a, 0x4000);
    assert_int_equal(dt_reg(&w, 4, &a, &s), -ENOENT);
    walk_to("/soc/sub/dev");
    assert_int_equal(dt_reg(&w, 0, &a, &s), 0);
    assert_int_equal(a, 0x2010);
    walk_to("/soc/same/dev");
    assert_int_equal(dt_reg(&w, 0, &a, &s), 0);
    assert_int_equal(a, 0x2020);
    walk_to("/i2c/chip");
    assert_int_equal(dt_reg(&w, 0, &a, &s), -ENXIO);
    walk_to("/bad");
    assert_int_equal(dt_reg(&w, 0, &a, &s), -EINVAL);
    walk_to("/wrap");
    assert_int_equal(dt_reg(&w, 0, &a, &s), -EINVAL);
    walk_to("/empty");
    assert_int_equal(dt_reg(&w, 0, &a, &s), -ENOENT);
    walk_to("/soc");
    assert_int_equal(dt_reg(&w, 0, &a, &s), -ENOENT);
}

static void test_pci_windows(void **state)
{
    static const u64 want[][2] = {
        { 0x3eff0000, 0x10000 }, { 0x10000000, 0x2eff0000 }, { 0x8000000000, 0x8000000000 }
    };
    struct tree_options o = tree_defaults();
    u64 a, s;

    (void)state;
    assert_int_equal(dt_open(&dt, tree_virt(&tree, &o), TREE_SIZE), 0);
    walk_to("/pcie@10000000");
    for (u32 i = 0; i < ARRAY_SIZE(want); i++) {
        assert_int_equal(dt_range(&w, i, &a, &s), 0);
        assert_int_equal(a, want[i][0]);
        assert_int_equal(s, want[i][1]);
    }
    assert_int_equal(dt_range(&w, 3, &a, &s), -ENOENT);
    walk_to("/timer");
    assert_int_equal(dt_range(&w, 0, &a, &s), -ENOENT);
}

/* All interrupts of the node that go to `gic`, as text: "33e 34l". */
static const char *irqs(const char *path, u32 gic)
{
    static char out[1024];
    struct dt_irq_cursor c = { 0 };
    struct dt_irq irq;
    size_t n = 0;

    out[0] = '\0';
    dt.gic_phandle = gic;
    walk_to(path);
    while (dt_next_irq(&w, &c, &irq)) {
        n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%u%c", n > 0 ? " " : "", irq.intid, irq.edge ? 'e' : 'l');
    }
    assert_false(dt_next_irq(&w, &c, &irq));
    return out;
}

static void make_irqs(void)
{
    void *f = tree.blob;

    start();
    tree_cells(f, "interrupt-parent", 1);
    tree_begin(f, "gic");
    tree_cells(f, "phandle", 1);
    tree_cells(f, "#interrupt-cells", 3);
    tree_end(f);
    tree_begin(f, "gpio");
    tree_cells(f, "phandle", 2);
    tree_cells(f, "#interrupt-cells", 2);
    tree_cells(f, "interrupts", 0, 7, 4);
    tree_begin(f, "key");                /* to the gpio it is below */
    tree_cells(f, "interrupts", 5, 1);
    tree_end(f);
    tree_end(f);
    tree_begin(f, "plain");
    /* Three good, three bad, one cut off. */
    tree_cells(f, "interrupts", 0, 1, 1, 1, 9, 0xf08, 0, 2, 4, 2, 0, 4, 0, 988, 4, 1, 16, 4, 0, 3);
    tree_end(f);
    tree_begin(f, "other");
    tree_cells(f, "interrupt-parent", 2);
    tree_cells(f, "interrupts", 5, 1);
    tree_end(f);
    tree_begin(f, "extended");
    tree_cells(f, "interrupts", 0, 99, 4);                               /* loses against the next */
    tree_cells(f, "interrupts-extended", 2, 5, 1, 1, 0, 10, 4, 1, 0, 11, 1, 77, 0, 12, 4);   /* 77: unknown, ends it */
    tree_end(f);
    tree_begin(f, "msi");                /* three cells, too */
    tree_cells(f, "phandle", 4);
    tree_cells(f, "#interrupt-cells", 3);
    tree_cells(f, "#address-cells", 2);
    tree_end(f);
    tree_begin(f, "both");
    tree_cells(f, "interrupts-extended", 4, 0, 13, 4, 1, 0, 14, 4);
    tree_end(f);
    tree_begin(f, "cut");                /* in the parent's address */
    tree_cells(f, "#address-cells", 0);
    tree_cells(f, "#interrupt-cells", 1);
    tree_cells(f, "interrupt-map", 0, 1, 0, 22, 4, 1, 4, 0);
    tree_empty(f, "behind");             /* what follows could be taken for an SPI */
    tree_end(f);
    tree_begin(f, "nexus");
    tree_cells(f, "#address-cells", 0);
    tree_cells(f, "#interrupt-cells", 1);
    tree_cells(f, "phandle", 3);
    tree_cells(f, "interrupt-map", 0, 1, 0, 20, 4, 1, 2, 6, 1, 2, 1, 0, 21, 1, 3, 1, 0);    /* the last cut off */
    tree_begin(f, "user");
    tree_cells(f, "interrupts", 1);
    tree_end(f);
    tree_end(f);
    assert_int_equal(dt_open(&dt, finish(), TREE_SIZE), 0);
    assert_int_equal(dt.nr_intc, 4);
    assert_int_equal(dt.max_phandle, 4);
}

static void test_interrupts(void **state)
{
    struct tree_options o = tree_defaults();
    struct dt_irq irq;
    u8 spec[16] = { 0 };

    (void)state;
    make_irqs();
    assert_string_equal(irqs("/plain", 1), "33e 25l 34l");
    assert_string_equal(irqs("/plain", 2), "");
    assert_string_equal(irqs("/gpio", 1), "39l");
    assert_string_equal(irqs("/gpio/key", 1), "");
    assert_string_equal(irqs("/other", 1), "");
    assert_string_equal(irqs("/extended", 1), "42l 43e");
    assert_string_equal(irqs("/nexus", 1), "52l 53e");
    assert_string_equal(irqs("/nexus/user", 1), "");
    assert_string_equal(irqs("/both", 1), "46l");
    assert_string_equal(irqs("/both", 4), "45l");
    assert_string_equal(irqs("/cut", 1), "54l");
    assert_string_equal(irqs("/cut", 4), "");
    for (u32 flags = 1; flags <= 8; flags <<= 1) {
        spec[11] = (u8)flags;
        assert_true(dt_gic_irq(spec, 3, &irq));
        assert_int_equal(irq.edge, flags <= 2);      /* rising, falling; high, low */
    }
    assert_false(dt_gic_irq(spec, 2, &irq));
    assert_false(dt_gic_irq(NULL, 3, &irq));
    assert_int_equal(dt_open(&dt, tree_virt(&tree, &o), TREE_SIZE), 0);
    assert_string_equal(irqs("/pcie@10000000", TREE_GIC_PHANDLE),
                        "35l 36l 37l 38l 36l 37l 38l 35l 37l 38l 35l 36l 38l 35l 36l 37l");
    assert_string_equal(irqs("/timer", TREE_GIC_PHANDLE), "29l 30l 27l 26l");
}

static bool find(const char *path)
{
    return dt_walk_to_path(&w, &dt, path, strlen(path));
}

/* By path, phandle and offset the same node is found, with the same ancestors. */
static void test_finding(void **state)
{
    struct tree_options o = tree_defaults();
    char path[DT_MAX_PATH];

    (void)state;
    assert_int_equal(dt_open(&dt, tree_virt(&tree, &o), TREE_SIZE), 0);
    assert_true(find("/intc@8000000/its@8080000"));
    assert_int_equal(w.off, fdt_path_offset(tree.blob, "/intc@8000000/its@8080000"));
    assert_string_equal(dt_parent(&w)->name, "intc@8000000");
    assert_true(dt_full_path(&w, path, sizeof(path)));
    assert_string_equal(path, "/intc@8000000/its@8080000");
    assert_false(dt_full_path(&w, path, 25));
    assert_true(find("//intc//its/"));       /* without unit addresses, too */
    assert_int_equal(dt_node(&w)->phandle, 0x8004);
    assert_true(dt_walk_to_phandle(&w, &dt, 0x8004));
    assert_int_equal(w.off, fdt_path_offset(tree.blob, "/intc@8000000/its@8080000"));
    assert_true(find("/"));
    assert_int_equal(w.depth, 0);
    assert_true(dt_full_path(&w, path, sizeof(path)));
    assert_string_equal(path, "");
    assert_false(find("/intc@8000000/its@0"));
    assert_false(find("/intc@8000000/pmu"));
    assert_false(find("/its@8080000"));
    assert_false(find("/int"));
    assert_false(find("/intc@8000000x"));
    assert_false(find("intc"));
    assert_false(find(""));
    assert_false(dt_walk_to_phandle(&w, &dt, 0));
    assert_false(dt_walk_to_phandle(&w, &dt, 0x7777));
    assert_false(dt_walk_to(&w, &dt, 4));
    /* What was blanked out is not there, and what follows is. */
    assert_int_equal(fdt_nop_node(tree.blob, fdt_path_offset(tree.blob, "/pmu")), 0);
    assert_false(find("/pmu"));
    assert_true(find("/flash@0"));
    assert_int_equal(w.off, fdt_path_offset(tree.blob, "/flash@0"));
    assert_null(dt_get(&dt, -1, "reg").data);
    assert_null(dt_get(&dt, 4, "reg").data);
}

static void test_rejected(void **state)
{
    struct tree_options o = tree_defaults();
    void *f = tree_virt(&tree, &o);
    size_t size = fdt_totalsize(f);

    (void)state;
    assert_int_equal(dt_open(&dt, f, size), 0);
    assert_int_equal(dt_open(&dt, f, size - 1), -EINVAL);
    assert_int_equal(dt_open(&dt, f, 10), -EINVAL);
    assert_int_equal(dt_open(&dt, (char *)f + 4, size), -EINVAL);
    fdt_set_magic(f, 0);
    unit_log_clear();
    assert_int_equal(dt_open(&dt, f, size), -EINVAL);
    assert_non_null(strstr(unit_log(), "FDT_ERR_BADMAGIC"));
    fdt_set_magic(f, FDT_MAGIC);
    fdt_set_last_comp_version(f, 99);
    assert_int_equal(dt_open(&dt, f, size), -EINVAL);

    start();
    for (int i = 0; i < DT_MAX_DEPTH; i++) {
        tree_begin(tree.blob, "n");
    }
    for (int i = 0; i < DT_MAX_DEPTH; i++) {
        tree_end(tree.blob);
    }
    unit_log_clear();
    assert_int_equal(dt_open(&dt, finish(), TREE_SIZE), -EINVAL);
    assert_non_null(strstr(unit_log(), "nested deeper"));

    start();
    tree_begin(tree.blob, "odd");
    tree_cells(tree.blob, "#address-cells", 99);
    tree_end(tree.blob);
    unit_log_clear();
    assert_int_equal(dt_open(&dt, finish(), TREE_SIZE), -EINVAL);
    assert_non_null(strstr(unit_log(), "odd: bad #address-cells"));

    start();
    tree_bytes(tree.blob, "#interrupt-cells", "abc", 3);
    assert_int_equal(dt_open(&dt, finish(), TREE_SIZE), -EINVAL);

    start();
    for (u32 i = 0; i <= DT_MAX_INTC; i++) {
        char name[16];

        snprintf(name, sizeof(name), "i%u", i);
        tree_begin(tree.blob, name);
        tree_cells(tree.blob, "#interrupt-cells", 1);
        tree_cells(tree.blob, "phandle", i + 1);
        tree_end(tree.blob);
    }
    assert_int_equal(dt_open(&dt, finish(), TREE_SIZE), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_case(test_walk), unit_case(test_properties), unit_case(test_addresses), unit_case(test_pci_windows),
        unit_case(test_interrupts), unit_case(test_finding), unit_case(test_rejected)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
