/* SPDX-License-Identifier: MIT */
/* Between the GICv3 driver and that of the interrupt translation services. */
#ifndef DRIVERS_GICV3_ITS_H
#define DRIVERS_GICV3_ITS_H

#include <argon/its.h>

struct machine;

/* Boot, before memory is given to anybody: what services that reach only some of it will need (irqchip_ops.reserve). */
void gicv3_its_reserve(const struct machine *m);
/* Boot CPU, once the distributor is on: find the services and make their tables. What cannot be used is in the log. */
void gicv3_its_init(const struct machine *m, volatile void *gicd);
/* Each CPU: its LPIs on, at the redistributor whose first frame is `rd`, at `pa`; then each service knows it. */
void gicv3_its_init_cpu(volatile void *rd, paddr_t pa);

extern const struct its_ops gicv3_its_ops;

#endif
