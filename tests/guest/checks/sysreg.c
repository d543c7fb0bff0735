/* SPDX-License-Identifier: MIT */
/* System registers: what is hidden is hidden consistently, and nothing a guest reads or writes harms anyone. */
#include "sysreg.h"
#include "check.h"
#include "cpu.h"
#include "gic.h"
#include "timer.h"
#include "trap.h"

#define MRS(op0, op1, crn, crm, op2) \
    (0xd5300000u | ((op0) & 1) << 19 | (op1) << 16 | (crn) << 12 | (crm) << 8 | (op2) << 5)
#define MSR(op0, op1, crn, crm, op2) (MRS(op0, op1, crn, crm, op2) & ~(1u << 21))

/* Exceptions taken by one instruction word; its result in *value if wanted. */
static unsigned run(uint32_t insn, uint64_t arg, uint64_t *value)
{
    uint64_t v;

    trap_probe_begin();
    v = trap_run_insn(insn, arg);
    if (value)
        *value = v;
    return trap_probe_end();
}

static uint64_t field(uint64_t reg, unsigned shift) { return reg >> shift & 15; }

/* docs/security.md: SVE, AMU, RAS, MPAM, MTE and pointer authentication read as absent; so does the PMU. */
static void hidden_fields(void)
{
    uint64_t pfr0 = sysreg_read(id_aa64pfr0_el1), pfr1 = sysreg_read(id_aa64pfr1_el1);
    uint64_t isar1 = sysreg_read(id_aa64isar1_el1);

    CHECK_EQ("el1-aarch64", 1, field(pfr0, 4) != 0);
    CHECK_EQ("ras", 0, field(pfr0, 28));
    CHECK_EQ("sve", 0, field(pfr0, 32));
    CHECK_EQ("mpam", 0, field(pfr0, 40));
    CHECK_EQ("amu", 0, field(pfr0, 44));
    CHECK_EQ("mte", 0, field(pfr1, 8));
    CHECK_EQ("apa", 0, field(isar1, 4));
    CHECK_EQ("api", 0, field(isar1, 8));
    CHECK_EQ("gpa", 0, field(isar1, 24));
    CHECK_EQ("gpi", 0, field(isar1, 28));
    CHECK("gic-interface-matches", gic.version == 3 ? field(pfr0, 24) != 0 : true);
}

/* A feature whose ID field reads 0 is undefined when used (XSA-351). */
static void hidden_features(void)
{
    uint64_t pfr0 = sysreg_read(id_aa64pfr0_el1), pfr1 = sysreg_read(id_aa64pfr1_el1);
    uint64_t isar1 = sysreg_read(id_aa64isar1_el1);
    const struct {
        const char *name;
        bool hidden;
        uint32_t insn;
    } use[] = {
        { "sve-rdvl", field(pfr0, 32) == 0, 0x04bf5020 },
        { "sve-zcr", field(pfr0, 32) == 0, MRS(3, 0, 1, 2, 0) },
        { "amu-amcr", field(pfr0, 44) == 0, MRS(3, 3, 13, 2, 0) },
        { "ras-erridr", field(pfr0, 28) == 0, MRS(3, 0, 5, 3, 0) },
        { "mpam-mpam1", field(pfr0, 40) == 0, MRS(3, 0, 10, 5, 0) },
        { "mte-gcr", field(pfr1, 8) == 0, MRS(3, 0, 1, 0, 6) },
        { "mte-tfsr", field(pfr1, 8) == 0, MRS(3, 0, 5, 6, 0) },
        { "sme-smcr", field(pfr1, 24) == 0, MRS(3, 0, 1, 2, 6) },
        { "pauth-key", (isar1 >> 4 & 0xff) == 0 && isar1 >> 24 == 0, MRS(3, 0, 2, 1, 0) },
    };

    sysreg_write(cpacr_el1, 3ul << 24 | 3ul << 20 | 3ul << 16); /* or SVE and SME trap to EL1 before anyone else */
    isb();
    for (unsigned i = 0; i < sizeof(use) / sizeof(use[0]); i++) {
        if (!use[i].hidden)
            continue;
        CHECK_EQ(use[i].name, 1, run(use[i].insn, 0, 0));
        if (this_cpu()->fault.count)
            CHECK_EQ(use[i].name, EC_UNKNOWN, ESR_EC(this_cpu()->fault.esr));
    }
    sysreg_write(cpacr_el1, 3ul << 20);
    isb();
}

/* The identification space reads without faults, unallocated encodings as 0 (Arm ARM D17.3.1). */
static void id_space(void)
{
    uint64_t v;

    for (unsigned crm = 4; crm < 8; crm++)
        for (unsigned op2 = 0; op2 < 8; op2++)
            CHECK_EQ(check_name("id", crm * 16 + op2), 0, run(MRS(3, 0, 0, crm, op2), 0, &v));
    for (unsigned crm = 1; crm < 4; crm++)
        for (unsigned op2 = 0; op2 < 8; op2++)
            CHECK_EQ(check_name("id", crm * 16 + op2), 0, run(MRS(3, 0, 0, crm, op2), 0, &v));
    CHECK_EQ("write-is-undefined", 1, run(MSR(3, 0, 0, 4, 0), 0, 0));
}

/* What a read may end with: undefined, or a trap to EL1 that the architecture makes itself (FP, ID space, SVE, SME). */
static bool proper_class(uint64_t class)
{
    return class == EC_UNKNOWN || class == 0x07 || class == EC_SYSREG || class == 0x19 || class == 0x1d;
}

/* Every encoding read once. EL2's and EL3's are undefined; the rest answers or is, never another exception. */
static void sweep_read(void)
{
    unsigned undefined = 0;

    for (unsigned n = 0; n < 2 * 8 * 16 * 16 * 8; n++) {
        unsigned op0 = 2 + (n >> 14), op1 = n >> 11 & 7, crn = n >> 7 & 15, crm = n >> 3 & 15, op2 = n & 7;
        unsigned faults = run(MRS(op0, op1, crn, crm, op2), 0, 0);

        undefined += faults;
        if (op0 == 3 && op1 >= 4 && op1 != 7)
            CHECK_EQ(check_name("higher-level", n), 1, faults);
        if (faults)
            CHECK(check_name("class", n), proper_class(ESR_EC(this_cpu()->fault.esr)));
    }
    CHECK_RANGE("undefined", 16384, 32700, undefined);
}

static void write_both(unsigned op0, unsigned op1, unsigned crn, unsigned crm, unsigned op2)
{
    (void)run(MSR(op0, op1, crn, crm, op2), ~1ul, 0);
    (void)run(MSR(op0, op1, crn, crm, op2), 0, 0);
}

/* Debug, PMU and implementation-defined registers written with ones, then zeros (XSA-93). */
static void sweep_write(void)
{
    uint64_t tpidr = 0x7157157;

    asm volatile("msr daifset, #8" : : : "memory");
    sysreg_write(tpidr_el0, tpidr);
    for (unsigned n = 0; n < 8 * 16 * 8; n++) {
        unsigned op1 = n >> 7, crm = n >> 3 & 15, op2 = n & 7;

        for (unsigned crn = 0; crn < 16; crn++)
            write_both(2, op1, crn, crm, op2);
        write_both(3, op1, 11, crm, op2);
        write_both(3, op1, 15, crm, op2);
        if (crm >= 12 && crm <= 14 && (op1 == 3 || op1 == 0))
            write_both(3, op1, 9, crm, op2);
        if (crm >= 8 && op1 == 3)
            write_both(3, op1, 14, crm, op2);
    }
    asm volatile("msr daifclr, #8" : : : "memory");
    CHECK_EQ("others-unchanged", tpidr, sysreg_read(tpidr_el0));
    CHECK("timer-runs", WAIT_FOR(counter() > 0, 10));
    CHECK("quiet", gic_quiet());
}

static void performance_counters(void)
{
    uint64_t version = field(sysreg_read(id_aa64dfr0_el1), 8), v = 0;

    if (version != 0 && version != 15) {
        check_skip("the PMU is shown");
        return;
    }
    if (run(MRS(3, 3, 9, 12, 0), 0, &v) == 0)
        CHECK_EQ("pmcr-no-counters", 0, v >> 11 & 31);
    v = 0;
    (void)run(MSR(3, 3, 9, 12, 0), 1, 0);
    (void)run(MSR(3, 3, 9, 12, 1), 0x80000000, 0);
    delay_us(100);
    if (run(MRS(3, 3, 9, 13, 0), 0, &v) == 0)
        CHECK_EQ("cycle-counter-still", 0, v);
}

/* Debug registers: accesses work or are undefined, and no breakpoint reaches another context. */
static void debug(void)
{
    uint64_t v = 0;

    if (run(MRS(2, 0, 1, 1, 4), 0, &v) == 0) /* OSLSR_EL1 */
        CHECK_EQ("oslsr-reserved", 0, v & ~0xful);
    CHECK_RANGE("mdscr", 0, 1, run(MRS(2, 0, 0, 2, 2), 0, &v));
    CHECK_RANGE("oslar", 0, 1, run(MSR(2, 0, 1, 0, 4), 0, 0));
    CHECK_RANGE("osdlr", 0, 1, run(MSR(2, 0, 1, 3, 4), 0, 0));
    CHECK_RANGE("bvr15", 0, 1, run(MRS(2, 0, 0, 15, 4), 0, &v));
}

/* After a loop by set and way, writes of the registers of stage 1 may trap until caches are turned on again. */
#define STAGE1_REGISTERS(X) \
    X(far_el1) X(esr_el1) X(afsr0_el1) X(afsr1_el1) X(contextidr_el1) X(amair_el1) X(mair_el1) X(tcr_el1) X(ttbr0_el1) \
    X(ttbr1_el1) X(sctlr_el1)

static void set_way(void)
{
    uint64_t sctlr = sysreg_read(sctlr_el1);

    for (uint64_t i = 0; i < 4096; i++)
        __asm__ volatile("dc cisw, %0" : : "r"(i << 6) : "memory");
    for (unsigned round = 0; round < 2; round++) {
        sysreg_write(sctlr_el1, sctlr & ~4ul);
        __asm__ volatile("isb" : : : "memory");
        CHECK_EQ("off", sctlr & ~4ul, sysreg_read(sctlr_el1));
#define SAME(reg) { uint64_t was = sysreg_read(reg); sysreg_write(reg, was); CHECK_EQ(#reg, was, sysreg_read(reg)); }
        STAGE1_REGISTERS(SAME)
#undef SAME
        sysreg_write(far_el1, 0x123456789abcul + round);
        CHECK_EQ("far", 0x123456789abcul + round, sysreg_read(far_el1));
        __asm__ volatile("dc csw, %0" : : "r"(0ul) : "memory");
        sysreg_write(sctlr_el1, sctlr);
        __asm__ volatile("isb" : : : "memory");
        CHECK_EQ("on", sctlr, sysreg_read(sctlr_el1));
    }
}

/* Trapped or not, these just work. */
static void caches(void)
{
    uint64_t at = (uintptr_t)&cpus[0];

    CHECK_EQ("isw", 0, PROBE("dc isw, %0" : : "r"(0ul) : "memory"));
    CHECK_EQ("csw", 0, PROBE("dc csw, %0" : : "r"(0ul) : "memory"));
    CHECK_EQ("cisw", 0, PROBE("dc cisw, %0" : : "r"(0ul) : "memory"));
    CHECK_EQ("cisw-level-7", 0, PROBE("dc cisw, %0" : : "r"(0xfffffffeul) : "memory"));
    CHECK_EQ("civac", 0, PROBE("dc civac, %0" : : "r"(at) : "memory"));
    CHECK_EQ("ivac", 0, PROBE("dc ivac, %0" : : "r"(at) : "memory"));
    CHECK_EQ("iallu", 0, PROBE("ic iallu\n\tdsb sy\n\tisb" : : : "memory"));
    CHECK_EQ("ialluis", 0, PROBE("ic ialluis\n\tdsb sy\n\tisb" : : : "memory"));
    CHECK_EQ("tlbi", 0, PROBE("tlbi vmalle1is\n\tdsb sy\n\tisb" : : : "memory"));
    CHECK_EQ("tlbi-alle2-undefined", 1, PROBE("tlbi alle2" : : : "memory"));
    CHECK_EQ("at-s12-undefined", 1, PROBE("at s12e1r, %0" : : "r"(at) : "memory"));
    CHECK_EQ("actlr-read", 0, PROBE("mrs x0, actlr_el1" : : : "x0"));
    CHECK_EQ("actlr-write", 0, PROBE("mrs x0, actlr_el1\n\tmsr actlr_el1, x0" : : : "x0"));
    CHECK_EQ("ctr", 0, PROBE("mrs x0, ctr_el0" : : : "x0"));
    CHECK_EQ("clidr", 0, PROBE("mrs x0, clidr_el1" : : : "x0"));
    CHECK_EQ("ccsidr", 0, PROBE("msr csselr_el1, xzr\n\tisb\n\tmrs x0, ccsidr_el1" : : : "x0"));
}

static void wait_instructions(void)
{
    uint64_t start = counter();

    sev();
    wfe();
    CHECK_RANGE("wfe-after-sev", 0, ticks_ms(patience_ms), counter() - start);
    asm volatile("sevl" : : : "memory");
    wfe();
    CHECK_RANGE("wfe-after-sevl", 0, ticks_ms(patience_ms), counter() - start);
    CHECK_EQ("yield", 0, PROBE("yield" : : : "memory"));
    CHECK_EQ("sctlr-kept", 1, sysreg_read(sctlr_el1) & 1);
}

/* Bits that EL1 may set stay as set. */
static void control_registers(void)
{
    uint64_t cpacr = sysreg_read(cpacr_el1), cntkctl = sysreg_read(cntkctl_el1);

    sysreg_write(cpacr_el1, 0);
    isb();
    CHECK_EQ("fp-off-traps", 1, PROBE(".arch_extension fp\n\tfmov x0, d0" : : : "x0"));
    CHECK_EQ("fp-off-class", 7, ESR_EC(this_cpu()->fault.esr));
    sysreg_write(cpacr_el1, 3ul << 20);
    isb();
    CHECK_EQ("fp-on", 0, PROBE(".arch_extension fp\n\tfmov x0, d0" : : : "x0"));
    sysreg_write(cpacr_el1, cpacr);
    isb();
    sysreg_write(cntkctl_el1, 0x303);
    CHECK_EQ("cntkctl", 0x303, sysreg_read(cntkctl_el1) & 0x303);
    sysreg_write(cntkctl_el1, cntkctl);
}

const struct test tests_sysreg[] = {
    { "sysreg.hidden-fields", hidden_fields, 0, 0 },
    { "sysreg.hidden-features", hidden_features, 0, 0 },
    { "sysreg.id-space", id_space, 0, 0 },
    { "sysreg.sweep-read", sweep_read, 0, 0 },
    { "sysreg.sweep-write", sweep_write, 0, 0 },
    { "sysreg.performance-counters", performance_counters, 0, 0 },
    { "sysreg.debug", debug, 0, 0 },
    { "sysreg.caches", caches, 0, 0 },
    { "sysreg.set-way", set_way, 0, 0 },
    { "sysreg.wait-instructions", wait_instructions, 0, 0 },
    { "sysreg.control-registers", control_registers, 0, 0 },
    { 0 },
};
