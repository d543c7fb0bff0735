/* SPDX-License-Identifier: MIT */
#include "cpu.h"
#include <stddef.h>
#include "gic.h"
#include "hypercall.h"
#include "mmu.h"
#include "sysreg.h"
#include "timer.h"
#include "trap.h"

_Static_assert(sizeof(struct cpu) == CPU_SIZE, "CPU_SIZE");
_Static_assert(offsetof(struct entry_state, sp) == ENTRY_SP, "ENTRY_SP");
_Static_assert(offsetof(struct entry_state, pstate) == ENTRY_PSTATE, "ENTRY_PSTATE");
_Static_assert(offsetof(struct entry_state, sctlr) == ENTRY_SCTLR, "ENTRY_SCTLR");
_Static_assert(offsetof(struct entry_state, ttbr0) == ENTRY_TTBR0, "ENTRY_TTBR0");
_Static_assert(offsetof(struct entry_state, ttbr1) == ENTRY_TTBR1, "ENTRY_TTBR1");
_Static_assert(offsetof(struct entry_state, tcr) == ENTRY_TCR, "ENTRY_TCR");
_Static_assert(offsetof(struct entry_state, mpidr) == ENTRY_MPIDR, "ENTRY_MPIDR");
_Static_assert(offsetof(struct entry_state, cntvct) == ENTRY_CNTVCT, "ENTRY_CNTVCT");
_Static_assert(offsetof(struct entry_state, cntpct) == ENTRY_CNTPCT, "ENTRY_CNTPCT");
_Static_assert(offsetof(struct entry_state, pc) == ENTRY_PC, "ENTRY_PC");
_Static_assert(offsetof(struct cpu, index) == CPU_INDEX, "CPU_INDEX");
_Static_assert(sizeof(struct trap_frame) == FRAME_SIZE, "FRAME_SIZE");


struct cpu cpus[MAX_CPUS];
uint8_t cpu_stacks[MAX_CPUS][CPU_STACK_SIZE] __attribute__((aligned(16)));
unsigned cpu_count;

uint64_t cpu_mpidr(unsigned index)
{
    return (uint64_t)index >> 4 << 8 | (index & 0xf);
}

struct cpu *this_cpu(void)
{
    uint64_t mpidr = sysreg_read(mpidr_el1);
    uint64_t index = (mpidr >> 8 & 0xff) * 16 + (mpidr & 0xff);

    return &cpus[index < MAX_CPUS ? index : 0];
}

void cpu_init(unsigned count)
{
    cpu_count = count < MAX_CPUS ? count : MAX_CPUS;
    for (unsigned i = 0; i < MAX_CPUS; i++)
        cpus[i].index = i;
    cpus[0].online = true;
}

static bool psci_is_off(unsigned index)
{
    return smccc_hvc(PSCI_AFFINITY_INFO, cpu_mpidr(index), 0, 0) == 1;
}

bool cpu_start(unsigned index)
{
    if (cpus[index].online)
        return true;
    if (smccc_hvc(PSCI_CPU_ON, cpu_mpidr(index), (uintptr_t)secondary_start, 0x5ec0000 + index) != 0)
        return false;
    return WAIT_FOR(cpus[index].online, patience_ms);
}

static void work_stop(uint64_t unused)
{
    (void)unused;
    this_cpu()->online = false;
    dmb();
    (void)smccc_hvc(PSCI_CPU_OFF, 0, 0, 0);
}

bool cpu_stop(unsigned index)
{
    if (!cpus[index].online)
        return true;
    cpu_run(index, work_stop, 0);
    return WAIT_FOR(psci_is_off(index), patience_ms);
}

void cpu_run(unsigned index, void (*work)(uint64_t), uint64_t arg)
{
    cpus[index].work_arg = arg;
    dmb();
    cpus[index].work = work;
    sev();
}

bool cpu_wait(unsigned index)
{
    return WAIT_FOR(!cpus[index].work, patience_ms) && !cpus[index].crashed;
}

bool cpu_call(unsigned index, void (*work)(uint64_t), uint64_t arg)
{
    cpu_run(index, work, arg);
    return cpu_wait(index);
}

void secondary_main(struct cpu *cpu)
{
    static struct context recover[MAX_CPUS];

    mmu_enable();
    gic_init_cpu();
    timer_stop();
    cpu->work = NULL;
    cpu->crashed = false;
    dmb();
    cpu->online = true;
    if (context_save(&recover[cpu->index]))
        cpu->work = NULL; /* crashed is set; the caller sees both */
    cpu->recover = &recover[cpu->index];
    for (;;) {
        void (*work)(uint64_t) = cpu->work;

        if (!work) {
            wfe();
            continue;
        }
        dmb();
        work(cpu->work_arg);
        dmb();
        cpu->work = NULL;
    }
}
