/* SPDX-License-Identifier: MIT */
/* unit-sources: firmware/efi/runtime.c firmware/efi/efi.c */
/* efi_runtime_parse(): firmware's tables and map, as they should be and as they should not. */
#include "unit.h"
#include <argon/efi_runtime.h>

/* Firmware's memory: what the test wrote, at these addresses. */
#define BASE       0x80000000UL
#define SYSTEM     (BASE + 0x1000)
#define CONFIG     (BASE + 0x2000)
#define RUNTIME    (BASE + 0x3000)
#define MAP        (BASE + 0x4000)
#define ATTRIBUTES (BASE + 0x6000)
#define PROPERTIES (BASE + 0x7000)
#define CODE       (BASE + 0x100000)
#define DATA       (BASE + 0x140000)
#define FLASH      0x4000000UL
static u8 memory[0x8000];
static u32 mapped;

static const void *map(paddr_t pa, u64 size)
{
    if (pa < BASE || size > sizeof(memory) || pa - BASE > sizeof(memory) - size) {
        return NULL;
    }
    mapped++;
    return memory + (pa - BASE);
}

static void unmap(const void *va, u64 size)
{
    (void)size;
    assert_non_null(va);
    mapped--;
}

static const struct firmware_memory fake = { .map = map, .unmap = unmap };
static struct machine_efi efi;
static struct efi_found f;

static void put(paddr_t at, u64 value, u32 bytes)
{
    memcpy(memory + (at - BASE), &value, bytes);
}

/* ---- tables ---- */

#define DESC 48u
#define RT   BIT(63)
#define RO   BIT(17)
#define XP   BIT(14)
#define WB   BIT(3)

static u32 nr_desc, nr_attributes;

static void put_descriptor(paddr_t at, u32 type, u64 start, u64 pages, u64 attributes)
{
    put(at, type, 4);
    put(at + 8, start, 8);
    put(at + 24, pages, 8);
    put(at + 32, attributes, 8);
}

static void add(u32 type, u64 start, u64 pages, u64 attributes)
{
    put_descriptor(MAP + nr_desc++ * DESC, type, start, pages, attributes);
    efi.map.size = nr_desc * DESC;
}

/* With these bits, as firmware's attributes: each piece of an image. */
static void add_attributes(u64 start, u64 pages, u64 attributes)
{
    put_descriptor(ATTRIBUTES + 16 + nr_attributes++ * DESC, 5, start, pages, attributes | RT);
    put(ATTRIBUTES + 4, nr_attributes, 4);
}

static void add_config(u32 i, u64 guid_low, u64 guid_high, paddr_t table)
{
    put(CONFIG + i * 24, guid_low, 8);
    put(CONFIG + i * 24 + 8, guid_high, 8);
    put(CONFIG + i * 24 + 16, table, 8);
    put(SYSTEM + 104, i + 1, 8);
}

#define GUID_ATTRIBUTES 0x469f26ebdcfa911dUL, 0x201246dcb73820a2UL
#define GUID_PROPERTIES 0x402a7eefeb66918aUL, 0xe98ac3211d932e84UL

static int setup(void **state)
{
    int rc = unit_setup(state);

    memset(memory, 0, sizeof(memory));
    memset(&efi, 0, sizeof(efi));
    nr_desc = nr_attributes = mapped = 0;
    efi.system_table = SYSTEM;
    efi.map.start = MAP;
    efi.desc_size = DESC;
    efi.desc_version = 1;
    put(SYSTEM, 0x5453595320494249, 8);
    put(SYSTEM + 88, RUNTIME, 8);
    put(SYSTEM + 112, CONFIG, 8);
    put(RUNTIME, 0x56524553544e5552, 8);
    put(RUNTIME + 12, 136, 4);
    for (u32 i = 0; i < EFI_NR_SERVICES; i++) {
        put(RUNTIME + 24 + i * 8, CODE + i * 16, 8);
    }
    add(7, BASE, 0x100, WB);
    add(6, DATA, 0x10, WB | RT);
    add(5, CODE, 0x10, WB | RT);
    add(11, FLASH, 0x4000, BIT(1) | RT);
    return rc;
}

static int parse(void)
{
    int rc = efi_runtime_parse(&f, &efi, &fake);

    assert_int_equal(mapped, 0);
    for (u32 i = 1; i < f.nr; i++) {
        assert_true(f.region[i - 1].start + f.region[i - 1].size <= f.region[i].start);
    }
    return rc;
}

static void check(u32 i, u64 start, u64 size, u32 access, u32 cache)
{
    assert_true(i < f.nr);
    assert_int_equal(f.region[i].start, start);
    assert_int_equal(f.region[i].size, size);
    assert_int_equal(f.region[i].access, access);
    assert_int_equal(f.region[i].cache, cache);
}

static bool said(const char *text) { return strstr(unit_log(), text) != NULL; }

/* ---- what is right ---- */

static void test_plain(void **state)
{
    (void)state;
    assert_int_equal(parse(), 0);
    assert_int_equal(f.nr, 3);
    check(0, FLASH, 0x4000000, EFI_ACCESS_DATA, EFI_CACHE_DEVICE);
    check(1, CODE, 0x10000, EFI_ACCESS_MIXED, EFI_CACHE_WB);
    check(2, DATA, 0x10000, EFI_ACCESS_DATA, EFI_CACHE_WB);
    assert_true(said("0x80100000-0x80110000 is code: it is writable and executable"));
    for (u32 i = 0; i < EFI_NR_SERVICES; i++) {
        assert_int_equal(f.service[i], CODE + i * 16);
    }
    assert_int_equal(f.nr_kept, 2);
    assert_int_equal(f.kept[0].start, SYSTEM);
    assert_int_equal(f.kept[1].start, MAP);
    assert_int_equal(f.kept[1].size, 4 * DESC);
}

/* The map itself says what is code and what is data. */
static void test_attributes_of_the_map(void **state)
{
    (void)state;
    nr_desc = 0;
    add(5, CODE, 0x10, WB | RT | RO);
    add(5, CODE + 0x10000, 0x10, WB | RT | XP);
    add(5, CODE + 0x20000, 0x10, WB | RT | XP | RO);
    add(6, CODE + 0x30000, 0x10, BIT(1) | RT);
    add(6, CODE + 0x40000, 0x10, BIT(0) | RT);
    add(5, CODE + 0x50000, 0x10, BIT(0) | RT);
    assert_int_equal(parse(), 0);
    check(0, CODE, 0x10000, EFI_ACCESS_CODE, EFI_CACHE_WB);
    check(1, CODE + 0x10000, 0x10000, EFI_ACCESS_DATA, EFI_CACHE_WB);
    check(2, CODE + 0x20000, 0x10000, EFI_ACCESS_CONST, EFI_CACHE_WB);
    check(3, CODE + 0x30000, 0x10000, EFI_ACCESS_DATA, EFI_CACHE_NONE);
    check(4, CODE + 0x40000, 0x10000, EFI_ACCESS_DATA, EFI_CACHE_DEVICE);
    check(5, CODE + 0x50000, 0x10000, EFI_ACCESS_DATA, EFI_CACHE_DEVICE);
    assert_false(said("writable and executable"));
}

static void with_attributes(void)
{
    add_config(0, 1, 2, BASE);
    add_config(1, GUID_ATTRIBUTES, ATTRIBUTES);
    put(ATTRIBUTES, 1, 4);
    put(ATTRIBUTES + 8, DESC, 4);
}

/* An image: headers, code, data; and what no entry speaks of. */
static void test_attributes_table(void **state)
{
    (void)state;
    with_attributes();
    add_attributes(CODE, 1, RO | XP);
    add_attributes(CODE + 0x1000, 4, RO);
    add_attributes(CODE + 0x6000, 2, XP);
    add_attributes(DATA, 0x10, XP);
    assert_int_equal(parse(), 0);
    assert_int_equal(f.nr, 7);
    check(1, CODE, 0x1000, EFI_ACCESS_CONST, EFI_CACHE_WB);
    check(2, CODE + 0x1000, 0x4000, EFI_ACCESS_CODE, EFI_CACHE_WB);
    check(3, CODE + 0x5000, 0x1000, EFI_ACCESS_CODE, EFI_CACHE_WB);
    check(4, CODE + 0x6000, 0x2000, EFI_ACCESS_DATA, EFI_CACHE_WB);
    check(5, CODE + 0x8000, 0x8000, EFI_ACCESS_CODE, EFI_CACHE_WB);
    check(6, DATA, 0x10000, EFI_ACCESS_DATA, EFI_CACHE_WB);
    assert_false(said("writable and executable"));
    /* All services are in the headers, which nobody executes. */
    assert_int_equal(f.service[0], 0);
    assert_true(said("runtime service 0 at 0x80100000 is not in code"));
    assert_int_equal(f.nr_kept, 3);
    assert_int_equal(f.kept[1].start, CONFIG);
    assert_int_equal(f.kept[1].size, 48);
}

/* A bad entry costs that entry. */
static void test_attributes_bad_entries(void **state)
{
    (void)state;
    with_attributes();
    add_attributes(CODE + 0x800, 1, XP);
    add_attributes(CODE + 0xf000, 2, XP);        /* beyond its end */
    add_attributes(CODE - 0x1000, 2, XP);
    add_attributes(FLASH, 1, RO);
    add_attributes(CODE, 0, XP);
    add_attributes(CODE, UINT64_MAX >> 12, XP);
    add_attributes(CODE + 0x2000, 1, 0);
    add_attributes(CODE + 0x4000, 1, XP);
    assert_int_equal(parse(), 0);
    check(1, CODE, 0x2000, EFI_ACCESS_CODE, EFI_CACHE_WB);
    check(2, CODE + 0x2000, 0x1000, EFI_ACCESS_MIXED, EFI_CACHE_WB);
    check(3, CODE + 0x3000, 0x1000, EFI_ACCESS_CODE, EFI_CACHE_WB);
    check(4, CODE + 0x4000, 0x1000, EFI_ACCESS_DATA, EFI_CACHE_WB);
    check(5, CODE + 0x5000, 0xb000, EFI_ACCESS_CODE, EFI_CACHE_WB);
    assert_true(said("memory attributes: 0x8010f000, 0x2 pages, is not within memory of its own"));
    assert_true(said("memory attributes: 0x80102000-0x80103000 is writable and executable"));
}

/* A table that cannot be used is as none: the code's range is mixed again. */
static void test_attributes_bad_table(void **state)
{
    static const struct { u32 at, value; } bad[] = {
        { 0, 0 }, { 4, 0 }, { 4, ~0u }, { 8, 24 }, { 8, 44 }, { 8, 2048 },
    };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
        nr_attributes = 0;
        with_attributes();
        add_attributes(CODE, 0x10, RO);
        put(ATTRIBUTES + bad[i].at, bad[i].value, 4);
        unit_log_clear();
        assert_int_equal(parse(), 0);
        check(1, CODE, 0x10000, EFI_ACCESS_MIXED, EFI_CACHE_WB);
        assert_true(said("memory attributes at 0x80006000 cannot be used"));
    }
    add_config(1, GUID_ATTRIBUTES, 0x1234000);
    assert_int_equal(parse(), 0);
    check(1, CODE, 0x10000, EFI_ACCESS_MIXED, EFI_CACHE_WB);
    /* Its head can be read, but not all of it. */
    add_config(1, GUID_ATTRIBUTES, BASE + sizeof(memory) - 16);
    put(BASE + sizeof(memory) - 16, 1, 4);
    put(BASE + sizeof(memory) - 12, 10, 4);
    put(BASE + sizeof(memory) - 8, DESC, 4);
    assert_int_equal(parse(), -EINVAL);
}

/* ---- services ---- */

static void test_properties(void **state)
{
    (void)state;
    add_config(0, GUID_PROPERTIES, PROPERTIES);
    put(PROPERTIES, 1, 2);
    put(PROPERTIES + 2, 8, 2);
    put(PROPERTIES + 4, 0x10 | 0x400 | 0x2000 | 1, 4);
    assert_int_equal(parse(), 0);
    for (u32 i = 0; i < EFI_NR_SERVICES; i++) {
        bool has = i == EFI_GET_TIME || i == EFI_GET_VARIABLE || i == EFI_RESET_SYSTEM || i == EFI_QUERY_VARIABLE_INFO;

        assert_int_equal(f.service[i] != 0, has);
    }
    put(PROPERTIES + 2, 7, 2);
    assert_int_equal(parse(), 0);
    assert_int_not_equal(f.service[EFI_SET_TIME], 0);
    assert_true(said("runtime properties at 0x80007000 cannot be used"));
}

static void test_services(void **state)
{
    (void)state;
    put(RUNTIME + 12, 24 + 8 * 11, 4);           /* revision 1 */
    put(RUNTIME + 24, 0, 8);
    put(RUNTIME + 32, CODE + 2, 8);              /* no instruction */
    put(RUNTIME + 40, DATA, 8);
    put(RUNTIME + 48, CODE + 0x10000, 8);
    assert_int_equal(parse(), 0);
    for (u32 i = 0; i < EFI_NR_SERVICES; i++) {
        assert_int_equal(f.service[i] != 0, i >= 4 && i < 11);
    }
    assert_true(said("runtime service 2 at 0x80140000 is not in code"));
    assert_true(said("runtime service 1 at"));
    assert_false(said("runtime service 0 at"));
}

static void test_config_tables(void **state)
{
    (void)state;
    put(SYSTEM + 104, ~0UL, 8);
    assert_int_equal(parse(), 0);
    assert_true(said("18446744073709551615 configuration tables: 256 are looked at"));
    put(SYSTEM + 104, 3, 8);
    put(SYSTEM + 112, BASE + sizeof(memory) - 30, 8);
    assert_int_equal(parse(), 0);
    assert_true(said("configuration tables at 0x80007fe2 cannot be read"));
}

/* ---- what turns all of it off ---- */

static void off(const char *why)
{
    unit_log_clear();
    assert_int_equal(parse(), -EINVAL);
    if (!said("UEFI runtime services are off") || !said(why)) {
        fail_msg("%s: %s", why, unit_log());
    }
}

static void test_no_tables(void **state)
{
    (void)state;
    put(SYSTEM, 1, 1);
    off("no system table (0x80001000)");
    put(SYSTEM, 0x49, 1);
    put(RUNTIME, 1, 1);
    off("no runtime table (0x80003000)");
    put(SYSTEM + 88, 0, 8);
    off("no runtime table (0)");
    efi.system_table = UINT64_MAX - 8;
    off("no system table");
}

static void test_no_map(void **state)
{
    (void)state;
    efi.desc_size = 32;
    off("size or version that is not known (0x20)");
    efi.desc_size = 44;
    off("size or version");
    efi.desc_size = 4096;
    off("size or version");
    efi.desc_size = DESC;
    efi.desc_version = 2;
    off("size or version");
    efi.desc_version = 1;
    efi.map.size = MIB(2);
    off("missing or too large (0x200000)");
    efi.map.size = 0;
    off("missing or too large");
    efi.map.size = DESC;
    off("no memory is marked as its own");
    efi.map.start = 0x1000;
    off("map cannot be read (0x1000)");
}

/* What was fine is told all the same, so that it is kept from being used. */
static void test_bad_ranges(void **state)
{
    static const struct { u64 start, pages; const char *why; } bad[] = {
        { 0x90000800, 1, "not page aligned (0x90000800)" }, { 0x90000000, 0, "empty, or wraps (0x90000000)" },
        { 0xfffffffff000, 2, "empty, or wraps" }, { 0x90000000, ~0UL, "empty, or wraps" },
        { CODE + 0x1000, 1, "overlap (0x80101000)" }, { CODE - 0x1000, 2, "overlap" },
        { CODE - 0x1000, 0x1000, "overlap" },
    };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
        nr_desc = 0;
        add(5, CODE, 0x10, WB | RT);
        add(6, bad[i].start, bad[i].pages, WB | RT);
        add(6, DATA + 0x1000000, 0x10, WB | RT);
        off(bad[i].why);
        assert_int_equal(f.nr, 2);
        check(1, DATA + 0x1000000, 0x10000, EFI_ACCESS_DATA, EFI_CACHE_WB);
    }
}

static void test_too_many(void **state)
{
    (void)state;
    nr_desc = 0;
    with_attributes();
    add(5, CODE, 0x1000, WB | RT);
    /* Each entry makes two more. */
    for (u32 i = 0; i < EFI_MAX_REGIONS / 2; i++) {
        put_descriptor(ATTRIBUTES + 16 + i * DESC, 5, CODE + (2 * i + 1) * PAGE_SIZE, 1, XP);
    }
    put(ATTRIBUTES + 4, EFI_MAX_REGIONS / 2 - 1, 4);
    put(ATTRIBUTES + 8, DESC, 4);
    assert_int_equal(parse(), 0);
    assert_int_equal(f.nr, EFI_MAX_REGIONS - 1);
    put(ATTRIBUTES + 4, EFI_MAX_REGIONS / 2, 4);
    off("too many ranges of memory");
    assert_int_equal(f.nr, EFI_MAX_REGIONS);
}

/* Whatever is changed in the tables, nothing is read or written that is not there. */
static void test_any_byte(void **state)
{
    static u8 good[sizeof(memory)];
    u32 seed = 1;

    (void)state;
    with_attributes();
    add_config(2, GUID_PROPERTIES, PROPERTIES);
    add_attributes(CODE, 1, RO | XP);
    add_attributes(CODE + 0x1000, 4, RO);
    memcpy(good, memory, sizeof(good));
    for (u32 turn = 0; turn < 20000; turn++) {
        memcpy(memory, good, sizeof(good));
        for (u32 n = 0; n < 3; n++) {
            static const u32 page[] = { 1, 2, 3, 4, 6, 7 };

            seed = seed * 1664525u + 1013904223u;
            memory[page[(seed >> 8) % ARRAY_SIZE(page)] * 0x1000 + (seed >> 16) % 256] = (u8)(seed >> 24);
        }
        unit_log_clear();
        (void)!parse();
    }
}

#define efi_case(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        efi_case(test_plain), efi_case(test_attributes_of_the_map), efi_case(test_attributes_table),
        efi_case(test_attributes_bad_entries), efi_case(test_attributes_bad_table), efi_case(test_properties),
        efi_case(test_services), efi_case(test_config_tables), efi_case(test_no_tables), efi_case(test_no_map),
        efi_case(test_bad_ranges), efi_case(test_too_many), efi_case(test_any_byte),
    };

    return cmocka_run_group_tests_name("efi_runtime", tests, NULL, NULL);
}
