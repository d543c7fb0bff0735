/* SPDX-License-Identifier: MIT */
/* unit-sources: core/efi_runtime.c */
/* The machine ends: what firmware does may end, for a time; ResetSystem is called unless another CPU is in firmware. */
#include "unit.h"
#include <argon/efi_runtime.h>

#include <unistd.h>

static const u64 none[EFI_MAX_ARGS];
static u64 called, status, waited, looks;
static u32 calls, a_look;        /* so much time passes with each */
static void (*firmware)(void);   /* during a call */

int arch_firmware_call(u64 fn, const u64 *args, u64 *out)
{
    void (*f)(void) = firmware;

    (void)args;
    calls++;
    called = fn;
    *out = EFI_UNSUPPORTED;
    firmware = NULL;
    if (f != NULL) {
        f();
    }
    return 0;
}

u64 arch_counter(void)
{
    atomic_fetch_add(&looks, 1);
    atomic_fetch_add(&waited, a_look);
    return waited;
}

static int setup(void **state)
{
    struct efi_found found = { .service = { [EFI_SET_VARIABLE] = 0x1000, [EFI_RESET_SYSTEM] = 0x2000 } };
    int rc = unit_setup(state);

    efi_runtime_enable(&found);
    calls = 0;
    a_look = NS_PER_MS / 16;
    return rc;
}

/* Another CPU's does not come back: it is waited for as long as flash may take, and no longer. */
static void end_by_other(void)
{
    u64 before = waited;

    unit_set_cpu(1);
    efi_runtime_end();
    assert_in_range(waited - before, 9 * NS_PER_SEC, 11 * NS_PER_SEC);
    assert_non_null(strstr(unit_log(), "another CPU is in UEFI: waiting for it, 10 seconds at most"));
    assert_non_null(strstr(unit_log(), "does not end what it has begun"));
    efi_runtime_reset(true);                     /* not on the stack that the other one is on */
    assert_int_equal(called, 0x1000);
    assert_non_null(strstr(unit_log(), "ResetSystem is not called: another CPU is in UEFI"));
    unit_set_cpu(0);
}

static void test_of_one_that_hangs(void **state)
{
    (void)state;
    firmware = end_by_other;
    assert_int_equal(efi_runtime_call(EFI_SET_VARIABLE, none, &status), 0);
    assert_int_equal(calls, 1);
}

/* This CPU's own, which has failed in it. */
static void end_by_itself(void)
{
    u64 before = looks;

    efi_runtime_end();
    assert_in_range(looks - before, 0, 1);
    assert_string_equal(unit_log(), "");
    efi_runtime_reset(true);                     /* there is no other way any more */
    assert_int_equal(called, 0x2000);
}

static void test_within(void **state)
{
    (void)state;
    firmware = end_by_itself;
    assert_int_equal(efi_runtime_call(EFI_SET_VARIABLE, none, &status), 0);
}

static u64 done_at;

static void *writer(void *arg)
{
    unit_set_cpu(1);
    return efi_runtime_call(EFI_SET_VARIABLE, none, &status) == 0 ? NULL : arg;
}

static bool inside;

static void takes_its_time(void)
{
    atomic_store(&inside, true);
    usleep(200000);
    done_at = atomic_load(&looks);
}

/* One that does: then it is over. And from here on nobody calls anything, so this is the last of the tests. */
static void test_of_one_that_ends(void **state)
{
    pthread_t thread;

    (void)state;
    firmware = takes_its_time;
    a_look = 1;
    assert_int_equal(pthread_create(&thread, NULL, writer, NULL), 0);
    while (!atomic_load(&inside)) {
        usleep(100);
    }
    done_at = 0;
    efi_runtime_end();
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_not_equal(done_at, 0);
    assert_non_null(strstr(unit_log(), "another CPU is in UEFI"));
    assert_null(strstr(unit_log(), "does not end"));
    unit_set_cpu(1);
    assert_int_equal(efi_runtime_call(EFI_SET_VARIABLE, none, &status), -EBUSY);
    unit_set_cpu(0);
    assert_int_equal(calls, 1);
    efi_runtime_reset(false);
    assert_int_equal(calls, 2);
    assert_int_equal(called, 0x2000);
    unit_log_clear();
    end_by_itself();                     /* once more, by a panic in that: it does not wait for what it holds */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_of_one_that_hangs, setup, unit_teardown),
        cmocka_unit_test_setup_teardown(test_within, setup, unit_teardown),
        cmocka_unit_test_setup_teardown(test_of_one_that_ends, setup, unit_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
