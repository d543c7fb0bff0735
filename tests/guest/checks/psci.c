/* SPDX-License-Identifier: MIT */
/* PSCI 1.1 and SMCCC 1.1 over HVC and SMC (Arm DEN0022, DEN0028). */
#include "check.h"
#include "cpu.h"
#include "gic.h"
#include "hypercall.h"
#include "machine.h"
#include "sysreg.h"
#include "timer.h"
#include "trap.h"

#define NOT_SUPPORTED ((uint32_t)-1)
#define INVALID_PARAMETERS ((uint32_t)-2)
#define ALREADY_ON ((uint32_t)-4)
#define INVALID_ADDRESS ((uint32_t)-9)

static uint32_t psci(uint64_t fn, uint64_t a1, uint64_t a2, uint64_t a3)
{
    return (uint32_t)smccc_hvc(fn, a1, a2, a3);
}

static void version(void)
{
    CHECK_EQ("psci_version", 0x10001, psci(PSCI_VERSION, 0, 0, 0));
    CHECK_EQ("migrate_info_type", 2, psci(0x84000006, 0, 0, 0));
    CHECK_EQ("smccc_version", 0x10001, psci(0x80000000, 0, 0, 0));
    CHECK_EQ("version-ignores-arguments", 0x10001, psci(PSCI_VERSION, ~0ul, ~0ul, ~0ul));
}

static void features(void)
{
    static const uint32_t there[] = {
        0x84000000, 0x84000001, 0xc4000001, 0x84000002, 0x84000003, 0xc4000003, 0x84000004, 0xc4000004, 0x84000006,
        0x84000008, 0x84000009, 0x8400000a, 0x80000000,
    };
    static const uint32_t absent[] = {
        0x84000005, 0xc4000005, 0x84000007, 0x8400000b, 0xc400000c, 0xc400000e, 0x8400000f, 0xc4000010, 0x84000011,
        0xc4000012, 0x84000013, 0xc4000014, 0x12345678, 0xffffffff,
    };

    for (unsigned i = 0; i < sizeof(there) / 4; i++)
        CHECK_EQ(check_name("features", there[i]), 0, psci(0x8400000a, there[i], 0, 0));
    for (unsigned i = 0; i < sizeof(absent) / 4; i++)
        CHECK_EQ(check_name("features-absent", absent[i]), NOT_SUPPORTED, psci(0x8400000a, absent[i], 0, 0));
}

static void smccc(void)
{
    static const uint32_t unknown[] = {
        0x84000050, 0x8600ff01, 0x8600ff00, 0xc5000020, 0x80000002, 0x84000013, 0xc4000005, 0x82000000, 0x83000000,
        0x87000000, 0xb2000000, 0xbf00ff01, 0x90000000, 0x7fffffff,
    };
    uint32_t count;

    for (unsigned i = 0; i < sizeof(unknown) / 4; i++)
        CHECK_EQ(check_name("unknown", unknown[i]), NOT_SUPPORTED, psci(unknown[i], 0, 0, 0));
    for (uint32_t fn = 0x84000014; fn < 0x84000040; fn++)
        CHECK_EQ(check_name("unknown", fn), NOT_SUPPORTED, psci(fn, 0, 0, 0));
    CHECK_EQ("arch-features-unknown", NOT_SUPPORTED, psci(0x80000001, 0x80001234, 0, 0));
    count = psci(0x8500ff00, 0, 0, 0);
    CHECK("hypervisor-call-count", count != NOT_SUPPORTED && count < 64);
    CHECK_EQ("hypervisor-revision", 0, psci(0x8500ff03, 0, 0, 0));
    CHECK("standard-call-count", psci(0x8400ff00, 0, 0, 0) != NOT_SUPPORTED);
}

/* SMCCC UID queries answer in x0..x3. */
static void uids(void)
{
    register uint64_t x0 asm("x0") = 0x8500ff01;
    register uint64_t x1 asm("x1") = 0;
    register uint64_t x2 asm("x2") = 0;
    register uint64_t x3 asm("x3") = 0;

    uint64_t uid[4];

    asm volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");
    uid[0] = x0, uid[1] = x1, uid[2] = x2, uid[3] = x3;
    /* a71812dc-c698-4369-9acf-79d18ddee667, as its bytes lie in four little-endian words */
    CHECK_EQ("hypervisor-uid-0", 0xdc1218a7, (uint32_t)uid[0]);
    CHECK_EQ("hypervisor-uid-1", 0x694398c6, (uint32_t)uid[1]);
    CHECK_EQ("hypervisor-uid-2", 0xd179cf9a, (uint32_t)uid[2]);
    CHECK_EQ("hypervisor-uid-3", 0x67e6de8d, (uint32_t)uid[3]);
}

static void by_smc(void)
{
    register uint64_t x0 asm("x0") = PSCI_VERSION;
    uint64_t at;
    unsigned n;

    asm volatile("smc #0" : "+r"(x0) : : "x1", "x2", "x3", "memory");
    CHECK_EQ("psci_version", 0x10001, (uint32_t)x0);
    x0 = 0x8600ff01;
    asm volatile("smc #0" : "+r"(x0) : : "x1", "x2", "x3", "memory");
    CHECK_EQ("unknown", NOT_SUPPORTED, (uint32_t)x0);
    trap_probe_begin();
    asm volatile("adr %0, 1f\n1:\tsmc #1" : "=r"(at) : : "x0", "x1", "x2", "x3", "memory");
    n = trap_probe_end();
    CHECK_EQ("other-immediate-undefined", 1, n);
    CHECK_EQ("other-immediate-class", EC_UNKNOWN, ESR_EC(this_cpu()->fault.esr));
    CHECK_EQ("other-immediate-pc", at, this_cpu()->fault.elr);
}

static void hvc_immediate(void)
{
    uint64_t at, pstate;
    unsigned n;

    trap_probe_begin();
    asm volatile("adr %0, 1f\n1:\thvc #1\n\tnop" : "=r"(at) : : "x0", "x1", "x2", "x3", "x16", "memory");
    n = trap_probe_end();
    CHECK_EQ("exceptions", 1, n);
    CHECK_EQ("class", EC_UNKNOWN, ESR_EC(this_cpu()->fault.esr));
    CHECK_EQ("il", 1, ESR_IL(this_cpu()->fault.esr));
    CHECK_EQ("iss", 0, this_cpu()->fault.esr & 0x1ffffff);
    CHECK_EQ("pc", at, this_cpu()->fault.elr);
    pstate = this_cpu()->fault.spsr;
    CHECK_EQ("spsr", 0x5, pstate & 0xf);
    CHECK_EQ("ffff", 1, PROBE("hvc #0xffff\n\tnop" : : : "x0", "x1", "x2", "x3", "memory"));
    CHECK_EQ("ea0", 1, PROBE("hvc #0xea0\n\tnop" : : : "x0", "x1", "x2", "x3", "memory"));
}

static void preserves(void)
{
    uint64_t v[14];

    for (unsigned i = 0; i < 14; i++)
        v[i] = 0x1111111111111111ul * (i + 1);
    asm volatile("ldp x4, x5, [%0]\n\tldp x6, x7, [%0, #16]\n\tldp x8, x9, [%0, #32]\n\tldp x10, x11, [%0, #48]\n\t"
                 "ldp x12, x13, [%0, #64]\n\tldp x14, x15, [%0, #80]\n\tldp x16, x17, [%0, #96]\n\t"
                 "mov w0, #0x84000000\n\thvc #0\n\t"
                 "stp x4, x5, [%0]\n\tstp x6, x7, [%0, #16]\n\tstp x8, x9, [%0, #32]\n\tstp x10, x11, [%0, #48]\n\t"
                 "stp x12, x13, [%0, #64]\n\tstp x14, x15, [%0, #80]\n\tstp x16, x17, [%0, #96]"
                 : : "r"(v)
                 : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
                   "x15", "x16", "x17", "memory");
    for (unsigned i = 0; i < 14; i++)
        CHECK_EQ(check_name("x4+", i), 0x1111111111111111ul * (i + 1), v[i]);
}

static void errors(void)
{
    uint64_t entry = (uintptr_t)secondary_start;
    static const uint64_t nobody[] = { 8, 0x7f, 0x80, 0x100, 0x10000, 0x1000000, 0x100000000, 0xff, ~0ul };

    CHECK_EQ("on-self", ALREADY_ON, psci(PSCI_CPU_ON, 0, entry, 0));
    for (unsigned i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++) {
        CHECK_EQ(check_name("on-nobody", nobody[i]), INVALID_PARAMETERS, psci(PSCI_CPU_ON, nobody[i], entry, 0));
        CHECK_EQ(check_name("affinity-nobody", nobody[i]), INVALID_PARAMETERS,
                 psci(PSCI_AFFINITY_INFO, nobody[i], 0, 0));
    }
    CHECK_EQ("affinity-self", 0, psci(PSCI_AFFINITY_INFO, 0, 0, 0));
    CHECK_EQ("affinity-self-smc32", 0, psci(0x84000004, 0, 0, 0));
    CHECK_EQ("affinity-level-4", INVALID_PARAMETERS, psci(PSCI_AFFINITY_INFO, 0, 4, 0));
    CHECK_EQ("affinity-level-max", INVALID_PARAMETERS, psci(PSCI_AFFINITY_INFO, 0, ~0ul, 0));
    /* DEN0022 5.7: a level above 0 may be supported or refused. */
    CHECK("affinity-level-1", psci(PSCI_AFFINITY_INFO, 0, 1, 0) == 0 ||
                              psci(PSCI_AFFINITY_INFO, 0, 1, 0) == INVALID_PARAMETERS);
}

/* CPU_ON's caller sees it come up with the documented state. */
static void cpu_on(void)
{
    const struct entry_state *e = &cpus[1].entry;

    CHECK_EQ("off-before", 1, psci(PSCI_AFFINITY_INFO, 1, 0, 0));
    CHECK_EQ("odd-entry", INVALID_ADDRESS, psci(PSCI_CPU_ON, 1, (uintptr_t)secondary_start + 1, 0));
    CHECK_EQ("off-after-error", 1, psci(PSCI_AFFINITY_INFO, 1, 0, 0));
    REQUIRE("starts", cpu_start(1));
    CHECK_EQ("x0-context", 0x5ec0001, e->x[0]);
    for (unsigned i = 1; i < 31; i++)
        CHECK_EQ(check_name("x", i), 0, e->x[i]);
    CHECK_EQ("pstate", 0x1c5, e->pstate);
    CHECK_EQ("sctlr_el1", 0x00c50078, e->sctlr);
    CHECK_EQ("ttbr0_el1", 0, e->ttbr0);
    CHECK_EQ("ttbr1_el1", 0, e->ttbr1);
    CHECK_EQ("tcr_el1", 0, e->tcr);
    CHECK_EQ("mpidr_el1", 0x80000001, e->mpidr);
    CHECK_EQ("affinity-on", 0, psci(PSCI_AFFINITY_INFO, 1, 0, 0));
    CHECK_EQ("on-twice", ALREADY_ON, psci(PSCI_CPU_ON, 1, (uintptr_t)secondary_start, 0));
    CHECK_EQ("on-twice-smc32", ALREADY_ON, psci(0x84000003, 1, (uintptr_t)secondary_start, 0));
}

static void note_counter(uint64_t to)
{
    *(volatile uint64_t *)to = counter();
}

/* One counter for all vCPUs: what another reads between two reads of ours lies between them. */
static void counters_agree(void)
{
    for (unsigned i = 1; i < cpu_count; i++) {
        uint64_t before, there = 0, after;

        REQUIRE(check_name("starts", i), cpu_start(i));
        before = counter();
        REQUIRE(check_name("runs", i), cpu_call(i, note_counter, (uintptr_t)&there));
        after = counter();
        CHECK_RANGE(check_name("counter", i), before, after, there);
    }
}

static void cpu_off(void)
{
    for (unsigned round = 0; round < 8; round++) {
        REQUIRE(check_name("starts", round), cpu_start(1));
        REQUIRE(check_name("stops", round), cpu_stop(1));
        CHECK_EQ(check_name("affinity-off", round), 1, psci(PSCI_AFFINITY_INFO, 1, 0, 0));
    }
    REQUIRE("starts-again", cpu_start(1));
    /* A stopped vCPU comes back reset, not with what it left. */
    CHECK_EQ("sctlr_el1", 0x00c50078, cpus[1].entry.sctlr);
    CHECK_EQ("ttbr0_el1", 0, cpus[1].entry.ttbr0);
    CHECK_EQ("tcr_el1", 0, cpus[1].entry.tcr);
}

/* CPU_ON must not take bits of the entry or context from a 32-bit call's upper halves. */
static void cpu_on_smc32(void)
{
    REQUIRE("starts", cpu_start(1));
    REQUIRE("stops", cpu_stop(1));
    CHECK_EQ("smc32", 0, psci(0x84000003, 1, (uintptr_t)secondary_start, 0x1234567));
    REQUIRE("comes-up", WAIT_FOR(cpus[1].online, patience_ms));
    CHECK_EQ("context", 0x1234567, (uint32_t)cpus[1].entry.x[0]);
}

static void all_cpus(void)
{
    for (unsigned i = 1; i < cpu_count; i++) {
        REQUIRE(check_name("starts", i), cpu_start(i));
        CHECK_EQ(check_name("mpidr", i), 0x80000000ul | cpu_mpidr(i), cpus[i].entry.mpidr);
    }
}

/* CPU_SUSPEND is WFI: it returns success once an interrupt is pending, masked or not. */
static void cpu_suspend(void)
{
    uint64_t start, due;

    gic_set_bit(timer_irqs.virtual, GICD_ISENABLER);
    start = counter();
    due = start + ticks_ms(5);
    sysreg_write(cntv_cval_el0, due);
    sysreg_write(cntv_ctl_el0, TIMER_ENABLE);
    isb();
    while (!gic_irq_signalled() && counter() < start + ticks_ms(patience_ms))
        CHECK_EQ("result", 0, psci(PSCI_CPU_SUSPEND, 0, 0, 0));
    CHECK("woken", gic_irq_signalled());
    CHECK("not-early", counter() >= due);
    CHECK_EQ("pending-at-once", 0, psci(PSCI_CPU_SUSPEND, 0, 0, 0));
}

const struct test tests_psci[] = {
    { "psci.version", version, 0, 0 },
    { "psci.features", features, 0, 0 },
    { "psci.smccc", smccc, 0, 0 },
    { "psci.uids", uids, 0, 0 },
    { "psci.by-smc", by_smc, 0, 0 },
    { "psci.hvc-immediate", hvc_immediate, 0, 0 },
    { "psci.preserves", preserves, 0, 0 },
    { "psci.errors", errors, 0, 0 },
    { "psci.cpu-suspend", cpu_suspend, 0, 0 },
    { "psci.cpu-on", cpu_on, 2, 0 },
    { "psci.counters-agree", counters_agree, 2, 0 },
    { "psci.cpu-off", cpu_off, 2, 0 },
    { "psci.cpu-on-smc32", cpu_on_smc32, 2, 0 },
    { "psci.all-cpus", all_cpus, 2, 0 },
    { 0 },
};
