/* SPDX-License-Identifier: MIT */
/* Domains that exist: shutdown, pauses, watchdog, figures. */
/* unit-sources: core/domain/table.c core/domain/domain.c core/domain/destroy.c core/domain/shutdown.c */
/* unit-sources: core/domain/info.c core/domain/caps.c core/vcpu/vcpu.c core/vcpu/runstate.c core/vcpu/info.c */
/* unit-sources: core/domain/nodes.c */
/* unit-sources: core/hypercall/bitmap.c */
/* unit-sources: core/sched/runqueue.c core/sched/wake.c core/sched/balance.c core/sched/cap.c core/sched/switch.c */
/* unit-sources: core/sched/pause.c core/sched/cpupool.c core/sched/affinity.c core/sched/control.c core/sched/fair.c */
/* unit-sources: core/sched/credit.c core/sched/null.c */
/* unit-sources: core/mem/range.c core/mem/node.c core/mem/buddy.c core/mem/frames.c core/mem/heap.c core/mem/page.c */
/* unit-sources: core/mem/stats.c */
/* unit-sources: core/mem/physmap.c core/mem/lazy.c core/mem/scrub.c */
#include "test_domain_common.h"

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

/* ---- figures: the values that the reference, Debian's Xen, showed ---- */

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
        domain_case(test_shutdown_and_resume),
        domain_case(test_suspend_goes_to_the_subscriber),
        domain_case(test_crash_says_why_once),
        domain_case(test_dom0_is_the_machine),
        domain_case(test_controller_pauses),
        domain_case(test_watchdog),
        domain_case(test_info),
        domain_case(test_wallclock),
    };

    return cmocka_run_group_tests_name("domain: shutdown, pause, figures", tests, NULL, NULL);
}
