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

/* By the counter: no timer interrupt is taken any more. Before its rate is known: not at all. */
static void wait_ns(u64 ns)
{
    u64 start = now_ns();

    while (time_counter_hz() != 0 && now_ns() - start < ns) {
        cpu_relax();
    }
}

/* What fails while it reports may be the console: no word any more. What fails then is the restart itself. */
static noreturn_fn void end_unsaid(void)
{
    static bool again;           /* one CPU only: panic_claim() */

    if (!again && !opt.noreboot) {
        again = true;
        wait_ns(REBOOT_DELAY_NS);
        arch_machine_restart();
    }
    arch_stop_cpu();
}

void panic_claim(void)
{
    u32 owner = 0;

    if (atomic_cmpxchg(&panicking, &owner, cpu_id() + 1)) {
        return;
    }
    if (owner == cpu_id() + 1) {
        end_unsaid();
    }
    arch_stop_cpu();
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
    static char message[512];    /* one CPU only: panic_claim() */
    va_list ap;

    panic_claim();
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
