/* SPDX-License-Identifier: MIT */
/* Interrupts between vCPUs: SGIs, routing of SPIs, another's PPIs. */
#include "check.h"
#include "cpu.h"
#include "gic.h"
#include "hypercall.h"
#include "sysreg.h"
#include "timer.h"
#include "trap.h"

#define SGI 7u
#define PPI 20u

static void enable_sgis(void)
{
    mmio_write32(gic_bit_reg((unsigned)this_cpu()->index, 0, GICD_ISENABLER), 0xffff);
}

/* Work for a vCPU: take one interrupt and tell its IAR. */
static void take_one(uint64_t result)
{
    uint32_t iar;

    enable_sgis();
    gic_drain(); /* of an earlier test that failed */
    *(volatile uint64_t *)(result + 8) = 1; /* ready */
    iar = gic_wait_ack(patience_ms);
    if (IRQ_ID(iar) < 1020)
        gic_eoi(iar);
    *(volatile uint64_t *)result = iar;
}

struct taken {
    uint64_t iar, ready;
};
static struct taken taken[MAX_CPUS];

static bool all_ready(uint32_t mask)
{
    for (unsigned i = 0; i < cpu_count; i++) {
        if (!(mask & 1u << i))
            continue;
        taken[i] = (struct taken){ .iar = 0xdead };
        if (i && !cpu_start(i))
            return false;
        if (i)
            cpu_run(i, take_one, (uintptr_t)&taken[i]);
    }
    for (unsigned i = 1; i < cpu_count; i++)
        if (mask & 1u << i && !WAIT_FOR(*(volatile uint64_t *)&taken[i].ready, patience_ms))
            return false;
    return true;
}

static uint32_t everyone(void) { return (1u << cpu_count) - 1; }

static void to_other(void)
{
    for (unsigned id = 0; id < 16; id++) {
        REQUIRE("ready", all_ready(2));
        gic_sgi(2, id);
        CHECK(check_name("done", id), cpu_wait(1));
        CHECK_EQ(check_name("id", id), id, IRQ_ID(taken[1].iar));
        if (gic.version == 2)
            CHECK_EQ(check_name("source", id), 0, taken[1].iar >> 10 & 7);
    }
    CHECK("not-to-me", gic_quiet());
}

static void to_list(void)
{
    uint32_t targets = everyone() & ~2u;

    REQUIRE("ready", all_ready(everyone()));
    enable_sgis();
    gic_sgi(targets, SGI);
    for (unsigned i = 0; i < cpu_count; i++)
        if (i && targets & 1u << i) {
            CHECK(check_name("done", i), cpu_wait(i));
            CHECK_EQ(check_name("id", i), SGI, IRQ_ID(taken[i].iar));
        }
    CHECK_EQ("to-me", SGI, ({
        uint32_t iar = gic_wait_ack(patience_ms);
        if (IRQ_ID(iar) < 1020)
            gic_eoi(iar);
        IRQ_ID(iar); }));
    CHECK("not-yet-to-1", taken[1].iar == 0xdead);
    gic_sgi(2, SGI + 1);
    CHECK("1-done", cpu_wait(1));
    CHECK_EQ("1-gets-its-own", SGI + 1, IRQ_ID(taken[1].iar));
}

static void all_but_self(void)
{
    REQUIRE("ready", all_ready(everyone()));
    enable_sgis();
    gic_sgi_others(SGI);
    for (unsigned i = 1; i < cpu_count; i++) {
        CHECK(check_name("done", i), cpu_wait(i));
        CHECK_EQ(check_name("id", i), SGI, IRQ_ID(taken[i].iar));
    }
    CHECK("not-to-self", gic_quiet());
}

static void self(void)
{
    enable_sgis();
    for (unsigned id = 0; id < 16; id++) {
        uint32_t iar;

        gic_sgi_self(id);
        iar = gic_wait_ack(patience_ms);
        CHECK_EQ(check_name("id", id), id, IRQ_ID(iar));
        if (IRQ_ID(iar) < 1020)
            gic_eoi(iar);
    }
}

/* Targets that do not exist, and forms that are reserved: nothing happens, to anyone (XSA-117). */
static void nowhere(void)
{
    unsigned before = 0;

    enable_sgis();
    if (gic.version == 2) {
        static const uint32_t values[] = {
            3u << 24 | 0xff0000 | SGI, 0x800000 | SGI, SGI, 0xfc000000 | 3u << 24 | SGI,
        };

        for (unsigned i = 0; i < 4; i++)
            if (i != 1 || cpu_count < 8)
                before += PROBE_CALL(mmio_write32(gic.dist + GICD_SGIR, values[i]));
    } else {
        static const uint64_t values[] = {
            0, (uint64_t)SGI << 24, 0x8000 | SGI << 24, 1ul << 16 | 1 | SGI << 24, 1ul << 32 | 1 | SGI << 24,
            1ul << 48 | 1 | SGI << 24, 0xfful << 48 | 0xfffe | SGI << 24,
        };

        for (unsigned i = 0; i < 7; i++) {
            trap_probe_begin();
            sysreg_write(S3_0_C12_C11_5, values[i]);
            before += trap_probe_end();
        }
    }
    CHECK_RANGE("faults", 0, 8, before);
    CHECK("nobody-hears", gic_quiet());
}

/* Group 0 and the other security state's group: accepted or undefined, never harmful. */
static void other_groups(void)
{
    unsigned n;

    enable_sgis();
    trap_probe_begin();
    sysreg_write(S3_0_C12_C11_6, (uint64_t)SGI << 24 | 1); /* ICC_ASGI1R_EL1 */
    sysreg_write(S3_0_C12_C11_7, (uint64_t)SGI << 24 | 1); /* ICC_SGI0R_EL1 */
    n = trap_probe_end();
    CHECK_RANGE("faults", 0, 2, n);
    (void)gic_quiet();
}

/* GICv2 keeps the SGI pending once for each source, and IAR names it. */
static void send_to_0(uint64_t id)
{
    gic_sgi(1, (unsigned)id);
}

static void sources(void)
{
    unsigned seen = 0;

    enable_sgis();
    for (unsigned i = 1; i < cpu_count; i++) {
        REQUIRE(check_name("starts", i), cpu_start(i));
        CHECK(check_name("sends", i), cpu_call(i, send_to_0, SGI));
    }
    for (unsigned i = 1; i < cpu_count; i++) {
        uint32_t iar = gic_wait_ack(patience_ms);

        CHECK_EQ(check_name("id", i), SGI, iar & 0x3ff);
        if ((iar & 0x3ff) == SGI)
            seen |= 1u << (iar >> 10 & 7);
        if (IRQ_ID(iar) < 1020)
            gic_eoi(iar);
    }
    CHECK_EQ("each-source-once", everyone() & ~1u, seen);
    CHECK("then-quiet", gic_quiet());
}

static void pending_registers(void)
{
    uintptr_t set = gic.dist + GICD_SPENDSGIR + SGI, clear = gic.dist + GICD_CPENDSGIR + SGI;
    uint32_t iar;

    mmio_write32(gic_bit_reg(0, 0, GICD_ICENABLER), 0xffff);
    mmio_write8(set, 1);
    CHECK_EQ("set", 1, mmio_read8(set));
    CHECK_EQ("reads-in-both", 1, mmio_read8(clear));
    CHECK("in-ispendr", gic_bit(SGI, GICD_ISPENDR));
    mmio_write8(clear, 1);
    CHECK_EQ("cleared", 0, mmio_read8(set));
    if (cpu_count < 2)
        return;
    mmio_write8(set, 2);
    CHECK_EQ("source-1", 2, mmio_read8(set));
    enable_sgis();
    iar = gic_wait_ack(patience_ms);
    CHECK_EQ("iar-names-source-1", SGI | 1u << 10, iar);
    gic_eoi(iar);
}

/* Each sender's own is pending beside another's that waits or is active (IHI 0048B 3.2.6, 4.3.17). */
static void beside_another(void)
{
    enable_sgis();
    for (unsigned round = 0; round < 6; round++) {
        uint32_t first, second;

        gic_sgi_self(SGI);
        gic_sgi_self(SGI);
        first = gic_wait_ack(patience_ms);
        CHECK_EQ(check_name("alone", round), SGI, first);
        gic_eoi(first);
        CHECK_EQ(check_name("once", round), IRQ_NONE, gic_ack());
        mmio_write8(gic.dist + GICD_SPENDSGIR + SGI, 2); /* as if from vCPU 1 */
        if (round % 2)
            gic_sgi_self(SGI);
        first = gic_wait_ack(patience_ms);
        if (!(round % 2))
            gic_sgi_self(SGI);
        CHECK_EQ(check_name("second-waits", round), IRQ_NONE, gic_ack());
        gic_eoi(first);
        second = gic_wait_ack(patience_ms);
        CHECK_EQ(check_name("both", round), 1u << 10 | SGI, first | second);
        CHECK_EQ(check_name("different", round), 1u << 10, first ^ second);
        gic_eoi(second);
        CHECK_EQ(check_name("no-more", round), IRQ_NONE, gic_ack());
    }
}

/* Sent while it is disabled and has just ended. */
static void sent_disabled(void)
{
    uint32_t iar;

    enable_sgis();
    for (unsigned round = 0; round < 3; round++) {
        gic_sgi_self(SGI);
        iar = gic_wait_ack(patience_ms);
        gic_set_bit(SGI, GICD_ICENABLER);
        gic_eoi(iar);
        gic_sgi_self(SGI);
        if (gic_bit(SGI, GICD_ISENABLER)) { /* allowed on GICv2: SGIs permanently enabled (IHI 0048B 4.3.5) */
            gic_drain();
            check_skip("SGIs cannot be disabled");
            return;
        }
        CHECK(check_name("held", round), gic_quiet());
        gic_set_bit(SGI, GICD_ISENABLER);
        iar = gic_wait_ack(patience_ms);
        CHECK_EQ(check_name("comes", round), SGI, IRQ_ID(iar));
        gic_eoi(iar);
    }
}

static void route_spi(void)
{
    gic_set_edge(FREE_SPI, true);
    gic_set_bit(FREE_SPI, GICD_ISENABLER);
    for (unsigned i = 1; i < cpu_count; i++) {
        REQUIRE(check_name("ready", i), all_ready(1u << i));
        gic_route(FREE_SPI, i);
        gic_set_bit(FREE_SPI, GICD_ISPENDR);
        CHECK(check_name("done", i), cpu_wait(i));
        CHECK_EQ(check_name("irq", i), FREE_SPI, IRQ_ID(taken[i].iar));
        CHECK(check_name("not-here", i), !gic_irq_signalled());
    }
    gic_route(FREE_SPI, 0);
    gic_set_bit(FREE_SPI, GICD_ISPENDR);
    CHECK_EQ("back", FREE_SPI, IRQ_ID(gic_wait_ack(patience_ms)));
    gic_eoi(FREE_SPI);
}

/* Pending here, then routed elsewhere before it is acknowledged: it goes with its route. */
static void reroute_pending(void)
{
    gic_set_edge(FREE_SPI, true);
    gic_route(FREE_SPI, 0);
    gic_set_bit(FREE_SPI, GICD_ISENABLER);
    REQUIRE("ready", all_ready(2));
    gic_set_bit(FREE_SPI, GICD_ISPENDR);
    (void)WAIT_FOR(gic_irq_signalled(), patience_ms);
    gic_route(FREE_SPI, 1);
    CHECK("done", cpu_wait(1));
    CHECK_EQ("there", FREE_SPI, IRQ_ID(taken[1].iar));
    CHECK("not-here", WAIT_FOR(!gic_irq_signalled(), 10));
    gic_route(FREE_SPI, 0);
}

/* A GICv3 redistributor can be written from any vCPU. */
static void others_redistributor(void)
{
    uintptr_t frame;

    REQUIRE("ready", all_ready(2));
    frame = cpus[1].redist + GICR_SGI_FRAME;
    mmio_write32(frame + GICD_ISENABLER, 1u << PPI);
    mmio_write8(frame + GICD_IPRIORITYR + PPI, PRIO_DEFAULT);
    mmio_write32(frame + GICD_ISPENDR, 1u << PPI);
    CHECK("done", cpu_wait(1));
    CHECK_EQ("irq", PPI, IRQ_ID(taken[1].iar));
    CHECK("not-here", !gic_bit(PPI, GICD_ISPENDR) && !gic_irq_signalled());
    mmio_write32(frame + GICD_ICENABLER, 1u << PPI);
}

/* A vCPU asleep in WFI wakes for an SGI. */
static void sleep_take(uint64_t result)
{
    uint64_t end = counter() + ticks_ms(patience_ms);
    uint32_t iar = IRQ_NONE;

    enable_sgis();
    *(volatile uint64_t *)(result + 8) = 1;
    while (!gic_irq_signalled() && counter() < end)
        wfi();
    iar = gic_ack();
    if (IRQ_ID(iar) < 1020)
        gic_eoi(iar);
    *(volatile uint64_t *)result = iar;
}

static void wakes_sleeper(void)
{
    REQUIRE("starts", cpu_start(1));
    for (unsigned round = 0; round < 20; round++) {
        taken[1] = (struct taken){ .iar = 0xdead };
        cpu_run(1, sleep_take, (uintptr_t)&taken[1]);
        REQUIRE("ready", WAIT_FOR(*(volatile uint64_t *)&taken[1].ready, patience_ms));
        delay_us(round % 4 * 100);
        gic_sgi(2, SGI);
        REQUIRE(check_name("done", round), cpu_wait(1));
        CHECK_EQ(check_name("id", round), SGI, IRQ_ID(taken[1].iar));
    }
}

/* Everyone sends to everyone, many times; each SGI that was signalled arrives (collapsed, not lost). */
static volatile unsigned storm_round[MAX_CPUS];

static void storm_work(uint64_t rounds)
{
    unsigned self = (unsigned)this_cpu()->index, next = (self + 1) % cpu_count;

    enable_sgis();
    for (unsigned n = 0; n < rounds; n++) {
        uint32_t iar;

        gic_sgi(1u << next, 1);
        iar = gic_wait_ack(patience_ms);
        if (IRQ_ID(iar) != 1)
            return;
        gic_eoi(iar);
        storm_round[self] = n + 1;
        if (!WAIT_FOR(storm_round[next] > n, patience_ms))
            return;
    }
}

static void storm(void)
{
    unsigned rounds = 200;

    for (unsigned i = 0; i < cpu_count; i++)
        storm_round[i] = 0;
    for (unsigned i = 1; i < cpu_count; i++) {
        REQUIRE(check_name("starts", i), cpu_start(i));
        cpu_run(i, storm_work, rounds);
    }
    storm_work(rounds);
    for (unsigned i = 0; i < cpu_count; i++) {
        CHECK(check_name("done", i), i == 0 || cpu_wait(i));
        CHECK_EQ(check_name("rounds", i), rounds, storm_round[i]);
    }
}

const struct test tests_vgic_sgi[] = {
    { "sgi.self", self, 0, 0 },
    { "sgi.nowhere", nowhere, 0, 0 },
    { "sgi.other-groups", other_groups, 0, 3 },
    { "sgi.pending-registers", pending_registers, 0, 2 },
    { "sgi.to-other", to_other, 2, 0 },
    { "sgi.to-list", to_list, 2, 0 },
    { "sgi.all-but-self", all_but_self, 2, 0 },
    { "sgi.sources", sources, 2, 2 },
    { "sgi.beside-another", beside_another, 2, 2 },
    { "sgi.sent-disabled", sent_disabled, 0, 0 },
    { "sgi.route-spi", route_spi, 2, 0 },
    { "sgi.reroute-pending", reroute_pending, 2, 0 },
    { "sgi.others-redistributor", others_redistributor, 2, 3 },
    { "sgi.wakes-sleeper", wakes_sleeper, 2, 0 },
    { "sgi.storm", storm, 2, 0 },
    { 0 },
};
