/* SPDX-License-Identifier: MIT */
/*
 * Console: log ring (xl dmesg), serial output in whole lines, input that goes to Argon's debug keys or to a domain.
 * Messages carry a level; loglvl= and guest_loglvl= set what is printed, guest-caused ones are rate-limited.
 * docs/design/console.md has the rules of the line discipline.
 */
#ifndef ARGON_CONSOLE_H
#define ARGON_CONSOLE_H

#include <argon/types.h>

struct domain;
struct vcpu;

enum log_level { LOG_ERR, LOG_WARN, LOG_INFO, LOG_DEBUG };
#define LOG_NR_LEVELS 4

/*
 * One message of up to 1200 bytes; a newline is added if missing. Prefix "(ARGON) " on each line. Any context, any CPU.
 */
printf_like(2, 3) void log_at(enum log_level level, const char *fmt, ...);
#define log_err(...)   log_at(LOG_ERR, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
/* On a guest's behalf: names the domain, rate-limited (by the domain's id modulo 32), guest_loglvl. */
printf_like(3, 4) void log_guest(enum log_level level, const struct domain *d, const char *fmt, ...);
/*
 * Debug keys and panic: always printed, prefix "(ARGON) ". A line may be made by several calls of one CPU and appears
 * when its newline comes.
 */
printf_like(1, 2) void con_printf(const char *fmt, ...);

/*
 * loglvl= and guest_loglvl=: "none", "error", "warning", "info", "debug", "all", or two of them with a slash: the first
 * is always printed, what is between them is rate-limited. As thresholds: a level below `always` is printed, below
 * `limited` is rate-limited, else dropped.
 */
must_check bool log_levels_parse(const char *s, u8 *always, u8 *limited);
void log_levels_format(char *buf, size_t size, u8 always, u8 limited);

void console_init_early(void);            /* ring only */
/* UART found, options parsed, arch_ioremap() works: replay the ring to it. No heap, no interrupts needed yet. */
void console_init(void);
/* Heap, interrupts and dom0 are there: ring of full size, and input, which goes to dom0 from here. */
void console_boot_done(void);
void console_panic(void);                 /* this CPU only from here: polled output, locks broken open */
/* Output of a domain (console_io write, emergency console): prefixed unless it is dom0's, in whole lines. */
void console_guest_write(struct domain *d, const char *buf, size_t n);
/* Input for the domain that owns the console now; returns bytes. */
size_t console_guest_read(struct domain *d, char *buf, size_t n);
/* IPI_CONSOLE: VIRQ_CON_RING to whoever follows the log. */
void console_notify(void);
/* sysctl readconsole (public sysctl.h). gva buffer of the current vCPU. -EFAULT: nothing is cleared. */
must_check int console_read_ring(bool clear, bool incremental, u32 *index, u64 buf_gva, u32 *count);

/* ---- debug keys ---- */
void debug_key(u8 key);                   /* 'h' lists them */
void debug_dump_cpu(void);                /* IPI_DUMP: this CPU's registers */
struct vcpu;
void debug_dump_vcpu(struct vcpu *v);     /* its registers in memory, in one piece: vcpu_dump() */

/* ---- UART drivers ---- */
struct machine_uart;
struct uart_ops {
    const char *name;
    const char *const *compatible;        /* NULL-terminated */
    int (*init)(const struct machine_uart *u, volatile void *regs);
    bool (*tx_ready)(void);
    void (*tx)(u8 c);
    int (*rx)(void);                      /* byte or -1 */
    void (*rx_irq_enable)(void);
    void (*irq)(void);                    /* acknowledge; rx() is called until -1 after it */
};
extern const struct uart_ops *const *uart_drivers;  /* NULL-terminated; set first of all */
extern const struct uart_ops *const uart_driver_list[]; /* those of drivers/uart/ */
/* The driver for a compatible string, NULL if there is none. */
const struct uart_ops *uart_driver_find(const char *compatible);

#endif
