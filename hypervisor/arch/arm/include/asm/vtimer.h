/* SPDX-License-Identifier: MIT */
/* This CPU's EL1 virtual timer, as vdev/vtimer moves it with vCPUs (Arm ARM D11.2.4, D17.11). */
#ifndef ASM_VTIMER_H
#define ASM_VTIMER_H

#include <asm/cpu.h>

static always_inline u64 arch_vtimer_ctl(void) { return sysreg_read(cntv_ctl_el0); }
static always_inline u64 arch_vtimer_cval(void) { return sysreg_read(cntv_cval_el0); }

/* Off; its interrupt line is low on return (a context synchronization event makes the write take effect). */
static always_inline void arch_vtimer_off(void)
{
    sysreg_write(cntv_ctl_el0, 0);
    isb();
}

/* In effect at the latest on entry to the guest. */
static always_inline void arch_vtimer_load(u64 cval, u64 ctl)
{
    sysreg_write(cntv_cval_el0, cval);
    sysreg_write(cntv_ctl_el0, ctl);
}

#endif
