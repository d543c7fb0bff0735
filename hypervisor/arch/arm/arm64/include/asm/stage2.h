/* SPDX-License-Identifier: MIT */
/* What the CPU can do in stage 2, and how it is told. */
#ifndef ASM_STAGE2_H
#define ASM_STAGE2_H

#include <argon/types.h>
#include <asm/insn.h>

static inline u64 stage2_parange(void)
{
    return sysreg_read(id_aa64mmfr0_el1) & 0xf;
}

/* Output size of the CPU, in bits, by ID_AA64MMFR0_EL1.PARange (D17.2.64). */
static inline u8 stage2_output_bits(void)
{
    static const u8 parange_bits[] = { 32, 36, 40, 42, 44, 48, 48 };
    u64 range = stage2_parange();

    return range < ARRAY_SIZE(parange_bits) ? parange_bits[range] : 48;
}

/* VTCR_EL2: T0SZ, SL0, IRGN0/ORGN0 write-back, SH0 inner, TG0 4K, PS, VS 8 bit, RES1 (D17.2.157) */
static inline u64 stage2_vtcr(u64 ipa_bits, u64 start_level)
{
    u64 sl0 = start_level == 1 ? 1 : 2;

    return (64 - ipa_bits) | sl0 << 6 | BIT(8) | BIT(10) | BIT(12) | BIT(13) | MIN(stage2_parange(), 5u) << 16 | BIT(31);
}

#endif
