/* SPDX-License-Identifier: MIT */
/*
 * Finding the tables (ACPI 6.5, 5.2.5 to 5.2.8): RSDP, XSDT or RSDT, all that these list, and the FADT's DSDT. A table
 * that is bad is left out: the others may do.
 */
#include <argon/acpi_view.h>
#include <argon/console.h>
#include <argon/string.h>

#define WINDOW_MAX MIB(1)          /* of firmware's memory (struct firmware_memory) */
#define RSDP_SIZE_1   20         /* of ACPI 1.0 */
#define RSDP_SIZE     36
#define RSDP_MAX      KIB(4)     /* a length beyond is none */
#define RSDP_OEM_ID   9
#define RSDP_REVISION 15
#define RSDP_RSDT     16
#define RSDP_LENGTH   20
#define RSDP_XSDT     24

#define FADT_DSDT   40
#define FADT_X_DSDT 140

#define PIECE KIB(256)           /* of a table that is summed up */

/* Of these a machine has one. */
static const char *const only_one[] = {
    "APIC", "FACP", "GTDT", "SPCR", "DBG2", "MCFG", "IORT", "SRAT", "SLIT", "DSDT"
};

/* Add the bytes of [pa, pa + size) to *sum. False: they cannot be mapped. */
static boot_code bool add_bytes(const struct firmware_memory *memory, paddr_t pa, u64 size, u8 *sum)
{
    for (u64 done = 0; done < size; done += PIECE) {
        u64 n = MIN(size - done, PIECE);
        const u8 *p = memory->map(pa + done, n);

        if (p == NULL) {
            return false;
        }
        for (u64 i = 0; i < n; i++) {
            *sum = (u8)(*sum + p[i]);
        }
        memory->unmap(p, n);
    }
    return true;
}

/* Four characters that can be printed. */
static boot_code bool is_signature(const char *s)
{
    for (u32 i = 0; i < 4; i++) {
        if (s[i] < ' ' || s[i] > '~') {
            return false;
        }
    }
    return true;
}

/* The table at `pa`, all of it checked. False, after a message that says who named it. */
static boot_code bool check_table(const struct acpi_tables *t, paddr_t pa, const char *from, struct acpi_table *out)
{
    struct acpi_view v = { .memory = t->memory, .size = ACPI_HEADER };
    u8 sum = 0;

    v.data = pa != 0 && pa <= UINT64_MAX - ACPI_HEADER ? t->memory->map(pa, ACPI_HEADER) : NULL;
    if (v.data == NULL) {
        log_warn("ACPI: %s: a table at %#" PRIx64 " cannot be read", from, pa);
        return false;
    }
    *out = (struct acpi_table){ .start = pa, .size = acpi_u32(&v, 4) };
    memcpy(out->signature, v.data, 4);
    acpi_view_close(&v);
    if (!is_signature(out->signature)) {
        log_warn("ACPI: %s: no table at %#" PRIx64 ": its signature cannot be printed", from, pa);
    } else if (out->size < ACPI_HEADER || out->size > ACPI_MAX_TABLE || pa > UINT64_MAX - out->size) {
        log_warn("ACPI: %s: %.4s at %#" PRIx64 ": offset 0x4: a length of %u bytes", from, out->signature, pa,
                 out->size);
    } else if (!add_bytes(t->memory, pa, out->size, &sum)) {
        log_warn("ACPI: %s: %.4s at %#" PRIx64 ": its %u bytes cannot be read", from, out->signature, pa, out->size);
    } else if (sum != 0) {
        log_warn("ACPI: %s: %.4s at %#" PRIx64 ": offset 0x9: wrong checksum, the sum is %#x", from, out->signature,
                 pa, sum);
    } else {
        return true;
    }
    return false;
}

static boot_code bool is_new(const struct acpi_tables *t, const struct acpi_table *table)
{
    bool alone = false;

    for (u32 i = 0; i < ARRAY_SIZE(only_one); i++) {
        alone |= memcmp(table->signature, only_one[i], 4) == 0;
    }
    for (u32 i = 0; i < t->nr; i++) {
        if (t->table[i].start == table->start ||
            (alone && memcmp(t->table[i].signature, table->signature, 4) == 0)) {
            log_warn("ACPI: %.4s at %#" PRIx64 ": not used, there is one at %#" PRIx64, table->signature, table->start,
                     t->table[i].start);
            return false;
        }
    }
    return true;
}

/* signature NULL: any. True: it is there now. */
static boot_code bool add_table(struct acpi_tables *t, paddr_t pa, const char *from, const char *signature)
{
    struct acpi_table table;

    if (!check_table(t, pa, from, &table)) {
        return false;
    }
    if (signature != NULL && memcmp(table.signature, signature, 4) != 0) {
        log_warn("ACPI: %s: %.4s at %#" PRIx64 ", where a %s was to be", from, table.signature, pa, signature);
        return false;
    }
    if (t->nr == ACPI_MAX_TABLES) {
        log_warn("ACPI: more than %u tables: %.4s at %#" PRIx64 " is not used", ACPI_MAX_TABLES, table.signature, pa);
        return false;
    }
    if (!is_new(t, &table)) {
        return false;
    }
    t->table[t->nr++] = table;
    return true;
}

/* All that XSDT or RSDT (5.2.7, 5.2.8), checked already, lists in entries of `width` bytes. */
static boot_code int add_listed(struct acpi_tables *t, const struct acpi_table *list, u32 width)
{
    struct acpi_view v;
    u32 off = ACPI_HEADER;

    if (!acpi_view_open(&v, t, list)) {
        return -EINVAL;
    }
    /* As many as there may be, and some that are bad: a list of a MiB of nonsense ends, too. */
    for (u32 n = 0; v.size - off >= width && n < 4 * ACPI_MAX_TABLES; off += width, n++) {
        paddr_t pa = width == 8 ? acpi_u64(&v, off) : acpi_u32(&v, off);

        if (pa == 0) {
            (void)acpi_bad(&v, off, "no address");
        } else {
            (void)add_table(t, pa, v.name, NULL);
        }
    }
    if (off != v.size) {
        (void)acpi_bad(&v, off, "%u bytes that are not read", v.size - off);
    }
    acpi_view_close(&v);
    return 0;
}

/* False: there is none, or none that can be used. */
static boot_code bool open_list(struct acpi_tables *t, paddr_t pa, const char *name, u32 width)
{
    struct acpi_table list;

    if (pa == 0 || !check_table(t, pa, "RSDP", &list)) {
        return false;
    }
    if (memcmp(list.signature, name, 4) != 0) {
        log_warn("ACPI: RSDP: %.4s at %#" PRIx64 ", where the %s was to be", list.signature, pa, name);
        return false;
    }
    return add_listed(t, &list, width) == 0;
}

/* The 64-bit address is the one to be used (5.2.9); the other one where that leads nowhere. */
static boot_code void add_dsdt(struct acpi_tables *t)
{
    struct acpi_view v;
    paddr_t x, old;

    if (acpi_find(t, "DSDT", 0) != NULL || !acpi_view_find(&v, t, "FACP")) {
        return;
    }
    x = acpi_u64(&v, FADT_X_DSDT);
    old = acpi_u32(&v, FADT_DSDT);
    acpi_view_close(&v);
    if (x != 0 && add_table(t, x, v.name, "DSDT")) {
        return;
    }
    if (old == 0 || old == x || !add_table(t, old, v.name, "DSDT")) {
        log_warn("ACPI: FADT: no DSDT");
    }
}

/* What ACPI 1.0 has of an RSDP (5.2.5.3). -EINVAL, after a message: it is none. */
static boot_code int read_rsdp_1(struct acpi_tables *t, paddr_t pa, u8 *revision, paddr_t *rsdt)
{
    struct acpi_view v = { .memory = t->memory, .size = RSDP_SIZE_1 };
    const char *wrong = "cannot be read";
    u8 sum = 0;

    v.data = pa != 0 && pa <= UINT64_MAX - RSDP_MAX ? t->memory->map(pa, v.size) : NULL;
    if (v.data != NULL) {
        for (u32 i = 0; i < v.size; i++) {
            sum = (u8)(sum + acpi_u8(&v, i));
        }
        wrong = memcmp(v.data, "RSD PTR ", 8) != 0 ? "offset 0: no \"RSD PTR \""
              : sum != 0 ? "offset 0x8: wrong checksum" : NULL;
        memcpy(t->oem_id, v.data + RSDP_OEM_ID, sizeof(t->oem_id));
        *revision = acpi_u8(&v, RSDP_REVISION);
        *rsdt = acpi_u32(&v, RSDP_RSDT);
        acpi_view_close(&v);
    }
    if (wrong != NULL) {
        log_err("ACPI: RSDP at %#" PRIx64 ": %s", pa, wrong);
    }
    return wrong != NULL ? -EINVAL : 0;
}

/* The XSDT's address, of an RSDP of ACPI 2.0; 0, after a message, where it cannot be believed. */
static boot_code paddr_t read_rsdp_2(const struct acpi_tables *t, paddr_t pa)
{
    struct acpi_view v = { .memory = t->memory, .size = RSDP_SIZE };
    paddr_t xsdt = 0;
    u32 length = 0;
    u8 sum = 0;

    v.data = t->memory->map(pa, v.size);
    if (v.data != NULL) {
        length = acpi_u32(&v, RSDP_LENGTH);
        xsdt = acpi_u64(&v, RSDP_XSDT);
        acpi_view_close(&v);
    }
    if (length < RSDP_SIZE || length > RSDP_MAX) {
        log_warn("ACPI: RSDP at %#" PRIx64 ": offset 0x14: a length of %u bytes: its XSDT is not used", pa, length);
        return 0;
    }
    if (!add_bytes(t->memory, pa, length, &sum) || sum != 0) {
        log_warn("ACPI: RSDP at %#" PRIx64 ": offset 0x20: wrong checksum: its XSDT is not used", pa);
        return 0;
    }
    return xsdt;
}

boot_code int acpi_open(struct acpi_tables *t, const struct firmware_memory *memory, paddr_t rsdp)
{
    paddr_t xsdt, rsdt = 0;
    u8 revision = 0;

    memset(t, 0, sizeof(*t));
    t->memory = memory;
    if (read_rsdp_1(t, rsdp, &revision, &rsdt) != 0) {
        return -EINVAL;
    }
    xsdt = revision >= 2 ? read_rsdp_2(t, rsdp) : 0;
    if (!open_list(t, xsdt, "XSDT", 8) && !open_list(t, rsdt, "RSDT", 4)) {
        log_err("ACPI: RSDP at %#" PRIx64 " leads to no XSDT or RSDT that can be used", rsdp);
        return -EINVAL;
    }
    add_dsdt(t);
    return 0;
}

boot_code const struct acpi_table *acpi_find(const struct acpi_tables *t, const char signature[4], u32 n)
{
    for (u32 i = 0; i < t->nr; i++) {
        if (memcmp(t->table[i].signature, signature, 4) == 0 && n-- == 0) {
            return &t->table[i];
        }
    }
    return NULL;
}
