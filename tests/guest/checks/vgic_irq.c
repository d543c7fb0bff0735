/* SPDX-License-Identifier: MIT */
/* Delivery to one vCPU: enable, pending, priority, preemption, masks, end of interrupt (IHI 0048B 3, IHI 0069 4). */
#include "check.h"
#include "cpu.h"
#include "gic.h"
#include "hypercall.h"
#include "machine.h"
#include "sysreg.h"
#include "timer.h"
#include "trap.h"

#define PPI 20u
#define SGI 5u

static const unsigned kinds[] = { SGI, PPI, FREE_SPI };

static void prepare(unsigned irq, unsigned priority)
{
    if (irq >= 32) {
        gic_set_edge(irq, true);
        gic_route(irq, 0);
    }
    gic_set_priority(irq, priority);
}

static void enable(unsigned irq) { gic_set_bit(irq, GICD_ISENABLER); }
static void disable(unsigned irq) { gic_set_bit(irq, GICD_ICENABLER); }

static void pend(unsigned irq)
{
    if (irq < 16)
        gic_sgi_self(irq);
    else
        gic_set_bit(irq, GICD_ISPENDR);
}

static void take(const char *what, unsigned irq)
{
    uint32_t iar = gic_wait_ack(patience_ms);

    CHECK_EQ(what, irq, IRQ_ID(iar));
    if (IRQ_ID(iar) < 1020)
        gic_eoi(iar);
}

static void spurious(void)
{
    CHECK_EQ("ack-nothing", IRQ_NONE, gic_ack());
    CHECK_EQ("highest-pending-nothing", IRQ_NONE, IRQ_ID(gic_highest_pending()));
    CHECK_EQ("running-priority-idle", 0xff, gic_running_priority());
    CHECK("not-signalled", !gic_irq_signalled());
    gic_eoi(IRQ_NONE);
    CHECK_EQ("eoi-of-nothing", 0xff, gic_running_priority());
}

static void each_kind(void)
{
    for (unsigned i = 0; i < 3; i++) {
        unsigned irq = kinds[i];

        prepare(irq, PRIO_DEFAULT);
        enable(irq);
        for (unsigned round = 0; round < 4; round++) {
            pend(irq);
            CHECK(check_name("signalled", irq), WAIT_FOR(gic_irq_signalled(), patience_ms));
            CHECK_EQ(check_name("highest-pending", irq), irq, IRQ_ID(gic_highest_pending()));
            take(check_name("acknowledged", irq), irq);
            CHECK_EQ(check_name("once", irq), IRQ_NONE, gic_ack());
        }
    }
}

static void disabled(void)
{
    for (unsigned i = 0; i < 3; i++) {
        unsigned irq = kinds[i];

        prepare(irq, PRIO_DEFAULT);
        disable(irq);
        pend(irq);
        CHECK(check_name("held-while-disabled", irq), gic_quiet());
        enable(irq);
        take(check_name("comes-when-enabled", irq), irq);
        /* Already signalled, perhaps in a list register: disabling takes it back, and it is not lost. */
        pend(irq);
        (void)WAIT_FOR(gic_irq_signalled(), patience_ms);
        disable(irq);
        CHECK(check_name("taken-back", irq), WAIT_FOR(!gic_irq_signalled(), 10));
        CHECK_EQ(check_name("nothing-to-acknowledge", irq), IRQ_NONE, gic_ack());
        enable(irq);
        take(check_name("not-lost", irq), irq);
    }
}

static void pending_cleared(void)
{
    static const unsigned irqs[] = { PPI, FREE_SPI };

    for (unsigned i = 0; i < 2; i++) {
        prepare(irqs[i], PRIO_DEFAULT);
        enable(irqs[i]);
        pend(irqs[i]);
        (void)WAIT_FOR(gic_irq_signalled(), patience_ms);
        gic_set_bit(irqs[i], GICD_ICPENDR);
        CHECK(check_name("taken-back", irqs[i]), WAIT_FOR(!gic_irq_signalled(), 10));
        CHECK_EQ(check_name("gone", irqs[i]), IRQ_NONE, gic_ack());
        pend(irqs[i]);
        take(check_name("comes-again", irqs[i]), irqs[i]);
    }
}

/* Pending twice before it is acknowledged is once; while active it is once more. */
static void pending_again(void)
{
    for (unsigned i = 0; i < 3; i++) {
        unsigned irq = kinds[i];
        uint32_t iar;

        prepare(irq, PRIO_DEFAULT);
        enable(irq);
        pend(irq);
        pend(irq);
        iar = gic_wait_ack(patience_ms);
        CHECK_EQ(check_name("first", irq), irq, IRQ_ID(iar));
        CHECK_EQ(check_name("collapsed", irq), IRQ_NONE, gic_ack());
        pend(irq);
        CHECK_EQ(check_name("not-while-active", irq), IRQ_NONE, gic_ack());
        gic_eoi(iar);
        take(check_name("after-eoi", irq), irq);
        CHECK(check_name("then-quiet", irq), gic_quiet());
    }
}

static void priority_order(void)
{
    static const uint8_t priority[] = { 0xb0, 0x50, 0x90, 0x30, 0x70 };
    static const uint8_t order[] = { 3, 1, 4, 2, 0 };

    gic_set_mask(0);
    for (unsigned i = 0; i < 5; i++) {
        prepare(FREE_SPI + i, priority[i]);
        enable(FREE_SPI + i);
        pend(FREE_SPI + i);
    }
    CHECK("all-masked", gic_quiet());
    gic_set_mask(0xff);
    for (unsigned i = 0; i < 5; i++) {
        uint32_t iar = gic_wait_ack(patience_ms);

        CHECK_EQ(check_name("order", i), FREE_SPI + order[i], IRQ_ID(iar));
        if (IRQ_ID(iar) < 1020) {
            CHECK_EQ(check_name("running", i), priority[order[i]], gic_running_priority());
            gic_eoi(iar);
        }
    }
    CHECK("nothing-left", gic_quiet());
}

/* More pending than there can be list registers (16), with the urgent ones last. */
static void many_pending(void)
{
    unsigned count = 24, taken = 0, last_priority = 0;
    uint32_t seen = 0;

    for (unsigned i = 0; i < count; i++) {
        prepare(FREE_SPI + i, (i < 16 ? 0x90 : 0x20) + (i % 4) * 0x10);
        enable(FREE_SPI + i);
    }
    gic_set_mask(0);
    for (unsigned i = 0; i < count; i++)
        pend(FREE_SPI + i);
    gic_set_mask(0xff);
    while (taken < count) {
        uint32_t iar = gic_wait_ack(patience_ms);
        unsigned n = IRQ_ID(iar) - FREE_SPI, priority;

        REQUIRE(check_name("comes", taken), n < count);
        priority = gic_running_priority();
        CHECK(check_name("most-urgent-first", n), priority >= last_priority);
        last_priority = priority;
        CHECK(check_name("once-each", n), !(seen & 1u << n));
        seen |= 1u << n;
        gic_eoi(iar);
        taken++;
    }
    CHECK("nothing-left", gic_quiet());
}

/* The list registers are full of what waits, and then something urgent comes. */
static void urgent_when_full(void)
{
    unsigned urgent = FREE_SPI + 20;

    for (unsigned i = 0; i < 20; i++) {
        prepare(FREE_SPI + i, 0xc0);
        enable(FREE_SPI + i);
        pend(FREE_SPI + i);
    }
    prepare(urgent, 0x20);
    enable(urgent);
    pend(urgent);
    take("urgent-first", urgent);
    for (unsigned i = 0; i < 20; i++)
        CHECK_RANGE(check_name("others", i), FREE_SPI, FREE_SPI + 19, ({
            uint32_t iar = gic_wait_ack(patience_ms);
            if (IRQ_ID(iar) < 1020)
                gic_eoi(iar);
            IRQ_ID(iar); }));
    CHECK("nothing-left", gic_quiet());
}

static void preemption(void)
{
    unsigned low = FREE_SPI, high = FREE_SPI + 1, same = FREE_SPI + 2;
    uint32_t iar;

    prepare(low, 0x80);
    prepare(high, 0x40);
    prepare(same, 0x80);
    enable(low);
    enable(high);
    enable(same);
    pend(low);
    iar = gic_wait_ack(patience_ms);
    CHECK_EQ("low", low, IRQ_ID(iar));
    CHECK_EQ("running-low", 0x80, gic_running_priority());
    pend(same);
    CHECK("same-priority-waits", gic_quiet());
    pend(high);
    CHECK("high-preempts", WAIT_FOR(gic_irq_signalled(), patience_ms));
    {
        uint32_t inner = gic_ack();

        CHECK_EQ("high", high, IRQ_ID(inner));
        CHECK_EQ("running-high", 0x40, gic_running_priority());
        CHECK("same-waits-behind-high", !gic_irq_signalled());
        gic_eoi(inner);
    }
    CHECK_EQ("back-to-low", 0x80, gic_running_priority());
    CHECK("same-still-waits", !gic_irq_signalled());
    gic_eoi(iar);
    take("same-after-low", same);
    CHECK_EQ("idle", 0xff, gic_running_priority());
}

/* Group priority: bits that the binary point leaves out do not preempt. */
static void binary_point(void)
{
    unsigned low = FREE_SPI, high = FREE_SPI + 1;
    uint32_t iar;

    prepare(low, 0x60);
    prepare(high, 0x40);
    enable(low);
    enable(high);
    /* BPR 6 leaves bit 7 as the group, on v2's group 0 register; BPR1 is one further on v3 (IHI 0069 4.8.4). */
    gic_set_binary_point(gic.version == 3 ? 7 : 6);
    pend(low);
    iar = gic_wait_ack(patience_ms);
    pend(high);
    CHECK("same-group-waits", gic_quiet());
    gic_eoi(iar);
    take("then-comes", high);
    gic_set_binary_point(0);
    pend(low);
    iar = gic_wait_ack(patience_ms);
    pend(high);
    CHECK("other-group-preempts", WAIT_FOR(gic_irq_signalled(), patience_ms));
    take("preempted", high);
    gic_eoi(iar);
}

static void priority_mask(void)
{
    prepare(FREE_SPI, 0x80);
    enable(FREE_SPI);
    gic_set_mask(0x80);
    pend(FREE_SPI);
    CHECK("equal-is-masked", gic_quiet());
    CHECK_EQ("acknowledge-masked", IRQ_NONE, gic_ack());
    gic_set_mask(0x90);
    CHECK("below-is-signalled", WAIT_FOR(gic_irq_signalled(), patience_ms));
    gic_set_mask(0x40);
    CHECK("masked-again", WAIT_FOR(!gic_irq_signalled(), 10));
    gic_set_mask(0xff);
    take("comes", FREE_SPI);
}

static void groups_off(void)
{
    prepare(FREE_SPI, PRIO_DEFAULT);
    enable(FREE_SPI);
    gic_group_enable(false);
    pend(FREE_SPI);
    CHECK("cpu-interface-off", gic_quiet());
    gic_group_enable(true);
    take("on-again", FREE_SPI);
    gic_dist_enable(false);
    pend(FREE_SPI);
    CHECK("distributor-off", gic_quiet());
    gic_dist_enable(true);
    take("distributor-on-again", FREE_SPI);
}

/* EOImode 1: EOI drops the priority, DIR ends it (IHI 0069 4.1.1). */
static void split_eoi(void)
{
    unsigned other = FREE_SPI + 1;

    gic_set_eoi_mode(true);
    for (unsigned i = 0; i < 3; i++) {
        unsigned irq = kinds[i];
        uint32_t iar;

        prepare(irq, 0x80);
        prepare(other, 0xa0);
        enable(irq);
        enable(other);
        pend(irq);
        iar = gic_wait_ack(patience_ms);
        CHECK_EQ(check_name("acknowledged", irq), irq, IRQ_ID(iar));
        gic_eoi(iar);
        CHECK_EQ(check_name("priority-dropped", irq), 0xff, gic_running_priority());
        pend(other);
        CHECK_EQ(check_name("less-urgent-comes", irq), other, ({
            uint32_t inner = gic_wait_ack(patience_ms);
            gic_eoi(inner);
            gic_deactivate(inner);
            IRQ_ID(inner); }));
        pend(irq);
        CHECK(check_name("still-active", irq), gic_quiet());
        gic_deactivate(iar);
        iar = gic_wait_ack(patience_ms);
        CHECK_EQ(check_name("after-deactivation", irq), irq, IRQ_ID(iar));
        gic_eoi(iar);
        gic_deactivate(iar);
        CHECK(check_name("then-quiet", irq), gic_quiet());
    }
    gic_set_eoi_mode(false);
}

/* WFI wakes for a pending interrupt although PSTATE.I masks it. */
static void wakes_wfi(void)
{
    uint64_t start = counter();

    prepare(FREE_SPI, PRIO_DEFAULT);
    enable(FREE_SPI);
    pend(FREE_SPI);
    wfi();
    CHECK_RANGE("at-once", 0, ticks_ms(patience_ms), counter() - start);
    take("comes", FREE_SPI);
}

static volatile unsigned nested_depth, nested_max;

static void nested_hook(uint32_t iar)
{
    uint64_t elr = sysreg_read(elr_el1), spsr = sysreg_read(spsr_el1);

    nested_depth++;
    if (nested_depth > nested_max)
        nested_max = nested_depth;
    if (IRQ_ID(iar) - FREE_SPI < 3) {
        pend(IRQ_ID(iar) + 1);
        irq_enable();
        (void)WAIT_FOR(nested_max > IRQ_ID(iar) - FREE_SPI + 1, patience_ms);
        irq_disable();
    }
    nested_depth--;
    sysreg_write(elr_el1, elr);
    sysreg_write(spsr_el1, spsr);
}

/* Real exceptions, nested four deep. */
static void nested(void)
{
    nested_depth = nested_max = 0;
    trap_irq_hook = nested_hook;
    for (unsigned i = 0; i < 4; i++) {
        prepare(FREE_SPI + i, 0xa0 - 0x20 * i);
        enable(FREE_SPI + i);
    }
    pend(FREE_SPI);
    irq_enable();
    (void)WAIT_FOR(nested_max == 4, patience_ms);
    irq_disable();
    CHECK_EQ("depth", 4, nested_max);
    CHECK_EQ("taken", 4, this_cpu()->irq_count);
    CHECK_EQ("running-priority-idle", 0xff, gic_running_priority());
}

/*
 * Nested deeper than there are list registers (QEMU has four): the outermost is active in none of them. It pends again,
 * its active state is cleared, and something is ended that is in no list register. Each is then delivered once.
 */
static void evicted(void)
{
    for (unsigned round = 0; round < 3; round++) {
        unsigned taken = 0;

        for (unsigned i = 0; i < 5; i++) {
            gic_set_priority(1 + i, 0xc0 - i * 0x20);
            enable(1 + i);
            gic_sgi_self(1 + i);
            if (i < 4)
                CHECK_EQ(check_name("nested", i), 1 + i, IRQ_ID(gic_wait_ack(patience_ms)));
        }
        gic_sgi_self(1);
        CHECK(check_name("active", round), gic_bit(1, GICD_ISACTIVER));
        if (round != 1)
            gic_set_bit(1, GICD_ICACTIVER);
        for (unsigned i = 0; i < 4; i++) /* 1 as often as there are priorities to drop, or each as it was taken */
            gic_eoi(round == 0 ? 1 : 4 - i);
        for (unsigned i = 0; i < 3 && round == 0; i++)
            gic_set_bit(2 + i, GICD_ICACTIVER);
        CHECK_EQ(check_name("priorities-dropped", round), 0xff, gic_running_priority());
        for (unsigned i = 0; i < 2; i++) {
            uint32_t iar = gic_wait_ack(patience_ms);

            taken |= 1u << IRQ_ID(iar) % 32;
            if (IRQ_ID(iar) < 1020)
                gic_eoi(iar);
        }
        CHECK_EQ(check_name("both-taken", round), 1u << 1 | 1u << 5, taken);
        CHECK(check_name("then-quiet", round), gic_quiet());
        for (unsigned i = 1; i < 6; i++)
            CHECK(check_name("inactive", round * 8 + i), !gic_bit(i, GICD_ISACTIVER));
    }
}

/* A device's own interrupt: the PL031 raises its line when its match register equals its counter. */
static void hardware_level(void)
{
    uint32_t iar;

    if (!machine.rtc) {
        check_skip("no PL031");
        return;
    }
    gic_set_edge(machine.rtc_irq, false);
    gic_route(machine.rtc_irq, 0);
    enable(machine.rtc_irq);
    mmio_write32(machine.rtc + 0x1c, 1);
    mmio_write32(machine.rtc + 0x10, 1);
    for (unsigned round = 0; round < 8; round++) {
        CHECK(check_name("quiet", round), !gic_irq_signalled());
        do
            mmio_write32(machine.rtc + 4, mmio_read32(machine.rtc));
        while (!mmio_read32(machine.rtc + 0x14));
        iar = gic_wait_ack(patience_ms);
        CHECK_EQ(check_name("irq", round), machine.rtc_irq, IRQ_ID(iar));
        if (round % 2) { /* ended before the device is served: comes again */
            gic_eoi(iar);
            iar = gic_wait_ack(patience_ms);
            CHECK_EQ(check_name("level-again", round), machine.rtc_irq, IRQ_ID(iar));
        }
        mmio_write32(machine.rtc + 0x1c, 1);
        gic_eoi(iar);
    }
    mmio_write32(machine.rtc + 0x10, 0);
    CHECK("then-quiet", gic_quiet());
}

/* Ended first, then quieted: low again before interrupts are unmasked, it comes once (IHI 0069 4.1.2). */
static void hardware_level_early(void)
{
    if (!machine.rtc) {
        check_skip("no PL031");
        return;
    }
    gic_set_edge(machine.rtc_irq, false);
    gic_route(machine.rtc_irq, 0);
    enable(machine.rtc_irq);
    mmio_write32(machine.rtc + 0x1c, 1);
    mmio_write32(machine.rtc + 0x10, 1);
    for (unsigned round = 0; round < 40; round++) {
        uint32_t iar;

        do
            mmio_write32(machine.rtc + 4, mmio_read32(machine.rtc));
        while (!mmio_read32(machine.rtc + 0x14));
        iar = gic_wait_ack(patience_ms);
        CHECK_EQ(check_name("irq", round), machine.rtc_irq, IRQ_ID(iar));
        gic_eoi(iar);
        mmio_write32(machine.rtc + 0x1c, 1);
        if (gic.version == 2) /* looked at on an exit; version 3 traps the acknowledgement */
            (void)hypercall2(__HYPERVISOR_xen_version, 0, 0);
        CHECK_EQ(check_name("nothing-there", round), IRQ_NONE, gic_ack());
        CHECK(check_name("then-quiet", round), gic_quiet());
    }
    mmio_write32(machine.rtc + 0x10, 0);
}

const struct test tests_vgic_irq[] = {
    { "irq.spurious", spurious, 0, 0 },
    { "irq.each-kind", each_kind, 0, 0 },
    { "irq.disabled", disabled, 0, 0 },
    { "irq.pending-cleared", pending_cleared, 0, 0 },
    { "irq.pending-again", pending_again, 0, 0 },
    { "irq.priority-order", priority_order, 0, 0 },
    { "irq.many-pending", many_pending, 0, 0 },
    { "irq.urgent-when-full", urgent_when_full, 0, 0 },
    { "irq.preemption", preemption, 0, 0 },
    { "irq.binary-point", binary_point, 0, 0 },
    { "irq.priority-mask", priority_mask, 0, 0 },
    { "irq.groups-off", groups_off, 0, 0 },
    { "irq.split-eoi", split_eoi, 0, 0 },
    { "irq.wakes-wfi", wakes_wfi, 0, 0 },
    { "irq.nested", nested, 0, 0 },
    { "irq.evicted", evicted, 0, 0 },
    { "irq.hardware-level", hardware_level, 0, 0 },
    { "irq.hardware-level-early", hardware_level_early, 0, 0 },
    { 0 },
};
