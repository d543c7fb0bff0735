/* SPDX-License-Identifier: MIT */
/* Switches between two vCPUs of this domain on one pCPU. */
#include "bench.h"
#include "console.h"
#include "cpu.h"
#include "gic.h"
#include "sysreg.h"
#include "timer.h"
#include "xenabi.h"

#define SWITCHES 2000u
#define TRIPS BENCH_MIDDLE_ROUNDS
#define STARTS 5u

static void yields(uint64_t n)
{
    while (n--)
        (void)sched_op(SCHEDOP_yield, 0);
}

/* vCPU 1's work is done. Yields: spinning would cost a time slice each time it does. */
static void wait_idle(void)
{
    while (cpus[1].work) {
        yields(1);
        bench_turn();
    }
}

/* Sleep until an SGI, take it, end it. */
static void sleep_until_sgi(void)
{
    uint32_t iar;

    do {
        wfi();
        iar = bench_acknowledge();
    } while ((iar & 0x3ff) == IRQ_NONE);
    bench_end(iar);
}

static void answer(uint64_t trips)
{
    gic_set_bit(4, GICD_ISENABLER);
    while (trips--) {
        sleep_until_sgi();
        gic_sgi(1, 4);
    }
}

static void trip(void)
{
    gic_sgi(2, 4);
    sleep_until_sgi();
}

static void ping_pong(const char *id, bool two_pcpus)
{
    gic_set_bit(4, GICD_ISENABLER);
    cpu_run(1, answer, TRIPS + 3);
    yields(4); /* let it go to sleep */
    if (two_pcpus)
        bench_measure_middle(id, trip);
    else
        bench_measure(id, trip, TRIPS);
    trip(); /* not timed: after its last answer the other one does not sleep */
    wait_idle();
}

void bench_ping_pong(void) { ping_pong("ping_pong", false); }
void bench_ping_pong_pcpus(void) { ping_pong("ping_pong_2", true); }

/* CPU_ON until the other's first instruction, which waits for this one to yield. */
void bench_cpu_on(void)
{
    uint64_t sum = 0;

    if (cpu_count < 2)
        return;
    for (unsigned i = 0; i < STARTS; i++) {
        uint64_t start;

        (void)cpu_stop(1);
        yields(50); /* let it be gone: Xen calls it off before it is */
        start = counter();
        (void)smccc_hvc(PSCI_CPU_ON, cpu_mpidr(1), (uintptr_t)secondary_start, 0);
        while (!cpus[1].online)
            yields(1);
        sum += cpus[1].entry.cntvct - start;
    }
    bench_report("cpu_on", sum, STARTS);
    (void)cpu_stop(1);
}

bool bench_start_second(void)
{
    if (cpu_count < 2 || !cpu_start(1)) {
        print("FAIL no second vCPU\n");
        return false;
    }
    bench_kvm_groups(1);
    return true;
}

static void sleep_for_good(uint64_t unused)
{
    (void)unused;
    for (;;)
        wfi();
}

bool bench_idle_vcpus(unsigned n)
{
    for (unsigned i = 2; i < n; i++) {
        if (i >= cpu_count || !cpu_start(i))
            return false;
        cpu_run(i, sleep_for_good, 0);
    }
    yields(50);
    return true;
}

unsigned bench_online(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < cpu_count; i++)
        n += cpus[i].online;
    return n;
}

void bench_two_vcpus(void)
{
    uint64_t start, ticks;

    if (!bench_start_second())
        return;
    cpu_run(1, yields, SWITCHES + 100);
    yields(10);
    bench_window_begin();
    start = counter();
    yields(SWITCHES / 2);
    ticks = counter() - start;
    bench_window_end("switch", SWITCHES);
    bench_report("switch", ticks, SWITCHES);
    wait_idle();
    bench_ping_pong();
}
