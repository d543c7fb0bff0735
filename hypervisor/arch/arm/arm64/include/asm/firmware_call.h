/* SPDX-License-Identifier: MIT */
/* UEFI's firmware at EL2: its translation and its stack (arch_firmware_call()). */
#ifndef ASM_FIRMWARE_CALL_H
#define ASM_FIRMWARE_CALL_H

#include <argon/types.h>

/* Boot, once there is an allocator and firmware's ranges are in its map: make what a call needs. -ENOMEM. */
must_check int firmware_call_init(void);
/*
 * firmware_enter.S: call fn with args[5] on that stack. 0: it has returned, with x0 in *status; 1: it took an exception, which ESR_EL2,
 * ELR_EL2 and FAR_EL2 tell of. Interrupts are masked then as before.
 */
u64 firmware_enter(u64 fn, const u64 *args, u64 stack_top, u64 *status);

#endif
