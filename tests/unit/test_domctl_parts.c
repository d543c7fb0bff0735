/* SPDX-License-Identifier: MIT */
/* domctl on what a domain has: vCPUs, memory, devices. */
/* unit-sources: core/hypercall/domctl/domctl.c core/hypercall/domctl/lifecycle.c core/hypercall/domctl/settings.c */
/* unit-sources: core/hypercall/domctl/vcpu.c core/hypercall/domctl/memory.c core/hypercall/domctl/device.c */
/* unit-sources: core/hypercall/bitmap.c core/domain/shutdown.c */
/* unit-sources: core/domain/info.c core/domain/caps.c core/vcpu/vcpu.c core/vcpu/runstate.c */
/* unit-sources: core/domain/nodes.c */
/* unit-sources: core/sched/runqueue.c core/sched/wake.c core/sched/balance.c core/sched/cap.c core/sched/switch.c */
/* unit-sources: core/sched/pause.c core/sched/cpupool.c core/sched/affinity.c core/sched/control.c core/sched/fair.c */
/* unit-sources: core/sched/credit.c core/sched/null.c */
#include "test_domctl_common.h"
#include <argon/rangeset.h>

/* ---- vCPUs ---- */

static void test_setvcpucontext(void **state)
{
    struct vcpu_guest_context c;
    struct vcpu *v = d->vcpu[0];

    (void)state;
    memset(&c, 0, sizeof(c));
    c.flags = VGCF_online;
    c.user_regs.pc64 = 0x40080000;
    op.u.vcpucontext.ctxt.q = put(&c, sizeof(c));
    assert_int_equal(domctl(XEN_DOMCTL_setvcpucontext), 0);
    assert_true(v->initialised);
    assert_int_equal(v->pause_flags, 0);
    assert_int_equal(v->arch.regs.pc, 0x40080000);
    c.flags = 0;
    op.u.vcpucontext.ctxt.q = put(&c, sizeof(c));
    assert_int_equal(domctl(XEN_DOMCTL_setvcpucontext), 0);
    assert_int_equal(v->pause_flags, VPF_DOWN);
    c.user_regs.cpsr = 9;                /* EL2h */
    op.u.vcpucontext.ctxt.q = put(&c, sizeof(c));
    assert_int_equal(domctl(XEN_DOMCTL_setvcpucontext), -EINVAL);
    assert_int_equal(v->pause_count, 0);
    op.u.vcpucontext.ctxt.q = 0xdead000;
    assert_int_equal(domctl(XEN_DOMCTL_setvcpucontext), -EFAULT);
    op.u.vcpucontext.ctxt.q = 0;
    assert_int_equal(domctl(XEN_DOMCTL_setvcpucontext), 0);
    assert_false(v->initialised);
    assert_int_equal(host_calls("arch_vcpu_reset"), 1);
    op.u.vcpucontext.vcpu = 2;
    assert_int_equal(domctl(XEN_DOMCTL_setvcpucontext), -EINVAL);
    op.u.vcpucontext.vcpu = ~0U;
    assert_int_equal(domctl(XEN_DOMCTL_setvcpucontext), -EINVAL);
    op.domain = 0;                       /* the caller's own, who would wait for itself */
    op.u.vcpucontext.vcpu = 0;
    assert_int_equal(domctl(XEN_DOMCTL_setvcpucontext), -EINVAL);
    assert_int_equal(caller->pause_count, 0);
}

/* The context is gone when the call is made again for a vCPU that was running at first: it runs on. */
static void test_setvcpucontext_given_up(void **state)
{
    struct vcpu_guest_context c = { .flags = VGCF_online };
    struct vcpu *v = d->vcpu[0];

    (void)state;
    v->initialised = true;
    vcpu_unblock(v, VPF_DOWN);
    assert_ptr_equal(run_on(1), v);
    unit_set_cpu(0);
    op.u.vcpucontext.ctxt.q = put(&c, sizeof(c));
    assert_int_equal(domctl(XEN_DOMCTL_setvcpucontext), -ERESTART);
    assert_int_equal(v->pause_count, 1);
    op.u.vcpucontext.ctxt.q = 0xdead000;
    assert_int_equal(domctl(XEN_DOMCTL_setvcpucontext), -EFAULT);
    assert_int_equal(v->pause_count, 0);
    assert_int_equal(v->pause_flags, 0);
    assert_int_equal(domctl(XEN_DOMCTL_setvcpucontext), -EFAULT);
    assert_int_equal(v->pause_count, 0);
}

/* A running vCPU is stopped first; the pause lasts from the first try to the end. */
static void test_getvcpucontext_of_a_running_vcpu(void **state)
{
    struct vcpu *v = d->vcpu[0];
    struct vcpu_guest_context *c;

    (void)state;
    op.u.vcpucontext.ctxt.q = unit_guest_alloc(caller->domain, sizeof(*c));
    c = unit_guest_ptr(caller->domain, op.u.vcpucontext.ctxt.q);
    assert_int_equal(domctl(XEN_DOMCTL_getvcpucontext), -ENODATA);
    v->initialised = true;
    v->arch.regs.pc = 0x1234;
    vcpu_unblock(v, VPF_DOWN);
    assert_ptr_equal(run_on(1), v);
    unit_set_cpu(0);
    assert_int_equal(domctl(XEN_DOMCTL_getvcpucontext), -ERESTART);
    assert_int_equal(domctl(XEN_DOMCTL_getvcpucontext), -ERESTART);
    assert_int_equal(v->pause_count, 1);
    assert_true(run_on(1)->is_idle);
    unit_set_cpu(0);
    assert_int_equal(domctl(XEN_DOMCTL_getvcpucontext), 0);
    assert_int_equal(c->user_regs.pc64, 0x1234);
    assert_int_equal(c->flags, VGCF_online);
    assert_int_equal(v->pause_count, 0);
    assert_true(v->sched.queued);
    op.u.vcpucontext.ctxt.q = 0xdead000;
    assert_int_equal(domctl(XEN_DOMCTL_getvcpucontext), -EFAULT);
    assert_int_equal(v->pause_count, 0);
    op.u.vcpucontext.vcpu = 5;
    assert_int_equal(domctl(XEN_DOMCTL_getvcpucontext), -EINVAL);
    op.domain = 0;
    op.u.vcpucontext.vcpu = 0;
    assert_int_equal(domctl(XEN_DOMCTL_getvcpucontext), -EINVAL);
}

static void test_getvcpuinfo(void **state)
{
    struct vcpu *gone = d->vcpu[1];

    (void)state;
    op.u.getvcpuinfo.online = 9;
    assert_int_equal(domctl(XEN_DOMCTL_getvcpuinfo), 0);
    assert_int_equal(op.u.getvcpuinfo.online, 0);
    vcpu_unblock(d->vcpu[0], VPF_DOWN);
    run_on(1);
    unit_advance(700);
    unit_set_cpu(0);
    assert_int_equal(domctl(XEN_DOMCTL_getvcpuinfo), 0);
    assert_int_equal(op.u.getvcpuinfo.online, 1);
    assert_int_equal(op.u.getvcpuinfo.running, 1);
    assert_int_equal(op.u.getvcpuinfo.blocked, 0);
    assert_int_equal(op.u.getvcpuinfo.cpu, 1);
    assert_int_equal(op.u.getvcpuinfo.cpu_time, 700);
    op.u.getvcpuinfo.vcpu = 2;
    assert_int_equal(domctl(XEN_DOMCTL_getvcpuinfo), -EINVAL);
    d->vcpu[1] = NULL;
    op.u.getvcpuinfo.vcpu = 1;
    assert_int_equal(domctl(XEN_DOMCTL_getvcpuinfo), -ESRCH);
    d->vcpu[1] = gone;
}

static void test_affinity(void **state)
{
    struct xen_domctl_vcpuaffinity *a = &op.u.vcpuaffinity;
    u8 hard = 0x03, soft = 0xfe;
    u8 *hard_out, *soft_out;

    (void)state;
    a->flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT;
    a->cpumap_hard.nr_bits = a->cpumap_soft.nr_bits = 8;
    a->cpumap_hard.bitmap.q = put(&hard, 1);
    a->cpumap_soft.bitmap.q = put(&soft, 1);
    hard_out = unit_guest_ptr(caller->domain, a->cpumap_hard.bitmap.q);
    soft_out = unit_guest_ptr(caller->domain, a->cpumap_soft.bitmap.q);
    assert_int_equal(domctl(XEN_DOMCTL_setvcpuaffinity), 0);
    assert_int_equal(*hard_out, 0x03);
    assert_int_equal(*soft_out, 0x02);   /* within hard and the pool's two CPUs */
    assert_int_equal(domctl(XEN_DOMCTL_getvcpuaffinity), 0);
    assert_int_equal(*hard_out, 0x03);
    assert_int_equal(*soft_out, 0xfe);   /* as it was set */
    *hard_out = 0x80;                    /* no such CPU */
    assert_int_equal(domctl(XEN_DOMCTL_setvcpuaffinity), -EINVAL);
    *hard_out = 0x01;
    a->flags = XEN_VCPUAFFINITY_HARD;
    a->cpumap_soft.bitmap.q = 0;         /* as xl does for the map it does not mean */
    assert_int_equal(domctl(XEN_DOMCTL_setvcpuaffinity), 0);
    assert_false(cpumask_test(&d->vcpu[0]->sched.allowed, 1));
    d->vcpu[0]->sched.pinned = true;
    assert_int_equal(domctl(XEN_DOMCTL_setvcpuaffinity), -EBUSY);
    a->flags |= XEN_VCPUAFFINITY_FORCE;
    assert_int_equal(domctl(XEN_DOMCTL_setvcpuaffinity), 0);
    assert_false(d->vcpu[0]->sched.pinned);
    assert_int_equal(domctl(XEN_DOMCTL_getvcpuaffinity), -EINVAL);
    a->flags = 0;
    assert_int_equal(domctl(XEN_DOMCTL_setvcpuaffinity), -EINVAL);
    a->flags = XEN_VCPUAFFINITY_HARD;
    a->vcpu = 2;
    assert_int_equal(domctl(XEN_DOMCTL_setvcpuaffinity), -EINVAL);
    a->vcpu = 0;
    a->cpumap_hard.bitmap.q = 0xdead000;
    assert_int_equal(domctl(XEN_DOMCTL_setvcpuaffinity), -EFAULT);
}

/* ---- memory ---- */

static void test_memory(void **state)
{
    u8 nodes = 1;

    (void)state;
    op.u.max_mem.max_memkb = 0x40400;
    assert_int_equal(domctl(XEN_DOMCTL_max_mem), 0);
    assert_int_equal(d->max_pages, 0x10100);
    op.u.max_mem.max_memkb = ~0UL;
    assert_int_equal(domctl(XEN_DOMCTL_max_mem), 0);
    assert_int_equal(d->max_pages, ~0U);
    memset(&op.u, 0, sizeof(op.u));
    op.u.nodeaffinity.nodemap.nr_bits = 8;
    op.u.nodeaffinity.nodemap.bitmap.q = put(&nodes, 1);
    assert_int_equal(domctl(XEN_DOMCTL_setnodeaffinity), 0);
    assert_int_equal(d->node_affinity, ~0UL);            /* all that there are: no preference */
    *(u8 *)unit_guest_ptr(caller->domain, op.u.nodeaffinity.nodemap.bitmap.q) = 0xee;
    assert_int_equal(domctl(XEN_DOMCTL_getnodeaffinity), 0);
    assert_int_equal(*(u8 *)unit_guest_ptr(caller->domain, op.u.nodeaffinity.nodemap.bitmap.q), 1);
    *(u8 *)unit_guest_ptr(caller->domain, op.u.nodeaffinity.nodemap.bitmap.q) = 2;
    assert_int_equal(domctl(XEN_DOMCTL_setnodeaffinity), -EINVAL);
    /* Of four nodes one: said again as it was; all four: by the vCPUs once more. */
    machine.nodes = 0xf;
    *(u8 *)unit_guest_ptr(caller->domain, op.u.nodeaffinity.nodemap.bitmap.q) = 0xf2;
    assert_int_equal(domctl(XEN_DOMCTL_setnodeaffinity), 0);
    assert_int_equal(d->node_affinity, 2);
    assert_int_equal(domctl(XEN_DOMCTL_getnodeaffinity), 0);
    assert_int_equal(*(u8 *)unit_guest_ptr(caller->domain, op.u.nodeaffinity.nodemap.bitmap.q), 2);
    domain_update_nodes(d);
    assert_int_equal(d->node_affinity, 2);
    *(u8 *)unit_guest_ptr(caller->domain, op.u.nodeaffinity.nodemap.bitmap.q) = 0xf;
    assert_int_equal(domctl(XEN_DOMCTL_setnodeaffinity), 0);
    assert_int_equal(d->node_affinity, ~0UL);
    machine.nodes = 1;
    memset(&op.u, 0, sizeof(op.u));
    op.u.paging_mempool.size = 4097;
    assert_int_equal(domctl(XEN_DOMCTL_set_paging_mempool_size), -EINVAL);
}

static void test_cacheflush_arguments(void **state)
{
    (void)state;
    op.u.cacheflush.start_pfn = ~0UL;
    op.u.cacheflush.nr_pfns = 2;
    assert_int_equal(domctl(XEN_DOMCTL_cacheflush), -EINVAL);
    op.u.cacheflush.start_pfn = 0;
    op.u.cacheflush.nr_pfns = (1UL << 18) + 1;
    assert_int_equal(domctl(XEN_DOMCTL_cacheflush), -EINVAL);
    op.u.cacheflush.nr_pfns = 0;
    assert_int_equal(domctl(XEN_DOMCTL_cacheflush), 0);
    /* In pieces it says how far it is. */
    op.u.cacheflush.start_pfn = 5;
    op.u.cacheflush.nr_pfns = 3;
    host_irq_waiting = true;
    for (u32 i = 1; i < 3; i++) {
        assert_int_equal(domctl(XEN_DOMCTL_cacheflush), -ERESTART);
        assert_int_equal(op.u.cacheflush.start_pfn, 5 + i);
        assert_int_equal(op.u.cacheflush.nr_pfns, 3 - i);
    }
    assert_int_equal(domctl(XEN_DOMCTL_cacheflush), 0);
    host_irq_waiting = false;
}

/* ---- devices ---- */

static void caps_init(struct domain *x)
{
    x->iomem_caps = rangeset_create();
    x->irq_caps = rangeset_create();
}

static void caps_free(struct domain *x)
{
    rangeset_destroy(x->iomem_caps);
    rangeset_destroy(x->irq_caps);
}

static void test_permissions(void **state)
{
    (void)state;
    caps_init(caller->domain);
    caps_init(d);
    op.u.iomem_permission.first_mfn = 0x9000;
    op.u.iomem_permission.nr_mfns = 4;
    op.u.iomem_permission.allow_access = 1;
    assert_int_equal(domctl(XEN_DOMCTL_iomem_permission), -EPERM);
    assert_int_equal(domain_permit_iomem(caller->domain, 0x9000, 0x9003, true), 0);
    assert_int_equal(domctl(XEN_DOMCTL_iomem_permission), 0);
    assert_true(domain_may_iomem(d, 0x9000, 0x9003));
    op.u.iomem_permission.allow_access = 0;
    assert_int_equal(domctl(XEN_DOMCTL_iomem_permission), 0);
    assert_false(domain_may_iomem(d, 0x9000, 0x9000));
    op.u.iomem_permission.nr_mfns = 0;
    assert_int_equal(domctl(XEN_DOMCTL_iomem_permission), -EINVAL);
    op.u.iomem_permission.nr_mfns = ~0UL;
    assert_int_equal(domctl(XEN_DOMCTL_iomem_permission), -EINVAL);
    memset(&op.u, 0, sizeof(op.u));
    op.u.irq_permission.pirq = 40;
    op.u.irq_permission.allow_access = 1;
    assert_int_equal(domctl(XEN_DOMCTL_irq_permission), -EPERM);
    assert_int_equal(domain_permit_irq(caller->domain, 40, true), 0);
    assert_int_equal(domctl(XEN_DOMCTL_irq_permission), 0);
    assert_true(domain_may_irq(d, 40));
    memset(&op.u, 0, sizeof(op.u));
    op.u.bind_pt_irq.machine_irq = 40;
    op.u.bind_pt_irq.irq_type = PT_IRQ_TYPE_SPI;
    op.u.bind_pt_irq.u.spi.spi = 41;
    assert_int_equal(domctl(XEN_DOMCTL_bind_pt_irq), -EINVAL);
    op.u.bind_pt_irq.u.spi.spi = 40;
    assert_int_equal(domctl(XEN_DOMCTL_bind_pt_irq), 0);
    assert_int_equal(host_last("irq_route_to_guest")->a[0], 40);
    assert_int_equal(domctl(XEN_DOMCTL_unbind_pt_irq), 0);
    op.u.bind_pt_irq.machine_irq = op.u.bind_pt_irq.u.spi.spi = 41;
    assert_int_equal(domctl(XEN_DOMCTL_bind_pt_irq), -EPERM);
    op.u.bind_pt_irq.machine_irq = op.u.bind_pt_irq.u.spi.spi = 31;
    assert_int_equal(domctl(XEN_DOMCTL_bind_pt_irq), -EINVAL);
    op.u.bind_pt_irq.irq_type = PT_IRQ_TYPE_PCI;
    assert_int_equal(domctl(XEN_DOMCTL_bind_pt_irq), -ENOSYS);
    caps_free(d);
    caps_free(caller->domain);
}

static void test_memory_mapping(void **state)
{
    struct xen_domctl_memory_mapping *m = &op.u.memory_mapping;
    enum p2m_type t;

    (void)state;
    caps_init(caller->domain);
    caps_init(d);
    spin_lock_init(&d->arch.p2m_lock, RANK_P2M);
    assert_int_equal(p2m_init(d), 0);
    m->first_gfn = 0x22000;
    m->first_mfn = 0x9000;
    m->nr_mfns = 65;
    m->add_mapping = DPCI_ADD_MAPPING;
    assert_int_equal(domctl(XEN_DOMCTL_memory_mapping), -E2BIG);
    m->nr_mfns = 2;
    assert_int_equal(domctl(XEN_DOMCTL_memory_mapping), -EPERM);
    /* Nobody maps for others what he may not have himself. */
    assert_int_equal(domain_permit_iomem(d, 0x9000, 0x9003, true), 0);
    assert_int_equal(domctl(XEN_DOMCTL_memory_mapping), -EPERM);
    m->add_mapping = DPCI_REMOVE_MAPPING;
    assert_int_equal(domctl(XEN_DOMCTL_memory_mapping), -EPERM);
    m->add_mapping = DPCI_ADD_MAPPING;
    assert_int_equal(domain_permit_iomem(d, 0x9000, 0x9003, false), 0);
    assert_int_equal(domain_permit_iomem(caller->domain, 0x9000, 0x9003, true), 0);
    assert_int_equal(domctl(XEN_DOMCTL_memory_mapping), -EPERM);
    assert_int_equal(domain_permit_iomem(d, 0x9000, 0x9003, true), 0);
    assert_int_equal(domctl(XEN_DOMCTL_memory_mapping), 0);
    assert_int_equal(p2m_lookup(d, gfn(0x22001), &t, NULL).m, 0x9001);
    assert_int_equal(t, P2M_MMIO);
    m->add_mapping = DPCI_REMOVE_MAPPING;
    m->first_mfn = 0x9001;               /* not what is there */
    assert_int_equal(domctl(XEN_DOMCTL_memory_mapping), -ENOENT);
    m->first_mfn = 0x9000;
    assert_int_equal(domctl(XEN_DOMCTL_memory_mapping), 0);
    (void)p2m_lookup(d, gfn(0x22001), &t, NULL);
    assert_int_equal(t, P2M_INVALID);
    m->add_mapping = 2;
    assert_int_equal(domctl(XEN_DOMCTL_memory_mapping), -EINVAL);
    m->nr_mfns = 0;
    assert_int_equal(domctl(XEN_DOMCTL_memory_mapping), -EINVAL);
    m->nr_mfns = 2;
    m->first_gfn = ~0UL;
    assert_int_equal(domctl(XEN_DOMCTL_memory_mapping), -EINVAL);
    d->dying = DOMAIN_DYING;
    assert_int_equal(p2m_teardown(d), 0);
    caps_free(d);
    caps_free(caller->domain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        domctl_case(test_setvcpucontext),
        domctl_case(test_setvcpucontext_given_up),
        domctl_case(test_getvcpucontext_of_a_running_vcpu),
        domctl_case(test_getvcpuinfo),
        domctl_case(test_affinity),
        domctl_case(test_memory),
        domctl_case(test_cacheflush_arguments),
        domctl_case(test_permissions),
        domctl_case(test_memory_mapping),
    };

    return cmocka_run_group_tests_name("domctl: vCPUs, memory, devices", tests, NULL, NULL);
}
