/* SPDX-License-Identifier: MIT */
/* Mitigations: the vectors of each CPU, what the firmware is asked when vCPUs change, what guests are told. */
#include "unit.h"

static const char *vbar, *in_effect;
#define sysreg_write(r, v) (vbar = (const char *)(uintptr_t)(v))
#define isb()              (in_effect = vbar)
#include "../../hypervisor/arch/arm/arm64/spectre.c"

const char hyp_vectors[1], hyp_vectors_firmware[1], hyp_vectors_clear[1], hyp_vectors_loop[1];
u32 errata_word;

static char calls[256];                  /* function:argument of each call of the firmware */
static struct domain *d;
static u8 known_loops;

s64 firmware_call(u32 fid, u64 arg)
{
    sprintf(calls + strlen(calls), "%x:%d ", fid, (int)arg);
    return 0;
}

static const char *take_calls(void)
{
    static char taken[sizeof(calls)];

    strcpy(taken, calls);
    calls[0] = '\0';
    return taken;
}

static int setup(void **state)
{
    unit_setup(state);
    d = unit_domain(1, 2);
    errata_word = 0;
    answers[0] = answers[2] = 1;
    answers[1] = -2;
    known_loops = 24;
    take_calls();
    return 0;
}

static void up(u32 cpu, u32 needed, s32 w1, s32 w2, s32 w3, bool safe)
{
    struct cpu_view c = { .workaround = { w1, w2, w3 }, .safe = { safe, safe, safe }, .bhb_loops = known_loops };

    unit_set_cpu(cpu);
    vbar = in_effect = NULL;
    errata_word |= needed;
    spectre_cpu_up(&c, needed);
    assert_ptr_equal(in_effect, vbar);
}

static void test_vectors(void **state)
{
    (void)state;
    up(0, 0, -1, -1, -1, true);
    assert_ptr_equal(vbar, hyp_vectors);
    up(0, BIT32(SPECTRE_BHB_LOOP), -1, -1, -1, true);
    assert_ptr_equal(vbar, hyp_vectors_loop);
    assert_int_equal(this_cpu()->arch.exit_arg, 24);
    up(1, BIT32(SPECTRE_BHB_CLEAR), -1, -1, -1, true);
    assert_ptr_equal(vbar, hyp_vectors_clear);
    up(2, BIT32(SPECTRE_V2_FIRMWARE), 0, -1, -1, false);
    assert_ptr_equal(vbar, hyp_vectors_firmware);
    assert_int_equal(this_cpu()->arch.exit_arg, FID_WORKAROUND_1);
    up(3, BIT32(SPECTRE_V2_FIRMWARE) | BIT32(SPECTRE_BHB_FIRMWARE), 0, -1, 0, false);
    assert_ptr_equal(vbar, hyp_vectors_firmware);
    assert_int_equal(this_cpu()->arch.exit_arg, FID_WORKAROUND_3);
    assert_string_equal(calls, "");
    known_loops = 0;                     /* made to loop by the option: not for nothing */
    up(0, BIT32(SPECTRE_BHB_LOOP), -1, -1, -1, true);
    assert_int_equal(this_cpu()->arch.exit_arg, 32);
}

/* A vCPU may run on any CPU: what one of them needs it is told. */
static void test_answers(void **state)
{
    (void)state;
    up(0, 0, -1, -1, -1, true);                          /* nothing is needed, and the firmware knows nothing of it */
    assert_int_equal(firmware_guest_workaround(FID_WORKAROUND_1), 1);
    assert_int_equal(firmware_guest_workaround(FID_WORKAROUND_2), -2);
    assert_int_equal(firmware_guest_workaround(FID_WORKAROUND_3), 1);
    up(1, 0, 1, 1, 1, true);
    assert_int_equal(firmware_guest_workaround(FID_WORKAROUND_2), 1);
    up(2, 0, -1, -1, -1, false);
    assert_int_equal(firmware_guest_workaround(FID_WORKAROUND_1), -1);
    assert_int_equal(firmware_guest_workaround(FID_WORKAROUND_2), -1);
    up(3, BIT32(SPECTRE_V2_FIRMWARE), 0, 0, -1, false);
    assert_int_equal(firmware_guest_workaround(FID_WORKAROUND_1), 0);
    assert_int_equal(firmware_guest_workaround(FID_WORKAROUND_2), 0);
    assert_int_equal(firmware_guest_workaround(FID_WORKAROUND_3), -1);
    up(0, 0, -1, -2, 1, true);
    assert_int_equal(firmware_guest_workaround(FID_WORKAROUND_1), 0);
}

/* The exit has done what the guest calls for, on CPUs whose vectors do. */
static void test_calls(void **state)
{
    struct vcpu *v = d->vcpu[0];

    (void)state;
    up(0, BIT32(SPECTRE_V2_FIRMWARE), 0, -1, -1, false);
    assert_int_equal(firmware_guest_workaround_call(v, FID_WORKAROUND_1, 0), 0);
    assert_int_equal(firmware_guest_workaround_call(v, FID_WORKAROUND_3, 0), -1);
    assert_int_equal(firmware_guest_workaround_call(v, FID_WORKAROUND_2, 1), -1);
    assert_string_equal(take_calls(), "");
    up(1, 0, 0, -1, 0, false);                           /* errata=no-spectre-v2,no-spectre-bhb */
    assert_int_equal(firmware_guest_workaround_call(v, FID_WORKAROUND_1, 0), 0);
    assert_int_equal(firmware_guest_workaround_call(v, FID_WORKAROUND_3, 0), 0);
    assert_string_equal(take_calls(), "80008000:0 80003fff:0 ");
}

/* One vCPU's store bypass is not another's. */
static void test_store_bypass(void **state)
{
    struct vcpu *a = d->vcpu[0], *b = d->vcpu[1];

    (void)state;
    up(1, BIT32(SPECTRE_V4_FIRMWARE), -1, 0, -1, false);
    assert_string_equal(take_calls(), "80007fff:1 ");    /* not as the boot loader left it */
    up(0, BIT32(SPECTRE_V4_FIRMWARE), -1, 0, -1, false);
    take_calls();
    assert_int_equal(firmware_guest_workaround_call(a, FID_WORKAROUND_2, 0), 0);
    assert_string_equal(take_calls(), "80007fff:0 ");
    assert_int_equal(firmware_guest_workaround_call(a, FID_WORKAROUND_2, 0), 0);
    spectre_v4_load(a);
    assert_string_equal(take_calls(), "");
    spectre_v4_load(b);
    assert_string_equal(take_calls(), "80007fff:1 ");
    spectre_v4_load(a);
    assert_string_equal(take_calls(), "80007fff:0 ");
    unit_set_cpu(1);                                     /* moved */
    spectre_v4_load(a);
    assert_string_equal(take_calls(), "80007fff:0 ");
    assert_int_equal(firmware_guest_workaround_call(a, FID_WORKAROUND_2, 0xffffffff00000000UL | 1), 0);
    assert_string_equal(take_calls(), "80007fff:1 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_vectors, setup, unit_teardown),
        cmocka_unit_test_setup_teardown(test_answers, setup, unit_teardown),
        cmocka_unit_test_setup_teardown(test_calls, setup, unit_teardown),
        cmocka_unit_test_setup_teardown(test_store_bypass, setup, unit_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
