/* SPDX-License-Identifier: MIT */
/* unit-sources: boot/efi/config.c boot/efi/options.c boot/efi/text.c */
/*
 * The words of the EFI application's options, names of configuration files, and what a configuration file says, each
 * by itself.
 */
#include "unit.h"
#include <boot/efi/efi.h>

/* ---- options ---- */
static char line[512];
static struct efi_options got;

static void parse(const char *text, const char *program)
{
    snprintf(line, sizeof(line), "%s", text);
    efi_parse_options(line, program, &got);
}

static void equal(const char *a, const char *b)
{
    if (b == NULL) {
        assert_null(a);
    } else {
        assert_non_null(a);
        assert_string_equal(a, b);
    }
}

static void test_options(void **state)
{
    static const struct { const char *text, *config, *section, *rest, *unknown; } rows[] = {
        { "", NULL, NULL, "", NULL },
        { " \t\r\n ", NULL, NULL, "", NULL },
        { "argon-1.0.efi", NULL, NULL, "", NULL },
        { "argon-1.0", NULL, NULL, "", NULL },
        { "ARGON-1.0.EFI debian", NULL, "debian", "", NULL },
        { "fs0:argon-1.0.efi debian", NULL, "debian", "", NULL },
        { "\\EFI\\argon-1.0.efi debian", NULL, "debian", "", NULL },
        { "/EFI/argon-1.0 debian", NULL, "debian", "", NULL },
        { "debian", NULL, "debian", "", NULL },
        { "argon-1 debian", NULL, "argon-1", "", "debian" },
        { "debian argon-1.0.efi", NULL, "debian", "", "argon-1.0.efi" },
        { "-cfg=a.cfg debian", "a.cfg", "debian", "", NULL },
        { "debian -cfg=a.cfg", "a.cfg", "debian", "", NULL },
        { "-cfg=a -cfg=b", "b", NULL, "", NULL },
        { "-cfg= x", "", "x", "", NULL },
        { "-cfg x", NULL, "x", "", "-cfg" },
        { "-basevideo -x -y", NULL, NULL, "", "-x" },
        { "argon-1.0.efi --", NULL, NULL, "", NULL },
        { "argon-1.0.efi -- ", NULL, NULL, "", NULL },
        { "argon-1.0.efi debian --  a -cfg=b  -- c ", NULL, "debian", "a -cfg=b  -- c ", NULL },
        { "-- debian", NULL, NULL, "debian", NULL },
        { "--x", NULL, NULL, "", "--x" },
        { ".efi", NULL, ".efi", "", NULL },
        { "fs0:\\", NULL, "fs0:\\", "", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        parse(rows[i].text, "argon-1.0.efi");
        equal(got.config, rows[i].config);
        equal(got.section, rows[i].section);
        equal(got.rest, rows[i].rest);
        equal(got.unknown, rows[i].unknown);
        assert_false(got.help);
    }
    parse("-?", "argon.efi");
    assert_true(got.help);
    parse("x -help", "argon.efi");
    assert_true(got.help);
    parse("debian", "");
    equal(got.section, "debian");
}

/* ---- names ---- */
static void check_names(const char *program, const char *const *names)
{
    char name[EFI_NAME_MAX];
    unsigned int n = 0;

    for (; names[n] != NULL; n++) {
        assert_true(efi_config_name(program, n, name));
        assert_string_equal(name, names[n]);
    }
    assert_false(efi_config_name(program, n, name));
    assert_false(efi_config_name(program, n + 1, name));
}
#define NAMES(program, ...) check_names(program, (const char *const[]){ __VA_ARGS__, NULL })

static void test_names(void **state)
{
    char longest[EFI_NAME_MAX] = "", name[EFI_NAME_MAX];

    (void)state;
    /* Xen's own example */
    NAMES("xen-4.2-unstable.efi", "xen-4.2-unstable.cfg", "xen-4.2.cfg", "xen-4.cfg", "xen.cfg");
    NAMES("argon-1.0-arm64.efi", "argon-1.0-arm64.cfg", "argon-1.0.cfg", "argon-1.cfg", "argon.cfg");
    NAMES("argon.efi", "argon.cfg");
    NAMES("ARGON.EFI", "ARGON.cfg");
    NAMES("argon", "argon.cfg");
    NAMES("BOOTAA64.EFI", "BOOTAA64.cfg");
    NAMES("a_b.signed.efi", "a_b.signed.cfg", "a_b.cfg", "a.cfg");
    NAMES("a.efi.efi", "a.efi.cfg", "a.cfg");
    NAMES("a--b", "a--b.cfg", "a-.cfg", "a.cfg");
    NAMES("-a", "-a.cfg");
    NAMES(".efi", ".efi.cfg");
    assert_false(efi_config_name("", 0, name));
    assert_false(efi_config_name("-", 1, name));
    memset(longest, 'x', EFI_NAME_MAX - 1);
    assert_false(efi_config_name(longest, 0, name));
    longest[EFI_NAME_MAX - 4] = '\0';
    assert_false(efi_config_name(longest, 0, name));
    longest[EFI_NAME_MAX - 5] = '\0';
    assert_true(efi_config_name(longest, 0, name));
    assert_int_equal(strlen(name), EFI_NAME_MAX - 1);
}

/* ---- strings ---- */
static void test_narrow(void **state)
{
    static const u8 wide[] = { 0, 'a', 0, 'b', 1, 0xe4, 0, 0x80, 0, 'c', 0, 0, 0, 'd', 0 };
    char out[8];

    (void)state;
    assert_true(efi_narrow(out, sizeof(out), wide + 1, 7));
    assert_string_equal(out, "a???c");
    assert_true(efi_narrow(out, 6, wide + 1, 7));
    assert_false(efi_narrow(out, 5, wide + 1, 7));
    assert_string_equal(out, "a???");
    assert_true(efi_narrow(out, sizeof(out), wide + 1, 1));
    assert_string_equal(out, "a");
    assert_true(efi_narrow(out, 1, NULL, 0));
    assert_string_equal(out, "");
}

static void test_widen(void **state)
{
    char name[EFI_NAME_MAX + 1] = "/a\\b/\xe4";
    u16 out[EFI_NAME_MAX];

    (void)state;
    assert_true(efi_widen_path(out, name));
    assert_memory_equal(out, ((u16[]){ '\\', 'a', '\\', 'b', '\\', 0xe4, 0 }), 14);
    memset(name, 'x', EFI_NAME_MAX);
    assert_false(efi_widen_path(out, name));
    name[EFI_NAME_MAX - 1] = '\0';
    assert_true(efi_widen_path(out, name));
    assert_int_equal(out[EFI_NAME_MAX - 1], 0);
}

static void test_errors(void **state)
{
    (void)state;
    assert_string_equal(efi_error(EFI_ERROR(14)), "not found");
    assert_string_equal(efi_error(EFI_OUT_OF_RESOURCES), "out of memory");
    for (u64 n = 0; n < 200; n++) {
        assert_true(strlen(efi_error(EFI_ERROR(n))) > 5);
    }
}

/* ---- configuration files ---- */
static char *text;
static u64 size;

/* In memory of exactly its size and the NUL behind it. */
static const char *prepare(const char *s, size_t n, unsigned int *where)
{
    free(text);
    text = malloc(n + 1);
    memcpy(text, s, n);
    text[n] = '\0';
    size = n;
    return efi_config_prepare(text, n, where);
}

static void good(const char *s)
{
    unsigned int where;

    assert_null(prepare(s, strlen(s), &where));
}

static const char *get(const char *section, const char *key) { return efi_config_get(text, size, section, key); }

static void test_values(void **state)
{
    (void)state;
    good("[global]\nkey = of global\nonly=global\n"
         "[a]\nkey\t=\tof a # no comment\nkey=again\nempty=\n[ab]\nkey=of ab\nkeys=x\n");
    equal(get("a", "key"), "of a # no comment");
    equal(get("ab", "key"), "of ab");
    equal(get("a", "only"), "global");
    equal(get("b", "key"), "of global");
    equal(get("", "key"), "of global");
    equal(get("", "keys"), "x");
    equal(get("a", "empty"), "");
    equal(get("a", "ke"), NULL);
    equal(get("a", "keys"), NULL);
    equal(get("a", "KEY"), NULL);
    equal(efi_config_get_in(text, size, "a", "only"), NULL);
    assert_true(efi_config_has_section(text, size, "ab"));
    assert_false(efi_config_has_section(text, size, "b"));
    assert_false(efi_config_has_section(text, size, "a]"));
    assert_false(efi_config_has_section(text, size, ""));
    good("key=a=b\r\n\r\n#key=c\r\n  \t \r\n");
    equal(get("", "key"), "a=b");
    good("");
    equal(get("", "key"), NULL);
    good("\n\n\n");
    equal(get("", "key"), NULL);
    good("[a]");
    assert_true(efi_config_has_section(text, size, "a"));
    good("a=b");
    equal(get("", "a"), "b");
    equal(get("x", "a"), NULL);          /* before any section it is in none */
    free(text);
    text = NULL;
}

static void test_faults(void **state)
{
    static const struct { const char *text; size_t size; unsigned int line; const char *why; } rows[] = {
        { "x", 1, 1, "neither [SECTION] nor KEY=VALUE" },
        { "a=b\r\n\r\n  x  ", 12, 3, "neither [SECTION] nor KEY=VALUE" },
        { "[", 1, 1, "a section is not [NAME]" }, { "[]", 2, 1, "a section is not [NAME]" },
        { "a=b\n[x] y\n", 10, 2, "a section is not [NAME]" }, { "[x\n]", 4, 1, "a section is not [NAME]" },
        { "\n=", 2, 2, "nothing before =" }, { "a=b\n\0", 5, 1, "not ASCII text (UTF-16, or a byte order mark)" },
        { "\0a", 2, 1, "not ASCII text (UTF-16, or a byte order mark)" },
        { "\xfe\xff", 2, 1, "not ASCII text (UTF-16, or a byte order mark)" }
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        unsigned int where;

        equal(prepare(rows[i].text, rows[i].size, &where), rows[i].why);
        assert_int_equal(where, rows[i].line);
    }
    free(text);
    text = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options), cmocka_unit_test(test_names), cmocka_unit_test(test_narrow),
        cmocka_unit_test(test_widen), cmocka_unit_test(test_errors), cmocka_unit_test(test_values),
        cmocka_unit_test(test_faults)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
