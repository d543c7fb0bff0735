/* SPDX-License-Identifier: MIT */
/*
 * Register access for UART drivers. Device-nGnRE memory: accesses by one CPU to one device stay in program order (Arm
 * ARM B2.7.2).
 */
#ifndef UART_IO_H
#define UART_IO_H

#include <argon/types.h>

static inline u32 uart_read32(volatile void *regs, u32 offset)
{
    return *(volatile u32 *)((volatile u8 *)regs + offset);
}

static inline void uart_write32(volatile void *regs, u32 offset, u32 v)
{
    *(volatile u32 *)((volatile u8 *)regs + offset) = v;
}

static inline u8 uart_read8(volatile void *regs, u32 offset)
{
    return *((volatile u8 *)regs + offset);
}

static inline void uart_write8(volatile void *regs, u32 offset, u8 v)
{
    *((volatile u8 *)regs + offset) = v;
}

#endif
