/* SPDX-License-Identifier: MIT */
/* Virtual timer and the EL1 physical timer (Arm ARM D11.2): both must behave alike for a guest. */
#include "timer.h"
#include "check.h"
#include "cpu.h"
#include "gic.h"
#include "hypercall.h"
#include "sysreg.h"
#include "trap.h"


static bool physical; /* the timer under test */

static unsigned irq(void) { return physical ? timer_irqs.physical : timer_irqs.virtual; }
static uint64_t now(void) { isb(); return physical ? sysreg_read(cntpct_el0) : sysreg_read(cntvct_el0); }
static uint32_t ctl(void)
{
    isb();
    return (uint32_t)(physical ? sysreg_read(cntp_ctl_el0) : sysreg_read(cntv_ctl_el0));
}
static uint64_t cval(void) { return physical ? sysreg_read(cntp_cval_el0) : sysreg_read(cntv_cval_el0); }
static uint64_t tval_raw(void) { return physical ? sysreg_read(cntp_tval_el0) : sysreg_read(cntv_tval_el0); }
static int64_t tval(void) { return (int32_t)tval_raw(); }

static void set_ctl(uint32_t v)
{
    if (physical)
        sysreg_write(cntp_ctl_el0, v);
    else
        sysreg_write(cntv_ctl_el0, v);
    isb();
}

static void set_cval(uint64_t v)
{
    if (physical)
        sysreg_write(cntp_cval_el0, v);
    else
        sysreg_write(cntv_cval_el0, v);
    isb();
}

static void set_tval(uint64_t v)
{
    if (physical)
        sysreg_write(cntp_tval_el0, v);
    else
        sysreg_write(cntv_tval_el0, v);
    isb();
}

static void registers(void)
{
    uint64_t t;

    set_ctl(0);
    CHECK_EQ("ctl-off", 0, ctl() & 3);
    set_cval(0x123456789abcdeful);
    CHECK_EQ("cval-64-bit", 0x123456789abcdeful, cval());
    set_ctl(TIMER_ENABLE | TIMER_IMASK);
    CHECK_EQ("ctl-not-due", TIMER_ENABLE | TIMER_IMASK, ctl());
    set_cval(0);
    CHECK_EQ("ctl-due", TIMER_ENABLE | TIMER_IMASK | TIMER_ISTATUS, ctl());
    set_ctl(0xfffffff8);
    CHECK_EQ("ctl-reserved-bits", 0, ctl() & ~(uint32_t)TIMER_ISTATUS);
    set_tval(1000000);
    t = now();
    CHECK_RANGE("tval-sets-cval", 0, ticks_ms(patience_ms), t + 1000000 - cval());
    CHECK_RANGE("tval-reads-back", 0, ticks_ms(patience_ms), (uint64_t)(1000000 - tval()));
    set_tval(0xffffffff); /* -1: sign-extended 32 bits */
    CHECK("tval-negative-cval", cval() < now());
    CHECK("tval-negative", tval() < 0);
    set_cval(now() + (1ul << 40));
    CHECK_EQ("tval-is-32-bit", 0, tval_raw() >> 32);
}

static void fires_on_time(void)
{
    gic_set_bit(irq(), GICD_ISENABLER);
    for (unsigned i = 0; i < 20; i++) {
        uint64_t due = now() + ticks_us(200 + 50 * i);
        uint32_t iar;

        set_cval(due);
        set_ctl(TIMER_ENABLE);
        iar = gic_wait_ack(patience_ms);
        CHECK("not-early", now() >= due);
        CHECK_EQ("irq", irq(), IRQ_ID(iar));
        CHECK("istatus", ctl() & TIMER_ISTATUS);
        set_ctl(0);
        gic_eoi(iar);
        CHECK_EQ("once", IRQ_NONE, gic_ack());
    }
}

static void past_fires_at_once(void)
{
    uint32_t iar;

    gic_set_bit(irq(), GICD_ISENABLER);
    set_cval(1);
    set_ctl(TIMER_ENABLE);
    iar = gic_wait_ack(patience_ms);
    CHECK_EQ("cval-in-past", irq(), IRQ_ID(iar));
    set_ctl(0);
    gic_eoi(iar);
    set_tval(0xfffffff0);
    set_ctl(TIMER_ENABLE);
    iar = gic_wait_ack(patience_ms);
    CHECK_EQ("tval-negative", irq(), IRQ_ID(iar));
    set_ctl(0);
    gic_eoi(iar);
    set_cval(TIMER_NEVER);
    set_ctl(TIMER_ENABLE);
    CHECK("far-future-does-not-fire", gic_quiet());
}

/* IMASK and ENABLE are the guest's: they read as it wrote them, whatever the hypervisor does to the hardware. */
static void control_bits(void)
{
    uint32_t iar;

    gic_set_bit(irq(), GICD_ISENABLER);
    set_cval(1);
    set_ctl(TIMER_ENABLE | TIMER_IMASK);
    CHECK("masked-does-not-fire", gic_quiet());
    CHECK_EQ("masked-ctl", TIMER_ENABLE | TIMER_IMASK | TIMER_ISTATUS, ctl());
    set_ctl(TIMER_ENABLE);
    iar = gic_wait_ack(patience_ms);
    CHECK_EQ("unmasked-fires", irq(), IRQ_ID(iar));
    CHECK_EQ("ctl-in-handler", TIMER_ENABLE | TIMER_ISTATUS, ctl());
    set_ctl(0);
    gic_eoi(iar);
    CHECK_EQ("disabled-ctl", 0, ctl() & 3);
    CHECK("disabled-quiet", gic_quiet());
}

/* The line is a level: an interrupt that is ended without a change comes again. */
static void level(void)
{
    uint32_t iar;

    gic_set_bit(irq(), GICD_ISENABLER);
    set_cval(1);
    set_ctl(TIMER_ENABLE);
    for (unsigned i = 0; i < 3; i++) {
        iar = gic_wait_ack(patience_ms);
        CHECK_EQ(check_name("again", i), irq(), IRQ_ID(iar));
        if (IRQ_ID(iar) != irq())
            return;
        gic_eoi(iar);
    }
    iar = gic_wait_ack(patience_ms);
    set_cval(TIMER_NEVER); /* not due any more: the line falls */
    gic_eoi(iar);
    CHECK("quiet-when-moved", gic_quiet());
}

static void plain_exit(void)
{
    (void)hypercall2(__HYPERVISOR_xen_version, 0, 0);
}

/* Line up, then down again before it is acknowledged: a level interrupt's pending state goes with the line. */
static void retracted(void)
{
    gic_set_bit(irq(), GICD_ISENABLER);
    set_cval(1);
    set_ctl(TIMER_ENABLE);
    REQUIRE("signalled", WAIT_FOR(gic_irq_signalled(), patience_ms));
    set_ctl(TIMER_ENABLE | TIMER_IMASK);
    /* A line that falls is noticed in finite time (IHI0069 4.1.2): at the latest on the next exit of any kind. */
    plain_exit();
    CHECK("masked", !gic_irq_signalled());
    CHECK_EQ("masked-not-pending", 0, gic_bit(irq(), GICD_ISPENDR));
    set_ctl(TIMER_ENABLE);
    CHECK("unmasked", WAIT_FOR(gic_irq_signalled(), patience_ms));
    set_cval(TIMER_NEVER);
    plain_exit();
    CHECK("moved", !gic_irq_signalled());
    CHECK_EQ("moved-not-pending", 0, gic_bit(irq(), GICD_ISPENDR));
}

/* Due while its interrupt is disabled: nothing; enabled later: at once. */
static void disabled_in_gic(void)
{
    uint32_t iar;

    gic_set_bit(irq(), GICD_ICENABLER);
    set_cval(1);
    set_ctl(TIMER_ENABLE);
    CHECK("disabled", gic_quiet());
    CHECK("pending-shown", gic_bit(irq(), GICD_ISPENDR));
    gic_set_bit(irq(), GICD_ISENABLER);
    iar = gic_wait_ack(patience_ms);
    CHECK_EQ("enabled", irq(), IRQ_ID(iar));
    set_ctl(0);
    gic_eoi(iar);
    CHECK("pending-gone", !gic_bit(irq(), GICD_ISPENDR));
}

/* While WFI sleeps; interrupts masked, so it only wakes. */
static void wakes_wfi(void)
{
    gic_set_bit(irq(), GICD_ISENABLER);
    for (unsigned i = 0; i < 5; i++) {
        uint64_t due = now() + ticks_ms(2), end = now() + ticks_ms(patience_ms);
        uint32_t iar;

        set_cval(due);
        set_ctl(TIMER_ENABLE);
        while (!gic_irq_signalled() && now() < end)
            wfi();
        CHECK("not-early", now() >= due);
        iar = gic_ack();
        CHECK_EQ("irq", irq(), IRQ_ID(iar));
        set_ctl(0);
        gic_eoi(iar);
    }
}

/* Taken through the vector instead of polled. */
static void hook(uint32_t iar)
{
    if (IRQ_ID(iar) == irq())
        set_cval(now() + ticks_us(300));
}

static void vectored(void)
{
    trap_irq_hook = hook;
    gic_set_bit(irq(), GICD_ISENABLER);
    set_cval(now() + ticks_us(300));
    set_ctl(TIMER_ENABLE);
    irq_enable();
    CHECK("ten-ticks", WAIT_FOR(*(volatile unsigned *)&this_cpu()->irq_count >= 10, patience_ms));
    irq_disable();
    for (unsigned i = 0; i < 10; i++)
        CHECK_EQ(check_name("irq", i), irq(), IRQ_ID(this_cpu()->irq_log[i]));
}

#define BOTH(test)                                              \
    static void test##_virtual(void) { physical = false; test(); } \
    static void test##_physical(void) { physical = true; test(); }

BOTH(registers)
BOTH(fires_on_time)
BOTH(past_fires_at_once)
BOTH(control_bits)
BOTH(level)
BOTH(retracted)
BOTH(disabled_in_gic)
BOTH(wakes_wfi)
BOTH(vectored)

/* Each vCPU has its own: what one sets, no other sees. */
static void own_timer(uint64_t result)
{
    uint64_t seen = sysreg_read(cntv_cval_el0), ctl_seen = sysreg_read(cntv_ctl_el0);

    sysreg_write(cntv_cval_el0, 0x77770000 + this_cpu()->index);
    *(volatile uint64_t *)result = seen == TIMER_NEVER && (ctl_seen & 3) == 0;
}

static void per_vcpu(void)
{
    uint64_t ok = 0;

    REQUIRE("starts", cpu_start(1));
    sysreg_write(cntv_cval_el0, 0x55550000);
    sysreg_write(cntv_ctl_el0, TIMER_ENABLE | TIMER_IMASK);
    REQUIRE("runs", cpu_call(1, own_timer, (uintptr_t)&ok));
    CHECK("other-sees-own", ok);
    for (unsigned i = 0; i < 10; i++)
        (void)hypercall2(__HYPERVISOR_sched_op, 0, 0);
    CHECK_EQ("cval-kept", 0x55550000, sysreg_read(cntv_cval_el0));
    CHECK_EQ("ctl-kept", TIMER_ENABLE | TIMER_IMASK, sysreg_read(cntv_ctl_el0) & 3);
    (void)cpu_stop(1);
}

const struct test tests_timer[] = {
    { "timer.virtual-registers", registers_virtual, 0, 0 },
    { "timer.virtual-on-time", fires_on_time_virtual, 0, 0 },
    { "timer.virtual-past", past_fires_at_once_virtual, 0, 0 },
    { "timer.virtual-control", control_bits_virtual, 0, 0 },
    { "timer.virtual-level", level_virtual, 0, 0 },
    { "timer.virtual-retracted", retracted_virtual, 0, 0 },
    { "timer.virtual-gic-disabled", disabled_in_gic_virtual, 0, 0 },
    { "timer.virtual-wfi", wakes_wfi_virtual, 0, 0 },
    { "timer.virtual-vectored", vectored_virtual, 0, 0 },
    { "timer.physical-registers", registers_physical, 0, 0 },
    { "timer.physical-on-time", fires_on_time_physical, 0, 0 },
    { "timer.physical-past", past_fires_at_once_physical, 0, 0 },
    { "timer.physical-control", control_bits_physical, 0, 0 },
    { "timer.physical-level", level_physical, 0, 0 },
    { "timer.physical-retracted", retracted_physical, 0, 0 },
    { "timer.physical-gic-disabled", disabled_in_gic_physical, 0, 0 },
    { "timer.physical-wfi", wakes_wfi_physical, 0, 0 },
    { "timer.physical-vectored", vectored_physical, 0, 0 },
    { "timer.per-vcpu", per_vcpu, 2, 0 },
    { 0 },
};
