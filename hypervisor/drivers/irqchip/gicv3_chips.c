/* SPDX-License-Identifier: MIT */
/*
 * Where an SPI's registers in the distributor are read. NVIDIA T241, erratum T241-FABRIC-4: with more than two chips,
 * reads of GICD_I<name><n> that one chip's GIC sends to another's, and what else takes several transfers there (64-bit
 * writes but for GICD_IROUTER, the ITS' MOVALL, GICv4), may be mixed up with others' on the way, and spoil the state of
 * the GIC. Each chip shows its own SPIs' registers at an address of its own. MOVALL and GICv4 are not used at all.
 */
#include "gicv3_chips.h"

#include <argon/arch.h>
#include <argon/console.h>

#define SOC_T241       0x036b0241u
#define T241_CHIP(pa)  ((pa) >> 44 & 3)
#define T241_ALIAS     UINT64_C(0x1580000)       /* of the distributor, from the distributor */
#define T241_FRAME     UINT64_C(0x10000)

volatile void *gicv3_chip[GICV3_CHIPS] ro_after_boot;

static boot_code u32 chips_of(const struct machine *m)
{
    u32 chips = 0;

    for (u32 i = 0; i < MIN(m->gic.nr_redist, (u32)MACHINE_MAX_REDIST); i++) {
        chips |= BIT32(T241_CHIP(m->gic.redist[i].start));
    }
    return chips;
}

boot_code int gicv3_chips_init(const struct machine *m, volatile void *gicd)
{
    u32 chips = m->soc_id == SOC_T241 ? chips_of(m) : 0;
    u32 but_one = chips & (chips - 1), but_two = but_one & (but_one - 1);

    for (u32 i = 0; i < GICV3_CHIPS; i++) {
        gicv3_chip[i] = gicd;
    }
    if (but_two == 0) {
        return 0;
    }
    log_info("GICv3: T241-FABRIC-4: an SPI's registers are read from its own chip");
    /* The fourth one's are extended SPIs, which are not used. */
    for (u32 i = 0; i < GICV3_CHIPS - 1; i++) {
        if (chips & BIT32(i)) {
            gicv3_chip[i] = arch_ioremap((m->gic.gicd + T241_ALIAS) | (u64)i << 44, T241_FRAME);
            if (gicv3_chip[i] == NULL) {
                return -ENODEV;
            }
        }
    }
    return 0;
}
