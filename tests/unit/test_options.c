/* SPDX-License-Identifier: MIT */
/* unit-sources: boot/options.c core/options.c core/console/log.c */
#include "unit.h"
#include <argon/console.h>
#include <argon/param.h>

/* core/console/log.c is linked for log_levels_parse(); its output goes here. */
static char out[8192];

void console_lock(void);
void console_unlock(void);
void console_put_line(const char *prefix, const char *text, size_t n);
void console_put_text(const char *prefix, const char *text, size_t n);
void console_put_partial(u32 key, const char *prefix, const char *text, size_t n);
size_t console_format(const char **text, const char *fmt, va_list ap);

void console_lock(void) { }
void console_unlock(void) { }

void console_put_text(const char *prefix, const char *text, size_t n)
{
    size_t used = strlen(out);

    (void)prefix;
    assert_true(used + n + 2 < sizeof(out));
    memcpy(out + used, text, n);
    memcpy(out + used + n, "\n", 2);
}

void console_put_line(const char *prefix, const char *text, size_t n)
{
    console_put_text(prefix, text, n);
}

void console_put_partial(u32 key, const char *prefix, const char *text, size_t n)
{
    (void)key;
    console_put_text(prefix, text, n);
}

size_t console_format(const char **text, const char *fmt, va_list ap)
{
    static char buf[2048];

    *text = buf;
    return (size_t)vsnprintf(buf, sizeof(buf), fmt, ap);
}

static struct options defaults;

static int setup(void **state)
{
    (void)state;
    if (defaults.maxcpus == 0) {
        defaults = opt;
    }
    opt = defaults;
    opt.loglvl = opt.loglvl_limited = LOG_NR_LEVELS;
    out[0] = 0;
    return 0;
}

static void accept(const char *line)
{
    out[0] = 0;
    options_parse(line);
    assert_string_equal(out, "");
}

/* Exactly one message, and it contains `what`. */
static void complain(const char *line, const char *what)
{
    struct options before;

    out[0] = 0;
    before = opt;
    options_parse(line);
    assert_non_null(strstr(out, what));
    assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1);
    memcpy(before.cmdline, opt.cmdline, sizeof(before.cmdline));
    assert_memory_equal(&before, &opt, sizeof(opt));
}

static void test_defaults(void **state)
{
    (void)state;
    accept("");
    accept("   \t  ");
    assert_int_equal(opt.dom0_mem, 0);
    assert_int_equal(opt.dom0_max_vcpus, 0);
    assert_int_equal(opt.bootscrub, BOOTSCRUB_IDLE);
    assert_int_equal(opt.maxcpus, NR_CPUS);
    assert_int_equal(opt.gnttab_max_frames, 64);
    assert_int_equal(opt.gnttab_max_maptrack_frames, 1024);
    assert_int_equal(opt.conring_size, 65536);
    assert_int_equal(opt.conswitch, 'a');
    assert_string_equal(opt.sched, "credit2");
    assert_int_equal(opt.sched_ratelimit_us, 1000);
}

static void test_typical_line(void **state)
{
    static const char line[] = "placeholder console=dtuart dtuart=/pl011@9000000:115200 dom0_mem=1G,max:1G "
                               "dom0_max_vcpus=2 dom0_vcpus_pin bootscrub=0 loglvl=all guest_loglvl=warning/debug "
                               "sched=null noreboot sync_console conswitch=bx maxcpus=4 no-real-mode edd=off";

    (void)state;
    accept(line);
    assert_string_equal(opt.console, "dtuart");
    assert_string_equal(opt.dtuart, "/pl011@9000000:115200");
    assert_int_equal(opt.dom0_mem, GIB(1));
    assert_int_equal(opt.dom0_mem_max, GIB(1));
    assert_int_equal(opt.dom0_max_vcpus, 2);
    assert_int_equal(opt.dom0_min_vcpus, 2);
    assert_true(opt.dom0_vcpus_pin);
    assert_int_equal(opt.bootscrub, BOOTSCRUB_NO);
    assert_int_equal(opt.loglvl, 4);
    assert_int_equal(opt.guest_loglvl, 2);
    assert_int_equal(opt.guest_loglvl_limited, 4);
    assert_string_equal(opt.sched, "null");
    assert_true(opt.noreboot);
    assert_true(opt.sync_console);
    assert_int_equal(opt.conswitch, 'b');
    assert_true(opt.conswitch_noauto);
    assert_int_equal(opt.maxcpus, 4);
    assert_string_equal(opt.cmdline, line);
}

static void test_booleans(void **state)
{
    static const char *const on[] = { "noreboot", "noreboot=yes", "noreboot=on", "noreboot=true", "noreboot=1",
                                      "noreboot=enable",
                                      "no-noreboot=no" };
    static const char *const off[] = { "no-noreboot", "noreboot=no", "noreboot=off", "noreboot=false", "noreboot=0",
                                       "no-noreboot=1" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(on); i++) {
        opt.noreboot = false;
        accept(on[i]);
        assert_true(opt.noreboot);
    }
    for (size_t i = 0; i < ARRAY_SIZE(off); i++) {
        opt.noreboot = true;
        accept(off[i]);
        assert_false(opt.noreboot);
    }
    assert_int_equal(opt.acpi, ACPI_AUTO);
    accept("acpi");
    assert_int_equal(opt.acpi, ACPI_ON);
    accept("acpi=off");
    assert_int_equal(opt.acpi, ACPI_OFF);
    accept("acpi=force");
    assert_int_equal(opt.acpi, ACPI_FORCE);
    accept("acpi=on");
    assert_int_equal(opt.acpi, ACPI_ON);
    accept("no-acpi");
    assert_int_equal(opt.acpi, ACPI_OFF);
    accept("no-console_timestamps");
    accept("no-bootscrub");
    assert_int_equal(opt.bootscrub, BOOTSCRUB_NO);
    accept("bootscrub=idle");
    assert_int_equal(opt.bootscrub, BOOTSCRUB_IDLE);
    accept("bootscrub");
    assert_int_equal(opt.bootscrub, BOOTSCRUB_YES);
    complain("noreboot=maybe", "noreboot=maybe");
    complain("noreboot=ye", "noreboot=ye");
    complain("no-noreboot=x", "no-noreboot=x");
    complain("no-maxcpus", "no-maxcpus");
    complain("no-", "no-");
}

static void test_dom0_mem(void **state)
{
    (void)state;
    accept("dom0_mem=512M");
    assert_int_equal(opt.dom0_mem, MIB(512));
    assert_int_equal(opt.dom0_mem_max, 0);
    accept("dom0_mem=max:2G,768m,min:256M");
    assert_int_equal(opt.dom0_mem, MIB(768));
    assert_int_equal(opt.dom0_mem_min, MIB(256));
    assert_int_equal(opt.dom0_mem_max, GIB(2));
    accept("dom0_mem=max:3G");               /* each one replaces all of the last */
    assert_int_equal(opt.dom0_mem, 0);
    assert_int_equal(opt.dom0_mem_min, 0);
    assert_int_equal(opt.dom0_mem_max, GIB(3));
    accept("dom0_mem=1048576");              /* KiB */
    assert_int_equal(opt.dom0_mem, GIB(1));
    accept("dom0_mem=128M dom0_mem=1073741824B");
    assert_int_equal(opt.dom0_mem, GIB(1));
    complain("dom0_mem=", "dom0_mem=");
    complain("dom0_mem", "dom0_mem");
    complain("dom0_mem=512MB", "dom0_mem=512MB");
    complain("dom0_mem=-512M", "dom0_mem=-512M");
    complain("dom0_mem=50%", "dom0_mem=50%");
    complain("dom0_mem=1G,", "dom0_mem=1G,");
    complain("dom0_mem=1G,lots", "dom0_mem=1G,lots");
    complain("dom0_mem=max:", "dom0_mem=max:");
    complain("dom0_mem=1G,min:2G", "dom0_mem=1G,min:2G");
    complain("dom0_mem=1G,max:512M", "dom0_mem=1G,max:512M");
    complain("dom0_mem=99999999999999999999", "dom0_mem=9999");
    complain("dom0_mem=18446744073709551615", "dom0_mem=1844");
    complain("dom0_mem=8388608T", "dom0_mem=8388608T");
}

static void assert_vcpus(const char *line, u32 min, u32 max)
{
    accept(line);
    assert_int_equal(opt.dom0_min_vcpus, min);
    assert_int_equal(opt.dom0_max_vcpus, max);
}

static void test_dom0_max_vcpus(void **state)
{
    (void)state;
    assert_vcpus("dom0_max_vcpus=3", 3, 3);
    assert_vcpus("dom0_max_vcpus=2-6", 2, 6);
    assert_vcpus("dom0_max_vcpus=2-", 2, MAX_VCPUS);
    assert_vcpus("dom0_max_vcpus=-4", 0, 4);
    assert_vcpus("dom0_max_vcpus=100000", MAX_VCPUS, MAX_VCPUS);
    complain("dom0_max_vcpus=0", "dom0_max_vcpus=0");
    complain("dom0_max_vcpus=6-2", "dom0_max_vcpus=6-2");
    complain("dom0_max_vcpus=2-x", "dom0_max_vcpus=2-x");
    complain("dom0_max_vcpus=2-3-4", "dom0_max_vcpus=2-3-4");
    complain("dom0_max_vcpus=two", "dom0_max_vcpus=two");
}

static void test_numbers(void **state)
{
    (void)state;
    accept("gnttab_max_frames=128 gnttab_max_maptrack_frames=0x800 conring_size=128k");
    assert_int_equal(opt.gnttab_max_frames, 128);
    assert_int_equal(opt.gnttab_max_maptrack_frames, 2048);
    assert_int_equal(opt.conring_size, KIB(128));
    accept("conring_size=16");               /* KiB */
    assert_int_equal(opt.conring_size, KIB(16));
    complain("maxcpus=0", "maxcpus=0");
    complain("maxcpus=-1", "maxcpus=-1");
    complain("maxcpus=2x", "maxcpus=2x");
    complain("conring_size=1T", "conring_size=1T");
    complain("conring_size=0", "conring_size=0");
    opt.maxcpus = 1;
    out[0] = 0;
    options_parse("maxcpus=4294967297");     /* not 1 by wrapping */
    assert_int_equal(opt.maxcpus, NR_CPUS);
    assert_non_null(strstr(out, "maxcpus"));
}

static void test_console_options(void **state)
{
    (void)state;
    accept("console=none");
    assert_string_equal(opt.console, "none");
    accept("console=null");
    assert_string_equal(opt.console, "none");
    options_parse("console=com1,vga");
    assert_string_equal(opt.console, "dtuart");
    assert_non_null(strstr(out, "com1,vga"));
    accept("conswitch=C");
    assert_int_equal(opt.conswitch, 'c');
    assert_false(opt.conswitch_noauto);
    accept("conswitch=`");
    assert_int_equal(opt.conswitch, 0);
    complain("conswitch=1", "conswitch=1");
    complain("conswitch=ay", "conswitch=ay");
    complain("conswitch=axx", "conswitch=axx");
    complain("conswitch", "conswitch");
    accept("gicv2_links=hardware");
    assert_int_equal(opt.gicv2_links, GICV2_LINKS_HARDWARE);
    accept("gicv2_links=software");
    assert_int_equal(opt.gicv2_links, GICV2_LINKS_SOFTWARE);
    complain("gicv2_links=none", "gicv2_links=none");
    accept("console_timestamps=boot");
    assert_true(opt.console_timestamps);
    accept("console_timestamps=none");
    assert_false(opt.console_timestamps);
    accept("console_timestamps");
    assert_true(opt.console_timestamps);
    complain("console_timestamps=often", "console_timestamps=often");
}

static void test_log_levels(void **state)
{
    char buf[24];
    u8 a, l;

    (void)state;
    assert_true(log_levels_parse("none", &a, &l));
    assert_int_equal(a, 0);
    assert_int_equal(l, 0);
    assert_true(log_levels_parse("error/all", &a, &l));
    assert_int_equal(a, 1);
    assert_int_equal(l, LOG_NR_LEVELS);
    assert_true(log_levels_parse("info/warning", &a, &l));   /* an upper level below the lower one counts for nothing */
    assert_int_equal(a, 3);
    assert_int_equal(l, 3);
    log_levels_format(buf, sizeof(buf), 2, 4);
    assert_string_equal(buf, "warning/debug");
    assert_false(log_levels_parse("", &a, &l));
    assert_false(log_levels_parse("warn", &a, &l));
    assert_false(log_levels_parse("warning/", &a, &l));
    assert_false(log_levels_parse("/all", &a, &l));
    assert_false(log_levels_parse("all/all/all", &a, &l));
    complain("guest_loglvl=loud", "guest_loglvl=loud");
}

static void test_unknown_and_unsupported(void **state)
{
    (void)state;
    complain("frobnicate", "Unknown option: frobnicate");
    complain("frobnicate=1", "frobnicate=1");
    complain("dom0_memory=1G", "dom0_memory=1G");
    complain("dom0_me=1G", "dom0_me=1G");
    complain("=5", "=5");
    complain("noreboot=", "Malformed option, ignored: noreboot=");
    complain("iommu=no", "iommu=no is not supported");
    complain("xsm=flask", "xsm=flask is not supported");
    accept("xsm=silo");
}

static void test_long_input(void **state)
{
    static char line[5000];

    (void)state;
    memset(line, 'x', sizeof(line) - 1);
    memcpy(line, "dtuart=", 7);              /* longer than the field, and than the command line */
    options_parse(line);
    assert_non_null(strstr(out, "cut to 1023 bytes"));
    assert_non_null(strstr(out, "Malformed"));
    assert_string_equal(opt.dtuart, "");
    assert_int_equal(strlen(opt.cmdline), 1023);
    /* The longest line that fits, and one more. */
    memset(line, ' ', sizeof(line) - 1);
    line[1023] = '\0';
    accept(line);
    line[1023] = ' ';
    line[1024] = '\0';
    complain(line, "cut to 1023 bytes");
    complain("sched=0123456789abcdef", "sched=0123456789abcdef");
    accept("sched_ratelimit_us=0");
    assert_int_equal(opt.sched_ratelimit_us, 0);
    accept("sched_ratelimit_us=100");
    complain("sched_ratelimit_us=99", "sched_ratelimit_us=99");
    complain("sched_ratelimit_us=1ms", "sched_ratelimit_us=1ms");
    assert_int_equal(opt.sched_ratelimit_us, 100);
    accept("sched=0123456789abcde");
}

static void test_parse_size(void **state)
{
    static const struct { const char *s; u64 v; } good[] = {
        { "512M", MIB(512) }, { "1G", GIB(1) }, { "0x100000", GIB(1) }, { "65536K", MIB(64) }, { "131072", MIB(128) },
        { "4096B", 4096 },
        { "2t", GIB(2048) }, { "0", 0 }, { "18446744073709551615b", ~0UL }
    };
    static const char *const bad[] = { "", "M", "-1", "1MM", "1.5G", "16777216T", "18446744073709551615", "0x" };
    const char *end;
    u64 v;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        assert_true(parse_size(good[i].s, &v, NULL));
        assert_int_equal(v, good[i].v);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_false(parse_size(bad[i], &v, NULL));
    }
    assert_true(parse_size("1G,max", &v, &end));
    assert_string_equal(end, ",max");
}

#define CASE(fn) cmocka_unit_test_setup(fn, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_defaults), CASE(test_typical_line), CASE(test_booleans), CASE(test_dom0_mem),
        CASE(test_dom0_max_vcpus),
        CASE(test_numbers), CASE(test_console_options), CASE(test_log_levels), CASE(test_unknown_and_unsupported),
        CASE(test_long_input), CASE(test_parse_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
