/* SPDX-License-Identifier: MIT */
/* Exceptions: probes that expect a fault, interrupts, a piece of code run at EL0. */
#ifndef RT_TRAP_H
#define RT_TRAP_H

#include <stdint.h>
#include "cpu.h"

struct trap_frame {
    uint64_t x[31];
    uint64_t elr, spsr, esr, far, pad;
};

#define ESR_EC(esr) (((esr) >> 26) & 0x3f)
#define ESR_IL(esr) (((esr) >> 25) & 1)
#define EC_UNKNOWN 0x00
#define EC_WFX 0x01
#define EC_SVC64 0x15
#define EC_HVC64 0x16
#define EC_SYSREG 0x18
#define EC_IABT_LOWER 0x20
#define EC_IABT 0x21
#define EC_PC_ALIGN 0x22
#define EC_DABT_LOWER 0x24
#define EC_DABT 0x25
#define FSC(esr) ((esr) & 0x3f)
#define FSC_EXTERNAL 0x10
#define FSC_ALIGNMENT 0x21

/*
 * Between begin and end, a synchronous exception is recorded and skips the instruction (an instruction abort returns to
 * the caller of call_address()). end returns the number taken; the last one is in this_cpu()->fault.
 */
void trap_probe_begin(void);
unsigned trap_probe_end(void);

/* Run one asm statement under a probe: number of exceptions it took. */
#define PROBE(...) ({ trap_probe_begin(); asm volatile(__VA_ARGS__); trap_probe_end(); })
#define PROBE_CALL(expr) ({ trap_probe_begin(); (void)(expr); trap_probe_end(); })

void call_address(uint64_t address);

/* Run one instruction word (and a return) from a scratch page with x0 = arg: x0 afterwards. */
uint64_t trap_run_insn(uint32_t insn, uint64_t arg);

uint64_t el0_enter(uint64_t pc, uint64_t arg, uint64_t sp);
void el0_return(void);

/* Called for each interrupt taken by the IRQ vector, between acknowledge and end. */
extern void (*trap_irq_hook)(uint32_t iar);
void trap_handle(struct trap_frame *frame, unsigned vector);

#endif
