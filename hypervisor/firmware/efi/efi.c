/* SPDX-License-Identifier: MIT */
/* UEFI's memory map and configuration tables (UEFI 2.10, 7.2.3 and 4.6), after boot services have ended. */
#include "efi.h"
#include "tables.h"

#include <argon/console.h>
#include <argon/errno.h>
#include <argon/string.h>

#define SIGNATURE  UINT64_C(0x5453595320494249)         /* "IBI SYST" */
#define PAGE_4K    12                    /* UEFI's pages, whatever ours are */

/* write-combined, -through or -back: no registers */
#define ATTRIBUTE_MEMORY  (EFI_ATTR_WC | EFI_ATTR_WT | EFI_ATTR_WB)

/*
 * RAM that firmware has done with: the loader's, what boot services had, and what is free (7.2.1 and table 7.10). Not
 * what ACPI could give back: its tables are read until dom0 has its own, and dom0 is shown some.
 */
static boot_code bool is_usable(const struct efi_descriptor *d)
{
    static const u32 usable = BIT32(1) | BIT32(2) | BIT32(3) | BIT32(4) | BIT32(7);

    return d->type < 32 && (usable >> d->type & 1) != 0 &&
           (d->attributes & (EFI_ATTR_WB | EFI_ATTR_SP | EFI_ATTR_RUNTIME)) == EFI_ATTR_WB;
}

struct map { const u8 *at; u64 nr; u32 size; };

static boot_code struct efi_descriptor descriptor_at(const struct map *map, u64 i)
{
    struct efi_descriptor d;

    memcpy(&d, map->at + i * map->size, sizeof(d));      /* where firmware put it, it need not be aligned */
    return d;
}

/* Its end; 0 for one that is empty or no range of addresses. */
static boot_code u64 descriptor_end(const struct efi_descriptor *d)
{
    u64 end = d->start + (d->pages << PAGE_4K);

    return d->pages > UINT64_MAX >> PAGE_4K || end < d->start ? 0 : end;
}

/* The usable range with the lowest start at or above `from`: the map is in no order that could be relied on. */
static boot_code bool next_usable(const struct map *map, u64 from, u64 *start, u64 *end)
{
    bool found = false;

    for (u64 i = 0; i < map->nr; i++) {
        struct efi_descriptor d = descriptor_at(map, i);
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
        struct efi_descriptor d = descriptor_at(map, i);
        u64 end = descriptor_end(&d);
        struct machine_range bank;

        if (is_usable(&d) || (d.attributes & ATTRIBUTE_MEMORY) == 0 || end <= d.start ||
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
    return efi->map.size != 0 && efi->map.size <= EFI_MAX_MAP && efi->desc_size >= sizeof(struct efi_descriptor);
}

/* What holds data, whoever may use it: no registers, and nothing that is broken. */
static boot_code bool is_memory(const struct efi_descriptor *d)
{
    static const u32 none = BIT32(EFI_TYPE_UNUSABLE) | BIT32(EFI_TYPE_MMIO) | BIT32(EFI_TYPE_MMIO_PORT);

    return (d->attributes & ATTRIBUTE_MEMORY) != 0 && (d->type >= 32 || (none >> d->type & 1) == 0);
}

/* The end of a descriptor that says that there is memory at `at`; `at` itself if none does. */
static boot_code u64 memory_end(const struct map *map, u64 at)
{
    u64 end = at;

    for (u64 i = 0; i < map->nr; i++) {
        struct efi_descriptor d = descriptor_at(map, i);

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

/* -EINVAL after a message; else map->at is a window. */
static boot_code int open_map(const struct machine_efi *efi, const struct firmware_memory *memory, struct map *map)
{
    if (!has_map(efi)) {
        log_err("UEFI: a memory map of %" PRIu64 " bytes, with descriptors of %u bytes, cannot be used", efi->map.size,
                efi->desc_size);
        return -EINVAL;
    }
    if (efi->desc_version != 1) {
        log_warn("UEFI: the memory map's descriptors are of version %u, not 1", efi->desc_version);
    }
    map->at = memory->map(efi->map.start, efi->map.size);
    if (map->at == NULL) {
        log_err("UEFI: the memory map at %#" PRIx64 " cannot be read, or is none that names the memory it is in",
                efi->map.start);
        return -EINVAL;
    }
    map->size = efi->desc_size;
    map->nr = efi->map.size / efi->desc_size;
    return 0;
}

boot_code int efi_each_memory(const struct machine_efi *efi, const struct firmware_memory *memory,
                              int (*fn)(void *arg, const struct efi_memory *d), void *arg)
{
    struct map map;
    int r = open_map(efi, memory, &map);

    if (r != 0) {
        return r;
    }
    for (u64 i = 0; r == 0 && i < map.nr; i++) {
        struct efi_descriptor d = descriptor_at(&map, i);
        u64 end = d.pages != 0 && descriptor_end(&d) == 0 ? UINT64_MAX : descriptor_end(&d);
        struct efi_memory out = { .type = d.type, .start = d.start, .size = end - d.start, .attributes = d.attributes };

        r = fn(arg, &out);
    }
    memory->unmap(map.at, efi->map.size);
    return r;
}

static boot_code int read_map(struct machine *m, const struct firmware_memory *memory)
{
    const struct machine_efi *efi = &m->efi;
    struct map map;
    int r = open_map(efi, memory, &map);

    if (r != 0) {
        return r;
    }
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

boot_code bool efi_read(const struct firmware_memory *memory, paddr_t pa, void *to, u64 size)
{
    const void *p = pa != 0 && pa + size >= pa ? memory->map(pa, size) : NULL;

    if (p == NULL) {
        return false;
    }
    memcpy(to, p, (size_t)size);
    memory->unmap(p, size);
    return true;
}

boot_code bool efi_read_system_table(const struct machine_efi *efi, const struct firmware_memory *memory,
                                     struct efi_system_table *out)
{
    return efi_read(memory, efi->system_table, out, sizeof(*out)) && out->header.signature == SIGNATURE;
}

/* Note the table at `p` where its GUID is among those, and the first of that GUID that leads anywhere. */
static boot_code void note_table(const u8 *p, const u8 (*guid)[16], u32 nr, paddr_t *out)
{
    struct efi_config_table t;

    memcpy(&t, p, sizeof(t));            /* not aligned */
    for (u32 i = 0; i < nr; i++) {
        if (out[i] == 0 && memcmp(t.guid, guid[i], sizeof(t.guid)) == 0) {
            out[i] = t.address;
        }
    }
}

boot_code void efi_find_tables(const struct machine_efi *efi, const struct firmware_memory *memory,
                               const u8 (*guid)[16], u32 nr, paddr_t *out)
{
    struct efi_system_table st;
    const u8 *list;

    memset(out, 0, nr * sizeof(*out));
    if (!efi_read_system_table(efi, memory, &st) || st.nr_tables == 0) {
        return;
    }
    if (st.nr_tables > EFI_MAX_CONFIG) {
        log_warn("UEFI: %" PRIu64 " configuration tables: %u are looked at", st.nr_tables, EFI_MAX_CONFIG);
        st.nr_tables = EFI_MAX_CONFIG;
    }
    list = memory->map(st.tables, st.nr_tables * sizeof(struct efi_config_table));
    if (list == NULL) {
        log_warn("UEFI: the configuration tables at %#" PRIx64 " cannot be read", st.tables);
        return;
    }
    for (u64 i = 0; i < st.nr_tables; i++) {
        note_table(list + i * sizeof(struct efi_config_table), guid, nr, out);
    }
    memory->unmap(list, st.nr_tables * sizeof(struct efi_config_table));
}

/* ACPI 2.0's, or where that is not there 1.0's (4.6). */
static boot_code int find_rsdp(struct machine *m, const struct firmware_memory *memory)
{
    static const u8 acpi[2][16] = {
        { 0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11, 0xbc, 0x22, 0, 0x80, 0xc7, 0x3c, 0x88, 0x81 },
        { 0x30, 0x2d, 0x9d, 0xeb, 0x88, 0x2d, 0xd3, 0x11, 0x9a, 0x16, 0, 0x90, 0x27, 0x3f, 0xc1, 0x4d },
    };
    struct efi_system_table st;
    paddr_t found[ARRAY_SIZE(acpi)];

    if (!efi_read_system_table(&m->efi, memory, &st)) {
        log_err("UEFI: no system table at %#" PRIx64, m->efi.system_table);
        return -EINVAL;
    }
    efi_find_tables(&m->efi, memory, acpi, ARRAY_SIZE(acpi), found);
    m->rsdp = found[0] != 0 ? found[0] : found[1];
    return 0;
}

/* ---- what a kernel before has left to hardware ---- */
/*
 * LINUX_EFI_MEMRESERVE_TABLE: memory that a Linux which has started Argon by kexec could not take back: tables of LPIs,
 * which the GIC goes on to read and write (GICR_CTLR.EnableLPIs may stay once it is set, IHI0069 12.11). A list of
 * Linux's own: a link has room for so many ranges, the number of those in use, the next link, and the ranges.
 */
#define MAX_LINKS  64u                   /* that are followed: a link of Linux's has 255 ranges, or more */
#define MAX_RANGES 4095u                 /* of a link: a page of 64 KiB */

struct listed { u32 size, nr; u64 next; };
struct listed_range { u64 start, size; };

static boot_code void reserve_range(struct machine *m, u64 start, u64 size)
{
    if (machine_add_reserved(m, start, size) != 0) {
        log_warn("UEFI: %#" PRIx64 "-%#" PRIx64 ", which a kernel before has listed for its hardware, cannot be kept",
                 start, start + size);
    }
}

/* One link and its ranges, as they are in memory. False: it cannot be read. */
static boot_code bool reserve_link(struct machine *m, const struct firmware_memory *memory, u64 at, u64 *next)
{
    struct listed l;
    struct listed_range r;

    if (!efi_read(memory, at, &l, sizeof(l)) || l.nr > l.size || l.size > MAX_RANGES) {
        return false;
    }
    reserve_range(m, at, sizeof(l) + l.size * sizeof(r));
    for (u32 i = 0; i < l.nr; i++) {
        if (!efi_read(memory, at + sizeof(l) + i * sizeof(r), &r, sizeof(r))) {
            return false;
        }
        reserve_range(m, r.start, r.size);
    }
    *next = l.next;
    return true;
}

static boot_code void reserve_listed(struct machine *m, const struct firmware_memory *memory)
{
    /* 888eb0c6-8ede-4ff5-a8f0-9aee5cb977c2 */
    static const u8 guid[1][16] = {
        { 0xc6, 0xb0, 0x8e, 0x88, 0xde, 0x8e, 0xf5, 0x4f, 0xa8, 0xf0, 0x9a, 0xee, 0x5c, 0xb9, 0x77, 0xc2 }
    };
    paddr_t first;
    u64 at;

    efi_find_tables(&m->efi, memory, guid, 1, &first);
    at = first;
    for (u32 i = 0; at != 0 && i < MAX_LINKS; i++) {
        if (!reserve_link(m, memory, at, &at)) {
            log_warn("UEFI: the list of memory in use by hardware cannot be read at %#" PRIx64, at);
            return;
        }
    }
}

boot_code int efi_read_machine(struct machine *m, const struct firmware_memory *memory)
{
    int r = read_map(m, memory);

    r = r != 0 ? r : find_rsdp(m, memory);
    if (r == 0) {
        reserve_listed(m, memory);
    }
    return r;
}
