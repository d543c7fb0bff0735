/* SPDX-License-Identifier: MIT */
/* unit-sources: firmware/machine.c firmware/fdt/dt.c firmware/fdt/prop.c firmware/fdt/irq.c firmware/fdt/machine.c */
/* unit-sources: firmware/fdt/numa.c firmware/fdt/gic.c firmware/fdt/chosen.c firmware/fdt/uart.c */
/* unit-libs: -lfdt */
/* NUMA in a device tree: which node memory and CPUs are of, how far apart they are, and that nonsense stops nothing. */
#include "unit.h"
#include "dt_tree.h"
#include "uarts.h"
#include <argon/machine.h>

static struct tree tree;
static u32 id[8];                /* of the numa-node-id of what the tree has more */
static u32 nr_ids;
static const u32 *matrix;
static size_t nr_cells;
static const char *map_name;

static void memory(void *f, const char *name, u64 at)
{
    tree_begin(f, name);
    tree_str(f, "device_type", "memory");
    tree_cells(f, "reg", RANGE(at, GIB(1)));
    if (nr_ids > 0) {
        tree_cells_n(f, "numa-node-id", id, nr_ids);
    }
    tree_end(f);
}

static void more(void *f)
{
    memory(f, "memory@200000000", 0x200000000);
    if (map_name != NULL) {
        tree_begin(f, "distance-map");
        tree_str(f, "compatible", map_name);
        if (matrix != NULL) {
            tree_cells_n(f, "distance-matrix", matrix, nr_cells);
        }
        tree_end(f);
    }
}

static void more_cpus(void *f)
{
    tree_begin(f, "cpu@100");
    tree_str(f, "device_type", "cpu");
    tree_cells(f, "reg", 0x100);
    tree_cells(f, "numa-node-id", 2);
    tree_end(f);
}

static void parse(bool cpu)
{
    struct tree_options o = tree_defaults();

    o.more = more;
    o.more_cpus = cpu ? more_cpus : NULL;
    unit_log_clear();
    assert_int_equal(tree_machine(tree_virt(&tree, &o), TREE_SIZE), 0);
    assert_int_equal(machine.nr_banks, 2);
}

static int setup(void **state)
{
    id[0] = id[1] = 1;
    nr_ids = 1;
    matrix = NULL;
    nr_cells = 0;
    map_name = NULL;
    return unit_setup(state);
}
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

static void test_ids(void **state)
{
    (void)state;
    parse(true);
    assert_int_equal(machine.nodes, 7);
    assert_int_equal(machine_nr_nodes(&machine), 3);
    assert_int_equal(machine.banks[0].node, 0);
    assert_int_equal(machine.banks[1].node, 1);
    assert_int_equal(machine_cpu_node(&machine, 0x100), 2);
    assert_int_equal(machine_cpu_node(&machine, 1), 0);
    /* Those without are of node 0, and that is said. */
    assert_non_null(strstr(unit_log(), "memory nodes and CPUs have no numa-node-id: taken as node 0"));
    id[0] = MACHINE_MAX_NODES - 1;
    parse(false);
    assert_int_equal(machine.banks[1].node, MACHINE_MAX_NODES - 1);
    /* None has: one node, nothing to say. */
    nr_ids = 0;
    parse(false);
    assert_int_equal(machine.nodes, 1);
    assert_null(strstr(unit_log(), "numa"));
}

static void test_bad_ids(void **state)
{
    (void)state;
    id[0] = MACHINE_MAX_NODES;
    parse(false);
    assert_int_equal(machine.nodes, 1);
    assert_int_equal(machine.banks[1].node, 0);
    assert_non_null(strstr(unit_log(), "/memory@200000000: bad numa-node-id, taken as 0"));
    id[0] = ~0U;
    parse(false);
    assert_int_equal(machine.nodes, 1);
    /* Two cells. */
    id[0] = 1;
    nr_ids = 2;
    parse(false);
    assert_int_equal(machine.nodes, 1);
    assert_non_null(strstr(unit_log(), "bad numa-node-id"));
}

static void test_distances(void **state)
{
    static const u32 cells[] = { 0, 0, 10, 0, 1, 25, 1, 2, 30, 2, 1, 31, 15, 0, 255 };

    (void)state;
    map_name = "numa-distance-map-v1";
    matrix = cells;
    nr_cells = ARRAY_SIZE(cells);
    parse(true);
    assert_int_equal(machine_distance(&machine, 0, 1), 25);
    assert_int_equal(machine_distance(&machine, 1, 0), 25);
    assert_int_equal(machine_distance(&machine, 1, 2), 30);
    assert_int_equal(machine_distance(&machine, 2, 1), 31);
    assert_int_equal(machine_distance(&machine, 0, 2), 20);
    assert_int_equal(machine_distance(&machine, 2, 2), 10);
    assert_int_equal(machine_distance(&machine, 0, 15), 255);
    assert_int_equal(machine.nodes, 7);  /* a distance makes no node */
    assert_null(strstr(unit_log(), "not used"));
    /* Another format is not for us. */
    map_name = "numa-distance-map-v2";
    parse(true);
    assert_int_equal(machine_distance(&machine, 0, 1), 20);
}

/* Each costs itself; the others hold. */
static void test_bad_distances(void **state)
{
    static const u32 cells[] = { 0, 1, 10, 1, 0, 0, 0, 2, 256, 1, 1, 11, 16, 1, 20, 1, ~0U, 20, 1, 2, 40 };

    (void)state;
    map_name = "numa-distance-map-v1";
    matrix = cells;
    nr_cells = ARRAY_SIZE(cells);
    parse(true);
    assert_int_equal(machine_distance(&machine, 0, 1), 20);
    assert_int_equal(machine_distance(&machine, 0, 2), 20);
    assert_int_equal(machine_distance(&machine, 1, 1), 10);
    assert_int_equal(machine_distance(&machine, 1, 2), 40);
    assert_non_null(strstr(unit_log(), "distance 10 from node 0 to node 1: not used"));
    assert_non_null(strstr(unit_log(), "distance 256 from node 0 to node 2: not used"));
    assert_non_null(strstr(unit_log(), "distance 20 from node 16 to node 1: not used"));
    /* Not triples, or nothing at all: the whole map. */
    nr_cells = 20;
    parse(true);
    assert_int_equal(machine_distance(&machine, 1, 2), 20);
    assert_non_null(strstr(unit_log(), "/distance-map: bad distance-matrix: not used"));
    matrix = NULL;
    parse(true);
    assert_non_null(strstr(unit_log(), "/distance-map: bad distance-matrix: not used"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_ids), CASE(test_bad_ids), CASE(test_distances), CASE(test_bad_distances)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
