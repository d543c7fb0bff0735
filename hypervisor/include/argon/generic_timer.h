/* SPDX-License-Identifier: MIT */
/* Host timer driver (drivers/timer/generic.c); at run time it is reached through arch_counter() and arch_timer_program(). */
#ifndef ARGON_GENERIC_TIMER_H
#define ARGON_GENERIC_TIMER_H

#include <argon/types.h>

u64 generic_timer_hz(void);              /* firmware's clock-frequency, else CNTFRQ_EL0 */
must_check int generic_timer_init(void); /* after irq_init(): takes the EL2 timer's PPI */

#endif
