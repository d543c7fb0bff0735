/* SPDX-License-Identifier: MIT */
/* Domains: ids and lookup, creation and its failures, destruction to the last page, shutdown, pause, figures. */
/* unit-sources: core/domain/table.c core/domain/domain.c core/domain/destroy.c core/domain/shutdown.c */
/* unit-sources: core/domain/info.c core/domain/caps.c core/vcpu/vcpu.c core/vcpu/runstate.c core/vcpu/info.c */
/* unit-sources: core/hypercall/bitmap.c */
/* unit-sources: core/sched/runqueue.c core/sched/wake.c core/sched/balance.c core/sched/cap.c core/sched/switch.c */
/* unit-sources: core/sched/pause.c core/sched/cpupool.c core/sched/affinity.c core/sched/control.c */
/* unit-sources: core/mem/range.c core/mem/buddy.c core/mem/frames.c core/mem/heap.c core/mem/page.c core/mem/stats.c */
/* unit-sources: core/mem/physmap.c core/mem/lazy.c core/mem/scrub.c */
#include "unit.h"
#include "support.h"
#include <argon/grant.h>
#include <argon/param.h>
#include <argon/smp.h>
#include "core/sched/internal.h"

/* ---- the parts that are not linked ---- */
static int event_init_rc, grant_init_rc, arch_create_rc;
static u32 event_destroys, event_frees, grant_destroys, restarts_left;

int event_init(struct domain *d, u32 max_port)
{
    (void)d;
    (void)max_port;
    return event_init_rc;
}

int event_init_vcpu(struct vcpu *v)
{
    (void)v;
    return 0;
}

int event_destroy(struct domain *d)
{
    (void)d;
    if (restarts_left > 0) {
        restarts_left--;
        return -ERESTART;
    }
    event_destroys++;
    return 0;
}

void event_free(struct domain *d)
{
    (void)d;
    event_frees++;
}

void event_resync_vcpu(struct vcpu *v)
{
    v->info->evtchn_pending_sel = ~0UL;
    v->info->evtchn_upcall_pending = 1;
}

int grant_init(struct domain *d, u32 max_frames, u32 max_maptrack_frames, u32 max_version)
{
    host_record("grant_init", max_frames, max_maptrack_frames, max_version, d->id);
    return grant_init_rc;
}

int grant_release_mappings(struct domain *d)
{
    (void)d;
    return 0;
}

void grant_destroy(struct domain *d)
{
    (void)d;
    grant_destroys++;
}

int arch_domain_create(struct domain *d, struct domain_config *cfg)
{
    cfg->gic_version = 2;
    return arch_create_rc != 0 ? arch_create_rc : p2m_init(d);
}

bool vgic_irq_deliverable(struct vcpu *v)
{
    (void)v;
    return false;
}

void smp_stop_others(void)
{
    host_record("smp_stop_others", 0, 0, 0, 0);
}

void vtimer_destroy_vcpu(struct vcpu *v)
{
    (void)v;
}

void wallclock_get(u64 *secs, u32 *nsecs)
{
    *secs = 1700000000;
    *nsecs = 900000000;
}

/* ---- a machine and domains ---- */
static struct domain_config config;
static u64 free_at_start;

static u64 free_pages(void)
{
    struct mem_stats s;

    mem_stats(&s);
    return s.free;
}

static void settle(void)
{
    for (u32 i = 0; i < 8; i++) {
        quiesce_poll();
    }
}

static int setup(void **state)
{
    (void)state;
    unit_machine(2);
    memset(cpupools, 0, 32 * sizeof(cpupools[0]));
    memset(&cpus_online, 0, sizeof(cpus_online));
    memset(&sched_idle_cpus, 0, sizeof(sched_idle_cpus));
    memset(&sched_busy_cpus, 0, sizeof(sched_busy_cpus));
    memset(&opt, 0, sizeof(opt));
    domain_init();
    sched_init("credit2");
    sched_init_cpu(0);
    sched_init_cpu(1);
    event_init_rc = grant_init_rc = arch_create_rc = 0;
    event_destroys = event_frees = grant_destroys = restarts_left = 0;
    memset(&config, 0, sizeof(config));
    config.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
    config.max_vcpus = 2;
    config.max_grant_frames = config.max_maptrack_frames = -1;
    config.max_grant_version = 1;
    dom0 = NULL;
    free_at_start = free_pages();
    return 0;
}

/* Everything that the test left is destroyed, and all memory comes back. */
static int teardown(void **state)
{
    (void)state;
    dom0 = NULL;
    for_each_domain (d) {
        while (domain_kill(d) == -ERESTART) {
            unit_set_cpu(0);
            sched_switch();
            unit_set_cpu(1);
            sched_switch();
            unit_set_cpu(0);
            settle();
        }
    }
    settle();
    assert_null(domain_lookup_from(0));
    assert_int_equal(free_pages(), free_at_start);
    unit_machine_free();
    return 0;
}
#define domain_case(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static struct domain *create(u16 id)
{
    struct domain *d = NULL;

    assert_int_equal(domain_create(&config, id, &d), 0);
    assert_non_null(d);
    d->max_pages = 1000;
    return d;
}

static struct domain *create_running(u16 id)
{
    struct domain *d = create(id);

    for (u16 i = 0; i < d->max_vcpus; i++) {
        assert_int_equal(vcpu_create(d, i), 0);
        vcpu_unblock(d->vcpu[i], VPF_DOWN);
    }
    assert_int_equal(domain_controller_unpause(d), 0);
    return d;
}

static void kill_all(struct domain *d)
{
    int rc;

    while ((rc = domain_kill(d)) == -ERESTART) {
        unit_set_cpu(0);
        sched_switch();
        unit_set_cpu(1);
        sched_switch();
        unit_set_cpu(0);
        settle();
    }
    assert_int_equal(rc, 0);
}

/* ---- creation and lookup ---- */

static void test_created_as_asked(void **state)
{
    struct domain *d;

    (void)state;
    config.ssidref = 12;
    memset(config.handle, 0xab, sizeof(config.handle));
    d = create(0xffff);
    assert_int_equal(d->id, 1);
    assert_ptr_equal(domain_lookup(1), d);
    assert_int_equal(d->pause_count, 1);
    assert_int_equal(d->controller_paused, 1);
    assert_int_equal(d->shutdown_code, ~0U);
    assert_int_equal(d->ssidref, 12);
    assert_int_equal(d->handle[15], 0xab);
    assert_int_equal(d->tot_pages, 0);
    assert_int_equal(d->shared_pages, 1);
    assert_false(d->is_privileged);
    assert_int_equal(config.gic_version, 2);
    assert_int_equal(host_last("grant_init")->a[0], 64);
    assert_int_equal(host_last("grant_init")->a[1], 1024);
}

static void test_ids(void **state)
{
    struct domain *a, *b, *c = NULL;

    (void)state;
    a = create(0);                       /* not privileged: any */
    b = create(7);
    assert_int_not_equal(a->id, 0);
    assert_int_equal(b->id, 7);
    assert_int_equal(domain_create(&config, 7, &c), -EEXIST);
    assert_int_equal(domain_create(&config, DOMID_FIRST_RESERVED, &c), -EINVAL);
    config.max_vcpus = 0;
    assert_int_equal(domain_create(&config, 0xffff, &c), -EINVAL);
    config.max_vcpus = MAX_VCPUS + 1;
    assert_int_equal(domain_create(&config, 0xffff, &c), -EINVAL);
    assert_null(c);
    /* An id is not used again at once. */
    kill_all(a);
    settle();
    config.max_vcpus = 1;
    assert_int_not_equal(create(0xffff)->id, 1);
}

static void test_lookup_from(void **state)
{
    static const u16 ids[] = { 3, 64, 259, 0x7fef };      /* 3 and 259 share a bucket */
    u32 i = 0;

    (void)state;
    for (u32 k = 0; k < ARRAY_SIZE(ids); k++) {
        create(ids[k]);
    }
    assert_int_equal(domain_lookup_from(4)->id, 64);
    assert_int_equal(domain_lookup_from(64)->id, 64);
    assert_int_equal(domain_lookup_from(260)->id, 0x7fef);
    assert_null(domain_lookup_from(0x7ff0));
    assert_null(domain_lookup_from(0xffff));
    assert_null(domain_lookup(4));
    assert_null(domain_lookup(DOMID_XEN));
    for_each_domain (d) {
        assert_int_equal(d->id, ids[i++]);
    }
    assert_int_equal(i, 4);
    kill_all(domain_lookup(259));
    settle();
    assert_null(domain_lookup(259));
    assert_int_equal(domain_lookup(3)->id, 3);
}

static void test_failed_creation_leaves_nothing(void **state)
{
    struct domain *d = NULL;

    (void)state;
    config.cpupool_id = 9;
    assert_int_equal(domain_create(&config, 5, &d), -ENOENT);
    config.cpupool_id = 0;
    event_init_rc = -ENOMEM;
    settle();
    assert_int_equal(domain_create(&config, 5, &d), -ENOMEM);
    event_init_rc = 0;
    grant_init_rc = -ENOMEM;
    settle();
    assert_int_equal(domain_create(&config, 5, &d), -ENOMEM);
    grant_init_rc = 0;
    arch_create_rc = -ENODEV;
    settle();
    assert_int_equal(domain_create(&config, 5, &d), -ENODEV);
    settle();
    assert_null(d);
    assert_null(domain_lookup(5));
    assert_int_equal(host_calls("event_send_global_virq"), 0);
    assert_int_equal(free_pages(), free_at_start);
    assert_int_equal(cpupools[0].nr_domains, 0);
}

static void test_permissions_to_devices(void **state)
{
    struct domain *d = create(1);

    (void)state;
    assert_false(domain_may_iomem(d, 0x9000, 0x9000));
    assert_int_equal(domain_permit_iomem(d, 0x9000, 0x90ff, true), 0);
    assert_true(domain_may_iomem(d, 0x9000, 0x90ff));
    assert_false(domain_may_iomem(d, 0x9000, 0x9100));
    assert_int_equal(domain_permit_iomem(d, 0x9080, 0x9080, false), 0);
    assert_false(domain_may_iomem(d, 0x9000, 0x90ff));
    assert_true(domain_may_iomem(d, 0x9081, 0x90ff));
    assert_int_equal(domain_permit_irq(d, 33, true), 0);
    assert_true(domain_may_irq(d, 33));
    assert_false(domain_may_irq(d, 34));
}

/* ---- destruction ---- */

static void test_destroy_returns_all_memory(void **state)
{
    (void)state;
    for (u32 i = 0; i < 100; i++) {
        struct domain *d = create_running(0xffff);

        assert_non_null(page_alloc_guest(d, 0, 0));
        assert_non_null(page_alloc_guest(d, 4, 0));
        kill_all(d);
        settle();
        assert_int_equal(free_pages(), free_at_start);
    }
    assert_int_equal(event_frees, 100);
    assert_int_equal(grant_destroys, 100);
    assert_int_equal(host_calls("event_send_global_virq"), 200);
}

static void test_destroy_waits_for_running_vcpus(void **state)
{
    struct domain *d = create_running(1);
    u32 cpu = d->vcpu[0]->cpu;

    (void)state;
    unit_set_cpu(cpu);
    assert_false(sched_switch()->is_idle);
    unit_set_cpu(1 - cpu);
    assert_int_equal(domain_kill(d), -ERESTART);
    assert_int_equal(d->dying, DOMAIN_DYING);
    assert_int_equal(domain_kill(d), -ERESTART);
    assert_int_equal(event_destroys, 0);
    unit_set_cpu(cpu);
    assert_true(sched_switch()->is_idle);
    restarts_left = 2;
    assert_int_equal(domain_kill(d), -ERESTART);
    assert_int_equal(domain_kill(d), -ERESTART);
    assert_int_equal(event_destroys, 0);
    assert_int_equal(domain_kill(d), -ERESTART);         /* grace period */
    assert_int_equal(event_destroys, 1);
    settle();
    assert_int_equal(domain_kill(d), 0);
    assert_int_equal(domain_kill(d), 0);
    assert_int_equal(d->dying, DOMAIN_DEAD);
}

static void test_zombie_until_its_pages_are_let_go(void **state)
{
    struct domain *d = create_running(1);
    struct page *pg = page_alloc_guest(d, 0, 0);
    struct xen_domctl_getdomaininfo info;

    (void)state;
    assert_true(page_get(page_to_mfn(pg), d));
    kill_all(d);
    settle();
    assert_ptr_equal(domain_lookup(1), d);
    assert_int_equal(grant_destroys, 0);
    assert_int_equal(d->tot_pages, 1);
    domain_get_info(d, &info);
    assert_true(info.flags & XEN_DOMINF_dying);
    assert_int_equal(info.tot_pages, 1);
    assert_int_equal(host_calls("event_send_global_virq"), 1);
    page_put(pg);
    assert_ptr_equal(domain_lookup(1), d);
    settle();
    assert_null(domain_lookup(1));
    assert_int_equal(host_calls("event_send_global_virq"), 2);
    assert_int_equal(host_last("event_send_global_virq")->a[0], VIRQ_DOM_EXC);
}

static void test_zombie_until_its_shared_info_is_let_go(void **state)
{
    struct domain *d = create_running(1);
    struct page *pg = virt_to_page(d->shared_info);

    (void)state;
    assert_true(page_get(page_to_mfn(pg), d));
    kill_all(d);
    settle();
    assert_int_equal(grant_destroys, 1);
    assert_ptr_equal(domain_lookup(1), d);
    assert_null(d->shared_info);
    page_put(pg);
    settle();
    assert_null(domain_lookup(1));
}

static void test_vcpu_info_page_is_released(void **state)
{
    struct domain *d = create_running(1);
    struct page *pg = page_alloc_guest(d, 0, 0);

    (void)state;
    assert_int_equal(p2m_map(d, gfn(0x40000), page_to_mfn(pg), 1, P2M_RAM_RW), 0);
    vcpu_stop(d->vcpu[1], VPF_DOWN);
    assert_int_equal(vcpu_register_info(d->vcpu[1], gfn(0x40000), 64), 0);
    kill_all(d);
    settle();
    assert_null(domain_lookup(1));
}

static void test_dom0_cannot_be_killed(void **state)
{
    struct domain *d;

    (void)state;
    config.privileged = true;
    d = create(0);
    assert_ptr_equal(dom0, d);
    assert_int_equal(dom0->id, 0);
    assert_true(dom0->is_console);
    assert_int_equal(domain_kill(dom0), -EINVAL);
}

/* ---- shutdown ---- */

static void test_shutdown_and_resume(void **state)
{
    struct domain *d = create_running(1);

    (void)state;
    domain_shutdown(d, SHUTDOWN_reboot);
    assert_true(d->shut_down);
    assert_int_equal(d->shutdown_code, SHUTDOWN_reboot);
    for_each_vcpu (d, v) {
        assert_int_equal(v->pause_flags, VPF_SHUTDOWN);
        assert_false(v->sched.queued);
    }
    assert_int_equal(host_calls("event_send_global_virq"), 1);
    domain_shutdown(d, SHUTDOWN_poweroff);
    assert_int_equal(d->shutdown_code, SHUTDOWN_reboot);
    assert_int_equal(host_calls("event_send_global_virq"), 1);
    domain_resume(d);
    assert_false(d->shut_down);
    assert_int_equal(d->shutdown_code, ~0U);
    for_each_vcpu (d, v) {
        assert_int_equal(v->pause_flags, 0);
        assert_true(v->sched.queued);
    }
    domain_resume(d);
}

static void test_suspend_goes_to_the_subscriber(void **state)
{
    struct domain *d = create_running(1);

    (void)state;
    d->suspend_port = 5;
    domain_shutdown(d, SHUTDOWN_suspend);
    assert_int_equal(host_last("event_send")->a[1], 5);
    assert_int_equal(host_calls("event_send_global_virq"), 0);
}

static void test_crash_says_why_once(void **state)
{
    struct domain *d = create_running(4);

    (void)state;
    domain_crash(d, "reason %d", 42);
    domain_crash(d, "again");
    assert_int_equal(d->shutdown_code, SHUTDOWN_crash);
    assert_non_null(strstr(unit_log(), "reason 42"));
    assert_null(strstr(unit_log(), "again"));
}

static void test_dom0_is_the_machine(void **state)
{
    (void)state;
    config.privileged = true;
    create(0);
    unit_expect_panic(domain_shutdown(dom0, SHUTDOWN_poweroff));
    assert_non_null(strstr(unit_log(), "powering off"));
    unit_log_clear();
    unit_expect_panic(domain_shutdown(dom0, SHUTDOWN_reboot));
    assert_non_null(strstr(unit_log(), "restarting"));
    opt.noreboot = true;
    unit_log_clear();
    unit_expect_panic(domain_shutdown(dom0, SHUTDOWN_crash));
    assert_non_null(strstr(unit_log(), "noreboot"));
    assert_int_equal(host_calls("smp_stop_others"), 1);
}

static void test_controller_pauses(void **state)
{
    struct domain *d = create_running(1);

    (void)state;
    assert_int_equal(domain_controller_unpause(d), -EINVAL);
    assert_int_equal(domain_controller_pause(d), 0);
    assert_int_equal(domain_controller_pause(d), 0);
    assert_int_equal(domain_controller_unpause(d), 0);
    assert_int_equal(d->vcpu[0]->pause_flags, VPF_PAUSED);
    assert_int_equal(domain_controller_unpause(d), 0);
    assert_int_equal(d->vcpu[0]->pause_flags, 0);
    assert_int_equal(domain_controller_unpause(d), -EINVAL);
    for (u32 i = 0; i < 255; i++) {
        assert_int_equal(domain_controller_pause(d), 0);
    }
    assert_int_equal(domain_controller_pause(d), -EUSERS);
    assert_int_equal(d->pause_count, 255);
}

static void test_watchdog(void **state)
{
    struct domain *d = create_running(1);

    (void)state;
    assert_int_equal(domain_watchdog(d, 0, 0), -EINVAL);
    assert_int_equal(domain_watchdog(d, 1, 5), -EINVAL);
    assert_int_equal(domain_watchdog(d, 3, 5), -EINVAL);
    assert_int_equal(domain_watchdog(d, 0, 10), 1);
    assert_int_equal(domain_watchdog(d, 0, 20), 2);
    assert_int_equal(domain_watchdog(d, 0, 20), -ENOSPC);
    unit_advance(9 * NS_PER_SEC);
    assert_int_equal(domain_watchdog(d, 1, 10), 0);
    unit_advance(9 * NS_PER_SEC);
    assert_false(d->shut_down);
    assert_int_equal(domain_watchdog(d, 2, 0), 0);
    unit_advance(2 * NS_PER_SEC);
    assert_true(d->shut_down);
    assert_int_equal(d->shutdown_code, SHUTDOWN_watchdog);
}

/* ---- figures: the values that the reference showed (ABI.md 3.1) ---- */

static u32 info_flags(struct domain *d)
{
    struct xen_domctl_getdomaininfo info;

    memset(&info, 0xff, sizeof(info));
    domain_get_info(d, &info);
    assert_int_equal(info.domain, d->id);
    assert_int_equal(info.pad1, 0);
    assert_int_equal(info.pad2[6], 0);
    return info.flags;
}

static void test_info(void **state)
{
    struct domain *d = create(1);
    struct xen_domctl_getdomaininfo info;
    struct vcpu *v;

    (void)state;
    domain_get_info(d, &info);
    assert_int_equal(info.max_vcpu_id, ~0U);
    assert_int_equal(info.shared_info_frame, ~0UL);
    assert_int_equal(vcpu_create(d, 0), 0);
    assert_int_equal(vcpu_create(d, 1), 0);
    assert_int_equal(info_flags(d), 0xffff010a);
    v = d->vcpu[0];
    vcpu_unblock(v, VPF_DOWN);
    assert_int_equal(domain_controller_unpause(d), 0);
    unit_set_cpu(v->cpu);
    sched_switch();
    assert_int_equal(info_flags(d), 0xffff0122);
    unit_advance(5000);
    vcpu_block_current();
    sched_switch();
    assert_int_equal(info_flags(d), 0xffff0112);
    domain_get_info(d, &info);
    assert_int_equal(info.cpu_time, 5000);
    assert_int_equal(info.nr_online_vcpus, 1);
    assert_int_equal(info.max_vcpu_id, 1);
    assert_int_equal(info.gpaddr_bits, HOST_P2M_BITS);
    vcpu_unblock(v, VPF_BLOCKED);
    domain_shutdown(d, SHUTDOWN_suspend);
    assert_int_equal(info_flags(d), 0x00020106);
    unit_set_cpu(0);
}

static void test_wallclock(void **state)
{
    struct domain *d;

    (void)state;
    unit_advance(2 * NS_PER_SEC + 200000000);
    d = create(1);
    assert_int_equal(d->shared_info->wc_version, 2);
    assert_int_equal(d->shared_info->wc_sec, 1700000003);
    assert_int_equal(d->shared_info->wc_nsec, 100000000);
    d->time_offset = 3600 + (1L << 33);
    domain_update_wallclock(d);
    assert_int_equal(d->shared_info->wc_version, 4);
    assert_int_equal(d->shared_info->wc_sec, 1700003603);
    assert_int_equal(d->shared_info->wc_sec_hi, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        domain_case(test_created_as_asked),
        domain_case(test_ids),
        domain_case(test_lookup_from),
        domain_case(test_failed_creation_leaves_nothing),
        domain_case(test_permissions_to_devices),
        domain_case(test_destroy_returns_all_memory),
        domain_case(test_destroy_waits_for_running_vcpus),
        domain_case(test_zombie_until_its_pages_are_let_go),
        domain_case(test_zombie_until_its_shared_info_is_let_go),
        domain_case(test_vcpu_info_page_is_released),
        domain_case(test_dom0_cannot_be_killed),
        domain_case(test_shutdown_and_resume),
        domain_case(test_suspend_goes_to_the_subscriber),
        domain_case(test_crash_says_why_once),
        domain_case(test_dom0_is_the_machine),
        domain_case(test_controller_pauses),
        domain_case(test_watchdog),
        domain_case(test_info),
        domain_case(test_wallclock),
    };

    return cmocka_run_group_tests_name("domain", tests, NULL, NULL);
}
