/* SPDX-License-Identifier: MIT */
/* unit-sources: vdev/vpsci.c */
#include "unit.h"
#include <asm/firmware.h>
#include <vdev/vpsci.h>

#define NOT_SUPPORTED ((u64)-1)

static struct domain *d;
static u32 blocked, reset_cpuif, reset_timer, shutdown_reason;
static int boot_result;
static struct { struct vcpu *v; u64 entry, context; } booted;
static u32 firmware_asked;

void vcpu_block_current(void) { blocked++; }
void vcpu_stop(struct vcpu *v, u32 flags) { v->pause_flags |= flags; }
void vcpu_unblock(struct vcpu *v, u32 flags) { v->pause_flags &= ~flags; }
bool vcpu_is_descheduled(const struct vcpu *v) { return !v->sched.running; }
void vgic_reset_cpu_interface(struct vcpu *v) { (void)v; reset_cpuif++; }
void vtimer_reset_vcpu(struct vcpu *v) { (void)v; reset_timer++; }
void domain_shutdown(struct domain *dom, u32 reason) { assert_ptr_equal(dom, d); shutdown_reason = reason; }

int arch_vcpu_boot(struct vcpu *v, u64 entry, u64 context)
{
    booted.v = v;
    booted.entry = entry;
    booted.context = context;
    return boot_result;
}

s64 firmware_call(u32 fid, u64 arg)
{
    firmware_asked++;
    return fid == FID_SOC_ID ? (s64)(0x12345678 + arg) : -1;
}

s32 firmware_arch_features(u32 fid)
{
    return fid == FID_SOC_ID ? 0 : -1;
}

s32 firmware_guest_workaround(u32 fid)
{
    return fid == FID_WORKAROUND_1 ? 0 : fid == FID_WORKAROUND_2 ? 1 : -1;
}

s64 firmware_guest_workaround_call(struct vcpu *v, u32 fid, u64 arg)
{
    assert_ptr_equal(v, d->vcpu[0]);
    return (s64)(fid & 0xf) + (s64)arg;
}

static int setup(void **state)
{
    unit_setup(state);
    d = unit_domain(1, 20);
    for (u32 i = 1; i < 20; i++) {
        d->vcpu[i]->pause_flags = VPF_DOWN;
    }
    unit_set_current(d->vcpu[0]);
    memset(&booted, 0, sizeof(booted));
    blocked = reset_cpuif = reset_timer = firmware_asked = 0;
    shutdown_reason = 99;
    boot_result = 0;
    return 0;
}

#define pcase(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

static u64 call(u64 fid, u64 a, u64 b, u64 c)
{
    u64 *x = d->vcpu[0]->arch.regs.x;

    x[0] = fid;
    x[1] = a;
    x[2] = b;
    x[3] = c;
    x[4] = 0x4444;
    x[17] = 0x1717;
    assert_true(vpsci_call(d->vcpu[0]));
    assert_int_equal(x[4], 0x4444);
    assert_int_equal(x[17], 0x1717);
    return x[0];
}

/* The values guests of this ABI see (Arm DEN0022, DEN0028; as on Debian's Xen). */
static void values(void **state)
{
    static const u32 features[] = {
        0x84000000, 0x84000001, 0xc4000001, 0x84000002, 0x84000003, 0xc4000003, 0x84000004, 0xc4000004, 0x84000006,
        0x84000008, 0x84000009, 0x8400000a, 0x80000000,
    };
    static const u32 absent[] = {
        0x84000005, 0xc400000e, 0xc4000012, 0x84000014, 0x80000001, 0x84000050, 0x80008000, 1, 2, 0,
    };

    (void)state;
    assert_int_equal(call(0x84000000, 0, 0, 0), 0x10001);
    assert_int_equal(call(0x84000006, 0, 0, 0), 2);
    assert_int_equal(call(0x80000000, 0, 0, 0), 0x10001);
    for (u32 i = 0; i < ARRAY_SIZE(features); i++) {
        assert_int_equal(call(0x8400000a, features[i], 0, 0), 0);
    }
    for (u32 i = 0; i < ARRAY_SIZE(absent); i++) {
        assert_int_equal(call(0x8400000a, absent[i], 0, 0), NOT_SUPPORTED);
    }
    assert_int_equal(call(0x84000050, 0, 0, 0), NOT_SUPPORTED);
    assert_int_equal(call(0x8600ff01, 0, 0, 0), NOT_SUPPORTED);
    assert_int_equal(call(0xdeadbeef, 1, 2, 3), NOT_SUPPORTED);
    assert_int_equal(d->vcpu[0]->arch.regs.x[1], 1);
    assert_int_equal(call(0xffffffff84000000, 0, 0, 0), 0x10001);        /* the id is w0 */
}

static void uids(void **state)
{
    const u64 *x = d->vcpu[0]->arch.regs.x;

    (void)state;
    assert_int_equal(call(0x8400ff01, 0, 0, 0), 0x6f3863f8);
    assert_int_equal(x[1], 0xbd4c394b);
    assert_int_equal(x[2], 0x16ce2092);
    assert_int_equal(x[3], 0x6f9fe541);
    assert_int_equal(call(0x8500ff01, 0, 0, 0), 0xdc1218a7);
    assert_int_equal(x[3], 0x67e6de8d);
    assert_int_equal(call(0x8500ff03, 9, 9, 9), 0);
    assert_int_equal(x[1], 1);
    assert_int_equal(call(0x8500ff00, 0, 0, 0), 3);
    assert_true(call(0x8400ff00, 0, 0, 0) > 10);
}

static void cpu_on(void **state)
{
    (void)state;
    assert_int_equal(call(0xc4000003, 0x101, 0x1234567800, 0xabcdef0123), 0);
    assert_ptr_equal(booted.v, d->vcpu[17]);             /* 16 per Aff1 */
    assert_int_equal(booted.entry, 0x1234567800);
    assert_int_equal(booted.context, 0xabcdef0123);
    assert_int_equal(d->vcpu[17]->pause_flags, 0);
    assert_int_equal(reset_cpuif, 1);
    assert_int_equal(reset_timer, 1);
    assert_int_equal(call(0xc4000003, 0x101, 0x1000, 0), (u64)-4);
    assert_int_equal(call(0x84000003, 0xffffffff00000001, 0x5500001000, 0xff00000007), 0);
    assert_int_equal(booted.entry, 0x1000);              /* 32-bit arguments */
    assert_int_equal(booted.context, 7);
    assert_int_equal(call(2, 2, 0x2000, 5), 0);          /* PSCI 0.1 */
    assert_ptr_equal(booted.v, d->vcpu[2]);
    d->vcpu[4]->pause_flags |= VPF_BLOCKED;              /* it went off in its sleep */
    assert_int_equal(call(2, 4, 0x1234567800, 5), 0);    /* native width */
    assert_int_equal(booted.entry, 0x1234567800);
    assert_int_equal(d->vcpu[4]->pause_flags, 0);
    assert_int_equal(call(0xc4000003, 0x104, 0x1000, 0), (u64)-2);
    assert_int_equal(call(0xc4000003, 0x10, 0x1000, 0), (u64)-2);
    assert_int_equal(call(0xc4000003, 0x10000, 0x1000, 0), (u64)-2);
    assert_int_equal(call(0xc4000003, 1UL << 32, 0x1000, 0), (u64)-2);
    assert_int_equal(call(0xc4000003, BIT(31) | 3, 0x1000, 0), (u64)-2);
    assert_int_equal(call(0xc4000003, 0, 0x1000, 0), (u64)-4);           /* itself */
    boot_result = -EINVAL;
    assert_int_equal(call(0xc4000003, 3, 0x1001, 0), (u64)-9);
    assert_int_equal(d->vcpu[3]->pause_flags, VPF_DOWN);
    boot_result = 0;
    d->vcpu[3]->sched.running = true;                    /* on its way off */
    assert_int_equal(call(0xc4000003, 3, 0x1000, 0), (u64)-4);
    assert_int_equal(call(0xc4000004, 3, 0, 0), 0);
    d->vcpu[3]->sched.running = false;
    assert_int_equal(call(0xc4000004, 3, 0, 0), 1);
    assert_int_equal(call(0xc4000003, 3, 0x1000, 0), 0);
}

static void states(void **state)
{
    (void)state;
    assert_int_equal(call(0x84000004, 0, 0, 0), 0);
    assert_int_equal(call(0x84000004, 5, 0, 0), 1);
    assert_int_equal(call(0xc4000004, 0x100, 1, 0), 1);          /* the cluster of vCPUs 16.. */
    assert_int_equal(call(0xc4000004, 5, 1, 0), 0);              /* the one with vCPU 0 */
    assert_int_equal(call(0xc4000004, 0, 3, 0), 0);
    assert_int_equal(call(0xc4000004, 0, 4, 0), (u64)-2);
    assert_int_equal(call(0xc4000004, 0x30, 0, 0), (u64)-2);
    assert_int_equal(call(0xc4000004, BIT(40), 0, 0), (u64)-2);
    assert_int_equal(call(0xc4000001, 0, 0, 0), 0);
    assert_int_equal(blocked, 1);
    call(0x84000002, 0, 0, 0);
    assert_true(d->vcpu[0]->pause_flags & VPF_DOWN);
    d->vcpu[0]->pause_flags = 0;
    call(1, 0, 0, 0);
    assert_true(d->vcpu[0]->pause_flags & VPF_DOWN);
    call(0x84000008, 0, 0, 0);
    assert_int_equal(shutdown_reason, SHUTDOWN_poweroff);
    call(0x84000009, 0, 0, 0);
    assert_int_equal(shutdown_reason, SHUTDOWN_reboot);
}

static void narrow_guest(void **state)
{
    (void)state;
    d->is_32bit = true;
    assert_int_equal(call(0xc4000003, 1, 0x1000, 0), NOT_SUPPORTED);
    assert_int_equal(call(0x84000003, 1, 0x1000, 0), 0);
}

/* What CPUs need, one answer for all; what else of the architecture's range there is. */
static void workarounds(void **state)
{
    (void)state;
    assert_int_equal(call(0x80000001, 0x80008000, 0, 0), 0);
    assert_int_equal(call(0x80000001, 0x80007fff, 0, 0), 1);
    assert_int_equal(call(0x80000001, 0x80003fff, 0, 0), NOT_SUPPORTED);
    assert_int_equal(call(0x80000001, 0xc5000020, 0, 0), NOT_SUPPORTED);
    assert_int_equal(call(0x80000001, 0x80000000, 0, 0), 0);
    assert_int_equal(call(0x80000001, 0x80000001, 0, 0), 0);
    assert_int_equal(call(0x80008000, 0, 0, 0), 0);
    assert_int_equal(call(0x80007fff, 1, 0, 0), 16);
    assert_int_equal(firmware_asked, 0);
    assert_int_equal(call(0x80000001, 0x80000002, 0, 0), 0);
    assert_int_equal(call(0x80000002, 0, 0, 0), 0x12345678);
    assert_int_equal(call(0x80000002, 1, 0, 0), 0x12345679);
    assert_int_equal(call(0x80000002, 2, 0, 0), NOT_SUPPORTED);
    assert_int_equal(firmware_asked, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pcase(values), pcase(uids), pcase(cpu_on), pcase(states), pcase(narrow_guest), pcase(workarounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
