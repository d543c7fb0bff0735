/* SPDX-License-Identifier: MIT */
/* unit-sources: core/mem/range.c core/mem/node.c core/mem/buddy.c core/mem/frames.c core/mem/heap.c core/mem/page.c */
/* unit-sources: core/mem/stats.c core/mem/physmap.c core/mem/lazy.c core/mem/scrub.c */
/* Several NUMA nodes: whose memory a request gets, what comes next when that is used up, and where it goes back to. */
#include "unit.h"
#include <argon/machine.h>
#include <core/mem/internal.h>

#define FIRST 0x1000UL
#define NODE_PAGES 0x100UL

static void add(u64 first, u64 nr, u32 node)
{
    mem_add_range(first << PAGE_SHIFT, (first + nr) << PAGE_SHIFT, node);
    machine.nodes |= BIT(node);
}

/* A MiB for each node, one behind the other; CPU c is of node c. */
static void machine_of(u32 nodes)
{
    mem_reset();
    host_ram_init(FIRST, nodes * NODE_PAGES);
    machine.nodes = 0;
    for (u32 n = 0; n < nodes; n++) {
        add(FIRST + n * NODE_PAGES, NODE_PAGES, n);
    }
    for_each_cpu(c) {
        pcpus[c]->node = c;
    }
}

static void distance(u32 a, u32 b, u8 d)
{
    machine.distance[a][b] = d;
}

static int setup(void **state)
{
    unit_setup(state);
    memset(&machine, 0, sizeof(machine));
    return 0;
}

static int teardown(void **state)
{
    memset(&machine, 0, sizeof(machine));
    return unit_teardown(state);
}
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static u32 node_of(const void *p)
{
    return mem_range_find(virt_to_mfn(p).m)->node;
}

static u64 node_free(u32 node)
{
    struct mem_stats s;

    mem_node_stats(node, &s);
    return s.free;
}

static void test_distance(void **state)
{
    u8 order[MACHINE_MAX_NODES];

    (void)state;
    assert_int_equal(machine_nr_nodes(&machine), 1);
    assert_true(machine_has_node(&machine, 0) && !machine_has_node(&machine, 1));
    machine.nodes = 0x2d;
    assert_int_equal(machine_nr_nodes(&machine), 6);
    assert_false(machine_has_node(&machine, 1) || machine_has_node(&machine, 6) || machine_has_node(&machine, ~0UL));
    /* One direction given, both given, none given; and what is no node. */
    distance(0, 2, 25);
    distance(3, 5, 40);
    distance(5, 3, 41);
    assert_int_equal(machine_distance(&machine, 0, 2), 25);
    assert_int_equal(machine_distance(&machine, 2, 0), 25);
    assert_int_equal(machine_distance(&machine, 3, 5), 40);
    assert_int_equal(machine_distance(&machine, 5, 3), 41);
    assert_int_equal(machine_distance(&machine, 0, 3), 20);
    assert_int_equal(machine_distance(&machine, 5, 5), 10);
    assert_int_equal(machine_distance(&machine, ~0U, 16), 20);
    assert_int_equal(machine_distance(&machine, MACHINE_MAX_NODES, 0), 20);
    assert_int_equal(machine_distance(&machine, MACHINE_MAX_NODES - 1, MACHINE_MAX_NODES), 20);
    /* Equal ones by number; only what is asked for. */
    assert_int_equal(machine_nodes_near(&machine, 0, machine.nodes, order), 4);
    assert_memory_equal(order, ((u8[]){ 0, 3, 5, 2 }), 4);
    assert_int_equal(machine_nodes_near(&machine, 3, 0x24, order), 2);
    assert_memory_equal(order, ((u8[]){ 2, 5 }), 2);
    assert_int_equal(machine_nodes_near(&machine, 3, 0, order), 0);
    machine.nr_cpus = 2;
    machine.cpus[1] = (struct machine_cpu){ .hwid = 0x100, .node = 3 };
    assert_int_equal(machine_cpu_node(&machine, 0x100), 3);
    assert_int_equal(machine_cpu_node(&machine, 0x200), 0);
}

/* Two nodes: a CPU's own memory to its last page, then the other's; each page goes back to where it was. */
static void test_two(void **state)
{
    void *p[2 * NODE_PAGES];

    (void)state;
    machine_of(2);
    unit_set_cpu(1);
    for (u32 i = 0; i < 2 * NODE_PAGES; i++) {
        p[i] = pages_alloc(0, 0);
        assert_int_equal(node_of(p[i]), i < NODE_PAGES);
    }
    assert_null(pages_alloc(0, 0));
    unit_set_cpu(0);
    for (u32 i = 0; i < 2 * NODE_PAGES; i++) {
        pages_free(p[i], 0);
    }
    assert_int_equal(node_free(0), NODE_PAGES);
    assert_int_equal(node_free(1), NODE_PAGES);
    assert_int_equal(buddy_nodes[1].zone[ZONE_LOW].nr[8], 1);
}

/* The nodes in which requests of this order, with these flags, are served until there is no memory. */
static u32 serve(unsigned int order, u32 memf, u32 *nodes)
{
    u32 nr = 0;
    void *p;

    while ((p = pages_alloc(order, memf)) != NULL) {
        if (nr == 0 || nodes[nr - 1] != node_of(p)) {
            assert_true(nr < 8);
            nodes[nr++] = node_of(p);
        }
    }
    return nr;
}

static void four(void)
{
    /* A ring, and node 2 sees 0 a little nearer than 3. */
    distance(0, 1, 16);
    distance(0, 2, 22);
    distance(0, 3, 16);
    distance(1, 2, 16);
    distance(1, 3, 22);
    distance(2, 3, 23);
    machine_of(4);
}

static void test_four(void **state)
{
    static const u8 want[4][4] = { { 0, 1, 3, 2 }, { 1, 0, 2, 3 }, { 2, 1, 0, 3 }, { 3, 0, 1, 2 } };
    u32 got[8];

    (void)state;
    for (u32 cpu = 0; cpu < 4; cpu++) {
        for (unsigned int order = 0; order < 5; order += 2) {
            four();
            unit_set_cpu(cpu);
            assert_int_equal(serve(order, 0, got), 4);
            for (u32 i = 0; i < 4; i++) {
                assert_int_equal(got[i], want[cpu][i]);
            }
            /* The same from another CPU that names the node. */
            four();
            unit_set_cpu((cpu + 1) % 4);
            assert_int_equal(serve(order, MEMF_NODE(cpu), got), 4);
            for (u32 i = 0; i < 4; i++) {
                assert_int_equal(got[i], want[cpu][i]);
            }
            four();
            assert_int_equal(serve(order, MEMF_NODE(cpu) | MEMF_EXACT_NODE, got), 1);
            assert_int_equal(got[0], cpu);
        }
    }
}

/* A CPU whose node has no memory, and a number that no node has: the nearest serves, and its cache is of that. */
static void test_without_memory(void **state)
{
    u32 got[8];
    void *p;

    (void)state;
    distance(3, 1, 12);
    machine_of(2);
    machine.nodes |= BIT(3);
    unit_set_cpu(3);
    p = pages_alloc(0, 0);
    assert_int_equal(node_of(p), 1);
    assert_int_equal(mem_cached_pages(1), 15);
    pages_free(p, 0);
    assert_int_equal(mem_cached_pages(1), 16);
    assert_int_equal(mem_cached_pages(3), 0);
    assert_null(pages_alloc(0, MEMF_NODE(3) | MEMF_EXACT_NODE));
    assert_int_equal(serve(0, MEMF_NODE(3), got), 2);
    assert_int_equal(got[0], 1);
    mem_node_stats(3, &(struct mem_stats){ 0 });
    assert_int_equal(node_free(3), 0);
    assert_int_equal(node_free(MEM_MAX_NODES), 0);
}

/* A node that gets its first memory late: what the CPU has cached is not taken for that node's. */
static void test_late_node(void **state)
{
    void *p;

    (void)state;
    mem_reset();
    host_ram_init(FIRST, 2 * NODE_PAGES);
    add(FIRST, NODE_PAGES, 0);
    pcpus[0]->node = 1;
    pages_free(pages_alloc(0, 0), 0);
    assert_int_equal(mem_cached_pages(0), 16);
    add(FIRST + NODE_PAGES, NODE_PAGES, 1);
    assert_int_equal(mem_cached_pages(0) + mem_cached_pages(1), 0);
    p = pages_alloc(0, 0);
    assert_int_equal(node_of(p), 1);
    pages_free(p, 0);
    mem_flush_cache();
    assert_int_equal(node_free(0), NODE_PAGES);
    assert_int_equal(node_free(1), NODE_PAGES);
}

/* A node's memory may come in pieces: the next takes nothing from what is there. */
static void test_node_of_pieces(void **state)
{
    u8 *p;

    (void)state;
    mem_reset();
    host_ram_init(FIRST, 2 * NODE_PAGES);
    add(FIRST, NODE_PAGES, 0);
    p = xzalloc_bytes(1024);
    add(FIRST + NODE_PAGES, NODE_PAGES, 0);
    mem_flush_cache();
    assert_int_equal(node_free(0), 2 * NODE_PAGES - 1);
    assert_int_equal((u64)xzalloc_bytes(1024) / PAGE_SIZE, (u64)p / PAGE_SIZE);
    for (u32 i = 0; i < 2 * NODE_PAGES - 1; i++) {
        assert_non_null(pages_alloc(0, 0));
    }
    assert_null(pages_alloc(0, 0));
}

/* A domain's memory is of its nodes, the caller's own first among them; then by distance from those. */
static void test_affinity(void **state)
{
    static struct domain dom;
    struct domain *d = &dom;
    struct page *pg;
    u32 last = ~0U, nr = 0, got[8];

    (void)state;
    dom = (struct domain){ .id = 3, .page_list = PAGE_NIL };
    spin_lock_init(&d->page_lock, RANK_PAGE_LIST);
    unit_set_cpu(0);
    four();
    d->max_pages = ~0U;
    d->node_affinity = BIT(2) | BIT(3);
    while ((pg = page_alloc_guest(d, 0, 0)) != NULL) {
        if (mem_node_of(page_to_mfn(pg).m) != last) {
            last = got[nr++] = mem_node_of(page_to_mfn(pg).m);
        }
    }
    /* 3 is nearer than 2; then from 3. */
    assert_int_equal(nr, 4);
    assert_memory_equal(got, ((u32[]){ 3, 2, 0, 1 }), sizeof(u32[4]));
    four();
    d->page_list = PAGE_NIL;
    d->tot_pages = 0;
    d->node_affinity = BIT(2);
    pg = page_alloc_guest(d, 2, 0);
    assert_int_equal(mem_node_of(page_to_mfn(pg).m), 2);
    /* Tables and shared pages too; what the request names comes before. */
    assert_int_equal(node_of(pages_alloc_for(d, 0, MEMF_ZERO)), 2);
    pg = page_alloc_guest(d, 0, MEMF_NODE(1));
    assert_int_equal(mem_node_of(page_to_mfn(pg).m), 1);
    /* Exact without a node: of the domain's. */
    nr = 0;
    while ((pg = page_alloc_guest(d, 0, MEMF_EXACT_NODE)) != NULL) {
        assert_int_equal(mem_node_of(page_to_mfn(pg).m), 2);
        nr++;
    }
    assert_int_equal(nr, NODE_PAGES - 5);
    /* Nodes without memory: anything, rather than nothing. */
    d->node_affinity = BIT(40);
    assert_non_null(page_alloc_guest(d, 0, 0));
}

/* Pages of two nodes that lie behind each other may be given back as one run, by a domain that goes. */
static void test_run_over_two(void **state)
{
    u64 edge = FIRST + NODE_PAGES;

    (void)state;
    machine_of(2);
    assert_int_equal(mem_claim(mfn(edge - 3), 3), 0);
    assert_int_equal(mem_claim(mfn(edge), 5), 0);
    for (u64 m = edge - 3; m < edge + 5; m++) {
        page_clear(mfn_to_page(mfn(m)));
    }
    buddy_free_run(edge - 3, 8);
    assert_int_equal(node_free(0), NODE_PAGES);
    assert_int_equal(node_free(1), NODE_PAGES);
    assert_int_equal(buddy_nodes[0].zone[ZONE_LOW].nr[8], 1);
    assert_int_equal(buddy_nodes[1].zone[ZONE_LOW].nr[8], 1);
}

static void test_slabs(void **state)
{
    u8 *p[NODE_PAGES + 1], *q;
    u64 slabs, bulk;

    (void)state;
    machine_of(2);
    unit_set_cpu(1);
    p[0] = xzalloc_bytes(100);
    p[1] = xzalloc_bytes(100);
    q = xzalloc_bytes_near(100, 0);
    assert_true(node_of(p[0]) == 1 && node_of(p[1]) == 1 && node_of(q) == 0);
    slab_usage(&slabs, &bulk);
    assert_int_equal(slabs, 2);
    /* Freed by whoever it is, it is the next object of its node. */
    unit_set_cpu(0);
    xfree(p[0]);
    assert_ptr_not_equal(xzalloc_bytes(100), p[0]);
    unit_set_cpu(1);
    assert_ptr_equal(xzalloc_bytes(100), p[0]);
    xfree(xzalloc_bytes_near(3 * PAGE_SIZE, 0));
    assert_int_equal(node_of(xzalloc_bytes_near(3 * PAGE_SIZE, 0)), 0);
    /* The node's last page is gone: objects of the other, which share a slab. */
    while (pages_alloc(0, MEMF_NODE(1) | MEMF_EXACT_NODE) != NULL) {
    }
    p[0] = xzalloc_bytes(1024);
    p[1] = xzalloc_bytes(1024);
    assert_int_equal(node_of(p[0]), 0);
    assert_int_equal((u64)p[0] / PAGE_SIZE, (u64)p[1] / PAGE_SIZE);
    while (pages_alloc(0, 0) != NULL) {
    }
    assert_non_null(xzalloc_bytes(1024));
    assert_non_null(xzalloc_bytes(1024));
    assert_null(xzalloc_bytes(1024));
    assert_null(xzalloc_bytes_near(PAGE_SIZE, 1));
}

/* A full slab that gets an object back is its node's to allocate from, not that of who frees. */
static void test_full_slab(void **state)
{
    u8 *p[4];

    (void)state;
    machine_of(2);
    unit_set_cpu(1);
    for (u32 i = 0; i < 4; i++) {
        p[i] = xzalloc_bytes(1024);
        assert_int_equal((u64)p[i] / PAGE_SIZE, (u64)p[0] / PAGE_SIZE);
    }
    unit_set_cpu(0);
    xfree(p[2]);
    assert_int_equal(node_of(xzalloc_bytes(1024)), 0);
    assert_ptr_equal(xzalloc_bytes_near(1024, 1), p[2]);
}

/* Nodes of 1 GiB with holes of 16 and 40 GiB between them; numbers with holes, too. */
static void test_sparse(void **state)
{
    static const u64 at[3] = { 1, 18, 59 };              /* GiB */
    static const u32 id[3] = { 0, 5, 9 };
    struct mem_stats s;
    u32 got[8];

    (void)state;
    mem_reset();
    machine.nodes = 0;
    host_ram_init(at[0] << MAX_ORDER, 59UL << MAX_ORDER);
    for (u32 i = 0; i < 3; i++) {
        add(at[i] << MAX_ORDER, BIT(MAX_ORDER), id[i]);
    }
    distance(5, 9, 15);
    mem_reset();
    for (u32 i = 0; i < 3; i++) {
        add(at[i] << MAX_ORDER, BIT(MAX_ORDER), id[i]);
    }
    for (u32 i = 0; i < 3; i++) {
        assert_int_equal(node_free(id[i]), BIT(MAX_ORDER));
        assert_false(mfn_is_ram(mfn((at[i] + 2) << MAX_ORDER)));
    }
    assert_int_equal(node_free(7), 0);
    pcpus[2]->node = 5;
    unit_set_cpu(2);
    assert_int_equal(serve(MAX_ORDER, 0, got), 3);
    assert_memory_equal(got, ((u32[]){ 5, 9, 0 }), sizeof(u32[3]));
    mem_stats(&s);
    assert_int_equal(s.total, 3UL << MAX_ORDER);
    assert_int_equal(s.free, 0);
}

/* Idle CPUs zero their own node's memory first, then what is near. */
static void test_idle(void **state)
{
    (void)state;
    four();
    mem_idle_start(true);
    unit_set_cpu(2);
    for (u32 i = 0; i < 4; i++) {
        static const u8 want[4] = { 2, 1, 0, 3 };

        assert_true(mem_idle());
        assert_int_equal(buddy_nodes[want[i]].zone[ZONE_LOW].list[true].orders, BIT32(8));
        assert_int_equal(buddy_nodes[want[i]].zone[ZONE_LOW].list[false].orders, 0);
    }
    assert_false(mem_idle());
}

static void test_dump(void **state)
{
    (void)state;
    distance(0, 1, 25);
    machine_of(2);
    mem_boot_bytes = mem_boot_node_bytes[1] = MIB(1);
    unit_log_clear();
    mem_dump();
    mem_boot_bytes = mem_boot_node_bytes[1] = 0;
    assert_non_null(strstr(unit_log(), "node 0: 1024 KiB, free 1024 KiB"));
    assert_non_null(strstr(unit_log(), "node 1: 2048 KiB, free 1024 KiB"));
    assert_non_null(strstr(unit_log(), "  CPUs 0, distances 0:10 1:25"));
    assert_non_null(strstr(unit_log(), "  CPUs 1, distances 0:25 1:10"));
    assert_non_null(strstr(unit_log(), "memory: 3072 KiB managed"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_distance), CASE(test_two), CASE(test_four), CASE(test_without_memory), CASE(test_late_node),
        CASE(test_node_of_pieces), CASE(test_affinity), CASE(test_run_over_two),
        CASE(test_slabs), CASE(test_full_slab), CASE(test_sparse), CASE(test_idle), CASE(test_dump)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
