/* SPDX-License-Identifier: MIT */
/* Unit tests: the firmware is the test's. */
#ifndef ASM_FIRMWARE_H
#define ASM_FIRMWARE_H

#include <argon/types.h>

#define FID_ARCH_FEATURES 0x80000001u
#define FID_SOC_ID        0x80000002u
#define FID_WORKAROUND_1  0x80008000u
#define FID_WORKAROUND_2  0x80007fffu
#define FID_WORKAROUND_3  0x80003fffu

struct vcpu;

extern u32 firmware_smccc;
void firmware_boot_init(void);

s64 firmware_call(u32 fid, u64 arg);
s32 firmware_arch_features(u32 fid);
s32 firmware_guest_workaround(u32 fid);
s64 firmware_guest_workaround_call(struct vcpu *v, u32 fid, u64 arg);

#endif
