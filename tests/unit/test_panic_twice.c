/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* unit-sources: core/panic.c core/console/output.c core/console/log.c core/console/ring.c arch/arm/arm64/inject.c */
/* A CPU faults while another one reports a panic: the machine restarts all the same. */
#include "sysreg.h"
#include <argon/console.h>
#include <argon/panic.h>
#include <argon/param.h>
#include <argon/smp.h>
#include <asm/trap.h>

#include <setjmp.h>

static jmp_buf first, second;
static bool other_faults;
u32 errata_word;

void smp_stop_others(void) { }
void arch_machine_restart(void) { longjmp(first, 1); }
void arch_stop_cpu(void)
{
    if (cpu_id() == 1) {
        longjmp(second, 1);
    }
    longjmp(first, 2);
}

/* Time passes while it waits: each look at the counter has one. */
static void time_passes(const struct insn *i)
{
    host_counter += strcmp(i->text, "isb") == 0 ? NS_PER_MS : 0;
}

/* In the middle of the first one's report. What the other one is about to do is masked: IPI_STOP does not stop it. */
void arch_dump_backtrace(void)
{
    static struct cpu_regs regs;

    if (other_faults) {
        other_faults = false;
        unit_set_cpu(1);
        if (setjmp(second) == 0) {
            trap_hyp_fault(4, &regs, 0);
        }
        unit_set_cpu(0);
    }
}

static void test_other_faults(void **state)
{
    int how;

    (void)state;
    opt.noreboot = false;
    other_faults = true;
    unit_set_cpu(0);
    insn_hook = time_passes;
    how = setjmp(first);
    if (how == 0) {
        panic("the first");
    }
    insn_hook = NULL;
    assert_false(other_faults);
    assert_int_equal(how, 1);            /* 2: both have stopped, and nobody restarts the machine */
}

int main(void)
{
    const struct CMUnitTest tests[] = { sysreg_case(test_other_faults) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
