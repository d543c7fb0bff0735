/* SPDX-License-Identifier: MIT */
/*
 * The C library's memory and string functions that freestanding code and libfdt need (lib/string.c); the host build
 * uses libc's. str_*() are Argon's own (lib/str.c) and are in both.
 */
#ifndef ARGON_STRING_H
#define ARGON_STRING_H

#include <argon/types.h>

void *memcpy(void *restrict d, const void *restrict s, size_t n);
void *memmove(void *d, const void *s, size_t n);
void *memset(void *d, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t n);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);

/* Copy with truncation; always terminated if size > 0; returns length of src (the field's strlcpy). */
size_t str_copy(char *dst, const char *src, size_t size);
/*
 * Digits at s, hexadecimal after 0x, else decimal. False: no digit, or the value does not fit. *end is where it
 * stopped.
 */
bool str_to_u64(const char *s, u64 *value, const char **end);

#endif
