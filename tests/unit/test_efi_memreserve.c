/* SPDX-License-Identifier: MIT */
/* unit-sources: firmware/efi/efi.c firmware/machine.c firmware/fdt/dt.c firmware/fdt/prop.c firmware/fdt/irq.c */
/* unit-sources: firmware/fdt/machine.c firmware/fdt/numa.c firmware/fdt/gic.c */
/* unit-sources: firmware/fdt/chosen.c firmware/fdt/uart.c */
/* unit-libs: -lfdt */
/* What a Linux that has started Argon by kexec lists as in use by hardware (LINUX_EFI_MEMRESERVE_TABLE). */
#include "unit.h"
#include "uarts.h"
#include <argon/machine.h>
#include <firmware/efi/efi.h>

#define AT   0x50000000UL        /* memory map, system table, its one configuration table; at LIST the list */
#define LIST (AT + 0x1000)

static u8 image[0x4000];

static const void *map_image(paddr_t pa, u64 size)
{
    return pa >= AT && pa - AT < sizeof(image) && size <= sizeof(image) - (pa - AT) ? &image[pa - AT] : NULL;
}

static void unmap_image(const void *va, u64 size)
{
    (void)va;
    (void)size;
}

static const struct firmware_memory memory = { .map = map_image, .unmap = unmap_image };

static void put(u64 at, u64 value) { memcpy(&image[at - AT], &value, sizeof(value)); }

static int setup(void **state)
{
    static const u8 guid[16] = {
        0xc6, 0xb0, 0x8e, 0x88, 0xde, 0x8e, 0xf5, 0x4f, 0xa8, 0xf0, 0x9a, 0xee, 0x5c, 0xb9, 0x77, 0xc2
    };
    int r = unit_setup(state);

    memset(image, 0, sizeof(image));
    memset(&machine, 0, sizeof(machine));
    put(AT, 7);                                  /* RAM */
    put(AT + 8, 0x40000000);
    put(AT + 24, 0x40000);
    put(AT + 32, 8);
    memcpy(&image[0x100], "IBI SYST", 8);
    put(AT + 0x100 + 104, 1);
    put(AT + 0x100 + 112, AT + 0x200);
    memcpy(&image[0x200], guid, sizeof(guid));
    put(AT + 0x200 + 16, LIST);
    machine.efi = (struct machine_efi){ .system_table = AT + 0x100, .map = { .start = AT, .size = 48 }, .desc_size = 48,
                                        .desc_version = 1 };
    return r;
}

/* A link: room, ranges in use, where the next is. */
static void link_at(u64 at, u32 room, u32 nr, u64 next, u64 start)
{
    put(at, room | (u64)nr << 32);
    put(at + 8, next);
    for (u32 i = 0; i < nr && i < 4; i++) {
        put(at + 16 + i * 16, start + i * 0x20000);
        put(at + 24 + i * 16, 0x10000);
    }
}

static bool is_reserved(u64 start, u64 size)
{
    const struct machine_range r = { .start = start, .size = size };

    for (u32 i = 0; i < machine.nr_reserved; i++) {
        if (machine_range_in(&r, &machine.reserved[i])) {
            return true;
        }
    }
    return false;
}

static void test_kept(void **state)
{
    (void)state;
    link_at(LIST, 0, 0, LIST + 0x1000, 0);
    link_at(LIST + 0x1000, 255, 3, LIST + 0x2010, 0x60000000);
    link_at(LIST + 0x2010, 4, 2, 0, 0x61000000);
    assert_int_equal(efi_read_machine(&machine, &memory), 0);
    assert_string_equal(unit_log(), "");
    for (u32 i = 0; i < 4; i++) {
        assert_int_equal(is_reserved(0x60000000 + i * 0x20000, 0x10000), i < 3);
        assert_int_equal(is_reserved(0x61000000 + i * 0x20000, 0x10000), i < 2);
    }
    /* And the list, for who reads it next. */
    assert_true(is_reserved(LIST, 16) && is_reserved(LIST + 0x1000, 4096) && is_reserved(LIST + 0x2010, 80));
}

/* It leads nowhere, to itself, or has more than there is room for: what can be read counts, the rest is said. */
static void test_bad(void **state)
{
    static const struct { u32 room, nr; u64 next; const char *says; } cases[] = {
        { 0, 0, LIST, "" }, { 4, 1, 0x60000000, "cannot be read at 0x60000000" },
        { 0, 1, 0, "cannot be read at 0x50001000" },
        { UINT32_MAX, 1, 0, "cannot be read at 0x50001000" }, { 4000, 4000, 0, "cannot be read at 0x50001000" },
        { 4, 1, UINT64_MAX - 3, "cannot be read at 0xfff" },
    };

    for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
        (void)unit_teardown(state);
        (void)setup(state);
        link_at(LIST, cases[i].room, cases[i].nr, cases[i].next, 0x60000000);
        assert_int_equal(efi_read_machine(&machine, &memory), 0);
        assert_non_null(strstr(unit_log(), cases[i].says));
        assert_int_equal(is_reserved(0x60000000, 0x10000), cases[i].room >= cases[i].nr && cases[i].nr != 0 &&
                                                               cases[i].room <= 4095);
    }
    /* More than there is room for. */
    (void)unit_teardown(state);
    (void)setup(state);
    for (u32 i = 0; i < MACHINE_MAX_RESERVED; i++) {
        assert_true(i == 0 || machine_add_reserved(&machine, 0x70000000 + i * 0x2000, 0x1000) == 0);
    }
    link_at(LIST, 4, 1, 0, 0x60000000);
    assert_int_equal(efi_read_machine(&machine, &memory), 0);
    assert_non_null(strstr(unit_log(), "which a kernel before has listed for its hardware, cannot be kept"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kept, setup, unit_teardown),
        cmocka_unit_test_setup_teardown(test_bad, setup, unit_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
