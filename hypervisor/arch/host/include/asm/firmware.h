/* SPDX-License-Identifier: MIT */
/* Unit tests: the firmware is the test's. */
#ifndef ASM_FIRMWARE_H
#define ASM_FIRMWARE_H

#include <argon/types.h>

s64 firmware_call(u32 fid, u64 arg);

#endif
