/* SPDX-License-Identifier: MIT */
/* What the files of core/console share. */
#ifndef CONSOLE_IMPL_H
#define CONSOLE_IMPL_H

#include <argon/console.h>
#include <stdarg.h>

#define CONSOLE_PREFIX "(ARGON) "

/*
 * ---- output.c: the console lock (RANK_CONSOLE) and everything under it. After console_panic() one CPU has it for
 * good. ----
 */
void console_lock(void);
/* Releases, and lets the log's consumers know if lines were added. */
void console_unlock(void);
/* One whole line, without its newline, to UART and ring, with the time stamp if asked for. Lock held. */
void console_put_line(const char *prefix, const char *text, size_t n);
/* Each line of `text` with the prefix; a newline at the end is optional. Lock held. */
void console_put_text(const char *prefix, const char *text, size_t n);
/* Collect output of `key` (a domain or a CPU) and put each line when it is complete. Lock held. */
#define LINE_KEY_CPU(cpu) (0x10000u | (cpu))
void console_put_partial(u32 key, const char *prefix, const char *text, size_t n);
/* Format into the one buffer that the lock protects; returns its length, *text is the buffer. Lock held. */
size_t console_format(const char **text, const char *fmt, va_list ap);
/* Print the whole ring to the UART again (debug key w). */
void console_replay(void);

/* ---- ring.c: lock held unless said ---- */
void ring_put(const char *s, size_t n);
u32 ring_producer(void);
/*
 * Up to n bytes from free-running index *from on (moved up if overwritten); returns how many, *from is moved past them.
 */
size_t ring_peek(u32 *from, char *buf, size_t n);
u32 ring_consumer(void);
/* Move to a heap ring of `bytes` rounded up to a power of two, contents kept. Takes the lock itself. */
void ring_resize(u32 bytes);

/* ---- log.c: rate limits, lock held ---- */
struct rate_limit {
    u64 last;                    /* ns */
    u32 used;                    /* of the burst */
    u32 missed;                  /* suppressed since the last one allowed */
};

/* ---- input.c ---- */
void input_start(const struct uart_ops *ops, u32 irq);

/* ---- dump.c: tables of the debug keys ---- */
void dump_domains(void);
void dump_own_memory(void);
void dump_dom0_registers(void);
void dump_time(void);
void dump_options(void);

#endif
