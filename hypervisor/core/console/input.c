/* SPDX-License-Identifier: MIT */
/*
 * Input: a byte goes to dom0 or to the debug keys; CTRL and the conswitch letter three times in a row changes which.
 * Bytes come from one interrupt (or one timer), which runs on one CPU at a time.
 */
#include <argon/atomic.h>
#include <argon/domain.h>
#include <argon/irq.h>
#include <argon/param.h>
#include <argon/percpu.h>
#include <argon/spinlock.h>
#include <argon/timer.h>
#include "console_impl.h"

#define INPUT_RING     1024u     /* power of two */
#define SWITCH_PRESSES 3
#define POLL_NS        (20 * NS_PER_MS)
#define RX_BATCH       256u      /* bytes taken in one interrupt, however many the UART has */

static const struct uart_ops *uart;
static struct timer poll_timer;  /* UART without an interrupt */
static bool to_dom0;
static u32 switch_count;

static char input[INPUT_RING];
static u32 input_head, input_tail;       /* free-running; head: console_rx() only, tail: input_lock */
static struct spinlock input_lock = SPINLOCK_INIT(RANK_CONSOLE);

/* The control character that switches; 0 when there is none. */
static u8 switch_char(void)
{
    return (u8)opt.conswitch & 0x1f;
}

static void announce(void)
{
    const char *who = to_dom0 ? "DOM0" : "Argon";

    if (switch_char() == 0) {
        con_printf("*** Serial input to %s\n", who);
    } else {
        con_printf("*** Serial input to %s (type 'CTRL-%c' three times to switch input%s)\n", who, opt.conswitch,
                   to_dom0 ? "" : " to DOM0");
    }
}

/* For dom0; lost when dom0 does not read. */
static void queue_for_dom0(u8 c)
{
    if (input_head - atomic_load_acquire(&input_tail) < INPUT_RING) {
        input[input_head % INPUT_RING] = (char)c;
        atomic_store_release(&input_head, input_head + 1);
    }
    event_send_global_virq(VIRQ_CONSOLE);
}

static void deliver(u8 c)
{
    if (to_dom0) {
        queue_for_dom0(c);
    } else if (c != '\r' && c != '\n') {
        debug_key(c);
    }
}

static void console_rx(u8 c)
{
    u8 sw = switch_char();

    if (sw != 0 && c == sw) {
        if (++switch_count == SWITCH_PRESSES) {
            switch_count = 0;
            to_dom0 = !to_dom0;
            announce();
        }
        return;
    }
    for (; switch_count != 0; switch_count--) {      /* not a switch after all: the owner gets them */
        deliver(sw);
    }
    deliver(c);
}

size_t console_guest_read(struct domain *d, char *buf, size_t n)
{
    size_t i;
    u32 tail;

    if (d != dom0) {
        return 0;
    }
    spin_lock(&input_lock);
    tail = input_tail;
    for (i = 0; i < n && tail != atomic_load_acquire(&input_head); i++) {
        buf[i] = input[tail++ % INPUT_RING];
    }
    atomic_store_release(&input_tail, tail);
    spin_unlock(&input_lock);
    return i;
}

static void take_bytes(void)
{
    int c;

    for (u32 i = 0; i < RX_BATCH && (c = uart->rx()) >= 0; i++) {
        console_rx((u8)c);
    }
}

/* Acknowledged first: a byte that comes after the last rx() raises the interrupt again. */
static void rx_interrupt(u32 intid, void *data)
{
    (void)intid;
    (void)data;
    uart->irq();
    take_bytes();
}

static void rx_poll(void *data)
{
    (void)data;
    take_bytes();
    timer_set(&poll_timer, now_ns() + POLL_NS);
}

void input_start(const struct uart_ops *ops, u32 irq)
{
    if (ops == NULL) {
        return;
    }
    uart = ops;
    to_dom0 = dom0 != NULL && !opt.conswitch_noauto;
    if (irq != 0 && irq_request(irq, IRQ_TYPE_LEVEL, rx_interrupt, NULL, "console") == 0) {
        uart->rx_irq_enable();
    } else {
        log_warn("Console: no interrupt for input, polling");
        timer_setup(&poll_timer, rx_poll, NULL, cpu_id());
        timer_set(&poll_timer, now_ns() + POLL_NS);
    }
    announce();
}
