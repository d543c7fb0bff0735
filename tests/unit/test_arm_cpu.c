/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* unit-sources: arch/arm/arm64/el2.c arch/arm/arm64/serror.c */
/* cpu_init_el2(): controls that firmware or an earlier kernel has left. */
#include "sysreg.h"
#include <argon/arch.h>
#include <argon/errno.h>
#include <asm/hcr.h>
#include <asm/insn.h>
#include <asm/p2m.h>
#include <asm/serror.h>
#include <asm/smp.h>

void p2m_cpu_init(void) { insn_other("p2m", 0); }

u64 serror_unmask(void)
{
    assert_true(reg_get("hcr_el2") & HCR_AMO);
    reg_set("isr_el1", 0);
    return 0xbe000011;
}

static enum { FINE, ABORTED, STRUCK, DEFERRED } probe;

int probe_load(volatile void *va, u32 *value)
{
    insn_other("load", (u64)(uintptr_t)va);
    *value = 7;
    if (probe == STRUCK) {
        reg_set("isr_el1", ISR_A);
    }
    if (probe == DEFERRED) {                     /* by the ESB that follows */
        reg_set("s3_0_c12_c1_1", DISR_A | 0x11);
    }
    return probe == ABORTED ? -EIO : 0;
}

/* HCR_EL2 before all else; EL1's walks off; the end is synchronized. */
static void test_order(void **state)
{
    (void)state;
    cpu_has_ras = false;
    cpu_init_el2();
    assert_true(insn_at("msr hcr_el2", 0) < insn_at("msr cptr_el2", 0));
    assert_int_equal(reg_get("hcr_el2"), HCR_HOST);
    assert_int_equal(reg_get("hcr_el2") & (HCR_E2H | HCR_TGE | HCR_VM), 0);
    insn_expect("msr hcr_el2", "isb", "dsb sy", "isb", "mrs isr_el1", "msr tcr_el1", "isb", "msr sctlr_el1", "p2m",
                "isb", NULL);
    assert_int_equal(reg_get("tcr_el1"), TCR_EPD);
    assert_true(reg_get("sctlr_el1") & SCTLR_M);
    assert_int_equal(reg_get("cnthctl_el2"), 0);
    /* A CPU of v8.0: nothing that it has not. */
    assert_int_equal(insn_count("msr s3_4_c1_c1_4") + insn_count("msr s3_4_c1_c2_2"), 0);
    assert_int_equal(insn_count("msr s3_4_c9_c9_0"), 0);
    assert_int_equal(insn_count("msr s3_4_c10_c5_0") + insn_count("msr s3_4_c12_c1_1"), 0);
}

static void test_serror_of_firmware(void **state)
{
    (void)state;
    cpu_has_ras = false;
    reg_set("isr_el1", ISR_A);
    cpu_init_el2();
    assert_non_null(strstr(unit_log(), "was pending at boot, syndrome 0xbe000011"));
    assert_int_equal(reg_get("isr_el1"), 0);
}

/* A register that is not there: a synchronous abort, an SError, one that ESB has deferred; taken, and nobody else's. */
static void test_probe(void **state)
{
    static const struct { int probe; bool ras; int rc; } cases[] = {
        { FINE, false, 0 }, { FINE, true, 0 }, { ABORTED, false, -EIO }, { ABORTED, true, -EIO },
        { STRUCK, false, -EIO }, { STRUCK, true, -EIO }, { DEFERRED, true, -EIO },
    };
    u32 value;

    (void)state;
    reg_set("hcr_el2", HCR_HOST);
    for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
        probe = cases[i].probe;
        cpu_has_ras = cases[i].ras;
        insn_forget();
        assert_int_equal(arch_probe_read32(&value, &value), cases[i].rc);
        assert_int_equal(reg_get("isr_el1") | reg_get("s3_0_c12_c1_1"), 0);
        assert_string_equal(unit_log(), "");
    }
    probe = FINE;
    cpu_has_ras = false;
    insn_forget();
    assert_int_equal(arch_probe_read32(&value, &value), 0);
    insn_expect_exactly("dsb sy", "isb", "dsb sy", "isb", "load", "dsb sy", "isb", "dsb sy", "isb", NULL);
    cpu_has_ras = true;
    insn_forget();
    assert_int_equal(arch_probe_read32(&value, &value), 0);
    insn_expect("load", "dsb sy", "esb", "mrs isr_el1", NULL);
    reg_set("isr_el1", ISR_A);                   /* somebody else's, of before */
    assert_int_equal(arch_probe_read32(&value, &value), 0);
    assert_non_null(strstr(unit_log(), "was pending, syndrome 0xbe000011"));
}

/* Everything there may be, and all of it in use. */
static void test_leftovers(void **state)
{
    static const char *const zero[] = {
        "mdscr_el1", "s3_4_c1_c1_4", "s3_4_c1_c1_5", "s3_4_c1_c1_6", "s3_4_c3_c1_4", "s3_4_c3_c1_5", "s3_4_c3_c1_6",
        "s3_4_c3_c1_2", "s3_4_c3_c1_3", "s3_4_c3_c1_7", "s3_4_c3_c1_0", "s3_4_c3_c1_1", "s3_4_c9_c9_0", "s3_0_c9_c10_0",
        "s3_4_c1_c2_1", "s3_0_c1_c2_1", "s3_0_c9_c11_0", "s3_0_c10_c5_0", "s3_0_c10_c5_1", "s3_4_c10_c4_0",
        "s3_4_c1_c2_2", "s3_4_c14_c3_1", "s3_4_c5_c2_3", "s3_4_c12_c1_1", "s3_4_c2_c0_3", "s3_4_c1_c0_3", "hstr_el2",
        "cntv_ctl_el0", "cntp_ctl_el0", "cnthp_ctl_el2", "cntvoff_el2", "cnthctl_el2",
    };

    (void)state;
    cpu_has_ras = true;
    reg_set("id_aa64pfr0_el1", 1UL << 28 | 1UL << 40 | 1UL << 44);       /* RAS, MPAM, AMU */
    reg_set("id_aa64dfr0_el1", 1UL << 32 | 1UL << 40 | 1UL << 44);       /* SPE, trace filter, trace buffer */
    reg_set("id_aa64mmfr0_el1", 2UL << 56);                              /* FGT2 */
    reg_set("id_aa64mmfr1_el1", 1UL << 8 | 1UL << 40);                   /* VH, HCX */
    reg_set("s3_0_c0_c7_3", 0x11);                                       /* TCR2, SCTLR2 */
    reg_set("s3_0_c10_c4_4", BIT(17));                                   /* MPAMHCR_EL2 */
    for (u32 i = 0; i < ARRAY_SIZE(zero); i++) {
        reg_set(zero[i], ~0UL);
    }
    cpu_init_el2();
    for (u32 i = 0; i < ARRAY_SIZE(zero); i++) {
        if (reg_get(zero[i]) != 0) {
            fail_msg("%s is %#lx", zero[i], (unsigned long)reg_get(zero[i]));
        }
    }
    assert_int_equal(reg_get("s3_4_c10_c5_0"), BIT(48) | BIT(49));
    insn_expect("msr s3_4_c9_c9_0", "isb", "psb csync", "dsb nsh", "msr s3_0_c9_c10_0", NULL);
    insn_expect("tsb csync", "dsb nsh", "msr s3_0_c9_c11_0", NULL);
}

/* Buffers that are EL3's are not touched. */
static void test_not_ours(void **state)
{
    (void)state;
    reg_set("id_aa64dfr0_el1", 1UL << 32 | 1UL << 44);
    reg_set("s3_0_c9_c10_7", BIT(4));
    reg_set("s3_0_c9_c11_7", BIT(4));
    cpu_init_el2();
    assert_int_equal(insn_count("msr s3_4_c9_c9_0") + insn_count("msr s3_0_c9_c10_0"), 0);
    assert_int_equal(insn_count("msr s3_0_c9_c11_0"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        sysreg_case(test_order), sysreg_case(test_serror_of_firmware), sysreg_case(test_probe),
        sysreg_case(test_leftovers),
        sysreg_case(test_not_ours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
