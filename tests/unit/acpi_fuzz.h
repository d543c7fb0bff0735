/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as ACPI's tables: what test_acpi_fuzz.c (a fixed number of damaged tables, at each `make unit`) and
 * fuzz/acpi.c (libFuzzer, as long as one likes) share. An input is a byte of flags, then tables, one after the other as
 * they are; each is put at an address of its own. Whatever they are: an error or a machine that makes sense, no access
 * outside, no loop without end, all windows closed.
 */
#ifndef ACPI_FUZZ_H
#define ACPI_FUZZ_H

#include "acpi_tables.h"
#include <argon/console.h>

#define FUZZ_RSDT     1u         /* listed by an RSDT; else by an XSDT */
#define FUZZ_CHECKSUM 2u         /* checksums are as they are; else they are made right, so that more is read */
#define FUZZ_MAX      0x10000u

#define FUZZ_AT(n) (TABLES_AT + (n) * UINT64_C(0x100000))

static struct acpi_tables fuzz_tables;
static struct machine fuzz_m;

static inline void fuzz_check(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "does not hold: %s\n", what);
        abort();
    }
}
#define FUZZ_CHECK(e) fuzz_check(e, #e)

static inline u64 fuzz_ram(void)
{
    u64 sum = 0;

    for (u32 i = 0; i < fuzz_m.nr_banks; i++) {
        sum += fuzz_m.banks[i].size;
        FUZZ_CHECK(fuzz_m.banks[i].node < MACHINE_MAX_NODES);
        FUZZ_CHECK(i == 0 || machine_range_end(&fuzz_m.banks[i - 1]) <= fuzz_m.banks[i].start);
    }
    return sum;
}

/* What holds of any machine. */
static inline void fuzz_check_parts(void)
{
    const struct acpi_devices *d = &acpi_devices;

    FUZZ_CHECK(fuzz_tables.nr <= ACPI_MAX_TABLES && fuzz_m.nr_cpus <= NR_CPUS && fuzz_m.nr_banks <= MACHINE_MAX_BANKS);
    for (u32 i = 0; i < fuzz_m.nr_cpus; i++) {
        FUZZ_CHECK((fuzz_m.cpus[i].hwid & ~UINT64_C(0xff00ffffff)) == 0 && fuzz_m.cpus[i].node < MACHINE_MAX_NODES);
        for (u32 j = 0; j < i; j++) {
            FUZZ_CHECK(fuzz_m.cpus[i].hwid != fuzz_m.cpus[j].hwid);
        }
    }
    FUZZ_CHECK(d->nr_ecam <= ACPI_MAX_ECAM && d->nr_its <= ACPI_MAX_ITS && d->nr_msi_frames <= ACPI_MAX_MSI_FRAMES);
    FUZZ_CHECK(d->nr_nodes <= ACPI_MAX_IORT_NODES && d->nr_maps <= ACPI_MAX_ID_MAPS);
    for (u32 i = 0; i < d->nr_nodes; i++) {
        FUZZ_CHECK(d->node[i].nr_maps == 0 || d->node[i].first_map + d->node[i].nr_maps <= d->nr_maps);
    }
    for (u32 i = 0; i < d->nr_maps; i++) {
        FUZZ_CHECK(d->map[i].to < d->nr_nodes && d->map[i].first <= d->map[i].last);
    }
}

static inline bool fuzz_is_ppi(u32 intid)
{
    return intid >= 16 && intid < 32;
}

/* What holds of one that is to be run. */
static inline void fuzz_check_machine(void)
{
    const struct machine_gic *g = &fuzz_m.gic;

    FUZZ_CHECK(fuzz_m.nr_cpus > 0 && fuzz_is_ppi(g->maintenance_irq) && g->gicd != 0);
    FUZZ_CHECK(fuzz_is_ppi(fuzz_m.timer_irq_hyp) && fuzz_is_ppi(fuzz_m.timer_irq_virt));
    FUZZ_CHECK(fuzz_is_ppi(fuzz_m.timer_irq_phys_ns));
    FUZZ_CHECK(g->version == 2 ? g->gicc != 0 && g->gich != 0 && g->gicv != 0
                               : g->version == 3 && g->nr_redist > 0 && g->nr_redist <= MACHINE_MAX_REDIST);
    for (u32 i = 0; i < g->nr_redist; i++) {
        FUZZ_CHECK(g->redist[i].size >= 0x20000 && machine_range_end(&g->redist[i]) > g->redist[i].start);
        for (u32 j = 0; j < i; j++) {
            FUZZ_CHECK(!machine_ranges_overlap(&g->redist[i], &g->redist[j]));
        }
    }
    FUZZ_CHECK(fuzz_m.nodes != 0 && (fuzz_m.nodes & ~UINT64_C(0xffff)) == 0);
}

/* Put the tables of an input into memory; returns the RSDP's address. */
static inline u64 fuzz_place(const u8 *data, size_t n)
{
    u32 flags = n > 0 ? data[0] : 0;
    size_t pos = 1, size;

    fw_reset();
    tb_nr = 0;
    for (u32 i = 0; pos < n && i < 100; pos += size, i++) {
        size = n - pos;
        if (size >= 8) {
            size = MIN(size, MAX((size_t)tb_get(data + pos + 4, 4), (size_t)8));
        }
        fw_add(FUZZ_AT(i), data + pos, size);
        tb_list(FUZZ_AT(i));
        if (!(flags & FUZZ_CHECKSUM) && size >= 36) {
            tb_refix(&fw_region[fw_nr - 1]);
        }
    }
    tb_next = FUZZ_AT(200);
    if (flags & FUZZ_RSDT) {
        return tb_rsdp_of(0, tb_list_table(false), 0);
    }
    return tb_rsdp();
}

/* One input. True: a machine came of it. */
static inline bool fuzz_one(const u8 *data, size_t n)
{
    u64 rsdp, ram;
    int r;

    if (n > FUZZ_MAX) {
        return false;
    }
    rsdp = fuzz_place(data, n);
    memset(&fuzz_m, 0, sizeof(fuzz_m));
    FUZZ_CHECK(machine_add_bank(&fuzz_m, 0x40000000, MIB(512), 0) == 0);
    FUZZ_CHECK(machine_add_bank(&fuzz_m, 0x60000000, GIB(5), 0) == 0);
    FUZZ_CHECK(machine_add_bank(&fuzz_m, UINT64_C(0x800000000), GIB(64), 0) == 0);
    machine_sort_banks(&fuzz_m);
    ram = fuzz_ram();
    uart_drivers = uart_driver_list;
    if (acpi_open(&fuzz_tables, &fw_memory, rsdp) != 0) {
        return false;
    }
    r = acpi_parse_all(&fuzz_m, &fuzz_tables);
    FUZZ_CHECK(fuzz_ram() == ram);
    fuzz_check_parts();
    if (r == 0) {
        fuzz_check_machine();
    }
    if (acpi_find_uart(&fuzz_m, &fuzz_tables) == 0) {
        FUZZ_CHECK(fuzz_m.has_uart && fuzz_m.uart.base != 0 && uart_driver_find(fuzz_m.uart.compatible) != NULL);
    }
    FUZZ_CHECK(fw_depth == 0);
    return r == 0;
}

/* ---- inputs to begin with ---- */
static u8 seed_buf[FUZZ_MAX];
static u32 seed_size;

static inline void seed_bytes(const u8 *p, u32 n)
{
    FUZZ_CHECK(n <= sizeof(seed_buf) - seed_size);
    memcpy(seed_buf + seed_size, p, n);
    seed_size += n;
}

static inline void seed_table(struct tb *t)
{
    tb_put(t, 4, 4, t->size);
    tb_fix(t->data, t->size);
    seed_bytes(t->data, t->size);
}

/* FADT and its DSDT come first, so that the one leads to the other. */
static inline void seed_begin(u8 flags)
{
    struct tb t;

    seed_buf[0] = flags;
    seed_size = 1;
    fadt_plain(&t, 1);
    tb_put(&t, 140, 8, FUZZ_AT(1));
    seed_table(&t);
    tb_begin(&t, "DSDT", 2);
    seed_table(&t);
}

/* A machine of QEMU's. */
static inline void seed_qemu(const char *dir)
{
    static const char *const signatures[] = { "APIC", "GTDT", "MCFG", "SPCR", "DBG2", "SRAT", "SLIT", "IORT" };
    static u8 buf[0x8000];

    seed_begin(0);
    for (u32 i = 0; i < ARRAY_SIZE(signatures); i++) {
        seed_bytes(buf, qemu_table(dir, signatures[i], buf, sizeof(buf)));
    }
}

/* What QEMU has not: redistributors by CPU, short and long GICCs, a GICv2 without a version. */
static inline void seed_madts(u32 which)
{
    static const u8 sizes[] = { 76, 80, 82 };
    struct tb t;

    madt_begin(&t, which == 0 ? 3 : 0);
    for (u32 i = 0; i < 6; i++) {
        u32 off = madt_gicc(&t, sizes[i % 3], i, i << 8, i == 4 ? 8 : 1);

        if (which == 0) {
            tb_put(&t, off + 60, 8, 0x10000000 + i % 3 * 0x20000 + i / 3 * 0x10000000);
        } else {
            tb_put(&t, off + 32, 8, 0x8010000);
            tb_put(&t, off + 40, 8, 0x8040000);
            tb_put(&t, off + 48, 8, 0x8030000);
        }
    }
    for (u32 i = 0; i < 3; i++) {
        u32 off = tb_entry(&t, i == 2 ? 15 : 13, i == 2 ? 20 : 24);

        tb_put(&t, off + 8, 8, 0x8080000 + i * 0x10000);
        tb_put(&t, off + 4, 4, i);
    }
    seed_table(&t);
    gtdt_plain(&t);
    seed_table(&t);
}

/* SPCR and DBG2 with a 16550. */
static inline void seed_uarts(void)
{
    struct tb t;

    tb_begin(&t, "SPCR", 4);
    tb_put(&t, 36, 1, 0x12);
    tb_put(&t, 41, 1, 32);
    tb_put(&t, 43, 1, 3);
    tb_put(&t, 44, 4, 0x1c020000);
    tb_put(&t, 52, 1, 8);
    tb_put(&t, 54, 4, 108);
    tb_put(&t, 80, 4, 115200);
    seed_table(&t);
    tb_begin(&t, "DBG2", 0);
    tb_put(&t, 36, 4, 44);
    tb_put(&t, 40, 4, 2);
    for (u32 i = 0; i < 2; i++) {
        u32 off = 44 + i * 34;

        tb_put(&t, off + 1, 2, 34);
        tb_put(&t, off + 3, 1, 1);
        tb_put(&t, off + 12, 2, 0x8000);
        tb_put(&t, off + 14, 2, i == 0 ? 1 : 0xe);
        tb_put(&t, off + 18, 2, 22);
        tb_put(&t, off + 26, 8, 0x1c030000 + i * 0x10000);
    }
    seed_table(&t);
}

/* An SMMU of the older kind in the way; several segments; memory in pieces. */
static inline void seed_rest(void)
{
    struct tb t;

    tb_begin(&t, "IORT", 5);
    tb_put(&t, 36, 4, 3);
    tb_put(&t, 40, 4, 48);
    tb_put(&t, 48, 1, IORT_SMMU);
    tb_put(&t, 49, 2, 88);
    tb_put(&t, 56, 4, 1);
    tb_put(&t, 60, 4, 68);
    tb_put(&t, 64, 8, 0x2b400000);
    tb_put(&t, 72, 8, 0x10000);
    tb_put(&t, 88, 4, 60);
    tb_put(&t, 108, 4, 105);
    tb_put(&t, 120, 4, 0xffff);
    tb_put(&t, 128, 4, 192);
    tb_put(&t, 136, 1, IORT_ROOT_COMPLEX);
    tb_put(&t, 137, 2, 56);
    tb_put(&t, 144, 4, 1);
    tb_put(&t, 148, 4, 36);
    tb_put(&t, 176, 4, 0xffff);
    tb_put(&t, 184, 4, 48);
    tb_put(&t, 192, 1, IORT_ITS_GROUP);
    tb_put(&t, 193, 2, 24);
    tb_put(&t, 208, 4, 1);
    tb_put(&t, 212, 4, 0);
    seed_table(&t);
    tb_begin(&t, "MCFG", 1);
    for (u32 i = 0; i < 3; i++) {
        tb_put(&t, 44 + i * 16, 8, (i + 1) * GIB(1));
        tb_put(&t, 44 + i * 16 + 8, 8, i | 0xff000000);
    }
    seed_table(&t);
    tb_begin(&t, "SRAT", 3);
    tb_put(&t, 47, 1, 0);
    for (u32 i = 0; i < 6; i++) {
        u32 off = tb_entry(&t, 1, 40);

        tb_put(&t, off + 2, 4, i % 3 * 5);
        tb_put(&t, off + 8, 8, 0x40000000 + i * 0x10000000UL);
        tb_put(&t, off + 16, 8, 0x10000000);
        tb_put(&t, off + 28, 4, 1);
        off = tb_entry(&t, 3, 18);
        tb_put(&t, off + 2, 4, i % 3 * 5);
        tb_put(&t, off + 6, 4, i);
        tb_put(&t, off + 10, 4, 1);
    }
    seed_table(&t);
    tb_begin(&t, "SLIT", 1);
    tb_put(&t, 36, 8, 11);
    for (u32 i = 0; i < 121; i++) {
        tb_put(&t, 44 + i, 1, i % 12 == 0 ? 10 : 20 + i);
    }
    seed_table(&t);
}

/* The n-th into seed_buf and seed_size. False: there are no more. */
static inline bool fuzz_seed(u32 n)
{
    static const char *const dirs[] = QEMU_DIRS;

    if (n < ARRAY_SIZE(dirs)) {
        seed_qemu(dirs[n]);
        return true;
    }
    n -= ARRAY_SIZE(dirs);
    if (n >= 4) {
        return false;
    }
    seed_begin(n % 2 != 0 ? FUZZ_RSDT : 0);
    seed_madts(n / 2);
    seed_uarts();
    seed_rest();
    return true;
}

#endif
