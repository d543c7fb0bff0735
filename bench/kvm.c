/* SPDX-License-Identifier: MIT */
/* The payload where there is no Xen ABI: a virtual machine of KVM, whose QEMU gives it a PL011. */
#include "bench.h"
#include "console.h"
#include "fdt.h"
#include "gic.h"
#include "hypercall.h"
#include "machine.h"
#include "sysreg.h"
#include "xenabi.h"

#define PL011_DR 0x00u
#define PL011_FR 0x18u
#define PL011_FR_TXFF (1u << 5)

static uint64_t uart;

static void uart_write(const char *text, size_t length)
{
    while (length--) {
        while (mmio_read32(uart + PL011_FR) & PL011_FR_TXFF)
            ;
        mmio_write32(uart + PL011_DR, (uint8_t)*text++);
    }
}

static void nowhere(const char *text, size_t length)
{
    (void)text;
    (void)length;
}

void bench_kvm_console(void)
{
    const void *node = fdt_compatible_after(0, "arm,pl011");
    const void *reg = node ? fdt_property(node, "reg", 0) : 0;

    uart = reg ? fdt_u64(reg, 0) : 0;
    console_write = reg ? uart_write : nowhere;
}

void bench_kvm_groups(unsigned cpu)
{
    if (machine.grant_base == 0 && gic.version == 3)
        mmio_write32(gic_bit_reg(cpu, 0, GICD_IGROUPR), 0xffffffff);
}

void bench_off(void)
{
    struct sched_shutdown shutdown = { .reason = SHUTDOWN_poweroff };

    if (machine.grant_base == 0)
        (void)smccc_hvc(PSCI_SYSTEM_OFF, 0, 0, 0);
    else
        (void)sched_op(SCHEDOP_shutdown, &shutdown);
    for (;;)
        wfi();
}
