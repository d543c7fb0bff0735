/* SPDX-License-Identifier: MIT */
/* Register state of a guest: what the vectors save on every exit, and what moves only when the vCPU changes. */
#ifndef ASM_DOMAIN_H
#define ASM_DOMAIN_H

#include <argon/spinlock.h>
#include <argon/pgtable.h>
#include <vdev/mmio.h>
#include <vdev/vgic_state.h>
#include <vdev/vtimer_state.h>

/* Saved and restored by the vectors, which say when (entry.S): offsets are known to it through asm-offsets. */
struct cpu_regs {
    u64 x[31];
    u64 pc;                      /* ELR_EL2: here when the vCPU is not current, and in exit_work() */
    u64 pstate;                  /* SPSR_EL2: likewise */
    u64 esr;                     /* ESR_EL2: of a fault of the hypervisor only */
};

#define PSTATE_I BIT(7)          /* interrupts masked; the same bit in AArch32 */
/* Has v, current, interrupts masked? */
#define guest_irqs_masked(v) ((void)(v), (sysreg_read(spsr_el2) & PSTATE_I) != 0)

/* EL1 and EL0 state: moved by arch_context_switch() only. */
struct el1_state {
    u64 cntkctl;
    u64 sp_el0, sp_el1, elr_el1, spsr_el1;
    u64 sctlr, tcr, cpacr, ttbr0, ttbr1, mair, amair, vbar;
    u64 esr, far, afsr0, afsr1, par, contextidr;
    u64 tpidr_el0, tpidrro_el0, tpidr_el1, csselr;
    u64 dacr32, ifsr32, spsr_fiq, spsr_irq, spsr_und, spsr_abt;
};

/* fp.S knows the places. */
struct fp_state {
    u32 fpcr, fpsr;
    aligned_to(16) u8 v[32][16];
};
static_assert(offsetof(struct fp_state, v) == 16, "fp.S");

struct arch_vcpu {
    struct cpu_regs regs;        /* first */
    void *stack_top;             /* of the CPU that has loaded its registers: where its exits run */
    u64 hcr;                     /* HCR_EL2 while this vCPU runs */
    u64 vmpidr;                  /* VMPIDR_EL2: what the guest reads as MPIDR_EL1 */
    u32 loaded_on;               /* CPU + 1 whose EL1 and FP registers are el1 and fp below, if it has not loaded others since; 0: none */
    bool bypass;                 /* speculative store bypass: as the guest has asked by SMCCC_ARCH_WORKAROUND_2; off at reset */
    u64 flush_gfn;               /* where cleaning of its domain's memory goes on (setway.c) */
    struct el1_state el1;
    struct fp_state fp;
    struct vtimer_vcpu vtimer;
    struct vgic_vcpu vgic;
};

struct arch_domain {
    struct pgtable p2m;          /* stage 2; changes under p2m_lock */
    u64 vttbr;                   /* VTTBR_EL2: root and VMID */
    u64 vcounter_offset;         /* CNTVOFF, ticks: host counter at creation */
    u16 vmid;
    u16 last_vcpu[NR_CPUS];      /* by CPU: 1 + id of the vCPU whose registers it loaded last; that CPU only */
    struct spinlock p2m_lock;    /* RANK_P2M: tables and their quota */
    u64 p2m_max_gfn;
    unsigned int teardown_cursor;/* progress of a preemptible teardown */
    struct mmio_table mmio;
    u32 event_ppi;               /* event-channel interrupt the guest was told */
    struct vgic_domain vgic;
};

#endif
