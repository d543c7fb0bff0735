/* SPDX-License-Identifier: MIT */
/* What guests are told of the host's firmware: speculation workarounds (SMCCC, DEN0028 chapter 7). */
#ifndef ASM_FIRMWARE_H
#define ASM_FIRMWARE_H

#include <argon/machine.h>
#include <asm/smp.h>

/* SMCCC function `fid` with one argument, of the firmware: its x0, or NOT_SUPPORTED (-1) where there is no firmware to call. */
static inline s64 firmware_call(u32 fid, u64 arg)
{
    struct smccc_result res;

    if (!machine.psci_smc) {
        return -1;
    }
    smccc_smc(fid, arg, 0, 0, &res);
    return (s64)res.x[0];
}

#endif
