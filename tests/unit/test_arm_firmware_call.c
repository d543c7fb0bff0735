/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* unit-sources: arch/arm/arm64/firmware_call.c arch/arm/arm64/tlb.c arch/arm/arm64/serror.c */
/* arch_firmware_call(): order of register writes, barriers and invalidations round firmware, and what it may leave. */
#include "sysreg.h"
#include <asm/errata.h>
#include <asm/firmware_call.h>
#include <asm/fp.h>
#include <asm/insn.h>
#include <asm/mmu.h>
#include <asm/serror.h>

#define FN    0x1230UL
#define OWN   0x40001000UL
#define ROOT  0x40002000UL
#define STACK 0xc0000004000UL

static struct vcpu *v;
static u64 enter_rc, serror_esr;
static void (*firmware)(void);
static u64 roots[2];             /* what a call asks of the MMU's file */

void fp_save(struct fp_state *s) { assert_ptr_equal(s, &v->arch.fp); insn_other("fp save", 0); }
void fp_restore(const struct fp_state *s) { insn_other("fp load", s == &v->arch.fp); }
u64 mmu_map_stack(u32 cpu, u32 node, bool emergency)
{
    (void)node;
    assert_int_equal(cpu, NR_CPUS);
    assert_false(emergency);
    return roots[0];
}
paddr_t mmu_firmware_root(void) { return roots[1]; }

u64 firmware_enter(u64 fn, const u64 *args, u64 stack_top, u64 *status)
{
    insn_other("firmware", fn);
    assert_int_equal(stack_top, STACK);
    assert_int_equal(args[4], 5);
    assert_int_equal(reg_get("ttbr0_el2"), ROOT);
    assert_int_equal(reg_get("cntvoff_el2"), 0);
    assert_int_equal(reg_get("cntv_ctl_el0"), 0);
    if (firmware != NULL) {
        firmware();
    }
    *status = 77;
    return enter_rc;
}

u64 serror_unmask(void)
{
    insn_other("unmask", 0);
    reg_set("isr_el1", 0);
    reg_set("tpidrro_el0", 1);                   /* the vectors' scratch */
    reg_set("contextidr_el1", 2);
    return serror_esr;
}

static const u64 args[] = { 1, 2, 3, 4, 5 };
static u64 status;

static int setup(void **state)
{
    int rc = sysreg_setup(state);

    roots[0] = STACK;
    roots[1] = ROOT;
    assert_int_equal(firmware_call_init(), 0);
    errata_word = 0;
    cpu_has_ras = false;
    enter_rc = status = 0;
    serror_esr = 0xbe000000;
    firmware = NULL;
    v = unit_domain(0, 1)->vcpu[0];
    unit_set_current(v);
    reg_set("ttbr0_el2", OWN);
    reg_set("elr_el2", 0x111);
    reg_set("spsr_el2", 0x5);
    reg_set("par_el1", 0x222);
    reg_set("sp_el0", 0x666);
    reg_set("cntv_ctl_el0", 1);
    reg_set("cntvoff_el2", 0x333);
    reg_set("tpidrro_el0", 0x444);
    reg_set("contextidr_el1", 0x555);
    insn_forget();
    return rc;
}

/* The guest finds what it left. */
static void check_guest(void)
{
    assert_int_equal(reg_get("ttbr0_el2"), OWN);
    assert_int_equal(reg_get("elr_el2"), 0x111);
    assert_int_equal(reg_get("spsr_el2"), 0x5);
    assert_int_equal(reg_get("par_el1"), 0x222);
    assert_int_equal(reg_get("sp_el0"), 0x666);
    assert_int_equal(reg_get("cntv_ctl_el0"), 1);
    assert_int_equal(reg_get("cntvoff_el2"), 0x333);
    assert_int_equal(reg_get("tpidrro_el0"), 0x444);
    assert_int_equal(reg_get("contextidr_el1"), 0x555);
    assert_int_equal(insn_nth("fp load", 1)->value, 1);
}

static void test_order(void **state)
{
    (void)state;
    assert_int_equal(arch_firmware_call(FN, args, &status), 0);
    assert_int_equal(status, 77);
    /* The timer is off before its offset changes, and on again after; FP is kept before it is cleared. */
    insn_expect("dsb sy", "isb", "msr cntv_ctl_el0", "isb", "msr cntvoff_el2", "msr ttbr0_el2", NULL);
    insn_expect("fp save", "fp load", "msr ttbr0_el2", "isb", "firmware", "msr ttbr0_el2", "isb", "tlbi alle2",
                "dsb nsh", "isb", "dsb sy", "fp load", "msr cntvoff_el2", "isb", "msr cntv_ctl_el0", "isb", NULL);
    assert_int_equal(insn_nth("fp load", 0)->value, 0);
    assert_int_equal(insn_count("tlbi alle2"), 1);
    assert_int_equal(insn_count("msr hcr_el2") + insn_count("msr cptr_el2") + insn_count("msr vttbr_el2"), 0);
    assert_int_equal(insn_nth("firmware", 0)->value, FN);
    check_guest();
}

static void test_repeat_tlbi(void **state)
{
    (void)state;
    errata_word = BIT32(ERRATUM_REPEAT_TLBI);
    assert_int_equal(arch_firmware_call(FN, args, &status), 0);
    insn_expect("firmware", "msr ttbr0_el2", "isb", "tlbi alle2", "dsb nsh", "tlbi alle2", "dsb nsh", "isb", NULL);
}

/* What an exception overwrites, and what a firmware may do with the rest. */
static void play_fault(void)
{
    reg_set("elr_el2", 0xbad0);
    reg_set("spsr_el2", 0x3c9);
    reg_set("esr_el2", 0x96000045);
    reg_set("far_el2", 0xdead);
    reg_set("par_el1", 1);
    reg_set("sp_el0", 0x80001000);
}

static void test_exception(void **state)
{
    (void)state;
    enter_rc = 1;
    firmware = play_fault;
    assert_int_equal(arch_firmware_call(FN, args, &status), -EIO);
    assert_non_null(strstr(unit_log(), "UEFI took an exception: ESR 0x96000045, pc 0xbad0, address 0xdead"));
    insn_expect("firmware", "msr ttbr0_el2", "isb", "tlbi alle2", "dsb nsh", "isb", NULL);
    check_guest();
}

/* One that is the guest's: it takes it before firmware runs, and ESB does not put it away. */
static void test_serror_before(void **state)
{
    (void)state;
    cpu_has_ras = true;
    reg_set("isr_el1", ISR_A);
    assert_int_equal(arch_firmware_call(FN, args, &status), -EBUSY);
    assert_int_equal(insn_count("firmware") + insn_count("esb") + insn_count("msr cntvoff_el2"), 0);
    assert_int_equal(reg_get("isr_el1"), ISR_A);
}

static void play_serror(void)
{
    reg_set("isr_el1", ISR_A);
}

/* Firmware's is not dom0's: taken, with dom0's registers as they were. */
static void test_serror_after(void **state)
{
    (void)state;
    firmware = play_serror;
    assert_int_equal(arch_firmware_call(FN, args, &status), -EIO);
    assert_non_null(strstr(unit_log(), "UEFI left an asynchronous abort behind, syndrome 0xbe000000"));
    insn_expect("firmware", "msr ttbr0_el2", "isb", "dsb sy", "unmask", NULL);
    assert_int_equal(reg_get("isr_el1"), 0);
    check_guest();
}

static void test_no_memory(void **state)
{
    (void)state;
    roots[0] = 0;
    assert_int_equal(firmware_call_init(), -ENOMEM);
    roots[0] = STACK;
    roots[1] = 0;
    assert_int_equal(firmware_call_init(), -ENOMEM);
}

#define call_case(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        call_case(test_order), call_case(test_repeat_tlbi), call_case(test_exception), call_case(test_serror_before),
        call_case(test_serror_after), call_case(test_no_memory),
    };

    return cmocka_run_group_tests_name("arm_firmware_call", tests, NULL, NULL);
}
