/* SPDX-License-Identifier: MIT */
/* For tests that include a GIC driver: bits of register arrays that it writes and reads, among the instructions. */
#ifndef GIC_BITS_H
#define GIC_BITS_H

#include <asm/insn.h>

#define gic_write_bit write_bit_unseen
#define gic_read_bit read_bit_unseen
#include "../../../../hypervisor/drivers/irqchip/gic.h"
#undef gic_write_bit
#undef gic_read_bit

static void gic_write_bit(volatile void *base, u32 array, u32 intid)
{
    insn_other("write bit", array);
    write_bit_unseen(base, array, intid);
}

static bool gic_read_bit(volatile void *base, u32 array, u32 intid)
{
    insn_other("read bit", array);
    return read_bit_unseen(base, array, intid);
}

#endif
