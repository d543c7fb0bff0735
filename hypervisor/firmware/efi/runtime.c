/* SPDX-License-Identifier: MIT */
/*
 * UEFI's tables, as far as its runtime services need them (UEFI 2.10): system table, configuration tables, memory map,
 * memory attributes, runtime table. Nothing in them is believed before it is checked.
 */
#include "tables.h"

#include <argon/console.h>
#include <argon/efi_runtime.h>
#include <argon/errno.h>
#include <argon/string.h>

#define RUNTIME_SIGNATURE UINT64_C(0x56524553544e5552)   /* "RUNTSERV" (4.5) */
#define MIN_DESC_SIZE     40u
#define MAX_DESC_SIZE     1024u

struct efi_runtime_table { struct efi_header header; u64 service[EFI_NR_SERVICES]; };
struct efi_attributes_table { u32 version, nr, desc_size, flags; };      /* 4.6.4; descriptors follow */
struct efi_properties_table { u16 version, length; u32 supported; };     /* 4.6.2 */
static_assert(sizeof(struct efi_runtime_table) == 136, "4.5.1");
static_assert(sizeof(struct efi_descriptor) == MIN_DESC_SIZE, "7.2.3");

struct efi_reader {
    struct efi_found *out;
    const struct firmware_memory *memory;
    u64 attributes, properties;  /* where these tables are, 0: there is none */
};

static boot_code int bad(const char *what, u64 value)
{
    log_warn("UEFI runtime services are off: %s (%#" PRIx64 ")", what, value);
    return -EINVAL;
}

static boot_code void keep(struct efi_found *f, paddr_t start, u64 size)
{
    if (size != 0 && start + size >= start && f->nr_kept < ARRAY_SIZE(f->kept)) {
        f->kept[f->nr_kept++] = (struct machine_range){ .start = start, .size = size };
    }
}

/* ---- regions: sorted by address, apart from each other ---- */

static boot_code int region_insert(struct efi_found *f, u32 at, const struct efi_region *new)
{
    if (f->nr == EFI_MAX_REGIONS) {
        return bad("too many ranges of memory", f->nr);
    }
    memmove(&f->region[at + 1], &f->region[at], (f->nr - at) * sizeof(f->region[0]));
    f->region[at] = *new;
    f->nr++;
    return 0;
}

static boot_code int region_add(struct efi_found *f, const struct efi_region *new)
{
    u32 at = 0;

    while (at < f->nr && f->region[at].start < new->start) {
        at++;
    }
    if ((at > 0 && f->region[at - 1].start + f->region[at - 1].size > new->start) ||
        (at < f->nr && new->start + new->size > f->region[at].start)) {
        return bad("two of its ranges overlap", new->start);
    }
    return region_insert(f, at, new);
}

/* The region that [start, start + size) is all of, or a part of; NULL: there is none. */
static boot_code struct efi_region *region_of(struct efi_found *f, u64 start, u64 size)
{
    for (u32 i = 0; i < f->nr; i++) {
        struct efi_region *g = &f->region[i];

        if (start >= g->start && start - g->start < g->size) {
            return size <= g->size - (start - g->start) ? g : NULL;
        }
    }
    return NULL;
}

/* A part of a region gets an access of its own. */
static boot_code int region_refine(struct efi_found *f, struct efi_region *g, u64 start, u64 size, u8 access)
{
    struct efi_region before = *g, after = *g;
    u32 at = (u32)(g - f->region);
    int rc = 0;

    before.size = start - g->start;
    after.start = start + size;
    after.size = g->start + g->size - after.start;
    g->start = start;
    g->size = size;
    g->access = access;
    if (after.size != 0) {
        rc = region_insert(f, at + 1, &after);
    }
    if (rc == 0 && before.size != 0) {
        rc = region_insert(f, at, &before);
    }
    return rc;
}

/* ---- the memory map (7.2.3) ---- */

/* Registers are Device memory whatever is said of them; other memory by the best that is said. */
static boot_code u8 cache_of(const struct efi_descriptor *d)
{
    if (d->type == EFI_TYPE_MMIO || d->type == EFI_TYPE_MMIO_PORT) {
        return EFI_CACHE_DEVICE;
    }
    return (d->attributes & EFI_ATTR_WB) ? EFI_CACHE_WB
         : (d->attributes & (EFI_ATTR_WT | EFI_ATTR_WC)) ? EFI_CACHE_NONE : EFI_CACHE_DEVICE;
}

/* By EFI_ATTR_RO and EFI_ATTR_XP, one of which is set at least. */
static boot_code u8 access_by(u64 a)
{
    return a == EFI_ATTR_RO ? EFI_ACCESS_CODE : a == EFI_ATTR_XP ? EFI_ACCESS_DATA : EFI_ACCESS_CONST;
}

/*
 * Without a table of memory attributes the code of an image and its data are one range of type 5, unless its attributes
 * say more. Code that cannot write its own variables fails at the first of them, so such a range is writable and
 * executable at once: in firmware's own translation, which a CPU has only while it is in firmware.
 */
static boot_code u8 access_of(const struct efi_descriptor *d, bool refined)
{
    u64 a = d->attributes & (EFI_ATTR_RO | EFI_ATTR_XP);

    if (cache_of(d) == EFI_CACHE_DEVICE || d->type != EFI_TYPE_RUNTIME_CODE) {
        return EFI_ACCESS_DATA;
    }
    if (a == 0) {
        return refined ? EFI_ACCESS_CODE : EFI_ACCESS_MIXED;
    }
    return access_by(a);
}

static boot_code int map_entry(struct efi_reader *r, const struct efi_descriptor *d)
{
    struct efi_region g = { .start = d->start, .size = d->pages << PAGE_SHIFT, .cache = cache_of(d),
                            .access = access_of(d, r->attributes != 0) };

    if (!(d->attributes & EFI_ATTR_RUNTIME)) {
        return 0;
    }
    if (!IS_ALIGNED(d->start, PAGE_SIZE)) {
        return bad("a range of its memory is not page aligned", d->start);
    }
    if (d->pages == 0 || d->pages > BIT(48 - PAGE_SHIFT) || d->start > BIT(48) - g.size) {
        return bad("a range of its memory is empty, or wraps", d->start);
    }
    if (g.access == EFI_ACCESS_MIXED) {
        log_warn("UEFI: nobody says what of %#" PRIx64 "-%#" PRIx64 " is code: it is writable and executable while "
                 "firmware runs", g.start, g.start + g.size);
    }
    return region_add(r->out, &g);
}

static boot_code int read_map(struct efi_reader *r, const struct machine_efi *efi)
{
    const u8 *map;
    int rc = 0;

    if (efi->desc_version != 1 || efi->desc_size < MIN_DESC_SIZE || efi->desc_size > MAX_DESC_SIZE ||
        efi->desc_size % 8 != 0) {
        return bad("descriptors of the memory map have a size or version that is not known", efi->desc_size);
    }
    if (efi->map.start == 0 || efi->map.size == 0 || efi->map.size > EFI_MAX_MAP) {
        return bad("the memory map is missing or too large", efi->map.size);
    }
    keep(r->out, efi->map.start, efi->map.size);
    map = r->memory->map(efi->map.start, efi->map.size);
    if (map == NULL) {
        return bad("the memory map cannot be read", efi->map.start);
    }
    /* What is wrong with one is said of all: those that are fine must be kept out of use, too. */
    for (u64 at = 0; at + efi->desc_size <= efi->map.size; at += efi->desc_size) {
        struct efi_descriptor d;
        int one;

        memcpy(&d, map + at, sizeof(d));
        one = map_entry(r, &d);
        rc = rc != 0 ? rc : one;
    }
    r->memory->unmap(map, efi->map.size);
    return rc != 0 || r->out->nr != 0 ? rc : bad("no memory is marked as its own", efi->map.start);
}

/* ---- memory attributes (4.6.4): which page of an image is what. A bad entry costs that entry ---- */

static boot_code int attributes_entry(struct efi_reader *r, const struct efi_descriptor *d)
{
    u64 a = d->attributes & (EFI_ATTR_RO | EFI_ATTR_XP), size = d->pages << PAGE_SHIFT;
    u8 access = a == 0 ? EFI_ACCESS_MIXED : access_by(a);
    struct efi_region *g = NULL;

    if (IS_ALIGNED(d->start, PAGE_SIZE) && d->pages != 0 && d->pages <= BIT(48 - PAGE_SHIFT)) {
        g = region_of(r->out, d->start, size);
    }
    if (g == NULL || g->cache == EFI_CACHE_DEVICE) {
        log_warn("UEFI's table of memory attributes: %#" PRIx64 ", %#" PRIx64 " pages, is not within memory of its "
                 "own: ignored", d->start, d->pages);
        return 0;
    }
    if (access == EFI_ACCESS_MIXED) {
        log_warn("UEFI's table of memory attributes: %#" PRIx64 "-%#" PRIx64 " is writable and executable while "
                 "firmware runs", d->start, d->start + size);
    }
    return region_refine(r->out, g, d->start, size, access);
}

static boot_code int attributes_all(struct efi_reader *r, const u8 *descriptors, const struct efi_attributes_table *t)
{
    int rc = 0;

    for (u32 i = 0; i < t->nr && rc == 0; i++) {
        struct efi_descriptor d;

        memcpy(&d, descriptors + (u64)i * t->desc_size, sizeof(d));
        rc = attributes_entry(r, &d);
    }
    return rc;
}

/* False: as if there were none. */
static boot_code bool attributes_head(struct efi_reader *r, struct efi_attributes_table *t)
{
    if (r->attributes == 0) {
        return false;
    }
    if (!efi_read(r->memory, r->attributes, t, sizeof(*t)) || t->version == 0 || t->nr == 0 ||
        t->desc_size < MIN_DESC_SIZE || t->desc_size > MAX_DESC_SIZE || t->desc_size % 8 != 0 ||
        (u64)t->nr * t->desc_size > EFI_MAX_MAP) {
        log_warn("UEFI's table of memory attributes at %#" PRIx64 " cannot be used", r->attributes);
        r->attributes = 0;
    }
    return r->attributes != 0;
}

static boot_code int read_attributes(struct efi_reader *r, const struct efi_attributes_table *t)
{
    u64 size = (u64)t->nr * t->desc_size;
    const u8 *p = r->memory->map(r->attributes + sizeof(*t), size);
    int rc;

    if (p == NULL) {
        return bad("the table of memory attributes cannot be read", r->attributes);
    }
    rc = attributes_all(r, p, t);
    r->memory->unmap(p, size);
    return rc;
}

/* ---- tables ---- */

static boot_code void config_tables(struct efi_reader *r, const struct machine_efi *efi,
                                    const struct efi_system_table *s)
{
    /* dcfa911d-26eb-469f-a220-38b7dc461220 and eb66918a-7eef-402a-842e-931d21c38ae9 */
    static const u8 guid[2][16] = {
        { 0x1d, 0x91, 0xfa, 0xdc, 0xeb, 0x26, 0x9f, 0x46, 0xa2, 0x20, 0x38, 0xb7, 0xdc, 0x46, 0x12, 0x20 },
        { 0x8a, 0x91, 0x66, 0xeb, 0xef, 0x7e, 0x2a, 0x40, 0x84, 0x2e, 0x93, 0x1d, 0x21, 0xc3, 0x8a, 0xe9 },
    };
    paddr_t found[ARRAY_SIZE(guid)];

    keep(r->out, s->tables, MIN(s->nr_tables, (u64)EFI_MAX_CONFIG) * sizeof(struct efi_config_table));
    efi_find_tables(efi, r->memory, guid, ARRAY_SIZE(guid), found);
    r->attributes = found[0];
    r->properties = found[1];
}

/* Services that firmware says it does not have at run time, though it has a pointer; all, if it says nothing. */
static boot_code u32 properties_mask(const struct efi_reader *r)
{
    struct efi_properties_table t;

    if (r->properties == 0) {
        return UINT32_MAX;
    }
    if (!efi_read(r->memory, r->properties, &t, sizeof(t)) || t.version == 0 || t.length < sizeof(t)) {
        log_warn("UEFI's table of runtime properties at %#" PRIx64 " cannot be used", r->properties);
        return UINT32_MAX;
    }
    return t.supported;
}

static boot_code bool is_executable(struct efi_found *f, u64 address)
{
    const struct efi_region *g = region_of(f, address, 4);

    return IS_ALIGNED(address, 4) && g != NULL && (g->access == EFI_ACCESS_CODE || g->access == EFI_ACCESS_MIXED);
}

static boot_code int read_services(struct efi_reader *r, paddr_t runtime)
{
    /* Bit of EFI_RT_PROPERTIES_TABLE by service. */
    static const u8 bit[EFI_NR_SERVICES] = { 0, 1, 2, 3, 7, 8, 4, 5, 6, 9, 10, 11, 12, 13 };
    u32 mask = properties_mask(r);
    struct efi_runtime_table t;
    u64 end;

    if (!efi_read(r->memory, runtime, &t, sizeof(t)) || t.header.signature != RUNTIME_SIGNATURE) {
        return bad("there is no runtime table", runtime);
    }
    end = MIN((u64)t.header.size, sizeof(t));
    for (u32 i = 0; i < EFI_NR_SERVICES; i++) {
        /* Revision 1 of the table ends before the last three. */
        if (offsetof(struct efi_runtime_table, service[i]) + sizeof(u64) > end || !(mask & BIT32(bit[i])) ||
            t.service[i] == 0) {
            continue;
        }
        if (!is_executable(r->out, t.service[i])) {
            log_warn("UEFI: runtime service %u at %#" PRIx64 " is not in code: not called", i, t.service[i]);
            continue;
        }
        r->out->service[i] = t.service[i];
    }
    return 0;
}

boot_code int efi_runtime_parse(struct efi_found *f, const struct machine_efi *efi,
                                const struct firmware_memory *memory)
{
    struct efi_reader r = { .out = f, .memory = memory };
    struct efi_attributes_table attributes;
    struct efi_system_table s;
    bool refined;
    int rc;

    memset(f, 0, sizeof(*f));
    if (!efi_read_system_table(efi, memory, &s)) {
        return bad("there is no system table", efi->system_table);
    }
    keep(f, efi->system_table, sizeof(s));
    config_tables(&r, efi, &s);
    refined = attributes_head(&r, &attributes);
    rc = read_map(&r, efi);
    if (rc == 0 && refined) {
        rc = read_attributes(&r, &attributes);
    }
    return rc != 0 ? rc : read_services(&r, s.runtime);
}
