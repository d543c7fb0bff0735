/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* unit-sources: arch/arm/arm64/sysreg.c */
/* Trapped system registers: what a guest reads, what its writes do, and who finds them UNDEFINED. */
#include "sysreg.h"
#include <asm/idregs.h>
#include <asm/trap.h>
#include <vdev/vgic.h>
#include <vdev/vtimer.h>

#define PC          0x1000UL
#define REG(op0, op1, crn, crm, op2) \
    ((u32)(op0) << 20 | (u32)(op2) << 17 | (u32)(op1) << 14 | (u32)(crn) << 10 | (u32)(crm) << 1)
#define PFR0        REG(3, 0, 0, 4, 0)
#define ISAR0       REG(3, 0, 0, 6, 0)
#define SGI1R       REG(3, 0, 12, 11, 5)
#define SGI0R       REG(3, 0, 12, 11, 7)
#define SRE         REG(3, 0, 12, 12, 5)
#define CNTP_CTL    REG(3, 3, 14, 2, 1)
#define CNTPCT      REG(3, 3, 14, 0, 1)
#define ACTLR       REG(3, 0, 1, 0, 1)
#define OSLSR       REG(2, 0, 1, 1, 4)
#define DBGBVR(n)   REG(2, 0, 0, n, 4)
#define PMCR        REG(3, 3, 9, 12, 0)
#define NOTHING     0x5555555555555555UL

u64 id_regs[ID_REGS];
static struct vcpu *v;
static u32 undefined_count, sgis, timer_accesses, acknowledged;
static u64 sgi_value;
static bool group0;

void inject_undefined(struct vcpu *who) { assert_ptr_equal(who, v); undefined_count++; }
void vgic_sgi1r_write(struct vcpu *who, u64 value) { (void)who; sgis++; sgi_value = value; group0 = false; }
void vgic_sgi0r_write(struct vcpu *who, u64 value) { (void)who; sgis++; sgi_value = value; group0 = true; }
bool vgic_acknowledge_trapped(struct vcpu *who) { (void)who; return acknowledged > 0 && acknowledged--; }

void vtimer_phys_access(struct vcpu *who, enum vtimer_reg reg, bool write, u64 *val)
{
    (void)who;
    timer_accesses++;
    if (!write) {
        *val = 0x70 + reg;
    }
}

static int setup(void **state)
{
    int rc = sysreg_setup(state);

    v = unit_domain(1, 1)->vcpu[0];
    unit_set_current(v);
    v->domain->arch.vgic.version = 3;
    undefined_count = sgis = timer_accesses = acknowledged = 0;
    reg_set("spsr_el2", 5);
    id_regs[ID_PFR0] = ID_PFR0_GIC | 0x11;
    id_regs[ID_REG(6, 0)] = 0x1234;
    return rc;
}

/* The access is made; was it UNDEFINED? Then the guest is still at it, else behind it. */
static bool access(u32 reg, u32 rt, bool read)
{
    u32 before = undefined_count;
    bool gone;

    reg_set("elr_el2", PC);
    trap_sysreg(v, (u64)EC_SYSREG << ESR_EC_SHIFT | ESR_IL | reg | rt << 5 | (read ? 1 : 0));
    gone = undefined_count != before;
    assert_int_equal(reg_get("elr_el2"), gone ? PC : PC + 4);
    return !gone;
}

/* What a read gives; NOTHING if it is UNDEFINED. */
static u64 rd(u32 reg)
{
    v->arch.regs.x[2] = NOTHING;
    return access(reg, 2, true) ? v->arch.regs.x[2] : NOTHING;
}

static bool wr(u32 reg, u64 value)
{
    v->arch.regs.x[3] = value;
    return access(reg, 3, false);
}

static void test_id_registers(void **state)
{
    (void)state;
    assert_int_equal(rd(PFR0), ID_PFR0_GIC | 0x11);
    assert_int_equal(rd(ISAR0), 0x1234);
    v->domain->arch.vgic.version = 2;
    assert_int_equal(rd(PFR0), 0x11);
    assert_int_equal(rd(ISAR0), 0x1234);
    assert_false(wr(ISAR0, 1));
    assert_int_equal(rd(REG(3, 0, 0, 8, 0)), NOTHING);
}

/* Register 31 is XZR: reads go nowhere, zero is written. */
static void test_xzr(void **state)
{
    (void)state;
    assert_true(access(ISAR0, 31, true));
    assert_true(access(ACTLR, 31, true));
    sgi_value = 1;
    assert_true(access(SGI1R, 31, false));
    assert_int_equal(sgi_value, 0);
}

static void test_sgis(void **state)
{
    (void)state;
    assert_true(wr(SGI1R, 3UL << 24 | 1));
    assert_int_equal(sgi_value, 3UL << 24 | 1);
    assert_false(group0);
    assert_true(wr(SGI0R, 4UL << 24 | 1));
    assert_true(group0);
    assert_int_equal(rd(SGI1R), NOTHING);
    assert_int_equal(rd(SRE), 7);
    assert_int_equal(sgis, 2);
    v->domain->arch.vgic.version = 2;
    assert_false(wr(SGI1R, 3UL << 24 | 1));
    assert_false(wr(SGI0R, 3UL << 24 | 1));
    assert_int_equal(rd(SRE), NOTHING);
    assert_int_equal(sgis, 2);
}

/* EL0 has the timer and the counter only as its kernel has let it (CNTKCTL_EL1: bit 9, bit 0). */
static void test_timer(void **state)
{
    (void)state;
    assert_int_equal(rd(CNTP_CTL), 0x70 + VTIMER_CNTP_CTL);
    assert_true(wr(CNTP_CTL, 1));
    assert_int_equal(rd(CNTPCT), 0x70 + VTIMER_CNTPCT);
    assert_false(wr(CNTPCT, 1));
    assert_int_equal(timer_accesses, 3);
    reg_set("spsr_el2", 0);
    assert_int_equal(rd(CNTP_CTL), NOTHING);
    assert_int_equal(rd(CNTPCT), NOTHING);
    reg_set("cntkctl_el1", BIT(9));
    assert_int_equal(rd(CNTP_CTL), 0x70 + VTIMER_CNTP_CTL);
    assert_int_equal(rd(CNTPCT), NOTHING);
    reg_set("cntkctl_el1", BIT(0));
    assert_int_equal(rd(CNTP_CTL), NOTHING);
    assert_int_equal(rd(CNTPCT), 0x70 + VTIMER_CNTPCT);
    assert_int_equal(timer_accesses, 5);
    reg_set("spsr_el2", 4);              /* EL1 with SP_EL0 */
    assert_int_equal(rd(CNTP_CTL), 0x70 + VTIMER_CNTP_CTL);
}

static void test_read_as_zero(void **state)
{
    (void)state;
    assert_int_equal(rd(ACTLR), 0);
    assert_true(wr(ACTLR, ~0UL));
    assert_int_equal(rd(ACTLR), 0);
    assert_int_equal(rd(DBGBVR(0)), 0);
    assert_int_equal(rd(DBGBVR(15)), 0);
    assert_true(wr(DBGBVR(3), 1));
    assert_int_equal(rd(OSLSR), 8);
    assert_false(wr(OSLSR, 0));
}

static void test_undefined(void **state)
{
    (void)state;
    assert_int_equal(rd(PMCR), NOTHING);
    assert_false(wr(PMCR, 0));
    /* But for an access to an acknowledge register that the vGIC had trapped once: it is made again. */
    acknowledged = 1;
    reg_set("elr_el2", PC);
    trap_sysreg(v, (u64)EC_SYSREG << ESR_EC_SHIFT | ESR_IL | REG(3, 0, 12, 12, 0) | 1);
    assert_int_equal(undefined_count, 2);
    assert_int_equal(reg_get("elr_el2"), PC);
}

#define sys_case(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        sys_case(test_id_registers), sys_case(test_xzr), sys_case(test_sgis), sys_case(test_timer),
        sys_case(test_read_as_zero), sys_case(test_undefined),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
