/* SPDX-License-Identifier: MIT */
/* A GICv3 of several chips: where an SPI's registers are read (gicv3_chips.c). */
#ifndef DRIVERS_GICV3_CHIPS_H
#define DRIVERS_GICV3_CHIPS_H

#include "gic.h"

#include <argon/errno.h>
#include <argon/machine.h>

#define GICV3_CHIPS         4u
#define GICV3_SPIS_OF_CHIP  320u

extern volatile void *gicv3_chip[GICV3_CHIPS];   /* constant after boot; the distributor, but for such a machine */

/* Boot CPU, when the distributor is mapped. -ENODEV: a chip's cannot be. */
must_check int gicv3_chips_init(const struct machine *m, volatile void *gicd);

/* Where registers of the SPI are to be read, or read and written; to be written only, the distributor does. */
static inline volatile void *gicv3_spi_at(u32 intid)
{
    return gicv3_chip[(intid - INTID_FIRST_SPI) / GICV3_SPIS_OF_CHIP % GICV3_CHIPS];
}

#endif
