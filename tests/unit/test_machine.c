/* SPDX-License-Identifier: MIT */
/* unit-sources: firmware/machine.c firmware/fdt/dt.c firmware/fdt/prop.c firmware/fdt/irq.c firmware/fdt/machine.c */
/* unit-sources: firmware/fdt/numa.c */
/* unit-sources: firmware/fdt/gic.c firmware/fdt/chosen.c firmware/fdt/uart.c */
/* unit-libs: -lfdt */
/* struct machine from a device tree: memory, CPUs, PSCI, GIC, timer; and which RAM may be used. */
#include "unit.h"
#include "dt_tree.h"
#include "uarts.h"
#include <argon/dt.h>
#include <argon/machine.h>

static struct tree tree;

static int parse(const struct tree_options *o)
{
    unit_log_clear();
    return tree_machine(tree_virt(&tree, o), TREE_SIZE);
}

/* Refused, and the message says why. */
static void refused(const struct tree_options *o, const char *why)
{
    assert_int_equal(parse(o), -EINVAL);
    if (strstr(unit_log(), why) == NULL) {
        fail_msg("log lacks \"%s\": %s", why, unit_log());
    }
}

static void test_virt_v3(void **state)
{
    struct tree_options o = tree_defaults();
    const struct machine *m = &machine;

    (void)state;
    assert_int_equal(parse(&o), 0);
    assert_ptr_equal(machine_dt()->fdt, tree.blob);
    assert_int_equal(m->nr_banks, 1);
    assert_int_equal(m->banks[0].start, 0x40000000);
    assert_int_equal(m->banks[0].size, 0x80000000);
    assert_int_equal(machine_nr_nodes(m), 1);
    assert_int_equal(m->nr_cpus, 2);
    assert_int_equal(m->cpus[1].hwid, 1);
    assert_true(m->cpus[1].psci);
    assert_true(m->psci_smc);
    assert_int_equal(m->psci_version, 0x10000);
    assert_int_equal(m->psci_cpu_on, 0xc4000003);
    assert_int_equal(m->gic.version, 3);
    assert_int_equal(m->gic.gicd, 0x8000000);
    assert_int_equal(m->gic.gicd_size, 0x10000);
    assert_int_equal(m->gic.nr_redist, 1);
    assert_int_equal(m->gic.redist[0].start, 0x80a0000);
    assert_int_equal(m->gic.redist[0].size, 0xf60000);
    assert_int_equal(m->gic.redist_stride, 0);
    assert_int_equal(m->gic.maintenance_irq, 25);
    assert_int_equal(machine_dt()->gic_phandle, TREE_GIC_PHANDLE);
    assert_string_equal(fdt_get_name(tree.blob, machine_dt()->role_at[DT_ROLE_GIC], NULL), "intc@8000000");
    assert_int_equal(m->timer_irq_phys_s, 29);
    assert_int_equal(m->timer_irq_phys_ns, 30);
    assert_int_equal(m->timer_irq_virt, 27);
    assert_int_equal(m->timer_irq_hyp, 26);
    assert_int_equal(m->timer_hz, 0);
    assert_int_equal(m->nr_modules, 2);
}

static void test_virt_v2(void **state)
{
    struct tree_options o = tree_defaults();

    (void)state;
    o.gic = 2;
    o.psci_method = "hvc";
    assert_int_equal(parse(&o), 0);
    assert_int_equal(machine.gic.version, 2);
    assert_int_equal(machine.gic.gicc, 0x8010000);
    assert_int_equal(machine.gic.gich, 0x8030000);
    assert_int_equal(machine.gic.gicv, 0x8040000);
    assert_int_equal(machine.gic.gicv_size, 0x10000);
    assert_int_equal(machine.gic.maintenance_irq, 25);
    assert_false(machine.psci_smc);
}

/* What of a GIC does not see caches, or memory from 4 GiB on: by its nodes, and of machines whose trees do not say. */
static void test_gic_memory(void **state)
{
    static const struct { const char *machine; bool gic, its, want_gic, want_its, low32; } cases[] = {
        { NULL, false, false, false, false, false }, { NULL, true, false, true, false, false },
        { NULL, false, true, false, true, false }, { "rockchip,rk3588", false, false, true, true, false },
        { "rockchip,rk3588s", false, false, true, true, false }, { "rockchip,rk3566", false, false, true, true, true },
        { "rockchip,rk3568", true, true, true, true, true }, { "renesas,r8a779g0", false, false, false, false, true },
        { "rockchip,rk3399", false, false, false, false, false },
    };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
        struct tree_options o = tree_defaults();

        o.machine = cases[i].machine;
        o.gic_noncoherent = cases[i].gic;
        o.its_noncoherent = cases[i].its;
        assert_int_equal(parse(&o), 0);
        assert_int_equal(machine.gic.nr_its, 1);
        assert_int_equal(machine.gic.its[0].base, 0x8080000);
        assert_int_equal(machine.gic.redist_noncoherent, cases[i].want_gic);
        assert_int_equal(machine.gic.its[0].noncoherent, cases[i].want_its);
        assert_int_equal(machine.gic.low32, cases[i].low32);
    }
}

static void node_gic3(void *f, u32 regions, const u32 *reg, size_t n, const char *stride, size_t stride_len)
{
    tree_begin(f, "gic");
    tree_cells(f, "phandle", TREE_GIC_PHANDLE);
    tree_cells(f, "interrupts", 1, 9, 4);
    tree_cells_n(f, "reg", reg, n);
    if (regions != 1) {
        tree_cells(f, "#redistributor-regions", regions);
    }
    if (stride != NULL) {
        tree_bytes(f, "redistributor-stride", stride, stride_len);
    }
    tree_str(f, "compatible", "arm,gic-v3");
    tree_cells(f, "#interrupt-cells", 3);
    tree_end(f);
}

static const u32 three_regions[] = { RANGE(0x1000000, 0x10000), RANGE(0x2000000, 0x80000), RANGE(0x3000000, 0x40000) };

static void gic_two_regions(void *f) { node_gic3(f, 2, three_regions, 12, "\0\0\0\0\0\4\0\0", 8); }
static void gic_short_reg(void *f) { node_gic3(f, 3, three_regions, 12, NULL, 0); }
static void gic_many(void *f) { node_gic3(f, 17, three_regions, 12, NULL, 0); }
static void gic_bad_stride(void *f) { node_gic3(f, 1, three_regions, 12, "\0\0\0\1", 4); }
static void gic_odd_stride(void *f) { node_gic3(f, 1, three_regions, 12, "\0\2\x80\0", 4); }
static void gic_odd_reg(void *f) { node_gic3(f, 1, three_regions, 11, NULL, 0); }

static void gic_one_cell(void *f)
{
    tree_begin(f, "gic");
    tree_cells(f, "phandle", TREE_GIC_PHANDLE);
    tree_cells_n(f, "reg", three_regions, 12);
    tree_str(f, "compatible", "arm,gic-v3");
    tree_cells(f, "#interrupt-cells", 1);
    tree_end(f);
}

static void gic_no_maintenance(void *f)
{
    tree_begin(f, "gic");
    tree_cells(f, "phandle", TREE_GIC_PHANDLE);
    tree_cells(f, "interrupts", 0, 9, 4);
    tree_cells_n(f, "reg", three_regions, 12);
    tree_str(f, "compatible", "arm,gic-v3");
    tree_cells(f, "#interrupt-cells", 3);
    tree_end(f);
}

static void gic_v2_no_virt(void *f)
{
    tree_begin(f, "gic");
    tree_cells(f, "phandle", TREE_GIC_PHANDLE);
    tree_cells(f, "reg", RANGE(0x8000000, 0x1000), RANGE(0x8010000, 0x2000));
    tree_str(f, "compatible", "arm,cortex-a9-gic");
    tree_cells(f, "#interrupt-cells", 3);
    tree_end(f);
}

static void test_gic_variants(void **state)
{
    struct tree_options o = tree_defaults();

    (void)state;
    o.gic = 0;
    refused(&o, "no usable interrupt controller");
    o.more = gic_two_regions;
    assert_int_equal(parse(&o), 0);
    assert_int_equal(machine.gic.nr_redist, 2);
    assert_int_equal(machine.gic.redist[1].start, 0x3000000);
    assert_int_equal(machine.gic.redist_stride, 0x40000);
    o.more = gic_short_reg;
    refused(&o, "/gic: reg lacks a region");
    o.more = gic_odd_reg;
    refused(&o, "/gic: reg lacks a region");
    o.more = gic_many;
    refused(&o, "/gic: bad #redistributor-regions");
    o.more = gic_bad_stride;
    refused(&o, "/gic: bad redistributor-stride");
    o.more = gic_odd_stride;             /* no multiple of 64 KiB */
    refused(&o, "/gic: bad redistributor-stride");
    o.more = gic_one_cell;
    refused(&o, "/gic: #interrupt-cells below 3");
    o.more = gic_no_maintenance;
    refused(&o, "/gic: interrupts lacks the maintenance interrupt");
    o.more = gic_v2_no_virt;
    refused(&o, "/gic: reg lacks a region");
}

/* The first armv8-timer that is not disabled counts: these replace nothing, so the tree must have none. */
static void *tree_without_timer(void (*more)(void *fdt))
{
    struct tree_options o = tree_defaults();
    void *f;
    int off;

    o.more = more;
    f = tree_virt(&tree, &o);
    off = fdt_path_offset(f, "/timer");
    assert_int_equal(fdt_nop_node(f, off), 0);
    return f;
}

static void timer_named(void *f)
{
    tree_begin(f, "clock");
    tree_cells(f, "interrupts", 1, 10, 4, 1, 11, 4, 1, 14, 4);
    tree_strings(f, "interrupt-names", "hyp-phys\0virt\0phys");
    tree_cells(f, "clock-frequency", 62500000);
    tree_empty(f, "fsl,erratum-a008585");
    tree_empty(f, "allwinner,erratum-unknown1");
    tree_str(f, "compatible", "arm,armv8-timer");
    tree_end(f);
}

static void timer_short(void *f)
{
    tree_begin(f, "clock");
    tree_cells(f, "interrupts", 1, 13, 4, 1, 14, 4, 1, 11, 4);
    tree_str(f, "compatible", "arm,armv8-timer");
    tree_end(f);
}

static void timer_bad_hz(void *f)
{
    tree_begin(f, "clock");
    tree_cells(f, "clock-frequency", 1, 2);
    tree_str(f, "compatible", "arm,armv8-timer");
    tree_end(f);
}

static void test_timer(void **state)
{
    (void)state;
    unit_log_clear();
    assert_int_equal(tree_machine(tree_without_timer(NULL), TREE_SIZE), -EINVAL);
    assert_non_null(strstr(unit_log(), "no usable generic timer"));
    assert_int_equal(tree_machine(tree_without_timer(timer_named), TREE_SIZE), 0);
    assert_int_equal(machine.timer_irq_phys_s, 0);
    assert_int_equal(machine.timer_irq_phys_ns, 30);
    assert_int_equal(machine.timer_irq_virt, 27);
    assert_int_equal(machine.timer_irq_hyp, 26);
    assert_int_equal(machine.timer_hz, 62500000);
    assert_int_equal(machine.timer_quirks, BIT32(TIMER_A008585) | BIT32(TIMER_UNKNOWN1));
    assert_int_equal(tree_machine(tree_without_timer(timer_short), TREE_SIZE), -EINVAL);
    assert_non_null(strstr(unit_log(), "/clock: interrupts lack"));
    assert_int_equal(tree_machine(tree_without_timer(timer_bad_hz), TREE_SIZE), -EINVAL);
    assert_non_null(strstr(unit_log(), "/clock: bad clock-frequency"));
}

static void more_memory(void *f)
{
    tree_begin(f, "memory@200000000");
    tree_str(f, "device_type", "memory");
    tree_cells(f, "numa-node-id", 1);
    tree_cells(f, "reg", RANGE(0x200000000, 0x40000000), RANGE(0xc0000000, 0x1000000), RANGE(0x240000800, 0x10000));
    tree_end(f);
    tree_begin(f, "memory@1000000000");
    tree_str(f, "device_type", "memory");
    tree_cells(f, "reg", RANGE(0x1000000000, 0x100000));
    tree_str(f, "status", "disabled");
    tree_end(f);
    tree_begin_reserved(f);
    tree_empty(f, "ranges");
    tree_region(f, "fb", RANGE(0x50000800, 0x1000));
    tree_begin(f, "cma");
    tree_cells(f, "size", 0, 0x1000000);
    tree_end(f);
    tree_end(f);
}

static void nomap_memory(void *f)
{
    tree_begin_reserved(f);
    tree_begin(f, "secure");
    tree_cells(f, "reg", RANGE(0x50000800, 0x1000), RANGE(0x40000000, 0x1000), RANGE(0xff000000, 0x1000));
    tree_empty(f, "no-map");
    tree_end(f);
    tree_region(f, "fb", RANGE(0x60000000, 0x1000));
    tree_end(f);
}

static void memory_node_99(void *f)
{
    tree_begin(f, "memory@1");
    tree_str(f, "device_type", "memory");
    tree_cells(f, "numa-node-id", 99);
    tree_end(f);
}

static void memory_odd(void *f)
{
    tree_begin(f, "memory@1");
    tree_str(f, "device_type", "memory");
    tree_cells(f, "reg", 1, 2, 3);
    tree_end(f);
}

static void reserved_wraps(void *f)
{
    tree_begin_reserved(f);
    tree_region(f, "x", RANGE(~0UL - 10, 5));
    tree_end(f);
}

static void test_memory(void **state)
{
    struct tree_options o = tree_defaults();

    (void)state;
    o.more = more_memory;
    assert_int_equal(parse(&o), 0);
    assert_int_equal(machine_nr_nodes(&machine), 2);
    /* Sorted; the piece at 3 GiB touches the first but is on another node; part pages do not count. */
    assert_int_equal(machine.nr_banks, 4);
    assert_int_equal(machine.banks[1].start, 0xc0000000);
    assert_int_equal(machine.banks[1].node, 1);
    assert_int_equal(machine.banks[2].start, 0x200000000);
    assert_int_equal(machine.banks[2].size, 0x40000000);
    assert_int_equal(machine.banks[3].start, 0x240001000);
    assert_int_equal(machine.banks[3].size, 0xf000);
    assert_int_equal(machine.top, 0x10000000000);        /* the PCI host's last window */
    assert_int_equal(machine.nr_reserved, 1);
    assert_int_equal(machine.reserved[0].start, 0x50000000);
    assert_int_equal(machine.reserved[0].size, 0x2000);
    assert_true(machine_is_ram(&machine, 0xbffff000, 0x2000));
    assert_false(machine_is_ram(&machine, 0xc0fff000, 0x2000));
    assert_false(machine_is_ram(&machine, 0x3ffff000, 0x2000));
    assert_false(machine_is_ram(&machine, ~0UL, 2));
    o.more = memory_node_99;
    assert_int_equal(parse(&o), 0);
    assert_non_null(strstr(unit_log(), "/memory@1: bad numa-node-id, taken as 0"));
    o.more = memory_odd;
    refused(&o, "/memory@1: bad reg");
    o.more = reserved_wraps;
    refused(&o, "wraps");
    o.more = NULL;
    o.ram_size = 0;
    refused(&o, "no usable RAM");
}

/* What must not be mapped is no RAM, so it is in no bank, and in no mapping made of banks. */
static void test_nomap(void **state)
{
    struct tree_options o = tree_defaults();
    u64 end = o.ram_start + o.ram_size;
    struct machine m = { .nr_banks = 0 };

    (void)state;
    o.more = nomap_memory;
    assert_int_equal(parse(&o), 0);
    assert_int_equal(machine.nr_banks, 2);
    assert_int_equal(machine.banks[0].start, 0x40001000);
    assert_int_equal(machine.banks[0].size, 0x50000000 - 0x40001000);
    assert_int_equal(machine.banks[1].start, 0x50002000);
    assert_int_equal(machine.banks[1].start + machine.banks[1].size, end);
    assert_false(machine_is_ram(&machine, 0x50001fff, 1));
    assert_true(machine_is_ram(&machine, 0x60000000, 0x1000));
    /* A whole bank, both ends, and no room for one more. */
    for (u64 i = 0; i < MACHINE_MAX_BANKS; i++) {
        assert_int_equal(machine_add_bank(&m, GIB(i + 1), MIB(4), 0), 0);
    }
    assert_int_equal(machine_add_nomap(&m, GIB(1), MIB(1)), 0);
    assert_int_equal(machine_add_nomap(&m, GIB(2) + MIB(3), MIB(9)), 0);
    assert_int_equal(machine_add_nomap(&m, GIB(3) + MIB(1), MIB(1)), 0);
    assert_int_equal(machine_add_nomap(&m, GIB(4) - 1, MIB(4) + 2), 0);
    assert_int_equal(machine_add_nomap(&m, ~0UL - 1, 5), -EINVAL);
    machine_sort_banks(&m);
    assert_int_equal(m.nr_banks, MACHINE_MAX_BANKS - 1);
    assert_int_equal(m.banks[0].start, GIB(1) + MIB(1));
    assert_int_equal(m.banks[1].size, MIB(3));
    assert_int_equal(m.banks[2].start, GIB(3));
    assert_int_equal(m.banks[2].size, MIB(1));           /* the rest of it is lost: said so */
    assert_int_equal(m.banks[3].start, GIB(5));
}

static void test_banks(void **state)
{
    static struct machine m;
    u32 node;
    paddr_t start, end, from = 0;

    (void)state;
    unit_log_clear();
    assert_int_equal(machine_add_bank(&m, MIB(8), MIB(4), 0), 0);
    assert_int_equal(machine_add_bank(&m, 0, MIB(2), 0), 0);
    assert_int_equal(machine_add_bank(&m, MIB(2), MIB(2), 0), 0);
    assert_int_equal(machine_add_bank(&m, MIB(10), MIB(4), 1), 0);
    assert_int_equal(machine_add_bank(&m, MIB(9), MIB(1), 1), 0);
    assert_int_equal(machine_add_bank(&m, ~0UL - 100, 200, 0), -EINVAL);
    assert_int_equal(machine_add_bank(&m, 1UL << 50, 4096, 0), 0);
    assert_int_equal(machine_add_bank(&m, 4097, 4095, 0), 0);
    machine_sort_banks(&m);
    assert_non_null(strstr(unit_log(), "overlap"));
    assert_int_equal(m.nr_banks, 3);
    assert_int_equal(m.banks[0].size, MIB(4));
    assert_int_equal(m.banks[1].size, MIB(4));
    assert_int_equal(m.banks[2].start, MIB(12));
    assert_int_equal(m.banks[2].size, MIB(2));
    assert_int_equal(m.banks[2].node, 1);

    assert_int_equal(machine_add_reserved(&m, 0, 1), 0);
    assert_int_equal(machine_add_reserved(&m, MIB(3), MIB(1)), 0);
    assert_int_equal(machine_add_reserved(&m, MIB(2), MIB(1)), 0);       /* touches: one range */
    assert_int_equal(machine_add_reserved(&m, MIB(9) + 5, 0), 0);
    assert_int_equal(m.nr_reserved, 2);
    m.nr_modules = 2;
    m.modules[0] = (struct machine_module){ .start = MIB(8) + 100, .size = 4096 };
    m.modules[1] = (struct machine_module){ .start = MIB(13), .size = MIB(10) };
    const struct machine_range want[] = {
        { 4096, MIB(2) - 4096, 0 }, { MIB(8) + 8192, MIB(4) - 8192, 0 }, { MIB(12), MIB(1), 1 }
    };
    for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
        assert_true(machine_next_free(&m, from, &start, &end, &node));
        assert_int_equal(start, want[i].start);
        assert_int_equal(end - start, want[i].size);
        assert_int_equal(node, want[i].node);
        from = end;
    }
    assert_false(machine_next_free(&m, from, &start, &end, &node));
    /* From the middle of a free range. */
    assert_true(machine_next_free(&m, MIB(12) + 1, &start, &end, &node));
    assert_int_equal(start, MIB(12) + 4096);
}

static void test_table_limits(void **state)
{
    static struct machine m;

    (void)state;
    for (u64 i = 0; i < MACHINE_MAX_BANKS; i++) {
        assert_int_equal(machine_add_bank(&m, i * MIB(4), MIB(2), 0), 0);
    }
    assert_int_equal(machine_add_bank(&m, GIB(9), MIB(2), 0), -ENOSPC);
    for (u64 i = 0; i < MACHINE_MAX_RESERVED; i++) {
        assert_int_equal(machine_add_reserved(&m, (MACHINE_MAX_RESERVED - i) * MIB(4), MIB(2)), 0);
    }
    assert_int_equal(machine_add_reserved(&m, GIB(9), MIB(2)), -ENOSPC);
    assert_int_equal(m.reserved[0].start, MIB(4));
    assert_int_equal(machine_add_reserved(&m, MIB(6), MIB(2)), 0);       /* joins two */
    assert_int_equal(m.nr_reserved, MACHINE_MAX_RESERVED - 1);
}

static void cpus_more(void *f)
{
    tree_begin(f, "cpus");
    tree_cells(f, "#address-cells", 2);
    tree_cells(f, "#size-cells", 0);
    tree_begin(f, "cpu@1");
    tree_str(f, "device_type", "cpu");
    tree_cells(f, "reg", 1, 0x10203);
    tree_cells(f, "numa-node-id", 3);
    tree_str(f, "enable-method", "spin-table");
    tree_end(f);
    tree_begin(f, "cpu@2");
    tree_str(f, "device_type", "cpu");
    tree_cells(f, "reg", 0, 2);
    tree_str(f, "status", "fail");
    tree_end(f);
    tree_end(f);
}

static void cpus_twice(void *f)
{
    tree_begin(f, "cpus");
    tree_cells(f, "#address-cells", 1);
    tree_cells(f, "#size-cells", 0);
    for (int i = 0; i < 2; i++) {
        tree_begin(f, i == 0 ? "cpu@0" : "cpu@1");
        tree_str(f, "device_type", "cpu");
        tree_cells(f, "reg", 5);
        tree_end(f);
    }
    tree_end(f);
}

static void cpus_bad(void *f)
{
    tree_begin(f, "cpus");
    tree_cells(f, "#address-cells", 1);
    tree_cells(f, "#size-cells", 0);
    tree_begin(f, "cpu@0");
    tree_str(f, "device_type", "cpu");
    tree_cells(f, "reg", 0x80000000);
    tree_end(f);
    tree_end(f);
}

static void cpus_130(void *f) { tree_cpus(f, 130, NULL); }

static void test_cpus(void **state)
{
    struct tree_options o = tree_defaults();

    (void)state;
    o.cpus = 0;
    refused(&o, "no usable CPUs");
    o.more = cpus_more;
    assert_int_equal(parse(&o), 0);
    assert_int_equal(machine.nr_cpus, 1);
    assert_int_equal(machine.cpus[0].hwid, 0x100010203);
    assert_int_equal(machine.cpus[0].node, 3);
    assert_false(machine.cpus[0].psci);
    assert_int_equal(machine.nodes, 8 | 1);
    o.more = cpus_twice;
    refused(&o, "/cpus/cpu@1: another CPU has the same reg");
    o.more = cpus_bad;
    refused(&o, "/cpus/cpu@0: bad reg");
    o.more = cpus_130;
    assert_int_equal(parse(&o), 0);
    assert_int_equal(machine.nr_cpus, NR_CPUS);
    assert_non_null(strstr(unit_log(), "more than 128 CPUs"));
}

static void test_psci(void **state)
{
    struct tree_options o = tree_defaults();

    (void)state;
    o.psci_method = "magic";
    refused(&o, "/psci: bad method");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_case(test_virt_v3), unit_case(test_virt_v2), unit_case(test_gic_memory),
        unit_case(test_gic_variants), unit_case(test_timer),
        unit_case(test_memory), unit_case(test_nomap), unit_case(test_banks), unit_case(test_table_limits),
        unit_case(test_cpus),
        unit_case(test_psci)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
