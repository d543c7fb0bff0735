/* SPDX-License-Identifier: MIT */
/* Lines to a console, the hypervisor's by console_io at first. Only vCPU 0 prints. */
#ifndef RT_CONSOLE_H
#define RT_CONSOLE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* Where lines go; the hypervisor's console unless changed. */
extern void (*console_write)(const char *text, size_t length);

/* %s %c %d %u %x, with l or without, field width and 0 padding. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
size_t format_string(char *buffer, size_t size, const char *format, va_list args);
/* Returns buffer. */
const char *format_line(char *buffer, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

void *memset(void *to, int c, size_t n);
void *memcpy(void *restrict to, const void *restrict from, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
const char *string_find(const char *haystack, const char *needle);

#endif
