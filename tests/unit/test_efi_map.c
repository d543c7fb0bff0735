/* SPDX-License-Identifier: MIT */
/* unit-sources: firmware/efi/efi.c firmware/machine.c firmware/fdt/dt.c firmware/fdt/prop.c firmware/fdt/irq.c */
/* unit-sources: firmware/fdt/machine.c firmware/fdt/numa.c firmware/fdt/gic.c */
/* unit-sources: firmware/fdt/chosen.c firmware/fdt/uart.c */
/* unit-libs: -lfdt */
/*
 * What UEFI left, into struct machine: its memory map, its configuration tables, and the properties of /chosen that
 * lead there.
 */
#include "unit.h"
#include "dt_tree.h"
#include "uarts.h"
#include <firmware/efi/efi.h>

#define MAP_AT    0x47000000UL
#define TABLE_AT  0x7ff00008UL
#define CONFIG_AT 0x7ff80003UL           /* nothing says that it is aligned */
#define WB        UINT64_C(8)
#define RUNTIME   BIT(63)

static struct { paddr_t start; u64 size; u8 *data; } window[3];  /* map, system table, configuration tables */
static u32 open_windows;
static u64 desc_size;
static u32 nr_config;

static const void *map_window(paddr_t pa, u64 size)
{
    assert_true(size != 0 && size <= MIB(1));
    for (u32 i = 0; i < ARRAY_SIZE(window); i++) {
        if (window[i].data != NULL && pa >= window[i].start && pa - window[i].start + size <= window[i].size) {
            open_windows++;
            return window[i].data + (pa - window[i].start);
        }
    }
    return NULL;
}

static void unmap_window(const void *va, u64 size)
{
    assert_non_null(va);
    assert_true(size != 0 && open_windows != 0);
    open_windows--;
}

static const struct firmware_memory memory = { .map = map_window, .unmap = unmap_window };

/* Room for n bytes at the end of what has been there: of exactly that size. */
static u8 *grow(u32 i, u64 n)
{
    u8 *data = calloc(1, window[i].size + n);

    if (window[i].data != NULL) {
        memcpy(data, window[i].data, window[i].size);
        free(window[i].data);
    }
    window[i].data = data;
    window[i].size += n;
    return data + window[i].size - n;
}

static void piece(u32 type, u64 start, u64 pages, u64 attribute)
{
    const u64 fields[5] = { type | UINT64_C(0xdeadbeef) << 32, start, 0x1234, pages, attribute };
    u8 *p = grow(0, desc_size);

    memset(p, 0xee, desc_size);
    memcpy(p, fields, MIN(sizeof(fields), desc_size));
    machine.efi.map.size = window[0].size;
}

static void config_table(const u8 guid[16], u64 at)
{
    u8 *p = grow(2, 24);

    memcpy(p, guid, 16);
    memcpy(p + 16, &at, 8);
    nr_config++;
    memcpy(window[1].data + 104, &(u64){ nr_config }, 8);
    memcpy(window[1].data + 112, &(u64){ CONFIG_AT }, 8);
}

static void forget(void)
{
    for (u32 i = 0; i < ARRAY_SIZE(window); i++) {
        free(window[i].data);
        memset(&window[i], 0, sizeof(window[i]));
    }
    memset(&machine, 0, sizeof(machine));
    open_windows = nr_config = 0;
}

/* A firmware with a system table and an empty map. */
static void firmware(u64 size)
{
    forget();
    desc_size = size;
    window[0].start = MAP_AT;
    window[1].start = TABLE_AT;
    window[2].start = CONFIG_AT;
    memcpy(grow(1, 120), "IBI SYST", 8);
    machine.efi = (struct machine_efi){ .system_table = TABLE_AT, .map = { .start = MAP_AT }, .desc_size = (u32)size,
                                        .desc_version = 1 };
    unit_log_clear();
}

static int setup(void **state)
{
    int r = unit_setup(state);

    firmware(48);
    return r;
}

static int teardown(void **state)
{
    forget();
    return unit_teardown(state);
}
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

/* Read, as machine_describe() does, and compare with banks "start+size ..." in pages of 0x1000 above 0x40000000. */
static void check_banks(const char *expected)
{
    char text[4096] = "";
    size_t n = 0;

    assert_int_equal(efi_read_machine(&machine, &memory), 0);
    assert_int_equal(open_windows, 0);
    machine_sort_banks(&machine);
    for (u32 i = 0; i < machine.nr_banks; i++) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%lx+%lx", i != 0 ? " " : "",
                              (unsigned long)((machine.banks[i].start - 0x40000000) >> 12),
                              (unsigned long)(machine.banks[i].size >> 12));
        assert_int_equal(machine.banks[i].node, 0);
    }
    assert_string_equal(text, expected);
}

static void refused(const char *why)
{
    assert_int_equal(efi_read_machine(&machine, &memory), -EINVAL);
    assert_int_equal(open_windows, 0);
    if (strstr(unit_log(), why) == NULL) {
        fail_msg("\"%s\" is not in the log: %s", why, unit_log());
    }
    unit_log_clear();
}

static u64 at(u64 page) { return 0x40000000 + (page << 12); }

static void test_types(void **state)
{
    (void)state;
    for (u32 type = 0; type < 16; type++) {
        piece(type, at(16 * type), 2, WB | 7);
    }
    piece(0x70000001, at(0x200), 2, WB);         /* an OEM's */
    piece(0x80000007, at(0x210), 2, WB);         /* an operating system's */
    piece(33, at(0x220), 2, WB);
    check_banks("10+2 20+2 30+2 40+2 70+2");
    assert_string_equal(unit_log(), "");
}

static void test_attributes(void **state)
{
    (void)state;
    piece(7, at(0), 2, WB);
    piece(7, at(0x10), 2, 0);
    piece(7, at(0x20), 2, 7);            /* not to be cached write-back */
    piece(7, at(0x30), 2, RUNTIME | WB); /* firmware goes on using it */
    piece(7, at(0x40), 2, WB | 0x30000); /* more reliable, and so on */
    piece(7, at(0x50), 2, WB | BIT(18)); /* for a special purpose */
    check_banks("0+2 40+2");
}

static void test_order_and_neighbours(void **state)
{
    (void)state;
    piece(7, at(0x30), 0x10, WB);
    piece(2, at(0x10), 0x10, WB);
    piece(9, at(0x40), 1, WB);
    piece(4, at(0x20), 0x10, WB);
    piece(3, at(0), 0x10, WB);
    piece(7, at(0x41), 1, WB);
    check_banks("0+40 41+1");
}

static void test_overlaps(void **state)
{
    (void)state;
    piece(7, at(0), 4, WB);
    piece(7, at(0), 8, WB);              /* the same start, and more */
    piece(7, at(2), 3, WB);              /* inside */
    piece(7, at(6), 4, WB);
    piece(7, at(0x20), 8, WB);
    piece(7, at(0x20), 2, WB);
    check_banks("0+a 20+8");
}

/* What is not for use stays so, though it is said to be free as well. */
static void test_contradictions(void **state)
{
    (void)state;
    piece(6, at(4), 2, RUNTIME | WB);
    piece(7, at(0), 0x10, WB);
    piece(11, at(8), 1, 1);              /* registers: no memory, whatever there is */
    piece(0, at(0xf), 8, WB);
    check_banks("0+4 6+9");
    assert_non_null(strstr(unit_log(),
                           "UEFI: 0x40004000..0x40006000 in the memory map is free and of type 6: not used"));
    assert_non_null(strstr(unit_log(),
                           "UEFI: 0x4000f000..0x40017000 in the memory map is free and of type 0: not used"));
    firmware(48);
    piece(7, at(0), 0x1000, WB);
    for (u32 i = 0; i <= MACHINE_MAX_NOMAP; i++) {
        piece(6, at(2 * i), 1, RUNTIME | WB);
    }
    refused("UEFI: the memory map has too many such pieces");
}

static void test_sizes_of_descriptors(void **state)
{
    static const u64 sizes[] = { 40, 41, 48, 64, 4096 };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
        firmware(sizes[i]);
        piece(7, at(8), 4, WB);
        piece(7, at(0), 4, WB);
        grow(0, sizes[i] - 1);           /* less than one more */
        machine.efi.map.size = window[0].size;
        check_banks("0+4 8+4");
        assert_int_equal(machine.nr_reserved, 1);
        assert_int_equal(machine.reserved[0].start, MAP_AT);
        assert_int_equal(machine.reserved[0].size, ROUND_UP(3 * sizes[i] - 1, PAGE_SIZE));
    }
}

static void test_no_ranges(void **state)
{
    (void)state;
    piece(7, at(0), 0, WB);
    piece(7, at(0x10), BIT(52), WB);
    piece(7, at(0x10), BIT(52) + 4, WB);         /* more bytes than there are addresses */
    piece(7, at(0x10), UINT64_MAX, WB);
    piece(7, UINT64_MAX - 0xfff, 1, WB);         /* ends at 2^64 */
    piece(7, UINT64_MAX - 0x1fff, 4, WB);
    piece(7, at(0x30), 1, WB);
    check_banks("30+1");
    firmware(48);
    piece(7, at(0), (BIT(45) - at(0)) >> 12, WB);        /* more than can be used: that much of it */
    check_banks("0+fffc0000");
    firmware(48);
    piece(7, at(0) + 1, 2, WB);                  /* no whole pages */
    check_banks("1+1");
}

static bool has_memory(u64 start, u64 size)
{
    bool is = efi_is_memory(&machine.efi, &memory, start, size);

    assert_int_equal(open_windows, 0);
    return is;
}

/* What may be read, whosever it is. */
static void test_is_memory(void **state)
{
    (void)state;
    piece(10, at(4), 4, WB);
    piece(7, at(0), 5, WB);              /* what touches or overlaps is one */
    piece(0, at(8), 1, 2);
    piece(6, at(0x10), 1, RUNTIME | WB);
    piece(11, at(0x11), 1, RUNTIME | 2); /* registers, whatever they may be read like */
    piece(12, at(0x12), 1, WB);
    piece(8, at(0x13), 1, WB);           /* broken */
    piece(7, at(0x14), 1, 1);            /* not like memory */
    piece(0x80000007, at(0x15), 1, WB);
    piece(9, UINT64_MAX - 0x1fff, 1, WB);
    assert_true(has_memory(at(0), 0x9000));
    assert_true(has_memory(at(7) + 0xfff, 0x1001));
    assert_false(has_memory(at(7) + 0xfff, 0x1002));
    assert_false(has_memory(at(0) - 1, 2));
    assert_true(has_memory(at(0x10), 0x1000));
    for (u32 i = 0x11; i <= 0x14; i++) {
        assert_false(has_memory(at(i), 8));
    }
    assert_true(has_memory(at(0x15), 8));
    assert_true(has_memory(UINT64_MAX - 0x1fff, 0x1000));
    assert_false(has_memory(UINT64_MAX - 0x1fff, 0x1001));
    assert_false(has_memory(UINT64_MAX - 0x1fff, UINT64_MAX));
    machine.efi.map.start = at(0);       /* not there any more */
    assert_false(has_memory(at(0), 8));
    machine.efi.map.start = MAP_AT;
    machine.efi.desc_size = 39;
    assert_false(has_memory(at(0), 8));
}

static void test_many_pieces(void **state)
{
    u32 lost = 0;

    (void)state;
    for (u32 i = 0; i < 100; i++) {
        u32 pages = 1 + i * 37 % 100;            /* each size from 1 to 100 once */

        piece(7, at(0x100 * ((i * 61) % 100)), pages, WB);
        lost += pages <= 36 ? pages : 0;
    }
    assert_int_equal(efi_read_machine(&machine, &memory), 0);
    machine_sort_banks(&machine);
    assert_int_equal(machine.nr_banks, MACHINE_MAX_BANKS);
    for (u32 i = 0; i < machine.nr_banks; i++) {
        assert_in_range(machine.banks[i].size >> 12, 37, 100);
    }
    char text[128];

    snprintf(text, sizeof(text), "UEFI's memory map is in more than 64 pieces: %u KiB in the smallest are not used",
             4 * lost);
    assert_non_null(strstr(unit_log(), text));
    firmware(48);
    for (u32 i = 0; i < MACHINE_MAX_BANKS; i++) {
        piece(7, at(2 * i), 1, WB);
    }
    assert_int_equal(efi_read_machine(&machine, &memory), 0);
    assert_int_equal(machine.nr_banks, MACHINE_MAX_BANKS);
    assert_string_equal(unit_log(), "");
}

static void test_bad_maps(void **state)
{
    (void)state;
    refused("UEFI: a memory map of 0 bytes, with descriptors of 48 bytes, cannot be used");
    piece(11, at(0), 4, 1);
    refused("UEFI: no RAM in the memory map at 0x47000000");
    machine.efi.map.start += 1;
    refused("UEFI: the memory map at 0x47000001 cannot be read");
    machine.efi.map.start = UINT64_MAX - 7;
    refused("UEFI: the memory map at 0xfffffffffffffff8 cannot be read");
    machine.efi.map.start = MAP_AT;
    machine.efi.map.size = MIB(1) + 1;
    refused("UEFI: a memory map of 1048577 bytes");
    machine.efi.map.size = 39;
    machine.efi.desc_size = 39;
    refused("with descriptors of 39 bytes, cannot be used");
    machine.efi.map.size = 47;
    machine.efi.desc_size = 48;
    refused("UEFI: no RAM in the memory map");
    piece(7, at(0), 4, WB);
    machine.efi.desc_version = 2;
    check_banks("0+4");
    assert_non_null(strstr(unit_log(), "UEFI: the memory map's descriptors are of version 2, not 1"));
}

/* ---- the system table ---- */
static const u8 acpi_20[16] = { 0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11, 0xbc, 0x22, 0, 0x80, 0xc7, 0x3c, 0x88,
                                0x81 };
static const u8 acpi_10[16] = { 0x30, 0x2d, 0x9d, 0xeb, 0x88, 0x2d, 0xd3, 0x11, 0x9a, 0x16, 0, 0x90, 0x27, 0x3f, 0xc1,
                                0x4d };
static const u8 fdt_guid[16] = { 0xd5, 0x21, 0xb6, 0xb1, 0x9c, 0xf1, 0xa5, 0x41, 0x83, 0x0b, 0xd9, 0x15, 0x2c, 0x69,
                                 0xaa, 0xe0 };

static void test_rsdp(void **state)
{
    (void)state;
    piece(7, at(0), 4, WB);
    check_banks("0+4");
    assert_int_equal(machine.rsdp, 0);
    config_table(fdt_guid, 0x111);
    config_table(acpi_10, 0x222);
    check_banks("0+4");
    assert_int_equal(machine.rsdp, 0x222);
    config_table(acpi_20, 0);            /* nowhere */
    check_banks("0+4");
    assert_int_equal(machine.rsdp, 0x222);
    config_table(acpi_20, 0x333);
    check_banks("0+4");
    assert_int_equal(machine.rsdp, 0x333);
    config_table(acpi_10, 0x444);
    config_table(acpi_20, 0x555);        /* the first counts */
    check_banks("0+4");
    assert_int_equal(machine.rsdp, 0x333);
}

static void test_many_tables(void **state)
{
    (void)state;
    piece(7, at(0), 4, WB);
    for (u32 i = 0; i < 256; i++) {
        config_table(fdt_guid, 1);
    }
    check_banks("0+4");
    assert_string_equal(unit_log(), "");
    config_table(acpi_20, 0x333);
    check_banks("0+4");
    assert_int_equal(machine.rsdp, 0);
    assert_non_null(strstr(unit_log(), "UEFI: 257 configuration tables: 256 are looked at"));
    memcpy(window[1].data + 104, &(u64){ UINT64_MAX }, 8);
    check_banks("0+4");
}

static void test_bad_tables(void **state)
{
    (void)state;
    piece(7, at(0), 4, WB);
    config_table(acpi_20, 0x333);
    memcpy(window[1].data + 112, &(u64){ 0x1000 }, 8);
    check_banks("0+4");                  /* costs the RSDP, not the machine */
    assert_int_equal(machine.rsdp, 0);
    assert_non_null(strstr(unit_log(), "UEFI: the configuration tables at 0x1000 cannot be read"));
    window[1].data[0] = 'i';
    refused("UEFI: no system table at 0x7ff00008");
    window[1].data[0] = 'I';
    machine.efi.system_table++;
    refused("UEFI: no system table at 0x7ff00009");
}

/* ---- the tree ---- */
static const char *const names[] = { "linux,uefi-system-table", "linux,uefi-mmap-start", "linux,uefi-mmap-size",
                                     "linux,uefi-mmap-desc-size", "linux,uefi-mmap-desc-ver" };
static u64 value[5];
static u32 bytes[5];                     /* of each property, 0: absent */
static struct tree tree;
static u64 start_of[3];                  /* of memory nodes with numa-node-id 1, 2, 3 */

static void chosen(void *f)
{
    for (u32 i = 0; i < 5; i++) {
        const fdt32_t cells[3] = { cpu_to_fdt32(HI(value[i])), cpu_to_fdt32(LO(value[i])), 0 };

        if (bytes[i] != 0) {
            tree_bytes(f, names[i], cells + (bytes[i] == 4), bytes[i]);
        }
    }
}

static void nodes(void *f)
{
    for (u32 i = 0; i < 3 && start_of[i] != 0; i++) {
        char name[32];

        snprintf(name, sizeof(name), "memory@%lx", (unsigned long)start_of[i]);
        tree_begin(f, name);
        tree_str(f, "device_type", "memory");
        tree_cells(f, "reg", RANGE(start_of[i], 0x10000));
        tree_cells(f, "numa-node-id", i + 1);
        tree_end(f);
    }
}

static void from_tree(void)
{
    struct tree_options o = tree_defaults();

    o.no_modules = true;                 /* properties come before nodes */
    o.more_chosen = chosen;
    o.more = nodes;
    unit_log_clear();
    assert_int_equal(machine_from_firmware(tree_virt(&tree, &o), TREE_SIZE, 0), 0);
}

static void five(u32 n)
{
    const u64 values[5] = { TABLE_AT, MAP_AT, 4800, 48, 1 };

    for (u32 i = 0; i < 5; i++) {
        value[i] = values[i];
        bytes[i] = n;
    }
    memset(start_of, 0, sizeof(start_of));
}

static void test_properties(void **state)
{
    (void)state;
    for (u32 n = 4; n <= 8; n += 4) {
        five(n);
        from_tree();
        assert_string_equal(unit_log(), "");
        assert_int_equal(machine.efi.system_table, TABLE_AT);
        assert_int_equal(machine.efi.map.start, MAP_AT);
        assert_int_equal(machine.efi.map.size, 4800);
        assert_int_equal(machine.efi.desc_size, 48);
        assert_int_equal(machine.efi.desc_version, 1);
    }
    value[0] = UINT64_C(0x8080000000) | TABLE_AT;
    from_tree();
    assert_int_equal(machine.efi.system_table, value[0]);
}

static void test_bad_properties(void **state)
{
    char text[128];

    (void)state;
    for (u32 i = 0; i < 5; i++) {
        for (u32 n = 0; n <= 12; n += n == 8 ? 4 : n == 4 ? 1 : n == 5 ? 3 : 4) {
            five(8);
            bytes[i] = n;
            from_tree();
            snprintf(text, sizeof(text), "device tree: /chosen: %s %s: what UEFI left is not used",
                     n == 0 ? "no" : "bad",
                     names[i]);
            if (n == 4 || n == 8) {
                assert_int_not_equal(machine.efi.system_table, 0);
                continue;
            }
            assert_int_equal(machine.efi.system_table, 0);
            if (i == 0 && n == 0) {
                assert_string_equal(unit_log(), "");     /* not started by UEFI */
            } else {
                assert_non_null(strstr(unit_log(), text));
            }
        }
    }
    for (u32 i = 3; i < 5; i++) {
        five(8);
        value[i] += UINT64_C(1) << 32;   /* the rest would be what is right */
        from_tree();
        assert_int_equal(machine.efi.system_table, 0);
        snprintf(text, sizeof(text), "bad %s", names[i]);
        assert_non_null(strstr(unit_log(), text));
    }
}

/* RAM is the map's, its nodes are the tree's. */
static void test_nodes(void **state)
{
    (void)state;
    piece(7, 0x50000000, 0x20, WB);
    piece(6, 0x50020000, 1, WB | RUNTIME);
    piece(7, 0x50021000, 0x2f, WB);
    five(8);
    value[2] = window[0].size;
    start_of[0] = 0x50010000;
    start_of[1] = 0x50020000;
    start_of[2] = 0x60000000;            /* where there is none */
    from_tree();
    assert_int_equal(machine_describe(ACPI_AUTO, &memory), 0);
    assert_int_equal(open_windows, 0);
    assert_false(machine.acpi);
    assert_int_equal(machine.nodes, 15);
    const struct machine_range expected[] = {
        { 0x50000000, 0x10000, 0 }, { 0x50010000, 0x10000, 1 }, { 0x50021000, 0xf000, 2 }, { 0x50030000, 0x20000, 0 }
    };

    assert_int_equal(machine.nr_banks, ARRAY_SIZE(expected));
    for (u32 i = 0; i < ARRAY_SIZE(expected); i++) {
        assert_int_equal(machine.banks[i].start, expected[i].start);
        assert_int_equal(machine.banks[i].size, expected[i].size);
        assert_int_equal(machine.banks[i].node, expected[i].node);
    }
    from_tree();
    window[1].data[0] = 0;
    assert_int_equal(machine_describe(ACPI_AUTO, &memory), -EINVAL);
}

static struct efi_memory seen[4];
static u32 nr_seen;

static int see(void *arg, const struct efi_memory *d)
{
    assert_ptr_equal(arg, seen);
    seen[nr_seen++] = *d;
    return d->type == 11 ? -ENOSPC : 0;
}

/* One after the other, in any order, until who is shown them has enough; what has no end ends with the addresses. */
static void test_each(void **state)
{
    (void)state;
    nr_seen = 0;
    assert_int_equal(efi_each_memory(&machine.efi, &memory, see, seen), -EINVAL);
    piece(7, 0x80000000, 2, 8);
    piece(5, 0x40000000, UINT64_MAX, BIT(63));
    piece(11, 0x9000000, 0, 1);
    piece(7, 0x90000000, 1, 8);
    assert_int_equal(efi_each_memory(&machine.efi, &memory, see, seen), -ENOSPC);
    assert_int_equal(nr_seen, 3);
    assert_int_equal(seen[0].start, 0x80000000);
    assert_int_equal(seen[0].size, 0x2000);
    assert_int_equal(seen[0].attributes, 8);
    assert_int_equal(seen[1].size, UINT64_MAX - 0x40000000);
    assert_int_equal(seen[2].size, 0);
    assert_int_equal(open_windows, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_types), CASE(test_attributes), CASE(test_order_and_neighbours), CASE(test_overlaps),
        CASE(test_contradictions), CASE(test_sizes_of_descriptors), CASE(test_no_ranges), CASE(test_is_memory),
        CASE(test_many_pieces), CASE(test_bad_maps), CASE(test_rsdp), CASE(test_many_tables), CASE(test_bad_tables),
        CASE(test_properties), CASE(test_bad_properties), CASE(test_nodes), CASE(test_each)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
