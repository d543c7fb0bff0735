/* SPDX-License-Identifier: MIT */
#include "trap.h"
#include <stddef.h>
#include "console.h"
#include "gic.h"
#include "sysreg.h"

#define VECTOR_SYNC_EL1 4u
#define VECTOR_IRQ_EL1 5u
#define VECTOR_SYNC_EL0 8u

void (*trap_irq_hook)(uint32_t iar);

void trap_probe_begin(void)
{
    struct cpu *cpu = this_cpu();

    cpu->fault = (struct fault){ 0 };
    cpu->probing = true;
    asm volatile("" : : : "memory");
}

unsigned trap_probe_end(void)
{
    struct cpu *cpu = this_cpu();

    dsb();
    isb();
    cpu->probing = false;
    return cpu->fault.count;
}

static void record(struct cpu *cpu, const struct trap_frame *frame, unsigned vector)
{
    cpu->fault.esr = frame->esr;
    cpu->fault.far = frame->far;
    cpu->fault.elr = frame->elr;
    cpu->fault.spsr = frame->spsr;
    cpu->fault.vector = vector;
    cpu->fault.count++;
}

static void unexpected(struct cpu *cpu, struct trap_frame *frame, unsigned vector)
{
    record(cpu, frame, vector);
    cpu->crashed = true;
    if (cpu->index == 0)
        print("# exception: vector %u esr %lx far %lx elr %lx spsr %lx x30 %lx\n", vector, (unsigned long)frame->esr,
              (unsigned long)frame->far, (unsigned long)frame->elr, (unsigned long)frame->spsr,
              (unsigned long)frame->x[30]);
    if (cpu->recover)
        context_restore(cpu->recover);
    for (;;)
        wfi();
}

static void handle_irq(struct cpu *cpu)
{
    uint32_t iar = gic_ack();

    if (cpu->irq_count < IRQ_LOG)
        cpu->irq_log[cpu->irq_count] = iar;
    cpu->irq_count++;
    if (trap_irq_hook)
        trap_irq_hook(iar);
    if (IRQ_ID(iar) < 1020)
        gic_eoi(iar);
}

void trap_handle(struct trap_frame *frame, unsigned vector)
{
    struct cpu *cpu = this_cpu();

    if (vector == VECTOR_IRQ_EL1 || vector == VECTOR_IRQ_EL1 + 4) {
        handle_irq(cpu);
        return;
    }
    if (vector == VECTOR_SYNC_EL0) {
        record(cpu, frame, vector);
        frame->elr = (uintptr_t)el0_return;
        frame->spsr = 0x3c5;
        return;
    }
    if (vector != VECTOR_SYNC_EL1 || !cpu->probing)
        unexpected(cpu, frame, vector);
    record(cpu, frame, vector);
    if (ESR_EC(frame->esr) == EC_IABT || ESR_EC(frame->esr) == EC_PC_ALIGN)
        frame->elr = frame->x[30];
    else
        frame->elr += ESR_EC(frame->esr) == EC_HVC64 || ESR_EC(frame->esr) == EC_SVC64 ? 0 : 4;
}

uint64_t trap_run_insn(uint32_t insn, uint64_t arg)
{
    static uint32_t code[16] __attribute__((aligned(64)));
    uint64_t (*call)(uint64_t) = (uint64_t (*)(uint64_t))(uintptr_t)code;

    code[0] = insn;
    code[1] = 0xd65f03c0; /* ret */
    asm volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb" : : "r"(code) : "memory");
    return call(arg);
}
