/* SPDX-License-Identifier: MIT */
#include "timer.h"
#include "fdt.h"

unsigned patience_ms = 20000;

struct timer_irqs timer_irqs = { 30, 27 };

void timer_init(void)
{
    const void *node = fdt_compatible_after(0, "arm,armv8-timer");
    uint32_t length = 0;
    const void *interrupts = node ? fdt_property(node, "interrupts", &length) : 0;

    if (!interrupts || length < 36)
        return;
    timer_irqs.physical = fdt_u32(interrupts, 4) + 16;
    timer_irqs.virtual = fdt_u32(interrupts, 7) + 16;
}

void timer_stop(void)
{
    sysreg_write(cntv_ctl_el0, 0);
    sysreg_write(cntp_ctl_el0, 0);
    sysreg_write(cntv_cval_el0, TIMER_NEVER);
    sysreg_write(cntp_cval_el0, TIMER_NEVER);
    isb();
}
