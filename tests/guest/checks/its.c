/* SPDX-License-Identifier: MIT */
/*
 * dom0's interrupt translation service in hostile hands: queues that are not in memory, or go away, commands without
 * sense, a vCPU that leaves its commands behind. Nothing but the service may suffer, and that works again when it is
 * told what to do. Interrupts come by INT: there is no device.
 */
#include "hypercall.h"
#include <xen/memory.h>
#include "check.h"
#include "cpu.h"
#include "domctl.h"
#include "domu.h"
#include "fdt.h"
#include "gic.h"
#include "machine.h"
#include "mmu.h"
#include "sysreg.h"
#include "timer.h"
#include "xenabi.h"

#define GICR_PROPBASER 0x70u
#define GITS_CTLR      0x0u
#define GITS_CBASER    0x80u
#define GITS_CWRITER   0x88u
#define GITS_CREADR    0x90u
#define VALID          (1ul << 63)
#define STALLED        1u
#define RETRY          1u

#define LPI      8200u
#define DEVICE   0x55u
#define QUEUE    machine_spare_page(PAGE_ITS)       /* 16 pages */
#define TABLE    machine_spare_page(PAGE_ITS + 16)  /* 2 pages: properties of 8192 LPIs */
#define VICTIM   machine_spare_page(PAGE_ITS + 32)
#define NR_PAGES 16u

static uintptr_t its;
static uint32_t tail;
static uint64_t seed = 0x1234567;

static uint32_t rnd(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 20) % n;
}

static void put(uint64_t w0, uint64_t w1, uint64_t w2)
{
    volatile uint64_t *to = (volatile uint64_t *)(uintptr_t)(QUEUE + tail);

    to[0] = w0, to[1] = w1, to[2] = w2, to[3] = w2;
    tail = (tail + 32) % (NR_PAGES * PAGE_SIZE);
}

static void write_tail(void) { mmio_write64(its + GITS_CWRITER, tail); }

static bool is_done(void) { return mmio_read64(its + GITS_CREADR) == mmio_read64(its + GITS_CWRITER); }

static bool go(void)
{
    write_tail();
    return WAIT_FOR(is_done(), patience_ms);
}

static void queue_at(uint64_t address, unsigned pages)
{
    mmio_write32(its + GITS_CTLR, 0);
    (void)WAIT_FOR(mmio_read32(its + GITS_CTLR) >> 31, patience_ms);
    mmio_write64(its + GITS_CBASER, VALID | address | (pages - 1));
    mmio_write32(its + GITS_CTLR, 1);
    tail = 0;
}

/* The queue is where it should be, a device's event is this vCPU's, and is taken once for each INT. */
static bool works(void)
{
    uint32_t iar;

    queue_at(QUEUE, NR_PAGES);
    put(8 | (uint64_t)DEVICE << 32, 4, VALID);                   /* MAPD, MAPC, MAPTI, INT */
    put(9, 0, VALID);
    put(10 | (uint64_t)DEVICE << 32, (uint64_t)LPI << 32, 0);
    put(3 | (uint64_t)DEVICE << 32, 0, 0);
    if (!go() || !WAIT_FOR(gic_irq_signalled(), patience_ms))
        return false;
    iar = gic_ack();
    gic_eoi(iar);
    put(8 | (uint64_t)DEVICE << 32, 0, 0);
    return go() && IRQ_ID(iar) == LPI && IRQ_ID(gic_ack()) == IRQ_NONE;
}

/* False where there is no ITS: not on all machines. */
static bool there_is_its(void)
{
    const void *node = fdt_compatible_after(0, "arm,gic-v3-its");

    if (node == 0) {
        check_skip("no ITS");
        return false;
    }
    its = fdt_u64(fdt_property(node, "reg", 0), 0);
    for (unsigned i = 0; i < 8192; i++)
        *(volatile uint8_t *)(uintptr_t)(TABLE + i) = 0xa1;
    for (unsigned i = 0; i < cpu_count; i++) {
        mmio_write64(cpus[i].redist + GICR_PROPBASER, TABLE | 13);
        mmio_write32(cpus[i].redist + GICR_CTLR, 1);
    }
    return true;
}

static void start(void)
{
    if (!there_is_its())
        return;
    CHECK("works", works());
    CHECK("again", works());
    CHECK_EQ("crooked", 0, mmio_read8(its + GITS_CBASER) | mmio_read16(its + GITS_CREADR));
    mmio_write8(its + GITS_CTLR, 0);
    CHECK_EQ("still-on", 1, mmio_read32(its + GITS_CTLR) & 1);
    mmio_write32(its + 0x10040, 0);                              /* GITS_TRANSLATER, by a CPU */
    CHECK_EQ("translater", 0, mmio_read32(its + 0x10040));
    mmio_write64(its + GITS_CWRITER, NR_PAGES * PAGE_SIZE);
    CHECK("beyond", is_done());
    CHECK("works-still", works());
}

/* Neither read nor followed: the service stalls. */
static void nowhere(void)
{
    const uint64_t places[] = {
        UNMAPPED_GPA, gic.dist, gic.redist, machine.rtc, its, (machine.ram_base + machine.ram_size) & ~0xfffful,
        1ul << 44, (1ul << 48) - PAGE_SIZE, (1ul << 52) - PAGE_SIZE, 0,
    };

    if (!there_is_its())
        return;
    for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        queue_at(places[i], 1);
        mmio_write64(its + GITS_CWRITER, 64);
        CHECK_EQ(check_name("stalled", i), STALLED, mmio_read64(its + GITS_CREADR));
        mmio_write64(its + GITS_CWRITER, 64 | RETRY);
        CHECK_EQ(check_name("retry", i), STALLED, mmio_read64(its + GITS_CREADR));
    }
    CHECK("works", works());
}

static long reservation(unsigned op, xen_pfn_t pfn)
{
    struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

    r.extent_start.p = &pfn;
    return memory_op(op, &r);
}

/* The queue's page is given back with commands in it, and comes again. */
static void given_back(void)
{
    if (!there_is_its())
        return;
    for (unsigned i = 0; i < 128; i++)
        ((volatile uint64_t *)(uintptr_t)VICTIM)[i * 4] = 0xee;
    queue_at(VICTIM, 1);
    mmio_write64(its + GITS_CWRITER, PAGE_SIZE - 32);
    CHECK_EQ("decrease", 1, reservation(XENMEM_decrease_reservation, VICTIM >> 12));
    /* What was not read by then is not there. */
    mmio_write64(its + GITS_CWRITER, 0);
    (void)WAIT_FOR(is_done() || (mmio_read64(its + GITS_CREADR) & STALLED), patience_ms);
    CHECK("reads-nothing", is_done() || (mmio_read64(its + GITS_CREADR) & STALLED));
    queue_at(VICTIM, 1);
    mmio_write64(its + GITS_CWRITER, 32);
    CHECK_EQ("gone", STALLED, mmio_read64(its + GITS_CREADR));
    CHECK_EQ("populate", 1, reservation(XENMEM_populate_physmap, VICTIM >> 12));
    mmio_write64(its + GITS_CWRITER, 32 | RETRY);
    CHECK("back", WAIT_FOR(is_done(), patience_ms));
    CHECK("works", works());
}

/* Any command with anything in it, many at once, INVALL and MAPC of all among them. */
static void nonsense(void)
{
    if (!there_is_its())
        return;
    queue_at(QUEUE, NR_PAGES);
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < 200; i++) {
            uint64_t dev = rnd(8) ? rnd(6) : rnd(~0u), x = rnd(~0u), lpi = 8190 + rnd(200);
            uint64_t collection = rnd(8) ? rnd(cpu_count + 1) : x, vcpu = rnd(8) ? rnd(cpu_count + 1) : x;

            put((rnd(16) ? 1 + rnd(15) : x & 0xff) | dev << 32, (rnd(8) ? rnd(70) : x) | lpi << 32,
                collection | vcpu << 16 | (rnd(3) ? VALID : 0));
        }
        CHECK(check_name("done", round), go());
        while (gic_irq_signalled())
            gic_eoi(gic_ack());
    }
    for (unsigned i = 0; i < 6; i++)
        put(8 | (uint64_t)i << 32, 0, 0);
    CHECK("unmapped", go());
    while (gic_irq_signalled())
        gic_eoi(gic_ack());
    CHECK("works", works());
}

static void leave(uint64_t arg)
{
    (void)arg;
    write_tail();
}

/* Commands of a vCPU that goes off with most of them to be done. */
static void left_behind(void)
{
    if (!there_is_its())
        return;
    queue_at(QUEUE, NR_PAGES);
    put(8 | (uint64_t)DEVICE << 32, 11, VALID);
    put(9, 0, VALID);
    for (unsigned i = 0; i < 64; i++)
        put(10 | (uint64_t)DEVICE << 32, i | (uint64_t)(8192 + i * 8) << 32, 0);
    for (unsigned i = 0; i < 20; i++)
        put(13, 0, 0);
    REQUIRE("started", cpu_start(1));
    REQUIRE("run", cpu_call(1, leave, 0));
    REQUIRE("off", cpu_stop(1));
    CHECK("done", WAIT_FOR(is_done(), patience_ms));
    put(8 | (uint64_t)DEVICE << 32, 0, 0);
    CHECK("unmapped", go());
    CHECK("works", works());
}

/* A vCPU that sleeps for the last of more commands than one exit does. */
static void slept_for(void)
{
    if (!there_is_its())
        return;
    for (unsigned round = 0; round < 20; round++) {
        queue_at(QUEUE, NR_PAGES);
        put(8 | (uint64_t)DEVICE << 32, 4, VALID);
        put(9, 0, VALID);
        put(10 | (uint64_t)DEVICE << 32, (uint64_t)LPI << 32, 0);
        for (unsigned i = 0; i < 300; i++)
            put(5, 0, 0);
        put(3 | (uint64_t)DEVICE << 32, 0, 0);
        write_tail();
        while (!gic_irq_signalled())
            asm volatile("dsb sy\n\twfi");
        CHECK_EQ(check_name("lpi", round), LPI, IRQ_ID(gic_ack()));
        gic_eoi(LPI);
    }
    CHECK("works", works());
}

#define MOVED 40u                        /* more than any GIC has list registers */

static bool move_all(unsigned round, unsigned to)
{
    if (round & 1)                       /* CPU `to` alone, or the other one goes from the pool of both */
        return vcpu_pin(0, 0, 1ul << to);
    (void)vcpu_pin(0, 0, ~0ul);
    sysctl_buffer.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_RMCPU;
    sysctl_buffer.u.cpupool_op.cpupool_id = 0;
    sysctl_buffer.u.cpupool_op.cpu = !to;
    return sysctl(XEN_SYSCTL_cpupool_op) == 0;
}

static void all_back(unsigned to)
{
    sysctl_buffer.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_ADDCPU;
    sysctl_buffer.u.cpupool_op.cpupool_id = 0;
    sysctl_buffer.u.cpupool_op.cpu = !to;
    (void)sysctl(XEN_SYSCTL_cpupool_op);
    (void)vcpu_pin(0, 0, ~0ul);
}

/*
 * A vCPU goes to another CPU, by affinity or because its own leaves the pool, with one LPI active and more pending than
 * there are list registers. Each is taken there, once, in its order.
 */
static void moved(void)
{
    if (sysctl(XEN_SYSCTL_physinfo) != 0 || sysctl_buffer.u.physinfo.nr_cpus < 2) {
        check_skip("one CPU");
        return;
    }
    if (!there_is_its())
        return;
    queue_at(QUEUE, NR_PAGES);
    put(8 | (uint64_t)DEVICE << 32, 5, VALID);
    put(9, 0, VALID);
    for (unsigned i = 0; i < MOVED; i++) {
        *(volatile uint8_t *)(uintptr_t)(TABLE + LPI - 8192 + i) = (uint8_t)(0x21 + (i & ~3u) * 4);
        put(10 | (uint64_t)DEVICE << 32, i | (uint64_t)(LPI + i) << 32, 0);
    }
    for (unsigned round = 0; round < 12; round++) {
        uint64_t taken = 0, order = 0;

        put(3 | (uint64_t)DEVICE << 32, 0, 0);
        CHECK(check_name("active", round), go() && WAIT_FOR(gic_irq_signalled(), patience_ms));
        CHECK_EQ(check_name("first", round), LPI, IRQ_ID(gic_ack()));
        for (unsigned i = MOVED - 1; i > 0; i--)
            put(3 | (uint64_t)DEVICE << 32, i, 0);
        CHECK(check_name("pending", round), go());
        CHECK(check_name("moved", round), move_all(round, round / 2 & 1));
        gic_eoi(LPI);
        for (unsigned n = 1; n < MOVED && WAIT_FOR(gic_irq_signalled(), patience_ms); n++) {
            uint32_t i = IRQ_ID(gic_ack()) - LPI;

            if (i >= MOVED)
                break;
            order += i / 4 != n / 4;
            taken |= 1ul << i;
            gic_eoi(LPI + i);
        }
        CHECK_EQ(check_name("taken", round), (1ul << MOVED) - 2, taken);
        CHECK_EQ(check_name("order", round), 0, order);
        CHECK_EQ(check_name("no-more", round), IRQ_NONE, IRQ_ID(gic_ack()));
        all_back(round / 2 & 1);
    }
    put(8 | (uint64_t)DEVICE << 32, 0, 0);
    CHECK("unmapped", go());
    CHECK("works", works());
}

/* As much memory below 4 GiB as there is, in pieces of 2 MiB and then of 4 KiB. Returns how many MiB. */
static unsigned take_low_memory(domid_t domid)
{
    xen_pfn_t next = 0x40000000ul >> 12;
    unsigned pages = 0;

    for (unsigned order = 9; ; order = 0) {
        struct xen_memory_reservation ram = {
            .extent_order = order, .nr_extents = 1, .domid = domid, .mem_flags = XENMEMF_address_bits(32)
        };

        ram.extent_start.p = &next;
        while (memory_op(XENMEM_populate_physmap, &ram) == 1) {
            next += 1ul << order;
            pages += 1u << order;
        }
        if (order == 0)
            return pages >> 8;
    }
}

/* A guest has all memory that a service of 32 bits of address could read: what it needs was kept. */
static void low_memory(void)
{
    domid_t domid;
    unsigned mib;

    if (fdt_compatible_after(0, "rockchip,rk3568") == 0) {
        check_skip("a service of 32 bits of address");
        return;
    }
    if (!there_is_its())
        return;
    REQUIRE("guest", domu_build(&domid, 1, 0));
    domctl_buffer.u.paging_mempool.size = 0x800000;
    REQUIRE("tables", domctl(XEN_DOMCTL_set_paging_mempool_size, domid) == 0);
    domctl_buffer.u.max_mem.max_memkb = 4ul << 20;
    REQUIRE("max_mem", domctl(XEN_DOMCTL_max_mem, domid) == 0);
    mib = take_low_memory(domid);
    CHECK_RANGE("taken", 512, 1024, mib);
    CHECK("works", works());
    for (unsigned i = 0; i < 100; i++)
        put(8 | (uint64_t)i << 32, 4, VALID);
    CHECK("mapped", go());
    put(10 | 99ul << 32, (uint64_t)LPI << 32, 0);
    put(3 | 99ul << 32, 0, 0);
    CHECK("one-of-100", go() && WAIT_FOR(gic_irq_signalled(), patience_ms));
    CHECK_EQ("lpi", LPI, IRQ_ID(gic_ack()));
    gic_eoi(LPI);
    for (unsigned i = 0; i < 100; i++)
        put(8 | (uint64_t)i << 32, 0, 0);
    CHECK("unmapped", go());
    domu_destroy_bare(domid);
    CHECK("works-then", works());
}

/* ---- all vCPUs at once ---- */
#define CROWD_MS 4000u

static volatile bool crowd_ends;
static volatile unsigned crowd_acts[MAX_CPUS];

static unsigned crowd_rnd(unsigned *state, unsigned n)
{
    *state = *state * 1664525 + 1013904223;
    return (*state >> 8) % n;
}

/* Commands, most of them with sense, into any place of the queue. */
static void crowd_command(unsigned *s)
{
    volatile uint64_t *to = (volatile uint64_t *)(uintptr_t)(QUEUE + crowd_rnd(s, NR_PAGES * 128) * 32);
    uint64_t dev = crowd_rnd(s, 4), lpi = 8192 + crowd_rnd(s, 64) * 8, collection = crowd_rnd(s, cpu_count);

    to[0] = (1 + crowd_rnd(s, 15)) | dev << 32;
    to[1] = (crowd_rnd(s, 4) ? crowd_rnd(s, 32) : 10) | lpi << 32;
    to[2] = to[3] = collection | (uint64_t)crowd_rnd(s, cpu_count) << 16 | (crowd_rnd(s, 4) ? VALID : 0);
}

static void crowd_act(unsigned *state)
{
    uintptr_t rd = cpus[crowd_rnd(state, cpu_count)].redist;
    unsigned x = crowd_rnd(state, 1u << 24);

    switch (crowd_rnd(state, 20)) {
    case 0: case 1: case 2: case 3: case 4:
        crowd_command(state);
        mmio_write64(its + GITS_CWRITER, (uint64_t)(x % (NR_PAGES * 128)) * 32 | (x >> 20 & 1));
        break;
    case 5: mmio_write32(its + GITS_CTLR, x & 1); break;
    case 6:
        mmio_write32(its + GITS_CTLR, 0);
        mmio_write64(its + GITS_CBASER, (x & 7 ? VALID : 0) | (x & 24 ? QUEUE : UNMAPPED_GPA) |
                                            (x & 32 ? NR_PAGES - 1 : x >> 6 & 15));
        mmio_write32(its + GITS_CTLR, 1);
        break;
    case 7: mmio_write32(its + GITS_CBASER + (x & 4), x); break;
    case 8: mmio_write32(rd + GICR_CTLR, x & 1); break;
    case 9: mmio_write64(rd + GICR_PROPBASER, (x & 6 ? TABLE : UNMAPPED_GPA) | (x & 8 ? 13 : 31)); break;
    case 10: mmio_write32(gic.dist + GICD_CTLR, 0x10 | (x & 3)); break;
    case 11: *(volatile uint8_t *)(uintptr_t)(TABLE + x % 8192) = (uint8_t)(0xa0 | (x >> 20 & 1)); break;
    case 12: mmio_write64(rd + 0x78, x); break;
    case 13: (void)mmio_read32(rd + GICR_CTLR); break;
    case 14: while (gic_irq_signalled() && IRQ_ID(x = gic_ack()) != IRQ_NONE) gic_eoi(x); break;
    case 15: (void)gic_ack(); break;                     /* never ended */
    default: (void)mmio_read64(its + (x % 0x20000 & ~7u)); break;
    }
}

static void crowd(uint64_t n)
{
    unsigned state = (unsigned)n * 7919 + (unsigned)counter();

    while (!crowd_ends) {
        crowd_act(&state);
        crowd_acts[n]++;
        if (n + 1 == cpu_count && crowd_rnd(&state, 400) == 0)
            return;                      /* off, and on again */
    }
}

static volatile uint32_t crowd_got;

static void crowd_take(uint64_t n)
{
    (void)n;
    gic_init_cpu();
    crowd_got = WAIT_FOR(gic_irq_signalled(), patience_ms) ? gic_ack() : IRQ_NONE;
    if (crowd_got != IRQ_NONE)
        gic_eoi(crowd_got);
}

/* After the crowd: vCPU `i` takes an LPI of its own. */
static void crowd_works(unsigned i)
{
    put(8 | (uint64_t)DEVICE << 32, 4, VALID);
    put(9, 0, VALID | (uint64_t)i << 16 | i);
    put(10 | (uint64_t)DEVICE << 32, (uint64_t)(LPI + i) << 32, i);
    put(3 | (uint64_t)DEVICE << 32, 0, 0);
    cpu_run(i, crowd_take, i);
    CHECK(check_name("sent", i), go());
    CHECK(check_name("taken", i), cpu_wait(i));
    CHECK_EQ(check_name("lpi", i), LPI + i, IRQ_ID(crowd_got));
    put(8 | (uint64_t)DEVICE << 32, 0, 0);
    CHECK(check_name("gone", i), go());
    CHECK(check_name("stopped", i), cpu_stop(i));
}

/* They turn everything off and on, write anything at any time, go and come. Then all works as before, on each vCPU. */
static void all_at_once(void)
{
    unsigned state = 1;
    uint64_t until;

    if (!there_is_its())
        return;
    crowd_ends = false;
    for (unsigned i = 0; i < 4 * NR_PAGES * 128; i++)
        crowd_command(&state);
    for (unsigned i = 1; i < cpu_count; i++) {
        REQUIRE("started", cpu_start(i));
        cpu_run(i, crowd, i);
    }
    until = counter() + ticks_ms(CROWD_MS);
    while (counter() < until) {
        unsigned last = cpu_count - 1;

        crowd_act(&state);
        crowd_acts[0]++;
        if (!cpus[last].work) {
            REQUIRE("off", cpu_stop(last));
            REQUIRE("on", cpu_start(last));
            cpu_run(last, crowd, last);
        }
    }
    crowd_ends = true;
    for (unsigned i = 1; i < cpu_count; i++)
        CHECK(check_name("done", i), cpu_wait(i));
    for (unsigned i = 0; i < cpu_count; i++) {
        CHECK(check_name("acts", i), crowd_acts[i] > 0);
        mmio_write32(cpus[i].redist + GICR_CTLR, 0);
    }
    gic_dist_enable(true);
    mmio_write32(its + GITS_CTLR, 0);
    CHECK("quiescent", WAIT_FOR(mmio_read32(its + GITS_CTLR) >> 31, patience_ms));
    queue_at(QUEUE, NR_PAGES);
    for (unsigned i = 0; i < 4; i++)
        put(8 | (uint64_t)i << 32, 0, 0);
    CHECK("unmapped", go());
    for (unsigned i = 1; i < cpu_count; i++) {
        CHECK(check_name("off", i), cpu_stop(i));
        CHECK(check_name("on", i), cpu_start(i));
    }
    gic_drain();
    gic_reset();
    (void)there_is_its();
    CHECK("works", works());
    for (unsigned i = 1; i < cpu_count; i++)
        crowd_works(i);
    CHECK("works-still", works());
}

const struct test tests_its[] = {
    { "its.start", start, 0, 3 },
    { "its.nowhere", nowhere, 0, 3 },
    { "its.given-back", given_back, 0, 3 },
    { "its.nonsense", nonsense, 0, 3 },
    { "its.left-behind", left_behind, 2, 3 },
    { "its.slept-for", slept_for, 0, 3 },
    { "its.moved", moved, 2, 3 },
    { "its.all-at-once", all_at_once, 2, 3 },
    { "its.low-memory", low_memory, 0, 3 },
    { 0, 0, 0, 0 },
};
