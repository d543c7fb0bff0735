/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* unit-sources: arch/arm/cpu.c arch/arm/arm64/serror.c */
/* The machine's end: in which order who is asked, and that a machine whose PSCI does nothing has firmware asked. */
#include "sysreg.h"
#include <argon/arch.h>
#include <argon/efi_runtime.h>
#include <argon/machine.h>
#include <argon/smp.h>
#include <asm/hcr.h>
#include <asm/serror.h>
#include <asm/smp.h>

#include <setjmp.h>

static jmp_buf out;
static char events[256];

static void note(const char *what, u64 n)
{
    size_t at = strlen(events);

    snprintf(events + at, sizeof(events) - at, "%s %lx|", what, n);
}

void smp_kick(u32 cpu, u32 bits) { note("kick", cpu << 8 | bits); }
void efi_runtime_end(void) { note("firmware ends", 0); }

u64 serror_unmask(void)
{
    note("serror", 0);
    reg_set("isr_el1", 0);
    return 0xbe000011;
}

void efi_runtime_reset(bool restart)
{
    assert_int_equal(reg_get("isr_el1"), 0);     /* for which it would not be called */
    note("firmware", restart);
    longjmp(out, 1);
}

void smccc_smc(u64 fid, u64 a1, u64 a2, u64 a3, struct smccc_result *res)
{
    (void)a1;
    (void)a2;
    (void)a3;
    (void)res;
    note("psci", fid);
}

static void end(bool restart, bool psci, bool serror)
{
    events[0] = 0;
    machine.psci_smc = psci;
    reg_set("hcr_el2", HCR_AMO);
    reg_set("isr_el1", serror ? ISR_A : 0);
    if (setjmp(out) == 0) {
        restart ? arch_machine_restart() : arch_machine_poweroff();
    }
}

static void test_order(void **state)
{
    (void)state;
    nr_cpus = 2;
    end(true, true, false);
    assert_string_equal(events, "kick 108|firmware ends 0|psci 84000009|firmware 1|");
    end(false, true, false);
    assert_string_equal(events, "kick 108|firmware ends 0|psci 84000008|firmware 0|");
    end(true, false, false);
    assert_string_equal(events, "kick 108|firmware ends 0|firmware 1|");
    /* What a guest's device did a moment ago does not keep the machine from its end. */
    end(true, true, true);
    assert_string_equal(events, "kick 108|firmware ends 0|psci 84000009|serror 0|firmware 1|");
}

int main(void)
{
    const struct CMUnitTest tests[] = { sysreg_case(test_order) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
