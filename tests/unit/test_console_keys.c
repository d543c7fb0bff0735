/* SPDX-License-Identifier: MIT */
/* unit-sources: core/console/ring.c core/console/log.c core/console/output.c core/console/input.c */
/* unit-sources: core/console/keys.c core/console/dump.c */
/* Debug keys. The console keeps its state: test_boot() comes first. */
#include "test_console_common.h"

void vcpu_dump(struct vcpu *v) { host_record(__func__, (u64)v, 0, 0, 0); }

static void test_boot(void **state)
{
    struct domain *d0 = unit_domain(0, 1);

    (void)state;
    unit_set_current(d0->vcpu[0]);
    console_init_early();
    machine.has_uart = true;
    machine.uart = (struct machine_uart){ .base = 0x9000000, .size = 0x1000, .irq = 33 };
    strcpy(machine.uart.compatible, "test,uart");
    strcpy(opt.console, "dtuart");
    console_init();
    console_boot_done();
}

static void test_keys(void **state)
{
    (void)state;
    unit_domain(0, 2);
    unit_domain(3, 1);
    console_notify();
    debug_key('h');
    assert_non_null(strstr(out, "(ARGON) 'h' pressed -> showing installed handlers\r\n"));
    for (const char *k = "hqregmHi0dR*tavwC"; *k != 0; k++) {
        char row[16];

        snprintf(row, sizeof(row), " key '%c' (", *k);
        assert_non_null(strstr(out, row));
    }
    clear();
    debug_key('e');
    assert_non_null(strstr(out, "(ARGON) events of 0\r\n(ARGON) events of 3\r\n"));
    clear();
    debug_key('q');
    assert_non_null(strstr(out, "General information for domain 0:\r\n"));
    assert_non_null(strstr(out, "General information for domain 3:\r\n"));
    assert_non_null(strstr(out, "    VCPU1: CPU1 "));
    assert_non_null(strstr(out, "cpu_time=7ms\r\n"));
    clear();
    debug_key('0');
    assert_non_null(strstr(out, "*** Dom0 vcpu#1 state: CPU1, "));
    assert_int_equal(host_calls("vcpu_dump"), 2);
    clear();
    debug_key('d');
    assert_int_equal(host_calls("arch_vcpu_show_regs_host"), 1);
    assert_int_equal(host_calls("smp_kick"), 4);         /* three CPUs, and the log's consumers */
    debug_dump_vcpu(dom0->vcpu[1]);
    assert_ptr_equal(host_last("arch_vcpu_dump")->a[0], dom0->vcpu[1]);
    debug_dump_cpu();
    assert_int_equal(host_calls("arch_vcpu_show_regs_host"), 2);
    clear();
    debug_key('t');
    assert_non_null(strstr(out, "Wall clock at system time 0: 5.000000006 s UTC"));
    clear();
    debug_key('*');
    assert_non_null(strstr(out, "grants of 3"));
    assert_non_null(strstr(out, "vgic of 3"));
    assert_non_null(strstr(out, "timers"));
    assert_non_null(strstr(out, "own memory"));
    assert_null(strstr(out, "rebooting"));
    clear();
    debug_key('Y');
    assert_out("(ARGON) 'Y' is no debug key; 'h' lists them\r\n");
    debug_key(0x80);
    assert_out("(ARGON) character 0x80 is no debug key; 'h' lists them\r\n");
}

static void test_key_replays_ring(void **state)
{
    (void)state;
    log_info("to be seen twice");
    assert_out("(ARGON) to be seen twice\r\n");
    debug_key('w');
    assert_int_equal(count_lines("to be seen twice\r\n"), 1);
}

static void test_key_reboot(void **state)
{
    (void)state;
    unit_expect_panic(debug_key('R'));                   /* the fake arch_machine_restart() */
    assert_out("(ARGON) 'R' pressed -> rebooting machine\r\n");
    assert_int_equal(host_calls("smp_stop_others"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_boot),
        CASE(test_keys),
        CASE(test_key_replays_ring),
        CASE(test_key_reboot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
