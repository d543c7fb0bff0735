/* SPDX-License-Identifier: MIT */
/* domctl: dispatch, permissions, a domain's life and settings. */
/* unit-sources: core/hypercall/domctl/domctl.c core/hypercall/domctl/lifecycle.c core/hypercall/domctl/settings.c */
/* unit-sources: core/hypercall/domctl/vcpu.c core/hypercall/domctl/memory.c core/hypercall/domctl/device.c */
/* unit-sources: core/hypercall/bitmap.c core/domain/shutdown.c */
/* unit-sources: core/domain/info.c core/domain/caps.c core/vcpu/vcpu.c core/vcpu/runstate.c */
/* unit-sources: core/domain/nodes.c */
/* unit-sources: core/sched/runqueue.c core/sched/wake.c core/sched/balance.c core/sched/cap.c core/sched/switch.c */
/* unit-sources: core/sched/pause.c core/sched/cpupool.c core/sched/affinity.c core/sched/control.c core/sched/fair.c */
/* unit-sources: core/sched/credit.c core/sched/null.c */
#include "test_domctl_common.h"

/* ---- dispatch ---- */

static void test_versions_and_numbers(void **state)
{
    static const u32 unsupported[] = { 0, 6, 10, 21, 22, 28, 33, 34, 36, 40, 55, 56, 61, 64, 74, 77, 87, 1000, ~0U };

    (void)state;
    op.interface_version = 0x16;
    assert_int_equal(domctl(XEN_DOMCTL_getdomaininfo), -EACCES);
    op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    for (u32 i = 0; i < ARRAY_SIZE(unsupported); i++) {
        assert_int_equal(domctl(unsupported[i]), -ENOSYS);
    }
    assert_int_equal(do_domctl(caller, (u64[6]){ 0xdead000 }), -EFAULT);
    op.domain = 77;
    assert_int_equal(domctl(XEN_DOMCTL_pausedomain), -ESRCH);
    op.domain = DOMID_SELF;
    assert_int_equal(domctl(XEN_DOMCTL_max_mem), -ESRCH);
}

static void test_only_dom0(void **state)
{
    struct domain *other;

    (void)state;
    unit_set_current(pcpus[0]->idle);
    ctl_caller(5);
    other = caller->domain;
    for (u32 cmd = 0; cmd < 100; cmd++) {
        assert_int_equal(domctl(cmd), -EPERM);
    }
    /* The xenstore domain may look; a device model may map for its own domain only. */
    other->creation_flags = XEN_DOMCTL_CDF_xs_domain;
    assert_int_equal(domctl(XEN_DOMCTL_getdomaininfo), 0);
    other->target = domain_lookup(1)->serial;
    memset(&op.u, 0, sizeof(op.u));
    assert_int_equal(domctl(XEN_DOMCTL_memory_mapping), -EINVAL);
    op.domain = 0;
    assert_int_equal(domctl(XEN_DOMCTL_memory_mapping), -EPERM);
}

/* The right to act for a domain goes with it: not to the next one of its id. */
static void test_target_gone(void **state)
{
    (void)state;
    unit_set_current(pcpus[0]->idle);
    ctl_caller(5);
    unit_domain(7, 1);
    caller->domain->target = domain_lookup(7)->serial;
    op.domain = 7;
    memset(&op.u, 0, sizeof(op.u));
    assert_int_equal(domctl(XEN_DOMCTL_memory_mapping), -EINVAL);
    unit_domain_free(domain_lookup(7));
    unit_domain(7, 1);
    assert_int_equal(domctl(XEN_DOMCTL_memory_mapping), -EPERM);
}

static void test_locked_by_another(void **state)
{
    (void)state;
    assert_true(spin_trylock(&d->domctl_lock));
    assert_int_equal(domctl(XEN_DOMCTL_max_mem), -ERESTART);
    assert_int_equal(domctl(XEN_DOMCTL_getvcpuinfo), 0);
    spin_unlock(&d->domctl_lock);
    assert_int_equal(domctl(XEN_DOMCTL_max_mem), 0);
}

/* A lock that seems to be taken and is not: the guest is sent round once more, and nothing has been done by then. */
static void test_trylock_fails_for_no_reason(void **state)
{
    (void)state;
    op.u.max_mem.max_memkb = 4096;
    host_exclusive_fail_in = 1;
    assert_int_equal(domctl(XEN_DOMCTL_max_mem), -ERESTART);
    assert_int_equal(host_exclusive_fail_in, 0);
    assert_int_not_equal(d->max_pages, 1024);
    assert_int_equal(domctl(XEN_DOMCTL_max_mem), 0);
    assert_int_equal(d->max_pages, 1024);
    /* One that keeps its progress in the arguments: none yet. */
    op.u.cacheflush = (struct xen_domctl_cacheflush){ .start_pfn = 5, .nr_pfns = 3 };
    host_exclusive_fail_in = 1;
    assert_int_equal(domctl(XEN_DOMCTL_cacheflush), -ERESTART);
    assert_int_equal(op.u.cacheflush.start_pfn, 5);
    assert_int_equal(op.u.cacheflush.nr_pfns, 3);
    assert_int_equal(domctl(XEN_DOMCTL_cacheflush), 0);
}

static void test_not_for_the_dying(void **state)
{
    (void)state;
    d->dying = DOMAIN_DYING;
    assert_int_equal(domctl(XEN_DOMCTL_max_vcpus), -EINVAL);
    assert_int_equal(domctl(XEN_DOMCTL_bind_pt_irq), -EINVAL);
    assert_int_equal(domctl(XEN_DOMCTL_setvcpucontext), -EINVAL);
    assert_int_equal(domctl(XEN_DOMCTL_getdomaininfo), 0);
    assert_int_equal(domctl(XEN_DOMCTL_destroydomain), 0);
    d->dying = DOMAIN_ALIVE;
}

/* ---- lifecycle ---- */

static void good_config(void)
{
    struct xen_domctl_createdomain *c = &op.u.createdomain;

    memset(&op.u, 0, sizeof(op.u));
    c->ssidref = 12;
    c->flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
    c->max_vcpus = 2;
    c->max_evtchn_port = 1023;
    c->max_grant_frames = -1;
    c->max_maptrack_frames = -1;
    c->grant_opts = 1;
    c->handle[0] = 0xd4;
    op.domain = 0xffff;
}

static void test_createdomain(void **state)
{
    (void)state;
    to_create = d;
    good_config();
    assert_int_equal(domctl(XEN_DOMCTL_createdomain), 0);
    assert_int_equal(op.domain, 1);
    assert_int_equal(op.u.createdomain.arch.gic_version, 2);
    assert_int_equal(op.u.createdomain.arch.clock_frequency, 0);
    assert_int_equal(created_id, 0xffff);
    assert_int_equal(created.max_evtchn_port, 1023);
    assert_int_equal(created.max_grant_version, 1);
    assert_int_equal(created.max_grant_frames, -1);
    assert_int_equal(created.handle[0], 0xd4);
    assert_false(created.privileged);
    good_config();
    op.domain = 0;
    assert_int_equal(domctl(XEN_DOMCTL_createdomain), 0);
    assert_int_equal(created_id, 0xffff);
    good_config();
    op.domain = 9;
    create_rc = -EEXIST;
    assert_int_equal(domctl(XEN_DOMCTL_createdomain), -EEXIST);
    assert_int_equal(created_id, 9);
}

#define BAD_CONFIG(change) do { good_config(); op.u.createdomain.change; \
    assert_int_equal(domctl(XEN_DOMCTL_createdomain), -EINVAL); } while (0)

static void test_createdomain_refuses(void **state)
{
    (void)state;
    BAD_CONFIG(flags = 0);
    BAD_CONFIG(flags = XEN_DOMCTL_CDF_hvm);
    BAD_CONFIG(flags |= XEN_DOMCTL_CDF_iommu);
    BAD_CONFIG(flags |= XEN_DOMCTL_CDF_vpmu);
    BAD_CONFIG(flags |= XEN_DOMCTL_CDF_nested_virt);
    BAD_CONFIG(flags |= 1U << 31);
    BAD_CONFIG(iommu_opts = 1);
    BAD_CONFIG(grant_opts = 0);
    BAD_CONFIG(grant_opts = 3);
    BAD_CONFIG(grant_opts = 0x11);
    BAD_CONFIG(vmtrace_size = 4096);
    BAD_CONFIG(arch.tee_type = 1);
    BAD_CONFIG(max_vcpus = 0);
    BAD_CONFIG(max_vcpus = MAX_VCPUS + 1);
}

static void test_pause_unpause_destroy(void **state)
{
    (void)state;
    assert_int_equal(domctl(XEN_DOMCTL_unpausedomain), -EINVAL);
    assert_int_equal(domctl(XEN_DOMCTL_pausedomain), 0);
    assert_int_equal(d->pause_count, 1);
    assert_int_equal(domctl(XEN_DOMCTL_unpausedomain), 0);
    assert_int_equal(d->pause_count, 0);
    kill_rc = -ERESTART;
    assert_int_equal(domctl(XEN_DOMCTL_destroydomain), -ERESTART);
    kill_rc = 0;
    assert_int_equal(domctl(XEN_DOMCTL_destroydomain), 0);
    op.domain = 0;
    assert_int_equal(domctl(XEN_DOMCTL_destroydomain), -EINVAL);
    assert_int_equal(domctl(XEN_DOMCTL_pausedomain), -EINVAL);
    assert_int_equal(domctl(XEN_DOMCTL_resumedomain), -EINVAL);
    assert_int_equal(host_calls("domain_kill"), 2);
}

static void test_getdomaininfo(void **state)
{
    (void)state;
    d->tot_pages = 0x10004;
    d->max_pages = 0x10100;
    memset(&op.u, 0xff, sizeof(op.u));
    assert_int_equal(domctl(XEN_DOMCTL_getdomaininfo), 0);
    assert_int_equal(op.u.getdomaininfo.tot_pages, 0x10004);
    assert_int_equal(op.u.getdomaininfo.max_vcpu_id, 1);
    assert_int_equal(op.u.getdomaininfo.shr_pages, 0);
    assert_int_equal(op.u.getdomaininfo.outstanding_pages, 0);
    assert_int_equal(op.u.getdomaininfo.arch_config.nr_spis, 0);
    sched_domain_without_vcpus(40, 1);
    op.domain = 2;                       /* the next that exists */
    assert_int_equal(domctl(XEN_DOMCTL_getdomaininfo), 0);
    assert_int_equal(op.domain, 40);
    assert_int_equal(op.u.getdomaininfo.domain, 40);
    op.domain = 41;
    assert_int_equal(domctl(XEN_DOMCTL_getdomaininfo), -ESRCH);
    d->tot_pages = 0;
}

static void test_max_vcpus(void **state)
{
    struct domain *n = sched_domain_without_vcpus(2, 3);

    (void)state;
    spin_lock_init(&n->domctl_lock, RANK_DOMCTL);
    op.domain = 2;
    op.u.max_vcpus.max = 2;
    assert_int_equal(domctl(XEN_DOMCTL_max_vcpus), -EINVAL);
    op.u.max_vcpus.max = 3;
    unit_preempt_after = 0;
    assert_int_equal(domctl(XEN_DOMCTL_max_vcpus), -ERESTART);
    assert_non_null(n->vcpu[0]);
    assert_null(n->vcpu[1]);
    assert_int_equal(domctl(XEN_DOMCTL_max_vcpus), 0);
    assert_non_null(n->vcpu[2]);
    assert_int_equal(domctl(XEN_DOMCTL_max_vcpus), 0);
}

/* ---- settings ---- */

static void test_settings(void **state)
{
    (void)state;
    memset(op.u.setdomainhandle.handle, 7, 16);
    assert_int_equal(domctl(XEN_DOMCTL_setdomainhandle), 0);
    assert_int_equal(d->handle[15], 7);
    op.u.settimeoffset.time_offset_seconds = -5;
    assert_int_equal(domctl(XEN_DOMCTL_settimeoffset), 0);
    assert_int_equal(d->time_offset, -5);
    assert_int_equal(d->shared_info->wc_sec, 995);
    op.u.setdebugging.enable = 3;
    assert_int_equal(domctl(XEN_DOMCTL_setdebugging), 0);
    assert_true(d->debugger_attached);
    op.u.subscribe.port = 6;
    assert_int_equal(domctl(XEN_DOMCTL_subscribe), 0);
    assert_int_equal(d->suspend_port, 6);
    op.u.set_virq_handler.virq = VIRQ_CONSOLE;
    assert_int_equal(domctl(XEN_DOMCTL_set_virq_handler), 0);
    op.u.set_virq_handler.virq = VIRQ_TIMER;
    assert_int_equal(domctl(XEN_DOMCTL_set_virq_handler), -EINVAL);
    op.u.set_target.target = 9;
    assert_int_equal(domctl(XEN_DOMCTL_set_target), -ESRCH);
    op.u.set_target.target = 1;
    assert_int_equal(domctl(XEN_DOMCTL_set_target), -EINVAL);
    op.u.set_target.target = 0;
    assert_int_equal(domctl(XEN_DOMCTL_set_target), 0);
    assert_int_equal(domctl(XEN_DOMCTL_set_target), -EINVAL);
    assert_int_equal(domctl(XEN_DOMCTL_vuart_op), -EOPNOTSUPP);
    d->was_unpaused = true;
    assert_int_equal(domctl(XEN_DOMCTL_vuart_op), -EPERM);
    assert_int_equal(domctl(XEN_DOMCTL_soft_reset), -EINVAL);
    assert_int_equal(domctl(XEN_DOMCTL_assign_device), -ENODEV);
    assert_int_equal(domctl(XEN_DOMCTL_test_assign_device), -ENODEV);
    assert_int_equal(domctl(XEN_DOMCTL_deassign_device), -ENODEV);
    op.domain = DOMID_INVALID;
    assert_int_equal(domctl(XEN_DOMCTL_test_assign_device), -ENODEV);
}

static void test_address_size(void **state)
{
    (void)state;
    op.u.address_size.size = 64;
    assert_int_equal(domctl(XEN_DOMCTL_set_address_size), 0);
    op.u.address_size.size = 32;
    assert_int_equal(domctl(XEN_DOMCTL_set_address_size), -EINVAL);  /* the host hook has no AArch32 */
    op.u.address_size.size = 48;
    assert_int_equal(domctl(XEN_DOMCTL_set_address_size), -EINVAL);
    d->tot_pages = 1;
    op.u.address_size.size = 64;
    assert_int_equal(domctl(XEN_DOMCTL_set_address_size), -EBUSY);
    d->tot_pages = 0;
}

static void test_scheduler_op(void **state)
{
    (void)state;
    op.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
    op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_getinfo;
    assert_int_equal(domctl(XEN_DOMCTL_scheduler_op), 0);
    assert_int_equal(op.u.scheduler_op.u.credit2.weight, 256);
    op.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT;
    assert_int_equal(domctl(XEN_DOMCTL_scheduler_op), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        domctl_case(test_versions_and_numbers),
        domctl_case(test_only_dom0),
        domctl_case(test_target_gone),
        domctl_case(test_locked_by_another),
        domctl_case(test_trylock_fails_for_no_reason),
        domctl_case(test_not_for_the_dying),
        domctl_case(test_createdomain),
        domctl_case(test_createdomain_refuses),
        domctl_case(test_pause_unpause_destroy),
        domctl_case(test_getdomaininfo),
        domctl_case(test_max_vcpus),
        domctl_case(test_settings),
        domctl_case(test_address_size),
        domctl_case(test_scheduler_op),
    };

    return cmocka_run_group_tests_name("domctl", tests, NULL, NULL);
}
