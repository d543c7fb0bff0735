/* SPDX-License-Identifier: MIT */
/* Accesses that stage 2 refuses: the guest gets an external abort with the right registers (Arm ARM D17.2.37). */
#include "check.h"
#include "cpu.h"
#include "fdt.h"
#include "gic.h"
#include "hypercall.h"
#include "machine.h"
#include "mmu.h"
#include "sysreg.h"
#include "trap.h"
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/version.h>

#define WRITE_FLAG (1ul << 6)

/* The last probe took one data abort on this address, at this instruction. */
static void expect_abort(const char *what, unsigned count, uint64_t address, uint64_t pc, bool write)
{
    const struct fault *f = &this_cpu()->fault;

    CHECK_EQ(what, 1, count);
    CHECK_EQ("class", EC_DABT, ESR_EC(f->esr));
    CHECK_EQ("il", 1, ESR_IL(f->esr));
    CHECK_EQ("status", FSC_EXTERNAL, FSC(f->esr));
    CHECK_EQ("write-flag", write ? WRITE_FLAG : 0, f->esr & WRITE_FLAG);
    CHECK_EQ("address", address, f->far);
    CHECK_EQ("pc", pc, f->elr);
    CHECK_EQ("pstate-el1h", 5, f->spsr & 0xf);
}

#define ACCESS(insn, address, write) ({                                                         \
    uint64_t pc_, at_ = (address);                                                              \
    unsigned n_ = PROBE("adr %0, 1f\n1:\t" insn : "=&r"(pc_) : "r"(at_) : "x5", "x6", "x7", "memory"); \
    expect_abort(insn, n_, at_, pc_, write); })

static void data_reads(void)
{
    ACCESS("ldrb w5, [%1]", UNMAPPED_GPA, false);
    ACCESS("ldrh w5, [%1]", UNMAPPED_GPA + 2, false);
    ACCESS("ldr w5, [%1]", UNMAPPED_GPA + 4, false);
    ACCESS("ldr x5, [%1]", UNMAPPED_GPA + 8, false);
    ACCESS("ldrsw x5, [%1]", UNMAPPED_GPA + 0xffc, false);
    ACCESS("ldp x5, x6, [%1]", UNMAPPED_GPA + 16, false);
    ACCESS("ldr x5, [%1], #8", UNMAPPED_GPA + 24, false);
    ACCESS("ldxr x5, [%1]", UNMAPPED_GPA + 32, false);
}

static void data_writes(void)
{
    ACCESS("strb w5, [%1]", UNMAPPED_GPA, true);
    ACCESS("strh w5, [%1]", UNMAPPED_GPA + 2, true);
    ACCESS("str w5, [%1]", UNMAPPED_GPA + 4, true);
    ACCESS("str x5, [%1]", UNMAPPED_GPA + 8, true);
    ACCESS("str xzr, [%1]", UNMAPPED_GPA + 0xff8, true);
    ACCESS("stp x5, x6, [%1]", UNMAPPED_GPA + 16, true);
    ACCESS("stlr x5, [%1]", UNMAPPED_GPA + 24, true);
}

/* Holes of other kinds: low, just after RAM, far up. */
static void places(void)
{
    static const uint64_t holes[] = { 0x0d000000, 0x2000000000ul, 0x3fffff0000ul };

    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(check_name("faults", holes[i]), 1, PROBE_CALL(mmio_read32(holes[i])));
        CHECK_EQ(check_name("class", holes[i]), EC_DABT, ESR_EC(this_cpu()->fault.esr));
        CHECK_EQ(check_name("address", holes[i]), holes[i], this_cpu()->fault.far);
    }
}

static void instruction_fetch(void)
{
    const struct fault *f = &this_cpu()->fault;
    uintptr_t window;

    CHECK_EQ("unmapped", 1, PROBE_CALL((call_address(UNMAPPED_GPA), 0)));
    CHECK_EQ("class", EC_IABT, ESR_EC(f->esr));
    CHECK_EQ("status", FSC_EXTERNAL, FSC(f->esr));
    CHECK_EQ("address", UNMAPPED_GPA, f->far);
    CHECK_EQ("pc", UNMAPPED_GPA, f->elr);
    window = mmu_window(3, gic.dist | PTE_NORMAL);
    CHECK_EQ("from-gicd", 1, PROBE_CALL((call_address(window), 0)));
    CHECK_EQ("gicd-class", EC_IABT, ESR_EC(f->esr));
    CHECK_EQ("gicd-address", window, f->far);
    (void)mmu_window(3, 0);
}

/* Instructions without a syndrome, on emulated registers: done right, or an abort; never anything else. */
static void no_syndrome(void)
{
    uint64_t typer = mmio_read32(gic.dist + GICD_TYPER), at = gic.dist + GICD_TYPER, value = 0, moved = at;
    unsigned n;

    n = PROBE("ldr %w0, [%1], #4" : "=&r"(value), "+r"(moved) : : "memory");
    CHECK("post-index", n ? ESR_EC(this_cpu()->fault.esr) == EC_DABT : (uint32_t)value == typer && moved == at + 4);
    n = PROBE("ldp %w0, w5, [%1]" : "=&r"(value) : "r"(at) : "w5", "memory");
    CHECK("ldp", n ? ESR_EC(this_cpu()->fault.esr) == EC_DABT : (uint32_t)value == typer);
    n = PROBE("stp wzr, wzr, [%0]" : : "r"(at) : "memory");
    CHECK("stp", n == 0 || ESR_EC(this_cpu()->fault.esr) == EC_DABT);
    n = PROBE("ldxr %w0, [%1]" : "=&r"(value) : "r"(at) : "memory");
    CHECK("ldxr", n ? ESR_EC(this_cpu()->fault.esr) == EC_DABT : (uint32_t)value == typer);
    n = PROBE("ldxr w5, [%0]\n\tstxr w6, w5, [%0]" : : "r"(at) : "w5", "w6", "memory");
    CHECK("stxr", n <= 2);
    n = PROBE("dc zva, %0" : : "r"(gic.dist + 0xfc0) : "memory");
    CHECK("zva", n <= 1);
    n = PROBE("dc civac, %0" : : "r"(at) : "memory");
    CHECK("clean", n <= 1);
    CHECK_EQ("prefetch", 0, PROBE("prfm pldl1keep, [%0]" : : "r"(at) : "memory"));
    n = PROBE(".arch_extension fp\n\tldr d0, [%0]" : : "r"(at) : "memory");
    CHECK("fp-load", n <= 1);
    n = PROBE(".arch_extension fp\n\t.arch_extension simd\n\tst1 {v0.16b}, [%0]" : : "r"(at) : "memory");
    CHECK("simd-store", n <= 1);
    CHECK_EQ("unharmed", typer, mmio_read32(at));
}

/* Unaligned, and across the end of the register page. */
static void unaligned(void)
{
    uintptr_t window = mmu_window(4, gic.dist | PTE_UNCACHED);
    uintptr_t last = gic.dist + (gic.version == 3 ? 0xf000 : 0);

    for (unsigned i = 1; i < 8; i++) {
        CHECK(check_name("read", i), PROBE_CALL(mmio_read32(window + GICD_TYPER + i)) <= 1);
        CHECK(check_name("read-64", i), PROBE_CALL(mmio_read64(window + GICD_TYPER + i)) <= 1);
        CHECK(check_name("write", i), PROBE_CALL(mmio_write32(window + GICD_IIDR + i, 0)) <= 1);
    }
    (void)mmu_window(4, last | PTE_UNCACHED);
    (void)mmu_window(5, (last + 0x1000) | PTE_UNCACHED);
    for (unsigned i = 1; i < 8; i++)
        CHECK(check_name("across", i), PROBE_CALL(mmio_read64(window + 0x1000 - i)) <= 2);
    (void)mmu_window(4, machine_spare_page(63) | PTE_UNCACHED);
    (void)mmu_window(5, UNMAPPED_GPA | PTE_UNCACHED);
    CHECK_EQ("ram-into-nothing", 1, PROBE_CALL(mmio_read64(window + 0x1000 - 4)));
    CHECK_EQ("ram-into-nothing-class", EC_DABT, ESR_EC(this_cpu()->fault.esr));
    (void)mmu_window(4, 0);
    (void)mmu_window(5, 0);
}

/* Cache maintenance and address translation on addresses that are not there. */
static void maintenance(void)
{
    CHECK("civac", PROBE("dc civac, %0" : : "r"(UNMAPPED_GPA) : "memory") <= 1);
    CHECK("cvac", PROBE("dc cvac, %0" : : "r"(UNMAPPED_GPA) : "memory") <= 1);
    CHECK("ivac", PROBE("dc ivac, %0" : : "r"(UNMAPPED_GPA) : "memory") <= 1);
    CHECK("ivau", PROBE("ic ivau, %0" : : "r"(UNMAPPED_GPA) : "memory") <= 1);
    CHECK("zva", PROBE("dc zva, %0" : : "r"(UNMAPPED_GPA) : "memory") == 1);
    CHECK_EQ("prefetch", 0, PROBE("prfm pldl1keep, [%0]" : : "r"(UNMAPPED_GPA) : "memory"));
    CHECK_EQ("at", 0, PROBE("at s1e1r, %0\n\tisb" : : "r"(UNMAPPED_GPA) : "memory"));
    CHECK_EQ("par", UNMAPPED_GPA, sysreg_read(par_el1) & 0xfffffffff000);
}

/* Stage 1 tables that lie where there is nothing, and in emulated registers. */
static void walk(void)
{
    const struct fault *f = &this_cpu()->fault;
    uintptr_t at = mmu_broken_walk(UNMAPPED_GPA | PTE_TABLE);

    CHECK_EQ("table-nowhere", 1, PROBE_CALL(mmio_read32(at + 0x123450)));
    CHECK_EQ("class", EC_DABT, ESR_EC(f->esr));
    CHECK_EQ("status-level-2", 0x16, FSC(f->esr));
    CHECK_EQ("address", at + 0x123450, f->far);
    CHECK_EQ("fetch", 1, PROBE_CALL((call_address(at), 0)));
    CHECK_EQ("fetch-class", EC_IABT, ESR_EC(f->esr));
    CHECK_EQ("fetch-status", 0x16, FSC(f->esr));
    CHECK_EQ("hypercall", -XEN_EFAULT, hypercall2(__HYPERVISOR_xen_version, XENVER_extraversion, at));
    at = mmu_broken_walk(gic.dist | PTE_TABLE);
    CHECK_EQ("table-in-gicd", 1, PROBE_CALL(mmio_read32(at)));
    CHECK_EQ("gicd-class", EC_DABT, ESR_EC(f->esr));
    CHECK_EQ("gicd-hypercall", -XEN_EFAULT, hypercall2(__HYPERVISOR_xen_version, XENVER_extraversion, at));
    (void)mmu_broken_walk(0);
}

/* Each way a hypercall reads and writes at an address that its caller gives it. */
static void hypercalls_refuse(const char *where, uint64_t at)
{
    multicall_entry_t entry = { .op = __HYPERVISOR_xen_version, .args = { XENVER_extraversion, at } };

    CHECK_EQ(where, -XEN_EFAULT, hypercall2(__HYPERVISOR_xen_version, XENVER_extraversion, at));
    CHECK_EQ("close", -XEN_EFAULT, hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_close, at));
    CHECK_EQ("send", -XEN_EFAULT, hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_send, at));
    CHECK_EQ("memory", -XEN_EFAULT, hypercall2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, at));
    CHECK_EQ("grant", -XEN_EFAULT, hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, at, 1));
    CHECK_EQ("multicall", -XEN_EFAULT, hypercall2(__HYPERVISOR_multicall, at, 1));
    CHECK_EQ("in-multicall", 0, hypercall2(__HYPERVISOR_multicall, &entry, 1));
    CHECK_EQ("in-multicall-result", -XEN_EFAULT, (long)entry.result);
}

/*
 * Stage 1 tables in device memory. The walker never reads a device there (HCR_EL2.PTW): whoever's access it is, it
 * fails as a bus error on the walk.
 */
static void device_walk(void)
{
    const struct fault *f = &this_cpu()->fault;
    /* PL031, fw_cfg, the hardware's GICV. */
    uint64_t places[] = { machine.rtc, 0x09020000, gic.version == 2 ? gic.cpu_if : 0 };

    for (unsigned i = 0; i < 3; i++) {
        uintptr_t at = mmu_broken_walk(places[i] | PTE_TABLE);

        if (!places[i])
            continue;
        for (unsigned entry = 0; entry < 512; entry += 16)
            CHECK_EQ(check_name("read", places[i]), 1, PROBE_CALL(mmio_read32(at + entry * 0x200000ul)));
        CHECK_EQ("class", EC_DABT, ESR_EC(f->esr));
        CHECK_EQ("status-level-2", 0x16, FSC(f->esr));
        CHECK_EQ("address", at + 496 * 0x200000ul, f->far);
        CHECK_EQ("fetch", 1, PROBE_CALL((call_address(at), 0)));
        CHECK_EQ("fetch-class", EC_IABT, ESR_EC(f->esr));
        CHECK_EQ("translate", 1, PROBE("at s1e1r, %0\n\tisb" : : "r"(at) : "memory"));
        CHECK_EQ("translate-status", 0x16, FSC(f->esr));
        CHECK("clean", PROBE("dc cvac, %0" : : "r"(at) : "memory") <= 1);
        for (unsigned entry = 0; entry < 512; entry += 16)
            hypercalls_refuse(check_name("hypercall", places[i]), at + entry * 0x200000ul);
    }
    (void)mmu_broken_walk(0);
}

/* RAM that firmware keeps for itself is no memory for a hypercall, wherever it lies; nor is a device. */
static void not_ram(void)
{
    const void *node = 0;

    while ((node = fdt_node_after(node)) && !fdt_property(node, "no-map", 0)) {
    }
    if (node) {
        uint64_t first = fdt_u64(fdt_property(node, "reg", 0), 0);

        CHECK_EQ("hole-is-there", 0, PROBE_CALL(mmio_read32(first)));
        hypercalls_refuse("hole", mmu_window(0, first | PTE_NORMAL));
    }
    if (gic.version == 2)
        hypercalls_refuse("gicv", mmu_window(0, gic.cpu_if | PTE_NORMAL));
    hypercalls_refuse("rtc", mmu_window(0, machine.rtc | PTE_NORMAL));
    (void)mmu_window(0, 0);
}

/* Thousands of faults in a row: no leak, no lock-up, and the console is not flooded (XSA-118). */
static void storm(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < 5000; i++)
        n += PROBE_CALL(mmio_write32(UNMAPPED_GPA + i * 4096ul, i));
    CHECK_EQ("all", 5000, n);
}

const struct test tests_fault[] = {
    { "fault.data-reads", data_reads, 0, 0 },
    { "fault.data-writes", data_writes, 0, 0 },
    { "fault.places", places, 0, 0 },
    { "fault.instruction-fetch", instruction_fetch, 0, 0 },
    { "fault.no-syndrome", no_syndrome, 0, 0 },
    { "fault.unaligned", unaligned, 0, 0 },
    { "fault.maintenance", maintenance, 0, 0 },
    { "fault.walk", walk, 0, 0 },
    { "fault.device-walk", device_walk, 0, 0 },
    { "fault.not-ram", not_ram, 0, 0 },
    { "fault.storm", storm, 0, 0 },
    { 0 },
};
