/* SPDX-License-Identifier: MIT */
/*
 * Interrupt completion: what acknowledging, quieting and ending costs once an interrupt is signalled. These are few
 * instructions beside the 16 of a tick, so each round starts at another phase of the counter (pause()): on average the
 * ticks seen are then the time that passed. The same with nothing in between is subtracted.
 */
#include "bench.h"
#include "gic.h"
#include "machine.h"
#include "sysreg.h"
#include "timer.h"

#define ROUNDS 3200u

struct source {
    void (*raise)(void);
    void (*quiet)(void);
};

/* 0 to 15 rounds of three instructions, in no order that a loop's length could fall in step with. */
static void pause(void)
{
    static uint32_t state = 1;

    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    asm volatile("mov x9, %0\n1:\tcbz x9, 2f\n\tsub x9, x9, #1\n\tb 1b\n2:" : : "r"((uint64_t)state & 15) : "x9");
}

static uint64_t completions(const struct source *source)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t begin;
        uint32_t iar;

        source->raise();
        while (!gic_irq_signalled())
            ;
        pause();
        begin = counter();
        iar = bench_acknowledge();
        source->quiet();
        bench_end(iar);
        sum += counter() - begin;
    }
    return sum;
}

static uint64_t empty(void)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t begin;

        pause();
        begin = counter();
        sum += counter() - begin;
    }
    return sum;
}

static void timer_raise(void)
{
    sysreg_write(cntv_cval_el0, sysreg_read(cntvct_el0));
    sysreg_write(cntv_ctl_el0, TIMER_ENABLE);
    isb();
}

static void timer_quiet(void) { sysreg_write(cntv_ctl_el0, 0); }

void bench_complete_timer(void)
{
    static const struct source timer = { timer_raise, timer_quiet };
    uint64_t ticks = completions(&timer);

    bench_report("complete_timer", ticks - empty(), ROUNDS);
}

void bench_complete_device(void)
{
    static const struct source rtc = { bench_rtc_raise, bench_rtc_quiet };
    uint64_t ticks = completions(&rtc);

    bench_report("complete_device", ticks - empty(), ROUNDS);
}
