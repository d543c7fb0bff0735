/* SPDX-License-Identifier: MIT */
/* Distributor and redistributor, register by register (GICv2: IHI 0048B chapter 4; GICv3: IHI 0069 chapter 12). */
#include "check.h"
#include "cpu.h"
#include "gic.h"
#include "hypercall.h"
#include "sysreg.h"
#include "timer.h"
#include "trap.h"

#define SPI (FREE_SPI + 4)
#define PPI 20u

static uint32_t dist(unsigned reg) { return mmio_read32(gic.dist + reg); }
static void dist_write(unsigned reg, uint32_t v) { mmio_write32(gic.dist + reg, v); }
static unsigned me(void) { return (unsigned)this_cpu()->index; }
static uint32_t bits(unsigned irq, unsigned reg) { return mmio_read32(gic_bit_reg(me(), irq, reg)); }

static void typer(void)
{
    uint32_t t = dist(GICD_TYPER);

    CHECK_RANGE("it-lines-number", 1, 31, t & 31);
    CHECK_EQ("no-security-extension", 0, t & 1u << 10);
    if (gic.version == 2) {
        CHECK_EQ("cpu-number", cpu_count - 1, t >> 5 & 7);
        CHECK_EQ("reserved", 0, t >> 16);
    } else {
        CHECK_RANGE("id-bits", 9, 23, t >> 19 & 31);
        CHECK_EQ("no-messages", 0, t & 1u << 16);
    }
    dist_write(GICD_TYPER, ~t);
    CHECK_EQ("read-only", t, dist(GICD_TYPER));
}

static void identification(void)
{
    uint32_t iidr = dist(GICD_IIDR);

    CHECK("iidr-implementer", (iidr & 0xfff) != 0);
    dist_write(GICD_IIDR, ~iidr);
    CHECK_EQ("iidr-read-only", iidr, dist(GICD_IIDR));
    if (gic.version == 3) {
        CHECK_EQ("gicd-pidr2-architecture", 3, dist(0xffe8) >> 4 & 15);
        CHECK_EQ("gicr-pidr2-architecture", 3, mmio_read32(this_cpu()->redist + 0xffe8) >> 4 & 15);
        CHECK_EQ("gicr-iidr", iidr & 0xfff, mmio_read32(this_cpu()->redist + GICR_IIDR) & 0xfff);
    } else {
        CHECK_EQ("icpidr2-architecture", 2, dist(0xfe8) >> 4 & 15);
        CHECK_EQ("gicc-iidr-architecture", 2, mmio_read32(gic.cpu_if + GICC_IIDR) >> 16 & 15);
    }
}

static void control(void)
{
    uint32_t on = gic.version == 3 ? 0x13 : 1;

    gic_dist_enable(true);
    CHECK("enabled", dist(GICD_CTLR) & 3);
    CHECK_EQ("no-write-pending", 0, dist(GICD_CTLR) >> 31);
    if (gic.version == 3)
        CHECK("affinity-routing", dist(GICD_CTLR) & 0x10);
    dist_write(GICD_CTLR, 0);
    CHECK_EQ("disabled", 0, dist(GICD_CTLR) & 3);
    if (gic.version == 3)
        CHECK_EQ("affinity-routing-kept", 0x10, dist(GICD_CTLR) & 0x10);
    dist_write(GICD_CTLR, 0xffffffff);
    CHECK_EQ("reserved-bits", 0, dist(GICD_CTLR) & 0x7fffff00);
    dist_write(GICD_CTLR, on);
}

/* Set/clear register pairs: write ones to set, to clear; zeros do nothing; both read the state. */
static void set_clear(unsigned irq, unsigned set, unsigned clear)
{
    unsigned bit = 1u << (irq % 32);
    uint32_t others = bits(irq, set) & ~bit;

    gic_set_bit(irq, clear);
    CHECK_EQ(check_name("cleared", irq), others, bits(irq, set));
    gic_set_bit(irq, set);
    CHECK_EQ(check_name("set", irq), others | bit, bits(irq, set));
    CHECK_EQ(check_name("clear-reads-the-same", irq), others | bit, bits(irq, clear));
    mmio_write32(gic_bit_reg(me(), irq, set), 0);
    mmio_write32(gic_bit_reg(me(), irq, clear), 0);
    CHECK_EQ(check_name("zeros-do-nothing", irq), others | bit, bits(irq, set));
    gic_set_bit(irq, clear);
    CHECK_EQ(check_name("cleared-again", irq), others, bits(irq, clear));
}

static void enable_bits(void)
{
    set_clear(PPI, GICD_ISENABLER, GICD_ICENABLER);
    set_clear(32 + 31, GICD_ISENABLER, GICD_ICENABLER);
    set_clear(SPI, GICD_ISENABLER, GICD_ICENABLER);
    /* Each bit of a word alone, all bits together. */
    mmio_write32(gic_bit_reg(me(), FREE_SPI + 16, GICD_ISENABLER), 0xffffffff);
    CHECK_EQ("word", 0xffffffff, bits(FREE_SPI + 16, GICD_ISENABLER));
    mmio_write32(gic_bit_reg(me(), FREE_SPI + 16, GICD_ICENABLER), 0x0000ffff);
    CHECK_EQ("half", 0xffff0000, bits(FREE_SPI + 16, GICD_ISENABLER));
    mmio_write32(gic_bit_reg(me(), FREE_SPI + 16, GICD_ICENABLER), 0xffffffff);
    CHECK_EQ("none", 0, bits(FREE_SPI + 16, GICD_ISENABLER));
}

static void pending_bits(void)
{
    set_clear(PPI, GICD_ISPENDR, GICD_ICPENDR);
    set_clear(SPI, GICD_ISPENDR, GICD_ICPENDR);
    if (gic.version == 3)
        set_clear(3, GICD_ISPENDR, GICD_ICPENDR);
}

static void active_bits(void)
{
    set_clear(PPI, GICD_ISACTIVER, GICD_ICACTIVER);
    set_clear(SPI, GICD_ISACTIVER, GICD_ICACTIVER);
    set_clear(3, GICD_ISACTIVER, GICD_ICACTIVER);
}

static void active_follows(void)
{
    static const unsigned irqs[] = { 3, PPI, SPI };

    for (unsigned i = 0; i < 3; i++) {
        unsigned irq = irqs[i];
        uint32_t iar;

        gic_set_bit(irq, GICD_ISENABLER);
        gic_route(SPI, me());
        if (irq == 3)
            gic_sgi_self(3);
        else
            gic_set_bit(irq, GICD_ISPENDR);
        if (irq != 3 || gic.version == 3)
            CHECK(check_name("pending", irq), gic_bit(irq, GICD_ISPENDR));
        CHECK(check_name("not-active", irq), !gic_bit(irq, GICD_ISACTIVER));
        iar = gic_wait_ack(patience_ms);
        CHECK_EQ(check_name("acknowledged", irq), irq, IRQ_ID(iar));
        CHECK(check_name("pending-gone", irq), !gic_bit(irq, GICD_ISPENDR));
        CHECK(check_name("active", irq), gic_bit(irq, GICD_ISACTIVER));
        gic_eoi(iar);
        CHECK(check_name("inactive", irq), !gic_bit(irq, GICD_ISACTIVER));
    }
}

/* An interrupt made active by a write is not signalled while pending, until made inactive. */
static void active_holds_back(void)
{
    gic_set_bit(SPI, GICD_ISENABLER);
    gic_route(SPI, me());
    gic_set_bit(SPI, GICD_ISACTIVER);
    gic_set_bit(SPI, GICD_ISPENDR);
    CHECK("held-back", gic_quiet());
    gic_set_bit(SPI, GICD_ICACTIVER);
    CHECK("signalled", WAIT_FOR(gic_irq_signalled(), patience_ms));
}

/* IHI 0069 12.9.20: unimplemented low bits are RAZ/WI; at least 16 levels. */
static void priorities(void)
{
    static const unsigned irqs[] = { 0, 15, 16, 31, 32, FREE_SPI + 5, FREE_SPI + 6, FREE_SPI + 7 };
    uint32_t mask = gic.prio_mask;

    CHECK_RANGE("at-least-4-bits", 0xf0, 0xff, mask);
    CHECK_EQ("contiguous", 0, (uint8_t)(mask << 1) & ~mask);
    for (unsigned i = 0; i < sizeof(irqs) / sizeof(irqs[0]); i++) {
        uintptr_t reg = gic_byte_reg(me(), irqs[i], GICD_IPRIORITYR);
        uint32_t before = mmio_read32(reg & ~3ul), expect;
        unsigned shift = (reg & 3) * 8;

        gic_set_priority(irqs[i], 0x5a);
        CHECK_EQ(check_name("byte", irqs[i]), 0x5a & mask, mmio_read8(reg));
        expect = (before & ~(0xffu << shift)) | (0x5a & mask) << shift;
        CHECK_EQ(check_name("word", irqs[i]), expect, mmio_read32(reg & ~3ul));
    }
    mmio_write32(gic_byte_reg(me(), SPI, GICD_IPRIORITYR), 0x12345678);
    CHECK_EQ("word-write", 0x12345678 & (mask * 0x01010101u), mmio_read32(gic_byte_reg(me(), SPI, GICD_IPRIORITYR)));
    CHECK_EQ("byte-of-word", 0x56 & mask, mmio_read8(gic_byte_reg(me(), SPI + 1, GICD_IPRIORITYR)));
    gic_set_priority(SPI, 0xff);
    CHECK_EQ("all-ones", mask, mmio_read8(gic_byte_reg(me(), SPI, GICD_IPRIORITYR)));
}

static void configuration(void)
{
    uintptr_t reg = gic.dist + GICD_ICFGR + SPI / 16 * 4;
    uintptr_t sgi = gic.version == 3 ? this_cpu()->redist + GICR_SGI_FRAME + GICD_ICFGR : gic.dist + GICD_ICFGR;

    CHECK_EQ("sgi-edge", 0xaaaaaaaa, mmio_read32(sgi) & 0xaaaaaaaa);
    mmio_write32(sgi, 0);
    CHECK_EQ("sgi-fixed", 0xaaaaaaaa, mmio_read32(sgi) & 0xaaaaaaaa);
    mmio_write32(reg, 0xffffffff);
    CHECK_EQ("spi-all-edge", 0xaaaaaaaa, mmio_read32(reg) & 0xaaaaaaaa);
    CHECK_EQ("even-bits-0", 0, mmio_read32(reg) & 0x55555555);
    mmio_write32(reg, 0);
    CHECK_EQ("spi-all-level", 0, mmio_read32(reg));
    gic_set_edge(SPI, true);
    CHECK_EQ("spi-one-edge", 2u << (SPI % 16 * 2), mmio_read32(reg));
    gic_set_edge(SPI, false);
}

static void targets(void)
{
    uint32_t all = (1u << cpu_count) - 1, mine = 1u << me();

    if (cpu_count == 1) {
        dist_write(GICD_ITARGETSR + SPI, 0xffffffff);
        CHECK("one-cpu", dist(GICD_ITARGETSR + SPI) == 0 || dist(GICD_ITARGETSR + SPI) == 0x01010101);
        return;
    }
    for (unsigned i = 0; i < 32; i += 4)
        CHECK_EQ(check_name("banked", i), mine * 0x01010101u, dist(GICD_ITARGETSR + i));
    dist_write(GICD_ITARGETSR, 0);
    CHECK_EQ("banked-read-only", mine * 0x01010101u, dist(GICD_ITARGETSR));
    dist_write(GICD_ITARGETSR + SPI, 0x01020102);
    CHECK_EQ("word", 0x01020102, dist(GICD_ITARGETSR + SPI));
    mmio_write8(gic.dist + GICD_ITARGETSR + SPI + 1, 2);
    CHECK_EQ("byte", 0x01020202, dist(GICD_ITARGETSR + SPI));
    mmio_write8(gic.dist + GICD_ITARGETSR + SPI, 0xff);
    CHECK_EQ("only-cpus-that-exist", all, mmio_read8(gic.dist + GICD_ITARGETSR + SPI));
    mmio_write8(gic.dist + GICD_ITARGETSR + SPI, 0);
    CHECK_EQ("nobody", 0, mmio_read8(gic.dist + GICD_ITARGETSR + SPI));
    dist_write(GICD_ITARGETSR + SPI, 0x01010101);
}

static void routing(void)
{
    uintptr_t reg = gic.dist + GICD_IROUTER + 8 * SPI;
    uint64_t last = cpu_mpidr(cpu_count - 1);

    mmio_write64(reg, last);
    CHECK_EQ("last-cpu", last, mmio_read64(reg));
    mmio_write64(reg, 1ul << 31);
    if (!(dist(GICD_TYPER) & 1u << 25)) /* No1N */
        CHECK_EQ("any-cpu", 1ul << 31, mmio_read64(reg) & 1ul << 31);
    mmio_write64(reg, 0);
    CHECK_EQ("cpu-0", 0, mmio_read64(reg));
    CHECK_EQ("low-word", 0, mmio_read32(reg));
    CHECK_EQ("high-word", 0, mmio_read32(reg + 4));
    mmio_write64(reg, 0xff00ffff0ful); /* nobody: kept or not, it must not hurt */
    gic_set_bit(SPI, GICD_ISENABLER);
    gic_set_bit(SPI, GICD_ISPENDR);
    CHECK("nobody-takes-it", gic_quiet() || IRQ_ID(gic_highest_pending()) == SPI);
    mmio_write64(reg, 0);
    CHECK("first-router-reserved", PROBE_CALL(mmio_read64(gic.dist + GICD_IROUTER)) <= 1);
}

static void redistributor(void)
{
    for (unsigned i = 0; i < cpu_count; i++) {
        uintptr_t frame = gic.redist + 0x20000ul * i;
        uint64_t typer = mmio_read64(frame + GICR_TYPER);

        CHECK_EQ(check_name("affinity", i), cpu_mpidr(i), typer >> 32);
        CHECK_EQ(check_name("processor-number", i), i, typer >> 8 & 0xffff);
        CHECK_EQ(check_name("last", i), i == cpu_count - 1, typer >> 4 & 1);
        CHECK_EQ(check_name("typer-low-word", i), (uint32_t)typer, mmio_read32(frame + GICR_TYPER));
        CHECK_EQ(check_name("typer-high-word", i), typer >> 32, mmio_read32(frame + GICR_TYPER + 4));
    }
    CHECK_EQ("awake-after-reset", 0, gic.waker & 6);
    CHECK_EQ("awake", 0, mmio_read32(this_cpu()->redist + GICR_WAKER) & 6);
    CHECK_EQ("ctlr-no-write-pending", 0, mmio_read32(this_cpu()->redist + GICR_CTLR) & 0x80000008);
    mmio_write32(this_cpu()->redist + GICR_WAKER, 2);
    (void)WAIT_FOR(mmio_read32(this_cpu()->redist + GICR_WAKER) & 4, patience_ms);
    mmio_write32(this_cpu()->redist + GICR_WAKER, 0);
    CHECK("wakes", WAIT_FOR(!(mmio_read32(this_cpu()->redist + GICR_WAKER) & 4), patience_ms));
}

/* SGIs and PPIs of each vCPU are its own. */
static void enable_own(uint64_t result)
{
    bool before = gic_bit(PPI, GICD_ISENABLER);

    gic_set_priority(PPI, 0x30);
    gic_set_bit(PPI, GICD_ISENABLER);
    *(volatile uint64_t *)result = !before && gic_bit(PPI, GICD_ISENABLER);
    gic_set_bit(PPI, GICD_ICENABLER);
}

static void banked(void)
{
    uint64_t ok = 0;

    REQUIRE("starts", cpu_start(1));
    gic_set_bit(PPI, GICD_ISENABLER);
    gic_set_priority(PPI, 0x80);
    REQUIRE("runs", cpu_call(1, enable_own, (uintptr_t)&ok));
    CHECK("other-has-its-own", ok);
    CHECK("mine-unchanged", gic_bit(PPI, GICD_ISENABLER));
    CHECK_EQ("my-priority-unchanged", 0x80, mmio_read8(gic_byte_reg(me(), PPI, GICD_IPRIORITYR)));
}

/* Bits and bytes of interrupts that do not exist are RAZ/WI (XSA-94). */
static void beyond(void)
{
    static const unsigned regs[] = {
        GICD_ISENABLER, GICD_ICENABLER, GICD_ISPENDR, GICD_ICPENDR, GICD_ISACTIVER, GICD_ICACTIVER,
    };

    for (unsigned irq = gic.lines; irq < 1020; irq += 32)
        for (unsigned r = 0; r < 6; r++) {
            uintptr_t at = gic.dist + regs[r] + irq / 32 * 4;

            trap_probe_begin();
            mmio_write32(at, 0xffffffff);
            if (mmio_read32(at) != 0 && this_cpu()->fault.count == 0)
                CHECK_EQ(check_name("bits", regs[r] + irq), 0, mmio_read32(at));
            (void)trap_probe_end();
        }
    for (unsigned irq = gic.lines; irq < 1020; irq += 4) {
        uintptr_t at = gic.dist + GICD_IPRIORITYR + irq;

        trap_probe_begin();
        mmio_write32(at, 0xffffffff);
        if (mmio_read32(at) != 0 && this_cpu()->fault.count == 0)
            CHECK_EQ(check_name("priority", irq), 0, mmio_read32(at));
        (void)trap_probe_end();
        CHECK(check_name("icfgr", irq),
              PROBE_CALL(mmio_write32(gic.dist + GICD_ICFGR + irq / 16 * 4, 0xffffffff)) <= 1);
    }
    CHECK_EQ("still-there", gic.lines / 32 - 1, dist(GICD_TYPER) & 31);
}

/* Every word, with every access size, read and written: a fault or not, but no harm. Counts what answers. */
static void sweep(uintptr_t base, uintptr_t size, bool write)
{
    unsigned faults = 0;

    for (uintptr_t at = base; at < base + size; at += 4) {
        trap_probe_begin();
        if (write && at - base != GICD_SGIR) {
            mmio_write32(at, (at & 4) ? 0xffffffff : 0);
        } else if (!write) {
            (void)mmio_read32(at);
            (void)mmio_read8(at + 1);
            (void)mmio_read16(at + 2);
            if ((at & 7) == 0)
                (void)mmio_read64(at);
        }
        faults += trap_probe_end();
        if (this_cpu()->fault.count && ESR_EC(this_cpu()->fault.esr) != EC_DABT)
            CHECK_EQ(check_name("class", at), EC_DABT, ESR_EC(this_cpu()->fault.esr));
    }
    CHECK_RANGE("faults", 0, size, faults);
}

static void sweep_read(void)
{
    sweep(gic.dist, gic.version == 3 ? 0x10000 : 0x1000, false);
    if (gic.version == 3)
        sweep(this_cpu()->redist, 0x20000, false);
    CHECK_EQ("typer-still-answers", gic.lines / 32 - 1, dist(GICD_TYPER) & 31);
}

static void sweep_write(void)
{
    sweep(gic.dist, gic.version == 3 ? 0x10000 : 0x1000, true);
    if (gic.version == 3)
        sweep(this_cpu()->redist, 0x20000, true);
    if (gic.version == 3)
        mmio_write32(this_cpu()->redist + GICR_WAKER, 0);
    for (unsigned irq = 32; irq < gic.lines; irq++)
        gic_route(irq, 0);
    for (unsigned i = 0; i < gic.lines && gic_irq_signalled(); i++)
        gic_eoi(gic_ack());
    CHECK_EQ("typer-still-answers", gic.lines / 32 - 1, dist(GICD_TYPER) & 31);
}

const struct test tests_vgic_regs[] = {
    { "vgic.typer", typer, 0, 0 },
    { "vgic.identification", identification, 0, 0 },
    { "vgic.control", control, 0, 0 },
    { "vgic.enable-bits", enable_bits, 0, 0 },
    { "vgic.pending-bits", pending_bits, 0, 0 },
    { "vgic.active-bits", active_bits, 0, 0 },
    { "vgic.active-follows", active_follows, 0, 0 },
    { "vgic.active-holds-back", active_holds_back, 0, 0 },
    { "vgic.priorities", priorities, 0, 0 },
    { "vgic.configuration", configuration, 0, 0 },
    { "vgic.targets", targets, 0, 2 },
    { "vgic.routing", routing, 0, 3 },
    { "vgic.redistributor", redistributor, 0, 3 },
    { "vgic.banked", banked, 2, 0 },
    { "vgic.beyond", beyond, 0, 0 },
    { "vgic.sweep-read", sweep_read, 0, 0 },
    { 0 },
};

/* Last of all: it leaves every register changed. */
const struct test tests_vgic_wreck[] = {
    { "wreck.sweep-write", sweep_write, 0, 0 },
    { 0 },
};
