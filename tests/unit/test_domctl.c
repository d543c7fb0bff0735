/* SPDX-License-Identifier: MIT */
/* domctl: dispatch, permissions, and each operation's arguments and results. */
/* unit-sources: core/hypercall/domctl/domctl.c core/hypercall/domctl/lifecycle.c core/hypercall/domctl/settings.c */
/* unit-sources: core/hypercall/domctl/vcpu.c core/hypercall/domctl/memory.c core/hypercall/domctl/device.c */
/* unit-sources: core/hypercall/permission.c core/hypercall/bitmap.c core/domain/shutdown.c */
/* unit-sources: core/domain/info.c core/domain/caps.c core/vcpu/vcpu.c core/vcpu/runstate.c */
/* unit-sources: core/sched/runqueue.c core/sched/wake.c core/sched/balance.c core/sched/cap.c core/sched/switch.c */
/* unit-sources: core/sched/pause.c core/sched/cpupool.c core/sched/affinity.c core/sched/control.c */
#include "test_sched_common.h"
#include <argon/irqchip.h>
#include <argon/machine.h>
#include <argon/rangeset.h>

static struct domain_config created;
static int create_rc, kill_rc;
static struct domain *to_create;
static u16 created_id;

int domain_create(struct domain_config *cfg, u16 domid, struct domain **out)
{
    created = *cfg;
    created_id = domid;
    cfg->gic_version = 2;
    *out = to_create;
    return create_rc;
}

int domain_kill(struct domain *d)
{
    host_record("domain_kill", (u64)d, 0, 0, 0);
    return kill_rc;
}

int event_set_global_virq_handler(struct domain *d, u32 virq)
{
    (void)d;
    return virq == VIRQ_CONSOLE ? 0 : -EINVAL;
}

int irq_route_to_guest(u32 host_irq, struct domain *d, u32 vintid)
{
    host_record("irq_route_to_guest", host_irq, (u64)d, vintid, 0);
    return 0;
}

int irq_release_from_guest(u32 host_irq, struct domain *d)
{
    host_record("irq_release_from_guest", host_irq, (u64)d, 0, 0);
    return 0;
}

void wallclock_get(u64 *secs, u32 *nsecs)
{
    *secs = 1000;
    *nsecs = 0;
}

bool vgic_irq_deliverable(struct vcpu *v)
{
    (void)v;
    return false;
}

int arch_set_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
    v->arch.regs.pc = c->user_regs.pc64;
    return (c->user_regs.cpsr & 0x1f) == 9 ? -EINVAL : 0;
}

void arch_get_context(struct vcpu *v, struct vcpu_guest_context *c)
{
    c->user_regs.pc64 = v->arch.regs.pc;
}

static struct vcpu *caller;
static struct domain *d;
static struct xen_domctl op;
static u64 op_gva;

static int setup(void **state)
{
    (void)state;
    sched_machine(2, "credit2");
    caller = unit_domain(0, 1)->vcpu[0];
    caller->domain->target = DOMID_INVALID;
    unit_set_current(caller);
    d = sched_domain(1, 2);
    d->target = DOMID_INVALID;
    d->shared_info_gfn = INVALID_GFN;
    d->shutdown_code = ~0U;
    d->page_list = PAGE_NIL;
    spin_lock_init(&d->page_lock, RANK_PAGE_LIST);
    spin_lock_init(&d->domctl_lock, RANK_DOMCTL);
    pin_all(d, 1);
    memset(&op, 0, sizeof(op));
    op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op.domain = 1;
    op_gva = unit_guest_alloc(caller->domain, PAGE_SIZE);
    create_rc = kill_rc = 0;
    machine.nr_nodes = 1;
    return 0;
}
#define domctl_case(fn) cmocka_unit_test_setup_teardown(fn, setup, sched_teardown)

/* The operation as it is in `op` goes to the guest's buffer and comes back from it. */
static long domctl(u32 cmd)
{
    void *p = unit_guest_ptr(caller->domain, op_gva);
    long rc;

    op.cmd = cmd;
    memcpy(p, &op, sizeof(op));
    rc = do_domctl(caller, (u64[6]){ op_gva });
    memcpy(&op, p, sizeof(op));
    return rc;
}

static u64 put(const void *data, size_t n)
{
    return unit_guest_put(caller->domain, data, n);
}

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
    other = unit_domain(5, 1);
    other->target = DOMID_INVALID;
    caller = other->vcpu[0];
    unit_set_current(caller);
    op_gva = unit_guest_alloc(other, PAGE_SIZE);
    for (u32 cmd = 0; cmd < 100; cmd++) {
        assert_int_equal(domctl(cmd), -EPERM);
    }
    /* The xenstore domain may look; a device model may map for its own domain only. */
    other->creation_flags = XEN_DOMCTL_CDF_xs_domain;
    assert_int_equal(domctl(XEN_DOMCTL_getdomaininfo), 0);
    other->target = 1;
    memset(&op.u, 0, sizeof(op.u));
    assert_int_equal(domctl(XEN_DOMCTL_memory_mapping), -EINVAL);
    op.domain = 0;
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
    assert_int_equal(d->node_affinity, 1);
    *(u8 *)unit_guest_ptr(caller->domain, op.u.nodeaffinity.nodemap.bitmap.q) = 0xee;
    assert_int_equal(domctl(XEN_DOMCTL_getnodeaffinity), 0);
    assert_int_equal(*(u8 *)unit_guest_ptr(caller->domain, op.u.nodeaffinity.nodemap.bitmap.q), 1);
    *(u8 *)unit_guest_ptr(caller->domain, op.u.nodeaffinity.nodemap.bitmap.q) = 2;
    assert_int_equal(domctl(XEN_DOMCTL_setnodeaffinity), -EINVAL);
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
        domctl_case(test_versions_and_numbers),
        domctl_case(test_only_dom0),
        domctl_case(test_locked_by_another),
        domctl_case(test_not_for_the_dying),
        domctl_case(test_createdomain),
        domctl_case(test_createdomain_refuses),
        domctl_case(test_pause_unpause_destroy),
        domctl_case(test_getdomaininfo),
        domctl_case(test_max_vcpus),
        domctl_case(test_settings),
        domctl_case(test_address_size),
        domctl_case(test_scheduler_op),
        domctl_case(test_setvcpucontext),
        domctl_case(test_getvcpucontext_of_a_running_vcpu),
        domctl_case(test_getvcpuinfo),
        domctl_case(test_affinity),
        domctl_case(test_memory),
        domctl_case(test_cacheflush_arguments),
        domctl_case(test_permissions),
        domctl_case(test_memory_mapping),
    };

    return cmocka_run_group_tests_name("domctl", tests, NULL, NULL);
}
