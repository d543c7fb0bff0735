/* SPDX-License-Identifier: MIT */
/* Unit tests: a virtual timer without hardware. The test that links vdev/vtimer.c defines host_vtimer and keeps ISTATUS in ctl. */
#ifndef ASM_VTIMER_H
#define ASM_VTIMER_H

#include <argon/types.h>

struct host_vtimer { u64 ctl, cval; };
extern struct host_vtimer host_vtimer;

static inline u64 arch_vtimer_ctl(void) { return host_vtimer.ctl; }
static inline u64 arch_vtimer_cval(void) { return host_vtimer.cval; }
static inline void arch_vtimer_off(void) { host_vtimer.ctl = 0; }
static inline void arch_vtimer_load(u64 cval, u64 ctl) { host_vtimer = (struct host_vtimer){ ctl, cval }; }

#endif
