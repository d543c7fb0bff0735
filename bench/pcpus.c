/* SPDX-License-Identifier: MIT */
/*
 * Between two physical CPUs. With -icount QEMU runs one CPU at a time, and the counter counts the instructions of all
 * of them. Who waits here says so with YIELD, which ends its turn at once: the other CPU works while this one waits,
 * and what is counted is the work of both and a few instructions for each look at what is waited for. Asleep, a CPU
 * costs nothing.
 */
#include "bench.h"
#include "cpu.h"
#include "gic.h"
#include "machine.h"
#include "sysreg.h"
#include "timer.h"

#define SGI 4u

static volatile unsigned taken;

/* Takes SGIs as they come: this vCPU never sleeps and does not exit by itself. */
static void receiver(uint64_t trips)
{
    gic_set_bit(SGI, GICD_ISENABLER);
    while (trips > 0) {
        uint32_t iar = bench_acknowledge();

        if ((iar & 0x3ff) == IRQ_NONE) {
            bench_turn();
            continue;
        }
        bench_end(iar);
        taken++;
        trips--;
    }
}

static void send(void)
{
    unsigned before = taken;

    gic_sgi(2, SGI);
    while (taken == before)
        bench_turn();
}

static void running(void)
{
    taken = 0;
    cpu_run(1, receiver, BENCH_MIDDLE_ROUNDS + 2);
    for (unsigned i = 0; i < 1000; i++) /* let it get to where it polls */
        bench_turn();
    bench_measure_middle("sgi_running", send);
    (void)cpu_wait(1);
}

void bench_two_pcpus(void)
{
    if (machine.grant_base != 0)
        bench_domain_elsewhere(); /* while this domain's other vCPU is off */
    if (!bench_start_second())
        return;
    running();
    bench_ping_pong_pcpus();
}
