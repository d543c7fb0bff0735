/* SPDX-License-Identifier: MIT */
/* Read-only look-ups in the device tree the hypervisor made. Nodes are pointers to their FDT_BEGIN_NODE token. */
#ifndef RT_FDT_H
#define RT_FDT_H

#include <stdbool.h>
#include <stdint.h>

bool fdt_init(const void *blob);
const void *fdt_node_after(const void *node);                      /* any depth, NULL starts */
const void *fdt_compatible_after(const void *node, const char *compatible);
const void *fdt_named(const char *name);                           /* first node of that name, any depth */
const char *fdt_name(const void *node);
const void *fdt_property(const void *node, const char *name, uint32_t *length);
uint32_t fdt_u32(const void *property, unsigned index);
uint64_t fdt_u64(const void *property, unsigned index);            /* index counts 32-bit cells */

#endif
