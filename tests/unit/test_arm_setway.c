/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* unit-sources: arch/arm/arm64/sysreg.c arch/arm/setway.c */
/* Cache maintenance by set and way: how often and in which pieces memory is cleaned, and what traps meanwhile. */
#include "sysreg.h"
#include <asm/hcr.h>
#include <asm/trap.h>

#define DC_CISW  (1u << 20 | 2u << 17 | 7u << 10 | 14u << 1)
#define SCTLR    (3u << 20 | 1u << 10)
#define TTBR0    (3u << 20 | 2u << 10)
#define RT(n)    ((u32)(n) << 5)
#define CACHES   (SCTLR_M | SCTLR_C)
#define PC       0x1000UL

static struct vcpu *v;
static u64 flushed;                      /* pages */
static u32 pieces;                       /* so many calls are preempted */

gfn_t p2m_max_gfn(struct domain *d) { (void)d; return gfn(0x40fff); }
void inject_undefined(struct vcpu *who) { (void)who; insn_other("undefined", 0); }

int p2m_cache_flush(struct domain *d, gfn_t *g, u64 *nr)
{
    u64 n = pieces != 0 ? 0x1000 : *nr;

    assert_ptr_equal(d, v->domain);
    insn_other("flush", g->g);
    flushed += n;
    g->g += n;
    *nr -= n;
    if (pieces != 0) {
        pieces--;
        return -ERESTART;
    }
    return 0;
}

static int setup(void **state)
{
    int rc = sysreg_setup(state);

    v = unit_domain(1, 1)->vcpu[0];
    unit_set_current(v);
    v->arch.hcr = HCR_GUEST;
    v->domain->arch.vgic.version = 3;
    reg_set("hcr_el2", HCR_GUEST);
    reg_set("sctlr_el1", CACHES);
    flushed = 0;
    pieces = 0;
    return rc;
}

/* Was it done, or is it executed again? */
static bool trap(u32 iss, u64 x1)
{
    reg_set("elr_el2", PC);
    v->arch.regs.x[1] = x1;
    trap_sysreg(v, (u64)EC_SYSREG << ESR_EC_SHIFT | ESR_IL | iss | RT(1));
    assert_int_equal(insn_count("undefined"), 0);
    return reg_get("elr_el2") == PC + 4;
}

/* A loop over all sets and ways costs its first instruction one pass over the memory. */
static void test_once(void **state)
{
    (void)state;
    assert_true(HCR_GUEST & HCR_TSW);
    for (u32 i = 0; i < 1000; i++) {
        assert_true(trap(DC_CISW, i));
    }
    assert_int_equal(flushed, 0x41000);
    assert_true(v->arch.hcr & HCR_TVM);
    assert_int_equal(reg_get("hcr_el2"), v->arch.hcr);
}

/* In pieces, with the guest on the instruction until the last. */
static void test_pieces(void **state)
{
    (void)state;
    pieces = 3;
    for (u32 i = 0; i < 3; i++) {
        assert_false(trap(DC_CISW, 0));
        assert_false(v->arch.hcr & HCR_TVM);
        assert_int_equal(insn_nth("flush", i)->value, i * 0x1000);
    }
    assert_true(trap(DC_CISW, 0));
    assert_int_equal(flushed, 0x41000);
    assert_true(v->arch.hcr & HCR_TVM);
}

/* Caches off, and on again: once more each, before the register changes; with them on nothing traps any more. */
static void test_caches_change(void **state)
{
    (void)state;
    assert_true(trap(DC_CISW, 0));
    assert_true(trap(SCTLR, CACHES | BIT(19)));
    assert_int_equal(insn_count("flush"), 1);            /* still on */
    assert_false(v->arch.hcr & HCR_TVM);
    assert_int_equal(reg_get("sctlr_el1"), CACHES | BIT(19));
    assert_true(trap(DC_CISW, 0));
    pieces = 1;
    assert_false(trap(SCTLR, 0));
    assert_int_equal(reg_get("sctlr_el1"), CACHES | BIT(19));
    assert_true(trap(SCTLR, 0));
    assert_int_equal(reg_get("sctlr_el1"), 0);
    assert_int_equal(insn_count("flush"), 4);
    assert_true(v->arch.hcr & HCR_TVM);
    assert_true(trap(TTBR0, 0x12345000));
    assert_int_equal(reg_get("ttbr0_el1"), 0x12345000);
    insn_forget();
    assert_true(trap(SCTLR, CACHES));
    insn_expect("flush", "msr sctlr_el1", "msr hcr_el2", NULL);
    assert_false(v->arch.hcr & HCR_TVM);
}

#define setway_case(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        setway_case(test_once), setway_case(test_pieces), setway_case(test_caches_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
