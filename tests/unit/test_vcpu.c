/* SPDX-License-Identifier: MIT */
/* vCPUs: creation, vcpu_info, runstate times and the guest's copy. */
/* unit-sources: core/vcpu/vcpu.c core/vcpu/runstate.c core/vcpu/info.c core/hypercall/vcpu_op.c */
/* unit-sources: core/domain/nodes.c */
/* unit-sources: core/hypercall/vm_assist.c */
#include "unit.h"

static int event_init_rc, arch_create_rc;
static u32 resyncs;

int event_init_vcpu(struct vcpu *v)
{
    (void)v;
    return event_init_rc;
}

int arch_vcpu_create(struct vcpu *v)
{
    (void)v;
    return arch_create_rc;
}

void event_resync_vcpu(struct vcpu *v)
{
    resyncs++;
    v->info->evtchn_pending_sel = ~0UL;
    v->info->evtchn_upcall_pending = 1;
}

void sched_init_vcpu(struct vcpu *v)
{
    v->cpu = 0;
}

void sched_vcpu_published(struct vcpu *v)
{
    assert_ptr_equal(v->domain->vcpu[v->id], v);
}

void sched_destroy_vcpu(struct vcpu *v)
{
    (void)v;
}

bool vgic_irq_deliverable(struct vcpu *v)
{
    (void)v;
    return false;
}

void debug_dump_vcpu(struct vcpu *v)
{
    host_record(__func__, (u64)v, 0, 0, 0);
}

bool vcpu_is_descheduled(const struct vcpu *v)
{
    return !v->sched.running;
}

static void test_create(void **state)
{
    struct domain *d = unit_domain(1, 2);
    struct vcpu *v = d->vcpu[1];
    u64 before;

    (void)state;
    assert_int_equal(vcpu_create(d, 2), -EINVAL);
    assert_int_equal(vcpu_create(d, 1), -EEXIST);
    d->vcpu[1] = NULL;
    before = unit_allocs();
    event_init_rc = -ENOMEM;
    assert_int_equal(vcpu_create(d, 1), -ENOMEM);
    event_init_rc = 0;
    arch_create_rc = -ENOMEM;
    assert_int_equal(vcpu_create(d, 1), -ENOMEM);
    arch_create_rc = 0;
    unit_alloc_fail_after = 0;
    assert_int_equal(vcpu_create(d, 1), -ENOMEM);
    unit_alloc_fail_after = ~0UL;
    assert_null(d->vcpu[1]);
    assert_int_equal(unit_allocs(), before);
    d->shutting_down = true;
    assert_int_equal(vcpu_create(d, 1), 0);
    assert_int_equal(d->vcpu[1]->pause_flags, VPF_DOWN | VPF_SHUTDOWN);
    assert_false(d->vcpu[1]->initialised);
    assert_ptr_equal(d->vcpu[1]->info, &d->vcpu[1]->dummy_info);
    xfree(d->vcpu[1]);
    d->vcpu[1] = v;
}

/* ---- vcpu_op ---- */

static long vcpu_op(struct vcpu *v, u64 cmd, u64 id, u64 gva)
{
    u64 args[6] = { cmd, id, gva };

    return do_vcpu_op(v, args);
}

static long register_at(struct vcpu *v, u32 id, u64 gpa, u32 offset)
{
    struct vcpu_register_vcpu_info r = { .mfn = gpa >> PAGE_SHIFT, .offset = offset };

    return vcpu_op(v, VCPUOP_register_vcpu_info, id, unit_guest_put(v->domain, &r, sizeof(r)));
}

static void test_register_info(void **state)
{
    struct domain *d = unit_domain(1, 1);
    struct vcpu *v = d->vcpu[0];
    u64 gpa = unit_guest_alloc(d, PAGE_SIZE);
    struct vcpu_info *place = (struct vcpu_info *)((char *)unit_guest_ptr(d, gpa) + 512);

    (void)state;
    unit_set_current(v);
    v->info->evtchn_pending_sel = 0x80;
    v->info->time.system_time = 77;
    assert_int_equal(register_at(v, 0, gpa, PAGE_SIZE - 40), -ENXIO);
    assert_int_equal(register_at(v, 0, gpa, 4), -ENXIO);
    assert_int_equal(register_at(v, 0, 0x1000, 0), -EINVAL);
    assert_int_equal(register_at(v, 0, ~0UL, 0), -EINVAL);
    /* Not in a page that is shared with the hypervisor: what is held there is not counted as the guest's memory. */
    assert_int_equal(p2m_map(d, gfn(0x77), virt_to_mfn(d->shared_info), 1, P2M_RAM_RW), 0);
    assert_int_equal(register_at(v, 0, 0x77000, 512), -EINVAL);
    assert_int_equal(virt_to_page(d->shared_info)->count, 1);
    assert_int_equal(register_at(v, 0, gpa, 512), 0);
    assert_ptr_equal(v->info, place);
    assert_int_equal(place->time.system_time, 77);
    assert_int_equal(place->evtchn_pending_sel, ~0UL);
    assert_int_equal(place->evtchn_upcall_pending, 1);
    assert_int_equal(resyncs, 1);
    assert_int_equal(virt_to_page(place)->count, 2);
    assert_int_equal(register_at(v, 0, gpa, 0), -EINVAL);
    assert_int_equal(virt_to_page(place)->count, 2);
    vcpu_unregister_info(v);
    assert_int_equal(virt_to_page(place)->count, 1);
    v->info = &d->shared_info->vcpu_info[0];
}

static void test_register_info_of_another_vcpu(void **state)
{
    struct domain *d = unit_domain(1, 2);
    struct vcpu_info *old = d->vcpu[1]->info;
    u64 gpa = unit_guest_alloc(d, PAGE_SIZE);

    (void)state;
    unit_set_current(d->vcpu[0]);
    assert_int_equal(register_at(d->vcpu[0], 1, gpa, 0), -EINVAL);
    assert_int_equal(register_at(d->vcpu[0], 2, gpa, 0), -ENOENT);
    d->vcpu[1]->pause_flags = VPF_DOWN;
    assert_int_equal(register_at(d->vcpu[0], 1, gpa, 0), 0);
    vcpu_unregister_info(d->vcpu[1]);
    d->vcpu[1]->info = old;
    d->dying = DOMAIN_DYING;
    assert_int_equal(vcpu_register_info(d->vcpu[1], gpa_to_gfn(gpa), 0), -EINVAL);
    d->dying = DOMAIN_ALIVE;
}

static void test_errors_of_vcpu_op(void **state)
{
    struct domain *d = unit_domain(1, 1);

    (void)state;
    unit_set_current(d->vcpu[0]);
    assert_int_equal(vcpu_op(d->vcpu[0], VCPUOP_up, 0, 0), -EINVAL);
    assert_int_equal(vcpu_op(d->vcpu[0], 99, 0, 0), -EINVAL);
    assert_int_equal(vcpu_op(d->vcpu[0], VCPUOP_register_vcpu_info, 1, 0), -ENOENT);
    assert_int_equal(vcpu_op(d->vcpu[0], VCPUOP_register_vcpu_info, ~0UL, 0), -ENOENT);
    assert_int_equal(vcpu_op(d->vcpu[0], VCPUOP_register_vcpu_info, 0, 0xdead000), -EFAULT);
    assert_int_equal(vcpu_op(d->vcpu[0], VCPUOP_register_runstate_memory_area, 0, 0xdead000), -EFAULT);
}

/* ---- runstate ---- */

static void test_runstate_times(void **state)
{
    struct domain *d = unit_domain(1, 1);
    struct vcpu *v = d->vcpu[0];
    struct vcpu_runstate_info info;

    (void)state;
    v->runstate.state = RUNSTATE_offline;
    vcpu_runstate_change(v, RUNSTATE_runnable, 100);
    vcpu_runstate_change(v, RUNSTATE_running, 150);
    vcpu_runstate_change(v, RUNSTATE_blocked, 450);
    vcpu_runstate_change(v, RUNSTATE_runnable, 1000);
    info = v->runstate;
    assert_int_equal(info.state, RUNSTATE_runnable);
    assert_int_equal(info.time[RUNSTATE_offline], 100);
    assert_int_equal(info.time[RUNSTATE_runnable], 50);
    assert_int_equal(info.time[RUNSTATE_running], 300);
    assert_int_equal(info.time[RUNSTATE_blocked], 550);
}

static u32 page_refs(struct domain *d, u64 gpa)
{
    enum p2m_type t;
    mfn_t m = p2m_lookup(d, gpa_to_gfn(gpa), &t, NULL);

    return (u32)mfn_to_page(m)->word;
}

static void test_runstate_area(void **state)
{
    struct domain *d = unit_domain(1, 1);
    struct vcpu *v = d->vcpu[0];
    u64 gpa = unit_guest_alloc(d, PAGE_SIZE);
    struct vcpu_register_runstate_memory_area area = { .addr.p = gpa + 8 };
    struct vcpu_runstate_info *copy = (struct vcpu_runstate_info *)((char *)unit_guest_ptr(d, gpa) + 8);
    u64 args[6] = { VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag };
    u32 refs = page_refs(d, gpa);

    (void)state;
    unit_set_current(v);
    d->created_ns = 40;
    vcpu_runstate_change(v, RUNSTATE_running, 100);
    v->runstate.time[RUNSTATE_blocked] = 7;
    assert_int_equal(vcpu_op(v, VCPUOP_register_runstate_memory_area, 0, unit_guest_put(d, &area, sizeof(area))), 0);
    assert_int_equal(copy->state, RUNSTATE_running);
    assert_int_equal(copy->state_entry_time, 60);
    assert_int_equal(copy->time[RUNSTATE_blocked], 7);
    assert_int_equal(do_vm_assist(v, args), 0);
    vcpu_runstate_change(v, RUNSTATE_running, 300);
    vcpu_runstate_publish(v);
    assert_int_equal(copy->state_entry_time, 260);
    assert_int_equal(copy->time[RUNSTATE_running], 300);
    assert_int_equal(copy->time[RUNSTATE_blocked], 7);
    /* Last in the page: nothing behind it is touched, and the page's reference is given back. */
    v->runstate_gva = gpa + PAGE_SIZE - sizeof(*copy);
    vcpu_runstate_publish(v);
    copy = (struct vcpu_runstate_info *)((char *)unit_guest_ptr(d, gpa) + PAGE_SIZE) - 1;
    assert_int_equal(copy->time[RUNSTATE_running], 300);
    assert_int_equal(copy->state_entry_time, 260);
    assert_int_equal(page_refs(d, gpa), refs);
}

/* Across two pages, and at an odd address. */
static void test_runstate_area_by_copies(void **state)
{
    struct domain *d = unit_domain(1, 1);
    struct vcpu *v = d->vcpu[0];
    u64 gpa = unit_guest_alloc(d, 2 * PAGE_SIZE);
    const u64 at[] = { gpa + PAGE_SIZE - 24, gpa + 12 };

    (void)state;
    unit_set_current(v);
    d->vm_assist = BIT32(VMASST_TYPE_runstate_update_flag);
    vcpu_runstate_change(v, RUNSTATE_running, 300);
    for (u32 i = 0; i < ARRAY_SIZE(at); i++) {
        struct vcpu_runstate_info copy;

        v->runstate_gva = at[i];
        /* Flag, contents, final time: after the second of these copies the flag is still there. */
        host_access_fail_after = 2;
        vcpu_runstate_publish(v);
        host_access_fail_after = ~0UL;
        assert_int_equal(copy_from_gpa(d, &copy, at[i], sizeof(copy)), 0);
        assert_int_equal(copy.state_entry_time, 300 | XEN_RUNSTATE_UPDATE);
        vcpu_runstate_publish(v);
        assert_int_equal(copy_from_gpa(d, &copy, at[i], sizeof(copy)), 0);
        assert_int_equal(copy.state_entry_time, 300);
        assert_int_equal(copy.state, RUNSTATE_running);
    }
}

static void test_runstate_area_not_mapped(void **state)
{
    struct domain *d = unit_domain(1, 1);
    struct vcpu *v = d->vcpu[0];
    struct vcpu_register_runstate_memory_area area = { .addr.p = 0xdead000 };

    (void)state;
    unit_set_current(v);
    assert_int_equal(vcpu_op(v, VCPUOP_register_runstate_memory_area, 0, unit_guest_put(d, &area, sizeof(area))), 0);
    assert_int_equal(v->runstate_gva, 0xdead000);
    vcpu_runstate_publish(v);
}

static void test_vm_assist(void **state)
{
    struct domain *d = unit_domain(1, 1);
    u64 args[6] = { VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag };

    (void)state;
    assert_int_equal(do_vm_assist(d->vcpu[0], args), 0);
    assert_int_equal(d->vm_assist, 1U << 5);
    args[0] = VMASST_CMD_disable;
    assert_int_equal(do_vm_assist(d->vcpu[0], args), 0);
    assert_int_equal(d->vm_assist, 0);
    args[0] = 2;
    assert_int_equal(do_vm_assist(d->vcpu[0], args), -ENOSYS);
    for (u64 type = 0; type < 64; type++) {
        args[0] = VMASST_CMD_enable;
        args[1] = type;
        assert_int_equal(do_vm_assist(d->vcpu[0], args), type == 5 ? 0 : -EINVAL);
    }
    args[1] = 1UL << 32 | 5;
    assert_int_equal(do_vm_assist(d->vcpu[0], args), -EINVAL);
}

/* Registers are printed where all of them are in memory: at once of a vCPU off the CPUs, else on its next exit. */
static void test_dump(void **state)
{
    struct domain *d = unit_domain(1, 3);
    struct vcpu *here = d->vcpu[0], *there = d->vcpu[1], *off = d->vcpu[2];

    (void)state;
    unit_set_current(here);
    here->sched.running = there->sched.running = true;
    there->cpu = cpu_id() + 1;
    vcpu_dump(off);
    assert_int_equal(host_calls("debug_dump_vcpu"), 1);
    assert_ptr_equal(host_last("debug_dump_vcpu")->a[0], off);
    assert_int_equal(off->pending, 0);
    vcpu_dump(here);
    assert_int_equal(here->pending, PEND_DUMP);
    assert_int_equal(host_calls("smp_kick"), 0);
    vcpu_dump(there);
    assert_int_equal(there->pending, PEND_DUMP);
    assert_int_equal(host_calls("smp_kick"), 1);
    assert_int_equal(host_last("smp_kick")->a[0], there->cpu);
    assert_int_equal(host_calls("debug_dump_vcpu"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_case(test_create),
        unit_case(test_register_info),
        unit_case(test_register_info_of_another_vcpu),
        unit_case(test_errors_of_vcpu_op),
        unit_case(test_runstate_times),
        unit_case(test_runstate_area),
        unit_case(test_runstate_area_by_copies),
        unit_case(test_runstate_area_not_mapped),
        unit_case(test_vm_assist),
        unit_case(test_dump),
    };

    return cmocka_run_group_tests_name("vcpu", tests, NULL, NULL);
}
