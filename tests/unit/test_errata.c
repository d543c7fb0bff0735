/* SPDX-License-Identifier: MIT */
/* Which CPU needs what: the table by MIDR, the option, CPUs that come up later. */
#include "unit.h"

/* System registers are the test's. */
static u64 midr;
static u64 reg_midr_el1(void) { return midr; }
#define sysreg_read(r) reg_##r()
#include "../../hypervisor/arch/arm/errata.c"
#undef sysreg_read

#define MIDR(model, variant, revision) ((model) | 0xf0000 | (variant) << 20 | (revision))

static int setup(void **state)
{
    unit_setup(state);
    errata_word = forced_on = forced_off = 0;
    complete = false;
    memset(of_cpu, 0, sizeof(of_cpu));
    return 0;
}

static bool up(u32 cpu, u64 value)
{
    bool ok;

    unit_set_cpu(cpu);
    midr = value;
    ok = errata_cpu_up();
    unit_set_cpu(0);
    return ok;
}

static u32 word_of(u64 value)
{
    errata_word = 0;
    assert_true(up(0, value));
    return errata_word;
}

static void test_by_midr(void **state)
{
    (void)state;
    assert_int_equal(word_of(MIDR(A35, 0, 2)), 0);
    assert_int_equal(word_of(MIDR(A53, 0, 2)), BIT32(ERRATUM_CLEAN_INVAL));
    assert_int_equal(word_of(MIDR(A53, 0, 4)), 0);
    assert_int_equal(word_of(MIDR(A57, 1, 2)),
                     BIT32(ERRATUM_SPECULATIVE_AT) | BIT32(ERRATUM_834220) | BIT32(ERRATUM_832075));
    assert_int_equal(word_of(MIDR(A57, 1, 3)), BIT32(ERRATUM_SPECULATIVE_AT));
    assert_int_equal(word_of(MIDR(A76, 2, 0)), BIT32(ERRATUM_SPECULATIVE_AT) | BIT32(ERRATUM_REPEAT_TLBI));
    assert_int_equal(word_of(MIDR(A76, 2, 1)), BIT32(ERRATUM_REPEAT_TLBI));
    assert_int_equal(word_of(MIDR(A510, 1, 1)), BIT32(ERRATUM_REPEAT_TLBI));
    assert_int_equal(word_of(MIDR(A510, 1, 2)), 0);
    assert_int_equal(word_of(MIDR(A73, 0, 2)), BIT32(ERRATUM_COUNTER_858921));
    /* The part number of an A57, of another implementer. */
    assert_int_equal(word_of(MIDR(MODEL(0x42u, 0xd07), 1, 0)), 0);
}

static void test_option(void **state)
{
    (void)state;
    errata_boot_init("clean-inval,no-834220,bogus");
    assert_non_null(strstr(unit_log(), "Option errata: unknown name: bogus\n"));
    assert_int_equal(errata_word, BIT32(ERRATUM_CLEAN_INVAL));
    assert_int_equal(word_of(MIDR(A57, 1, 0)),
                     BIT32(ERRATUM_SPECULATIVE_AT) | BIT32(ERRATUM_CLEAN_INVAL) | BIT32(ERRATUM_832075));
    errata_boot_init("none");
    assert_int_equal(word_of(MIDR(A57, 1, 0)), 0);
    errata_boot_init("none,834220");
    assert_int_equal(word_of(MIDR(A57, 1, 0)), BIT32(ERRATUM_834220));
    errata_boot_init("all");
    assert_int_equal(word_of(MIDR(A35, 0, 0)), BIT32(NR_ERRATA) - 1);
    for (u32 i = 0; i < NR_ERRATA; i++) {
        assert_non_null(kinds[i].name);
        assert_non_null(kinds[i].what);
    }
}

static void test_union(void **state)
{
    (void)state;
    assert_true(up(0, MIDR(A53, 0, 0)) && up(1, MIDR(A72, 0, 0)) && up(2, MIDR(A72, 0, 1)) && up(3, MIDR(A53, 0, 4)));
    assert_int_equal(errata_word, BIT32(ERRATUM_SPECULATIVE_AT) | BIT32(ERRATUM_CLEAN_INVAL));
    nr_cpus = 4;
    errata_boot_done();
    assert_non_null(strstr(unit_log(), "Erratum speculative-at, CPUs 1-2: "));
    assert_non_null(strstr(unit_log(), "Erratum clean-inval, CPUs 0: "));
}

static void test_late(void **state)
{
    (void)state;
    assert_true(up(0, MIDR(A53, 0, 4)));
    errata_boot_done();
    assert_true(up(1, MIDR(A35, 0, 0)));
    assert_false(up(2, MIDR(A72, 0, 0)));
    assert_int_equal(errata_word, 0);
    assert_non_null(strstr(unit_log(), "CPU 2 (MIDR "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_by_midr, setup, unit_teardown),
        cmocka_unit_test_setup_teardown(test_option, setup, unit_teardown),
        cmocka_unit_test_setup_teardown(test_union, setup, unit_teardown),
        cmocka_unit_test_setup_teardown(test_late, setup, unit_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
