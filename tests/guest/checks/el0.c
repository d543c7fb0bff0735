/* SPDX-License-Identifier: MIT */
/* The same traps from user mode: exceptions go to this guest's EL1 as from EL0 (XSA-102, XSA-103). */
#include "check.h"
#include "console.h"
#include "cpu.h"
#include "gic.h"
#include "machine.h"
#include "mmu.h"
#include "sysreg.h"
#include "timer.h"
#include "trap.h"

#define SVC 0xd4000001u
#define CODE_PAGE 8u
#define DATA_PAGE 9u
#define VECTOR_LOWER 8u

static uint32_t code[1024] __attribute__((aligned(4096)));
static uint64_t data[512] __attribute__((aligned(4096)));

/* Run one instruction at EL0, then SVC. Returns x0; the exception that ended it is in this_cpu()->fault. */
static uint64_t run(uint32_t insn, uint64_t x0)
{
    uintptr_t pc = mmu_window(CODE_PAGE, (uintptr_t)code | PTE_NORMAL | PTE_USER | PTE_READ_ONLY);
    uintptr_t sp = mmu_window(DATA_PAGE, (uintptr_t)data | PTE_NORMAL | PTE_USER) + PAGE_SIZE;

    code[0] = insn;
    code[1] = 0xaa0003e0; /* mov x0, x0 */
    code[2] = SVC;
    asm volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tic ialluis\n\tdsb ish\n\tisb" : : "r"(code) : "memory");
    this_cpu()->fault = (struct fault){ 0 };
    return el0_enter(pc, x0, sp);
}

static uint64_t pc_of(unsigned insn) { return WINDOW_BASE + CODE_PAGE * PAGE_SIZE + insn * 4; }
static const struct fault *fault(void) { return &this_cpu()->fault; }

static void expect_class(const char *what, uint64_t class)
{
    CHECK_EQ(what, class, ESR_EC(fault()->esr));
    CHECK_EQ("from-el0-vector", VECTOR_LOWER, fault()->vector);
    CHECK_EQ("from-el0-spsr", 0, fault()->spsr & 0xf);
}

static void round_trip(void)
{
    (void)run(0xd503201f, 5); /* nop */
    expect_class("svc", EC_SVC64);
    CHECK_EQ("pc", pc_of(3), fault()->elr);
}

static void calls_undefined(void)
{
    (void)run(0xd4000002, 0); /* hvc #0 */
    expect_class("hvc", EC_UNKNOWN);
    CHECK_EQ("hvc-pc", pc_of(0), fault()->elr);
    (void)run(0xd4000002 | 0xea1 << 5, 0);
    expect_class("hypercall", EC_UNKNOWN);
    (void)run(0xd4000003, 0); /* smc #0 */
    expect_class("smc", EC_UNKNOWN);
    (void)run(0xd69f03e0, 0); /* eret */
    expect_class("eret", EC_UNKNOWN);
}

static void data_abort(void)
{
    uintptr_t at = mmu_window(10, UNMAPPED_GPA | PTE_NORMAL | PTE_USER);

    (void)run(0xf9400000, at + 8); /* ldr x0, [x0] */
    expect_class("read", EC_DABT_LOWER);
    CHECK_EQ("read-status", FSC_EXTERNAL, FSC(fault()->esr));
    CHECK_EQ("read-address", at + 8, fault()->far);
    CHECK_EQ("read-pc", pc_of(0), fault()->elr);
    (void)run(0xf9000000, at + 16); /* str x0, [x0] */
    expect_class("write", EC_DABT_LOWER);
    CHECK_EQ("write-address", at + 16, fault()->far);
    (void)run(0xa9400400, at); /* ldp x0, x1, [x0] */
    expect_class("pair", EC_DABT_LOWER);
    (void)mmu_window(10, 0);
}

static void instruction_abort(void)
{
    uintptr_t at = mmu_window(10, UNMAPPED_GPA | PTE_NORMAL | PTE_USER);

    (void)run(0xd61f0000, at); /* br x0 */
    expect_class("fetch", EC_IABT_LOWER);
    CHECK_EQ("address", at, fault()->far);
    CHECK_EQ("pc", at, fault()->elr);
    (void)mmu_window(10, 0);
}

/* What stage 1 gives to EL0 is EL0's, also when it is emulated. */
static void device(void)
{
    uintptr_t at = mmu_window(10, gic.dist | PTE_DEVICE | PTE_USER);
    uint64_t v = run(0xb9400000, at + GICD_TYPER); /* ldr w0, [x0] */

    expect_class("svc-after-read", EC_SVC64);
    CHECK_EQ("typer", mmio_read32(gic.dist + GICD_TYPER), v);
    (void)mmu_window(10, 0);
}

static void timers(void)
{
    uint64_t before = sysreg_read(cntkctl_el1);

    sysreg_write(cntkctl_el1, 0);
    isb();
    (void)run(0xd53be040, 0); /* mrs x0, cntvct_el0 */
    expect_class("counter-closed", EC_SYSREG);
    (void)run(0xd53be220, 0); /* mrs x0, cntp_ctl_el0 */
    expect_class("physical-closed", EC_SYSREG);
    sysreg_write(cntkctl_el1, 0x303);
    isb();
    (void)run(0xd53be040, 0);
    expect_class("counter-open", EC_SVC64);
    (void)run(0xd53be020, 0); /* mrs x0, cntpct_el0 */
    expect_class("physical-counter-open", EC_SVC64);
    sysreg_write(cntp_cval_el0, 0x1234567890);
    CHECK_EQ("physical-cval", 0x1234567890, run(0xd53be240, 0)); /* mrs x0, cntp_cval_el0 */
    expect_class("physical-open", EC_SVC64);
    sysreg_write(cntkctl_el1, before);
    isb();
}

/* Registers of EL1 and above, and those the hypervisor traps. */
static bool undefined_or_trapped(void)
{
    return ESR_EC(fault()->esr) == EC_UNKNOWN || ESR_EC(fault()->esr) == EC_SYSREG;
}

static void registers(void)
{
    static const uint32_t el1_only[] = {
        0xd5381000, /* mrs x0, sctlr_el1 */
        0xd53cd040, /* mrs x0, tpidr_el2 */
        0xd5181000, /* msr sctlr_el1, x0 */
        0xd518cba0, /* msr icc_sgi1r_el1, x0 */
        0xd538cc00, /* mrs x0, icc_iar1_el1 */
        0xd50e7be0, /* an EL2 or unallocated SYS operation */
        0xd5381020, /* mrs x0, actlr_el1 */
        0xd5300240, /* mrs x0, mdscr_el1 */
        0xd538b040, /* mrs x0, an implementation-defined register */
        0xd538f200, /* mrs x0, another */
    };

    for (unsigned i = 0; i < sizeof(el1_only) / sizeof(el1_only[0]); i++) {
        (void)run(el1_only[i], 0);
        CHECK(check_name("undefined-or-trapped", el1_only[i]), undefined_or_trapped());
        CHECK_EQ(check_name("pc", el1_only[i]), pc_of(0), fault()->elr);
    }
    (void)run(0xd53b9c00, 0); /* mrs x0, pmcr_el0 */
    CHECK("pmu", undefined_or_trapped() || ESR_EC(fault()->esr) == EC_SVC64);
    (void)run(0xd5330100, 0); /* mrs x0, mdccsr_el0 */
    CHECK("debug-status", undefined_or_trapped() || ESR_EC(fault()->esr) == EC_SVC64);
}

static void waits(void)
{
    gic_set_edge(FREE_SPI, true);
    gic_route(FREE_SPI, 0);
    gic_set_bit(FREE_SPI, GICD_ISENABLER);
    gic_set_bit(FREE_SPI, GICD_ISPENDR);
    REQUIRE("pending", WAIT_FOR(gic_irq_signalled(), patience_ms)); /* or WFI would sleep for ever */
    (void)run(0xd503207f, 0); /* wfi */
    expect_class("wfi", EC_SVC64);
    CHECK_EQ("wfi-pc", pc_of(3), fault()->elr);
    (void)run(0xd503205f, 0); /* wfe */
    expect_class("wfe", EC_SVC64);
    CHECK_EQ("still-pending", FREE_SPI, IRQ_ID(gic_ack()));
    gic_eoi(FREE_SPI);
}

const struct test tests_el0[] = {
    { "el0.round-trip", round_trip, 0, 0 },
    { "el0.calls-undefined", calls_undefined, 0, 0 },
    { "el0.data-abort", data_abort, 0, 0 },
    { "el0.instruction-abort", instruction_abort, 0, 0 },
    { "el0.device", device, 0, 0 },
    { "el0.timers", timers, 0, 0 },
    { "el0.registers", registers, 0, 0 },
    { "el0.waits", waits, 0, 0 },
    { 0 },
};
