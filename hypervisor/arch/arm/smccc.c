/* SPDX-License-Identifier: MIT */
/* What the firmware is: asked of itself, since device trees say less than it can (PSCI: DEN0022, SMCCC: DEN0028). */
#include <argon/console.h>
#include <argon/machine.h>
#include <asm/firmware.h>

#define PSCI_VERSION   0x84000000u       /* DEN0022 5.1.1, from 0.2 on */
#define PSCI_FEATURES  0x8400000au       /* 5.1.15, from 1.0 on */
#define SMCCC_VERSION  0x80000000u       /* DEN0028 7.2 */

u32 firmware_smccc ro_after_boot;

boot_code void firmware_boot_init(void)
{
    s32 version;

    if (machine.psci_version < 2 || !machine.psci_smc) {
        return;                          /* 0.1, or no firmware that can be called: its ids are in the tree, and nothing can be asked */
    }
    version = (s32)firmware_call(PSCI_VERSION, 0);
    if (version > 0) {
        machine.psci_version = (u32)version;
    }
    firmware_smccc = 0x10000;
    /* What is older than PSCI 1.0 may not survive an unknown function. */
    if (machine.psci_version >= 0x10000 && (s32)firmware_call(PSCI_FEATURES, SMCCC_VERSION) >= 0) {
        version = (s32)firmware_call(SMCCC_VERSION, 0);
        firmware_smccc = version > 0 ? (u32)version : 0x10000;
    }
    if (firmware_arch_features(FID_SOC_ID) >= 0) {
        version = (s32)firmware_call(FID_SOC_ID, 0);
        machine.soc_id = version > 0 ? (u32)version : 0;
    }
    log_info("Firmware: PSCI %u.%u, SMCCC %u.%u", machine.psci_version >> 16, machine.psci_version & 0xffff, firmware_smccc >> 16,
             firmware_smccc & 0xffff);
}

s32 firmware_arch_features(u32 fid)
{
    return firmware_smccc >= 0x10001 ? (s32)firmware_call(FID_ARCH_FEATURES, fid) : -1;
}
