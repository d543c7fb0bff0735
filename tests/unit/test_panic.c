/* SPDX-License-Identifier: MIT */
/* unit-sources: core/panic.c */
/* panic() does not come back: the fakes jump out of it. */
#include "unit.h"
#include <argon/console.h>
#include <argon/param.h>
#include <argon/smp.h>

static jmp_buf out;
static u64 restarted_at;

void smp_stop_others(void) { host_record(__func__, 0, 0, 0, 0); }
void console_panic(void) { host_record(__func__, 0, 0, 0, 0); }
void arch_machine_restart(void) { restarted_at = now_ns(); longjmp(out, 1); }
void arch_stop_cpu(void) { longjmp(out, 2); }

/* Time passes while it waits. */
u64 arch_counter(void) { return host_counter += NS_PER_MS; }

static void test_reboots_after_a_while(void **state)
{
    volatile u64 start = now_ns();
    int how;

    (void)state;
    opt.noreboot = false;
    how = setjmp(out);
    if (how == 0) {
        panic("cannot %s", "go on");
    }
    assert_int_equal(how, 1);
    assert_true(restarted_at - start >= 5 * NS_PER_SEC);
    assert_int_equal(host_calls("smp_stop_others"), 1);
    assert_int_equal(host_calls("console_panic"), 1);
    assert_int_equal(host_calls("arch_dump_backtrace"), 1);
    assert_non_null(strstr(unit_log(), "Panic on CPU 0:\ncannot go on\n"));
    assert_non_null(strstr(unit_log(), "Reboot in 5 seconds"));
}

/* What the one that reports fails in may be the console: it restarts the machine without a word, once; others stop. */
static void test_fails_in_its_report(void **state)
{
    volatile u64 start = now_ns();
    int how;

    (void)state;
    opt.noreboot = false;
    how = setjmp(out);
    if (how == 0) {
        assert_failed("1 == 2", "x.c", 3);
    }
    assert_int_equal(how, 1);
    assert_true(restarted_at - start >= 5 * NS_PER_SEC);
    how = setjmp(out);
    if (how == 0) {
        assert_failed("2 == 3", "x.c", 4);       /* in the restart */
    }
    assert_int_equal(how, 2);
    unit_set_cpu(1);
    how = setjmp(out);
    if (how == 0) {
        panic("another");
    }
    unit_set_cpu(0);
    assert_int_equal(how, 2);
    assert_string_equal(unit_log(), "");
    assert_int_equal(host_calls("console_panic"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { unit_case(test_reboots_after_a_while), unit_case(test_fails_in_its_report) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
