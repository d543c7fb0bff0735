/* SPDX-License-Identifier: MIT */
/* The Arm generic timer as the hypervisor uses it: physical counter, EL2 physical timer (Arm ARM D11). */
#include <argon/arch.h>
#include <argon/generic_timer.h>
#include <argon/irqchip.h>
#include <argon/machine.h>
#include <argon/timer.h>

void arch_timer_program(u64 ticks)
{
    if (ticks == ~0UL) {
        sysreg_write(cnthp_ctl_el2, 0);
    } else {
        sysreg_write(cnthp_cval_el2, ticks);
        sysreg_write(cnthp_ctl_el2, 1);
    }
    isb();                               /* the line follows before interrupts are looked at again */
}

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
