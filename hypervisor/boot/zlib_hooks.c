/* SPDX-License-Identifier: MIT */
/* Names zlib's default allocator refers to. gunzip.c gives it another, so these are never called. */
#include <argon/types.h>

void *malloc(size_t size);
void free(void *p);

boot_code void *malloc(size_t size)
{
    (void)size;
    return NULL;
}

boot_code void free(void *p)
{
    (void)p;
}
