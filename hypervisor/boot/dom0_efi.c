/* SPDX-License-Identifier: MIT */
/*
 * What dom0 finds in place of UEFI's (UEFI 2.10, 4.3, 4.6, 7.2.3): a system table with configuration tables, and a map
 * of its own memory and of nothing else. See docs/design/dom0-acpi.md.
 */
#include "dom0_efi.h"

#include <argon/build.h>
#include <argon/console.h>
#include <argon/panic.h>
#include <argon/string.h>

#define SYSTEM_TABLE UINT64_C(0x5453595320494249)        /* its signature */
#define SYSTEM_TABLE_BYTES 120u
#define REVISION      0x20046u   /* 2.7 */
#define VENDOR_BYTES  200u       /* as many are read of it (Linux) */
#define CONFIG_BYTES  24u        /* GUID and pointer */
#define DESC_BYTES    48u        /* as edk2's: a reader has to step by the size it is told */
#define SMBIOS_BYTES  24u        /* SMBIOS 3.0 entry point (DSP0134, 5.2.2) */
#define SMBIOS_MAX    MIB(1)
#define MEMRESERVE_BYTES 16u     /* size, count, next: none yet */

enum { MEMORY_CONVENTIONAL = 7, MEMORY_ACPI_RECLAIM = 9, MEMORY_WB = 8 };

static const u8 guid_acpi20[16] = {
    0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11, 0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81
};
static const u8 guid_smbios3[16] = {
    0x44, 0x15, 0xfd, 0xf2, 0x94, 0x97, 0x2c, 0x4a, 0x99, 0x2e, 0xe5, 0xbb, 0xcf, 0x20, 0xe3, 0x94
};
static const u8 guid_rt_properties[16] = {
    0x8a, 0x91, 0x66, 0xeb, 0xef, 0x7e, 0x2a, 0x40, 0x84, 0x2e, 0x93, 0x1d, 0x21, 0xc3, 0x8a, 0xe9
};

/* LINUX_EFI_MEMRESERVE_TABLE_GUID: 888eb0c6-8ede-4ff5-a8f0-9aee5cb977c2. */
static const u8 guid_memreserve[16] = {
    0xc6, 0xb0, 0x8e, 0x88, 0xde, 0x8e, 0xf5, 0x4f, 0xa8, 0xf0, 0x9a, 0xee, 0x5c, 0xb9, 0x77, 0xc2
};

struct config { u8 entry[4 * CONFIG_BYTES]; u32 nr; };

static boot_code void add_config(struct config *c, const u8 *guid, u64 table)
{
    u8 *e = c->entry + c->nr++ * CONFIG_BYTES;

    ASSERT(c->nr * CONFIG_BYTES <= sizeof(c->entry));
    memcpy(e, guid, 16);
    memcpy(e + 16, &table, 8);
}

static boot_code bool is_smbios3(const u8 *entry)
{
    u8 sum = 0;

    for (u32 i = 0; i < SMBIOS_BYTES; i++) {
        sum = (u8)(sum + entry[i]);
    }
    return memcmp(entry, "_SM3_", 5) == 0 && entry[6] == SMBIOS_BYTES && sum == 0;
}

/* SMBIOS: a copy of entry point and structures, as firmware's own are in memory that is not dom0's. 0: none. */
static boot_code u64 put_smbios(const struct dom0_efi *in, struct area *a)
{
    paddr_t host;
    const u8 *entry, *table = NULL;
    u64 at = 0;
    u32 bytes = 0;
    u64 start = 0;

    efi_find_tables(in->host, in->memory, &guid_smbios3, 1, &host);
    entry = host != 0 ? in->memory->map(host, SMBIOS_BYTES) : NULL;
    if (entry != NULL && is_smbios3(entry)) {
        memcpy(&bytes, entry + 12, sizeof(bytes));
        memcpy(&start, entry + 16, sizeof(start));
    }
    if (bytes != 0 && bytes <= SMBIOS_MAX) {
        table = in->memory->map(start, bytes);
    }
    if (table != NULL) {
        u64 to = area_put(a, table, bytes, 16);

        at = area_put(a, entry, SMBIOS_BYTES, 16);
        area_set(a, at + 16, to, 8);
        area_checksum(a, at, SMBIOS_BYTES, at + 5);
        in->memory->unmap(table, bytes);
    } else if (host != 0 && a->buf != NULL) {
        log_warn("UEFI: SMBIOS at %#" PRIx64 " (%u bytes) cannot be used: not given to dom0", host, bytes);
    }
    if (entry != NULL) {
        in->memory->unmap(entry, SMBIOS_BYTES);
    }
    return at;
}

/* Which runtime services dom0 may ask for by XENPF_efi_runtime_call (8.1; version 1, 8 bytes). */
static boot_code u64 put_rt_properties(const struct dom0_efi *in, struct area *a)
{
    u64 at = area_put(a, NULL, 8, 8);

    area_set(a, at, 1, 2);
    area_set(a, at + 2, 8, 2);
    area_set(a, at + 4, in->host->runtime_services, 4);
    return at;
}

/*
 * Where Linux lists memory that must outlive a kexec, that of LPIs, whose tables it cannot take back: the head of a
 * list of its own, which its EFI stub makes where that runs. Without it Linux warns, with a stack trace on each CPU.
 */
static boot_code u64 put_memreserve(struct area *a)
{
    return area_put(a, NULL, MEMRESERVE_BYTES, MEMRESERVE_BYTES);
}

static boot_code u64 put_system_table(const struct config *c, struct area *a)
{
    static const char vendor[] = "Argon";
    u64 list = area_put(a, c->entry, c->nr * CONFIG_BYTES, 8), name = area_put(a, NULL, VENDOR_BYTES, 8);
    u64 at = area_put(a, NULL, SYSTEM_TABLE_BYTES, 8);

    for (u32 i = 0; i < sizeof(vendor); i++) {
        area_set(a, name + 2 * i, (u8)vendor[i], 2);
    }
    area_set(a, at, SYSTEM_TABLE, 8);
    area_set(a, at + 8, REVISION, 4);
    area_set(a, at + 12, SYSTEM_TABLE_BYTES, 4);
    area_set(a, at + 24, name, 8);
    area_set(a, at + 104, c->nr, 8);
    area_set(a, at + 112, list, 8);
    return at;
}

/* ---- the memory map ---- */

static boot_code void put_range(struct area *a, u64 map, u32 *nr, u32 type, u64 start, u64 end)
{
    u64 at = map + *nr * DESC_BYTES;

    if (start >= end) {
        return;
    }
    area_set(a, at, type, 4);
    area_set(a, at + 8, start, 8);
    area_set(a, at + 24, (end - start) >> PAGE_SHIFT, 8);
    area_set(a, at + 32, MEMORY_WB, 8);
    (*nr)++;
}

/* The next bank that begins at or behind `from`; NULL: none. */
static boot_code const struct machine_range *next_bank(const struct dom0_efi *in, u64 from)
{
    const struct machine_range *next = NULL;

    for (u32 i = 0; i < in->nr_banks; i++) {
        const struct machine_range *r = &in->bank[i];

        if (r->size != 0 && r->start >= from && (next == NULL || r->start < next->start)) {
            next = r;
        }
    }
    return next;
}

/* All of dom0's memory is usable but the area, which Linux keeps as it is and finds tables in (ACPI reclaim memory). */
static boot_code u32 fill_map(const struct dom0_efi *in, struct area *a, u64 map)
{
    u64 area = a->base, area_end = area + ROUND_UP(a->used, PAGE_SIZE), end = 0;
    const struct machine_range *r;
    u32 nr = 0;

    while ((r = next_bank(in, end)) != NULL) {
        end = machine_range_end(r);
        if (area < r->start || area_end > end) {
            put_range(a, map, &nr, MEMORY_CONVENTIONAL, r->start, end);
        } else {
            put_range(a, map, &nr, MEMORY_CONVENTIONAL, r->start, area);
            put_range(a, map, &nr, MEMORY_ACPI_RECLAIM, area, area_end);
            put_range(a, map, &nr, MEMORY_CONVENTIONAL, area_end, end);
        }
    }
    return nr;
}

boot_code int dom0_efi_build(const struct dom0_efi *in, struct area *a, struct machine_efi *out)
{
    struct config c = { .nr = 0 };
    u64 rsdp, smbios;
    int r;

    ASSERT(IS_ALIGNED(a->base, PAGE_SIZE) && a->used == 0);
    if (in->acpi != NULL) {
        r = dom0_acpi_build(in->acpi, a, &rsdp);
        if (r != 0) {
            return r;
        }
        add_config(&c, guid_acpi20, rsdp);
    }
    smbios = put_smbios(in, a);
    if (smbios != 0) {
        add_config(&c, guid_smbios3, smbios);
    }
    add_config(&c, guid_rt_properties, put_rt_properties(in, a));
    add_config(&c, guid_memreserve, put_memreserve(a));
    *out = (struct machine_efi){ .desc_size = DESC_BYTES, .desc_version = 1, .system_table = put_system_table(&c, a) };
    /* The area cuts one bank in three at most. */
    out->map.start = area_put(a, NULL, (in->nr_banks + 2) * DESC_BYTES, 8);
    out->map.size = in->bank != NULL ? fill_map(in, a, out->map.start) * DESC_BYTES : 0;
    return 0;
}
