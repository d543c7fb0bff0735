/* SPDX-License-Identifier: MIT */
/*
 * ACPI's tables for unit tests: firmware's memory, of which only what is mapped can be read, a builder of tables, and
 * those of QEMU (tests/unit/acpi). A test includes unit.h first.
 */
#ifndef ACPI_TABLES_H
#define ACPI_TABLES_H

#include <argon/acpi.h>

#define TABLES_AT 0x7c430000UL

/* ---- firmware's memory ---- */
struct fw_region { u64 at, size; u8 *data; };
static struct fw_region fw_region[256];
static u32 fw_nr, fw_depth, fw_max_depth;
static struct { void *va; u64 size; } fw_window[8];
static u64 fw_fail_after = ~0UL;         /* windows that can be had */

static inline void fw_reset(void)
{
    for (u32 i = 0; i < fw_nr; i++) {
        free(fw_region[i].data);
    }
    fw_nr = 0;
    assert_int_equal(fw_depth, 0);       /* all windows were closed */
    fw_fail_after = ~0UL;
}

static inline int fw_teardown(void **state)
{
    fw_reset();
    return unit_teardown(state);
}

static inline void says(const char *what)
{
    if (strstr(unit_log(), what) == NULL) {
        fail_msg("\"%s\" is not in: %s", what, unit_log());
    }
}

static inline struct fw_region *fw_find(u64 at)
{
    for (u32 i = 0; i < fw_nr; i++) {
        if (at >= fw_region[i].at && at - fw_region[i].at < fw_region[i].size) {
            return &fw_region[i];
        }
    }
    return NULL;
}

static inline void fw_add(u64 at, const void *data, u64 size)
{
    assert_true(fw_nr < ARRAY_SIZE(fw_region));
    fw_region[fw_nr] = (struct fw_region){ at, size, malloc(size + (size == 0)) };
    memcpy(fw_region[fw_nr++].data, data, size);
}

/* A copy of just the bytes asked for: each beyond them is seen. */
static inline const void *fw_map(paddr_t pa, u64 size)
{
    const struct fw_region *r = fw_find(pa);

    assert_in_range(size, 1, MIB(1));
    if (r == NULL || size > r->size - (pa - r->at) || fw_fail_after == 0) {
        return NULL;
    }
    fw_fail_after -= fw_fail_after != ~0UL;
    assert_true(fw_depth < ARRAY_SIZE(fw_window));
    fw_window[fw_depth].va = malloc(size);
    fw_window[fw_depth].size = size;
    memcpy(fw_window[fw_depth].va, r->data + (pa - r->at), size);
    fw_max_depth = MAX(fw_max_depth, fw_depth + 1);
    return fw_window[fw_depth++].va;
}

static inline void fw_unmap(const void *va, u64 size)
{
    assert_true(fw_depth > 0);
    fw_depth--;
    assert_ptr_equal(fw_window[fw_depth].va, va);
    assert_int_equal(fw_window[fw_depth].size, size);
    free(fw_window[fw_depth].va);
}

static const struct firmware_memory fw_memory = { .map = fw_map, .unmap = fw_unmap };

/* ---- a builder ---- */
struct tb {
    u8 data[0x4000];
    u32 size;
};

static u64 tb_next, tb_listed[200];
static u32 tb_nr;

static inline void tb_put(struct tb *t, u32 off, u32 bytes, u64 v)
{
    assert_true(off + bytes <= sizeof(t->data));
    for (u32 i = 0; i < bytes; i++) {
        t->data[off + i] = (u8)(v >> i * 8);
    }
    t->size = MAX(t->size, off + bytes);
}

static inline u64 tb_get(const u8 *p, u32 bytes)
{
    u64 v = 0;

    for (u32 i = 0; i < bytes; i++) {
        v |= (u64)p[i] << i * 8;
    }
    return v;
}

static inline u8 tb_sum(const u8 *p, u64 n)
{
    u8 sum = 0;

    while (n-- > 0) {
        sum = (u8)(sum + *p++);
    }
    return sum;
}

static inline void tb_begin(struct tb *t, const char *signature, u8 revision)
{
    memset(t, 0, sizeof(*t));
    memcpy(t->data, signature, 4);
    memcpy(t->data + 10, "ARGON TESTMADE", 14);
    tb_put(t, 8, 1, revision);
    tb_put(t, 35, 1, 0);
}

/* Append: an entry of that type and length, zero; returns where it is. */
static inline u32 tb_entry(struct tb *t, u8 type, u8 size)
{
    u32 off = t->size;

    tb_put(t, off, 1, type);
    tb_put(t, off + 1, 1, size);
    if (size > 2) {
        tb_put(t, off + size - 1u, 1, 0);
    }
    return off;
}

static inline void tb_fix(u8 *data, u32 size)
{
    data[9] = 0;
    data[9] = (u8)-tb_sum(data, size);
}

/* Into memory, not listed. Its address. */
static inline u64 tb_place(struct tb *t)
{
    u64 at = tb_next;

    tb_put(t, 4, 4, t->size);
    tb_fix(t->data, t->size);
    fw_add(at, t->data, t->size);
    tb_next += ROUND_UP(t->size, 0x100) + 0x118;
    return at;
}

static inline void tb_list(u64 at)
{
    tb_listed[tb_nr++] = at;
}

/* The table is done: into memory, and listed. */
static inline u64 tb_end(struct tb *t)
{
    u64 at = tb_place(t);

    tb_list(at);
    return at;
}

/* A table that is there already has changed: its checksum is right again. */
static inline void tb_refix(struct fw_region *r)
{
    tb_fix(r->data, (u32)r->size);
}

static inline void tb_start(void)
{
    fw_reset();
    unit_log_clear();
    tb_next = TABLES_AT;
    tb_nr = 0;
}

static inline u64 tb_list_table(bool xsdt)
{
    struct tb t;

    tb_begin(&t, xsdt ? "XSDT" : "RSDT", 1);
    for (u32 i = 0; i < tb_nr; i++) {
        tb_put(&t, t.size, xsdt ? 8 : 4, tb_listed[i]);
    }
    return tb_place(&t);
}

/* An RSDP with those lists; its address. */
static inline u64 tb_rsdp_of(u8 revision, u64 rsdt, u64 xsdt)
{
    u64 at = tb_next;
    u8 p[36] = "RSD PTR ";

    memcpy(p + 9, "ARGON ", 6);
    p[15] = revision;
    for (u32 i = 0; i < 8; i++) {
        p[24 + i] = (u8)(xsdt >> i * 8);
        p[16 + i % 4] = (u8)(rsdt >> i % 4 * 8);
    }
    p[20] = sizeof(p);
    p[8] = (u8)-tb_sum(p, 20);
    p[32] = (u8)-tb_sum(p, 36);
    fw_add(at, p, revision < 2 ? 20 : 36);
    tb_next += 0x40;
    return at;
}

/* RSDP and XSDT of what was listed. */
static inline u64 tb_rsdp(void)
{
    return tb_rsdp_of(2, 0, tb_list_table(true));
}

/* ---- plain tables of our own ---- */
static inline u32 madt_gicc(struct tb *t, u8 size, u32 uid, u64 mpidr, u32 flags)
{
    u32 off = tb_entry(t, 11, size);

    tb_put(t, off + 4, 4, uid);
    tb_put(t, off + 8, 4, uid);
    tb_put(t, off + 12, 4, flags);
    if (size >= 60) {
        tb_put(t, off + 56, 4, 25);
    }
    if (size >= 76) {
        tb_put(t, off + 68, 8, mpidr);
    }
    return off;
}

static inline void madt_begin(struct tb *t, u8 version)
{
    u32 off;

    tb_begin(t, "APIC", 4);
    tb_put(t, 43, 1, 0);
    off = tb_entry(t, 12, 24);
    tb_put(t, off + 8, 8, 0x8000000);
    tb_put(t, off + 20, 1, version);
}

static inline void madt_gicr(struct tb *t, u64 base, u32 size)
{
    u32 off = tb_entry(t, 14, 16);

    tb_put(t, off + 4, 8, base);
    tb_put(t, off + 12, 4, size);
}

static inline void fadt_plain(struct tb *t, u32 arm_flags)
{
    tb_begin(t, "FACP", 6);
    tb_put(t, 112, 4, 1 << 20);
    tb_put(t, 129, 2, arm_flags);
    tb_put(t, 131, 1, 3);
    tb_put(t, 275, 1, 0);
}

static inline void gtdt_plain(struct tb *t)
{
    tb_begin(t, "GTDT", 2);
    tb_put(t, 48, 4, 29);
    tb_put(t, 56, 4, 30);
    tb_put(t, 64, 4, 27);
    tb_put(t, 72, 4, 26);
    tb_put(t, 95, 1, 0);
}

/* ---- QEMU's ---- */
#define QEMU_DIRS { \
    "q10-a76-smt", "q10-gic2-2cpu", "q10-gic3-4cpu", "q10-gic3-numa2", "q10-gic3-smmu", "q10-gic4-max", \
    "q7-gic2-2cpu", "q7-gic2-2cpu-novirt", "q7-gic2-4cpu", "q7-gic3-140cpu", "q7-gic3-2cpu", "q7-gic3-2cpu-novirt", \
    "q7-gic3-4cpu-its", "q7-gic3-4cpu-noits", "q7-gic3-numa2", "q7-gic3-smmu" \
}

/* Bytes of a table of that folder into buf; 0 if it has none. Without run.sh: in tests/unit. */
static inline u32 qemu_table(const char *dir, const char *signature, u8 *buf, u32 room)
{
    const char *at = getenv("UNIT_DIR");
    char path[512];
    size_t n = 0;
    FILE *f;

    snprintf(path, sizeof(path), "%s/acpi/%s/%s.bin", at != NULL ? at : ".", dir, signature);
    f = fopen(path, "rb");
    if (f != NULL) {
        n = fread(buf, 1, room, f);
        fclose(f);
        assert_true(n < room);
    }
    return (u32)n;
}

/* All tables of a folder into memory, the DSDT where the FADT has it; the RSDP's address. */
static inline u64 qemu_load(const char *dir)
{
    static const char *const signatures[] = {
        "FACP", "APIC", "PPTT", "GTDT", "MCFG", "SPCR", "DBG2", "SRAT", "SLIT", "IORT"
    };
    static u8 buf[0x10000];
    u32 n;

    tb_start();
    for (u32 i = 0; i < ARRAY_SIZE(signatures); i++) {
        n = qemu_table(dir, signatures[i], buf, sizeof(buf));
        if (n == 0) {
            continue;
        }
        if (i == 0) {
            static u8 dsdt[0x10000];
            u32 size = qemu_table(dir, "DSDT", dsdt, sizeof(dsdt));

            fw_add(tb_get(buf + 140, 8) != 0 ? tb_get(buf + 140, 8) : tb_get(buf + 40, 4), dsdt, size);
            tb_next = 0x10000000;        /* out of its way */
        }
        fw_add(tb_next, buf, n);
        tb_list(tb_next);
        tb_next += ROUND_UP(n, 0x100) + 0x98;
    }
    return tb_rsdp();
}

#endif
