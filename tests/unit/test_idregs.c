/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* unit-sources: arch/arm/arm64/idregs.c */
/* ID registers for guests: what is not known is hidden, and CPUs that differ show what both have. */
#include "sysreg.h"
#include <asm/idregs.h>

static void set(u32 crm, u32 op2, u64 value)
{
    static char names[ID_REGS][16];      /* the register file keeps them */
    char *name = names[ID_REG(crm, op2)];

    sprintf(name, "s3_0_c0_c%u_%u", crm, op2);
    reg_set(name, value);
}

static u64 shown(u32 crm, u32 op2)
{
    return id_regs[ID_REG(crm, op2)];
}

static void set_all(u64 value)
{
    for (u32 i = ID_REG(1, 0); i < ID_REGS; i++) {
        set(i / 8, i % 8, value);
    }
}

/* A CPU with all that 64 bits can say: each field at what is known, signed ones "not there". */
static void test_all_ones(void **state)
{
    (void)state;
    set_all(~0UL);
    idregs_cpu_up(true);
    assert_int_equal(shown(4, 0), 0x1101000001ff0012UL);
    assert_int_equal(shown(5, 0), 0xf0f0f00aUL | 0xfUL << 36);
    assert_int_equal(shown(7, 0), 0xff110125UL);
    assert_int_equal(shown(1, 4), 0xffffffffUL);
}

/* ... and at 7, where signed fields are not negative. */
static void test_all_sevens(void **state)
{
    (void)state;
    set_all(0x7777777777777777UL);
    idregs_cpu_up(true);
    assert_int_equal(shown(4, 0), 0x1101000001110012UL);
    assert_int_equal(shown(4, 1), 0x21);                 /* no MTE, MTE_frac, GCS, THE, CSV2_frac */
    assert_int_equal(shown(5, 0), 0x70707007UL);
    assert_int_equal(shown(6, 0), 0x1221111110212120UL & ~0xf000000UL);
    assert_int_equal(shown(6, 1), 0x0011211100211002UL);
    assert_int_equal(shown(6, 2), 0x0010000010100000UL); /* no MOPS, SYSREG_128 */
    assert_int_equal(shown(7, 0), 0x00110125UL);
    assert_int_equal(shown(7, 1), 0x1001003001302002UL);
    assert_int_equal(shown(7, 2), 0x1021000110110111UL);
    assert_int_equal(shown(1, 0), 0x01017777);
    assert_int_equal(shown(1, 1), 0x00020777);
    assert_int_equal(shown(1, 2), 0x00000777);
    for (u32 i = 0; i < ID_REGS; i++) {
        bool named = i / 8 == 1 ? i % 8 != 3 : i / 8 == 2 ? true : i / 8 == 3 ? (i % 8 < 3 || i % 8 == 4 || i % 8 == 6)
                   : i / 8 == 4 ? i % 8 < 2 : i / 8 == 5 ? i % 8 == 0 : i / 8 >= 6 ? i % 8 < 3 : false;

        assert_true(named || id_regs[i] == 0);
    }
}

struct cpu { u64 pfr0, pfr1, dfr0, isar0, isar1, mmfr0, mmfr1, mmfr2; };
/* By their reference manuals. */
static const struct cpu a53 = { 0x2222, 0, 0x10305106, 0x11120, 0, 0x1122, 0, 0 };
static const struct cpu a72 = { 0x2222, 0, 0x10305106, 0x11120, 0, 0x1124, 0, 0 };
static const struct cpu a76 = {
    0x1100000010111112UL, 0x10, 0x10305408, 0x0000100010211120UL, 0x100001, 0x101122, 0x10212122, 0x1011
};

static void up(const struct cpu *c, bool first)
{
    set_all(0);
    set(4, 0, c->pfr0);
    set(4, 1, c->pfr1);
    set(5, 0, c->dfr0);
    set(6, 0, c->isar0);
    set(6, 1, c->isar1);
    set(7, 0, c->mmfr0);
    set(7, 1, c->mmfr1);
    set(7, 2, c->mmfr2);
    idregs_cpu_up(first);
}

/* Real CPUs lose what guests have not: EL2, EL3, RAS, PMU, VMIDs, VHE. */
static void test_real(void **state)
{
    (void)state;
    up(&a53, true);
    assert_int_equal(shown(4, 0), 0x01000012);
    assert_int_equal(shown(5, 0), 0x10305006);
    assert_int_equal(shown(6, 0), 0x11120);
    assert_int_equal(shown(7, 0), 0x0122);
    up(&a76, true);
    assert_int_equal(shown(4, 0), 0x1100000001110012UL);
    assert_int_equal(shown(4, 1), 0x10);
    assert_int_equal(shown(5, 0), 0x10305008);
    assert_int_equal(shown(6, 0), a76.isar0);
    assert_int_equal(shown(6, 1), a76.isar1);
    assert_int_equal(shown(7, 0), 0x100122);
    assert_int_equal(shown(7, 1), 0x00202002);
    assert_int_equal(shown(7, 2), 0x0011);
}

/* hmp-unsafe: the least of both, whichever comes first; a field that is not there at all stays so. */
static void test_mixed(void **state)
{
    u64 first[ID_REGS];

    (void)state;
    up(&a76, true);
    up(&a72, false);
    up(&a53, false);
    assert_int_equal(shown(4, 0), 0x01000012);
    assert_int_equal(shown(4, 1), 0);
    assert_int_equal(shown(6, 0), 0x11120);
    assert_int_equal(shown(7, 0), 0x0122);
    assert_int_equal(shown(5, 0), 0x10305006);
    memcpy(first, id_regs, sizeof(first));
    up(&a53, true);
    up(&a76, false);
    up(&a72, false);
    assert_memory_equal(first, id_regs, sizeof(first));
    up(&a76, true);
    up(&(struct cpu){ .pfr0 = 0xff0012, .mmfr0 = 0xff000002 }, false);
    assert_int_equal(shown(4, 0) & 0xff0000, 0xff0000);  /* no FP */
    assert_int_equal(shown(7, 0), 0xff000002);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        sysreg_case(test_all_ones), sysreg_case(test_all_sevens), sysreg_case(test_real), sysreg_case(test_mixed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
