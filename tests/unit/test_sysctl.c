/* SPDX-License-Identifier: MIT */
/* sysctl: dispatch, figures, console, topology, cpupools. */
/* unit-sources: core/hypercall/sysctl/sysctl.c core/hypercall/sysctl/console.c core/hypercall/sysctl/info.c */
/* unit-sources: core/hypercall/sysctl/topology.c core/hypercall/sysctl/sched.c core/hypercall/bitmap.c */
/* unit-sources: core/domain/info.c core/vcpu/vcpu.c core/vcpu/runstate.c */
/* unit-sources: core/domain/nodes.c */
/* unit-sources: core/sched/runqueue.c core/sched/wake.c core/sched/balance.c core/sched/cap.c core/sched/switch.c */
/* unit-sources: core/sched/pause.c core/sched/cpupool.c core/sched/affinity.c core/sched/control.c core/sched/fair.c */
/* unit-sources: core/sched/credit.c core/sched/null.c */
#include "test_ctl_common.h"
#include <argon/console.h>

static char keys[128];
static u32 nr_keys;

int console_read_ring(bool clear, bool incremental, u32 *index, u64 buf_gva, u32 *count)
{
    host_record("console_read_ring", clear, incremental, *index, buf_gva);
    *index = 77;
    *count = 5;
    return 0;
}

void debug_key(u8 key)
{
    keys[nr_keys++] = (char)key;
}

u32 arch_physinfo_caps(void)
{
    return XEN_SYSCTL_PHYSCAP_vpmu;
}

void mem_stats(struct mem_stats *s)
{
    *s = (struct mem_stats){ .total = 0x40000, .free = 0x1000, .scrub = 3 };
}

void mem_node_stats(u32 node, struct mem_stats *s)
{
    *s = (struct mem_stats){ .total = 0x100 + node, .free = 0x10 };
}

u64 mem_max_mfn(void)
{
    return 0x7ffff;
}

u64 mem_free_between(u32 node, unsigned int min_bits, unsigned int max_bits)
{
    return (u64)node << 16 | min_bits << 8 | max_bits;
}

static struct xen_sysctl op;

static void setup_for(u16 domid)
{
    sched_machine(4, "credit2");
    ctl_caller(domid);
    memset(&op, 0, sizeof(op));
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    machine.nodes = 3;
    nr_keys = 0;
}

static int setup(void **state)
{
    (void)state;
    setup_for(0);
    return 0;
}
#define sysctl_case(fn) cmocka_unit_test_setup_teardown(fn, setup, sched_teardown)

static long sysctl(u32 cmd)
{
    op.cmd = cmd;
    return ctl_call(do_sysctl, &op, sizeof(op));
}

static void test_dispatch(void **state)
{
    static const u32 unsupported[] = { 0, 2, 5, 10, 11, 12, 14, 15, 21, 22, 23, 25, 26, 27, 28, 29, 30, 1000, ~0U };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(unsupported); i++) {
        assert_int_equal(sysctl(unsupported[i]), -ENOSYS);
    }
    assert_int_equal(sysctl(XEN_SYSCTL_coverage_op), -EOPNOTSUPP);
    op.interface_version++;
    assert_int_equal(sysctl(XEN_SYSCTL_physinfo), -EACCES);
    assert_int_equal(do_sysctl(caller, (u64[6]){ 0xdead000 }), -EFAULT);
}

static void test_only_dom0(void **state)
{
    (void)state;
    sched_teardown(NULL);
    setup_for(5);
    for (u32 cmd = 0; cmd < 40; cmd++) {
        assert_int_equal(sysctl(cmd), -EPERM);
    }
}

static void test_physinfo(void **state)
{
    struct xen_sysctl_physinfo *p = &op.u.physinfo;

    (void)state;
    memset(&op.u, 0xff, sizeof(op.u));
    assert_int_equal(sysctl(XEN_SYSCTL_physinfo), 0);
    assert_int_equal(p->threads_per_core, 1);
    assert_int_equal(p->nr_cpus, 4);
    assert_int_equal(p->max_cpu_id, 3);
    assert_int_equal(p->nr_nodes, 2);
    assert_int_equal(p->cpu_khz, 1000000);
    assert_int_equal(p->capabilities, 0x189);
    assert_int_equal(p->total_pages, 0x40000);
    assert_int_equal(p->free_pages, 0x1000);
    assert_int_equal(p->outstanding_pages, 0);
    assert_int_equal(p->max_mfn, 0x7ffff);
    assert_int_equal(p->pad, 0);
    assert_int_equal(p->hw_cap[7], 0);
}

static void test_domain_list(void **state)
{
    struct xen_sysctl_getdomaininfolist *l = &op.u.getdomaininfolist;
    struct xen_domctl_getdomaininfo *info;
    u64 buf = unit_guest_alloc(caller->domain, PAGE_SIZE);

    (void)state;
    info = unit_guest_ptr(caller->domain, buf);
    sched_domain(3, 1);
    sched_domain(9, 1);
    l->max_domains = 1024;
    l->buffer.q = buf;
    assert_int_equal(sysctl(XEN_SYSCTL_getdomaininfolist), 0);
    assert_int_equal(l->num_domains, 3);
    assert_int_equal(info[0].domain, 0);
    assert_int_equal(info[2].domain, 9);
    l->first_domain = 4;
    assert_int_equal(sysctl(XEN_SYSCTL_getdomaininfolist), 0);
    assert_int_equal(l->num_domains, 1);
    assert_int_equal(info[0].domain, 9);
    l->first_domain = 10;
    assert_int_equal(sysctl(XEN_SYSCTL_getdomaininfolist), 0);
    assert_int_equal(l->num_domains, 0);
    l->first_domain = 0;
    l->max_domains = 2;
    assert_int_equal(sysctl(XEN_SYSCTL_getdomaininfolist), 0);
    assert_int_equal(l->num_domains, 2);
    l->buffer.q = 0xdead000;
    assert_int_equal(sysctl(XEN_SYSCTL_getdomaininfolist), -EFAULT);
}

static void test_console(void **state)
{
    (void)state;
    op.u.readconsole.clear = 1;
    op.u.readconsole.index = 4;
    op.u.readconsole.buffer.q = 0x1234;
    op.u.readconsole.count = 16384;
    assert_int_equal(sysctl(XEN_SYSCTL_readconsole), 0);
    assert_int_equal(op.u.readconsole.index, 77);
    assert_int_equal(op.u.readconsole.count, 5);
    assert_int_equal(host_last("console_read_ring")->a[0], 1);
    assert_int_equal(host_last("console_read_ring")->a[3], 0x1234);
    memset(&op.u, 0, sizeof(op.u));
    op.u.debug_keys.keys.q = unit_guest_put(caller->domain, "hq", 2);
    op.u.debug_keys.nr_keys = 2;
    assert_int_equal(sysctl(XEN_SYSCTL_debug_keys), 0);
    assert_memory_equal(keys, "hq", 2);
    op.u.debug_keys.nr_keys = 65;
    assert_int_equal(sysctl(XEN_SYSCTL_debug_keys), -EINVAL);
    op.u.debug_keys.nr_keys = 1;
    op.u.debug_keys.keys.q = 0xdead000;
    assert_int_equal(sysctl(XEN_SYSCTL_debug_keys), -EFAULT);
}

static void test_cpus_and_nodes(void **state)
{
    u64 buf = unit_guest_alloc(caller->domain, PAGE_SIZE), dist = unit_guest_alloc(caller->domain, PAGE_SIZE);
    struct xen_sysctl_cputopo *topo = unit_guest_ptr(caller->domain, buf);
    struct xen_sysctl_meminfo *mem = unit_guest_ptr(caller->domain, buf);
    u32 *distance = unit_guest_ptr(caller->domain, dist);

    (void)state;
    assert_int_equal(sysctl(XEN_SYSCTL_cputopoinfo), 0);
    assert_int_equal(op.u.cputopoinfo.num_cpus, 4);
    op.u.cputopoinfo.cputopo.q = buf;
    op.u.cputopoinfo.num_cpus = 2;
    memset(topo, 0xff, PAGE_SIZE);
    pcpus[1]->node = 1;
    assert_int_equal(sysctl(XEN_SYSCTL_cputopoinfo), 0);
    assert_int_equal(op.u.cputopoinfo.num_cpus, 4);
    assert_int_equal(topo[1].core, 1);
    assert_int_equal(topo[1].node, 1);
    assert_int_equal(topo[2].core, ~0U);

    memset(&op.u, 0, sizeof(op.u));
    assert_int_equal(sysctl(XEN_SYSCTL_numainfo), 0);
    assert_int_equal(op.u.numainfo.num_nodes, 2);
    op.u.numainfo.meminfo.q = buf;
    op.u.numainfo.distance.q = dist;
    assert_int_equal(sysctl(XEN_SYSCTL_numainfo), 0);
    assert_int_equal(mem[1].memsize, 0x101000);
    assert_int_equal(mem[0].memfree, 0x10000);
    assert_int_equal(distance[0], 10);
    assert_int_equal(distance[1], 20);
    assert_int_equal(distance[3], 10);

    memset(&op.u, 0, sizeof(op.u));
    op.u.availheap.node = -1;
    op.u.availheap.max_bitwidth = 32;
    assert_int_equal(sysctl(XEN_SYSCTL_availheap), 0);
    assert_int_equal(op.u.availheap.avail_bytes, (u64)~0U << 16 | 32);
    op.u.availheap.node = 2;
    assert_int_equal(sysctl(XEN_SYSCTL_availheap), 0);
    assert_int_equal(op.u.availheap.avail_bytes, 0);

    memset(&op.u, 0, sizeof(op.u));
    unit_advance(12345);
    op.u.getcpuinfo.max_cpus = 8;
    op.u.getcpuinfo.info.q = buf;
    assert_int_equal(sysctl(XEN_SYSCTL_getcpuinfo), 0);
    assert_int_equal(op.u.getcpuinfo.nr_cpus, 4);
    assert_int_equal(*(u64 *)unit_guest_ptr(caller->domain, buf + 24), 12345);
    op.u.getcpuinfo.info.q = 0xdead000;
    assert_int_equal(sysctl(XEN_SYSCTL_getcpuinfo), -EFAULT);
}

/* Numbers that no node has; rows as long as there are nodes, and no more than the caller has room for. */
static void test_node_numbers_with_holes(void **state)
{
    u64 buf = unit_guest_alloc(caller->domain, PAGE_SIZE), dist = unit_guest_alloc(caller->domain, PAGE_SIZE);
    struct xen_sysctl_meminfo *mem = unit_guest_ptr(caller->domain, buf);
    u32 *distance = unit_guest_ptr(caller->domain, dist);

    (void)state;
    op.u.numainfo.meminfo.q = buf;
    op.u.numainfo.distance.q = dist;
    machine.nodes = 0xb;
    machine.distance[0][3] = 40;
    memset(distance, 0xee, 64);
    op.u.numainfo.num_nodes = 3;
    assert_int_equal(sysctl(XEN_SYSCTL_numainfo), 0);
    assert_int_equal(op.u.numainfo.num_nodes, 4);
    assert_int_equal(mem[1].memsize, 0x101000);
    assert_int_equal(mem[2].memsize, XEN_INVALID_MEM_SZ);
    assert_int_equal(distance[2], XEN_INVALID_NODE_DIST);
    assert_int_equal(distance[3], 40);
    assert_int_equal(distance[5], 10);
    assert_int_equal(distance[9], 0xeeeeeeee);
    op.u.numainfo.num_nodes = 64;
    assert_int_equal(sysctl(XEN_SYSCTL_numainfo), 0);
    assert_int_equal(distance[12], 40);
    assert_int_equal(distance[15], 10);
    assert_int_equal(sysctl(XEN_SYSCTL_physinfo), 0);
    assert_int_equal(op.u.physinfo.nr_nodes, 3);
    assert_int_equal(op.u.physinfo.max_node_id, 3);
    machine.distance[0][3] = 0;
}

/* ---- scheduler and cpupools ---- */

static long pool_op(u32 cmd, u32 pool, u32 cpu)
{
    op.u.cpupool_op.op = cmd;
    op.u.cpupool_op.cpupool_id = pool;
    op.u.cpupool_op.cpu = cpu;
    return sysctl(XEN_SYSCTL_cpupool_op);
}

#define P(name) XEN_SYSCTL_CPUPOOL_OP_##name
#define ANY XEN_SYSCTL_CPUPOOL_PAR_ANY

static void test_pool_info(void **state)
{
    u64 map = unit_guest_alloc(caller->domain, 16);
    u8 *bits = unit_guest_ptr(caller->domain, map);

    (void)state;
    assert_int_equal(sysctl(XEN_SYSCTL_sched_id), 0);
    assert_int_equal(op.u.sched_id.sched_id, XEN_SCHEDULER_CREDIT2);
    sched_domain(1, 1);
    op.u.cpupool_op.cpumap.bitmap.q = map;
    op.u.cpupool_op.cpumap.nr_bits = 8;
    assert_int_equal(pool_op(P(INFO), 0, 0), 0);
    assert_int_equal(op.u.cpupool_op.cpupool_id, 0);
    assert_int_equal(op.u.cpupool_op.sched_id, XEN_SCHEDULER_CREDIT2);
    assert_int_equal(op.u.cpupool_op.n_dom, 1);
    assert_int_equal(bits[0], 0x0f);
    assert_int_equal(pool_op(P(INFO), 1, 0), -ENOENT);
    assert_int_equal(pool_op(P(FREEINFO), 0, 0), 0);
    assert_int_equal(bits[0], 0);
    assert_int_equal(pool_op(0, 0, 0), -ENOSYS);
    assert_int_equal(pool_op(8, 0, 0), -ENOSYS);
}

/* The pools' lock seems to be taken and is not: the guest is sent round once more, with nothing done by then. */
static void test_pool_trylock_fails_for_no_reason(void **state)
{
    (void)state;
    op.u.cpupool_op.sched_id = XEN_SCHEDULER_CREDIT;
    host_exclusive_fail_in = 1;
    assert_int_equal(pool_op(P(CREATE), ANY, 0), -ERESTART);
    assert_int_equal(host_exclusive_fail_in, 0);
    assert_int_equal(op.u.cpupool_op.cpupool_id, ANY);
    assert_int_equal(pool_op(P(INFO), 1, 0), -ENOENT);
    assert_int_equal(pool_op(P(CREATE), ANY, 0), 0);
    assert_int_equal(op.u.cpupool_op.cpupool_id, 1);
    assert_int_equal(pool_op(P(DESTROY), 1, 0), 0);
}

static void test_pool_life(void **state)
{
    struct domain *d = sched_domain(1, 2);

    (void)state;
    op.u.cpupool_op.sched_id = XEN_SCHEDULER_RTDS;
    assert_int_equal(pool_op(P(CREATE), ANY, 0), -EINVAL);
    op.u.cpupool_op.sched_id = XEN_SCHEDULER_CREDIT;
    assert_int_equal(pool_op(P(CREATE), 0, 0), -EEXIST);
    assert_int_equal(pool_op(P(CREATE), ANY, 0), 0);
    assert_int_equal(op.u.cpupool_op.cpupool_id, 1);
    op.u.cpupool_op.domid = 1;
    assert_int_equal(pool_op(P(MOVEDOMAIN), 1, 0), -EINVAL);         /* no CPU yet */
    assert_int_equal(pool_op(P(ADDCPU), 1, 3), -ENODEV);             /* not free */
    assert_int_equal(pool_op(P(ADDCPU), 1, 4), -EINVAL);
    assert_int_equal(pool_op(P(RMCPU), 0, 3), 0);
    assert_int_equal(pool_op(P(RMCPU), 0, 3), -ENODEV);
    assert_int_equal(pool_op(P(RMCPU), 2, 3), -ENOENT);
    assert_null(pcpus[3]->sched.pool);
    assert_int_equal(pool_op(P(ADDCPU), 1, ANY), 0);
    assert_ptr_equal(pcpus[3]->sched.pool, d->cpupool + 1);
    assert_int_equal(pool_op(P(MOVEDOMAIN), 1, 0), 0);
    assert_int_equal(d->cpupool->id, 1);
    assert_true(cpumask_test(&d->vcpu[0]->sched.allowed, 3));
    assert_false(cpumask_test(&d->vcpu[0]->sched.allowed, 0));
    assert_int_equal(pool_op(P(RMCPU), 1, 3), -EBUSY);               /* the last, with a domain */
    assert_int_equal(pool_op(P(DESTROY), 1, 0), -EBUSY);
    op.u.cpupool_op.domid = 99;
    assert_int_equal(pool_op(P(MOVEDOMAIN), 0, 0), -EINVAL);
    op.u.cpupool_op.domid = 1;
    assert_int_equal(pool_op(P(MOVEDOMAIN), 7, 0), -ENOENT);
    assert_int_equal(pool_op(P(MOVEDOMAIN), 0, 0), 0);
    assert_int_equal(pool_op(P(DESTROY), 1, 0), 0);
    assert_int_equal(pool_op(P(DESTROY), 1, 0), -ENOENT);
    assert_int_equal(pool_op(P(DESTROY), 0, 0), -EBUSY);
    assert_int_equal(pool_op(P(ADDCPU), 0, 3), 0);
}

static void test_running_vcpus_follow_their_pool(void **state)
{
    struct domain *d = sched_domain(1, 1);
    struct vcpu *v = d->vcpu[0];

    (void)state;
    op.u.cpupool_op.sched_id = XEN_SCHEDULER_NULL;
    assert_int_equal(pool_op(P(CREATE), 5, 0), 0);
    assert_int_equal(pool_op(P(RMCPU), 0, 2), 0);
    assert_int_equal(pool_op(P(ADDCPU), 5, 2), 0);
    vcpu_unblock(v, VPF_DOWN);
    unit_set_current(pcpus[0]->sched.curr);      /* the caller's CPU: leave it to the scheduler */
    run_on(v->cpu);
    unit_set_cpu(0);
    op.u.cpupool_op.domid = 1;
    host_pcpu->current = caller;
    assert_int_equal(pool_op(P(MOVEDOMAIN), 5, 0), 0);
    assert_true(v->pending & PEND_RESCHED);
    host_pcpu->current = pcpus[0]->sched.curr;
    run_on(v->cpu);
    assert_int_equal(v->cpu, 2);
    assert_ptr_equal(run_on(2), v);
}

/* A CPU leaves the pool to which its vCPUs were pinned: they go on elsewhere in the pool. */
static void test_pool_shrinks_under_a_pinned_vcpu(void **state)
{
    struct domain *d = sched_domain(1, 1);
    struct vcpu *v = d->vcpu[0];

    (void)state;
    pin_all(d, 3);
    vcpu_unblock(v, VPF_DOWN);
    assert_int_equal(v->cpu, 3);
    assert_int_equal(pool_op(P(RMCPU), 0, 3), 0);
    assert_int_not_equal(v->cpu, 3);
    assert_true(v->sched.queued);
    assert_int_equal(pool_op(P(ADDCPU), 0, 3), 0);
    assert_int_equal(v->cpu, 3);         /* and back when it returns */
    assert_int_equal(sched_pin_override(v, 2), 0);
    assert_int_equal(pool_op(P(RMCPU), 0, 2), -EADDRINUSE);
}

static void test_scheduler_op(void **state)
{
    (void)state;
    op.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
    op.u.scheduler_op.cmd = XEN_SYSCTL_SCHEDOP_getinfo;
    op.u.scheduler_op.u.sched_credit2.ratelimit_us = 9;
    assert_int_equal(sysctl(XEN_SYSCTL_scheduler_op), 0);
    assert_int_equal(op.u.scheduler_op.u.sched_credit2.ratelimit_us, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        sysctl_case(test_dispatch),
        sysctl_case(test_only_dom0),
        sysctl_case(test_physinfo),
        sysctl_case(test_domain_list),
        sysctl_case(test_console),
        sysctl_case(test_cpus_and_nodes), sysctl_case(test_node_numbers_with_holes),
        sysctl_case(test_pool_info),
        sysctl_case(test_pool_trylock_fails_for_no_reason),
        sysctl_case(test_pool_life),
        sysctl_case(test_running_vcpus_follow_their_pool),
        sysctl_case(test_pool_shrinks_under_a_pinned_vcpu),
        sysctl_case(test_scheduler_op),
    };

    return cmocka_run_group_tests_name("sysctl", tests, NULL, NULL);
}
