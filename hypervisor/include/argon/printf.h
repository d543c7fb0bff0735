/* SPDX-License-Identifier: MIT */
/* Formatted output: %d %i %u %x %X %p %c %s %% with l, ll, z, h, width, precision, -, 0, #, +. No floating point. */
#ifndef ARGON_PRINTF_H
#define ARGON_PRINTF_H

#include <argon/types.h>
#include <stdarg.h>

/* Always terminated if size > 0; returns the length that would have been written. */
printf_like(3, 4) int snprintf(char *buf, size_t size, const char *fmt, ...);
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);

#endif
