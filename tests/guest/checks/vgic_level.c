/* SPDX-License-Identifier: MIT */
/*
 * Level interrupts with hardware behind them, ended while their line is high, or high again: each comes again (IHI
 * 0048B 3.2.1, IHI 0069 4.1.2), whatever else is pending or active meanwhile, and at once, without anything else
 * that happens.
 */
#include "check.h"
#include "cpu.h"
#include "domctl.h"
#include "gic.h"
#include "hypercall.h"
#include "machine.h"
#include "sysreg.h"
#include "timer.h"
#include "xenabi.h"

#define HIGH 0x40u
#define LOW 0xc0u
#define RTC_MR 0x04u
#define RTC_IMSC 0x10u
#define RTC_RIS 0x14u
#define RTC_ICR 0x1cu

struct source {
    void (*raise)(void);
    void (*quiet)(void);
    unsigned irq;
};

static void timer_raise(void)
{
    sysreg_write(cntv_cval_el0, 1);
    sysreg_write(cntv_ctl_el0, TIMER_ENABLE);
    isb();
}

static void timer_quiet(void)
{
    sysreg_write(cntv_ctl_el0, 0);
    isb();
}

static void rtc_raise(void)
{
    do
        mmio_write32(machine.rtc + RTC_MR, mmio_read32(machine.rtc));
    while (!mmio_read32(machine.rtc + RTC_RIS));
}

static void rtc_quiet(void) { mmio_write32(machine.rtc + RTC_ICR, 1); }

static struct source timer_source(void)
{
    return (struct source){ timer_raise, timer_quiet, timer_irqs.virtual };
}

static struct source rtc_source(void)
{
    return (struct source){ rtc_raise, rtc_quiet, machine.rtc_irq };
}

/* On, at the higher priority. */
static void source_on(const struct source *s)
{
    if (s->irq >= 32) {
        gic_set_edge(s->irq, false);
        gic_route(s->irq, 0);
        mmio_write32(machine.rtc + RTC_ICR, 1);
        mmio_write32(machine.rtc + RTC_IMSC, 1);
    }
    gic_set_priority(s->irq, HIGH);
    gic_set_bit(s->irq, GICD_ISENABLER);
}

static void source_off(const struct source *s)
{
    s->quiet();
    if (s->irq >= 32)
        mmio_write32(machine.rtc + RTC_IMSC, 0);
}

/* Something else: edge-triggered, by software alone, of the lower priority. */
static void other_on(unsigned irq)
{
    gic_set_edge(irq, true);
    gic_route(irq, 0);
    gic_set_priority(irq, LOW);
    gic_set_bit(irq, GICD_ISENABLER);
}

static void pend(unsigned irq) { gic_set_bit(irq, GICD_ISPENDR); }

/* Acknowledge, which must give irq. */
static uint32_t expect(const char *what, unsigned round, unsigned irq)
{
    uint32_t iar = gic_wait_ack(patience_ms);

    CHECK_EQ(check_name(what, round), irq, IRQ_ID(iar));
    return iar;
}

/* It is active; its line is high: ended so it comes again, twice; ended with the line low it does not. */
static void ends(const struct source *s, unsigned round, uint32_t iar)
{
    for (unsigned i = 0; i < 2; i++) {
        gic_eoi(iar);
        iar = expect("again", round, s->irq);
    }
    s->quiet();
    s->raise(); /* low in between, and high again before the end */
    gic_eoi(iar);
    iar = expect("risen-again", round, s->irq);
    s->quiet();
    gic_eoi(iar);
    CHECK(check_name("then-quiet", round), IRQ_ID(gic_highest_pending()) != s->irq);
}

/* What is beside the source, and since when. */
enum beside { ALONE, BEFORE, WHILE_PENDING, WHILE_ACTIVE, RUNNING, MANY, TAKEN_BACK, NR_BESIDE };

static void with_others(const struct source *s)
{
    source_on(s);
    for (unsigned i = 0; i < 8; i++)
        other_on(FREE_SPI + i);
    for (unsigned way = 0; way < NR_BESIDE; way++) {
        uint32_t outer = IRQ_NONE, iar;

        gic_set_mask(way == RUNNING ? 0xff : 0x80); /* 0x80: the others wait */
        if (way == BEFORE || way == RUNNING || way == TAKEN_BACK)
            pend(FREE_SPI);
        for (unsigned i = 0; way == MANY && i < 8; i++)
            pend(FREE_SPI + i);
        if (way == RUNNING)
            outer = expect("other", way, FREE_SPI);
        s->raise();
        CHECK(check_name("signalled", way), WAIT_FOR(gic_irq_signalled(), patience_ms));
        if (way == WHILE_PENDING)
            pend(FREE_SPI);
        iar = expect("comes", way, s->irq);
        if (way == WHILE_ACTIVE)
            pend(FREE_SPI);
        if (way == TAKEN_BACK)
            gic_set_bit(FREE_SPI, GICD_ICPENDR);
        ends(s, way, iar);
        if (way == RUNNING)
            gic_eoi(outer);
        gic_set_mask(0xff);
        gic_drain();
    }
    source_off(s);
}

static void timer_with_others(void)
{
    struct source s = timer_source();

    with_others(&s);
}

static void device_with_others(void)
{
    struct source s = rtc_source();

    REQUIRE("PL031", machine.rtc);
    with_others(&s);
}

/* Timer and device at a time, one within the other. */
static void nested(void)
{
    struct source outer = rtc_source(), inner = timer_source();

    REQUIRE("PL031", machine.rtc);
    for (unsigned i = 0; i < 4; i++) {
        uint32_t first, second;

        source_on(&outer);
        source_on(&inner);
        gic_set_priority(outer.irq, 0x80);
        outer.raise();
        if (i % 2)
            first = expect("first", i, outer.irq);
        inner.raise();
        second = expect("second", i, inner.irq);
        ends(&inner, i, second);
        if (!(i % 2))
            first = expect("first", i, outer.irq);
        ends(&outer, i, first);
        source_off(&outer);
    }
}

/* The end in two steps: priority, then deactivation. */
static void split_end(void)
{
    struct source s = timer_source();

    source_on(&s);
    gic_set_eoi_mode(true);
    s.raise();
    for (unsigned i = 0; i < 4; i++) {
        uint32_t iar = expect("comes", i, s.irq);

        gic_eoi(iar);
        CHECK(check_name("not-before-deactivation", i), gic_ack() == IRQ_NONE);
        if (i == 3)
            s.quiet();
        gic_deactivate(iar);
    }
    CHECK("then-quiet", gic_ack() == IRQ_NONE);
    gic_set_eoi_mode(false);
}

/* More interrupts active than there are list registers; those that have none left are ended after the source. */
static void with_evicted(void)
{
    struct source s = timer_source();
    uint32_t iar[8];

    source_on(&s);
    gic_set_priority(s.irq, 0x10);
    for (unsigned i = 0; i < 8; i++) {
        other_on(FREE_SPI + i);
        gic_set_priority(FREE_SPI + i, 0xa0 - 0x10 * i);
        pend(FREE_SPI + i);
        iar[i] = expect("other", i, FREE_SPI + i);
    }
    for (unsigned i = 8; i-- > 0;) {
        s.raise();
        ends(&s, i, expect("comes", i, s.irq));
        gic_eoi(iar[i]);
    }
    for (unsigned i = 0; i < 8; i++)
        CHECK_EQ(check_name("ended", i), 0, gic_bit(FREE_SPI + i, GICD_ISACTIVER));
    source_off(&s);
}

static void sleep_us(uint64_t us)
{
    evtchn_port_t none = 0;
    struct sched_poll poll = { .ports.p = &none };

    poll.timeout = (counter() + ticks_us(us)) * 1000000000ul / counter_frequency();
    CHECK_EQ("sleep", 0, sched_op(SCHEDOP_poll, &poll));
}

/*
 * Active while its vCPU sleeps. Round 1: something else pends meanwhile; from round 2 on, since before, and the
 * list registers have changed hands, in one way or another.
 */
static void over_sleep(void)
{
    struct source s = rtc_source();

    REQUIRE("PL031", machine.rtc);
    source_on(&s);
    for (unsigned i = 0; i < 8; i++)
        other_on(FREE_SPI + i);
    for (unsigned round = 0; round < 8; round++) {
        uint32_t iar;

        gic_set_mask(0xff);
        for (unsigned i = 0; i < round; i++)
            pend(FREE_SPI + i);
        gic_drain();
        gic_set_mask(0x80);
        if (round > 1)
            pend(FREE_SPI + 8 - round);
        s.raise();
        iar = expect("comes", round, s.irq);
        if (round == 1)
            pend(FREE_SPI);
        sleep_us(500);
        ends(&s, round, iar);
    }
    source_off(&s);
    gic_set_mask(0xff);
    gic_drain();
}

/* A device's interrupt goes to a vCPU that is moved from CPU to CPU all the time: levels ended high, then edges. */
#define MOVE_ROUNDS 600u

static volatile unsigned moved_done;

static void move_work(uint64_t edge)
{
    struct source s = rtc_source();

    source_on(&s);
    gic_set_edge(s.irq, edge);
    gic_route(s.irq, 1);
    for (unsigned n = 0; n < MOVE_ROUNDS; n++) {
        uint32_t iar;

        s.raise();
        iar = gic_wait_ack(patience_ms);
        if (IRQ_ID(iar) != s.irq)
            return;
        if (edge) {
            s.quiet();
            s.raise(); /* once more while it is active */
            gic_eoi(iar);
        } else {
            gic_eoi(iar);
        }
        if (n % 3 == 0)
            delay_us(n % 50);
        iar = gic_wait_ack(patience_ms);
        if (IRQ_ID(iar) != s.irq)
            return;
        s.quiet();
        gic_eoi(iar);
        moved_done = n + 1;
    }
    source_off(&s);
}

static void while_moved(void)
{
    REQUIRE("PL031", machine.rtc);
    for (unsigned edge = 0; edge < 2; edge++) {
        unsigned cpu = 0;
        uint64_t end = counter() + 3 * ticks_ms(patience_ms);    /* the other one gives up first */

        REQUIRE("starts", cpu_start(1));
        moved_done = 0;
        cpu_run(1, move_work, edge);
        while (*(void *volatile *)&cpus[1].work && counter() < end) {
            (void)vcpu_pin(0, 1, 1ul << (cpu++ & 1));
            delay_us(cpu * 37 % 300);
            (void)hypercall2(__HYPERVISOR_xen_version, 0, 0);
        }
        CHECK_EQ(check_name("rounds", edge), MOVE_ROUNDS, moved_done);
    }
    (void)vcpu_pin(0, 1, ~0ul);
}

const struct test tests_vgic_level[] = {
    { "irq.level-timer", timer_with_others, 0, 0 },
    { "irq.level-device", device_with_others, 0, 0 },
    { "irq.level-nested", nested, 0, 0 },
    { "irq.level-split-end", split_end, 0, 0 },
    { "irq.level-evicted", with_evicted, 0, 0 },
    { "irq.level-over-sleep", over_sleep, 0, 0 },
    { "irq.level-while-moved", while_moved, 2, 0 },
    { 0 },
};
