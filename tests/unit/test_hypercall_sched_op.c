/* SPDX-License-Identifier: MIT */
/* sched_op, console_io, hvm_op and platform_op: arguments, permissions, effects. */
/* unit-sources: core/hypercall/sched_op.c core/hypercall/console_io.c core/hypercall/hvm_op.c */
/* unit-sources: core/hypercall/platform_op.c core/hypercall/platform_efi.c */
#include "unit.h"
#include <argon/console.h>

static bool port_pending[8];
static char console_out[1024];
static size_t console_out_len;
static const char *console_in = "";
static u64 wall_secs, wall_nsecs, wall_time;
static u32 wallclock_updates;

/* Whoever sends to the port after this look sees that somebody polls. */
bool event_port_is_pending(struct domain *d, u32 port)
{
    assert_true(current_vcpu()->pause_flags & VPF_POLL);
    assert_int_not_equal(d->poll_mask, 0);
    return port_pending[port];
}

int sched_pin_override(struct vcpu *v, s32 cpu)
{
    host_record("sched_pin_override", (u64)v, (u64)cpu, 0, 0);
    return 0;
}

int domain_watchdog(struct domain *d, u32 id, u32 timeout_s)
{
    host_record("domain_watchdog", (u64)d, id, timeout_s, 0);
    return 1;
}

void console_guest_write(struct domain *d, const char *buf, size_t n)
{
    (void)d;
    memcpy(console_out + console_out_len, buf, n);
    console_out_len += n;
}

size_t console_guest_read(struct domain *d, char *buf, size_t n)
{
    size_t have = MIN(strlen(console_in), n);

    (void)d;
    memcpy(buf, console_in, have);
    console_in += have;
    return have;
}

void wallclock_set(u64 secs, u32 nsecs, u64 system_time)
{
    wall_secs = secs;
    wall_nsecs = nsecs;
    wall_time = system_time;
}

void domain_update_wallclock(struct domain *d)
{
    (void)d;
    wallclock_updates++;
}

static struct vcpu *guest(u16 id)
{
    struct domain *d = unit_domain(id, 2);

    d->target = 0;
    d->event.valid_ports = 8;
    memset(port_pending, 0, sizeof(port_pending));
    console_out_len = 0;
    unit_set_current(d->vcpu[0]);
    return d->vcpu[0];
}

static long sched_op(struct vcpu *v, u64 cmd, const void *arg, size_t bytes)
{
    u64 args[6] = { cmd, arg != NULL ? unit_guest_put(v->domain, arg, bytes) : 0xdead000 };

    return do_sched_op(v, args);
}
#define SCHED_OP(v, cmd, arg) sched_op(v, cmd, &(arg), sizeof(arg))

static void test_yield_and_block(void **state)
{
    struct vcpu *v = guest(1);

    (void)state;
    assert_int_equal(sched_op(v, SCHEDOP_yield, NULL, 0), 0);
    assert_int_equal(host_calls("vcpu_yield_current"), 1);
    assert_int_equal(sched_op(v, SCHEDOP_block, NULL, 0), 0);
    assert_int_equal(host_calls("vcpu_block_current"), 1);
    assert_int_equal(sched_op(v, 8, NULL, 0), -ENOSYS);
    assert_int_equal(sched_op(v, ~0U, NULL, 0), -ENOSYS);
    for (u32 cmd = SCHEDOP_shutdown; cmd <= SCHEDOP_watchdog; cmd++) {
        assert_int_equal(sched_op(v, cmd, NULL, 0), -EFAULT);
    }
}

static void test_shutdown(void **state)
{
    struct vcpu *v = guest(1);
    struct sched_shutdown s = { .reason = SHUTDOWN_reboot };

    (void)state;
    assert_int_equal(SCHED_OP(v, SCHEDOP_shutdown, s), 0);
    assert_ptr_equal((void *)host_last("domain_shutdown")->a[0], v->domain);
    assert_int_equal(host_last("domain_shutdown")->a[1], SHUTDOWN_reboot);
    s.reason = SHUTDOWN_MAX + 1;
    assert_int_equal(SCHED_OP(v, SCHEDOP_shutdown, s), -EINVAL);
    assert_int_equal(SCHED_OP(v, SCHEDOP_shutdown_code, s), -EINVAL);
    s.reason = SHUTDOWN_crash;
    assert_int_equal(SCHED_OP(v, SCHEDOP_shutdown_code, s), 0);
    assert_int_equal(v->domain->shutdown_code, SHUTDOWN_crash);
    assert_int_equal(host_calls("domain_shutdown"), 1);
}

static void test_remote_shutdown(void **state)
{
    struct vcpu *other = guest(2), *v = guest(1), *priv = guest(0);
    struct sched_remote_shutdown s = { .domain_id = 2, .reason = SHUTDOWN_poweroff };

    (void)state;
    unit_set_current(v);
    assert_int_equal(SCHED_OP(v, SCHEDOP_remote_shutdown, s), -EPERM);
    s.domain_id = 99;
    assert_int_equal(SCHED_OP(v, SCHEDOP_remote_shutdown, s), -EPERM);
    unit_set_current(priv);
    assert_int_equal(SCHED_OP(priv, SCHEDOP_remote_shutdown, s), -ESRCH);
    s.domain_id = 2;
    assert_int_equal(SCHED_OP(priv, SCHEDOP_remote_shutdown, s), 0);
    assert_ptr_equal((void *)host_last("domain_shutdown")->a[0], other->domain);
    s.reason = 6;
    assert_int_equal(SCHED_OP(priv, SCHEDOP_remote_shutdown, s), -EINVAL);
    /* A device model may for the domain it serves. */
    unit_set_current(v);
    v->domain->target = domain_lookup(2)->serial;
    s.reason = SHUTDOWN_crash;
    assert_int_equal(SCHED_OP(v, SCHEDOP_remote_shutdown, s), 0);
}

static void test_poll(void **state)
{
    struct vcpu *v = guest(1);
    u32 ports[2] = { 3, 5 };
    struct sched_poll p = { .nr_ports = 2 };

    (void)state;
    p.ports.q = unit_guest_put(v->domain, ports, sizeof(ports));
    port_pending[5] = true;
    assert_int_equal(SCHED_OP(v, SCHEDOP_poll, p), 0);
    assert_int_equal(v->pause_flags, 0);
    assert_int_equal(v->pending, 0);
    port_pending[5] = false;
    assert_int_equal(SCHED_OP(v, SCHEDOP_poll, p), 0);
    assert_int_equal(v->pause_flags, VPF_POLL);
    assert_int_equal(v->pending, PEND_RESCHED);
    assert_int_not_equal(v->domain->poll_mask, 0);
    assert_false(v->poll_timer.queued);
    v->pause_flags = 0;
    v->domain->created_ns = 1000;
    p.timeout = 5000;
    assert_int_equal(SCHED_OP(v, SCHEDOP_poll, p), 0);
    assert_true(v->poll_timer.queued);
    assert_int_equal(v->poll_timer.deadline, 6000);
    v->pause_flags = 0;
    p.timeout = 0;                       /* an event ended that: the next one has no limit */
    assert_int_equal(SCHED_OP(v, SCHEDOP_poll, p), 0);
    assert_false(v->poll_timer.queued);
    v->pause_flags = 0;
    p.nr_ports = 129;
    assert_int_equal(SCHED_OP(v, SCHEDOP_poll, p), -EINVAL);
    p.nr_ports = 128;                    /* beyond the page: other words are no ports */
    p.ports.q = 0xdead000;
    assert_int_equal(SCHED_OP(v, SCHEDOP_poll, p), -EFAULT);
    assert_int_equal(v->pause_flags, 0);
    ports[0] = 8;
    p.nr_ports = 1;
    p.ports.q = unit_guest_put(v->domain, ports, sizeof(ports));
    assert_int_equal(SCHED_OP(v, SCHEDOP_poll, p), -EINVAL);
    assert_int_equal(v->pause_flags, 0);
}

static void test_poll_with_upcall_pending_does_not_sleep(void **state)
{
    struct vcpu *v = guest(1);
    struct sched_poll p = { .nr_ports = 0 };

    (void)state;
    v->info->evtchn_upcall_pending = 1;
    assert_int_equal(SCHED_OP(v, SCHEDOP_poll, p), 0);
    assert_int_equal(v->pause_flags, 0);
}

static void test_pin_and_watchdog(void **state)
{
    struct vcpu *v = guest(1), *priv = guest(0);
    struct sched_pin_override pin = { .pcpu = -1 };
    struct sched_watchdog w = { .id = 0, .timeout = 30 };

    (void)state;
    unit_set_current(v);
    assert_int_equal(SCHED_OP(v, SCHEDOP_pin_override, pin), -EPERM);
    assert_int_equal(SCHED_OP(v, SCHEDOP_watchdog, w), 1);
    assert_int_equal(host_last("domain_watchdog")->a[2], 30);
    unit_set_current(priv);
    assert_int_equal(SCHED_OP(priv, SCHEDOP_pin_override, pin), 0);
    assert_int_equal((s32)host_last("sched_pin_override")->a[1], -1);
}

/* ---- console_io ---- */

static void test_console(void **state)
{
    struct vcpu *v = guest(0);
    char text[300];
    u64 args[6] = { CONSOLEIO_write, sizeof(text) };

    (void)state;
    memset(text, 'x', sizeof(text));
    args[2] = unit_guest_put(v->domain, text, sizeof(text));
    unit_preempt_after = 0;
    assert_int_equal(do_console_io(v, args), -ERESTART);
    assert_int_equal(args[1], 300 - console_out_len);
    assert_int_equal(do_console_io(v, args), 0);
    assert_int_equal(console_out_len, 300);
    assert_memory_equal(console_out, text, 300);

    console_in = "abc";
    args[0] = CONSOLEIO_read;
    args[1] = 2;
    args[2] = unit_guest_alloc(v->domain, 16);
    assert_int_equal(do_console_io(v, args), 2);
    assert_memory_equal(unit_guest_ptr(v->domain, args[2]), "ab", 2);
    args[1] = 100;
    assert_int_equal(do_console_io(v, args), 1);
    assert_int_equal(do_console_io(v, args), 0);
    args[0] = 2;
    assert_int_equal(do_console_io(v, args), -ENOSYS);
    args[0] = CONSOLEIO_write;
    args[1] = 0x80000000;
    assert_int_equal(do_console_io(v, args), -EINVAL);
    args[1] = 1;
    args[2] = 0xdead000;
    assert_int_equal(do_console_io(v, args), -EFAULT);
    assert_int_equal(do_console_io(guest(1), args), -EPERM);
}

/* ---- hvm_op ---- */

static long param(struct vcpu *v, u64 op, u16 domid, u32 index, u64 *value)
{
    struct xen_hvm_param p = { .domid = domid, .index = index, .value = *value };
    u64 args[6] = { op, unit_guest_put(v->domain, &p, sizeof(p)) };
    long rc = do_hvm_op(v, args);

    *value = ((struct xen_hvm_param *)unit_guest_ptr(v->domain, args[1]))->value;
    return rc;
}

static void test_params(void **state)
{
    struct vcpu *v = guest(1), *priv = guest(0);
    u64 x = 0x39001;

    (void)state;
    assert_int_equal(param(priv, HVMOP_set_param, 1, HVM_PARAM_STORE_PFN, &x), 0);
    assert_int_equal(param(priv, HVMOP_set_param, 1, HVM_PARAM_MONITOR_RING_PFN, &x), 0);
    assert_int_equal(param(priv, HVMOP_set_param, 1, HVM_PARAM_TIMER_MODE, &x), -EINVAL);
    assert_int_equal(param(priv, HVMOP_set_param, 1, HVM_NR_PARAMS, &x), -EINVAL);
    assert_int_equal(param(priv, HVMOP_set_param, 9, HVM_PARAM_STORE_PFN, &x), -ESRCH);
    unit_set_current(v);
    x = 0;
    assert_int_equal(param(v, HVMOP_get_param, DOMID_SELF, HVM_PARAM_STORE_PFN, &x), 0);
    assert_int_equal(x, 0x39001);
    assert_int_equal(param(v, HVMOP_get_param, DOMID_SELF, HVM_PARAM_MONITOR_RING_PFN, &x), -EPERM);
    assert_int_equal(param(v, HVMOP_get_param, DOMID_SELF, HVM_PARAM_IOREQ_PFN, &x), -EINVAL);
    assert_int_equal(param(v, HVMOP_get_param, DOMID_SELF, ~0U, &x), -EINVAL);
    assert_int_equal(param(v, HVMOP_get_param, 0, HVM_PARAM_STORE_PFN, &x), -EPERM);
    assert_int_equal(param(v, HVMOP_get_param, 9, HVM_PARAM_STORE_PFN, &x), -EPERM);
    assert_int_equal(param(v, HVMOP_set_param, DOMID_SELF, HVM_PARAM_STORE_PFN, &x), -EPERM);
    assert_int_equal(param(v, 5, DOMID_SELF, 0, &x), -ENOSYS);
    assert_int_equal(do_hvm_op(v, (u64[6]){ HVMOP_guest_request_vm_event, 0 }), 0);
    assert_int_equal(do_hvm_op(v, (u64[6]){ HVMOP_guest_request_vm_event, 1 }), -EINVAL);
    assert_int_equal(do_hvm_op(v, (u64[6]){ HVMOP_get_param, 0xdead000 }), -EFAULT);
}

/* ---- platform_op ---- */

static long platform(struct vcpu *v, const struct xen_platform_op *op)
{
    return do_platform_op(v, (u64[6]){ unit_guest_put(v->domain, op, sizeof(*op)) });
}

static void test_settime(void **state)
{
    struct vcpu *v = guest(0);
    struct xen_platform_op op;

    (void)state;
    memset(&op, 0, sizeof(op));
    op.cmd = XENPF_settime64;
    op.interface_version = XENPF_INTERFACE_VERSION;
    op.u.settime64.secs = 1U << 31;
    op.u.settime64.nsecs = 5;
    op.u.settime64.system_time = 700;
    v->domain->created_ns = 300;
    assert_int_equal(platform(v, &op), 0);
    assert_int_equal(wall_secs, 1U << 31);
    assert_int_equal(wall_nsecs, 5);
    assert_int_equal(wall_time, 1000);
    assert_int_equal(wallclock_updates, 1);
    op.u.settime64.mbz = 1;
    assert_int_equal(platform(v, &op), -EINVAL);
    op.u.settime64.mbz = 0;
    op.u.settime64.nsecs = 1000000000;
    assert_int_equal(platform(v, &op), -EINVAL);
    op.cmd = XENPF_settime32;
    assert_int_equal(platform(v, &op), -ENOSYS);
    op.interface_version++;
    assert_int_equal(platform(v, &op), -EACCES);
    assert_int_equal(do_platform_op(v, (u64[6]){ 0xdead000 }), -EFAULT);
    v = guest(1);
    assert_int_equal(platform(v, &op), -EPERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_case(test_yield_and_block),
        unit_case(test_shutdown),
        unit_case(test_remote_shutdown),
        unit_case(test_poll),
        unit_case(test_poll_with_upcall_pending_does_not_sleep),
        unit_case(test_pin_and_watchdog),
        unit_case(test_console),
        unit_case(test_params),
        unit_case(test_settime),
    };

    return cmocka_run_group_tests_name("hypercall_sched_op", tests, NULL, NULL);
}
