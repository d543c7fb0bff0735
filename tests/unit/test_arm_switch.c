/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* unit-sources: arch/arm/arm64/vcpu.c arch/arm/arm64/serror.c */
/* arch_context_switch(): order of register writes, barriers and invalidations. */
#include "sysreg.h"
#include <asm/errata.h>
#include <asm/fp.h>
#include <asm/hcr.h>
#include <asm/insn.h>
#include <asm/serror.h>
#include <asm/trap.h>
#include <asm/vtimer.h>

#define VDISR "msr s3_4_c12_c1_1"
#define EPD   TCR_EPD

static struct domain *d1, *d2;
static struct vcpu *a, *b, *c, *idle;    /* a and b of d1, c of d2 */
static u64 serror_esr;

void fp_save(struct fp_state *s) { (void)s; }
void fp_restore(const struct fp_state *s) { (void)s; }
void vgic_save(struct vcpu *v) { (void)v; insn_other("vgic save", 0); }
void vgic_restore(struct vcpu *v) { (void)v; insn_other("vgic", 0); }
void vtimer_save(struct vcpu *v) { (void)v; insn_other("vtimer save", 0); }
void vtimer_restore(struct vcpu *v) { (void)v; insn_other("vtimer", 0); }

u64 serror_unmask(void)
{
    insn_other("unmask", 0);
    reg_set("isr_el1", 0);
    return serror_esr;
}

static void fill(struct vcpu *v, u64 sctlr, u64 tcr)
{
    v->arch.hcr = HCR_GUEST;
    v->arch.el1.sctlr = sctlr;
    v->arch.el1.tcr = tcr;
    v->arch.el1.ttbr0 = tcr + 1;
}

static int setup(void **state)
{
    int rc = sysreg_setup(state);

    errata_word = 0;
    cpu_has_ras = false;
    serror_esr = 0xbe000000;
    d1 = unit_domain(1, 2);
    d2 = unit_domain(2, 1);
    d1->arch.vcounter_offset = 0x1000;
    d2->arch.vcounter_offset = 0x2000;
    a = d1->vcpu[0];
    b = d1->vcpu[1];
    c = d2->vcpu[0];
    idle = this_cpu()->idle;
    fill(a, SCTLR_M | SCTLR_C, 0xa000);
    fill(b, SCTLR_M | SCTLR_C, 0xb000);
    fill(c, SCTLR_M | SCTLR_C, 0xc000);
    reg_set("tcr_el1", EPD);             /* as cpu_init_el2() leaves it */
    reg_set("sctlr_el1", SCTLR_M);
    vcpu_boot_done();
    return rc;
}

static void go(struct vcpu *prev, struct vcpu *next)
{
    insn_forget();
    arch_context_switch(prev, next);
    assert_ptr_equal(this_cpu()->current, next);
}

/* What the guest finds. */
static void check_loaded(const struct vcpu *v)
{
    assert_int_equal(reg_get("tcr_el1"), v->arch.el1.tcr);
    assert_int_equal(reg_get("sctlr_el1"), v->arch.el1.sctlr);
    assert_int_equal(reg_get("ttbr0_el1"), v->arch.el1.ttbr0);
    assert_int_equal(reg_get("vttbr_el2"), v->domain->arch.vttbr);
    assert_int_equal(reg_get("hcr_el2"), v->arch.hcr);
    assert_int_equal(reg_get("cntvoff_el2"), v->domain->arch.vcounter_offset);
}

/* Of the n-th TCR_EL1 write: are walks off? */
static bool shut(u32 n)
{
    return (insn_nth("msr tcr_el1", n)->value & EPD) == EPD;
}

/* Errata of speculation: the walks of both guests are off while registers are of neither, the real TCR_EL1 is last. */
static void test_speculative_at(void **state)
{
    (void)state;
    errata_word = BIT32(ERRATUM_SPECULATIVE_AT);
    vcpu_boot_done();
    go(idle, a);
    check_loaded(a);
    go(a, c);
    check_loaded(c);
    insn_expect("msr tcr_el1", "isb", "msr vttbr_el2", "msr hcr_el2", "msr ttbr0_el1", "msr sctlr_el1", "isb",
                "msr tcr_el1", "isb", "vgic", NULL);
    assert_int_equal(insn_count("msr tcr_el1"), 2);
    assert_true(shut(0));
    assert_int_equal(insn_nth("msr tcr_el1", 1)->value, 0xc000);
    assert_true(insn_at("mrs tcr_el1", 0) < insn_at("msr tcr_el1", 0));
    assert_int_equal(a->arch.el1.tcr, 0xa000);
}

/* From and to a guest whose stage 1 is off: it is on, without walks, in between; off again before walks are let in. */
static void test_speculative_at_mmu_off(void **state)
{
    (void)state;
    errata_word = BIT32(ERRATUM_SPECULATIVE_AT);
    vcpu_boot_done();
    a->arch.el1.sctlr = 0;
    c->arch.el1.sctlr = SCTLR_C;
    go(idle, a);
    go(a, c);
    check_loaded(c);
    insn_expect("msr tcr_el1", "isb", "msr sctlr_el1", "isb", "msr vttbr_el2", "msr sctlr_el1", "isb",
                "msr sctlr_el1", "isb", "msr tcr_el1", "isb", NULL);
    assert_true(shut(0) && !shut(1));
    assert_true(insn_nth("msr sctlr_el1", 0)->value & SCTLR_M);
    assert_true(insn_nth("msr sctlr_el1", 1)->value & SCTLR_M);
    assert_int_equal(insn_nth("msr sctlr_el1", 2)->value, SCTLR_C);
    assert_int_equal(a->arch.el1.sctlr, 0);
}

/* The timer's interrupt is in the vGIC's state: the timer leaves first, and comes last, when its offset is there. */
static void test_timer_and_vgic(void **state)
{
    (void)state;
    go(idle, a);
    go(a, c);
    insn_expect("vtimer save", "vgic save", "mrs sctlr_el1", "msr cntvoff_el2", "isb", "vgic", "vtimer", NULL);
}

/* One that ran elsewhere meanwhile: what this CPU still holds of it is old. */
static void test_home_again(void **state)
{
    struct vcpu *idle1;

    (void)state;
    go(idle, a);
    go(a, idle);
    unit_set_cpu(1);
    idle1 = this_cpu()->idle;
    go(idle1, a);
    reg_set("ttbr0_el1", 0x1234000);     /* by the guest */
    go(a, idle1);
    unit_set_cpu(0);
    reg_set("ttbr0_el1", 0xa001);        /* CPU 0's is as it was left there */
    go(idle, a);
    assert_int_equal(insn_count("msr ttbr0_el1"), 1);
    assert_int_equal(reg_get("ttbr0_el1"), 0x1234000);
    check_loaded(a);
}

/* A CPU without the errata pays nothing in a switch between guests. */
static void test_not_speculative(void **state)
{
    (void)state;
    go(idle, a);
    go(a, c);
    check_loaded(c);
    assert_int_equal(insn_count("msr tcr_el1"), 1);
    assert_int_equal(insn_count("msr sctlr_el1"), 1);
}

/*
 * No walks while it idles, on any CPU: tables may be freed. Whoever was last gets back what was changed, and nothing
 * else.
 */
static void test_idle(void **state)
{
    (void)state;
    for (u32 m = 0; m < 2; m++) {
        a->arch.loaded_on = 0;
        a->arch.el1.sctlr = m;
        go(idle, a);
        go(a, idle);
        assert_true(shut(0));
        insn_expect("msr tcr_el1", "isb", NULL);
        assert_int_equal(reg_get("sctlr_el1"), SCTLR_M);
        go(idle, a);
        check_loaded(a);
        insn_expect("msr tcr_el1", "isb", "vgic", NULL);
        assert_int_equal(insn_count("msr sctlr_el1"), m == 0);
        if (m == 0) {
            insn_expect("msr sctlr_el1", "isb", "msr tcr_el1", "isb", NULL);
        }
        assert_int_equal(insn_count("msr vttbr_el2") + insn_count("msr ttbr0_el1"), 0);
        go(a, idle);
    }
}

/* Another than who was last: walks are let in where all else is its own, its stage 1 off if it has it off. */
static void test_idle_then_another(void **state)
{
    (void)state;
    c->arch.el1.sctlr = SCTLR_C;
    go(idle, a);
    go(a, idle);
    assert_int_equal(reg_get("tcr_el1") & EPD, EPD);
    go(idle, c);
    check_loaded(c);
    insn_expect("msr vttbr_el2", "msr ttbr0_el1", "msr sctlr_el1", "isb", "tlbi vmalle1", "dsb nsh", "isb",
                "msr tcr_el1", "isb", "vgic", NULL);
    assert_int_equal(insn_count("msr tcr_el1"), 1);
}

/* Exits run on the stack of the CPU that a vCPU is on, wherever it was before. */
static void test_stack(void **state)
{
    static char stacks[2];

    (void)state;
    pcpus[0]->arch.stack_top = &stacks[0];
    pcpus[1]->arch.stack_top = &stacks[1];
    go(idle, a);
    assert_ptr_equal(a->arch.stack_top, &stacks[0]);
    go(a, idle);
    go(idle, a);
    assert_ptr_equal(a->arch.stack_top, &stacks[0]);
    go(a, idle);
    unit_set_cpu(1);
    idle = this_cpu()->idle;
    go(idle, a);
    assert_ptr_equal(a->arch.stack_top, &stacks[1]);
    go(a, c);
    assert_ptr_equal(c->arch.stack_top, &stacks[1]);
    go(c, idle);
    unit_set_cpu(0);
    idle = this_cpu()->idle;
    go(idle, a);                         /* the last that CPU 0 had loaded, too */
    assert_ptr_equal(a->arch.stack_top, &stacks[0]);
}

/* Two vCPUs of a domain on one CPU: like two CPUs, they share neither TLB entries nor fetched instructions. */
static void test_last_vcpu(void **state)
{
    (void)state;
    go(idle, a);
    go(a, b);
    insn_expect("msr vttbr_el2", "isb", "tlbi vmalle1", "ic iallu", "dsb nsh", "isb", "vgic", NULL);
    check_loaded(b);
    go(b, c);
    go(c, b);
    assert_int_equal(insn_count("tlbi vmalle1"), 0);     /* b was d1's last one here */
    go(b, idle);
    go(idle, b);
    assert_int_equal(insn_count("tlbi vmalle1"), 0);
    go(b, c);
    go(c, a);
    assert_int_equal(insn_count("tlbi vmalle1"), 1);
    /* Of each CPU by itself. */
    go(a, idle);
    unit_set_cpu(1);
    idle = this_cpu()->idle;
    go(idle, a);
    assert_int_equal(insn_count("tlbi vmalle1"), 1);
    go(a, idle);
    go(idle, a);
    assert_int_equal(insn_count("tlbi vmalle1"), 0);
}

/* Where errata have it so, twice. */
static void test_last_vcpu_repeated(void **state)
{
    (void)state;
    errata_word = BIT32(ERRATUM_REPEAT_TLBI);
    vcpu_boot_done();
    go(idle, a);
    go(a, b);
    insn_expect("isb", "tlbi vmalle1", "dsb nsh", "tlbi vmalle1", "ic iallu", "dsb nsh", "isb", "vgic", NULL);
    assert_int_equal(insn_count("tlbi vmalle1"), 2);
}

/* What a CPU that idles has kept of a vCPU is out of date once the toolstack, or a reset, has changed its registers. */
static void test_changed_meanwhile(void **state)
{
    struct vcpu_guest_context x = { .user_regs = { .cpsr = 5 }, .ttbr0 = 0x1234, .sctlr = SCTLR_M };

    (void)state;
    go(idle, a);
    go(a, idle);
    assert_int_equal(arch_set_context(a, &x), 0);
    go(idle, a);
    check_loaded(a);
    assert_int_equal(reg_get("ttbr0_el1"), 0x1234);
    go(a, idle);
    assert_int_equal(arch_vcpu_boot(a, 0x40000000, 7), 0);
    go(idle, a);
    check_loaded(a);
    assert_int_equal(reg_get("ttbr0_el1"), 0);
}

/* With walks off as long as the TLB has what must go. */
static void test_last_vcpu_speculative(void **state)
{
    (void)state;
    errata_word = BIT32(ERRATUM_SPECULATIVE_AT);
    vcpu_boot_done();
    go(idle, a);
    go(a, b);
    insn_expect("msr tcr_el1", "isb", "tlbi vmalle1", "ic iallu", "dsb nsh", "isb", "msr tcr_el1", "isb", NULL);
    check_loaded(b);
}

/* An SError that the leaving vCPU has caused is taken before the next one is loaded, and is that domain's end. */
static void test_serror(void **state)
{
    (void)state;
    go(idle, a);
    go(a, c);
    insn_expect("mrs sctlr_el1", "dsb sy", "isb", "mrs isr_el1", "msr vttbr_el2", NULL);
    assert_int_equal(host_calls("domain_crash"), 0);
    reg_set("isr_el1", ISR_A);
    go(c, a);
    insn_expect("dsb sy", "isb", "mrs isr_el1", "unmask", "msr vttbr_el2", NULL);
    assert_int_equal(host_calls("domain_crash"), 1);
    assert_int_equal(host_last("domain_crash")->a[0], (u64)d2);
    /* Interrupts that wait are none. */
    reg_set("isr_el1", BIT(7) | BIT(6));
    go(a, c);
    assert_int_equal(host_calls("domain_crash"), 1);
    /* On the way to idle, too; what the vectors used of its registers is loaded again. */
    reg_set("isr_el1", ISR_A);
    go(c, idle);
    assert_int_equal(host_calls("domain_crash"), 2);
    go(idle, c);
    check_loaded(c);
    assert_int_equal(insn_count("msr ttbr0_el1"), 1);
}

/* One that arrives while the CPU idles, after the last look there, is not the next vCPU's. */
static void test_serror_idle(void **state)
{
    (void)state;
    go(idle, a);
    go(a, idle);
    reg_set("isr_el1", ISR_A);
    go(idle, a);
    insn_expect("mrs isr_el1", "unmask", "msr vttbr_el2", NULL);
    assert_int_equal(host_calls("domain_crash"), 0);
    assert_non_null(strstr(unit_log(), "while it was idle"));
    check_loaded(a);
    assert_int_equal(insn_count("msr ttbr0_el1"), 1);    /* the vectors have used registers of its */
}

/* With FEAT_RAS, ESB defers it. */
static void test_serror_ras(void **state)
{
    (void)state;
    reg_set("id_aa64pfr0_el1", 1UL << 28);
    serror_boot_init();
    vcpu_boot_done();
    go(idle, a);
    go(a, c);
    insn_expect("dsb sy", "esb", "mrs s3_0_c12_c1_1", "msr vttbr_el2", NULL);
    assert_int_equal(host_calls("domain_crash"), 0);
    reg_set("s3_0_c12_c1_1", DISR_A | 0x11);
    go(c, a);
    insn_expect("esb", "mrs s3_0_c12_c1_1", "msr s3_0_c12_c1_1", "msr vttbr_el2", NULL);
    assert_int_equal(reg_get("s3_0_c12_c1_1"), 0);
    assert_int_equal(insn_count("unmask"), 0);
    assert_int_equal(host_last("domain_crash")->a[0], (u64)d2);
}

/* TLB and cache maintenance that a vCPU has begun is complete where it leaves: its own DSB may come on another CPU. */
static void test_maintenance(void **state)
{
    (void)state;
    for (u32 ras = 0; ras < 2; ras++) {
        reg_set("id_aa64pfr0_el1", (u64)ras << 28);
        serror_boot_init();
        vcpu_boot_done();
        go(idle, a);
        go(a, c);
        insn_expect("dsb sy", "msr vttbr_el2", NULL);
        go(c, idle);
        insn_expect("dsb sy", "msr tcr_el1", NULL);
    }
}

/* The timer's line is low before anything is done about its interrupt. */
static void test_timer_off(void **state)
{
    (void)state;
    insn_forget();
    arch_vtimer_off();
    insn_expect_exactly("msr cntv_ctl_el0", "isb", NULL);
}

/* What guests reach though it is hidden, and nobody saves, is zero for whoever comes. */
static void test_hidden(void **state)
{
    (void)state;
    go(idle, a);
    assert_int_equal(insn_count(VDISR) + insn_count("msr s3_3_c13_c0_5"), 0);
    go(a, idle);
    reg_set("id_aa64pfr0_el1", 1UL << 28);
    reg_set("id_aa64pfr1_el1", 1UL << 24);
    serror_boot_init();
    vcpu_boot_done();
    reg_set("s3_4_c12_c1_1", 0x80000011);
    reg_set("s3_3_c13_c0_5", 1);
    go(idle, b);
    assert_int_equal(reg_get("s3_4_c12_c1_1"), 0);
    assert_int_equal(reg_get("s3_3_c13_c0_5"), 0);
}

/* A toolstack's context runs, not what the CPU still holds of the vCPU; and only at EL1 or EL0. */
static void test_context(void **state)
{
    struct vcpu_guest_context ctx = { .sctlr = SCTLR_M, .ttbr0 = 0x5000, .ttbcr = 0xa000 };

    (void)state;
    go(idle, a);
    go(a, idle);
    for (u32 mode = 0; mode < 32; mode++) {
        ctx.user_regs.cpsr = mode;
        assert_int_equal(arch_set_context(a, &ctx), mode == 0 || mode == 4 || mode == 5 ? 0 : -EINVAL);
    }
    ctx.user_regs.cpsr = 5;
    ctx.user_regs.pc64 = 0x40080000;
    assert_int_equal(arch_set_context(a, &ctx), 0);
    go(idle, a);
    assert_int_equal(reg_get("ttbr0_el1"), 0x5000);
    check_loaded(a);
    assert_int_equal(a->arch.regs.pc, 0x40080000);
}

/* As after reset: nothing of what was set before. */
static void test_boot_state(void **state)
{
    (void)state;
    a->arch.bypass = true;
    a->arch.flush_gfn = 5;
    a->arch.regs.x[3] = 1;
    go(idle, a);
    go(a, idle);
    assert_int_equal(arch_vcpu_boot(a, 0x40080002, 7), -EINVAL);
    assert_int_equal(arch_vcpu_boot(a, 0x40080000, 7), 0);
    assert_int_equal(a->arch.regs.pc, 0x40080000);
    assert_int_equal(a->arch.regs.x[0], 7);
    assert_int_equal(a->arch.regs.x[3], 0);
    assert_int_equal(a->arch.regs.pstate & 0x1df, 0x1c5);
    assert_false(a->arch.bypass);
    assert_int_equal(a->arch.flush_gfn, 0);
    assert_int_equal(a->arch.el1.sctlr & (SCTLR_M | SCTLR_C), 0);
    go(idle, a);
    check_loaded(a);
    assert_int_equal(insn_count("msr ttbr0_el1"), 1);
}

#define switch_case(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        switch_case(test_speculative_at), switch_case(test_speculative_at_mmu_off), switch_case(test_not_speculative),
        switch_case(test_timer_and_vgic), switch_case(test_home_again), switch_case(test_idle),
        switch_case(test_idle_then_another), switch_case(test_stack),
        switch_case(test_last_vcpu), switch_case(test_last_vcpu_speculative),
        switch_case(test_last_vcpu_repeated), switch_case(test_changed_meanwhile), switch_case(test_serror),
        switch_case(test_serror_idle), switch_case(test_serror_ras), switch_case(test_maintenance),
        switch_case(test_timer_off), switch_case(test_hidden), switch_case(test_context), switch_case(test_boot_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
