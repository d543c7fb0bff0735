/* SPDX-License-Identifier: MIT */
/* The host's firmware, and what guests are told of it (SMCCC, DEN0028 chapter 7). */
#ifndef ASM_FIRMWARE_H
#define ASM_FIRMWARE_H

#include <argon/machine.h>
#include <asm/smp.h>

#define FID_ARCH_FEATURES 0x80000001u    /* 7.3 */
#define FID_SOC_ID        0x80000002u    /* 7.4 */
#define FID_WORKAROUND_1  0x80008000u    /* 7.5 */
#define FID_WORKAROUND_2  0x80007fffu    /* 7.6 */
#define FID_WORKAROUND_3  0x80003fffu    /* 7.7 */

struct vcpu;

extern u32 firmware_smccc;                /* major 31:16, minor 15:0; 0: no firmware that can be called. Constant after boot */

/* Boot: which PSCI and which SMCCC there is, asked of the firmware where it can be called: machine.psci_version. */
void firmware_boot_init(void);

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

/* SMCCC_ARCH_FEATURES of this CPU's firmware; -1 also where it is too old to be asked. */
s32 firmware_arch_features(u32 fid);

/* ---- arch/arm/arm64/spectre.c ---- */
/* SMCCC_ARCH_FEATURES(FID_WORKAROUND_n) for guests: one answer for all CPUs, as a vCPU may move; what any CPU needs counts. */
s32 firmware_guest_workaround(u32 fid);
/* v, current, calls FID_WORKAROUND_n. */
s64 firmware_guest_workaround_call(struct vcpu *v, u32 fid, u64 arg);

#endif
