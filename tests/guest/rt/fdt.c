/* SPDX-License-Identifier: MIT */
#include "fdt.h"
#include "console.h"

#define TOKEN_BEGIN 1u
#define TOKEN_END 2u
#define TOKEN_PROP 3u
#define TOKEN_NOP 4u
#define TOKEN_FINISH 9u

static const uint8_t *blob_structs;
static const char *blob_strings;

static uint32_t be32(const void *p)
{
    return __builtin_bswap32(*(const volatile uint32_t *)p);
}

bool fdt_init(const void *blob)
{
    const uint8_t *b = blob;

    if (((uintptr_t)blob & 7) != 0 || be32(b) != 0xd00dfeed)
        return false;
    blob_structs = b + be32(b + 8);
    blob_strings = (const char *)b + be32(b + 12);
    return true;
}

static const uint8_t *skip_token(const uint8_t *p)
{
    uint32_t token = be32(p);

    p += 4;
    if (token == TOKEN_BEGIN)
        p += strlen((const char *)p) + 1;
    else if (token == TOKEN_PROP)
        p += 8 + be32(p);
    return (const uint8_t *)(((uintptr_t)p + 3) & ~(uintptr_t)3);
}

const void *fdt_node_after(const void *node)
{
    const uint8_t *p = node ? skip_token(node) : blob_structs;

    for (; be32(p) != TOKEN_FINISH; p = skip_token(p))
        if (be32(p) == TOKEN_BEGIN)
            return p;
    return NULL;
}

const char *fdt_name(const void *node)
{
    return (const char *)node + 4;
}

const void *fdt_property(const void *node, const char *name, uint32_t *length)
{
    const uint8_t *p = skip_token(node);

    for (;; p = skip_token(p)) {
        uint32_t token = be32(p);

        if (token == TOKEN_PROP && strcmp(blob_strings + be32(p + 8), name) == 0) {
            if (length)
                *length = be32(p + 4);
            return p + 12;
        }
        if (token != TOKEN_PROP && token != TOKEN_NOP)
            return NULL;
    }
}

const void *fdt_compatible_after(const void *node, const char *compatible)
{
    while ((node = fdt_node_after(node)) != NULL) {
        uint32_t length = 0, at = 0;
        const char *list = fdt_property(node, "compatible", &length);

        for (; list && at < length; at += (uint32_t)strlen(list + at) + 1)
            if (strcmp(list + at, compatible) == 0)
                return node;
    }
    return NULL;
}

const void *fdt_named(const char *name)
{
    const void *node = NULL;

    while ((node = fdt_node_after(node)) != NULL)
        if (strcmp(fdt_name(node), name) == 0)
            return node;
    return NULL;
}

uint32_t fdt_u32(const void *property, unsigned index)
{
    return be32((const uint8_t *)property + 4 * index);
}

uint64_t fdt_u64(const void *property, unsigned index)
{
    return (uint64_t)fdt_u32(property, index) << 32 | fdt_u32(property, index + 1);
}
