/* SPDX-License-Identifier: MIT */
/* Offsets for the assembler: compiled to assembly; the Makefile picks the markers out into <asm/offsets.h>. */
#include <argon/errno.h>
#include <argon/hypercall.h>
#include <argon/percpu.h>
#include <argon/vcpu.h>

#define OFFSET(name, type, member) __asm__ volatile("// @offset " #name " %0" : : "i"(offsetof(type, member)))

#define VALUE(name, value) __asm__ volatile("// @offset " #name " %0" : : "i"(value))

static_assert(offsetof(struct vcpu, arch.regs.x[0]) == 0, "a hypercall's argument words are at the vCPU's address");

void asm_offsets(void);
void asm_offsets(void)
{
    VALUE(ENOSYS, ENOSYS);
    VALUE(NR_HYPERCALLS, NR_HYPERCALLS);
    VALUE(ERESTART, ERESTART);
    OFFSET(VCPU_X0, struct vcpu, arch.regs.x[0]);
    OFFSET(VCPU_PC, struct vcpu, arch.regs.pc);
    OFFSET(VCPU_STACK_TOP, struct vcpu, arch.stack_top);
    OFFSET(VCPU_PENDING, struct vcpu, pending);
    OFFSET(PCPU_CURRENT, struct pcpu, current);
    OFFSET(PCPU_EXIT_ARG, struct pcpu, arch.exit_arg);
    OFFSET(PCPU_STACK_TOP, struct pcpu, arch.stack_top);
    OFFSET(PCPU_FIRMWARE_SP, struct pcpu, arch.firmware_sp);
    OFFSET(PCPU_EMERGENCY_TOP, struct pcpu, arch.emergency_stack_top);
}
