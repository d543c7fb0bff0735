/* SPDX-License-Identifier: MIT */
/*
 * Runs the tests the command line asks for: "only=PREFIX[+PREFIX...]", "skip=PREFIX...",
 * "hasty=PREFIX..." and "end=poweroff|reboot|crash|psci_off|psci_reset".
 */
#include "check.h"
#include "console.h"
#include "cpu.h"
#include "fdt.h"
#include "gic.h"
#include "hypercall.h"
#include "machine.h"
#include "mmu.h"
#include "sysreg.h"
#include "timer.h"
#include "trap.h"
#include <xen/sched.h>

#define OPTION_SIZE 512
#define PATIENCE_MS 20000u
#define HASTY_MS    500u

static const struct test *const groups[] = {
    tests_entry, tests_psci, tests_hypercall, tests_timer, tests_vgic_regs, tests_vgic_irq, tests_vgic_level,
    tests_vgic_sgi,
    tests_sysreg, tests_event, tests_fifo, tests_vcpu, tests_grant, tests_memory, tests_sched, tests_fault,
    tests_el0, tests_state, tests_switch, tests_domain, tests_dump, tests_own, tests_hostile, tests_its,
    tests_vgic_wreck, tests_uefi,
};

static struct {
    const char *name;
    unsigned failures; /* in the running test */
    unsigned passed, failed;
} result;

static void fail(const char *what, const char *relation, uint64_t a, uint64_t b, uint64_t got)
{
    result.failures++;
    if (relation)
        print("FAIL %s/%s: expected %lx..%lx got %lx\n", result.name, what, (unsigned long)a, (unsigned long)b,
              (unsigned long)got);
    else
        print("FAIL %s/%s: expected %lx got %lx\n", result.name, what, (unsigned long)a, (unsigned long)got);
}

void check_equal(const char *what, uint64_t expected, uint64_t got)
{
    if (expected != got)
        fail(what, 0, expected, 0, got);
}

void check_range(const char *what, uint64_t low, uint64_t high, uint64_t got)
{
    if (got < low || got > high)
        fail(what, "range", low, high, got);
}

void check_true(const char *what, bool condition)
{
    if (!condition)
        fail(what, 0, 1, 0, 0);
}

const char *check_name(const char *what, uint64_t n)
{
    static char name[64];

    return format_line(name, sizeof(name), "%s[%lx]", what, (unsigned long)n);
}

void check_skip(const char *why)
{
    print("# %s: not applicable: %s\n", result.name, why);
}

static void settle(void)
{
    irq_disable();
    trap_irq_hook = 0;
    this_cpu()->probing = false;
    this_cpu()->irq_count = 0;
    if (!mmu_enabled())
        mmu_enable();
    timer_stop();
    gic_drain();
    gic_dist_enable(true);
    gic_reset();
}

/* A test that gave up on another vCPU does not leave it at work: the next one would run beside it. */
static void wait_for_others(void)
{
    for (unsigned i = 1; i < cpu_count; i++)
        if (cpus[i].online && !WAIT_FOR(!cpus[i].work || !cpus[i].online, PATIENCE_MS))
            fail("still-at-work", 0, 0, 0, i);
}

static void run_test(const struct test *test)
{
    static struct context recover;
    struct cpu *cpu = this_cpu();

    print("# %s\n", test->name);
    result.name = test->name;
    result.failures = 0;
    if (!context_save(&recover)) {
        cpu->recover = &recover;
        settle();
        test->run();
    } else {
        fail("unexpected-exception", 0, 0, 0, cpu->fault.esr);
    }
    wait_for_others();
    settle();
    if (result.failures) {
        result.failed++;
    } else {
        result.passed++;
        print("ok %s\n", test->name);
    }
}

/* Value of "key=" in the command line. */
static const char *option(const char *key, char *value)
{
    const char *at = string_find(machine.bootargs, key);
    unsigned n = 0;

    if (at)
        for (at += strlen(key); *at && *at != ' ' && n < OPTION_SIZE - 1; at++)
            value[n++] = *at;
    value[n] = 0;
    return at ? value : 0;
}

static bool in_list(const char *name, const char *list)
{
    while (list && *list) {
        size_t n = 0;

        while (list[n] && list[n] != '+')
            n++;
        if (strncmp(name, list, n) == 0)
            return true;
        list += n + (list[n] == '+');
    }
    return false;
}

static bool applies(const struct test *test)
{
    return cpu_count >= test->cpus && (!test->gic || test->gic == gic.version);
}

static void finish(void)
{
    char value[OPTION_SIZE];
    const char *how = option("end=", value);
    struct sched_shutdown shutdown = { .reason = SHUTDOWN_poweroff };

    print("# end: %s\n", how ? how : "poweroff");
    if (how && strcmp(how, "psci_off") == 0)
        (void)smccc_hvc(PSCI_SYSTEM_OFF, 0, 0, 0);
    if (how && strcmp(how, "psci_reset") == 0)
        (void)smccc_hvc(PSCI_SYSTEM_RESET, 0, 0, 0);
    if (how && strcmp(how, "reboot") == 0)
        shutdown.reason = SHUTDOWN_reboot;
    if (how && strcmp(how, "crash") == 0)
        shutdown.reason = SHUTDOWN_crash;
    (void)hypercall2(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &shutdown);
    print("# still alive after shutdown\n");
}

void main(const void *fdt);
void main(const void *fdt)
{
    char value[OPTION_SIZE];
    char skipped[OPTION_SIZE], hastened[OPTION_SIZE];
    const char *only, *skip, *hasty;

    if (!fdt_init(fdt) || !machine_init() || !gic_init()) {
        print("FAIL setup/device-tree: expected 1 got 0\n0 passed, 1 failed\n");
        finish();
    }
    cpu_init(machine.cpus);
    timer_init();
    mmu_init();
    mmu_enable();
    gic_init_cpu();
    print("# argon guest tests: %u vCPUs, GICv%u, %u interrupts, RAM %lx+%lx, image %lx\n",
          cpu_count, gic.version, gic.lines, (unsigned long)machine.ram_base, (unsigned long)machine.ram_size,
          (unsigned long)cpus[0].entry.pc);
    only = option("only=", value);
    skip = option("skip=", skipped);
    hasty = option("hasty=", hastened);
    for (unsigned g = 0; g < sizeof(groups) / sizeof(groups[0]); g++)
        for (const struct test *t = groups[g]; t->name; t++)
            if ((!only || in_list(t->name, only)) && !in_list(t->name, skip) && applies(t)) {
                patience_ms = in_list(t->name, hasty) ? HASTY_MS : PATIENCE_MS;
                run_test(t);
            }
    print("%u passed, %u failed\n", result.passed, result.failed);
    finish();
}
