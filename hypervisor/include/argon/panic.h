/* SPDX-License-Identifier: MIT */
/* Assertions and the end of the line. Asserts state invariants of our own code, never guest input. */
#ifndef ARGON_PANIC_H
#define ARGON_PANIC_H

#include <argon/config.h>
#include <argon/types.h>

/*
 * Our bug, or a machine that cannot be used: print, with registers and backtrace, and stop or reboot (option noreboot).
 */
noreturn_fn printf_like(1, 2) void panic(const char *fmt, ...);

/*
 * This CPU is the one that reports: before console_panic(). Does not return where another one is: this one stops; nor
 * where this one is already: it has failed in its report, and restarts the machine, unless `noreboot`.
 */
void panic_claim(void);

/* Why the machine cannot go on has been said, after console_panic(): reboot in five seconds, or stop (noreboot). */
noreturn_fn void panic_end(void);

noreturn_fn void assert_failed(const char *expr, const char *file, unsigned int line);

/* Kept in release builds: cheap, and going on would be worse. */
#define ASSERT_ALWAYS(e) do { if (unlikely(!(e))) assert_failed(#e, __FILE__, __LINE__); } while (0)
/* Debug builds and host tests. */
#define ASSERT(e) do { if (CONFIG_DEBUG && unlikely(!(e))) assert_failed(#e, __FILE__, __LINE__); } while (0)
#define ASSERT_UNREACHABLE() ASSERT(!"unreachable")

#endif
