/* SPDX-License-Identifier: MIT */
/* The Arm generic timer as the hypervisor uses it: physical counter, EL2 physical timer (Arm ARM D11). */
#include <argon/arch.h>
#include <argon/generic_timer.h>
#include <argon/irqchip.h>
#include <argon/machine.h>
#include <argon/timer.h>

static void timer_irq(u32 intid, void *data)
{
    (void)intid;
    (void)data;
    timer_interrupt();
}

boot_code int generic_timer_init(void)
{
    return irq_request(machine.timer_irq_hyp, IRQ_TYPE_LEVEL, timer_irq, NULL, "timer");
}

boot_code u64 generic_timer_hz(void)
{
    return machine.timer_hz != 0 ? machine.timer_hz : sysreg_read(cntfrq_el0);
}
