/* SPDX-License-Identifier: MIT */
/*
 * Which of the host's ACPI tables dom0 gets, and those that are not as they were: XSDT, FADT, GTDT, STAO (ACPI 6.5,
 * 5.2).
 */
#include "dom0_acpi.h"

#include <argon/console.h>
#include <argon/errno.h>
#include <argon/string.h>

#define FADT_MIN      268u       /* 5.1: as far as the ARM boot flags and X_DSDT reach */
#define FADT_MAJOR    8
#define FADT_FIRMWARE_CTRL 36
#define FADT_DSDT     40
#define FADT_BOOT     109        /* "IA-PC" boot flags, of which one means something here, too */
#define FADT_FLAGS    112
#define FADT_RESET    116        /* register and value: 13 bytes */
#define FADT_ARM_BOOT 129
#define FADT_MINOR    131
#define FADT_X_FIRMWARE_CTRL 132
#define FADT_X_DSDT   140
#define FADT_SLEEP    244        /* control and status registers: 24 bytes */
#define FADT_HW_REDUCED BIT32(20)
#define FADT_RESET_REG  BIT32(10)
#define FADT_NO_MSI     BIT32(3)
#define FADT_PSCI_HVC   3u

#define GTDT_MIN      96u
#define GTDT_REV3     104u       /* with the EL2 virtual timer */

#define SPCR_ADDRESS  44
#define STAO_BYTES    (ACPI_HEADER + 1u)
#define RSDP_BYTES    36u
#define PIECE         KIB(256)   /* of a table that is copied */

/*
 * What dom0 is not given. Of the host's CPUs, caches and NUMA nodes, which its vCPUs and memory are none of: PPTT,
 * SRAT, SLIT, HMAT, MSCT, MPAM. Errors and watchdogs that firmware reports by interrupts and memory that are not
 * dom0's: HEST, BERT, EINJ, ERST, SDEI, AGDI, RAS2. Drivers of what Argon has: APMT, VIOT. What points to boot
 * services' memory, which is reused: BGRT, FPDT. Other hypervisors'.
 */
static const char *const dropped[] = {
    "PPTT", "SRAT", "SLIT", "HMAT", "MSCT", "MPAM", "HEST", "BERT", "EINJ", "ERST", "SDEI", "AGDI", "RAS2", "APMT",
    "VIOT", "BGRT", "FPDT", "XENV", "STAO",
};

struct builder {
    const struct dom0_acpi *in;
    struct area *a;
    u64 dsdt;
    u32 nr;
    u64 table[ACPI_MAX_TABLES + 1];      /* the XSDT's: with a STAO at most one more than the host's */
};

boot_code u64 acpi_begin(struct area *a, const struct acpi_view *host, u32 bytes)
{
    return area_put(a, host->data, bytes, 8);
}

boot_code void acpi_end(struct area *a, u64 gpa)
{
    u64 n = a->base + a->used - gpa;

    area_set(a, gpa + 4, n, 4);
    area_checksum(a, gpa, n, gpa + 9);
}

static boot_code bool is(const struct acpi_table *t, const char *signature)
{
    return memcmp(t->signature, signature, 4) == 0;
}

static boot_code bool is_dropped(const struct acpi_table *t)
{
    for (size_t i = 0; i < ARRAY_SIZE(dropped); i++) {
        if (is(t, dropped[i])) {
            return true;
        }
    }
    return false;
}

/* dom0's PSCI is Argon's, and so are sleep and reset: firmware's registers for them would go past it. */
static boot_code u64 put_fadt(struct builder *b, struct acpi_view *fadt)
{
    struct area *a = b->a;
    u64 at = acpi_begin(a, fadt, fadt->size);
    u32 flags = acpi_u32(fadt, FADT_FLAGS), boot = acpi_u16(fadt, FADT_BOOT);
    u8 major = acpi_u8(fadt, FADT_MAJOR);

    if (fadt->size < FADT_MIN) {
        (void)area_put(a, NULL, FADT_MIN - fadt->size, 1);
    }
    if (major < 5 || (major == 5 && (acpi_u8(fadt, FADT_MINOR) & 0xf) == 0)) {
        area_set(a, at + FADT_MAJOR, 5, 1);
        area_set(a, at + FADT_MINOR, 1, 1);
    }
    area_set(a, at + FADT_FIRMWARE_CTRL, 0, 4);
    area_set(a, at + FADT_X_FIRMWARE_CTRL, 0, 8);
    area_set(a, at + FADT_DSDT, 0, 4);
    area_set(a, at + FADT_X_DSDT, b->dsdt, 8);
    /* Without an MSI frame, or an ITS that works, there is nothing that could take a device's messages. */
    if (acpi_devices.nr_msi_frames == 0 && b->in->m->gic.nr_its == 0) {
        area_set(a, at + FADT_BOOT, boot | FADT_NO_MSI, 2);
    }
    area_set(a, at + FADT_FLAGS, (flags | FADT_HW_REDUCED) & ~FADT_RESET_REG, 4);
    area_set(a, at + FADT_ARM_BOOT, FADT_PSCI_HVC, 2);
    area_set(a, at + FADT_RESET, 0, 8);
    area_set(a, at + FADT_RESET + 8, 0, 5);
    area_set(a, at + FADT_SLEEP, 0, 8);
    area_set(a, at + FADT_SLEEP + 8, 0, 8);
    area_set(a, at + FADT_SLEEP + 16, 0, 8);
    acpi_end(a, at);
    return at;
}

/*
 * GTDT (5.2.25): no block of memory-mapped timers, no watchdog. Those timers that a vCPU has not got keep their
 * interrupts: Linux asks for a mapping of all of them, and complains of none.
 */
static boot_code u64 put_gtdt(struct builder *b, struct acpi_view *gtdt)
{
    const struct machine *m = b->in->m;
    struct area *a = b->a;
    bool rev3 = gtdt->size >= GTDT_REV3 && acpi_u8(gtdt, ACPI_REVISION) >= 3;
    u64 at = acpi_begin(a, gtdt, rev3 ? GTDT_REV3 : GTDT_MIN);

    area_set(a, at + 36, UINT64_MAX, 8);         /* counter's frame: not provided */
    area_set(a, at + 56, m->timer_irq_phys_ns, 4);
    area_set(a, at + 64, m->timer_irq_virt, 4);
    area_set(a, at + 80, UINT64_MAX, 8);         /* counter's frame to read */
    area_set(a, at + 88, 0, 8);                  /* blocks and watchdogs: how many, where */
    acpi_end(a, at);
    return at;
}

static boot_code u64 put_madt(struct builder *b, struct acpi_view *madt)
{
    return dom0_acpi_madt(b->in, madt, b->a);
}

static boot_code u64 put_iort(struct builder *b, struct acpi_view *iort)
{
    return dom0_acpi_iort(iort, b->a);
}

/* As it is. Where a piece cannot be read, which could be when the table was found, that piece is zero. */
static boot_code u64 put_copy(struct builder *b, const struct acpi_table *t)
{
    const struct firmware_memory *memory = b->in->host->memory;
    u64 at = area_put(b->a, NULL, t->size, 8);

    for (u64 done = 0; done < t->size; done += PIECE) {
        u64 n = MIN(t->size - done, PIECE);
        u8 *to = area_bytes(b->a, at + done, n);
        const u8 *from = to != NULL ? memory->map(t->start + done, n) : NULL;

        if (from != NULL) {
            memcpy(to, from, (size_t)n);
            memory->unmap(from, n);
        }
    }
    return at;
}

static const struct {
    const char *signature;
    u32 min;
    bool needed;
    u64 (*put)(struct builder *b, struct acpi_view *host);
} rewritten[] = {
    { "FACP", FADT_X_DSDT + 8, true, put_fadt },         /* first: its OEM fields are those of Argon's own tables */
    { "APIC", MADT_ENTRIES, true, put_madt },
    { "GTDT", GTDT_MIN, true, put_gtdt },
    { "IORT", IORT_MIN, false, put_iort },
};

static boot_code bool is_rewritten(const struct acpi_table *t)
{
    for (size_t i = 0; i < ARRAY_SIZE(rewritten); i++) {
        if (is(t, rewritten[i].signature)) {
            return true;
        }
    }
    return false;
}

static boot_code int list_rewritten(struct builder *b, size_t which)
{
    const char *signature = rewritten[which].signature;
    struct acpi_view v;

    if (acpi_view_again(&v, b->in->host, signature, rewritten[which].min)) {
        b->table[b->nr++] = rewritten[which].put(b, &v);
        acpi_view_close(&v);
    } else if (rewritten[which].needed) {
        log_err("ACPI: %s %s, which dom0 cannot do without",
                acpi_find(b->in->host, signature, 0) == NULL ? "no" : "cannot use", signature);
        return -EINVAL;
    }
    return 0;
}

static boot_code void list_others(struct builder *b)
{
    const struct acpi_tables *host = b->in->host;

    for (u32 i = 0; i < host->nr; i++) {
        const struct acpi_table *t = &host->table[i];

        if (!is_rewritten(t) && !is_dropped(t) && !is(t, "DSDT")) {
            b->table[b->nr++] = put_copy(b, t);
        }
    }
}

/* A table of Argon's own: the FADT's OEM and creator fields, which are all of a firmware's tables'. */
static boot_code u64 begin_own(struct builder *b, const char *signature)
{
    u64 at = area_put(b->a, NULL, ACPI_HEADER, 8);
    const u8 *fadt = area_bytes(b->a, b->table[0], ACPI_HEADER);
    u8 *to = area_bytes(b->a, at, ACPI_HEADER);

    if (to != NULL && fadt != NULL) {
        memcpy(to, fadt, ACPI_HEADER);
        memcpy(to, signature, 4);
        to[FADT_MAJOR] = 1;
    }
    return at;
}

/*
 * STAO: the UART that SPCR names is the hypervisor's (Linux knows of no other way to be told). Without one, or with
 * another, AML may name the UART, and nothing can hide it.
 */
static boot_code void list_stao(struct builder *b)
{
    const struct machine *m = b->in->m;
    struct acpi_view spcr;
    bool found = acpi_view_again(&spcr, b->in->host, "SPCR", SPCR_ADDRESS + 8);
    bool ours = found && m->has_uart && acpi_u64(&spcr, SPCR_ADDRESS) == m->uart.base;

    if (ours) {
        u64 at = begin_own(b, "STAO");

        area_set(b->a, area_put(b->a, NULL, STAO_BYTES - ACPI_HEADER, 1), 1, 1);
        acpi_end(b->a, at);
        b->table[b->nr++] = at;
    } else if (m->has_uart && b->a->buf != NULL) {
        log_warn("ACPI: SPCR does not name the console's UART at %#" PRIx64 ": dom0 must not have a driver for it",
                 m->uart.base);
    }
    if (found) {
        acpi_view_close(&spcr);
    }
}

static boot_code u64 put_xsdt(struct builder *b)
{
    u64 at = begin_own(b, "XSDT");

    for (u32 i = 0; i < b->nr; i++) {
        area_set(b->a, area_put(b->a, NULL, 8, 1), b->table[i], 8);
    }
    acpi_end(b->a, at);
    return at;
}

static boot_code u64 put_rsdp(struct builder *b, u64 xsdt)
{
    struct area *a = b->a;
    u64 at = area_put(a, NULL, RSDP_BYTES, 8);
    u8 *to = area_bytes(a, at, RSDP_BYTES);

    if (to != NULL) {
        static const u8 signature[8] = { 'R', 'S', 'D', ' ', 'P', 'T', 'R', ' ' };

        memcpy(to, signature, sizeof(signature));
        memcpy(to + 9, b->in->host->oem_id, 6);
    }
    area_set(a, at + 15, 2, 1);
    area_set(a, at + 20, RSDP_BYTES, 4);
    area_set(a, at + 24, xsdt, 8);
    area_checksum(a, at, 20, at + 8);
    area_checksum(a, at, RSDP_BYTES, at + 32);
    return at;
}

boot_code int dom0_acpi_build(const struct dom0_acpi *in, struct area *a, u64 *rsdp)
{
    const struct acpi_table *dsdt = acpi_find(in->host, "DSDT", 0);
    struct builder b = { .in = in, .a = a };
    int r = 0;

    if (dsdt == NULL) {
        log_err("ACPI: no DSDT, which dom0 cannot do without");
        return -EINVAL;
    }
    b.dsdt = put_copy(&b, dsdt);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(rewritten); i++) {
        r = list_rewritten(&b, i);
    }
    if (r != 0) {
        return r;
    }
    list_others(&b);
    list_stao(&b);
    *rsdp = put_rsdp(&b, put_xsdt(&b));
    return 0;
}
