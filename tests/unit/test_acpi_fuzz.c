/* SPDX-License-Identifier: MIT */
/* unit-sources: firmware/acpi/tables.c firmware/acpi/view.c firmware/acpi/machine.c firmware/acpi/madt.c */
/* unit-sources: firmware/acpi/numa.c firmware/acpi/mcfg.c firmware/acpi/iort.c firmware/acpi/uart.c */
/* unit-sources: firmware/machine.c core/console/uart.c drivers/uart/drivers.c drivers/uart/pl011.c */
/* unit-sources: drivers/uart/ns16550.c drivers/uart/cadence.c drivers/uart/meson.c */
/*
 * Damaged ACPI tables: see acpi_fuzz.h. The damage is random but the same in every run; `make fuzz` looks for other
 * damage as long as one likes.
 */
#include "unit.h"
#include "acpi_fuzz.h"

#define ROUNDS 300                   /* of each kind, for each input to begin with */

static u64 seed;
static u32 tried, accepted;
static u8 input[FUZZ_MAX];

static u32 rnd(u32 below)
{
    seed = seed * 6364136223846793005UL + 1442695040888963407UL;
    return (u32)(seed >> 33) % below;
}

/* In memory of exactly its size. */
static void try(u32 n)
{
    u8 *copy = malloc(n);

    memcpy(copy, input, n);
    unit_log_clear();
    tried++;
    accepted += fuzz_one(copy, n);
    free(copy);
}

static void bytes(void)
{
    for (u32 n = 1 + rnd(4); n > 0; n--) {
        input[rnd(seed_size)] ^= (u8)(1 + rnd(255));
    }
}

/* Numbers of 1, 2, 4 or 8 bytes become small or extreme. */
static void numbers(void)
{
    static const u64 values[] = {
        0, 1, 2, 3, 7, 0xff, 0x100, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, ~0UL, ~0UL << 12
    };

    for (u32 n = 1 + rnd(3); n > 0; n--) {
        u32 size = 1u << rnd(4), at = rnd(seed_size - size);
        u64 v = values[rnd(ARRAY_SIZE(values))];

        memcpy(input + at, &v, size);
    }
}

/* A piece is written over another: entries twice, of the wrong kind, in the wrong table. */
static void pieces(void)
{
    u32 size = 1 + rnd(100), from = rnd(seed_size - size), to = rnd(seed_size - size);

    memmove(input + to, input + from, size);
}

static void damage(void (*how)(void), u64 first)
{
    seed = first;
    tried = accepted = 0;
    for (u32 s = 0; fuzz_seed(s); s++) {
        for (u32 i = 0; i < ROUNDS; i++) {
            memcpy(input, seed_buf, seed_size);
            how();
            try(seed_size);
        }
    }
    fw_reset();
    assert_in_range(accepted, tried / 10, tried - tried / 10);
}

static void test_bytes(void **state)
{
    (void)state;
    damage(bytes, 1);
}

static void test_numbers(void **state)
{
    (void)state;
    damage(numbers, 2);
}

static void test_pieces(void **state)
{
    (void)state;
    damage(pieces, 3);
}

/* Nothing is missing of what the inputs begin with, and any of them may be cut off. */
static void test_cut_off(void **state)
{
    u32 nr = 0, novirt = 0;

    (void)state;
    for (; fuzz_seed(nr); nr++) {
        memcpy(input, seed_buf, seed_size);
        tried = accepted = 0;
        try(seed_size);
        novirt += accepted == 0;
        for (u32 n = 0; n < seed_size; n += 1 + n / 32) {
            try(n);
        }
    }
    fw_reset();
    assert_int_equal(nr, 20);
    assert_int_equal(novirt, 2);     /* the two where firmware hides EL2 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_case(test_bytes), unit_case(test_numbers), unit_case(test_pieces), unit_case(test_cut_off)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
