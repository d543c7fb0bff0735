/* SPDX-License-Identifier: MIT */
/* UEFI's memory map and configuration tables (UEFI 2.10, 7.2.3 and 4.6), after boot services have ended. */
#include "efi.h"

#include <argon/console.h>
#include <argon/errno.h>
#include <argon/string.h>

#define MAX_MAP    MIB(1)                /* bytes of a map that is believed; edk2's have some thousand */
#define MAX_CONFIG 256                   /* configuration tables */
#define SIGNATURE  UINT64_C(0x5453595320494249)         /* "IBI SYST" */
#define PAGE_4K    12                    /* UEFI's pages, whatever ours are */

struct descriptor { u32 type, pad; u64 start, virt, pages, attribute; };
struct config_table { u8 guid[16]; u64 table; };

#define ATTRIBUTE_WB      BIT(3)
#define ATTRIBUTE_SP      BIT(18)        /* for a purpose of its own, such as an accelerator's: its driver's (7.2.3) */
/* write-combined, -through or -back: no registers */
#define ATTRIBUTE_MEMORY  (BIT(1) | BIT(2) | ATTRIBUTE_WB)
#define ATTRIBUTE_RUNTIME BIT(63)

/* The system table's head (4.3): what is read of it. */
struct system_table { u64 signature; u32 revision, size, crc, reserved; u64 not_read[10]; u64 nr_tables, tables; };

static const u8 acpi_20[16] = { 0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11, 0xbc, 0x22, 0, 0x80, 0xc7, 0x3c, 0x88,
                                0x81 };
static const u8 acpi_10[16] = { 0x30, 0x2d, 0x9d, 0xeb, 0x88, 0x2d, 0xd3, 0x11, 0x9a, 0x16, 0, 0x90, 0x27, 0x3f, 0xc1,
                                0x4d };

/*
 * RAM that firmware has done with: the loader's, what boot services had, and what is free (7.2.1 and table 7.10). Not
 * what ACPI could give back: its tables are read until dom0 has its own, and dom0 is shown some.
 */
static boot_code bool is_usable(const struct descriptor *d)
{
    static const u32 usable = BIT32(1) | BIT32(2) | BIT32(3) | BIT32(4) | BIT32(7);

    return d->type < 32 && (usable >> d->type & 1) != 0 &&
           (d->attribute & (ATTRIBUTE_WB | ATTRIBUTE_SP | ATTRIBUTE_RUNTIME)) == ATTRIBUTE_WB;
}

struct map { const u8 *at; u64 nr; u32 size; };

static boot_code struct descriptor descriptor_at(const struct map *map, u64 i)
{
    struct descriptor d;

    memcpy(&d, map->at + i * map->size, sizeof(d));      /* where firmware put it, it need not be aligned */
    return d;
}

/* Its end; 0 for one that is empty or no range of addresses. */
static boot_code u64 descriptor_end(const struct descriptor *d)
{
    u64 end = d->start + (d->pages << PAGE_4K);

    return d->pages > UINT64_MAX >> PAGE_4K || end < d->start ? 0 : end;
}

/* The usable range with the lowest start at or above `from`: the map is in no order that could be relied on. */
static boot_code bool next_usable(const struct map *map, u64 from, u64 *start, u64 *end)
{
    bool found = false;

    for (u64 i = 0; i < map->nr; i++) {
        struct descriptor d = descriptor_at(map, i);
        u64 d_end = descriptor_end(&d);

        if (is_usable(&d) && d.start >= from && d_end > d.start &&
            (!found || d.start < *start || (d.start == *start && d_end > *end))) {
            *start = d.start;
            *end = d_end;
            found = true;
        }
    }
    return found;
}

/* One more bank, or where there are too many in place of the smallest. Returns how much is lost by that. */
static boot_code u64 add_bank(struct machine *m, u64 start, u64 end)
{
    struct machine_range *least = &m->banks[0];
    u64 lost;

    if (machine_add_bank(m, start, end - start, 0) != -ENOSPC) {
        return 0;
    }
    for (u32 i = 1; i < m->nr_banks; i++) {
        if (m->banks[i].size < least->size) {
            least = &m->banks[i];
        }
    }
    if (least->size >= end - start) {
        return end - start;
    }
    lost = least->size;
    *least = m->banks[--m->nr_banks];
    (void)!machine_add_bank(m, start, end - start, 0);   /* there is room now */
    return lost;
}

/* Neighbours become one: a map has many more pieces than the machine has banks. */
static boot_code void add_ram(struct machine *m, const struct map *map)
{
    u64 start = 0, end = 0, next_start = 0, next_end = 0, lost = 0;
    bool any = false;

    for (u64 from = 0; next_usable(map, from, &next_start, &next_end); from = next_start + 1) {
        if (any && next_start <= end) {
            end = MAX(end, next_end);
            continue;
        }
        lost += any ? add_bank(m, start, end) : 0;
        start = next_start;
        end = next_end;
        any = true;
    }
    lost += any ? add_bank(m, start, end) : 0;
    if (lost != 0) {
        log_warn("UEFI's memory map is in more than %u pieces: %" PRIu64 " KiB in the smallest are not used",
                 MACHINE_MAX_BANKS, lost >> 10);
    }
}

/* No two descriptors should be of the same memory. Where they are, it is not for use if one of them says so. */
static boot_code int cut_unusable(struct machine *m, const struct map *map)
{
    for (u64 i = 0; i < map->nr; i++) {
        struct descriptor d = descriptor_at(map, i);
        u64 end = descriptor_end(&d);
        struct machine_range bank;

        if (is_usable(&d) || (d.attribute & ATTRIBUTE_MEMORY) == 0 || end <= d.start ||
            !machine_next_ram(m, d.start, end, &bank)) {
            continue;
        }
        log_warn("UEFI: %#" PRIx64 "..%#" PRIx64 " in the memory map is free and of type %u: not used", d.start, end,
                 d.type);
        if (machine_add_nomap(m, d.start, end - d.start) != 0) {
            log_err("UEFI: the memory map has too many such pieces");
            return -EINVAL;
        }
    }
    return 0;
}

static boot_code bool has_map(const struct machine_efi *efi)
{
    return efi->map.size != 0 && efi->map.size <= MAX_MAP && efi->desc_size >= sizeof(struct descriptor);
}

/* What holds data, whoever may use it: no registers, and nothing that is broken. */
static boot_code bool is_memory(const struct descriptor *d)
{
    static const u32 none = BIT32(8) | BIT32(11) | BIT32(12);

    return (d->attribute & ATTRIBUTE_MEMORY) != 0 && (d->type >= 32 || (none >> d->type & 1) == 0);
}

/* The end of a descriptor that says that there is memory at `at`; `at` itself if none does. */
static boot_code u64 memory_end(const struct map *map, u64 at)
{
    u64 end = at;

    for (u64 i = 0; i < map->nr; i++) {
        struct descriptor d = descriptor_at(map, i);

        if (is_memory(&d) && d.start <= at) {
            end = MAX(end, descriptor_end(&d));
        }
    }
    return end;
}

boot_code bool efi_is_memory(const struct machine_efi *efi, const struct firmware_memory *memory, paddr_t pa, u64 size)
{
    struct map map = { .size = efi->desc_size };
    u64 at = pa, end = pa + size, next;

    map.at = has_map(efi) && end >= pa ? memory->map(efi->map.start, efi->map.size) : NULL;
    if (map.at == NULL) {
        return false;
    }
    map.nr = efi->map.size / efi->desc_size;
    while (at < end && (next = memory_end(&map, at)) > at) {
        at = next;
    }
    memory->unmap(map.at, efi->map.size);
    return at >= end;
}

static boot_code int read_map(struct machine *m, const struct firmware_memory *memory)
{
    const struct machine_efi *efi = &m->efi;
    struct map map = { .size = efi->desc_size };
    int r;

    if (!has_map(efi)) {
        log_err("UEFI: a memory map of %" PRIu64 " bytes, with descriptors of %u bytes, cannot be used", efi->map.size,
                efi->desc_size);
        return -EINVAL;
    }
    if (efi->desc_version != 1) {
        log_warn("UEFI: the memory map's descriptors are of version %u, not 1", efi->desc_version);
    }
    map.at = memory->map(efi->map.start, efi->map.size);
    if (map.at == NULL) {
        log_err("UEFI: the memory map at %#" PRIx64 " cannot be read, or is none that names the memory it is in",
                efi->map.start);
        return -EINVAL;
    }
    map.nr = efi->map.size / efi->desc_size;
    add_ram(m, &map);
    r = cut_unusable(m, &map);
    memory->unmap(map.at, efi->map.size);
    if (r != 0) {
        return r;
    }
    if (m->nr_banks == 0) {
        log_err("UEFI: no RAM in the memory map at %#" PRIx64, efi->map.start);
        return -EINVAL;
    }
    /* Whoever gives dom0 its own map, and calls runtime services, reads it again. */
    return machine_add_reserved(m, efi->map.start, efi->map.size);
}

static boot_code paddr_t find_rsdp(const u8 *tables, u64 nr)
{
    paddr_t found = 0;

    for (u64 i = 0; i < nr; i++) {
        struct config_table t;

        memcpy(&t, tables + i * sizeof(t), sizeof(t));
        if (memcmp(t.guid, acpi_20, sizeof(acpi_20)) == 0 && t.table != 0) {
            return t.table;
        }
        if (memcmp(t.guid, acpi_10, sizeof(acpi_10)) == 0) {
            found = t.table;
        }
    }
    return found;
}

static boot_code int read_system_table(struct machine *m, const struct firmware_memory *memory)
{
    const void *at = memory->map(m->efi.system_table, sizeof(struct system_table));
    struct system_table st = { .signature = 0 };
    const u8 *tables;

    if (at != NULL) {
        memcpy(&st, at, sizeof(st));
        memory->unmap(at, sizeof(st));
    }
    if (st.signature != SIGNATURE) {
        log_err("UEFI: no system table at %#" PRIx64, m->efi.system_table);
        return -EINVAL;
    }
    if (st.nr_tables > MAX_CONFIG) {
        log_warn("UEFI: %" PRIu64 " configuration tables: %u are looked at", st.nr_tables, MAX_CONFIG);
        st.nr_tables = MAX_CONFIG;
    }
    if (st.nr_tables == 0) {
        return 0;
    }
    tables = memory->map(st.tables, st.nr_tables * sizeof(struct config_table));
    if (tables == NULL) {
        log_warn("UEFI: the configuration tables at %#" PRIx64 " cannot be read", st.tables);
        return 0;
    }
    m->rsdp = find_rsdp(tables, st.nr_tables);
    memory->unmap(tables, st.nr_tables * sizeof(struct config_table));
    return 0;
}

boot_code int efi_read_machine(struct machine *m, const struct firmware_memory *memory)
{
    int r = read_map(m, memory);

    return r != 0 ? r : read_system_table(m, memory);
}
