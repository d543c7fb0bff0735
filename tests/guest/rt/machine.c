/* SPDX-License-Identifier: MIT */
#include "machine.h"
#include "console.h"
#include "cpu.h"
#include "fdt.h"

struct machine machine;

#define SPARE_OFFSET 0x2000000ul /* 32 MiB after the image; the device tree is at 128 MiB */

static void find_ram(void)
{
    const void *node = 0;
    uint64_t here = cpus[0].entry.pc;

    while ((node = fdt_node_after(node)) != 0) {
        uint32_t length = 0;
        const char *type = fdt_property(node, "device_type", &length);
        const void *reg;

        if (type && strcmp(type, "cpu") == 0)
            machine.cpus++;
        if (!type || strcmp(type, "memory") != 0 || !(reg = fdt_property(node, "reg", &length)))
            continue;
        for (unsigned i = 0; i < length / 4; i += 4) {
            uint64_t base = fdt_u64(reg, i), size = fdt_u64(reg, i + 2);

            if (here < base || here >= base + size)
                continue;
            machine.ram_base = base;
            machine.ram_size = size;
        }
    }
}

static void find_hypervisor(void)
{
    const void *node = fdt_named("hypervisor");
    const void *reg = node ? fdt_property(node, "reg", 0) : 0;
    const void *interrupts = node ? fdt_property(node, "interrupts", 0) : 0;

    if (reg) {
        machine.grant_base = fdt_u64(reg, 0);
        machine.grant_size = fdt_u64(reg, 2);
    }
    if (interrupts)
        machine.event_irq = fdt_u32(interrupts, 1) + 16;
}

static void find_rtc(void)
{
    const void *node = fdt_compatible_after(0, "arm,pl031");
    const void *reg = node ? fdt_property(node, "reg", 0) : 0;
    const void *interrupts = node ? fdt_property(node, "interrupts", 0) : 0;

    if (reg && interrupts) {
        machine.rtc = fdt_u64(reg, 0);
        machine.rtc_irq = fdt_u32(interrupts, 1) + 32;
    }
}

bool machine_init(void)
{
    const void *chosen = fdt_named("chosen");

    machine.bootargs = chosen ? fdt_property(chosen, "bootargs", 0) : 0;
    if (!machine.bootargs)
        machine.bootargs = "";
    find_ram();
    find_hypervisor();
    find_rtc();
    return machine.cpus > 0 && machine.ram_size > 0;
}

uint64_t machine_spare_page(unsigned n)
{
    return ((cpus[0].entry.pc + SPARE_OFFSET) & ~0xffful) + n * 4096ul;
}
