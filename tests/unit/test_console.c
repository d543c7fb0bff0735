/* SPDX-License-Identifier: MIT */
/* unit-sources: core/console/ring.c core/console/log.c core/console/output.c core/console/input.c */
/* unit-sources: core/console/keys.c core/console/dump.c */
/* The console keeps its state from boot to panic, so the tests below run in the order of the machine's life. */
#include "test_console_common.h"

/* ---- the life of the machine ---- */

static void test_before_uart(void **state)
{
    (void)state;
    console_init_early();
    log_info("first words");
    log_info("with newline\n");
    assert_out("");
}

static void test_init_failures(void **state)
{
    (void)state;
    machine.has_uart = false;
    console_init();
    machine.has_uart = true;
    machine.uart = (struct machine_uart){ .base = 0x9000000, .size = 0x1000, .irq = 33 };
    strcpy(machine.uart.compatible, "unknown,uart");
    strcpy(machine.uart.name, "/uart@9000000");
    console_init();
    strcpy(machine.uart.compatible, "test,uart");
    init_result = -EINVAL;
    console_init();
    init_result = 0;
    strcpy(opt.console, "none");
    console_init();
    assert_out("");
    strcpy(opt.console, "dtuart");
}

static void test_init_replays(void **state)
{
    (void)state;
    console_init();
    assert_non_null(strstr(out,
                           "(ARGON) first words\r\n(ARGON) with newline\r\n(ARGON) No serial console: firmware"));
    assert_non_null(strstr(out, "(ARGON) No driver for the console UART /uart@9000000 (unknown,uart)\r\n"));
    assert_non_null(strstr(out, "(ARGON) Console UART /uart@9000000: not usable (-22)\r\n"));
    assert_non_null(strstr(out,
                           "No serial console: console=none\r\n(ARGON) Console: /uart@9000000, Fake at 0x9000000\r\n"));
    assert_int_equal(host_calls("smp_kick"), 0);         /* no interrupts yet */
}

static void test_levels(void **state)
{
    (void)state;
    opt.loglvl = opt.loglvl_limited = LOG_WARN + 1;
    log_err("e");
    log_warn("w");
    log_info("i");
    log_debug("d");
    assert_out("(ARGON) e\r\n(ARGON) w\r\n");
    opt.loglvl = opt.loglvl_limited = 0;
    log_err("e");
    con_printf("always\n");
    assert_out("(ARGON) always\r\n");
}

static void test_lines(void **state)
{
    char expect[1600], longline[1500];

    (void)state;
    log_info("a\nb\n");
    assert_out("(ARGON) a\r\n(ARGON) b\r\n");
    log_info("%s", "");
    assert_out("(ARGON) \r\n");
    opt.console_timestamps = true;
    unit_advance(1234567 * NS_PER_US);
    log_info("x");
    assert_out("(ARGON) [    1.234567] x\r\n");
    opt.console_timestamps = false;
    memset(longline, 'y', sizeof(longline) - 1);
    longline[sizeof(longline) - 1] = 0;
    log_info("%s", longline);                            /* cut, not overrun */
    snprintf(expect, sizeof(expect), "(ARGON) %.1215s\r\n", longline);
    assert_out(expect);
}

static void test_con_printf_collects(void **state)
{
    char line[300];

    (void)state;
    con_printf("one");
    con_printf(" and");
    log_info("between");
    unit_set_cpu(1);
    con_printf("other CPU\n");
    unit_set_cpu(0);
    con_printf(" two\nnext");
    con_printf("\n");
    assert_out("(ARGON) between\r\n(ARGON) other CPU\r\n(ARGON) one and two\r\n(ARGON) next\r\n");
    memset(line, 'z', 250);
    line[250] = 0;
    con_printf("%s\n", line);                            /* longer than a collected line: continues on the next */
    assert_int_equal(out_len, 2 * 10 + 250);
    clear();
}

static void test_dom0_line_discipline(void **state)
{
    struct domain *d0 = unit_domain(0, 1);

    (void)state;
    write_as(d0, "boot\r\nplain\n");
    assert_out("boot\r\nplain\r\n");
    write_as(d0, "login: ");
    assert_out("login: ");                               /* at once */
    log_info("m1");
    log_info("m2");
    assert_out("\r\n(ARGON) m1\r\n(ARGON) m2\r\n");
    write_as(d0, "ro");
    assert_out("login: ro");                             /* begun again */
    write_as(d0, "\b \bx\r\n");
    assert_out("\b \bx\r\n");
    log_info("m3");
    assert_out("(ARGON) m3\r\n");                        /* no empty line */
    write_as(d0, "half");
    log_info("m4");
    write_as(d0, "\r\nnew\n");                           /* its end came with ours */
    assert_out("half\r\n(ARGON) m4\r\nnew\r\n");
    write_as(d0, "10%\r20%");
    log_info("m5");
    write_as(d0, "\r30%\n");
    assert_out("10%\r20%\r\n(ARGON) m5\r\n30%\r\n");
    write_as(d0, "abc\b\bx");                            /* the cursor stands behind "ax" */
    log_info("m6");
    write_as(d0, "!\n");
    assert_out("abc\b\bx\r\n(ARGON) m6\r\nax!\r\n");
}

static void test_dom0_long_line(void **state)
{
    struct domain *d0 = unit_domain(0, 1);
    char line[400];

    (void)state;
    memset(line, 'q', sizeof(line));
    console_guest_write(d0, line, sizeof(line));
    log_info("m");
    clear();
    write_as(d0, "r\n");
    assert_out("r\r\n");                                 /* too long to be begun again */
    write_as(d0, "s");
    log_info("m");
    clear();
    write_as(d0, "t\n");
    assert_out("st\r\n");
}

static void test_guest_lines(void **state)
{
    struct domain *d1, *d2;

    (void)state;
    d1 = unit_domain(1, 1);
    d2 = unit_domain(2, 1);
    write_as(d1, "hel");
    write_as(d2, "second\n");
    write_as(d1, "lo\nrest");
    assert_out("(d2) second\r\n(d1) hello\r\n");
    write_as(d1, "\x1b[2J\a\r!\n");                      /* nothing that drives a terminal */
    assert_out("(d1) rest[2J!\r\n");
    for (u16 id = 10; id < 40; id++) {                   /* more unfinished lines than are kept: the oldest come out */
        write_as(unit_domain(id, 1), "part");
    }
    assert_non_null(strstr(out, "(d10) part\r\n"));
    assert_null(strstr(out, "(d39) part"));
    clear();
    for (u16 id = 10; id < 40; id++) {
        write_as(domain_lookup(id), "\n");
    }
    assert_non_null(strstr(out, "(d39) part\r\n"));
}

static void test_rate_limit(void **state)
{
    struct domain *d1 = unit_domain(1, 1), *d2 = unit_domain(2, 1);

    (void)state;
    unit_advance(100 * NS_PER_SEC);
    for (u32 i = 0; i < 50; i++) {
        log_guest(LOG_WARN, d1, "noise %u", i);
        log_guest(LOG_INFO, d1, "not at this level");
    }
    assert_int_equal(count_lines("(ARGON) d1: noise"), 10);
    assert_null(strstr(out, "not at"));
    log_guest(LOG_ERR, d2, "another guest is heard");
    assert_int_equal(count_lines("d2: another"), 1);
    clear();
    unit_advance(NS_PER_SEC);
    log_guest(LOG_WARN, d1, "later");
    log_guest(LOG_WARN, d1, "too many again");
    assert_out("(ARGON) 40 guest messages suppressed\r\n(ARGON) d1: later\r\n");
    unit_advance(3600 * NS_PER_SEC);
    for (u32 i = 0; i < 50; i++) {
        log_guest(LOG_WARN, d1, "noise");
    }
    assert_int_equal(count_lines("d1: noise"), 10);
    clear();
    opt.guest_loglvl = LOG_NR_LEVELS;                    /* always */
    log_guest(LOG_DEBUG, d1, "now all");
    assert_out("(ARGON) d1: now all\r\n");
}

static void test_stuck_uart(void **state)
{
    (void)state;
    stuck = true;
    log_info("lost on the wire, kept in the log");
    log_info("so is this");
    stuck = false;
    log_info("back");
    assert_non_null(strstr(out, "(ARGON) back\r\n"));
}

/* ---- readconsole ---- */

static char *ring_text(struct domain *d0, bool clear_it, bool incremental, u32 *index, u32 size, u32 *got)
{
    static char text[70000];
    u64 gva = unit_guest_alloc(d0, 0x11000);
    u32 count = size;

    assert_int_equal(console_read_ring(clear_it, incremental, index, gva, &count), 0);
    assert_true(count <= size);
    assert_int_equal(copy_from_gpa(d0, text, gva, count), 0);
    text[count] = 0;
    if (got != NULL) {
        *got = count;
    }
    return text;
}

static void test_read_ring(void **state)
{
    struct domain *d0 = unit_domain(0, 1);
    u32 index = 0, end, got;
    char *text;

    (void)state;
    unit_set_current(d0->vcpu[0]);
    text = ring_text(d0, true, false, &index, 65536, &got);
    assert_ptr_equal(strstr(text, "(ARGON) first words\n(ARGON) with newline\n"), text);
    assert_null(strchr(text, '\r'));
    assert_non_null(strstr(text, "lost on the wire"));
    assert_null(strstr(text, "login:"));                 /* dom0's own output is not Argon's log */
    assert_non_null(strstr(text, "(d1) hello\n"));
    end = index;
    index = 0;
    ring_text(d0, false, false, &index, 65536, &got);
    assert_int_equal(got, 0);                            /* it was cleared */

    log_info("line1");
    log_info("line2");
    index = end;
    text = ring_text(d0, false, true, &index, 65536, NULL);
    assert_string_equal(text, "(ARGON) line1\n(ARGON) line2\n");
    assert_int_equal(index, end + 28);
    ring_text(d0, false, true, &index, 65536, &got);
    assert_int_equal(got, 0);
    log_info("line3");
    text = ring_text(d0, false, true, &index, 65536, NULL);
    assert_string_equal(text, "(ARGON) line3\n");
    index = end + 1000000;                               /* never was */
    text = ring_text(d0, false, true, &index, 65536, NULL);
    assert_int_equal(strlen(text), 42);

    index = end;                                         /* a small buffer: only what was read is cleared */
    text = ring_text(d0, true, true, &index, 10, &got);
    assert_string_equal(text, "(ARGON) li");
    assert_int_equal(index, end + 10);
    index = 0;
    text = ring_text(d0, true, false, &index, 65536, NULL);
    assert_string_equal(text, "ne1\n(ARGON) line2\n(ARGON) line3\n");
}

static void test_read_ring_errors(void **state)
{
    struct domain *d0 = unit_domain(0, 1);
    u32 index = 0, count = 100;

    (void)state;
    unit_set_current(d0->vcpu[0]);
    log_info("kept");
    assert_int_equal(console_read_ring(true, false, &index, 0x1000, &count), -EFAULT);
    assert_string_equal(ring_text(d0, true, false, &index, 65536, NULL), "(ARGON) kept\n");
    count = 0;
    assert_int_equal(console_read_ring(false, false, &index, 0, &count), 0);
    assert_int_equal(count, 0);
}

static void test_ring_wraps(void **state)
{
    struct domain *d0 = unit_domain(0, 1);
    u32 index = 0, got;
    char *text;

    (void)state;
    unit_set_current(d0->vcpu[0]);
    for (u32 i = 0; i < 3000; i++) {
        log_info("number %u", i);
        clear();
    }
    text = ring_text(d0, false, false, &index, 65536, &got);
    assert_int_equal(got, 16384);
    assert_non_null(strstr(text, "(ARGON) number 2999\n"));
    assert_null(strstr(text, "number 1000\n"));
}

/* ---- after boot ---- */

static void test_boot_done(void **state)
{
    struct domain *d0 = unit_domain(0, 1);
    u32 index = 0, got;

    (void)state;
    unit_set_current(d0->vcpu[0]);
    console_boot_done();
    assert_true(rx_enabled);
    assert_out("(ARGON) *** Serial input to DOM0 (type 'CTRL-a' three times to switch input)\r\n");
    assert_non_null(strstr(ring_text(d0, false, false, &index, 65536, &got), "(ARGON) number 2999\n"));
    assert_true(got > 16384);                            /* the larger ring, contents kept */
    assert_int_equal(host_calls("smp_kick"), 1);
    assert_int_equal(host_last("smp_kick")->a[1], IPI_CONSOLE);
}

static void test_notify(void **state)
{
    (void)state;
    console_notify();                                    /* answers the one above */
    assert_int_equal(host_calls("event_send_global_virq"), 1);
    assert_int_equal(host_last("event_send_global_virq")->a[0], VIRQ_CON_RING);
    log_info("a");
    log_info("b");
    assert_int_equal(host_calls("smp_kick"), 1);         /* one until it is answered */
    console_notify();
    con_printf("no line yet");
    assert_int_equal(host_calls("smp_kick"), 1);
    con_printf("\n");
    assert_int_equal(host_calls("smp_kick"), 2);
    console_notify();
    opt.loglvl = opt.loglvl_limited = 0;
    log_info("dropped");
    assert_int_equal(host_calls("smp_kick"), 2);
}

static void test_input_to_dom0(void **state)
{
    struct domain *d0 = unit_domain(0, 1), *d1 = unit_domain(1, 1);
    char buf[2000];
    u32 before = acks;

    (void)state;
    press("ls\n");
    assert_int_equal(acks, before + 1);
    assert_int_equal(host_calls("event_send_global_virq"), 3);
    assert_int_equal(host_last("event_send_global_virq")->a[0], VIRQ_CONSOLE);
    assert_int_equal(console_guest_read(d1, buf, sizeof(buf)), 0);
    assert_int_equal(console_guest_read(d0, buf, 2), 2);
    assert_memory_equal(buf, "ls", 2);
    assert_int_equal(console_guest_read(d0, buf, sizeof(buf)), 1);
    assert_int_equal(buf[0], '\n');
    assert_int_equal(console_guest_read(d0, buf, sizeof(buf)), 0);
    for (u32 i = 0; i < 1500; i++) {                     /* nobody reads: the oldest are kept, nothing is overrun */
        press(i == 0 ? "F" : "x");
    }
    assert_int_equal(console_guest_read(d0, buf, sizeof(buf)), 1024);
    assert_int_equal(buf[0], 'F');
    assert_int_equal(console_guest_read(d0, buf, sizeof(buf)), 0);
}

static void test_conswitch(void **state)
{
    struct domain *d0 = unit_domain(0, 1);
    char buf[16];

    (void)state;
    press("\x01\x01z");                                  /* no switch: dom0 gets all of it */
    assert_int_equal(console_guest_read(d0, buf, sizeof(buf)), 3);
    assert_memory_equal(buf, "\x01\x01z", 3);
    press("\x01\x01\x01");
    assert_out("(ARGON) *** Serial input to Argon (type 'CTRL-a' three times to switch input to DOM0)\r\n");
    assert_int_equal(console_guest_read(d0, buf, sizeof(buf)), 0);
    press("m\n\r");
    assert_string_equal(strchr(out, '\n') + 1, "(ARGON) memory\r\n");
    assert_int_equal(console_guest_read(d0, buf, sizeof(buf)), 0);
    clear();
    press("\x01\x01\x01");
    assert_out("(ARGON) *** Serial input to DOM0 (type 'CTRL-a' three times to switch input)\r\n");
    opt.conswitch = 'b';
    press("\x02\x02\x02");
    assert_non_null(strstr(out, "(type 'CTRL-b' three times"));
    press("\x02\x02\x02");
    opt.conswitch = 0;                                   /* no switching */
    clear();
    press("\x01\x01\x01");
    assert_int_equal(console_guest_read(d0, buf, sizeof(buf)), 3);
    assert_out("");
}

/* ---- the end ---- */

static void test_panic_takes_over(void **state)
{
    struct domain *d0 = unit_domain(0, 1);

    (void)state;
    write_as(d0, "mid-line");
    clear();
    this_cpu()->lock_ranks[0] = RANK_NONE;
    host_exclusive_fail_in = 1;                          /* a try for the free lock fails: it is not broken open yet */
    console_panic();
    assert_int_equal(host_exclusive_fail_in, 0);
    assert_int_equal(this_cpu()->lock_ranks[0], RANK_CONSOLE);
    con_printf("Panic\n");
    assert_out("\r\n(ARGON) Panic\r\n");
    unit_set_cpu(1);
    unit_expect_panic(log_info("from another CPU"));     /* stops there */
    assert_out("");
    unit_set_cpu(0);
    log_info("still works");
    assert_out("(ARGON) still works\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_before_uart),
        CASE(test_init_failures),
        CASE(test_init_replays),
        CASE(test_levels),
        CASE(test_lines),
        CASE(test_con_printf_collects),
        CASE(test_dom0_line_discipline),
        CASE(test_dom0_long_line),
        CASE(test_guest_lines),
        CASE(test_rate_limit),
        CASE(test_stuck_uart),
        CASE(test_read_ring),
        CASE(test_read_ring_errors),
        CASE(test_ring_wraps),
        CASE(test_boot_done),
        CASE(test_notify),
        CASE(test_input_to_dom0),
        CASE(test_conswitch),
        CASE(test_panic_takes_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
