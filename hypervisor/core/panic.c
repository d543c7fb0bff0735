/* SPDX-License-Identifier: MIT */
#include <argon/arch.h>
#include <argon/atomic.h>
#include <argon/console.h>
#include <argon/panic.h>
#include <argon/param.h>
#include <argon/percpu.h>
#include <argon/printf.h>
#include <argon/smp.h>
#include <argon/timer.h>

#define REBOOT_DELAY_NS (5 * NS_PER_SEC)

static u32 panicking;            /* CPU + 1 of the first to get here; atomic */

/* This CPU is the one that reports. A second panic here, or on another CPU, only stops. */
static void claim_panic(void)
{
    u32 nobody = 0;

    if (!atomic_cmpxchg(&panicking, &nobody, cpu_id() + 1)) {
        arch_stop_cpu();
    }
}

/* By the counter: no timer interrupt is taken any more. Before its rate is known: not at all. */
static void wait_ns(u64 ns)
{
    u64 start = now_ns();

    while (time_counter_hz() != 0 && now_ns() - start < ns) {
        cpu_relax();
    }
}

void panic_end(void)
{
    if (opt.noreboot) {
        con_printf("'noreboot' set: the machine stays stopped.\n");
        arch_stop_cpu();
    }
    con_printf("Reboot in %u seconds...\n", (u32)(REBOOT_DELAY_NS / NS_PER_SEC));
    wait_ns(REBOOT_DELAY_NS);
    arch_machine_restart();
}

void panic(const char *fmt, ...)
{
    static char message[512];    /* one CPU only: claim_panic() */
    va_list ap;

    claim_panic();
    smp_stop_others();
    console_panic();
    va_start(ap, fmt);
    (void)vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    con_printf("\n");
    con_printf("****************************************\n");
    con_printf("Panic on CPU %u:\n", cpu_id());
    con_printf("%s\n", message);
    con_printf("****************************************\n");
    arch_dump_backtrace();
    panic_end();
}

void assert_failed(const char *expr, const char *file, unsigned int line)
{
    panic("Assertion '%s' failed at %s:%u", expr, file, line);
}
