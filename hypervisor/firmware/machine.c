/* SPDX-License-Identifier: MIT */
/* The one description of the machine, from a device tree or ACPI's tables, and what of its RAM may be used. */
#include <argon/acpi.h>
#include <argon/console.h>
#include <argon/errno.h>
#include <argon/machine.h>
#include <argon/panic.h>
#include <argon/string.h>
#include "efi/efi.h"
#include "fdt/fdt.h"

static boot_data struct acpi_tables acpi_tables;         /* where machine.acpi */
static boot_data const struct firmware_memory *firmware_memory;

/* What a loader passes is a device tree, if only one of command lines and modules. */
boot_code size_t machine_firmware_bytes(const void *header)
{
    return fdt_bytes(header);
}

boot_code int machine_from_firmware(const void *tables, size_t max, paddr_t at)
{
    memset(&machine, 0, sizeof(machine));
    machine.tables = (struct machine_range){ .start = at, .size = max };
    return fdt_parse_chosen(&machine, tables, max);
}

/* Is it ACPI? 1: yes, and the tables are open; 0: no; -EINVAL, after a message: that cannot be, and is to be. */
static boot_code int choose_acpi(enum acpi_choice how, const struct firmware_memory *memory)
{
    bool tree = fdt_is_machine();

    firmware_memory = memory;
    if (tree && (how == ACPI_OFF || how == ACPI_AUTO)) {
        return 0;
    }
    if (how == ACPI_OFF) {
        log_err("acpi=off, and the device tree describes no machine");
        return -EINVAL;
    }
    if (machine.rsdp != 0 && acpi_open(&acpi_tables, memory, machine.rsdp) == 0) {
        return 1;
    }
    if (how == ACPI_FORCE || !tree) {
        log_err("ACPI: %s, and %s", machine.rsdp != 0 ? "its tables cannot be used" : "firmware gave no RSDP",
                how == ACPI_FORCE ? "acpi=force wants it" : "the device tree describes no machine");
        return -EINVAL;
    }
    log_warn("acpi=on: %s: the device tree is used",
             machine.rsdp != 0 ? "its tables cannot be" : "firmware gave no RSDP");
    return 0;
}

boot_code const struct acpi_tables *machine_acpi(void)
{
    return machine.acpi ? &acpi_tables : NULL;
}

static boot_code int check_acpi_machine(const struct machine *m)
{
    if (m->nr_banks == 0) {
        log_err("ACPI: no RAM: firmware left no memory map");
        return -EINVAL;
    }
    return 0;
}

boot_code int machine_describe(enum acpi_choice how, const struct firmware_memory *memory)
{
    int r = machine.efi.system_table != 0 ? efi_read_machine(&machine, memory) : 0;

    if (r != 0) {
        return r;
    }
    machine_sort_banks(&machine);
    r = choose_acpi(how, memory);
    if (r < 0) {
        return r;
    }
    machine.acpi = r > 0;
    if (!machine.acpi) {
        return fdt_parse_machine(&machine);
    }
    r = acpi_parse_all(&machine, &acpi_tables);
    return r != 0 ? r : check_acpi_machine(&machine);
}

/* Also where boot is to stop, as neither of them will do: a tree of no machine names no console to say so on. */
static boot_code bool console_is_acpi(void)
{
    return machine.acpi || (machine.rsdp != 0 && firmware_memory != NULL && !fdt_is_machine() &&
                            acpi_open(&acpi_tables, firmware_memory, machine.rsdp) == 0);
}

boot_code int machine_find_uart(const char *dtuart)
{
    machine.has_uart = false;
    if (!console_is_acpi()) {
        return fdt_find_uart(&machine, dtuart);
    }
    if (dtuart != NULL && dtuart[0] != '\0') {
        log_warn("dtuart=%s: not looked at: with ACPI the console is SPCR's or DBG2's", dtuart);
    }
    return acpi_find_uart(&machine, &acpi_tables);
}

const struct machine_range *machine_redist(const struct machine_gic *g)
{
    const struct machine_range *best = &g->redist[0];

    ASSERT(g->nr_redist <= MACHINE_MAX_REDIST);
    for (u32 i = 1; i < g->nr_redist; i++) {
        if (g->redist[i].size > best->size) {
            best = &g->redist[i];
        }
    }
    return best;
}

boot_code const struct machine_module *machine_module(enum module_kind kind)
{
    for (u32 i = 0; i < machine.nr_modules; i++) {
        if (machine.modules[i].kind == kind) {
            return &machine.modules[i];
        }
    }
    return NULL;
}

boot_code int machine_add_bank(struct machine *m, paddr_t start, paddr_t size, u32 node)
{
    paddr_t end = start + size;

    if (end < start) {
        return -EINVAL;
    }
    if (end > MACHINE_RAM_LIMIT) {
        log_warn("RAM at %#" PRIx64 "..%#" PRIx64 " is not used above %#" PRIx64, start, end, MACHINE_RAM_LIMIT);
        end = MACHINE_RAM_LIMIT;
    }
    start = ROUND_UP(start, PAGE_SIZE);
    end = ROUND_DOWN(end, PAGE_SIZE);
    if (start >= end) {
        return 0;
    }
    if (m->nr_banks == MACHINE_MAX_BANKS) {
        return -ENOSPC;
    }
    m->banks[m->nr_banks++] = (struct machine_range){ .start = start, .size = end - start, .node = node };
    return 0;
}

static boot_code void sort_ranges(struct machine_range *r, u32 nr)
{
    for (u32 i = 1; i < nr; i++) {
        struct machine_range x = r[i];
        u32 j = i;

        for (; j > 0 && r[j - 1].start > x.start; j--) {
            r[j] = r[j - 1];
        }
        r[j] = x;
    }
}

/* Take [start, end) out of the sorted banks. Where a bank becomes two and there is no room, the upper part is lost. */
static boot_code void cut(struct machine *m, paddr_t start, paddr_t end)
{
    for (u32 i = 0; i < m->nr_banks; i++) {
        struct machine_range *b = &m->banks[i];
        paddr_t b_end = b->start + b->size;

        if (start >= b_end || end <= b->start || start == end) {
            continue;
        }
        if (start > b->start && end < b_end) {
            if (m->nr_banks == MACHINE_MAX_BANKS) {
                log_warn("RAM at %#" PRIx64 "..%#" PRIx64 " is not used: too many banks", end, b_end);
            } else {
                m->banks[m->nr_banks++] = (struct machine_range){ .start = end, .size = b_end - end, .node = b->node };
            }
            b->size = start - b->start;
        } else if (start > b->start) {
            b->size = start - b->start;
        } else {
            b->start = MIN(end, b_end);
            b->size = b_end - b->start;
        }
    }
    for (u32 i = 0; i < m->nr_banks; i++) {
        if (m->banks[i].size == 0) {
            m->banks[i--] = m->banks[--m->nr_banks];
        }
    }
    sort_ranges(m->banks, m->nr_banks);
}

boot_code void machine_sort_banks(struct machine *m)
{
    u32 out = 0;

    sort_ranges(m->banks, m->nr_banks);
    for (u32 i = 0; i < m->nr_banks; i++) {
        struct machine_range b = m->banks[i];
        struct machine_range *last = out > 0 ? &m->banks[out - 1] : NULL;
        paddr_t last_end = last != NULL ? last->start + last->size : 0;

        if (last != NULL && b.start < last_end) {
            log_warn("RAM banks overlap at %#" PRIx64, b.start);
            if (b.start + b.size <= last_end) {
                continue;
            }
            b.size -= last_end - b.start;
            b.start = last_end;
        }
        if (last != NULL && b.start == last_end && b.node == last->node) {
            last->size += b.size;
        } else {
            m->banks[out++] = b;
        }
    }
    m->nr_banks = out;
    for (u32 i = 0; i < m->nr_nomap; i++) {
        cut(m, m->nomap[i].start, m->nomap[i].start + m->nomap[i].size);
    }
    for (u32 i = 0; i < m->nr_banks; i++) {
        ASSERT(m->banks[i].size != 0 && IS_ALIGNED(m->banks[i].start | m->banks[i].size, PAGE_SIZE));
        ASSERT(i == 0 || machine_range_end(&m->banks[i - 1]) <= m->banks[i].start);
    }
}

/* The bank has an edge at `at`, if that is inside of it and there is room for one bank more. */
static boot_code void split_bank(struct machine *m, u32 i, paddr_t at)
{
    struct machine_range *b = &m->banks[i];

    if (at <= b->start || at >= machine_range_end(b) || m->nr_banks == MACHINE_MAX_BANKS) {
        return;
    }
    for (u32 j = m->nr_banks++; j > i; j--) {
        m->banks[j] = m->banks[j - 1];
    }
    b->size = at - b->start;
    b[1].size -= b->size;
    b[1].start = at;
}

boot_code void machine_set_node(struct machine *m, paddr_t start, paddr_t size, u32 node)
{
    paddr_t end = start + size;

    if (size == 0 || end < start) {
        return;
    }
    end = end > ROUND_DOWN(UINT64_MAX, PAGE_SIZE) ? ROUND_DOWN(UINT64_MAX, PAGE_SIZE) : ROUND_UP(end, PAGE_SIZE);
    start = ROUND_DOWN(start, PAGE_SIZE);
    for (u32 i = 0; i < m->nr_banks; i++) {
        split_bank(m, i, start);         /* its upper part is the next to be looked at */
        split_bank(m, i, end);
        if (m->banks[i].start < end && machine_range_end(&m->banks[i]) > start) {
            if (m->banks[i].start < start || machine_range_end(&m->banks[i]) > end) {
                log_warn("RAM at %#" PRIx64 " is all taken for node %u's: too many banks", m->banks[i].start, node);
            }
            m->banks[i].node = node;
        }
    }
}

boot_code int machine_add_nomap(struct machine *m, paddr_t start, paddr_t size)
{
    paddr_t end = start + size;

    if (end < start || end > ROUND_DOWN(UINT64_MAX, PAGE_SIZE)) {
        return -EINVAL;
    }
    if (m->nr_nomap == MACHINE_MAX_NOMAP) {
        return -ENOSPC;
    }
    start = ROUND_DOWN(start, PAGE_SIZE);
    m->nomap[m->nr_nomap++] = (struct machine_range){ .start = start, .size = ROUND_UP(end, PAGE_SIZE) - start };
    return 0;
}

/* Ranges that touch or overlap become one, so that the table holds any number of neighbours. */
boot_code int machine_add_reserved(struct machine *m, paddr_t start, paddr_t size)
{
    paddr_t end = start + size;
    u32 out = 0;

    if (end < start || end > ROUND_DOWN(UINT64_MAX, PAGE_SIZE)) {
        return -EINVAL;
    }
    start = ROUND_DOWN(start, PAGE_SIZE);
    end = ROUND_UP(end, PAGE_SIZE);
    if (size == 0) {
        return 0;
    }
    for (u32 i = 0; i < m->nr_reserved; i++) {
        struct machine_range r = m->reserved[i];

        if (r.start <= end && start <= r.start + r.size) {
            end = MAX(end, r.start + r.size);
            start = MIN(start, r.start);
        } else {
            m->reserved[out++] = r;
        }
    }
    m->nr_reserved = out;
    if (m->nr_reserved == MACHINE_MAX_RESERVED) {
        return -ENOSPC;
    }
    m->reserved[m->nr_reserved++] = (struct machine_range){ .start = start, .size = end - start };
    sort_ranges(m->reserved, m->nr_reserved);
    for (u32 i = 1; i < m->nr_reserved; i++) {
        ASSERT(machine_range_end(&m->reserved[i - 1]) < m->reserved[i].start);   /* else they would be one */
    }
    return 0;
}

/* The i-th range that is not free, whole pages; false after the last. */
static boot_code bool taken_range(const struct machine *m, u32 i, paddr_t *start, paddr_t *end)
{
    const struct machine_module *mod;

    if (i < m->nr_reserved) {
        *start = m->reserved[i].start;
        *end = *start + m->reserved[i].size;
        return true;
    }
    i -= m->nr_reserved;
    if (i >= m->nr_modules) {
        return false;
    }
    mod = &m->modules[i];
    *start = ROUND_DOWN(mod->start, PAGE_SIZE);
    *end = mod->size != 0 ? ROUND_UP(mod->start + mod->size, PAGE_SIZE) : *start;
    return true;
}

/* The first free part of [s, *end). */
static boot_code bool free_part(const struct machine *m, paddr_t s, paddr_t *start, paddr_t *end)
{
    paddr_t e = *end, from, to;
    bool moved;

    do {
        moved = false;
        for (u32 i = 0; taken_range(m, i, &from, &to); i++) {
            if (from <= s && s < to) {
                s = to;
                moved = true;
            }
        }
    } while (moved);
    for (u32 i = 0; taken_range(m, i, &from, &to); i++) {
        if (from > s && from < to) {
            e = MIN(e, from);
        }
    }
    ASSERT(IS_ALIGNED(s | e, PAGE_SIZE));
    *start = s;
    *end = e;
    return s < e;
}

boot_code bool machine_next_free(const struct machine *m, paddr_t from, paddr_t *start, paddr_t *end, u32 *node)
{
    from = ROUND_UP(from, PAGE_SIZE);
    for (u32 i = 0; i < m->nr_banks; i++) {
        const struct machine_range *b = &m->banks[i];

        *end = b->start + b->size;
        if (free_part(m, MAX(b->start, from), start, end)) {
            *node = b->node;
            return true;
        }
    }
    return false;
}

bool machine_next_ram(const struct machine *m, paddr_t from, paddr_t to, struct machine_range *out)
{
    for (u32 i = 0; i < m->nr_banks; i++) {
        paddr_t start = MAX(m->banks[i].start, from), end = MIN(machine_range_end(&m->banks[i]), to);

        if (start < end) {
            *out = (struct machine_range){ .start = start, .size = end - start, .node = m->banks[i].node };
            return true;
        }
    }
    return false;
}

boot_code bool machine_is_ram(const struct machine *m, paddr_t start, paddr_t size)
{
    paddr_t end = start + size;

    if (end < start) {
        return false;
    }
    for (u32 i = 0; i < m->nr_banks && start < end; i++) {
        const struct machine_range *b = &m->banks[i];

        if (start >= b->start && start - b->start < b->size) {
            start = MIN(end, b->start + b->size);
        }
    }
    return start == end;
}
