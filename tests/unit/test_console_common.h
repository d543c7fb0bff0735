/* SPDX-License-Identifier: MIT */
/* A console whose UART remembers what it was given, and the modules that debug keys ask. */
#ifndef TEST_CONSOLE_COMMON_H
#define TEST_CONSOLE_COMMON_H

#include "unit.h"
#include <argon/console.h>
#include <argon/irqchip.h>
#include <argon/machine.h>
#include <argon/param.h>

/* ---- a UART that remembers ---- */

static char out[65536];
static size_t out_len;
static const char *input = "";
unused static bool stuck, rx_enabled;
unused static u32 acks;
unused static int init_result;

static int fake_init(const struct machine_uart *u, volatile void *regs)
{
    (void)u;
    assert_non_null((void *)(uintptr_t)regs);
    return init_result;
}

/* Time passes while it is looked at in vain. */
static bool fake_tx_ready(void)
{
    if (stuck) {
        host_counter += 100 * NS_PER_US;
    }
    return !stuck;
}

static void fake_tx(u8 c)
{
    assert_true(out_len < sizeof(out) - 1);
    out[out_len++] = (char)c;
    out[out_len] = 0;
}

static int fake_rx(void) { return *input != 0 ? *input++ : -1; }
static void fake_rx_irq_enable(void) { rx_enabled = true; }
static void fake_irq(void) { acks++; }

static const char *const fake_compatible[] = { "test,uart", NULL };
static const struct uart_ops fake_uart = {
    "Fake", fake_compatible, fake_init, fake_tx_ready, fake_tx, fake_rx, fake_rx_irq_enable, fake_irq
};

const struct uart_ops *uart_driver_find(const char *compatible)
{
    return strcmp(compatible, "test,uart") == 0 ? &fake_uart : NULL;
}

volatile void *arch_ioremap(paddr_t pa, u64 size)
{
    static u8 regs[4096];

    assert_int_equal(pa, 0x9000000);
    assert_true(size >= PAGE_SIZE);
    return regs;
}

/* The larger ring outlives the fake machine of one test. */
void *pages_alloc(unsigned int order, u32 memf)
{
    static char ring[32768];

    (void)memf;
    return (PAGE_SIZE << order) <= sizeof(ring) ? ring : NULL;
}

static irq_handler_fn *rx_handler;

int irq_request(u32 intid, enum irq_type t, irq_handler_fn *fn, void *data, const char *name)
{
    (void)t;
    (void)data;
    (void)name;
    assert_int_equal(intid, 33);
    rx_handler = fn;
    return 0;
}

void smp_stop_others(void) { host_record(__func__, 0, 0, 0, 0); }
void event_dump(struct domain *d) { con_printf("events of %u\n", d->id); }
void grant_dump(struct domain *d) { con_printf("grants of %u\n", d->id); }
void arch_domain_dump_irqs(struct domain *d) { con_printf("vgic of %u\n", d->id); }
void mem_dump(void) { con_printf("memory\n"); }
void dump_own_memory(void) { con_printf("own memory\n"); }
void irq_dump(void) { con_printf("irqs\n"); }
void sched_dump(void) { con_printf("sched\n"); }
void timer_dump(void) { con_printf("timers\n"); }
void wallclock_get(u64 *secs, u32 *nsecs) { *secs = 5; *nsecs = 6; }
u64 vcpu_cpu_time(const struct vcpu *v) { (void)v; return 7 * NS_PER_MS; }

static void clear(void)
{
    out_len = 0;
    out[0] = 0;
}

static void assert_out(const char *want)
{
    assert_string_equal(out, want);
    clear();
}

unused static void write_as(struct domain *d, const char *s)
{
    console_guest_write(d, s, strlen(s));
}

unused static void press(const char *keys)
{
    input = keys;
    rx_handler(33, NULL);
    assert_int_equal(*input, 0);
}

static int setup(void **state)
{
    unit_setup(state);
    opt.loglvl = opt.loglvl_limited = LOG_NR_LEVELS;
    opt.guest_loglvl = 0;
    opt.guest_loglvl_limited = LOG_WARN + 1;
    opt.console_timestamps = false;
    opt.conswitch = 'a';
    opt.conring_size = 32768;
    clear();
    return 0;
}

unused static u32 count_lines(const char *what)
{
    u32 n = 0;

    for (const char *p = strstr(out, what); p != NULL; p = strstr(p + 1, what)) {
        n++;
    }
    return n;
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

#endif
