/* SPDX-License-Identifier: MIT */
/* Registers of vCPU 0 at its first instruction (arm64 boot protocol), and the device tree it got. */
#include "check.h"
#include "console.h"
#include "cpu.h"
#include "fdt.h"
#include "gic.h"
#include "machine.h"
#include "sysreg.h"
#include "timer.h"

static void registers(void)
{
    const struct entry_state *e = &cpus[0].entry;

    CHECK_EQ("pc-2MiB-aligned", 0, e->pc & 0x1fffff);
    CHECK_EQ("pc-is-RAM-base", machine.ram_base, e->pc);
    CHECK_EQ("x0-device-tree-magic", 0xedfe0dd0, *(const volatile uint32_t *)e->x[0]);
    CHECK_RANGE("x0-in-RAM", machine.ram_base, machine.ram_base + machine.ram_size - 1, e->x[0]);
    for (unsigned i = 1; i < 31; i++)
        CHECK_EQ(check_name("x", i), 0, e->x[i]);
    CHECK_EQ("sp_el1", 0, e->sp);
}

static void state(void)
{
    const struct entry_state *e = &cpus[0].entry;

    CHECK_EQ("pstate", 0x1c5, e->pstate); /* NZCV, DAIF, CurrentEL, SPSel as SPSR lays them out */
    CHECK_EQ("sctlr_el1", 0x00c50078, e->sctlr);
    CHECK_EQ("ttbr0_el1", 0, e->ttbr0);
    CHECK_EQ("ttbr1_el1", 0, e->ttbr1);
    CHECK_EQ("tcr_el1", 0, e->tcr);
    CHECK_EQ("mpidr_el1", 0x80000000, e->mpidr);
}

static void counters(void)
{
    const struct entry_state *e = &cpus[0].entry;
    uint64_t frequency = counter_frequency(), a, b;

    CHECK_RANGE("cntfrq", 1000000, 2000000000, frequency);
    CHECK_RANGE("cntvct-near-0", 0, 20 * frequency, e->cntvct);
    CHECK("cntpct-not-before-cntvct", e->cntpct >= e->cntvct);
    a = sysreg_read(cntpct_el0);
    delay_us(100);
    b = sysreg_read(cntpct_el0);
    CHECK_RANGE("cntpct-runs", ticks_us(100), 20 * frequency, b - a);
    a = counter();
    b = counter();
    CHECK("cntvct-monotonic", b >= a);
}

static void device_tree(void)
{
    const void *hypervisor = fdt_named("hypervisor"), *psci = fdt_named("psci"), *node = 0;
    uint32_t length = 0;
    const char *p;

    REQUIRE("hypervisor-node", hypervisor != 0);
    p = fdt_property(hypervisor, "compatible", &length);
    REQUIRE("hypervisor-compatible", p && length == sizeof("xen,xen-4.17\0xen,xen"));
    CHECK_EQ("hypervisor-compatible-text", 0, memcmp(p, "xen,xen-4.17\0xen,xen", length));
    CHECK_RANGE("grant-window-size", 64 * 4096, 1ul << 32, machine.grant_size);
    CHECK_EQ("grant-window-aligned", 0, machine.grant_base & 4095);
    CHECK_RANGE("event-channel-ppi", 16, 31, machine.event_irq);
    p = fdt_property(hypervisor, "interrupts", &length);
    CHECK("event-channel-ppi-flags", p && length == 12 && fdt_u32(p, 0) == 1 && fdt_u32(p, 2) == 0xf08);
    REQUIRE("psci-node", psci != 0);
    p = fdt_property(psci, "method", 0);
    CHECK("psci-method-hvc", p && strcmp(p, "hvc") == 0);
    while ((node = fdt_node_after(node)) != 0) {
        CHECK("no-module-node", strncmp(fdt_name(node), "module@", 7) != 0);
        p = fdt_property(node, "device_type", 0);
        if (!p || strcmp(p, "cpu") != 0)
            continue;
        p = fdt_property(node, "enable-method", 0);
        CHECK("cpu-enable-method", p && strcmp(p, "psci") == 0);
    }
}

const struct test tests_entry[] = {
    { "entry.registers", registers, 0, 0 },
    { "entry.state", state, 0, 0 },
    { "entry.counters", counters, 0, 0 },
    { "entry.device-tree", device_tree, 0, 0 },
    { 0 },
};
