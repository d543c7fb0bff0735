/* SPDX-License-Identifier: MIT */
/*
 * Runtime services of a firmware (firmware/uefi.S) that finds out how it is called, and breaks rules. Each of the tests
 * named fault ends them, so a machine is good for one of these.
 */
#include "hypercall.h"
#include <stddef.h>
#include <xen/errno.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include "check.h"
#include "console.h"
#include "cpu.h"
#include "gic.h"
#include "sysreg.h"
#include "timer.h"

#define ERROR        (1ul << 63)
#define DEVICE_ERROR (ERROR | 7)
#define UNSUPPORTED  (ERROR | 3)
#define ALL_WELL     0x1f
#define TRIES        20

static xen_platform_op_t op;
static uint16_t name[2] = { 'x', 0 };

static long efi(uint32_t function)
{
    op.cmd = XENPF_efi_runtime_call;
    op.interface_version = XENPF_INTERFACE_VERSION;
    op.u.efi_runtime_call.function = function;
    op.u.efi_runtime_call.misc = 0;
    op.u.efi_runtime_call.status = 77;
    return hypercall1(__HYPERVISOR_platform_op, &op);
}

/* False where there is no UEFI: most machines. */
static bool there_is_uefi(void)
{
    if (efi(XEN_EFI_get_time) == 0)
        return true;
    check_skip("no UEFI");
    return false;
}

/* FP and SIMD registers as this vCPU left them; x18 is in all of the state.* tests. */
static void set_fp(uint64_t low, uint64_t high, uint64_t fpcr)
{
    asm volatile(".arch_extension fp\n\tfmov d8, %0\n\tfmov d31, %1\n\tmsr fpcr, %2"
                 : : "r"(low), "r"(high), "r"(fpcr));
}

static void check_fp(uint64_t low, uint64_t high, uint64_t fpcr)
{
    uint64_t d8, d31, control;

    asm volatile(".arch_extension fp\n\tfmov %0, d8\n\tfmov %1, d31\n\tmrs %2, fpcr"
                 : "=r"(d8), "=r"(d31), "=r"(control));
    CHECK_EQ("d8", low, d8);
    CHECK_EQ("d31", high, d31);
    CHECK_EQ("fpcr", fpcr, control);
}

static void time(void)
{
    uint64_t before, after;

    if (!there_is_uefi())
        return;
    set_fp(0x1111222233334444, 0x5555666677778888, 1ul << 22);
    before = counter();
    CHECK_EQ("get_time", 0, efi(XEN_EFI_get_time));
    after = counter();
    check_fp(0x1111222233334444, 0x5555666677778888, 1ul << 22);
    set_fp(0, 0, 0);
    CHECK_EQ("status", 0, op.u.efi_runtime_call.status);
    CHECK_EQ("called-well", ALL_WELL, op.u.efi_runtime_call.u.get_time.time.month);
    CHECK("rtc", op.u.efi_runtime_call.u.get_time.time.ns != 0);
    CHECK("counter", after >= before && after - before < ticks_ms(20000));
    CHECK_EQ("capsule", -XEN_EOPNOTSUPP, efi(XEN_EFI_update_capsule));
}

/* The stack is as deep as it should be. */
static void stack(void)
{
    if (!there_is_uefi())
        return;
    CHECK_EQ("get_wakeup_time", 0, efi(XEN_EFI_get_wakeup_time));
    CHECK_EQ("status", 0, op.u.efi_runtime_call.status);
}

/* An interrupt comes while firmware lets them in: it is masked again, firmware goes on, and the guest gets its own. */
static void interrupts(void)
{
    bool masked = false;

    if (!there_is_uefi())
        return;
    sysreg_write(cntv_cval_el0, counter() + ticks_ms(1));
    sysreg_write(cntv_ctl_el0, TIMER_ENABLE);
    /* On a busy host the time may be over before firmware is entered. */
    for (unsigned i = 0; i < TRIES && !masked; i++) {
        sysreg_write(cntp_cval_el0, counter() + ticks_ms(5 + i));
        sysreg_write(cntp_ctl_el0, TIMER_ENABLE);
        isb();
        CHECK_EQ("set_time", 0, efi(XEN_EFI_set_time));
        masked = op.u.efi_runtime_call.status == (ERROR | 0x3c0);
        CHECK("status", masked || op.u.efi_runtime_call.status == ERROR);
    }
    CHECK("masked", masked);
    CHECK_EQ("own-timer", TIMER_ENABLE | TIMER_ISTATUS, sysreg_read(cntv_ctl_el0));
    CHECK_EQ("physical-timer", TIMER_ENABLE | TIMER_ISTATUS, sysreg_read(cntp_ctl_el0));
    timer_stop();
}

/* The call fails, the services are gone, and everything else goes on. Those of variables have a name; sizes are 0. */
static void fault(uint32_t function)
{
    if (!there_is_uefi())
        return;
    op.u.efi_runtime_call.u.get_variable.name.p = name;
    op.u.efi_runtime_call.u.get_variable.size = 0;
    if (function == XEN_EFI_get_next_variable_name) {
        op.u.efi_runtime_call.u.get_next_variable_name.size = sizeof(name);
        op.u.efi_runtime_call.u.get_next_variable_name.name.p = name;
    }
    set_fp(3, 4, 0);
    CHECK_EQ("call", 0, efi(function));
    check_fp(3, 4, 0);
    CHECK_EQ("status", DEVICE_ERROR, op.u.efi_runtime_call.status);
    CHECK_EQ("off", -XEN_ENOSYS, efi(XEN_EFI_get_time));
    CHECK_EQ("version", 4ul << 16 | 17, hypercall2(__HYPERVISOR_xen_version, 0, 0));
}

/* ---- several vCPUs ---- */
#define CALLS 40u

static struct caller {
    xen_platform_op_t op;
    volatile unsigned good, last;
    volatile uint64_t longest;
} callers[2];

static long efi_of(struct caller *c, uint32_t function)
{
    c->op.cmd = XENPF_efi_runtime_call;
    c->op.interface_version = XENPF_INTERFACE_VERSION;
    c->op.u.efi_runtime_call.function = function;
    c->op.u.efi_runtime_call.misc = 0;
    c->op.u.efi_runtime_call.status = 77;
    return hypercall1(__HYPERVISOR_platform_op, &c->op);
}

/* Every fourth call keeps firmware for long; what comes of each is its caller's. */
static void call_often(uint64_t n)
{
    struct caller *c = &callers[n];

    for (unsigned i = 0; i < CALLS; i++) {
        bool is_long = i % 4 == 3;
        uint64_t before = counter();
        long rc = efi_of(c, is_long ? XEN_EFI_set_time : XEN_EFI_get_time);
        const struct xenpf_efi_runtime_call *call = &c->op.u.efi_runtime_call;

        if (counter() - before > c->longest)
            c->longest = counter() - before;
        c->good += rc == 0 && (is_long ? (call->status & ERROR) != 0
                                       : call->status == 0 && call->u.get_time.time.month == ALL_WELL);
    }
}

/* One is in firmware at a time; the other's call is made after it, and its interrupts arrive meanwhile. */
static void two_cpus(void)
{
    if (!there_is_uefi())
        return;
    REQUIRE("started", cpu_start(1));
    set_fp(5, 6, 1ul << 22);
    cpu_run(1, call_often, 1);
    call_often(0);
    check_fp(5, 6, 1ul << 22);
    set_fp(0, 0, 0);
    CHECK("other", cpu_wait(1));
    for (unsigned n = 0; n < 2; n++) {
        CHECK_EQ(check_name("good", n), CALLS, callers[n].good);
        CHECK(check_name("longest", n), callers[n].longest < ticks_ms(patience_ms / 2));
    }
    REQUIRE("off", cpu_stop(1));
}

static volatile bool writes;

static void write_variable(uint64_t n)
{
    static char data[16];
    struct caller *c = &callers[n];

    c->op.u.efi_runtime_call.u.set_variable.name.p = name;
    c->op.u.efi_runtime_call.u.set_variable.size = sizeof(data);
    c->op.u.efi_runtime_call.u.set_variable.data.p = data;
    writes = true;
    dmb();
    (void)efi_of(c, XEN_EFI_set_variable);
}

/* A reset while another vCPU's variable is written: comes, and after that. The machine ends with this test. */
static void reset(void)
{
    if (!there_is_uefi())
        return;
    REQUIRE("started", cpu_start(1));
    cpu_run(1, write_variable, 1);
    REQUIRE("writes", WAIT_FOR(writes, patience_ms));
    delay_us(100000);
    print("# uefi.reset: now\n");
    (void)smccc_hvc(PSCI_SYSTEM_RESET, 0, 0, 0);
    CHECK("still here", false);
}

/* Two vCPUs end the machine at once, each in its way, while a third one's variable is written. */
static void end_too(uint64_t reason)
{
    struct sched_shutdown s = { .reason = (unsigned)reason };

    (void)hypercall2(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &s);
}

static void ends_twice(void)
{
    if (!there_is_uefi())
        return;
    REQUIRE("started", cpu_start(1) && cpu_start(2));
    cpu_run(1, write_variable, 1);
    REQUIRE("writes", WAIT_FOR(writes, patience_ms));
    delay_us(100000);
    print("# uefi.ends-twice: now\n");
    cpu_run(2, end_too, SHUTDOWN_crash);
    end_too(SHUTDOWN_reboot);
    CHECK("still here", false);
}

static void fault_data(void) { fault(XEN_EFI_set_wakeup_time); }
static void fault_code(void) { fault(XEN_EFI_get_next_high_monotonic_count); }
static void fault_overflow(void) { fault(XEN_EFI_query_variable_info); }
static void fault_other_stack(void) { fault(XEN_EFI_get_next_variable_name); }
static void fault_null(void) { fault(XEN_EFI_set_variable); }
static void fault_not_its_own(void) { fault(XEN_EFI_get_variable); }

const struct test tests_uefi[] = {
    { "uefi.time", time, 0, 0 },
    { "uefi.stack", stack, 0, 0 },
    { "uefi.interrupts", interrupts, 0, 0 },
    { "uefi.two-cpus", two_cpus, 2, 0 },
    { "uefi.reset", reset, 2, 0 },
    { "uefi.ends-twice", ends_twice, 3, 0 },
    { "uefi.fault-data", fault_data, 0, 0 },
    { "uefi.fault-code", fault_code, 0, 0 },
    { "uefi.fault-overflow", fault_overflow, 0, 0 },
    { "uefi.fault-other-stack", fault_other_stack, 0, 0 },
    { "uefi.fault-null", fault_null, 0, 0 },
    { "uefi.fault-not-its-own", fault_not_its_own, 0, 0 },
    { 0, 0, 0, 0 },
};
