/* SPDX-License-Identifier: MIT */
/*
 * Output: one lock, whole lines. The UART is written synchronously, so nothing is lost when the machine stops. dom0's
 * bytes pass as they are; when a line of ours comes in the middle of one of dom0's, ours starts on a new line and
 * dom0's is begun again, with what it had so far, when dom0 goes on with it.
 */
#include <argon/arch.h>
#include <argon/atomic.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/machine.h>
#include <argon/param.h>
#include <argon/percpu.h>
#include <argon/printf.h>
#include <argon/string.h>
#include <argon/timer.h>
#include "console_impl.h"

/* A UART that does not take a byte for so long is switched off or held up by flow control. */
#define TX_TIMEOUT_NS NS_PER_SEC
#define TX_TIMEOUT_LOOPS 50000000u       /* when there is no time yet */

#define NR_PARTIAL  16
#define PARTIAL_MAX 240

static struct spinlock lock = SPINLOCK_INIT(RANK_CONSOLE);
static u32 panic_cpu;            /* CPU + 1 that owns the console for good; atomic */
static const struct uart_ops *uart;      /* all below: lock */
static bool uart_stalled;
static char uart_last;
static bool notify_ready;        /* interrupts work: consumers may be told */
static bool notify_sent;         /* and have not answered; atomic */
static u32 notified_producer;
static char format_buf[1216];

/* What dom0 has written since its last newline. */
static struct {
    char text[256];
    u32 len;
    bool open;                   /* the cursor is behind it */
    bool interrupted;            /* lines of ours have come after it */
    bool too_long;               /* text does not hold all of it */
} dom0_line;

/* Unfinished lines of other domains and of con_printf(). */
struct partial_line {
    bool used;
    u32 key;
    u32 len;
    u64 stamp;                   /* order of first use */
    char prefix[16];
    char text[PARTIAL_MAX];
};
static struct partial_line partials[NR_PARTIAL];
static u64 partial_stamp;

/* ---- lock ---- */

void console_lock(void)
{
    u32 owner = atomic_load(&panic_cpu);

    if (likely(owner == 0)) {
        spin_lock(&lock);
    } else if (owner != cpu_id() + 1) {
        arch_stop_cpu();
    }
}

void console_unlock(void)
{
    bool notify;

    if (atomic_load(&panic_cpu) == cpu_id() + 1) {
        return;
    }
    notify = notify_ready && ring_producer() != notified_producer;
    notified_producer = ring_producer();
    spin_unlock(&lock);
    /*
     * The caller may hold any lock: the event is sent from an interrupt to this CPU, taken when it leaves the
     * hypervisor.
     */
    if (notify && !atomic_exchange(&notify_sent, true)) {
        smp_kick(cpu_id(), IPI_CONSOLE);
    }
}

void console_notify(void)
{
    atomic_store(&notify_sent, false);
    event_send_global_virq(VIRQ_CON_RING);
}

void console_panic(void)
{
    /* Let a line that is being printed end, unless its CPU is this one or stuck: a tenth of a second or so. */
    for (u32 i = 0; i < 2000000 && !spin_trylock(&lock); i++) {
        cpu_relax();
    }
    atomic_store(&panic_cpu, cpu_id() + 1);
    this_cpu()->lock_depth = 0;      /* what this CPU holds will never be released: no order to keep from here */
}

/* ---- UART ---- */

static bool wait_tx_ready(void)
{
    u64 start = now_ns();

    for (u32 i = 0; !uart->tx_ready(); i++) {
        if (uart_stalled || i >= TX_TIMEOUT_LOOPS || (i % 1024 == 1023 && now_ns() - start > TX_TIMEOUT_NS)) {
            uart_stalled = true;
            return false;
        }
        cpu_relax();
    }
    uart_stalled = false;
    return true;
}

static void uart_byte(char c)
{
    if (wait_tx_ready()) {
        uart->tx((u8)c);
    }
    uart_last = c;
}

/* A newline gets its carriage return unless it has one. */
static void uart_put(const char *s, size_t n)
{
    if (uart == NULL) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\n' && uart_last != '\r') {
            uart_byte('\r');
        }
        uart_byte(s[i]);
    }
}

static void uart_and_ring(const char *s, size_t n)
{
    uart_put(s, n);
    ring_put(s, n);
}

/* ---- lines ---- */

size_t console_format(const char **text, const char *fmt, va_list ap)
{
    int n = vsnprintf(format_buf, sizeof(format_buf), fmt, ap);

    *text = format_buf;
    return MIN((size_t)n, sizeof(format_buf) - 1);
}

static void put_timestamp(void)
{
    char stamp[32];
    u64 us = now_ns() / NS_PER_US;

    uart_and_ring(stamp,
                  (size_t)snprintf(stamp, sizeof(stamp), "[%5" PRIu64 ".%06" PRIu64 "] ", us / 1000000, us % 1000000));
}

void console_put_line(const char *prefix, const char *text, size_t n)
{
    if (dom0_line.open && !dom0_line.interrupted) {
        uart_put("\n", 1);
        dom0_line.interrupted = true;
    }
    uart_and_ring(prefix, strlen(prefix));
    if (opt.console_timestamps) {
        put_timestamp();
    }
    uart_and_ring(text, n);
    uart_and_ring("\n", 1);
}

void console_put_text(const char *prefix, const char *text, size_t n)
{
    do {
        const char *nl = memchr(text, '\n', n);
        size_t len = nl != NULL ? (size_t)(nl - text) : n;

        console_put_line(prefix, text, len);
        len += nl != NULL;
        text += len;
        n -= len;
    } while (n != 0);
}

static void finish_partial(struct partial_line *p)
{
    console_put_line(p->prefix, p->text, p->len);
    p->len = 0;
    p->used = false;
}

/* The line of `key`; else a free one, or the oldest, which is finished as it is. */
static struct partial_line *find_partial(u32 key, const char *prefix)
{
    struct partial_line *best = &partials[0];

    for (u32 i = 0; i < NR_PARTIAL; i++) {
        struct partial_line *p = &partials[i];

        if (p->used && p->key == key) {
            return p;
        }
        if (best->used && (!p->used || p->stamp < best->stamp)) {
            best = p;
        }
    }
    if (best->used) {
        finish_partial(best);
    }
    best->used = true;
    best->key = key;
    best->stamp = ++partial_stamp;
    (void)str_copy(best->prefix, prefix, sizeof(best->prefix));
    return best;
}

void console_put_partial(u32 key, const char *prefix, const char *text, size_t n)
{
    while (n != 0) {
        struct partial_line *p = find_partial(key, prefix);
        const char *nl = memchr(text, '\n', n);
        size_t len = MIN(nl != NULL ? (size_t)(nl - text) : n, sizeof(p->text) - p->len);

        memcpy(p->text + p->len, text, len);
        p->len += (u32)len;
        text += len;
        n -= len;
        if (n != 0 && *text == '\n') {
            text++;
            n--;
            finish_partial(p);
        } else if (p->len == sizeof(p->text)) {
            finish_partial(p);
        }
    }
}

/* ---- domains ---- */

/* dom0's output goes out as it comes; dom0_line follows where the cursor is. */
static void dom0_put(char c)
{
    if (c == '\n') {
        if (!dom0_line.interrupted) {
            uart_put(&c, 1);
        }
        dom0_line.open = false;
        dom0_line.interrupted = false;
    }
    if (c == '\n' || c == '\r') {
        if (c == '\r' && !dom0_line.interrupted) {
            uart_put(&c, 1);
        }
        dom0_line.len = 0;
        dom0_line.too_long = false;
        return;
    }
    if (dom0_line.interrupted) {
        if (!dom0_line.too_long) {
            uart_put(dom0_line.text, dom0_line.len);
        }
        dom0_line.interrupted = false;
    }
    uart_put(&c, 1);
    dom0_line.open = true;
    if (c == '\b') {
        dom0_line.len -= dom0_line.len != 0;
    } else if (dom0_line.len < sizeof(dom0_line.text)) {
        dom0_line.text[dom0_line.len++] = c;
    } else {
        dom0_line.too_long = true;
    }
}

/* Other domains' output must not drive the terminal or look like ours: what is not printable is dropped. */
static void guest_put(struct domain *d, const char *prefix, const char *buf, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = buf[i];

        if (c == '\n' || c == '\t' || ((u8)c >= ' ' && c != 0x7f)) {
            console_put_partial(d->id, prefix, &c, 1);
        }
    }
}

void console_guest_write(struct domain *d, const char *buf, size_t n)
{
    char prefix[16];

    console_lock();
    if (d->is_privileged) {
        for (size_t i = 0; i < n; i++) {
            dom0_put(buf[i]);
        }
    } else {
        (void)snprintf(prefix, sizeof(prefix), "(d%u) ", d->id);
        guest_put(d, prefix, buf, n);
    }
    console_unlock();
}

/* ---- set-up ---- */

/* The early ring is static: there is nothing to do yet, and messages before this call are kept too. */
void console_init_early(void)
{
}

static void replay_locked(void)
{
    u32 from = ring_consumer(), end = ring_producer();
    char piece[64];

    while (from != end) {
        size_t n = ring_peek(&from, piece, MIN((size_t)(end - from), sizeof(piece)));

        uart_put(piece, n);
    }
}

void console_replay(void)
{
    console_lock();
    replay_locked();
    console_unlock();
}

void console_init(void)
{
    const struct machine_uart *m = &machine.uart;
    const struct uart_ops *ops;
    volatile void *regs;
    int rc;

    if (strcmp(opt.console, "none") == 0 || !machine.has_uart) {
        log_warn("No serial console: %s",
                 machine.has_uart ? "console=none" : "firmware names no UART that has a driver");
        return;
    }
    ops = uart_driver_find(m->compatible);
    if (ops == NULL) {
        log_err("No driver for the console UART %s (%s)", m->name, m->compatible);
        return;
    }
    regs = arch_ioremap(m->base, MAX(m->size, (paddr_t)PAGE_SIZE));
    rc = regs != NULL ? ops->init(m, regs) : -ENOMEM;
    if (rc != 0) {
        log_err("Console UART %s: not usable (%d)", m->name, rc);
        return;
    }
    console_lock();
    uart = ops;
    replay_locked();
    console_unlock();
    log_info("Console: %s, %s at %#" PRIx64, m->name, ops->name, m->base);
}

void console_boot_done(void)
{
    ring_resize(opt.conring_size);
    console_lock();
    notify_ready = true;
    console_unlock();
    input_start(uart, machine.uart.irq);
}
