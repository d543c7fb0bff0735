/* SPDX-License-Identifier: MIT */
/* Time by the virtual counter, and the two timers a guest has. */
#ifndef RT_TIMER_H
#define RT_TIMER_H

#include <stdbool.h>
#include <stdint.h>
#include "sysreg.h"

#define TIMER_ENABLE 1u
#define TIMER_IMASK 2u
#define TIMER_ISTATUS 4u

static inline uint64_t counter(void)
{
    isb();
    return sysreg_read(cntvct_el0);
}

static inline uint64_t counter_frequency(void) { return sysreg_read(cntfrq_el0); }
static inline uint64_t ticks_ms(uint64_t ms) { return counter_frequency() * ms / 1000; }
static inline uint64_t ticks_us(uint64_t us) { return counter_frequency() * us / 1000000; }

static inline void delay_us(uint64_t us)
{
    uint64_t end = counter() + ticks_us(us);

    while (counter() < end)
        ;
}

/*
 * How long what must happen may take. The machine is emulated and shared: a vCPU can stand still for seconds in the
 * middle of anything, so a test only says what must not be early. Less for tests that the boot argument hasty= names:
 * those that are expected to fail.
 */
extern unsigned patience_ms;

/* Loop until the condition holds or ms have gone by; the condition's value. */
#define WAIT_FOR(condition, ms) ({                          \
    uint64_t wait_end_ = counter() + ticks_ms(ms);          \
    bool wait_ok_;                                          \
    while (!(wait_ok_ = (condition)) && counter() < wait_end_) \
        asm volatile("yield" : : : "memory");               \
    wait_ok_ || (condition); })

/* A time that never comes. Not ~0: QEMU 7.2 adds the virtual offset to CVAL without a look at overflow and loops. */
#define TIMER_NEVER (1ul << 62)

/* Interrupt numbers from the device tree's timer node. */
struct timer_irqs {
    unsigned physical, virtual;
};
extern struct timer_irqs timer_irqs;

void timer_init(void);
void timer_stop(void); /* both, on this vCPU */

#endif
