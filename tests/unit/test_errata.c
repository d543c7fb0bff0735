/* SPDX-License-Identifier: MIT */
/* Which CPU needs what: the table by MIDR, the option, CPUs that come up later. */
#include "unit.h"
#include <argon/machine.h>
#include <argon/param.h>

/* System registers are the test's. */
static u64 midr, pfr0, pfr1, isar2, mmfr0, mmfr1;
static s32 workaround[3];
static u64 reg_midr_el1(void) { return midr; }
static u64 reg_id_aa64pfr0_el1(void) { return pfr0; }
static u64 reg_id_aa64pfr1_el1(void) { return pfr1; }
static u64 reg_id_aa64mmfr0_el1(void) { return mmfr0; }
static u64 reg_id_aa64mmfr1_el1(void) { return mmfr1; }
static u64 reg_s3_0_c0_c6_2(void) { return isar2; }
#define sysreg_read(r) reg_##r()
#include "../../hypervisor/arch/arm/arm64/errata.c"
#undef sysreg_read

static u32 patched;              /* errata_word when sites were patched last */
void errata_patch_sites(void) { patched = errata_word; }

static u32 id_first, id_merged;
void idregs_cpu_up(bool first) { *(first ? &id_first : &id_merged) += 1; }

static struct cpu_view last_view;
static u32 last_needed;

s32 firmware_arch_features(u32 fid)
{
    return workaround[fid == FID_WORKAROUND_1 ? 0 : fid == FID_WORKAROUND_2 ? 1 : 2];
}

void spectre_cpu_up(const struct cpu_view *c, u32 needed)
{
    last_view = *c;
    last_needed = needed;
}

#define MIDR(model, variant, revision) ((model) | 0xf0000 | (variant) << 20 | (revision))

static int setup(void **state)
{
    unit_setup(state);
    errata_word = forced_on = forced_off = of_machine = 0;
    complete = false;
    boot_cpu.midr = 0;
    opt.hmp_unsafe = true;
    id_first = id_merged = 0;
    memset(of_cpu, 0, sizeof(of_cpu));
    /* What speculation may do is no matter, but where a test says so. */
    pfr0 = 3UL << 56;
    pfr1 = 1 << 4;
    isar2 = mmfr0 = mmfr1 = 0;
    workaround[0] = workaround[1] = workaround[2] = -1;
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

/* The table once more, by CPU: what vendors' notices say of the newest revision, and Arm's loop counts. */
static void test_every_model(void **state)
{
    static const struct {
        u32 model;
        bool repeat_tlbi;
        u8 loops;                        /* 0: none is known, or the CPU is not affected */
    } cpus[] = {
        { A35, false, 0 }, { A53, false, 0 }, { A55, true, 0 }, { A57, false, 8 }, { A72, false, 8 }, { A73, false, 0 },
        { A75, false, 0 }, { A76, true, 24 }, { A76AE, true, 24 }, { A77, true, 24 }, { A78, true, 32 },
        { A78AE, true, 32 }, { A78C, true, 32 }, { A510, false, 0 }, { A710, true, 32 }, { A715, false, 38 },
        { A720, false, 38 }, { X1, true, 32 }, { X1C, true, 32 }, { X2, true, 32 }, { X3, true, 132 }, { X4, true, 0 },
        { X925, true, 0 }, { C1_ULTRA, true, 0 }, { C1_PREMIUM, true, 0 }, { N1, true, 24 }, { N2, true, 32 },
        { V1, true, 32 }, { V2, true, 132 }, { V3, true, 0 }, { V3AE, true, 0 }, { OLYMPUS, true, 0 },
        { COBALT100, true, 32 }, { AMPERE1, false, 11 }, { BRAHMA_B53, false, 0 }, { TSV110, false, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cpus); i++) {
        u32 word;

        pfr0 = 1UL << 56;                /* CSV2: branch history is what is left */
        word = word_of(MIDR(cpus[i].model, 0xf, 0xf));
        if (!!(word & BIT32(ERRATUM_REPEAT_TLBI)) != cpus[i].repeat_tlbi ||
            (word & BIT32(SPECTRE_BHB_LOOP) ? last_view.bhb_loops : 0) != cpus[i].loops) {
            fail_msg("MIDR %#x: %#x, %u loops", cpus[i].model, word, last_view.bhb_loops);
        }
        /* With CSV2_2 as well, but CSV2_3. */
        pfr0 = 2UL << 56;
        assert_int_equal(word_of(MIDR(cpus[i].model, 0xf, 0xf)), word);
        pfr0 = 3UL << 56;
        assert_int_equal(word_of(MIDR(cpus[i].model, 0xf, 0xf)) & BIT32(SPECTRE_BHB_LOOP), 0);
    }
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

/* What the device tree says of the timer is of all CPUs. */
static void test_machine_quirks(void **state)
{
    (void)state;
    machine.timer_quirks = BIT32(TIMER_161010101);
    errata_boot_init("");
    assert_int_equal(errata_word, BIT32(ERRATUM_COUNTER_161010101));
    assert_int_equal(patched, errata_word);              /* time is read from here on */
    assert_true(up(1, MIDR(A35, 0, 0)));
    assert_int_equal(of_cpu[1], BIT32(ERRATUM_COUNTER_161010101));
    errata_boot_init("no-161010101");
    assert_int_equal(errata_word, 0);
    machine.timer_quirks = 0;
}

static void test_union(void **state)
{
    (void)state;
    assert_true(up(0, MIDR(A53, 0, 0)) && up(1, MIDR(A72, 0, 0)) && up(2, MIDR(A72, 0, 1)) && up(3, MIDR(A53, 0, 4)));
    assert_int_equal(errata_word, BIT32(ERRATUM_SPECULATIVE_AT) | BIT32(ERRATUM_CLEAN_INVAL));
    nr_cpus = 4;
    errata_boot_done();
    assert_int_equal(patched, errata_word);
    assert_non_null(strstr(unit_log(), "Erratum speculative-at, CPUs 1-2: "));
    assert_non_null(strstr(unit_log(), "Erratum clean-inval, CPUs 0: "));
}

static void test_late(void **state)
{
    (void)state;
    assert_true(up(0, MIDR(A53, 0, 4)));
    pcpus[2]->hwid = 2;
    errata_boot_done();
    assert_false(up(2, MIDR(A72, 0, 0)));
    assert_int_equal(errata_word, 0);
    assert_int_equal(of_cpu[2], 0);                      /* read-only by then */
    assert_non_null(strstr(unit_log(), "CPU with MPIDR 0x2 is late"));
}

/* One kind of CPU unless the user says so; never one that has fewer address bits than stage 2 counts on. */
static void test_kinds(void **state)
{
    (void)state;
    opt.hmp_unsafe = false;
    mmfr0 = 4;
    assert_true(up(0, MIDR(A53, 0, 4)) && up(1, MIDR(A53, 0, 4)));
    pcpus[2]->hwid = 0x100;
    assert_false(up(2, MIDR(A72, 0, 2)));
    assert_false(up(2, MIDR(A53, 0, 3)));
    assert_int_equal(errata_word, 0);
    assert_int_equal(id_first, 1);
    assert_int_equal(id_merged, 1);
    assert_non_null(strstr(unit_log(), "CPU with MPIDR 0x100 is of another kind"));
    opt.hmp_unsafe = true;
    assert_true(up(2, MIDR(A72, 0, 2)));
    assert_int_equal(id_merged, 2);
    assert_true(errata_word & BIT32(ERRATUM_SPECULATIVE_AT));
    mmfr0 = 3;
    assert_false(up(3, MIDR(A72, 0, 2)));
}

/* Spectre v2 and branch history: by CSV2, ECBHB, CLRBHB, what the firmware has, and the CPUs known. */
static void test_branches(void **state)
{
    u32 v2 = BIT32(SPECTRE_V2_FIRMWARE), v2_none = BIT32(SPECTRE_V2_OPEN), loop = BIT32(SPECTRE_BHB_LOOP);
    u32 only = v2 | v2_none | loop | BIT32(SPECTRE_BHB_CLEAR) | BIT32(SPECTRE_BHB_FIRMWARE) | BIT32(SPECTRE_BHB_OPEN);

    (void)state;
    pfr0 = 0;
    assert_int_equal(word_of(MIDR(A72, 0, 3)) & only, v2_none);
    assert_int_equal(word_of(MIDR(A53, 0, 4)) & only, 0);
    assert_true(last_view.safe[0] && last_view.safe[2]);
    workaround[0] = 0;
    assert_int_equal(word_of(MIDR(A72, 0, 3)) & only, v2);               /* covers branch history */
    assert_int_equal(word_of(MIDR(A53, 0, 4)) & only, 0);
    assert_int_equal(word_of(MIDR(A73, 0, 2)) & only, v2 | BIT32(SPECTRE_BHB_OPEN));
    workaround[2] = 0;
    assert_int_equal(word_of(MIDR(A73, 0, 2)) & only, v2 | BIT32(SPECTRE_BHB_FIRMWARE));
    workaround[0] = 1;
    assert_int_equal(word_of(MIDR(A72, 0, 3)) & only, loop);
    workaround[0] = workaround[2] = -1;
    pfr0 = 1UL << 56;
    assert_int_equal(word_of(MIDR(A72, 1, 0)) & only, loop);
    assert_int_equal(last_view.bhb_loops, 8);
    assert_int_equal(word_of(MIDR(N1, 4, 1)) & only, loop);
    assert_int_equal(last_view.bhb_loops, 24);
    assert_int_equal(word_of(MIDR(X3, 1, 0)) & only, loop);
    assert_int_equal(last_view.bhb_loops, 132);
    isar2 = 1UL << 28;
    assert_int_equal(word_of(MIDR(X3, 1, 0)) & only, BIT32(SPECTRE_BHB_CLEAR));
    mmfr1 = 1UL << 60;
    assert_int_equal(word_of(MIDR(X3, 1, 0)) & only, 0);
    isar2 = mmfr1 = 0;
    pfr0 = 3UL << 56;
    assert_int_equal(word_of(MIDR(N1, 4, 1)) & only, 0);
    errata_boot_init("no-bhb-loop");
    pfr0 = 1UL << 56;
    assert_int_equal(word_of(MIDR(N1, 4, 1)) & only, 0);
}

static void test_store_bypass(void **state)
{
    u32 only = BIT32(SPECTRE_V4_FIRMWARE) | BIT32(SPECTRE_V4_OPEN);

    (void)state;
    assert_int_equal(word_of(MIDR(A72, 0, 3)) & only, 0);                /* SSBS */
    pfr1 = 0;
    assert_int_equal(word_of(MIDR(A72, 0, 3)) & only, BIT32(SPECTRE_V4_OPEN));
    assert_int_equal(word_of(MIDR(A53, 0, 4)) & only, 0);
    workaround[1] = 1;
    assert_int_equal(word_of(MIDR(A72, 0, 3)) & only, 0);
    workaround[1] = -2;
    assert_int_equal(word_of(MIDR(A72, 0, 3)) & only, 0);
    workaround[1] = 0;
    assert_int_equal(word_of(MIDR(A72, 0, 3)) & only, BIT32(SPECTRE_V4_FIRMWARE));
    assert_int_equal(last_needed & only, BIT32(SPECTRE_V4_FIRMWARE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_by_midr, setup, unit_teardown),
        cmocka_unit_test_setup_teardown(test_every_model, setup, unit_teardown),
        cmocka_unit_test_setup_teardown(test_option, setup, unit_teardown),
        cmocka_unit_test_setup_teardown(test_machine_quirks, setup, unit_teardown),
        cmocka_unit_test_setup_teardown(test_union, setup, unit_teardown),
        cmocka_unit_test_setup_teardown(test_late, setup, unit_teardown),
        cmocka_unit_test_setup_teardown(test_kinds, setup, unit_teardown),
        cmocka_unit_test_setup_teardown(test_branches, setup, unit_teardown),
        cmocka_unit_test_setup_teardown(test_store_bypass, setup, unit_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
