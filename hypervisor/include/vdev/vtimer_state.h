/* SPDX-License-Identifier: MIT */
/* State of a guest's timers: a member of struct arch_vcpu. See vdev/vtimer.h. */
#ifndef VDEV_VTIMER_STATE_H
#define VDEV_VTIMER_STATE_H

#include <argon/timer.h>

struct vtimer_vcpu {
    u64 cntv_cval, cntv_ctl;     /* saved while the vCPU is not current */
    bool live;                   /* the hardware's timer is this vCPU's */
    struct timer virt_wake;      /* stands in for the hardware while the vCPU is off the CPU */
    struct timer phys;           /* emulated CNTP */
    u64 cntp_cval;               /* guest's count */
    u32 cntp_ctl;                /* ENABLE, IMASK as the guest wrote */
    bool cntp_line;              /* level of the physical timer's interrupt as last given to the vGIC */
    u32 virt_irq, phys_irq;      /* PPIs the guest sees: 27, 30 */
};

#endif
