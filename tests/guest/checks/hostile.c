/* SPDX-License-Identifier: MIT */
/*
 * Guests that call anything with anything, and guests that die in whatever they do, while the toolstack moves, pauses
 * and reads them: nothing is allowed that should not be, and all of their memory comes back.
 */
#include "check.h"
#include "cpu.h"
#include "domu.h"
#include "gic.h"
#include "machine.h"
#include "mmu.h"
#include "sysreg.h"
#include "timer.h"

#define ANYWHERE (~0ul)
#define AREA ((uint64_t *)(GUEST_RAM0_BASE + 420 * PAGE_SIZE)) /* three pages that calls read and write, then nothing */
#define SECOND (AREA + PAGE_SIZE / 8)
#define TOYS ((GUEST_RAM0_BASE >> 12) + 200) /* 64 frames and 128 behind them to give away; the image is below */

enum { WORD_ALLOWED, WORD_READY };

static uint64_t seed;

static uint64_t rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed * 0x2545f4914f6cdd1dul >> 8;
}

static uint64_t odd(void)
{
    static const uint64_t edges[] = {
        0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 511, 512, 1023, 1024, 4095,
        4096, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 1ul << 28, 1ul << 32, 1ul << 36, 1ul << 40,
        1ul << 48, 1ul << 52, 1ul << 63, ~0ul, ~4095ul,
    };
    uint64_t r = rnd(), n = r >> 8;

    switch (r & 15) {
    case 0: case 1: return TOYS + n % 64;
    case 2: case 3: case 4: return (uintptr_t)AREA + n % PAGE_SIZE;
    case 5: return (uintptr_t)AREA + PAGE_SIZE - n % 32;
    case 6: return UNMAPPED_GPA - n % 16;
    case 7: return n % 64;
    case 8: return DOMID_SELF + n % 5;
    case 9: return DOMID_SELF;
    default: return edges[n % (sizeof(edges) / sizeof(edges[0]))];
    }
}

static void fill(uint64_t *p)
{
    for (unsigned i = 0; i < 64; i++) {
        switch (rnd() & 3) {
        case 0: p[i] = odd(); break;
        case 1: p[i] = (uint32_t)odd() | odd() << 32; break;
        case 2: p[i] = (uint16_t)odd() | (uint64_t)(uint16_t)odd() << 16 | odd() << 32; break;
        default: p[i] = (uintptr_t)SECOND + rnd() % 512 * 8;
        }
    }
    if ((uint32_t)p[2] == 8 || (uint32_t)p[2] == 9) /* an extent of more than TOYS */
        p[2] -= 4;
}

/* Any hypercall and any of its operations, but those that end the domain. */
static uint64_t some_call(uint64_t *op)
{
    static const uint8_t numbers[] = {
        1, 7, 12, 12, 12, 13, 17, 18, 20, 20, 20, 21, 24, 29, 32, 32, 32, 34, 35, 36, 42, 63,
    };
    uint64_t nr = numbers[rnd() % sizeof(numbers)];

    do {
        uint64_t r = rnd();

        *op = (r & 15) == 0 ? odd() : (r >> 8) % 20 | (uint64_t)((r & 15) == 1) << 32;
    } while (nr == __HYPERVISOR_sched_op && (uint32_t)*op == SCHEDOP_shutdown);
    return nr;
}

static void fill_multicall(void)
{
    multicall_entry_t *entry = (multicall_entry_t *)AREA;

    for (unsigned i = 0; i < 8; i++) {
        uint64_t op;

        entry[i].op = some_call(&op);
        entry[i].args[0] = op;
        entry[i].args[1] = (uintptr_t)SECOND;
    }
}

/* True: dom0 alone may do it, and it was done. */
static bool one_call(void)
{
    uint64_t op, nr = some_call(&op);
    long rc;

    fill(AREA);
    fill(SECOND);
    if (nr == __HYPERVISOR_domctl || nr == __HYPERVISOR_sysctl) {
        ((uint32_t *)AREA)[0] = (uint32_t)(rnd() % 90);
        ((uint32_t *)AREA)[1] = nr == __HYPERVISOR_domctl ? XEN_DOMCTL_INTERFACE_VERSION : XEN_SYSCTL_INTERFACE_VERSION;
        op = (uintptr_t)AREA;
    }
    sysreg_write(cntv_tval_el0, ticks_us(200)); /* it may block */
    sysreg_write(cntv_ctl_el0, TIMER_ENABLE);
    if (nr == __HYPERVISOR_multicall) {
        fill_multicall();
        (void)hypercall2(nr, AREA, rnd() % 9);
        return false;
    }
    rc = hypercall5(nr, op, rnd() & 1 ? (uintptr_t)AREA : odd(), rnd() & 1 ? (uintptr_t)SECOND : odd(), odd(), odd());
    return rc >= 0 && (nr == __HYPERVISOR_domctl || nr == __HYPERVISOR_sysctl || nr == __HYPERVISOR_platform_op ||
                       nr == __HYPERVISOR_hypfs_op || nr == __HYPERVISOR_console_io);
}

static void calls_work(volatile struct domu_box *box)
{
    seed = 0x9e3779b97f4a7c15ul * (box->who + 1);
    box->word[WORD_ALLOWED] = 0;
    (void)xen_unmap((uintptr_t)AREA + 3 * PAGE_SIZE);
    gic_set_bit(timer_irqs.virtual, GICD_ISENABLER);
    for (unsigned n = 0; n < box->arg; n++) {
        box->word[WORD_ALLOWED] += one_call();
        if (gic_irq_signalled()) {
            timer_stop();
            gic_drain();
        }
    }
    timer_stop();
}

/* ---- dom0's side ---- */

static struct domu others[2];

static void disturb(uint64_t r)
{
    static vcpu_guest_context_t context;
    domid_t id = others[r & 1].id;

    switch ((r >> 1) % 7) {
    case 0: (void)vcpu_pin(id, 0, 1ul << (r >> 8) % 4); break;
    case 1: (void)vcpu_pin(id, 0, ANYWHERE); break;
    case 2:
        (void)domctl(XEN_DOMCTL_pausedomain, id);
        (void)domctl(XEN_DOMCTL_unpausedomain, id);
        break;
    case 3: (void)vcpu_get_context(id, 0, &context); break;
    case 4: (void)vcpu_is_blocked(id, 0); break;
    case 5: (void)event_send(others[r & 1].port); break;
    default: (void)sched_op(SCHEDOP_yield, 0);
    }
}

static void calls_round(unsigned round)
{
    uint64_t end = counter() + ticks_ms(patience_ms);

    for (unsigned i = 0; i < 2; i++) {
        REQUIRE("created", domu_create(&others[i], i));
        CHECK("runs", domu_run(&others[i], calls_work, round * 2 + i, 300));
    }
    seed = round + 1;
    while (counter() < end && (others[0].box->work || others[1].box->work))
        disturb(rnd());
    for (unsigned i = 0; i < 2; i++) {
        CHECK(check_name("done", i), domu_wait(&others[i], patience_ms));
        CHECK_EQ(check_name("allowed", i), 0, others[i].box->word[WORD_ALLOWED]);
        domu_destroy(&others[i]);
    }
}

/* The first round fills what stays: the allocator's caches, dom0's tables. */
static void calls(void)
{
    uint64_t free = 0;

    for (unsigned round = 0; round < 4; round++) {
        calls_round(round);
        free = round ? free : free_pages_settled();
        CHECK("physinfo", free != 0);
        CHECK("memory-comes-back", WAIT_FOR(free_pages() == free, patience_ms));
    }
}

/* ---- what domains die in ---- */

#define FOREVER(...) for (;;) { __VA_ARGS__; }
#define NR_ENDS 11u

static void end_in(unsigned what, volatile struct domu_box *box)
{
    xen_pfn_t gfn = TOYS;
    struct xen_memory_reservation ram = { .nr_extents = 1, .domid = DOMID_SELF };
    evtchn_port_t port = box->port;
    struct sched_poll poll = { .nr_ports = 1, .timeout = ~0ul >> 2 };

    ram.extent_start.p = &gfn;
    poll.ports.p = &port;
    switch (what) {
    case 0: FOREVER(asm volatile("yield"))
    case 1: FOREVER(asm volatile("wfi"))
    case 2: FOREVER((void)sched_op(SCHEDOP_poll, &poll))
    case 3: FOREVER((void)sched_op(SCHEDOP_block, 0))
    case 4: FOREVER((void)memory_op(XENMEM_decrease_reservation, &ram); (void)memory_op(XENMEM_populate_physmap, &ram))
    case 5: FOREVER(gic_sgi_self(4); gic_drain())
    case 6: FOREVER((void)event_send(box->port))
    case 7: FOREVER((void)mmio_read32(gic.dist))
    case 8: FOREVER((void)sched_op(SCHEDOP_yield, 0))
    case 9: (void)smccc_hvc(PSCI_CPU_OFF, 0, 0, 0); break;
    default: (void)smccc_hvc(PSCI_SYSTEM_OFF, 0, 0, 0);
    }
}

/* arg: what it dies in, and with how much on its hands. */
static void ends_work(volatile struct domu_box *box)
{
    sched_watchdog_t dog = { .id = 0, .timeout = 1000 };

    gic_set_bit(timer_irqs.virtual, GICD_ISENABLER);
    gic_set_bit(timer_irqs.physical, GICD_ISENABLER);
    if (box->arg & 16) {
        sysreg_write(cntp_cval_el0, sysreg_read(cntpct_el0) + ticks_ms(box->arg & 32 ? 2 : 100000));
        sysreg_write(cntp_ctl_el0, TIMER_ENABLE);
        sysreg_write(cntv_cval_el0, counter() + ticks_ms(box->arg & 32 ? 2 : 100000));
        sysreg_write(cntv_ctl_el0, TIMER_ENABLE);
        (void)sched_op(SCHEDOP_watchdog, &dog);
    }
    box->word[WORD_READY] = 1;
    end_in((unsigned)box->arg % 16 % NR_ENDS, box);
}

static void ends(void)
{
    uint64_t free = 0;

    for (unsigned round = 0; round <= NR_ENDS; round++) {
        for (unsigned i = 0; i < 2; i++) {
            REQUIRE("created", domu_create(&others[i], i));
            (void)vcpu_pin(others[i].id, 0, round & 1 ? 1 : ANYWHERE);
            others[i].box->word[WORD_READY] = 0;
            CHECK("runs", domu_run(&others[i], ends_work, i, (round + i * 5) % NR_ENDS | (round & 3) << 4));
            CHECK("ready", WAIT_FOR(others[i].box->word[WORD_READY], patience_ms));
        }
        delay_us(round * 317 % 3000);
        for (unsigned i = 0; i < 2; i++)
            domu_destroy(&others[i]);
        free = round ? free : free_pages_settled();
        CHECK("physinfo", free != 0);
        CHECK(check_name("memory-comes-back", round), WAIT_FOR(free_pages() == free, patience_ms));
    }
}

const struct test tests_hostile[] = {
    { "hostile.calls", calls, 0, 0 },
    { "hostile.ends", ends, 0, 0 },
    { 0 },
};
