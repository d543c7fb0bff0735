/* SPDX-License-Identifier: MIT */
/* unit-sources: boot/efi/main.c boot/efi/boot.c boot/efi/config.c boot/efi/file.c */
/* unit-sources: boot/efi/memory.c boot/efi/options.c */
/* unit-sources: boot/efi/text.c boot/efi/tree.c firmware/efi/efi.c firmware/machine.c */
/* unit-libs: -lfdt */
/*
 * Configuration files, options, device paths, trees and memory maps of random bytes: an error or a result, whatever
 * comes, and never an access outside (the sanitizers look on), a loop without end, or something of firmware's that is
 * not given back. Random, but the same in every run.
 */
#include "unit.h"
#include "efi_fake.h"
#include "dt_tree.h"
#include <firmware/efi/efi.h>

#define ROUNDS 3000
#define STARTS 1200

static u64 seed;

static u32 rnd(u32 below)
{
    seed = seed * 6364136223846793005UL + 1442695040888963407UL;
    return (u32)(seed >> 33) % below;
}

/* Text of pieces that mean something, and bytes that mean nothing between them. */
static size_t random_text(char *out, size_t room, const char *const *words, u32 nr)
{
    size_t n = 0;

    for (u32 i = rnd(24); i > 0 && n + 40 < room; i--) {
        if (rnd(12) == 0) {
            out[n++] = (char)rnd(256);
        } else {
            n += (size_t)snprintf(out + n, 40, "%s", words[rnd(nr)]);
        }
    }
    out[n] = '\0';
    return n;
}

static const char *const config_words[] = {
    "[global]", "[a]", "[b]", "\n", "\n", "\n", "\r\n", " ", "\t", "#", "=", "[", "]", "kernel=k", "kernel=gone",
    "ramdisk=r", "options=o",
    "default=a", "default=b\n", "chain=c\n", "chain=argon.cfg", "dtb=d", "xsm=k", "kernel", "\nkernel=k x\n"
};

static void test_config(void **state)
{
    static char text[1024];
    u32 sound = 0;

    (void)state;
    seed = 1;
    for (u32 i = 0; i < ROUNDS; i++) {
        size_t n = random_text(text, sizeof(text), config_words, ARRAY_SIZE(config_words));
        char *copy = malloc(n + 1);
        unsigned int line = 0, lines = 1;

        memcpy(copy, text, n + 1);
        for (size_t c = 0; c < n; c++) {
            lines += text[c] == '\n';
        }
        if (efi_config_prepare(copy, n, &line) == NULL) {
            for (const char *p = NULL, *q; (q = efi_config_next_unknown(copy, n, p)) != NULL; p = q) {
                assert_true(q > p && q >= copy && q < copy + n && strchr(q, '=') != NULL);
            }
            static const char *const keys[] = { "kernel", "default", "", "k", "[" };
            static const char *const sections[] = { "", "global", "a", "]" };

            sound++;
            for (u32 k = 0; k < ARRAY_SIZE(keys) * ARRAY_SIZE(sections); k++) {
                const char *v = efi_config_get(copy, n, sections[k % 4], keys[k / 4]);

                assert_true(v == NULL || (v >= copy && v <= copy + n && strchr(v, '\n') == NULL));
                (void)efi_config_has_section(copy, n, sections[k % 4]);
            }
        } else {
            assert_in_range(line, 1, lines);
        }
        free(copy);
    }
    assert_in_range(sound, ROUNDS / 20, ROUNDS - ROUNDS / 20);
}

static void test_options(void **state)
{
    static const char *const words[] = { " ", " ", "\t", "argon", ".efi", "-cfg=", "--", "-", "a", "\\", "fs0:", "/",
                                         "_", "=" };
    static char text[1024];

    (void)state;
    seed = 2;
    for (u32 i = 0; i < ROUNDS; i++) {
        char *program, *copy, name[EFI_NAME_MAX];
        struct efi_options o;
        unsigned int n = 0;

        random_text(text, sizeof(text), words, ARRAY_SIZE(words));
        program = strdup(text);
        random_text(text, sizeof(text), words, ARRAY_SIZE(words));
        copy = strdup(text);
        efi_parse_options(copy, program, &o);
        assert_non_null(o.rest);
        assert_true(o.section == NULL || (*o.section != '\0' && *o.section != '-'));
        for (size_t last = EFI_NAME_MAX; efi_config_name(program, n, name); n++) {
            assert_true(strlen(name) < last);
            last = strlen(name);
        }
        assert_true(n <= strlen(program) + 1);
        free(copy);
        free(program);
    }
}

/* It hands over a sound tree, or comes back with all that it had taken. */
static void start(u32 *started)
{
    if (fake_run()) {
        assert_int_equal(fdt_check_full(fake.tree, fdt_totalsize(fake.tree)), 0);
        ++*started;
    } else {
        fake_said("Argon: ");
        fake_check_returned();
    }
}

/* All of it: files, options and the place of the program by chance. */
static void test_starts(void **state)
{
    static const char *const words[] = { " ", "argon.efi ", "a", "b", "--", "-cfg=c", "-x", " b " };
    static char config[1024], chained[1024], options[1024];
    u32 started = 0;

    (void)state;
    seed = 3;
    fake_text("\\EFI\\argon\\argon.cfg", config);
    fake_text("\\EFI\\argon\\c", chained);
    fake_text("\\EFI\\argon\\k", "a kernel");
    fake_text("\\EFI\\argon\\r", "a ramdisk");
    for (u32 i = 0; i < STARTS; i++) {
        size_t n = random_text(config, sizeof(config), config_words, ARRAY_SIZE(config_words));

        if (rnd(3) == 0) {
            n = (size_t)snprintf(config, sizeof(config), "[global]\nchain=c\n[a]\nkernel=k\n");
        }
        fake_file("\\EFI\\argon\\argon.cfg")->size = n;
        fake_file("\\EFI\\argon\\c")->size = random_text(chained, sizeof(chained), config_words,
                                                         ARRAY_SIZE(config_words));
        n = random_text(options, sizeof(options), words, ARRAY_SIZE(words));
        fake_options_bytes(options, rnd((u32)(2 * n + 3)));
        fake.fail_call = rnd(4) == 0 ? 1 + rnd(40) : 0;
        fake.read_max = rnd(5);
        fake.stale = rnd(3);
        start(&started);
        fake.stale = 0;
    }
    assert_in_range(started, STARTS / 20, STARTS - STARTS / 20);
}

static void test_trees(void **state)
{
    static struct tree tree;
    u32 started = 0;

    (void)state;
    seed = 4;
    fake_text("\\EFI\\argon\\argon.cfg", "kernel=k x\ndtb=d\n");
    fake_text("\\EFI\\argon\\k", "a kernel");
    fake_add("\\EFI\\argon\\d", tree.blob, 0);
    for (u32 i = 0; i < STARTS; i++) {
        struct tree_options o = tree_defaults();
        u32 size;

        o.no_modules = true;
        tree_virt(&tree, &o);
        size = fdt_totalsize(tree.blob);
        for (u32 n = rnd(4); n > 0; n--) {
            tree.blob[rnd(rnd(2) ? 64 : size)] ^= (char)(1 + rnd(255));
        }
        fake_file("\\EFI\\argon\\d")->size = rnd(8) != 0 ? size : 1 + rnd(size);
        start(&started);
    }
    assert_in_range(started, STARTS / 20, STARTS - STARTS / 20);
}

/* Nodes of a device path with any contents, and an end where it may be found. */
static void test_paths(void **state)
{
    u32 started = 0;

    (void)state;
    seed = 5;
    fake_text("\\EFI\\argon\\argon.cfg", "kernel=k x\n");
    fake_text("\\EFI\\argon\\k", "a kernel");
    for (u32 i = 0; i < STARTS; i++) {
        u8 *p;
        size_t at = 0;

        fake_started_as("\\EFI\\argon\\argon.efi", NULL);
        p = fake.path;
        while (p[at] != 0x7f) {
            for (u32 n = rnd(3); n > 0; n--) {
                u32 len = (u32)p[at + 2] | (u32)p[at + 3] << 8, b = rnd(len);

                if (b < 2 && rnd(2) != 0) {
                    p[at + b] = (u8)rnd(8);
                } else if (b >= 4) {
                    p[at + b] = (u8)(rnd(2) ? 0 : rnd(256));
                }
            }
            at += (size_t)p[at + 2] | (size_t)p[at + 3] << 8;
        }
        if (rnd(8) == 0) {
            p[2] = (u8)rnd(4);
        }
        start(&started);
    }
    assert_in_range(started, STARTS / 20, STARTS - STARTS / 20);
}

/* ---- the memory map ---- */
static u8 *map;
static u64 map_size, table[15];
static u32 open_windows;

static const void *map_window(paddr_t pa, u64 size)
{
    open_windows++;
    if (pa == 0x1000 && size <= map_size) {
        return map;
    }
    if (pa == 0x2000) {
        return table;
    }
    open_windows--;
    return NULL;
}

static void unmap_window(const void *va, u64 size)
{
    (void)va;
    (void)size;
    open_windows--;
}

static void test_maps(void **state)
{
    static const struct firmware_memory memory = { .map = map_window, .unmap = unmap_window };
    static const u64 numbers[] = { 0, 1, 8, 0x1000, 0x100000, BIT(20), BIT(44), BIT(51), BIT(52), BIT(63), UINT64_MAX,
                                   UINT64_MAX - 0xfff };
    u32 read = 0;

    (void)state;
    seed = 6;
    table[0] = UINT64_C(0x5453595320494249);
    for (u32 i = 0; i < ROUNDS; i++) {
        u32 size = 40 + rnd(20), nr = 1 + rnd(150);

        map_size = nr * size + rnd(size);
        map = malloc(map_size);
        memset(map, 0, map_size);
        for (u32 d = 0; d < nr; d++) {
            u64 fields[5] = { rnd(20), rnd(4) ? (u64)rnd(4096) << 12 : numbers[rnd(12)], 0,
                              rnd(4) ? rnd(64) : numbers[rnd(12)], rnd(4) ? 8 : rnd(2) ? rnd(16) : numbers[rnd(12)] };

            memcpy(map + d * size, fields, sizeof(fields));
        }
        memset(&machine, 0, sizeof(machine));
        machine.efi = (struct machine_efi){ .system_table = 0x2000, .map = { .start = 0x1000, .size = map_size },
                                            .desc_size = size, .desc_version = 1 };
        unit_log_clear();
        if (efi_read_machine(&machine, &memory) == 0) {
            machine_sort_banks(&machine);
            assert_true(machine.nr_banks <= MACHINE_MAX_BANKS);
            read++;
        } else {
            assert_string_not_equal(unit_log(), "");
        }
        assert_int_equal(open_windows, 0);
        free(map);
    }
    assert_in_range(read, ROUNDS / 20, ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config), cmocka_unit_test(test_options), fake_case(test_starts), fake_case(test_trees),
        fake_case(test_paths), unit_case(test_maps)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
